//! A module as the pipeline sees it: one controller, granted everything.

use std::{sync::Arc, time::Duration};
use windlass_core::{
    description::{Controller, Description, Permission, Selection},
    grant::{Grant, Rule, Scope},
    input::Version,
    name::{Digest, Kind, ModuleName, Resource},
};

/// The `n`th module: it reconciles a kind in these namespaces, or everywhere, with so many runs at a time.
#[must_use]
pub fn version(n: u8, kind: Kind, namespaces: Vec<Arc<str>>, concurrency: u32) -> Version {
    let all = || vec!["*".to_owned()];
    let permission =
        Permission { api_groups: all(), resources: all(), resource_names: Vec::new(), verbs: all() };
    let plural = format!("{}s", kind.kind.to_lowercase());
    let controller = Controller {
        name: "main".into(),
        reconciles: kind.clone(),
        selection: Selection { namespaces, ..Selection::default() },
        predicates: Vec::new(),
        watches: Vec::new(),
    };
    Version {
        module: ModuleName(format!("module-{n:02}").into()),
        digest: Digest([n; 32]),
        description: Arc::new(Description { controllers: vec![controller], ..Description::default() }),
        grant: Arc::new(Grant { rules: vec![Rule { permission, scope: Scope::AllNamespaces }] }),
        settings: "{}".into(),
        resources: vec![Resource { kind, plural: plural.into(), namespaced: true }],
        concurrency,
        runs_max: u32::MAX,
        resync: Duration::ZERO,
        paused: false,
        suppress_no_op_writes: true,
    }
}
