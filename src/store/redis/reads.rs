//! Sessions as they stand in Redis: found, restored, compared.

use std::sync::Arc;

use futures_util::future::join_all;
use uuid::Uuid;

use super::answer::Stored;
use super::changes;
use super::error::{damaged, odd_answer};
use super::keys::{Shard, read_place};
use super::store::RedisStore;
use crate::domain::{Session, SessionEnd, SessionId, TokenDigest};
use crate::store::record::session as record;
use crate::store::{Standing, StoreError};

/// Sessions read by a script at once: a fraction of a millisecond; and such scripts under way
/// at a time.
const READ_AT_ONCE: usize = 128;
const UNDER_WAY: usize = 16;

impl RedisStore {
    pub(super) async fn load_now(
        &self,
        digest: &TokenDigest,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let pointer = self.keys().digest(digest);
        let place: Option<Vec<u8>> = self.link().ask(::redis::cmd("GET").arg(pointer)).await?;
        let Some((shard, id)) = place.as_deref().and_then(read_place) else {
            self.believe_missing()?;
            return Ok(None);
        };
        let found = self.read(shard, id).await?;
        if found.is_none() {
            self.believe_missing()?;
        }
        Ok(found.filter(|session| session.end().is_none() && session.digest() == digest))
    }

    /// The session `id`, wherever it is.
    pub(super) async fn get_now(&self, id: SessionId) -> Result<Option<Arc<Session>>, StoreError> {
        let everywhere = Shard::all().map(|shard| (shard, id)).collect();
        let found = self.read_many(everywhere).await?;
        let found = found.into_iter().flatten().next();
        if found.is_none() {
            self.believe_missing()?;
        }
        Ok(found)
    }

    /// See [`History::believe_missing`](super::history::History::believe_missing).
    pub(super) fn believe_missing(&self) -> Result<(), StoreError> {
        let now = self.time().clock().tick();
        self.link().history.believe_missing(now)
    }

    pub(super) async fn read(
        &self,
        shard: Shard,
        id: SessionId,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        Ok(self.read_some(shard, &[id]).await?.pop().flatten())
    }

    /// The sessions `ids` of `shard`, as they count.
    async fn read_some(
        &self,
        shard: Shard,
        ids: &[SessionId],
    ) -> Result<Vec<Option<Arc<Session>>>, StoreError> {
        let mut script = self.scripts().records.prepare_invoke();
        script.arg(self.keys().prefix(shard));
        for id in ids {
            script.key(self.keys().session(shard, *id));
        }
        let all: Vec<Stored> = self.link().run(&script).await?;
        let found = ids.iter().zip(all);
        found
            .map(|(id, stored)| self.restore(*id, stored))
            .collect()
    }

    pub(super) async fn read_many(
        &self,
        ids: Vec<(Shard, SessionId)>,
    ) -> Result<Vec<Option<Arc<Session>>>, StoreError> {
        // By shard, each with where its sessions are to stand.
        let mut pieces = Vec::new();
        for shard in Shard::all() {
            let here = ids.iter().enumerate().filter(|(_, (of, _))| *of == shard);
            let here: Vec<_> = here.map(|(at, (_, id))| (at, *id)).collect();
            let here = here.chunks(READ_AT_ONCE).map(<[_]>::to_vec);
            pieces.extend(here.map(|piece| (shard, piece)));
        }
        let mut found = vec![None; ids.len()];
        for some in pieces.chunks(UNDER_WAY) {
            let read = some.iter().map(|(shard, piece)| async move {
                let ids: Vec<_> = piece.iter().map(|(_, id)| *id).collect();
                self.read_some(*shard, &ids).await
            });
            for ((_, piece), read) in some.iter().zip(join_all(read).await) {
                for ((at, _), session) in piece.iter().zip(read?) {
                    found[*at] = session;
                }
            }
        }
        Ok(found)
    }

    /// The session that `stored` is of.
    pub(super) fn restore(
        &self,
        id: SessionId,
        stored: Stored,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let (Some(bytes), active, at, reason, by, number) = stored else {
            return Ok(None);
        };
        let time = self.time();
        let mut found = record::decode(id, &bytes).map_err(|error| damaged("session", error))?;
        let active = active.unwrap_or_else(|| found.last_active.unix_millis());
        found.started_at = time.to_wall(found.started_at.unix_millis());
        found.last_active = time.to_wall(active);
        found.end = match at {
            None => None,
            Some(at) => {
                let (reason, by) = (reason.unwrap_or_default(), by.unwrap_or_default());
                let end = changes::end(&at, &reason, &by).ok_or_else(|| odd_answer("read"))?;
                let at = time.to_wall(end.at.unix_millis());
                Some(SessionEnd { at, ..end })
            }
        };
        let session = self.spaces().restore(found, &**time.clock());
        session.set_number(number.unwrap_or(0));
        Ok(Some(Arc::new(session)))
    }

    pub(super) fn restore_all(
        &self,
        stored: Vec<(Vec<u8>, Stored)>,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let mut all = Vec::new();
        for (id, stored) in stored {
            let id = Uuid::from_slice(&id).map_err(|_| odd_answer("a script"))?;
            if let Some(session) = self.restore(SessionId::from_uuid(id), stored)? {
                self.retire(session.digest());
                all.push(session);
            }
        }
        Ok(all)
    }

    pub(super) async fn standing_now(
        &self,
        sessions: &[Arc<Session>],
    ) -> Result<Vec<Standing>, StoreError> {
        let ids = sessions.iter().map(|s| (Shard::of(s.user_key()), s.id()));
        let found = self.read_many(ids.collect()).await?;
        if found.iter().any(Option::is_none) {
            self.believe_missing()?;
        }
        let standing = found.iter().map(|found| match found {
            None => Standing::Unknown,
            Some(session) => match session.end() {
                None => Standing::Open,
                Some(end) => Standing::Ended(end.clone()),
            },
        });
        Ok(standing.collect())
    }
}
