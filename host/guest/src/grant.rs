//! What a module may do at this moment: its operator can change it while it runs.

use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use windlass_core::grant::Grant;

/// A grant that can be replaced. All clones are one: who calls asks it at each call, so that what is taken away is gone
/// for runs under way as well.
#[derive(Clone, Debug, Default)]
pub struct CurrentGrant(Arc<ArcSwap<Grant>>);

impl CurrentGrant {
    /// As it is now; to be asked and let go.
    #[must_use]
    pub fn now(&self) -> Guard<Arc<Grant>> {
        self.0.load()
    }

    /// Replaces it.
    pub fn set(&self, grant: Arc<Grant>) {
        self.0.store(grant);
    }
}

impl From<Arc<Grant>> for CurrentGrant {
    fn from(grant: Arc<Grant>) -> Self {
        Self(Arc::new(ArcSwap::new(grant)))
    }
}
