//! Every resource served right now: the built-in ones, and what CustomResourceDefinitions add at run time.
//!
//! Readers take a snapshot, so that a request sees one state of the definitions from its start to its end.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use bytes::Bytes;
use serde_json::Value;

use crate::convert::{self, EVENTS_GROUP};
use crate::object;
use crate::resource::ResourceDefinition;
use crate::resource::builtin;
use crate::schema::{self, Rules, Schema, SchemaRef};
use crate::store::Stored;
use crate::strategy::{self, Strategy};
use crate::table::Printer;
use crate::wire::json::{Order, write_object};

/// A resource in one version, with what serving it needs beyond its definition.
#[derive(Debug)]
pub struct Resource {
    /// Names, verbs, subresources.
    pub definition: Arc<ResourceDefinition>,
    /// Its place in the store, the same for all versions: `configmaps`, `deployments.apps`.
    pub store_name: Arc<str>,
    /// `apiVersion` of what clients of this version see.
    pub api_version: String,
    /// `apiVersion` of what is stored.
    pub storage_api_version: String,
    /// What this kind does otherwise than others.
    pub strategy: &'static Strategy,
    /// Whether its CustomResourceDefinition is being removed: nothing new may be created.
    pub terminating: bool,
    /// Whether objects may have been stored under an earlier schema: they are then brought up to this one on reading.
    pub schema_has_changed: bool,
    order: Order,
    /// The same for the stored form.
    stored_order: Order,
    /// Read on first use: a server that is never asked for a kind does not pay for its schema.
    schema: OnceLock<Option<SchemaRef>>,
    rules: OnceLock<Option<Rules>>,
    printer: OnceLock<Printer>,
}

impl Resource {
    /// A resource of a definition; `storage_api_version` names what objects are stored as.
    pub fn new(definition: Arc<ResourceDefinition>, storage_api_version: &str, terminating: bool) -> Self {
        let (group, plural) = (&*definition.group, &*definition.plural);
        let api_version = definition.api_version();
        let (storage_group, storage_version) =
            storage_api_version.rsplit_once('/').unwrap_or(("", storage_api_version));
        let store_name =
            if storage_group.is_empty() { plural.to_owned() } else { format!("{plural}.{storage_group}") };
        Self {
            store_name: store_name.into(),
            strategy: strategy::of(group, plural, definition.custom().is_some()),
            order: Order::of(group, &definition.version, &definition.kind),
            api_version,
            stored_order: Order::of(storage_group, storage_version, &definition.kind),
            storage_api_version: storage_api_version.to_owned(),
            terminating,
            schema_has_changed: false,
            schema: OnceLock::new(),
            rules: OnceLock::new(),
            printer: OnceLock::new(),
            definition,
        }
    }

    /// Whether writes of `status` go to their own path.
    pub fn has_status(&self) -> bool {
        self.definition.subresource("status").is_some()
    }

    /// Whether a webhook makes one version of another; elsewhere all versions have the same fields.
    pub fn is_converted(&self) -> bool {
        self.definition.custom().is_some_and(|custom| custom.converter.is_some())
    }

    /// What objects may look like; a few kinds that are only asked, not kept, have none.
    pub fn schema(&self) -> Option<&Schema> {
        let definition = &self.definition;
        let made = self.schema.get_or_init(|| match definition.custom() {
            Some(custom) => Some(schema::structural(&custom.open_api_schema)),
            None => schema::builtin(&definition.group, &definition.version, &definition.kind),
        });
        made.as_deref()
    }

    /// The validation rules of a custom resource's schema, if it has any.
    pub fn rules(&self) -> Option<&Rules> {
        let definition = &self.definition;
        let make = || {
            let custom = definition.custom()?;
            Rules::of(&custom.open_api_schema, &definition.group, &definition.version, &definition.kind)
        };
        self.rules.get_or_init(make).as_ref()
    }

    /// What `kubectl get` shows.
    pub fn printer(&self) -> &Printer {
        self.printer.get_or_init(|| Printer::of(&self.definition))
    }

    /// The order of the fields in JSON.
    pub fn order(&self) -> Order {
        self.order
    }

    /// JSON as clients see it, without a newline.
    pub fn encode(&self, object: &Value) -> Vec<u8> {
        let mut json = Vec::with_capacity(1024);
        write_object(self.order, object, &mut json);
        json
    }

    /// JSON as it is stored: in the storage version, which the object must be in.
    pub(crate) fn encode_stored(&self, object: &Value) -> Vec<u8> {
        let mut json = Vec::with_capacity(1024);
        write_object(self.stored_order, object, &mut json);
        json
    }

    /// A stored object parsed, in this version and as the current schema has it.
    pub fn read(&self, stored: &Stored) -> Value {
        let mut value = stored.value();
        if !self.is_converted() {
            convert::to_version(&mut value, &self.api_version);
        }
        if let Some(schema) = self.schema().filter(|_| self.schema_has_changed) {
            schema::prune_stored(schema, &mut value);
            schema::apply_defaults(schema, &mut value);
        }
        value
    }

    /// JSON of a stored object in this version; nearly always the stored bytes themselves.
    pub fn json(&self, stored: &Stored) -> Bytes {
        if self.is_converted() && !self.schema_has_changed {
            // Already in the version asked for, or a status of a deletion that nobody converts.
            return stored.json().clone();
        }
        if self.api_version == self.storage_api_version && !self.schema_has_changed {
            return stored.json().clone();
        }
        self.encode(&self.read(stored)).into()
    }

    /// Where an object is in the store.
    pub fn key(&self, namespace: &str, name: &str) -> Box<str> {
        if self.definition.namespaced { format!("{namespace}/{name}").into() } else { name.into() }
    }
}

/// One state of all definitions.
#[derive(Debug, Default)]
pub struct Resources {
    by_path: BTreeMap<(String, String, String), Arc<Resource>>,
    custom: Vec<Arc<Resource>>,
}

impl Resources {
    /// The resource of a path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// Some served version of a resource.
    pub fn any_version(&self, group: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.iter()
            .find(|resource| resource.definition.group == group && resource.definition.plural == plural)
    }

    /// The resource that serves a kind.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.iter().find(|resource| resource.definition.kind == kind && resource.api_version == api_version)
    }

    /// Whether a built-in group has the version.
    pub fn is_built_in(&self, group: &str, version: &str) -> bool {
        builtin().iter().any(|definition| definition.group == group && definition.version == version)
    }

    /// Whether Kubernetes itself has the group.
    pub fn is_built_in_group(&self, group: &str) -> bool {
        builtin().iter().any(|definition| definition.group == group)
    }

    /// All resources in the order of group, version and plural.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.by_path.values()
    }

    /// Those that CustomResourceDefinitions define.
    pub fn custom(&self) -> &[Arc<Resource>] {
        &self.custom
    }

    /// One version of each resource that objects are stored for: what "every object of a namespace" means.
    pub fn stored(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.iter().filter(|resource| {
            resource.storage_api_version == resource.api_version && resource.definition.offers("list")
        })
    }
}

/// The current [`Resources`].
#[derive(Debug)]
pub struct Catalog {
    current: RwLock<Arc<Resources>>,
    /// Resources of each definition by its uid, so that what has not changed keeps the schema it has read.
    made: Mutex<HashMap<String, Made>>,
}

/// The resources of one definition, and the state of it that they were made from.
#[derive(Debug)]
struct Made {
    generation: i64,
    accepted: bool,
    terminating: bool,
    resources: Vec<Arc<Resource>>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self { current: RwLock::new(Arc::new(assemble(Vec::new()))), made: Mutex::default() }
    }
}

impl Catalog {
    /// The state of this moment.
    pub fn snapshot(&self) -> Arc<Resources> {
        Arc::clone(&self.current.read().expect("no code panics while it holds the catalog"))
    }

    /// Serves what these CustomResourceDefinitions define, and nothing of others.
    pub fn set_definitions(&self, definitions: &[Value]) {
        let mut held = self.made.lock().expect("no code panics while it holds the catalog");
        let mut made = HashMap::new();
        let mut custom = Vec::new();
        for crd in definitions {
            let uid = object::uid(crd);
            let generation = object::generation(crd);
            let accepted = crate::crd::is_true(crd, "NamesAccepted");
            let terminating = object::deletion_timestamp(crd).is_some();
            let state = (generation, accepted, terminating);
            let same =
                held.remove(uid).filter(|made| (made.generation, made.accepted, made.terminating) == state);
            let resources = same.map_or_else(|| crate::crd::resources(crd), |made| made.resources);
            custom.extend(resources.iter().cloned());
            made.insert(uid.to_owned(), Made { generation, accepted, terminating, resources });
        }
        *held = made;
        let next = Arc::new(assemble(custom));
        *self.current.write().expect("no code panics while it holds the catalog") = next;
    }
}

fn assemble(custom: Vec<Arc<Resource>>) -> Resources {
    let built_in = builtin().iter().map(|definition| {
        Arc::new(Resource::new(Arc::clone(definition), &storage_version(definition), false))
    });
    let by_path = built_in
        .chain(custom.iter().cloned())
        .map(|resource| {
            let definition = &resource.definition;
            let path =
                [&definition.group, &definition.version, &definition.plural].map(|part| part.to_string());
            (path.into(), resource)
        })
        .collect();
    Resources { by_path, custom }
}

/// What a built-in resource is stored as.
fn storage_version(definition: &Arc<ResourceDefinition>) -> String {
    match (&*definition.group, &*definition.version, &*definition.plural) {
        // v1 keeps what v2 says in annotations.
        ("autoscaling", "v1", "horizontalpodautoscalers") => "autoscaling/v2".to_owned(),
        // The same objects as the core group's events, under other field names.
        (EVENTS_GROUP, "v1", "events") => "v1".to_owned(),
        _ => definition.api_version(),
    }
}

/// The `apiVersion` and `kind` of a reference such as an owner reference.
pub fn reference_kind(reference: &Value) -> (&str, &str) {
    (object::api_version(reference), object::kind(reference))
}
