//! gzip of answers, where the client takes it and the answer is long enough to gain.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

/// Answers shorter than this are sent as they are; the real server draws the same line.
pub const THRESHOLD_BYTES: usize = 128 * 1024;

/// Whether `Accept-Encoding` allows gzip.
pub fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    accept_encoding.unwrap_or_default().split(',').any(|entry| {
        let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let refused =
            parameters.trim().strip_prefix("q=").is_some_and(|quality| quality.parse() == Ok(0.0_f32));
        coding.trim() == "gzip" && !refused
    })
}

/// The whole body compressed, at the fastest level as the real server does.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = Gzip::default();
    let mut out = gzip.write(body);
    out.extend_from_slice(&gzip.finish());
    out
}

/// Compresses a body that is made piece by piece.
#[derive(Debug)]
pub struct Gzip(GzEncoder<Vec<u8>>);

impl Default for Gzip {
    fn default() -> Self {
        Self(GzEncoder::new(Vec::new(), Compression::fast()))
    }
}

impl Gzip {
    /// Takes the next piece; returns what can be sent already, which may be nothing.
    pub fn write(&mut self, piece: &[u8]) -> Vec<u8> {
        self.0.write_all(piece).expect("a buffer takes all");
        std::mem::take(self.0.get_mut())
    }

    /// Returns the rest.
    pub fn finish(self) -> Vec<u8> {
        self.0.finish().expect("a buffer takes all")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use std::io::Read as _;

    use super::{Gzip, accepts_gzip, gzip};

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn a_body_comes_out_as_it_went_in() {
        let body = b"{\"items\":[]}".repeat(20_000);
        assert_eq!(unpacked(&gzip(&body)), body);
        let mut stream = Gzip::default();
        let mut packed = Vec::new();
        for piece in body.chunks(1000) {
            packed.extend(stream.write(piece));
        }
        packed.extend(stream.finish());
        assert_eq!(unpacked(&packed), body);
    }

    #[test]
    fn gzip_is_used_only_if_the_client_takes_it() {
        for (header, want) in [
            (None, false),
            (Some("gzip"), true),
            (Some("br, gzip;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("deflate"), false),
        ] {
            assert_eq!(accepts_gzip(header), want, "{header:?}");
        }
    }
}
