//! From one version of a custom resource to another by its conversion webhook.
//!
//! Flow: [`Converter::convert`] asks the webhook about some objects in one ConversionReview, checks what comes back,
//! and keeps of its metadata labels and annotations only: the rest is the original's.

mod call;
mod memory;
mod review;
mod trust;
mod validate;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use self::call::Target;
use self::memory::Memory;
pub(crate) use self::validate::faults;
use super::{text, texts};
use crate::object;
use crate::registry::Registry;
use crate::store::Stored;

/// The webhook of one CustomResourceDefinition, shared by its versions.
#[derive(Debug)]
pub struct Converter {
    target: Target,
    /// Versions of ConversionReview that the webhook reads, best first.
    review_versions: Vec<String>,
    memory: Memory,
}

impl Converter {
    /// The webhook that a definition names, if its strategy is one.
    pub(crate) fn of(crd: &Value) -> Option<Self> {
        if text(crd, "spec.conversion.strategy") != "Webhook" {
            return None;
        }
        let webhook = object::at(crd, "spec.conversion.webhook")?;
        Some(Self {
            target: Target::of(webhook.get("clientConfig")?),
            review_versions: texts(webhook, "conversionReviewVersions")
                .iter()
                .map(ToString::to_string)
                .collect(),
            memory: Memory::default(),
        })
    }

    /// The objects in another version, in their order; those that are in it already are not sent.
    ///
    /// # Errors
    /// What the real server says of a webhook that cannot be reached or answers with something else.
    pub(crate) async fn convert(
        &self,
        registry: &Registry,
        objects: Vec<Value>,
        api_version: &str,
    ) -> Result<Vec<Value>, String> {
        let Some(first) = objects.iter().find(|object| object::api_version(object) != api_version) else {
            return Ok(objects);
        };
        let subject = format!("{}, Kind={}", object::api_version(first), object::kind(first));
        let failed = |why: String| format!("conversion webhook for {subject} failed: {why}");
        let sent: Vec<&Value> =
            objects.iter().filter(|object| object::api_version(object) != api_version).collect();
        let uid = uuid::Uuid::new_v4().to_string();
        let asked = review::request(&self.review_versions, &sent, api_version, &uid)?;
        let answer = self.target.call(registry, &asked).await.map_err(&failed)?;
        let converted = review::objects(&answer, &asked, &uid).map_err(&failed)?;
        let expected = sent.len();
        if converted.len() != expected {
            let count = converted.len();
            return Err(format!(
                "conversion webhook for {subject} returned {count} objects, expected {expected}"
            ));
        }
        let mut converted = converted.into_iter().enumerate();
        let mut result = Vec::with_capacity(objects.len());
        for original in objects {
            if object::api_version(&original) == api_version {
                result.push(original);
                continue;
            }
            let Some((index, mut object)) = converted.next() else { continue };
            review::check(&original, &mut object, api_version, index)
                .map_err(|why| format!("conversion webhook for {subject} returned {why}"))?;
            result.push(object);
        }
        Ok(result)
    }

    /// What an object of the store was converted to before, in that state.
    pub(crate) fn remembered(&self, stored: &Stored, api_version: &str) -> Option<Arc<Stored>> {
        self.memory.get(stored, api_version)
    }

    /// Keeps it for the next list or watch.
    pub(crate) fn remember(&self, stored: &Stored, api_version: &str, converted: &Arc<Stored>) {
        self.memory.put(stored, api_version, converted);
    }
}
