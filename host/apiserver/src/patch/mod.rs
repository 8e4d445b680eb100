//! The kinds of patch that change a document as they say: JSON patch, JSON merge patch, strategic merge patch.
//!
//! Server-side apply, which asks who owns what, is in [`crate::apply`].

mod json;
mod merge;
mod strategic;
#[cfg(test)]
mod tests;

pub use json::json_patch;
pub use merge::merge_patch;
pub use strategic::strategic_patch;

/// Why a patch cannot be done, by the status it leads to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// 400: the patch is malformed.
    #[error("{0}")]
    BadRequest(String),
    /// 413: more operations than the server takes.
    #[error("{0}")]
    TooLarge(String),
    /// 422, with no more than a general message: the patch does not fit the object.
    #[error("the server rejected our request due to an error in our request")]
    Unprocessable,
    /// 422 with this message.
    #[error("{0}")]
    Rejected(String),
    /// 500: the patch breaks a rule of its kind, which the real server takes for its own fault.
    #[error("{0}")]
    Internal(String),
}
