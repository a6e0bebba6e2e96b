//! The smallest pieces of what is written: numbers, times, texts.

use crate::domain::Timestamp;

/// Why bytes are no record of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A later version of the program wrote it.
    #[error("it has format version {found}, and this program knows versions up to {known}")]
    Version {
        /// What it says.
        found: u8,
        /// The latest known.
        known: u8,
    },
    /// It ends too early.
    #[error("it is cut short")]
    Short,
    /// There is more than belongs to it.
    #[error("it has {0} bytes too many")]
    Long(usize),
    /// A part is not what it should be.
    #[error("{what}: {why}")]
    Value {
        /// The part.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl FormatError {
    pub(in crate::store) fn value(what: &'static str, why: impl std::fmt::Display) -> Self {
        let why = why.to_string();
        Self::Value { what, why }
    }
}

/// Writes a record.
pub(in crate::store) struct Writer(Vec<u8>);

impl Writer {
    /// A record of format `version`, which is its first byte.
    pub(in crate::store) fn new(version: u8) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(version);
        Self(bytes)
    }

    pub(in crate::store) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(in crate::store) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(in crate::store) fn time(&mut self, time: Timestamp) {
        self.fixed(&time.unix_millis().to_be_bytes());
    }

    pub(in crate::store) fn maybe_time(&mut self, time: Option<Timestamp>) {
        self.byte(u8::from(time.is_some()));
        if let Some(time) = time {
            self.time(time);
        }
    }

    /// A number, seven bits a byte, the lowest first.
    pub(in crate::store) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
            number >>= 7;
        }
        self.byte(u8::try_from(number).expect("seven bits"));
    }

    pub(in crate::store) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// A length and as many bytes of UTF-8.
    pub(in crate::store) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.fixed(text.as_bytes());
    }

    /// 0 for none, else a length plus 1.
    pub(in crate::store) fn maybe_text(&mut self, text: Option<&str>) {
        match text {
            None => self.byte(0),
            Some(text) => {
                self.count(text.len() + 1);
                self.fixed(text.as_bytes());
            }
        }
    }

    pub(in crate::store) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a record.
pub(in crate::store) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// Reads the version, which must not be above `known`.
    pub(in crate::store) fn new(bytes: &'b [u8], known: u8) -> Result<Self, FormatError> {
        let mut this = Self(bytes);
        let found = this.byte()?;
        if found == 0 || found > known {
            return Err(FormatError::Version { found, known });
        }
        Ok(this)
    }

    /// Reads a part of a record.
    pub(in crate::store) const fn of(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    pub(in crate::store) const fn rest(&self) -> &'b [u8] {
        self.0
    }

    /// Passes over attributes without looking at their texts.
    pub(in crate::store) fn skip_attributes(&mut self) -> Result<(), FormatError> {
        for _ in 0..self.count()? {
            let name = self.count()?;
            self.slice(name)?;
            for _ in 0..self.count()? {
                let value = self.count()?;
                self.slice(value)?;
            }
        }
        Ok(())
    }

    pub(in crate::store) fn byte(&mut self) -> Result<u8, FormatError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(in crate::store) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(FormatError::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    fn slice(&mut self, length: usize) -> Result<&'b [u8], FormatError> {
        let (slice, rest) = self.0.split_at_checked(length).ok_or(FormatError::Short)?;
        self.0 = rest;
        Ok(slice)
    }

    pub(in crate::store) fn time(&mut self) -> Result<Timestamp, FormatError> {
        let bytes = self.array()?;
        Ok(Timestamp::from_unix_millis(i64::from_be_bytes(bytes)))
    }

    pub(in crate::store) fn maybe_time(&mut self) -> Result<Option<Timestamp>, FormatError> {
        Ok(match self.byte()? {
            0 => None,
            _ => Some(self.time()?),
        })
    }

    pub(in crate::store) fn number(&mut self) -> Result<u64, FormatError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(FormatError::value("a number", "it has more than 64 bits"))
    }

    /// A count of things that take a byte each at least: never more than there can be.
    pub(in crate::store) fn count(&mut self) -> Result<usize, FormatError> {
        let count = usize::try_from(self.number()?).map_err(|_| FormatError::Short)?;
        if count > self.0.len() {
            return Err(FormatError::Short);
        }
        Ok(count)
    }

    pub(in crate::store) fn text(&mut self) -> Result<&'b str, FormatError> {
        let length = self.count()?;
        self.utf8(length)
    }

    pub(in crate::store) fn maybe_text(&mut self) -> Result<Option<&'b str>, FormatError> {
        let length = usize::try_from(self.number()?).map_err(|_| FormatError::Short)?;
        length.checked_sub(1).map(|n| self.utf8(n)).transpose()
    }

    fn utf8(&mut self, length: usize) -> Result<&'b str, FormatError> {
        let bytes = self.slice(length)?;
        std::str::from_utf8(bytes).map_err(|error| FormatError::value("a text", error))
    }

    /// That this was all.
    pub(in crate::store) fn finish(self) -> Result<(), FormatError> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(FormatError::Long(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut out = Writer::new(3);
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            out.number(number);
        }
        out.text("jörg");
        out.maybe_text(None);
        out.maybe_text(Some(""));
        out.maybe_time(Some(Timestamp::from_unix_millis(-5)));
        let bytes = out.finish();
        let mut read = Reader::new(&bytes, 3).unwrap();
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            assert_eq!(read.number(), Ok(number));
        }
        assert_eq!(read.text(), Ok("jörg"));
        assert_eq!(read.maybe_text(), Ok(None));
        assert_eq!(read.maybe_text(), Ok(Some("")));
        let time = Timestamp::from_unix_millis(-5);
        assert_eq!(read.maybe_time(), Ok(Some(time)));
        assert_eq!(read.finish(), Ok(()));
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let version = |bytes| Reader::new(bytes, 1).map(|_| ()).unwrap_err();
        assert_eq!(version(&[2]), FormatError::Version { found: 2, known: 1 });
        assert_eq!(version(&[0]), FormatError::Version { found: 0, known: 1 });
        assert_eq!(version(&[]), FormatError::Short);
        let text = |bytes| Reader(bytes).text().map(str::to_owned);
        assert_eq!(text(&[5, b'a']), Err(FormatError::Short));
        assert_eq!(text(&[0xff; 9]), Err(FormatError::Short));
        assert!(matches!(text(&[1, 0xff]), Err(FormatError::Value { .. })));
        assert!(matches!(
            Reader(&[0xff; 11]).number(),
            Err(FormatError::Value { .. })
        ));
        assert_eq!(Reader(&[1, 2]).finish(), Err(FormatError::Long(2)));
    }
}
