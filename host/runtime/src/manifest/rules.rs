//! `spec.grant.rules`: RBAC PolicyRules, each with the namespaces in which it holds.

use super::{
    error::Problem,
    fields::{Reader, nearest, one_of},
    is_dns_label,
    selector::decode_selector,
    yaml::{At, Node, Value},
};
use std::sync::Arc;
use windlass_core::{
    description::Permission,
    grant::{Rule, Scope},
};

const RULE: &[&str] = &[
    "apiGroups",
    "resources",
    "resourceNames",
    "verbs",
    "namespaces",
    "namespaceSelector",
    "nonResourceURLs",
];

/// What a module's calls can be; any other verb would grant nothing.
const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "*"];

pub(super) fn decode_rules(reader: &mut Reader, node: &Node) -> Vec<Rule> {
    let Value::List(items) = &node.value else {
        let problem = Problem::new(node.at, "`spec.grant.rules` is a list");
        reader.problem(problem.label("begin each rule with `- `"));
        return Vec::new();
    };
    items.iter().map(|item| decode_rule(reader, item)).collect()
}

pub(super) fn decode_rule(reader: &mut Reader, node: &Node) -> Rule {
    let fields = reader.fields(node, "spec.grant.rules[]", RULE);
    if let Some(node) = fields.get("nonResourceURLs") {
        let problem = Problem::new(node.at, "`nonResourceURLs` cannot be used");
        reader.problem(problem.help("modules call resources only; leave this field out"));
    }
    let mut list = |name: &str, example: &str| match fields.get(name) {
        Some(node) => reader.texts(node, name),
        None if example.is_empty() => Vec::new(),
        None => {
            fields.required(reader, name, example);
            Vec::new()
        }
    };
    let groups = list("apiGroups", "apiGroups: [\"\"]` (the core group), `apiGroups: [apps]");
    let resources = list("resources", "resources: [deployments]");
    let names = list("resourceNames", "");
    let verbs = list("verbs", "verbs: [get, list, watch]");
    for (name, list) in [("apiGroups", &groups), ("resources", &resources), ("verbs", &verbs)] {
        if let (true, Some(node)) = (list.is_empty(), fields.get(name).filter(|node| is_empty_list(node))) {
            let problem = Problem::new(node.at, format!("this rule grants nothing: `{name}` is empty"));
            reader.problem(problem.help("name at least one, or take the rule out"));
        }
    }
    resources.iter().for_each(|(at, resource)| check_resource(reader, *at, resource));
    verbs.iter().for_each(|(at, verb)| check_verb(reader, *at, verb));
    let scope = match (fields.get("namespaces"), fields.get("namespaceSelector")) {
        (Some(_), Some(node)) => {
            let problem = Problem::new(node.at, "a rule has `namespaces` or `namespaceSelector`, not both");
            reader.problem(problem.help("make it two rules"));
            Scope::default()
        }
        (Some(node), None) => decode_scope(reader, node),
        (None, Some(node)) => decode_selector(reader, node).map(Scope::Selected).unwrap_or_default(),
        (None, None) => Scope::default(),
    };
    let owned = |list: Vec<(At, &str)>| list.into_iter().map(|(_, text)| text.to_owned()).collect();
    let permission = Permission {
        api_groups: owned(groups),
        resources: owned(resources),
        resource_names: owned(names),
        verbs: owned(verbs),
    };
    Rule { permission, scope }
}

fn is_empty_list(node: &Node) -> bool {
    matches!(&node.value, Value::List(items) if items.is_empty())
}

fn check_resource(reader: &mut Reader, at: At, resource: &str) {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-./*".contains(c);
    if !resource.is_empty() && resource.chars().all(word) {
        return;
    }
    let mut problem = Problem::new(at, format!("`{resource}` is not a resource"));
    if resource.starts_with(|c: char| c.is_ascii_uppercase()) {
        problem = problem.label("this looks like a kind");
    }
    reader.problem(problem.help("resources are plural and lower case, like `deployments` or `deployments/status`; `kubectl api-resources` lists them"));
}

fn check_verb(reader: &mut Reader, at: At, verb: &str) {
    if VERBS.contains(&verb) {
        return;
    }
    let mut problem = Problem::new(at, format!("no call of a module has the verb `{verb}`"));
    if let Some(near) = nearest(verb, VERBS.iter().copied()) {
        problem = problem.label(format!("did you mean `{near}`?"));
    }
    reader.problem(problem.help(format!("a verb is {}", one_of(VERBS))));
}

fn decode_scope(reader: &mut Reader, node: &Node) -> Scope {
    let names = reader.texts(node, "namespaces");
    if is_empty_list(node) {
        let problem = Problem::new(node.at, "this rule holds nowhere: `namespaces` is empty");
        reader.problem(
            problem.help("leave it out for cluster-scoped objects, or write `[\"*\"]` for every namespace"),
        );
    }
    if let Some((at, _)) = names.iter().find(|(_, name)| *name == "*") {
        if names.len() > 1 {
            let problem = Problem::new(*at, "`*` is every namespace; the others add nothing");
            reader.problem(problem.help("keep either `*` or the names"));
        }
        return Scope::AllNamespaces;
    }
    for (at, name) in names.iter().filter(|(_, name)| !is_dns_label(name)) {
        let problem = Problem::new(*at, format!("`{name}` cannot be a namespace's name"));
        reader.problem(problem.help("at most 63 of a-z, 0-9 and `-`; patterns other than `*` are not known"));
    }
    Scope::Namespaces(names.iter().map(|(_, name)| Arc::from(*name)).collect())
}
