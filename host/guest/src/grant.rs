//! What a module may do at this moment: its operator can change it while it runs.

use std::sync::{Arc, PoisonError, RwLock};
use windlass_core::grant::Grant;

/// A grant that can be replaced. All clones are one: who calls asks it at each call, so that what is taken away is gone
/// for runs under way as well.
#[derive(Clone, Debug, Default)]
pub struct CurrentGrant(Arc<RwLock<Arc<Grant>>>);

impl CurrentGrant {
    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Grant> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces it.
    pub fn set(&self, grant: Arc<Grant>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = grant;
    }
}

impl From<Arc<Grant>> for CurrentGrant {
    fn from(grant: Arc<Grant>) -> Self {
        Self(Arc::new(RwLock::new(grant)))
    }
}
