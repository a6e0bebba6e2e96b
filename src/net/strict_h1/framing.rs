//! The state machine over a client's bytes.

use super::chunked::Chunked;
use super::head::{Body, Head};
use super::limits::Limits;
use super::lines::{Lines, Next};
use super::trailer::check_trailer;
use super::violation::Violation;

/// Follows where requests begin and end on one connection, and refuses what other programs
/// might read differently.
///
/// Feed it every byte of the client once, in order, cut in any way, until it refuses.
#[derive(Debug)]
pub struct RequestFraming {
    limits: Limits,
    phase: Phase,
    head: Head,
    lines: Lines,
    /// Bytes of the head, or of the trailers, before the current read.
    section: usize,
    trailer_lines: usize,
    asked_for_upgrade: bool,
    heads: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Head,
    /// In a body of known length: so many bytes are left, at least one.
    Length(u64),
    Chunked(Chunked),
    Trailers,
    Held,
    Refused(Violation, Part),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Body,
}

/// What [`RequestFraming::advance`] says of the bytes it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// All of them may pass.
    Accept,
    /// A request that asks for an upgrade ends before byte `at`, which may be the end of
    /// the bytes. What follows waits for [`RequestFraming::resume`] and must be given again.
    Hold {
        /// The first byte that does not belong to the request.
        at: usize,
    },
    /// The bytes before `at` may pass, and nothing ever after.
    Refuse {
        /// The offending byte.
        at: usize,
        /// The rule.
        violation: Violation,
        /// Whether a head was being read; otherwise a body or its trailers.
        in_head: bool,
    },
}

impl RequestFraming {
    /// At the start of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            phase: Phase::Head,
            head: Head::default(),
            lines: Lines::default(),
            section: 0,
            trailer_lines: 0,
            asked_for_upgrade: false,
            heads: 0,
        }
    }

    /// Reads the next bytes.
    pub fn advance(&mut self, bytes: &[u8]) -> Verdict {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let step = match &mut self.phase {
                Phase::Head => self.read_head(rest),
                Phase::Length(left) => {
                    let taken = usize::try_from(*left).map_or(rest.len(), |l| l.min(rest.len()));
                    *left -= taken as u64;
                    if *left == 0 {
                        self.end_message();
                    }
                    Ok(taken)
                }
                Phase::Chunked(chunked) => {
                    let step = chunked.advance(rest);
                    if matches!(chunked, Chunked::End) {
                        self.begin_trailers();
                    }
                    step
                }
                Phase::Trailers => self.read_trailers(rest),
                Phase::Held => return Verdict::Hold { at },
                Phase::Refused(violation, part) => {
                    return Verdict::Refuse {
                        at,
                        violation: *violation,
                        in_head: *part == Part::Head,
                    };
                }
            };
            match step {
                Ok(taken) => at += taken,
                Err((offset, violation)) => return self.refuse(at + offset, violation),
            }
        }
        if self.is_held() {
            Verdict::Hold { at }
        } else {
            Verdict::Accept
        }
    }

    /// The connection stays HTTP/1: what was held back is the next request.
    pub fn resume(&mut self) {
        if matches!(self.phase, Phase::Held) {
            self.begin_head();
        }
    }

    /// Whether the bytes behind an upgrade request are held back.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.phase, Phase::Held)
    }

    /// Whether the last head asked for an upgrade and its request is not yet resumed.
    #[must_use]
    pub fn asked_for_upgrade(&self) -> bool {
        self.asked_for_upgrade
    }

    /// Whether a body, or its trailers, is being read.
    #[must_use]
    pub fn in_body(&self) -> bool {
        matches!(
            self.phase,
            Phase::Length(_) | Phase::Chunked(_) | Phase::Trailers
        )
    }

    /// Whether a head has begun and not ended.
    #[must_use]
    pub fn in_head(&self) -> bool {
        matches!(self.phase, Phase::Head) && self.section > 0
    }

    /// Heads read to their end.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Reads head lines until the head or the bytes end.
    fn read_head(&mut self, bytes: &[u8]) -> Result<usize, (usize, Violation)> {
        let window = self.window(bytes);
        let mut at = 0;
        while at < window.len() {
            let (rest, over) = self.line_window(&window[at..]);
            let (taken, result) = match self.lines.next(rest).map_err(|(o, v)| (at + o, v))? {
                Next::Whole(length) => (length + 2, self.head.line(&rest[..length], &self.limits)),
                Next::Joined(taken) => {
                    let line = self.lines.take();
                    let result = self.head.line(&line, &self.limits);
                    self.lines.give(line);
                    (taken, result)
                }
                Next::Partial => match over {
                    Some(violation) => return Err((at + rest.len(), violation)),
                    None => {
                        at += rest.len();
                        break;
                    }
                },
            };
            at += taken;
            match result {
                Ok(None) => {}
                Ok(Some(body)) => {
                    self.end_head(body);
                    return Ok(at);
                }
                // hyper counts the lines itself, and must see this one to say 431.
                Err(violation @ Violation::TooManyLines) => return Err((at, violation)),
                // The line's LF, which no read before can have delivered.
                Err(violation) => return Err((at - 1, violation)),
            }
        }
        self.keep_within_limit(at, bytes)
    }

    fn read_trailers(&mut self, bytes: &[u8]) -> Result<usize, (usize, Violation)> {
        let window = self.window(bytes);
        let mut at = 0;
        while at < window.len() {
            let rest = &window[at..];
            let (taken, is_empty, result) =
                match self.lines.next(rest).map_err(|(o, v)| (at + o, v))? {
                    Next::Whole(length) => {
                        (length + 2, length == 0, check_trailer(&rest[..length]))
                    }
                    Next::Joined(taken) => {
                        let line = self.lines.take();
                        let result = check_trailer(&line);
                        let is_empty = line.is_empty();
                        self.lines.give(line);
                        (taken, is_empty, result)
                    }
                    Next::Partial => {
                        at += rest.len();
                        break;
                    }
                };
            at += taken;
            if is_empty {
                self.end_message();
                return Ok(at);
            }
            self.trailer_lines += 1;
            if self.trailer_lines > self.limits.lines {
                return Err((at - 1, Violation::TooManyLines));
            }
            result.map_err(|violation| (at - 1, violation))?;
        }
        self.keep_within_limit(at, bytes)
    }

    /// As many of `bytes` as the head, or the trailers, may still take.
    fn window<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let left = self.limits.head - self.section;
        &bytes[..bytes.len().min(left)]
    }

    /// As much of `rest` as the next line may take, and what more would be.
    #[inline]
    fn line_window<'a>(&self, rest: &'a [u8]) -> (&'a [u8], Option<Violation>) {
        if self.head.wants_request_line() {
            let left = (self.limits.request_line + 2).saturating_sub(self.lines.kept());
            if left < rest.len() {
                return (&rest[..left], Some(Violation::RequestLineTooLong));
            }
        }
        (rest, None)
    }

    /// The window was read up to `at`, its end, and neither head nor trailers ended there.
    fn keep_within_limit(&mut self, at: usize, bytes: &[u8]) -> Result<usize, (usize, Violation)> {
        if at < bytes.len() {
            return Err((at, Violation::TooLarge));
        }
        self.section += at;
        Ok(at)
    }

    fn end_head(&mut self, body: Body) {
        self.heads += 1;
        self.asked_for_upgrade = self.head.asks_for_upgrade();
        match body {
            Body::None => self.end_message(),
            Body::Length(length) => self.phase = Phase::Length(length),
            Body::Chunked => self.phase = Phase::Chunked(Chunked::START),
        }
    }

    fn begin_trailers(&mut self) {
        self.phase = Phase::Trailers;
        self.section = 0;
        self.trailer_lines = 0;
    }

    fn end_message(&mut self) {
        if self.asked_for_upgrade {
            self.phase = Phase::Held;
        } else {
            self.begin_head();
        }
    }

    fn begin_head(&mut self) {
        self.phase = Phase::Head;
        self.head = Head::default();
        self.section = 0;
        self.asked_for_upgrade = false;
    }

    #[cold]
    fn refuse(&mut self, at: usize, violation: Violation) -> Verdict {
        let in_head = matches!(self.phase, Phase::Head);
        let part = if in_head { Part::Head } else { Part::Body };
        self.phase = Phase::Refused(violation, part);
        Verdict::Refuse {
            at,
            violation,
            in_head,
        }
    }

    /// Whether the next byte is content of a body: for tests that compare with hyper.
    #[cfg(test)]
    pub(super) fn at_content(&self) -> bool {
        matches!(
            self.phase,
            Phase::Length(_) | Phase::Chunked(Chunked::Data { .. })
        )
    }
}
