//! What objects may look like: one form for the schemas of built-in kinds and of custom resources, and what is done
//! by it to an object on its way in and out.
//!
//! A built-in object goes through [`decode`]; a custom resource through
//! [`decode_custom`], [`apply_defaults`] and [`validate_custom`]. All are pure functions on JSON values.

mod cel;
mod check;
mod decimal;
mod decode;
#[cfg(test)]
mod decode_tests;
mod default;
mod error;
mod facts;
mod format;
mod given;
mod keywords;
mod list_type;
mod node;
mod numbers;
mod pattern_error;
mod prune;
pub mod quantity;
mod refusals;
mod structural;
pub mod time;
mod validate;
#[cfg(test)]
mod validate_tests;

pub use cel::Rules;
pub use check::{Checks, Pattern};
pub use decode::{DecodeError, FieldValidation, decode, zero_object};
pub use default::{apply_defaults, has_defaults};
pub use error::{FieldError, Path, Reason};
pub(crate) use error::{go_plain, quoted, shown};
pub use facts::{builtin, builtin_kinds, definition};
pub use node::{Field, GoShape, Kind, ListType, PatchMeta, Rest, Schema, SchemaRef};
pub use prune::{decode_custom, prune, prune_stored};
pub use refusals::schema_errors;
pub use structural::structural;
pub use validate::{Custom, validate_custom};
