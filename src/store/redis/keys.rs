//! The names of keys.

use uuid::Uuid;

use crate::domain::{Session, SessionId, SpaceId, TargetId, TaskId, TokenDigest, UserKey};
use crate::store::UserPart;

/// Shards: all keys of a shard are in one hash slot, so a script may touch any of them. A
/// fixed part of the layout.
pub(super) const SHARDS: u8 = 16;

/// One of the shards. A user's sessions are all in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard(u8);

impl Shard {
    pub(super) const fn of(user: UserKey) -> Self {
        Self(user.as_bytes()[0] % SHARDS)
    }

    pub(super) fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..SHARDS).map(Self)
    }

    pub(super) const fn number(self) -> u8 {
        self.0
    }

    /// Which users are in it.
    pub(super) const fn part(self) -> UserPart {
        UserPart::new(self.0, SHARDS)
    }

    pub(super) fn read(byte: u8) -> Option<Self> {
        (byte < SHARDS).then_some(Self(byte))
    }
}

/// Where `session` is, to be found without its user.
pub(super) fn place_of(session: &Session) -> Vec<u8> {
    place(Shard::of(session.user_key()), session.id())
}

/// Where the session `id` is, as the key of its digest says.
pub(super) fn place(shard: Shard, id: SessionId) -> Vec<u8> {
    [&[shard.number()], id.as_uuid().as_bytes().as_slice()].concat()
}

pub(super) fn read_place(bytes: &[u8]) -> Option<(Shard, SessionId)> {
    let (shard, id) = bytes.split_first()?;
    let id = Uuid::from_slice(id).ok()?;
    Some((Shard::read(*shard)?, SessionId::from_uuid(id)))
}

/// Makes names of keys.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    namespace: String,
    prefixes: Vec<String>,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        let prefix = |shard: Shard| format!("{{{namespace}/{:02}}}:", shard.0);
        Self {
            namespace: namespace.to_owned(),
            prefixes: Shard::all().map(prefix).collect(),
        }
    }

    /// What all keys of `shard` begin with.
    pub(super) fn prefix(&self, shard: Shard) -> &str {
        &self.prefixes[usize::from(shard.0)]
    }

    /// The key `name` of `shard`.
    pub(super) fn of(&self, shard: Shard, name: &str) -> String {
        format!("{}{name}", self.prefix(shard))
    }

    pub(super) fn session(&self, shard: Shard, id: SessionId) -> Vec<u8> {
        join(self.prefix(shard), "s:", id.as_uuid().as_bytes())
    }

    /// What was renewed for a session.
    pub(super) fn refreshed(&self, shard: Shard, id: SessionId) -> Vec<u8> {
        join(self.prefix(shard), "r:", id.as_uuid().as_bytes())
    }

    pub(super) fn open_of_user(&self, user: UserKey) -> Vec<u8> {
        join(self.prefix(Shard::of(user)), "uo:", user.as_bytes())
    }

    pub(super) fn ended_of_user(&self, user: UserKey) -> Vec<u8> {
        join(self.prefix(Shard::of(user)), "ue:", user.as_bytes())
    }

    pub(super) fn lock(&self, user: UserKey) -> Vec<u8> {
        join(self.prefix(Shard::of(user)), "l:", user.as_bytes())
    }

    /// The epochs of a scope, which a script names by these bytes.
    pub(super) fn epochs(&self, shard: Shard, scope: &[u8]) -> Vec<u8> {
        join(self.prefix(shard), "x:", scope)
    }

    /// How many writes of `node` the shard has acknowledged.
    pub(super) fn marks(&self, shard: Shard, node: &str) -> String {
        format!("{}k:{node}", self.prefix(shard))
    }

    /// Where the session of a token is.
    pub(super) fn digest(&self, digest: &TokenDigest) -> Vec<u8> {
        join(&self.namespace, ":d:", digest.as_bytes())
    }

    /// Which session a credential opens.
    pub(super) fn credential(&self, digest: &TokenDigest) -> Vec<u8> {
        join(&self.namespace, ":a:", digest.as_bytes())
    }

    pub(super) fn ticket(&self, digest: &TokenDigest) -> Vec<u8> {
        join(&self.namespace, ":t:", digest.as_bytes())
    }

    /// Targets are in one slot, so that there is a bound on their number.
    pub(super) fn target(&self, id: TargetId) -> String {
        format!("{{{}/targets}}:{id}", self.namespace)
    }

    pub(super) fn targets(&self) -> String {
        format!("{{{}/targets}}:all", self.namespace)
    }

    /// The seats of `license` in `space`; those of a space are in one slot.
    pub(super) fn seats(&self, space: &SpaceId, what: &str, license: &str) -> String {
        format!("{{{}/seats/{space}}}:{what}:{license}", self.namespace)
    }

    /// What all keys of background tasks begin with. They are in one slot, so that ids come
    /// from one place.
    pub(super) fn tasks(&self) -> String {
        format!("{{{}/tasks}}:", self.namespace)
    }

    pub(super) fn task(&self, id: TaskId) -> String {
        format!("{}{id}", self.tasks())
    }

    /// The ids of a space's tasks.
    pub(super) fn tasks_of(&self, space: &SpaceId) -> String {
        format!("{}of:{space}", self.tasks())
    }

    /// The spaces that have tasks.
    pub(super) fn task_spaces(&self) -> String {
        format!("{}spaces", self.tasks())
    }

    /// The id that was given last.
    pub(super) fn last_task(&self) -> String {
        format!("{}last", self.tasks())
    }

    /// The key `name` of the nodes, which are in one slot.
    pub(super) fn nodes(&self, name: &str) -> String {
        format!("{{{}/nodes}}:{name}", self.namespace)
    }

    /// The key `name` that is in no shard.
    pub(super) fn global(&self, name: &str) -> String {
        format!("{}:{name}", self.namespace)
    }

    /// The channel on which changes are pushed.
    pub(super) fn channel(&self) -> String {
        self.global("changes")
    }
}

fn join(prefix: &str, kind: &str, rest: &[u8]) -> Vec<u8> {
    [prefix.as_bytes(), kind.as_bytes(), rest].concat()
}
