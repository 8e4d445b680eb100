//! Custom resources in several versions, of which a webhook makes one from another.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;
mod webhook;

use bench::Bench;
use serde_json::{Value, json};
use webhook::{Mode, Webhook};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/doors.conversion.example.com";
const V1: &str = "/apis/conversion.example.com/v1/namespaces/default/doors";
const V2: &str = "/apis/conversion.example.com/v2/namespaces/default/doors";

fn version(name: &str, storage: bool, fields: &[&str]) -> Value {
    let fields: serde_json::Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), json!({"type": "string"}))).collect();
    json!({
        "name": name, "served": true, "storage": storage, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": fields},
            "status": {"type": "object", "properties": {"open": {"type": "boolean"}}},
        }}},
    })
}

fn definition(client: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "doors.conversion.example.com"},
        "spec": {
            "group": "conversion.example.com",
            "scope": "Namespaced",
            "names": {"plural": "doors", "kind": "Door"},
            "versions": [version("v1", true, &["host", "port"]), version("v2", false, &["address"])],
            "conversion": {
                "strategy": "Webhook",
                "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1", "v1beta1"]},
            },
        },
    })
}

fn by_url(webhook: &Webhook) -> Value {
    json!({"url": format!("https://{}/convert", webhook.address), "caBundle": webhook.ca_bundle})
}

fn door(version: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": format!("conversion.example.com/{version}"), "kind": "Door",
        "metadata": {"name": name}, "spec": spec,
    })
}

/// A server with the definition, and the webhook that it names.
async fn serve() -> (Bench, Webhook) {
    let (bench, webhook) = (Bench::new().await, Webhook::start().await);
    bench.post(DEFINITIONS, definition(&by_url(&webhook))).await.expect(201);
    bench.until(V2, 200).await;
    (bench, webhook)
}

#[tokio::test]
async fn each_version_reads_what_another_wrote() {
    let (bench, _webhook) = serve().await;
    let made = door("v1", "a", &json!({"host": "h", "port": "1"}));
    bench.post(V1, made).await.expect(201);
    let read = bench.get(&format!("{V2}/a")).await.expect(200);
    assert_eq!(
        (&read["apiVersion"], &read["spec"]),
        (&json!("conversion.example.com/v2"), &json!({"address": "h:1"}))
    );
    assert_eq!(read["metadata"]["labels"]["converted-to"], "v2");
    let made = bench.post(V2, door("v2", "b", &json!({"address": "i:2"}))).await.expect(201);
    assert_eq!(made["spec"], json!({"address": "i:2"}));
    let specs = |list: &Value| -> Vec<Value> {
        list["items"].as_array().unwrap().iter().map(|item| item["spec"].clone()).collect()
    };
    let list = bench.get(V2).await.expect(200);
    assert_eq!(specs(&list), [json!({"address": "h:1"}), json!({"address": "i:2"})]);
    let list = bench.get(V1).await.expect(200);
    assert_eq!(specs(&list), [json!({"host": "h", "port": "1"}), json!({"host": "i", "port": "2"})]);
}

#[tokio::test]
async fn each_version_writes_over_what_another_wrote() {
    let (bench, _webhook) = serve().await;
    let (first, second) = (format!("{V1}/a"), format!("{V2}/a"));
    bench.post(V1, door("v1", "a", &json!({"host": "h", "port": "1"}))).await.expect(201);
    let spec = |object: &Value| object["spec"].clone();
    let patched = bench.merge(&second, json!({"spec": {"address": "i:2"}})).await.expect(200);
    assert_eq!((spec(&patched), &patched["metadata"]["generation"]), (json!({"address": "i:2"}), &json!(2)));
    let mut read = bench.get(&second).await.expect(200);
    read["spec"]["address"] = "j:3".into();
    bench.put(&second, read).await.expect(200);
    assert_eq!(spec(&bench.get(&first).await.expect(200)), json!({"host": "j", "port": "3"}));
    let apply = door("v2", "a", &json!({"address": "k:4"})).to_string();
    let path = format!("{second}?fieldManager=m&force=true");
    let applied = bench.send("PATCH", &path, "application/apply-patch+yaml", apply).await.expect(200);
    assert_eq!(spec(&applied), json!({"address": "k:4"}));
    let status =
        bench.merge(&format!("{second}/status"), json!({"status": {"open": true}})).await.expect(200);
    // The webhook of these tests knows no status and leaves it as it is.
    assert_eq!(status["status"], json!({"open": true}));
    assert_eq!(spec(&bench.get(&first).await.expect(200)), json!({"host": "k", "port": "4"}));
    let before = bench.get(&second).await.expect(200)["metadata"]["resourceVersion"].clone();
    let again = bench.merge(&second, json!({"spec": {"address": "k:4"}})).await.expect(200);
    assert_eq!(again["metadata"]["resourceVersion"], before, "a write of nothing new is none");
    bench.delete(&second).await.expect(200);
    bench.get(&first).await.expect(404);
}

#[tokio::test]
async fn a_watch_tells_each_change_in_its_version() {
    let (bench, _webhook) = serve().await;
    bench.post(V1, door("v1", "a", &json!({"host": "h", "port": "1"}))).await.expect(201);
    let mut watch = bench.watch(&format!("{V2}?watch=true")).await;
    let first = watch.next().await.unwrap();
    assert_eq!((&first["type"], &first["object"]["spec"]), (&json!("ADDED"), &json!({"address": "h:1"})));
    bench.merge(&format!("{V1}/a"), json!({"spec": {"port": "2"}})).await.expect(200);
    let changed = watch.next().await.unwrap();
    assert_eq!(
        (&changed["type"], &changed["object"]["spec"]),
        (&json!("MODIFIED"), &json!({"address": "h:2"}))
    );
    bench.delete(&format!("{V1}/a")).await.expect(200);
    let gone = watch.next().await.unwrap();
    assert_eq!(
        (&gone["type"], &gone["object"]["apiVersion"]),
        (&json!("DELETED"), &json!("conversion.example.com/v2"))
    );
}

#[tokio::test]
async fn a_list_asks_about_what_has_changed_only() {
    let (bench, webhook) = serve().await;
    for name in ["a", "b", "c"] {
        bench.post(V1, door("v1", name, &json!({"host": name, "port": "1"}))).await.expect(201);
    }
    bench.get(V2).await.expect(200);
    let asked = webhook.objects();
    bench.get(V2).await.expect(200);
    assert_eq!(webhook.objects(), asked);
    bench.merge(&format!("{V1}/b"), json!({"spec": {"port": "9"}})).await.expect(200);
    let list = bench.get(V2).await.expect(200);
    assert_eq!((webhook.objects(), &list["items"][1]["spec"]["address"]), (asked + 1, &json!("b:9")));
}

#[tokio::test]
async fn what_a_webhook_does_wrong_is_told_in_the_words_of_the_real_server() {
    let (bench, webhook) = serve().await;
    bench.post(V1, door("v1", "a", &json!({"host": "h", "port": "1"}))).await.expect(201);
    let subject = "conversion webhook for conversion.example.com/v1, Kind=Door";
    for (mode, message) in [
        (Mode::Fail("no such door"), format!("{subject} failed: no such door")),
        (Mode::Rename, format!("{subject} returned invalid object: must have the same name: a != x")),
        (Mode::Drop, format!("{subject} returned 0 objects, expected 1")),
        (
            Mode::Code(500, "boom"),
            format!(
                "{subject} failed: an error on the server (\"boom\") has prevented the request from succeeding"
            ),
        ),
        (Mode::Code(404, ""), format!("{subject} failed: the server could not find the requested resource")),
    ] {
        webhook.set(mode);
        let said = bench.get(&format!("{V2}/a")).await.fails(500, "");
        assert_eq!(said, message);
        bench.get(V2).await.fails(500, "");
        bench.post(V2, door("v2", "b", &json!({"address": "i:2"}))).await.fails(500, "");
        bench.get(&format!("{V1}/b")).await.expect(404);
        bench.get(&format!("{V1}/a")).await.expect(200);
    }
    let mut watch = bench.watch(&format!("{V2}?watch=true")).await;
    assert_eq!(watch.next().await.unwrap()["type"], "ERROR");
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_webhook_that_cannot_be_reached_or_trusted_is_told() {
    let (bench, webhook) = serve().await;
    bench.post(V1, door("v1", "a", &json!({"host": "h", "port": "1"}))).await.expect(201);
    let other = Webhook::start().await;
    for (client, why) in [
        (
            json!({"url": format!("https://{}/convert", webhook.address), "caBundle": other.ca_bundle}),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        ),
        (json!({"url": "https://127.0.0.1:1/convert"}), "dial tcp 127.0.0.1:1: connect: connection refused"),
        (json!({"service": {"namespace": "default", "name": "hook"}}), "service \"hook\" not found"),
    ] {
        let mut crd = bench.get(DEFINITION).await.expect(200);
        crd["spec"]["conversion"]["webhook"]["clientConfig"] = client.clone();
        bench.put(DEFINITION, crd).await.expect(200);
        let begun = std::time::Instant::now();
        let said = loop {
            assert!(begun.elapsed().as_secs() < 20, "it is never told: {why}");
            let answer = bench.get(&format!("{V2}/a")).await;
            let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
            // The definition is followed, so it takes a moment until the new webhook is asked.
            if answer.code == 500 && message.contains(why) {
                break message;
            }
            assert!(answer.code == 200 || answer.code == 500, "{}", answer.text);
            tokio::task::yield_now().await;
        };
        assert!(
            said.starts_with(
                "conversion webhook for conversion.example.com/v1, Kind=Door failed: Post \"https://"
            ),
            "{said}"
        );
    }
}

#[tokio::test]
async fn an_authority_may_serve_with_its_own_certificate() {
    let bench = Bench::new().await;
    let webhook = Webhook::start_as(rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)).await;
    bench.post(DEFINITIONS, definition(&by_url(&webhook))).await.expect(201);
    bench.until(V2, 200).await;
    bench.post(V1, door("v1", "a", &json!({"host": "h", "port": "1"}))).await.expect(201);
    let read = bench.get(&format!("{V2}/a")).await.expect(200);
    assert_eq!(read["spec"], json!({"address": "h:1"}));
}

#[tokio::test]
async fn a_service_leads_to_its_ready_endpoint() {
    let (bench, webhook) = (Bench::new().await, Webhook::start().await);
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
        "spec": {"ports": [{"port": 443, "name": "https"}]}});
    bench.post("/api/v1/namespaces/default/services", service).await.expect(201);
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "hook-1", "labels": {"kubernetes.io/service-name": "hook"}},
        "ports": [{"name": "https", "port": webhook.address.port(), "protocol": "TCP"}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": true}}],
    });
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    bench.post(slices, slice).await.expect(201);
    let client = json!({"service": {"namespace": "default", "name": "hook", "path": "/c"}, "caBundle": webhook.ca_bundle});
    let made = bench.post(DEFINITIONS, definition(&client)).await.expect(201);
    assert_eq!(made["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["port"], 443);
    bench.until(V2, 200).await;
    bench.post(V1, door("v1", "a", &json!({"host": "h", "port": "1"}))).await.expect(201);
    let read = bench.get(&format!("{V2}/a")).await.expect(200);
    assert_eq!(read["spec"], json!({"address": "h:1"}));
}

#[tokio::test]
async fn objects_move_to_another_storage_version_as_each_is_written() {
    let (bench, webhook) = serve().await;
    let spec = json!({"host": "h", "port": "1"});
    for name in ["a", "b"] {
        bench.post(V1, door("v1", name, &spec)).await.expect(201);
    }
    let mut crd = bench.get(DEFINITION).await.expect(200);
    crd["spec"]["versions"] =
        json!([version("v1", false, &["host", "port"]), version("v2", true, &["address"])]);
    let crd = bench.put(DEFINITION, crd).await.expect(200);
    assert_eq!(crd["status"]["storedVersions"], json!(["v1", "v2"]));
    let stored = |name: &'static str| {
        let held = bench
            .server
            .client()
            .registry()
            .store()
            .get("doors.conversion.example.com", &format!("default/{name}"));
        held.unwrap().value()["apiVersion"].as_str().unwrap().to_owned()
    };
    // Until the change of the definition is followed, writes go to the old version; then a write of nothing new moves.
    let begun = std::time::Instant::now();
    loop {
        assert!(begun.elapsed().as_secs() < 20, "writes never move the object");
        let read = bench.get(&format!("{V1}/a")).await.expect(200);
        assert_eq!(read["spec"], spec);
        bench.put(&format!("{V1}/a"), read).await.expect(200);
        if stored("a") == "conversion.example.com/v2" {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(stored("b"), "conversion.example.com/v1");
    let asked = webhook.objects();
    let read = bench.get(&format!("{V1}/a")).await.expect(200);
    assert_eq!((&read["spec"], webhook.objects()), (&spec, asked + 1));
    let list = bench.get(V2).await.expect(200);
    let versions: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|item| &item["spec"]).collect();
    assert_eq!(versions, [&json!({"address": "h:1"}), &json!({"address": "h:1"})]);
    let keep = json!({"status": {"storedVersions": ["v2"]}});
    let crd = bench.merge(&format!("{DEFINITION}/status"), keep).await.expect(200);
    assert_eq!(crd["status"]["storedVersions"], json!(["v2"]));
}
