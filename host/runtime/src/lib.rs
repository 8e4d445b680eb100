//! The driver: turns happenings into inputs of core and carries out its commands.

pub mod manifest;
pub mod observe;
pub mod source;
