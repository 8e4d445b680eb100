//! Requests out, answers in: one boxed service, whatever carries it (HTTP/2 and TLS, or a server in this process).

mod failure;
mod lane;
mod lanes;
mod requests;
mod stack;

pub use failure::{Failure, TransportError};
pub use requests::Requests;
pub(crate) use stack::{Stack, StackError};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use std::{fmt, sync::Arc, time::Duration};
use tower::{BoxError, Service, ServiceExt, util::BoxCloneSyncService};

/// The body of every request: complete, and cheap to send again (H1).
pub type RequestBody = Full<Bytes>;

/// The body of an answer.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// A way to the API server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Transport {
    service: BoxCloneSyncService<Request<RequestBody>, Response<ResponseBody>, BoxError>,
    requests: Arc<Requests>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    /// Any service that answers HTTP requests whose URI has a path only.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = service
            .map_response(|answer: Response<B>| answer.map(|body| body.map_err(Into::into).boxed_unsync()))
            .map_err(Into::into);
        Self { service: BoxCloneSyncService::new(service), requests: Arc::default() }
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// When there is no answer within `timeout`, or no connection.
    pub async fn send(
        &self,
        request: Request<RequestBody>,
        timeout: Duration,
    ) -> Result<Response<ResponseBody>, TransportError> {
        match tokio::time::timeout(timeout, self.counted(request)).await {
            Ok(answer) => answer.map_err(TransportError::classify),
            Err(_) => Err(TransportError::timeout(timeout)),
        }
    }

    /// Counts in this place from now on, which other transports of the same connection share.
    pub(crate) fn counting(mut self, requests: &Arc<Requests>) -> Self {
        self.requests = requests.clone();
        self
    }

    async fn counted(&self, request: Request<RequestBody>) -> Result<Response<ResponseBody>, BoxError> {
        let method = request.method().clone();
        let answer = self.service.clone().oneshot(request).await;
        self.requests.count(answer.as_ref().map_or(0, |answer| answer.status().as_u16()), &method);
        answer
    }

    /// Sends a request and collects the whole answer.
    ///
    /// # Errors
    /// As [`Transport::send`], and when the body breaks off or is longer than `body_len_max` bytes.
    pub async fn exchange(
        &self,
        request: Request<RequestBody>,
        timeout: Duration,
        body_len_max: usize,
    ) -> Result<Response<Bytes>, TransportError> {
        let whole = async {
            let answer = self.counted(request).await.map_err(TransportError::classify)?;
            let (head, body) = answer.into_parts();
            Ok(Response::from_parts(head, collect(body, body_len_max).await?))
        };
        tokio::time::timeout(timeout, whole).await.unwrap_or_else(|_| Err(TransportError::timeout(timeout)))
    }
}

/// Collects a body; one frame is handed on without a copy.
///
/// # Errors
/// When it breaks off or grows over `len_max` bytes.
pub async fn collect(mut body: ResponseBody, len_max: usize) -> Result<Bytes, TransportError> {
    let mut first: Option<Bytes> = None;
    let mut rest: Option<BytesMut> = None;
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(TransportError::classify)?.into_data() else { continue };
        len += data.len();
        if len > len_max {
            return Err(TransportError::too_large(len_max));
        }
        match (&mut first, &mut rest) {
            (_, Some(buffer)) => buffer.extend_from_slice(&data),
            (None, None) => first = Some(data),
            (Some(head), None) => {
                let mut buffer = BytesMut::with_capacity((head.len() + data.len()) * 2);
                buffer.extend_from_slice(head);
                buffer.extend_from_slice(&data);
                rest = Some(buffer);
            }
        }
    }
    Ok(rest.map(BytesMut::freeze).or(first).unwrap_or_default())
}
