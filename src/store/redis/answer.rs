//! What scripts answer with.

use ::redis::FromRedisValue;

/// A record as it counts: `r`, `a`, `e`, `w`, `y`, `i`.
pub(super) type Stored = (
    Option<Vec<u8>>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<u64>,
);

/// What a script says first.
#[derive(Debug)]
pub(super) struct Answer(Vec<::redis::Value>);

impl FromRedisValue for Answer {
    fn from_redis_value(value: ::redis::Value) -> Result<Self, ::redis::ParsingError> {
        Vec::from_redis_value(value).map(Self)
    }
}

impl Answer {
    pub(super) fn word(&self) -> Option<&str> {
        match self.0.first()? {
            ::redis::Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
            ::redis::Value::SimpleString(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn part<T: FromRedisValue>(&self, at: usize) -> Option<T> {
        T::from_redis_value(self.0.get(at)?.clone()).ok()
    }

    pub(super) fn rest<T: FromRedisValue>(&self, from: usize) -> Option<Vec<T>> {
        let rest = self.0.iter().skip(from).cloned();
        rest.map(|value| T::from_redis_value(value).ok()).collect()
    }
}
