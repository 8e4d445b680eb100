//! The rules of the matrix: by hand where there is a reason, and by chance.

use serde_json::{Value, json};
use windlass_core::{
    cache::Namespaces,
    description::Permission,
    grant::{Grant, NamespaceLabels, Rule, Scope},
    selector::Selector,
};

/// In the matrix, namespace `team` has the label `team=a` and no other has one.
pub(super) struct Labels;

impl NamespaceLabels for Labels {
    fn namespaces_with(&self, selector: &Selector) -> Namespaces {
        let all = ["other", "prod", "team"].into_iter().filter(|one| self.namespace_has(one, selector));
        Namespaces::These(all.map(Into::into).collect())
    }

    fn namespace_has(&self, namespace: &str, selector: &Selector) -> bool {
        selector.matches(|key| (namespace == "team" && key == "team").then_some("a"))
    }
}

/// The rules of one module.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) grant: Grant,
}

impl Set {
    /// The same for RBAC: a rule for namespaces is a Role in each, any other a ClusterRole.
    pub(super) fn asked(&self) -> Value {
        let rules = self.grant.rules.iter().filter_map(|rule| {
            let permission = &rule.permission;
            let namespaces = match &rule.scope {
                Scope::Cluster | Scope::AllNamespaces => Vec::new(),
                Scope::Namespaces(list) => list.clone(),
                Scope::Selected(selector) => match Labels.namespaces_with(selector) {
                    Namespaces::These(list) => list,
                    Namespaces::All => unreachable!("no label selects every namespace here"),
                },
            };
            let nowhere = namespaces.is_empty() && matches!(rule.scope, Scope::Selected(_));
            (!nowhere).then(|| {
                json!({
                    "apiGroups": permission.api_groups, "resources": permission.resources,
                    "resourceNames": permission.resource_names, "verbs": permission.verbs,
                    "namespaces": namespaces.iter().map(|one| &**one).collect::<Vec<_>>(),
                })
            })
        });
        json!({"name": self.name, "rules": rules.collect::<Vec<_>>()})
    }
}

/// `groups | resources | names | verbs | scope`, words apart by spaces; `-` is the core group.
fn rule(text: &str) -> Rule {
    let parts: Vec<Vec<&str>> = text.split('|').map(|part| part.split_whitespace().collect()).collect();
    let own = |at: usize| -> Vec<String> {
        parts[at].iter().map(|word| if *word == "-" { String::new() } else { (*word).to_owned() }).collect()
    };
    let scope = match &parts[4][..] {
        ["cluster"] => Scope::Cluster,
        ["*"] => Scope::AllNamespaces,
        ["select", labels] => Scope::Selected(Selector::parse(labels).unwrap()),
        list => Scope::Namespaces(list.iter().map(|one| (*one).into()).collect()),
    };
    let permission =
        Permission { api_groups: own(0), resources: own(1), resource_names: own(2), verbs: own(3) };
    Rule { permission, scope }
}

const BY_HAND: [(&str, &[&str]); 18] = [
    ("nothing", &[]),
    ("all-in-namespaces", &["* | * | | * | *"]),
    ("all-in-cluster", &["* | * | | * | cluster"]),
    ("all", &["* | * | | * | *", "* | * | | * | cluster"]),
    ("all-in-prod", &["* | * | | * | prod"]),
    ("all-in-team-by-label", &["* | * | | * | select team=a"]),
    ("label-that-none-has", &["* | * | | * | select team=z"]),
    ("every-status", &["* | */status | | get patch update | *", "* | */status | | * | cluster"]),
    ("every-token", &["* | */token */exec */proxy */scale | | * | *"]),
    ("pods-star-is-no-wildcard", &["- | pods/* | | * | *"]),
    ("one-name", &["- apps | configmaps deployments | web | * | prod"]),
    ("names-with-star", &["* | * | web windlass-host | * | *"]),
    ("leases", &["coordination.k8s.io | leases | | * | *"]),
    (
        "own-lease",
        &["coordination.k8s.io | leases | windlass-host | get update patch create delete list watch | *"],
    ),
    ("secrets-by-name", &["- | secrets | db | get list watch | prod", "- | secrets | | list watch | *"]),
    (
        "guarded-by-name",
        &[
            "rbac.authorization.k8s.io | roles rolebindings | | * | prod",
            "rbac.authorization.k8s.io | clusterroles clusterrolebindings | | get create | cluster",
            "apiextensions.k8s.io | customresourcedefinitions customresourcedefinitions/status | | * | cluster",
            "- | serviceaccounts/token pods/exec | web | create | prod",
            "windlass.dev | modules | | get list | *",
        ],
    ),
    (
        "namespaces",
        &[
            "- | namespaces namespaces/status | | get list watch patch | cluster",
            "- | namespaces | | * | prod",
        ],
    ),
    (
        "site-controller",
        &[
            "example.com | sites sites/status sites/finalizers | | get list watch update patch | *",
            "example.com | domains | | get list watch | cluster",
            "apps | deployments deployments/scale | | get list watch create patch delete | prod team",
            "- | configmaps services | | * | select team",
        ],
    ),
];

/// A generator of small numbers that stays the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, max: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % max
    }

    fn some(&mut self, from: &[&str], max: usize) -> String {
        let count = 1 + self.below(max);
        (0..count).map(|_| from[self.below(from.len())]).collect::<Vec<_>>().join(" ")
    }

    fn rule(&mut self) -> Rule {
        let groups = [
            "-",
            "-",
            "apps",
            "example.com",
            "coordination.k8s.io",
            "rbac.authorization.k8s.io",
            "windlass.dev",
            "*",
        ];
        let resources = [
            "configmaps",
            "secrets",
            "pods",
            "pods/status",
            "pods/exec",
            "pods/log",
            "services",
            "serviceaccounts/token",
            "namespaces",
            "nodes",
            "deployments",
            "deployments/scale",
            "sites",
            "sites/finalizers",
            "domains",
            "leases",
            "roles",
            "clusterroles",
            "modules",
            "*",
            "*/status",
            "*/finalizers",
            "*/*",
            "pods/*",
        ];
        let verbs = [
            "get",
            "list",
            "watch",
            "create",
            "update",
            "patch",
            "delete",
            "*",
            "impersonate",
            "deletecollection",
        ];
        let scopes =
            ["cluster", "*", "*", "prod", "team other", "prod team", "select team=a", "select !team"];
        let names = if self.below(3) == 0 {
            self.some(&["web", "db", "windlass-host", "*"], 2)
        } else {
            String::new()
        };
        let (groups, resources) = (self.some(&groups, 2), self.some(&resources, 4));
        let (verbs, scope) = (self.some(&verbs, 4), scopes[self.below(scopes.len())]);
        rule(&format!("{groups}|{resources}|{names}|{verbs}|{scope}"))
    }
}

/// All of them.
pub(super) fn sets() -> Vec<Set> {
    let by_hand = BY_HAND.iter().map(|(name, rules)| {
        let rules = rules.iter().map(|text| rule(text)).collect();
        Set { name: (*name).to_owned(), grant: Grant { rules } }
    });
    let mut dice = Dice(2026);
    let by_chance = (0..30).map(|number| {
        let rules = (0..=dice.below(5)).map(|_| dice.rule()).collect();
        Set { name: format!("chance-{number}"), grant: Grant { rules } }
    });
    by_hand.chain(by_chance).collect()
}
