//! The driver: turns happenings into inputs of core and carries out its commands.

pub mod control;
pub mod endpoints;
pub mod manifest;
pub mod observe;
pub mod settings;
pub mod source;
