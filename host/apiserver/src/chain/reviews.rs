//! Questions about rights and identity: created, answered, not kept.

use serde_json::{Value, json};

use super::{Exchange, User};
use crate::catalog::Resource;
use crate::clock;
use crate::object;
use crate::registry::Body;

/// The review and its answer, if the resource is one.
pub(super) fn answer(exchange: &Exchange, resource: &Resource, body: &Body) -> Option<(Value, Value)> {
    let mut review = body.value.clone();
    let definition = &resource.definition;
    let map = object::as_map(&mut review);
    map.entry("apiVersion").or_insert_with(|| resource.api_version.as_str().into());
    map.entry("kind").or_insert_with(|| definition.kind.to_string().into());
    map.entry("metadata").or_insert_with(|| json!({}));
    let status = match &*definition.plural {
        "selfsubjectaccessreviews" => json!({"allowed": true}),
        "subjectaccessreviews" | "localsubjectaccessreviews" => {
            json!({"allowed": object::at(&review, "spec.user") != Some(&"system:anonymous".into())})
        }
        "selfsubjectrulesreviews" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        "selfsubjectreviews" => {
            object::metadata_mut(&mut review).insert("creationTimestamp".into(), clock::now().into());
            json!({"userInfo": user_info(&exchange.user)})
        }
        _ => return None,
    };
    Some((review, status))
}

/// The review with its answer in it, which nobody owns.
pub(super) fn with_status(mut review: Value, status: Value) -> Value {
    object::as_map(&mut review).insert("status".into(), status);
    review
}

/// A user as reviews and signing requests name them.
pub(super) fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.as_str().into();
    }
    info
}
