//! What the sessions of a process have in common.

use std::sync::Arc;

use dashmap::DashMap;

#[cfg(feature = "server")]
use super::Attributes;
use super::interner::Interner;
use super::{Clock, NewSession, Session, SessionPolicy, SessionRecord, SpaceId, SpaceState};

/// The spaces of a process, and values that many sessions share. One registry for its
/// [`Sessions`](crate::sessions::Sessions) and its store, so that a session that is restored
/// points to the very [`SpaceState`] that decides about it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Spaces(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    spaces: DashMap<SpaceId, Arc<SpaceState>>,
    interner: Interner,
}

impl Spaces {
    /// No space yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the space `id` under `policy`: a new space, or a new policy for an old one, which
    /// then holds for its open sessions too.
    pub fn put(&self, id: &SpaceId, policy: SessionPolicy) -> Arc<SpaceState> {
        let state = self.find_or_default(id);
        state.set_policy(policy);
        state
    }

    /// The space `id`, if there is one.
    #[must_use]
    pub fn find(&self, id: &SpaceId) -> Option<Arc<SpaceState>> {
        self.0.spaces.get(id).map(|entry| Arc::clone(entry.value()))
    }

    /// The space `id`; one that nobody has put there has the default policy, so that the
    /// sessions of a space which the configuration no longer has can be seen, and end.
    #[must_use]
    pub fn find_or_default(&self, id: &SpaceId) -> Arc<SpaceState> {
        self.find(id).unwrap_or_else(|| {
            let entry = self.0.spaces.entry(id.clone());
            let state =
                entry.or_insert_with(|| SpaceState::new(id.clone(), SessionPolicy::default()));
            Arc::clone(state.value())
        })
    }

    /// How many sessions are open in this process, over all spaces.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.spaces.iter().map(|space| space.open()).sum()
    }

    /// The session that `record` is of, as it goes on now.
    #[must_use]
    pub fn restore(&self, mut record: SessionRecord, clock: &dyn Clock) -> Session {
        let SessionRecord {
            identity,
            client,
            license,
            ..
        } = &mut record;
        self.0.interner.share(identity, client, license);
        let space = self.find_or_default(&record.space);
        Session::restore(record, space, clock)
    }

    /// `new`, with the parts that another session has too shared with it.
    #[must_use]
    pub(crate) fn share(&self, mut new: NewSession) -> NewSession {
        let NewSession {
            identity,
            client,
            license,
            ..
        } = &mut new;
        self.0.interner.share(identity, client, license);
        new
    }

    /// The attributes that are kept once of those that equal `attributes`.
    #[cfg(feature = "server")]
    pub(crate) fn share_attributes(&self, attributes: &Arc<Attributes>) -> Arc<Attributes> {
        self.0.interner.attributes(attributes)
    }

    /// The text that is kept once of those that equal `text`.
    #[cfg(feature = "server")]
    pub(crate) fn share_text(&self, text: &Arc<str>) -> Arc<str> {
        self.0.interner.text(text)
    }

    /// Drops shared values that no session has any more.
    pub(crate) fn sweep(&self) {
        self.0.interner.sweep();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{
        ClientInfo, Identity, Lifetime, ManualClock, Method, SignOnId, Timestamp, Token,
    };

    #[test]
    fn restored_sessions_share_their_space_and_their_attributes() {
        let (spaces, clock) = (Spaces::new(), ManualClock::new());
        let id = SpaceId::new("1").unwrap();
        let restore = |user: &str| {
            let attributes: crate::domain::Attributes =
                [("group", vec!["a"])].into_iter().collect();
            let identity = Identity::new("LAB", user)
                .unwrap()
                .with_attributes(attributes);
            let record = SessionRecord {
                id: crate::domain::SessionId::generate(clock.wall()),
                digest: Token::generate().digest(),
                space: id.clone(),
                identity: Arc::new(identity),
                method: Method::Jwt,
                client: ClientInfo {
                    user_agent: Some("curl".into()),
                    ..ClientInfo::default()
                },
                license: Some("Pro".into()),
                sign_on: SignOnId::generate(clock.wall()),
                started_at: clock.wall(),
                last_active: Timestamp::from_unix_millis(0),
                end: None,
            };
            spaces.restore(record, &clock)
        };
        let (ann, bob) = (restore("ann"), restore("bob"));
        assert!(Arc::ptr_eq(ann.space(), bob.space()));
        assert!(Arc::ptr_eq(
            ann.identity().attributes(),
            bob.identity().attributes()
        ));
        assert_eq!(ann.space().policy(), SessionPolicy::default());
        let lifetime = Lifetime {
            idle: Duration::from_secs(1),
            absolute: Duration::from_secs(2),
        };
        let state = spaces.put(
            &id,
            SessionPolicy {
                lifetime,
                limit: None,
            },
        );
        assert!(
            Arc::ptr_eq(ann.space(), &state),
            "the policy holds for those restored before"
        );
    }
}
