//! Which `spec.conversion` is refused. Fields are named as the real server names them: as v1beta1 had them.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::crd::{is_true, text, texts};
use crate::object;
use crate::status::Cause;
use crate::strategy::NameRule;

const CLIENT: &str = "spec.conversion.webhookClientConfig";
const VERSIONS: &str = "spec.conversion.conversionReviewVersions";

/// What is wrong with the conversion of a definition.
pub(crate) fn faults(crd: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let strategy = text(crd, "spec.conversion.strategy");
    let client = object::at(crd, "spec.conversion.webhook.clientConfig").filter(|config| !config.is_null());
    let versions = texts(crd, "spec.conversion.webhook.conversionReviewVersions");
    match strategy {
        "Webhook" => {
            match client {
                None => causes.push(Cause::required(CLIENT, "required when strategy is set to Webhook")),
                Some(client) => client_faults(client, bundle_is_checked(old), &mut causes),
            }
            let versions: Vec<&str> = versions.iter().map(AsRef::as_ref).collect();
            version_faults(&versions, old, &mut causes);
        }
        "None" => {}
        "" => causes.push(Cause::required("spec.conversion.strategy", "")),
        other => {
            let shown = format!("{other:?}");
            causes.push(Cause::not_supported("spec.conversion.strategy", &shown, &["None", "Webhook"]));
        }
    }
    if strategy != "Webhook" {
        let why = "should not be set when strategy is not set to Webhook";
        let set = [(CLIENT, client.is_some()), (VERSIONS, !versions.is_empty())];
        causes
            .extend(set.iter().filter(|(_, is_set)| *is_set).map(|(field, _)| Cause::forbidden(*field, why)));
    }
    causes
}

/// A definition that is not established yet may hold anything as its bundle, and one that held a bad one may keep it.
fn bundle_is_checked(old: Option<&Value>) -> bool {
    let Some(old) = old.filter(|old| is_true(old, "Established")) else { return false };
    let held = text(old, "spec.conversion.webhook.clientConfig.caBundle");
    held.is_empty() || is_bundle(held)
}

fn is_bundle(encoded: &str) -> bool {
    let Ok(pem) = BASE64_STANDARD.decode(encoded) else { return false };
    let mut certificates = CertificateDer::pem_slice_iter(&pem).peekable();
    certificates.peek().is_some() && certificates.all(|certificate| certificate.is_ok())
}

fn client_faults(client: &Value, check_bundle: bool, causes: &mut Vec<Cause>) {
    let url = client.get("url").and_then(Value::as_str);
    let service = client.get("service").filter(|service| service.is_object());
    match (url, service) {
        (None, None) | (Some(_), Some(_)) => {
            causes.push(Cause::required(CLIENT, "exactly one of url or service is required"));
        }
        (Some(url), None) => url_faults(url, causes),
        (None, Some(service)) => service_faults(service, causes),
    }
    let bundle = text(client, "caBundle");
    if check_bundle && !bundle.is_empty() && !is_bundle(bundle) {
        let bytes = BASE64_STANDARD.decode(bundle).unwrap_or_default();
        let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:#x}")).collect();
        let shown = format!("[]byte{{{}}}", shown.join(", "));
        let why = "unable to load root certificates: unable to parse bytes as PEM block";
        causes.push(Cause::invalid(format!("{CLIENT}.caBundle"), &shown, why));
    }
}

fn url_faults(url: &str, causes: &mut Vec<Cause>) {
    let form = "; desired format: https://host[/path]";
    let field = || format!("{CLIENT}.url");
    let Ok(parsed) = url.split('#').next().unwrap_or_default().parse::<http::Uri>() else {
        causes.push(Cause::required(field(), &format!("url must be a valid URL: parse {url:?}{form}")));
        return;
    };
    let scheme = parsed.scheme_str().unwrap_or_default();
    if scheme != "https" {
        let why = format!("'https' is the only allowed URL scheme{form}");
        causes.push(Cause::invalid(field(), &format!("{scheme:?}"), &why));
    }
    let authority = parsed.authority().map_or("", |authority| authority.as_str());
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if host.is_empty() {
        causes.push(Cause::invalid(field(), "\"\"", &format!("host must be specified{form}")));
    }
    if let Some(user) = user {
        let why = "user information is not permitted in the URL";
        causes.push(Cause::invalid(field(), &format!("{user:?}"), why));
    }
    if let Some((_, fragment)) = url.split_once('#').filter(|(_, fragment)| !fragment.is_empty()) {
        let why = "fragments are not permitted in the URL";
        causes.push(Cause::invalid(field(), &format!("{fragment:?}"), why));
    }
    if let Some(query) = parsed.query().filter(|query| !query.is_empty()) {
        let why = "query parameters are not permitted in the URL";
        causes.push(Cause::invalid(field(), &format!("{query:?}"), why));
    }
}

fn service_faults(service: &Value, causes: &mut Vec<Cause>) {
    // The real server passes name and namespace in each other's place, and so names the other one.
    for (field, named) in [("namespace", "name"), ("name", "namespace")] {
        if text(service, field).is_empty() {
            causes.push(Cause::required(format!("{CLIENT}.service.{named}"), ""));
        }
    }
    let port = service.get("port").and_then(Value::as_i64).unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        causes.push(Cause::invalid(format!("{CLIENT}.service.port"), &port.to_string(), why));
    }
    path_faults(text(service, "path"), causes);
}

fn path_faults(path: &str, causes: &mut Vec<Cause>) {
    let mut fault = |why: String| {
        causes.push(Cause::invalid(format!("{CLIENT}.service.path"), &format!("{path:?}"), &why));
    };
    match path {
        "" | "/" => return,
        "//" => return fault("segment[0] may not be empty".to_owned()),
        _ => {}
    }
    if !path.starts_with('/') {
        fault("must start with a '/'".to_owned());
    }
    let rest = path.get(1..).unwrap_or_default();
    for (index, step) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if step.is_empty() {
            fault(format!("segment[{index}] may not be empty"));
            continue;
        }
        for why in NameRule::Subdomain.faults(step) {
            fault(format!("segment[{index}]: {why}"));
        }
    }
}

fn version_faults(versions: &[&str], old: Option<&Value>, causes: &mut Vec<Cause>) {
    if versions.is_empty() {
        causes.push(Cause::required(VERSIONS, ""));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let field = || format!("{VERSIONS}[{index}]");
        if !seen.insert(version) {
            causes.push(Cause::invalid(field(), &format!("{version:?}"), "duplicate version"));
            continue;
        }
        for why in NameRule::Label1035.faults(version) {
            causes.push(Cause::invalid(field(), &format!("{version:?}"), &why));
        }
    }
    let known = |versions: &[&str]| versions.iter().any(|version| matches!(*version, "v1" | "v1beta1"));
    // What was taken once is not refused later.
    let before = old.map(|old| texts(old, "spec.conversion.webhook.conversionReviewVersions"));
    let before: Option<Vec<&str>> = before.as_ref().map(|held| held.iter().map(AsRef::as_ref).collect());
    let required = before.is_none_or(|held| held.is_empty() || known(&held));
    if required && !known(versions) {
        let shown: Vec<String> = versions.iter().map(|version| format!("{version:?}")).collect();
        let shown = format!("[{}]", shown.join(","));
        causes.push(Cause::invalid(VERSIONS, &shown, "must include at least one of v1, v1beta1"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(conversion: Value) -> Vec<String> {
        let crd = json!({"spec": {"conversion": conversion}});
        let causes = faults(&crd, None);
        causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    fn check(conversion: Value, expected: &[&str]) {
        let found = messages(conversion.clone());
        assert_eq!(found.len(), expected.len(), "{conversion}: {found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    fn webhook(client: Value, versions: Value) -> Value {
        json!({"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": versions}})
    }

    #[test]
    fn a_conversion_is_none_or_a_webhook_that_can_be_reached() {
        let url = json!({"url": "https://example.com/convert"});
        check(json!({"strategy": "None"}), &[]);
        check(webhook(url.clone(), json!(["v1"])), &[]);
        check(
            webhook(json!({"service": {"name": "s", "namespace": "n", "path": "/a/b/"}}), json!(["v1"])),
            &[],
        );
        check(json!({"strategy": "Other"}), &["spec.conversion.strategy: Unsupported value: \"Other\""]);
        check(
            json!({"strategy": "", "webhook": {"clientConfig": url.clone(), "conversionReviewVersions": []}}),
            &[
                "spec.conversion.strategy: Required value",
                "spec.conversion.webhookClientConfig: Forbidden: should not be set",
            ],
        );
        check(
            json!({"strategy": "Webhook"}),
            &[
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ],
        );
        check(
            json!({"strategy": "None", "webhook": {"clientConfig": url, "conversionReviewVersions": ["v1"]}}),
            &[
                "spec.conversion.webhookClientConfig: Forbidden: should not be set",
                "spec.conversion.conversionReviewVersions: Forbidden: should not be set",
            ],
        );
    }

    #[test]
    fn addresses_and_versions_are_checked() {
        let v1 = || json!(["v1"]);
        check(
            webhook(json!({"url": "http://u@example.com/x?y#z"}), v1()),
            &[
                "spec.conversion.webhookClientConfig.url: Invalid value: \"http\": 'https' is the only",
                "spec.conversion.webhookClientConfig.url: Invalid value: \"u\": user information",
                "spec.conversion.webhookClientConfig.url: Invalid value: \"z\": fragments",
                "spec.conversion.webhookClientConfig.url: Invalid value: \"y\": query parameters",
            ],
        );
        check(
            webhook(json!({"service": {"name": "s", "namespace": "", "path": "a//b", "port": 70000}}), v1()),
            &[
                "spec.conversion.webhookClientConfig.service.name: Required value",
                "spec.conversion.webhookClientConfig.service.port: Invalid value: 70000: port is not valid",
                "spec.conversion.webhookClientConfig.service.path: Invalid value: \"a//b\": must start with",
                "spec.conversion.webhookClientConfig.service.path: Invalid value: \"a//b\": segment[0] may not",
                "spec.conversion.webhookClientConfig.service.path: Invalid value: \"a//b\": segment[1] may not",
            ],
        );
        let url = json!({"url": "https://example.com"});
        check(
            webhook(url, json!(["v9", "v9"])),
            &[
                "spec.conversion.conversionReviewVersions[1]: Invalid value: \"v9\": duplicate version",
                "spec.conversion.conversionReviewVersions: Invalid value: [\"v9\",\"v9\"]: must include at least one of v1, v1beta1",
            ],
        );
    }
}
