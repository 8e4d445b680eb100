//! The marks that a JSON patch (RFC 6902) touches, told from its operations alone.
//!
//! What is taken off must be named by a `test` right before it, as careful controllers write it anyway: then nothing
//! has to be read first, and nothing that comes in between is taken off by mistake.

use super::marks::{Edit, Marks, MarksError, OwnerReference};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Operation<'a> {
    op: String,
    path: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// What an operation is about.
enum Place {
    Elsewhere,
    /// The object or its metadata as a whole.
    Whole,
    ManagedFields,
    /// The list, or one entry of it.
    Finalizers(Option<String>),
    /// The list, or one entry, or (true) something within one.
    Owners(Option<String>, bool),
}

/// The server ignores what stands before the first slash; so does this.
fn place(pointer: &str) -> Place {
    let parts: Vec<_> = pointer.split('/').skip(1).collect();
    match &parts[..] {
        [] | ["metadata"] => Place::Whole,
        ["metadata", "managedFields", ..] => Place::ManagedFields,
        ["metadata", "finalizers", rest @ ..] => Place::Finalizers(rest.first().map(|one| (*one).to_owned())),
        ["metadata", "ownerReferences", rest @ ..] => {
            Place::Owners(rest.first().map(|one| (*one).to_owned()), rest.len() > 1)
        }
        _ => Place::Elsewhere,
    }
}

pub(super) fn marks(body: &str) -> Result<Marks, MarksError> {
    let wrong = |error: serde_json::Error| MarksError::Body(error.to_string());
    let operations: Vec<Operation<'_>> = serde_json::from_str(body).map_err(wrong)?;
    let mut found = Found::default();
    let mut tested: Option<&Operation<'_>> = None;
    for operation in &operations {
        if operation.op == "test" {
            tested = Some(operation);
            continue;
        }
        // A test speaks for the operation right after it only.
        let test = tested.take().filter(|test| tokens(&test.path) == tokens(&operation.path));
        found.take(operation, test)?;
    }
    Ok(found.marks())
}

fn tokens(pointer: &str) -> Vec<&str> {
    pointer.split('/').skip(1).collect()
}

#[derive(Default)]
struct Found {
    added: Vec<String>,
    removed: Vec<String>,
    owners: Vec<OwnerReference>,
    owners_touched: bool,
    managed_fields: bool,
}

impl Found {
    fn take(&mut self, operation: &Operation<'_>, test: Option<&Operation<'_>>) -> Result<(), MarksError> {
        const WHOLE: &str =
            "a JSON patch names the fields that it changes, not the object or its metadata as a whole";
        const COPY: &str =
            "finalizers and owner references are neither moved nor copied by a JSON patch; add them";
        if let Some(from) = &operation.from
            && !matches!(place(from), Place::Elsewhere)
        {
            return Err(MarksError::Unclear(COPY));
        }
        let place = place(&operation.path);
        if operation.from.is_some() && !matches!(place, Place::Elsewhere) {
            return Err(MarksError::Unclear(COPY));
        }
        match place {
            Place::Elsewhere => Ok(()),
            Place::Whole => Err(MarksError::Unclear(WHOLE)),
            Place::ManagedFields => {
                self.managed_fields = true;
                Ok(())
            }
            Place::Finalizers(entry) => self.finalizer(operation, entry.is_some(), test),
            Place::Owners(entry, within) => self.owner(operation, entry.is_some(), within),
        }
    }

    fn finalizer(
        &mut self,
        operation: &Operation<'_>,
        one: bool,
        test: Option<&Operation<'_>>,
    ) -> Result<(), MarksError> {
        const UNTESTED: &str = "a JSON patch that takes finalizers off, or replaces their list, has a `test` of the same path right before: then nobody else's goes by mistake";
        if operation.op != "remove" {
            self.added.extend(texts(operation.value, one)?);
        }
        if one && operation.op == "add" {
            return Ok(());
        }
        let test = test.ok_or(MarksError::Unclear(UNTESTED))?;
        self.removed.extend(texts(test.value, one)?);
        Ok(())
    }

    fn owner(&mut self, operation: &Operation<'_>, one: bool, within: bool) -> Result<(), MarksError> {
        if within {
            return Err(MarksError::Unclear("an owner reference is replaced as a whole"));
        }
        self.owners_touched = true;
        if operation.op == "remove" {
            return Ok(());
        }
        let text = operation.value.map_or("null", RawValue::get);
        let wrong = |error: serde_json::Error| MarksError::Body(error.to_string());
        if one {
            self.owners.push(serde_json::from_str(text).map_err(wrong)?);
        } else {
            self.owners
                .extend(serde_json::from_str::<Option<Vec<_>>>(text).map_err(wrong)?.unwrap_or_default());
        }
        Ok(())
    }

    fn marks(self) -> Marks {
        let touched = !self.added.is_empty() || !self.removed.is_empty();
        let removed = vec![OwnerReference::default()];
        Marks {
            finalizers: if touched {
                Edit::By { added: self.added, removed: self.removed }
            } else {
                Edit::None
            },
            owners: if self.owners_touched { Edit::By { added: self.owners, removed } } else { Edit::None },
            managed_fields: self.managed_fields,
            resource_version: None,
        }
    }
}

/// One text, or a list of them or `null`.
fn texts(value: Option<&RawValue>, one: bool) -> Result<Vec<String>, MarksError> {
    let text = value.map_or("null", RawValue::get);
    let wrong = |error: serde_json::Error| MarksError::Body(error.to_string());
    if one {
        return serde_json::from_str(text).map(|one| vec![one]).map_err(wrong);
    }
    serde_json::from_str::<Option<Vec<String>>>(text).map(Option::unwrap_or_default).map_err(wrong)
}
