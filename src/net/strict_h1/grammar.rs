//! The bytes that lines are made of.

use super::violation::Violation;

/// The first byte of `line` that no line may hold (its own CRLF is not part of it).
#[inline]
pub(super) fn check_line(line: &[u8]) -> Result<(), (usize, Violation)> {
    if has_control(line) {
        return Err(first_control(line));
    }
    Ok(())
}

/// Whether a byte below SP other than HTAB, or DEL, is in `bytes`.
///
/// Sixteen bytes at a time without a branch, which the compiler turns into vector
/// instructions; the last sixteen overlap those before them.
#[inline]
fn has_control(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut seen = [0_u8; 16];
    for block in blocks {
        mark_controls(block, &mut seen);
    }
    if !rest.is_empty() {
        match bytes.last_chunk::<16>() {
            Some(last) => mark_controls(last, &mut seen),
            None => return rest.iter().any(|&b| is_control(b)),
        }
    }
    u128::from_ne_bytes(seen) != 0
}

#[inline]
fn mark_controls(block: &[u8; 16], seen: &mut [u8; 16]) {
    for (seen, &b) in seen.iter_mut().zip(block) {
        *seen |= u8::from(is_control(b));
    }
}

#[inline]
const fn is_control(b: u8) -> bool {
    (b < b' ') & (b != b'\t') | (b == 0x7f)
}

#[cold]
fn first_control(line: &[u8]) -> (usize, Violation) {
    let at = line
        .iter()
        .position(|&b| is_control(b))
        .expect("called when there is one");
    let violation = match line[at] {
        b'\n' => Violation::BareLf,
        b'\r' => Violation::BareCr,
        _ => Violation::ControlByte,
    };
    (at, violation)
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
    bytes
        .iter()
        .position(|&b| !TOKEN[usize::from(b)])
        .unwrap_or(bytes.len())
}

/// Whether a comma-separated list names `token`, in any case.
pub(super) fn lists(value: &[u8], token: &[u8]) -> bool {
    value
        .split(|&b| b == b',')
        .any(|item| trim(item).eq_ignore_ascii_case(token))
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0_u8;
    while b < 0x80 {
        table[b as usize] = matches!(
            b,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
                | b'`' | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
        );
        b += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_found_at_every_place() {
        for length in 1..70 {
            assert_eq!(check_line(&vec![b'x'; length]), Ok(()));
            for at in 0..length {
                for (byte, violation) in [
                    (0, Violation::ControlByte),
                    (0x1f, Violation::ControlByte),
                    (0x7f, Violation::ControlByte),
                    (b'\r', Violation::BareCr),
                    (b'\n', Violation::BareLf),
                ] {
                    let mut line = vec![b'x'; length];
                    line[at] = byte;
                    assert_eq!(check_line(&line), Err((at, violation)));
                }
                let mut line = vec![0xff; length];
                line[at] = b'\t';
                assert_eq!(check_line(&line), Ok(()));
            }
        }
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
