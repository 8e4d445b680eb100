//! Which kinds of calls each module was refused already: each is counted, and told in the log once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};
use windlass_core::{grant::Refusal, name::ModuleName};

/// Kinds of calls of one module; a module that goes through more of them is not told of further.
const KINDS_MAX: usize = 256;
/// Modules; more of them than a host has are told of anew.
const MODULES_MAX: usize = 10_000;

/// The refusals that the log has told.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<ModuleName, BTreeSet<String>>>);

impl Refusals {
    /// Whether this is the first one of its kind for this module.
    pub(crate) fn is_first(&self, module: &ModuleName, refusal: &Refusal) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MODULES_MAX && !known.contains_key(module) {
            known.clear();
        }
        let kinds = known.entry(module.clone()).or_default();
        kinds.len() < KINDS_MAX && kinds.insert(refusal.kind_of_call())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(verb: &str, rule: &str) -> Refusal {
        let module = ModuleName("m".into());
        Refusal::NotGranted { module, wanted: format!("{verb} something"), rule: rule.to_owned() }
    }

    #[test]
    fn each_kind_of_call_is_first_once_for_each_module() {
        let (refusals, one, other) =
            (Refusals::default(), ModuleName("one".into()), ModuleName("other".into()));
        assert!(refusals.is_first(&one, &refused("get a", "{verbs: [get]}")));
        assert!(!refusals.is_first(&one, &refused("get b", "{verbs: [get]}")), "the same rule is lacking");
        assert!(refusals.is_first(&one, &refused("list", "{verbs: [list]}")));
        assert!(refusals.is_first(&other, &refused("get a", "{verbs: [get]}")));
    }

    #[test]
    fn what_is_remembered_of_a_module_is_bounded() {
        let (refusals, one) = (Refusals::default(), ModuleName("one".into()));
        let first = |number: usize| refusals.is_first(&one, &refused("get", &number.to_string()));
        assert!((0..KINDS_MAX).all(first));
        assert!(!first(KINDS_MAX));
    }
}
