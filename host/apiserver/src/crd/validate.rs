//! Which CustomResourceDefinitions are refused, apart from their schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{text, versions};
use crate::object;
use crate::registry::cause;
use crate::schema;
use crate::status::Cause;
use crate::strategy::NameRule;

/// What is wrong with a definition, or with a change of one.
pub(crate) fn validate(crd: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    names(crd, &mut causes);
    scope(crd, &mut causes);
    version_list(crd, &mut causes);
    causes.extend(super::conversion::faults(crd, old));
    if let Some(old) = old {
        immutable(crd, old, &mut causes);
    }
    schemas(crd, old, &mut causes);
    for (index, version) in versions(crd).enumerate() {
        let at = format!("spec.versions[{index}].subresources.scale");
        if let Some(scale) = object::at(version, "subresources.scale").filter(|scale| scale.is_object()) {
            scale_paths(scale, &at, &mut causes);
        }
    }
    causes
}

/// Where a Scale finds what it shows: paths of plain names, each below the part that it belongs to.
fn scale_paths(scale: &Value, at: &str, causes: &mut Vec<Cause>) {
    let rows: [(&str, bool, &[&str], &str); 3] = [
        ("specReplicasPath", true, &[".spec."], "should be a json path under .spec"),
        ("statusReplicasPath", true, &[".status."], "should be a json path under .status"),
        (
            "labelSelectorPath",
            false,
            &[".spec.", ".status."],
            "should be a json path under either .spec or .status",
        ),
    ];
    for (field, required, starts, why) in rows {
        let (place, path) = (format!("{at}.{field}"), text(scale, field));
        if path.is_empty() {
            if required {
                causes.push(Cause::required(place, ""));
            }
        } else if !path.starts_with('.') {
            causes.push(Cause::invalid(place, &quoted(path), "must be a simple json path starting with ."));
        } else if !starts.iter().any(|start| path.starts_with(start)) {
            causes.push(Cause::invalid(place, &quoted(path), why));
        }
    }
}

/// Schemas that are not structural. If all versions have one, the real server names it by the place it had in v1beta1.
fn schemas(crd: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let list = |of: &Value| -> Vec<Value> {
        versions(of).filter_map(|version| object::at(version, "schema.openAPIV3Schema").cloned()).collect()
    };
    let (now, before) = (list(crd), old.map(list).unwrap_or_default());
    let same = now.windows(2).all(|pair| pair[0] == pair[1]);
    for (index, schema) in now.iter().enumerate().take(if same { 1 } else { now.len() }) {
        // What was taken once is not refused later for a check that came since.
        if before.get(index) == Some(schema) {
            continue;
        }
        let path = if same {
            "spec.validation.openAPIV3Schema".to_owned()
        } else {
            format!("spec.versions[{index}].schema.openAPIV3Schema")
        };
        causes.extend(schema::schema_errors(schema, &path).into_iter().map(cause));
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn names(crd: &Value, causes: &mut Vec<Cause>) {
    let (plural, group) = (text(crd, "spec.names.plural"), text(crd, "spec.group"));
    let expected = format!("{plural}.{group}");
    let name = object::name(crd);
    if name != expected {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &quoted(name), why));
    }
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if !group.contains('.') {
        causes.push(Cause::invalid("spec.group", &quoted(group), "should be a domain with at least one dot"));
    } else {
        for fault in NameRule::Subdomain.faults(group) {
            causes.push(Cause::invalid("spec.group", &quoted(group), &fault));
        }
    }
    for field in ["plural", "singular", "kind", "listKind"] {
        let path = format!("spec.names.{field}");
        let value = text(crd, &path);
        if value.is_empty() {
            causes.push(Cause::required(path, ""));
            continue;
        }
        for fault in NameRule::Label1035.faults(&value.to_lowercase()) {
            causes.push(Cause::invalid(path.clone(), &quoted(value), &fault));
        }
    }
    if text(crd, "spec.names.kind") == text(crd, "spec.names.listKind")
        && !text(crd, "spec.names.kind").is_empty()
    {
        let value = quoted(text(crd, "spec.names.listKind"));
        causes.push(Cause::invalid("spec.names.listKind", &value, "kind and listKind may not be the same"));
    }
}

fn scope(crd: &Value, causes: &mut Vec<Cause>) {
    match text(crd, "spec.scope") {
        "Namespaced" | "Cluster" => {}
        "" => causes.push(Cause::required("spec.scope", "")),
        other => causes.push(Cause::not_supported("spec.scope", &quoted(other), &["Cluster", "Namespaced"])),
    }
}

fn version_list(crd: &Value, causes: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    let mut storage = 0;
    for (index, version) in versions(crd).enumerate() {
        let name = text(version, "name");
        let at = format!("spec.versions[{index}]");
        if name.is_empty() || !NameRule::Label1035.faults(name).is_empty() {
            let why = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
            causes.push(Cause::invalid(format!("{at}.name"), &quoted(name), why));
        }
        if !seen.insert(name) {
            let why = "must contain unique version names";
            causes.push(Cause::invalid("spec.versions", "[]", why));
        }
        storage += usize::from(version.get("storage") == Some(&Value::Bool(true)));
        if object::at(version, "schema.openAPIV3Schema").is_none() {
            let why =
                if version.get("schema").is_none_or(Value::is_null) { "schemas are required" } else { "" };
            causes.push(Cause::required(format!("{at}.schema.openAPIV3Schema"), why));
        }
    }
    if storage != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", "[]", why));
    }
}

fn immutable(crd: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let established = super::is_true(old, "Established");
    let always = ["spec.group", "spec.names.plural"];
    let once_established = ["spec.scope", "spec.names.kind"];
    let fields = always.iter().chain(if established { &once_established[..] } else { &[] });
    for field in fields {
        if text(crd, field) != text(old, field) {
            causes.push(Cause::invalid(*field, &quoted(text(crd, field)), "field is immutable"));
        }
    }
    let stored = object::at(crd, "status.storedVersions").and_then(Value::as_array).into_iter().flatten();
    for (index, kept) in stored.enumerate() {
        if !versions(crd).any(|version| version.get("name") == Some(kept)) {
            let shown = quoted(kept.as_str().unwrap_or_default());
            let why = "must appear in spec.versions";
            causes.push(Cause::invalid(format!("status.storedVersions[{index}]"), &shown, why));
        }
    }
}
