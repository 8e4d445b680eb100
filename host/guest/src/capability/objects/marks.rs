//! Finalizers, owner references and managed fields in what a guest writes; the rules stand in core's `grant::marks`.

use super::{
    super::access::{bad_request, located},
    write::Draft,
};
use crate::instance::State;
use windlass_core::{
    cache::Found,
    call::{ApiError, PatchType, Shape},
    grant::{Access, Edit, Marks, OwnerReference, Refusal},
    name::{Kind, ObjectName, Resource},
};

impl State {
    /// Whether the caller may leave such marks. What the object has now is looked up only where that decides.
    pub(super) async fn permit_marks(
        &mut self,
        resource: &Resource,
        subresource: Option<&str>,
        name: &ObjectName,
        draft: &Draft,
    ) -> Result<(), ApiError> {
        let kind = &resource.kind;
        let marks = match draft {
            Draft::Create(body) | Draft::Update(body) => Marks::of_object(body),
            Draft::Patch(patch_type, body) => Marks::of_patch(*patch_type, body),
        };
        let marks = marks.map_err(|error| {
            bad_request(crate::text::plain(&format!("{} of {kind}: {error}", draft.verb()), 500))
        })?;
        if marks.managed_fields {
            return Err(bad_request(format!(
                "{} of {kind}: metadata.managedFields is the server's; who writes it writes in the name of others. Leave it out",
                draft.verb()
            )));
        }
        self.permit_finalizers(resource, name, draft, &marks).await?;
        self.permit_owners((resource, subresource), name, draft, &marks).await
    }

    async fn permit_finalizers(
        &mut self,
        resource: &Resource,
        name: &ObjectName,
        draft: &Draft,
        marks: &Marks,
    ) -> Result<(), ApiError> {
        let replaces = matches!(marks.finalizers, Edit::Becomes(_)) && !matches!(draft, Draft::Create(_));
        let now = if replaces {
            let version = marks.resource_version.as_deref().filter(|version| !version.is_empty());
            let Some(version) = version else {
                return Err(bad_request(format!(
                    "patch of {}: it replaces the whole list of finalizers; say metadata.resourceVersion, so that nobody else's goes by mistake",
                    resource.kind
                )));
            };
            match self.marks_of(&resource.kind, name, Some(version)).await? {
                Some(now) if now.resource_version.as_deref() == Some(version) => now,
                // Gone or another version by now: the server refuses the write.
                _ => return Ok(()),
            }
        } else {
            Marks::default()
        };
        let listed = match &now.finalizers {
            Edit::Becomes(list) => &list[..],
            _ => &[],
        };
        let touched = marks.finalizers_touched(listed);
        let foreign = self.by_grant(|rights| {
            touched.into_iter().find(|one| !rights.may_finalize(one, name.namespace.as_deref()))
        });
        match foreign {
            None => Ok(()),
            Some(finalizer) => {
                Err(self.refuse(Refusal::finalizer(self.caller.module(), resource, name, finalizer)))
            }
        }
    }

    async fn permit_owners(
        &mut self,
        (resource, subresource): (&Resource, Option<&str>),
        name: &ObjectName,
        draft: &Draft,
        marks: &Marks,
    ) -> Result<(), ApiError> {
        if marks.owners == Edit::None {
            return Ok(());
        }
        let delete = Access { subresource, name: Some(&name.name), ..located("delete", resource, name)? };
        let mut blocking = Vec::new();
        for owner in marks.owners_set().iter().filter(|owner| owner.block_owner_deletion == Some(true)) {
            blocking.push((owner, self.owner_resource(owner).await?));
        }
        let creates = matches!(draft, Draft::Create(_));
        let free = |(owner, resource): &(&OwnerReference, Resource)| {
            finalizers_of(owner, resource, name).is_some_and(|access| self.may(&access))
        };
        if (creates || self.may(&delete)) && blocking.iter().all(free) {
            return Ok(());
        }
        let now = if creates { None } else { self.marks_of(&resource.kind, name, None).await? };
        let listed = now.as_ref().map_or(&[][..], Marks::owners_set);
        if now.is_some() {
            if !marks.owners_change(listed) {
                return Ok(());
            }
            self.check(&delete)?;
        }
        for (owner, of) in &blocking {
            let blocks =
                |known: &OwnerReference| known.uid == owner.uid && known.block_owner_deletion == Some(true);
            if listed.iter().any(blocks) {
                continue;
            }
            match finalizers_of(owner, of, name) {
                Some(access) => self.check(&access)?,
                None => {
                    return Err(bad_request(format!(
                        "an owner in a namespace cannot own the cluster-scoped {} {}",
                        resource.kind, name.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// Where an owner's kind is served. One that is not known cannot be checked, and is refused as the server does.
    async fn owner_resource(&self, owner: &OwnerReference) -> Result<Resource, ApiError> {
        self.resolve(&Kind::new(&owner.api_version, &owner.kind)).await
    }

    /// The marks of an object as it is: of the version that is asked for if the cache has it, else as the server has it.
    async fn marks_of(
        &mut self,
        kind: &Kind,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<Option<Marks>, ApiError> {
        let parse = |json: &str| Marks::of_object(json).map_err(|error| bad_request(error.to_string()));
        match self.host.cache().find(kind, name, Shape::Metadata) {
            Found::Object(object) if version.is_none_or(|version| version == object.resource_version()) => {
                return parse(object.json()).map(Some);
            }
            Found::Absent if version.is_none() => return Ok(None),
            _ => {}
        }
        let live = self.get_one((kind.clone(), name.clone()), None, Shape::Metadata, false).await?;
        live.as_deref().map(parse).transpose()
    }
}

/// `update` of an owner's finalizers. None: a namespaced owner of a cluster-scoped object, which there cannot be.
fn finalizers_of<'a>(
    owner: &'a OwnerReference,
    resource: &'a Resource,
    object: &'a ObjectName,
) -> Option<Access<'a>> {
    let namespace = if resource.namespaced { Some(object.namespace.as_deref()?) } else { None };
    Some(Access {
        subresource: Some("finalizers"),
        namespace,
        name: Some(&owner.name),
        ..Access::of("update", resource)
    })
}

impl Draft {
    fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Patch(PatchType::Apply, _) => "apply",
            Self::Patch(..) => "patch",
        }
    }
}
