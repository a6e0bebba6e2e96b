//! Lists of sessions, by start: from an index in buckets, a piece at a time.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use ::redis::ScriptInvocation;
use futures_util::future::join_all;
use uuid::Uuid;

use super::keys::Shard;
use super::store::RedisStore;
use crate::domain::{Session, SessionId, SpaceId, UserKey};
use crate::store::{IdRange, Scan, ScanPage, StateFilter, StoreError};

/// One of the lists of a shard: of open sessions, or of ended ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Open,
    Ended,
    /// Those that an epoch has ended and that are in the list of open ones still.
    Covered,
}

impl List {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "o",
            Self::Ended => "e",
            Self::Covered => "c",
        }
    }

    /// Where it is kept.
    const fn kept_in(self) -> &'static str {
        match self {
            Self::Open | Self::Covered => "o",
            Self::Ended => "e",
        }
    }

    const fn of(state: StateFilter) -> &'static [Self] {
        match state {
            StateFilter::Open => &[Self::Open],
            StateFilter::Ended => &[Self::Ended],
            StateFilter::All => &[Self::Open, Self::Ended],
        }
    }
}

/// As many as anybody can mean who wants all: scripts know no numbers of 64 bits.
const MOST: usize = i32::MAX as usize;

impl RedisStore {
    pub(super) async fn scan_now(&self, scan: &Scan) -> Result<ScanPage, StoreError> {
        let range = scan
            .after
            .map_or(IdRange::ALL, |after| IdRange::ALL.before(after));
        let mut total = 0;
        let mut sessions = Vec::new();
        for list in List::of(scan.state) {
            let (count, found) = match scan.user {
                Some(user) => self.of_user(user, *list, scan).await?,
                None => {
                    let count = self.count(*list, scan.space.as_ref()).await?;
                    let found = self.walk_now(*list, range, scan.space.as_ref(), scan.limit);
                    (count, found.await?)
                }
            };
            total += count;
            sessions.extend(found);
        }
        sessions.retain(|session| scan.covers(session));
        sessions.sort_by_key(|session| std::cmp::Reverse(session.id()));
        sessions.dedup_by_key(|session| session.id());
        sessions.truncate(scan.limit);
        Ok(ScanPage { sessions, total })
    }

    async fn of_user(
        &self,
        user: UserKey,
        list: List,
        scan: &Scan,
    ) -> Result<(usize, Vec<Arc<Session>>), StoreError> {
        let shard = Shard::of(user);
        let key = match list {
            List::Open | List::Covered => self.keys().open_of_user(user),
            List::Ended => self.keys().ended_of_user(user),
        };
        let upper = scan
            .after
            .map_or_else(|| b"+".to_vec(), |id| bound(b'(', id));
        let mut script = self.scripts().of_user.prepare_invoke();
        script
            .key(&key)
            .arg(self.keys().prefix(shard))
            .arg(upper)
            .arg(scan.limit.min(MOST));
        let (pending, total, ids): (bool, usize, Vec<Vec<u8>>) = self.link().run(&script).await?;
        if pending {
            return self.of_user_by_record(user, list, scan).await;
        }
        if scan.limit == 0 || total == 0 {
            return Ok((total, Vec::new()));
        }
        let ids = ids.iter().filter_map(|id| Uuid::from_slice(id).ok());
        let ids = ids.map(|id| (shard, SessionId::from_uuid(id)));
        let found = self.read_many(ids.collect()).await?;
        let found: Vec<_> = found.into_iter().flatten().collect();
        // The user's key says the space; another space has no session of theirs.
        let other = |s: &Arc<Session>| scan.space.as_ref().is_some_and(|id| id != s.space_id());
        match found.iter().any(other) {
            true => Ok((0, Vec::new())),
            false => Ok((total, found)),
        }
    }

    /// As [`of_user`](Self::of_user) while sessions that an epoch has ended are in the list of
    /// open ones: all are looked at.
    async fn of_user_by_record(
        &self,
        user: UserKey,
        list: List,
        scan: &Scan,
    ) -> Result<(usize, Vec<Arc<Session>>), StoreError> {
        let shard = Shard::of(user);
        let mut ids = Vec::new();
        for key in [
            self.keys().open_of_user(user),
            self.keys().ended_of_user(user),
        ] {
            let mut all = ::redis::cmd("ZRANGE");
            all.arg(key).arg(0).arg(-1);
            ids.extend(self.link().ask::<Vec<Vec<u8>>>(&all).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let ids = ids.iter().filter_map(|id| Uuid::from_slice(id).ok());
        let ids = ids.map(|id| (shard, SessionId::from_uuid(id)));
        let mut found: Vec<_> = self.read_many(ids.collect()).await?;
        found.reverse();
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        let wanted = |session: &Session| (list == List::Ended) == session.end().is_some();
        let in_space = |s: &Session| scan.space.as_ref().is_none_or(|id| id == s.space_id());
        found.retain(|session| wanted(session) && in_space(session));
        let total = found.len();
        found.retain(|session| scan.after.is_none_or(|after| session.id() < after));
        found.truncate(scan.limit);
        Ok((total, found))
    }

    /// How many sessions of `space` are in `list`.
    async fn count(&self, list: List, space: Option<&SpaceId>) -> Result<usize, StoreError> {
        let counts = join_all(Shard::all().map(|shard| async move {
            let key = self.keys().of(shard, "n");
            match space {
                Some(space) => {
                    let mut command = ::redis::cmd("HGET");
                    command.arg(key).arg(format!("{}{space}", list.name()));
                    let count: Option<usize> = self.link().ask(&command).await?;
                    Ok(count.unwrap_or(0))
                }
                None => {
                    let all: HashMap<String, usize> =
                        self.link().ask(::redis::cmd("HGETALL").arg(key)).await?;
                    let all = all
                        .iter()
                        .filter(|(field, _)| field.starts_with(list.name()));
                    Ok(all.map(|(_, count)| count).sum())
                }
            }
        }));
        counts.await.into_iter().sum()
    }

    /// As [`walk_now`](Self::walk_now) while sessions that an epoch has ended are in the list of
    /// open ones: `limit` of each shard.
    pub(super) async fn walk_all(
        &self,
        list: List,
        range: IdRange,
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<Vec<(Shard, SessionId)>, StoreError> {
        let per_shard =
            join_all(Shard::all().map(|shard| self.walk_shard(shard, list, range, space, limit)));
        let mut found = Vec::new();
        for ids in per_shard.await {
            found.extend(ids?);
        }
        found.sort_by_key(|(_, id)| std::cmp::Reverse(*id));
        found.truncate(limit);
        Ok(found)
    }

    async fn walk_shard(
        &self,
        shard: Shard,
        list: List,
        range: IdRange,
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<Vec<(Shard, SessionId)>, StoreError> {
        let walk = async |list| self.walk_list(shard, list, range, space, limit).await;
        let (found, pending) = walk(list).await?;
        if list != List::Ended || !pending {
            return Ok(found);
        }
        // First those that are to come into the list: none is missed that comes meanwhile.
        let (mut found, _) = walk(List::Covered).await?;
        found.extend(walk(List::Ended).await?.0);
        found.sort_unstable_by_key(|(_, id)| std::cmp::Reverse(*id));
        found.dedup_by_key(|(_, id)| *id);
        found.truncate(limit);
        Ok(found)
    }

    /// The newest of one list, and whether an epoch has ended sessions that are in another.
    async fn walk_list(
        &self,
        shard: Shard,
        list: List,
        range: IdRange,
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<(Vec<(Shard, SessionId)>, bool), StoreError> {
        let (mut upper, lower) = bounds(range);
        let (mut found, mut covered) = (Vec::new(), false);
        while found.len() < limit {
            let left = limit - found.len();
            let script = self.walk_script(shard, list, (&upper, &lower), space, left);
            let (members, next, pending): (Vec<Vec<u8>>, Vec<u8>, bool) =
                self.link().run(&script).await?;
            covered |= pending;
            let ids = members
                .iter()
                .filter_map(|member| member.first_chunk::<16>());
            found.extend(ids.map(|id| (shard, SessionId::from_uuid(Uuid::from_bytes(*id)))));
            if next.is_empty() {
                break;
            }
            upper = [b"(", next.as_slice()].concat();
        }
        Ok((found, covered))
    }

    /// A step through a list of a shard between two bounds.
    pub(super) fn walk_script(
        &self,
        shard: Shard,
        list: List,
        (upper, lower): (&[u8], &[u8]),
        space: Option<&SpaceId>,
        limit: usize,
    ) -> ScriptInvocation<'_> {
        let mut script = self.scripts().walk.prepare_invoke();
        script
            .key(self.keys().of(shard, list.kept_in()))
            .arg(self.keys().prefix(shard))
            .arg(list.name())
            .arg(upper)
            .arg(lower)
            .arg(space.map_or("", SpaceId::as_str))
            .arg(limit);
        script
    }
}

/// The upper and the lower bound of the members of a list with ids in `range`. Members begin
/// with the id and go on behind it: a bound that excludes an id from above is just below all
/// members of it, one that includes it just above them.
pub(super) fn bounds(range: IdRange) -> (Vec<u8>, Vec<u8>) {
    let upper = match range.newest {
        Bound::Unbounded => b"+".to_vec(),
        Bound::Excluded(id) => bound(b'(', id),
        Bound::Included(id) => [bound(b'(', id), vec![0xff; 17]].concat(),
    };
    let lower = match range.oldest {
        Bound::Unbounded => b"-".to_vec(),
        Bound::Included(id) => bound(b'[', id),
        Bound::Excluded(id) => [bound(b'(', id), vec![0xff; 17]].concat(),
    };
    (upper, lower)
}

fn bound(kind: u8, id: SessionId) -> Vec<u8> {
    [&[kind], id.as_uuid().as_bytes().as_slice()].concat()
}
