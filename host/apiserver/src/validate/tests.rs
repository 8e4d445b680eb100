//! Objects and what is wrong with them, told as the real server told it.

use serde_json::{Value, json};

use super::validate;

fn check(group: &str, kind: &str, spec: Value, errors: &[&str]) {
    let mut object = json!({"metadata": {"name": "a", "uid": "u"}, "spec": spec});
    crate::defaults::apply(group, "v1", kind, &mut object);
    let found = validate((group, kind), "", &object, None);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, errors, "{object}");
}

#[test]
fn pods_have_named_containers_with_images() {
    check("", "Pod", json!({"containers": [{"name": "a", "image": "i"}]}), &[]);
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
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            "spec.containers[0].resources.requests[memory]: Invalid value: \"-1\": must be greater than or equal to 0",
        ],
    );
}

#[test]
fn selectors_match_their_templates() {
    let pod = json!({"containers": [{"name": "a", "image": "i"}]});
    let template = |labels: Value| json!({"metadata": {"labels": labels}, "spec": pod});
    let spec = |labels: Value| json!({"selector": {"matchLabels": {"a": "b"}}, "template": template(labels)});
    for kind in ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"] {
        check("apps", kind, spec(json!({"a": "b"})), &[]);
        let why = "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`";
        check("apps", kind, spec(json!({"a": "c"})), &[why]);
    }
    let mut job = template(json!({}));
    job["spec"]["restartPolicy"] = "Always".into();
    check(
        "batch",
        "CronJob",
        json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": job}}}),
        &[
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ],
    );
}

#[test]
fn an_update_keeps_what_is_immutable() {
    let pod = |image: &str, node: &str| {
        let mut pod = json!({"spec": {"nodeName": node, "containers": [{"name": "a", "image": image}]}});
        crate::defaults::apply("", "v1", "Pod", &mut pod);
        pod
    };
    let change = |new: &Value, old: &Value| {
        let found = validate(("", "Pod"), "", new, Some(old));
        found.iter().map(|error| error.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(change(&pod("i:2", "n"), &pod("i:1", "n")), <[&str; 0]>::default());
    assert_eq!(change(&pod("i", "m"), &pod("i", "n")), ["spec"]);
}

#[test]
fn services_name_their_ports_and_say_what_fits_their_type() {
    check("", "Service", json!({"ports": [{"port": 80}]}), &[]);
    check(
        "",
        "Service",
        json!({"ports": [{"port": 80}, {"port": 80, "name": "-"}]}),
        &[
            "spec.ports[0].name: Required value",
            "spec.ports[1].name: Invalid value: \"-\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}",
        ],
    );
    check(
        "",
        "Service",
        json!({"type": "ExternalName", "sessionAffinity": "Often"}),
        &[
            "spec.externalName: Required value",
            "spec.sessionAffinity: Unsupported value: \"Often\": supported values: \"ClientIP\", \"None\"",
        ],
    );
}
