//! The description of a hostile module, as bytes of its memory in the canonical layout.

use wit_component::StringEncoding;

/// Bytes of a value, to stand at [`Image::BASE`] of a guest's memory.
pub(super) struct Image {
    bytes: Vec<u8>,
    encoding: StringEncoding,
    /// Where the value itself begins.
    pub(super) root: u32,
}

impl Image {
    pub(super) const BASE: u32 = 1_024;

    /// A description of one controller of the config maps that are labelled with the module's name. `mapped`: of the
    /// same ones there is a watch for whose changes the module's `targets` is asked.
    pub(super) fn describing(module: &str, encoding: StringEncoding, mapped: bool) -> Self {
        let mut image = Self { bytes: Vec::new(), encoding, root: 0 };
        let [name, version, kind] = ["attack", "v1", "ConfigMap"].map(|text| image.text(text));
        let labels = image.text(&format!("attack={module}"));
        let of_kind = [version.0, version.1, kind.0, kind.1];
        // Namespaces; label selector; field selector.
        let selection = [0, 0, 1, labels.0, labels.1, 0, 0, 0];
        let watches = if mapped {
            let mut words = vec![name.0, name.1];
            words.extend(of_kind);
            words.extend(selection);
            // The relation's case and its lookup; predicates; metadata only.
            words.extend([5, 0, 0, 0, 0, 0, 0, 0, 0]);
            [image.words(&words), 1]
        } else {
            [0, 0]
        };
        let mut words = vec![name.0, name.1];
        words.extend(of_kind);
        words.extend(selection);
        // Predicates, and watches.
        words.extend([0, 0]);
        words.extend(watches);
        let controller = image.words(&words);
        let title = image.text("An attack");
        let mut words = vec![title.0, title.1, version.0, version.1, controller, 1];
        // Indexes, permissions, definitions, finalizers; settings schema.
        words.extend([0; 11]);
        image.root = image.words(&words);
        image
    }

    /// Place and length, which is counted in the units of the encoding.
    fn text(&mut self, text: &str) -> (u32, u32) {
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        let at = Self::BASE + u32::try_from(self.bytes.len()).unwrap();
        let length = if matches!(self.encoding, StringEncoding::UTF16) {
            self.bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            text.encode_utf16().count()
        } else {
            // What the corpus says is ASCII, and that is Latin-1 too.
            self.bytes.extend(text.as_bytes());
            text.len()
        };
        (at, u32::try_from(length).unwrap())
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
