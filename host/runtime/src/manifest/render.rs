//! Prints a manifest that can be read back.

use super::API_VERSION;
use windlass_core::{
    grant::{Rule, yaml_scalar},
    name::ModuleName,
};

pub(super) fn render(name: &ModuleName, rules: &[Rule]) -> String {
    let mut text = format!(
        "apiVersion: {API_VERSION}\nkind: Module\nmetadata: {{name: {}}}\nspec:\n  source: {{path: {}}}\n  grant:\n",
        yaml_scalar(&name.0),
        yaml_scalar(&format!("{name}.wasm")),
    );
    if rules.is_empty() {
        text.push_str("    rules: []\n");
    } else {
        text.push_str("    rules:\n");
    }
    for rule in rules {
        text.push_str(&format!("    - {rule}\n"));
    }
    text
}
