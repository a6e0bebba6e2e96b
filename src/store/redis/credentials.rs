//! Credentials in Redis: claimed before the session is created, so that of two nodes which get
//! the same one at the same moment, one opens a session and the other joins it.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::error::damaged;
use super::keys::Shard;
use super::sessions::{MAX_TTL_MS, millis};
use super::store::RedisStore;
use crate::domain::{Session, SessionId, Timestamp, TokenDigest};
use crate::store::record::FormatError;
use crate::store::record::codec::{Reader, Writer};
use crate::store::{Claimed, CredentialStore, Opens, StoreError, StoreFuture};

/// What stands under a credential. Times are the server's, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    shard: Shard,
    id: SessionId,
    until: i64,
    /// Until when a session that is not there may be on its way: after that, whoever claimed
    /// for it has died.
    on_its_way: i64,
}

/// For how long a login may take from its claim on, beyond the time limit of a command.
const ON_ITS_WAY: Duration = Duration::from_secs(3);

/// Between two looks for a session that is on its way.
const LOOK: Duration = Duration::from_millis(5);

const VERSION: u8 = 1;

impl Claim {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new(VERSION);
        out.byte(self.shard.number());
        out.fixed(self.id.as_uuid().as_bytes());
        out.time(Timestamp::from_unix_millis(self.until));
        out.time(Timestamp::from_unix_millis(self.on_its_way));
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut read = Reader::new(bytes, VERSION)?;
        let shard = read.byte()?;
        let claim = Self {
            shard: Shard::read(shard).ok_or_else(|| FormatError::value("the shard", shard))?,
            id: SessionId::from_uuid(Uuid::from_bytes(read.array()?)),
            until: read.time()?.unix_millis(),
            on_its_way: read.time()?.unix_millis(),
        };
        read.finish()?;
        Ok(claim)
    }
}

impl RedisStore {
    pub(super) async fn find_credential_now(
        &self,
        credential: TokenDigest,
    ) -> Result<Option<Opens>, StoreError> {
        let key = self.keys().credential(&credential);
        let held: Option<Vec<u8>> = self.link().ask(::redis::cmd("GET").arg(key)).await?;
        let Some(held) = held else {
            return Ok(None);
        };
        let claim = read_claim(&held)?;
        let left = claim.until.saturating_sub(self.time().now());
        if left <= 0 {
            return Ok(None);
        }
        let session = self.read(claim.shard, claim.id).await?;
        let session = session.filter(|session| session.end().is_none());
        Ok(session.map(|session| opens(session, left)))
    }

    async fn claim_now(
        &self,
        credential: TokenDigest,
        session: &Session,
        valid_for: Duration,
    ) -> Result<Claimed, StoreError> {
        let (link, key) = (self.link(), self.keys().credential(&credential));
        let now = self.time().now();
        let ttl = millis(valid_for).clamp(1, MAX_TTL_MS);
        let way = ON_ITS_WAY.saturating_add(link.options.timeout);
        let claim = Claim {
            shard: Shard::of(session.user_key()),
            id: session.id(),
            until: now.saturating_add(ttl),
            on_its_way: now.saturating_add(millis(way)),
        };
        let ours = claim.encode();
        let mut set = ::redis::cmd("SET");
        set.arg(&key).arg(&ours).arg("NX").arg("GET");
        set.arg("PX").arg(ttl);
        loop {
            let Some(held) = link.ask::<Option<Vec<u8>>>(&set).await? else {
                return Ok(Claimed::Kept);
            };
            let other = read_claim(&held)?;
            if other.id == claim.id {
                return Ok(Claimed::Kept);
            }
            let now = self.time().now();
            let left = other.until.saturating_sub(now);
            let opened = match left {
                1.. => self.read(other.shard, other.id).await?,
                _ => None,
            };
            match opened {
                Some(session) if session.end().is_none() => {
                    return Ok(Claimed::Opens(opens(session, left)));
                }
                None if left > 0 && now < other.on_its_way => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
                _ => {}
            }
            if self.swap(&key, &held, &ours, ttl).await? {
                return Ok(Claimed::Kept);
            }
        }
    }

    async fn release_now(&self, credential: TokenDigest, id: SessionId) -> Result<(), StoreError> {
        let key = self.keys().credential(&credential);
        let held: Option<Vec<u8>> = self.link().ask(::redis::cmd("GET").arg(&key)).await?;
        if let Some(held) = held
            && read_claim(&held)?.id == id
        {
            self.swap(&key, &held, &[], 0).await?;
        }
        Ok(())
    }

    async fn swap(&self, key: &[u8], old: &[u8], new: &[u8], ttl: i64) -> Result<bool, StoreError> {
        let mut script = self.scripts().swap.prepare_invoke();
        script.key(key).arg(old).arg(new).arg(ttl);
        self.link().run(&script).await
    }
}

fn read_claim(bytes: &[u8]) -> Result<Claim, StoreError> {
    Claim::decode(bytes).map_err(|error| damaged("credential", error))
}

fn opens(session: Arc<Session>, left: i64) -> Opens {
    Opens {
        session,
        valid_for: Duration::from_millis(u64::try_from(left).unwrap_or(0)),
    }
}

impl CredentialStore for RedisStore {
    fn claim(
        &self,
        credential: TokenDigest,
        session: &Arc<Session>,
        valid_for: Duration,
    ) -> StoreFuture<'_, Claimed> {
        let session = Arc::clone(session);
        Box::pin(async move { self.claim_now(credential, &session, valid_for).await })
    }

    fn release(&self, credential: TokenDigest, session: &Session) -> StoreFuture<'_, ()> {
        Box::pin(self.release_now(credential, session.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_reads_back() {
        let claim = Claim {
            shard: Shard::read(7).unwrap(),
            id: SessionId::from_uuid(Uuid::from_bytes([5; 16])),
            until: 1_700_000_000_000,
            on_its_way: -1,
        };
        let bytes = claim.encode();
        assert_eq!(Claim::decode(&bytes), Ok(claim));
        assert_eq!(
            Claim::decode(&bytes[..20]),
            Err(FormatError::Short),
            "cut short"
        );
        assert!(Claim::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
}
