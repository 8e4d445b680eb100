//! Containers: images, ports, variables, mounts, amounts, probes.

use std::collections::HashSet;

use serde_json::Value;

use super::amounts;
use super::field::{Faults, Field};
use super::texts;

/// What of a container's surroundings its checks need.
pub(super) struct Around<'v> {
    /// Names of volumes that are in order.
    pub(super) volumes: HashSet<&'v str>,
}

/// All containers of a Pod, the ordinary ones first.
pub(super) fn all<'v>(faults: &mut Faults, spec: &Field<'_, 'v>, around: &Around<'v>) {
    let containers = spec.get("containers");
    if containers.len() == 0 {
        faults.required(&containers, "");
    }
    let mut names = HashSet::new();
    for container in containers.items() {
        common(faults, &container, around);
        let name = container.get("name");
        if !names.insert(name.text()) {
            faults.duplicate(&name);
        }
        lifecycle(faults, &container);
        probes(faults, &container);
        if container.get("restartPolicy").is_set() {
            restart_policy(faults, &container);
        }
    }
    host_ports(faults, &containers);
    for container in spec.get("initContainers").items() {
        init(faults, &container, around, &mut names);
    }
    for container in spec.get("ephemeralContainers").items() {
        ephemeral(faults, &container, around, &mut names);
    }
}

fn restart_policy(faults: &mut Faults, container: &Field<'_, '_>) {
    faults.one_of(&container.get("restartPolicy"), &["Always", "Never", "OnFailure"]);
}

fn init<'v>(
    faults: &mut Faults,
    container: &Field<'_, 'v>,
    around: &Around<'v>,
    names: &mut HashSet<&'v str>,
) {
    common(faults, container, around);
    if container.get("restartPolicy").is_set() {
        restart_policy(faults, container);
    }
    let name = container.get("name");
    if !name.text().is_empty() && !names.insert(name.text()) {
        faults.duplicate(&name);
    }
    if container.get("restartPolicy").text() == "Always" {
        lifecycle(faults, container);
        return probes(faults, container);
    }
    for part in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        let part = container.get(part);
        if part.is_set() {
            faults.forbidden(&part, "may not be set for init containers without restartPolicy=Always");
        }
    }
}

fn ephemeral<'v>(
    faults: &mut Faults,
    container: &Field<'_, 'v>,
    around: &Around<'v>,
    names: &mut HashSet<&'v str>,
) {
    common(faults, container, around);
    let name = container.get("name");
    if !names.insert(name.text()) {
        faults.duplicate(&name);
    }
    for field in ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        let field = container.get(field);
        if field.is_set() {
            faults.forbidden(&field, "cannot be set for an Ephemeral Container");
        }
    }
}

fn common(faults: &mut Faults, container: &Field<'_, '_>, around: &Around<'_>) {
    let (name, image) = (container.get("name"), container.get("image"));
    if name.text().is_empty() {
        faults.required(&name, "");
    } else {
        faults.text(&name, texts::label(name.text()));
    }
    if image.text().is_empty() {
        faults.required(&image, "");
    } else if image.text().trim() != image.text() {
        faults.invalid(&image, "must not have leading or trailing whitespace");
    }
    faults.one_of(&container.get("terminationMessagePolicy"), &["File", "FallbackToLogsOnError"]);
    ports(faults, &container.get("ports"));
    variables(faults, &container.get("env"));
    sources_of_variables(faults, &container.get("envFrom"));
    mounts(faults, &container.get("volumeMounts"), around);
    faults.one_of(&container.get("imagePullPolicy"), &["Always", "IfNotPresent", "Never"]);
    amounts::of_container(faults, &container.get("resources"));
    security(faults, &container.get("securityContext"));
}

fn ports(faults: &mut Faults, ports: &Field<'_, '_>) {
    let mut names = HashSet::new();
    for port in ports.items() {
        let name = port.get("name");
        if !name.text().is_empty() {
            let wrong = texts::port_name(name.text());
            if wrong.is_empty() && !names.insert(name.text()) {
                faults.duplicate(&name);
            }
            faults.text(&name, wrong);
        }
        let (inner, outer) = (port.get("containerPort"), port.get("hostPort"));
        if inner.number() == 0 {
            faults.required(&inner, "");
        } else if !texts::is_port(inner.number()) {
            faults.invalid(&inner, texts::PORT);
        }
        if outer.number() != 0 && !texts::is_port(outer.number()) {
            faults.invalid(&outer, texts::PORT);
        }
        faults.one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
    }
}

fn host_ports(faults: &mut Faults, containers: &Field<'_, '_>) {
    let mut taken = HashSet::new();
    for container in containers.items() {
        for port in container.get("ports").items() {
            let outer = port.get("hostPort");
            let key =
                format!("{}/{}/{}", port.get("protocol").text(), port.get("hostIP").text(), outer.number());
            if outer.number() != 0 && !taken.insert(key.clone()) {
                let key = Value::from(key);
                faults.duplicate(&Field { value: &key, path: outer.path });
            }
        }
    }
}

fn variables(faults: &mut Faults, variables: &Field<'_, '_>) {
    for variable in variables.items() {
        let name = variable.get("name");
        if name.text().is_empty() {
            faults.required(&name, "");
        } else {
            faults.text(&name, texts::variable(name.text()));
        }
        let from = variable.get("valueFrom");
        if from.is_set() {
            value_from(faults, &from, !variable.get("value").text().is_empty());
        }
    }
}

/// What a variable may say of its Pod.
const POD_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn value_from(faults: &mut Faults, from: &Field<'_, '_>, has_value: bool) {
    let mut sources = 0;
    let field = from.get("fieldRef");
    if field.is_set() {
        sources += 1;
        pod_field(faults, &field);
    }
    if from.get("resourceFieldRef").is_set() {
        sources += 1;
    }
    for name in ["configMapKeyRef", "secretKeyRef"] {
        let key = from.get(name);
        if key.is_set() {
            sources += 1;
            key_reference(faults, &key);
        }
    }
    sources += u8::from(from.get("fileKeyRef").is_set());
    let nothing = Value::from("");
    let at = Field { value: &nothing, path: from.path };
    if sources == 0 {
        faults.invalid(&at, "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
    } else if has_value {
        faults.invalid(&at, "may not be specified when `value` is not empty");
    } else if sources > 1 {
        faults.invalid(&at, "may not have more than one field specified at a time");
    }
}

fn pod_field(faults: &mut Faults, field: &Field<'_, '_>) {
    let path = field.get("fieldPath");
    let subscripted = ["metadata.labels['", "metadata.annotations['"];
    if path.text().is_empty() {
        faults.required(&path, "");
    } else if let Some(key) = subscripted.iter().find_map(|prefix| path.text().strip_prefix(prefix)) {
        let key = key.strip_suffix("']").unwrap_or(key);
        let key = if path.text().contains("annotations") { key.to_lowercase() } else { key.to_owned() };
        let shown = Value::from(key.as_str());
        faults.text(&Field { value: &shown, path: field.path }, texts::qualified(&key));
    } else if !POD_FIELDS.contains(&path.text()) {
        let known = ["metadata.labels", "metadata.annotations", "spec.restartPolicy", "status.phase"];
        if known.contains(&path.text()) {
            return faults.not_supported(&path, &POD_FIELDS);
        }
        let why = format!("error converting fieldPath: field label not supported: {}", path.text());
        faults.invalid(&path, &why);
    }
}

fn key_reference(faults: &mut Faults, at: &Field<'_, '_>) {
    let (name, key) = (at.get("name"), at.get("key"));
    faults.text(&name, texts::subdomain(name.text()));
    if key.text().is_empty() {
        faults.required(&key, "");
    } else {
        faults.text(&key, texts::config_key(key.text()));
    }
}

fn sources_of_variables(faults: &mut Faults, sources: &Field<'_, '_>) {
    for source in sources.items() {
        let prefix = source.get("prefix");
        if !prefix.text().is_empty() {
            faults.text(&prefix, texts::variable(prefix.text()));
        }
        let given = ["configMapRef", "secretRef"].map(|name| source.get(name).is_set());
        for name in ["configMapRef", "secretRef"] {
            let reference = source.get(name);
            let name = reference.get("name");
            if reference.is_set() {
                faults.text(&name, texts::subdomain(name.text()));
            }
        }
        let nothing = Value::from("");
        let at = Field { value: &nothing, path: source.path };
        match given {
            [false, false] => faults.invalid(&at, "must specify one of: `configMapRef` or `secretRef`"),
            [true, true] => faults.invalid(&at, "may not have more than one field specified at a time"),
            _ => {}
        }
    }
}

fn mounts(faults: &mut Faults, mounts: &Field<'_, '_>, around: &Around<'_>) {
    let mut paths = HashSet::new();
    for mount in mounts.items() {
        let (name, path) = (mount.get("name"), mount.get("mountPath"));
        if name.text().is_empty() {
            faults.required(&name, "");
        }
        if !around.volumes.contains(name.text()) {
            faults.not_found(&name);
        }
        if path.text().is_empty() {
            faults.required(&path, "");
        }
        if !paths.insert(path.text()) {
            faults.invalid_text(&path, "must be unique");
        }
        for name in ["subPath", "subPathExpr"] {
            let inner = mount.get(name);
            // The real server blames the list, not the mount.
            let blamed = Field { value: inner.value, path: mounts.path.field(name) };
            if inner.text().starts_with('/') {
                faults.invalid(&blamed, "must be a relative path");
            }
            if inner.text().split('/').any(|part| part == "..") {
                faults.invalid(&blamed, "must not contain '..'");
            }
        }
    }
}

fn probes(faults: &mut Faults, container: &Field<'_, '_>) {
    for (name, once) in [("livenessProbe", true), ("readinessProbe", false), ("startupProbe", true)] {
        let probe = container.get(name);
        if !probe.is_set() {
            continue;
        }
        handler(faults, &probe);
        let counts = [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ];
        faults.all_not_negative(&probe, &counts);
        let (grace, threshold) = (probe.get("terminationGracePeriodSeconds"), probe.get("successThreshold"));
        if grace.is_set() && grace.number() <= 0 {
            faults.invalid(&grace, "must be greater than 0");
        }
        if once && threshold.number() != 1 {
            faults.invalid_number(&threshold, "must be 1");
        }
        if !once && grace.is_set() {
            faults.invalid(&grace, "must not be set for readinessProbes");
        }
    }
}

fn lifecycle(faults: &mut Faults, container: &Field<'_, '_>) {
    let lifecycle = container.get("lifecycle");
    for name in ["postStart", "preStop"] {
        let hook = lifecycle.get(name);
        if hook.is_set() {
            handler(faults, &hook);
        }
    }
}

fn handler(faults: &mut Faults, at: &Field<'_, '_>) {
    let mut count = 0;
    for name in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let way = at.get(name);
        if !way.is_set() {
            continue;
        }
        count += 1;
        match name {
            _ if count > 1 => faults.forbidden(&way, "may not specify more than 1 handler type"),
            "exec" if way.get("command").len() == 0 => faults.required(&way.get("command"), ""),
            "httpGet" => http(faults, &way),
            "tcpSocket" | "grpc" => port_or_name(faults, &way.get("port")),
            _ => {}
        }
    }
    if count == 0 {
        faults.required(at, "must specify a handler type");
    }
}

fn http(faults: &mut Faults, at: &Field<'_, '_>) {
    if at.get("path").text().is_empty() {
        faults.required(&at.get("path"), "");
    }
    port_or_name(faults, &at.get("port"));
    if !["HTTP", "HTTPS"].contains(&at.get("scheme").text()) {
        faults.not_supported(&at.get("scheme"), &["HTTP", "HTTPS"]);
    }
}

/// A port by number or by name.
pub(super) fn port_or_name(faults: &mut Faults, at: &Field<'_, '_>) {
    match at.value {
        Value::String(name) => faults.text(at, texts::port_name(name)),
        _ if !texts::is_port(at.number()) => faults.invalid_number(at, texts::PORT),
        _ => {}
    }
}

fn security(faults: &mut Faults, at: &Field<'_, '_>) {
    for name in ["runAsUser", "runAsGroup"] {
        let id = at.get(name);
        if !(0..=i64::from(i32::MAX)).contains(&id.number()) {
            faults.invalid(&id, "must be between 0 and 2147483647, inclusive");
        }
    }
    if at.get("allowPrivilegeEscalation").value == &Value::Bool(false) && at.get("privileged").is_true() {
        faults.invalid(at, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
}
