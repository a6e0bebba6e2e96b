//! The store that many nodes share.

use std::path::{Path, PathBuf};
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
    /// The user whom the sentinels know. Default: their own default one.
    pub sentinel_username: Option<String>,
    /// The file with that user's password, for one line. Default: no password.
    pub sentinel_password_file: Option<PathBuf>,
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
            sentinel_username: None,
            sentinel_password_file: None,
            namespace: default.namespace,
            node: None,
            connect_timeout: default.connect_timeout,
            timeout: default.timeout,
            on_outage: default.on_outage,
        }
    }
}

impl RedisStoreOptions {
    /// For the store, by a node called `node`, with what `read` says that the files hold.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn with_files<E>(
        &self,
        node: &str,
        read: impl Fn(&Path) -> Result<String, E>,
    ) -> Result<RedisOptions, E> {
        let line = |path: &Option<PathBuf>| match path {
            Some(path) => {
                read(path).map(|text| Some(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            None => Ok(None),
        };
        let authorities = self.ca_file.as_deref().map(&read).transpose()?;
        Ok(RedisOptions {
            mode: self.mode.clone(),
            nodes: self.nodes.clone(),
            username: self.username.clone(),
            password: line(&self.password_file)?,
            authorities: authorities.map(String::into_bytes),
            sentinel_username: self.sentinel_username.clone(),
            sentinel_password: line(&self.sentinel_password_file)?,
            namespace: self.namespace.clone(),
            node: node.to_owned(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            on_outage: self.on_outage,
            ..RedisOptions::single("")
        })
    }
}
