//! A list too long for one piece, in process: what it says is the same, and no piece of it is long.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use std::io::Read as _;

use bench::Bench;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Together 2 MiB, of which the server keeps no copy while it sends.
const OBJECTS: usize = 200;
const OBJECT_BYTES: usize = 10 << 10;
/// A piece, and the object that goes over its end.
const PIECE_BYTES_MAX: usize = (64 << 10) + OBJECT_BYTES + 1_024;

#[tokio::test]
async fn a_long_list_comes_whole_and_in_short_pieces() {
    let bench = with_objects().await;
    for accept in ["application/json", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"] {
        let pieces = pieces(&bench, MAPS, accept, "").await;
        let list = list(pieces.concat(), accept);
        assert_eq!(names(&list), expected(), "{accept}");
        assert!(list["metadata"]["resourceVersion"].as_str().is_some_and(|version| version != "0"));
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES_MAX), "{accept}");
    }
    let long = pieces(&bench, MAPS, "application/json", "").await;
    assert!(long.len() > OBJECTS * OBJECT_BYTES / PIECE_BYTES_MAX, "{} pieces", long.len());
}

#[tokio::test]
async fn a_long_list_is_packed_piece_by_piece() {
    let bench = with_objects().await;
    let packed = pieces(&bench, MAPS, "application/json", "gzip").await.concat();
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&*packed).read_to_end(&mut text).unwrap();
    assert_eq!(names(&list(text, "packed")), expected());
    assert!(packed.len() < OBJECTS * OBJECT_BYTES / 20, "{} bytes", packed.len());
}

#[tokio::test]
async fn a_page_of_a_long_list_says_where_the_next_begins() {
    let bench = with_objects().await;
    let first =
        list(pieces(&bench, &format!("{MAPS}?limit=150"), "application/json", "").await.concat(), "1");
    let token = first["metadata"]["continue"].as_str().unwrap();
    assert_eq!(first["metadata"]["remainingItemCount"], OBJECTS - 150);
    let path = format!("{MAPS}?limit=150&continue={token}");
    let second = list(pieces(&bench, &path, "application/json", "").await.concat(), "2");
    assert_eq!([names(&first), names(&second)].concat(), expected());
}

#[tokio::test]
async fn a_list_of_no_objects_is_empty_and_one_of_no_metadata_is_null() {
    let bench = Bench::new().await;
    for (accept, items) in [
        ("application/json", json!([])),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Value::Null),
    ] {
        let list = list(pieces(&bench, MAPS, accept, "").await.concat(), accept);
        assert_eq!(list["items"], items, "{accept}");
    }
}

async fn with_objects() -> Bench {
    let bench = Bench::new().await;
    let data = "x".repeat(OBJECT_BYTES);
    for name in expected() {
        bench.post(MAPS, json!({"metadata": {"name": name}, "data": {"a": data}})).await.expect(201);
    }
    bench
}

fn expected() -> Vec<String> {
    (0..OBJECTS).map(|nth| format!("map-{nth:03}")).collect()
}

fn list(body: Vec<u8>, what: &str) -> Value {
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// The frames of the answer's body.
async fn pieces(bench: &Bench, path: &str, accept: &str, encoding: &str) -> Vec<Vec<u8>> {
    let request = http::Request::get(path)
        .header("accept", accept)
        .header("accept-encoding", encoding)
        .body(Full::new(Bytes::new()))
        .unwrap();
    let mut body = bench.server.service().oneshot(request).await.unwrap().into_body();
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        pieces.push(frame.unwrap().into_data().unwrap().to_vec());
    }
    pieces
}
