//! Where a Pod may run: tolerations, affinity, spreading.

use serde_json::Value;

use super::field::{Faults, Field};
use super::{selector, texts};

pub(super) fn tolerations(faults: &mut Faults, tolerations: &Field<'_, '_>) {
    for toleration in tolerations.items() {
        let (key, operator) = (toleration.get("key"), toleration.get("operator"));
        let (value, effect) = (toleration.get("value"), toleration.get("effect"));
        if !key.text().is_empty() {
            faults.text(&key, texts::qualified(key.text()));
        } else if operator.text() != "Exists" {
            let why =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            faults.invalid_text(&operator, why);
        }
        if toleration.get("tolerationSeconds").is_set() && effect.text() != "NoExecute" {
            faults.invalid_text(&effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        let blamed = Field { value: value.value, path: operator.path };
        match operator.text() {
            "" | "Equal" => {
                let wrong = texts::label_value(value.text()).join(";");
                if !wrong.is_empty() {
                    faults.invalid_text(&blamed, &wrong);
                }
            }
            "Exists" if !value.text().is_empty() => {
                faults.invalid_text(&blamed, "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            "Lt" | "Gt" => faults.not_supported(&operator, &["Equal", "Exists", "Lt", "Gt"]),
            _ => faults.not_supported(&operator, &["Equal", "Exists"]),
        }
        if !effect.text().is_empty() {
            faults.one_of(&effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        }
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub(super) fn affinity(faults: &mut Faults, affinity: &Field<'_, '_>) {
    node_affinity(faults, &affinity.get("nodeAffinity"));
    for name in ["podAffinity", "podAntiAffinity"] {
        let affinity = affinity.get(name);
        for term in affinity.get(REQUIRED).items() {
            pod_term(faults, &term);
        }
        for preferred in affinity.get(PREFERRED).items() {
            weight(faults, &preferred);
            pod_term(faults, &preferred.get("podAffinityTerm"));
        }
    }
}

fn weight(faults: &mut Faults, at: &Field<'_, '_>) {
    if !(1..=100).contains(&at.get("weight").number()) {
        faults.invalid_number(&at.get("weight"), "must be in the range 1-100");
    }
}

fn pod_term(faults: &mut Faults, term: &Field<'_, '_>) {
    let key = term.get("topologyKey");
    selector::selector(faults, &term.get("labelSelector"));
    selector::selector(faults, &term.get("namespaceSelector"));
    for name in term.get("namespaces").items() {
        let blamed = Field { value: name.value, ..term.get("namespace") };
        faults.text(&blamed, texts::label(name.text()));
    }
    if key.text().is_empty() {
        faults.required(&key, "can not be empty");
    }
    faults.text(&key, texts::qualified(key.text()));
}

fn node_affinity(faults: &mut Faults, affinity: &Field<'_, '_>) {
    let required = affinity.get(REQUIRED);
    if required.is_set() {
        let terms = required.get("nodeSelectorTerms");
        if terms.len() == 0 {
            faults.required(&terms, "must have at least one node selector term");
        }
        for term in terms.items() {
            node_term(faults, &term);
        }
    }
    for preferred in affinity.get(PREFERRED).items() {
        weight(faults, &preferred);
        node_term(faults, &preferred.get("preference"));
    }
}

fn node_term(faults: &mut Faults, term: &Field<'_, '_>) {
    for requirement in term.get("matchExpressions").items() {
        let (key, operator, values) =
            (requirement.get("key"), requirement.get("operator"), requirement.get("values"));
        match (operator.text(), values.len()) {
            ("In" | "NotIn", 0) => {
                faults.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            ("Exists" | "DoesNotExist", 1..) => {
                faults
                    .forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            ("Gt" | "Lt", count) if count != 1 => {
                faults.required(&values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            ("In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt", _) => {}
            _ => faults.invalid_text(&operator, "not a valid selector operator"),
        }
        faults.text(&key, texts::qualified(key.text()));
    }
}

pub(super) fn spread(faults: &mut Faults, constraints: &Field<'_, '_>) {
    let all: Vec<Field<'_, '_>> = constraints.items().collect();
    for (at, constraint) in all.iter().enumerate() {
        let skew = constraint.get("maxSkew");
        if skew.number() <= 0 {
            faults.invalid_number(&skew, "must be greater than 0");
        }
        let (key, when) = (constraint.get("topologyKey"), constraint.get("whenUnsatisfiable"));
        if key.text().is_empty() {
            faults.required(&key, "can not be empty");
        }
        if !["DoNotSchedule", "ScheduleAnyway"].contains(&when.text()) {
            faults.not_supported(&when, &["DoNotSchedule", "ScheduleAnyway"]);
        }
        let same = |other: &&Field<'_, '_>| {
            other.get("topologyKey").text() == key.text()
                && other.get("whenUnsatisfiable").text() == when.text()
        };
        if all.iter().skip(at + 1).any(|other| same(&other)) {
            let pair = Value::from(format!("{{{}, {}}}", key.text(), when.text()));
            faults.duplicate(&Field { value: &pair, ..constraint.get("{topologyKey, whenUnsatisfiable}") });
        }
        let domains = constraint.get("minDomains");
        if domains.is_set() && domains.number() <= 0 {
            faults.invalid(&domains, "must be greater than 0");
        }
        if domains.is_set() && when.text() != "DoNotSchedule" {
            let why =
                format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}", when.text());
            faults.invalid(&domains, &why);
        }
        for name in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            faults.one_of_if_set(&constraint.get(name), &["Honor", "Ignore"]);
        }
        selector::selector(faults, &constraint.get("labelSelector"));
    }
}
