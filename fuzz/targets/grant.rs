//! What a grant allows is what RBAC's rules allow, written down a second time and more simply, or less; and no name in it
//! leads to another path of the server.

use std::sync::Arc;
use windlass_runtime::core::{
    description::Permission,
    grant::{Access, Anywhere, Grant, Refusal, Rule, Scope},
    name::ModuleName,
};

const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "*", "GET", ""];
const GROUPS: &[&str] = &["", "apps", "rbac.authorization.k8s.io", "*", "windlass.dev", "../v1", "Apps"];
const RESOURCES: &[&str] = &[
    "configmaps",
    "secrets",
    "pods",
    "roles",
    "leases",
    "modules",
    "deployments",
    "*",
    "pods/exec",
    "a/../b",
    "",
];
const SUBRESOURCES: &[&str] = &["", "status", "exec", "token", "scale", "..", "%2f", "*"];
const NAMES: &[&str] = &["", "a", "windlass", "windlass-x", "..", "a/b", "a%2fb", "\u{1b}", "*", "a b", "."];
const NAMESPACES: &[&str] = &["", "default", "other", "..", "Default", "a/b", "*"];

/// Takes choices from bytes; when they are used up, the first choice.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn number(&mut self, below: usize) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        usize::from(*first) % below
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.number(of.len())]
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        (0..self.number(3)).map(|_| self.one(of).to_owned()).collect()
    }

    fn rule(&mut self) -> Rule {
        let mut resources = self.some(RESOURCES);
        if self.number(2) == 1 {
            resources.push(format!("{}/{}", self.one(RESOURCES), self.one(SUBRESOURCES)));
        }
        let permission = Permission {
            api_groups: self.some(GROUPS),
            resources,
            resource_names: self.some(NAMES),
            verbs: self.some(VERBS),
        };
        let scope = match self.number(3) {
            0 => Scope::Cluster,
            1 => Scope::AllNamespaces,
            _ => Scope::Namespaces(self.some(NAMESPACES).into_iter().map(Arc::from).collect()),
        };
        Rule { permission, scope }
    }
}

/// Holds one access against some rules.
pub(crate) fn check(data: &[u8]) {
    let mut choices = Choices(data);
    let rules: Vec<Rule> = (0..1 + choices.number(3)).map(|_| choices.rule()).collect();
    let given = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let access = Access {
        verb: choices.one(VERBS),
        group: choices.one(GROUPS),
        resource: choices.one(RESOURCES),
        subresource: given(choices.one(SUBRESOURCES)),
        namespace: given(choices.one(NAMESPACES)),
        namespaced: choices.number(2) == 1,
        name: given(choices.one(NAMES)),
        new_name: given(choices.one(NAMES)),
    };
    let module = ModuleName("fuzz".into());
    let verdict = Grant { rules: rules.clone() }.among(&Anywhere).check(&module, &access);
    let parts = [
        Some(access.verb),
        Some(access.group),
        Some(access.resource),
        access.subresource,
        access.namespace,
        access.name,
        access.new_name,
    ];
    let is_odd = |part: &str| part.contains(['/', '%', '\u{1b}', ' ']) || matches!(part, "." | "..");
    if parts.iter().flatten().any(|part| is_odd(part)) {
        assert!(matches!(verdict, Err(Refusal::Malformed { .. })), "{access:?}: {verdict:?}");
    }
    match verdict {
        Ok(()) => assert!(rules.iter().any(|rule| as_rbac(rule, &access)), "{access:?} by {rules:?}"),
        Err(Refusal::Malformed { .. }) => {}
        Err(refused) => {
            let told = refused.to_string();
            assert!(!told.contains(|char: char| char.is_control()), "{told:?}");
            // The rule that would allow it does; but nobody makes a lease of the hosts by its new name.
            let access = Access { new_name: None, ..access };
            let rule = Rule::allowing(&access);
            let named = Rule {
                permission: Permission {
                    resource_names: access.name.map(str::to_owned).into_iter().collect(),
                    ..rule.permission.clone()
                },
                ..rule.clone()
            };
            let allows =
                |rule: Rule| Grant { rules: vec![rule] }.among(&Anywhere).check(&module, &access).is_ok();
            assert!(allows(rule) || allows(named), "{access:?}: {told}");
        }
    }
}

/// RBAC, as its documentation has it; without the exceptions of a `*`, which only refuse more.
fn as_rbac(rule: &Rule, access: &Access<'_>) -> bool {
    let Permission { api_groups, resources, resource_names, verbs } = &rule.permission;
    let has = |list: &[String], text: &str| list.iter().any(|one| one == text || one == "*");
    let full = match access.subresource {
        Some(sub) => format!("{}/{sub}", access.resource),
        None => access.resource.to_owned(),
    };
    let star = access.subresource.map(|sub| format!("*/{sub}"));
    let reaches = has(resources, &full) || star.is_some_and(|star| resources.contains(&star));
    let named = resource_names.is_empty()
        || access.name.is_some_and(|name| resource_names.iter().any(|one| one == name));
    let here = match (&rule.scope, access.namespaced) {
        (Scope::Cluster, false) | (Scope::AllNamespaces, true) => true,
        (Scope::Namespaces(list), true) => list.iter().any(|one| Some(&**one) == access.namespace),
        _ => false,
    };
    has(verbs, access.verb) && has(api_groups, access.group) && reaches && named && here
}
