//! The memory of one invocation: bytes and table elements over all its instances.

use crate::engine::{CORE_INSTANCES_PER_COMPONENT, MEMORIES_PER_COMPONENT, TABLES_PER_COMPONENT};
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
    /// Undone when the growth that was allowed fails for another reason.
    last_growth_bytes: usize,
    refusal: Option<String>,
}

impl MemoryAccount {
    pub(crate) fn new(bytes_max: usize, table_elements_max: usize) -> Self {
        Self {
            bytes: 0,
            bytes_max,
            peak_bytes: 0,
            table_elements: 0,
            table_elements_max,
            last_growth_bytes: 0,
            refusal: None,
        }
    }

    /// The most that was held.
    pub(crate) fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// The last growth that was refused, in words.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }
}

impl ResourceLimiter for MemoryAccount {
    fn memory_growing(&mut self, now: usize, wanted: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        let growth = wanted.saturating_sub(now);
        let total = self.bytes.saturating_add(growth);
        if total > self.bytes_max {
            self.refusal = Some(format!(
                "the guest wanted {} KiB of memory and may have {} KiB (spec.limits.memory)",
                total >> 10,
                self.bytes_max >> 10
            ));
            self.last_growth_bytes = 0;
            return Ok(false);
        }
        if let Some(max) = max.filter(|max| wanted > *max) {
            self.refusal = Some(format!(
                "the guest wanted a memory of {} KiB; its own maximum, or the host's ceiling, is {} KiB",
                wanted >> 10,
                max >> 10
            ));
            self.last_growth_bytes = 0;
            return Ok(false);
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
            let max = self.table_elements_max;
            self.refusal = Some(format!("the guest wanted {total} table elements and may have {max}"));
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_PER_COMPONENT as usize
    }

    fn tables(&self) -> usize {
        TABLES_PER_COMPONENT as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_PER_COMPONENT as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn all_memories_of_an_invocation_share_one_bound() {
        let mut account = MemoryAccount::new(10, 10);
        assert!(account.memory_growing(0, 6, None).unwrap());
        assert!(account.memory_growing(0, 4, None).unwrap());
        assert!(!account.memory_growing(4, 5, None).unwrap());
        assert_eq!(account.peak_bytes(), 10);
        assert!(account.refusal().unwrap().contains("spec.limits.memory"));
    }

    #[test]
    fn a_memory_does_not_grow_above_its_own_maximum() {
        let mut account = MemoryAccount::new(10 << 10, 10);
        assert!(!account.memory_growing(0, 6 << 10, Some(5 << 10)).unwrap());
        assert!(account.refusal().unwrap().contains("host's ceiling, is 5 KiB"));
        assert_eq!(account.peak_bytes(), 0);
    }

    #[test]
    fn a_growth_that_failed_elsewhere_is_not_charged() {
        let mut account = MemoryAccount::new(10, 10);
        assert!(account.memory_growing(0, 8, None).unwrap());
        account.memory_grow_failed(wasmtime::Error::msg("no room")).unwrap();
        assert!(account.memory_growing(0, 10, None).unwrap());
    }

    #[test]
    fn tables_are_bounded_too() {
        let mut account = MemoryAccount::new(10, 10);
        assert!(account.table_growing(0, 10, None).unwrap());
        assert!(!account.table_growing(10, usize::MAX, None).unwrap());
    }
}
