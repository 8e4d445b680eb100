//! A long list as a body that is made while it is sent: it takes the memory of one piece, however many objects it has.
//!
//! The objects are those of the moment of the list; each is let go once it is written. A client that reads slowly
//! therefore holds old objects, not copies of them.

use std::convert::Infallible;
use std::sync::Arc;
use std::vec::IntoIter;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_ENCODING, HeaderValue, VARY};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::{Exchange, Form, Items, Response, meta};
use crate::chain::answer;
use crate::registry::List;
use crate::store::Stored;
use crate::wire::compress::{self, Gzip};

/// Shorter lists go out in one piece, with their length said before.
pub(super) const WHOLE_BYTES_MAX: usize = 1 << 20;
/// Bytes of a piece, before it is compressed.
const PIECE_BYTES: usize = 64 << 10;

struct LongList {
    list: List,
    items: Items,
    waiting: IntoIter<Arc<Stored>>,
    gzip: Option<Gzip>,
    /// What is not sent yet.
    out: Vec<u8>,
    over: bool,
}

/// The answer that is the list.
pub(super) fn respond(exchange: &Exchange, form: Form, mut list: List) -> Response {
    let compresses = compress::accepts_gzip(Some(exchange.header("accept-encoding")));
    let mut out = Vec::with_capacity(PIECE_BYTES);
    let version = list.version.to_string();
    let items = Items::begin(form, &list.resource, meta(&list, &version), &mut out);
    let waiting = std::mem::take(&mut list.items).into_iter();
    let gzip = compresses.then(Gzip::default);
    let long = LongList { list, items, waiting, gzip, out, over: false };
    let pieces = stream::unfold(long, |mut long| async move {
        let piece = long.piece()?;
        Some((Ok::<_, Infallible>(Frame::data(piece)), long))
    });
    let mut response =
        answer::with_body(200, form.format.media_type(), StreamBody::new(pieces).boxed_unsync());
    if compresses {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

impl LongList {
    /// The next piece; `None` after the last.
    fn piece(&mut self) -> Option<Bytes> {
        while !self.over {
            self.fill();
            let piece = self.packed();
            if !piece.is_empty() {
                return Some(piece.into());
            }
        }
        None
    }

    fn fill(&mut self) {
        while self.out.len() < PIECE_BYTES {
            let Some(item) = self.waiting.next() else {
                let version = self.list.version.to_string();
                self.items.end(&self.list.resource, meta(&self.list, &version), &mut self.out);
                self.over = true;
                return;
            };
            self.items.add(&self.list.resource, &item, &mut self.out);
        }
    }

    /// What can be sent of what is written.
    fn packed(&mut self) -> Vec<u8> {
        let plain = std::mem::replace(&mut self.out, Vec::with_capacity(PIECE_BYTES));
        let Some(gzip) = &mut self.gzip else { return plain };
        let mut packed = gzip.write(&plain);
        if self.over {
            packed.extend(self.gzip.take().map(Gzip::finish).unwrap_or_default());
        }
        packed
    }
}
