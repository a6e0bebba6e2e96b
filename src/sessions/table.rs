//! The live sessions of this process.

use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::{Session, SessionId, Tick, TokenDigest, UserKey};
use crate::store::IdRange;
use crate::store::index::{ByDigest, ById, DigestIndex, FromKey, IdIndex, sharded};
use crate::sync::map::{DashMap, Entry};
use crate::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

/// Live sessions by the digest of their token, by id, by user, and by a credential that
/// opened them. An index entry is a pointer; no guard of one map lives while another is
/// touched.
pub(super) struct Table {
    by_digest: DigestIndex,
    by_id: IdIndex,
    /// In the order of their starts, for lists; ids sort by start time.
    by_start: RwLock<BTreeMap<SessionId, Arc<Session>>>,
    by_user: DashMap<UserKey, UserSessions, BuildHasherDefault<FromKey>>,
    by_credential: DashMap<TokenDigest, Alias, BuildHasherDefault<FromKey>>,
    user_locks: Box<[Mutex<()>]>,
}

/// The sessions of a user that hold a place under their limit, published or not.
enum UserSessions {
    One(Arc<Session>),
    Many(Box<[Arc<Session>]>),
}

/// A session that a credential opens, until `not_after`.
struct Alias {
    session: Arc<Session>,
    not_after: Tick,
}

/// Users share locks; more of them than threads ever wait.
const USER_LOCKS: usize = 1024;

/// Sessions that a walk looks at under one lock: some microseconds, which a login that wants the
/// lock spends spinning; for longer it would be put to sleep, and wake late.
const BATCH: usize = 32;

/// Held while a user's sessions and the maps change together.
pub(super) struct UserGuard<'t> {
    table: &'t Table,
    user: UserKey,
    _lock: MutexGuard<'t, ()>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            by_digest: sharded(),
            by_id: sharded(),
            by_start: RwLock::default(),
            by_user: sharded(),
            by_credential: sharded(),
            user_locks: (0..USER_LOCKS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The session that the token with `digest` opens. The hot path.
    pub(super) fn by_digest(&self, digest: &TokenDigest) -> Option<Arc<Session>> {
        self.by_digest
            .get(digest)
            .map(|entry| Arc::clone(&entry.key().0))
    }

    pub(super) fn by_id(&self, id: SessionId) -> Option<Arc<Session>> {
        self.by_id.get(&id).map(|entry| Arc::clone(&entry.key().0))
    }

    /// The session that `credential` opens at `now`.
    pub(super) fn by_credential(
        &self,
        credential: &TokenDigest,
        now: Tick,
    ) -> Option<Arc<Session>> {
        let found = self.by_credential.get(credential);
        found
            .filter(|a| now < a.not_after)
            .map(|alias| Arc::clone(&alias.session))
    }

    /// Lets `credential` open `session` until `not_after`.
    pub(super) fn set_alias(
        &self,
        credential: TokenDigest,
        session: &Arc<Session>,
        not_after: Tick,
    ) {
        let alias = Alias {
            session: Arc::clone(session),
            not_after,
        };
        self.by_credential.insert(credential, alias);
        if session.end().is_some() {
            // It ended meanwhile; whoever ended it may have looked before the insert.
            self.by_credential.remove(&credential);
        }
    }

    /// Drops credentials that open nothing any more.
    pub(super) fn sweep_aliases(&self, now: Tick) {
        self.by_credential
            .retain(|_, alias| now < alias.not_after && alias.session.end().is_none());
    }

    /// Shows every live session to `visit`, a shard at a time.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        for entry in &self.by_digest {
            visit(&entry.key().0);
        }
    }

    /// Shows the live sessions with ids in `range` to `visit`, newest first, until it breaks.
    /// The index is locked for some hundred at a time, so `visit` has to be quick and must
    /// touch no index; a session that starts or ends meanwhile may or may not be shown, every
    /// other one is, once.
    pub(super) fn newest_first(
        &self,
        mut range: IdRange,
        mut visit: impl FnMut(&Arc<Session>) -> ControlFlow<()>,
    ) {
        while !range.is_empty() {
            let (mut shown, mut last) = (0, None);
            {
                let index = self.by_start.read().unwrap_or_else(PoisonError::into_inner);
                for (id, session) in index.range((range.oldest, range.newest)).rev().take(BATCH) {
                    if visit(session).is_break() {
                        return;
                    }
                    (shown, last) = (shown + 1, Some(*id));
                }
            }
            match last {
                Some(last) if shown == BATCH => range = range.before(last),
                _ => return,
            }
        }
    }

    /// The sessions of `user`, oldest first.
    pub(super) fn of_user(&self, user: UserKey) -> Vec<Arc<Session>> {
        let mut found = self
            .by_user
            .get(&user)
            .map_or_else(Vec::new, |entry| entry.to_vec());
        found.sort_by_key(|s| s.id());
        found
    }

    fn starts(&self) -> RwLockWriteGuard<'_, BTreeMap<SessionId, Arc<Session>>> {
        self.by_start
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `sessions`, which are sorted by id and about to be published, in the order of
    /// starts: many at once take a fraction of the time.
    pub(super) fn expect(&self, sessions: &[Arc<Session>]) {
        let entries = sessions.iter().map(|s| (s.id(), Arc::clone(s)));
        let mut sorted: BTreeMap<_, _> = entries.collect();
        self.starts().append(&mut sorted);
    }

    /// Locks `user`.
    pub(super) fn lock(&self, user: UserKey) -> UserGuard<'_> {
        let at = usize::from(u16::from_le_bytes([user.as_bytes()[8], user.as_bytes()[9]]));
        let lock = self.user_locks[at % USER_LOCKS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        UserGuard {
            table: self,
            user,
            _lock: lock,
        }
    }
}

impl UserGuard<'_> {
    /// The user's sessions, oldest first.
    pub(super) fn sessions(&self) -> Vec<Arc<Session>> {
        self.table.of_user(self.user)
    }

    /// Takes a place under the user's limit for `session`.
    pub(super) fn reserve(&self, session: Arc<Session>) {
        match self.table.by_user.entry(self.user) {
            Entry::Vacant(entry) => drop(entry.insert(UserSessions::One(session))),
            Entry::Occupied(mut entry) => entry.get_mut().push(session),
        }
    }

    /// Gives the place back.
    pub(super) fn release(&self, id: SessionId) {
        self.table
            .by_user
            .remove_if_mut(&self.user, |_, sessions| sessions.remove(id));
    }

    /// Makes `session` resolvable.
    pub(super) fn publish(&self, session: &Arc<Session>) {
        self.table
            .starts()
            .insert(session.id(), Arc::clone(session));
        self.publish_expected(session);
    }

    /// As [`publish`](Self::publish), of a session that is [expected](Table::expect).
    pub(super) fn publish_expected(&self, session: &Arc<Session>) {
        session.announce();
        self.table.by_id.insert(ById(Arc::clone(session)), ());
        self.table
            .by_digest
            .insert(ByDigest(Arc::clone(session)), ());
    }

    /// Whether `session` is resolvable.
    pub(super) fn is_published(&self, session: &Session) -> bool {
        self.table.by_id.contains_key(session.id_ref())
    }

    /// Takes `session` out of every map; `true` when it was resolvable.
    pub(super) fn remove(&self, session: &Session) -> bool {
        self.table.by_digest.remove(session.digest());
        self.table.starts().remove(session.id_ref());
        self.release(session.id());
        self.table.by_id.remove(session.id_ref()).is_some()
    }
}

impl UserSessions {
    fn to_vec(&self) -> Vec<Arc<Session>> {
        match self {
            Self::One(session) => vec![Arc::clone(session)],
            Self::Many(sessions) => sessions.to_vec(),
        }
    }

    fn push(&mut self, session: Arc<Session>) {
        let mut sessions = self.to_vec();
        sessions.push(session);
        *self = Self::Many(sessions.into());
    }

    /// Removes the session `id`; `true` when none is left.
    fn remove(&mut self, id: SessionId) -> bool {
        match self {
            Self::One(session) => session.id() == id,
            Self::Many(sessions) => {
                *sessions = sessions.iter().filter(|s| s.id() != id).cloned().collect();
                sessions.is_empty()
            }
        }
    }
}
