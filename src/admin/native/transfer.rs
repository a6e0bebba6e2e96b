//! `GET /api/v1/store/export` and `POST /api/v1/store/import`: what the store keeps, as lines of
//! JSON, out of a gateway that runs and into one.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use http_body_util::BodyExt as _;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::request::{NoParams, Params};
use crate::admin::guard::{JSON_LINES, client_ip};
use crate::admin::keys::Principal;
use crate::admin::problem::{Problem, ProblemKind};
use crate::admin::progress::Progress;
use crate::admin::server::Shutdown;
use crate::admin::state::Admin;
use crate::sessions::{Export, Imported};
use crate::store::StoreError;
use crate::store::wire::{Line, Lines, LinesError};
use crate::telemetry::audit::{self, StoreTransfer};

/// What an import did.
#[derive(Serialize)]
struct ImportedBody {
    sessions: u64,
    known: u64,
    ended: u64,
    clashes: u64,
    locks: u64,
    tasks: u64,
    peaks: u64,
}

/// Everything that the store keeps. Breaks off, so that its client notices, when the store is
/// lost half-way, the server stops, or the key may be another.
pub(super) async fn export(
    State(admin): State<Arc<Admin>>,
    Extension(who): Extension<Arc<Principal>>,
    shutdown: Option<Extension<Shutdown>>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<Response, Problem> {
    let slot = slot(&admin)?;
    audit::store_transfer(&StoreTransfer {
        action: "store.export",
        key: who.id(),
        client_ip: client_ip(request.extensions()),
        sessions: None,
        ended: 0,
    });
    let mut export = admin.sessions().export(Some(admin.tasks().all()));
    // The first pieces before the status: a store that is away is no success.
    let mut first = String::new();
    for _ in 0..2 {
        let piece = export.next().await?;
        first.push_str(&text_of(&piece.unwrap_or_default()));
    }
    let (pieces, body) = mpsc::channel(WAITING);
    let shutdown = shutdown.map(|Extension(Shutdown(token))| token);
    let stream = Stream {
        export,
        pieces,
        admin,
        who,
        _slot: slot,
    };
    tokio::spawn(stream.run(first, shutdown.unwrap_or_default()));
    Ok(([(CONTENT_TYPE, JSON_LINES)], Body::new(Pieces(body))).into_response())
}

/// What writes one client's export.
struct Stream {
    export: Export,
    pieces: mpsc::Sender<Result<Bytes, StoreError>>,
    admin: Arc<Admin>,
    who: Arc<Principal>,
    _slot: OwnedSemaphorePermit,
}

impl Stream {
    async fn run(mut self, first: String, shutdown: CancellationToken) {
        let mut next = Ok(Some(first));
        loop {
            if !self.admin.is_current(&self.who) || shutdown.is_cancelled() {
                next = Err(StoreError::Unavailable("the export was broken off".into()));
            }
            let piece = match next {
                Ok(None) => return,
                Ok(Some(text)) => Ok(Bytes::from(text)),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an export of the store broke off"
                    );
                    Err(error)
                }
            };
            let ends = piece.is_err();
            let sent = shutdown.run_until_cancelled(self.pieces.send(piece)).await;
            if ends || matches!(sent, Some(Err(_))) {
                return;
            }
            next = match self.export.next().await {
                Ok(lines) => Ok(lines.map(|lines| text_of(&lines))),
                Err(error) => Err(error),
            };
            // Others of this thread have their turn between two pieces.
            tokio::task::yield_now().await;
        }
    }
}

fn text_of(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_json());
        text.push('\n');
    }
    text
}

/// A body of what comes through a channel.
struct Pieces(mpsc::Receiver<Result<Bytes, StoreError>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        let next = self.0.poll_recv(context);
        next.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// Takes over what another store kept, a batch of lines after the other.
pub(super) async fn import(
    State(admin): State<Arc<Admin>>,
    Extension(who): Extension<Arc<Principal>>,
    progress: Option<Extension<Progress>>,
    Params(NoParams {}): Params<NoParams>,
    request: Request,
) -> Result<Response, Problem> {
    let _slot = slot(&admin)?;
    let from = client_ip(request.extensions());
    let progress = progress.map(|Extension(progress)| progress);
    let mut import = Import {
        admin,
        body: request.into_body(),
        progress: progress.unwrap_or_default(),
        lines: Lines::new(),
        done: Imported::default(),
    };
    let result = import.run().await;
    import.audit(&who, from);
    match result {
        Ok(()) => Ok(Json(ImportedBody::of(import.done)).into_response()),
        Err(problem) => {
            import.drain().await;
            Err(problem)
        }
    }
}

/// An import under way.
struct Import {
    admin: Arc<Admin>,
    body: Body,
    progress: Progress,
    lines: Lines,
    done: Imported,
}

impl Import {
    async fn run(&mut self) -> Result<(), Problem> {
        while let Some(frame) = self.body.frame().await {
            let broken = |_| Problem::new(ProblemKind::InvalidBody).detail("it did not come whole");
            let Ok(bytes) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            self.progress.step();
            let batches = self.lines.push(&bytes);
            for batch in batches.map_err(|error| self.refusal(&error))? {
                self.take(batch).await?;
            }
        }
        let last = self.lines.finish();
        let last = last.map_err(|error| self.refusal(&error))?;
        self.take(last).await
    }

    async fn take(&mut self, batch: Vec<Line>) -> Result<(), Problem> {
        let (sessions, tasks) = (self.admin.sessions(), self.admin.tasks());
        let done = sessions.import(batch, Some(tasks)).await?;
        self.done = self.done.and(done);
        self.progress.step();
        Ok(())
    }

    fn refusal(&self, error: &LinesError) -> Problem {
        let taken = match self.lines.given() {
            0 => "nothing was imported".to_owned(),
            given => format!(
                "lines 1 to {given} were imported, and can be again; nothing behind them was"
            ),
        };
        Problem::new(ProblemKind::InvalidBody).detail(format!("{error}\n{taken}"))
    }

    /// Reads what is left, within reason: a client that is still sending may not see an answer
    /// before.
    async fn drain(&mut self) {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = self.body.frame().await {
            self.progress.step();
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(less) => left = less,
                None => return,
            }
        }
    }

    fn audit(&self, who: &Principal, client_ip: Option<IpAddr>) {
        audit::store_transfer(&StoreTransfer {
            action: "store.import",
            key: who.id(),
            client_ip,
            sessions: Some(self.done.sessions),
            ended: self.done.ended,
        });
    }
}

impl ImportedBody {
    const fn of(done: Imported) -> Self {
        Self {
            sessions: done.sessions,
            known: done.known,
            ended: done.ended,
            clashes: done.clashes,
            locks: done.locks,
            tasks: done.tasks,
            peaks: done.peaks,
        }
    }
}

fn slot(admin: &Admin) -> Result<OwnedSemaphorePermit, Problem> {
    let slot = Arc::clone(admin.streams()).try_acquire_owned();
    slot.map_err(|_| Problem::new(ProblemKind::Busy).retry_after(30))
}

/// Pieces that wait for a slow client; more wait in the store.
const WAITING: usize = 2;

/// Bytes of a refused import that are read all the same.
const DRAINED: usize = 256 << 20;
