//! What queries are asked of: records and their values.

use std::cmp::Ordering;
use std::fmt::{self, Display, Write as _};

use super::caseless;

/// Something with values in columns, about which a query can be answered.
///
/// It is asked once per comparison, so a value should be at hand.
pub trait Record {
    /// The columns' names; an enum, so that no name has to be compared.
    type Column: Copy;

    /// The value in `column`: of the type that the [`Kind`](super::Kind) of its field says,
    /// or [`FieldValue::Null`]. A value of another type equals nothing.
    fn value(&self, column: Self::Column) -> FieldValue<'_>;
}

/// The value of a record's field.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FieldValue<'r> {
    /// There is none.
    Null,
    /// Of the kinds `Id`, `Text` and `Enum`.
    Text(&'r str),
    /// The same, for a short text that the record does not hold as such, like an address.
    Short(ShortText),
    /// Milliseconds since 1970 in UTC.
    Timestamp(i64),
    /// Of the kind `Number`.
    Number(f64),
    /// Of the kind `Bool`.
    Bool(bool),
}

/// A text of at most 47 bytes, kept in place: an IP address, a UUID or a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortText {
    bytes: [u8; SHORT],
    len: u8,
}

impl FieldValue<'_> {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Short(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The order in which lists are sorted: texts regardless of case, `false` before `true`,
    /// and null behind everything, as what is still open ends later than what has ended.
    /// Values of different types stand in the order of their types.
    #[must_use]
    pub fn cmp_for_sorting(&self, other: &FieldValue<'_>) -> Ordering {
        if let (Some(a), Some(b)) = (self.as_text(), other.as_text()) {
            return caseless::cmp(a, b);
        }
        match (self, other) {
            (Self::Timestamp(a), FieldValue::Timestamp(b)) => a.cmp(b),
            (Self::Number(a), FieldValue::Number(b)) => a.total_cmp(b),
            (Self::Bool(a), FieldValue::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Text(_) | Self::Short(_) => 0,
            Self::Timestamp(_) => 1,
            Self::Number(_) => 2,
            Self::Bool(_) => 3,
            Self::Null => 4,
        }
    }
}

impl ShortText {
    /// What `value` is printed as; `None` when that is too long.
    #[must_use]
    pub fn print(value: impl Display) -> Option<Self> {
        let mut text = Self {
            bytes: [0; SHORT],
            len: 0,
        };
        write!(text, "{value}").is_ok().then_some(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("only whole texts are added")
    }
}

impl fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let end = start + text.len();
        let place = self.bytes.get_mut(start..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

const SHORT: usize = 47;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use super::*;

    #[test]
    fn short_texts_hold_what_they_were_printed_from() {
        let longest = IpAddr::V6(Ipv6Addr::from([0xfff0; 8]));
        let text = ShortText::print(longest).unwrap();
        assert_eq!(text.as_str(), longest.to_string());
        assert_eq!(ShortText::print("").unwrap().as_str(), "");
        assert_eq!(
            ShortText::print("ä".repeat(23)).unwrap().as_str(),
            "ä".repeat(23)
        );
        assert_eq!(ShortText::print("x".repeat(47)).unwrap().as_str().len(), 47);
        assert_eq!(ShortText::print("x".repeat(48)), None);
    }

    #[test]
    fn sorting_ignores_case_and_puts_null_last() {
        let short = FieldValue::Short(ShortText::print("B").unwrap());
        let order = [
            FieldValue::Text("A"),
            short,
            FieldValue::Text("c"),
            FieldValue::Null,
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(a.cmp_for_sorting(b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
        let same = FieldValue::Text("b").cmp_for_sorting(&short);
        assert_eq!(same, Ordering::Equal);
        let times = FieldValue::Timestamp(1).cmp_for_sorting(&FieldValue::Timestamp(2));
        assert_eq!(times, Ordering::Less);
        let numbers = FieldValue::Number(10.0).cmp_for_sorting(&FieldValue::Number(9.5));
        assert_eq!(numbers, Ordering::Greater);
    }
}
