//! Splits a byte stream into lines. A line that lies whole in one chunk is not copied; another is copied once.

/// A line of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Without its end.
    Whole(&'a [u8]),
    /// Longer than the bound; its bytes are gone.
    TooLong,
}

/// What of a line has come so far.
#[derive(Debug)]
pub(super) struct Lines {
    partial: Vec<u8>,
    skipping: bool,
    len_max: usize,
}

impl Lines {
    pub(super) fn new(len_max: usize) -> Self {
        Self { partial: Vec::new(), skipping: false, len_max }
    }

    /// Takes in a chunk and calls `each` for every line that ends in it. Empty lines are left out. What follows the
    /// last line end stays, and is lost with the stream: a line cut off is no line.
    pub(super) fn feed(&mut self, mut chunk: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            chunk = rest;
            if std::mem::take(&mut self.skipping) || self.partial.len() + line.len() > self.len_max {
                each(Line::TooLong);
                self.partial.clear();
            } else if self.partial.is_empty() {
                if !line.trim_ascii().is_empty() {
                    each(Line::Whole(line));
                }
            } else {
                self.partial.extend_from_slice(line);
                each(Line::Whole(&self.partial));
                self.partial.clear();
            }
        }
        if self.skipping || self.partial.len() + chunk.len() > self.len_max {
            self.skipping = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&str], want: &[&str]) {
        let mut lines = Lines::new(8);
        let mut got = Vec::new();
        for chunk in chunks {
            lines.feed(chunk.as_bytes(), &mut |line| {
                got.push(match line {
                    Line::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Line::TooLong => "TOO LONG".to_owned(),
                });
            });
        }
        assert_eq!(got, want, "{chunks:?}");
    }

    #[test]
    fn lines_come_whole_however_the_stream_is_cut() {
        check(&["a\nb\n"], &["a", "b"]);
        check(&["a", "b", "\nc\n\n", "\n", "d\r\n"], &["ab", "c", "d\r"]);
        check(&["a\ncut off"], &["a"]);
        check(&["12345678\n"], &["12345678"]);
        check(&["123456789\nb\n"], &["TOO LONG", "b"]);
        check(&["1234", "56789", "0123", "\nb", "\n"], &["TOO LONG", "b"]);
    }
}
