//! From stored objects to answers in the form the client wants.

use bytes::Bytes;
use serde_json::Value;

use super::Exchange;
use super::answer::{self, Response};
use crate::catalog::Resource;
use crate::object;
use crate::registry::{Event, List};
use crate::status::{ApiError, Details, reason};
use crate::store::Stored;
use crate::wire::accept::{self, Format, Negotiated, NotAcceptable, Offer};
use crate::wire::json::{ListMeta, ListWriter, Order, write_object};
use crate::wire::yaml;

/// The form in which a resource's answer is wanted.
pub(super) fn form(exchange: &Exchange, _resource: &Resource) -> Result<Negotiated, ApiError> {
    let offer = Offer { protobuf: false, transforms: false };
    accept::negotiate(exchange.header_list("accept").as_deref(), offer).map_err(not_acceptable)
}

pub(super) fn not_acceptable(refusal: NotAcceptable) -> ApiError {
    let details = (refusal == NotAcceptable::NoneMatches).then(Details::default);
    ApiError::new(406, reason::NOT_ACCEPTABLE, refusal.to_string(), details)
}

/// JSON of an object in the version of the resource it is asked through.
pub(super) fn json(resource: &Resource, stored: &Stored) -> Bytes {
    if resource.api_version == resource.storage_api_version {
        return stored.json().clone();
    }
    resource.encode(&value(resource, stored)).into()
}

/// An object parsed, in the version of the resource it is asked through.
pub(super) fn value(resource: &Resource, stored: &Stored) -> Value {
    let mut value = stored.value();
    if resource.api_version != resource.storage_api_version {
        object::as_map(&mut value).insert("apiVersion".into(), resource.api_version.as_str().into());
    }
    value
}

/// One object.
pub(super) fn object(code: u16, form: Negotiated, resource: &Resource, stored: &Stored) -> Response {
    match form.format {
        Format::Yaml => yaml(code, &value(resource, stored)),
        _ => {
            let json = json(resource, stored);
            let mut body = Vec::with_capacity(json.len() + 1);
            body.extend_from_slice(&json);
            body.push(b'\n');
            answer::whole(code, form.format.media_type(), body)
        }
    }
}

/// An object that is not of the store, such as a Scale, in the order of its own kind.
pub(super) fn loose(code: u16, form: Negotiated, value: &Value) -> Response {
    if form.format == Format::Yaml {
        return yaml(code, value);
    }
    let api_version = object::api_version(value);
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut body = Vec::new();
    write_object(Order::of(group, version, object::kind(value)), value, &mut body);
    body.push(b'\n');
    answer::whole(code, form.format.media_type(), body)
}

fn yaml(code: u16, value: &Value) -> Response {
    let mut body = String::new();
    yaml::write(value, &mut body);
    answer::whole(code, Format::Yaml.media_type(), body)
}

/// A list.
pub(super) fn list(form: Negotiated, list: &List) -> Response {
    let resource = &list.resource;
    let version = list.version.to_string();
    let meta = ListMeta {
        resource_version: &version,
        continue_token: &list.continue_token,
        remaining_item_count: list.remaining,
    };
    let kind = &resource.definition.list_kind;
    let len: usize = list.items.iter().map(|item| item.json().len()).sum();
    let mut body = Vec::with_capacity(len + 512);
    let mut writer = ListWriter::begin(resource.order(), &resource.api_version, kind, meta, &mut body);
    for item in &list.items {
        writer.item_bytes(&json(resource, item), &mut body);
    }
    writer.end(kind, meta, &mut body);
    if form.format == Format::Yaml {
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        return yaml(200, &value);
    }
    answer::whole(200, form.format.media_type(), body)
}

/// One line of a watch.
pub(super) fn event(resource: &Resource, event: &Event, out: &mut Vec<u8>) {
    line(event.kind.as_str(), &json(resource, &event.object), out);
}

/// A bookmark: everything up to the version has been told.
pub(super) fn bookmark(resource: &Resource, version: u64, initial_end: bool, out: &mut Vec<u8>) {
    let mut meta = serde_json::json!({"resourceVersion": version.to_string()});
    if initial_end {
        meta["annotations"] = serde_json::json!({"k8s.io/initial-events-end": "true"});
    }
    let value = serde_json::json!({
        "kind": resource.definition.kind,
        "apiVersion": resource.api_version,
        "metadata": meta,
    });
    line("BOOKMARK", &resource.encode(&value), out);
}

/// An error inside a watch that has begun.
pub(super) fn error_event(error: &ApiError, out: &mut Vec<u8>) {
    line("ERROR", error.0.to_json().as_bytes(), out);
}

fn line(kind: &str, object: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
}
