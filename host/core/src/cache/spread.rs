//! Reads of several namespaces that no view covers alone: some are held whole, others as metadata.

use super::{
    Cache, Namespaces, Query, Question,
    view::{Reading, View},
};
use crate::{name::Kind, object::Object};
use std::sync::Arc;

impl Cache {
    /// Whether each namespace of the question is covered by some view.
    pub(super) fn covers_spread(&self, kind: &Kind, question: &Question) -> bool {
        let Namespaces::These(list) = &question.namespaces else { return false };
        let views: Vec<_> = self.views(kind, question.shape, question.fields.as_ref()).collect();
        views.len() > 1
            && !list.is_empty()
            && list.iter().all(|one| views.iter().any(|view| covers_one(view, question, one)))
    }

    /// Each namespace from the best view that covers it, in name order. Uncovered if one of them is in none.
    pub(super) fn list_spread(&self, kind: &Kind, query: &Query) -> Reading<Vec<Arc<Object>>> {
        let question = &query.question;
        let Namespaces::These(list) = &question.namespaces else { return Reading::Uncovered };
        let (mut rest, mut found) = (list.clone(), Vec::new());
        for view in self.views(kind, question.shape, question.fields.as_ref()) {
            let (here, others) = rest.into_iter().partition(|one| covers_one(&view, question, one));
            rest = others;
            let question = Question { namespaces: Namespaces::These(here), ..question.clone() };
            if question.namespaces.is_empty() {
                continue;
            }
            match view.list(&Query { question, ..query.clone() }) {
                Reading::Known(list) => found.extend(list),
                other => return other,
            }
        }
        if !rest.is_empty() || list.is_empty() {
            return Reading::Uncovered;
        }
        found.sort_by(|one, other| one.name().cmp(&other.name()));
        found.truncate(query.limit.unwrap_or(usize::MAX));
        Reading::Known(found)
    }
}

fn covers_one(view: &View, question: &Question, namespace: &Arc<str>) -> bool {
    let namespaces = Namespaces::These(vec![namespace.clone()]);
    view.covers(&Question { namespaces, ..question.clone() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::{
        call::Shape,
        description::Selection,
        input::{WatchId, WatchSpec},
        name::ObjectName,
        selector::Selector,
    };

    fn maps() -> Kind {
        Kind::new("v1", "ConfigMap")
    }

    fn object(namespace: &str, name: &str) -> Object {
        let raw = format!(
            r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}","uid":"{namespace}-{name}","resourceVersion":"7","labels":{{"app":"{name}"}}}}}}"#
        );
        Object::ingest(&maps(), &raw).unwrap()
    }

    fn hold(cache: &Cache, id: u64, namespace: &str, metadata_only: bool, names: &[&str]) {
        let selection = Selection { namespaces: vec![namespace.into()], ..Selection::default() };
        let spec = WatchSpec { kind: maps(), selection, metadata_only, plan: Arc::default() };
        cache.open(WatchId(id), &spec);
        cache.replace(WatchId(id), names.iter().map(|name| object(namespace, name)), "9");
    }

    /// `b` is held whole, `a` and `c` as metadata.
    fn cache() -> Cache {
        let cache = Cache::new();
        hold(&cache, 1, "a", true, &["1", "2"]);
        hold(&cache, 2, "b", false, &["1", "3"]);
        hold(&cache, 3, "c", true, &["1"]);
        cache
    }

    fn query(namespaces: &[&str], shape: Shape) -> Query {
        let namespaces = Namespaces::These(namespaces.iter().map(|one| Arc::from(*one)).collect());
        Query { question: Question { namespaces, shape, ..Question::default() }, ..Query::default() }
    }

    /// What the cache answers; none: it asks the server.
    fn check(query: &Query, want: Option<&[&str]>) {
        let cache = cache();
        let found = cache.list(&maps(), query);
        let names = found.map(|list| list.iter().map(|one| one.name().to_string()).collect::<Vec<_>>());
        assert_eq!(names, want.map(|want| want.iter().map(|one| (*one).to_owned()).collect()), "{query:?}");
        assert_eq!(cache.covers(&maps(), &query.question), want.is_some(), "{query:?}");
    }

    #[test]
    fn metadata_of_several_namespaces_is_answered_where_each_is_held_in_some_shape() {
        check(&query(&["a", "b", "c"], Shape::Metadata), Some(&["a/1", "a/2", "b/1", "b/3", "c/1"]));
        check(&query(&["b", "c"], Shape::Metadata), Some(&["b/1", "b/3", "c/1"]));
        check(&query(&["a", "b"], Shape::Whole), None);
        check(&query(&["a", "b", "d"], Shape::Metadata), None);
        check(&query(&[], Shape::Metadata), Some(&[]));
        let everywhere = Question { shape: Shape::Metadata, ..Question::default() };
        check(&Query { question: everywhere, ..Query::default() }, None);
    }

    #[test]
    fn pages_and_selectors_go_over_all_views() {
        let mut page = query(&["a", "b", "c"], Shape::Metadata);
        page.limit = Some(3);
        check(&page, Some(&["a/1", "a/2", "b/1"]));
        page.after = Some(ObjectName::namespaced("b", "1"));
        check(&page, Some(&["b/3", "c/1"]));
        let mut labelled = query(&["a", "b", "c"], Shape::Metadata);
        labelled.question.labels = Some(Selector::parse("app=1").unwrap());
        check(&labelled, Some(&["a/1", "b/1", "c/1"]));
    }
}
