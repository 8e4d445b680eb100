//! What `kubectl get` shows: objects turned into the rows of a Table, as the real server's printers do.
//!
//! A [`Printer`] is made once per resource, rows are written one by one, so that a long list can be sent while
//! it is made and a watch can send Tables of one row.

mod age;
mod autoscaler;
mod cells;
mod columns;
mod custom;
mod event;
mod fields;
mod json_path;
mod network;
mod pod;
mod service;
mod storage;
mod workload;

use serde_json::Value;

pub use columns::Column;
pub use json_path::JsonPath;

use crate::{
    object,
    resource::ResourceDefinition,
    wire::{
        accept::MetaVersion,
        json::{ListMeta, Order, write_list_meta, write_object, write_sorted, write_string},
        time::Moment,
        types::TypeTable,
    },
};

/// What a row carries of its object: the `includeObject` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IncludeObject {
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
    /// Nothing.
    None,
}

impl IncludeObject {
    /// Reads the parameter; `None` for a value that does not exist.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Metadata" => Some(Self::Metadata),
            "Object" => Some(Self::Object),
            "None" => Some(Self::None),
            _ => None,
        }
    }
}

/// Turns objects of one resource into rows.
#[derive(Debug)]
pub struct Printer {
    columns: Vec<Column>,
    custom: Option<Vec<custom::CustomColumn>>,
    kind: cells::Kind,
    order: Order,
}

/// How the rows of one answer are written.
#[derive(Debug, Clone, Copy)]
pub struct RowOptions {
    /// The version that the Table was asked in.
    pub version: MetaVersion,
    /// What each row carries of its object.
    pub include: IncludeObject,
    /// The moment that ages are counted to.
    pub now: Moment,
}

impl Printer {
    /// The printer of a resource.
    pub fn of(definition: &ResourceDefinition) -> Self {
        Self {
            columns: columns::columns(definition),
            custom: definition.custom().map(|_| custom::columns(definition)),
            kind: cells::Kind::of(definition),
            order: match definition.custom() {
                Some(_) => Order::Sorted,
                None => Order::of(&definition.group, &definition.version, &definition.kind),
            },
        }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The cells of one object, as many as there are columns.
    pub fn cells(&self, object: &Value, now: Moment) -> Vec<Value> {
        match &self.custom {
            Some(columns) => custom::cells(columns, object, now),
            None => self.kind.cells(&self.columns, object, now),
        }
    }

    fn write_row(&self, object: &Value, options: RowOptions, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"cells\":");
        write_sorted(&Value::Array(self.cells(object, options.now)), out);
        if let Some(conditions) = self.kind.conditions(object) {
            out.extend_from_slice(b",\"conditions\":");
            out.extend_from_slice(conditions.as_bytes());
        }
        out.extend_from_slice(b",\"object\":");
        match options.include {
            IncludeObject::None => out.extend_from_slice(b"null"),
            IncludeObject::Object => write_object(self.order, object, out),
            IncludeObject::Metadata => write_partial(options.version, object, out),
        }
        out.push(b'}');
    }
}

/// Writes an object's `PartialObjectMetadata`, without a newline.
pub fn write_partial(version: MetaVersion, object: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":");
    write_string(version.api_version(), out);
    out.extend_from_slice(b",\"metadata\":");
    let order = TypeTable::get().meta("ObjectMeta").map_or(Order::Sorted, Order::Declared);
    match object.get("metadata") {
        Some(metadata) => write_object(order, metadata, out),
        None => out.extend_from_slice(b"{}"),
    }
    out.push(b'}');
}

/// Writes a Table row by row.
///
/// *Flow*: [`begin`](Self::begin), [`row`](Self::row) for each object, [`end`](Self::end). The buffer may be emptied
/// between any two calls.
#[derive(Debug)]
pub struct TableWriter<'a> {
    printer: &'a Printer,
    options: RowOptions,
    any: bool,
}

impl<'a> TableWriter<'a> {
    /// Writes everything before the first row. A watch sends the columns with its first Table only.
    pub fn begin(
        printer: &'a Printer,
        options: RowOptions,
        meta: ListMeta<'_>,
        with_columns: bool,
        out: &mut Vec<u8>,
    ) -> Self {
        out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":");
        write_string(options.version.api_version(), out);
        out.extend_from_slice(b",\"metadata\":");
        let declared = TypeTable::get().meta("ListMeta").map_or(Order::Sorted, Order::Declared);
        write_list_meta(declared, meta, out);
        out.extend_from_slice(b",\"columnDefinitions\":");
        if with_columns {
            write_columns(&printer.columns, out);
        } else {
            out.extend_from_slice(b"null");
        }
        out.extend_from_slice(b",\"rows\":[");
        Self { printer, options, any: false }
    }

    /// Writes the row of one object.
    pub fn row(&mut self, object: &Value, out: &mut Vec<u8>) {
        if self.any {
            out.push(b',');
        }
        self.any = true;
        self.printer.write_row(object, self.options, out);
    }

    /// Writes everything after the last row, without a newline (an event of a watch holds the Table).
    pub fn end(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}");
    }
}

/// Writes the Table of a single object, as a get or an event of a watch holds it; without a newline.
pub fn write_single(
    printer: &Printer,
    options: RowOptions,
    object: &Value,
    with_columns: bool,
    out: &mut Vec<u8>,
) {
    let meta = ListMeta { resource_version: object::resource_version(object), ..ListMeta::default() };
    let mut table = TableWriter::begin(printer, options, meta, with_columns, out);
    table.row(object, out);
    table.end(out);
}

fn write_columns(columns: &[Column], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let texts = [
            ("name", &column.name),
            ("type", &column.kind),
            ("format", &column.format),
            ("description", &column.description),
        ];
        for (index, (name, text)) in texts.into_iter().enumerate() {
            out.push(if index == 0 { b'{' } else { b',' });
            write_string(name, out);
            out.push(b':');
            write_string(text, out);
        }
        out.extend_from_slice(format!(",\"priority\":{}}}", column.priority).as_bytes());
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::{Value, json};

    use super::{IncludeObject, Printer, RowOptions, TableWriter, write_single};
    use crate::{
        resource::{ResourceDefinition, builtin},
        wire::{accept::MetaVersion, json::ListMeta, time::Moment},
    };

    fn options(include: IncludeObject) -> RowOptions {
        RowOptions { version: MetaVersion::V1, include, now: Moment { seconds: 1_795_256_255, nanos: 0 } }
    }

    fn config_maps() -> &'static ResourceDefinition {
        builtin().iter().find(|found| found.plural == "configmaps").unwrap()
    }

    #[test]
    fn every_built_in_kind_has_as_many_cells_as_columns() {
        for definition in builtin() {
            let printer = Printer::of(definition);
            let object = json!({"metadata": {"name": "n"}});
            let cells = printer.cells(&object, Moment { seconds: 0, nanos: 0 });
            assert_eq!(cells.len(), printer.columns().len(), "{}", definition.plural);
        }
    }

    #[test]
    fn a_table_holds_columns_rows_and_what_was_asked_of_the_objects() {
        let printer = Printer::of(config_maps());
        let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"k": "v"},
            "metadata": {"name": "a", "uid": "u", "namespace": "default", "resourceVersion": "5", "creationTimestamp": "2026-11-21T10:17:35Z"}});
        let mut out = Vec::new();
        let meta = ListMeta { resource_version: "7", ..ListMeta::default() };
        let mut table = TableWriter::begin(&printer, options(IncludeObject::Metadata), meta, true, &mut out);
        table.row(&object, &mut out);
        table.row(&object, &mut out);
        table.end(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},"columnDefinitions":[{"name":"Name","type":"string","format":"name","description":"Name must be unique"#), "{text}");
        assert!(text.ends_with(r#",{"cells":["a",1,"0s"],"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","namespace":"default","uid":"u","resourceVersion":"5","creationTimestamp":"2026-11-21T10:17:35Z"}}}]}"#), "{text}");

        let mut out = Vec::new();
        write_single(&printer, options(IncludeObject::None), &object, false, &mut out);
        let single: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            single,
            json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "5"},
            "columnDefinitions": null, "rows": [{"cells": ["a", 1, "0s"], "object": null}]})
        );
    }
}
