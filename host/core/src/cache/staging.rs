//! A list on its way into the cache: kept aside, in name order at the end, until it is complete.

use crate::object::Object;
use std::sync::Arc;

/// So much may be said before it is looked through for names that were said twice.
const SAID_MIN: usize = 4_096;

/// What a list has said so far. Keeps no more than twice what it comes to.
#[derive(Debug, Default)]
pub struct Staging {
    /// Objects, and whether each is there or gone.
    said: Vec<(Arc<Object>, bool)>,
    tidied: usize,
}

impl Staging {
    /// Drops everything: a list begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The object is there, in this state. [`super::Cache::share`] spares the copy of one that is held already.
    pub fn put(&mut self, object: Arc<Object>) {
        self.say(object, true);
    }

    /// The object is not there any more.
    pub fn remove(&mut self, object: Arc<Object>) {
        self.say(object, false);
    }

    fn say(&mut self, object: Arc<Object>, there: bool) {
        if self.said.len() >= SAID_MIN.max(2 * self.tidied) {
            self.tidy();
        }
        self.said.push((object, there));
    }

    /// Of each name what was said last, in name order; nothing is staged afterwards.
    #[must_use]
    pub fn take(&mut self) -> Vec<Arc<Object>> {
        self.tidy();
        std::mem::take(self).said.into_iter().map(|(object, _)| object).collect()
    }

    fn tidy(&mut self) {
        let tidy = self.said.is_sorted_by(|(one, _), (other, _)| one.name() < other.name());
        if tidy && self.said.iter().all(|(_, there)| *there) {
            self.tidied = self.said.len();
            return;
        }
        // Stable, and quick with what is in order nearly everywhere, as a server's list is.
        self.said.sort_by(|(one, _), (other, _)| one.name().cmp(&other.name()));
        self.said.dedup_by(|later, earlier| {
            let same = later.0.name() == earlier.0.name();
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        self.said.retain(|(_, there)| *there);
        self.tidied = self.said.len();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::name::Kind;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn of_each_name_the_last_word_counts_and_little_more_is_kept(
            said in prop::collection::vec((0_u16..40, any::<bool>()), 0..200),
            repeated in 1_usize..60,
        ) {
            let (mut staging, mut want) = (Staging::default(), BTreeMap::new());
            for (version, (n, there)) in said.iter().cycle().take(said.len() * repeated).enumerate() {
                let raw = format!(r#"{{"metadata":{{"name":"p{n:02}","resourceVersion":"{version}"}}}}"#);
                let object = Arc::new(Object::ingest(&Kind::new("v1", "Pod"), &raw).unwrap());
                if *there {
                    staging.put(object);
                    want.insert(format!("p{n:02}"), version.to_string());
                } else {
                    staging.remove(object);
                    want.remove(&format!("p{n:02}"));
                }
                prop_assert!(staging.said.len() <= SAID_MIN);
            }
            let taken = staging.take();
            let told: Vec<_> = taken.iter().map(|o| (o.name().name.to_owned(), o.resource_version().to_owned())).collect();
            prop_assert_eq!(told, want.into_iter().collect::<Vec<_>>());
            prop_assert!(staging.take().is_empty());
        }
    }
}
