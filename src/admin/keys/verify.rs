//! From a bearer token to a principal.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::attempts::Attempts;
use super::secret::{ChosenHash, StoredSecret, same};
use super::{ApiKey, Principal};
use crate::domain::{Clock, SystemClock, Tick, Timestamp, TokenDigest};

/// The keys that open the side port. Cheap to clone; [`replace`](Self::replace) exchanges
/// them while calls go on.
///
/// A generated secret is checked in microseconds. A chosen one takes tens of milliseconds
/// once and is then remembered, as a digest, for five minutes. A refusal costs the same
/// whether the key exists or not: as much as checking the costliest chosen secret there is.
#[derive(Clone, Debug)]
pub struct ApiKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    set: ArcSwap<KeySet>,
    attempts: Attempts,
    /// Slow checks at a time: each takes a thread and tens of MiB.
    checks: Semaphore,
    clock: Arc<dyn Clock>,
    /// How many slow checks there were.
    #[cfg(test)]
    slow: std::sync::atomic::AtomicUsize,
}

/// The keys of one load. What is remembered of them goes with them.
#[derive(Debug, Default)]
struct KeySet {
    by_id: HashMap<Arc<str>, Entry>,
    costliest: Option<Arc<ChosenHash>>,
}

#[derive(Debug)]
struct Entry {
    principal: Arc<Principal>,
    secret: StoredSecret,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
    remembered: ArcSwapOption<Remembered>,
}

/// A chosen secret that was verified; there is only one that can be.
#[derive(Debug)]
struct Remembered {
    digest: TokenDigest,
    until: Tick,
}

/// Why a bearer token opens nothing. The caller learns at most that it was refused, or that
/// there were too many attempts; the rest is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// It is not of the form `<key id>.<secret>`.
    #[error("the bearer token is not a key id, a dot and a secret")]
    Malformed,
    /// No key has the id.
    #[error("no API key has this id")]
    UnknownKey,
    /// The secret is another.
    #[error("the secret is not that of API key `{key}`")]
    WrongSecret {
        /// The key's id.
        key: Arc<str>,
    },
    /// The key is right and too old.
    #[error("API key `{key}` has expired")]
    Expired {
        /// The key's id.
        key: Arc<str>,
    },
    /// Too many attempts from this address have failed lately; nothing was checked.
    #[error("too many failed attempts; one more is allowed in {} s", retry_after.as_secs())]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
}

impl Denied {
    /// As the audit log spells it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::WrongSecret { .. } => "wrong_secret",
            Self::Expired { .. } => "expired",
            Self::TooMany { .. } => "too_many",
        }
    }

    /// The key that was meant, when there is such a key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::WrongSecret { key } | Self::Expired { key } => Some(key),
            Self::Malformed | Self::UnknownKey | Self::TooMany { .. } => None,
        }
    }
}

impl ApiKeys {
    /// These keys, by the machine's clock.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        Self::with_clock(keys, Arc::new(SystemClock::new()))
    }

    /// These keys, by `clock`.
    #[must_use]
    pub fn with_clock(keys: impl IntoIterator<Item = ApiKey>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            set: ArcSwap::from_pointee(KeySet::of(keys)),
            attempts: Attempts::default(),
            checks: Semaphore::new(PARALLEL_CHECKS),
            clock,
            #[cfg(test)]
            slow: std::sync::atomic::AtomicUsize::new(0),
        }))
    }

    /// Puts these keys in the place of the old ones. A key that is not among them opens
    /// nothing once this returns.
    pub fn replace(&self, keys: impl IntoIterator<Item = ApiKey>) {
        self.0.set.store(Arc::new(KeySet::of(keys)));
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.set.load().by_id.len()
    }

    /// Whether there are none, so that nobody can get in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `who` was verified by a key that is in force. Keys that were
    /// [replaced](Self::replace) are not, whatever is in their place.
    pub(crate) fn is_current(&self, who: &Arc<Principal>) -> bool {
        let set = self.0.set.load();
        set.by_id.get(who.id()).is_some_and(|entry| {
            let expired = entry.expires.is_some_and(|at| at <= self.0.clock.wall());
            Arc::ptr_eq(&entry.principal, who) && !expired
        })
    }

    /// Who presents `<key id>.<secret>`, from the address `from` where it is known.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub async fn verify(
        &self,
        presented: &str,
        from: Option<IpAddr>,
    ) -> Result<Arc<Principal>, Denied> {
        loop {
            let set = self.0.set.load_full();
            let verdict = self.verify_in(&set, presented, from).await;
            // A key that was taken away while its secret was being checked is gone.
            if verdict.is_err() || Arc::ptr_eq(&set, &self.0.set.load()) {
                return verdict;
            }
        }
    }

    /// The holder of key `id`, who presented it at the time `signed_in`: `None` when there is
    /// no such key any more, when it has expired, or when another was made under its id since.
    #[must_use]
    pub fn holder(&self, id: &str, signed_in: Timestamp) -> Option<Arc<Principal>> {
        let set = self.0.set.load();
        let entry = set.by_id.get(id)?;
        let replaced = entry.created.is_some_and(|created| created > signed_in);
        self.admit(entry).ok().filter(|_| !replaced)
    }

    async fn verify_in(
        &self,
        set: &KeySet,
        presented: &str,
        from: Option<IpAddr>,
    ) -> Result<Arc<Principal>, Denied> {
        let (id, secret) = match presented.split_once('.') {
            Some(parts) if presented.len() <= MAX_PRESENTED => parts,
            _ => ("", ""),
        };
        let entry = set.by_id.get(id);
        let digest = TokenDigest::of(secret.as_bytes());
        if self.is_known(entry, &digest) {
            return self.admit(entry.ok_or(Denied::UnknownKey)?);
        }
        self.may_try(from)?;
        let chosen = entry.and_then(Entry::chosen);
        if let Some(hash) = chosen.or(set.costliest.as_ref()) {
            let _turn = self.0.checks.acquire().await;
            // While it waited its turn, the same secret may have been verified, or other
            // attempts of the same caller may have failed.
            if self.is_known(entry, &digest) {
                return self.admit(entry.ok_or(Denied::UnknownKey)?);
            }
            self.may_try(from)?;
            #[cfg(test)]
            self.0
                .slow
                .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let matches = check(Arc::clone(hash), secret).await;
            if let (true, Some(entry), Some(_)) = (matches, entry, chosen) {
                let until = self.0.clock.tick().after(REMEMBERED_FOR);
                entry
                    .remembered
                    .store(Some(Arc::new(Remembered { digest, until })));
                return self.admit(entry);
            }
        }
        self.0.attempts.failed(from, self.0.clock.tick());
        Err(match entry {
            Some(entry) => Denied::WrongSecret {
                key: Arc::clone(entry.principal.id()),
            },
            None if id.is_empty() => Denied::Malformed,
            None => Denied::UnknownKey,
        })
    }

    /// Whether the secret with `digest` is that of `entry`, as far as that is cheap to tell.
    /// Takes the same time for no entry.
    fn is_known(&self, entry: Option<&Entry>, digest: &TokenDigest) -> bool {
        match entry.map(|entry| (&entry.secret, entry.remembered.load_full())) {
            Some((StoredSecret::Digest(kept), _)) => same(kept, digest),
            Some((StoredSecret::Hash(_), Some(remembered))) => {
                same(&remembered.digest, digest) && self.0.clock.tick() < remembered.until
            }
            Some((StoredSecret::Hash(_), None)) | None => {
                std::hint::black_box(same(&DECOY, digest));
                false
            }
        }
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, id: &str, secret: &str) -> bool {
        let digest = TokenDigest::of(secret.as_bytes());
        self.is_known(self.0.set.load().by_id.get(id), &digest)
    }

    #[cfg(test)]
    pub(super) fn slow_checks(&self) -> usize {
        self.0.slow.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Keeps slow checks waiting for as long as the answer is held.
    #[cfg(test)]
    pub(super) fn hold_checks(&self) -> tokio::sync::SemaphorePermit<'_> {
        let all = u32::try_from(PARALLEL_CHECKS).expect("a small number");
        self.0.checks.try_acquire_many(all).expect("nobody checks")
    }

    fn may_try(&self, from: Option<IpAddr>) -> Result<(), Denied> {
        match self.0.attempts.wait(from, self.0.clock.tick()) {
            Some(retry_after) => Err(Denied::TooMany { retry_after }),
            None => Ok(()),
        }
    }

    fn admit(&self, entry: &Entry) -> Result<Arc<Principal>, Denied> {
        if entry.expires.is_some_and(|at| at <= self.0.clock.wall()) {
            let key = Arc::clone(entry.principal.id());
            return Err(Denied::Expired { key });
        }
        Ok(Arc::clone(&entry.principal))
    }
}

impl KeySet {
    fn of(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        let mut set = Self::default();
        for key in keys {
            let entry = Entry {
                principal: Arc::new(key.principal()),
                secret: key.secret().clone(),
                created: key.created(),
                expires: key.expires(),
                remembered: ArcSwapOption::empty(),
            };
            if let Some(hash) = entry.chosen()
                && set
                    .costliest
                    .as_ref()
                    .is_none_or(|c| c.cost() < hash.cost())
            {
                set.costliest = Some(Arc::clone(hash));
            }
            set.by_id.insert(Arc::clone(key.id()), entry);
        }
        set
    }
}

impl Entry {
    const fn chosen(&self) -> Option<&Arc<ChosenHash>> {
        match &self.secret {
            StoredSecret::Hash(hash) => Some(hash),
            StoredSecret::Digest(_) => None,
        }
    }
}

async fn check(hash: Arc<ChosenHash>, secret: &str) -> bool {
    let secret = Zeroizing::new(secret.to_owned());
    tokio::task::spawn_blocking(move || hash.is_of(&secret))
        .await
        .unwrap_or(false)
}

/// How long a chosen secret that was verified is known without checking it again.
const REMEMBERED_FOR: Duration = Duration::from_secs(5 * 60);
const PARALLEL_CHECKS: usize = 2;
/// More than any key id and secret together.
const MAX_PRESENTED: usize = 512;
/// The digest of no secret that anybody knows.
const DECOY: TokenDigest = TokenDigest::from_bytes([0; 32]);
