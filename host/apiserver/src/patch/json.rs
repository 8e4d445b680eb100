//! JSON patch, RFC 6902, with the server's limit and error classes, and with what the real server's library does otherwise:
//! a replaced key may be missing, a missing key equals null, and lists are counted from their end too.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, CopyOperation, PatchOperation};
use serde::Deserialize as _;
use serde_json::Value;

use super::PatchError;

/// What the real server allows in one patch.
const OPERATIONS_MAX: usize = 10_000;

/// Applies the operations of `patch` to `document`, all or none.
///
/// # Errors
/// The patch is no list of operations, has too many, or does not fit the document.
pub fn json_patch(document: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let malformed = |why: String| PatchError::BadRequest(format!("error decoding patch: {why}"));
    let Value::Array(operations) = patch else {
        let found = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Array(_) | Value::Null => return Ok(()),
        };
        let target = "Go value of type []handlers.jsonPatchOp";
        return Err(malformed(format!("json: cannot unmarshal {found} into {target}")));
    };
    if operations.len() > OPERATIONS_MAX {
        return Err(PatchError::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {}",
            operations.len()
        )));
    }
    let operations = json_patch::Patch::deserialize(patch).map_err(|_| PatchError::Unprocessable)?;
    let mut patched = document.clone();
    for operation in operations.0 {
        let Some(operation) = fitted(&patched, operation) else { continue };
        json_patch::patch_unsafe(&mut patched, &[operation]).map_err(|_| PatchError::Unprocessable)?;
    }
    *document = patched;
    Ok(())
}

/// The operation of the RFC that does what the real library does; `None` is one that holds and changes nothing.
fn fitted(document: &Value, operation: PatchOperation) -> Option<PatchOperation> {
    use PatchOperation::{Add, Copy, Move, Remove, Replace, Test};
    let place = |path: &PointerBuf| placed(document, path, 0);
    let free_place = |path: &PointerBuf| placed(document, path, 1);
    Some(match operation {
        Add(mut add) => {
            add.path = free_place(&add.path);
            Add(add)
        }
        Remove(mut remove) => {
            remove.path = place(&remove.path);
            Remove(remove)
        }
        Replace(mut replace) => {
            replace.path = place(&replace.path);
            if is_missing_key(document, &replace.path) {
                return Some(Add(AddOperation { path: replace.path, value: replace.value }));
            }
            Replace(replace)
        }
        Move(mut moved) => {
            moved.from = place(&moved.from);
            // The list is one shorter by then, if it is the same one.
            let same = moved.from.parent() == moved.path.parent();
            moved.path = placed(document, &moved.path, usize::from(!same));
            Move(moved)
        }
        Copy(CopyOperation { from, path }) => {
            let (from, path) = (place(&from), free_place(&path));
            if is_missing_key(document, &from) {
                return Some(Add(AddOperation { path, value: Value::Null }));
            }
            Copy(CopyOperation { from, path })
        }
        Test(mut test) => {
            test.path = place(&test.path);
            if test.value.is_null() && is_missing_key(document, &test.path) {
                return None;
            }
            Test(test)
        }
    })
}

/// Whether a path leads to an object that does not have its last key.
fn is_missing_key(document: &Value, path: &PointerBuf) -> bool {
    let Some((parent, key)) = path.split_back() else { return false };
    let held = parent.resolve(document).ok().and_then(Value::as_object);
    held.is_some_and(|held| !held.contains_key(&*key.decoded()))
}

/// The path with each index of a list as the RFC writes it: not counted from the end, no sign, no leading zeros.
/// `more` is by how much the last list will be longer.
fn placed(document: &Value, path: &PointerBuf, more: usize) -> PointerBuf {
    let mut at = Some(document);
    let mut canonical = PointerBuf::new();
    let count = path.count();
    for (nth, token) in path.tokens().enumerate() {
        let text = token.decoded();
        match at {
            Some(Value::Array(items)) => {
                let len = items.len() + if nth + 1 == count { more } else { 0 };
                let index = text.parse::<i64>().ok().map(|index| index_in(index, len));
                at = index.and_then(|index| items.get(index?));
                match index.flatten() {
                    Some(index) => canonical.push_back(index),
                    None => canonical.push_back(token),
                }
            }
            other => {
                at = other.and_then(|held| held.get(&*text));
                canonical.push_back(token);
            }
        }
    }
    canonical
}

fn index_in(index: i64, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}
