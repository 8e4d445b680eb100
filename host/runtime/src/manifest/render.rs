//! Prints a manifest that can be read back.

use super::API_VERSION;
use windlass_core::{
    grant::{Rule, Scope},
    name::ModuleName,
};
use windlass_guest::text::deceives;

pub(super) fn render(name: &ModuleName, rules: &[Rule]) -> String {
    let mut text = format!(
        "apiVersion: {API_VERSION}\nkind: Module\nmetadata: {{name: {}}}\nspec:\n  source: {{path: {}}}\n  grant:\n",
        scalar(&name.0),
        scalar(&format!("{name}.wasm")),
    );
    if rules.is_empty() {
        text.push_str("    rules: []\n");
    } else {
        text.push_str("    rules:\n");
    }
    for rule in rules {
        text.push_str(&format!("    - {}\n", render_rule(rule)));
    }
    text
}

fn render_rule(rule: &Rule) -> String {
    let permission = &rule.permission;
    let mut fields = vec![
        format!("apiGroups: {}", list(&permission.api_groups)),
        format!("resources: {}", list(&permission.resources)),
    ];
    if !permission.resource_names.is_empty() {
        fields.push(format!("resourceNames: {}", list(&permission.resource_names)));
    }
    fields.push(format!("verbs: {}", list(&permission.verbs)));
    match &rule.scope {
        Scope::Cluster => {}
        Scope::AllNamespaces => fields.push("namespaces: [\"*\"]".to_owned()),
        Scope::Namespaces(names) => fields.push(format!("namespaces: {}", list(names))),
    }
    format!("{{{}}}", fields.join(", "))
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| scalar(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// Unquoted where that cannot be read as anything else.
fn scalar(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(safe);
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    if word && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // A module asked for it: what JSON leaves as it is and a terminal obeys is escaped as YAML does it.
    let quoted = serde_json::Value::from(text).to_string();
    let mut shown = String::with_capacity(quoted.len());
    for char in quoted.chars() {
        if deceives(char) { shown.push_str(&format!("\\U{:08x}", u32::from(char))) } else { shown.push(char) }
    }
    shown
}
