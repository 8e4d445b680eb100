//! JSON patch, RFC 6902, with the server's limit and error classes.

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
    json_patch::patch(document, &operations).map_err(|_| PatchError::Unprocessable)
}
