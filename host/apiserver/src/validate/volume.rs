//! Volumes of Pods: a name and one source each.

use std::collections::HashSet;

use super::amounts;
use super::field::{Faults, Field};
use super::texts;

/// The sources in the order in which the real server counts them, and the fields without which they are nothing.
const SOURCES: [(&str, &[&str]); 12] = [
    ("emptyDir", &[]),
    ("hostPath", &["path"]),
    ("secret", &["secretName"]),
    ("nfs", &["server", "path"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("configMap", &["name"]),
    ("persistentVolumeClaim", &["claimName"]),
    ("downwardAPI", &[]),
    ("projected", &[]),
    ("csi", &["driver"]),
    ("ephemeral", &["volumeClaimTemplate"]),
    ("image", &["reference"]),
];

/// Checks the volumes and adds the names of those that are in order.
pub(super) fn all<'v>(faults: &mut Faults, volumes: &Field<'_, 'v>, names: &mut HashSet<&'v str>) {
    let mut own = HashSet::new();
    for volume in volumes.items() {
        let name = volume.get("name");
        if names.contains(name.text()) && !own.contains(name.text()) {
            continue;
        }
        let before = faults.0.len();
        source(faults, &volume);
        if name.text().is_empty() {
            faults.required(&name, "");
        } else {
            faults.text(&name, texts::label(name.text()));
        }
        if own.contains(name.text()) {
            faults.duplicate(&name);
        }
        if faults.0.len() == before {
            own.insert(name.text());
            names.insert(name.text());
        }
    }
}

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

fn source(faults: &mut Faults, volume: &Field<'_, '_>) {
    let mut count = 0;
    for (name, required) in SOURCES {
        let source = volume.get(name);
        if !source.is_set() {
            continue;
        }
        count += 1;
        if count > 1 {
            faults.forbidden(&source, "may not specify more than 1 volume type");
            continue;
        }
        for field in required {
            let field = source.get(field);
            if field.text().is_empty() && field.len() == 0 {
                faults.required(&field, "");
            }
        }
        details(faults, name, &source);
    }
    let other = volume.value.as_object().into_iter().flatten();
    let other = other.filter(|(name, value)| *name != "name" && !value.is_null()).count();
    if other == 0 {
        faults.required(volume, "must specify a volume type");
    }
}

fn details(faults: &mut Faults, name: &str, source: &Field<'_, '_>) {
    match name {
        "emptyDir" => {
            let size = source.get("sizeLimit");
            if amounts::read(size.value).is_some_and(crate::schema::quantity::Quantity::is_negative) {
                faults.forbidden(&size, "SizeLimit field must be a valid resource quantity");
            }
        }
        "hostPath" if source.get("path").text().split('/').any(|part| part == "..") => {
            faults.invalid(&source.get("path"), "must not contain '..'");
        }
        "nfs" if !source.get("path").text().is_empty() && !source.get("path").text().starts_with('/') => {
            faults.invalid(&source.get("path"), "must be an absolute path");
        }
        "secret" | "configMap" => {
            mode(faults, &source.get("defaultMode"));
            for item in source.get("items").items() {
                for field in ["key", "path"] {
                    if item.get(field).text().is_empty() {
                        faults.required(&item.get(field), "");
                    }
                }
                mode(faults, &item.get("mode"));
            }
        }
        _ => {}
    }
}

fn mode(faults: &mut Faults, at: &Field<'_, '_>) {
    if !(0..=0o777).contains(&at.number()) {
        faults.invalid(at, MODE);
    }
}
