//! Who is let in, and what is written down about it.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod bench;

use bench::Bench;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;
use windlass_apiserver::{ApiServer, AuditLog, User};

async fn ask(bench: &Bench, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = http::Request::get("/api/v1/namespaces/default/configmaps/none");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(bytes::Bytes::new())).unwrap();
    let response = bench.server.service().oneshot(request).await.unwrap();
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn tokens_and_impersonation_decide_who_asks() {
    let log = AuditLog::new(100);
    let builder = ApiServer::builder().token("alices", User::new("alice", &["dev"])).audit_log(log.clone());
    let bench = Bench { server: builder.start().await.unwrap() };
    let account = "/api/v1/namespaces/default/serviceaccounts";
    bench.post(account, json!({"metadata": {"name": "robot"}})).await.expect(201);
    let issued = bench.post(&format!("{account}/robot/token"), json!({"spec": {}})).await.expect(201);
    let robot = format!("Bearer {}", issued["status"]["token"].as_str().unwrap());
    for (headers, code, user) in [
        (vec![("authorization", "Bearer alices")], 404, "alice"),
        (vec![("authorization", "Bearer wrong")], 401, "system:anonymous"),
        (vec![("authorization", &*robot)], 404, "system:serviceaccount:default:robot"),
        (vec![("impersonate-user", "bob")], 404, "bob"),
        (vec![("authorization", "Bearer alices"), ("impersonate-user", "bob")], 403, "alice"),
        (vec![("impersonate-user", "system:anonymous")], 404, "system:anonymous"),
    ] {
        let (found, body) = ask(&bench, &headers).await;
        assert_eq!(found, code, "{headers:?} {body}");
        let record = log.records().pop().unwrap();
        assert_eq!((&*record.user, record.code), (user, code), "{headers:?}");
        assert_eq!((&*record.verb, &*record.resource, &*record.name), ("get", "configmaps", "none"));
    }
}

#[tokio::test]
async fn a_wrong_token_file_is_named_with_its_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "t,admin,1\nbroken\n").unwrap();
    let error = ApiServer::builder().token_file(file.path()).start().await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    assert!(source.contains("line 2"), "{source}");
}

#[tokio::test]
async fn an_unknown_controller_is_named_with_those_there_are() {
    let error = ApiServer::builder().controllers(["nope"]).start().await.unwrap_err().to_string();
    assert!(error.contains("\"nope\"") && error.contains("garbage-collector-controller"), "{error}");
}
