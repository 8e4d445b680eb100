//! Whether a description holds together: everything that is wrong with it at once, each with its place.

use super::{Controller, Description, Lookup, Relation, Selection};
use crate::{field_selector::FieldSelector, name::Kind};
use std::{collections::BTreeSet, sync::Arc};

/// Controllers of one module.
const CONTROLLERS_MAX: usize = 64;
/// Watches of one controller, predicates of one watch, namespaces of one selection, indexes.
const ENTRIES_MAX: usize = 256;
/// Permissions, definitions, finalizers.
const ASKS_MAX: usize = 1_024;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 63;

/// One thing that is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// There is nothing to run.
    #[error("the module describes no controller; describe at least one, with the kind it reconciles")]
    NoController,
    /// A name is none.
    #[error(
        "{place}: `{name}` is no name; use 1 to 63 lower-case letters, digits and dashes, a letter first"
    )]
    Name {
        /// Where.
        place: String,
        /// What stood there.
        name: String,
    },
    /// A name stands twice.
    #[error("{place}: the name `{name}` stands twice; give each its own")]
    Twice {
        /// Where.
        place: String,
        /// Which name.
        name: Arc<str>,
    },
    /// A kind is none.
    #[error("{place}: `{kind}` is no kind; write it like `apps/v1` and `Deployment`")]
    Kind {
        /// Where.
        place: String,
        /// What stood there.
        kind: Kind,
    },
    /// Too many of something.
    #[error("{place}: {count} {what} are more than the {max} that are allowed")]
    TooMany {
        /// Where.
        place: String,
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A selection that selects nothing that can be.
    #[error("{place}: {reason}")]
    Selection {
        /// Where.
        place: String,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// A permission that permits nothing.
    #[error(
        "permission {at}: no {what} is named; name at least one (`\"\"` is the core group), or leave it out"
    )]
    Permission {
        /// Which, counted from 0.
        at: usize,
        /// `group`, `resource` or `verb`.
        what: &'static str,
    },
}

impl Description {
    /// Checks what the types do not: names are unique and well formed, kinds are kinds, nothing is without bound.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the description.
    pub fn validate(&self) -> Result<(), Vec<DescriptionError>> {
        let mut found = Vec::new();
        if self.controllers.is_empty() {
            found.push(DescriptionError::NoController);
        }
        let module = || "module".to_owned();
        bounded(&mut found, module(), "controllers", self.controllers.len(), CONTROLLERS_MAX);
        bounded(&mut found, module(), "indexes", self.indexes.len(), ENTRIES_MAX);
        bounded(&mut found, module(), "permissions", self.permissions.len(), ASKS_MAX);
        bounded(&mut found, module(), "definitions", self.definitions.len(), ASKS_MAX);
        bounded(&mut found, module(), "finalizers", self.finalizers.len(), ASKS_MAX);
        named(&mut found, "controller", self.controllers.iter().map(|controller| &controller.name));
        self.controllers.iter().for_each(|controller| check_controller(&mut found, controller));
        named(&mut found, "index", self.indexes.iter().map(|index| &index.name));
        for index in &self.indexes {
            kind(&mut found, || format!("index {}", short(&index.name)), &index.kind);
        }
        for (at, permission) in self.permissions.iter().enumerate() {
            let lists = [
                ("group", &permission.api_groups),
                ("resource", &permission.resources),
                ("verb", &permission.verbs),
            ];
            let empty = lists.into_iter().filter(|(_, list)| list.is_empty());
            found.extend(empty.map(|(what, _)| DescriptionError::Permission { at, what }));
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

type Errors = Vec<DescriptionError>;

fn check_controller(found: &mut Errors, controller: &Controller) {
    let place = || format!("controller {}", short(&controller.name));
    kind(found, place, &controller.reconciles);
    selection(found, &place(), &controller.selection);
    bounded(found, place(), "watches", controller.watches.len(), ENTRIES_MAX);
    bounded(found, place(), "predicates", controller.predicates.len(), ENTRIES_MAX);
    named(found, &format!("{}, watch", place()), controller.watches.iter().map(|watch| &watch.name));
    for watch in &controller.watches {
        let place = || format!("controller {}, watch {}", short(&controller.name), short(&watch.name));
        kind(found, place, &watch.kind);
        selection(found, &place(), &watch.selection);
        bounded(found, place(), "predicates", watch.predicates.len(), ENTRIES_MAX);
        if let Relation::Labelled(lookup) | Relation::Annotated(lookup) = &watch.relation
            && !well_keyed(lookup)
        {
            let reason = "the relation names an empty key; name the label or annotation to look at";
            found.push(DescriptionError::Selection { place: place(), reason: reason.to_owned() });
        }
    }
}

fn well_keyed(lookup: &Lookup<Box<str>>) -> bool {
    !lookup.name.is_empty() && lookup.namespace.as_ref().is_none_or(|key| !key.is_empty())
}

fn selection(found: &mut Errors, place: &str, selection: &Selection) {
    bounded(found, place.to_owned(), "namespaces", selection.namespaces.len(), ENTRIES_MAX);
    let mut wrong = |reason: String| {
        found.push(DescriptionError::Selection { place: place.to_owned(), reason });
    };
    for namespace in selection.namespaces.iter().filter(|namespace| !is_name(namespace)) {
        wrong(format!("`{}` is no namespace", short(namespace)));
    }
    if let Some(Err(error)) = selection.fields.as_ref().map(|fields| FieldSelector::parse(fields)) {
        wrong(error.to_string());
    }
}

fn kind(found: &mut Errors, place: impl FnOnce() -> String, kind: &Kind) {
    let word = |text: &str| text.len() <= 63 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let group = |text: &str| text.len() <= 253 && text.split('.').all(is_name_part);
    let version = kind.version();
    let well_formed = kind.kind.starts_with(|c: char| c.is_ascii_uppercase())
        && word(&kind.kind)
        && version.starts_with('v')
        && word(version)
        && (!kind.api_version.contains('/') || group(kind.group()));
    if !well_formed {
        let kind = Kind::new(&short(&kind.api_version), &short(&kind.kind));
        found.push(DescriptionError::Kind { place: place(), kind });
    }
}

fn named<'n>(found: &mut Errors, place: &str, names: impl Iterator<Item = &'n Arc<str>>) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !is_name(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            found.push(DescriptionError::Name { place: place.to_owned(), name: short(name) });
        } else if !seen.insert(name) {
            found.push(DescriptionError::Twice { place: place.to_owned(), name: name.clone() });
        }
    }
}

fn bounded(found: &mut Errors, place: String, what: &'static str, count: usize, max: usize) {
    if count > max {
        found.push(DescriptionError::TooMany { place, what, count, max });
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX && is_name_part(text)
}

fn is_name_part(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Text of a guest as a message may show it.
fn short(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Index, Permission, Watch};

    fn controller(name: &str, api_version: &str, kind: &str) -> Controller {
        Controller {
            name: name.into(),
            reconciles: Kind::new(api_version, kind),
            selection: Selection::default(),
            predicates: Vec::new(),
            watches: Vec::new(),
        }
    }

    fn check(controllers: Vec<Controller>, want: &[&str]) {
        let description = Description { controllers, ..Description::default() };
        let found = description.validate().err().unwrap_or_default();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
    }

    #[test]
    fn everything_wrong_is_told_with_its_place() {
        check(vec![controller("web", "example.com/v1alpha1", "Website")], &[]);
        check(vec![controller("web", "v1", "ConfigMap")], &[]);
        check(
            Vec::new(),
            &["the module describes no controller; describe at least one, with the kind it reconciles"],
        );
        check(
            vec![controller("web", "v1", "Pod"), controller("web", "apps/", "deployment")],
            &[
                "controller: the name `web` stands twice; give each its own",
                "controller web: `apps/ deployment` is no kind; write it like `apps/v1` and `Deployment`",
            ],
        );
        let mut odd = controller("Web\n", "/v1", "Pod");
        odd.selection.namespaces = vec!["A".into()];
        odd.selection.fields = Some("name".into());
        check(
            vec![odd],
            &[
                "controller: `Web\\n` is no name; use 1 to 63 lower-case letters, digits and dashes, a letter first",
                "controller Web\\n: `/v1 Pod` is no kind; write it like `apps/v1` and `Deployment`",
                "controller Web\\n: `A` is no namespace",
                "controller Web\\n: `name` is no field selector: `name` is not `field=value` or `field!=value`; write it like `metadata.name=web`",
            ],
        );
    }

    #[test]
    fn watches_indexes_and_permissions_are_checked_too() {
        let watch = Watch {
            name: "owned".into(),
            kind: Kind::new("v1", "ConfigMap"),
            selection: Selection::default(),
            relation: Relation::Labelled(Lookup { name: "".into(), namespace: None }),
            predicates: Vec::new(),
            metadata_only: false,
        };
        let mut one = controller("web", "v1", "Pod");
        one.watches = vec![watch.clone(), watch];
        let description = Description {
            controllers: vec![one],
            indexes: vec![Index {
                name: "i".into(),
                kind: Kind::new("v1", ""),
                field: crate::field_path::FieldPath::parse(".a").expect("it is one"),
            }],
            permissions: vec![Permission::default()],
            ..Description::default()
        };
        let found = description.validate().err().unwrap_or_default();
        assert_eq!(found.len(), 7, "{found:?}");
    }

    #[test]
    fn nothing_is_without_bound() {
        let many = (0..65).map(|n| controller(&format!("c{n}"), "v1", "Pod")).collect();
        check(many, &["module: 65 controllers are more than the 64 that are allowed"]);
    }
}
