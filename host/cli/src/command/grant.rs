//! `windlass grant`: the manifest that would grant a module all it asks for.

use crate::{args, command::inspect, kinds::Kinds};
use anyhow::{Context as _, Result, bail};
use std::fs;
use windlass_runtime::core::grant::{Grant, Scope};
use windlass_runtime::manifest::Manifest;

/// Prints the manifest.
pub(crate) async fn grant(arguments: &args::Grant) -> Result<()> {
    if !arguments.add.is_empty() {
        return add(arguments);
    }
    let examined = inspect::of_file(&arguments.file).await?;
    let kinds = Kinds::with(&examined.description.definitions);
    let unknown: Vec<_> = examined.kinds().into_iter().filter(|kind| kinds.resolve(kind).is_none()).collect();
    if !unknown.is_empty() {
        let names: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        bail!(
            "{} follows kinds that are not built in and that it does not define: {}; write their rules (get, list, watch) by hand, with the plural that `kubectl api-resources` shows",
            arguments.file.display(),
            names.join(", ")
        );
    }
    let mut rules = Grant::granting(&examined.description, &|kind| kinds.resolve(kind));
    if arguments.namespaces.iter().all(|namespace| namespace != "*") {
        for rule in rules.iter_mut().filter(|rule| rule.scope == Scope::AllNamespaces) {
            rule.scope =
                Scope::Namespaces(arguments.namespaces.iter().map(|name| name.as_str().into()).collect());
        }
    }
    print!("{}", Manifest::render(&inspect::name_of(&arguments.file), &rules));
    Ok(())
}

/// Prints the manifest that is there, with rules that a running host found missing.
fn add(arguments: &args::Grant) -> Result<()> {
    let file = arguments.file.with_extension("yaml");
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let rules = arguments.add.iter().map(|rule| Manifest::parse_rule(rule));
    let rules = rules.collect::<Result<Vec<_>, _>>()?;
    print!("{}", Manifest::with_rules(&file, &text, &rules)?);
    Ok(())
}
