//! A cell that is written once.

use shuttle::sync::atomic::{AtomicBool, Ordering};

/// As std's; every look and every write is a point at which others may go first.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    point: AtomicBool,
}

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self {
            value: std::sync::OnceLock::new(),
            point: AtomicBool::new(false),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.point.load(Ordering::SeqCst);
        self.value.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.point.store(true, Ordering::SeqCst);
        self.value.set(value)
    }
}
