//! Lists: from the cache where it covers the question, else from the server in pages.

use super::{
    super::{access::bad_request, convert::given},
    follow, partial, unfit,
};
use crate::{
    bindings::windlass::controller::objects::{self, Consistency, Page, ReadOptions},
    instance::{Breach, State},
    limits::Bound,
};
use std::sync::Arc;
use windlass_core::{
    cache::{self, Namespaces, Question},
    call::{Action, ApiError, Call, ListQuery, Reply, Shape},
    description::Selection,
    field_path::FieldPath,
    field_selector::FieldSelector,
    grant::is_secret,
    name::{Kind, NameRef, ObjectName, Resource},
    object::Object,
    selector::Selector,
    subscription::{Subscribed, Subscription},
};

/// A page without a limit of its own ends when its objects have so many bytes.
const PAGE_BYTES: usize = 4 << 20;
/// Objects that the server is asked for at a time, as client-go does.
const CHUNK: u32 = 500;
/// How tokens of this host begin; the server's are opaque and are handed through.
const TOKEN: &str = "windlass/";

/// What a list asks for, parsed.
struct Wanted {
    resource: Resource,
    namespaces: Namespaces,
    labels: Option<String>,
    fields: Option<String>,
    limit: Option<u32>,
    shape: Shape,
    from: Place,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// At the beginning.
    Start,
    /// In the cache, after this object.
    Cached(ObjectName),
    /// At the server, at this place of its own.
    Server(String),
    /// At the server, in this one of several namespaces, at its place if it was begun.
    Namespace(Arc<str>, Option<String>),
}

impl State {
    /// The outer error ends the run (too many calls), the inner one is the guest's.
    pub(super) async fn list_checked(
        &mut self,
        kind: Kind,
        query: objects::Query,
        options: ReadOptions,
    ) -> Result<Result<Page, ApiError>, Breach> {
        let (wanted, question) = match self.plan(kind, query, &options).await {
            Ok(planned) => planned,
            Err(error) => return Ok(Err(error)),
        };
        let starting = if options.subscribe {
            match self.subscribe(wanted.subscription(&question)).await {
                Ok(starting) => starting,
                Err(error) => return Ok(Err(error)),
            }
        } else {
            None
        };
        let whole = wanted.from == Place::Start && question.owner_uid.is_none() && question.index.is_none();
        let answer = self.read_list(wanted, question, options.consistency).await?;
        if let Some(id) = starting {
            // A part of what is followed cannot be held against all of it.
            let all = answer.as_ref().ok().filter(|page| whole && page.continue_token.is_none());
            let seen = all.and_then(|page| follow::seen_all(&page.items));
            self.host.seen(&self.caller, id, seen).await;
        }
        Ok(answer)
    }

    async fn read_list(
        &mut self,
        wanted: Wanted,
        question: cache::Query,
        consistency: Consistency,
    ) -> Result<Result<Page, ApiError>, Breach> {
        let from_cache = consistency == Consistency::Cached
            && !matches!(wanted.from, Place::Server(_) | Place::Namespace(..));
        if from_cache && let Some(found) = self.host.cache().list(&wanted.resource.kind, &question) {
            self.tally.cached_reads += 1;
            return Ok(self.cached_page(&wanted, found));
        }
        let passing = from_cache && self.host.cache().covers(&wanted.resource.kind, &question.question);
        if let Err(error) = server_can(&wanted, &question, passing) {
            return Ok(Err(error));
        }
        self.tally.cache_misses += u32::from(from_cache);
        self.tally.server_reads += 1;
        self.server_page(wanted).await
    }

    /// Checks and parses.
    async fn plan(
        &mut self,
        kind: Kind,
        query: objects::Query,
        options: &ReadOptions,
    ) -> Result<(Wanted, cache::Query), ApiError> {
        self.may_read()?;
        let resource = self.resolve(&kind).await?;
        if options.subresource.as_ref().is_some_and(|text| !text.is_empty()) {
            return Err(bad_request(format!("list of {kind}: a list has no subresource")));
        }
        let namespace: Option<Arc<str>> = given(query.namespace).map(Into::into);
        let shape = options.shape.into();
        let namespaces = self.permit_list(&resource, shape, namespace.as_ref())?;
        if options.subscribe {
            self.permit_following(&resource, &namespaces)?;
        }
        let labels = given(query.label_selector);
        let selector = labels.as_deref().map(Selector::parse).transpose();
        let selector = selector.map_err(|error| bad_request(format!("list of {kind}: {error}")))?;
        let fields = given(query.field_selector);
        if let Some(Err(error)) = fields.as_deref().map(FieldSelector::parse) {
            return Err(bad_request(format!("list of {kind}: {error}")));
        }
        let index = query.index.map(|wanted| self.index(&kind, wanted)).transpose()?;
        let from = Place::parse(given(query.continue_token));
        let wanted = Wanted {
            namespaces,
            labels,
            fields,
            limit: query.limit.filter(|limit| *limit > 0),
            shape,
            from,
            resource,
        };
        let question = wanted.question(selector, given(query.owner_uid), index);
        Ok((wanted, question))
    }

    /// Where the caller may list. The contents of Secrets take `get` as well: who may only list and watch them gets to
    /// know that they are there, and which version.
    fn permit_list(
        &self,
        resource: &Resource,
        shape: Shape,
        namespace: Option<&Arc<str>>,
    ) -> Result<Namespaces, ApiError> {
        let listed = self.permit_many("list", resource, namespace)?;
        if shape == Shape::Metadata || !is_secret(resource.kind.group(), &resource.plural) {
            return Ok(listed);
        }
        let both = match (listed, self.permit_many("get", resource, namespace)?) {
            (Namespaces::All, other) | (other, Namespaces::All) => other,
            (Namespaces::These(list), Namespaces::These(got)) => {
                Namespaces::These(list.into_iter().filter(|one| got.contains(one)).collect())
            }
        };
        if both.is_empty() {
            return Err(ApiError::host(
                "NotGranted",
                "there is no namespace in which both list and get of secrets are granted; their contents take both",
            ));
        }
        Ok(both)
    }

    /// Whether the caller may watch wherever it lists: following less than was shown would miss changes.
    fn permit_following(&self, resource: &Resource, listed: &Namespaces) -> Result<(), ApiError> {
        match listed {
            Namespaces::All => self.permit_many("watch", resource, None).map(drop),
            Namespaces::These(list) => {
                list.iter().try_for_each(|one| self.permit_many("watch", resource, Some(one)).map(drop))
            }
        }
    }

    fn index(&self, kind: &Kind, wanted: objects::IndexValue) -> Result<(FieldPath, Box<str>), ApiError> {
        let declared = self.caller.terms.indexes.iter().find(|index| *index.name == *wanted.index);
        match declared {
            Some(index) if index.kind == *kind => Ok((index.field.clone(), wanted.value.into())),
            Some(index) => {
                Err(bad_request(format!("index `{}` is of {}, not of {kind}", index.name, index.kind)))
            }
            None => {
                let name = crate::text::plain(&wanted.index, 100);
                Err(bad_request(format!("index `{name}` is not declared in the module's description")))
            }
        }
    }

    fn cached_page(&mut self, wanted: &Wanted, found: Vec<Arc<Object>>) -> Result<Page, ApiError> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        let mut continue_token = None;
        let limit = wanted.limit.map_or(usize::MAX, |limit| limit as usize);
        let items_max = self.limits().size(Bound::ListItems);
        let bytes_max = PAGE_BYTES.min(self.limits().size(Bound::Reply));
        let mut last: Option<NameRef<'_>> = None;
        for object in &found {
            let many = items.len() == items_max;
            self.reach(Bound::ListItems, usize::from(many));
            let full = many || items.len() == limit || bytes + object.json().len() > bytes_max;
            if full && let Some(last) = last {
                continue_token = Some(Place::Cached(last.to_owned()).token());
                break;
            }
            let item = partial::shaped(object, wanted.shape)?;
            bytes += item.len();
            if bytes > self.limits().size(Bound::Reply) {
                return Err(self.reply_too_large(bytes));
            }
            items.push(item);
            last = Some(object.name());
        }
        let resource_version = self.host.cache().version(&wanted.resource.kind).unwrap_or_default().into();
        Ok(Page { items, continue_token, resource_version })
    }

    /// Asks the server namespace by namespace, chunk by chunk, until the page is full. Where the grant names many
    /// namespaces, a page may end early; its token leads on.
    async fn server_page(&mut self, wanted: Wanted) -> Result<Result<Page, ApiError>, Breach> {
        let mut places = match wanted.places() {
            Ok(places) => places,
            Err(error) => return Ok(Err(error)),
        };
        let mut page = Page { items: Vec::new(), continue_token: None, resource_version: String::new() };
        let (mut bytes, mut calls) = (0, 0);
        let items_max = self.limits().size(Bound::ListItems);
        let wanted_items = wanted.limit.map_or(usize::MAX, |limit| limit as usize);
        while let Some((namespace, token)) = places.next() {
            if calls > 0 {
                self.count_call("objects.list")?;
            }
            calls += 1;
            let room = wanted_items.min(items_max) - page.items.len();
            let chunk = match self.chunk(&wanted, namespace, token, room).await {
                Ok(chunk) => chunk,
                Err(error) => return Ok(Err(error)),
            };
            bytes += chunk.items.iter().map(String::len).sum::<usize>();
            if bytes > self.limits().size(Bound::Reply) {
                return Ok(Err(self.reply_too_large(bytes)));
            }
            if page.resource_version.is_empty() {
                page.resource_version = chunk.resource_version;
            }
            page.items.extend(chunk.items);
            places.went(given(chunk.continue_token));
            let full = page.items.len() >= wanted_items;
            let many = page.items.len() >= items_max;
            let spread = calls >= self.limits().size(Bound::NamespacesPerList);
            if full || many || spread || bytes >= PAGE_BYTES {
                // What ends with the last object leaves nothing out.
                let more = places.has_more() && !full;
                self.reach(Bound::ListItems, usize::from(more && many));
                self.reach(Bound::NamespacesPerList, usize::from(more && spread && !many));
                break;
            }
        }
        page.continue_token = places.token();
        Ok(Ok(page))
    }

    async fn chunk(
        &self,
        wanted: &Wanted,
        namespace: Option<Arc<str>>,
        continue_token: Option<String>,
        room: usize,
    ) -> Result<windlass_core::call::Page, ApiError> {
        let query = ListQuery {
            namespace,
            labels: wanted.labels.clone(),
            fields: wanted.fields.clone(),
            limit: Some(u32::try_from(room).unwrap_or(CHUNK).min(CHUNK)),
            continue_token,
        };
        let action = Action::List { query, shape: wanted.shape };
        match self.call(Call { kind: wanted.resource.kind.clone(), subresource: None, action }).await? {
            Reply::Page(page) => Ok(page),
            other => Err(unfit(&other)),
        }
    }
}

/// The server knows neither owners nor indexes, nor places in the cache. `passing`: the cache would answer but for a
/// write of which only the server knows what became of it.
fn server_can(wanted: &Wanted, question: &cache::Query, passing: bool) -> Result<(), ApiError> {
    let kind = &wanted.resource.kind;
    if matches!(wanted.from, Place::Cached(_)) {
        let message = format!("list of {kind}: what the page was read from is gone; begin anew");
        return Err(ApiError { code: 410, ..ApiError::host("Expired", message) });
    }
    let by_cache = question.owner_uid.is_some() || question.index.is_some();
    if by_cache && passing {
        let message =
            format!("list of {kind}: what became of an earlier write is being looked up; try again");
        return Err(ApiError::host("Unavailable", message));
    }
    if by_cache {
        return Err(bad_request(format!(
            "list of {kind} by owner or index: no watch of the module covers the question; describe one, or list by labels"
        )));
    }
    Ok(())
}

impl Wanted {
    fn subscription(&self, query: &cache::Query) -> Subscription {
        let namespaces = match &self.namespaces {
            Namespaces::All => Vec::new(),
            Namespaces::These(list) => list.clone(),
        };
        let Question { labels, fields, .. } = query.question.clone();
        let what = Subscribed::Many(Selection { namespaces, labels, fields });
        Subscription { resource: self.resource.clone(), what, shape: self.shape }
    }

    fn question(
        &self,
        labels: Option<Selector>,
        owner_uid: Option<String>,
        index: Option<(FieldPath, Box<str>)>,
    ) -> cache::Query {
        let fields = self.fields.as_deref().map(Arc::from);
        cache::Query {
            question: Question { namespaces: self.namespaces.clone(), labels, fields, shape: self.shape },
            owner_uid: owner_uid.map(Into::into),
            index,
            after: match &self.from {
                Place::Cached(name) => Some(name.clone()),
                _ => None,
            },
            // One more tells whether there is a next page.
            limit: self.limit.map(|limit| (limit as usize).saturating_add(1)),
        }
    }

    fn places(&self) -> Result<Places, ApiError> {
        let all: Vec<Option<Arc<str>>> = match &self.namespaces {
            Namespaces::All => vec![None],
            Namespaces::These(list) => list.iter().cloned().map(Some).collect(),
        };
        let (at, token) = match &self.from {
            Place::Namespace(namespace, token) => {
                let at = all.iter().position(|one| one.as_ref() == Some(namespace));
                // A token may come from another run, before the grant was narrowed, or from the guest's own pen.
                let at =
                    at.ok_or_else(|| bad_request("the continue token is not of this list; begin anew"))?;
                (at, token.clone())
            }
            Place::Server(token) => (0, Some(token.clone())),
            Place::Start | Place::Cached(_) => (0, None),
        };
        Ok(Places { all, at, token })
    }
}

/// Where the server is asked next.
struct Places {
    all: Vec<Option<Arc<str>>>,
    at: usize,
    token: Option<String>,
}

impl Places {
    fn next(&mut self) -> Option<(Option<Arc<str>>, Option<String>)> {
        Some((self.all.get(self.at)?.clone(), self.token.take()))
    }

    /// The chunk has come; its token leads on in the same namespace.
    fn went(&mut self, token: Option<String>) {
        if token.is_none() {
            self.at += 1;
        }
        self.token = token;
    }

    fn has_more(&self) -> bool {
        self.at < self.all.len()
    }

    fn token(self) -> Option<String> {
        let namespace = self.all.get(self.at)?.clone();
        match (namespace, self.token) {
            (Some(namespace), token) if self.all.len() > 1 => {
                Some(Place::Namespace(namespace, token).token())
            }
            (_, token) => token,
        }
    }
}

impl Place {
    fn parse(token: Option<String>) -> Self {
        let Some(token) = token else { return Self::Start };
        let Some(ours) = token.strip_prefix(TOKEN) else { return Self::Server(token) };
        let mut parts = ours.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("after"), Some(""), Some(name)) => Self::Cached(ObjectName::cluster(name)),
            (Some("after"), Some(namespace), Some(name)) => {
                Self::Cached(ObjectName::namespaced(namespace, name))
            }
            (Some("in"), Some(namespace), Some("")) => Self::Namespace(namespace.into(), None),
            (Some("in"), Some(namespace), Some(token)) => {
                Self::Namespace(namespace.into(), Some(token.to_owned()))
            }
            _ => Self::Server(token),
        }
    }

    fn token(&self) -> String {
        match self {
            Self::Start => String::new(),
            Self::Cached(name) => {
                format!("{TOKEN}after/{}/{}", name.namespace.as_deref().unwrap_or_default(), name.name)
            }
            Self::Server(token) => token.clone(),
            Self::Namespace(namespace, token) => {
                format!("{TOKEN}in/{namespace}/{}", token.as_deref().unwrap_or_default())
            }
        }
    }
}
