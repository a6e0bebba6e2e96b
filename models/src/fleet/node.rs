//! A gateway, as far as sessions go.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::feed::ChangeFeed;
use super::server::Fleet;
use super::store::FleetStore;
use crate::domain::{
    Identity, Session, SessionPolicy, SpaceId, SpaceState, Spaces, Token, TokenDigest, UserKey,
};
use crate::sessions::{Admission, EstablishError, Established, JoinKey, Resolution, Sessions};
use crate::stage::new_session;
use crate::store::StoreError;

/// A node of the fleet.
#[derive(Clone)]
pub struct Node {
    /// Its sessions.
    pub sessions: Sessions,
    /// The one space there is.
    pub space: Arc<SpaceState>,
}

impl Node {
    /// A node that has heard of all that has happened, and what tells it of more.
    pub async fn start(fleet: &Arc<Fleet>, policy: SessionPolicy) -> (Self, ChangeFeed) {
        let spaces = Spaces::new();
        let (store, mut feed) = FleetStore::connect(fleet, spaces.clone());
        let sessions = Sessions::builder()
            .clock(Arc::new(fleet.clock().clone()))
            .spaces(spaces)
            .store(Arc::new(store))
            .build();
        let space = sessions.space(&SpaceId::new("1").expect("an id"), policy);
        let changes = sessions.clone().run_changes(CancellationToken::new());
        drop(shuttle::future::spawn(changes));
        feed.settle(&sessions).await;
        (Self { sessions, space }, feed)
    }

    /// Logs `user` in.
    ///
    /// # Errors
    ///
    /// As [`Sessions::establish`].
    pub async fn log_in(&self, user: &str) -> Result<(Arc<Session>, TokenDigest), EstablishError> {
        let new = new_session(user);
        let opened = self
            .sessions
            .establish(&self.space, new, Admission::default());
        match opened.await? {
            Established::Opened { session, token } => Ok((session, Token::digest(&token))),
            Established::Joined(session) => panic!("joined {session:?}"),
        }
    }

    /// Logs `ann` in with a credential, which may have opened a session already.
    ///
    /// # Errors
    ///
    /// As [`Sessions::establish`].
    pub async fn log_in_with(&self, credential: &[u8]) -> Result<Arc<Session>, EstablishError> {
        let admission = Admission {
            join: Some(JoinKey {
                digest: TokenDigest::of(credential),
                valid_for: None,
            }),
            replaces: None,
        };
        let new = new_session("ann");
        let established = self.sessions.establish(&self.space, new, admission);
        Ok(Arc::clone(established.await?.session()))
    }

    /// The live session that a credential opens.
    ///
    /// # Errors
    ///
    /// As [`Sessions::recall_credential`].
    pub async fn recall_with(&self, credential: &[u8]) -> Result<Option<Arc<Session>>, StoreError> {
        let digest = TokenDigest::of(credential);
        let found = match self.sessions.resolve_credential(&digest, &self.space) {
            Resolution::Unknown => {
                self.sessions
                    .recall_credential(&digest, &self.space)
                    .await?
            }
            known => known,
        };
        Ok(match found {
            Resolution::Live(session) => Some(session),
            Resolution::Due(..) | Resolution::Unknown => None,
        })
    }

    /// Whether a request with this token is let in.
    ///
    /// # Errors
    ///
    /// As [`Sessions::recall`].
    pub async fn admits(&self, digest: &TokenDigest) -> Result<bool, StoreError> {
        let found = match self.sessions.resolve(digest, &self.space) {
            Resolution::Unknown => self.sessions.recall(digest, &self.space).await?,
            known => known,
        };
        Ok(matches!(found, Resolution::Live(_)))
    }

    /// The key of `user`.
    #[must_use]
    pub fn user(&self, user: &str) -> UserKey {
        new_session(user).identity.key(self.space.id())
    }
}
