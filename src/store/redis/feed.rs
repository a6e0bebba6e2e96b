//! Following the changes: the streams for certainty, the channel for speed.
//!
//! Each shard has a stream whose entries are numbered without holes. A node reads all of them
//! every `poll`, each from the last entry it knows, that one included: if it is no longer
//! there as it was, entries are missing, and the batch has a gap. If it is another now, or a
//! write of this node that was acknowledged is not there, then the data are lost, or another
//! server took over that had not heard of them: first what was lost is said again. Whatever is
//! told is also published, so that those who listen know at once: of ends from the message
//! itself, of anything else from the poll that it brings about. What is lost comes with the next
//! poll.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{RedisResult, Value};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::again::Again;
use super::changes;
use super::error::odd_answer;
use super::keys::{Keys, Shard};
use super::link::{Link, late};
use super::nodes::Progress;
use super::scripts::Scripts;
use crate::store::{Change, ChangeBatch, StoreError};

/// Follows the streams, and keeps the connection up.
pub(super) struct Follower {
    pub(super) link: Arc<Link>,
    pub(super) keys: Keys,
    pub(super) scripts: Arc<Scripts>,
    pub(super) again: Again,
    pub(super) cursors: Vec<Cursor>,
    pub(super) progress: Arc<Progress>,
    pub(super) changes: mpsc::Sender<ChangeBatch>,
}

/// The last entry of a shard's stream that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// Its number; 0 before the first.
    number: u64,
    /// What it says, if it could be read.
    says: Option<Vec<u8>>,
}

/// An entry: its number and what it says.
type Entry = (String, Vec<(String, Vec<u8>)>);

/// Entries read by a script: a fraction of a millisecond.
const PIECE: usize = 1600;

/// A shard's stream from the cursor on.
struct Piece {
    /// The number of the last entry that there ever was.
    last: u64,
    entries: Vec<(u64, Vec<u8>)>,
    /// Whether these are all there are.
    whole: bool,
    /// How many writes of this node the shard has.
    mark: u64,
}

/// What a piece says beside its entries.
enum Follows {
    /// It goes on from the cursor.
    On(Vec<(u64, Vec<u8>)>),
    /// Entries after the cursor have been dropped.
    AfterAGap,
    /// It is not the stream that was known.
    AnotherHistory,
}

impl Piece {
    /// One of each shard, from where each of `from` points to, or else the last entry only.
    async fn read(
        link: &Link,
        keys: &Keys,
        scripts: &Scripts,
        from: Option<&[Cursor]>,
    ) -> Result<Vec<Self>, StoreError> {
        let shards: Vec<_> = Shard::all().collect();
        let together = if link.options.mode.has_one_server() {
            shards.len()
        } else {
            1
        };
        let most = PIECE / together;
        let reads = shards.chunks(together).map(|shards| async move {
            let mut script = scripts.read.prepare_invoke();
            script.arg(most);
            for shard in shards {
                script
                    .key(keys.of(*shard, "c"))
                    .key(keys.of(*shard, "q"))
                    .key(keys.marks(*shard, &link.options.node))
                    .arg(match from {
                        Some(from) => format!("{}-0", from[usize::from(shard.number())].number),
                        None => String::new(),
                    });
            }
            let read: Vec<(u64, Vec<Entry>, u64)> = link.run(&script).await?;
            if read.len() != shards.len() {
                return Err(odd_answer("read"));
            }
            let pieces = read.into_iter();
            pieces
                .map(|(last, entries, mark)| Self::parse(last, entries, mark, most))
                .collect::<Result<Vec<_>, _>>()
        });
        let mut pieces = Vec::with_capacity(shards.len());
        for some in join_all(reads).await {
            pieces.extend(some?);
        }
        Ok(pieces)
    }

    fn parse(last: u64, entries: Vec<Entry>, mark: u64, most: usize) -> Result<Self, StoreError> {
        let number = |id: &str| id.strip_suffix("-0").and_then(|number| number.parse().ok());
        let entries = entries.into_iter().map(|(id, fields)| {
            let says = fields.into_iter().next().map(|(_, says)| says);
            Some((number(&id)?, says.unwrap_or_default()))
        });
        let entries: Option<Vec<_>> = entries.collect();
        let entries = entries.ok_or_else(|| odd_answer("XRANGE"))?;
        Ok(Self {
            last,
            whole: entries.len() < most,
            entries,
            mark,
        })
    }

    /// The entries after `known`, if they are all there.
    fn after(self, known: &Cursor) -> Follows {
        let (whole, mut entries) = (self.whole, self.entries);
        if self.last < known.number {
            return Follows::AnotherHistory;
        }
        match &known.says {
            // The one that is known must be there as it was.
            Some(says) => match entries.first() {
                Some((number, said)) if *number == known.number && said == says => {
                    entries.remove(0);
                }
                Some((number, _)) if *number == known.number => return Follows::AnotherHistory,
                _ => return Follows::AfterAGap,
            },
            None => entries.retain(|(number, _)| *number > known.number),
        }
        let end = entries.last().map_or(known.number, |(number, _)| *number);
        let without_holes = end.checked_sub(known.number) == Some(entries.len() as u64);
        let to_the_end = !whole || end == self.last;
        if without_holes && to_the_end {
            Follows::On(entries)
        } else {
            Follows::AfterAGap
        }
    }
}

impl Follower {
    /// Where the streams end now.
    pub(super) async fn position(
        link: &Link,
        keys: &Keys,
        scripts: &Scripts,
    ) -> Result<Vec<Cursor>, StoreError> {
        let pieces = Piece::read(link, keys, scripts, None).await?;
        let ends = pieces
            .into_iter()
            .map(|piece| match piece.entries.into_iter().next() {
                Some((number, says)) if number == piece.last => Cursor {
                    number,
                    says: Some(says),
                },
                _ => Cursor {
                    number: piece.last,
                    says: None,
                },
            });
        Ok(ends.collect())
    }

    /// Follows until nobody wants to hear of changes any more.
    pub(super) async fn run(mut self) {
        let check = self.link.options.clock_check;
        let mut clock = tokio::time::interval_at(Instant::now() + check, check);
        let mut failing = false;
        loop {
            // What has been read has been handed on, too.
            for (shard, cursor) in Shard::all().zip(&self.cursors) {
                self.progress.note(shard, cursor.number);
            }
            let asked = self.link.time.clock().tick();
            match self.poll().await {
                Ok((batch, all)) => {
                    failing = false;
                    let confirmed = all.then_some(asked);
                    let batch = ChangeBatch { confirmed, ..batch };
                    if self.changes.send(batch).await.is_err() {
                        return;
                    }
                    if let Some(tick) = confirmed {
                        self.link.confirm(tick);
                        tokio::select! {
                            () = tokio::time::sleep(self.link.options.poll) => {}
                            _ = clock.tick() => self.read_time().await,
                            () = self.link.doubt.notified() => {}
                        }
                    }
                }
                Err(error) => {
                    self.link.lose();
                    if failing {
                        // Another connection does no better, as where rights were taken away.
                        tokio::time::sleep(Link::RETRY).await;
                    } else {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the connection to Redis is lost"
                        );
                    }
                    failing = true;
                    if !self.reconnect().await {
                        return;
                    }
                }
            }
        }
    }

    async fn read_time(&self) {
        let Ok(connection) = self.link.connection() else {
            return;
        };
        // What is wrong with the connection, the next poll tells.
        if let Err(error) = self.link.read_time(connection).await {
            tracing::debug!(%error, "the clock of the Redis server was not read");
        }
    }

    /// `false` when nobody wants to hear of changes any more.
    async fn reconnect(&self) -> bool {
        loop {
            if self.changes.is_closed() {
                return false;
            }
            match self.link.connect().await {
                Ok(()) => {
                    tracing::info!("connected to Redis again");
                    return true;
                }
                Err(error) => {
                    tracing::debug!(%error, "no connection to Redis");
                    tokio::time::sleep(Link::RETRY).await;
                }
            }
        }
    }

    /// What is new, and whether that is all.
    async fn poll(&mut self) -> Result<(ChangeBatch, bool), StoreError> {
        let (link, keys, scripts) = (&*self.link, &self.keys, &*self.scripts);
        let marks: Vec<_> = Shard::all().map(|shard| link.history.mark(shard)).collect();
        let pieces = Piece::read(link, keys, scripts, Some(&self.cursors)).await?;
        let (mut batch, mut all) = (ChangeBatch::default(), true);
        let mut cursors = self.cursors.clone();
        for (shard, piece) in Shard::all().zip(pieces) {
            let (at, mark) = (usize::from(shard.number()), piece.mark);
            if mark < marks[at] {
                link.history.note_lost(shard, mark);
            }
            all &= piece.whole;
            match piece.after(&cursors[at]) {
                Follows::On(entries) => {
                    for (number, says) in entries {
                        batch.changes.extend(changes::read(&says, &link.time));
                        cursors[at] = Cursor {
                            number,
                            says: Some(says),
                        };
                    }
                }
                Follows::AfterAGap => batch.gap = true,
                Follows::AnotherHistory => link.history.say_later(),
            }
        }
        if !batch.gap && !link.history.has_lost() {
            self.cursors = cursors;
            return Ok((batch, all));
        }
        if link.history.has_lost() {
            self.say_again().await?;
        }
        tracing::warn!("changes may have been missed; cached sessions are checked");
        // Whatever happened before this position is seen by the check.
        self.cursors = Self::position(&self.link, &self.keys, &self.scripts).await?;
        batch.gap = true;
        Ok((batch, true))
    }

    /// Says again what was lost, before anything that is missing is believed to be so.
    async fn say_again(&self) -> Result<(), StoreError> {
        let (history, clock) = (&self.link.history, self.link.time.clock());
        history.begin_saying();
        let said = self.again.say().await;
        history.wait_for_others(clock.tick());
        if said.is_err() {
            history.say_later();
        }
        said
    }
}

/// For so long nothing is pushed before the connection is tried.
const SILENCE: Duration = Duration::from_secs(1);

/// Listens on the channel for as long as somebody wants to hear of it.
pub(super) async fn listen(link: Arc<Link>, channel: String, changes: mpsc::Sender<ChangeBatch>) {
    while !changes.is_closed() {
        if let Err(error) = listen_once(&link, &channel, &changes).await {
            tracing::debug!(%error, "no changes are pushed");
        }
        tokio::time::sleep(Link::RETRY).await;
    }
}

async fn listen_once(
    link: &Link,
    channel: &str,
    changes: &mpsc::Sender<ChangeBatch>,
) -> RedisResult<()> {
    let losses = link.losses();
    let subscribe = async {
        let pubsub = link.client().await?.get_async_pubsub().await?;
        let (mut sink, messages) = pubsub.split();
        sink.subscribe(channel).await?;
        RedisResult::Ok((sink, messages))
    };
    let subscribed = tokio::time::timeout(link.options.connect_timeout, subscribe);
    let (mut sink, mut messages) = subscribed.await.map_err(|_| late())??;
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = changes.closed() => None,
            () = tokio::time::sleep(SILENCE) => {
                // Nobody tells of a connection that has been dropped on the way, nor of a
                // master that has handed over.
                let answer = tokio::time::timeout(link.options.timeout, sink.ping::<Value>());
                answer.await.map_err(|_| late())??;
                if link.losses() != losses {
                    return Ok(());
                }
                continue;
            }
        };
        let Some(message) = message else {
            return Ok(());
        };
        let batch = match changes::read(message.get_payload_bytes(), &link.time) {
            Some(ended @ (Change::Ended { .. } | Change::Epoch(_))) => ChangeBatch {
                changes: vec![ended],
                ..ChangeBatch::default()
            },
            // Messages may be late, and of locks the last word counts: it is in the stream.
            Some(_) => {
                link.doubt.notify_one();
                continue;
            }
            None => continue,
        };
        // When nobody keeps up, the next poll has it.
        let _ = changes.try_send(batch);
    }
}
