//! Sessions for the tests.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    ClientInfo, Clock as _, EndReason, Identity, ManualClock, Method, NewSession, Session,
    SessionEnd, SessionPolicy, SpaceId, SpaceState, Tick, Timestamp, Token,
};
use crate::store::Touch;

/// Makes sessions for tests.
pub(crate) struct Maker {
    pub(crate) clock: ManualClock,
    pub(crate) space: Arc<SpaceState>,
}

impl Maker {
    pub(crate) fn new(clock: ManualClock) -> Self {
        let space = SpaceState::new(SpaceId::new("1001").unwrap(), SessionPolicy::default());
        Self { clock, space }
    }

    pub(crate) fn session(&self, user: &str) -> Arc<Session> {
        let new = NewSession {
            identity: Arc::new(Identity::new("LAB", user).unwrap()),
            method: Method::Custom,
            client: ClientInfo::default(),
            license: None,
            sign_on: None,
        };
        self.clock.advance(Duration::from_millis(1));
        Arc::new(Session::start(
            new,
            Arc::clone(&self.space),
            Token::generate().digest(),
            &self.clock,
        ))
    }

    /// That `session` was active at `tick`.
    pub(crate) fn touch(&self, session: &Session, tick: Tick) -> Touch {
        let ago = self.clock.tick().since(tick);
        let ago = i64::try_from(ago.as_millis()).unwrap();
        Touch {
            id: session.id(),
            user: session.user_key(),
            tick,
            at: Timestamp::from_unix_millis(self.clock.wall().unix_millis() - ago),
            ends: self.space.lifetime().ends(session.started_tick(), tick),
        }
    }

    pub(crate) fn end(&self, reason: EndReason) -> SessionEnd {
        SessionEnd {
            at: self.clock.wall(),
            reason,
            by: None,
        }
    }
}
