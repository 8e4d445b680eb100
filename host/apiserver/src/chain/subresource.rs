//! Subresources of built-in kinds that are acts rather than parts: binding, eviction, tokens, and those that only a
//! node can serve.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{self, Response};
use super::{Exchange, IssuedTokens, User, read_body, render};
use crate::catalog::Resource;
use crate::clock;
use crate::object;
use crate::query::{Query, WriteOptions};
use crate::registry::{DeleteOptions, Place, Registry};
use crate::status::{ApiError, Details, Status, reason};

/// Life of a token that names none, as the real server gives it.
const TOKEN_SECONDS: u64 = 3600;

/// Serves the request if it is for such a subresource.
pub(super) async fn serve(
    registry: &Registry,
    tokens: &IssuedTokens,
    exchange: &Exchange,
    resource: &Arc<Resource>,
) -> Option<Response> {
    let info = &exchange.info;
    let place = Place::new(resource, &info.namespace, &info.name);
    let act = (&*resource.definition.plural, &*info.subresource, info.verb);
    let served = match act {
        ("pods", "binding", "create") => bind(registry, exchange, &place).await,
        ("pods", "eviction", "create") => evict(registry, exchange, &place).await,
        ("serviceaccounts", "token", "create") => token(registry, tokens, exchange, &place),
        ("tokenreviews", "", "create") => review(tokens, exchange, resource),
        ("pods", "log", "get") => log(registry, &place),
        ("pods", "log" | "exec" | "attach" | "portforward" | "proxy", _) => {
            registry.get(&place).and_then(|_| Err(no_host(&place)))
        }
        ("services" | "nodes", "proxy", _) => registry.get(&place).and_then(|_| Err(no_endpoints(&place))),
        _ => return None,
    };
    Some(served.unwrap_or_else(|error| render::failure(exchange, resource, &error)))
}

/// A Pod that no node has logged nothing yet; one that is bound has a node, but nobody there to ask.
fn log(registry: &Registry, place: &Place) -> Result<Response, ApiError> {
    let pod = registry.get(place)?.value();
    let node = object::at(&pod, "spec.nodeName").and_then(Value::as_str).unwrap_or_default();
    if node.is_empty() { Ok(answer::whole(200, "text/plain", Vec::new())) } else { Err(no_host(place)) }
}

/// Gives a pod its node.
async fn bind(registry: &Registry, exchange: &Exchange, place: &Place) -> Result<Response, ApiError> {
    let body = read_body::of_kind(exchange, "v1", "Binding", true)?.value;
    let node = object::at(&body, "target.name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if node.is_empty() {
        return Err(ApiError::plain("target.name: Required value"));
    }
    let options = WriteOptions { field_manager: exchange.default_manager(), ..WriteOptions::default() };
    registry.bind_pod(place, &node, &options).await?;
    Ok(answer::whole(201, answer::JSON, Status::success(Details::default()).to_json() + "\n"))
}

/// Deletes a pod. Disruption budgets need a controller that counts pods, and there is none.
async fn evict(registry: &Registry, exchange: &Exchange, place: &Place) -> Result<Response, ApiError> {
    let body = read_body::of_kind(exchange, "policy/v1", "Eviction", true)?.value;
    let options = DeleteOptions::parse(&Query::default(), body.get("deleteOptions"))?;
    registry.delete(place, &options).await?;
    let mut status = Status::success(Details::default());
    status.code = 201;
    Ok(answer::whole(201, answer::JSON, status.to_json() + "\n"))
}

/// Gives a service account a token.
fn token(
    registry: &Registry,
    tokens: &IssuedTokens,
    exchange: &Exchange,
    place: &Place,
) -> Result<Response, ApiError> {
    let account = registry.get(place)?;
    let mut request = read_body::of_kind(exchange, "authentication.k8s.io/v1", "TokenRequest", true)?.value;
    let asked = object::at(&request, "spec.expirationSeconds").and_then(Value::as_u64);
    let life = Duration::from_secs(asked.unwrap_or(TOKEN_SECONDS));
    let groups = ["system:serviceaccounts", &format!("system:serviceaccounts:{}", place.namespace)];
    let name = format!("system:serviceaccount:{}:{}", place.namespace, place.name);
    let user = User { uid: account.uid.to_string(), ..User::new(&name, &groups) };
    let token = tokens.issue(user, clock::since_epoch() + life);
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["kind"] = "TokenRequest".into();
    request["metadata"] =
        json!({"name": place.name, "namespace": place.namespace, "creationTimestamp": clock::now()});
    request["spec"]["expirationSeconds"] = life.as_secs().into();
    request["status"] = json!({"token": token, "expirationTimestamp": clock::after(life)});
    let form = render::form(exchange, &place.resource)?;
    Ok(render::loose(exchange, 201, form, &request))
}

/// Says whom a token stands for.
fn review(
    tokens: &IssuedTokens,
    exchange: &Exchange,
    resource: &Arc<Resource>,
) -> Result<Response, ApiError> {
    let mut review = read_body::object(exchange, resource)?.value;
    let token = object::at(&review, "spec.token").and_then(Value::as_str).unwrap_or_default();
    review["status"] = match tokens.review(token) {
        Some(user) => json!({
            "authenticated": true,
            "user": {"username": user.name, "uid": user.uid, "groups": user.groups},
        }),
        None => json!({"authenticated": false, "error": "invalid bearer token"}),
    };
    review["apiVersion"] = resource.api_version.as_str().into();
    review["kind"] = "TokenReview".into();
    let form = render::form(exchange, resource)?;
    Ok(render::loose(exchange, 201, form, &review))
}

fn no_host(place: &Place) -> ApiError {
    ApiError::bad_request(format!("pod {} does not have a host assigned", place.name))
}

fn no_endpoints(place: &Place) -> ApiError {
    let message =
        format!("no endpoints available for {} \"{}\"", place.resource.definition.singular, place.name);
    ApiError::new(503, reason::SERVICE_UNAVAILABLE, message, None)
}
