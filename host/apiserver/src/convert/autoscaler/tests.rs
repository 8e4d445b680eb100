//! What the two versions say of one object; the texts of annotations are a real server's (1.36.2).

use serde_json::{Value, json};

use crate::convert::to_version;

fn v2(spec: Value, status: Value) -> Value {
    let mut object = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "c"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 4},
        "status": {"desiredReplicas": 0, "currentMetrics": null},
    });
    for (part, value) in [("spec", spec), ("status", status)] {
        if let (Some(into), Value::Object(from)) = (object[part].as_object_mut(), value) {
            into.extend(from);
        }
    }
    object
}

/// Says that `object` reads so in version 1, and is the same after the way back.
fn check(object: &Value, annotations: &[(&str, &str)], utilization: &Value) -> Value {
    let mut other = object.clone();
    to_version(&mut other, "autoscaling/v1");
    for (key, text) in annotations {
        assert_eq!(
            other["metadata"]["annotations"][format!("autoscaling.alpha.kubernetes.io/{key}")],
            **text
        );
    }
    let held = other["metadata"]["annotations"].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(held, annotations.len());
    assert_eq!(&other["spec"]["targetCPUUtilizationPercentage"], utilization);
    let first = other.clone();
    to_version(&mut other, "autoscaling/v2");
    assert_eq!(&other, object);
    first
}

#[test]
fn the_one_metric_of_version_1_is_the_utilization_of_the_cpu() {
    let target = json!({"type": "Utilization", "averageUtilization": 55});
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]);
    let first = check(&v2(json!({"metrics": metrics}), json!({})), &[], &55.into());
    assert_eq!(first["status"], json!({"currentReplicas": 0, "desiredReplicas": 0}));
}

#[test]
fn an_autoscaler_that_names_no_metric_has_the_cpus_at_80_percent() {
    let mut object = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 4}, "status": {}});
    to_version(&mut object, "autoscaling/v2");
    let target = json!({"type": "Utilization", "averageUtilization": 80});
    assert_eq!(
        object["spec"]["metrics"],
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}])
    );
}

#[test]
fn other_metrics_and_behaviour_go_through_version_1_in_annotations() {
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "i"});
    let average = |value: &str| json!({"type": "AverageValue", "averageValue": value});
    let metrics = json!([
        {"type": "Resource", "resource": {"name": "memory", "target": average("500Mi")}},
        {"type": "Pods", "pods": {"metric": {"name": "pps", "selector": {"matchLabels": {"a": "b"}}}, "target": average("1k")}},
        {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": ingress, "target": {"type": "Value", "value": "10k"}}},
        {"type": "Object", "object": {"metric": {"name": "rps2"}, "describedObject": ingress, "target": average("10k")}},
        {"type": "External", "external": {"metric": {"name": "q", "selector": {"matchLabels": {"q": "<x>"}}}, "target": average("30")}},
        {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app", "target": {"type": "Utilization", "averageUtilization": 60}}},
    ]);
    let behavior = json!({
        "scaleUp": {"stabilizationWindowSeconds": 10, "selectPolicy": "Max", "policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]},
        "scaleDown": {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}], "tolerance": "50m"},
    });
    let object = v2(json!({"metrics": metrics, "behavior": behavior}), json!({}));
    let annotations = [
        (
            "metrics",
            r#"[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"500Mi"}},{"type":"Pods","pods":{"metricName":"pps","targetAverageValue":"1k","selector":{"matchLabels":{"a":"b"}}}},{"type":"Object","object":{"target":{"kind":"Ingress","name":"i","apiVersion":"networking.k8s.io/v1"},"metricName":"rps","targetValue":"10k"}},{"type":"Object","object":{"target":{"kind":"Ingress","name":"i","apiVersion":"networking.k8s.io/v1"},"metricName":"rps2","targetValue":"0","averageValue":"10k"}},{"type":"External","external":{"metricName":"q","metricSelector":{"matchLabels":{"q":"\u003cx\u003e"}},"targetAverageValue":"30"}},{"type":"ContainerResource","containerResource":{"name":"cpu","targetAverageUtilization":60,"container":"app"}}]"#,
        ),
        (
            "behavior",
            r#"{"ScaleUp":{"StabilizationWindowSeconds":10,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":60}],"Tolerance":null},"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":100,"PeriodSeconds":15}],"Tolerance":"50m"}}"#,
        ),
    ];
    check(&object, &annotations, &Value::Null);
}

#[test]
fn what_was_measured_goes_through_version_1_in_annotations() {
    let target = json!({"type": "Utilization", "averageUtilization": 70});
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]);
    let status = json!({
        "currentReplicas": 1,
        "desiredReplicas": 2,
        "conditions": [{"type": "AbleToScale", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "r", "message": "m<>"}],
        "currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 33, "averageValue": "10m"}}},
            {"type": "Pods", "pods": {"metric": {"name": "pps"}, "current": {"averageValue": "7"}}},
            {"type": "External", "external": {"metric": {"name": "q"}, "current": {"value": "3"}}},
            {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": {"kind": "Ingress", "name": "i"}, "current": {"value": "9"}}},
            {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app", "current": {"averageValue": "1"}}},
        ],
    });
    let annotations = [
        (
            "conditions",
            r#"[{"type":"AbleToScale","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z","reason":"r","message":"m\u003c\u003e"}]"#,
        ),
        (
            "current-metrics",
            r#"[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":33,"currentAverageValue":"10m"}},{"type":"Pods","pods":{"metricName":"pps","currentAverageValue":"7"}},{"type":"External","external":{"metricName":"q","currentValue":"3"}},{"type":"Object","object":{"target":{"kind":"Ingress","name":"i"},"metricName":"rps","currentValue":"9"}},{"type":"ContainerResource","containerResource":{"name":"cpu","currentAverageValue":"1","container":"app"}}]"#,
        ),
    ];
    let first = check(&v2(json!({"metrics": metrics}), status), &annotations, &70.into());
    assert_eq!(first["status"]["currentCPUUtilizationPercentage"], 33);
}
