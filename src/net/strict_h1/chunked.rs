//! The chunked coding (RFC 9112, section 7.1), without extensions.

use super::violation::Violation;

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chunked {
    /// In the digits of a size.
    Size { size: u64, digits: u8 },
    /// At the LF behind a size.
    SizeLf { size: u64 },
    /// In the data: so many bytes are left, at least one.
    Data { left: u64 },
    /// At the CR behind the data.
    DataCr,
    /// At the LF behind the data.
    DataLf,
    /// Behind the last chunk: trailers follow.
    End,
}

impl Chunked {
    /// Before the first chunk.
    pub(super) const START: Self = Self::Size { size: 0, digits: 0 };

    /// Reads up to the end of `bytes` or of the last chunk; gives how many bytes that was.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, (usize, Violation)> {
        let mut at = 0;
        while at < bytes.len() && !matches!(self, Self::End) {
            if let Self::Data { left } = self {
                let rest = (bytes.len() - at) as u64;
                if rest < *left {
                    *left -= rest;
                    return Ok(bytes.len());
                }
                // Not more than `rest`, which came from a usize.
                at += *left as usize;
                *self = Self::DataCr;
                continue;
            }
            *self = self.byte(bytes[at]).map_err(|violation| (at, violation))?;
            at += 1;
        }
        Ok(at)
    }

    fn byte(self, byte: u8) -> Result<Self, Violation> {
        match (self, byte) {
            (Self::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
                if digits < MAX_DIGITS =>
            {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    _ => (byte | 0x20) - b'a' + 10,
                };
                Ok(Self::Size {
                    size: size << 4 | u64::from(digit),
                    digits: digits + 1,
                })
            }
            (Self::Size { size, digits: 1.. }, b'\r') => Ok(Self::SizeLf { size }),
            (Self::Size { digits: 1.., .. }, b';' | b' ' | b'\t') => Err(Violation::ChunkExtension),
            (Self::Size { digits: 1.., .. }, b'\n') => Err(Violation::BareLf),
            (Self::SizeLf { size: 0 }, b'\n') => Ok(Self::End),
            (Self::SizeLf { size }, b'\n') => Ok(Self::Data { left: size }),
            (Self::SizeLf { .. }, _) => Err(Violation::BareCr),
            (Self::DataCr, b'\r') => Ok(Self::DataLf),
            (Self::DataLf, b'\n') => Ok(Self::START),
            (Self::DataCr | Self::DataLf, _) => Err(Violation::ChunkEnd),
            (Self::Size { .. } | Self::Data { .. } | Self::End, _) => Err(Violation::ChunkSize),
        }
    }
}

/// Digits of a chunk size: what 64 bits hold.
const MAX_DIGITS: u8 = 16;
