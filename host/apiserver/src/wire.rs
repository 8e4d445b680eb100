//! How requests and answers are written on the wire.
//!
//! An answer's form is [negotiated](accept), its keys stand in the order in which Go would print them
//! ([`json`]), and its bytes may be JSON, YAML or protobuf. Requests are read from the same three
//! ([`body`]). The fields of built-in kinds come from one table of [facts](types).

pub mod accept;
pub mod body;
pub mod compress;
pub mod json;
pub mod json_reader;
pub mod pretty;
pub mod protobuf;
pub mod time;
pub mod types;
pub mod yaml;
