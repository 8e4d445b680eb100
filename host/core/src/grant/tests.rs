//! The grant, rule by rule.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::{
    cache::Namespaces,
    description::{Controller, Description, Selection},
    name::{Kind, Resource},
};

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str], scope: Scope) -> Rule {
    let own = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
    let permission = Permission {
        api_groups: own(groups),
        resources: own(resources),
        resource_names: Vec::new(),
        verbs: own(verbs),
    };
    Rule { permission, scope }
}

fn granting(rules: &[Rule]) -> Grant {
    Grant { rules: rules.to_vec() }
}

fn access<'a>(verb: &'a str, resource: &'a str, namespace: &'a str, name: &'a str) -> Access<'a> {
    let (group, resource) = resource.split_once(':').unwrap_or(("", resource));
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (resource, None),
    };
    let some = |text: &'a str| (text != "-").then_some(text);
    let namespaced = namespace != "cluster";
    let namespace = if namespaced { some(namespace) } else { None };
    Access { verb, group, resource, subresource, namespace, namespaced, name: some(name), new_name: None }
}

fn allowed(rules: &[Rule], access: &Access<'_>) -> bool {
    granting(rules).among(&Anywhere).check(&ModuleName("m".into()), access).is_ok()
}

#[test]
fn a_call_is_allowed_as_rbac_would_allow_it() {
    let prod = || Scope::Namespaces(vec!["prod".into()]);
    let mut named = rule(&[""], &["configmaps"], &["*"], prod());
    named.permission.resource_names = vec!["web".into()];
    let rules = [
        rule(&["apps"], &["deployments", "*/scale"], &["get", "patch"], prod()),
        rule(&["*"], &["pods/log"], &["get"], Scope::AllNamespaces),
        rule(&[""], &["nodes"], &["list"], Scope::Cluster),
        named,
    ];
    for (verb, resource, namespace, name, want) in [
        ("get", "apps:deployments", "prod", "web", true),
        ("get", "apps:deployments", "test", "web", false),
        ("get", "apps:deployments", "-", "-", false),
        ("delete", "apps:deployments", "prod", "web", false),
        ("get", "extensions:deployments", "prod", "web", false),
        ("patch", "apps:deployments/status", "prod", "web", false),
        ("patch", "apps:replicasets/scale", "prod", "web", true),
        ("get", "pods/log", "test", "x", true),
        ("get", "pods", "test", "x", false),
        ("list", "nodes", "cluster", "-", true),
        ("list", "nodes", "prod", "-", false),
        ("get", "configmaps", "prod", "web", true),
        ("get", "configmaps", "prod", "other", false),
        ("list", "configmaps", "prod", "-", false),
        ("watch", "configmaps", "prod", "web", true),
        ("create", "configmaps", "prod", "-", false),
    ] {
        assert_eq!(
            allowed(&rules, &access(verb, resource, namespace, name)),
            want,
            "{verb} {resource} {name}"
        );
    }
}

#[test]
fn a_star_never_covers_what_would_hand_over_the_cluster() {
    let star = |scope| rule(&["*"], &["*", "*/token"], &["*"], scope);
    let rules = [star(Scope::AllNamespaces), star(Scope::Cluster)];
    assert!(allowed(&rules, &access("get", "configmaps", "a", "x")));
    for (resource, namespace) in [
        ("secrets", "a"),
        ("secrets/anything", "a"),
        ("namespaces/finalize", "cluster"),
        ("authorization.k8s.io:selfsubjectaccessreviews", "cluster"),
        ("authentication.k8s.io:tokenreviews", "cluster"),
        ("certificates.k8s.io:certificatesigningrequests/approval", "cluster"),
        ("serviceaccounts/token", "a"),
        ("pods/exec", "a"),
        ("rbac.authorization.k8s.io:clusterroles", "cluster"),
        ("rbac.authorization.k8s.io:rolebindings", "a"),
        ("admissionregistration.k8s.io:mutatingwebhookconfigurations", "cluster"),
        ("apiextensions.k8s.io:customresourcedefinitions/status", "cluster"),
        ("windlass.dev:modules", "a"),
        ("coordination.k8s.io:leases", "a"),
    ] {
        let name = if resource.ends_with("leases") { "windlass-host" } else { "x" };
        assert!(!allowed(&rules, &access("get", resource, namespace, name)), "{resource}");
    }
    let named = rule(&[""], &["secrets"], &["*"], Scope::AllNamespaces);
    assert!(allowed(&[named], &access("get", "secrets", "a", "x")));
    assert!(allowed(&rules, &access("get", "coordination.k8s.io:leases", "a", "other")));
}

#[test]
fn what_could_reach_another_path_is_refused_before_any_rule() {
    let rules = [rule(&["*"], &["*"], &["*"], Scope::AllNamespaces)];
    for (resource, namespace, name) in [
        ("configmaps", "a", ".."),
        ("configmaps", "a", "../secrets/x"),
        ("configmaps", "a", "x%2f..%2fsecrets"),
        ("configmaps", "a", ""),
        ("configmaps", "a", "x?fieldManager=y"),
        ("configmaps", "a/../b", "x"),
        ("configmaps", "", "x"),
        ("ConfigMaps", "a", "x"),
        ("", "a", "x"),
        ("pods/a/b", "a", "x"),
        ("pods/", "a", "x"),
    ] {
        let error = granting(&rules)
            .among(&Anywhere)
            .check(&ModuleName("m".into()), &access("get", resource, namespace, name))
            .unwrap_err();
        assert!(matches!(error, Refusal::Malformed { .. }), "{resource} {namespace} {name}: {error}");
    }
    assert!(allowed(&rules, &access("get", "configmaps", "a", "system:Node_1.x")));
}

#[test]
fn a_refusal_names_the_rule_that_would_allow_it() {
    let refused = access("patch", "apps:deployments/status", "prod", "web");
    let error = Grant::default().among(&Anywhere).check(&ModuleName("site".into()), &refused).unwrap_err();
    assert_eq!(
        error.to_string(),
        "module site is not granted to patch apps deployments/status web in namespace prod; this rule in its \
         manifest's spec.grant.rules would allow it: {apiGroups: [apps], resources: [deployments/status], \
         verbs: [patch], namespaces: [prod]}"
    );
    assert!(allowed(&[Rule::allowing(&refused)], &refused));
    let star = rule(&["", "*"], &["*"], &["get"], Scope::AllNamespaces);
    assert_eq!(
        star.to_string(),
        r#"{apiGroups: ["", "*"], resources: ["*"], verbs: [get], namespaces: ["*"]}"#
    );
}

#[test]
fn where_a_watch_may_look_is_the_union_of_its_rules() {
    let watch = access("watch", "configmaps", "-", "-");
    let some = |names: &[&str]| {
        rule(
            &[""],
            &["configmaps"],
            &["watch"],
            Scope::Namespaces(names.iter().map(|n| (*n).into()).collect()),
        )
    };
    let these = |names: &[&str]| Namespaces::These(names.iter().map(|name| (*name).into()).collect());
    let grant = Grant { rules: vec![some(&["b", "a"]), some(&["b"])] };
    let all = Grant { rules: vec![some(&["a"]), rule(&["*"], &["*"], &["*"], Scope::AllNamespaces)] };
    let (grant, all) = (grant.among(&Anywhere), all.among(&Anywhere));
    assert_eq!(grant.namespaces_for(&watch), these(&["a", "b"]));
    assert_eq!(grant.namespaces_for(&Access { verb: "list", ..watch }), these(&[]));
    assert_eq!(all.namespaces_for(&watch), Namespaces::All);
    let nodes = access("watch", "nodes", "cluster", "-");
    assert_eq!(all.namespaces_for(&nodes), these(&[]));
}

fn website() -> Description {
    let kind = Kind::new("example.com/v1", "Website");
    let definition = r#"{"spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Website","plural":"websites"},"versions":[{"name":"v1"}]}}"#;
    let own = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let permission = Permission {
        api_groups: own(&["apps"]),
        resources: own(&["deployments"]),
        resource_names: Vec::new(),
        verbs: own(&["patch", "delete"]),
    };
    Description {
        controllers: vec![Controller {
            name: "website".into(),
            reconciles: kind,
            selection: Selection { namespaces: vec!["a".into(), "b".into()], ..Selection::default() },
            predicates: Vec::new(),
            watches: Vec::new(),
        }],
        permissions: vec![
            permission.clone(),
            Permission { api_groups: own(&[""]), resources: own(&["namespaces"]), ..permission },
        ],
        definitions: vec![definition.to_owned()],
        ..Description::default()
    }
}

#[test]
fn what_is_granted_by_the_rules_that_grant_all_is_missing_nothing() {
    let resolve = |_: &Kind| None::<Resource>;
    let rules = Grant::granting(&website(), &resolve);
    let text: Vec<_> = rules.iter().map(Rule::to_string).collect();
    assert_eq!(
        text,
        [
            "{apiGroups: [example.com], resources: [websites], verbs: [get, list, watch], namespaces: [a, b]}",
            r#"{apiGroups: [apps], resources: [deployments], verbs: [patch, delete], namespaces: ["*"]}"#,
            r#"{apiGroups: [""], resources: [namespaces], verbs: [patch, delete]}"#,
        ]
    );
    assert_eq!(Grant { rules: rules.clone() }.missing(&website(), &resolve), []);
    assert_eq!(Grant::default().missing(&website(), &resolve), rules);
}

#[test]
fn what_is_missing_is_told_by_verb_and_an_ask_for_everywhere_is_content_with_somewhere() {
    let resolve = |_: &Kind| None::<Resource>;
    let mut grant = Grant { rules: Grant::granting(&website(), &resolve) };
    grant.rules[0].scope = Scope::Namespaces(vec!["a".into()]);
    grant.rules[1].permission.verbs = vec!["patch".into()];
    grant.rules[1].scope = Scope::Namespaces(vec!["a".into()]);
    let text: Vec<_> = grant.missing(&website(), &resolve).iter().map(Rule::to_string).collect();
    assert_eq!(
        text,
        [
            "{apiGroups: [example.com], resources: [websites], verbs: [get, list, watch], namespaces: [a, b]}",
            r#"{apiGroups: [apps], resources: [deployments], verbs: [delete], namespaces: ["*"]}"#,
        ]
    );
}
