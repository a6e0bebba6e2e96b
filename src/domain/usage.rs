//! How a license is used.

use std::sync::Arc;

use super::{SeatLimit, SpaceId, Timestamp};

/// How many sessions of a space use a license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseUsage {
    /// The space.
    pub space: SpaceId,
    /// The license; `None` stands for the sessions that use none.
    pub license: Option<Arc<str>>,
    /// Sessions open now.
    pub open: u64,
    /// The most that were open at a time since midnight UTC.
    pub peak_today: u64,
    /// How many may be open, when that is limited.
    pub seats: Option<SeatLimit>,
}

impl LicenseUsage {
    /// The name under which licenses beyond a space's first
    /// [`MAX_LICENSES`](Self::MAX_LICENSES) are counted together.
    pub const OTHER: &str = "(other)";

    /// How many licenses of a space are counted each by itself.
    pub const MAX_LICENSES: usize = 1000;
}

/// The most sessions that used a license at a time on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayPeak {
    /// Midnight UTC at which the day began.
    pub day: Timestamp,
    /// The most sessions open at a time.
    pub peak: u64,
}

/// The peak of a license on a day, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicensePeak {
    /// The space.
    pub space: SpaceId,
    /// The license; `None` stands for the sessions that use none.
    pub license: Option<Arc<str>>,
    /// Midnight UTC at which the day began, and the most sessions open at a time.
    pub day: DayPeak,
}
