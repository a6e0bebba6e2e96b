//! `GET /api/v1/events`: starts and ends of sessions as they happen, as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::request::Params;
use super::wire::{EventBody, GapBody};
use crate::admin::keys::Principal;
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::server::Shutdown;
use crate::admin::state::Admin;
use crate::domain::SpaceId;
use crate::sessions::{EventId, EventKind, FeedItem, FeedReader};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsParams {
    space: Option<String>,
}

/// Events of the spaces that the key may look at, from now on or from behind `Last-Event-ID`.
/// Ends when the server stops, and when the keys have changed: a client comes again, and goes
/// on where it was if its key still opens.
pub(super) async fn events(
    State(admin): State<Arc<Admin>>,
    Extension(who): Extension<Arc<Principal>>,
    shutdown: Option<Extension<Shutdown>>,
    Params(params): Params<EventsParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let feed = admin.feed().ok_or(ProblemKind::UnknownRoute)?;
    let space = params.space.map(|space| SpaceId::new(&space)).transpose();
    let space = space.map_err(|_| ProblemKind::Forbidden)?;
    if space.as_ref().is_some_and(|space| !who.may_read(space)) {
        return Err(ProblemKind::Forbidden.into());
    }
    let after = last_event_id(&headers)?;
    let slot = Arc::clone(admin.streams()).try_acquire_owned();
    let slot = slot.map_err(|_| Problem::new(ProblemKind::Busy).retry_after(30))?;
    let (lines, body) = mpsc::channel(WAITING);
    let stream = Stream {
        reader: feed.subscribe(after),
        lines,
        admin: Arc::clone(&admin),
        who,
        space,
        _slot: slot,
    };
    let shutdown = shutdown.map(|Extension(Shutdown(token))| token);
    tokio::spawn(stream.run(shutdown.unwrap_or_default()));
    let body = Body::new(Lines(body));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// Where the client was; a proxy or a person may send an empty one.
fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    match headers.get("last-event-id").map(|id| id.to_str()) {
        None | Some(Ok("")) => Ok(None),
        Some(id) => {
            let id = id.ok().and_then(|id| id.parse().ok());
            let why = "Last-Event-ID: the id of an event is expected";
            let invalid = || Problem::new(ProblemKind::InvalidQuery).detail(why);
            id.map(Some).ok_or_else(invalid)
        }
    }
}

/// What writes one client's events.
struct Stream {
    reader: FeedReader,
    lines: mpsc::Sender<Bytes>,
    admin: Arc<Admin>,
    who: Arc<Principal>,
    /// The only space wanted.
    space: Option<SpaceId>,
    _slot: OwnedSemaphorePermit,
}

impl Stream {
    /// Writes until the client has gone, its key may be another, or `shutdown`.
    async fn run(mut self, shutdown: CancellationToken) {
        let mut quiet_until = Instant::now() + HEARTBEAT;
        // At once, so that a client behind a buffer knows that it is connected.
        let mut text = self.heartbeat();
        loop {
            if !self.admin.is_current(&self.who) {
                return;
            }
            if !text.is_empty() {
                quiet_until = Instant::now() + HEARTBEAT;
                let sent = self.lines.send(text.into());
                if !matches!(shutdown.run_until_cancelled(sent).await, Some(Ok(()))) {
                    return;
                }
            }
            text = tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.lines.closed() => return,
                item = self.reader.next() => self.text_of(&item),
                () = tokio::time::sleep_until(quiet_until) => self.heartbeat(),
            };
        }
    }

    /// A comment; with the id, so that who comes again need not be told of a gap when only
    /// events that they may not see have passed.
    fn heartbeat(&self) -> String {
        format!(": waiting\nid: {}\n\n", self.reader.position())
    }

    /// The event, or nothing where the client may not see it.
    fn text_of(&self, item: &FeedItem) -> String {
        let (name, data) = match item {
            FeedItem::Event(event) => {
                let space = event.session.space_id();
                let wanted = self.space.as_ref().is_none_or(|wanted| wanted == space);
                if !wanted || !self.who.may_read(space) {
                    return String::new();
                }
                let name = match event.kind {
                    EventKind::Started => "session.started",
                    EventKind::Ended(_) => "session.ended",
                };
                (name, serde_json::to_string(&EventBody::new(event)))
            }
            FeedItem::Gap { from, to } => ("gap", serde_json::to_string(&GapBody::new(from, to))),
        };
        let data = data.expect("texts and numbers always serialise");
        let id = self.reader.position();
        format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
    }
}

/// A body of what comes through a channel.
struct Lines(mpsc::Receiver<Bytes>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(context);
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// How long a client hears nothing at most.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that wait for a slow client; more wait in the feed.
const WAITING: usize = 16;
