//! Accepting a definition's names: each name belongs to one resource of its group.

use serde_json::{Value, json};

use super::{set_condition, text, texts};
use crate::object;

/// The definition with its names accepted or refused; `others` are all other definitions.
pub(crate) fn establish(crd: &Value, others: &[Value]) -> Value {
    let mut next = crd.clone();
    let conflict = conflict(crd, others);
    match &conflict {
        Some((reason, message)) => set_condition(&mut next, "NamesAccepted", "False", reason, message),
        None => {
            let message = "no conflicts found";
            set_condition(&mut next, "NamesAccepted", "True", "NoConflicts", message);
            next["status"]["acceptedNames"] = accepted(crd);
        }
    }
    let established = super::is_true(crd, "Established");
    if conflict.is_none() && !established {
        let message = "the initial names have been accepted";
        set_condition(&mut next, "Established", "True", "InitialNamesAccepted", message);
    } else if conflict.is_some() && !established {
        let message = "not all names are accepted";
        set_condition(&mut next, "Established", "False", "NotAccepted", message);
    }
    next
}

fn accepted(crd: &Value) -> Value {
    object::at(crd, "spec.names").cloned().unwrap_or_else(|| json!({"plural": "", "kind": ""}))
}

/// The first name that another definition of the group holds, as reason and message.
fn conflict(crd: &Value, others: &[Value]) -> Option<(&'static str, String)> {
    let group = text(crd, "spec.group");
    let mut resources: Vec<String> = Vec::new();
    let mut kinds: Vec<String> = Vec::new();
    let same_group = others
        .iter()
        .filter(|other| text(other, "spec.group") == group && object::name(other) != object::name(crd));
    for other in same_group {
        for field in ["plural", "singular"] {
            resources.push(text(other, &format!("status.acceptedNames.{field}")).to_owned());
        }
        resources.extend(texts(other, "status.acceptedNames.shortNames").iter().map(ToString::to_string));
        for field in ["kind", "listKind"] {
            kinds.push(text(other, &format!("status.acceptedNames.{field}")).to_owned());
        }
    }
    let taken = |held: &[String], name: &str| !name.is_empty() && held.iter().any(|other| other == name);
    let in_use = |name: &str| format!("\"{name}\" is already in use");
    for (field, reason) in [("plural", "PluralConflict"), ("singular", "SingularConflict")] {
        let name = text(crd, &format!("spec.names.{field}"));
        if taken(&resources, name) {
            return Some((reason, in_use(name)));
        }
    }
    for name in texts(crd, "spec.names.shortNames") {
        if taken(&resources, &name) {
            return Some(("ShortNamesConflict", in_use(&name)));
        }
    }
    for (field, reason) in [("kind", "KindConflict"), ("listKind", "ListKindConflict")] {
        let name = text(crd, &format!("spec.names.{field}"));
        if taken(&kinds, name) {
            return Some((reason, in_use(name)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crd(plural: &str, kind: &str) -> Value {
        json!({
            "metadata": {"name": format!("{plural}.x.example.com")},
            "spec": {
                "group": "x.example.com",
                "names": {"plural": plural, "singular": plural, "kind": kind, "listKind": format!("{kind}List")},
            },
        })
    }

    #[test]
    fn the_second_definition_of_a_kind_is_not_accepted() {
        let first = establish(&crd("foos", "Foo"), &[]);
        assert!(super::super::is_true(&first, "Established"), "{first}");
        assert_eq!(text(&first, "status.acceptedNames.plural"), "foos");
        let second = establish(&crd("foo2s", "Foo"), std::slice::from_ref(&first));
        let condition = super::super::condition(&second, "NamesAccepted").cloned().unwrap_or_default();
        assert_eq!(text(&condition, "reason"), "KindConflict");
        assert_eq!(text(&condition, "message"), "\"Foo\" is already in use");
        assert!(!super::super::is_true(&second, "Established"));
    }
}
