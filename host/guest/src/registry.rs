//! The versions that are loaded: looked up by digest, held by module names.

use crate::module::Module;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};
use windlass_core::name::{Digest, ModuleName};

/// Loaded modules by digest. Several versions of one name stand side by side while one replaces the other, and one
/// version may serve several names. Runs under way hold their version by its `Arc`, so freeing never ends a run.
#[derive(Debug, Default)]
pub struct Registry {
    held: RwLock<HashMap<Digest, Held>>,
}

#[derive(Debug)]
struct Held {
    module: Arc<Module>,
    names: BTreeSet<ModuleName>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of this digest, if it is loaded.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<Arc<Module>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(digest).map(|held| held.module.clone())
    }

    /// Takes a loaded version in for a name. If the digest is held already, that copy stays and is returned, so that
    /// its mapped code exists once.
    pub fn insert(&self, name: ModuleName, module: Arc<Module>) -> Arc<Module> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let entry = held.entry(module.digest()).or_insert_with(|| Held { module, names: BTreeSet::new() });
        entry.names.insert(name);
        entry.module.clone()
    }

    /// Ends a name's hold on a version; the last one frees its code. Whether it was freed.
    pub fn free(&self, name: &ModuleName, digest: &Digest) -> bool {
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = all.get_mut(digest) else { return false };
        held.names.remove(name);
        if !held.names.is_empty() {
            return false;
        }
        let freed = all.remove(digest);
        // Unmapping takes a while: not under the lock.
        drop(all);
        freed.is_some()
    }

    /// What is loaded: digests and who holds them.
    #[must_use]
    pub fn held(&self) -> Vec<(Digest, Vec<ModuleName>)> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(digest, held)| (*digest, held.names.iter().cloned().collect())).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::{
        engine::{Engine, EngineSettings},
        testing::guest::Guest,
    };

    #[tokio::test]
    async fn a_version_stays_until_its_last_name_lets_go() {
        let settings = EngineSettings { concurrent_invocations_max: 1, ..EngineSettings::default() };
        let engine = Engine::new(settings).unwrap();
        let load = |more: &'static str| {
            let bytes = Guest { more, ..Guest::default() }.component().into();
            let engine = engine.clone();
            async move { Arc::new(Module::load(&engine, bytes, None).await.unwrap()) }
        };
        let (one, again, other) = (load("").await, load("").await, load("(func $unused)").await);
        let [a, b] = ["a", "b"].map(|name| ModuleName(name.into()));
        let registry = Registry::new();
        let held = registry.insert(a.clone(), one.clone());
        assert!(Arc::ptr_eq(&registry.insert(b.clone(), again), &held), "one copy of the code");
        registry.insert(a.clone(), other.clone());
        assert_eq!(registry.held().len(), 2);
        assert!(!registry.free(&a, &one.digest()));
        assert!(!registry.free(&a, &one.digest()), "freeing twice is nothing");
        assert!(registry.get(&one.digest()).is_some());
        assert!(registry.free(&b, &one.digest()));
        assert!(registry.get(&one.digest()).is_none());
        assert!(registry.get(&other.digest()).is_some());
    }
}
