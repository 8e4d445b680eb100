//! Bodies that are whole in the end, or break, or stop.

use bytes::Bytes;
use futures::stream::unfold;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::BoxError;

use super::plan::Asked;
use super::random::Draws;
use super::service::{Body, reset};
use super::{Fault, Faults};

/// Bytes of a body before it breaks, at most.
const CUT_AFTER_MAX: u64 = 4096;

struct Piecewise {
    faults: Faults,
    asked: Asked,
    draws: Draws,
    inner: Body,
    /// What is to come next, before more is taken from the body.
    rest: Bytes,
    /// What happens after so many bytes.
    cut: Option<(Fault, usize)>,
    over: bool,
}

/// The body with what befalls it.
pub(super) fn with_faults(faults: Faults, asked: Asked, mut draws: Draws, inner: Body) -> Body {
    let after = usize::try_from(draws.below(CUT_AFTER_MAX)).unwrap_or_default();
    let mut cut = None;
    for fault in [Fault::BodyCut, Fault::BodySilent] {
        if draws.happens(faults.profile().rate(fault)) && !faults.is_stopped() {
            cut = Some((fault, after));
        }
    }
    let state = Piecewise { faults, asked, draws, inner, rest: Bytes::new(), cut, over: false };
    let frames = unfold(state, |mut state| async move {
        let next = state.next().await?;
        Some((next.map(Frame::data), state))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Piecewise {
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        if self.over {
            return None;
        }
        while self.rest.is_empty() {
            match self.inner.frame().await? {
                // Trailers are none of ours: the server sends no such thing.
                Ok(frame) => self.rest = frame.into_data().unwrap_or_default(),
                Err(error) => return Some(Err(error)),
            }
        }
        if let Some((fault, left)) = &mut self.cut {
            if *left == 0 {
                self.over = true;
                let fault = *fault;
                self.faults.note(fault, &self.asked);
                if fault == Fault::BodySilent {
                    return std::future::pending().await;
                }
                return Some(Err(reset()));
            }
            let len = self.rest.len().min(*left);
            *left -= len;
            return Some(Ok(self.rest.split_to(len)));
        }
        let len = if self.faults.strikes(&mut self.draws, Fault::Fragmented, &self.asked) {
            piece(&mut self.draws, self.rest.len())
        } else {
            self.rest.len()
        };
        Some(Ok(self.rest.split_to(len)))
    }
}

/// A length for a piece of `len` bytes.
pub(super) fn piece(draws: &mut Draws, len: usize) -> usize {
    let drawn = draws.below(u64::try_from(len).unwrap_or(u64::MAX));
    usize::try_from(drawn).map_or(len, |drawn| drawn + 1)
}
