//! Following the changes: the streams for certainty, the channel for speed.
//!
//! Each shard has a stream whose entries are numbered without holes. A node reads all of them
//! every `poll`, each from the last entry it knows, that one included: if it is no longer
//! there as it was, entries are missing (the stream was cut, the data lost, or another server
//! took over that had not heard of them), and the batch has a gap. Whatever is told is also
//! published, so that those who listen know at once; a message that is lost comes with the
//! next poll.

use std::sync::Arc;

use ::redis::RedisResult;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::mpsc;

use super::changes;
use super::keys::{Keys, Shard};
use super::link::Link;
use crate::store::{ChangeBatch, StoreError};

/// Follows the streams, and keeps the connection up.
pub(super) struct Follower {
    pub(super) link: Arc<Link>,
    pub(super) keys: Keys,
    pub(super) cursors: Vec<Cursor>,
    pub(super) changes: mpsc::Sender<ChangeBatch>,
}

/// The last entry of a shard's stream that is known; `None` before the first.
pub(super) type Cursor = Option<(String, Vec<u8>)>;

/// An entry: its number and what it says.
type Entry = (String, Vec<(String, Vec<u8>)>);

/// Entries read from a stream at once.
const PIECE: usize = 1000;

impl Follower {
    /// Where the streams end now.
    pub(super) async fn position(link: &Link, keys: &Keys) -> Result<Vec<Cursor>, StoreError> {
        let ends = join_all(Shard::all().map(|shard| async move {
            let mut command = ::redis::cmd("XREVRANGE");
            command.arg(keys.of(shard, "c")).arg("+").arg("-").arg("COUNT").arg(1);
            let last: Vec<Entry> = link.ask(&command).await?;
            Ok(last.into_iter().next().map(body))
        }));
        ends.await.into_iter().collect()
    }

    /// Follows until nobody wants to hear of changes any more.
    pub(super) async fn run(mut self) {
        loop {
            let asked = self.link.time.clock().tick();
            match self.poll().await {
                Ok((batch, all)) => {
                    let confirmed = all.then_some(asked);
                    let batch = ChangeBatch { confirmed, ..batch };
                    if self.changes.send(batch).await.is_err() {
                        return;
                    }
                    if let Some(tick) = confirmed {
                        self.link.confirm(tick);
                        tokio::select! {
                            () = tokio::time::sleep(self.link.options.poll) => {}
                            () = self.link.doubt.notified() => {}
                        }
                    }
                }
                Err(error) => {
                    self.link.lose();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the connection to Redis is lost"
                    );
                    if !self.reconnect().await {
                        return;
                    }
                }
            }
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
        let (link, keys) = (&self.link, &self.keys);
        let pieces = join_all(Shard::all().zip(&self.cursors).map(|(shard, cursor)| async move {
            let from = cursor.as_ref().map_or("-", |(number, _)| number);
            let mut command = ::redis::cmd("XRANGE");
            command.arg(keys.of(shard, "c")).arg(from).arg("+").arg("COUNT").arg(PIECE);
            link.ask::<Vec<Entry>>(&command).await
        }));
        let pieces: Vec<Vec<Entry>> = pieces.await.into_iter().collect::<Result<_, _>>()?;
        let (mut batch, mut all, mut gap) = (ChangeBatch::default(), true, false);
        for (piece, cursor) in pieces.into_iter().zip(&mut self.cursors) {
            all &= piece.len() < PIECE;
            let mut entries = piece.into_iter().map(body);
            match cursor {
                Some(known) => gap |= entries.next().as_ref() != Some(known),
                // The first entry that there ever is has the number 1.
                None => {
                    let mut first = entries.by_ref().peekable();
                    gap |= first.peek().is_some_and(|(number, _)| number != "1-0");
                    for entry in first {
                        batch.changes.extend(changes::read(&entry.1, &link.time));
                        *cursor = Some(entry);
                    }
                    continue;
                }
            }
            if gap {
                break;
            }
            for entry in entries {
                batch.changes.extend(changes::read(&entry.1, &link.time));
                *cursor = Some(entry);
            }
        }
        if gap {
            tracing::warn!("changes may have been missed; cached sessions are checked");
            self.cursors = Self::position(&self.link, &self.keys).await?;
            // Whatever happened before this position is seen by the check.
            return Ok((ChangeBatch { gap: true, ..ChangeBatch::default() }, true));
        }
        Ok((batch, all))
    }
}

fn body((number, fields): Entry) -> (String, Vec<u8>) {
    let change = fields.into_iter().next().map(|(_, body)| body);
    (number, change.unwrap_or_default())
}

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
    let mut pubsub = link.client().await?.get_async_pubsub().await?;
    pubsub.subscribe(channel).await?;
    let mut messages = pubsub.into_on_message();
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = changes.closed() => None,
        };
        let Some(message) = message else {
            return Ok(());
        };
        let changed = changes::read(message.get_payload_bytes(), &link.time);
        let batch = ChangeBatch {
            changes: changed.into_iter().collect(),
            ..ChangeBatch::default()
        };
        // When nobody keeps up, the next poll has it.
        let _ = changes.try_send(batch);
    }
}
