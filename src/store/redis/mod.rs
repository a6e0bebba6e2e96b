//! The store that many nodes share: Redis 7 or Valkey, one server, Sentinel or Cluster.
//!
//! Redis has the truth; each node's table is a cache of it. Whatever changes a session is one
//! script, and so is what has to be decided at the same moment: the limit on a user's
//! sessions, a lock on them, the end of all of them, and the line in the change stream that
//! tells the other nodes.
//!
//! # Keys
//!
//! The sessions of a user are in one of 16 *shards*, by the user's key; all keys of a shard
//! have its tag `{namespace/07}`, so they share a hash slot and a script may touch them all.
//!
//! | key | type | what | lives for |
//! |---|---|---|---|
//! | `{gp/07}:s:<id>` | hash | a session: `r` its record as it began, `m` user key and space, `d` digest, `a` last active, `b` when it expires at the latest; with its end `e` when, `w` why, `y` by whom | its longest life + retention + a day; from its end on retention + a day |
//! | `{gp/07}:r:<id>` | hash | what was renewed for an open session: `o` it, `v` its version, `b` by which attempt; `n` the last attempt, `u` until when it has the lease, `f` the last that failed | as the session, until its end |
//! | `{gp/07}:o`, `{gp/07}:o:<bucket>` | sorted set | open sessions by id, which is by start, in buckets of 17 minutes; the first has the buckets that are not empty | as the longest in it |
//! | `{gp/07}:e`, `{gp/07}:e:<bucket>` | sorted set | the same of ended ones | likewise |
//! | `{gp/07}:uo:<user>`, `{gp/07}:ue:<user>` | sorted set | the open and ended sessions of a user, by id | likewise |
//! | `{gp/07}:due` | sorted set | open sessions by when they end unless they are used | likewise |
//! | `{gp/07}:gone` | sorted set | ended sessions by their end | likewise |
//! | `{gp/07}:n` | hash | how many are open (`o<space>`) and ended (`e<space>`) | likewise |
//! | `{gp/07}:l:<user>` | hash | a lock: its record, until when | until then; for ever when nothing says until when |
//! | `{gp/07}:locks` | sorted set | locked users, by until when | for ever |
//! | `{gp/07}:c`, `{gp/07}:q` | stream, number | the last 20,000 changes, and the number of the last one | 30 days after the last |
//! | `gp:d:<digest>` | string | where the session of a token is | as the session; from its end on 2 minutes |
//! | `gp:a:<digest>` | string | which session a credential opens, until when, and until when that session may be on its way | as long as the credential opens it, and at most as the session |
//! | `gp:t:<digest>` | string | a ticket | a minute |
//! | `{gp/targets}:<id>`, `{gp/targets}:all` | string, sorted set | where browsers were going, and 100,000 of them at most | a quarter of an hour |
//! | `{gp/tasks}:<id>` | hash | a background task: `r` how it is, `u` until when that is to be believed | a day after the last word of its node |
//! | `{gp/tasks}:of:<space>` | sorted set | the ids of a space's tasks, 1,000 at most | likewise |
//! | `{gp/tasks}:last` | number | the id that was given last | 30 days |
//! | `{gp/nodes}:i:<instance>`, `..:all` | string, sorted set | what a node says of itself, as JSON, and when each was heard of | 10 s after its last word |
//! | `{gp/nodes}:n:<name>` | string | which instance has the name | 3 s after its last word |
//! | `{gp/nodes}:keys` | sorted set | public keys of assertions, as JWKs, by the last word | an hour after it |
//! | `gp:secret` | string | 32 random bytes that the nodes have in common; keys for cursors follow from it | 30 days after the last node |
//! | `gp:peaks:<day>` | hash | the peaks of licenses | retention |
//!
//! | `gp:time` | number | milliseconds that the server's clock is ahead of the nodes' time, since somebody set it | 400 days |
//!
//! `gp` stands for the namespace. Digests, ids and user keys are bytes, not text. Nothing in
//! Redis opens a session: of tokens and tickets there are digests only. Times are the
//! server's, in milliseconds, so it does not matter whose clock is wrong; when that one is set,
//! or another server's takes over, the nodes go on as if it had not (`gp:time`).
//!
//! The way from a digest to a session is in another slot than the session. It is claimed
//! before the session is there and means nothing without it, so a node that dies in between
//! leaves a claim behind that runs out.
//!
//! # What it does not promise
//!
//! Redis replicates when it has answered: a failover may lose the last writes that it
//! acknowledged, ends among them. The nodes notice that the stream is not as they knew it and
//! check all that they have cached against what is there.

mod changes;
mod credentials;
mod error;
mod feed;
mod import;
mod keys;
mod link;
mod lists;
mod nodes;
mod notes;
mod options;
mod purge;
mod refreshes;
mod scripts;
mod secret;
mod server_time;
mod sessions;
mod store;
mod tasks;
mod undo;

#[cfg(test)]
pub(crate) mod tests;

pub use options::{OnOutage, RedisMode, RedisOptions};
pub use store::RedisStore;
