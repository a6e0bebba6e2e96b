//! What happens to sessions, one event after the other, for whoever wants to follow.

use std::collections::VecDeque;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::watch;

use super::Observer;
use crate::domain::{Clock, EndReason, Session, Timestamp, random};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The id of an event: which run of the process it is of, and its number there.
///
/// As text, `<run>-<number>`: the run in hexadecimal, the number in decimal, from 1 without
/// gaps. Runs differ, and a later one has a larger number unless the clock was set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    run: u64,
    number: u64,
}

impl EventId {
    /// Its number within the run, from 1; 0 comes before the first event.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }
}

/// Why a text is no [`EventId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventIdError {
    /// It has no `-`.
    #[error("an event id is `<run>-<number>`")]
    NoDash,
    /// The part before or after the `-` is no number.
    #[error("the {part} of an event id is a number")]
    NoNumber {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        source: ParseIntError,
    },
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.number)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    /// # Errors
    ///
    /// [`EventIdError`] when `text` is not of the form that an id is displayed in.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (run, number) = text.split_once('-').ok_or(EventIdError::NoDash)?;
        let no_number = |part| move |source| EventIdError::NoNumber { part, source };
        Ok(Self {
            run: u64::from_str_radix(run, 16).map_err(no_number("run"))?,
            number: number.parse().map_err(no_number("number"))?,
        })
    }
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It started.
    Started,
    /// It ended, for this reason.
    Ended(EndReason),
}

/// Something that happened to a session.
#[derive(Clone, Debug)]
pub struct SessionEvent {
    /// The event's id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The session, as it is now: one that started may have ended since.
    pub session: Arc<Session>,
}

/// What a reader is told.
#[derive(Clone, Debug)]
pub enum FeedItem {
    /// The next event.
    Event(Arc<SessionEvent>),
    /// Events after `from` and before `to` are no longer there: the reader was too slow, was
    /// away for too long, or `from` is of an earlier run. `to` is the id of the event that
    /// comes next. Look at the sessions themselves to find out what was missed.
    Gap {
        /// The last event that the reader knows of.
        from: EventId,
        /// The next that it is given.
        to: EventId,
    },
}

/// The last events of this process. Cheap to clone; make it an
/// [observer](super::SessionsBuilder::observer) to fill it.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    run: u64,
    capacity: usize,
    ring: Mutex<Ring>,
    /// The number of the latest event.
    latest: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    /// The numbers are without gaps, and the last one is `latest`.
    events: VecDeque<Arc<SessionEvent>>,
    latest: u64,
}

/// Reads a feed from a point on, at its own pace.
///
/// A reader that falls behind by no more than the feed keeps misses nothing.
pub struct FeedReader {
    feed: Arc<Inner>,
    /// The last event that was read or passed over.
    last: EventId,
    latest: watch::Receiver<u64>,
}

impl Feed {
    /// Events that are kept by default.
    pub const CAPACITY: usize = 10_000;

    /// An empty feed that keeps the last [`CAPACITY`](Self::CAPACITY) events.
    #[must_use]
    pub fn new(clock: &dyn Clock) -> Self {
        Self::with_capacity(clock, Self::CAPACITY)
    }

    /// An empty feed that keeps the last `capacity` events, at least 1.
    #[must_use]
    pub fn with_capacity(clock: &dyn Clock, capacity: usize) -> Self {
        let millis = u64::try_from(clock.wall().unix_millis()).unwrap_or(0);
        Self(Arc::new(Inner {
            run: millis << 16 | u64::from(u16::from_ne_bytes(random::bytes())),
            capacity: capacity.max(1),
            ring: Mutex::default(),
            latest: watch::Sender::new(0),
        }))
    }

    /// A reader of the events after the event `after`; of those to come, if it is `None`.
    #[must_use]
    pub fn subscribe(&self, after: Option<EventId>) -> FeedReader {
        let latest = self.0.latest.subscribe();
        let last = after.unwrap_or_else(|| self.0.id(self.0.ring().latest));
        FeedReader {
            feed: Arc::clone(&self.0),
            last,
            latest,
        }
    }

    /// The id of the latest event. Before the first, an id that every event comes after.
    #[must_use]
    pub fn latest(&self) -> EventId {
        self.0.id(self.0.ring().latest)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("latest", &self.latest())
            .finish_non_exhaustive()
    }
}

impl Observer for Feed {
    fn started(&self, session: &Arc<Session>) {
        self.0
            .push(session.started_at(), EventKind::Started, session);
    }

    fn ended(&self, session: &Arc<Session>) {
        if let Some(end) = session.end() {
            self.0.push(end.at, EventKind::Ended(end.reason), session);
        }
    }
}

impl Inner {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn id(&self, number: u64) -> EventId {
        EventId {
            run: self.run,
            number,
        }
    }

    fn push(&self, at: Timestamp, kind: EventKind, session: &Arc<Session>) {
        let latest = {
            let mut ring = self.ring();
            ring.latest += 1;
            let event = SessionEvent {
                id: self.id(ring.latest),
                at,
                kind,
                session: Arc::clone(session),
            };
            if ring.events.len() == self.capacity {
                ring.events.pop_front();
            }
            ring.events.push_back(Arc::new(event));
            ring.latest
        };
        // Two at once may come here in either order; readers look for themselves.
        self.latest.send_replace(latest);
    }
}

impl FeedReader {
    /// The next event, or gap, once there is one. Dropped half-way, it loses nothing.
    pub async fn next(&mut self) -> FeedItem {
        loop {
            self.latest.mark_unchanged();
            if let Some(item) = self.ready() {
                return item;
            }
            // The sender is in the feed, which this reader holds: it cannot be gone.
            let _ = self.latest.changed().await;
        }
    }

    /// The next event, or gap, if it is there already.
    pub fn ready(&mut self) -> Option<FeedItem> {
        let ring = self.feed.ring();
        let first = ring.events.front().map_or(ring.latest + 1, |e| e.id.number);
        let known = self.last.run == self.feed.run && self.last.number <= ring.latest;
        if !known || self.last.number + 1 < first {
            let gap = FeedItem::Gap {
                from: self.last,
                to: self.feed.id(first),
            };
            self.last = self.feed.id(first - 1);
            return Some(gap);
        }
        let ahead = usize::try_from(self.last.number + 1 - first).ok()?;
        let event = Arc::clone(ring.events.get(ahead)?);
        self.last = event.id;
        Some(FeedItem::Event(event))
    }

    /// The last event that was read, or the point from which this reads.
    #[must_use]
    pub const fn position(&self) -> EventId {
        self.last
    }
}

impl fmt::Debug for FeedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedReader")
            .field("position", &self.last)
            .finish_non_exhaustive()
    }
}
