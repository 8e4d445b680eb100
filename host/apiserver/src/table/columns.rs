//! Which columns a resource has: recorded for built-in kinds, from the definition for custom ones.

use std::{collections::HashMap, sync::OnceLock};

use crate::openapi::{self, Prose};
use crate::resource::ResourceDefinition;

const TABLE: &str = include_str!("columns.txt");

/// One column of a Table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// OpenAPI type of its cells.
    pub kind: String,
    /// OpenAPI format; `name` marks the object's name.
    pub format: String,
    /// Text about the column: what is said of the field that it shows, if it shows one.
    pub description: String,
    /// 0 is shown always, larger only with `-o wide`.
    pub priority: i64,
}

impl Column {
    /// A column of type string.
    pub(super) fn text(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: "string".to_owned(),
            format: String::new(),
            description: String::new(),
            priority: 0,
        }
    }

    fn name(prose: &Prose) -> Self {
        let description = said(prose, "meta.v1.ObjectMeta.name");
        Self { format: "name".to_owned(), description, ..Self::text("Name") }
    }

    fn created(name: &str, prose: &Prose) -> Self {
        let description = said(prose, "meta.v1.ObjectMeta.creationTimestamp");
        Self { kind: "date".to_owned(), description, ..Self::text(name) }
    }

    fn parse(text: &str, prose: &Prose) -> Self {
        let (text, field) = text.split_once('@').unwrap_or((text, ""));
        let (text, priority) = text.strip_suffix('+').map_or((text, 0), |text| (text, 1));
        let (text, format) = text.split_once('=').unwrap_or((text, ""));
        let (name, kind) = text.split_once(':').unwrap_or((text, "string"));
        let description = said(prose, field);
        Self { kind: kind.to_owned(), format: format.to_owned(), priority, description, ..Self::text(name) }
    }
}

/// What is said of a field, such as `core.v1.Secret.type`.
fn said(prose: &Prose, field: &str) -> String {
    let text = field.rsplit_once('.').and_then(|(of, field)| prose.of_field(&openapi::full_name(of), field));
    text.unwrap_or_default().to_owned()
}

/// The columns of a resource.
pub(super) fn columns(definition: &ResourceDefinition) -> Vec<Column> {
    let prose = Prose::unpack();
    if definition.custom().is_some() {
        return custom(definition, &prose);
    }
    let key = format!("{}/{}/{}", definition.group, definition.version, definition.plural);
    match recorded().get(key.as_str()) {
        Some(columns) => columns.split('|').map(|text| Column::parse(text, &prose)).collect(),
        None => vec![Column::name(&prose), Column::created("Created At", &prose)],
    }
}

fn custom(definition: &ResourceDefinition, prose: &Prose) -> Vec<Column> {
    let mut columns = vec![Column::name(prose)];
    columns.extend(definition.printer_columns.iter().map(|column| Column {
        name: column.name.clone(),
        kind: column.kind.clone(),
        format: column.format.clone(),
        description: if column.description.is_empty() {
            format!("Custom resource definition column (in JSONPath format): {}", column.json_path)
        } else {
            column.description.clone()
        },
        priority: column.priority,
    }));
    if definition.printer_columns.is_empty() {
        columns.push(Column::created("Age", prose));
    }
    columns
}

fn recorded() -> &'static HashMap<&'static str, &'static str> {
    static PARSED: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    PARSED.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(' ')).collect()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::{columns, recorded};
    use crate::resource::builtin;

    #[test]
    fn every_recorded_entry_is_of_a_built_in_resource() {
        let mut recorded: Vec<_> = recorded().keys().collect();
        recorded.retain(|key| {
            !builtin()
                .iter()
                .any(|found| format!("{}/{}/{}", found.group, found.version, found.plural) == ***key)
        });
        assert!(recorded.is_empty(), "{recorded:?}");
    }

    #[test]
    fn columns_carry_type_format_and_priority() {
        let replica_sets = builtin().iter().find(|found| found.plural == "replicasets").unwrap();
        let columns = columns(replica_sets);
        assert_eq!((columns[0].name.as_str(), columns[0].format.as_str()), ("Name", "name"));
        assert_eq!((columns[1].name.as_str(), columns[1].kind.as_str()), ("Desired", "integer"));
        assert_eq!((columns[7].name.as_str(), columns[7].priority), ("Selector", 1));
    }
}
