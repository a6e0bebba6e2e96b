//! The store that many nodes share.

use std::path::PathBuf;
use std::time::Duration;

use crate::store::redis::{OnOutage, RedisMode, RedisOptions};

/// How the Redis is reached where sessions are kept, if that is the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisStoreOptions {
    /// One server, a cluster, or a master that sentinels know. Default: one server.
    pub mode: RedisMode,
    /// `redis://host:port`, or `rediss://` for TLS: of the server, of some nodes of the
    /// cluster, or of the sentinels. Default: port 6379 of this machine.
    pub nodes: Vec<String>,
    /// The user. Default: Redis's own default one.
    pub username: Option<String>,
    /// The file with the password, for one line. Default: no password.
    pub password_file: Option<PathBuf>,
    /// The file with the authorities that vouch for the servers' certificates. Default: the
    /// system's.
    pub ca_file: Option<PathBuf>,
    /// What all keys begin with; gateways that have the same one share their sessions.
    /// Default: `gatepass`.
    pub namespace: String,
    /// The name of this node among them. Default: the host's name and the port of the edge.
    pub node: Option<String>,
    /// For how long a connection is waited for. Default: 2 seconds.
    pub connect_timeout: Duration,
    /// For how long an answer is waited for. Default: 1 second.
    pub timeout: Duration,
    /// What happens to open sessions while Redis is not reached. Default: they cannot be used.
    pub on_outage: OnOutage,
}

impl Default for RedisStoreOptions {
    fn default() -> Self {
        let default = RedisOptions::single("redis://127.0.0.1:6379");
        Self {
            mode: default.mode,
            nodes: default.nodes,
            username: None,
            password_file: None,
            ca_file: None,
            namespace: default.namespace,
            node: None,
            connect_timeout: default.connect_timeout,
            timeout: default.timeout,
            on_outage: default.on_outage,
        }
    }
}

impl RedisStoreOptions {
    /// For the store, by a node called `name`; `password` and `authorities` are what the files
    /// hold.
    #[must_use]
    pub fn with_files(
        &self,
        name: &str,
        password: Option<String>,
        authorities: Option<Vec<u8>>,
    ) -> RedisOptions {
        RedisOptions {
            mode: self.mode.clone(),
            nodes: self.nodes.clone(),
            username: self.username.clone(),
            password,
            authorities,
            namespace: self.namespace.clone(),
            node: name.to_owned(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            on_outage: self.on_outage,
            ..RedisOptions::single("")
        }
    }
}
