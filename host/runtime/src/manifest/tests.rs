//! What manifests mean, and what is said about broken ones.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use windlass_core::{description::Permission, grant::Scope, selector::Selector};
use windlass_guest::limits::{BOUNDS, Bound};

const WHOLE: &str = r#"
apiVersion: windlass.dev/v1alpha1
kind: Module
metadata: {name: website}
spec:
  source: {path: website.wasm}
  grant:
    rules:
    - {apiGroups: [apps], resources: [deployments, deployments/status], verbs: [get, patch], namespaces: ["*"]}
    - apiGroups: [""]
      resources: [configmaps]
      resourceNames: [one]
      verbs: ["*"]
      namespaces: [prod, stage]
    - {apiGroups: [""], resources: [nodes], verbs: [get]}
  settings: {replicas: 3, image: "1.10", ratio: 0.5, on: yes, nothing: ~}
  limits: {memory: 128Mi, cpuPerRun: 500ms, deadline: 1m30s, hostCalls: 20}
  concurrency: 2
  resync: 0s
  fieldManager: web
  paused: true
  suppressNoOpWrites: false
"#;

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(Path::new("modules/website.yaml"), text, &Defaults::default())
}

fn name(text: &str) -> ModuleName {
    ModuleName(text.into())
}

/// A manifest whose `spec` is the given flow mapping.
fn spec(spec: &str) -> String {
    format!("apiVersion: windlass.dev/v1alpha1\nkind: Module\nmetadata: {{name: website}}\nspec: {spec}\n")
}

#[test]
fn every_field_is_read() {
    let manifest = parse(WHOLE).unwrap();
    assert_eq!(manifest.name, name("website"));
    let scopes: Vec<Scope> = manifest.grant.unwrap().rules.iter().map(|rule| rule.scope.clone()).collect();
    let named = Scope::Namespaces(vec!["prod".into(), "stage".into()]);
    assert_eq!(scopes, [Scope::AllNamespaces, named, Scope::Cluster]);
    let settings =
        serde_json::json!({"replicas": 3, "image": "1.10", "ratio": 0.5, "on": "yes", "nothing": null});
    assert_eq!(manifest.settings, settings);
    let mut limits = Limits::default();
    limits.set(Bound::Memory, 128 << 20);
    limits.set_time(Bound::CpuPerRun, Duration::from_millis(500));
    limits.set_time(Bound::Deadline, Duration::from_secs(90));
    limits.set(Bound::HostCalls, 20);
    assert_eq!(manifest.limits, limits);
    assert_eq!((manifest.concurrency, manifest.resync), (2, Duration::ZERO));
    assert_eq!((&*manifest.field_manager, manifest.paused), ("web", true));
    assert!(!manifest.suppress_no_op_writes);
}

#[test]
fn every_limit_of_the_table_is_a_field_of_the_manifest() {
    for bound in BOUNDS {
        let field = bound.row().field;
        // What a deadline and a CPU bound have to do with each other is another test's matter.
        let value = if bound == Bound::CpuPerRun { bound.row().least } else { bound.row().most };
        let said = |text: &str| parse(&spec(&format!("{{limits: {{{field}: {text}}}}}")));
        let mut limits = Limits::default();
        limits.set(bound, value);
        assert_eq!(said(&bound.show(value)).unwrap().limits, limits, "{field}");
        for wrong in ["-1", "lots", "[1]", "99999999999999999999"] {
            let error = said(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("`spec.limits.{field}`")), "{error}");
        }
    }
}

#[test]
fn what_is_left_out_has_its_default_and_no_grant() {
    let manifest = parse(&spec("{}")).unwrap();
    assert_eq!(manifest, Manifest::absent(&name("website"), &Defaults::default()));
    assert_eq!(&*manifest.field_manager, "windlass/website");
    assert_eq!(parse(&spec("{grant: {rules: []}}")).unwrap().grant.unwrap().rules, []);
}

#[test]
fn an_error_is_told_like_a_compiler_tells_it() {
    let text =
        "apiVersion: windlass.dev/v1alpha1\nkind: Module\nmetadata: {name: website}\nsepc:\n  paused: true\n";
    let expected = "\
error: unknown field `sepc`
 --> modules/website.yaml:4:1
  |
4 | sepc:
  | ^^^^ did you mean `spec`?
  |
  = help: the fields here are apiVersion, kind, metadata, spec";
    assert_eq!(parse(text).unwrap_err().to_string(), expected);
}

#[test]
fn a_broken_manifest_is_refused_with_place_and_next_step() {
    let check = |text: &str, place: (usize, usize), said: &str| {
        let error = parse(text).unwrap_err();
        let [problem] = &error.problems[..] else { panic!("not one problem in {text}: {error}") };
        assert_eq!((problem.line, problem.column), place, "{error}");
        assert!(error.to_string().contains(said), "{said}\nis not in\n{error}");
    };
    let rule = |rule: &str| spec(&format!("{{grant: {{rules: [{rule}]}}}}"));
    check("", (1, 1), "the manifest is empty");
    check("a: [", (2, 1), "this is not YAML");
    check("- a", (1, 1), "a manifest is a mapping");
    check("a: &x 1\nb: *x", (2, 4), "aliases");
    check(&spec("{pausd: true}"), (4, 8), "did you mean `paused`?");
    check(&spec("{paused: true, paused: true}"), (4, 22), "stands here twice");
    check(&spec("{paused: yes}"), (4, 16), "`true` or `false`");
    check(&spec("{concurrency: 0}"), (4, 21), "from 1 to 1000");
    check(&spec("{resync: 10 hours}"), (4, 16), "`1m30s` or `10h`");
    check(&spec("{limits: {memory: 64MB}}"), (4, 25), "`64Mi`, `1Gi` or `500M`");
    check(&spec("{limits: {memory: 8Gi}}"), (4, 25), "from 1Mi to 4Gi");
    check(&spec("{limits: {cpuPerRun: 40s}}"), (4, 28), "the deadline (30s) is shorter than cpuPerRun (40s)");
    check(&spec("{source: {path: other.wasm}}"), (4, 23), "expected `website.wasm`");
    check(&spec("{fieldManager: a b}"), (4, 22), "no spaces");
    check(&spec("{settings: {a: 1, a: 2}}"), (4, 25), "twice");
    check(&rule("{apiGroups: [apps], verbs: [get]}"), (4, 25), "has no `resources`");
    check(
        &rule("{apiGroups: [apps], resources: [], verbs: [get]}"),
        (4, 55),
        "grants nothing: `resources` is empty",
    );
    check(&rule("{apiGroups: [apps], resources: [pods]}"), (4, 25), "has no `verbs`");
    check(&rule("{resources: [pods], verbs: [get]}"), (4, 25), "has no `apiGroups`");
    check(
        &rule("{apiGroups: [apps], resources: [Deployment], verbs: [get]}"),
        (4, 56),
        "this looks like a kind",
    );
    check(&rule("{apiGroups: [a], resources: [b], verbs: [lst]}"), (4, 65), "did you mean `list`?");
    check(&rule("{apiGroups: [a], resources: [b], verbs: get}"), (4, 64), "write `[get]`");
    check(&rule("{apiGroups: [a], resources: [b], verbs: [get], namespaces: []}"), (4, 83), "holds nowhere");
    check(
        &rule("{apiGroups: [a], resources: [b], verbs: [get], namespaces: [a, '*']}"),
        (4, 87),
        "keep either",
    );
    check(
        &rule("{apiGroups: [a], resources: [b], verbs: [get], namespaceSelector: {}}"),
        (4, 90),
        "selects every namespace",
    );
    let selecting = |selector: &str, at: usize, said: &str| {
        let text = format!("{{apiGroups: [a], resources: [b], verbs: [get], namespaceSelector: {selector}}}");
        check(&rule(&text), (4, at), said);
    };
    selecting("{matchLabels: {team: [a]}}", 111, "cannot be a label's value");
    selecting("{matchLabels: {'a,b': c}}", 105, "cannot be a label");
    selecting("{matchLabels: {a: 'b)'}}", 108, "cannot be a label's value");
    selecting("{matchExpressions: [{key: a, operator: Im, values: [b]}]}", 129, "did you mean `In`?");
    selecting("{matchExpressions: [{key: a, operator: Exists, values: [b]}]}", 129, "takes no `values`");
    check(
        &rule(
            "{apiGroups: [a], resources: [b], verbs: [get], namespaces: [a], namespaceSelector: {matchLabels: {a: b}}}",
        ),
        (4, 107),
        "not both",
    );
    check(&WHOLE.replace("v1alpha1", "v1"), (2, 13), "`windlass.dev/v1alpha1`");
    check(&WHOLE.replace("name: website", "name: shop"), (4, 18), "its file's is `website`");
    check(&WHOLE.replace("name: website", "name: Web"), (4, 18), "a-z, 0-9");
}

#[test]
fn no_text_however_mangled_ends_the_host() {
    // Every cut, every character left out, every character replaced by one that means something in YAML.
    let mangled = |at: usize, with: &str| {
        let mut chars: Vec<char> = WHOLE.chars().collect();
        chars.splice(at..=at, with.chars());
        chars.into_iter().collect::<String>()
    };
    let mut refused = 0;
    for at in 0..WHOLE.chars().count() {
        let cut: String = WHOLE.chars().take(at).collect();
        let texts = ["", "\n", ":", "{", "]", "\"", "\t", "&", "é", "\u{0}"].map(|with| mangled(at, with));
        for text in texts.iter().chain([&cut]) {
            if let Err(error) = parse(text) {
                refused += 1;
                assert!(error.to_string().contains("--> modules/website.yaml:"), "{error}");
            }
        }
    }
    assert!(refused > 1000, "{refused}");
    let deep = "[".repeat(100_000);
    assert!(parse(&format!("a: {deep}")).is_err());
}

#[test]
fn all_problems_are_told_at_once_and_in_order() {
    let error = parse("apiVersion: v1\nkind: Modul\nmetadata: {}\n").unwrap_err();
    let lines: Vec<usize> = error.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 2, 3]);
    assert!(error.summary().ends_with("(and 2 more)"), "{}", error.summary());
}

#[test]
fn a_rendered_manifest_reads_back_as_the_same_grant() {
    let rule = |group: &str, resource: &str, scope| Rule {
        permission: Permission {
            api_groups: vec![group.into()],
            resources: vec![resource.into()],
            resource_names: vec![
                "true".into(),
                "1".into(),
                "a\"b".into(),
                "\x1b[2J\u{9b}\u{202e}\u{e0041}".into(),
            ],
            verbs: vec!["*".into()],
        },
        scope,
    };
    let rules = [
        rule("", "configmaps", Scope::AllNamespaces),
        rule("apps", "deployments/status", Scope::Cluster),
        rule("*", "*", Scope::Namespaces(vec!["prod".into(), "0".into()])),
        rule(
            "",
            "pods",
            Scope::Selected(Selector::parse("team in (a),tier in (1,true),x.y/z notin (b),c,!d").unwrap()),
        ),
    ];
    let text = Manifest::render(&name("website"), &rules);
    assert!(!text.contains(|c| c != '\n' && windlass_guest::text::deceives(c)), "{text:?}");
    assert_eq!(parse(&text).unwrap().grant.unwrap().rules, rules, "{text}");
    assert_eq!(parse(&Manifest::render(&name("website"), &[])).unwrap().grant.unwrap().rules, []);
}

#[test]
fn a_rule_is_put_into_a_manifest_and_all_else_stays() {
    let rule = "{apiGroups: [apps], resources: [deployments], verbs: [delete], namespaces: [prod]}";
    let rules = [Manifest::parse_rule(rule).unwrap()];
    let file = Path::new("modules/website.yaml");
    let check = |text: &str, want: &str| {
        let amended = Manifest::with_rules(file, text, &rules).unwrap();
        assert_eq!(amended, want);
        assert_eq!(Manifest::with_rules(file, &amended, &rules).unwrap(), amended, "once is enough");
    };
    let own = "    - {apiGroups: [apps], resources: [deployments, deployments/status]";
    check(WHOLE, &WHOLE.replace(own, &format!("    - {rule}\n{own}")));
    check(
        &spec("{grant: {rules: []}, paused: true}"),
        &spec(&format!("{{grant: {{rules: [{rule}]}}, paused: true}}")),
    );
    let other = "{apiGroups: [a], resources: [b], verbs: [get]}";
    check(
        &spec(&format!("{{grant: {{rules: [ {other} ]}}}}")),
        &spec(&format!("{{grant: {{rules: [{rule},  {other} ]}}}}")),
    );
    let error = Manifest::with_rules(file, &spec("{paused: true}"), &rules).unwrap_err();
    assert!(error.to_string().contains("no `spec.grant.rules`"), "{error}");
    let error =
        Manifest::parse_rule("{apiGroups: [apps], resources: [Deployment], verbs: [get]}").unwrap_err();
    assert!(error.to_string().contains("looks like a kind"), "{error}");
    assert!(Manifest::parse_rule("").unwrap_err().to_string().contains("empty"));
}

#[test]
fn units_are_read_and_printed() {
    for (text, bytes, printed) in
        [("64Mi", 64 << 20, "64Mi"), ("1.5Gi", 3 << 29, "1536Mi"), ("500", 500, "500"), ("2k", 2000, "2000")]
    {
        assert_eq!(parse_bytes(text).unwrap(), bytes);
        assert_eq!(format_bytes(bytes), printed);
    }
    for (text, millis, printed) in [
        ("1s", 1000, "1s"),
        ("1m30s", 90_000, "1m30s"),
        ("1.5h", 5_400_000, "1h30m"),
        ("250ms", 250, "250ms"),
        ("0s", 0, "0s"),
    ] {
        assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis));
        assert_eq!(format_duration(Duration::from_millis(millis)), printed);
    }
    for text in ["", "s", "1", "1x", "-1s", "1.s", "1..5s", "99999999999h", "1s1"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
    for text in ["", "Mi", "64MB", "-1", "1e3", "99999999999Ti", "1.Mi"] {
        assert!(parse_bytes(text).is_err(), "{text}");
    }
}

#[test]
fn of_two_modules_with_one_field_manager_the_first_keeps_it() {
    let (first, second) = (name("first"), name("second"));
    let serving = [(&first, "shared")];
    let error = shared_field_manager(serving, &second, "shared").unwrap_err();
    assert_eq!((&error.serving, &error.refused), (&first, &second));
    assert!(error.to_string().contains("second.yaml"), "{error}");
    assert_eq!(shared_field_manager(serving, &first, "shared"), Ok(()), "a new version of the same module");
    assert_eq!(shared_field_manager(serving, &second, "other"), Ok(()));
}
