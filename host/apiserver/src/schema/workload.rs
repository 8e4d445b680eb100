//! What the server's code demands of workloads and their pods, beyond types: names, images, ports, mounts, amounts, and
//! selectors that match their templates.

use serde_json::{Map, Value};

use super::error::{FieldError, Path, Reason};
use super::quantity::Quantity;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                     validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/// All that is wrong with the `spec` of a Pod or of a kind that makes Pods, after defaulting. A `spec` that an update
/// leaves as it is, and any other kind, is not looked at.
#[must_use]
pub fn validate_workload(group: &str, kind: &str, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut found = Findings { errors: Vec::new() };
    if old.is_some_and(|old| old["spec"] == new["spec"]) {
        return found.errors;
    }
    let root = Path::Root;
    let path = root.field("spec");
    let spec = &new["spec"];
    match (group, kind) {
        ("", "Pod") => {
            found.pod(spec, &path);
            found.one_of(spec, "restartPolicy", &["Always", "OnFailure", "Never"], &path);
        }
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            found.selector(spec, kind, &path);
            let template = path.field("template");
            let inner = template.field("spec");
            let pod = &spec["template"]["spec"];
            found.pod(pod, &inner);
            found.one_of(pod, "restartPolicy", &["Always"], &inner);
            found.not_negative(spec, "replicas", &path);
            found.not_negative(spec, "minReadySeconds", &path);
        }
        ("batch", "Job") => {
            for name in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit"] {
                found.not_negative(spec, name, &path);
            }
            let template = path.field("template");
            let inner = template.field("spec");
            let pod = &spec["template"]["spec"];
            found.pod(pod, &inner);
            if pod["restartPolicy"] == "Always" {
                let detail = "valid values: \"OnFailure\", \"Never\"";
                found.errors.push(FieldError::required(inner.field("restartPolicy"), detail));
            }
        }
        _ => {}
    }
    found.errors
}

struct Findings {
    errors: Vec<FieldError>,
}

impl Findings {
    fn not_negative(&mut self, of: &Value, name: &str, path: &Path<'_>) {
        if of[name].as_i64().is_some_and(|count| count < 0) {
            let detail = "must be greater than or equal to 0";
            self.errors.push(FieldError::invalid(path.field(name), &of[name], detail));
        }
    }

    fn one_of(&mut self, of: &Value, name: &str, allowed: &[&str], path: &Path<'_>) {
        match of[name].as_str() {
            Some(text) if !text.is_empty() && !allowed.contains(&text) => {
                let allowed = allowed.iter().copied();
                self.errors.push(FieldError::not_supported(path.field(name), &of[name], allowed));
            }
            _ => {}
        }
    }

    fn selector(&mut self, spec: &Value, kind: &str, path: &Path<'_>) {
        let field = path.field("selector");
        let Value::Object(selector) = &spec["selector"] else {
            self.errors.push(FieldError::required(field, ""));
            return;
        };
        if selector.is_empty() {
            let detail = format!("empty selector is invalid for {}", kind.to_lowercase());
            self.errors.push(FieldError::invalid(field, &spec["selector"], detail));
            return;
        }
        let none = Map::new();
        let labels = spec["template"]["metadata"]["labels"].as_object().unwrap_or(&none);
        if !matches(selector, labels) {
            let template = path.field("template");
            let metadata = template.field("metadata");
            let shown = match labels.is_empty() {
                true => Value::Null,
                false => Value::Object(labels.clone()),
            };
            let detail = "`selector` does not match template `labels`";
            self.errors.push(FieldError::invalid(metadata.field("labels"), &shown, detail));
        }
    }

    fn pod(&mut self, spec: &Value, path: &Path<'_>) {
        let mut volumes: Vec<&str> = Vec::new();
        let place = path.field("volumes");
        for (at, volume) in list(spec, "volumes").enumerate() {
            let place = place.index(at);
            let name = volume["name"].as_str().unwrap_or_default();
            self.name(name, &volumes, &place);
            volumes.push(name);
        }
        if list(spec, "containers").next().is_none() {
            self.errors.push(FieldError::required(path.field("containers"), ""));
        }
        let mut names: Vec<&str> = Vec::new();
        for kind in ["containers", "initContainers"] {
            let place = path.field(kind);
            for (at, container) in list(spec, kind).enumerate() {
                let place = place.index(at);
                let name = container["name"].as_str().unwrap_or_default();
                self.name(name, &names, &place);
                names.push(name);
                self.container(container, &volumes, &place);
            }
        }
        self.not_negative(spec, "terminationGracePeriodSeconds", path);
        let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
        self.one_of(spec, "dnsPolicy", &policies, path);
    }

    /// The name of a volume or a container, told from the `others`.
    fn name(&mut self, name: &str, others: &[&str], path: &Path<'_>) {
        let field = path.field("name");
        if name.is_empty() {
            self.errors.push(FieldError::required(field, ""));
            return;
        }
        if name.len() > 63 {
            self.errors.push(FieldError::invalid_text(field, name, "must be no more than 63 bytes"));
        }
        if !is_label(name) {
            self.errors.push(FieldError::invalid_text(field, name, LABEL));
        }
        if others.contains(&name) {
            self.errors.push(FieldError::duplicate(field, &Value::from(name)));
        }
    }

    fn container(&mut self, container: &Value, volumes: &[&str], path: &Path<'_>) {
        let image = container["image"].as_str().unwrap_or_default();
        if image.is_empty() {
            self.errors.push(FieldError::required(path.field("image"), ""));
        } else if image.trim() != image {
            let detail = "must not have leading or trailing whitespace";
            self.errors.push(FieldError::invalid_text(path.field("image"), image, detail));
        }
        self.ports(container, path);
        let env = path.field("env");
        for (at, variable) in list(container, "env").enumerate() {
            if variable["name"].as_str().unwrap_or_default().is_empty() {
                self.errors.push(FieldError::required(env.index(at).field("name"), ""));
            }
        }
        self.mounts(container, volumes, path);
        self.one_of(container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"], path);
        self.resources(&container["resources"], &path.field("resources"));
    }

    fn ports(&mut self, container: &Value, path: &Path<'_>) {
        let place = path.field("ports");
        for (at, port) in list(container, "ports").enumerate() {
            let place = place.index(at);
            for name in ["containerPort", "hostPort"] {
                match port[name].as_i64() {
                    Some(0) | None if name == "containerPort" => {
                        self.errors.push(FieldError::required(place.field(name), ""));
                    }
                    Some(number) if number != 0 && !(1..=65535).contains(&number) => {
                        let detail = "must be between 1 and 65535, inclusive";
                        self.errors.push(FieldError::invalid(place.field(name), &port[name], detail));
                    }
                    _ => {}
                }
            }
            self.one_of(port, "protocol", &["SCTP", "TCP", "UDP"], &place);
        }
    }

    fn mounts(&mut self, container: &Value, volumes: &[&str], path: &Path<'_>) {
        let place = path.field("volumeMounts");
        let mut paths: Vec<&str> = Vec::new();
        for (at, mount) in list(container, "volumeMounts").enumerate() {
            let place = place.index(at);
            let name = mount["name"].as_str().unwrap_or_default();
            if name.is_empty() {
                self.errors.push(FieldError::required(place.field("name"), ""));
            } else if !volumes.contains(&name) {
                self.errors.push(FieldError::of_value(
                    Reason::NotFound,
                    place.field("name"),
                    &mount["name"],
                    "",
                ));
            }
            let target = mount["mountPath"].as_str().unwrap_or_default();
            if target.is_empty() {
                self.errors.push(FieldError::required(place.field("mountPath"), ""));
            } else if paths.contains(&target) {
                self.errors.push(FieldError::invalid_text(
                    place.field("mountPath"),
                    target,
                    "must be unique",
                ));
            }
            paths.push(target);
        }
    }

    fn resources(&mut self, resources: &Value, path: &Path<'_>) {
        let none = Map::new();
        let amounts = |side: &str| resources[side].as_object().unwrap_or(&none).clone();
        let (limits, requests) = (amounts("limits"), amounts("requests"));
        for (side, amounts) in [("limits", &limits), ("requests", &requests)] {
            for (name, amount) in amounts {
                if read(amount).is_some_and(Quantity::is_negative) {
                    let place = path.field(side);
                    let detail = "must be greater than or equal to 0";
                    self.errors.push(FieldError::invalid(place.key(name), amount, detail));
                }
            }
        }
        for (name, request) in &requests {
            let Some(limit) = limits.get(name) else { continue };
            if read(request) > read(limit) && read(limit).is_some() {
                let limit = limit.as_str().unwrap_or_default();
                let detail = format!("must be less than or equal to {name} limit of {limit}");
                self.errors.push(FieldError::invalid(path.field("requests"), request, detail));
            }
        }
    }
}

fn read(amount: &Value) -> Option<Quantity> {
    Quantity::parse(amount.as_str()?).ok()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of[name].as_array().into_iter().flatten()
}

fn is_label(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
}

/// Whether a label selector selects objects with these labels.
fn matches(selector: &Map<String, Value>, labels: &Map<String, Value>) -> bool {
    let equal = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    equal.into_iter().all(|(name, value)| labels.get(name) == Some(value))
        && expressions.into_iter().all(|expression| {
            let value = expression["key"].as_str().and_then(|key| labels.get(key));
            let listed = value.is_some_and(|value| list(expression, "values").any(|one| one == value));
            match expression["operator"].as_str() {
                Some("In") => listed,
                Some("NotIn") => !listed,
                Some("Exists") => value.is_some(),
                Some("DoesNotExist") => value.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(group: &str, kind: &str, spec: Value, errors: &[&str]) {
        let object = json!({"spec": spec});
        let found: Vec<String> =
            validate_workload(group, kind, &object, None).iter().map(ToString::to_string).collect();
        assert_eq!(found, errors);
        assert_eq!(validate_workload(group, kind, &object, Some(&object)), []);
    }

    #[test]
    fn pods_have_named_containers_with_images() {
        check(
            "",
            "Pod",
            json!({"containers": [{"name": "a", "image": "i"}], "restartPolicy": "Always"}),
            &[],
        );
        check("", "Pod", json!({"containers": []}), &["spec.containers: Required value"]);
        check(
            "",
            "Pod",
            json!({"containers": [{"name": "", "image": " i"}, {"name": "b"}, {"name": "b", "image": "i"}]}),
            &[
                "spec.containers[0].name: Required value",
                "spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing whitespace",
                "spec.containers[1].image: Required value",
                "spec.containers[2].name: Duplicate value: \"b\"",
            ],
        );
        check(
            "",
            "Pod",
            json!({"containers": [{
                "name": "a", "image": "i", "imagePullPolicy": "Often",
                "ports": [{"containerPort": 70000, "protocol": "ICMP"}, {"containerPort": 0}],
                "volumeMounts": [{"name": "v", "mountPath": "/x"}],
                "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2", "memory": "-1"}},
            }]}),
            &[
                "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.containers[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                "spec.containers[0].ports[1].containerPort: Required value",
                "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Often\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
                "spec.containers[0].resources.requests[memory]: Invalid value: \"-1\": must be greater than or equal to 0",
                "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            ],
        );
    }

    #[test]
    fn selectors_match_their_templates() {
        let pod = json!({"containers": [{"name": "a", "image": "i"}]});
        let template = |labels: Value| json!({"metadata": {"labels": labels}, "spec": pod});
        check(
            "apps",
            "Deployment",
            json!({"selector": {"matchLabels": {"a": "b"}}, "template": template(json!({"a": "b"}))}),
            &[],
        );
        check(
            "apps",
            "Deployment",
            json!({"replicas": -1, "selector": {"matchLabels": {"a": "b"}}, "template": template(json!({"a": "c"}))}),
            &[
                "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`",
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ],
        );
        check(
            "apps",
            "Deployment",
            json!({"selector": null, "template": template(json!({}))}),
            &["spec.selector: Required value"],
        );
        let mut job = template(json!({}));
        job["spec"]["restartPolicy"] = "Always".into();
        check(
            "batch",
            "Job",
            json!({"template": job}),
            &["spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""],
        );
    }
}
