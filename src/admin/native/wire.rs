//! The JSON of the native API.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::request::View;
use crate::admin::spaces::SpaceInfo;
use crate::domain::{Attributes, LimitPolicy, Session, SessionId, SignOnId, SpaceState, Timestamp};
use crate::query::Record as _;
use crate::sessions::search::{Column, Columns, Group};
use crate::sessions::{EventId, EventKind, SessionEvent};
use crate::tasks::{Task, TaskId};

/// A list of sessions that is a page of a longer one.
#[derive(Serialize)]
pub(super) struct PageBody<'a> {
    pub(super) sessions: Vec<SessionBody<'a>>,
    pub(super) total: usize,
    pub(super) next: Option<String>,
}

/// Groups of sessions, and how many groups there are.
#[derive(Serialize)]
pub(super) struct GroupsBody<'a> {
    pub(super) groups: Vec<GroupBody<'a>>,
    pub(super) total: usize,
}

/// Sessions that have a value in common.
#[derive(Serialize)]
pub(super) struct GroupBody<'a> {
    value: GroupValue<'a>,
    count: usize,
}

/// What sessions of a group have in common: a text, a user, or null.
#[derive(Serialize)]
#[serde(untagged)]
enum GroupValue<'a> {
    Text(Option<String>),
    User(UserBody<'a>),
}

/// A user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserBody<'a> {
    user_directory: &'a str,
    user_id: &'a str,
    user_name: &'a str,
}

/// A whole list of sessions.
#[derive(Serialize)]
pub(super) struct SessionsBody<'a> {
    pub(super) sessions: Vec<SessionBody<'a>>,
}

/// A session: seven members, and with [`View::Full`] all that is known of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionBody<'a> {
    session_id: Text<SessionId>,
    user_directory: &'a str,
    user_id: &'a str,
    user_name: &'a str,
    session_start: Text<Timestamp>,
    last_active: Text<Timestamp>,
    attributes: AttributesBody<'a>,
    #[serde(flatten)]
    details: Option<DetailsBody<'a>>,
}

/// What the full view adds. A member that has no value is null, never absent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DetailsBody<'a> {
    space_id: &'a str,
    session_end: Option<Text<Timestamp>>,
    end_reason: Option<&'static str>,
    ended_by: Option<&'a str>,
    client_ip: Option<IpAddr>,
    client_type: &'static str,
    access_type: &'static str,
    license: Option<&'a str>,
    sign_on_id: Text<SignOnId>,
    authentication_method: &'static str,
    user_agent: Option<&'a str>,
    /// When it ends unless it is used again; null once it has ended.
    expires_at: Option<Text<Timestamp>>,
}

struct AttributesBody<'a>(&'a Attributes);

#[derive(Serialize)]
struct AttributeBody<'a> {
    name: &'a str,
    values: &'a [Box<str>],
}

/// A space and how full it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpaceBody<'a> {
    id: &'a str,
    name: &'a str,
    prefix: Option<&'a str>,
    hosts: &'a [String],
    open_sessions: usize,
    limits: LimitsBody,
}

/// What a space asks of its sessions.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitsBody {
    idle_timeout_seconds: u64,
    absolute_timeout_seconds: u64,
    max_per_user: Option<u32>,
    on_limit: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct SpacesBody<'a> {
    pub(super) spaces: Vec<SpaceBody<'a>>,
}

/// What came of ending many.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndManyBody {
    pub(super) requested: u64,
    /// With `dryRun`: how many would have ended.
    pub(super) ended: u64,
    pub(super) already_ended: u64,
    /// Of those that a task ended, at most as many as it keeps.
    pub(super) unknown: Vec<String>,
    pub(super) dry_run: bool,
}

/// Background tasks.
#[derive(Serialize)]
pub(super) struct TasksBody<'a> {
    pub(super) tasks: Vec<TaskBody<'a>>,
}

/// A background task.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskBody<'a> {
    task_id: Text<TaskId>,
    kind: &'a str,
    status: &'static str,
    requested: u64,
    /// Looked at, whatever came of it.
    done: u64,
    ended: u64,
    already_ended: u64,
    /// Those that do not exist, at most as many as a task keeps.
    unknown: Vec<&'a str>,
    created_at: Text<Timestamp>,
    started_at: Option<Text<Timestamp>>,
    ended_at: Option<Text<Timestamp>>,
    /// Why it failed, in a sentence, when it did.
    failure: Option<&'a str>,
}

/// A session that started or ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventBody<'a> {
    at: Text<Timestamp>,
    space_id: &'a str,
    session_id: Text<SessionId>,
    user_directory: &'a str,
    user_id: &'a str,
    user_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<&'a str>,
}

/// Events that are no longer there.
#[derive(Serialize)]
pub(super) struct GapBody<'a> {
    from: Text<&'a EventId>,
    to: Text<&'a EventId>,
}

/// Something whose JSON is its text.
pub(super) struct Text<T>(pub(super) T);

impl<'a> SessionBody<'a> {
    pub(super) fn new(session: &'a Session, view: View) -> Self {
        Self {
            session_id: Text(session.id()),
            user_directory: session.user_directory(),
            user_id: session.user_id(),
            user_name: session.user_name(),
            session_start: Text(session.started_at()),
            last_active: Text(session.last_active()),
            attributes: AttributesBody(session.identity().attributes()),
            details: (view == View::Full).then(|| DetailsBody::new(session)),
        }
    }

    pub(super) fn list(sessions: &'a [Arc<Session>], view: View) -> Vec<SessionBody<'a>> {
        sessions.iter().map(|s| Self::new(s, view)).collect()
    }
}

impl<'a> EventBody<'a> {
    pub(super) fn new(event: &'a SessionEvent) -> Self {
        let session = &*event.session;
        let end = match event.kind {
            EventKind::Started => None,
            EventKind::Ended(_) => session.end(),
        };
        Self {
            at: Text(event.at),
            space_id: session.space_id().as_str(),
            session_id: Text(session.id()),
            user_directory: session.user_directory(),
            user_id: session.user_id(),
            user_name: session.user_name(),
            end_reason: end.map(|end| end.reason.as_str()),
            ended_by: end.and_then(|end| end.by.as_deref()),
        }
    }
}

impl<'a> GapBody<'a> {
    pub(super) const fn new(from: &'a EventId, to: &'a EventId) -> Self {
        Self {
            from: Text(from),
            to: Text(to),
        }
    }
}

impl<'a> TaskBody<'a> {
    pub(super) fn new(task: &'a Task) -> Self {
        let report = &task.report;
        Self {
            task_id: Text(task.id),
            kind: &task.kind,
            status: task.status.as_str(),
            requested: report.requested,
            done: report.processed(),
            ended: report.done,
            already_ended: report.already,
            unknown: report.errors.iter().map(|e| &*e.entity_id).collect(),
            created_at: Text(task.created),
            started_at: task.started.map(Text),
            ended_at: task.ended.map(Text),
            failure: task.failure.as_deref(),
        }
    }
}

impl<'a> GroupBody<'a> {
    pub(super) fn new(group: &'a Group, column: Column) -> Self {
        let session = &*group.example;
        let value = if column == Column::UserNumber {
            GroupValue::User(UserBody {
                user_directory: session.user_directory(),
                user_id: session.user_id(),
                user_name: session.user_name(),
            })
        } else {
            let columns = Columns(session);
            GroupValue::Text(columns.value(column).as_text().map(str::to_owned))
        };
        Self {
            value,
            count: group.count,
        }
    }
}

impl<'a> DetailsBody<'a> {
    fn new(session: &'a Session) -> Self {
        let (end, client) = (session.end(), session.client());
        Self {
            space_id: session.space_id().as_str(),
            session_end: end.map(|end| Text(end.at)),
            end_reason: end.map(|end| end.reason.as_str()),
            ended_by: end.and_then(|end| end.by.as_deref()),
            client_ip: client.ip,
            client_type: client.client_type.as_str(),
            access_type: client.access_type.as_str(),
            license: session.license(),
            sign_on_id: Text(session.sign_on()),
            authentication_method: session.method().as_str(),
            user_agent: client.user_agent.as_deref(),
            expires_at: end.is_none().then(|| Text(session.expires_at())),
        }
    }
}

impl<'a> SpaceBody<'a> {
    pub(super) fn new(info: &'a SpaceInfo, state: &SpaceState, open_sessions: usize) -> Self {
        let policy = state.policy();
        Self {
            id: info.id.as_str(),
            name: &info.name,
            prefix: info.prefix.as_deref(),
            hosts: &info.hosts,
            open_sessions,
            limits: LimitsBody {
                idle_timeout_seconds: policy.lifetime.idle.as_secs(),
                absolute_timeout_seconds: policy.lifetime.absolute.as_secs(),
                max_per_user: policy.limit.map(|limit| limit.max),
                on_limit: policy.limit.map(|limit| on_limit(limit.policy)),
            },
        }
    }
}

impl Serialize for AttributesBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|attribute| AttributeBody {
            name: &attribute.name,
            values: &attribute.values,
        }))
    }
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

pub(super) const fn on_limit(policy: LimitPolicy) -> &'static str {
    match policy {
        LimitPolicy::Refuse => "refuse",
        LimitPolicy::EndOldest => "end-oldest",
    }
}
