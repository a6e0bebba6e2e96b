//! Whether the process wants requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The process's health, as one handle that every part may report to. Cheap to clone.
///
/// A part that is not ready says so under its own name and takes it back later; the process
/// is ready when none is left and it is not shutting down.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    draining: bool,
    not_ready: BTreeMap<&'static str, String>,
}

/// Whether the process wants requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// It does not, for these reasons.
    NotReady(Vec<Reason>),
    /// It is shutting down: requests under way are finished, new ones belong elsewhere.
    Draining,
}

/// Why a part of the process is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which part, as `store`.
    pub component: &'static str,
    /// What is the matter, for an operator: no secret, no user.
    pub reason: String,
}

impl Readiness {
    /// As `/health/ready` spells it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady(_) => "not-ready",
            Self::Draining => "draining",
        }
    }
}

impl Health {
    /// A process that is ready until a part says otherwise.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `component` is not ready, for this reason; its latest reason counts.
    pub fn not_ready(&self, component: &'static str, reason: impl Into<String>) {
        self.with(|state| state.not_ready.insert(component, reason.into()));
    }

    /// `component` is ready (again).
    pub fn ready(&self, component: &'static str) {
        self.with(|state| state.not_ready.remove(component));
    }

    /// The process is shutting down. There is no way back.
    pub fn drain(&self) {
        self.with(|state| state.draining = true);
    }

    /// How it is now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.with(|state| {
            if state.draining {
                return Readiness::Draining;
            }
            let reasons: Vec<Reason> = state
                .not_ready
                .iter()
                .map(|(&component, reason)| Reason {
                    component,
                    reason: reason.clone(),
                })
                .collect();
            if reasons.is_empty() {
                Readiness::Ready
            } else {
                Readiness::NotReady(reasons)
            }
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        // Each change is one assignment, so a poisoned state is a whole one.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_no_part_objects_and_draining_is_final() {
        let health = Health::new();
        assert_eq!(health.readiness(), Readiness::Ready);
        health.not_ready("store", "connecting");
        health.not_ready("keys", "not loaded");
        health.not_ready("store", "refused");
        let reasons = vec![
            Reason {
                component: "keys",
                reason: "not loaded".to_owned(),
            },
            Reason {
                component: "store",
                reason: "refused".to_owned(),
            },
        ];
        assert_eq!(health.readiness(), Readiness::NotReady(reasons));
        health.ready("store");
        health.ready("keys");
        assert_eq!(health.clone().readiness(), Readiness::Ready);
        health.drain();
        health.ready("store");
        assert_eq!(health.readiness(), Readiness::Draining);
    }
}
