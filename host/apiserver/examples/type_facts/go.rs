//! As much of Go's syntax as the API's type files use: they are formatted by gofmt, so a line is a declaration.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

/// What a `type` declaration says.
pub(crate) enum Definition {
    /// A struct with its fields in order.
    Struct(Vec<Field>),
    /// Another name for a Go type.
    Alias(String),
    /// A slice that protobuf wraps into a message, so that nil and empty differ.
    Message(String),
}

/// One field of a struct, from its declaration and its tags.
pub(crate) struct Field {
    pub(crate) json: String,
    pub(crate) number: u32,
    pub(crate) go_type: String,
    pub(crate) inline: bool,
    pub(crate) omit_empty: bool,
    pub(crate) omit_zero: bool,
}

impl Field {
    /// Whether this is the embedded kind and apiVersion.
    pub(crate) fn is_type_meta(&self) -> bool {
        self.inline && self.number == 0
    }

    fn parse(line: &str) -> Option<Self> {
        let (declaration, tags) = line.split_once('`')?;
        let json = tag(tags, "json").or_else(|| tag(tags, "protobuf"))?;
        let mut words = declaration.split_whitespace();
        let first = words.next()?;
        let rest: String = words.collect();
        let mut parts = json.split(',');
        let name = parts.next()?.to_owned();
        let options: Vec<&str> = parts.collect();
        let number = tag(tags, "protobuf").and_then(|tag| tag.split(',').nth(1)?.parse().ok()).unwrap_or(0);
        Some(Self {
            inline: options.contains(&"inline"),
            omit_empty: options.contains(&"omitempty"),
            omit_zero: options.contains(&"omitzero"),
            go_type: if rest.is_empty() { first.to_owned() } else { rest },
            json: name,
            number,
        })
    }
}

fn tag<'a>(tags: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tags.split_once(&format!("{name}:\""))?;
    after.split('"').next()
}

/// The types of one Go package, and its imports.
#[derive(Default)]
pub(crate) struct Package {
    pub(crate) group: String,
    pub(crate) types: Vec<(String, Definition)>,
    imports: BTreeMap<String, String>,
}

impl Package {
    /// Reads every file of the folder that may declare API types.
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut package = Self::default();
        let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        files.sort_by_key(std::fs::DirEntry::file_name);
        for file in files {
            let name = file.file_name().to_string_lossy().into_owned();
            let generated =
                name.starts_with("zz_") || name.starts_with("generated") || name.ends_with("_test.go");
            if !generated && name.ends_with(".go") {
                package.read_file(&fs::read_to_string(file.path())?);
            }
        }
        Ok(package)
    }

    /// The table's name of the package that `alias` stands for here.
    pub(crate) fn package_of(&self, alias: &str) -> Result<String, Box<dyn Error>> {
        let path = self.imports.get(alias).ok_or_else(|| format!("{alias} is not imported"))?;
        let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
        if !parts[0].starts_with('v') {
            parts.truncate(1);
        }
        parts.reverse();
        Ok(parts.join("/"))
    }

    fn read_file(&mut self, text: &str) {
        let mut nullable = false;
        let mut open: Option<(String, Vec<Field>)> = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if let Some((name, mut fields)) = open.take() {
                if line == "}" {
                    self.types.push((name, Definition::Struct(fields)));
                } else {
                    fields.extend(if trimmed.starts_with("//") { None } else { Field::parse(trimmed) });
                    open = Some((name, fields));
                }
            } else if trimmed.starts_with("//") {
                nullable |= trimmed.contains("+protobuf.nullable=true");
            } else {
                open = self.read_line(line, nullable);
                nullable &= trimmed.is_empty();
            }
        }
    }

    /// Reads a top-level line; a struct that begins on it is returned.
    fn read_line(&mut self, line: &str, nullable: bool) -> Option<(String, Vec<Field>)> {
        if let Some(rest) = line.strip_prefix("type ") {
            let (name, what) = rest.split_once(' ')?;
            if what == "struct {" {
                return Some((name.to_owned(), Vec::new()));
            }
            let what = what.trim_start_matches("= ").split(" //").next()?.trim();
            let definition = match what {
                "struct{}" => Definition::Struct(Vec::new()),
                _ if nullable => Definition::Message(what.to_owned()),
                _ => Definition::Alias(what.to_owned()),
            };
            self.types.push((name.to_owned(), definition));
        } else if let Some(group) = line.trim().trim_start_matches("const ").strip_prefix("GroupName = ") {
            self.group = group.trim_matches('"').to_owned();
        } else if line.ends_with('"') && line.contains("\"k8s.io/") {
            let (alias, path) = line.trim().trim_start_matches("import ").split_once('"')?;
            let path = path.trim_end_matches('"');
            let alias = match alias.trim() {
                "" => path.rsplit('/').next()?,
                alias => alias,
            };
            self.imports.insert(alias.to_owned(), path.to_owned());
        }
        None
    }
}
