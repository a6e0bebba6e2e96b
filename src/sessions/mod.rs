//! The use cases of sessions, and the only writer: establish, resolve, end, find, sweep.
//!
//! [`Sessions`] is the one handle. It owns the *table* of live sessions, which the hot path
//! reads without waiting, and holds a [`SessionStore`], which has the truth.
//!
//! Three rules hold whatever happens at once:
//! - **Delete wins.** Once an end has returned, nothing makes the token valid again.
//! - **A line in time.** "End all of U" and a racing login of U happen one after the other:
//!   the login's session is ended, or it is newer than the call.
//! - **An outage is not a logout.** No session, refused, and cannot tell are three answers.

mod builder;
mod changes;
mod credentials;
mod end;
mod epochs;
mod establish;
mod exchanges;
#[cfg(feature = "server")]
mod export;
mod feed;
mod find;
mod fleet;
mod flights;
mod flush;
mod freshness;
#[cfg(feature = "server")]
mod import;
mod locks;
mod mass_end;
mod observer;
mod peaks;
mod place;
mod recover;
mod refresh;
mod resolve;
pub mod search;
mod seats;
mod shared_seats;
mod sweep;
mod table;
mod tickets;
mod tombstones;
mod usage;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::domain::{Clock, SessionPolicy, SpaceId, SpaceState, Spaces};
use crate::store::SessionStore;

pub use crate::domain::UserLock;
pub use crate::store::EndScope;
pub use builder::SessionsBuilder;
pub use end::{EndCause, EndOutcome};
pub use establish::{Admission, Chosen, EstablishError, Established, JoinKey};
pub use exchanges::{Ended, Tie};
#[cfg(feature = "server")]
pub use export::Export;
pub use feed::{EventId, EventIdError, EventKind, Feed, FeedItem, FeedReader, SessionEvent};
pub use find::{FindQuery, Page};
#[cfg(feature = "server")]
pub use import::Imported;
pub use locks::{LockError, LockOrder, Locked};
pub use observer::Observer;
pub use recover::Recovery;
pub use refresh::{RefreshError, Refreshed};
pub use resolve::Resolution;
pub use sweep::Swept;
pub use usage::LicenseMeter;

/// The sessions of this process: one handle, cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use gatepass::sessions::Sessions;
///
/// let sessions = Sessions::builder().idle_timeout(Duration::from_secs(1800)).build();
/// assert_eq!(sessions.default_space().open(), 0);
/// ```
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    table: table::Table,
    spaces: Spaces,
    default_space: Arc<SpaceState>,
    exchanges: exchanges::Exchanges,
    tombstones: tombstones::Tombstones,
    epochs: epochs::Epochs,
    freshness: freshness::Freshness,
    flights: flights::Flights,
    refreshes: refresh::Refreshes,
    locks: locks::Locks,
    licenses: LicenseMeter,
    observers: Box<[Arc<dyn Observer>]>,
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
}

impl Sessions {
    /// Sessions with settings of your own.
    pub fn builder() -> SessionsBuilder {
        SessionsBuilder::new()
    }

    /// Puts the space `id` under `policy`: a new space, or a new policy for an old one,
    /// which then holds for its open sessions too.
    pub fn space(&self, id: &SpaceId, policy: SessionPolicy) -> Arc<SpaceState> {
        self.0.spaces.put(id, policy)
    }

    /// The space `id`, if there is one.
    #[must_use]
    pub fn find_space(&self, id: &SpaceId) -> Option<Arc<SpaceState>> {
        self.0.spaces.find(id)
    }

    /// The space of a layer that was not given another.
    #[must_use]
    pub fn default_space(&self) -> &Arc<SpaceState> {
        &self.0.default_space
    }

    /// The clock that sessions go by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Whether other processes open and end sessions of the same store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.store.shared().is_some()
    }

    /// How many sessions are open in this process, over all spaces.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.spaces.open()
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}
