//! From YAML to a [`Manifest`], section by section.

use super::{
    API_VERSION, Defaults, Manifest, ManifestError, default_field_manager,
    error::Problem,
    fields::{Fields, Reader},
    format_duration, is_dns_label, parse_duration,
    rules::decode_rules,
    yaml::{self, At, Node},
};
use std::{path::Path, sync::Arc, time::Duration};
use windlass_core::{grant::Grant, name::ModuleName};
use windlass_guest::limits::{BOUNDS, Bound, FIELDS, Limits};

const ROOT: &[&str] = &["apiVersion", "kind", "metadata", "spec"];
const METADATA: &[&str] = &["name", "labels", "annotations"];
const SPEC: &[&str] = &[
    "source",
    "grant",
    "settings",
    "limits",
    "concurrency",
    "resync",
    "fieldManager",
    "paused",
    "suppressNoOpWrites",
];
const SOURCE: &[&str] = &["path"];
const GRANT: &[&str] = &["rules"];

const FIELD_MANAGER_CHARS_MAX: usize = 128;

pub(super) fn decode(file: &Path, text: &str, defaults: &Defaults) -> Result<Manifest, ManifestError> {
    let mut reader = Reader::default();
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut manifest = Manifest::absent(&ModuleName(stem.into()), defaults);
    match yaml::parse(text) {
        Err(malformed) => reader.malformed(malformed),
        Ok(None) => {
            let problem = Problem::new(At::START, "the manifest is empty");
            reader.problem(problem.help("`windlass grant NAME.wasm` prints one to begin with"));
        }
        Ok(Some(root)) => decode_root(&mut reader, &root, &mut manifest),
    }
    if reader.problems.is_empty() {
        Ok(manifest)
    } else {
        Err(ManifestError::new(file.to_owned(), text, reader.problems))
    }
}

fn decode_root(reader: &mut Reader, root: &Node, manifest: &mut Manifest) {
    let fields = reader.fields(root, "", ROOT);
    constant(reader, &fields, "apiVersion", API_VERSION);
    constant(reader, &fields, "kind", "Module");
    let example = format!("metadata: {{name: {}}}", manifest.name);
    if let Some(node) = fields.required(reader, "metadata", &example) {
        decode_metadata(reader, node, &manifest.name);
    }
    if let Some(node) = fields.get("spec") {
        decode_spec(reader, node, manifest);
    }
}

fn constant(reader: &mut Reader, fields: &Fields<'_>, name: &'static str, value: &str) {
    let Some(node) = fields.required(reader, name, &format!("{name}: {value}")) else { return };
    if node.text() != Some(value) {
        reader.problem(
            Problem::new(node.at, format!("`{name}` is not `{value}`")).label(format!("write `{value}`")),
        );
    }
}

fn decode_metadata(reader: &mut Reader, node: &Node, stem: &ModuleName) {
    let fields = reader.fields(node, "metadata", METADATA);
    let Some(node) = fields.required(reader, "name", &format!("name: {stem}")) else { return };
    let Some(name) = reader.text(node, "metadata.name") else { return };
    if !is_dns_label(name) {
        let problem = Problem::new(node.at, format!("`{name}` cannot be a module's name"));
        reader.problem(
            problem.help(
                "a name is at most 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit",
            ),
        );
    } else if name != &*stem.0 {
        let problem =
            Problem::new(node.at, format!("the manifest's name is `{name}`, its file's is `{stem}`"));
        let problem = problem.label(format!("expected `{stem}`"));
        reader.problem(problem.help(format!(
            "a module's name is its file's: rename one of them, the .wasm file too if `{name}` is meant"
        )));
    }
}

fn decode_spec(reader: &mut Reader, node: &Node, manifest: &mut Manifest) {
    let fields = reader.fields(node, "spec", SPEC);
    if let Some(node) = fields.get("source") {
        decode_source(reader, node, &manifest.name);
    }
    if let Some(node) = fields.get("grant") {
        let fields = reader.fields(node, "spec.grant", GRANT);
        let rules = fields.required(reader, "rules", "rules: []").map(|node| decode_rules(reader, node));
        manifest.grant = Some(Arc::new(Grant { rules: rules.unwrap_or_default() }));
    }
    if let Some(node) = fields.get("settings") {
        match node.to_json() {
            Ok(json) => manifest.settings = json,
            Err(malformed) => reader.malformed(malformed),
        }
    }
    if let Some(node) = fields.get("limits") {
        decode_limits(reader, node, &mut manifest.limits);
    }
    if let Some(node) = fields.get("concurrency") {
        manifest.concurrency = reader.whole_number(node, "spec.concurrency", 1..=1000).unwrap_or(1);
    }
    if let Some(node) = fields.get("resync") {
        manifest.resync = decode_resync(reader, node).unwrap_or_default();
    }
    if let Some(node) = fields.get("fieldManager") {
        manifest.field_manager =
            decode_field_manager(reader, node).unwrap_or_else(|| default_field_manager(&manifest.name));
    }
    if let Some(node) = fields.get("paused") {
        manifest.paused = reader.boolean(node, "spec.paused").unwrap_or_default();
    }
    if let Some(node) = fields.get("suppressNoOpWrites") {
        manifest.suppress_no_op_writes = reader.boolean(node, "spec.suppressNoOpWrites").unwrap_or_default();
    }
}

fn decode_source(reader: &mut Reader, node: &Node, name: &ModuleName) {
    let fields = reader.fields(node, "spec.source", SOURCE);
    let beside = format!("{name}.wasm");
    let Some(node) = fields.required(reader, "path", &format!("path: {beside}")) else { return };
    let Some(path) = reader.text(node, "spec.source.path") else { return };
    if path.strip_prefix("./").unwrap_or(path) != beside {
        let problem = Problem::new(node.at, format!("`{path}` is not this manifest's module"));
        let problem = problem.label(format!("expected `{beside}`"));
        reader.problem(problem.help(
            "a manifest is for the .wasm file of the same name beside it; rename the file, or the manifest",
        ));
    }
}

fn decode_limits(reader: &mut Reader, node: &Node, limits: &mut Limits) {
    let fields = reader.fields(node, "spec.limits", FIELDS);
    for bound in BOUNDS {
        let field = bound.row().field;
        let Some(node) = fields.get(field) else { continue };
        let path = format!("spec.limits.{field}");
        if let Some(value) = reader.parsed(node, &path, |text| bound.parse(text)) {
            limits.set(bound, value);
        }
    }
    if limits.get(Bound::Deadline) < limits.get(Bound::CpuPerRun) {
        let [deadline, cpu] = [Bound::Deadline, Bound::CpuPerRun].map(|bound| bound.show(limits.get(bound)));
        let at = fields.get("deadline").or(fields.get("cpuPerRun")).map_or(fields.at, |node| node.at);
        let problem =
            Problem::new(at, format!("the deadline ({deadline}) is shorter than cpuPerRun ({cpu})"));
        reader.problem(
            problem.help(
                "the deadline includes waiting for the API server: give it at least as much as the CPU",
            ),
        );
    }
}

fn decode_resync(reader: &mut Reader, node: &Node) -> Option<Duration> {
    if matches!(node.text(), Some("0" | "0s")) {
        return Some(Duration::ZERO);
    }
    let range = Duration::from_secs(1)..=Duration::from_secs(30 * 86_400);
    duration(reader, node, "spec.resync", range)
}

fn duration(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    range: std::ops::RangeInclusive<Duration>,
) -> Option<Duration> {
    reader.measure(node, path, parse_duration, (range, |duration: &Duration| format_duration(*duration)))
}

fn decode_field_manager(reader: &mut Reader, node: &Node) -> Option<Arc<str>> {
    let text = reader.text(node, "spec.fieldManager")?;
    let fits = (1..=FIELD_MANAGER_CHARS_MAX).contains(&text.chars().count());
    if fits && text.chars().all(|c| c.is_ascii_graphic()) {
        return Some(text.into());
    }
    let message = "`spec.fieldManager` has 1 to 128 printable characters and no spaces";
    reader.problem(Problem::new(node.at, message).help("leave it out for the default, `windlass/NAME`"));
    None
}
