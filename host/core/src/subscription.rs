//! Reads that are followed: what a run read with `subscribe` wakes its request when it changes.

use crate::{
    cache::{Namespaces, Question},
    call::Shape,
    description::Selection,
    name::{NameRef, ObjectName, Resource},
};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a read is about and how much of it was wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Of which kind, and where the server has it.
    pub resource: Resource,
    /// Which objects of it.
    pub what: Subscribed,
    /// Metadata is followed by a watch of metadata, unless whole objects are watched anyway.
    pub shape: Shape,
}

/// Which objects a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subscribed {
    /// One object, there or not.
    One(ObjectName),
    /// Those that a list finds. No namespaces: all of them, or a cluster-scoped kind.
    Many(Selection),
}

/// One read of a run. Numbers are the driver's and never come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// What became of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// A watch holds what is read: every later change is told.
    InStep,
    /// Its watch holds nothing yet. The pipeline wants to know what the read shows ([`crate::input::Input::Seen`]), and
    /// holds it against the watch's first list.
    Starting,
}

/// Why a read is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// One run subscribes too often.
    #[error("a run may subscribe to {max} reads: list what belongs together, or declare a watch of it")]
    PerRequest {
        /// The bound.
        max: usize,
    },
    /// All requests of a module together subscribe too often.
    #[error("the requests of module {module} subscribe to {max} reads, which is the most: declare a watch")]
    PerModule {
        /// Which module.
        module: crate::name::ModuleName,
        /// The bound.
        max: usize,
    },
    /// The read takes one watch more than a module may start in this way.
    #[error(
        "the subscriptions of module {module} have {max} watches of their own, which is the most: declare a watch, or grant list and watch of the whole namespace, so that objects share one"
    )]
    Watches {
        /// Which module.
        module: crate::name::ModuleName,
        /// The bound.
        max: usize,
    },
}

impl SubscribeError {
    /// The name of the bound that was reached.
    #[must_use]
    pub fn bound(&self) -> &'static str {
        match self {
            Self::PerRequest { .. } => "subscriptions_per_request_max",
            Self::PerModule { .. } => "subscriptions_per_module_max",
            Self::Watches { .. } => "subscription_watches_per_module_max",
        }
    }
}

/// What a read showed, or what is held: a digest of names and versions, in whatever order they come. Equal digests
/// mean that nothing changed between two looks, for a version never comes again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(u64);

impl Seen {
    /// Adds one object.
    pub fn add(&mut self, name: NameRef<'_>, resource_version: &str) {
        let mut hasher = DefaultHasher::new();
        (name.namespace, name.name, resource_version).hash(&mut hasher);
        self.0 = self.0.wrapping_add(hasher.finish());
    }
}

impl Subscription {
    /// What must be held for the cache to answer the read.
    pub(crate) fn question(&self) -> Question {
        match &self.what {
            Subscribed::One(name) => Question::one(name, self.shape),
            Subscribed::Many(selection) => Question {
                namespaces: match &selection.namespaces[..] {
                    [] => Namespaces::All,
                    list => Namespaces::These(list.to_vec()),
                },
                labels: selection.labels.clone(),
                fields: selection.fields.clone(),
                shape: self.shape,
            },
        }
    }
}
