//! Lists of sessions, by start: from an index in buckets, a piece at a time.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

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
}

impl List {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "o",
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

/// As many as anybody can mean who wants all: Redis knows no numbers of 64 bits without a sign.
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
        let key = match list {
            List::Open => self.keys().open_of_user(user),
            List::Ended => self.keys().ended_of_user(user),
        };
        let mut all = ::redis::cmd("ZRANGE");
        let upper = scan
            .after
            .map_or_else(|| b"+".to_vec(), |id| bound(b'(', id));
        all.arg(&key).arg(upper).arg("-").arg("BYLEX").arg("REV");
        all.arg("LIMIT").arg(0).arg(scan.limit.min(MOST));
        let total: usize = self.link().ask(::redis::cmd("ZCARD").arg(&key)).await?;
        if scan.limit == 0 || total == 0 {
            return Ok((total, Vec::new()));
        }
        let ids: Vec<Vec<u8>> = self.link().ask(&all).await?;
        let ids = ids.iter().filter_map(|id| Uuid::from_slice(id).ok());
        let ids = ids.map(|id| (Shard::of(user), SessionId::from_uuid(id)));
        let found = self.read_many(ids.collect()).await?;
        let found: Vec<_> = found.into_iter().flatten().collect();
        // The user's key says the space; another space has no session of theirs.
        let other = |s: &Arc<Session>| scan.space.as_ref().is_some_and(|id| id != s.space_id());
        match found.iter().any(other) {
            true => Ok((0, Vec::new())),
            false => Ok((total, found)),
        }
    }

    /// How many sessions of `space` are in `list`.
    async fn count(&self, list: List, space: Option<&SpaceId>) -> Result<usize, StoreError> {
        // No space has an empty id: that is all of them.
        let field = format!("{}{}", list.name(), space.map_or("", SpaceId::as_str));
        let commands = Shard::all().map(|shard| {
            let mut command = ::redis::cmd("HGET");
            command.arg(self.keys().of(shard, "n")).arg(&field);
            command
        });
        let counts: Vec<Option<usize>> = self.link().ask_all(commands.collect()).await?;
        Ok(counts.into_iter().flatten().sum())
    }

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
        let upper = upper_bound(range.newest);
        let mut shards: Vec<_> = Shard::all()
            .map(|shard| Walk {
                shard,
                upper: Some(upper.clone()),
                found: VecDeque::new(),
            })
            .collect();
        // Sessions are spread evenly: mostly, this much of each is enough.
        let share = limit / shards.len() * 5 / 4 + 8;
        let mut found = Vec::with_capacity(limit);
        while found.len() < limit {
            // The newest of all is known once the newest of each shard is.
            let dry = shards.iter_mut().filter(|walk| walk.is_dry());
            let more = dry.map(|walk| self.walk_shard(walk, list, range.oldest, space, share));
            for asked in join_all(more).await {
                asked?;
            }
            if shards.iter().any(Walk::is_dry) {
                continue;
            }
            while found.len() < limit && !shards.iter().any(Walk::is_dry) {
                let newest = shards
                    .iter_mut()
                    .max_by_key(|walk| walk.found.front().copied());
                let newest = newest.and_then(|walk| Some((walk.shard, walk.found.pop_front()?)));
                let Some(newest) = newest else {
                    // All have been walked to the end.
                    return self.sessions_of(found).await;
                };
                found.push(newest);
            }
        }
        self.sessions_of(found).await
    }

    async fn sessions_of(
        &self,
        ids: Vec<(Shard, SessionId)>,
    ) -> Result<Vec<Arc<Session>>, StoreError> {
        let sessions = self.read_many(ids).await?;
        Ok(sessions.into_iter().flatten().collect())
    }

    /// Walks on by at most `limit` sessions, in one step of a bounded number of members.
    async fn walk_shard(
        &self,
        walk: &mut Walk,
        list: List,
        oldest: Bound<SessionId>,
        space: Option<&SpaceId>,
        limit: usize,
    ) -> Result<(), StoreError> {
        let Some(upper) = &walk.upper else {
            return Ok(());
        };
        let mut script = self.scripts().walk.prepare_invoke();
        script
            .key(self.keys().of(walk.shard, list.name()))
            .arg(self.keys().prefix(walk.shard))
            .arg(list.name())
            .arg(upper)
            .arg(lower_bound(oldest))
            .arg(space.map_or("", SpaceId::as_str))
            .arg(limit);
        let (members, next): (Vec<Vec<u8>>, Vec<u8>) = self.link().run(&script).await?;
        let ids = members
            .iter()
            .filter_map(|member| member.first_chunk::<16>());
        let ids = ids.map(|id| SessionId::from_uuid(Uuid::from_bytes(*id)));
        walk.found.extend(ids);
        walk.upper = (!next.is_empty()).then(|| [b"(", next.as_slice()].concat());
        Ok(())
    }
}

/// How far a shard's list has been walked.
struct Walk {
    shard: Shard,
    /// Where to go on; `None` at the end.
    upper: Option<Vec<u8>>,
    /// Found, newest first, and not taken yet.
    found: VecDeque<SessionId>,
}

impl Walk {
    /// Whether it is not known what comes next.
    fn is_dry(&self) -> bool {
        self.found.is_empty() && self.upper.is_some()
    }
}

// Members begin with the id and go on behind it: a bound that excludes an id from above is just
// below all members of it, one that includes it just above them.
fn upper_bound(newest: Bound<SessionId>) -> Vec<u8> {
    match newest {
        Bound::Unbounded => b"+".to_vec(),
        Bound::Excluded(id) => bound(b'(', id),
        Bound::Included(id) => [bound(b'(', id), vec![0xff; 17]].concat(),
    }
}

fn lower_bound(oldest: Bound<SessionId>) -> Vec<u8> {
    match oldest {
        Bound::Unbounded => b"-".to_vec(),
        Bound::Included(id) => bound(b'[', id),
        Bound::Excluded(id) => [bound(b'(', id), vec![0xff; 17]].concat(),
    }
}

fn bound(kind: u8, id: SessionId) -> Vec<u8> {
    [&[kind], id.as_uuid().as_bytes().as_slice()].concat()
}
