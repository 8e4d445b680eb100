//! One object's life under several managers, as `tests/oracle/apply.go` leads it.

use serde_json::{Value, json};
use windlass_apiserver::apply::{Ctx, Set, apply as applied, track_update};
use windlass_apiserver::patch::merge_patch;
use windlass_apiserver::schema::{
    FieldValidation, SchemaRef, apply_defaults, builtin, decode, decode_custom, structural,
};

use super::text;

pub(super) fn apply(case: &Value) -> Value {
    let (version, kind) = (text(case, "apiVersion"), text(case, "kind"));
    let (group, short) = version.rsplit_once('/').unwrap_or(("", version));
    let schema = match case.get("schema") {
        Some(source) => Some(structural(source)),
        None => builtin(group, short, kind),
    };
    let Some(schema) = schema else { return "malformed".into() };
    let mut life = Life { schema, version, kind, status: case["status"] == true, live: None };
    let ops = case["ops"].as_array().into_iter().flatten().enumerate();
    ops.map(|(number, op)| life.step(op, number).unwrap_or_else(Value::from)).collect::<Vec<_>>().into()
}

struct Life<'a> {
    schema: SchemaRef,
    version: &'a str,
    kind: &'a str,
    status: bool,
    live: Option<Value>,
}

impl Life<'_> {
    fn step(&mut self, op: &Value, number: usize) -> Result<Value, String> {
        let subresource = text(op, "subresource");
        let version = match op["version"].as_str() {
            Some(other) => format!("{}/{other}", self.version.split('/').next().unwrap_or_default()),
            None => self.version.to_owned(),
        };
        if !op["object"].is_object() {
            return Err("malformed".to_owned());
        }
        if !subresource.is_empty() && self.live.is_none() {
            return Err("absent".to_owned());
        }
        let (now, reset) = (format!("2020-01-01T00:00:{:02}Z", number), self.reset(subresource));
        let schema = self.schema.clone();
        let ctx = Ctx {
            manager: text(op, "manager"),
            api_version: &version,
            kind: self.kind,
            subresource,
            force: op["force"] == true,
            now: &now,
            schema: &schema,
            reset: &reset,
        };
        let mut live = self.live.clone();
        if let Some(live) = &mut live {
            // As it comes from the store.
            self.read(live).map_err(|error| format!("live: {error}"))?;
            live["apiVersion"] = version.as_str().into();
        }
        let mut next = if op["op"] == "apply" {
            let mut next =
                applied(live.as_ref(), &op["object"], &ctx).map_err(|error| format!("refused: {error}"))?;
            self.read(&mut next).map_err(|error| format!("refused: {error}"))?;
            if subresource == "status" {
                next = self.only_status(next);
            } else if self.status {
                self.keep_status(&mut next);
            }
            next
        } else {
            self.updated(op, live.as_ref(), &ctx)?
        };
        next["apiVersion"] = self.version.into();
        next["metadata"]["uid"] = "u".into();
        self.live = Some(next.clone());
        Ok(next)
    }

    fn updated(&self, op: &Value, live: Option<&Value>, ctx: &Ctx<'_>) -> Result<Value, String> {
        let mut next = op["object"].clone();
        if op["op"] == "merge" {
            next = live.cloned().unwrap_or_else(|| json!({}));
            merge_patch(&mut next, op["object"].clone());
        }
        next["apiVersion"] = ctx.api_version.into();
        next["kind"] = self.kind.into();
        if ctx.subresource == "status" {
            next = self.only_status(next);
            next["apiVersion"] = ctx.api_version.into();
        } else if self.status {
            self.keep_status(&mut next);
        }
        if live.is_some() && next["metadata"].is_object() {
            next["metadata"]["uid"] = "u".into();
        }
        self.read(&mut next).map_err(|_| "malformed")?;
        track_update(live, &mut next, ctx);
        Ok(next)
    }

    /// The object as the registry reads it from a request.
    fn read(&self, object: &mut Value) -> Result<(), String> {
        let done = if self.schema.builtin {
            decode(&self.schema, object, FieldValidation::Ignore, Vec::new())
        } else {
            decode_custom(&self.schema, object, FieldValidation::Ignore, Vec::new())
        };
        done.map_err(|error| error.to_string())?;
        if !self.schema.builtin {
            apply_defaults(&self.schema, object);
        }
        Ok(())
    }

    fn reset(&self, subresource: &str) -> Set {
        match subresource {
            "status" if self.schema.builtin => Set::of_fields(&[&["spec"]]),
            "status" => Set::of_fields(&[&["spec"], &["metadata"]]),
            _ if self.status => Set::of_fields(&[&["status"]]),
            _ => Set::default(),
        }
    }

    /// The live object with the status and the record of owners of another.
    fn only_status(&self, mut of: Value) -> Value {
        let mut next = self.live.clone().unwrap_or_default();
        let mut take = |pointer: &str, name: &str| {
            let value =
                of.pointer_mut(pointer).and_then(Value::as_object_mut).and_then(|map| map.remove(name));
            let into = next.pointer_mut(pointer).and_then(Value::as_object_mut);
            if let Some(into) = into {
                into.remove(name);
                into.extend(value.map(|value| (name.to_owned(), value)));
            }
        };
        take("", "status");
        take("/metadata", "managedFields");
        next
    }

    fn keep_status(&self, of: &mut Value) {
        let status = self.live.as_ref().and_then(|live| live.get("status")).cloned();
        if let Some(of) = of.as_object_mut() {
            of.remove("status");
            of.extend(status.map(|status| ("status".to_owned(), status)));
        }
    }
}
