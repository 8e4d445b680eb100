//! From stored objects to answers in the form the client wants.

mod long_list;

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::Exchange;
use super::answer::{self, Response};
use crate::catalog::Resource;
use crate::object;
use crate::registry::{Event, List};
use crate::resource::{Origin, PrinterColumn, ResourceDefinition};
use crate::status::{ApiError, Details, reason};
use crate::store::Stored;
use crate::table::{IncludeObject, Printer, RowOptions, TableWriter, write_partial, write_single};
use crate::wire::accept::{self, Format, MetaVersion, NotAcceptable, Offer, Transform};
use crate::wire::json::{ListMeta, ListWriter, Order, write_object};
use crate::wire::{pretty, protobuf, yaml};

/// The form in which a resource's answer is wanted, and what it is turned into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) format: Format,
    pub(super) pretty: bool,
    transform: Transform,
    include: IncludeObject,
}

/// The form in which a resource's answer is wanted.
///
/// # Errors
/// What [`refusal`] answers.
pub(super) fn form(exchange: &Exchange, resource: &Resource) -> Result<Form, ApiError> {
    let accept = exchange.header_list("accept");
    if resource.definition.custom().is_none() && !accept::names_a_format(accept.as_deref()) {
        return Err(none_named(exchange));
    }
    let negotiated = accept::negotiate(accept.as_deref(), offer(resource)).map_err(not_acceptable)?;
    let include = exchange.query.get("includeObject");
    let include = match (IncludeObject::parse(include), negotiated.transform) {
        (Some(include), _) => include,
        (None, Transform::Table(_)) => {
            return Err(ApiError::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: \"{include}\": must be \
                 'Metadata', 'Object', 'None', or empty"
            )));
        }
        (None, _) => IncludeObject::default(),
    };
    let definition = &resource.definition;
    let message = match (negotiated.transform, exchange.info.verb) {
        (Transform::Partial(_), "list" | "deletecollection") => format!(
            "you requested PartialObjectMetadata, but the requested object is a list ({})",
            go_type(definition, &definition.list_kind, "List")
        ),
        (Transform::PartialList(_), "get" | "create" | "update" | "patch" | "delete") => format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
            go_type(definition, &definition.kind, "")
        ),
        _ => {
            let pretty = negotiated.pretty || exchange.wants_pretty();
            return Ok(Form { format: negotiated.format, pretty, transform: negotiated.transform, include });
        }
    };
    Err(ApiError::new(406, reason::NOT_ACCEPTABLE, message, None))
}

/// No format of the path is named.
fn none_named(exchange: &Exchange) -> ApiError {
    let mut error = not_acceptable(NotAcceptable::NoneMatches);
    if matches!(exchange.info.verb, "list" | "watch") {
        error.0.message +=
            ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    }
    error
}

/// The type as the real server's messages name it.
fn go_type(definition: &ResourceDefinition, kind: &str, suffix: &str) -> String {
    if definition.custom().is_some() {
        return format!("*unstructured.Unstructured{suffix}");
    }
    let package = match &*definition.group {
        "" => "core",
        group => group.split('.').next().unwrap_or_default(),
    };
    format!("*{package}.{kind}")
}

/// Why no form fits.
pub(super) fn refusal(exchange: &Exchange, resource: &Resource, error: &ApiError) -> Response {
    if takes_only_protobuf(exchange, resource) {
        return answer::failure_as(error, Format::Protobuf, false);
    }
    let accept = exchange.header_list("accept");
    match accept::negotiate(accept.as_deref(), offer(resource)) {
        // The path itself refused, not the negotiation behind it.
        Ok(negotiated) if error.0.details.is_some() => {
            answer::failure_as(error, negotiated.format, exchange.wants_pretty())
        }
        _ => answer::refusal(error),
    }
}

/// A failure in the format that the answer would have had.
pub(super) fn failure(exchange: &Exchange, resource: &Resource, error: &ApiError) -> Response {
    let accept = exchange.header_list("accept");
    let format = match accept::negotiate(accept.as_deref(), offer(resource)) {
        Ok(negotiated) => negotiated.format,
        Err(NotAcceptable::NoProtobuf) => Format::Protobuf,
        Err(_) => Format::Json,
    };
    answer::failure_as(error, format, exchange.wants_pretty())
}

fn offer(resource: &Resource) -> Offer {
    if resource.definition.custom().is_some() { Offer::CUSTOM } else { Offer::BUILT_IN }
}

impl Form {
    fn rows(self, version: MetaVersion) -> RowOptions {
        RowOptions { version, include: self.include, now: crate::clock::now_moment() }
    }

    /// The answer's bytes, which are JSON so far, in the format asked for.
    fn answer(self, exchange: &Exchange, code: u16, json: Vec<u8>) -> Response {
        let parsed = || serde_json::from_slice::<Value>(&json).unwrap_or_default();
        let body = match self.format {
            Format::Json if self.pretty => pretty::indent(&json),
            Format::Json => json,
            Format::Yaml => {
                let mut body = String::new();
                yaml::write(&parsed(), &mut body);
                body.into_bytes()
            }
            Format::Protobuf => {
                let mut body = Vec::new();
                if let Err(error) = protobuf::encode(&parsed(), &mut body) {
                    return answer::failure(&ApiError::internal(error));
                }
                body
            }
        };
        answer::compressed(exchange, code, self.format.media_type(), body)
    }

    /// The `Content-Type` of a watch.
    pub(super) fn stream_type(self) -> String {
        match self.format {
            Format::Json => self.format.media_type().to_owned(),
            other => format!("{};stream=watch", other.media_type()),
        }
    }
}

/// Whether the client takes nothing but protobuf, and the resource has none.
fn takes_only_protobuf(exchange: &Exchange, resource: &Resource) -> bool {
    let accept = exchange.header_list("accept");
    resource.definition.custom().is_some()
        && accept::negotiate(accept.as_deref(), Offer::CUSTOM) == Err(NotAcceptable::NoProtobuf)
}

pub(super) fn not_acceptable(refusal: NotAcceptable) -> ApiError {
    let details = (refusal == NotAcceptable::NoneMatches).then(Details::default);
    ApiError::new(406, reason::NOT_ACCEPTABLE, refusal.to_string(), details)
}

/// One object, without a newline, as the transform has it. A watch sends a Table's columns only once.
fn write_one(form: Form, resource: &Resource, stored: &Stored, with_columns: bool, out: &mut Vec<u8>) {
    match form.transform {
        Transform::None => out.extend_from_slice(&resource.json(stored)),
        Transform::Partial(version) | Transform::PartialList(version) => {
            write_partial(version, &resource.read(stored), out);
        }
        Transform::Table(version) => {
            let value = resource.read(stored);
            write_single(resource.printer(), form.rows(version), &value, with_columns, out);
        }
    }
}

/// One object.
pub(super) fn object(
    exchange: &Exchange,
    code: u16,
    form: Form,
    resource: &Resource,
    stored: &Stored,
) -> Response {
    let mut body = Vec::with_capacity(stored.json().len() + 1);
    write_one(form, resource, stored, true, &mut body);
    body.push(b'\n');
    form.answer(exchange, code, body)
}

/// An object that is not of the store, such as a Scale, in the order of its own kind.
pub(super) fn loose(exchange: &Exchange, code: u16, form: Form, value: &Value) -> Response {
    let api_version = object::api_version(value);
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut body = Vec::new();
    match form.transform {
        Transform::Table(table) if object::kind(value) == "Scale" => {
            write_single(scale_printer(), form.rows(table), value, true, &mut body);
        }
        _ => write_object(Order::of(group, version, object::kind(value)), value, &mut body),
    }
    body.push(b'\n');
    form.answer(exchange, code, body)
}

/// What `kubectl get --subresource=scale` shows, of any kind.
fn scale_printer() -> &'static Printer {
    static MADE: OnceLock<Printer> = OnceLock::new();
    let column = |name: &str, kind: &str, json_path: &str| PrinterColumn {
        name: name.to_owned(),
        kind: kind.to_owned(),
        json_path: json_path.to_owned(),
        ..PrinterColumn::default()
    };
    MADE.get_or_init(|| {
        Printer::of(&ResourceDefinition {
            printer_columns: vec![
                column("Desired", "integer", ".spec.replicas"),
                column("Available", "integer", ".status.replicas"),
                column("Age", "date", ".metadata.creationTimestamp"),
            ],
            origin: Origin::Custom(Arc::default()),
            ..ResourceDefinition::default()
        })
    })
}

/// A list. A long one is made while it is sent.
pub(super) fn list(exchange: &Exchange, form: Form, list: List) -> Response {
    let len: usize = list.items.iter().map(|item| item.json().len()).sum();
    if len > long_list::WHOLE_BYTES_MAX
        && form.format == Format::Json
        && !form.pretty
        && !matches!(form.transform, Transform::Table(_))
    {
        return long_list::respond(exchange, form, list);
    }
    let version = list.version.to_string();
    let mut body = Vec::with_capacity(len + 512);
    write_list(form, &list, meta(&list, &version), &mut body);
    form.answer(exchange, 200, body)
}

/// What a list says of itself; `version` is its own.
fn meta<'a>(list: &'a List, version: &'a str) -> ListMeta<'a> {
    ListMeta {
        resource_version: version,
        continue_token: &list.continue_token,
        remaining_item_count: list.remaining,
    }
}

fn write_list(form: Form, list: &List, meta: ListMeta<'_>, body: &mut Vec<u8>) {
    let resource = &list.resource;
    if let Transform::Table(version) = form.transform {
        let mut table = TableWriter::begin(resource.printer(), form.rows(version), meta, true, body);
        for item in &list.items {
            table.row(&resource.read(item), body);
        }
        table.end(body);
        body.push(b'\n');
        return;
    }
    let mut items = Items::begin(form, resource, meta, body);
    for item in &list.items {
        items.add(resource, item, body);
    }
    items.end(resource, meta, body);
    if items.partial.is_some() && list.items.is_empty() {
        // Here, and only here, the real server says `null`.
        body.truncate(body.len() - b"[]}\n".len());
        body.extend_from_slice(b"null}\n");
    }
}

/// Writes a list that is no Table, object by object.
struct Items {
    writer: ListWriter,
    partial: Option<MetaVersion>,
}

impl Items {
    fn begin(form: Form, resource: &Resource, meta: ListMeta<'_>, body: &mut Vec<u8>) -> Self {
        let partial = match form.transform {
            Transform::Partial(version) | Transform::PartialList(version) => Some(version),
            Transform::None | Transform::Table(_) => None,
        };
        let (order, api_version) = match partial {
            Some(version) => (Order::of("", "v1", "ConfigMap"), version.api_version()),
            None => (resource.order(), &*resource.api_version),
        };
        let kind = Self::kind(partial, resource);
        Self { writer: ListWriter::begin(order, api_version, kind, meta, body), partial }
    }

    fn kind(partial: Option<MetaVersion>, resource: &Resource) -> &str {
        if partial.is_some() { "PartialObjectMetadataList" } else { &resource.definition.list_kind }
    }

    fn add(&mut self, resource: &Resource, item: &Stored, body: &mut Vec<u8>) {
        match self.partial {
            Some(version) => {
                self.writer.separate(body);
                write_partial(version, &resource.read(item), body);
            }
            None => self.writer.item_bytes(&resource.json(item), body),
        }
    }

    fn end(&self, resource: &Resource, meta: ListMeta<'_>, body: &mut Vec<u8>) {
        self.writer.end(Self::kind(self.partial, resource), meta, body);
    }
}

/// One event of a watch; `first` is set for its first.
pub(super) fn event(form: Form, resource: &Resource, event: &Event, first: bool, out: &mut Vec<u8>) {
    if form.format == Format::Json {
        begin_line(event.kind.as_str(), out);
        write_one(form, resource, &event.object, first, out);
        out.extend_from_slice(b"}\n");
        return;
    }
    let mut json = Vec::new();
    write_one(form, resource, &event.object, first, &mut json);
    write_event(form, event.kind.as_str(), &json, out);
}

/// An event whose object is given as JSON, in the format of the watch.
fn write_event(form: Form, kind: &str, json: &[u8], out: &mut Vec<u8>) {
    let parsed = || serde_json::from_slice::<Value>(json).unwrap_or_default();
    match form.format {
        Format::Json => {
            begin_line(kind, out);
            out.extend_from_slice(json);
            out.extend_from_slice(b"}\n");
        }
        Format::Yaml => {
            let mut text = String::new();
            yaml::write(&serde_json::json!({"type": kind, "object": parsed()}), &mut text);
            out.extend_from_slice(b"---\n");
            out.extend_from_slice(text.as_bytes());
        }
        Format::Protobuf => {
            if let Err(error) = protobuf::encode_watch_event(kind, &parsed(), out) {
                tracing::error!(%error, kind, "an event has no protobuf form and is left out");
            }
        }
    }
}

/// A bookmark: everything up to the version has been told.
pub(super) fn bookmark(form: Form, resource: &Resource, version: u64, initial_end: bool, out: &mut Vec<u8>) {
    let mut meta = serde_json::json!({"resourceVersion": version.to_string()});
    if initial_end {
        meta["annotations"] = serde_json::json!({"k8s.io/initial-events-end": "true"});
    }
    let value = serde_json::json!({
        "kind": resource.definition.kind,
        "apiVersion": resource.api_version,
        "metadata": meta,
    });
    write_event(form, "BOOKMARK", &resource.encode(&value), out);
}

/// An error inside a watch that has begun.
pub(super) fn error_event(form: Form, error: &ApiError, out: &mut Vec<u8>) {
    write_event(form, "ERROR", error.0.to_json().as_bytes(), out);
}

fn begin_line(kind: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
}
