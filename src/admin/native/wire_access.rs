//! The JSON of what keeps people out: locks on users, and seats of licenses.

use serde::Serialize;

use super::wire::{Text, on_limit};
use crate::domain::{DayPeak, LicenseUsage, Timestamp};
use crate::sessions::UserLock;

/// A user who is locked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LockBody<'a> {
    user_directory: &'a str,
    user_id: &'a str,
    until: Option<Text<Timestamp>>,
    since: Text<Timestamp>,
    by: &'a str,
    reason: Option<&'a str>,
}

/// Locks.
#[derive(Serialize)]
pub(super) struct LocksBody<'a> {
    pub(super) locks: Vec<LockBody<'a>>,
}

/// A lock that came into force.
#[derive(Serialize)]
pub(super) struct LockedBody<'a> {
    pub(super) lock: LockBody<'a>,
    /// How many sessions it ended.
    pub(super) ended: u64,
}

/// A lock that was lifted.
#[derive(Serialize)]
pub(super) struct LiftedBody<'a> {
    pub(super) lock: LockBody<'a>,
}

/// How the licenses of a space are used.
#[derive(Serialize)]
pub(super) struct LicensesBody<'a> {
    pub(super) licenses: Vec<LicenseBody<'a>>,
}

/// How a license is used.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LicenseBody<'a> {
    license: Option<&'a str>,
    open: u64,
    seats: Option<SeatsBody>,
    peaks: Vec<PeakBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeatsBody {
    max: u32,
    on_limit: &'static str,
}

#[derive(Serialize)]
struct PeakBody {
    day: String,
    peak: u64,
}

impl<'a> LockBody<'a> {
    pub(super) fn new(lock: &'a UserLock) -> Self {
        Self {
            user_directory: &lock.directory,
            user_id: &lock.id,
            until: lock.until.map(Text),
            since: Text(lock.since),
            by: &lock.by,
            reason: lock.reason.as_deref(),
        }
    }
}

impl<'a> LicenseBody<'a> {
    pub(super) fn new(usage: &'a LicenseUsage, peaks: &[DayPeak]) -> Self {
        let seats = usage.seats.as_ref().map(|seats| SeatsBody {
            max: seats.seats,
            on_limit: on_limit(seats.policy),
        });
        let peaks = peaks.iter().map(|of| PeakBody {
            day: of.day.to_datetime().date_naive().to_string(),
            peak: of.peak,
        });
        Self {
            license: usage.license.as_deref(),
            open: usage.open,
            seats,
            peaks: peaks.collect(),
        }
    }
}
