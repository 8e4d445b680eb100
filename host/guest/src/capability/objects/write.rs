//! Writes: checked, in the module's own name, and only in a reconcile.

use super::{
    super::{
        access::{bad_request, located},
        convert::given,
    },
    unfit,
};
use crate::{
    bindings::windlass::controller::{
        objects::{self, Written},
        types,
    },
    host::Activity,
    instance::State,
    limits::Bound,
};
use serde::Deserialize;
use std::borrow::Cow;
use windlass_core::{
    call::{Action, ApiError, Call, DeleteOptions, PatchType, Reply, Shape, WriteOptions},
    grant::Access,
    name::{Kind, ObjectName, Resource},
};

/// What a guest wants to write.
pub(super) enum Draft {
    Create(String),
    Update(String),
    Patch(PatchType, String),
}

/// What of a body decides whether and where it may be written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    generate_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
}

impl State {
    pub(super) async fn write(
        &mut self,
        kind: types::Kind,
        name: types::ObjectName,
        options: objects::WriteOptions,
        draft: Draft,
    ) -> Result<Written, ApiError> {
        let (kind, mut name) = (Kind::from(kind), ObjectName::from(name));
        let subresource = given(options.subresource);
        self.may_write()?;
        let (verb, body) = draft.verb_and_body();
        self.fits(verb, body)?;
        let resource = self.resolve(&kind).await?;
        if let Draft::Update(body) = &draft {
            versioned(&kind, body)?;
        }
        let posts = verb == "create" && subresource.is_none();
        if posts {
            let prefix;
            (name, prefix) = named(&kind, name, body)?;
            self.permit_new(&resource, &ObjectName { name: prefix.into(), ..name.clone() })?;
        } else if name.name.is_empty() {
            return Err(bad_request(format!("{verb} of {kind}: the name is empty")));
        } else {
            self.permit(verb, &resource, subresource.as_deref(), &name)?;
        }
        // What is posted to a subresource, and a Scale, is no form of the object: its metadata changes nothing.
        if !(verb == "create" && subresource.is_some()) && subresource.as_deref() != Some("scale") {
            self.permit_marks(&resource, subresource.as_deref(), &name, &draft).await?;
        }
        let draft = self.without_creating(&resource, subresource.as_deref(), &name, draft).await?;
        let write =
            WriteOptions { field_manager: self.caller.terms.field_manager.clone(), dry_run: options.dry_run };
        let action = match draft {
            Draft::Create(body) => Action::Create { name, body, write },
            Draft::Update(body) => Action::Update { name, body, write },
            Draft::Patch(patch_type, body) => {
                let force = options.force && patch_type == PatchType::Apply;
                Action::Patch { name, patch_type, body, force, write }
            }
        };
        match self.call(Call { kind, subresource, action }).await? {
            Reply::Written { object, warnings } => self.written(object.json(), warnings),
            other => Err(unfit(&other)),
        }
    }

    pub(super) async fn delete_checked(
        &mut self,
        kind: Kind,
        name: ObjectName,
        options: objects::DeleteOptions,
    ) -> Result<bool, ApiError> {
        self.may_write()?;
        let resource = self.resolve(&kind).await?;
        if name.name.is_empty() {
            return Err(bad_request(format!("delete of {kind}: the name is empty")));
        }
        self.permit("delete", &resource, None, &name)?;
        let options = DeleteOptions {
            propagation: options.propagation.map(Into::into),
            uid: given(options.uid),
            resource_version: given(options.resource_version),
            grace_period_seconds: options.grace_period_seconds,
            dry_run: options.dry_run,
        };
        let action = Action::Delete { name, options };
        match self.call(Call { kind, subresource: None, action }).await? {
            Reply::Deleted { gone, .. } => Ok(gone),
            other => Err(unfit(&other)),
        }
    }

    /// What a write led to. Its answer is larger than what was sent by no more than the server's own fields, so this
    /// bound is reached only where the operator gave answers less room than bodies.
    fn written(&mut self, object: &str, warnings: Vec<String>) -> Result<Written, ApiError> {
        if object.len() <= self.limits().size(Bound::Reply) {
            return Ok(Written { object: object.to_owned(), warnings });
        }
        let error = self.reply_too_large(object.len());
        Err(ApiError { message: format!("the write was made; {}", error.message), ..error })
    }

    /// An apply creates what is not there, and so does an update of some kinds. Where the caller is not granted that, the
    /// write is bound to the uid of an object that is there: the server takes it for that one or not at all.
    async fn without_creating(
        &mut self,
        resource: &Resource,
        subresource: Option<&str>,
        name: &ObjectName,
        draft: Draft,
    ) -> Result<Draft, ApiError> {
        let (verb, body) = draft.verb_and_body();
        let access = Access { subresource, name: Some(&name.name), ..located("create", resource, name)? };
        let may_create = matches!(draft, Draft::Update(_) | Draft::Patch(PatchType::Apply, _));
        if !may_create || self.may(&access) {
            return Ok(draft);
        }
        let kind = &resource.kind;
        let bound_already = envelope(verb, kind, body)?.metadata.uid.is_some_and(|uid| !uid.is_empty());
        if bound_already {
            return Ok(draft);
        }
        if matches!(draft, Draft::Update(_)) {
            return Err(bad_request(format!(
                "update of {kind}: metadata.uid is missing, and create is not granted; send the object as it was read"
            )));
        }
        let there = self.get_one((kind.clone(), name.clone()), None, Shape::Metadata, true).await?;
        let uid = there.as_deref().map(|there| envelope("get", kind, there)).transpose()?;
        match uid.and_then(|there| there.metadata.uid.map(Cow::into_owned)) {
            Some(uid) => Ok(Draft::Patch(PatchType::Apply, bound(kind, body, &uid)?)),
            None => {
                self.check(&access)?;
                Err(bad_request(format!("patch of {kind}: what it is of went while it was looked at")))
            }
        }
    }

    fn may_write(&self) -> Result<(), ApiError> {
        match self.caller.activity {
            Activity::Reconcile { .. } => Ok(()),
            Activity::Describe => Err(bad_request("`describe` may read the settings and nothing else")),
            Activity::Targets { .. } => Err(bad_request("`targets` may read and not write")),
        }
    }

    fn fits(&mut self, verb: &str, body: &str) -> Result<(), ApiError> {
        let bytes = body.len();
        if bytes <= self.limits().size(Bound::Payload) {
            return Ok(());
        }
        self.reach(Bound::Payload, 1);
        let hint = self.limits().hint(Bound::Payload);
        let message = format!("{verb}: the body has {bytes} bytes, nothing was sent; {hint}");
        Err(ApiError::host("TooLarge", message))
    }
}

impl Draft {
    fn verb_and_body(&self) -> (&'static str, &str) {
        match self {
            Self::Create(body) => ("create", body),
            Self::Update(body) => ("update", body),
            Self::Patch(_, body) => ("patch", body),
        }
    }
}

/// The body of an apply, for the object of this uid only.
fn bound(kind: &Kind, body: &str, uid: &str) -> Result<String, ApiError> {
    let no_object = |error: serde_json::Error| {
        bad_request(format!("patch of {kind}: the body is no object with metadata: {error}"))
    };
    let mut body: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(body).map_err(no_object)?;
    let metadata =
        body.entry("metadata").or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
    if let serde_json::Value::Object(metadata) = metadata {
        metadata.insert("uid".to_owned(), uid.into());
    }
    serde_json::to_string(&body).map_err(no_object)
}

/// The name of an object to be made: that of the call, or that in its body; and that or the beginning of it. Name and namespace in a body that differ
/// from the call's would let a guest create what was not checked; the server refuses them, and so does the host.
fn named(kind: &Kind, name: ObjectName, body: &str) -> Result<(ObjectName, String), ApiError> {
    let metadata = envelope("create", kind, body)?.metadata;
    let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).and_then(|text| given(Some(text)));
    let (in_body, generated) = (own(metadata.name), own(metadata.generate_name));
    let namespace_in_body = own(metadata.namespace);
    if let Some(inner) = &namespace_in_body
        && name.namespace.as_deref() != Some(inner)
    {
        let said = name.namespace.as_deref().unwrap_or("none");
        let message =
            format!("create of {kind}: the body says namespace `{inner}` and the call says `{said}`");
        return Err(bad_request(crate::text::plain(&message, 500)));
    }
    match in_body {
        Some(inner) if name.name.is_empty() => Ok((ObjectName { name: (&*inner).into(), ..name }, inner)),
        Some(inner) if *name.name != *inner => {
            let message =
                format!("create of {kind}: the body says name `{inner}` and the call says `{}`", name.name);
            Err(bad_request(crate::text::plain(&message, 500)))
        }
        None if name.name.is_empty() && generated.is_none() => Err(bad_request(format!(
            "create of {kind}: neither the call nor the body gives a name or generateName"
        ))),
        _ if name.name.is_empty() => Ok((name, generated.unwrap_or_default())),
        _ => {
            let full = name.name.to_string();
            Ok((name, full))
        }
    }
}

/// Replacing without a version would overwrite what somebody else changed meanwhile.
fn versioned(kind: &Kind, body: &str) -> Result<(), ApiError> {
    let version = envelope("update", kind, body)?.metadata.resource_version;
    if version.is_some_and(|version| !version.is_empty()) {
        return Ok(());
    }
    Err(bad_request(format!(
        "update of {kind}: metadata.resourceVersion is missing; send the object as it was read, or use a patch"
    )))
}

fn envelope<'a>(verb: &str, kind: &Kind, body: &'a str) -> Result<Envelope<'a>, ApiError> {
    serde_json::from_str(body)
        .map_err(|error| bad_request(format!("{verb} of {kind}: the body is no object: {error}")))
}
