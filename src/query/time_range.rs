//! From when to when.

/// Points in time between two, both included, in milliseconds since 1970.
///
/// Times are whole milliseconds, so "after x" is "from x + 1".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    first: i64,
    last: i64,
}

impl TimeRange {
    /// All times.
    pub const ALWAYS: Self = Self {
        first: i64::MIN,
        last: i64::MAX,
    };

    /// No time at all.
    pub const NEVER: Self = Self {
        first: i64::MAX,
        last: i64::MIN,
    };

    /// From `first` to `last`, both included; none if they are the wrong way round.
    #[must_use]
    pub const fn new(first: i64, last: i64) -> Self {
        match first <= last {
            true => Self { first, last },
            false => Self::NEVER,
        }
    }

    /// The times before `time`.
    #[must_use]
    pub const fn before(time: i64) -> Self {
        match time.checked_sub(1) {
            Some(last) => Self::new(i64::MIN, last),
            None => Self::NEVER,
        }
    }

    /// The times after `time`.
    #[must_use]
    pub const fn after(time: i64) -> Self {
        match time.checked_add(1) {
            Some(first) => Self::new(first, i64::MAX),
            None => Self::NEVER,
        }
    }

    /// The first of the times; `None` when there is no lower limit.
    #[must_use]
    pub fn first(&self) -> Option<i64> {
        (self.first > i64::MIN).then_some(self.first)
    }

    /// The last of the times; `None` when there is no upper limit.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        (self.last < i64::MAX).then_some(self.last)
    }

    /// Whether there are no times in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first > self.last
    }

    /// Whether `time` is in it.
    #[must_use]
    pub const fn contains(&self, time: i64) -> bool {
        self.first <= time && time <= self.last
    }

    /// From the first to the last of the times, in milliseconds; `None` when a limit is
    /// missing, 0 for one or no point in time.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        if self.is_empty() {
            return Some(0);
        }
        Some(self.last()?.abs_diff(self.first()?))
    }

    /// The times that are in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        // The limits of the empty range lose both comparisons.
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// The times before it and those after it.
    pub(super) fn outside(self) -> [Self; 2] {
        match self.is_empty() {
            true => [Self::ALWAYS, Self::NEVER],
            false => [Self::before(self.first), Self::after(self.last)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_add_up() {
        let range = TimeRange::new(2, 5);
        assert_eq!(
            (range.first(), range.last(), range.length()),
            (Some(2), Some(5), Some(3))
        );
        assert_eq!(range.outside(), [TimeRange::before(2), TimeRange::after(5)]);
        assert_eq!(
            range.intersection(TimeRange::after(3)),
            TimeRange::new(4, 5)
        );
        assert!(range.intersection(TimeRange::after(5)).is_empty());
        assert_eq!(range.hull(TimeRange::NEVER), range);
        assert_eq!(range.hull(TimeRange::new(9, 9)), TimeRange::new(2, 9));
        assert_eq!(range.hull(TimeRange::ALWAYS), TimeRange::ALWAYS);
        assert!(range.contains(2) && range.contains(5) && !range.contains(1) && !range.contains(6));
    }

    #[test]
    fn limits_at_the_edge_do_not_overflow() {
        assert!(TimeRange::before(i64::MIN).is_empty());
        assert!(TimeRange::after(i64::MAX).is_empty());
        assert_eq!(TimeRange::ALWAYS.outside(), [TimeRange::NEVER; 2]);
        assert_eq!(
            TimeRange::NEVER.outside(),
            [TimeRange::ALWAYS, TimeRange::NEVER]
        );
        assert_eq!(TimeRange::ALWAYS.length(), None);
        assert_eq!(TimeRange::after(3).length(), None);
        assert_eq!(TimeRange::NEVER.length(), Some(0));
        assert_eq!(
            TimeRange::new(i64::MIN + 1, i64::MAX - 1).length(),
            Some(u64::MAX - 2)
        );
    }
}
