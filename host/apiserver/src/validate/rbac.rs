//! Roles and their bindings.

use super::field::{Faults, Field};
use super::{Change, selector, texts};
use crate::schema::quoted;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role(faults: &mut Faults, change: &Change<'_>) {
    for rule in change.new.get("rules").items() {
        policy_rule(faults, &rule, true);
    }
}

pub(super) fn cluster_role(faults: &mut Faults, change: &Change<'_>) {
    for rule in change.new.get("rules").items() {
        policy_rule(faults, &rule, false);
    }
    let aggregation = change.new.get("aggregationRule");
    if !aggregation.is_set() {
        return;
    }
    let selectors = aggregation.get("clusterRoleSelectors");
    if selectors.len() == 0 {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        faults.required(&selectors, why);
    }
    for held in selectors.items() {
        selector::selector(faults, &held);
    }
}

fn policy_rule(faults: &mut Faults, rule: &Field<'_, '_>, namespaced: bool) {
    if rule.get("verbs").len() == 0 {
        faults.required(&rule.get("verbs"), "verbs must contain at least one value");
    }
    let paths = rule.get("nonResourceURLs");
    if paths.len() > 0 {
        if namespaced {
            faults.invalid(&paths, "namespaced rules cannot apply to non-resource URLs");
        }
        if ["apiGroups", "resources", "resourceNames"].iter().any(|name| rule.get(name).len() > 0) {
            faults.invalid(&paths, "rules cannot apply to both regular resources and non-resource URLs");
        }
        return;
    }
    if rule.get("apiGroups").len() == 0 {
        faults.required(&rule.get("apiGroups"), "resource rules must supply at least one api group");
    }
    if rule.get("resources").len() == 0 {
        faults.required(&rule.get("resources"), "resource rules must supply at least one resource");
    }
}

pub(super) fn role_binding(faults: &mut Faults, change: &Change<'_>) {
    binding(faults, change, &["Role", "ClusterRole"], true);
}

pub(super) fn cluster_role_binding(faults: &mut Faults, change: &Change<'_>) {
    binding(faults, change, &["ClusterRole"], false);
}

fn binding(faults: &mut Faults, change: &Change<'_>, kinds: &[&str], namespaced: bool) {
    let reference = change.new.get("roleRef");
    let (group, kind, name) = (reference.get("apiGroup"), reference.get("kind"), reference.get("name"));
    if group.text() != GROUP {
        faults.not_supported(&group, &[GROUP]);
    }
    if !kinds.contains(&kind.text()) {
        faults.not_supported(&kind, kinds);
    }
    if name.text().is_empty() {
        faults.required(&name, "");
    } else {
        faults.text(&name, texts::path_segment(name.text()));
    }
    for held in change.new.get("subjects").items() {
        subject(faults, &held, namespaced);
    }
    if change.old.is_some_and(|old| &old["roleRef"] != reference.value) {
        let texts = [group.text(), kind.text(), name.text()].map(quoted);
        let shown = format!("{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}", texts[0], texts[1], texts[2]);
        faults.invalid_as(&reference, &shown, "cannot change roleRef");
    }
}

fn subject(faults: &mut Faults, subject: &Field<'_, '_>, namespaced: bool) {
    let (name, group) = (subject.get("name"), subject.get("apiGroup"));
    if name.text().is_empty() {
        faults.required(&name, "");
    }
    match subject.get("kind").text() {
        "ServiceAccount" => {
            if !name.text().is_empty() {
                faults.text(&name, texts::subdomain(name.text()));
            }
            if !group.text().is_empty() {
                faults.not_supported(&group, &[""]);
            }
            let namespace = subject.get("namespace");
            if !namespaced && namespace.text().is_empty() {
                faults.required(&namespace, "");
            }
        }
        "User" | "Group" if group.text() != GROUP => faults.not_supported(&group, &[GROUP]),
        "User" | "Group" => {}
        _ => faults.not_supported(&subject.get("kind"), &["ServiceAccount", "User", "Group"]),
    }
}
