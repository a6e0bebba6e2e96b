//! Lines that end with CRLF, over any cut of the bytes into reads.

use super::grammar::{first_control, violation_of};
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
    /// All of the input was kept.
    Partial,
}

impl Lines {
    /// Looks for the end of a line. Every byte that no line may hold is refused as it comes,
    /// at its own place.
    #[inline]
    pub(super) fn next(&mut self, input: &[u8]) -> Result<Next, (usize, Violation)> {
        if self.carry.last() == Some(&b'\r') {
            return match input.first() {
                Some(b'\n') => {
                    self.carry.pop();
                    Ok(Next::Joined(1))
                }
                Some(_) => Err((0, Violation::BareCr)),
                None => Ok(Next::Partial),
            };
        }
        let Some(end) = first_control(input) else {
            self.carry.extend_from_slice(input);
            return Ok(Next::Partial);
        };
        if input[end] != b'\r' {
            return Err((end, violation_of(input[end])));
        }
        match input.get(end + 1) {
            Some(b'\n') if self.carry.is_empty() => Ok(Next::Whole(end)),
            Some(b'\n') => {
                self.carry.extend_from_slice(&input[..end]);
                Ok(Next::Joined(end + 2))
            }
            Some(_) => Err((end + 1, Violation::BareCr)),
            None => {
                self.carry.extend_from_slice(input);
                Ok(Next::Partial)
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
