//! `windlass inspect`: what a module is, what it asks for, what it imports, how large it is.

use crate::{args::Inspect, command::compile::compiling};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;
use windlass_runtime::core::{
    description::{Controller, Permission, Predicate, Relation, Selection},
    name::ModuleName,
};
use windlass_runtime::{
    compile::CompileBounds,
    examine::{Examined, examine},
    text::{visible, visible_json},
};

/// Shows a module.
pub(crate) async fn inspect(arguments: &Inspect) -> Result<()> {
    let examined = of_file(&arguments.file).await?;
    if arguments.json {
        println!("{}", visible_json(&serde_json::to_string_pretty(&as_json(&examined))?));
    } else {
        print!("{}", visible(&page(&examined)));
    }
    Ok(())
}

/// Reads a file and asks the module in it what it is.
pub(crate) async fn of_file(file: &Path) -> Result<Examined> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = name_of(file);
    examine(&name, &bytes, compiling(CompileBounds::default())?)
        .await
        .with_context(|| format!("{} is no module that can run", file.display()))
}

/// A module's name: its file's stem.
pub(crate) fn name_of(file: &Path) -> ModuleName {
    ModuleName(
        file.file_stem().map_or_else(|| "module".into(), |stem| stem.to_string_lossy().as_ref().into()),
    )
}

/// What it is, for people. The module's own words stand in it, so it is made visible before it is printed.
fn page(examined: &Examined) -> String {
    let description = &examined.description;
    let mut lines = vec![
        format!("{} {}", description.title, description.version),
        format!("  digest    {}", examined.digest),
        format!(
            "  size      {} bytes, {} KiB of memory at start",
            examined.size_bytes,
            examined.initial_memory_bytes >> 10
        ),
        format!("  compiled  in {} ms", examined.compiled_in.as_millis()),
        format!("  imports   {}", examined.imports.join(", ")),
        format!("  exports   {}", examined.exports.join(", ")),
    ];
    description.controllers.iter().for_each(|controller| of_controller(&mut lines, controller));
    lines.extend(asks(&description.permissions));
    let indexes = description.indexes.iter();
    lines.extend(indexes.map(|index| format!("index {}: {} of {}", index.name, index.field, index.kind)));
    let definitions = description.definitions.iter();
    lines.extend(definitions.map(|definition| format!("brings {}", definition_name(definition))));
    let finalizers = description.finalizers.iter();
    lines.extend(finalizers.map(|finalizer| format!("sets the finalizer {finalizer}")));
    if description.settings_schema.is_some() {
        lines.push("takes settings (schema: --json)".to_owned());
    }
    lines.into_iter().map(|line| line.replace('\n', "\\n") + "\n").collect()
}

fn of_controller(lines: &mut Vec<String>, controller: &Controller) {
    lines.push(format!("controller {}", controller.name));
    lines.push(format!(
        "  reconciles {}{}{}",
        controller.reconciles,
        selection(&controller.selection),
        predicates(&controller.predicates)
    ));
    lines.extend(controller.watches.iter().map(|watch| {
        let metadata = if watch.metadata_only { ", metadata only" } else { "" };
        let (selected, touched) = (selection(&watch.selection), predicates(&watch.predicates));
        format!("  watches {} ({}{metadata}){selected}{touched}", watch.kind, relation(&watch.relation))
    }));
}

/// What is asked for, one RBAC rule a line.
pub(crate) fn asks(permissions: &[Permission]) -> impl Iterator<Item = String> {
    permissions.iter().map(|permission| {
        let groups = permission.api_groups.iter().map(|group| if group.is_empty() { "core" } else { group });
        let names = if permission.resource_names.is_empty() {
            String::new()
        } else {
            format!(" named {}", permission.resource_names.join(", "))
        };
        format!(
            "asks to {} {} ({}){names}",
            permission.verbs.join(", "),
            permission.resources.join(", "),
            groups.collect::<Vec<_>>().join(", ")
        )
    })
}

fn selection(selection: &Selection) -> String {
    let mut parts = Vec::new();
    if !selection.namespaces.is_empty() {
        parts.push(format!("in {}", selection.namespaces.join(", ")));
    }
    parts.extend(selection.labels.iter().map(|labels| format!("labelled {labels}")));
    parts.extend(selection.fields.iter().map(|fields| format!("where {fields}")));
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

fn predicates(predicates: &[Predicate]) -> String {
    let words: Vec<_> = predicates
        .iter()
        .map(|predicate| match predicate {
            Predicate::Generation => "generation".to_owned(),
            Predicate::Labels => "labels".to_owned(),
            Predicate::Annotations => "annotations".to_owned(),
            Predicate::Field(path) => path.to_string(),
        })
        .collect();
    if words.is_empty() { String::new() } else { format!(", when {} change", words.join(" or ")) }
}

fn relation(relation: &Relation) -> String {
    match relation {
        Relation::Controlled => "to its controller owner".to_owned(),
        Relation::Owned => "to its owners".to_owned(),
        Relation::Labelled(lookup) => format!("to what the label {} names", lookup.name),
        Relation::Annotated(lookup) => format!("to what the annotation {} names", lookup.name),
        Relation::Referenced(lookup) => format!("to those that name it in {}", lookup.name),
        Relation::Mapped => "asks the module".to_owned(),
    }
}

fn definition_name(definition: &str) -> String {
    let parsed: serde_json::Value = serde_json::from_str(definition).unwrap_or_default();
    let name = parsed.pointer("/metadata/name").and_then(serde_json::Value::as_str);
    name.unwrap_or("a CustomResourceDefinition without a name").to_owned()
}

fn as_json(examined: &Examined) -> serde_json::Value {
    let description = &examined.description;
    let controllers = description.controllers.iter().map(|controller| {
        let watches = controller.watches.iter().map(|watch| {
            json!({"name": &*watch.name, "kind": watch.kind.to_string(), "relation": relation(&watch.relation), "metadataOnly": watch.metadata_only})
        });
        json!({"name": &*controller.name, "reconciles": controller.reconciles.to_string(), "watches": watches.collect::<Vec<_>>()})
    });
    let permissions = description.permissions.iter().map(|ask| {
        json!({"apiGroups": ask.api_groups, "resources": ask.resources, "resourceNames": ask.resource_names, "verbs": ask.verbs})
    });
    json!({
        "title": description.title, "version": description.version, "digest": examined.digest.to_string(),
        "sizeBytes": examined.size_bytes, "initialMemoryBytes": examined.initial_memory_bytes,
        "compiledInMs": examined.compiled_in.as_millis(), "imports": examined.imports, "exports": examined.exports,
        "controllers": controllers.collect::<Vec<_>>(), "permissions": permissions.collect::<Vec<_>>(),
        "definitions": description.definitions.iter().map(|text| definition_name(text)).collect::<Vec<_>>(),
        "finalizers": description.finalizers, "settingsSchema": description.settings_schema,
    })
}
