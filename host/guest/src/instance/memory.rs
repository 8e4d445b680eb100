//! The memory of one invocation: bytes and table elements over all its instances.

use crate::limits::{Bound, Limits};
use std::fmt;
use wasmtime::ResourceLimiter;

/// What an invocation holds and how much it may hold. A refused growth is told to the guest, which may cope with it;
/// if it dies instead, the refusal is the reason.
#[derive(Debug)]
pub(crate) struct MemoryAccount {
    bytes: usize,
    bytes_max: usize,
    peak_bytes: usize,
    table_elements: usize,
    table_elements_max: usize,
    instances_max: usize,
    tables_max: usize,
    memories_max: usize,
    /// Undone when the growth that was allowed fails for another reason.
    last_growth_bytes: usize,
    refusal: Option<Refusal>,
    refusals: u32,
}

/// A growth that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// More memory than the module may have.
    Memory { wanted_bytes: usize },
    /// More table elements than the module may have.
    TableElements { wanted: usize },
    /// More than the memory itself allows, or the pool.
    OwnMaximum { wanted_bytes: usize, max_bytes: usize },
}

impl Refusal {
    /// The bound that was reached; none where it was the guest's own.
    pub(crate) fn bound(self) -> Option<Bound> {
        match self {
            Self::Memory { .. } => Some(Bound::Memory),
            Self::TableElements { .. } => Some(Bound::TableElements),
            Self::OwnMaximum { .. } => None,
        }
    }

    /// In words.
    pub(crate) fn told(self, limits: &Limits) -> String {
        match self.bound() {
            Some(bound) => format!("the guest wanted {self}; {}", limits.hint(bound)),
            None => format!("the guest wanted {self}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { wanted_bytes } => write!(f, "{} KiB of memory", wanted_bytes >> 10),
            Self::TableElements { wanted } => write!(f, "{wanted} table elements"),
            Self::OwnMaximum { wanted_bytes, max_bytes } => write!(
                f,
                "a memory of {} KiB; its own maximum, or the host's ceiling, is {} KiB",
                wanted_bytes >> 10,
                max_bytes >> 10
            ),
        }
    }
}

impl MemoryAccount {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bytes: 0,
            bytes_max: limits.size(Bound::Memory),
            peak_bytes: 0,
            table_elements: 0,
            table_elements_max: limits.size(Bound::TableElements),
            instances_max: limits.size(Bound::Instances),
            tables_max: limits.size(Bound::Tables),
            memories_max: limits.size(Bound::Memories),
            last_growth_bytes: 0,
            refusal: None,
            refusals: 0,
        }
    }

    /// The most that was held.
    pub(crate) fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// The last growth that was refused.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// How many growths were refused.
    pub(crate) fn refusals(&self) -> u32 {
        self.refusals
    }

    fn refuse(&mut self, refusal: Refusal) -> wasmtime::Result<bool> {
        self.refusal = Some(refusal);
        self.refusals = self.refusals.saturating_add(1);
        self.last_growth_bytes = 0;
        Ok(false)
    }
}

impl ResourceLimiter for MemoryAccount {
    fn memory_growing(&mut self, now: usize, wanted: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        let growth = wanted.saturating_sub(now);
        let total = self.bytes.saturating_add(growth);
        if total > self.bytes_max {
            return self.refuse(Refusal::Memory { wanted_bytes: total });
        }
        if let Some(max_bytes) = max.filter(|max| wanted > *max) {
            return self.refuse(Refusal::OwnMaximum { wanted_bytes: wanted, max_bytes });
        }
        self.bytes = total;
        self.peak_bytes = self.peak_bytes.max(total);
        self.last_growth_bytes = growth;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.bytes -= std::mem::take(&mut self.last_growth_bytes);
        Ok(())
    }

    fn table_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(wanted.saturating_sub(now));
        if total > self.table_elements_max {
            return self.refuse(Refusal::TableElements { wanted: total });
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances_max
    }

    fn tables(&self) -> usize {
        self.tables_max
    }

    fn memories(&self) -> usize {
        self.memories_max
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn account(bytes: u64) -> MemoryAccount {
        let mut limits = Limits::default();
        limits.set(Bound::Memory, bytes);
        limits.set(Bound::TableElements, 10);
        MemoryAccount::new(&limits)
    }

    #[test]
    fn all_memories_of_an_invocation_share_one_bound() {
        let mut account = account(10);
        assert!(account.memory_growing(0, 6, None).unwrap());
        assert!(account.memory_growing(0, 4, None).unwrap());
        assert!(!account.memory_growing(4, 5, None).unwrap());
        assert_eq!((account.peak_bytes(), account.refusals()), (10, 1));
        let told = account.refusal().unwrap().told(&Limits::default());
        assert!(told.contains("spec.limits.memory is 64Mi: raise it"), "{told}");
    }

    #[test]
    fn a_memory_does_not_grow_above_its_own_maximum() {
        let mut account = account(10 << 10);
        assert!(!account.memory_growing(0, 6 << 10, Some(5 << 10)).unwrap());
        let refusal = account.refusal().unwrap();
        assert!(refusal.told(&Limits::default()).contains("host's ceiling, is 5 KiB"));
        assert_eq!((account.peak_bytes(), refusal.bound()), (0, None));
    }

    #[test]
    fn a_growth_that_failed_elsewhere_is_not_charged() {
        let mut account = account(10);
        assert!(account.memory_growing(0, 8, None).unwrap());
        account.memory_grow_failed(wasmtime::Error::msg("no room")).unwrap();
        assert!(account.memory_growing(0, 10, None).unwrap());
    }

    #[test]
    fn tables_are_bounded_too() {
        let mut account = account(10);
        assert!(account.table_growing(0, 10, None).unwrap());
        assert!(!account.table_growing(10, usize::MAX, None).unwrap());
        assert_eq!(account.refusal().unwrap().bound(), Some(Bound::TableElements));
    }
}
