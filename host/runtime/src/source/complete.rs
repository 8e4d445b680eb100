//! Whether a Wasm file has all its bytes: each top-level section says how long it is.

/// Magic and version, the same length for modules and components.
const HEADER_LEN: usize = 8;

/// The bytes that must be there at least, if some are missing. What is no Wasm at all counts as complete: judging it
/// is the guest's admission, which says it better.
pub(super) fn missing(bytes: &[u8]) -> Option<u64> {
    let magic = b"\0asm";
    if !bytes.starts_with(&magic[..bytes.len().min(4)]) {
        return None;
    }
    if bytes.len() < HEADER_LEN {
        return Some(HEADER_LEN as u64);
    }
    let mut position = HEADER_LEN as u64;
    while let Some(rest) = usize::try_from(position).ok().and_then(|at| bytes.get(at..)) {
        let [_id, after_id @ ..] = rest else { return None };
        match section_len(after_id) {
            Section::Cut => return Some(bytes.len() as u64 + 1),
            Section::Malformed => return None,
            Section::Len { encoded, content } => position += 1 + encoded + content,
        }
    }
    Some(position)
}

enum Section {
    /// Bytes of the length itself, and of the section.
    Len { encoded: u64, content: u64 },
    /// The length itself is cut off.
    Cut,
    /// No length that Wasm allows.
    Malformed,
}

/// A length in LEB128: seven bits a byte, at most five bytes.
fn section_len(bytes: &[u8]) -> Section {
    let mut content = 0;
    for (nth, byte) in (0..5).zip(bytes) {
        content |= u64::from(byte & 0x7f) << (7 * nth);
        if byte & 0x80 == 0 {
            return Section::Len { encoded: nth + 1, content };
        }
    }
    if bytes.len() < 5 { Section::Cut } else { Section::Malformed }
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn every_cut_inside_a_section_is_found() {
        // A custom section of 3 bytes, then one of 200 bytes (two bytes of length).
        let mut whole = b"\0asm\x0d\0\x01\0\0\x03abc\0\xc8\x01".to_vec();
        whole.extend([7; 200]);
        assert_eq!(missing(&whole), None);
        for len in 0..whole.len() {
            let between_sections = len == 8 || len == 13;
            assert_eq!(missing(&whole[..len]).is_none(), between_sections, "cut at {len}");
        }
        assert_eq!(missing(&whole[..100]), Some(whole.len() as u64));
    }

    #[test]
    fn what_is_no_wasm_is_not_waited_for() {
        for bytes in [&b"#!/bin/sh\n"[..], b"PK", b"\0asm\x01\0\0\0\0\xff\xff\xff\xff\xff\x01"] {
            assert_eq!(missing(bytes), None);
        }
    }
}
