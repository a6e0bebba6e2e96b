//! What makes a body end with its session (S17).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::domain::Session;
use crate::proxy::deadline::{Deadlines, TimeLimit};
use crate::sessions::{Ended, Sessions, Tie};

/// What makes a body end with its session.
pub(super) enum Bond {
    /// The session is looked at whenever the body is. Most bodies end within moments; so the
    /// session is told of one only when it has been waiting for a tick.
    Watching {
        sessions: Sessions,
        session: Arc<Session>,
        settled: TimeLimit,
    },
    Tied {
        ended: Pin<Box<Ended>>,
        tie: Tie,
    },
}

impl Bond {
    pub(super) fn new(sessions: &Sessions, session: &Arc<Session>, deadlines: &Deadlines) -> Self {
        Self::Watching {
            sessions: sessions.clone(),
            session: Arc::clone(session),
            settled: deadlines.limit(Duration::ZERO),
        }
    }

    /// Whether the session has ended.
    pub(super) fn has_ended(&mut self, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Watching { session, .. } => session.end().is_some(),
            Self::Tied { ended, .. } => ended.as_mut().poll(cx).is_ready(),
        }
    }

    /// The body waits, and [`has_ended`](Self::has_ended) was asked just now; ready when the
    /// session has ended.
    pub(super) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Watching {
                sessions,
                session,
                settled,
            } => {
                ready!(settled.poll_waiting(cx));
                let tie = sessions.tie(session);
                let mut ended = Box::pin(tie.ended());
                let has_ended = ended.as_mut().poll(cx);
                *self = Self::Tied { ended, tie };
                has_ended
            }
            // It was asked just now, and will wake this task.
            Self::Tied { .. } => Poll::Pending,
        }
    }

    /// Ready when the session has ended.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_ended(cx) {
            return Poll::Ready(());
        }
        self.poll_waiting(cx)
    }
}

impl fmt::Debug for Bond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, session) = match self {
            Self::Watching { session, .. } => ("Watching", session),
            Self::Tied { tie, .. } => ("Tied", tie.session()),
        };
        f.debug_tuple(name).field(&session.id()).finish()
    }
}
