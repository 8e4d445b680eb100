//! JSON as the real server prints it: built-in kinds with their fields in Go's order, custom resources sorted.
//!
//! Everything is written into one byte buffer; a list is written item by item, so that a long one can be
//! sent while it is made.

use serde_json::{Map, Value};

use super::types::{Field, StructType, Type, TypeId, TypeTable};

/// The order of an object's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the struct of a built-in kind declares them.
    Declared(TypeId),
    /// Alphabetical, as for custom resources.
    Sorted,
}

impl Order {
    /// The order of a kind's objects.
    pub fn of(group: &str, version: &str, kind: &str) -> Self {
        TypeTable::get().kind(group, version, kind).map_or(Self::Sorted, Self::Declared)
    }
}

/// Writes one object, without a newline at the end.
///
/// Keys that the kind does not declare follow the others: nothing that is held is lost.
pub fn write_object(order: Order, object: &Value, out: &mut Vec<u8>) {
    write_keyed(order, object, false, out);
}

/// Writes one item of a list: those of built-in kinds carry no `kind` and `apiVersion`.
pub fn write_item(order: Order, object: &Value, out: &mut Vec<u8>) {
    write_keyed(order, object, matches!(order, Order::Declared(_)), out);
}

/// The bytes of a list item from the bytes of the object as [`write_object`] made them.
///
/// Only the first two keys of a built-in kind are cut, so a stored object is sent in lists without being read.
pub fn item_bytes(order: Order, object: &[u8]) -> (&'static [u8], &[u8]) {
    match order {
        Order::Declared(_) => match after_type_meta(object) {
            Some(rest) => (b"{", rest),
            None => (b"", object),
        },
        Order::Sorted => (b"", object),
    }
}

/// What follows `{"kind":"X","apiVersion":"Y",`, the comma included; kinds and versions hold no quotes.
fn after_type_meta(object: &[u8]) -> Option<&[u8]> {
    let rest = object.strip_prefix(b"{\"kind\":\"")?;
    let rest = &rest[rest.iter().position(|byte| *byte == b'"')?..];
    let rest = rest.strip_prefix(b"\",\"apiVersion\":\"")?;
    let rest = &rest[rest.iter().position(|byte| *byte == b'"')? + 1..];
    Some(rest.strip_prefix(b",").unwrap_or(rest))
}

/// Writes a list piece by piece.
///
/// *Flow*: [`begin`](Self::begin), then the items in any way that puts one JSON object per [`separate`](Self::separate)
/// call into the buffer, then [`end`](Self::end). The buffer may be emptied between any two calls.
#[derive(Debug)]
pub struct ListWriter {
    order: Order,
    any: bool,
}

/// A list's own `metadata`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListMeta<'a> {
    /// The store's version that the list shows.
    pub resource_version: &'a str,
    /// Where the next page begins; empty on the last.
    pub continue_token: &'a str,
    /// How many items follow the last of this page, where known.
    pub remaining_item_count: Option<u64>,
}

impl ListWriter {
    /// Writes everything before the first item. `order` is that of the items.
    pub fn begin(
        order: Order,
        api_version: &str,
        list_kind: &str,
        meta: ListMeta<'_>,
        out: &mut Vec<u8>,
    ) -> Self {
        match order {
            Order::Declared(_) => {
                out.extend_from_slice(b"{\"kind\":");
                write_string(list_kind, out);
                out.extend_from_slice(b",\"apiVersion\":");
                write_string(api_version, out);
                out.extend_from_slice(b",\"metadata\":");
                write_list_meta(order, meta, out);
                out.extend_from_slice(b",\"items\":[");
            }
            // Sorted, `items` comes before `kind` and `metadata`; see `end`.
            Order::Sorted => {
                out.extend_from_slice(b"{\"apiVersion\":");
                write_string(api_version, out);
                out.extend_from_slice(b",\"items\":[");
            }
        }
        Self { order, any: false }
    }

    /// Writes the comma between items; call it before each item.
    pub fn separate(&mut self, out: &mut Vec<u8>) {
        if self.any {
            out.push(b',');
        }
        self.any = true;
    }

    /// Writes one item from a value.
    pub fn item(&mut self, object: &Value, out: &mut Vec<u8>) {
        self.separate(out);
        write_item(self.order, object, out);
    }

    /// Writes one item from the bytes of an object as [`write_object`] made them.
    pub fn item_bytes(&mut self, object: &[u8], out: &mut Vec<u8>) {
        self.separate(out);
        let (head, rest) = item_bytes(self.order, object);
        out.extend_from_slice(head);
        out.extend_from_slice(rest);
    }

    /// Writes everything after the last item, the newline included. `list_kind` and `meta` are those of `begin`.
    pub fn end(&self, list_kind: &str, meta: ListMeta<'_>, out: &mut Vec<u8>) {
        out.push(b']');
        if self.order == Order::Sorted {
            out.extend_from_slice(b",\"kind\":");
            write_string(list_kind, out);
            out.extend_from_slice(b",\"metadata\":");
            write_list_meta(self.order, meta, out);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Writes a list's `metadata` as Go (`resourceVersion` first) or sorted (`continue` first).
pub fn write_list_meta(order: Order, meta: ListMeta<'_>, out: &mut Vec<u8>) {
    let remaining = meta.remaining_item_count.map(|count| count.to_string());
    let mut fields = [
        ("resourceVersion", meta.resource_version, true),
        ("continue", meta.continue_token, true),
        ("remainingItemCount", remaining.as_deref().unwrap_or_default(), false),
    ];
    if order == Order::Sorted {
        fields.sort_unstable();
    }
    out.push(b'{');
    let mut any = false;
    for (name, value, quoted) in fields.into_iter().filter(|(_, value, _)| !value.is_empty()) {
        if any {
            out.push(b',');
        }
        any = true;
        write_string(name, out);
        out.push(b':');
        if quoted { write_string(value, out) } else { out.extend_from_slice(value.as_bytes()) }
    }
    out.push(b'}');
}

fn write_keyed(order: Order, object: &Value, without_kind: bool, out: &mut Vec<u8>) {
    match (order, object) {
        (Order::Declared(id), Value::Object(map)) => {
            write_struct(TypeTable::get().type_of(id), map, without_kind, out);
        }
        _ => write_sorted(object, out),
    }
}

fn write_struct(declared: &StructType, map: &Map<String, Value>, without_kind: bool, out: &mut Vec<u8>) {
    let mut writer = ObjectWriter { out, written: 0 };
    writer.out.push(b'{');
    let mut hidden = 0;
    if declared.is_kind {
        for name in ["kind", "apiVersion"] {
            match map.get(name) {
                Some(_) if without_kind => hidden += 1,
                Some(value) => writer.field(name, |out| write_sorted(value, out)),
                None => {}
            }
        }
    }
    write_fields(&declared.fields, map, &mut writer);
    if writer.written + hidden < map.len() {
        let known = |name: &str| {
            (declared.is_kind && matches!(name, "kind" | "apiVersion")) || declares(&declared.fields, name)
        };
        for (name, value) in map.iter().filter(|(name, _)| !known(name)) {
            writer.field(name, |out| write_sorted(value, out));
        }
    }
    writer.out.push(b'}');
}

fn write_fields(fields: &[Field], map: &Map<String, Value>, writer: &mut ObjectWriter<'_>) {
    for field in fields {
        if field.is_inline() {
            if let Type::Message(id) = field.value {
                write_fields(&TypeTable::get().type_of(id).fields, map, writer);
            }
        } else if let Some(value) = map.get(field.json) {
            writer.field(field.json, |out| write_typed(&field.value, value, out));
        }
    }
}

fn declares(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| match field.value {
        Type::Message(id) if field.is_inline() => declares(&TypeTable::get().type_of(id).fields, name),
        _ => field.json == name,
    })
}

/// Writes a value of a known type.
pub(crate) fn write_typed(declared: &Type, value: &Value, out: &mut Vec<u8>) {
    match (declared, value) {
        (Type::Message(id), Value::Object(map)) => {
            write_struct(TypeTable::get().type_of(*id), map, false, out)
        }
        (Type::Optional(inner), _) => write_typed(inner, value, out),
        (Type::Repeated(inner), Value::Array(items)) => {
            write_array(items, out, |item, out| write_typed(inner, item, out));
        }
        (Type::Map(inner), Value::Object(map)) => {
            write_map(map, out, |value, out| write_typed(inner, value, out));
        }
        (Type::SchemaOrArray | Type::SchemaOrBool | Type::SchemaOrStrings, Value::Object(map)) => {
            match TypeTable::get().extensions("JSONSchemaProps") {
                Some(schema) => write_struct(TypeTable::get().type_of(schema), map, false, out),
                None => write_sorted(value, out),
            }
        }
        _ => write_sorted(value, out),
    }
}

/// Writes any value with sorted keys and Go's escapes.
pub fn write_sorted(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => write_array(items, out, write_sorted),
        Value::Object(map) => write_map(map, out, write_sorted),
    }
}

fn write_array(items: &[Value], out: &mut Vec<u8>, mut write: impl FnMut(&Value, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_map(map: &Map<String, Value>, out: &mut Vec<u8>, write: impl Fn(&Value, &mut Vec<u8>)) {
    out.push(b'{');
    let mut writer = ObjectWriter { out, written: 0 };
    for (name, value) in map {
        writer.field(name, |out| write(value, out));
    }
    writer.out.push(b'}');
}

/// Whole numbers as they are; others as Go's shortest form, which has no `.0` and writes `1e+21`.
fn write_number(number: &serde_json::Number, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let written = match number.as_f64() {
        Some(float) if number.is_f64() => {
            let size = float.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) {
                let text = format!("{float:e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                match exponent.strip_prefix('-') {
                    Some(exponent) => write!(out, "{digits}e-{exponent:0>2}"),
                    None => write!(out, "{digits}e+{exponent:0>2}"),
                }
            } else {
                write!(out, "{float}")
            }
        }
        _ => write!(out, "{number}"),
    };
    written.expect("writing to a buffer does not fail");
}

/// Writes a string as Go's encoder does: `<`, `>`, `&` and the two Unicode line ends are escaped.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let long_line_end = byte == 0xe2 && matches!(bytes[index + 1..], [0x80, 0xa8 | 0xa9, ..]);
        if byte >= 0x20 && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&') && !long_line_end {
            continue;
        }
        out.extend_from_slice(&bytes[clean_from..index]);
        clean_from = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0xe2 => {
                let last = if bytes[index + 2] == 0xa8 { b'8' } else { b'9' };
                out.extend_from_slice(b"\\u202");
                out.push(last);
                clean_from = index + 3;
            }
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[clean_from..]);
    out.push(b'"');
}

/// Puts the commas between an object's fields and counts them.
struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    written: usize,
}

impl ObjectWriter<'_> {
    fn field(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        if self.written > 0 {
            self.out.push(b',');
        }
        self.written += 1;
        write_string(name, self.out);
        self.out.push(b':');
        write(self.out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::{Value, json};

    use super::{ListMeta, ListWriter, Order, write_object, write_sorted};

    fn written(order: Order, object: &Value) -> String {
        let mut out = Vec::new();
        write_object(order, object, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn built_in_kinds_are_written_in_the_order_of_their_declaration() {
        let recorded = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":"2b","resourceVersion":"205","creationTimestamp":"2026-11-21T10:17:35Z","managedFields":[{"manager":"unknown","operation":"Update","apiVersion":"v1","time":"2026-11-21T10:17:35Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:k":{}}}}]},"data":{"k":"v"}}"#;
        let object: Value = serde_json::from_str(recorded).unwrap();
        assert_eq!(written(Order::of("", "v1", "ConfigMap"), &object), recorded);
        let sorted = written(Order::of("demo.example.com", "v1", "ConfigMap"), &object);
        assert!(sorted.starts_with(r#"{"apiVersion":"v1","data":{"k":"v"},"kind""#), "{sorted}");
    }

    #[test]
    fn fields_of_inlined_structs_stand_in_their_place() {
        let probe = r#"{"kind":"Pod","apiVersion":"v1","spec":{"volumes":[{"name":"v","configMap":{"name":"c"}}],"containers":[{"name":"c","livenessProbe":{"httpGet":{"path":"/","port":1},"periodSeconds":1}}]}}"#;
        let object: Value = serde_json::from_str(probe).unwrap();
        assert_eq!(written(Order::of("", "v1", "Pod"), &object), probe);
    }

    #[test]
    fn undeclared_keys_are_kept_at_the_end() {
        let object = json!({"kind": "ConfigMap", "aaa": 1, "metadata": {"zzz": 2, "name": "n"}});
        let text = written(Order::of("", "v1", "ConfigMap"), &object);
        assert_eq!(text, r#"{"kind":"ConfigMap","metadata":{"name":"n","zzz":2},"aaa":1}"#);
    }

    #[test]
    fn strings_and_numbers_are_written_as_go_does() {
        let mut out = Vec::new();
        write_sorted(&json!(["<a&b>\u{2028}\u{1}\"é", 1.0, 1e21, 1e-7, 0.5, -3, 12.25]), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "[\"\\u003ca\\u0026b\\u003e\\u2028\\u0001\\\"é\",1,1e+21,1e-07,0.5,-3,12.25]");
    }

    #[test]
    fn a_list_is_written_item_by_item_and_from_stored_bytes_alike() {
        let item = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}});
        let widget = json!({"kind": "Widget", "apiVersion": "d/v1", "metadata": {"name": "a"}});
        let meta = ListMeta { resource_version: "7", continue_token: "t", remaining_item_count: Some(3) };
        for (order, version, kind, item, want) in [
            (
                Order::of("", "v1", "ConfigMap"),
                "v1",
                "ConfigMapList",
                item,
                "{\"kind\":\"ConfigMapList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"t\",\"remainingItemCount\":3},\"items\":[{\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":\"a\"}}]}\n",
            ),
            (
                Order::Sorted,
                "d/v1",
                "WidgetList",
                widget,
                "{\"apiVersion\":\"d/v1\",\"items\":[{\"apiVersion\":\"d/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"}},{\"apiVersion\":\"d/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"}}],\"kind\":\"WidgetList\",\"metadata\":{\"continue\":\"t\",\"remainingItemCount\":3,\"resourceVersion\":\"7\"}}\n",
            ),
        ] {
            let mut out = Vec::new();
            let mut list = ListWriter::begin(order, version, kind, meta, &mut out);
            list.item(&item, &mut out);
            list.item_bytes(written(order, &item).as_bytes(), &mut out);
            list.end(kind, meta, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }
}
