//! Two modules must not write under one field manager: server-side apply would take fields from one whenever the
//! other leaves them out, and the API server would see no conflict.

use windlass_core::name::ModuleName;

/// Two modules want one field manager. The one that serves keeps it; the other is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "module {refused} wants the field manager `{manager}`, under which module {serving} writes already; two modules \
     with one field manager would take each other's fields without a conflict. Give spec.fieldManager in \
     {refused}.yaml another value, or leave it out for the default, `windlass/{refused}`"
)]
pub struct SharedFieldManager {
    /// What both want.
    pub manager: String,
    /// Who has it, because it served first.
    pub serving: ModuleName,
    /// Who does not get it.
    pub refused: ModuleName,
}

/// Says whether `name` may write under `manager`, given who serves under what in the order they began.
///
/// # Errors
/// Another module has it already.
pub fn shared_field_manager<'a>(
    serving: impl IntoIterator<Item = (&'a ModuleName, &'a str)>,
    name: &ModuleName,
    manager: &str,
) -> Result<(), SharedFieldManager> {
    match serving.into_iter().find(|(other, theirs)| *other != name && *theirs == manager) {
        None => Ok(()),
        Some((other, _)) => {
            let (serving, refused) = (other.clone(), name.clone());
            Err(SharedFieldManager { manager: manager.to_owned(), serving, refused })
        }
    }
}
