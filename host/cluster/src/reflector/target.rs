//! What is asked of the server for one watch: path, selectors, parameters (R3–R5, R9).

use super::WatchError;
use crate::{
    client::{Query, Wire, collection_path},
    discovery::Served,
    shape,
};
use std::{sync::Arc, time::Duration};
use windlass_core::{call::Shape, input::WatchSpec, name::Resource, selector::Selector};

/// Where one watch lists and watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    path: String,
    pub(super) resource: Resource,
    pub(super) shape: Shape,
    namespace: Option<Arc<str>>,
    labels: Option<Box<str>>,
    fields: Option<Arc<str>>,
}

impl Target {
    pub(super) fn new(spec: &WatchSpec, served: &Served) -> Result<Self, WatchError> {
        for verb in ["list", "watch"] {
            if !served.has_verb(verb) {
                return Err(WatchError::Unwatchable(format!(
                    "the server offers no `{verb}` of {}",
                    spec.kind
                )));
            }
        }
        let selection = &spec.selection;
        if selection.namespaces.len() > 1 {
            return Err(WatchError::Unwatchable("one watch covers one namespace or all".to_owned()));
        }
        let namespace = selection.namespaces.first().map(AsRef::as_ref);
        let path = collection_path(&served.resource, namespace, false);
        let labels = selection.labels.as_ref().map(Selector::as_str).filter(|labels| !labels.is_empty());
        Ok(Self {
            path: path.map_err(|error| WatchError::Unwatchable(error.message))?,
            resource: served.resource.clone(),
            shape: if spec.metadata_only { Shape::Metadata } else { Shape::Whole },
            namespace: selection.namespaces.first().cloned(),
            labels: labels.map(Box::from),
            fields: selection.fields.clone(),
        })
    }

    /// The RBAC rule that lets this be watched, and where it belongs.
    pub(super) fn rule(&self) -> String {
        let Resource { kind, plural, .. } = &self.resource;
        let place = match &self.namespace {
            Some(namespace) => format!("a Role in namespace {namespace}"),
            None => "a ClusterRole".to_owned(),
        };
        let group = kind.group();
        format!("{place} with {{apiGroups: [\"{group}\"], resources: [{plural}], verbs: [get, list, watch]}}")
    }

    fn selectors(&self) -> Query {
        Query::default()
            .with("labelSelector", self.labels.as_deref())
            .with("fieldSelector", self.fields.as_deref())
    }

    /// A page of a LIST. An empty version is a consistent read; a later page has only its token.
    pub(super) fn list(&self, version: &str, limit: Option<u32>, continue_token: Option<&str>) -> Wire {
        let limit = limit.map(|limit| limit.to_string());
        let version = Some(version).filter(|version| !version.is_empty() && continue_token.is_none());
        let query = self
            .selectors()
            .with("limit", limit.as_deref())
            .with("continue", continue_token)
            .with("resourceVersion", version)
            .with("resourceVersionMatch", version.filter(|_| limit.is_none()).map(|_| "NotOlderThan"));
        Wire::get(query.onto(self.path.clone()), shape::accept_list(self.shape))
    }

    /// A LIST of exactly this version (R18).
    pub(super) fn list_exactly(&self, version: &str, continue_token: Option<&str>) -> Wire {
        let version = Some(version).filter(|_| continue_token.is_none());
        let query = self
            .selectors()
            .with("continue", continue_token)
            .with("resourceVersion", version)
            .with("resourceVersionMatch", version.map(|_| "Exact"));
        Wire::get(query.onto(self.path.clone()), shape::accept_list(self.shape))
    }

    /// A WATCH (R9), or with `initial` a WatchList (R4).
    pub(super) fn watch(&self, version: &str, initial: bool, timeout: Duration) -> Wire {
        let timeout = timeout.as_secs().to_string();
        let query = self
            .selectors()
            .flag("watch", true)
            .flag("allowWatchBookmarks", true)
            .with("timeoutSeconds", Some(&timeout))
            .with("resourceVersion", Some(version).filter(|version| !version.is_empty()))
            .flag("sendInitialEvents", initial)
            .with("resourceVersionMatch", initial.then_some("NotOlderThan"));
        Wire::get(query.onto(self.path.clone()), shape::accept(self.shape))
    }
}
