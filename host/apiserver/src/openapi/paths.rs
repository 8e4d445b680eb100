//! The paths of one group version: which there are, and which operations each has.

use serde_json::{Map, Value, json};

use super::operation::{self, Kinds, Names, Operation, answers};
use super::reference;
use super::schemas::full_name;
use crate::resource::{ResourceDefinition, Subresource};

/// The `paths` of the document at `root`, such as `apis/apps/v1`.
pub(super) fn of(root: &str, resources: &[&ResourceDefinition]) -> Map<String, Value> {
    let mut paths = Paths { root, paths: Map::new() };
    if let Some(definition) = resources.first().filter(|definition| definition.custom().is_none()) {
        paths.paths.insert(format!("/{root}/"), of_version(&Names::of(definition)));
    }
    for definition in resources {
        paths.add_resource(definition);
    }
    paths.paths
}

/// The list of resources itself.
fn of_version(names: &Names) -> Value {
    let schema = reference(&full_name("meta.v1.APIResourceList"));
    json!({"get": {
        "operationId": names.id("get", "APIResources"),
        "responses": answers(&schema, &operation::MEDIA_TYPES, &["200"]),
        "tags": [names.tag],
    }})
}

struct Paths<'a> {
    root: &'a str,
    paths: Map<String, Value>,
}

impl Paths<'_> {
    fn add_resource(&mut self, definition: &ResourceDefinition) {
        let names = Names::of(definition);
        let kinds = Kinds::of(definition);
        let (scope, infix) =
            if definition.namespaced { ("/namespaces/{namespace}", "Namespaced") } else { ("", "") };
        let collection = format!("{scope}/{}", definition.plural);
        let item = format!("{collection}/{{name}}");
        let what = format!("{infix}{}", definition.kind);
        let offered = |verbs: &[&'static str]| -> Vec<Operation> {
            let offered = verbs.iter().filter(|verb| definition.offers(verb));
            offered.map(|verb| operation::of_verb(verb, &names, &what, &kinds)).collect()
        };
        self.add(&collection, offered(&["deletecollection", "list", "create"]));
        self.add(&item, offered(&["delete", "get", "patch", "update"]));
        let everywhere = definition.namespaced && definition.offers("list");
        if everywhere {
            let what = format!("{}ForAllNamespaces", definition.kind);
            let list = operation::of_verb("list", &names, &what, &kinds);
            self.add(&format!("/{}", definition.plural), vec![list]);
        }
        for subresource in &definition.subresources {
            self.add_subresource(&item, definition, subresource, &names, &what);
        }
        if definition.custom().is_none() && definition.offers("watch") {
            self.add_watches(definition, &names, &kinds, (&collection, &what));
        }
    }

    fn add_subresource(
        &mut self,
        item: &str,
        definition: &ResourceDefinition,
        subresource: &Subresource,
        names: &Names,
        what: &str,
    ) {
        let kinds = Kinds::of_subresource(definition, subresource);
        let what = format!("{what}{}", operation::title(&subresource.name));
        let path = format!("{item}/{}", subresource.name);
        if operation::is_connection(subresource) {
            self.add(&path, operation::connections(subresource, names, &what, &kinds));
            if subresource.name == "proxy" {
                let what = format!("{what}WithPath");
                let below = operation::connections(subresource, names, &what, &kinds);
                self.add(&format!("{path}/{{path}}"), below);
            }
            return;
        }
        let verbs = ["get", "patch", "update", "create"].into_iter();
        let verbs = verbs.filter(|verb| subresource.verbs.iter().any(|offered| offered == verb));
        let operations = verbs.map(|verb| match &*subresource.name {
            "log" => operation::log(names, &what, &kinds),
            _ => operation::of_verb(verb, names, &what, &kinds),
        });
        self.add(&path, operations.collect());
    }

    /// The old paths of watches, deprecated since `watch=true`.
    fn add_watches(
        &mut self,
        definition: &ResourceDefinition,
        names: &Names,
        kinds: &Kinds,
        (collection, what): (&str, &str),
    ) {
        if definition.namespaced {
            let what = format!("{}ListForAllNamespaces", definition.kind);
            let all = operation::of_verb("watchlist", names, &what, kinds);
            self.add(&format!("/watch/{}", definition.plural), vec![all]);
        }
        let list = operation::of_verb("watchlist", names, &format!("{what}List"), kinds);
        self.add(&format!("/watch{collection}"), vec![list]);
        let one = operation::of_verb("watch", names, what, kinds);
        self.add(&format!("/watch{collection}/{{name}}"), vec![one]);
    }

    /// Adds a path, if it has any operation.
    fn add(&mut self, path: &str, operations: Vec<Operation>) {
        if !operations.is_empty() {
            let path = format!("/{}{path}", self.root);
            let item = operation::path_item(&path, operations);
            self.paths.insert(path, item);
        }
    }
}
