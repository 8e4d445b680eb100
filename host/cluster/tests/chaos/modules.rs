//! Modules at random: what they reconcile, what they follow and how.

use std::{sync::Arc, time::Duration};
use windlass_core::{
    description::{Controller, Description, Lookup, Permission, Predicate, Relation, Selection, Watch},
    field_path::FieldPath,
    grant::{Grant, Rule, Scope},
    input::Version,
    name::{Digest, Kind, ModuleName, Resource},
    selector::Selector,
};

/// Namespaces with objects in them.
pub(crate) const NAMESPACES: [&str; 3] = ["n1", "n2", "n3"];

/// The kinds that objects are made of: kind, plural with group as the store has it.
pub(crate) const KINDS: [(&str, &str, &str); 4] = [
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("apps/v1", "Deployment", "deployments.apps"),
    ("chaos.example.com/v1", "Widget", "widgets.chaos.example.com"),
];

/// A kind by its place in [`KINDS`].
pub(crate) fn kind(at: usize) -> Kind {
    Kind::new(KINDS[at].0, KINDS[at].1)
}

/// What discovery would say of it.
pub(crate) fn resource(at: usize) -> Resource {
    let plural = KINDS[at].2.split('.').next().unwrap_or_default();
    Resource { kind: kind(at), plural: plural.into(), namespaced: true }
}

const MAPS: usize = 0;
const SECRETS: usize = 1;
const DEPLOYMENTS: usize = 2;
pub(crate) const WIDGETS: usize = 3;

/// Secrets are named: a `*` does not cover them.
fn everything() -> Grant {
    let rule = |resource: &str, scope| {
        let permission = Permission {
            api_groups: vec!["*".to_owned()],
            resources: vec![resource.to_owned()],
            resource_names: Vec::new(),
            verbs: vec!["*".to_owned()],
        };
        Rule { permission, scope }
    };
    Grant { rules: vec![rule("*", Scope::AllNamespaces), rule("secrets", Scope::AllNamespaces)] }
}

/// Makes modules.
pub(crate) struct Maker {
    pub(crate) random: fastrand::Rng,
    digest_last: u8,
}

impl Maker {
    pub(crate) fn new(random: fastrand::Rng) -> Self {
        Self { random, digest_last: 0 }
    }

    /// Another version of one of the modules.
    pub(crate) fn version(&mut self, module: usize, known: Vec<Resource>) -> Version {
        self.digest_last = self.digest_last.wrapping_add(1);
        let controllers = match module {
            0 => vec![self.maps()],
            1 => vec![self.widgets()],
            _ => vec![self.deployments(), self.secrets()],
        };
        Version {
            module: ModuleName(format!("module-{module}").into()),
            digest: Digest([self.digest_last; 32]),
            description: Arc::new(Description { controllers, ..Description::default() }),
            grant: Arc::new(everything()),
            settings: "{}".into(),
            resources: known,
            concurrency: self.random.u32(1..4),
            runs_max: u32::MAX,
            resync: Duration::ZERO,
            paused: false,
            suppress_no_op_writes: true,
        }
    }

    fn selection(&mut self) -> Selection {
        let namespaces = match self.random.u8(0..6) {
            0 => vec!["n1".into()],
            1 => vec!["n1".into(), "n2".into()],
            _ => Vec::new(),
        };
        let labels = (self.random.u8(0..3) == 0).then(|| Selector::parse("team=a").expect("a selector"));
        Selection { namespaces, labels, fields: None }
    }

    fn watch(&mut self, name: &str, of: usize, relation: Relation) -> Watch {
        let mut selection = self.selection();
        let metadata_only =
            self.random.bool() && !matches!(relation, Relation::Referenced(_) | Relation::Mapped);
        if of == SECRETS && !metadata_only && self.random.u8(0..3) == 0 {
            selection.fields = Some("type=Opaque".into());
        }
        Watch {
            name: name.into(),
            kind: kind(of),
            selection,
            relation,
            predicates: Vec::new(),
            metadata_only,
        }
    }

    fn controller(&mut self, name: &str, reconciles: usize, watches: Vec<Watch>) -> Controller {
        let selection = self.selection();
        Controller {
            name: name.into(),
            reconciles: kind(reconciles),
            selection,
            predicates: Vec::new(),
            watches,
        }
    }

    fn maps(&mut self) -> Controller {
        let key = |name: &str| Lookup { name: Box::from(name), namespace: None };
        let by = match self.random.u8(0..3) {
            0 => Relation::Labelled(key("for")),
            1 => Relation::Annotated(key("for")),
            _ => {
                let name = FieldPath::parse(".data.secret").expect("a path");
                Relation::Referenced(Lookup { name, namespace: None })
            }
        };
        let watches = vec![self.watch("secrets", SECRETS, by)];
        self.controller("maps", MAPS, watches)
    }

    fn widgets(&mut self) -> Controller {
        let relation = if self.random.bool() { Relation::Owned } else { Relation::Controlled };
        let watches =
            vec![self.watch("maps", MAPS, relation), self.watch("deployments", DEPLOYMENTS, Relation::Owned)];
        self.controller("widgets", WIDGETS, watches)
    }

    fn deployments(&mut self) -> Controller {
        let watches = vec![self.watch("maps", MAPS, Relation::Mapped)];
        let mut made = self.controller("deployments", DEPLOYMENTS, watches);
        if self.random.bool() {
            made.predicates.push(Predicate::Generation);
        }
        made
    }

    fn secrets(&mut self) -> Controller {
        let watches = vec![self.watch("deployments", DEPLOYMENTS, Relation::Owned)];
        self.controller("secrets", SECRETS, watches)
    }
}
