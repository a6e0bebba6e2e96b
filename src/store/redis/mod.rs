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
//! | `{gp/07}:s:<id>` | hash | a session: `r` its record as it began, `m` user key and space, `d` digest, `i` number, `a` last active, `b` when it expires at the latest; with its end `e` when, `w` why, `y` by whom | its longest life + retention + a day; from its end on retention + a day |
//! | `{gp/07}:r:<id>` | hash | what was renewed for an open session: `o` it, `v` its version, `b` by which attempt; `n` the last attempt, `u` until when it has the lease, `f` the last that failed | as the session, until its end |
//! | `{gp/07}:o`, `{gp/07}:o:<bucket>` | sorted set | open sessions by id, which is by start, in buckets of 17 minutes; the first has the buckets that are not empty | as the longest in it |
//! | `{gp/07}:e`, `{gp/07}:e:<bucket>` | sorted set | the same of ended ones | likewise |
//! | `{gp/07}:uo:<user>`, `{gp/07}:ue:<user>` | sorted set | the open and ended sessions of a user, by id | likewise |
//! | `{gp/07}:due` | sorted set | open sessions by when they end unless they are used | likewise |
//! | `{gp/07}:gone` | sorted set | ended sessions by their end | likewise |
//! | `{gp/07}:n` | hash | how many are open (`o<space>`) and ended (`e<space>`) | likewise |
//! | `{gp/07}:l:<user>` | hash | a lock: its record, until when, `i` number | until then; when nothing says until when, 400 days, which a purge renews; lifted, 10 minutes |
//! | `{gp/07}:locks` | sorted set | locked users, by until when | as the longest in it |
//! | `{gp/07}:i` | number | the last number of a session, an epoch or a lock | 400 days after the last |
//! | `{gp/07}:x:<scope>` | sorted set | the epochs of a scope (`a`: all, `s<space>`, `u<user>`), by number | until an hour after its sessions are marked |
//! | `{gp/07}:xp` | hash | scopes whose sessions are not all marked as ended, and how far that is | until they are |
//! | `{gp/07}:k:<node>` | number | how many writes of a node were acknowledged | 30 days |
//! | `{gp/07}:z:<id>` | string | a session that was forgotten soon after its end | 5 minutes |
//! | `{gp/07}:c`, `{gp/07}:q` | stream, number | the last 20,000 changes, and the number of the last one | 30 days after the last |
//! | `gp:d:<digest>` | string | where the session of a token is | as the session; from its end on 2 minutes |
//! | `gp:a:<digest>` | string | which session a credential opens, until when, and until when that session may be on its way | as long as the credential opens it, and at most as the session |
//! | `gp:t:<digest>` | string | a ticket | a minute |
//! | `{gp/targets}:<id>`, `{gp/targets}:all` | string, sorted set | where browsers were going, and 100,000 of them at most | a quarter of an hour |
//! | `{gp/seats/<space>}:h:<license>` | sorted set | who is on the limited seats of a license, by start | as the longest in it |
//! | `{gp/seats/<space>}:c:<license>` | string | that those were counted who had the license before it was limited | a day after the last login with it |
//! | `{gp/tasks}:<id>` | hash | a background task: `r` how it is, `u` until when that is to be believed | a day after the last word of its node |
//! | `{gp/tasks}:of:<space>` | sorted set | the ids of a space's tasks, 1,000 at most | likewise |
//! | `{gp/tasks}:spaces` | set | the spaces that have tasks | likewise |
//! | `{gp/tasks}:last` | number | the id that was given last | 30 days |
//! | `gp:secret` | string | 32 random bytes that the nodes have in common; keys for cursors follow from it | 30 days after the last node |
//! | `{gp/nodes}:i:<instance>`, `..:all` | string, sorted set | what a node says of itself, as JSON, and when each was heard of | 10 s after its last word |
//! | `{gp/nodes}:n:<name>` | string | which instance has the name | 3 s after its last word |
//! | `{gp/nodes}:keys` | sorted set | public keys of assertions, as JWKs, by the last word | an hour after it |
//! | `gp:peaks:<day>` | hash | the peaks of licenses | retention |
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
//! # Whom it believes
//!
//! A server that takes writes. A replica may be behind its master or have lost it, and a master
//! without the replicas that `min-replicas-to-write` asks for may have been replaced: somebody may
//! be ending sessions elsewhere. The change feed is read by a script that might write, as far
//! as Redis knows, and so is the clock; such servers refuse both, which is an outage.
//!
//! # Epochs
//!
//! Sessions of a shard are numbered as they are opened. The end of all sessions of a scope is
//! one write a shard: the *epoch*, which takes the next number and ends every session of the
//! scope with a smaller one, whatever clocks say. From then on scripts that read, use or count
//! sessions go by it. The records are marked in steps, by who placed the epoch or, when that
//! node does not go on, by the sweep of another; then the epoch has nothing left to say.
//! Numbers begin at the time, so that a shard which lost some goes on above them.
//!
//! # Lost writes
//!
//! Redis replicates when it has answered: a failover may lose the last writes that it
//! acknowledged. A shard counts the acknowledged writes of each node, so a node finds out: by
//! the count, or by the change stream, which is not as it knew it. It then says again what it
//! was told is done in the last two minutes, ends, epochs and locks first, and half a second
//! later the sessions that it has opened itself and heard no end of. Until two seconds after
//! that, and after every new connection, a session that is missing is "cannot tell", not
//! "unknown"; then all that is cached is checked against what is there. Lost for good is what
//! only nodes knew that are gone as well.

mod again;
mod answer;
mod changes;
mod credentials;
mod ends;
mod epochs;
mod error;
mod feed;
mod history;
mod import;
mod keys;
mod link;
mod lists;
mod merge;
mod nodes;
mod notes;
mod options;
mod purge;
mod reads;
mod recent;
mod refreshes;
mod scripts;
mod seats;
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
