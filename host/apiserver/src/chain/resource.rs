//! The verbs of a resource, the same for built-in and custom ones.

use std::sync::Arc;
use std::time::Duration;

use super::answer::{self, Response};
use super::render::Form;
use super::{Exchange, read_body, render, reviews, stream};
use crate::catalog::Resource;
use crate::query::{ListOptions, WriteOptions};
use crate::registry::{
    DeleteOptions, Deleted, PatchKind, Place, Registry, Written, parse_version, scale_of, too_large_version,
};
use crate::resource::ResourceDefinition;
use crate::status::ApiError;
use crate::store::Stored;

/// How long a read waits for a version that has not come yet.
const FRESH_TIMEOUT: Duration = Duration::from_secs(3);
/// How often it looks: any write of any resource may bring it, and there is no one signal for all.
const FRESH_POLL: Duration = Duration::from_millis(20);

/// Serves a request for a resource.
pub(super) async fn serve(registry: &Registry, exchange: &Exchange, resource: &Arc<Resource>) -> Response {
    let request = Request { registry, exchange, resource };
    match request.serve().await {
        Ok(mut response) => {
            let custom = resource.definition.custom().and_then(|custom| custom.deprecation_warning.clone());
            if let Some(warning) = custom.or_else(|| deprecated(&resource.definition).map(str::to_owned)) {
                answer::warn(&mut response, &[warning]);
            }
            response
        }
        Err(error) => render::failure(exchange, resource, &error),
    }
}

/// What the server says of built-in kinds that have a better one.
fn deprecated(definition: &ResourceDefinition) -> Option<&'static str> {
    match (&*definition.group, &*definition.plural) {
        ("", "endpoints") => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        }
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

struct Request<'a> {
    registry: &'a Registry,
    exchange: &'a Exchange,
    resource: &'a Arc<Resource>,
}

impl Request<'_> {
    async fn serve(&self) -> Result<Response, ApiError> {
        let info = &self.exchange.info;
        let place = self.place()?;
        self.check_verb(&place)?;
        let form = match render::form(self.exchange, self.resource) {
            Ok(form) => form,
            Err(error) => return Ok(render::refusal(self.exchange, self.resource, &error)),
        };
        match (info.verb, &*info.subresource) {
            ("get", "scale") => {
                let held = self.shown(&self.registry.get(&place)?).await?;
                let scale = scale_of(self.resource, &self.resource.read(&held));
                Ok(render::loose(self.exchange, 200, form, &scale))
            }
            ("update" | "patch", "scale") => self.write_scale(&place, form).await,
            ("update", "finalize") => {
                let options = self.write_options("UpdateOptions")?;
                let body = read_body::object(self.exchange, self.resource)?;
                let written = self.registry.finalize_namespace(&place, body, &options).await?;
                self.written(form, &written).await
            }
            ("get", _) => {
                self.reach_version(self.exchange.query.get("resourceVersion")).await?;
                let held = self.shown(&self.registry.get(&place)?).await?;
                Ok(render::object(self.exchange, 200, form, self.resource, &held))
            }
            ("list", _) => self.list(&place, form).await,
            ("watch", _) => self.watch(&place, form).await,
            ("create", _) => self.create(&place, form).await,
            ("update", _) => self.update(&place, form).await,
            ("patch", _) => self.patch(&place, form).await,
            ("delete", _) => self.delete(&place, form).await,
            ("deletecollection", _) => self.delete_collection(&place, form).await,
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    fn place(&self) -> Result<Place, ApiError> {
        let info = &self.exchange.info;
        let definition = &self.resource.definition;
        let namespace = if definition.namespaced { &*info.namespace } else { "" };
        if !definition.namespaced && !info.namespace.is_empty() && definition.plural != "namespaces" {
            return Err(ApiError::no_such_resource());
        }
        let name = if matches!(info.verb, "list" | "watch") && self.exchange.query.has("fieldSelector") {
            ""
        } else {
            &*info.name
        };
        let mut place = Place::new(self.resource, namespace, name);
        place.subresource.clone_from(&info.subresource);
        Ok(place)
    }

    /// 404 for subresources that do not exist, 405 for verbs that are not offered.
    fn check_verb(&self, place: &Place) -> Result<(), ApiError> {
        let info = &self.exchange.info;
        let definition = &self.resource.definition;
        let named = !info.name.is_empty();
        let needs_name = matches!(info.verb, "get" | "update" | "patch" | "delete");
        if !info.subresource.is_empty() {
            let Some(subresource) = definition.subresource(&info.subresource) else {
                return Err(match definition.custom() {
                    Some(_) => ApiError::not_found(place.resource_name(), &place.name),
                    None => ApiError::no_such_resource(),
                });
            };
            let offered = subresource.verbs.iter().any(|verb| verb == info.verb);
            return if offered && info.rest == 0 { Ok(()) } else { Err(ApiError::method_not_allowed()) };
        }
        let unnamed_create = info.verb != "create" || !named;
        let namespaced =
            !definition.namespaced || !info.namespace.is_empty() || matches!(info.verb, "list" | "watch");
        if named && !namespaced && needs_name {
            return Err(ApiError::no_such_resource());
        }
        let offered = definition.offers(info.verb) && unnamed_create && (named || !needs_name) && namespaced;
        if offered { Ok(()) } else { Err(ApiError::method_not_allowed()) }
    }

    fn write_options(&self, kind: &str) -> Result<WriteOptions, ApiError> {
        let mut options = WriteOptions::parse(&self.exchange.query, kind)?;
        let apply = read_body::media_type(self.exchange) == "application/apply-patch+yaml";
        if options.field_manager.is_empty() && !apply {
            options.field_manager = self.exchange.default_manager();
        }
        Ok(options)
    }

    /// An object of the store as this version has it.
    async fn shown(&self, stored: &Arc<Stored>) -> Result<Arc<Stored>, ApiError> {
        self.registry.in_version(self.resource, stored).await
    }

    async fn written(&self, form: Form, written: &Written) -> Result<Response, ApiError> {
        let code = if written.created { 201 } else { 200 };
        let object = self.shown(&written.object).await?;
        let mut response = render::object(self.exchange, code, form, self.resource, &object);
        answer::warn(&mut response, &written.warnings);
        Ok(response)
    }

    /// Waits until the store has come to a version, for so long as the real server does.
    async fn reach_version(&self, asked: &str) -> Result<(), ApiError> {
        let store = self.registry.store();
        let Some(asked) = parse_version(asked)? else { return Ok(()) };
        let reached = async {
            while store.version() < asked {
                tokio::time::sleep(FRESH_POLL).await;
            }
        };
        let waited = tokio::time::timeout(FRESH_TIMEOUT, reached).await;
        waited.map_err(|_| too_large_version(asked, store.version()))
    }

    async fn list(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let options = ListOptions::parse(&self.exchange.query)?;
        options.check(false)?;
        if options.continue_token.is_empty() {
            self.reach_version(&options.resource_version).await?;
        }
        let list = self.registry.list_in_version(self.registry.list(place, &options)?).await?;
        Ok(render::list(self.exchange, form, list))
    }

    async fn watch(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let mut options = ListOptions::parse(&self.exchange.query)?;
        options.check(true)?;
        if options.initial_events == Some(true) {
            self.reach_version(&options.resource_version).await?;
        }
        if !place.name.is_empty() {
            // The old path of a watch on one object.
            options.field_selector = format!("metadata.name={}", place.name);
        }
        match self.registry.watch(place, &options) {
            Ok(watch) => {
                Ok(stream::respond(self.exchange, self.registry, (form, self.resource), watch, &options))
            }
            Err(error) if error.code() == 410 => Ok(stream::refuse(form, &error)),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let mut options = self.write_options("CreateOptions")?;
        options.requester = reviews::user_info(&self.exchange.user);
        let body = read_body::object(self.exchange, self.resource)?;
        if let Some(review) = reviews::answer(self.exchange, self.resource, &body) {
            let review = reviews::with_status(self.registry.own_created(place, review.0, &options), review.1);
            return Ok(render::loose(self.exchange, 201, form, &review));
        }
        let written = self.registry.create(place, body, &options).await?;
        self.written(form, &written).await
    }

    async fn update(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let options = self.write_options("UpdateOptions")?;
        let body = read_body::object(self.exchange, self.resource)?;
        let written = self.registry.update(place, body, &options).await?;
        self.written(form, &written).await
    }

    fn patch_kind(&self) -> Result<PatchKind, ApiError> {
        let custom = self.resource.definition.custom().is_some();
        PatchKind::of(self.exchange.header("content-type"), custom)
    }

    async fn patch(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let kind = self.patch_kind()?;
        let options = self.write_options("PatchOptions")?;
        let patch = read_body::patch(self.exchange)?;
        let written = self.registry.patch(place, kind, patch, &options).await?;
        self.written(form, &written).await
    }

    async fn write_scale(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let written = if self.exchange.info.verb == "update" {
            let options = self.write_options("UpdateOptions")?;
            let body = read_body::object(self.exchange, self.resource)?;
            self.registry.put_scale(place, body, &options).await?
        } else {
            let options = self.write_options("PatchOptions")?;
            let patch = read_body::patch(self.exchange)?;
            self.registry.patch_scale(place, self.patch_kind()?, &patch, &options).await?
        };
        let object = self.shown(&written.object).await?;
        Ok(render::loose(self.exchange, 200, form, &scale_of(self.resource, &self.resource.read(&object))))
    }

    async fn delete(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let body = read_body::options(self.exchange)?;
        let options = DeleteOptions::parse(&self.exchange.query, body.as_ref().map(|body| &body.value))?;
        Ok(match self.registry.delete(place, &options).await? {
            Deleted::Gone(status) => answer::status_as(&status, 200, form.format, form.pretty),
            Deleted::Object(object) => {
                let object = self.shown(&object).await?;
                render::object(self.exchange, 200, form, self.resource, &object)
            }
        })
    }

    async fn delete_collection(&self, place: &Place, form: Form) -> Result<Response, ApiError> {
        let body = read_body::options(self.exchange)?;
        let options = DeleteOptions::parse(&self.exchange.query, body.as_ref().map(|body| &body.value))?;
        let mut list = ListOptions::parse(&self.exchange.query)?;
        list.limit = 0;
        let deleted = self.registry.delete_collection(place, &list, &options).await?;
        Ok(render::list(self.exchange, form, self.registry.list_in_version(deleted).await?))
    }
}
