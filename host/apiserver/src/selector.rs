//! Label and field selectors: which objects a list or watch is about.

mod field;
mod key;
mod label;
mod label_text;

pub use self::field::{BadFieldSelector, FieldSelector, selectable_fields};
pub use self::label::LabelSelector;

use crate::resource::ResourceDefinition;
use crate::status::ApiError;
use crate::store::Stored;

/// Both selectors of a request together.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selector {
    /// Reads both; fields are checked against what the resource offers.
    pub fn parse(definition: &ResourceDefinition, labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self { labels: LabelSelector::parse(labels)?, fields: FieldSelector::parse(definition, fields)? })
    }

    /// Whether every object matches.
    pub fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything()
    }

    /// Whether the object matches. Only fields beyond name and namespace need its JSON.
    pub fn matches(&self, object: &Stored) -> bool {
        self.labels.matches(|key| object.label(key)) && self.fields.matches(object)
    }
}
