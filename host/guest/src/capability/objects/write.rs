//! Writes: checked, in the module's own name, and only in a reconcile.

use super::{
    super::{access::bad_request, convert::given},
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
    call::{Action, ApiError, Call, DeleteOptions, PatchType, Reply, WriteOptions},
    name::{Kind, ObjectName},
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
        match &draft {
            Draft::Create(body) if subresource.is_none() => name = named(&kind, name, body)?,
            Draft::Update(body) => versioned(&kind, body)?,
            _ => {}
        }
        if name.name.is_empty() && !(verb == "create" && subresource.is_none()) {
            return Err(bad_request(format!("{verb} of {kind}: the name is empty")));
        }
        self.permit(verb, &resource, subresource.as_deref(), &name)?;
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

/// The name of an object to be made: that of the call, or that in its body. Name and namespace in a body that differ
/// from the call's would let a guest create what was not checked; the server refuses them, and so does the host.
fn named(kind: &Kind, name: ObjectName, body: &str) -> Result<ObjectName, ApiError> {
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
        Some(inner) if name.name.is_empty() => Ok(ObjectName { name: inner.into(), ..name }),
        Some(inner) if *name.name != *inner => {
            let message =
                format!("create of {kind}: the body says name `{inner}` and the call says `{}`", name.name);
            Err(bad_request(crate::text::plain(&message, 500)))
        }
        None if name.name.is_empty() && generated.is_none() => Err(bad_request(format!(
            "create of {kind}: neither the call nor the body gives a name or generateName"
        ))),
        _ => Ok(name),
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
