//! Durations as the configuration writes them: `30m`, `1h30m`, `500ms`.

use std::time::Duration;

/// What the configuration takes as a duration, for messages.
pub(super) const FORM: &str =
    "numbers with the units d, h, m, s, ms, as in `30m`, `1h30m` or `500ms`";

/// The units, largest first, with their milliseconds. A number takes the longest match.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// No option makes sense beyond ten years.
const LONGEST: u64 = 3650 * 86_400_000;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    #[error("it has no unit")]
    NoUnit,
    #[error("it is not a duration")]
    Form,
    #[error("its units are not in order, largest first, each once")]
    Order,
    #[error("it is longer than 3650 days")]
    TooLong,
}

/// Reads `text`.
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut next_unit = 0;
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(DurationError::Form);
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or(DurationError::NoUnit)?;
        let number: u64 = rest[..digits].parse().map_err(|_| match digits {
            0 => DurationError::Form,
            _ => DurationError::TooLong,
        })?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = UNITS
            .iter()
            .position(|(unit, _)| *unit == &rest[..letters])
            .ok_or(DurationError::Form)?;
        if unit < next_unit {
            return Err(DurationError::Order);
        }
        next_unit = unit + 1;
        total = number
            .checked_mul(UNITS[unit].1)
            .and_then(|millis| total.checked_add(millis))
            .filter(|total| *total <= LONGEST)
            .ok_or(DurationError::TooLong)?;
        rest = &rest[letters..];
    }
    Ok(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in [
            ("30m", 1_800_000),
            ("12h", 43_200_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1m5ms", 60_005),
            ("30d", 2_592_000_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, error) in [
            ("30", DurationError::NoUnit),
            ("1h30", DurationError::NoUnit),
            ("", DurationError::Form),
            ("m", DurationError::Form),
            ("-1s", DurationError::Form),
            ("1.5h", DurationError::Form),
            ("1 h", DurationError::Form),
            ("1w", DurationError::Form),
            ("1é", DurationError::Form),
            ("30m1h", DurationError::Order),
            ("1h1h", DurationError::Order),
            ("4000d", DurationError::TooLong),
            ("99999999999999999999s", DurationError::TooLong),
            ("18446744073709551615d", DurationError::TooLong),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
    }
}
