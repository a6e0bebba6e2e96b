//! The seats of a license: who holds them, and what becomes of one more.
//!
//! Holders are kept only for licenses whose seats are limited. They are looked through once,
//! when a license gets a limit that it did not have, and at most once a second for sessions
//! whose time is up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::usage::{LicenseMeter, SpaceUsage, lock};
use super::{EstablishError, Sessions};
use crate::domain::{
    EndReason, LimitPolicy, Liveness, SeatLimit, Session, SessionId, SpaceId, Tick,
};

/// The seats of a license with a limit.
pub(super) struct Seats {
    limit: SeatLimit,
    /// The sessions on them, oldest first, those included that are being opened.
    holders: BTreeMap<SessionId, Arc<Session>>,
    /// When those whose time is up were last looked for.
    looked: Option<Tick>,
}

/// How often seats are searched for sessions whose time is up: a refusal must not cost a
/// walk over all seats each time.
const LOOK: Duration = Duration::from_secs(1);

impl LicenseMeter {
    /// Whether the license of `session` has limited seats.
    pub(super) fn is_limited(&self, session: &Session) -> bool {
        let usage = self.find(session.space_id());
        usage.is_some_and(|usage| lock(&usage).seats_of(session).is_some())
    }

    /// The limit on the seats of the license of `session`.
    pub(super) fn seat_limit(&self, session: &Session) -> Option<SeatLimit> {
        let usage = self.find(session.space_id())?;
        let mut usage = lock(&usage);
        usage.seats_of(session).map(|seats| seats.limit.clone())
    }

    /// Whether it is time to look again for sessions on seats whose time is up.
    pub(super) fn may_look(&self, session: &Session, now: Tick) -> bool {
        let Some(usage) = self.find(session.space_id()) else {
            return false;
        };
        let mut usage = lock(&usage);
        usage
            .seats_of(session)
            .is_some_and(|seats| seats.may_look(now))
    }

    /// Takes a seat for `session`, or says who must leave first. When the sessions `leaving`
    /// are going to be ended for it anyway, it takes none and counts them as gone.
    ///
    /// So it has a seat, or needs none, when nobody was and nobody is to leave.
    pub(super) fn ask_seat(
        &self,
        session: &Arc<Session>,
        leaving: &[(Arc<Session>, EndReason)],
        now: Tick,
    ) -> Result<Vec<(Arc<Session>, EndReason)>, EstablishError> {
        let Some(usage) = self.find(session.space_id()) else {
            return Ok(Vec::new());
        };
        let mut usage = lock(&usage);
        let license = session
            .license()
            .and_then(|name| usage.by_name.get_mut(name));
        let Some((open, seats)) = license.and_then(|l| Some((l.open, l.seats.as_mut()?))) else {
            return Ok(Vec::new());
        };
        seats.ask(open, session, leaving, now)
    }
}

impl Seats {
    pub(super) const fn limit(&self) -> &SeatLimit {
        &self.limit
    }

    /// Puts `session` on a seat, whether one is free or not.
    pub(super) fn seat(&mut self, session: &Arc<Session>) {
        self.holders.insert(session.id(), Arc::clone(session));
    }

    /// Takes the session `id` off its seat.
    pub(super) fn leave(&mut self, id: SessionId) {
        self.holders.remove(&id);
    }

    fn may_look(&mut self, now: Tick) -> bool {
        let may = self.looked.is_none_or(|looked| now.since(looked) >= LOOK);
        if may {
            self.looked = Some(now);
        }
        may
    }

    /// As [`LicenseMeter::ask_seat`]; `open` sessions use the license.
    fn ask(
        &mut self,
        open: u64,
        session: &Arc<Session>,
        leaving: &[(Arc<Session>, EndReason)],
        now: Tick,
    ) -> Result<Vec<(Arc<Session>, EndReason)>, EstablishError> {
        let seats = usize::try_from(self.limit.seats).unwrap_or(usize::MAX);
        let stays = |id: &SessionId| !leaving.iter().any(|(gone, _)| gone.id() == *id);
        // While the holders are gathered for a limit that is new, not all of them are here.
        let held = self
            .holders
            .len()
            .max(usize::try_from(open).unwrap_or(usize::MAX));
        let gone = leaving
            .iter()
            .filter(|(s, _)| self.holders.contains_key(s.id_ref()));
        let held = held - gone.count();
        if held < seats {
            if leaving.is_empty() {
                self.seat(session);
            }
            return Ok(Vec::new());
        }
        let mut going = Vec::new();
        if self.may_look(now) {
            let here = self.holders.iter().filter(|(id, _)| stays(id));
            going.extend(here.filter_map(|(_, holder)| {
                let reason = match holder.liveness(now) {
                    Liveness::Live => return None,
                    Liveness::Due(reason) => reason,
                    // Whoever ends it is about to take it off its seat.
                    Liveness::Ended => holder.end()?.reason,
                };
                Some((Arc::clone(holder), reason))
            }));
        }
        let excess = (held + 1).saturating_sub(seats + going.len());
        if excess > 0 && self.limit.policy == LimitPolicy::EndOldest {
            let due: BTreeSet<SessionId> = going.iter().map(|(s, _)| s.id()).collect();
            let oldest = self.holders.iter();
            let oldest = oldest.filter(|(id, _)| stays(id) && !due.contains(id));
            let displaced = oldest.map(|(_, holder)| (Arc::clone(holder), EndReason::Displaced));
            going.extend(displaced.take(excess));
        }
        if (held + 1).saturating_sub(going.len()) > seats {
            return Err(EstablishError::NoSeat {
                license: Arc::clone(&self.limit.license),
                seats: self.limit.seats,
            });
        }
        Ok(going)
    }
}

impl Sessions {
    /// Puts the seats of the licenses of `space` into force, in the place of those that it
    /// had. Sessions that are open stay, also when there are more of them than seats.
    pub fn set_seats(&self, space: &SpaceId, limits: Vec<SeatLimit>) {
        let meter = self.licenses();
        if limits.is_empty() && meter.find(space).is_none() {
            return;
        }
        let usage = meter.entry(space);
        let new = lock(&usage).set_limits(limits);
        if new.is_empty() {
            return;
        }
        let mut open = Vec::new();
        self.0.table.for_each(|session| {
            let uses = |name: &Arc<str>| session.license() == Some(&**name);
            if session.space_id() == space && new.iter().any(uses) {
                open.push(Arc::clone(session));
            }
        });
        let mut usage = lock(&usage);
        for session in &open {
            // One that has ended meanwhile is marked before it is taken off its seat.
            if session.end().is_none()
                && let Some(seats) = usage.seats_of(session)
            {
                seats.seat(session);
            }
        }
    }
}

impl SpaceUsage {
    /// The limits in force from now on; says which licenses had none before.
    fn set_limits(&mut self, limits: Vec<SeatLimit>) -> Vec<Arc<str>> {
        let mut new = Vec::new();
        for (name, license) in &mut self.by_name {
            if !limits.iter().any(|limit| limit.license == *name) {
                license.seats = None;
            }
        }
        for limit in limits {
            let name = Arc::clone(&limit.license);
            match &mut self.by_name.entry(Arc::clone(&name)).or_default().seats {
                Some(seats) => seats.limit = limit,
                none => {
                    new.push(name);
                    *none = Some(Seats {
                        limit,
                        holders: BTreeMap::new(),
                        looked: None,
                    });
                }
            }
        }
        new
    }
}
