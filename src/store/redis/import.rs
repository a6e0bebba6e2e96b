//! Sessions of another store, taken into Redis many at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use super::error::odd_answer;
use super::keys::Shard;
use super::sessions::AT_ONCE;
use super::store::RedisStore;
use crate::domain::{Session, Timestamp};
use crate::store::record::session as record;
use crate::store::{Merged, StoreError, Touch};

/// Sessions that a script takes at once: some milliseconds, in which a server does nothing else.
const IN_A_SCRIPT: usize = 32;

impl RedisStore {
    pub(super) async fn import_now(
        &self,
        sessions: Vec<Arc<Session>>,
    ) -> Result<Vec<Merged>, StoreError> {
        let mut merged = vec![Merged::TokenTaken; sessions.len()];
        let mut by_shard: BTreeMap<u8, (Shard, Vec<usize>)> = BTreeMap::new();
        let places: Vec<usize> = (0..sessions.len()).collect();
        for some in places.chunks(AT_ONCE) {
            let claims = join_all(some.iter().map(|at| self.claim(&sessions[*at])));
            for (at, claimed) in some.iter().zip(claims.await) {
                if claimed? {
                    let shard = Shard::of(sessions[*at].user_key());
                    let of_shard = by_shard
                        .entry(shard.number())
                        .or_insert((shard, Vec::new()));
                    of_shard.1.push(*at);
                }
            }
        }
        let sessions = &sessions;
        let all = by_shard.into_values().map(|(shard, places)| async move {
            let mut outcomes = Vec::with_capacity(places.len());
            // One script after the other: what comes twice comes in its order.
            for some in places.chunks(IN_A_SCRIPT) {
                let of_script: Vec<_> = some.iter().map(|at| &sessions[*at]).collect();
                let said = self.import_some(shard, &of_script).await?;
                outcomes.extend(some.iter().copied().zip(said));
            }
            Ok::<_, StoreError>(outcomes)
        });
        for outcomes in join_all(all).await {
            for (at, outcome) in outcomes? {
                merged[at] = outcome;
            }
        }
        Ok(merged)
    }

    /// Whether the token of `session` is its own, from now on when it is open.
    async fn claim(&self, session: &Session) -> Result<bool, StoreError> {
        if session.end().is_some() {
            return Ok(true);
        }
        let shard = Shard::of(session.user_key());
        let ttl = self.ttl(session.space().lifetime().absolute);
        self.claim_digest(session.digest(), shard, session.id(), ttl)
            .await
    }

    async fn import_some(
        &self,
        shard: Shard,
        sessions: &[&Arc<Session>],
    ) -> Result<Vec<Merged>, StoreError> {
        let (keys, time) = (self.keys(), self.time());
        let mut script = self.scripts().import.prepare_invoke();
        script
            .arg(keys.prefix(shard))
            .arg(keys.channel())
            .arg(self.ended_ttl());
        for session in sessions {
            let (id, lifetime) = (session.id(), session.space().lifetime());
            let server = |at: Timestamp| Timestamp::from_unix_millis(time.server_of(at));
            let mut kept = session.record();
            kept.started_at = server(kept.started_at);
            kept.last_active = server(kept.last_active);
            let end = kept.end.take();
            let (user, space) = (session.user_key(), session.space_id());
            let last = Touch::last_of(session);
            let expires = session.started_tick().after(lifetime.absolute);
            let at = end.as_ref().map(|end| time.server_of(end.at).to_string());
            script
                .key(keys.session(shard, id))
                .arg(id.as_uuid().as_bytes().as_slice())
                .arg([user.as_bytes(), space.as_str().as_bytes()].concat())
                .arg(session.digest().as_bytes().as_slice())
                .arg(record::encode(&kept))
                .arg(kept.last_active.unix_millis())
                .arg(time.at(last.ends))
                .arg(time.at(expires))
                .arg(self.ttl(lifetime.absolute))
                .arg(at.unwrap_or_default())
                .arg(end.as_ref().map_or("", |end| end.reason.as_str()))
                .arg(end.as_ref().and_then(|end| end.by.as_deref()).unwrap_or(""));
        }
        let said: Vec<String> = self.link().run(&script).await?;
        let merged = said
            .iter()
            .zip(sessions)
            .map(|(word, session)| match &**word {
                "kept" => Ok(Merged::Kept),
                "known" => Ok(Merged::Known),
                "ended" => {
                    self.retire(session.digest());
                    Ok(Merged::Ended)
                }
                _ => Err(odd_answer("import")),
            });
        merged.collect()
    }
}
