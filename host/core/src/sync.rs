//! What threads share: locks and counters of the standard library, or those of shuttle, which tries schedules.
//!
//! Whatever in this crate is touched by more than one thread takes them from here, so that `cache/threads.rs` can decide
//! at each of them who goes on. Only a test build with `--cfg shuttle` has the others.

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic::AtomicU64,
};
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic::AtomicU64};
