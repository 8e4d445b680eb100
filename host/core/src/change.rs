//! A change of one object, with its state before and after.

use crate::{
    call::Shape,
    name::{Kind, ObjectName},
    object::Object,
};
use std::sync::Arc;

/// What happened to one object of a watched kind. Never both sides empty.
#[derive(Clone, Debug)]
pub struct ObjectChange {
    /// The kind that is watched.
    pub kind: Kind,
    /// Whether the watch that saw it holds whole objects or metadata only.
    pub shape: Shape,
    /// The field selector of the watch, where only the server can evaluate it: its objects are held apart.
    pub fields: Option<Arc<str>>,
    /// The object.
    pub name: ObjectName,
    /// As the cache held it; none when it is new.
    pub before: Option<Arc<Object>>,
    /// As it is now; none when it is gone. A deletion missed during a relist comes with the last known `before` (D4).
    pub after: Option<Arc<Object>>,
    /// Why it is told.
    pub cause: Cause,
}

/// Why a change is told; decides the priority (P7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It happened just now.
    Live,
    /// Part of the first list of a watch.
    Initial,
    /// Found by a relist after a gap.
    Relist,
    /// Nothing changed: a periodic resync.
    Resync,
}
