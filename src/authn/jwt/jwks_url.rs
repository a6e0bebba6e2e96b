//! Keys at an address: fetched when needed, kept, renewed, and never fetched more often than
//! we choose, whatever tokens arrive.
//!
//! - The first token fetches the keys; so does the first one after their time to live.
//! - A token of an unknown key fetches them too: the issuer may have a new key. At most one
//!   fetch runs at a time, and at most one starts per interval, so made-up keys cannot make us
//!   a client that floods the issuer.
//! - While fetching fails the keys at hand are used, up to a limit. Without any, or when a
//!   token's key is unknown and the fetch that would tell failed, it is an outage and not a bad
//!   token.
//! - A fetch goes on when the request that started it goes away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Uri;
use jsonwebtoken::Algorithm;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::fetch::{FetchError, Fetcher, Limits};
use super::key::{KeyError, KeySet, VerifyingKey};
use crate::domain::{Clock, Tick};

pub use super::fetch::JwksUrlError;

/// How keys are fetched and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwksUrlSettings {
    /// How long keys are used before they are fetched again: for so long a key that the issuer
    /// has withdrawn may still be believed. 10 minutes.
    pub time_to_live: Duration,
    /// How long keys are used, counted from their fetch, while they cannot be fetched. 24 hours.
    pub max_stale: Duration,
    /// The time between the starts of two fetches. 10 seconds.
    pub min_interval: Duration,
    /// How long one fetch may take in all. 5 seconds.
    pub timeout: Duration,
    /// Bytes an answer may have. 512 KiB.
    pub max_body: usize,
}

impl Default for JwksUrlSettings {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(600),
            max_stale: Duration::from_secs(86_400),
            min_interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            max_body: 512 * 1024,
        }
    }
}

/// The keys at one address. Cheap to clone; clones share them.
#[derive(Clone)]
pub(super) struct JwksUrl(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    settings: JwksUrlSettings,
    allowed: Vec<Algorithm>,
    clock: Arc<dyn Clock>,
    fetched: ArcSwapOption<Fetched>,
    /// Held by whoever fetches.
    gate: Arc<Mutex<Gate>>,
}

struct Fetched {
    keys: KeySet,
    at: Tick,
    /// Which fetch it was, as a clock may stand still between two.
    generation: u64,
}

#[derive(Default)]
struct Gate {
    last_start: Option<Tick>,
    last_failed: bool,
    generation: u64,
}

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyLookupError {
    /// The issuer has no such key.
    Unknown,
    /// The keys, or whether there is such a key, cannot be found out now.
    Unavailable,
}

#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error("the keys could not be fetched")]
    Fetch(#[from] FetchError),
    #[error("what was fetched cannot be used")]
    Keys(#[from] KeyError),
}

impl JwksUrl {
    pub(super) fn new(
        url: &str,
        settings: JwksUrlSettings,
        allowed: Vec<Algorithm>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JwksUrlError> {
        let limits = Limits {
            timeout: settings.timeout,
            max_body: settings.max_body,
        };
        Ok(Self(Arc::new(Inner {
            fetcher: Fetcher::new(url, limits)?,
            settings,
            allowed,
            clock,
            fetched: ArcSwapOption::empty(),
            gate: Arc::default(),
        })))
    }

    pub(super) fn address(&self) -> &Uri {
        self.0.fetcher.url()
    }

    /// What `read` makes of the one key that a token with this algorithm and `kid` can be of.
    pub(super) async fn with_key<R>(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        read: impl FnOnce(&VerifyingKey) -> R,
    ) -> Result<R, KeyLookupError> {
        let known = self.0.fetched.load_full();
        if let Some(fetched) = &known
            && self.0.age(fetched) < self.0.settings.time_to_live
            && let Some(key) = fetched.keys.find(algorithm, kid)
        {
            return Ok(read(key));
        }
        let seen = known.as_ref().map(|fetched| fetched.generation);
        let is_current = self.0.renew(seen).await;
        let Some(fetched) = self.0.fetched.load_full() else {
            return Err(KeyLookupError::Unavailable);
        };
        if self.0.age(&fetched) >= self.0.settings.max_stale {
            return Err(KeyLookupError::Unavailable);
        }
        match fetched.keys.find(algorithm, kid) {
            Some(key) => Ok(read(key)),
            None if is_current => Err(KeyLookupError::Unknown),
            None => Err(KeyLookupError::Unavailable),
        }
    }
}

impl Inner {
    fn age(&self, fetched: &Fetched) -> Duration {
        self.clock.tick().since(fetched.at)
    }

    /// Fetches the keys unless somebody else just has, or it is too early; waits for a fetch
    /// that runs. Whether the keys that are there then are what the issuer last said.
    async fn renew(self: &Arc<Self>, seen: Option<u64>) -> bool {
        let gate = Arc::clone(&self.gate).lock_owned().await;
        let current = self.fetched.load().as_ref().map(|f| f.generation);
        let now = self.clock.tick();
        let too_early = gate
            .last_start
            .is_some_and(|start| now.since(start) < self.settings.min_interval);
        if current != seen || too_early {
            return !gate.last_failed;
        }
        // On a task of its own: a caller that hangs up must not take the fetch with it, or
        // hanging up in time would keep us from ever renewing the keys.
        let this = Arc::clone(self);
        tokio::spawn(this.fetch(gate)).await.unwrap_or(false)
    }

    async fn fetch(self: Arc<Self>, mut gate: OwnedMutexGuard<Gate>) -> bool {
        gate.last_start = Some(self.clock.tick());
        gate.last_failed = true;
        match self.fetch_keys().await {
            Ok(keys) => {
                gate.last_failed = false;
                gate.generation += 1;
                tracing::debug!(url = %self.fetcher.url(), keys = keys.keys().len(), "keys fetched");
                self.fetched.store(Some(Arc::new(Fetched {
                    keys,
                    at: self.clock.tick(),
                    generation: gate.generation,
                })));
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(url = %self.fetcher.url(), %error, cause, "the keys stay as they are");
            }
        }
        !gate.last_failed
    }

    async fn fetch_keys(&self) -> Result<KeySet, RefreshError> {
        let body = self.fetcher.get().await?;
        let keys = KeySet::from_fetched_jwks(&body)?;
        Ok(if self.allowed.is_empty() {
            keys
        } else {
            keys.only(&self.allowed)?
        })
    }
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksUrl")
            .field("fetcher", &self.0.fetcher)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
