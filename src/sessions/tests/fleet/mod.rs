//! Several nodes on one Redis.

mod cut_off;
mod late;
mod outages;
mod takeovers;
mod together;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::new_session;
use crate::domain::{
    EndReason, Identity, Lifetime, LimitPolicy, Session, SessionPolicy, SpaceId, SpaceState,
    Spaces, SystemClock, Token, TokenDigest, UserLimit,
};
use crate::sessions::{
    Admission, EndCause, EndOutcome, EstablishError, Established, LockOrder, Resolution, Sessions,
};
use crate::store::redis::tests::cable::{Cable, Network};
use crate::store::redis::tests::fleet::{Cluster, Watched};
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;
use crate::store::redis::{OnOutage, RedisOptions, RedisStore};
use crate::store::{Retention, Scan};

/// A node of the fleet, as far as sessions go.
pub(super) struct Node {
    pub(super) sessions: Sessions,
    pub(super) space: Arc<SpaceState>,
    stop: CancellationToken,
}

/// What a token is worth on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Live,
    Nothing,
    /// The node cannot tell.
    Unsure,
}

impl Node {
    pub(super) async fn start(options: &RedisOptions) -> Self {
        Self::with_policy(options, SessionPolicy::default()).await
    }

    pub(super) async fn with_policy(options: &RedisOptions, policy: SessionPolicy) -> Self {
        let (clock, spaces) = (Arc::new(SystemClock::new()), Spaces::new());
        let store = RedisStore::connect(
            options.clone(),
            Retention::default(),
            spaces.clone(),
            clock.clone(),
        );
        let sessions = Sessions::builder()
            .clock(clock)
            .spaces(spaces)
            .store(Arc::new(store.await.unwrap()))
            .build();
        let space = sessions.space(&SpaceId::new("1").unwrap(), policy);
        sessions.recover().await.unwrap();
        let stop = CancellationToken::new();
        let run = sessions.clone().run_changes(stop.clone());
        tokio::spawn(run);
        let node = Self {
            sessions,
            space,
            stop,
        };
        // Until the first changes have been read, the table is not believed.
        eventually("the node follows", async || {
            node.sessions
                .0
                .freshness
                .holds(node.sessions.clock().tick())
        })
        .await;
        node
    }

    pub(super) async fn log_in(
        &self,
        user: &str,
    ) -> Result<(Arc<Session>, TokenDigest), EstablishError> {
        let opened = self
            .sessions
            .establish(&self.space, new_session(user), Admission::default())
            .await?;
        let Established::Opened { session, token } = opened else {
            panic!("joined")
        };
        Ok((session, Token::digest(&token)))
    }

    pub(super) async fn worth(&self, digest: &TokenDigest) -> Worth {
        let found = match self.sessions.resolve(digest, &self.space) {
            Resolution::Unknown => self.sessions.recall(digest, &self.space).await,
            known => Ok(known),
        };
        match found {
            Ok(Resolution::Live(_)) => Worth::Live,
            Ok(_) => Worth::Nothing,
            Err(_) => Worth::Unsure,
        }
    }

    pub(super) async fn end(&self, session: &Arc<Session>) -> EndOutcome {
        let cause = EndCause::terminated_by("ops");
        let ended = self
            .sessions
            .end_by_id(self.space.id(), session.id(), cause);
        ended.await.unwrap()
    }

    pub(super) fn user(&self, id: &str) -> crate::domain::UserKey {
        Identity::new("LAB", id).unwrap().key(self.space.id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let limit = std::time::Duration::from_secs(20);
    let waited = tokio::time::timeout(limit, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

pub(super) async fn pair(options: &RedisOptions) -> (Node, Node) {
    (Node::start(options).await, Node::start(options).await)
}

fn limited(max: u32, policy: LimitPolicy) -> SessionPolicy {
    SessionPolicy {
        limit: Some(UserLimit { max, policy }),
        ..SessionPolicy::default()
    }
}
