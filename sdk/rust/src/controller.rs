//! What a controller reconciles and watches, in builder form. `#[windlass::controller]` writes these calls.

use crate::{Controller, Index, Kind, Lookup, Permission, Predicate, Relation, Selection, Watch};

impl Controller {
    /// A controller called `name` for objects of this kind.
    #[must_use]
    pub fn new(name: impl Into<String>, reconciles: impl Into<Kind>) -> Self {
        Self {
            name: name.into(),
            reconciles: reconciles.into(),
            selection: Selection::default(),
            predicates: Vec::new(),
            watches: Vec::new(),
        }
    }

    /// Only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.selection.label_selector = Some(selector.into());
        self
    }

    /// Only objects with these fields, as far as the server supports them.
    #[must_use]
    pub fn fields(mut self, selector: &str) -> Self {
        self.selection.field_selector = Some(selector.into());
        self
    }

    /// Only objects of these namespaces.
    #[must_use]
    pub fn namespaces(mut self, namespaces: &[&str]) -> Self {
        self.selection.namespaces = namespaces.iter().map(|name| (*name).into()).collect();
        self
    }

    /// Only changes that touch one of these: see [`Predicate::parse`].
    #[must_use]
    pub fn on(mut self, predicates: &[&str]) -> Self {
        self.predicates = predicates.iter().map(|text| Predicate::parse(text)).collect();
        self
    }

    /// Also runs when objects of this kind change that an object of ours manages.
    #[must_use]
    pub fn owns(self, kind: impl Into<Kind>) -> Self {
        self.watches(Watch::new(kind, Relation::Controlled))
    }

    /// Also runs when objects of another kind change.
    #[must_use]
    pub fn watches(mut self, watch: Watch) -> Self {
        self.watches.push(watch);
        self
    }
}

impl Watch {
    /// A watch of every object of a kind. Its name is the kind's until [`named`](Self::named).
    #[must_use]
    pub fn new(kind: impl Into<Kind>, relation: Relation) -> Self {
        let kind = kind.into();
        Self {
            name: kind.kind.to_ascii_lowercase(),
            kind,
            selection: Selection::default(),
            relation,
            predicates: Vec::new(),
            metadata_only: false,
        }
    }

    /// Another name than the kind's; a controller that watches a kind twice needs one.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.selection.label_selector = Some(selector.into());
        self
    }

    /// Only objects of these namespaces.
    #[must_use]
    pub fn namespaces(mut self, namespaces: &[&str]) -> Self {
        self.selection.namespaces = namespaces.iter().map(|name| (*name).into()).collect();
        self
    }

    /// Only changes that touch one of these: see [`Predicate::parse`].
    #[must_use]
    pub fn on(mut self, predicates: &[&str]) -> Self {
        self.predicates = predicates.iter().map(|text| Predicate::parse(text)).collect();
        self
    }

    /// The host holds only `metadata` of these objects.
    #[must_use]
    pub fn metadata_only(mut self) -> Self {
        self.metadata_only = true;
        self
    }
}

impl Lookup {
    /// A name at this label, annotation or field path; the namespace is that of the object that says it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), namespace: None }
    }

    /// The same with the namespace at another label, annotation or field path.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.into());
        self
    }
}

impl Predicate {
    /// `generation`, `labels`, `annotations`, or a field path such as `.status.readyReplicas`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "generation" => Self::Generation,
            "labels" => Self::Labels,
            "annotations" => Self::Annotations,
            path => Self::Field(path.into()),
        }
    }
}

impl Index {
    /// An index of the values at a field path of a kind, for [`Query::indexed`](crate::Query::indexed).
    #[must_use]
    pub fn new(name: &str, kind: impl Into<Kind>, field: &str) -> Self {
        Self { name: name.into(), kind: kind.into(), field: field.into() }
    }
}

impl Permission {
    /// Asks for verbs on resources of an API group; lists are separated by commas:
    /// `Permission::new("apps", "deployments, deployments/scale", "get, patch")`.
    #[must_use]
    pub fn new(api_group: &str, resources: &str, verbs: &str) -> Self {
        Self {
            api_groups: vec![api_group.into()],
            resources: split(resources),
            resource_names: Vec::new(),
            verbs: split(verbs),
        }
    }

    /// Only for objects of these names.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.resource_names = names.iter().map(|name| (*name).into()).collect();
        self
    }
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(|part| part.trim().to_owned()).collect()
}
