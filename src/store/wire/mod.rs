//! What a store keeps as lines of JSON, for backups and for moving from store to store.
//!
//! The first line says what follows and in which version; each of the others is one thing: a
//! session, a lock, a background task, the peak of a license. Of tokens there are the digests
//! only: nobody can log in with such a file, but it names users. A version or a kind of line
//! that is not known is an error, and no line is passed over. Another kind is a variant of
//! [`Line`] and of `Wire`, with its JSON beside the others in `notes`.

mod lines;
mod notes;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::notes::{WireLock, WirePeak, WireTask};
use crate::domain::{
    Attributes, ClientInfo, Identity, LicensePeak, SessionEnd, SessionId, SessionRecord, SignOnId,
    Task, Timestamp, TokenDigest, UserLock,
};

pub use lines::{Lines, LinesError};

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The first one.
    Head,
    /// A session, open or ended.
    Session(Box<SessionRecord>),
    /// A lock on a user.
    Lock(UserLock),
    /// A background task.
    Task(Box<Task>),
    /// The most sessions that used a license at a time on a day.
    Peak(LicensePeak),
}

/// Why a line is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is not JSON, or not the JSON of a line.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A later version wrote it.
    #[error("the file has version {found}, and this program knows versions up to {VERSION}")]
    Version {
        /// What it says.
        found: u32,
    },
    /// A part is not what it should be.
    #[error("{what}: {why}")]
    Value {
        /// The part.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// The version that is written.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Wire {
    GatepassStore { version: u32 },
    Session(Box<WireSession>),
    Lock(WireLock),
    Task(Box<WireTask>),
    Peak(WirePeak),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSession {
    session_id: Uuid,
    token_sha256: String,
    space_id: String,
    user_directory: String,
    user_id: String,
    user_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_email: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<WireAttribute>,
    method: String,
    client_type: String,
    access_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    sign_on_id: Uuid,
    session_start: String,
    last_active: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<WireEnd>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAttribute {
    name: String,
    values: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEnd {
    at: String,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl Line {
    /// The line's text, without a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        let wire = match self {
            Self::Head => Wire::GatepassStore { version: VERSION },
            Self::Session(record) => Wire::Session(Box::new(WireSession::of(record))),
            Self::Lock(lock) => Wire::Lock(WireLock::of(lock)),
            Self::Task(task) => Wire::Task(Box::new(WireTask::of(task))),
            Self::Peak(peak) => Wire::Peak(WirePeak::of(peak)),
        };
        serde_json::to_string(&wire).expect("texts and numbers only")
    }

    /// The line with this text.
    ///
    /// # Errors
    ///
    /// [`LineError`], which says what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, LineError> {
        Ok(match serde_json::from_str(text)? {
            Wire::GatepassStore { version } if version == VERSION => Self::Head,
            Wire::GatepassStore { version } => {
                return Err(LineError::Version { found: version });
            }
            Wire::Session(session) => Self::Session(Box::new(session.record()?)),
            Wire::Lock(lock) => Self::Lock(lock.lock()?),
            Wire::Task(task) => Self::Task(Box::new(task.task()?)),
            Wire::Peak(peak) => Self::Peak(peak.peak()?),
        })
    }
}

impl WireSession {
    fn of(record: &SessionRecord) -> Self {
        let (user, client) = (&record.identity, &record.client);
        let texts = |values: &[Box<str>]| values.iter().map(|value| value.to_string()).collect();
        let attributes = user.attributes().iter().map(|attribute| WireAttribute {
            name: attribute.name.to_string(),
            values: texts(&attribute.values),
        });
        let digest = record.digest.as_bytes();
        Self {
            session_id: *record.id.as_uuid(),
            token_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            space_id: record.space.to_string(),
            user_directory: user.directory().to_owned(),
            user_id: user.id().to_owned(),
            user_name: user.name().to_owned(),
            user_email: user.email().map(str::to_owned),
            attributes: attributes.collect(),
            method: record.method.as_str().to_owned(),
            client_type: client.client_type.as_str().to_owned(),
            access_type: client.access_type.as_str().to_owned(),
            client_ip: client.ip,
            user_agent: client.user_agent.as_deref().map(str::to_owned),
            license: record.license.as_deref().map(str::to_owned),
            sign_on_id: *record.sign_on.as_uuid(),
            session_start: record.started_at.to_string(),
            last_active: record.last_active.to_string(),
            end: record.end.as_ref().map(|end| WireEnd {
                at: end.at.to_string(),
                reason: end.reason.as_str().to_owned(),
                by: end.by.as_deref().map(str::to_owned),
            }),
        }
    }

    fn record(self) -> Result<SessionRecord, LineError> {
        let email = self.user_email.as_deref().unwrap_or("");
        let user = Identity::with_all(&self.user_directory, &self.user_id, &self.user_name, email)
            .map_err(|error| value("the user", error))?;
        let attributes = self.attributes.into_iter();
        let attributes: Attributes = attributes.map(|one| (one.name, one.values)).collect();
        let end = self.end.map(|end| {
            Ok::<_, LineError>(SessionEnd {
                at: time("end.at", &end.at)?,
                reason: parse("end.reason", &end.reason)?,
                by: end.by.map(Into::into),
            })
        });
        Ok(SessionRecord {
            id: SessionId::from_uuid(self.session_id),
            digest: digest(&self.token_sha256)?,
            space: parse("space_id", &self.space_id)?,
            identity: Arc::new(user.with_attributes(attributes)),
            method: parse("method", &self.method)?,
            client: ClientInfo {
                ip: self.client_ip,
                user_agent: self.user_agent.map(Into::into),
                client_type: parse("client_type", &self.client_type)?,
                access_type: parse("access_type", &self.access_type)?,
            },
            license: self.license.map(Into::into),
            sign_on: SignOnId::from_uuid(self.sign_on_id),
            started_at: time("session_start", &self.session_start)?,
            last_active: time("last_active", &self.last_active)?,
            end: end.transpose()?,
        })
    }
}

fn value(what: &'static str, why: impl std::fmt::Display) -> LineError {
    let why = why.to_string();
    LineError::Value { what, why }
}

fn parse<T>(what: &'static str, text: &str) -> Result<T, LineError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| value(what, error))
}

fn time(what: &'static str, text: &str) -> Result<Timestamp, LineError> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|error| value(what, error))?;
    Ok(Timestamp::from_unix_millis(time.timestamp_millis()))
}

fn digest(text: &str) -> Result<TokenDigest, LineError> {
    let bad = || value("token_sha256", "64 hexadecimal digits are expected");
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| bad())?;
    }
    Ok(TokenDigest::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        AccessType, ClientType, DayPeak, EndReason, Method, SpaceId, TaskError, TaskId, TaskReport,
        TaskStatus,
    };

    fn session(end: Option<SessionEnd>) -> SessionRecord {
        let user = Identity::with_all("LAB", "ann", "Ann A.", "").unwrap();
        let attributes: Attributes = [("group", vec!["a", "b"])].into_iter().collect();
        SessionRecord {
            id: SessionId::from_uuid(Uuid::from_u64_pair(1, 2)),
            digest: TokenDigest::from_bytes([0xa7; 32]),
            space: SpaceId::new("1001").unwrap(),
            identity: Arc::new(user.with_attributes(attributes)),
            method: Method::Jwt,
            client: ClientInfo {
                ip: Some([10, 0, 0, 1].into()),
                user_agent: Some("curl/8".into()),
                client_type: ClientType::Ci,
                access_type: AccessType::Api,
            },
            license: None,
            sign_on: SignOnId::from_uuid(Uuid::from_u64_pair(3, 4)),
            started_at: Timestamp::from_unix_millis(1_000),
            last_active: Timestamp::from_unix_millis(2_001),
            end,
        }
    }

    fn task() -> Task {
        Task {
            id: TaskId::new(1_700_000_000_000),
            kind: "end".into(),
            space: SpaceId::new("1001").unwrap(),
            status: TaskStatus::CompletedWithErrors,
            report: TaskReport {
                requested: 3,
                done: 1,
                already: 1,
                errors: vec![TaskError {
                    index: 2,
                    code: "not_found".into(),
                    entity_id: "x".into(),
                }],
                total_errors: 1,
            },
            created: Timestamp::from_unix_millis(1),
            started: Some(Timestamp::from_unix_millis(2)),
            ended: Some(Timestamp::from_unix_millis(3)),
            failure: None,
        }
    }

    fn peak(license: Option<&str>) -> LicensePeak {
        LicensePeak {
            space: SpaceId::new("1001").unwrap(),
            license: license.map(Into::into),
            day: DayPeak {
                day: Timestamp::from_unix_millis(86_400_000),
                peak: 7,
            },
        }
    }

    #[test]
    fn lines_read_back() {
        let end = SessionEnd {
            at: Timestamp::from_unix_millis(3_000),
            reason: EndReason::Terminated,
            by: Some("ops".into()),
        };
        let lock = UserLock {
            space: SpaceId::new("1001").unwrap(),
            directory: "LAB".into(),
            id: "ann".into(),
            until: Some(Timestamp::from_unix_millis(9_000)),
            since: Timestamp::from_unix_millis(5_000),
            by: "ops".into(),
            reason: Some("left".into()),
        };
        for line in [
            Line::Head,
            Line::Session(Box::new(session(None))),
            Line::Session(Box::new(session(Some(end)))),
            Line::Lock(lock),
            Line::Task(Box::new(task())),
            Line::Peak(peak(None)),
            Line::Peak(peak(Some("Pro"))),
        ] {
            let text = line.to_json();
            assert!(!text.contains('\n'));
            assert_eq!(Line::from_json(&text).unwrap(), line, "{text}");
        }
        assert_eq!(Line::Head.to_json(), r#"{"gatepass_store":{"version":1}}"#);
    }

    #[test]
    fn a_line_that_is_off_says_what_is() {
        let good = Line::Session(Box::new(session(None))).to_json();
        for (from, to, part) in [
            ("a7a7", "a7x7", "token_sha256: 64 hexadecimal"),
            ("\"jwt\"", "\"jwx\"", "method: `jwx` is no"),
            ("1970-01-01T00:00:01.000Z", "today", "session_start"),
            ("\"LAB\"", "\"\"", "the user"),
            ("\"session_id\"", "\"session\"", "unknown field"),
        ] {
            let error = Line::from_json(&good.replacen(from, to, 1)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(part), "{text}");
        }
        let later = Line::from_json(r#"{"gatepass_store":{"version":2}}"#).unwrap_err();
        assert!(matches!(later, LineError::Version { found: 2 }));
        assert!(Line::from_json("").is_err());
        let unknown = Line::from_json(r#"{"passkey":{}}"#)
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("unknown variant `passkey`"), "{unknown}");
    }
}
