//! Lists from an earlier state: asked of the server at exactly that version, so that it is one it really had.

use bytes::Bytes;
use http_body_util::BodyExt;
use tower::{BoxError, ServiceExt};

use super::plan::Asked;
use super::service::{Answer, open};
use super::{Fault, Faults, refuse};

/// How many versions a stale answer may be behind.
pub(super) const DEPTH_MAX: u64 = 40;

/// The list as it was up to `older` versions ago, and never before the version that the client names. Where the
/// server does not hold that state any more, the answer is the present one.
pub(super) async fn answer<S, B, R>(
    faults: &Faults,
    asked: &Asked,
    inner: S,
    request: http::Request<B>,
    older: u64,
) -> Result<Answer, BoxError>
where
    S: tower::Service<http::Request<B>, Response = http::Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Default,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut earlier = http::Request::new(B::default());
    earlier.headers_mut().clone_from(request.headers());
    let uri = request.uri().clone();
    let (head, body) = open(inner.clone().oneshot(request).await.map_err(Into::into)?).into_parts();
    let body = body.collect().await?.to_bytes();
    let now = version_of(&body);
    let wanted = now.map(|now| now.saturating_sub(older).max(asked.version.unwrap_or(1)));
    if let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != now)
        && let Some(uri) = at_version(&uri, wanted)
    {
        *earlier.uri_mut() = uri;
        let answer = open(inner.oneshot(earlier).await.map_err(Into::into)?);
        if answer.status().is_success() {
            faults.note(Fault::Stale, asked);
            return Ok(answer);
        }
    }
    Ok(http::Response::from_parts(head, refuse::whole(body)))
}

/// The version of a list.
fn version_of(list: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        resource_version: String,
    }
    #[derive(serde::Deserialize)]
    struct List {
        metadata: Metadata,
    }
    serde_json::from_slice::<List>(list).ok()?.metadata.resource_version.parse().ok()
}

/// The same question about exactly one version. A list at version 0 is whole whatever its limit says.
fn at_version(uri: &http::Uri, version: u64) -> Option<http::Uri> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if !matches!(&*key, "resourceVersion" | "resourceVersionMatch" | "limit") {
            query.append_pair(&key, &value);
        }
    }
    query.append_pair("resourceVersion", &version.to_string()).append_pair("resourceVersionMatch", "Exact");
    format!("{}?{}", uri.path(), query.finish()).parse().ok()
}
