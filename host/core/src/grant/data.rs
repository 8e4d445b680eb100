//! Where a module may follow a resource, and who may see what is in a Secret.
//!
//! The server's `list` and `watch` of Secrets hand over their data. A module gets by them the metadata only: whether a
//! Secret is there, and which version. The data takes `get` as well, granted for all Secrets of the namespace, or
//! for single ones by name.

use super::{Access, Rights, Scope};
use crate::{
    cache::Namespaces,
    call::Shape,
    name::{ObjectName, Resource},
    subscription::{Subscribed, Subscription},
};
use std::sync::Arc;

/// Whether the contents of this resource take a verb of their own.
#[must_use]
pub fn is_secret(group: &str, resource: &str) -> bool {
    group.is_empty() && resource == "secrets"
}

impl Rights<'_> {
    /// Where a resource may be listed and watched in this shape.
    #[must_use]
    pub fn namespaces_to_follow(&self, resource: &Resource, shape: Shape) -> Namespaces {
        let granted = |verb| self.namespaces_for(&Access::of(verb, resource));
        let both = within(granted("list"), granted("watch"));
        match shape {
            Shape::Whole if is_secret(resource.kind.group(), &resource.plural) => {
                within(both, granted("get"))
            }
            _ => both,
        }
    }

    /// The namespaces that rules for a resource name, of those where it may be followed in this shape: what is left of a
    /// grant for all namespaces where the server does not let the host watch all of them.
    pub(crate) fn namespaces_named(&self, resource: &Resource, shape: Shape) -> Vec<Arc<str>> {
        let mut found: Vec<Arc<str>> = Vec::new();
        for rule in &self.grant.rules {
            let mut verbs = rule.permission.verbs.iter();
            if let Scope::Namespaces(list) = &rule.scope
                && verbs.any(|verb| rule.permission.permits(&Access::of(verb, resource)))
            {
                found.extend(list.iter().cloned());
            }
        }
        found.sort();
        found.dedup();
        found.retain(|namespace| self.may_follow(resource, shape, Some(namespace)));
        found
    }

    /// Whether a resource may be listed and watched in this shape in one namespace (none: in all, or in the cluster).
    #[must_use]
    pub fn may_follow(&self, resource: &Resource, shape: Shape, namespace: Option<&str>) -> bool {
        match (self.namespaces_to_follow(resource, shape), namespace) {
            (Namespaces::All, _) => true,
            (Namespaces::These(_), None) => false,
            (Namespaces::These(list), Some(namespace)) => list.iter().any(|one| **one == *namespace),
        }
    }

    /// Whether a read may be made and followed: `get` and `watch` of one object, `list` and `watch` of several.
    #[must_use]
    pub fn may_subscribe(&self, subscription: &Subscription) -> bool {
        let (resource, shape) = (&subscription.resource, subscription.shape);
        match &subscription.what {
            Subscribed::One(name) => {
                ["get", "watch"].iter().all(|verb| self.allows_one(verb, resource, name))
            }
            Subscribed::Many(selection) => match &selection.namespaces[..] {
                [] => self.may_follow(resource, shape, None),
                list => list.iter().all(|one| self.may_follow(resource, shape, Some(one))),
            },
        }
    }

    fn allows_one(&self, verb: &str, resource: &Resource, name: &ObjectName) -> bool {
        let (namespace, name) = (name.namespace.as_deref(), Some(&*name.name));
        let access = Access { namespace, name, ..Access::of(verb, resource) };
        self.allow(&access)
    }
}

fn within(one: Namespaces, other: Namespaces) -> Namespaces {
    match (one, other) {
        (Namespaces::All, other) | (other, Namespaces::All) => other,
        (Namespaces::These(list), Namespaces::These(other)) => {
            Namespaces::These(list.into_iter().filter(|one| other.contains(one)).collect())
        }
    }
}
