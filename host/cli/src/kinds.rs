//! Which resource a kind is, without asking a cluster: the built-in ones, and those of CustomResourceDefinitions at hand.

use serde_json::Value;
use windlass_apiserver::resource::{self, ResourceDefinition};
use windlass_runtime::core::name::{Kind, Resource};

/// Knows built-in kinds and those of some definitions.
pub(crate) struct Kinds {
    defined: Vec<Resource>,
}

impl Kinds {
    /// The built-in kinds, and what these CustomResourceDefinitions (as JSON) define.
    pub(crate) fn with(definitions: &[String]) -> Self {
        let parsed = definitions.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
        Self { defined: parsed.flat_map(|definition| defined(&definition)).collect() }
    }

    /// Where a kind is served.
    pub(crate) fn resolve(&self, kind: &Kind) -> Option<Resource> {
        let defined = self.defined.iter().find(|resource| resource.kind == *kind).cloned();
        defined.or_else(|| {
            let is_it = |one: &ResourceDefinition| {
                one.group == kind.group() && one.version == kind.version() && *one.kind == *kind.kind
            };
            let built_in = resource::builtin().iter().find(|one| is_it(one))?;
            Some(Resource {
                kind: kind.clone(),
                plural: (&*built_in.plural).into(),
                namespaced: built_in.namespaced,
            })
        })
    }
}

fn defined(definition: &Value) -> Vec<Resource> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
    let (Some(group), Some(kind), Some(plural)) =
        (text("/spec/group"), text("/spec/names/kind"), text("/spec/names/plural"))
    else {
        return Vec::new();
    };
    let namespaced = text("/spec/scope") == Some("Namespaced");
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let names = versions.into_iter().flatten().filter_map(|version| version["name"].as_str());
    names
        .map(|version| Resource {
            kind: Kind::new(&format!("{group}/{version}"), kind),
            plural: plural.into(),
            namespaced,
        })
        .collect()
}
