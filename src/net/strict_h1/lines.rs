//! Lines that end with CRLF, over any cut of the bytes into reads.

use memchr::memchr;

use super::grammar::check_line;
use super::violation::Violation;

/// Collects a line that reads have cut; one that came whole is never copied.
#[derive(Debug, Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
}

/// What [`Lines::next`] found.
pub(super) enum Next {
    /// The line is the first so many bytes of the input, and the CRLF follows them.
    Whole(usize),
    /// The line is [`Lines::take`]; so many bytes of the input belonged to it.
    Joined(usize),
    /// So many bytes were kept: all, or as many as were allowed.
    Partial(usize),
}

impl Lines {
    /// Looks for the end of a line in at most `cap` bytes of `input`. Every byte that no
    /// line may hold is refused as it comes, at its own place.
    #[inline]
    pub(super) fn next(&mut self, input: &[u8], cap: usize) -> Result<Next, (usize, Violation)> {
        let window = &input[..input.len().min(cap)];
        if self.carry.last() == Some(&b'\r') {
            return match window.first() {
                Some(b'\n') => {
                    self.carry.pop();
                    Ok(Next::Joined(1))
                }
                Some(_) => Err((0, Violation::BareCr)),
                None => Ok(Next::Partial(0)),
            };
        }
        let end = memchr(b'\r', window);
        let text = &window[..end.unwrap_or(window.len())];
        check_line(text)?;
        match end.map(|end| window.get(end + 1)) {
            Some(Some(b'\n')) if self.carry.is_empty() => Ok(Next::Whole(text.len())),
            Some(Some(b'\n')) => {
                self.carry.extend_from_slice(text);
                Ok(Next::Joined(text.len() + 2))
            }
            Some(Some(_)) => Err((text.len() + 1, Violation::BareCr)),
            Some(None) | None => {
                self.carry.extend_from_slice(window);
                Ok(Next::Partial(window.len()))
            }
        }
    }

    /// Bytes kept of a line that has not ended.
    #[inline]
    pub(super) fn kept(&self) -> usize {
        self.carry.len()
    }

    /// The line after [`Next::Joined`], without its CRLF. Give it back with [`Lines::give`].
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.carry)
    }

    /// Gives a line's memory back for the next, unless it was an unusually long one.
    pub(super) fn give(&mut self, mut line: Vec<u8>) {
        if line.capacity() <= KEPT_CAPACITY {
            line.clear();
            self.carry = line;
        }
    }
}

/// Bytes of memory that a connection keeps for cut lines.
const KEPT_CAPACITY: usize = 4096;
