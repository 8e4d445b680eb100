//! Cells of custom resources, by the JSONPath of their columns.

use serde_json::Value;

use super::{age, json_path::JsonPath};
use crate::{
    object,
    resource::ResourceDefinition,
    wire::{json::write_sorted, time::Moment},
};

/// What one column shows.
#[derive(Debug)]
pub(super) struct CustomColumn {
    kind: String,
    /// `None` if the path could not be read; such a column stays empty.
    path: Option<JsonPath>,
}

/// The columns after the name.
pub(super) fn columns(definition: &ResourceDefinition) -> Vec<CustomColumn> {
    let of = |kind: &str, path: &str| CustomColumn { kind: kind.to_owned(), path: JsonPath::parse(path) };
    if definition.printer_columns.is_empty() {
        return vec![of("date", ".metadata.creationTimestamp")];
    }
    definition.printer_columns.iter().map(|column| of(&column.kind, &column.json_path)).collect()
}

/// The cells of an object, the name first.
pub(super) fn cells(columns: &[CustomColumn], object: &Value, now: Moment) -> Vec<Value> {
    let mut cells = vec![Value::from(object::name(object))];
    cells.extend(columns.iter().map(|column| cell(column, object, now)));
    cells
}

fn cell(column: &CustomColumn, object: &Value, now: Moment) -> Value {
    let selected = column.path.as_ref().map(|path| path.select(object)).unwrap_or_default();
    let Some(first) = selected.first() else { return Value::Null };
    match column.kind.as_str() {
        // Of several the first, as the real server shows.
        "string" => printed(first).into(),
        "integer" => whole(first).map_or(Value::Null, Value::from),
        "number" => first.as_f64().map_or(Value::Null, Value::from),
        "boolean" => first.as_bool().map_or(Value::Null, Value::from),
        "date" => match first.as_str() {
            Some(text) if Moment::parse(text).is_some() => age::since(Some(first), now).into(),
            Some(_) => "<invalid>".into(),
            None => Value::Null,
        },
        _ => Value::Null,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cell of type integer shows a fraction cut, as Go converts it"
)]
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|float| float as i64))
}

/// A value as Go's JSONPath prints it: text bare, maps and lists as JSON.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        _ => {
            let mut out = Vec::new();
            write_sorted(value, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{cells, columns};
    use crate::{
        resource::{PrinterColumn, ResourceDefinition},
        wire::time::Moment,
    };

    const NOW: Moment = Moment { seconds: 1_795_256_255 + 90, nanos: 0 };

    fn column(kind: &str, path: &str) -> PrinterColumn {
        PrinterColumn { kind: kind.to_owned(), json_path: path.to_owned(), ..PrinterColumn::default() }
    }

    #[test]
    fn cells_follow_the_type_of_their_column() {
        let definition = ResourceDefinition {
            printer_columns: vec![
                column("string", ".spec.size"),
                column("string", ".spec.count"),
                column("string", ".spec.map"),
                column("string", ".spec.list[*]"),
                column("integer", ".spec.count"),
                column("integer", ".spec.half"),
                column("integer", ".spec.size"),
                column("number", ".spec.half"),
                column("boolean", ".spec.on"),
                column("date", ".metadata.creationTimestamp"),
                column("date", ".spec.size"),
                column("string", ".spec.missing"),
                column("string", "broken["),
            ],
            ..ResourceDefinition::default()
        };
        let object = json!({
            "metadata": {"name": "w", "creationTimestamp": "2026-11-21T10:17:35Z"},
            "spec": {"size": "L", "count": 3, "map": {"b": 1, "a": 2}, "list": ["x", "y"], "half": 1.5, "on": true},
        });
        let want = json!([
            "w",
            "L",
            "3",
            "{\"a\":2,\"b\":1}",
            "x",
            3,
            1,
            null,
            1.5,
            true,
            "90s",
            "<invalid>",
            null,
            null
        ]);
        assert_eq!(json!(cells(&columns(&definition), &object, NOW)), want);
    }

    #[test]
    fn without_columns_the_age_is_shown() {
        let object = json!({"metadata": {"name": "w", "creationTimestamp": "2026-11-21T10:17:35Z"}});
        assert_eq!(json!(cells(&columns(&ResourceDefinition::default()), &object, NOW)), json!(["w", "90s"]));
    }
}
