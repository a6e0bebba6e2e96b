//! Points in time as the dialect writes them.

use chrono::NaiveDate;

/// The milliseconds since 1970 that `text` names, if it is a time in ISO 8601 and UTC:
/// `2026-01-31T08:00:00Z`, with up to nine digits of a second (digits beyond milliseconds are
/// dropped) or without seconds. For `Z` may stand `+00:00`.
pub(super) fn parse(text: &str) -> Option<i64> {
    let local = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = local.split_once('T')?;
    let (year, rest) = leading(date, 4)?;
    let (month, rest) = leading(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = leading(rest.strip_prefix('-')?, 2)?;
    if !rest.is_empty() {
        return None;
    }
    let (hour, rest) = leading(time, 2)?;
    let (minute, rest) = leading(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => leading(rest, 2)?,
        None if rest.is_empty() => (0, rest),
        None => return None,
    };
    let milli = match rest.strip_prefix('.') {
        Some(digits) => milliseconds(digits)?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    let time = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?
        .and_hms_milli_opt(hour, minute, second, milli)?;
    Some(time.and_utc().timestamp_millis())
}

/// The number that the first `len` bytes are, and what follows.
fn leading(text: &str, len: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(len)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| all_digits)?, rest))
}

fn milliseconds(digits: &str) -> Option<u32> {
    let sound = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let padded = digits.bytes().chain(*b"00").take(3);
    sound.then(|| padded.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR: i64 = 1_767_225_600_000;

    #[test]
    fn the_dialects_spellings_are_read() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", NEW_YEAR),
            ("2026-01-01T00:00:00.000Z", NEW_YEAR),
            ("2026-01-01T00:00Z", NEW_YEAR),
            ("2026-01-01T00:00:00+00:00", NEW_YEAR),
            ("2026-01-01T00:00:01.5Z", NEW_YEAR + 1_500),
            ("2026-01-01T00:00:01.05Z", NEW_YEAR + 1_050),
            ("2026-01-01T00:00:00.123456789Z", NEW_YEAR + 123),
            ("2026-01-01T23:59:59.999Z", NEW_YEAR + 86_399_999),
            ("2024-02-29T00:00Z", 1_709_164_800_000),
            ("0001-01-01T00:00Z", -62_135_596_800_000),
        ] {
            assert_eq!(parse(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_time() {
        for text in [
            "",
            "Z",
            "null",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00 00:00",
            "2026-01-01T00Z",
            "2026-01-01T00:00:Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00.5Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-1-1T00:00Z",
            "2026-13-01T00:00Z",
            "2026-02-29T00:00Z",
            "2026-01-01T24:00Z",
            "2026-01-01T00:60Z",
            "2026-01-01T00:00:61Z",
            "+026-01-01T00:00Z",
            "-2026-01-01T00:00Z",
            "2026-01-01T00:00ZZ",
            "20260101T000000Z",
            "２026-01-01T00:00Z",
            "2026-01-01T0ä:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
