//! Documents that are about no resource: groups, the version, the issuer of tokens.

use serde_json::{Map, Value, json};

use super::operation::{MEDIA_TYPES, answers, group_words, title};
use super::reference;
use super::schemas::full_name;

/// The paths of these documents below `/openapi/v3/`; each built-in group has one besides.
pub(super) const DOCUMENTS: [&str; 5] =
    [".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"];

/// The `paths` of such a document.
pub(super) fn paths(path: &str) -> Map<String, Value> {
    let json = ["application/json"];
    let text = json!({"type": "string"});
    let kind = |name| reference(&full_name(name));
    let (id, tag, responses) = match path {
        "api" => {
            ("getCoreAPIVersions", "core", answers(&kind("meta.v1.APIVersions"), &MEDIA_TYPES, &["200"]))
        }
        "apis" => ("getAPIVersions", "apis", answers(&kind("meta.v1.APIGroupList"), &MEDIA_TYPES, &["200"])),
        "version" => ("getCodeVersion", "version", answers(&kind("version.Info"), &json, &["200"])),
        "openid/v1/jwks" => (
            "getServiceAccountIssuerOpenIDKeyset",
            "openid",
            answers(&text, &["application/jwk-set+json"], &["200"]),
        ),
        ".well-known/openid-configuration" => {
            ("getServiceAccountIssuerOpenIDConfiguration", "WellKnown", answers(&text, &json, &["200"]))
        }
        group => return of_group(group),
    };
    one(path, id, tag, &responses)
}

fn of_group(path: &str) -> Map<String, Value> {
    let words = group_words(path.strip_prefix("apis/").unwrap_or(path));
    let responses = answers(&reference(&full_name("meta.v1.APIGroup")), &MEDIA_TYPES, &["200"]);
    one(path, &format!("get{}APIGroup", title(&words)), &words, &responses)
}

fn one(path: &str, id: &str, tag: &str, responses: &Value) -> Map<String, Value> {
    let operation = json!({"get": {"operationId": id, "responses": responses, "tags": [tag]}});
    Map::from_iter([(format!("/{path}/"), operation)])
}

/// The group versions whose `DeleteOptions` a custom resource takes: every one that the release's API library has,
/// served or not.
pub(super) const GROUP_VERSIONS: &[(&str, &str)] = &[
    ("", "v1"),
    ("admissionregistration.k8s.io", "v1"),
    ("admissionregistration.k8s.io", "v1alpha1"),
    ("admissionregistration.k8s.io", "v1beta1"),
    ("apps", "v1"),
    ("apps", "v1beta1"),
    ("apps", "v1beta2"),
    ("authentication.k8s.io", "v1"),
    ("authentication.k8s.io", "v1alpha1"),
    ("authentication.k8s.io", "v1beta1"),
    ("authorization.k8s.io", "v1"),
    ("authorization.k8s.io", "v1beta1"),
    ("autoscaling", "v1"),
    ("autoscaling", "v2"),
    ("batch", "v1"),
    ("batch", "v1beta1"),
    ("certificates.k8s.io", "v1"),
    ("certificates.k8s.io", "v1alpha1"),
    ("certificates.k8s.io", "v1beta1"),
    ("coordination.k8s.io", "v1"),
    ("coordination.k8s.io", "v1alpha2"),
    ("coordination.k8s.io", "v1beta1"),
    ("discovery.k8s.io", "v1"),
    ("discovery.k8s.io", "v1beta1"),
    ("events.k8s.io", "v1"),
    ("events.k8s.io", "v1beta1"),
    ("extensions", "v1beta1"),
    ("flowcontrol.apiserver.k8s.io", "v1"),
    ("flowcontrol.apiserver.k8s.io", "v1beta1"),
    ("flowcontrol.apiserver.k8s.io", "v1beta2"),
    ("flowcontrol.apiserver.k8s.io", "v1beta3"),
    ("internal.apiserver.k8s.io", "v1alpha1"),
    ("networking.k8s.io", "v1"),
    ("networking.k8s.io", "v1beta1"),
    ("node.k8s.io", "v1"),
    ("node.k8s.io", "v1alpha1"),
    ("node.k8s.io", "v1beta1"),
    ("policy", "v1"),
    ("policy", "v1beta1"),
    ("rbac.authorization.k8s.io", "v1"),
    ("rbac.authorization.k8s.io", "v1alpha1"),
    ("rbac.authorization.k8s.io", "v1beta1"),
    ("resource.k8s.io", "v1"),
    ("resource.k8s.io", "v1alpha3"),
    ("resource.k8s.io", "v1beta1"),
    ("resource.k8s.io", "v1beta2"),
    ("scheduling.k8s.io", "v1"),
    ("scheduling.k8s.io", "v1alpha2"),
    ("scheduling.k8s.io", "v1beta1"),
    ("storage.k8s.io", "v1"),
    ("storage.k8s.io", "v1alpha1"),
    ("storage.k8s.io", "v1beta1"),
    ("storagemigration.k8s.io", "v1beta1"),
];
