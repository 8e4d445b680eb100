//! From a module's bytes to a version that may serve: admit, compile, describe, resolve its kinds, hold its asks
//! against the grant. Each load is a task of its own; a slow one holds up nothing.

use crate::{
    drive::with_causes,
    kinds,
    manifest::Manifest,
    observe::{Observer as _, Observers},
    source::Offer,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use windlass_cluster::discovery::Discovery;
use windlass_core::{
    description::Description,
    fact::Fact,
    grant::Grant,
    input::Version,
    name::{Kind, Resource},
};
use windlass_guest::{
    describe::describe,
    engine::Engine,
    grant::CurrentGrant,
    host::{Host, Terms},
    limits::{Bound, MAXIMUM_FLAG, Maxima},
    module::{CodeCache, Module, ModuleBytes},
    registry::Registry,
};

/// Who grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grants {
    /// The operator, by the manifest beside the module.
    ByManifest,
    /// Whatever a module asks for, where its manifest says nothing. For development on a cluster of one's own.
    AllAsked,
}

/// A load that ended.
pub(crate) struct Loaded {
    pub(crate) offer: Offer,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) result: Result<Ready, Held>,
}

/// A version that may serve.
pub(crate) struct Ready {
    pub(crate) version: Version,
    pub(crate) module: Arc<Module>,
    pub(crate) terms: Arc<Terms>,
    pub(crate) kinds: kinds::Kinds,
    /// Its bytes, if they are to be kept.
    pub(crate) to_keep: Option<Arc<[u8]>>,
}

/// Why a version does not serve.
pub(crate) enum Held {
    /// Its bytes, description or settings are wrong.
    Rejected(String),
    /// It is good, but its operator must act first.
    Waiting { reason: String, description: Arc<Description> },
}

/// Loads modules.
#[derive(Clone)]
pub(crate) struct Loader {
    pub(crate) engine: Engine,
    pub(crate) code_cache: Option<Arc<CodeCache>>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) observers: Observers,
    pub(crate) grants: Grants,
    pub(crate) maxima: Maxima,
    pub(crate) describe_deadline: Duration,
    pub(crate) loaded: mpsc::Sender<Loaded>,
}

impl Loader {
    /// Starts a load; its end comes over the channel.
    pub(crate) fn start(&self, mut offer: Offer, manifest: Arc<Manifest>, keep: bool) {
        let loader = self.clone();
        tokio::spawn(async move {
            let result = loader.load(&mut offer, &manifest, keep).await;
            drop(loader.loaded.send(Loaded { offer, manifest, result }).await);
        });
    }

    async fn load(&self, offer: &mut Offer, manifest: &Manifest, keep: bool) -> Result<Ready, Held> {
        let mut terms = self.terms(manifest);
        let (module, to_keep) = self.module(offer, keep).await?;
        let offer = &*offer;
        let mut asked = terms.clone();
        asked
            .limits
            .set_time(Bound::Deadline, asked.limits.time(Bound::Deadline).min(self.describe_deadline));
        let described = describe(&module, Arc::new(asked), self.host.clone()).await;
        let description = Arc::new(described.map_err(|error| rejected(offer, &error))?);
        self.observers.fact(&Fact::ModuleDescribed {
            module: manifest.name.clone(),
            digest: offer.digest,
            description: description.clone(),
        });
        let resources = self.resolve(&description).await;
        let resolve = |kind: &Kind| resources.iter().find(|resource| resource.kind == *kind).cloned();
        terms.indexes = description.indexes.clone().into();
        let grant = self.grant(manifest, &description, &resolve)?;
        terms.grant = grant.clone().into();
        let kinds = kinds::named(&description).into_iter();
        let kinds = kinds.map(|kind| (kind.clone(), resolve(&kind))).collect();
        let version = Version {
            module: manifest.name.clone(),
            digest: offer.digest,
            description,
            grant,
            settings: terms.settings.clone(),
            resources,
            concurrency: manifest.concurrency,
            runs_max: terms.limits.count(Bound::Runs),
            resync: manifest.resync,
            paused: manifest.paused,
            suppress_no_op_writes: manifest.suppress_no_op_writes,
        };
        Ok(Ready { version, module, terms: Arc::new(terms), kinds, to_keep })
    }

    /// Everything the manifest gives, the grant still empty: describing needs no right.
    fn terms(&self, manifest: &Manifest) -> Terms {
        let (limits, cut) = manifest.limits.clone().within(&self.maxima);
        for (bound, asked) in cut {
            let (asked, module) = (bound.show(asked), &manifest.name);
            tracing::warn!(
                target: "windlass::module",
                %module,
                "spec.limits.{bound} is {asked}, more than this host allows: {} holds; `windlass run --{MAXIMUM_FLAG} {bound}={asked}` would allow it",
                bound.show(limits.get(bound))
            );
        }
        Terms {
            module: manifest.name.clone(),
            grant: CurrentGrant::default(),
            field_manager: manifest.field_manager.clone(),
            settings: manifest.settings.to_string().into(),
            indexes: Arc::default(),
            limits,
            pace: Arc::default(),
        }
    }

    /// The module in memory, and its bytes if they are to be kept.
    async fn module(&self, offer: &mut Offer, keep: bool) -> Result<(Arc<Module>, Option<Arc<[u8]>>), Held> {
        let mut bytes = ModuleBytes::of_file(offer.file.clone(), offer.digest, offer.wasm.take());
        // One that does not wake up is loaded anew.
        if let Some(held) = self.registry.get(&offer.digest)
            && let Ok(awake) = held.awake().await
        {
            return Ok((awake.module().clone(), bytes.take().filter(|_| keep)));
        }
        let loaded = Module::load_from(&self.engine, &mut bytes, self.code_cache.clone()).await;
        let module = loaded.map_err(|error| rejected(offer, &error))?;
        Ok((Arc::new(module), bytes.take().filter(|_| keep)))
    }

    async fn resolve(&self, description: &Description) -> Vec<Resource> {
        let mut resources = Vec::new();
        for kind in kinds::named(description) {
            // A kind that is not served is looked for again; serving does not wait for it.
            resources.extend(kinds::resource(&self.discovery, &kind).await);
        }
        resources
    }

    /// What the operator gives a module, whatever it asks for. None: what it asks for decides.
    pub(crate) fn granted(&self, manifest: Option<&Manifest>) -> Option<Arc<Grant>> {
        match manifest.and_then(|manifest| manifest.grant.clone()) {
            None if self.grants == Grants::AllAsked => None,
            granted => Some(granted.unwrap_or_default()),
        }
    }

    fn grant(
        &self,
        manifest: &Manifest,
        description: &Arc<Description>,
        resolve: &dyn Fn(&Kind) -> Option<Resource>,
    ) -> Result<Arc<Grant>, Held> {
        let waiting = |reason| Held::Waiting { reason, description: description.clone() };
        match &manifest.grant {
            None if self.grants == Grants::AllAsked => {
                Ok(Arc::new(Grant { rules: Grant::granting(description, resolve) }))
            }
            None => Err(waiting(format!(
                "nothing is granted to it yet: `windlass grant {0}.wasm > {0}.yaml` prints the manifest that would grant all it asks for; read it, then put it beside the module",
                manifest.name
            ))),
            Some(grant) => {
                let missing = grant.missing(description, resolve);
                if missing.is_empty() {
                    return Ok(grant.clone());
                }
                let rules = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                Err(waiting(format!(
                    "it asks for more than spec.grant.rules in {}.yaml gives: add {rules}",
                    manifest.name
                )))
            }
        }
    }
}

fn rejected(offer: &Offer, error: &dyn std::error::Error) -> Held {
    Held::Rejected(format!("{}: {}", offer.file.display(), with_causes(error)))
}
