//! The bytes that lines are made of.

use memchr::memchr2;

use super::violation::Violation;

/// Where the first control byte stands that is not HTAB: the CR that ends a line, or what
/// no line may hold.
#[inline]
pub(super) fn first_control(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + position(&bytes[from..], controls)?;
        if bytes[at] != b'\t' {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Marks bytes below SP, and DEL.
const fn controls(word: u64) -> u64 {
    // Seven bits of each byte, one higher: DEL becomes 0, what is below SP stays below 33.
    let next = ((word & LOW) + ONES) & LOW;
    !((next + ONES * 0x5f) | word) & !LOW
}

/// Where the first byte stands whose high bit `marks` sets in the word that it stands in.
///
/// Lines and names are short: words in registers take half the time of calling memchr.
#[inline(always)]
fn position(bytes: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let (pairs, rest) = bytes.as_chunks::<16>();
    for (index, pair) in pairs.iter().enumerate() {
        let pair = u128::from_le_bytes(*pair);
        let low = marks(pair as u64);
        let high = marks((pair >> 64) as u64);
        if low | high != 0 {
            return Some(index * 16 + first_of(low, high));
        }
    }
    let mut pair = [FILL; 16];
    pair[..rest.len()].copy_from_slice(rest);
    let pair = u128::from_le_bytes(pair);
    let low = marks(pair as u64);
    let high = marks((pair >> 64) as u64);
    (low | high != 0).then(|| pairs.len() * 16 + first_of(low, high))
}

/// The first marked byte of two words.
#[inline(always)]
const fn first_of(low: u64, high: u64) -> usize {
    let bit = if low != 0 {
        low.trailing_zeros()
    } else {
        64 + high.trailing_zeros()
    };
    bit as usize / 8
}

/// What a control byte other than HTAB is where a line goes on.
#[cold]
pub(super) fn violation_of(control: u8) -> Violation {
    match control {
        b'\n' => Violation::BareLf,
        b'\r' => Violation::BareCr,
        _ => Violation::ControlByte,
    }
}

/// `name: value` taken apart; the value without the white space around it.
#[inline]
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let end = token_length(line);
    match line.get(end) {
        Some(b':') if end > 0 => Ok((&line[..end], &line[end + 1..])),
        Some(b' ' | b'\t') if end == 0 => Err(Violation::FoldedLine),
        _ => Err(Violation::HeaderName),
    }
}

/// `value` without SP and HTAB at its ends.
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Bytes of the token at the start of `bytes` (RFC 9110, section 5.6.2).
#[inline]
pub(super) fn token_length(bytes: &[u8]) -> usize {
    match position(bytes, uncommon) {
        Some(end) if matches!(bytes[end], b':' | b' ') => end,
        Some(_) => rare_token_length(bytes),
        None => bytes.len(),
    }
}

/// Marks what is not a letter, a digit or `-`, which tokens are commonly made of.
const fn uncommon(word: u64) -> u64 {
    let low = word & LOW;
    let lower = low | (ONES * 0x20);
    let letter = (lower + ONES * 0x1f) & !(lower + ONES * 0x05);
    let digit = (low + ONES * 0x50) & !(low + ONES * 0x46);
    let other = (low ^ (ONES * b'-' as u64)) + LOW;
    !((letter | digit | !other) & !word) & !LOW
}

#[cold]
fn rare_token_length(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|&b| !is_token(b));
    end.unwrap_or(bytes.len())
}

const fn is_token(b: u8) -> bool {
    matches!(
        b,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
            | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
    )
}

/// Where the first SP or HTAB stands.
#[inline]
pub(super) fn first_space(bytes: &[u8]) -> Option<usize> {
    memchr2(b' ', b'\t', bytes)
}

/// Whether a comma-separated list names `token`, in any case.
pub(super) fn lists(value: &[u8], token: &[u8]) -> bool {
    value
        .split(|&b| b == b',')
        .any(|item| trim(item).eq_ignore_ascii_case(token))
}

/// The lowest bit of every byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;

/// All but the highest bit of every byte of a word.
const LOW: u64 = 0x7f * ONES;

/// What a word is filled up with: a byte that nothing here looks for.
const FILL: u8 = b'x';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_at_every_place() {
        for length in 0..70 {
            let mut line = vec![0xff; length];
            assert_eq!(first_control(&line), None);
            assert_eq!(first_space(&line), None);
            for at in 0..length {
                for byte in [0, 0x1f, 0x7f, b'\r', b'\n', b'\t'] {
                    line[at] = byte;
                    let found = first_control(&line);
                    assert_eq!(found, (byte != b'\t').then_some(at));
                }
                assert_eq!(first_space(&line), Some(at));
                // The first of two.
                line[length - 1] = 0;
                line[at] = b'\n';
                assert_eq!(first_control(&line), Some(at));
                line[at] = 0xff;
                line[length - 1] = 0xff;
            }
        }
    }

    #[test]
    fn tokens_are_measured() {
        for before in ["", "a", "Upgrade-Insecure-Requests", "a!b#c"] {
            for byte in 0..=255_u8 {
                let mut bytes = before.as_bytes().to_vec();
                bytes.push(byte);
                let length = before.len() + usize::from(is_token(byte));
                assert_eq!(token_length(&bytes), length, "{bytes:?}");
                bytes.push(b'(');
                assert_eq!(token_length(&bytes), length, "{bytes:?}");
            }
        }
        assert_eq!((0..=255).filter(|&b| is_token(b)).count(), 77);
    }

    #[test]
    fn fields_are_taken_apart() {
        assert_eq!(field(b"A:b"), Ok((&b"A"[..], &b"b"[..])));
        assert_eq!(field(b"A:"), Ok((&b"A"[..], &b""[..])));
        assert_eq!(field(b" A:b"), Err(Violation::FoldedLine));
        for line in [&b":b"[..], b"A :b", b"A", b"A b", b"\xc3\xa4:b", b"(:b"] {
            assert_eq!(field(line), Err(Violation::HeaderName), "{line:?}");
        }
        assert_eq!(trim(b" \ta b\t "), b"a b");
        assert!(lists(b"keep-alive , UPGRADE", b"upgrade"));
        assert!(!lists(b"x-upgrade, upgraded", b"upgrade"));
    }
}
