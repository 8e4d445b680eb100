//! Calls to the API server: every verb and subresource, JSON text in and out.
//!
//! Guarantees: a write is sent again only when the server said when (Retry-After, H1) or cannot have seen it; a write
//! whose reply was lost is told as `OutcomeUnknown`. No name can leave its path segment.
//!
//! Errors: the server's own come with its code and `Status`; ours have code 0 (see `ApiError::host`):
//! `BadRequest`, `Unavailable`, `OutcomeUnknown`, `TooLarge`.

mod answer;
mod path;
mod retry;

#[cfg(test)]
mod authority;
#[cfg(test)]
mod places;
#[cfg(test)]
mod tests;

pub(crate) use answer::{api_error, status_error, status_message};
pub(crate) use path::{Query, collection_path, object_path};

use crate::{
    connect::{Connection, USER_AGENT},
    discovery::{Discovery, Served},
    shape,
    transport::{RequestBody, Transport},
};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use std::{sync::Arc, time::Duration};
use windlass_core::{
    call::{Action, ApiError, Call, DeleteOptions, Reply, Shape, WriteOptions},
    name::Kind,
};

/// How calls are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For the whole call, with everything that is sent again.
    pub timeout: Duration,
    /// Answers over this many bytes are `TooLarge`.
    pub answer_len_max: usize,
    /// How often a call is sent again (H1).
    pub retries_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), answer_len_max: 64 << 20, retries_max: 10 }
    }
}

/// Makes calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    discovery: Arc<Discovery>,
    settings: Arc<Settings>,
}

/// One HTTP request of a call; kept, so that it can be sent again.
pub(crate) struct Wire {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
}

impl Wire {
    /// A read.
    pub(crate) fn get(path: String, accept: &'static str) -> Self {
        Self { method: Method::GET, path, accept, content_type: None, body: Bytes::new() }
    }

    /// The request, to be sent once.
    pub(crate) fn request(&self) -> Result<Request<RequestBody>, ApiError> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, self.accept)
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(RequestBody::new(self.body.clone()));
        request
            .map_err(|error| ApiError::host("BadRequest", format!("{} makes no request: {error}", self.path)))
    }
}

impl Client {
    /// Calls over this connection, with kinds resolved by this discovery.
    #[must_use]
    pub fn new(connection: &Connection, discovery: Arc<Discovery>, settings: Settings) -> Self {
        Self { transport: connection.calls().clone(), discovery, settings: Arc::new(settings) }
    }

    /// The discovery that resolves its kinds.
    #[must_use]
    pub fn discovery(&self) -> &Arc<Discovery> {
        &self.discovery
    }

    /// Makes one call and waits for its answer.
    ///
    /// # Errors
    /// See the module's page. A get of what is not there is no error.
    pub async fn call(&self, call: &Call) -> Result<Reply, ApiError> {
        let served = self.served(&call.kind).await?;
        if let Some(subresource) = &call.subresource
            && served.subresource(subresource.split('/').next().unwrap_or_default()).is_none()
        {
            let plural = &served.resource.plural;
            return Err(not_found(format!(
                "the server does not serve {plural}/{subresource} of {}",
                call.kind
            )));
        }
        let wire = wire(&served, call)?;
        let writes = call.action.is_write() && !call.action.is_dry_run();
        let answer = retry::send(&self.transport, &wire, writes, &self.settings).await?;
        if answer.status() == StatusCode::NOT_FOUND && !answer::says_not_found(answer.body()) {
            // No object is missing but the path: the kind is gone, or served elsewhere (M4).
            self.discovery.invalidate();
        }
        answer::reply(call, &answer)
    }

    async fn served(&self, kind: &Kind) -> Result<Arc<Served>, ApiError> {
        let found = self.discovery.resolve(kind).await;
        let found = found.map_err(|error| ApiError::host("Unavailable", error.to_string()))?;
        found.ok_or_else(|| {
            not_found(format!("the server does not serve {kind}: is its CustomResourceDefinition installed?"))
        })
    }
}

/// What the server would say of a path that it does not serve.
fn not_found(message: String) -> ApiError {
    ApiError { code: 404, reason: "NotFound".to_owned(), message, status: None, retry_after: None }
}

/// The request that a call becomes.
fn wire(served: &Served, call: &Call) -> Result<Wire, ApiError> {
    let resource = &served.resource;
    let subresource = call.subresource.as_deref();
    let json = |method, path, body: &str| Wire {
        method,
        path,
        accept: "application/json",
        content_type: Some("application/json"),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    Ok(match &call.action {
        Action::Get { name, shape } => {
            Wire::get(object_path(resource, name, subresource)?, shape::accept(*shape))
        }
        Action::List { query, shape } => list(served, query, *shape)?,
        Action::Create { name, body, write } => {
            let path = match subresource {
                // `pods/eviction`, `serviceaccounts/token`: made under the object.
                Some(_) => object_path(resource, name, subresource)?,
                None => collection_path(resource, name.namespace.as_deref(), true)?,
            };
            json(Method::POST, write_query(write).onto(path), body)
        }
        Action::Update { name, body, write } => {
            let path = object_path(resource, name, subresource)?;
            json(Method::PUT, write_query(write).onto(path), body)
        }
        Action::Patch { name, patch_type, body, force, write } => {
            let path = object_path(resource, name, subresource)?;
            let apply = *patch_type == windlass_core::call::PatchType::Apply;
            let query = write_query(write).flag("force", *force && apply);
            let wire = json(Method::PATCH, query.onto(path), body);
            Wire { content_type: Some(patch_type.content_type()), ..wire }
        }
        Action::Delete { name, options } => {
            json(Method::DELETE, object_path(resource, name, subresource)?, &delete_body(options))
        }
    })
}

fn list(served: &Served, query: &windlass_core::call::ListQuery, shape: Shape) -> Result<Wire, ApiError> {
    let path = collection_path(&served.resource, query.namespace.as_deref(), false)?;
    let limit = query.limit.map(|limit| limit.to_string());
    let parameters = Query::default()
        .with("labelSelector", query.labels.as_deref())
        .with("fieldSelector", query.fields.as_deref())
        .with("limit", limit.as_deref())
        .with("continue", query.continue_token.as_deref());
    Ok(Wire::get(parameters.onto(path), shape::accept_list(shape)))
}

/// Unknown and repeated fields come back as warnings, which is the servers' default since 1.27, said aloud.
fn write_query(write: &WriteOptions) -> Query {
    Query::default()
        .with("fieldManager", Some(&*write.field_manager).filter(|manager| !manager.is_empty()))
        .with("fieldValidation", Some("Warn"))
        .with("dryRun", write.dry_run.then_some("All"))
}

fn delete_body(options: &DeleteOptions) -> String {
    let mut body = serde_json::json!({"kind": "DeleteOptions", "apiVersion": "v1"});
    if let Some(propagation) = options.propagation {
        body["propagationPolicy"] = propagation.as_str().into();
    }
    if let Some(uid) = &options.uid {
        body["preconditions"]["uid"] = uid.as_str().into();
    }
    if let Some(version) = &options.resource_version {
        body["preconditions"]["resourceVersion"] = version.as_str().into();
    }
    if let Some(seconds) = options.grace_period_seconds {
        body["gracePeriodSeconds"] = seconds.into();
    }
    if options.dry_run {
        body["dryRun"] = serde_json::json!(["All"]);
    }
    body.to_string()
}
