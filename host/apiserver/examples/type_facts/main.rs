//! Turns the published Go types of the Kubernetes API into the compact table `src/wire/types.txt`.
//!
//! `cargo run -p windlass-apiserver --example type_facts -- DIR VERSION OUT`, where DIR holds the unpacked modules
//! `api@VERSION`, `apimachinery@VERSION`, `apiextensions-apiserver@VERSION` and `kube-aggregator@VERSION`
//! (`go mod download` puts them into its cache under `k8s.io/`). Only facts are taken: the order of a type's
//! fields, their JSON names, protobuf numbers, types, and which are left out when empty. The numbers are
//! checked against `generated.proto` of the same package.

mod go;
mod proto;

use std::{collections::BTreeMap, error::Error, fmt::Write as _, fs, path::Path};

use go::{Definition, Field, Package};

const HEADER: &str = "\
# The built-in API types as Go declares them. Made by examples/type_facts; do not edit.
# package NAME GROUP VERSION
# type NAME [kind]               (kind: carries kind and apiVersion)
#  JSONNAME NUMBER TYPE [o][z]   (o: left out when empty, z: left out when a zero struct, JSONNAME =: inlined)
# TYPE: * optional, [] repeated, map: by string, list: a message of repeated items, .X of this package
";

/// Package name in the table, module, folder in the module.
const PACKAGES: &[(&str, &str, &str)] = &[
    ("meta/v1", "apimachinery", "pkg/apis/meta/v1"),
    ("runtime", "apimachinery", "pkg/runtime"),
    ("core/v1", "api", "core/v1"),
    ("admissionregistration/v1", "api", "admissionregistration/v1"),
    ("apps/v1", "api", "apps/v1"),
    ("authentication/v1", "api", "authentication/v1"),
    ("authorization/v1", "api", "authorization/v1"),
    ("autoscaling/v1", "api", "autoscaling/v1"),
    ("autoscaling/v2", "api", "autoscaling/v2"),
    ("batch/v1", "api", "batch/v1"),
    ("certificates/v1", "api", "certificates/v1"),
    ("coordination/v1", "api", "coordination/v1"),
    ("discovery/v1", "api", "discovery/v1"),
    ("events/v1", "api", "events/v1"),
    ("flowcontrol/v1", "api", "flowcontrol/v1"),
    ("networking/v1", "api", "networking/v1"),
    ("node/v1", "api", "node/v1"),
    ("policy/v1", "api", "policy/v1"),
    ("rbac/v1", "api", "rbac/v1"),
    ("resource/v1", "api", "resource/v1"),
    ("scheduling/v1", "api", "scheduling/v1"),
    ("storage/v1", "api", "storage/v1"),
    ("apiextensions/v1", "apiextensions-apiserver", "pkg/apis/apiextensions/v1"),
    ("apiregistration/v1", "kube-aggregator", "pkg/apis/apiregistration/v1"),
];

/// Types with an encoding of their own; the table names them, the codec knows them.
const SPECIAL: &[(&str, &str)] = &[
    ("meta/v1.Time", "time"),
    ("meta/v1.MicroTime", "microtime"),
    ("meta/v1.Duration", "duration"),
    ("meta/v1.FieldsV1", "fieldsv1"),
    ("resource.Quantity", "quantity"),
    ("intstr.IntOrString", "intorstring"),
    ("runtime.RawExtension", "raw"),
    ("apiextensions/v1.JSON", "json"),
    ("apiextensions/v1.JSONSchemaPropsOrArray", "schemaorarray"),
    ("apiextensions/v1.JSONSchemaPropsOrBool", "schemaorbool"),
    ("apiextensions/v1.JSONSchemaPropsOrStringArray", "schemaorstrings"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(version), Some(out)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: type_facts DIR VERSION OUT".into());
    };
    let mut packages = BTreeMap::new();
    for (name, module, folder) in PACKAGES {
        let path = Path::new(&dir).join(format!("{module}@{version}")).join(folder);
        packages.insert((*name).to_owned(), Package::read(&path)?);
    }
    let mut table = HEADER.to_owned();
    for (name, module, folder) in PACKAGES {
        let package = &packages[*name];
        let path = Path::new(&dir).join(format!("{module}@{version}")).join(folder);
        let numbers = proto::numbers(&fs::read_to_string(path.join("generated.proto"))?);
        let version = name.rsplit_once('/').map_or("-", |(_, version)| version);
        let group = if package.group.is_empty() { "-" } else { &package.group };
        writeln!(table, "package {name} {group} {version}")?;
        let resolver = Resolver { packages: &packages, name };
        for (message, definition) in &package.types {
            let Definition::Struct(fields) = definition else { continue };
            let Some(numbers) = numbers.get(message) else { continue };
            if SPECIAL.iter().any(|(special, _)| *special == format!("{name}.{message}")) {
                continue;
            }
            check_numbers(message, fields, numbers)?;
            write_type(&mut table, &resolver, message, fields)?;
        }
    }
    fs::write(out, table)?;
    Ok(())
}

fn check_numbers(message: &str, fields: &[Field], want: &[u32]) -> Result<(), Box<dyn Error>> {
    let mut got: Vec<u32> = fields.iter().map(|field| field.number).filter(|number| *number != 0).collect();
    got.sort_unstable();
    if got != want {
        return Err(format!("{message}: Go tags number {got:?}, generated.proto {want:?}").into());
    }
    Ok(())
}

fn write_type(
    table: &mut String,
    resolver: &Resolver<'_>,
    message: &str,
    fields: &[Field],
) -> Result<(), Box<dyn Error>> {
    let kind = if fields.iter().any(Field::is_type_meta) { " kind" } else { "" };
    writeln!(table, "type {message}{kind}")?;
    for field in fields.iter().filter(|field| !field.is_type_meta()) {
        let name = if field.inline { "=" } else { &field.json };
        let go_type = resolver.resolve(resolver.name, &field.go_type)?;
        write!(table, " {name} {} {go_type}", field.number)?;
        let flags =
            format!("{}{}", if field.omit_empty { "o" } else { "" }, if field.omit_zero { "z" } else { "" });
        if !flags.is_empty() {
            write!(table, " {flags}")?;
        }
        table.push('\n');
    }
    Ok(())
}

/// Resolves a Go type expression to the table's type language.
struct Resolver<'a> {
    packages: &'a BTreeMap<String, Package>,
    /// The package whose table is written; its own types are written `.X`.
    name: &'a str,
}

impl Resolver<'_> {
    fn resolve(&self, within: &str, go_type: &str) -> Result<String, Box<dyn Error>> {
        if let Some(rest) = go_type.strip_prefix('*') {
            return Ok(format!("*{}", self.resolve(within, rest)?));
        }
        if go_type == "[]byte" {
            return Ok("bytes".to_owned());
        }
        if let Some(rest) = go_type.strip_prefix("[]") {
            return Ok(format!("[]{}", self.resolve(within, rest)?));
        }
        if let Some(rest) = go_type.strip_prefix("map[") {
            let (_, value) = rest.split_once(']').ok_or("a map without a value")?;
            return Ok(format!("map:{}", self.resolve(within, value)?));
        }
        if matches!(go_type, "string" | "bool" | "int32" | "int64" | "uint32" | "uint64" | "float64") {
            return Ok(go_type.to_owned());
        }
        self.resolve_name(within, go_type)
    }

    fn resolve_name(&self, within: &str, go_type: &str) -> Result<String, Box<dyn Error>> {
        let (package, name) = match go_type.split_once('.') {
            Some((alias, name)) => (self.packages[within].package_of(alias)?, name),
            None => (within.to_owned(), go_type),
        };
        let full = format!("{package}.{name}");
        if let Some((_, special)) = SPECIAL.iter().find(|(special, _)| *special == full) {
            return Ok((*special).to_owned());
        }
        if package == "types" {
            return Ok("string".to_owned());
        }
        let Some(found) = self.packages.get(&package) else {
            return Err(format!("package {package} of {go_type} is not read").into());
        };
        match found.types.iter().find(|(known, _)| known == name) {
            Some((_, Definition::Struct(_))) if package == self.name => Ok(format!(".{name}")),
            Some((_, Definition::Struct(_))) => Ok(full),
            Some((_, Definition::Message(inner))) => {
                Ok(format!("list:{}", self.resolve(&package, &inner[2..])?))
            }
            Some((_, Definition::Alias(inner))) => self.resolve(&package, inner),
            None => Err(format!("{full} is not declared").into()),
        }
    }
}
