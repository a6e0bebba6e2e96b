//! Exchanges that outlast their request, tied to the session's end.

use std::sync::Arc;

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Sessions;
use crate::domain::{Session, SessionId};
use crate::sync::map::{DashMap, Entry};

/// The open WebSockets and streams of sessions: a cancel token for each session that has any.
#[derive(Debug, Default)]
pub(super) struct Exchanges(Arc<DashMap<SessionId, Open>>);

#[derive(Debug)]
struct Open {
    session: Arc<Session>,
    token: CancellationToken,
    count: usize,
}

/// The future of a session's end.
pub type Ended = WaitForCancellationFutureOwned;

/// Ties an exchange to its session. While it is held, [`ended`](Self::ended) tells when the
/// session ends.
#[derive(Debug)]
#[must_use]
pub struct Tie {
    session: Arc<Session>,
    token: CancellationToken,
    open: Arc<DashMap<SessionId, Open>>,
}

impl Tie {
    /// Completes when the session ends; at once when it has.
    pub fn ended(&self) -> Ended {
        self.token.clone().cancelled_owned()
    }

    /// The session it is tied to.
    #[must_use]
    pub const fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Tie {
    fn drop(&mut self) {
        self.open.remove_if_mut(self.session.id_ref(), |_, open| {
            open.count -= 1;
            open.count == 0
        });
    }
}

impl Exchanges {
    /// Shows every session that has any to `visit`, which must touch no exchange.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        for open in &*self.0 {
            visit(&open.session);
        }
    }

    pub(super) fn cut(&self, id: SessionId) {
        // The token is cancelled outside the map: waking may run other code.
        let token = self.0.get(&id).map(|open| open.token.clone());
        if let Some(token) = token {
            token.cancel();
        }
    }
}

impl Sessions {
    /// Ties an exchange to the end of `session`: hold the tie as long as the exchange runs.
    pub fn tie(&self, session: &Arc<Session>) -> Tie {
        let open = Arc::clone(&self.0.exchanges.0);
        let token = match open.entry(session.id()) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().count += 1;
                entry.get().token.clone()
            }
            Entry::Vacant(entry) => entry
                .insert(Open {
                    session: Arc::clone(session),
                    token: CancellationToken::new(),
                    count: 1,
                })
                .token
                .clone(),
        };
        // An end marks the session before it looks here; so either it sees the entry above
        // or this sees the mark.
        if session.end().is_some() {
            token.cancel();
        }
        Tie {
            session: Arc::clone(session),
            token,
            open,
        }
    }

    /// How many sessions have exchanges open that outlast their request.
    #[must_use]
    pub fn tied(&self) -> usize {
        self.0.exchanges.0.len()
    }
}
