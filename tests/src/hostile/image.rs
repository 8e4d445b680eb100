//! The description of a hostile module, as bytes of its memory in the canonical layout.

/// Bytes of a value, to stand at [`Image::BASE`] of a guest's memory.
pub(super) struct Image {
    bytes: Vec<u8>,
    /// Where the value itself begins.
    pub(super) root: u32,
}

impl Image {
    pub(super) const BASE: u32 = 1_024;

    /// A description of one controller of the config maps that are labelled with the module's name.
    pub(super) fn describing(module: &str) -> Self {
        let mut image = Self { bytes: Vec::new(), root: 0 };
        let [name, version, kind] = ["attack", "v1", "ConfigMap"].map(|text| image.text(text));
        let labels = image.text(&format!("attack={module}"));
        let mut words = vec![name.0, name.1, version.0, version.1, kind.0, kind.1];
        // Namespaces; label selector; field selector, predicates, watches.
        words.extend([0, 0, 1, labels.0, labels.1]);
        words.extend([0; 7]);
        let controller = image.words(&words);
        let title = image.text("An attack");
        let mut words = vec![title.0, title.1, version.0, version.1, controller, 1];
        // Indexes, permissions, definitions, finalizers; settings schema.
        words.extend([0; 11]);
        image.root = image.words(&words);
        image
    }

    fn text(&mut self, text: &str) -> (u32, u32) {
        let at = Self::BASE + u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend(text.as_bytes());
        (at, u32::try_from(text.len()).unwrap())
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = Self::BASE + u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        at
    }

    pub(super) fn escaped(&self) -> String {
        self.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
    }
}
