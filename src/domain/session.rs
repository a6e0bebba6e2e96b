//! A session: one authenticated connection of a user in one space.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::{
    ClientInfo, Clock, EndReason, Identity, Lifetime, Method, SessionEnd, SessionId, SessionRecord,
    SignOnId, SpaceId, SpaceState, Tick, Timestamp, TokenDigest, UserKey,
};
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Whether a session may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It may.
    Live,
    /// It may not, for this reason, though nobody has ended it yet.
    Due(EndReason),
    /// It has ended.
    Ended,
}

/// What a session starts with.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Who.
    pub identity: Arc<Identity>,
    /// How they were authenticated.
    pub method: Method,
    /// From where and with what.
    pub client: ClientInfo,
    /// The license the session uses, by the space's rules.
    pub license: Option<Arc<str>>,
    /// The sign-on it belongs to; `None` for one of its own.
    pub sign_on: Option<SignOnId>,
}

/// One authenticated connection of a user in one space.
///
/// Everything is fixed at the start but four things: when it was last active (an atomic),
/// its end (set once), the number that a shared store gives it, and a slot where an upper room
/// keeps what it computed from the rest.
// What resolve reads comes first and stays there, to share a cache line with the reference
// count that resolve writes.
#[repr(C)]
pub struct Session {
    last_active: AtomicU64,
    started: Tick,
    space: Arc<SpaceState>,
    end: OnceLock<Box<SessionEnd>>,
    prepared: ArcSwapOption<Box<dyn Any + Send + Sync>>,
    id: SessionId,
    identity: Arc<Identity>,
    digest: TokenDigest,
    started_at: Timestamp,
    sign_on: SignOnId,
    license: Option<Arc<str>>,
    client: ClientInfo,
    method: Method,
    announced: AtomicBool,
    number: AtomicU64,
}

impl Session {
    /// A session of `space` that starts now and is opened by the token with `digest`.
    #[must_use]
    pub fn start(
        new: NewSession,
        space: Arc<SpaceState>,
        digest: TokenDigest,
        clock: &dyn Clock,
    ) -> Self {
        let (tick, wall) = (clock.tick(), clock.wall());
        Self {
            last_active: AtomicU64::new(tick.as_millis()),
            end: OnceLock::new(),
            space,
            digest,
            started: tick,
            prepared: ArcSwapOption::empty(),
            id: SessionId::generate(wall),
            identity: new.identity,
            started_at: wall,
            sign_on: new.sign_on.unwrap_or_else(|| SignOnId::generate(wall)),
            client: new.client,
            license: new.license,
            method: new.method,
            announced: AtomicBool::new(false),
            number: AtomicU64::new(0),
        }
    }

    /// The session that `record` is of, in `space`, as it goes on now.
    ///
    /// Its age is what the wall clock says, for no other clock outlives a process: a start in
    /// the future counts as now. From here on it ages on the clock that never steps.
    #[must_use]
    pub fn restore(record: SessionRecord, space: Arc<SpaceState>, clock: &dyn Clock) -> Self {
        let (tick, wall) = (clock.tick(), clock.wall());
        let started = tick.before(wall.since(record.started_at));
        let active = started.after(record.last_active.since(record.started_at));
        let end = OnceLock::new();
        if let Some(ended) = record.end {
            let _ = end.set(Box::new(ended));
        }
        Self {
            last_active: AtomicU64::new(active.min(tick).max(started).as_millis()),
            end,
            space,
            digest: record.digest,
            started,
            prepared: ArcSwapOption::empty(),
            id: record.id,
            identity: record.identity,
            started_at: record.started_at,
            sign_on: record.sign_on,
            client: record.client,
            license: record.license,
            method: record.method,
            announced: AtomicBool::new(false),
            number: AtomicU64::new(0),
        }
    }

    /// Everything about it that outlives a process.
    #[must_use]
    pub fn record(&self) -> SessionRecord {
        SessionRecord {
            id: self.id,
            digest: self.digest,
            space: self.space_id().clone(),
            identity: Arc::clone(&self.identity),
            method: self.method,
            client: self.client.clone(),
            license: self.license.clone(),
            sign_on: self.sign_on,
            started_at: self.started_at,
            last_active: self.last_active(),
            end: self.end().cloned(),
        }
    }

    /// Its public id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Its public id, for an index that borrows it.
    pub(crate) const fn id_ref(&self) -> &SessionId {
        &self.id
    }

    /// The digest of the token that opens it.
    #[must_use]
    pub const fn digest(&self) -> &TokenDigest {
        &self.digest
    }

    /// The space it is in.
    #[must_use]
    pub const fn space(&self) -> &Arc<SpaceState> {
        &self.space
    }

    /// The id of the space it is in.
    #[must_use]
    pub fn space_id(&self) -> &SpaceId {
        self.space.id()
    }

    /// Whose it is.
    #[must_use]
    pub const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The key of its user.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        self.identity.key(self.space_id())
    }

    /// The user directory.
    #[must_use]
    pub fn user_directory(&self) -> &str {
        self.identity.directory()
    }

    /// The user id.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.identity.id()
    }

    /// The user's name.
    #[must_use]
    pub fn user_name(&self) -> &str {
        self.identity.name()
    }

    /// How the user was authenticated.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The client that opened it.
    #[must_use]
    pub const fn client(&self) -> &ClientInfo {
        &self.client
    }

    /// The license it uses.
    #[must_use]
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// The sign-on it belongs to.
    #[must_use]
    pub const fn sign_on(&self) -> SignOnId {
        self.sign_on
    }

    /// When it started.
    #[must_use]
    pub const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// When it started, on the clock that never steps.
    #[must_use]
    pub const fn started_tick(&self) -> Tick {
        self.started
    }

    /// When it was last active: its start plus the time that passed until its last request,
    /// so a stepped clock cannot put it before the start.
    #[must_use]
    pub fn last_active(&self) -> Timestamp {
        self.started_at
            .after(self.last_active_tick().since(self.started))
    }

    /// When it was last active, on the clock that never steps.
    #[must_use]
    pub fn last_active_tick(&self) -> Tick {
        Tick::from_millis(self.last_active.load(Ordering::Relaxed))
    }

    /// When it ends unless it is used again.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.started_at.after(self.due_at().since(self.started))
    }

    /// When it ends unless it is used again, on the clock that never steps.
    #[must_use]
    pub fn due_at(&self) -> Tick {
        self.space
            .lifetime()
            .ends(self.started, self.last_active_tick())
    }

    /// Notes a request at `now`. Never moves back.
    pub fn touch(&self, now: Tick) {
        if self.last_active.load(Ordering::Relaxed) < now.as_millis() {
            self.last_active.store(now.as_millis(), Ordering::Relaxed);
        }
    }

    /// Whether it may be used at `now`. Both limits count, the policy in force now decides.
    #[must_use]
    pub fn liveness(&self, now: Tick) -> Liveness {
        if self.end.get().is_some() {
            return Liveness::Ended;
        }
        let Lifetime { idle, absolute } = self.space.lifetime();
        if now.since(self.started) >= absolute {
            Liveness::Due(EndReason::Expired)
        } else if now.since(self.last_active_tick()) >= idle {
            Liveness::Due(EndReason::Idle)
        } else {
            Liveness::Live
        }
    }

    /// Its end, once it has one.
    #[must_use]
    pub fn end(&self) -> Option<&SessionEnd> {
        self.end.get().map(|end| &**end)
    }

    /// Marks it as ended; `false` when it had ended before. The first end stands.
    pub(crate) fn set_end(&self, end: SessionEnd) -> bool {
        self.end.set(Box::new(end)).is_ok()
    }

    /// Notes that its start has been made known.
    pub(crate) fn announce(&self) {
        self.announced.store(true, Ordering::Release);
    }

    /// Whether its start has been made known, so that its end must be too.
    pub(crate) fn is_announced(&self) -> bool {
        self.announced.load(Ordering::Acquire)
    }

    /// Its number in the order in which a shared store has opened sessions, if it is in one and
    /// its number is known; else 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Notes the number that its store has given it: for a store, when it keeps or restores it.
    pub fn set_number(&self, number: u64) {
        self.number.store(number, Ordering::Release);
    }

    /// What an upper room prepared from this session, such as finished headers.
    ///
    /// The slot holds one value for one room (the proxy); a value of another type reads as
    /// none.
    pub fn prepared<T: Any + Send + Sync, R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let slot = self.prepared.load();
        slot.as_ref()
            .and_then(|any| (***any).downcast_ref())
            .map(read)
    }

    /// Keeps `value` for [`prepared`](Self::prepared).
    pub fn prepare<T: Any + Send + Sync>(&self, value: T) {
        self.prepared.store(Some(Arc::new(Box::new(value))));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("space", self.space_id())
            .field("user", &format_args!("{}", self.identity))
            .field("method", &self.method)
            .field("started_at", &self.started_at)
            .field("last_active", &self.last_active())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{ManualClock, SessionPolicy, Token};

    fn session(clock: &ManualClock) -> Session {
        let lifetime = Lifetime {
            idle: Duration::from_secs(60),
            absolute: Duration::from_secs(100),
        };
        let space = SpaceState::new(
            SpaceId::new("1").unwrap(),
            SessionPolicy {
                lifetime,
                limit: None,
            },
        );
        let new = NewSession {
            identity: Arc::new(Identity::new("LAB", "ann").unwrap()),
            method: Method::Header,
            client: ClientInfo::default(),
            license: None,
            sign_on: None,
        };
        Session::start(new, space, Token::generate().digest(), clock)
    }

    #[test]
    fn s19_idle_and_absolute_limits_are_both_enforced() {
        let clock = ManualClock::new();
        let s = session(&clock);
        clock.advance(Duration::from_millis(59_999));
        assert_eq!(s.liveness(clock.tick()), Liveness::Live);
        clock.advance(Duration::from_millis(1));
        assert_eq!(s.liveness(clock.tick()), Liveness::Due(EndReason::Idle));
        s.touch(clock.tick());
        assert_eq!(s.liveness(clock.tick()), Liveness::Live);
        clock.advance(Duration::from_secs(40));
        assert_eq!(s.liveness(clock.tick()), Liveness::Due(EndReason::Expired));
    }

    #[test]
    fn s19_a_stepped_wall_clock_changes_nothing() {
        let clock = ManualClock::new();
        let s = session(&clock);
        let start = s.started_at();
        for step in [-86_400_000, 5 * 86_400_000] {
            clock.step_wall(step);
            assert_eq!(s.liveness(clock.tick()), Liveness::Live);
        }
        clock.advance(Duration::from_secs(10));
        s.touch(clock.tick());
        assert_eq!(s.last_active(), start.after(Duration::from_secs(10)));
        assert_eq!(s.expires_at(), start.after(Duration::from_secs(70)));
    }

    #[test]
    fn last_active_never_moves_back_and_the_first_end_stands() {
        let clock = ManualClock::new();
        let s = session(&clock);
        clock.advance(Duration::from_secs(5));
        s.touch(clock.tick());
        s.touch(Tick::from_millis(0));
        assert_eq!(s.last_active_tick(), clock.tick());
        let end = |reason| SessionEnd {
            at: clock.wall(),
            reason,
            by: None,
        };
        assert!(s.set_end(end(EndReason::LoggedOut)));
        assert!(!s.set_end(end(EndReason::Idle)));
        assert_eq!(s.end().map(|e| e.reason), Some(EndReason::LoggedOut));
        assert_eq!(s.liveness(clock.tick()), Liveness::Ended);
    }

    #[test]
    fn s19_a_restored_session_is_as_old_as_it_was() {
        let clock = ManualClock::new();
        let s = session(&clock);
        clock.advance(Duration::from_secs(20));
        s.touch(clock.tick());
        let record = s.record();
        clock.advance(Duration::from_secs(30));
        // Another process, whose ticks are others.
        let later = ManualClock::new();
        later.step_wall(50_000);
        let restore = |record: &SessionRecord| {
            Session::restore(record.clone(), Arc::clone(s.space()), &later)
        };
        let restored = restore(&record);
        assert_eq!(restored.record(), record);
        assert_eq!(restored.expires_at(), s.expires_at());
        assert_eq!(restored.liveness(later.tick()), Liveness::Live);
        later.advance(Duration::from_secs(30));
        assert_eq!(
            restored.liveness(later.tick()),
            Liveness::Due(EndReason::Idle)
        );
        restored.touch(later.tick());
        later.advance(Duration::from_secs(20));
        assert_eq!(
            restored.liveness(later.tick()),
            Liveness::Due(EndReason::Expired)
        );
        later.step_wall(-3_600_000);
        let young = restore(&record);
        assert_eq!(
            young.liveness(later.tick()),
            Liveness::Live,
            "a start to come is now"
        );
        assert_eq!(young.last_active(), young.started_at());
    }

    #[test]
    fn a_prepared_value_is_typed() {
        let s = session(&ManualClock::new());
        assert_eq!(s.prepared(|n: &u32| *n), None);
        s.prepare(7_u32);
        assert_eq!(s.prepared(|n: &u32| *n), Some(7));
        assert_eq!(s.prepared(|n: &u64| *n), None);
    }
}
