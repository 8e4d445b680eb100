//! Keeps the latest facts, so that a test can await one instead of sleeping.

use super::Observer;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use windlass_core::fact::Fact;

/// The latest facts, up to a bound.
#[derive(Debug)]
pub struct Memory {
    facts: Mutex<Kept>,
    facts_max: usize,
    /// How many facts there were so far; changes with each.
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    facts: VecDeque<Fact>,
    /// How many older ones were dropped.
    dropped: u64,
}

/// The awaited fact did not come.
#[derive(Debug, thiserror::Error)]
#[error("the awaited fact did not come within {waited:?}; the latest of {count} were:\n{latest}")]
pub struct NotSeen {
    /// How long it was waited for.
    pub waited: Duration,
    /// How many facts there were in all.
    pub count: u64,
    /// The last of them, one a line.
    pub latest: String,
}

/// Facts shown when the awaited one did not come.
const SHOWN: usize = 20;

impl Memory {
    /// Keeps at most `facts_max` facts; older ones are dropped and counted.
    #[must_use]
    pub fn new(facts_max: usize) -> Self {
        Self { facts: Mutex::default(), facts_max: facts_max.max(1), count: watch::Sender::new(0) }
    }

    /// How many facts there were so far: a point to wait from.
    #[must_use]
    pub fn mark(&self) -> u64 {
        *self.count.borrow()
    }

    /// How many facts were dropped because of the bound.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.kept(|kept| kept.dropped)
    }

    /// Every kept fact that `wanted` makes something of, oldest first.
    pub fn all<T>(&self, wanted: impl FnMut(&Fact) -> Option<T>) -> Vec<T> {
        self.kept(|kept| kept.facts.iter().filter_map(wanted).collect())
    }

    /// Waits for a fact, also one that came already.
    ///
    /// # Errors
    /// It did not come in time; the error shows what came instead.
    pub async fn wait_for<T>(
        &self,
        timeout: Duration,
        wanted: impl FnMut(&Fact) -> Option<T>,
    ) -> Result<T, NotSeen> {
        self.wait_for_since(0, timeout, wanted).await
    }

    /// Waits for a fact that came after the mark.
    ///
    /// # Errors
    /// It did not come in time; the error shows what came instead.
    pub async fn wait_for_since<T>(
        &self,
        mark: u64,
        timeout: Duration,
        mut wanted: impl FnMut(&Fact) -> Option<T>,
    ) -> Result<T, NotSeen> {
        let mut count = self.count.subscribe();
        let mut looked_at = mark;
        let search = async {
            loop {
                let now = *count.borrow_and_update();
                if let Some(found) = self.search(looked_at, &mut wanted) {
                    return found;
                }
                looked_at = looked_at.max(now);
                if count.changed().await.is_err() {
                    // The sender lives in `self`; it cannot end while we wait.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(timeout, search).await.map_err(|_late| self.not_seen(timeout))
    }

    fn search<T>(&self, since: u64, wanted: impl FnMut(&Fact) -> Option<T>) -> Option<T> {
        self.kept(|kept| {
            let skip = usize::try_from(since.saturating_sub(kept.dropped)).unwrap_or(usize::MAX);
            kept.facts.iter().skip(skip).find_map(wanted)
        })
    }

    fn not_seen(&self, waited: Duration) -> NotSeen {
        let latest = self.kept(|kept| {
            let skip = kept.facts.len().saturating_sub(SHOWN);
            let lines: Vec<String> = kept.facts.iter().skip(skip).map(|fact| format!("{fact:?}")).collect();
            lines.join("\n")
        });
        NotSeen { waited, count: self.mark(), latest }
    }

    fn kept<T>(&self, use_it: impl FnOnce(&mut Kept) -> T) -> T {
        // A test's closure may panic under the lock; the facts are whole all the same.
        use_it(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Memory {
    fn fact(&self, fact: &Fact) {
        self.kept(|kept| {
            if kept.facts.len() == self.facts_max {
                kept.facts.pop_front();
                kept.dropped += 1;
            }
            kept.facts.push_back(fact.clone());
        });
        self.count.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use std::sync::Arc;

    fn fact(count: u64) -> Fact {
        Fact::Dropped { bound: "test", count }
    }

    fn dropped(fact: &Fact) -> Option<u64> {
        match fact {
            Fact::Dropped { count, .. } => Some(*count),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_fact_is_awaited_whether_it_came_or_is_to_come() {
        let memory = Arc::new(Memory::new(10));
        memory.fact(&fact(1));
        let long = Duration::from_secs(20);
        assert_eq!(memory.wait_for(long, dropped).await.unwrap(), 1);
        let mark = memory.mark();
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.wait_for_since(mark, long, dropped).await.unwrap() }
        });
        tokio::task::yield_now().await;
        memory.fact(&fact(2));
        assert_eq!(waiting.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_fact_that_does_not_come_is_an_error_that_shows_what_came() {
        let memory = Memory::new(10);
        memory.fact(&fact(7));
        let error = memory.wait_for(Duration::from_millis(1), |_| None::<()>).await.unwrap_err();
        assert!(error.to_string().contains("count: 7"), "{error}");
    }

    #[test]
    fn the_oldest_facts_are_dropped_and_counted() {
        let memory = Memory::new(3);
        (1..=5).for_each(|count| memory.fact(&fact(count)));
        assert_eq!(memory.all(dropped), [3, 4, 5]);
        assert_eq!((memory.dropped(), memory.mark()), (2, 5));
        assert_eq!(memory.search(4, dropped), Some(5));
    }
}
