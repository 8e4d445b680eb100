//! What bodies say of marks.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::{
    description::Permission,
    grant::{Anywhere, Grant, Rule},
};

/// What a patch does to the finalizers: `+a -b`, `=a,b`, or why that cannot be told.
fn told(patch_type: PatchType, body: &str) -> String {
    match Marks::of_patch(patch_type, body) {
        Err(error) => error.to_string(),
        Ok(Marks { managed_fields: true, .. }) => "managed".to_owned(),
        Ok(marks) => match marks.finalizers {
            Edit::None => String::new(),
            Edit::Becomes(list) => format!("={}", list.join(",")),
            Edit::By { added, removed } => {
                let added = added.iter().map(|one| format!("+{one}"));
                added.chain(removed.iter().map(|one| format!("-{one}"))).collect::<Vec<_>>().join(" ")
            }
        },
    }
}

#[test]
fn what_a_patch_does_to_finalizers_is_told_by_its_kind() {
    use PatchType::{Apply, Json, Merge, Strategic};
    for (patch_type, body, want) in [
        (Apply, r#"{"metadata":{"finalizers":["a"]}}"#, "+a"),
        (Apply, r#"{"spec":{"finalizers":["a"]}}"#, ""),
        (Apply, r#"{"meta\u0064ata":{"finali\u007aers":["a"]}}"#, "+a"),
        (Merge, r#"{"metadata":{"finalizers":["a"]}}"#, "=a"),
        (Merge, r#"{"metadata":{"finalizers":null}}"#, "="),
        (Merge, r#"{"metadata":{"labels":{}}}"#, ""),
        (Strategic, r#"{"metadata":{"finalizers":["a"]}}"#, "+a"),
        (Strategic, r#"{"metadata":{"finalizers":null}}"#, "="),
        (
            Strategic,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["b"],"finalizers":["a"]}}"#,
            "+a -b",
        ),
        (Json, r#"[{"op":"add","path":"/metadata/finalizers/-","value":"a"}]"#, "+a"),
        (Json, r#"[{"op":"add","path":"x/metadata/finalizers/-","value":"a"}]"#, "+a"),
        (
            Json,
            r#"[{"op":"test","path":"/metadata/finalizers","value":null},{"op":"add","path":"/metadata/finalizers","value":["a"]}]"#,
            "+a",
        ),
        (
            Json,
            r#"[{"op":"test","path":"/metadata/finalizers/1","value":"b"},{"op":"remove","path":"/metadata/finalizers/1"}]"#,
            "-b",
        ),
        (Json, r#"[{"op":"replace","path":"/spec/replicas","value":1}]"#, ""),
        (Json, r#"[{"op":"add","path":"/metadata/managedFields/0","value":{}}]"#, "managed"),
        (Merge, r#"{"metadata":{"managedFields":null}}"#, "managed"),
        (Apply, r#"{"metadata":{"managedFields":[]}}"#, "managed"),
    ] {
        assert_eq!(told(patch_type, body), want, "{body}");
    }
}

#[test]
fn a_patch_whose_marks_depend_on_what_the_server_has_is_not_sent() {
    use PatchType::{Apply, Json, Strategic};
    for (patch_type, body, said) in [
        (Json, r#"[{"op":"remove","path":"/metadata/finalizers/0"}]"#, "has a `test`"),
        (Json, r#"[{"op":"remove","path":"/metadata/finalizers"}]"#, "has a `test`"),
        (Json, r#"[{"op":"replace","path":"/metadata/finalizers","value":[]}]"#, "has a `test`"),
        (Json, r#"[{"op":"add","path":"/metadata/finalizers","value":[]}]"#, "has a `test`"),
        (
            Json,
            r#"[{"op":"test","path":"/metadata/finalizers/0","value":"a"},{"op":"add","path":"/metadata/finalizers/0","value":"a"},{"op":"remove","path":"/metadata/finalizers/0"}]"#,
            "has a `test`",
        ),
        (
            Json,
            r#"[{"op":"test","path":"/metadata/finalizers/1","value":"a"},{"op":"remove","path":"/metadata/finalizers/0"}]"#,
            "has a `test`",
        ),
        (Json, r#"[{"op":"replace","path":"/metadata","value":{}}]"#, "as a whole"),
        (Json, r#"[{"op":"replace","path":"","value":{}}]"#, "as a whole"),
        (Json, r#"[{"op":"move","from":"/metadata/finalizers","path":"/spec/x"}]"#, "neither moved"),
        (Json, r#"[{"op":"copy","from":"/spec/x","path":"/metadata/finalizers"}]"#, "neither moved"),
        (
            Json,
            r#"[{"op":"add","path":"/metadata/ownerReferences/0/blockOwnerDeletion","value":true}]"#,
            "as a whole",
        ),
        (Json, r#"[{"op":"test","op":"remove","path":"/metadata/finalizers/0"}]"#, "no such object"),
        (Strategic, r#"{"metadata":{"$patch":"replace"}}"#, "`$patch`"),
        (Strategic, r#"{"$patch":"replace","metadata":{}}"#, "`$patch`"),
        (Apply, r#"{"metadata":{"finalizers":["a"]},"metadata":{}}"#, "no such object"),
        (Apply, "kind: ConfigMap", "no such object"),
    ] {
        let found = told(patch_type, body);
        assert!(found.contains(said), "{body}: {found}");
    }
}

#[test]
fn a_list_that_is_replaced_touches_what_comes_and_what_goes() {
    let marks = Marks::of_object(r#"{"metadata":{"finalizers":["a","b"]}}"#).unwrap();
    assert_eq!(marks.finalizers_touched(&["b".to_owned(), "c".to_owned()]), ["a", "c"]);
    let none = Marks::of_object("{}").unwrap();
    assert_eq!(none.finalizers_touched(&["c".to_owned()]), ["c"], "what an update leaves out is gone");
}

#[test]
fn owner_references_change_if_any_is_another() {
    let body = |uid: &str| {
        format!(
            r#"{{"metadata":{{"ownerReferences":[{{"apiVersion":"v1","kind":"A","name":"a","uid":"{uid}"}}]}}}}"#
        )
    };
    let one = Marks::of_object(&body("1")).unwrap();
    assert!(!one.owners_change(one.owners_set()));
    assert!(one.owners_change(&[]));
    let other = Marks::of_patch(PatchType::Apply, &body("2")).unwrap();
    assert!(other.owners_change(one.owners_set()));
    let both = [one.owners_set(), other.owners_set()].concat();
    assert!(!other.owners_change(&both), "an apply adds to what others have");
    let deleted = r#"{"metadata":{"ownerReferences":[{"$patch":"delete","uid":"1"}]}}"#;
    assert!(Marks::of_patch(PatchType::Strategic, deleted).unwrap().owners_change(&both));
}

#[test]
fn a_finalizer_takes_a_rule_that_names_its_domain_and_finalizers() {
    let grant = |group: &str, resource: &str, verb: &str, scope| {
        let own = |text: &str| vec![text.to_owned()];
        let permission = Permission {
            api_groups: own(group),
            resources: own(resource),
            resource_names: Vec::new(),
            verbs: own(verb),
        };
        Grant { rules: vec![Rule { permission, scope }] }
    };
    let here = || Scope::Namespaces(vec!["n".into()]);
    for (grant, finalizer, namespace, want) in [
        (grant("example.com", "sites/finalizers", "update", here()), "example.com/hold", Some("n"), true),
        (grant("example.com", "*/finalizers", "*", here()), "sites.example.com/hold", Some("n"), true),
        (grant("example.com", "sites/finalizers", "update", here()), "example.com/hold", Some("m"), false),
        (grant("example.com", "sites/finalizers", "update", here()), "example.com/hold", None, false),
        (grant("example.com", "sites/finalizers", "update", Scope::Cluster), "example.com/hold", None, true),
        (grant("example.com", "sites/finalizers", "patch", here()), "example.com/hold", Some("n"), false),
        (grant("example.com", "sites", "update", here()), "example.com/hold", Some("n"), false),
        (grant("example.com", "*", "*", here()), "example.com/hold", Some("n"), false),
        (grant("*", "sites/finalizers", "*", here()), "example.com/hold", Some("n"), false),
        (grant("", "pods/finalizers", "*", here()), "kubernetes.io/pvc-protection", Some("n"), false),
        (grant("ample.com", "sites/finalizers", "*", here()), "example.com/hold", Some("n"), false),
        (grant("example.com", "sites/finalizers", "*", here()), "foregroundDeletion", Some("n"), false),
    ] {
        let found = grant.among(&Anywhere).may_finalize(finalizer, namespace);
        assert_eq!(found, want, "{} and {finalizer} in {namespace:?}", grant.rules[0]);
    }
}
