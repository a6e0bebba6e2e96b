//! The most of something at a time, day by day.

use std::collections::VecDeque;

use crate::domain::{DayPeak, Timestamp};

/// Peaks per UTC day, without gaps, of the last days.
#[derive(Debug, Default)]
pub(super) struct Peaks(VecDeque<(i64, u64)>);

const DAY: i64 = 86_400_000;

impl Peaks {
    /// Notes that there are `count` at `now`, as there have been on every day since the last
    /// note. Keeps `days` days.
    ///
    /// A wall clock that was set back makes the days after `now` part of today.
    pub(super) fn note(&mut self, now: Timestamp, count: u64, days: usize) {
        let today = now.unix_millis().div_euclid(DAY);
        let mut peak = count;
        while let Some((_, later)) = self.0.pop_back_if(|(day, _)| *day > today) {
            peak = peak.max(later);
        }
        let oldest = today.saturating_sub(i64::try_from(days).unwrap_or(i64::MAX) - 1);
        if let Some((last, _)) = self.0.back() {
            // What there was on the days between was there all the time.
            for day in (*last + 1).max(oldest)..today {
                self.0.push_back((day, count));
            }
        }
        match self.0.back_mut() {
            Some((day, known)) if *day == today => *known = (*known).max(peak),
            _ => self.0.push_back((today, peak)),
        }
        while self.0.pop_front_if(|(day, _)| *day < oldest).is_some() {}
    }

    /// Puts back the peak of a day that was kept; a day that is known already has the higher.
    pub(super) fn restore(&mut self, peak: DayPeak) {
        let day = peak.day.unix_millis().div_euclid(DAY);
        match self.0.binary_search_by_key(&day, |(known, _)| *known) {
            Ok(at) => self.0[at].1 = self.0[at].1.max(peak.peak),
            Err(at) => self.0.insert(at, (day, peak.peak)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Today's peak, as far as it was noted last.
    pub(super) fn last(&self) -> u64 {
        self.0.back().map_or(0, |(_, peak)| *peak)
    }

    /// All days, the latest last.
    pub(super) fn days(&self) -> Vec<DayPeak> {
        let days = self.0.iter().map(|(day, peak)| DayPeak {
            day: Timestamp::from_unix_millis(day.saturating_mul(DAY)),
            peak: *peak,
        });
        days.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_unix_millis(day * DAY + 5)
    }

    fn peaks(peaks: &Peaks) -> Vec<(i64, u64)> {
        let days = peaks.days().into_iter();
        days.map(|d| (d.day.unix_millis() / DAY, d.peak)).collect()
    }

    #[test]
    fn each_day_has_its_peak_and_quiet_days_what_there_was() {
        let mut seen = Peaks::default();
        for (day, count) in [(10, 1), (10, 4), (10, 2), (13, 2), (13, 3)] {
            seen.note(at(day), count, 30);
        }
        assert_eq!(peaks(&seen), [(10, 4), (11, 2), (12, 2), (13, 3)]);
        seen.note(at(41), 3, 30);
        assert_eq!(peaks(&seen).first(), Some(&(12, 2)));
        assert_eq!(seen.days().len(), 30);
        seen.note(at(1_000_000_000), 0, 30);
        assert_eq!(seen.days().len(), 30);
        assert_eq!(seen.last(), 0);
    }

    #[test]
    fn what_was_kept_comes_back_in_any_order() {
        let mut seen = Peaks::default();
        for (day, peak) in [(11, 3), (10, 4), (11, 2)] {
            seen.restore(DayPeak { day: at(day), peak });
        }
        seen.note(at(13), 1, 30);
        assert_eq!(peaks(&seen), [(10, 4), (11, 3), (12, 1), (13, 1)]);
    }

    #[test]
    fn days_that_a_wrong_clock_made_up_become_today() {
        let mut seen = Peaks::default();
        for (day, count) in [(10, 1), (12, 7), (11, 2)] {
            seen.note(at(day), count, 30);
        }
        assert_eq!(peaks(&seen), [(10, 1), (11, 7)]);
    }
}
