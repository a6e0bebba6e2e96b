//! The newest sessions of all shards: a few of each, and more of a shard where those run out.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::join_all;
use uuid::Uuid;

use super::keys::Shard;
use super::lists::{List, bounds};
use super::store::RedisStore;
use crate::domain::{Session, SessionId, SpaceId};
use crate::store::{IdRange, StoreError};

/// How far a shard's list has been walked.
struct Walk {
    shard: Shard,
    /// Where to go on; `None` at the end.
    upper: Option<Vec<u8>>,
    /// Found, newest first, and not taken yet.
    found: VecDeque<SessionId>,
    /// Whether an epoch has ended sessions that are in another list.
    pending: bool,
}

impl Walk {
    /// Whether it is not known what comes next.
    fn is_dry(&self) -> bool {
        self.found.is_empty() && self.upper.is_some()
    }
}

impl RedisStore {
    /// At most `limit` sessions of `list`, newest first.
    pub(super) async fn walk_now(
        &self,
        list: List,
        range: IdRange,
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let ids = match self.merge(list, range, space, limit).await? {
            Some(ids) => ids,
            None => self.walk_all(list, range, space, limit).await?,
        };
        let sessions = self.read_many(ids).await?;
        Ok(sessions.into_iter().flatten().collect())
    }

    /// `None` when some are in another list still.
    async fn merge(
        &self,
        list: List,
        range: IdRange,
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<Option<Vec<(Shard, SessionId)>>, StoreError> {
        let (upper, lower) = bounds(range);
        let mut walks: Vec<_> = Shard::all()
            .map(|shard| Walk {
                shard,
                upper: Some(upper.clone()),
                found: VecDeque::new(),
                pending: false,
            })
            .collect();
        // Sessions are spread evenly: mostly, this much of each is enough.
        let share = limit / walks.len() * 5 / 4 + 8;
        let mut found = Vec::new();
        while found.len() < limit {
            // The newest of all is known once the newest of each shard is.
            let dry = walks.iter_mut().filter(|walk| walk.is_dry());
            let more = dry.map(|walk| self.go_on(walk, list, &lower, space, share));
            for asked in join_all(more).await {
                asked?;
            }
            if list == List::Ended && walks.iter().any(|walk| walk.pending) {
                return Ok(None);
            }
            while found.len() < limit && !walks.iter().any(Walk::is_dry) {
                let newest = walks
                    .iter_mut()
                    .max_by_key(|walk| walk.found.front().copied());
                let newest = newest.and_then(|walk| Some((walk.shard, walk.found.pop_front()?)));
                let Some(newest) = newest else {
                    // All have been walked to the end.
                    return Ok(Some(found));
                };
                found.push(newest);
            }
        }
        Ok(Some(found))
    }

    async fn go_on(
        &self,
        walk: &mut Walk,
        list: List,
        lower: &[u8],
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<(), StoreError> {
        let Some(upper) = &walk.upper else {
            return Ok(());
        };
        let script = self.walk_script(walk.shard, list, (upper, lower), space, limit);
        let (members, next, pending): (Vec<Vec<u8>>, Vec<u8>, bool) =
            self.link().run(&script).await?;
        let ids = members.iter().filter_map(|member| member.first_chunk());
        let ids = ids.map(|id| SessionId::from_uuid(Uuid::from_bytes(*id)));
        walk.found.extend(ids);
        walk.upper = (!next.is_empty()).then(|| [b"(", next.as_slice()].concat());
        walk.pending |= pending;
        Ok(())
    }
}
