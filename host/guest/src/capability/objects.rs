//! `objects`: reads and writes of the cluster.

mod follow;
mod list;
mod marks;
pub(crate) mod partial;
mod write;

use super::{access::bad_request, convert::given};
use crate::{
    bindings::windlass::controller::{
        objects::{
            self, Consistency, DeleteOptions, Page, PatchType, Query, ReadOptions, WriteOptions, Written,
        },
        types,
    },
    host::Activity,
    instance::State,
    limits::Bound,
};
use windlass_core::{
    cache::Found,
    call::{Action, ApiError, Call, Reply, Shape},
    name::{Kind, ObjectName},
    subscription::{Subscribed, Subscription},
};
use write::Draft;

/// What the engine and the guest see of an answer.
type Answered<T> = wasmtime::Result<Result<T, types::ApiError>>;

impl objects::Host for State {
    async fn get(
        &mut self,
        kind: types::Kind,
        name: types::ObjectName,
        options: ReadOptions,
    ) -> Answered<Option<String>> {
        self.count_call("objects.get")?;
        let answer = self.get_checked(kind.into(), name.into(), options).await;
        Ok(self.answered(answer).map_err(Into::into))
    }

    async fn list(&mut self, kind: types::Kind, query: Query, options: ReadOptions) -> Answered<Page> {
        self.count_call("objects.list")?;
        let answer = self.list_checked(kind.into(), query, options).await;
        Ok(self.answered(answer?).map_err(Into::into))
    }

    async fn create(
        &mut self,
        kind: types::Kind,
        name: types::ObjectName,
        object: String,
        options: WriteOptions,
    ) -> Answered<Written> {
        self.count_call("objects.create")?;
        let answer = self.write(kind, name, options, Draft::Create(object)).await;
        Ok(self.answered(answer).map_err(Into::into))
    }

    async fn update(
        &mut self,
        kind: types::Kind,
        name: types::ObjectName,
        object: String,
        options: WriteOptions,
    ) -> Answered<Written> {
        self.count_call("objects.update")?;
        let answer = self.write(kind, name, options, Draft::Update(object)).await;
        Ok(self.answered(answer).map_err(Into::into))
    }

    async fn patch(
        &mut self,
        kind: types::Kind,
        name: types::ObjectName,
        patch_type: PatchType,
        body: String,
        options: WriteOptions,
    ) -> Answered<Written> {
        self.count_call("objects.patch")?;
        let answer = self.write(kind, name, options, Draft::Patch(patch_type.into(), body)).await;
        Ok(self.answered(answer).map_err(Into::into))
    }

    async fn delete(
        &mut self,
        kind: types::Kind,
        name: types::ObjectName,
        options: DeleteOptions,
    ) -> Answered<bool> {
        self.count_call("objects.delete")?;
        let answer = self.delete_checked(kind.into(), name.into(), options).await;
        Ok(self.answered(answer).map_err(Into::into))
    }
}

impl State {
    async fn get_checked(
        &mut self,
        kind: Kind,
        name: ObjectName,
        options: ReadOptions,
    ) -> Result<Option<String>, ApiError> {
        self.may_read()?;
        let resource = self.resolve(&kind).await?;
        let subresource = given(options.subresource);
        if name.name.is_empty() {
            return Err(bad_request(format!("get of {kind}: the name is empty")));
        }
        self.permit("get", &resource, subresource.as_deref(), &name)?;
        let shape = options.shape.into();
        let starting = if options.subscribe {
            self.permit("watch", &resource, None, &name)?;
            let what = Subscribed::One(name.clone());
            self.subscribe(Subscription { resource, what, shape }).await?
        } else {
            None
        };
        let cached = options.consistency == Consistency::Cached;
        let answer = self.get_one((kind, name.clone()), subresource, shape, cached).await;
        if let Some(id) = starting {
            let seen = answer.as_ref().ok().and_then(|object| follow::seen_one(&name, object.as_deref()));
            self.host.seen(&self.caller, id, seen).await;
        }
        answer
    }

    async fn get_one(
        &mut self,
        (kind, name): (Kind, ObjectName),
        subresource: Option<String>,
        shape: Shape,
        cached: bool,
    ) -> Result<Option<String>, ApiError> {
        if cached && subresource.is_none() {
            match self.host.cache().find(&kind, &name, shape) {
                Found::Object(object) => {
                    self.tally.cached_reads += 1;
                    let text = partial::shaped(&object, shape)?;
                    return self.handed_over(text).map(Some);
                }
                Found::Absent => {
                    self.tally.cached_reads += 1;
                    return Ok(None);
                }
                Found::Unknown => self.tally.cache_misses += 1,
            }
        }
        self.tally.server_reads += 1;
        match self.call(Call { kind, subresource, action: Action::Get { name, shape } }).await? {
            Reply::Object(object) => object.map(|object| self.handed_over(object)).transpose(),
            other => Err(unfit(&other)),
        }
    }

    /// Hands a checked call to the host.
    async fn call(&self, call: Call) -> Result<Reply, ApiError> {
        self.host.call(&self.caller, call).await
    }

    fn may_read(&self) -> Result<(), ApiError> {
        match self.caller.activity {
            Activity::Describe => Err(bad_request("`describe` may read the settings and nothing else")),
            Activity::Reconcile { .. } | Activity::Targets { .. } => Ok(()),
        }
    }

    /// An answer of one object, unless it is too large to be handed over.
    fn handed_over(&mut self, object: String) -> Result<String, ApiError> {
        if object.len() <= self.limits().size(Bound::Reply) {
            return Ok(object);
        }
        Err(self.reply_too_large(object.len()))
    }

    fn reply_too_large(&mut self, bytes: usize) -> ApiError {
        self.reach(Bound::Reply, 1);
        let hint = self.limits().hint(Bound::Reply);
        ApiError::host("TooLarge", format!("the answer has {bytes} bytes, ask for less; {hint}"))
    }
}

/// The host answered another question than it was asked: a fault of the host, which must not become the guest's.
fn unfit(reply: &Reply) -> ApiError {
    let what = match reply {
        Reply::Object(_) => "an object",
        Reply::Page(_) => "a page",
        Reply::Written { .. } => "a written object",
        Reply::Deleted { .. } => "a deletion",
    };
    ApiError::host("InternalError", format!("the host answered with {what}, which was not asked for"))
}

#[cfg(test)]
mod tests;
