//! What the routes of the side port share.

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::cursor::Cursors;
use super::hosts::AllowedHosts;
use super::keys::{ApiKeys, CertificateRoles, Principal};
use super::spaces::AdminSpaces;
use super::this_node::ThisNode;
use crate::sessions::{Feed, Sessions};
use crate::tasks::Tasks;
use crate::telemetry::{Health, Metrics};

/// What the routes of the side port share.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) sessions: Sessions,
    pub(super) keys: ApiKeys,
    pub(super) certificates: CertificateRoles,
    pub(super) spaces: AdminSpaces,
    pub(super) hosts: AllowedHosts,
    pub(super) cursors: Cursors,
    pub(super) health: Health,
    pub(super) this_node: ThisNode,
    pub(super) metrics: Option<Arc<Metrics>>,
    /// Those given, or started by the first call that needs them: a router can be built where
    /// no runtime is.
    pub(super) tasks: OnceLock<Tasks>,
    pub(super) feed: Option<Feed>,
    /// Streams of events that may yet be opened: each holds a connection.
    pub(super) streams: Arc<Semaphore>,
}

impl Admin {
    pub(super) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) const fn keys(&self) -> &ApiKeys {
        &self.keys
    }

    pub(super) const fn certificates(&self) -> &CertificateRoles {
        &self.certificates
    }

    /// Whether the key or the rule by which `who` was let in is in force.
    pub(super) fn is_current(&self, who: &Arc<Principal>) -> bool {
        let now = self.sessions.clock().wall();
        self.keys.is_current(who) || self.certificates.is_current(who, now)
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

    pub(super) const fn this_node(&self) -> &ThisNode {
        &self.this_node
    }

    pub(super) const fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    pub(super) const fn feed(&self) -> Option<&Feed> {
        self.feed.as_ref()
    }

    pub(super) const fn streams(&self) -> &Arc<Semaphore> {
        &self.streams
    }

    pub(super) fn tasks(&self) -> &Tasks {
        let start = || {
            Tasks::builder(Arc::clone(self.sessions.clock()))
                .max_errors(MAX_TASK_ERRORS)
                .start()
        };
        self.tasks.get_or_init(start)
    }
}

/// As many as a query can name ids.
const MAX_TASK_ERRORS: usize = 4096;
