//! What the server knows of one resource in one version: the data that makes kinds differ.
//!
//! Built-in kinds come from a recorded table, custom ones from their CustomResourceDefinition; handlers,
//! discovery, OpenAPI and printing read the same type and do not ask where it came from.

mod builtin;

pub use builtin::builtin;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::crd::conversion::Converter;

/// Text of a table built into the program, or made at run time from a CRD.
pub type Text = Cow<'static, str>;

/// One resource in one version of its group, as discovery lists it.
#[derive(Debug, Clone, Default)]
pub struct ResourceDefinition {
    /// API group; empty for the core group.
    pub group: Text,
    /// Version of the group, such as `v1`.
    pub version: Text,
    /// Kind of one object, such as `Deployment`.
    pub kind: Text,
    /// Kind of a list of them, such as `DeploymentList`.
    pub list_kind: Text,
    /// Name in the path, such as `deployments`.
    pub plural: Text,
    /// Singular name that kubectl accepts, such as `deployment`.
    pub singular: Text,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Verbs of the main resource, in the order discovery shows.
    pub verbs: Vec<Text>,
    /// Short names, such as `deploy`.
    pub short_names: Vec<Text>,
    /// Categories, such as `all`.
    pub categories: Vec<Text>,
    /// Subresources in the order discovery shows.
    pub subresources: Vec<Subresource>,
    /// Columns of `additionalPrinterColumns`; built-in kinds have theirs in the recorded table of columns.
    pub printer_columns: Vec<PrinterColumn>,
    /// JSON paths that a field selector may name besides `metadata.name` and `metadata.namespace`.
    pub selectable_fields: Vec<Text>,
    /// Where the definition comes from.
    pub origin: Origin,
}

/// Where a definition comes from, with what only that origin has.
#[derive(Debug, Clone, Default)]
pub enum Origin {
    /// Part of Kubernetes itself.
    #[default]
    BuiltIn,
    /// Defined by a CustomResourceDefinition.
    Custom(Arc<CustomOrigin>),
}

/// What a CustomResourceDefinition says about one of its versions beyond names.
#[derive(Debug, Clone, Default)]
pub struct CustomOrigin {
    /// uid of the CustomResourceDefinition: a definition made anew under the same name is another one.
    pub uid: String,
    /// Whether objects are stored in this version.
    pub storage: bool,
    /// `schema.openAPIV3Schema` of the version as the client wrote it, `x-kubernetes-*` included.
    pub open_api_schema: Arc<Value>,
    /// `subresources.scale` of the version, if it has one.
    pub scale: Option<ScalePaths>,
    /// `deprecationWarning`, or the default text, if the version is deprecated.
    pub deprecation_warning: Option<String>,
    /// What makes one version of another, if that is a webhook.
    pub converter: Option<Arc<Converter>>,
}

/// JSON paths of a custom resource's scale subresource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScalePaths {
    /// Where `spec.replicas` of the Scale is kept, such as `.spec.replicas`.
    pub spec_replicas: String,
    /// Where `status.replicas` of the Scale is kept.
    pub status_replicas: String,
    /// Where the serialised label selector is kept, if any.
    pub label_selector: Option<String>,
}

/// A subresource: its own path segment, kind and verbs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subresource {
    /// Last path segment, such as `status`.
    pub name: Text,
    /// Group of the kind it answers with; empty for the core group, or the same as the resource's.
    pub group: Text,
    /// Version of the kind it answers with; empty where it is the resource's own.
    pub version: Text,
    /// Kind it answers with, such as `Scale`.
    pub kind: Text,
    /// Verbs in the order discovery shows.
    pub verbs: Vec<Text>,
}

/// A column of `kubectl get`, from `additionalPrinterColumns`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrinterColumn {
    /// Heading.
    pub name: String,
    /// OpenAPI type of the cell: `string`, `integer`, `number`, `boolean` or `date`.
    pub kind: String,
    /// OpenAPI format, may be empty.
    pub format: String,
    /// Text for `explain`-like views, may be empty.
    pub description: String,
    /// 0 is shown always, larger only with `-o wide`.
    pub priority: i64,
    /// JSON path of the cell, such as `.spec.size`.
    pub json_path: String,
}

impl ResourceDefinition {
    /// `apiVersion` of an object: `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `plural` or `plural.group`, as error messages and CRD names write it.
    pub fn qualified_plural(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_string()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `Kind` or `Kind.group`, as the message of an Invalid error writes it.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_string() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// What a custom resource has beyond a built-in one.
    pub fn custom(&self) -> Option<&Arc<CustomOrigin>> {
        match &self.origin {
            Origin::BuiltIn => None,
            Origin::Custom(custom) => Some(custom),
        }
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }

    /// Whether the main resource offers the verb.
    pub fn offers(&self, verb: &str) -> bool {
        self.verbs.iter().any(|offered| offered == verb)
    }
}
