//! Saying again what Redis acknowledged and has lost.
//!
//! Redis replicates when it has answered, so a failover may undo the last writes. First come
//! the ends, of all nodes that remember some; only then the sessions, each by the node that
//! opened it, unless it has heard of their end: so no session comes back that had ended.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::epochs;
use super::keys::{self, Keys, Shard};
use super::link::Link;
use super::notes::LockWords;
use super::recent::{Recent, SaidLock};
use super::scripts::Scripts;
use super::sessions::{self, AT_ONCE};
use crate::domain::Session;
use crate::store::{Epoch, Retention, StoreError, Touch};

/// Says again what this node remembers.
pub(super) struct Again {
    pub(super) link: Arc<Link>,
    pub(super) keys: Keys,
    pub(super) scripts: Arc<Scripts>,
    pub(super) retention: Retention,
    pub(super) recent: Arc<Recent>,
}

/// For how long other nodes have time to say the ends that they remember.
const ENDS_FIRST: Duration = Duration::from_millis(500);

/// How a record stands.
const MISSING: u8 = 0;
const OPEN: u8 = 1;

impl Again {
    /// Says what was acknowledged lately to who has lost it.
    pub(super) async fn say(&self) -> Result<(), StoreError> {
        let now = self.link.time.clock().tick();
        let (locks, epochs, ended) = {
            let mut said = self.recent.said();
            (
                said.locks.all(now),
                said.epochs.all(now),
                said.ended.all(now),
            )
        };
        for lock in &locks {
            self.lock(lock).await?;
        }
        for epoch in &epochs {
            self.epoch(epoch).await?;
        }
        let ends = self.sessions(ended, &[MISSING, OPEN]).await?;
        tokio::time::sleep(ENDS_FIRST).await;
        let opened = {
            let now = self.link.time.clock().tick();
            let mut opened = self.recent.said().opened.all(now);
            opened.retain(|session| session.end().is_none());
            opened
        };
        let opened = self.sessions(opened, &[MISSING]).await?;
        tracing::warn!(
            sessions.ended = ends,
            sessions.opened = opened,
            "Redis had lost writes that it had acknowledged: those of the last two minutes were \
             said again; what is older may be as it was before"
        );
        Ok(())
    }

    async fn lock(&self, said: &SaidLock) -> Result<(), StoreError> {
        let words = LockWords::of(said.lock.as_ref(), &self.link.time);
        let script = words.script(
            &self.scripts,
            &self.keys,
            &self.link,
            said.user,
            Some(said.number),
        );
        self.link.run::<(u64, u64)>(&script).await.map(drop)
    }

    async fn epoch(&self, epoch: &Epoch) -> Result<(), StoreError> {
        let shards = Shard::all().filter(|shard| shard.part() == epoch.part);
        for shard in shards {
            let script = epochs::script(
                &self.scripts,
                &self.keys,
                &self.link,
                shard,
                &epoch.scope,
                &epoch.end,
                Some(epoch.upto),
            );
            let _: (u64, u64) = self.link.run(&script).await?;
        }
        Ok(())
    }

    /// Says those of `sessions` again that stand as in `lost`; says how many.
    async fn sessions(
        &self,
        sessions: Vec<Arc<Session>>,
        lost: &[u8],
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        for shard in Shard::all() {
            let here: Vec<_> = sessions
                .iter()
                .filter(|session| Shard::of(session.user_key()) == shard)
                .collect();
            for some in here.chunks(AT_ONCE) {
                let mut script = self.scripts.known.prepare_invoke();
                for session in some {
                    script.key(self.keys.session(shard, session.id()));
                }
                let standing: Vec<u8> = self.link.run(&script).await?;
                if !self.link.options.mode.has_one_server() && !lost.contains(&OPEN) {
                    // The way to a session is in another slot, and may be lost where it is not.
                    let there = some.iter().zip(&standing);
                    let there = there.filter(|(_, how)| **how == OPEN);
                    let claimed = join_all(there.map(|(session, _)| self.claim(shard, session)));
                    for claimed in claimed.await {
                        claimed?;
                    }
                }
                let missing = some.iter().zip(standing);
                let missing = missing.filter(|(_, how)| lost.contains(how));
                let said = join_all(missing.map(|(session, _)| self.session(shard, session)));
                for said in said.await {
                    count += usize::from(said?);
                }
            }
        }
        Ok(count)
    }

    /// Makes the digest of an open session the way to it, unless it is one.
    async fn claim(&self, shard: Shard, session: &Session) -> Result<(), StoreError> {
        let ttl = sessions::ttl(&self.retention, session.space().lifetime().absolute);
        let mut claim = ::redis::cmd("SET");
        claim.arg(self.keys.digest(session.digest()));
        claim.arg(keys::place(shard, session.id()));
        claim.arg("NX").arg("PX").arg(ttl);
        self.link.ask::<Option<String>>(&claim).await.map(drop)
    }

    /// Whether it had been lost.
    async fn session(&self, shard: Shard, session: &Session) -> Result<bool, StoreError> {
        let (time, keys) = (&self.link.time, &self.keys);
        let lifetime = session.space().lifetime();
        let ttl = sessions::ttl(&self.retention, lifetime.absolute);
        if session.end().is_none() {
            self.claim(shard, session).await?;
        }
        let last = Touch::last_of(session);
        let expires = session.started_tick().after(lifetime.absolute);
        let mut script = self.scripts.again.prepare_invoke();
        script
            .key(keys.session(shard, session.id()))
            .arg(keys.prefix(shard))
            .arg(keys.channel())
            .arg(time.now())
            .arg(session.id().as_uuid().as_bytes().as_slice())
            .arg(sessions::about(session))
            .arg(session.digest().as_bytes().as_slice())
            .arg(sessions::record_of(session, time))
            .arg(time.at(last.tick))
            .arg(time.at(last.ends))
            .arg(time.at(expires))
            .arg(ttl)
            .arg(sessions::ttl(&self.retention, Duration::ZERO))
            .arg(session.number());
        match session.end() {
            Some(end) => script
                .arg(time.server_of(end.at))
                .arg(end.reason.as_str())
                .arg(end.by.as_deref().unwrap_or_default()),
            None => script.arg("").arg("").arg(""),
        };
        self.link.run(&script).await
    }
}
