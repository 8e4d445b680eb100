//! Deleting objects: at once, or by marking them and waiting for finalizers and grace.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Expect, List, Place, Registry, namespace, store_error};
use crate::clock;
use crate::object;
use crate::query::{ListOptions, Query, dry_run};
use crate::status::{ApiError, Cause, Details, Status};
use crate::store::{Action, StoreError, Stored, Write};
use crate::strategy::Propagation;

/// Dependents are deleted first.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Dependents lose their owner first.
pub(crate) const ORPHAN: &str = "orphan";
/// What removes the objects of a CustomResourceDefinition.
pub(crate) const CRD_CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
/// Attempts of a deletion that other writes get in the way of.
const ATTEMPTS_MAX: usize = 64;

/// What a deletion asks for.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Check everything, delete nothing.
    pub dry_run: bool,
    /// `gracePeriodSeconds`.
    pub grace_seconds: Option<u64>,
    /// `propagationPolicy` or what `orphanDependents` means.
    pub propagation: Option<Propagation>,
    /// The uid that the object must have.
    pub uid: Option<String>,
    /// The version that the object must have.
    pub version: Option<String>,
}

/// What a deletion came to.
#[derive(Debug)]
pub enum Deleted {
    /// The object is gone.
    Gone(Box<Status>),
    /// The object as it is now, or was last.
    Object(Arc<Stored>),
}

impl DeleteOptions {
    /// Reads them from the body if there is one, else from the query.
    pub fn parse(query: &Query, body: Option<&Value>) -> Result<Self, ApiError> {
        const KIND: &str = "DeleteOptions";
        let mut options = Self::default();
        let (policy, orphan);
        if let Some(body) = body {
            check_types(body)?;
            check_kind(body)?;
        }
        if let Some(body) = body.filter(|body| body.as_object().is_some_and(|map| !map.is_empty())) {
            let text = |path: &str| object::at(body, path).and_then(Value::as_str).map(str::to_owned);
            options.uid = text("preconditions.uid");
            options.version = text("preconditions.resourceVersion");
            options.grace_seconds = body.get("gracePeriodSeconds").and_then(Value::as_u64);
            let dry = body.get("dryRun").and_then(Value::as_array).into_iter().flatten();
            options.dry_run = dry_run(dry.filter_map(Value::as_str).chain(query.all("dryRun")), KIND)?;
            policy = text("propagationPolicy").or_else(|| non_empty(query.get("propagationPolicy")));
            orphan = body.get("orphanDependents").and_then(Value::as_bool);
        } else {
            options.grace_seconds = query.get("gracePeriodSeconds").parse().ok();
            options.dry_run = dry_run(query.all("dryRun"), KIND)?;
            policy = non_empty(query.get("propagationPolicy"));
            orphan = query.optional_flag("orphanDependents");
        }
        if policy.is_some() && orphan.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            let shown = format!("\"{}\"", policy.unwrap_or_default());
            return Err(ApiError::invalid_options(KIND, Cause::invalid("propagationPolicy", &shown, why)));
        }
        options.propagation = match policy.as_deref() {
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Background") => Some(Propagation::Background),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                let cause = Cause::not_supported("propagationPolicy", &format!("\"{other}\""), &supported);
                return Err(ApiError::invalid_options(KIND, cause));
            }
            None => orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
        };
        Ok(options)
    }
}

/// The body must be of the type's shape, whatever else it says.
fn check_types(body: &Value) -> Result<(), ApiError> {
    let schema = crate::schema::definition("meta.v1.DeleteOptions");
    let schema = schema.expect("the table has the options of deletions");
    let checked =
        crate::schema::decode(&schema, &mut body.clone(), crate::query::FieldValidation::Ignore, Vec::new());
    checked.map(drop).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// A body that says what it is says that it is options of a deletion.
fn check_kind(body: &Value) -> Result<(), ApiError> {
    let (kind, version) = (object::kind(body), object::api_version(body));
    if kind.is_empty() || version.is_empty() || kind == "DeleteOptions" {
        return Ok(());
    }
    let why = format!(
        "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
    );
    Err(ApiError::bad_request(why))
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Registry {
    /// Deletes an object, or begins to.
    pub async fn delete(&self, place: &Place, options: &DeleteOptions) -> Result<Deleted, ApiError> {
        namespace::check_may_delete(place)?;
        for _ in 0..ATTEMPTS_MAX {
            let current = self.get(place)?;
            // The real server reads what it deletes in the version of the request; a webhook that fails keeps it.
            self.in_version(&place.resource, &current).await?;
            let object = current.value();
            check_preconditions(place, &object, options)?;
            let marked = mark(place, &object, options);
            let outcome = if is_finished(place, &marked) {
                // Only Pods, which may leave with grace, are told as marked.
                let shown = if &*place.resource.store_name == "pods" { &marked } else { &object };
                self.remove(place, &current, shown, options).await
            } else {
                self.begin_deletion(place, &current, marked, options).await
            };
            match outcome {
                Err(StoreError::Changed { .. }) => {}
                other => return other.map_err(|error| store_error(place, error)),
            }
        }
        Err(ApiError::modified(place.resource_name(), &place.name))
    }

    async fn remove(
        &self,
        place: &Place,
        current: &Arc<Stored>,
        marked: &Value,
        options: &DeleteOptions,
    ) -> Result<Deleted, StoreError> {
        let mut shown = marked.clone();
        if !options.dry_run {
            let write = Write {
                resource: Arc::clone(&place.resource.store_name),
                key: place.key(),
                expect: Expect::Version(current.version),
                action: Action::Delete,
                guard: None,
            };
            // What is gone is told as it was last, under the version of its deletion.
            let version = self.inner.store.commit(write).await?.version().to_string();
            object::metadata_mut(&mut shown).insert("resourceVersion".into(), version.into());
        }
        if place.resource.strategy.returns_deleted {
            return Ok(Deleted::Object(self.detached(place, &shown)));
        }
        let definition = &place.resource.definition;
        let details = Details {
            name: place.name.clone(),
            group: definition.group.to_string(),
            kind: definition.plural.to_string(),
            uid: current.uid.to_string(),
            ..Details::default()
        };
        Ok(Deleted::Gone(Box::new(Status::success(details))))
    }

    async fn begin_deletion(
        &self,
        place: &Place,
        current: &Arc<Stored>,
        marked: Value,
        options: &DeleteOptions,
    ) -> Result<Deleted, StoreError> {
        if options.dry_run {
            return Ok(Deleted::Object(self.detached(place, &marked)));
        }
        let draft = self.draft(&place.resource, marked)?;
        if !current.differs_from(&draft) {
            return Ok(Deleted::Object(Arc::clone(current)));
        }
        Ok(Deleted::Object(self.put(place, Expect::Version(current.version), draft, None).await?))
    }

    /// Deletes everything that the options select; the answer is what was selected, as it was.
    pub async fn delete_collection(
        &self,
        place: &Place,
        list: &ListOptions,
        options: &DeleteOptions,
    ) -> Result<List, ApiError> {
        let listed = self.list(place, list)?;
        for object in &listed.items {
            let place = Place::new(&place.resource, object.namespace(), object.name());
            match self.delete(&place, options).await {
                Err(error) if error.code() == 404 => {}
                other => drop(other?),
            }
        }
        Ok(listed)
    }
}

fn check_preconditions(place: &Place, held: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
    let definition = &place.resource.definition;
    let kind = crate::status::ResourceName { group: &definition.group, plural: &definition.kind };
    let (uid, version) = (object::uid(held), object::resource_version(held));
    if let Some(asked) = options.uid.as_deref().filter(|asked| *asked != uid) {
        let why = format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        );
        return Err(ApiError::conflict(kind, &place.name, &why));
    }
    if let Some(asked) = options.version.as_deref().filter(|asked| *asked != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(ApiError::conflict(kind, &place.name, &why));
    }
    Ok(())
}

/// The object as the deletion leaves it: marked, with the finalizers of the propagation asked for.
fn mark(place: &Place, old: &Value, options: &DeleteOptions) -> Value {
    let mut object = old.clone();
    set_propagation(place, &mut object, options);
    let store_name = &*place.resource.store_name;
    if store_name == crate::crd::STORE_NAME {
        object::add_finalizer(&mut object, CRD_CLEANUP);
        crate::crd::set_terminating(&mut object);
    }
    let namespace = store_name == "namespaces";
    let grace = if store_name == "pods" { pod_grace(&object, options) } else { 0 };
    let marked_before = object::deletion_timestamp(&object).is_some();
    let held = object::metadata(&object).and_then(|meta| meta.get("deletionGracePeriodSeconds")?.as_u64());
    let shorter = marked_before && held.is_some_and(|held| grace < held);
    if marked_before && !shorter {
        return object;
    }
    let generation = object::generation(&object);
    let meta = object::metadata_mut(&mut object);
    meta.insert("deletionTimestamp".into(), clock::after(Duration::from_secs(grace)).into());
    // These two are marked by their own storage, which sets no more than the time.
    let definition = store_name == crate::crd::STORE_NAME;
    if !namespace && !definition {
        meta.insert("deletionGracePeriodSeconds".into(), grace.into());
    }
    if generation > 0 && !marked_before && !definition {
        meta.insert("generation".into(), (generation + 1).into());
    }
    if namespace {
        object["status"]["phase"] = "Terminating".into();
    }
    object
}

fn set_propagation(place: &Place, object: &mut Value, options: &DeleteOptions) {
    let already = object::has_finalizer(object, ORPHAN) || object::has_finalizer(object, FOREGROUND);
    let propagation = match options.propagation {
        None if already => return,
        None => place.resource.strategy.default_propagation,
        Some(asked) => asked,
    };
    for (finalizer, wanted) in [(ORPHAN, Propagation::Orphan), (FOREGROUND, Propagation::Foreground)] {
        if propagation == wanted {
            object::add_finalizer(object, finalizer);
        } else {
            object::remove_finalizer(object, finalizer);
        }
    }
}

/// Pods that no node has, or that have ended, need no grace.
fn pod_grace(pod: &Value, options: &DeleteOptions) -> u64 {
    let text = |path: &str| object::at(pod, path).and_then(Value::as_str).unwrap_or_default();
    if text("spec.nodeName").is_empty() || matches!(text("status.phase"), "Succeeded" | "Failed") {
        return 0;
    }
    let declared = object::at(pod, "spec.terminationGracePeriodSeconds").and_then(Value::as_u64);
    options.grace_seconds.or(declared).unwrap_or(30)
}

/// Whether nothing holds the object any more: it is marked, its finalizers are gone and its grace is over.
pub(super) fn is_finished(place: &Place, object: &Value) -> bool {
    let grace = object::metadata(object).and_then(|meta| meta.get("deletionGracePeriodSeconds")?.as_u64());
    let namespace = &*place.resource.store_name == "namespaces";
    let spec_finalizers = object::at(object, "spec.finalizers").and_then(Value::as_array);
    object::deletion_timestamp(object).is_some()
        && object::finalizers(object).next().is_none()
        && grace.unwrap_or_default() == 0
        && !(namespace && spec_finalizers.is_some_and(|finalizers| !finalizers.is_empty()))
}
