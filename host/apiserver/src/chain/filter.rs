//! What every request passes before the handlers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Response};
use super::{
    Audit, AuditRecord, Authenticator, Authorization, Chain, Exchange, Identity, MASTERS, RequestInfo, User,
    authenticate,
};
use crate::query::Query;
use crate::status::{ApiError, Details, reason};

/// Bytes of a body at most, as the real server takes them.
const BODY_BYTES_MAX: usize = 3 << 20;
/// Time for everything but watches, as the real server gives it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The filters and the chain behind them; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    chain: Chain,
    settings: Arc<Settings>,
}

#[derive(Debug)]
struct Settings {
    authenticator: Authenticator,
    authorization: Authorization,
    audit: Audit,
    stopping: CancellationToken,
}

impl Filters {
    pub(crate) fn new(
        chain: Chain,
        authenticator: Authenticator,
        authorization: Authorization,
        audit: Audit,
        stopping: CancellationToken,
    ) -> Self {
        Self { chain, settings: Arc::new(Settings { authenticator, authorization, audit, stopping }) }
    }

    pub(crate) async fn serve<B>(&self, request: http::Request<B>) -> Response
    where
        B: HttpBody<Data: Send> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        if !is_escaped_well(parts.uri.path()) {
            // Go's HTTP server answers this before any handler sees the request.
            return answer::text(400, "400 Bad Request");
        }
        name_host(&mut parts);
        let identity = parts.extensions.get::<Identity>().unwrap_or(&Identity::InProcess);
        let user = self.settings.authenticator.authenticate(identity, &parts.headers);
        let query = Query::parse(parts.uri.query());
        let by_name = fixed_name(&query);
        let info =
            RequestInfo::parse(&parts.method, parts.uri.path(), query.flag("watch"), by_name.as_deref());
        let mut exchange = Exchange {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query,
            headers: parts.headers,
            body: Bytes::new(),
            info,
            user: user.clone().unwrap_or(User::anonymous()),
            stopping: self.settings.stopping.clone(),
        };
        let response = match (user, impersonate(&mut exchange)) {
            (Err(_), _) => answer::failure(&ApiError::unauthorized()),
            (Ok(_), Err(error)) => answer::failure(&error),
            (Ok(_), Ok(())) => self.serve_known(&mut exchange, body).await,
        };
        self.record(&exchange, response.status().as_u16());
        response
    }

    async fn serve_known<B>(&self, exchange: &mut Exchange, body: B) -> Response
    where
        B: HttpBody<Data: Send> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if let Err(error) = self.settings.authorization.check(exchange) {
            return answer::failure(&error);
        }
        match read(body).await {
            Ok(body) => exchange.body = body,
            Err(error) => return answer::failure(&error),
        }
        let serving = AssertUnwindSafe(self.chain.serve(exchange)).catch_unwind();
        match tokio::time::timeout(REQUEST_TIMEOUT, serving).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                let text = panic_text(&*panic);
                tracing::error!(path = %exchange.path, panic = text, "a request made the server panic");
                answer::text(500, "This request caused apiserver to panic. Look in the logs for details.\n")
            }
            Err(_) => answer::failure(&timed_out()),
        }
    }

    fn record(&self, exchange: &Exchange, code: u16) {
        if self.settings.audit.is_off() {
            return;
        }
        let info = &exchange.info;
        let subresource =
            if info.subresource.is_empty() { String::new() } else { format!("/{}", info.subresource) };
        self.settings.audit.record(AuditRecord {
            verb: info.verb.to_owned(),
            group: info.group.clone(),
            resource: format!("{}{subresource}", info.resource),
            namespace: info.namespace.clone(),
            name: info.name.clone(),
            user: exchange.user.name.clone(),
            user_agent: exchange.header("user-agent").to_owned(),
            path: exchange.path.clone(),
            code,
        });
    }
}

/// Whether two hexadecimal digits follow each `%`.
fn is_escaped_well(path: &str) -> bool {
    let mut parts = path.split('%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// Makes the request another user's, if it asks for that and its own user may.
fn impersonate(exchange: &mut Exchange) -> Result<(), ApiError> {
    let Some(user) = authenticate::impersonated(&exchange.headers) else { return Ok(()) };
    if !exchange.user.is_in(MASTERS) {
        let message = format!(
            "users \"{}\" is forbidden: User \"{}\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
            user.name, exchange.user.name
        );
        let details = Details { name: user.name, kind: "users".to_owned(), ..Details::default() };
        return Err(ApiError::denied(message, details));
    }
    exchange.user = user;
    Ok(())
}

/// HTTP/2 names the host in the address instead of a header; handlers read the header.
fn name_host(parts: &mut http::request::Parts) {
    if let Some(authority) = parts.uri.authority()
        && !parts.headers.contains_key(http::header::HOST)
        && let Ok(host) = http::HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(http::header::HOST, host);
    }
}

/// The name that a field selector fixes: authorization and audit then see a request for that object.
fn fixed_name(query: &Query) -> Option<String> {
    let terms = query.get("fieldSelector").split(',');
    let mut names = terms.filter_map(|term| term.strip_prefix("metadata.name="));
    names.next().map(|name| name.trim_start_matches('=').to_owned())
}

async fn read<B>(body: B) -> Result<Bytes, ApiError>
where
    B: HttpBody<Data: Send> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(ApiError::too_large(format!("Request entity too large: limit is {BODY_BYTES_MAX}")))
        }
        Err(error) => Err(ApiError::bad_request(format!("the body cannot be read: {error}"))),
    }
}

fn timed_out() -> ApiError {
    let message = "Timeout: request did not complete within the allotted timeout";
    ApiError::new(504, reason::TIMEOUT, message, Some(Details::default()))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}
