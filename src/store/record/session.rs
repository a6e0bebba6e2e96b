//! A session.
//!
//! ```text
//! version 1 · last active 8 · start 8 · user key 16 · digest 32 · sign-on 16 ·
//! space · directory · id · name · e-mail? · method · client type · access type ·
//! address? · user agent? · license? · attributes · end?
//! ```
//! The id is the key that the record stands under. What is looked for in lists comes first; the
//! end comes last, so that ending a session copies its record and adds to it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::codec::{FormatError, Reader, Writer};
use crate::domain::{
    Attributes, ClientInfo, Clock, Identity, Method, Session, SessionEnd, SessionId, SessionRecord,
    SignOnId, SpaceId, SpaceState, Spaces, Timestamp, TokenDigest,
};

/// The version that is written. Older ones are read, newer ones are refused.
pub(in crate::store) const VERSION: u8 = 1;

/// The key of a session: its id's bytes, which sort by start time.
pub(in crate::store) type Key = [u8; 16];

/// Where the last activity stands.
const ACTIVE: std::ops::Range<usize> = 1..9;

pub(in crate::store) fn key(id: SessionId) -> Key {
    *id.as_uuid().as_bytes()
}

pub(in crate::store) fn id(key: Key) -> SessionId {
    SessionId::from_uuid(Uuid::from_bytes(key))
}

pub(in crate::store) fn encode(record: &SessionRecord) -> Vec<u8> {
    let mut out = Writer::new(VERSION);
    out.time(record.last_active);
    out.time(record.started_at);
    out.fixed(record.identity.key(&record.space).as_bytes());
    out.fixed(record.digest.as_bytes());
    out.fixed(record.sign_on.as_uuid().as_bytes());
    out.text(record.space.as_str());
    identity(&mut out, &record.identity);
    out.text(record.method.as_str());
    let client = &record.client;
    out.text(client.client_type.as_str());
    out.text(client.access_type.as_str());
    match client.ip {
        None => out.byte(0),
        Some(IpAddr::V4(ip)) => {
            out.byte(4);
            out.fixed(&ip.octets());
        }
        Some(IpAddr::V6(ip)) => {
            out.byte(6);
            out.fixed(&ip.octets());
        }
    }
    out.maybe_text(client.user_agent.as_deref());
    out.maybe_text(record.license.as_deref());
    let mut bytes = out.finish();
    match &record.end {
        None => bytes.push(0),
        Some(end) => bytes.extend(tail(end)),
    }
    bytes
}

/// The record of an open session as one that has ended.
pub(in crate::store) fn ended(
    open: &[u8],
    last_active: Timestamp,
    end: &SessionEnd,
) -> Result<Vec<u8>, FormatError> {
    let Some((0, body)) = open.split_last() else {
        return Err(FormatError::value("the end", "there is one already"));
    };
    let mut bytes = body.to_vec();
    let active = bytes.get_mut(ACTIVE).ok_or(FormatError::Short)?;
    active.copy_from_slice(&last_active.unix_millis().to_be_bytes());
    bytes.extend(tail(end));
    Ok(bytes)
}

fn tail(end: &SessionEnd) -> Vec<u8> {
    // A writer begins with a version; here that byte says that there is an end.
    let mut out = Writer::new(1);
    out.time(end.at);
    out.text(end.reason.as_str());
    out.maybe_text(end.by.as_deref());
    out.finish()
}

/// Parts that many records have in common, by the bytes they were read from: read once.
#[derive(Default)]
pub(in crate::store) struct Common {
    attributes: HashMap<Box<[u8]>, Arc<Attributes>>,
    texts: HashMap<Box<str>, Arc<str>>,
    space: Option<SpaceId>,
    shared: Option<Spaces>,
    state: Option<Arc<SpaceState>>,
}

/// Common parts that are remembered of each kind; where there are more, they are not common.
const MAX_COMMON: usize = 10_000;

impl Common {
    /// Common parts that are those of the sessions of `spaces` too.
    pub(in crate::store) fn with(spaces: &Spaces) -> Self {
        Self {
            shared: Some(spaces.clone()),
            ..Self::default()
        }
    }

    /// The session that `record` is of, whose parts are common already.
    pub(in crate::store) fn restore(
        &mut self,
        record: SessionRecord,
        spaces: &Spaces,
        clock: &dyn Clock,
    ) -> Session {
        let state = match self.state.take() {
            Some(last) if *last.id() == record.space => last,
            _ => spaces.find_or_default(&record.space),
        };
        self.state = Some(Arc::clone(&state));
        Session::restore(record, state, clock)
    }

    fn attributes(&mut self, read: &mut Reader<'_>) -> Result<Arc<Attributes>, FormatError> {
        let rest = read.rest();
        read.skip_attributes()?;
        let bytes = &rest[..rest.len() - read.rest().len()];
        if let Some(known) = self.attributes.get(bytes) {
            return Ok(Arc::clone(known));
        }
        let mut attributes = Arc::new(read_attributes(&mut Reader::of(bytes))?);
        if let Some(spaces) = &self.shared {
            attributes = spaces.share_attributes(&attributes);
        }
        if self.attributes.len() < MAX_COMMON {
            self.attributes
                .insert(bytes.into(), Arc::clone(&attributes));
        }
        Ok(attributes)
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let mut shared: Arc<str> = text.into();
        if let Some(spaces) = &self.shared {
            shared = spaces.share_text(&shared);
        }
        if self.texts.len() < MAX_COMMON {
            self.texts.insert(text.into(), Arc::clone(&shared));
        }
        shared
    }

    fn space(&mut self, text: &str) -> Result<SpaceId, FormatError> {
        match &self.space {
            Some(last) if last.as_str() == text => Ok(last.clone()),
            _ => {
                let space = parse::<SpaceId>("the space", text)?;
                Ok(self.space.insert(space).clone())
            }
        }
    }
}

pub(in crate::store) fn decode(id: SessionId, bytes: &[u8]) -> Result<SessionRecord, FormatError> {
    decode_with(&mut Common::default(), id, bytes)
}

/// As [`decode`], of one of many.
pub(in crate::store) fn decode_with(
    common: &mut Common,
    id: SessionId,
    bytes: &[u8],
) -> Result<SessionRecord, FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    let last_active = read.time()?;
    let started_at = read.time()?;
    let _user_key: [u8; 16] = read.array()?;
    let digest = TokenDigest::from_bytes(read.array()?);
    let sign_on = SignOnId::from_uuid(Uuid::from_bytes(read.array()?));
    let space = common.space(read.text()?)?;
    let identity = read_user(&mut read)?;
    let attributes = common.attributes(&mut read)?;
    let identity = identity.with_attributes(attributes);
    let method = parse::<Method>("the method", read.text()?)?;
    let client_type = parse("the client type", read.text()?)?;
    let access_type = parse("the access type", read.text()?)?;
    let ip = match read.byte()? {
        0 => None,
        4 => Some(IpAddr::from(read.array::<4>()?)),
        6 => Some(IpAddr::from(read.array::<16>()?)),
        other => {
            return Err(FormatError::value(
                "the address",
                format!("of kind {other}"),
            ));
        }
    };
    let user_agent = read.maybe_text()?.map(|text| common.text(text));
    let license = read.maybe_text()?.map(|text| common.text(text));
    let end = match read.byte()? {
        0 => None,
        _ => Some(SessionEnd {
            at: read.time()?,
            reason: parse("the reason for the end", read.text()?)?,
            by: read.maybe_text()?.map(Into::into),
        }),
    };
    read.finish()?;
    Ok(SessionRecord {
        id,
        digest,
        space,
        identity: Arc::new(identity),
        method,
        client: ClientInfo {
            ip,
            user_agent,
            client_type,
            access_type,
        },
        license,
        sign_on,
        started_at,
        last_active,
        end,
    })
}

/// Who, as sessions and tickets have it.
pub(in crate::store) fn identity(out: &mut Writer, identity: &Identity) {
    out.text(identity.directory());
    out.text(identity.id());
    out.text(identity.name());
    out.maybe_text(identity.email());
    let attributes = identity.attributes();
    out.count(attributes.len());
    for attribute in attributes.iter() {
        out.text(&attribute.name);
        out.count(attribute.values.len());
        attribute.values.iter().for_each(|value| out.text(value));
    }
}

pub(in crate::store) fn read_identity(read: &mut Reader<'_>) -> Result<Identity, FormatError> {
    let identity = read_user(read)?;
    Ok(identity.with_attributes(read_attributes(read)?))
}

fn read_user(read: &mut Reader<'_>) -> Result<Identity, FormatError> {
    let (directory, id, name) = (read.text()?, read.text()?, read.text()?);
    let email = read.maybe_text()?.unwrap_or("");
    Identity::with_all(directory, id, name, email)
        .map_err(|error| FormatError::value("the user", error))
}

fn read_attributes(read: &mut Reader<'_>) -> Result<Attributes, FormatError> {
    let mut pairs = Vec::new();
    for _ in 0..read.count()? {
        let name = read.text()?;
        let count = read.count()?;
        let values: Result<Vec<_>, _> = (0..count).map(|_| read.text()).collect();
        pairs.push((name, values?));
    }
    Ok(pairs.into_iter().collect())
}

/// What a list needs to know of a record before it reads all of it.
pub(in crate::store) struct Peek<'b> {
    pub(in crate::store) user: [u8; 16],
    pub(in crate::store) space: &'b str,
}

pub(in crate::store) fn peek(bytes: &[u8]) -> Result<Peek<'_>, FormatError> {
    let mut read = Reader::new(bytes, VERSION)?;
    let _times: [u8; 16] = read.array()?;
    let user = read.array()?;
    let _secrets: [u8; 48] = read.array()?;
    let space = read.text()?;
    Ok(Peek { user, space })
}

pub(in crate::store) fn parse<T>(what: &'static str, text: &str) -> Result<T, FormatError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error| FormatError::value(what, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccessType, ClientType, EndReason};

    fn record() -> SessionRecord {
        let identity = Identity::with_all("LAB", "ann", "Ann A.", "ann@x.y").unwrap();
        let attributes: Attributes = [("group", vec!["a", "b"]), ("mail", vec![])]
            .into_iter()
            .collect();
        SessionRecord {
            id: SessionId::from_uuid(Uuid::from_u64_pair(1, 2)),
            digest: TokenDigest::from_bytes([7; 32]),
            space: SpaceId::new("1001").unwrap(),
            identity: Arc::new(identity.with_attributes(attributes)),
            method: Method::SessionModule,
            client: ClientInfo {
                ip: Some([10, 0, 0, 1].into()),
                user_agent: Some("curl/8".into()),
                client_type: ClientType::Ci,
                access_type: AccessType::Api,
            },
            license: Some("Pro".into()),
            sign_on: SignOnId::from_uuid(Uuid::from_u64_pair(3, 4)),
            started_at: Timestamp::from_unix_millis(1_000),
            last_active: Timestamp::from_unix_millis(2_000),
            end: None,
        }
    }

    fn end() -> SessionEnd {
        SessionEnd {
            at: Timestamp::from_unix_millis(3_000),
            reason: EndReason::Terminated,
            by: Some("ops".into()),
        }
    }

    #[test]
    fn a_record_reads_back_open_and_ended() {
        let open = record();
        let bytes = encode(&open);
        assert_eq!(decode(open.id, &bytes), Ok(open.clone()));
        let late = Timestamp::from_unix_millis(2_500);
        let expected = SessionRecord {
            last_active: late,
            end: Some(end()),
            ..open.clone()
        };
        let ended_bytes = ended(&bytes, late, &end()).unwrap();
        assert_eq!(decode(open.id, &ended_bytes), Ok(expected.clone()));
        assert_eq!(encode(&expected), ended_bytes);
        assert!(
            ended(&ended_bytes, late, &end()).is_err(),
            "the first end stands"
        );
        let seen = peek(&ended_bytes).unwrap();
        assert_eq!(seen.space, "1001");
        assert_eq!(&seen.user, open.identity.key(&open.space).as_bytes());
    }

    /// The file format. When this fails, files that are out there no longer read: raise
    /// [`VERSION`] and read both.
    #[test]
    fn the_bytes_of_a_record_stay_as_they_are() {
        let open = record();
        let mut expected = vec![1];
        expected.extend([0, 0, 0, 0, 0, 0, 7, 208]);
        expected.extend([0, 0, 0, 0, 0, 0, 3, 232]);
        expected.extend(open.identity.key(&open.space).as_bytes());
        expected.extend([7; 32]);
        expected.extend([0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4]);
        expected.extend(b"\x041001\x03LAB\x03ann\x06Ann A.\x08ann@x.y");
        expected.extend(b"\x02\x05group\x02\x01a\x01b\x04mail\x00");
        expected.extend(b"\x0esession-module\x02CI\x03API\x04\x0a\x00\x00\x01\x07curl/8\x04Pro");
        let body = expected.clone();
        expected.push(0);
        assert_eq!(encode(&open), expected);
        let mut expected = body;
        expected.extend(b"\x01\x00\x00\x00\x00\x00\x00\x0b\xb8\x0aterminated\x04ops");
        let bytes = ended(&encode(&open), open.last_active, &end()).unwrap();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn no_bytes_are_read_as_what_they_are_not() {
        let bytes = encode(&record());
        let id = record().id;
        for length in 0..bytes.len() {
            assert!(decode(id, &bytes[..length]).is_err(), "{length} bytes");
        }
        let mut later = bytes.clone();
        later[0] = VERSION + 1;
        let error = decode(id, &later).unwrap_err().to_string();
        assert!(error.contains("format version 2"), "{error}");
        let mut more = bytes;
        more.push(0);
        assert!(matches!(decode(id, &more), Err(FormatError::Long(1))));
    }
}
