//! Counts units of work in tests, so that "linear" can be asserted without a stopwatch.
//! Outside tests it is nothing.

#[cfg(test)]
use std::cell::Cell;

/// Notes `n` units of work.
#[inline(always)]
pub(super) fn count(n: usize) {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + n));
    #[cfg(not(test))]
    let _ = n;
}

/// The units of work that `run` takes on this thread.
#[cfg(test)]
pub(super) fn of<T>(run: impl FnOnce() -> T) -> (usize, T) {
    let before = STEPS.with(Cell::get);
    let result = run();
    (STEPS.with(Cell::get) - before, result)
}

#[cfg(test)]
thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}
