//! What there is one of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Clock, EndReason, LimitPolicy, ManualClock, Session, SessionEnd, SessionId, SessionPolicy,
    SessionRecord, Spaces, Timestamp, TokenDigest, UserKey, UserLock,
};
use crate::store::{
    Change, Created, EndScope, Ended, Epoch, Retention, StoreError, Touch, UserPart,
};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The server that all nodes talk to. Its time is the nodes'.
pub struct Fleet {
    state: Mutex<State>,
    pub(super) clock: ManualClock,
    pub(super) retention: Retention,
}

/// What it knows.
#[derive(Default)]
pub(super) struct State {
    pub(super) sessions: BTreeMap<SessionId, SessionRecord>,
    pub(super) locks: Vec<UserLock>,
    /// Sessions in the order in which they were opened.
    numbers: Vec<SessionId>,
    pub(super) claims: Vec<Claim>,
    /// Sessions of epochs that nobody has told of.
    unsettled: Vec<(EndScope, SessionId, Timestamp)>,
    /// The changes that are still there.
    pub(super) stream: Vec<Change>,
    /// How many there were before them.
    pub(super) trimmed: usize,
    /// Whether it is not to be reached.
    pub(super) down: bool,
}

/// A credential that opens a session, or will.
pub(super) struct Claim {
    pub(super) credential: TokenDigest,
    pub(super) session: SessionId,
    pub(super) until: Timestamp,
}

impl Fleet {
    /// A server that knows nothing yet.
    #[must_use]
    pub fn new(clock: ManualClock, retention: Retention) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            clock,
            retention,
        })
    }

    /// The time of all nodes.
    #[must_use]
    pub const fn clock(&self) -> &ManualClock {
        &self.clock
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`state`](Self::state), for who can do without an answer.
    pub(super) fn ask(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.down {
            return Err(StoreError::Unavailable("the server is down".into()));
        }
        Ok(state)
    }

    /// Loses the stream: whoever has not read it has missed something.
    pub fn trim(&self) {
        let mut state = self.state();
        state.trimmed += state.stream.len();
        state.stream.clear();
    }

    /// Whether the server is reached from now on.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// The sessions that are open, as the server knows.
    #[must_use]
    pub fn open(&self) -> Vec<SessionId> {
        let state = self.state();
        let open = state.sessions.values().filter(|r| r.end.is_none());
        open.map(|record| record.id).collect()
    }
}

impl State {
    pub(super) fn create(
        &mut self,
        record: SessionRecord,
        policy: SessionPolicy,
        clock: &ManualClock,
    ) -> Result<Vec<SessionId>, Created> {
        let user = user_of(&record);
        let mut known = self.sessions.values();
        if known.any(|known| known.id == record.id || known.digest == record.digest) {
            return Err(Created::Exists);
        }
        let now = clock.wall();
        let held = |lock: &&UserLock| lock.until.is_none_or(|until| now < until);
        let lock = self.locks.iter().find(|lock| lock.user_key() == user);
        if let Some(lock) = lock.filter(held) {
            return Err(Created::Locked(lock.clone()));
        }
        let mut left = Vec::new();
        if let Some(limit) = policy.limit {
            let open = self.open_of(user);
            let excess = (open.len() + 1).saturating_sub(limit.max as usize);
            if excess > 0 && limit.policy == LimitPolicy::Refuse {
                return Err(Created::LimitReached { max: limit.max });
            }
            left = open[..excess].to_vec();
        }
        for id in &left {
            self.finish(*id, end(clock, EndReason::Displaced));
        }
        self.numbers.push(record.id);
        self.sessions.insert(
            record.id,
            SessionRecord {
                end: None,
                ..record
            },
        );
        Ok(left)
    }

    /// Which one it was to be opened.
    pub(super) fn number(&self, id: SessionId) -> u64 {
        let at = self.numbers.iter().position(|other| *other == id);
        at.map_or(0, |at| at as u64 + 1)
    }

    /// Ends all that is open in `scope`; those who have it hear of it from the epoch alone.
    pub(super) fn end_scope(&mut self, scope: EndScope, end: SessionEnd) -> Epoch {
        let covered = |record: &SessionRecord| match &scope {
            EndScope::Everything => true,
            EndScope::Space(space) => record.space == *space,
            EndScope::User(user) => user_of(record) == *user,
        };
        for record in self.sessions.values_mut() {
            if record.end.is_none() && covered(record) {
                record.end = Some(end.clone());
                self.unsettled.push((scope.clone(), record.id, end.at));
            }
        }
        let epoch = Epoch {
            scope,
            part: UserPart::new(0, 1),
            upto: self.numbers.len() as u64,
            end,
        };
        self.stream.push(Change::Epoch(epoch.clone()));
        epoch
    }

    /// The sessions of epochs of `scope`, or of those left behind before `left`.
    pub(super) fn settle(&mut self, scope: Option<EndScope>, left: Timestamp) -> Vec<SessionId> {
        let is_due = |(of, _, at): &(EndScope, SessionId, Timestamp)| match &scope {
            Some(scope) => of == scope,
            None => *at <= left,
        };
        let due = self.unsettled.iter().filter(|one| is_due(one));
        let due = due.map(|(_, id, _)| *id).collect();
        self.unsettled.retain(|one| !is_due(one));
        due
    }

    /// The open sessions of `user`, oldest first.
    pub(super) fn open_of(&self, user: UserKey) -> Vec<SessionId> {
        let open = self.sessions.values().filter(|record| record.end.is_none());
        open.filter(|record| user_of(record) == user)
            .map(|record| record.id)
            .collect()
    }

    pub(super) fn touch(&mut self, touch: &Touch) {
        if let Some(record) = self.sessions.get_mut(&touch.id) {
            record.last_active = record.last_active.max(touch.at);
        }
    }

    /// Ends the session, if nobody has.
    pub(super) fn finish(&mut self, id: SessionId, end: SessionEnd) {
        let Some(record) = self.sessions.get_mut(&id) else {
            return;
        };
        if record.end.is_none() {
            record.end = Some(end.clone());
            let digest = record.digest;
            self.stream.push(Change::Ended { id, digest, end });
        }
    }

    pub(super) fn end(&mut self, last: Touch, end: SessionEnd) -> What {
        let Some(record) = self.sessions.get(&last.id) else {
            return What::Unknown;
        };
        if record.end.is_some() {
            return What::Before;
        }
        if end.reason == EndReason::Idle && record.last_active > last.at {
            return What::Active;
        }
        self.touch(&last);
        self.finish(last.id, end);
        What::Now
    }
}

/// What became of an end.
pub(super) enum What {
    Now,
    Before,
    Active,
    Unknown,
}

pub(super) fn user_of(record: &SessionRecord) -> UserKey {
    record.identity.key(&record.space)
}

fn end(clock: &ManualClock, reason: EndReason) -> SessionEnd {
    SessionEnd {
        at: clock.wall(),
        reason,
        by: None,
    }
}
