//! Defaults that depend on other fields.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::set;
use crate::wire::types::StructType;

type Object = Map<String, Value>;

/// What is decided before the plain values are filled in.
pub(super) fn before(declared: &StructType, map: &mut Object) {
    match (declared.package, declared.name) {
        ("batch/v1", "Job") => job(map),
        ("core/v1", "Secret") => secret(map),
        ("core/v1", "LimitRangeItem") => limits(map),
        ("autoscaling/v2", "HorizontalPodAutoscalerBehavior") => behavior(map),
        ("core/v1", "Service") => balanced(map),
        ("core/v1", "Volume") => volume(map),
        ("core/v1", "Pod") => pod(map),
        _ => {}
    }
}

/// What is decided once everything below is filled in.
pub(super) fn after(declared: &StructType, map: &mut Object) {
    match (declared.package, declared.name) {
        ("core/v1", "Container" | "EphemeralContainer") => pull_policy(map),
        ("core/v1", "PodSpec") => service_account(map),
        ("core/v1", "ServiceSpec") => service(map),
        ("core/v1", "ServicePort") => {
            let unset = |target: &Value| target.is_null() || *target == 0 || *target == "";
            if let Some(port) = map.get("port").cloned()
                && map.get("targetPort").is_none_or(unset)
            {
                map.insert("targetPort".to_owned(), port);
            }
        }
        ("apps/v1", "DeploymentStrategy") if is(map, "type", "RollingUpdate") => {
            set(map, "rollingUpdate", || json!({"maxSurge": "25%", "maxUnavailable": "25%"}));
        }
        ("apps/v1", "StatefulSetUpdateStrategy") if is(map, "type", "RollingUpdate") => {
            set(map, "rollingUpdate", || json!({"partition": 0}));
        }
        ("apps/v1", "DaemonSetUpdateStrategy") if is(map, "type", "RollingUpdate") => {
            set(map, "rollingUpdate", || json!({"maxSurge": 0, "maxUnavailable": 1}));
        }
        ("batch/v1", "Job") | ("core/v1", "ReplicationController") => labels_of_template(map),
        ("apps/v1", "StatefulSetSpec") => {
            for claim in
                map.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten()
            {
                if let Value::Object(claim) = claim {
                    set_text(claim, "apiVersion", "v1");
                    set_text(claim, "kind", "PersistentVolumeClaim");
                }
            }
        }
        ("autoscaling/v2", "HorizontalPodAutoscalerSpec") => {
            let target = json!({"type": "Utilization", "averageUtilization": 80});
            let none = map.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty);
            if none {
                let cpu = json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]);
                map.insert("metrics".to_owned(), cpu);
            }
        }
        ("rbac/v1", "Subject") => subject(map),
        ("rbac/v1", "RoleBinding" | "ClusterRoleBinding") => {
            if let Some(Value::Object(role)) = map.get_mut("roleRef") {
                set_text(role, "apiGroup", "rbac.authorization.k8s.io");
            }
        }
        ("networking/v1", "NetworkPolicySpec") => policy_types(map),
        _ => {}
    }
}

fn text<'a>(map: &'a Object, field: &str) -> &'a str {
    map.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is(map: &Object, field: &str, value: &str) -> bool {
    text(map, field) == value
}

/// Sets a text that is missing or empty.
fn set_text(map: &mut Object, field: &str, value: &str) {
    if text(map, field).is_empty() {
        map.insert(field.to_owned(), value.into());
    }
}

/// One Pod, unless either number is given; a single number says how many at a time. Templates of Jobs, as CronJobs
/// have them, are left as they are.
fn job(map: &mut Object) {
    let Some(Value::Object(map)) = map.get_mut("spec") else { return };
    let plain: [(&str, Value); 4] = [
        ("backoffLimit", 6.into()),
        ("completionMode", "NonIndexed".into()),
        ("suspend", false.into()),
        ("manualSelector", false.into()),
    ];
    for (field, value) in plain {
        set(map, field, || value);
    }
    let given = |field: &str| map.get(field).is_some_and(|value| !value.is_null());
    if !given("completions") && !given("parallelism") {
        map.insert("completions".to_owned(), 1.into());
    }
    set(map, "parallelism", || 1.into());
    let policy = if map.get("podFailurePolicy").is_some_and(|value| !value.is_null()) {
        "Failed"
    } else {
        "TerminatingOrFailed"
    };
    set(map, "podReplacementPolicy", || policy.into());
}

/// Texts in `stringData` become data.
fn secret(map: &mut Object) {
    let Some(Value::Object(texts)) = map.remove("stringData") else { return };
    if texts.is_empty() {
        return;
    }
    set(map, "data", || json!({}));
    if let Some(Value::Object(data)) = map.get_mut("data") {
        for (key, text) in texts {
            data.insert(key, STANDARD.encode(text.as_str().unwrap_or_default()).into());
        }
    }
}

/// A container's default limit is also what it requests by default; the largest limit stands for the default one.
fn limits(map: &mut Object) {
    if !is(map, "type", "Container") {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let Some(Value::Object(amounts)) = map.get(from).cloned() else { continue };
        if amounts.is_empty() {
            continue;
        }
        set(map, to, || json!({}));
        if let Some(Value::Object(target)) = map.get_mut(to) {
            for (resource, amount) in amounts {
                target.entry(resource).or_insert(amount);
            }
        }
    }
}

/// A volume that names no source is an empty directory.
fn volume(map: &mut Object) {
    if !map.iter().any(|(field, value)| field != "name" && !value.is_null()) {
        map.insert("emptyDir".to_owned(), json!({}));
    }
}

/// What holds for Pods but not for templates of Pods.
fn pod(map: &mut Object) {
    let Some(Value::Object(spec)) = map.get_mut("spec") else { return };
    set(spec, "enableServiceLinks", || true.into());
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            request_what_is_limited(container);
        }
    }
}

/// A behaviour has rules for both ways; what one leaves out is as it would be without any.
fn behavior(map: &mut Object) {
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    let all = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let up = [
        ("policies", json!([pods, all])),
        ("selectPolicy", "Max".into()),
        ("stabilizationWindowSeconds", 0.into()),
    ];
    let down = [("policies", json!([all])), ("selectPolicy", "Max".into())];
    for (way, rules) in [("scaleUp", &up[..]), ("scaleDown", &down[..])] {
        set(map, way, || json!({}));
        if let Some(Value::Object(held)) = map.get_mut(way) {
            for (field, value) in rules {
                set(held, field, || value.clone());
            }
        }
    }
}

/// A load balancer's address is virtual unless it says otherwise.
fn balanced(map: &mut Object) {
    let kind = map.get("spec").and_then(|spec| spec.get("type")?.as_str());
    if kind != Some("LoadBalancer") {
        return;
    }
    let status = map.get_mut("status").and_then(|status| status.get_mut("loadBalancer")?.get_mut("ingress"));
    for point in status.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(point) = point
            && !text(point, "ip").is_empty()
        {
            set(point, "ipMode", || "VIP".into());
        }
    }
}

/// The old name of the field says what the new one says.
fn service_account(map: &mut Object) {
    let (new, old) = (text(map, "serviceAccountName").to_owned(), text(map, "serviceAccount").to_owned());
    let name = if new.is_empty() { old } else { new };
    if !name.is_empty() {
        map.insert("serviceAccountName".to_owned(), name.as_str().into());
        map.insert("serviceAccount".to_owned(), name.into());
    }
}

/// A container that limits a resource and does not request it requests as much.
fn request_what_is_limited(container: &mut Value) {
    let Some(Value::Object(resources)) = container.get_mut("resources") else { return };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else { return };
    if limits.is_empty() {
        return;
    }
    if let Value::Object(requests) = resources.entry("requests").or_insert_with(|| json!({})) {
        for (resource, amount) in limits {
            requests.entry(resource).or_insert(amount);
        }
    }
}

/// `Always` for the tag `latest`, which is also meant if none is given; else `IfNotPresent`.
fn pull_policy(map: &mut Object) {
    let image = text(map, "image");
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    // A colon before the last slash belongs to the registry's port.
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map_or("", |(_, tag)| tag);
    let latest = tag == "latest" || (tag.is_empty() && digest.is_empty());
    set_text(map, "imagePullPolicy", if latest { "Always" } else { "IfNotPresent" });
}

fn service(map: &mut Object) {
    if is(map, "sessionAffinity", "ClientIP") {
        set(map, "sessionAffinityConfig", || json!({"clientIP": {"timeoutSeconds": 10_800}}));
    }
    let kind = text(map, "type").to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        set_text(map, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        set_text(map, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        set(map, "allocateLoadBalancerNodePorts", || true.into());
    }
}

/// An object without labels takes those of its template.
fn labels_of_template(map: &mut Object) {
    let template = map.get("spec").and_then(|spec| spec.get("template")?.get("metadata")?.get("labels"));
    let Some(Value::Object(labels)) = template.cloned() else { return };
    if let Value::Object(metadata) = map.entry("metadata").or_insert_with(|| json!({}))
        && metadata.get("labels").and_then(Value::as_object).is_none_or(Map::is_empty)
    {
        metadata.insert("labels".to_owned(), Value::Object(labels));
    }
}

fn subject(map: &mut Object) {
    if matches!(text(map, "kind"), "User" | "Group") {
        set_text(map, "apiGroup", "rbac.authorization.k8s.io");
    }
}

/// Ingress always, egress if there are rules for it.
fn policy_types(map: &mut Object) {
    let has = |field: &str| map.get(field).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if !has("policyTypes") {
        let types = if has("egress") { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        map.insert("policyTypes".to_owned(), types);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::apply;

    #[test]
    fn images_are_pulled_by_their_tag() {
        for (image, want) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.2", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:abc", "IfNotPresent"),
        ] {
            let mut pod = json!({"spec": {"containers": [{"image": image}]}});
            apply("", "v1", "Pod", &mut pod);
            assert_eq!(pod["spec"]["containers"][0]["imagePullPolicy"], want, "{image}");
        }
    }

    #[test]
    fn a_job_runs_one_pod_unless_it_says_otherwise() {
        for (spec, completions, parallelism) in [
            (json!({}), json!(1), 1),
            (json!({"completions": 3}), json!(3), 1),
            (json!({"parallelism": 2}), json!(null), 2),
        ] {
            let mut job = json!({"spec": spec});
            apply("batch", "v1", "Job", &mut job);
            let got =
                (job["spec"].get("completions").cloned().unwrap_or_default(), &job["spec"]["parallelism"]);
            assert_eq!(got, (completions, &json!(parallelism)));
        }
    }

    #[test]
    fn texts_of_a_secret_become_data() {
        let mut secret = json!({"data": {"b": "eA=="}, "stringData": {"a": "b"}});
        apply("", "v1", "Secret", &mut secret);
        assert_eq!(secret, json!({"data": {"a": "Yg==", "b": "eA=="}, "type": "Opaque"}));
    }

    #[test]
    fn a_service_is_filled_in_by_its_type() {
        let mut service = json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
        apply("", "v1", "Service", &mut service);
        let want = json!({"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Cluster",
            "allocateLoadBalancerNodePorts": true});
        assert_eq!(service["spec"], want);
        let mut external = json!({"spec": {"type": "ExternalName", "externalName": "x"}});
        apply("", "v1", "Service", &mut external);
        assert!(external["spec"].get("internalTrafficPolicy").is_none());
    }

    #[test]
    fn limits_are_requested_and_volumes_are_empty_directories() {
        let mut pod = json!({"spec": {"volumes": [{"name": "v"}, {"name": "s", "secret": {"secretName": "x"}}],
            "containers": [{"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}]}});
        apply("", "v1", "Pod", &mut pod);
        let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
        assert_eq!(requests, &json!({"cpu": "500m", "memory": "1Gi"}));
        assert_eq!(pod["spec"]["volumes"][0], json!({"name": "v", "emptyDir": {}}));
        assert_eq!(pod["spec"]["volumes"][1]["secret"]["defaultMode"], 420);
        assert_eq!(pod["spec"]["enableServiceLinks"], true);
    }
}
