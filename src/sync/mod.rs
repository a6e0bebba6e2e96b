//! What threads and tasks meet on.
//!
//! The life of a session takes its locks, atomics, maps and tasks from here and from nowhere
//! else. So `models/`, a package of its own, can build the same sources with primitives at
//! each of which a scheduler decides who goes on, and try the orders in which things can happen.

pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

/// Numbers that threads share.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

/// Maps that threads share, locked in parts.
pub(crate) mod map {
    pub(crate) use dashmap::DashMap;
    pub(crate) use dashmap::mapref::entry::Entry;
}

/// Tasks, and giving way to others.
pub(crate) mod task {
    pub(crate) use tokio::task::{spawn, yield_now};
    pub(crate) use tokio::time::sleep;
}
