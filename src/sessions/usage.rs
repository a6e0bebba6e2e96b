//! How licenses are used: counted where sessions are published and removed, under one lock a
//! space. Nothing is scanned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Sessions;
use super::peaks::Peaks;
use super::seats::Seats;
use crate::domain::{
    Clock, DayPeak, LicensePeak, LicenseUsage, Session, SessionId, SpaceId, Timestamp,
};
use crate::sync::map::DashMap;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The use of licenses in all spaces. Cheap to clone.
#[derive(Clone)]
pub struct LicenseMeter(Arc<Meter>);

struct Meter {
    spaces: DashMap<SpaceId, Arc<Mutex<SpaceUsage>>>,
    clock: Arc<dyn Clock>,
    /// Days of which the peaks are kept.
    days: usize,
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The licenses of a space.
#[derive(Default)]
pub(super) struct SpaceUsage {
    none: License,
    pub(super) by_name: BTreeMap<Arc<str>, License>,
    /// Those beyond the number that is counted each by itself.
    other: License,
    /// The sessions counted there, so that one that starts there ends there.
    others: BTreeSet<SessionId>,
}

#[derive(Default)]
pub(super) struct License {
    pub(super) open: u64,
    peaks: Peaks,
    pub(super) seats: Option<Seats>,
}

impl LicenseMeter {
    pub(super) fn new(clock: Arc<dyn Clock>, retention: Duration) -> Self {
        let days = retention.as_secs().div_ceil(86_400).clamp(1, 400);
        Self(Arc::new(Meter {
            spaces: DashMap::new(),
            clock,
            days: usize::try_from(days).unwrap_or(400),
        }))
    }

    /// The use of every license of `space`: sessions without one first, then by name.
    #[must_use]
    pub fn of_space(&self, space: &SpaceId) -> Vec<LicenseUsage> {
        let Some(usage) = self.find(space) else {
            return Vec::new();
        };
        self.read(space, &mut lock(&usage))
    }

    /// The use of every license of every space.
    #[must_use]
    pub fn all(&self) -> Vec<LicenseUsage> {
        let spaces = self.0.spaces.iter();
        let mut spaces: Vec<_> = spaces
            .map(|entry| (entry.key().clone(), Arc::clone(entry.value())))
            .collect();
        spaces.sort_by(|(a, _), (b, _)| a.cmp(b));
        let spaces = spaces.iter();
        spaces
            .flat_map(|(id, usage)| self.read(id, &mut lock(usage)))
            .collect()
    }

    /// The most sessions of `license` that were open in `space` at a time, for each UTC day
    /// of the retention time since it was first used; today is the last. `None` stands for
    /// the sessions without a license.
    #[must_use]
    pub fn peaks(&self, space: &SpaceId, license: Option<&str>) -> Vec<DayPeak> {
        let Some(usage) = self.find(space) else {
            return Vec::new();
        };
        let mut usage = lock(&usage);
        let found = match license {
            None => Some(&mut usage.none),
            Some(LicenseUsage::OTHER) => Some(&mut usage.other),
            Some(name) => usage.by_name.get_mut(name),
        };
        found
            .filter(|license| license.is_used())
            .map_or_else(Vec::new, |license| {
                self.note(license);
                license.peaks.days()
            })
    }

    /// Today's peak of every license, for a store.
    pub(super) fn peaks_now(&self) -> Vec<LicensePeak> {
        let now = self.0.clock.wall();
        let today = Timestamp::from_unix_millis(now.unix_millis().div_euclid(DAY) * DAY);
        let peak = |usage: LicenseUsage| LicensePeak {
            space: usage.space,
            license: usage.license,
            day: DayPeak {
                day: today,
                peak: usage.peak_today,
            },
        };
        self.all().into_iter().map(peak).collect()
    }

    /// Puts back a peak that was kept.
    pub(super) fn restore_peak(&self, peak: LicensePeak) {
        let usage = self.entry(&peak.space);
        let mut usage = lock(&usage);
        let license = match peak.license {
            None => &mut usage.none,
            Some(name) if &*name == LicenseUsage::OTHER => &mut usage.other,
            Some(name) => usage.by_name.entry(name).or_default(),
        };
        license.peaks.restore(peak.day);
    }

    /// Counts `session`, which can be used from now on.
    pub(super) fn opened(&self, session: &Arc<Session>) {
        let usage = self.entry(session.space_id());
        let mut usage = lock(&usage);
        let license = usage.license_at_start(session);
        self.note(license);
        license.open += 1;
        self.note(license);
        if let Some(seats) = usage.seats_of(session) {
            seats.seat(session);
        }
    }

    /// Counts `sessions`, which can be used from now on, where nobody else counts yet.
    pub(super) fn opened_all(&self, sessions: &[Arc<Session>]) {
        for of_space in sessions.chunk_by(|a, b| Arc::ptr_eq(a.space(), b.space())) {
            let usage = self.entry(of_space[0].space_id());
            let mut usage = lock(&usage);
            for session in of_space {
                usage.license_at_start(session).open += 1;
                if let Some(seats) = usage.seats_of(session) {
                    seats.seat(session);
                }
            }
        }
        // The peaks follow: there were never more than there are now.
        let spaces: Vec<_> = self
            .0
            .spaces
            .iter()
            .map(|e| Arc::clone(e.value()))
            .collect();
        for usage in spaces {
            let SpaceUsage {
                none,
                by_name,
                other,
                ..
            } = &mut *lock(&usage);
            let licenses = by_name.values_mut().chain([none, other]);
            licenses
                .filter(|license| license.open > 0)
                .for_each(|license| self.note(license));
        }
    }

    /// Takes `session` off its seat, and off the count if it `was_open`.
    pub(super) fn closed(&self, session: &Session, was_open: bool) {
        let usage = self.entry(session.space_id());
        let mut usage = lock(&usage);
        if was_open && let Some(license) = usage.license_at_end(session) {
            self.note(license);
            license.open = license.open.saturating_sub(1);
        }
        if let Some(seats) = usage.seats_of(session) {
            seats.leave(session.id());
        }
    }

    pub(super) fn find(&self, space: &SpaceId) -> Option<Arc<Mutex<SpaceUsage>>> {
        let found = self.0.spaces.get(space);
        found.map(|entry| Arc::clone(entry.value()))
    }

    pub(super) fn entry(&self, space: &SpaceId) -> Arc<Mutex<SpaceUsage>> {
        self.find(space)
            .unwrap_or_else(|| Arc::clone(&self.0.spaces.entry(space.clone()).or_default()))
    }

    fn note(&self, license: &mut License) {
        let (now, days) = (self.0.clock.wall(), self.0.days);
        license.peaks.note(now, license.open, days);
    }

    fn read(&self, space: &SpaceId, usage: &mut SpaceUsage) -> Vec<LicenseUsage> {
        let other: Arc<str> = LicenseUsage::OTHER.into();
        let all = std::iter::once((None, &mut usage.none))
            .chain(usage.by_name.iter_mut().map(|(name, l)| (Some(name), l)))
            .chain(std::iter::once((Some(&other), &mut usage.other)));
        let mut out = Vec::new();
        for (name, license) in all {
            if !license.is_used() {
                continue;
            }
            self.note(license);
            out.push(LicenseUsage {
                space: space.clone(),
                license: name.cloned(),
                open: license.open,
                peak_today: license.peaks.last(),
                seats: license.seats.as_ref().map(|seats| seats.limit().clone()),
            });
        }
        out
    }
}

impl fmt::Debug for LicenseMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

impl SpaceUsage {
    /// The license that a session which starts is counted under.
    fn license_at_start(&mut self, session: &Session) -> &mut License {
        let Some(name) = session.license() else {
            return &mut self.none;
        };
        let known = self.by_name.contains_key(name);
        if name == LicenseUsage::OTHER || !known && self.by_name.len() >= LicenseUsage::MAX_LICENSES
        {
            self.others.insert(session.id());
            return &mut self.other;
        }
        self.by_name.entry(name.into()).or_default()
    }

    /// The license that a session which ends was counted under.
    fn license_at_end(&mut self, session: &Session) -> Option<&mut License> {
        match session.license() {
            Some(_) if self.others.remove(session.id_ref()) => Some(&mut self.other),
            Some(name) => self.by_name.get_mut(name),
            None => Some(&mut self.none),
        }
    }

    /// The seats of the session's license, when they are limited.
    pub(super) fn seats_of(&mut self, session: &Session) -> Option<&mut Seats> {
        self.by_name.get_mut(session.license()?)?.seats.as_mut()
    }
}

impl License {
    /// Whether there is anything to say of it.
    fn is_used(&self) -> bool {
        self.seats.is_some() || !self.peaks.is_empty()
    }
}

impl Sessions {
    /// How licenses are used: a handle of its own, which does not keep `self` alive.
    #[must_use]
    pub fn licenses(&self) -> &LicenseMeter {
        &self.0.licenses
    }

    /// Counts `session`, which has just been published: to be called under its user's lock.
    pub(super) fn note_opened(&self, session: &Arc<Session>) {
        session.space().opened();
        self.0.licenses.opened(session);
    }

    /// Takes `session`, which `was_published`, off all counts: to be called under its user's
    /// lock.
    pub(super) fn note_closed(&self, session: &Session, was_published: bool) {
        if was_published {
            session.space().closed();
        }
        self.0.licenses.closed(session, was_published);
    }
}

pub(super) fn lock(usage: &Mutex<SpaceUsage>) -> MutexGuard<'_, SpaceUsage> {
    usage.lock().unwrap_or_else(PoisonError::into_inner)
}
