//! How a Redis is reached, and what is to happen while it is not.

use std::fmt;
use std::time::Duration;

/// Settings of a [`RedisStore`](super::RedisStore).
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// How the servers are arranged.
    pub mode: RedisMode,
    /// Addresses, as `redis://host:6379` or, with TLS, `rediss://host:6379`: of the server, of
    /// some nodes of the cluster, or of the sentinels, which then speak TLS like the master that
    /// they name. Without credentials.
    pub nodes: Vec<String>,
    /// The user (Redis ACL); `None` for the default one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// The user whom the sentinels know (Redis ACL); `None` for their default one.
    pub sentinel_username: Option<String>,
    /// Its password.
    pub sentinel_password: Option<String>,
    /// The authorities that vouch for the servers' certificates, as PEM; `None` for those of
    /// the system.
    pub authorities: Option<Vec<u8>>,
    /// What all keys begin with: gateways with the same one share their sessions.
    pub namespace: String,
    /// The name of this node among them, which what it did last stands under.
    pub node: String,
    /// For how long a connection is waited for.
    pub connect_timeout: Duration,
    /// For how long an answer is waited for.
    pub timeout: Duration,
    /// How often the change stream is read, beside what is pushed.
    pub poll: Duration,
    /// How often the server's clock is read: clocks drift by milliseconds meanwhile.
    pub clock_check: Duration,
    /// Whether changes are pushed as well.
    pub push: bool,
    /// What happens to the sessions in the table while the store is not reached.
    pub on_outage: OnOutage,
}

/// How the servers are arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisMode {
    /// One server.
    Single,
    /// Redis Cluster.
    Cluster,
    /// One master, found by sentinels under this name.
    Sentinel {
        /// The name.
        master: String,
    },
}

impl RedisMode {
    /// Whether all keys are on one server, so that a script may touch any of them.
    pub(super) const fn has_one_server(&self) -> bool {
        !matches!(self, Self::Cluster)
    }
}

/// What happens to the sessions in the table while the store is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOutage {
    /// They cannot be used, for they may have ended elsewhere.
    Closed,
    /// They can be used for this long after the change feed was lost.
    ServeCached(Duration),
}

impl OnOutage {
    /// For how long after the last sign of the change feed a cached session is believed. Under
    /// `Closed` that is the bound on a revocation while the feed hangs: time for a few reads
    /// of the stream, so that one that is late does no harm.
    #[must_use]
    pub fn believed_for(self) -> Duration {
        match self {
            Self::Closed => CLOSED,
            Self::ServeCached(time) => time.max(CLOSED),
        }
    }
}

/// For how long a silent change feed is believed at least.
const CLOSED: Duration = Duration::from_secs(2);

impl RedisOptions {
    /// One server at `url`, and the defaults.
    #[must_use]
    pub fn single(url: impl Into<String>) -> Self {
        Self {
            mode: RedisMode::Single,
            nodes: vec![url.into()],
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            authorities: None,
            namespace: "gatepass".to_owned(),
            node: "gatepass".to_owned(),
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            poll: Duration::from_millis(100),
            clock_check: Duration::from_secs(60),
            push: true,
            on_outage: OnOutage::Closed,
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("mode", &self.mode)
            .field("nodes", &self.nodes)
            .field("namespace", &self.namespace)
            .field("on_outage", &self.on_outage)
            .finish_non_exhaustive()
    }
}
