//! Hand-made bytes, and a round trip over every kind in the table.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use serde_json::{Map, Value, json};

use super::{
    Envelope, ListEncoder, ProtobufError, decode, decode_message, encode, encode_message, encode_watch_event,
};
use crate::wire::types::{Type, TypeId, TypeTable};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

#[test]
fn a_namespace_is_read_as_kubectl_writes_it() {
    // `kubectl create namespace x`: metadata {name: x}, empty spec and status, all other texts empty.
    let meta = "0a01 78 1200 1a00 2200 2a00 3200 3800 4200";
    let raw = format!("0a{:02x} {meta} 1200 1a02 0a00", hex(meta).len());
    let raw = hex(&raw);
    let mut body = Vec::new();
    Envelope { api_version: "v1", kind: "Namespace", raw: &raw }.write(&mut body);
    assert!(body.starts_with(b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12"));
    assert!(body.ends_with(b"\x1a\x00\x22\x00"));
    let want =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}, "spec": {}, "status": {}});
    let object = decode(&body, ("", "")).unwrap();
    assert_eq!(object, want);
    let mut again = Vec::new();
    encode(&object, &mut again).unwrap();
    assert_eq!(again, body);
}

#[test]
fn a_body_that_names_no_kind_is_read_as_the_endpoints() {
    let mut body = Vec::new();
    Envelope { api_version: "", kind: "", raw: &[] }.write(&mut body);
    assert_eq!(decode(&body, ("v1", "Secret")).unwrap(), json!({"apiVersion": "v1", "kind": "Secret"}));
    let unknown = decode(&body, ("d/v1", "Widget"));
    assert!(matches!(unknown, Err(ProtobufError::UnknownKind { .. })));
}

/// A value with every field of a type set, to a depth; recursive types end in an empty object.
fn sample(declared: &Type, depth: usize) -> Value {
    match declared {
        Type::String => "text".into(),
        Type::Bool => true.into(),
        Type::Int32 => (-7).into(),
        Type::Int64 => 8_000_000_000_i64.into(),
        Type::Double => 0.5.into(),
        Type::Bytes => "AQID".into(),
        Type::Time => "2026-11-21T10:17:35Z".into(),
        Type::MicroTime => "2026-11-21T10:17:35.000123Z".into(),
        Type::FieldsV1 | Type::RawExtension | Type::Json => json!({"f:a": {".": {}}}),
        Type::Quantity => "100m".into(),
        Type::IntOrString => {
            if depth.is_multiple_of(2) {
                "50%".into()
            } else {
                3.into()
            }
        }
        Type::SchemaOrArray => json!([{"type": "string"}]),
        Type::SchemaOrBool => {
            if depth.is_multiple_of(2) {
                true.into()
            } else {
                json!({"type": "object"})
            }
        }
        Type::SchemaOrStrings => json!(["a", "b"]),
        Type::Message(id) => sample_message(*id, depth),
        Type::Optional(inner) => sample(inner, depth),
        Type::Repeated(inner) | Type::Wrapped(inner) => {
            json!([sample(inner, depth), sample(inner, depth + 1)])
        }
        Type::Map(inner) => json!({"a": sample(inner, depth), "b": sample(inner, depth)}),
    }
}

fn sample_message(id: TypeId, depth: usize) -> Value {
    let mut map = Map::new();
    for field in &TypeTable::get().type_of(id).fields {
        if field.is_inline() {
            if let Value::Object(inner) = sample(&field.value, depth) {
                map.extend(inner);
            }
        } else if field.number > 0
            && (depth < 7
                || !matches!(
                    field.value,
                    Type::Optional(_) | Type::Repeated(_) | Type::Map(_) | Type::Wrapped(_)
                ))
        {
            map.insert(field.json.to_owned(), sample(&field.value, depth + 1));
        }
    }
    Value::Object(map)
}

#[test]
fn every_kind_comes_back_as_it_was() {
    let table = TypeTable::get();
    let mut kinds: Vec<_> = table.kinds().collect();
    kinds.sort_unstable();
    assert!(kinds.len() > 120, "{} kinds", kinds.len());
    for (group, version, kind) in kinds {
        let id = table.kind(group, version, kind).unwrap();
        let object = sample_message(id, 0);
        let mut message = Vec::new();
        encode_message(id, &object, &mut message).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let back = Value::Object(decode_message(id, &message).unwrap());
        assert_eq!(back, object, "{group}/{version} {kind}");
    }
}

#[test]
fn a_list_and_a_watch_event_hold_their_objects() {
    let item = json!({"metadata": {"name": "a"}, "data": {"k": "v"}});
    let mut list = ListEncoder::begin(&json!({"resourceVersion": "7"})).unwrap();
    list.item("v1", "ConfigMap", &item).unwrap();
    let mut body = Vec::new();
    list.end("v1", "ConfigMapList", &mut body);
    let want = json!({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {"resourceVersion": "7"}, "items": [item]});
    assert_eq!(decode(&body, ("", "")).unwrap(), want);
    let mut whole = Vec::new();
    encode(&want, &mut whole).unwrap();
    assert_eq!(whole, body);

    let mut frame = Vec::new();
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    encode_watch_event("ADDED", &object, &mut frame).unwrap();
    let length = u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize;
    assert_eq!(length, frame.len() - 4);
    assert!(frame[4..].starts_with(b"\x0a\x05ADDED\x12"));
    let at = frame.windows(4).position(|window| window == b"k8s\0").unwrap();
    assert_eq!(decode(&frame[at..], ("", "")).unwrap(), object);
}

#[test]
fn malformed_messages_are_refused_without_a_panic() {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}, "creationTimestamp": "2026-11-21T10:17:35Z"},
        "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "1"}}}]}});
    let mut body = Vec::new();
    encode(&object, &mut body).unwrap();
    assert_eq!(decode(b"{}", ("", "")), Err(ProtobufError::NoMagic));
    for length in 4..body.len() - 4 {
        // Cut anywhere, or with one byte changed: an error or another object, never a panic.
        drop(decode(&body[..length], ("v1", "Pod")));
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = body.clone();
            changed[length] ^= flip;
            drop(decode(&changed, ("v1", "Pod")));
        }
    }
    let mut not = Vec::new();
    let id = TypeTable::get().extensions("JSONSchemaProps").unwrap();
    let field = TypeTable::get().type_of(id).fields.iter().find(|field| field.json == "not").unwrap().number;
    for _ in 0..300 {
        let mut outer = Vec::new();
        super::write_bytes(field, &not, &mut outer);
        not = outer;
    }
    assert_eq!(decode_message(id, &not), Err(ProtobufError::TooDeep));
}

#[test]
fn an_empty_name_of_a_port_is_kept() {
    let ports = json!([{"port": 0, "targetPort": ""}]);
    let service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": ports}});
    let mut body = Vec::new();
    encode(&service, &mut body).unwrap();
    assert_eq!(decode(&body, ("", "")).unwrap()["spec"]["ports"], ports);
}
