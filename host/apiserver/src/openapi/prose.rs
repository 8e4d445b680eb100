//! What the fields of built-in types are for, in the words of their authors. `build.rs` packs it.

use std::collections::HashMap;
use std::io::Read as _;

use flate2::read::ZlibDecoder;

const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/prose.bin"));

/// The prose of every definition, unpacked: about a megabyte, so whoever needs it lets it go again.
#[derive(Debug)]
pub(crate) struct Prose(HashMap<String, HashMap<String, String>>);

impl Prose {
    /// Unpacks it, in some milliseconds.
    pub(crate) fn unpack() -> Self {
        let mut json = Vec::new();
        let read = ZlibDecoder::new(PACKED).read_to_end(&mut json);
        read.expect("what the build packed is whole");
        Self(serde_json::from_slice(&json).expect("the build wrote JSON"))
    }

    /// What is said of a definition, by its full name, such as `io.k8s.api.core.v1.Pod`.
    pub(crate) fn of(&self, definition: &str) -> Option<&str> {
        self.of_field(definition, "")
    }

    /// What is said of a field.
    pub(crate) fn of_field(&self, definition: &str, field: &str) -> Option<&str> {
        self.0.get(definition)?.get(field).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Prose;

    #[test]
    fn every_type_that_kubectl_explains_has_something_said_of_it() {
        let prose = Prose::unpack();
        let pod = prose.of("io.k8s.api.core.v1.Pod").unwrap_or_default();
        assert!(pod.starts_with("Pod is a collection of containers"), "{pod}");
        let image = prose.of_field("io.k8s.api.core.v1.Container", "image").unwrap_or_default();
        assert!(image.contains("image name"), "{image}");
        assert!(prose.0.len() > 500, "{} definitions", prose.0.len());
    }
}
