//! Takes a list apart while it streams: items come out one by one, and no more than one is held unfinished.

use serde::Deserialize;

/// Everything of a list but its items may be so long.
const SHELL_LEN_MAX: usize = 1 << 20;

/// What a list says beside its items.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shell {
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) metadata: ShellMetadata,
}

/// A list's metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ShellMetadata {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) continue_token: String,
}

/// An item of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// Its JSON.
    Whole(&'a [u8]),
    /// Longer than the bound; its bytes are gone.
    TooLong,
}

/// Where the scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Outside of the items.
    Shell,
    /// Between two items.
    Between,
    /// In an item; it is over when the depth is back to this.
    Inside,
}

/// A scan over a list in chunks. Knows strings and nesting and no more: items and shell are parsed by serde.
#[derive(Debug)]
pub(super) struct Pages {
    shell: Vec<u8>,
    partial: Vec<u8>,
    place: Place,
    depth: u32,
    string: bool,
    escaped: bool,
    too_long: bool,
    len_max: usize,
}

impl Pages {
    pub(super) fn new(len_max: usize) -> Self {
        Self {
            shell: Vec::with_capacity(512),
            partial: Vec::new(),
            place: Place::Shell,
            depth: 0,
            string: false,
            escaped: false,
            too_long: false,
            len_max,
        }
    }

    /// Takes in a chunk and calls `each` for every item that ends in it.
    ///
    /// # Errors
    /// When what is no item grows without end.
    pub(super) fn feed(&mut self, chunk: &[u8], each: &mut dyn FnMut(Item<'_>)) -> Result<(), String> {
        // Where the item (or the shell's part) that is being scanned begins in this chunk.
        let mut start = 0;
        let mut at = 0;
        while at < chunk.len() {
            if self.string {
                at = self.skip_string(chunk, at);
                continue;
            }
            let byte = chunk[at];
            at += 1;
            match byte {
                b'"' => {
                    self.string = true;
                }
                b'{' | b'[' => {
                    if self.place == Place::Between {
                        self.place = Place::Inside;
                        start = at - 1;
                    }
                    self.depth += 1;
                    if self.place == Place::Shell
                        && byte == b'['
                        && self.depth == 2
                        && self.at_items(&chunk[start..at - 1])
                    {
                        self.shell.extend_from_slice(&chunk[start..at]);
                        self.place = Place::Between;
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    match self.place {
                        Place::Inside if self.depth == 2 => {
                            self.item(&chunk[start..at], each);
                            self.place = Place::Between;
                        }
                        Place::Between => {
                            self.place = Place::Shell;
                            start = at - 1;
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        self.keep(&chunk[start.min(chunk.len())..]);
        if self.shell.len() > SHELL_LEN_MAX {
            Err("a list whose metadata has no end".to_owned())
        } else {
            Ok(())
        }
    }

    /// What stood around the items.
    ///
    /// # Errors
    /// When the list was cut off, or is none.
    pub(super) fn finish(self) -> Result<Shell, String> {
        if self.depth != 0 || self.string || self.shell.is_empty() {
            return Err("a list that was cut off".to_owned());
        }
        serde_json::from_slice(&self.shell).map_err(|error| error.to_string())
    }

    /// The place after the string, or the end of the chunk.
    fn skip_string(&mut self, chunk: &[u8], mut at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            at += 1;
        }
        while let Some(found) = chunk.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
            at += found;
            if chunk[at] == b'"' {
                self.string = false;
                return at + 1;
            }
            if at + 1 == chunk.len() {
                self.escaped = true;
                return chunk.len();
            }
            at += 2;
        }
        chunk.len()
    }

    /// Whether the array that begins after `tail` is the value of the list's `items`.
    fn at_items(&self, tail: &[u8]) -> bool {
        let mut before = Vec::with_capacity(32 + tail.len().min(32));
        before.extend_from_slice(&self.shell[self.shell.len().saturating_sub(32)..]);
        before.extend_from_slice(&tail[tail.len().saturating_sub(32)..]);
        let Some(key) = before.trim_ascii_end().strip_suffix(b":") else { return false };
        let Some(rest) = key.trim_ascii_end().strip_suffix(b"\"items\"") else { return false };
        !rest.ends_with(b"\\")
    }

    fn item(&mut self, end: &[u8], each: &mut dyn FnMut(Item<'_>)) {
        if std::mem::take(&mut self.too_long) || self.partial.len() + end.len() > self.len_max {
            each(Item::TooLong);
        } else if self.partial.is_empty() {
            each(Item::Whole(end));
            return;
        } else {
            self.partial.extend_from_slice(end);
            each(Item::Whole(&self.partial));
        }
        self.partial.clear();
    }

    /// Keeps what the next chunk goes on with.
    fn keep(&mut self, rest: &[u8]) {
        match self.place {
            Place::Shell => self.shell.extend_from_slice(rest),
            Place::Between => {}
            Place::Inside if self.too_long || self.partial.len() + rest.len() > self.len_max => {
                self.too_long = true;
                self.partial = Vec::new();
            }
            Place::Inside => self.partial.extend_from_slice(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn split(list: &str, chunk_len: usize) -> (Vec<String>, Result<Shell, String>) {
        let mut pages = Pages::new(64);
        let mut items = Vec::new();
        for chunk in list.as_bytes().chunks(chunk_len) {
            pages
                .feed(chunk, &mut |item| {
                    items.push(match item {
                        Item::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                        Item::TooLong => "TOO LONG".to_owned(),
                    });
                })
                .unwrap();
        }
        (items, pages.finish())
    }

    fn check(list: &str, want: &[&str], version: &str, continue_token: &str) {
        for chunk_len in 1..=list.len() {
            let (items, shell) = split(list, chunk_len);
            let shell = shell.unwrap();
            assert_eq!(items, want, "{list} in chunks of {chunk_len}");
            assert_eq!(shell.metadata.resource_version, version, "{list} in chunks of {chunk_len}");
            assert_eq!(shell.metadata.continue_token, continue_token);
        }
    }

    #[test]
    fn items_come_out_whole_however_the_list_is_cut() {
        check(
            r#"{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"c","x":[1]},"items":[{"a":"]}\"{"},{"b":[{}]}]}"#,
            &[r#"{"a":"]}\"{"}"#, r#"{"b":[{}]}"#],
            "7",
            "c",
        );
        check(
            r#"{ "items" : [ {"a":"\\"} , {"items":[1]} ] , "metadata" : {"resourceVersion":"8"} }"#,
            &[r#"{"a":"\\"}"#, r#"{"items":[1]}"#],
            "8",
            "",
        );
        check(r#"{"metadata":{"resourceVersion":"9","items":[5]},"items":[]}"#, &[], "9", "");
        check(r#"{"metadata":{"resourceVersion":"9"},"items":null}"#, &[], "9", "");
        let long = "x".repeat(70);
        check(
            &format!(r#"{{"items":[{{"a":"{long}"}},{{}}],"metadata":{{}}}}"#),
            &["TOO LONG", "{}"],
            "",
            "",
        );
    }

    #[test]
    fn r5_a_page_of_any_length_is_parsed_with_one_item_in_memory() {
        let item = format!(r#"{{"metadata":{{"name":"a"}},"data":"{}"}}"#, "x".repeat(3800));
        let list = format!(
            r#"{{"metadata":{{"resourceVersion":"7"}},"items":[{}]}}"#,
            vec![item.as_str(); 2000].join(",")
        );
        let (mut pages, mut items, mut held) = (Pages::new(1 << 20), 0, 0);
        for chunk in list.as_bytes().chunks(16 * 1024) {
            pages.feed(chunk, &mut |_| items += 1).unwrap();
            held = held.max(pages.shell.capacity() + pages.partial.capacity());
        }
        assert_eq!((items, pages.finish().unwrap().metadata.resource_version.as_str()), (2000, "7"));
        assert!(held < 16 * 1024, "{held} bytes of {} were held", list.len());
    }

    #[test]
    fn a_list_that_was_cut_off_is_no_list() {
        let list = r#"{"metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":2}]}"#;
        for len in 0..list.len() {
            assert!(split(&list[..len], 7).1.is_err(), "{}", &list[..len]);
        }
    }
}
