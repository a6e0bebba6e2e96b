//! The rules of a request head, line by line.

use super::grammar::{field, first_space, lists, token_length, trim};
use super::limits::Limits;
use super::violation::Violation;

/// What is known of the head that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    stage: Stage,
    lines: usize,
    http_11: bool,
    content_length: Option<u64>,
    chunked: bool,
    host: bool,
    upgrade: bool,
    connection_upgrade: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Start,
    /// The one empty line that may come before.
    EmptyLine,
    Fields,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked,
}

impl Head {
    /// Whether the next line is the request line (or the empty line before it).
    #[inline]
    pub(super) fn wants_request_line(&self) -> bool {
        self.stage != Stage::Fields
    }

    /// Reads one line; `Some` when it was the empty one that ends the head.
    #[inline]
    pub(super) fn line(&mut self, line: &[u8], limits: &Limits) -> Result<Option<Body>, Violation> {
        if self.stage == Stage::Fields {
            if line.is_empty() {
                return self.end().map(Some);
            }
            self.field(line, limits)?;
        } else if line.is_empty() {
            if self.stage == Stage::EmptyLine {
                return Err(Violation::EmptyLines);
            }
            self.stage = Stage::EmptyLine;
        } else {
            self.request_line(line)?;
            self.stage = Stage::Fields;
        }
        Ok(None)
    }

    /// Whether the client asks to leave HTTP/1 after this request (RFC 9110, section 7.8).
    #[inline]
    pub(super) fn asks_for_upgrade(&self) -> bool {
        self.http_11 && self.upgrade && self.connection_upgrade
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Violation> {
        let method = token_length(line);
        let rest = match line.get(method) {
            Some(b' ') if method > 0 => &line[method + 1..],
            _ => return Err(Violation::RequestLine),
        };
        let (target, version) = match first_space(rest) {
            Some(end) if end > 0 && rest[end] == b' ' => (&rest[..end], &rest[end + 1..]),
            _ => return Err(Violation::RequestLine),
        };
        self.http_11 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            _ => return Err(Violation::Version),
        };
        debug_assert!(!target.is_empty());
        if &line[..method] == b"CONNECT" {
            return Err(Violation::Connect);
        }
        Ok(())
    }

    #[inline]
    fn field(&mut self, line: &[u8], limits: &Limits) -> Result<(), Violation> {
        let (name, value) = field(line)?;
        self.lines += 1;
        if self.lines > limits.lines {
            return Err(Violation::TooManyLines);
        }
        // The length alone tells most names apart from these five.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host()?,
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.connection_upgrade |= lists(value, b"upgrade");
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value)?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.transfer_encoding(value)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn host(&mut self) -> Result<(), Violation> {
        if std::mem::replace(&mut self.host, true) {
            return Err(Violation::HostRepeated);
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.chunked {
            return Err(Violation::TwoFramings);
        }
        if self.content_length.is_some() {
            return Err(Violation::ContentLengthRepeated);
        }
        self.content_length = Some(decimal(trim(value)).ok_or(Violation::ContentLength)?);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Violation> {
        if !self.http_11 {
            return Err(Violation::TransferEncodingInHttp10);
        }
        if self.content_length.is_some() {
            return Err(Violation::TwoFramings);
        }
        if self.chunked || !trim(value).eq_ignore_ascii_case(b"chunked") {
            return Err(Violation::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    #[inline]
    fn end(&self) -> Result<Body, Violation> {
        if self.http_11 && !self.host {
            return Err(Violation::HostMissing);
        }
        Ok(match self.content_length {
            _ if self.chunked => Body::Chunked,
            Some(length) if length > 0 => Body::Length(length),
            _ => Body::None,
        })
    }
}

/// A number of decimal digits only, below 2^63 (hyper keeps the highest values to itself).
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    (number <= i64::MAX as u64).then_some(number)
}
