//! Sessions that clients come back to without a full handshake.
//!
//! A resumed session is not verified again: its client's certificate is taken as it was. So
//! what a listener remembers belongs to one [`ClientPolicy`]; another policy begins with
//! nothing remembered.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};

use super::TlsError;
use super::client_auth::ClientPolicy;
use super::wall::Wall;
use crate::domain::Timestamp;

/// What is remembered of earlier connections: keys for tickets, which clients keep, and
/// sessions of clients that can keep none. All workers share it.
#[derive(Clone, Debug)]
pub(super) struct Resumption {
    policy: Option<ClientPolicy>,
    tickets: Arc<Remembered<dyn ProducesTickets>>,
    sessions: Arc<Remembered<dyn StoresServerSessions>>,
}

/// Something that is remembered until the lists of revoked certificates are out of date: from
/// then on every certificate has to be looked at, and refused.
#[derive(Debug)]
struct Remembered<T: ?Sized> {
    until: Option<Timestamp>,
    wall: Wall,
    inner: Arc<T>,
}

impl Resumption {
    /// Nothing remembered yet, for listeners with `policy`.
    pub(super) fn new(policy: Option<ClientPolicy>, wall: &Wall) -> Result<Self, TlsError> {
        let until = policy.as_ref().and_then(ClientPolicy::lists_are_good_until);
        let tickets = Ticketer::new().map_err(TlsError::Library)?;
        Ok(Self {
            policy,
            tickets: Arc::new(Remembered {
                until,
                wall: wall.clone(),
                inner: tickets,
            }),
            sessions: Arc::new(Remembered {
                until,
                wall: wall.clone(),
                inner: ServerSessionMemoryCache::new(MAX_SESSIONS),
            }),
        })
    }

    /// Itself where `policy` is the one it was made for, otherwise a new one.
    pub(super) fn under(
        &self,
        policy: Option<ClientPolicy>,
        wall: &Wall,
    ) -> Result<Self, TlsError> {
        if self.policy == policy {
            return Ok(self.clone());
        }
        Self::new(policy, wall)
    }

    pub(super) fn tickets(&self) -> Arc<dyn ProducesTickets> {
        self.tickets.clone()
    }

    pub(super) fn sessions(&self) -> Arc<dyn StoresServerSessions> {
        self.sessions.clone()
    }
}

impl<T: ?Sized> Remembered<T> {
    fn is_good(&self) -> bool {
        self.until.is_none_or(|until| self.wall.now() < until)
    }
}

impl ProducesTickets for Remembered<dyn ProducesTickets> {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.inner.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.is_good().then(|| self.inner.decrypt(cipher))?
    }
}

impl StoresServerSessions for Remembered<dyn StoresServerSessions> {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.inner.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.is_good().then(|| self.inner.get(key))?
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.is_good().then(|| self.inner.take(key))?
    }

    fn can_cache(&self) -> bool {
        self.inner.can_cache()
    }
}

/// Sessions of clients that keep no tickets; the oldest are forgotten first.
const MAX_SESSIONS: usize = 16_384;
