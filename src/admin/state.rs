//! What the routes of the side port share.

use std::sync::{Arc, OnceLock};

use super::cursor::Cursors;
use super::hosts::AllowedHosts;
use super::keys::ApiKeys;
use super::spaces::AdminSpaces;
use crate::sessions::Sessions;
use crate::tasks::Tasks;
use crate::telemetry::{Health, Metrics};

/// What the routes of the side port share.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) sessions: Sessions,
    pub(super) keys: ApiKeys,
    pub(super) spaces: AdminSpaces,
    pub(super) hosts: AllowedHosts,
    pub(super) cursors: Cursors,
    pub(super) health: Health,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) tasks: OnceLock<Tasks>,
}

impl Admin {
    pub(super) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) const fn keys(&self) -> &ApiKeys {
        &self.keys
    }

    pub(super) const fn spaces(&self) -> &AdminSpaces {
        &self.spaces
    }

    pub(super) const fn hosts(&self) -> &AllowedHosts {
        &self.hosts
    }

    pub(super) const fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    pub(super) const fn health(&self) -> &Health {
        &self.health
    }

    pub(super) const fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// The background tasks. Their workers are started by the first who asks, as that needs a
    /// runtime, which a router is built without.
    pub(super) fn tasks(&self) -> &Tasks {
        self.tasks.get_or_init(|| {
            let clock = Arc::clone(self.sessions.clock());
            Tasks::builder(clock).max_errors(MAX_TASK_ERRORS).start()
        })
    }
}

/// As many as a query can name ids.
const MAX_TASK_ERRORS: usize = 4096;
