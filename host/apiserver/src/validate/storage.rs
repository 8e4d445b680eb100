//! Volumes, claims to them, and their classes.

use serde_json::Value;

use super::field::{Faults, Field};
use super::{Change, amounts, selector, texts};

const ACCESS: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const MODES: [&str; 2] = ["Block", "Filesystem"];

/// Each mode is told by the list, not by its place in it.
fn access_modes(faults: &mut Faults, modes: &Field<'_, '_>) {
    let (mut alone, mut others) = (false, false);
    for mode in modes.items() {
        let at = Field { value: mode.value, ..*modes };
        if !ACCESS.contains(&mode.text()) {
            faults.not_supported(&at, &ACCESS);
        } else if mode.text() == "ReadWriteOncePod" {
            alone = true;
        } else {
            others = true;
        }
    }
    if alone && others {
        faults.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
    }
}

pub(super) fn claim_spec(faults: &mut Faults, spec: &Field<'_, '_>) {
    let modes = spec.get("accessModes");
    if modes.len() == 0 {
        faults.required(&modes, "at least 1 access mode is required");
    }
    selector::selector(faults, &spec.get("selector"));
    access_modes(faults, &modes);
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    let at = Field { value: &requests.value["storage"], path: resources.path.key("storage") };
    if at.is_set() {
        positive(faults, &at);
    } else {
        faults.required(&at, "");
    }
    let class = spec.get("storageClassName");
    if !class.text().is_empty() {
        faults.text(&class, texts::subdomain(class.text()));
    }
    faults.one_of_if_set(&spec.get("volumeMode"), &MODES);
}

fn positive(faults: &mut Faults, at: &Field<'_, '_>) {
    let zero = Value::from("0");
    if amounts::compare(at.value, &zero).is_some_and(std::cmp::Ordering::is_le) {
        faults.invalid(at, "must be greater than zero");
    }
}

pub(super) fn claim(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    claim_spec(faults, &spec);
    let Some(old) = change.old else { return };
    let (mut now, mut before) = (spec.value.clone(), old["spec"].clone());
    if before["volumeName"].as_str().unwrap_or_default().is_empty() {
        before["volumeName"] = now["volumeName"].clone();
    }
    if change.new.value["status"]["phase"] == "Bound" {
        if now["resources"]["requests"].is_object() {
            now["resources"]["requests"]["storage"] = before["resources"]["requests"]["storage"].clone();
        }
        now["volumeAttributesClassName"] = before["volumeAttributesClassName"].clone();
    }
    if without_nulls(now) != without_nulls(before) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n";
        faults.forbidden(&spec, why);
    }
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    let size = requests.get("storage");
    let zero = Value::from("0");
    let given = |size: &Value| if size.is_null() { zero.clone() } else { size.clone() };
    let (now, before) = (given(size.value), given(&old["spec"]["resources"]["requests"]["storage"]));
    let held = given(&old["status"]["capacity"]["storage"]);
    let shrinks = amounts::compare(&now, &before).is_some_and(std::cmp::Ordering::is_lt);
    if shrinks && amounts::compare(&now, &held).is_some_and(std::cmp::Ordering::is_le) {
        faults.forbidden(&size, "field can not be less than status.capacity");
    }
    let mode = spec.get("volumeMode");
    let blamed = Field { value: mode.value, ..change.new.get("volumeMode") };
    faults.immutable(&blamed, &old["spec"]["volumeMode"]);
}

fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(map) = &mut value {
        map.retain(|_, held| !held.is_null());
    }
    value
}

pub(super) fn claim_status(faults: &mut Faults, change: &Change<'_>) {
    let status = change.new.get("status");
    for (_, amount) in status.get("capacity").entries() {
        if amounts::read(amount.value).is_some_and(crate::schema::quantity::Quantity::is_negative) {
            faults.invalid(&amount, "must be a valid resource quantity");
        }
    }
}

/// The sources of a PersistentVolume in the order in which they are counted, and the fields without which they are
/// nothing.
const SOURCES: [(&str, &[&str]); 9] = [
    ("hostPath", &["path"]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("nfs", &["server", "path"]),
    ("rbd", &["image"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("fc", &[]),
    ("local", &["path"]),
    ("csi", &["driver", "volumeHandle"]),
];

pub(super) fn volume(faults: &mut Faults, change: &Change<'_>) {
    let spec = change.new.get("spec");
    let (modes, capacity) = (spec.get("accessModes"), spec.get("capacity"));
    if modes.len() == 0 {
        faults.required(&modes, "");
    }
    access_modes(faults, &modes);
    if capacity.len() == 0 {
        faults.required(&capacity, "");
    }
    if !capacity.get("storage").is_set() || capacity.len() > 1 {
        faults.not_supported(&Field { value: capacity.value, ..capacity }, &["storage"]);
    }
    for (name, amount) in capacity.entries() {
        positive(faults, &amount);
        amounts::whole(faults, name, &amount);
    }
    let policy = spec.get("persistentVolumeReclaimPolicy");
    if !policy.text().is_empty() {
        faults.one_of(&policy, &["Delete", "Recycle", "Retain"]);
    }
    volume_source(faults, &spec);
    let class = spec.get("storageClassName");
    if !class.text().is_empty() {
        faults.text(&class, texts::subdomain(class.text()));
    }
    faults.one_of_if_set(&spec.get("volumeMode"), &MODES);
    let Some(old) = change.old else { return };
    if SOURCES.iter().any(|(name, _)| spec.get(name).value != &old["spec"][name]) {
        let source = spec.get("persistentvolumesource");
        faults.forbidden(&source, "spec.persistentvolumesource is immutable after creation\n");
    }
    let mode = spec.get("volumeMode");
    let blamed = Field { value: mode.value, ..change.new.get("volumeMode") };
    faults.immutable(&blamed, &old["spec"]["volumeMode"]);
}

fn volume_source(faults: &mut Faults, spec: &Field<'_, '_>) {
    let mut count = 0;
    for (name, required) in SOURCES {
        let source = spec.get(name);
        if !source.is_set() {
            continue;
        }
        count += 1;
        if count > 1 {
            faults.forbidden(&source, "may not specify more than 1 volume type");
            continue;
        }
        for field in required {
            if source.get(field).text().is_empty() {
                faults.required(&source.get(field), "");
            }
        }
        let path = source.get("path");
        if name == "nfs" && !path.text().is_empty() && !path.text().starts_with('/') {
            faults.invalid(&path, "must be an absolute path");
        }
        if path.text().split('/').any(|part| part == "..") {
            faults.invalid(&path, "must not contain '..'");
        }
    }
    if count == 0 {
        faults.required(spec, "must specify a volume type");
    }
}

pub(super) fn class(faults: &mut Faults, change: &Change<'_>) {
    let class = &change.new;
    let provisioner = class.get("provisioner");
    if provisioner.text().is_empty() {
        faults.required(&provisioner, "");
    } else {
        let shown = Value::from(provisioner.text().to_lowercase());
        let at = Field { value: &shown, ..provisioner };
        faults.text(&at, texts::qualified(at.text()));
    }
    for (key, _) in class.get("parameters").entries() {
        if key.is_empty() {
            let shown = Value::from("");
            faults.invalid(&Field { value: &shown, ..class.get("parameters") }, "field can not be empty.");
        }
    }
    let policy = class.get("reclaimPolicy");
    if !policy.text().is_empty() {
        faults.one_of_if_set(&policy, &["Delete", "Retain"]);
    }
    let mode = class.get("volumeBindingMode");
    if mode.is_set() {
        faults.one_of_if_set(&mode, &["Immediate", "WaitForFirstConsumer"]);
    } else {
        faults.required(&mode, "");
    }
    for name in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        if let Some(old) = change.old {
            faults.immutable(&class.get(name), &old[name]);
        }
    }
}
