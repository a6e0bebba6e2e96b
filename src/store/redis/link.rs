//! The connection, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue,
    IntoConnectionInfo as _, Pipeline, RedisConnectionInfo, RedisError, RedisFuture, RedisResult,
    Script, ScriptInvocation, TlsCertificates, TlsMode, Value,
};
use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::error::{store_error, wants_reconnect};
use super::history::History;
use super::keys::{Keys, Shard};
use super::options::{RedisMode, RedisOptions};
use super::scripts;
use super::server_time::{Heard, ServerTime};
use crate::domain::Tick;
use crate::store::{StoreError, StoreState};

/// The way to Redis: at most one connection, shared by all requests.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) options: RedisOptions,
    pub(super) time: ServerTime,
    pub(super) history: History,
    connection: ArcSwapOption<Connection>,
    clock_key: String,
    clock_script: Script,
    /// When it was lost; `u64::MAX` while it is not.
    lost: AtomicU64,
    losses: AtomicU64,
    confirmed: AtomicU64,
    /// Somebody has seen a sign that the connection is no good.
    pub(super) doubt: Notify,
}

/// A connection to one server, or to all of a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

const CONNECTED: u64 = u64::MAX;

/// Readings of the clock until its step is agreed on.
const TRIES: usize = 3;

/// For how long a step of the clock is remembered: as long as anything lives, 400 days.
const CLOCK_TTL_MS: i64 = 400 * 86_400_000;

impl Link {
    pub(super) fn new(options: RedisOptions, time: ServerTime) -> Self {
        Self {
            clock_key: Keys::new(&options.namespace).global("time"),
            clock_script: scripts::time(),
            options,
            time,
            history: History::default(),
            connection: ArcSwapOption::empty(),
            lost: AtomicU64::new(CONNECTED),
            losses: AtomicU64::new(0),
            confirmed: AtomicU64::new(0),
            doubt: Notify::new(),
        }
    }

    /// Connects, and makes sure that what answers is a server that can be written to.
    pub(super) async fn connect(&self) -> RedisResult<()> {
        let limit = self.options.connect_timeout;
        let connection = tokio::time::timeout(limit, self.open())
            .await
            .map_err(|_| late())??;
        // It writes, so a replica refuses.
        self.read_time(connection.clone()).await?;
        if self.confirmed.load(Ordering::Relaxed) > 0 {
            self.history.wait_for_others(self.time.clock().tick());
        }
        self.connection.store(Some(Arc::new(connection)));
        Ok(())
    }

    /// Reads the clock, and has all nodes go on as before when somebody has set it: a step ends
    /// no session and prolongs none.
    pub(super) async fn read_time(&self, mut connection: Connection) -> RedisResult<()> {
        let mut change: Option<(i64, i64)> = None;
        for _ in 0..TRIES {
            let mut script = self.clock_script.prepare_invoke();
            script.key(&self.clock_key).arg(CLOCK_TTL_MS);
            if let Some((was, is)) = change {
                script.arg(was).arg(is);
            }
            let asked = self.time.clock().tick();
            let (seconds, micros, ahead): (i64, i64, i64) =
                script.invoke_async(&mut connection).await?;
            let millis = seconds.saturating_mul(1000).saturating_add(micros / 1000);
            let told = self.time.clock().tick();
            match self.time.hear(millis.saturating_sub(ahead), asked, told) {
                Heard::Taken => {
                    if change.is_some() {
                        self.time.follow_from(told);
                    }
                    return Ok(());
                }
                Heard::Stepped(by) => {
                    tracing::warn!(
                        step.ms = by,
                        "the clock of the Redis server has been set, or another server answers: \
                         sessions go on as if it had not"
                    );
                    change = Some((ahead, ahead.saturating_add(by)));
                }
            }
        }
        // Others change it as well: what they agree on is taken next time.
        self.time.follow_from(self.time.clock().tick());
        Ok(())
    }

    async fn open(&self) -> RedisResult<Connection> {
        let (options, nodes) = (&self.options, self.nodes()?);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.timeout));
        match &options.mode {
            RedisMode::Single => {
                let node = nodes.into_iter().next().ok_or_else(no_node)?;
                let client = self.client_of(node)?;
                let one = client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?;
                Ok(Connection::One(one))
            }
            RedisMode::Sentinel { .. } => {
                let client = self.master().await?;
                let one = client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?;
                Ok(Connection::One(one))
            }
            RedisMode::Cluster => {
                let mut builder = ClusterClient::builder(nodes)
                    .connection_timeout(options.connect_timeout)
                    .response_timeout(options.timeout)
                    .overall_response_timeout(Some(options.timeout))
                    .retries(3);
                if let Some(name) = &options.username {
                    builder = builder.username(name.clone());
                }
                if let Some(password) = &options.password {
                    builder = builder.password(password.clone());
                }
                if let Some(certificates) = self.certificates() {
                    builder = builder.certs(certificates);
                }
                let cluster = builder.build()?.get_async_connection().await?;
                Ok(Connection::Cluster(cluster))
            }
        }
    }

    /// A client of one server, for what needs a connection of its own.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        match &self.options.mode {
            RedisMode::Sentinel { .. } => self.master().await,
            RedisMode::Single => {
                let node = self.nodes()?.into_iter().next().ok_or_else(no_node)?;
                self.client_of(node)
            }
            // Whatever node: what is published is told by all of them.
            RedisMode::Cluster => {
                let mut error = no_node();
                for node in self.nodes()? {
                    let client = self.client_of(node)?;
                    match client.get_multiplexed_async_connection().await {
                        Ok(_) => return Ok(client),
                        Err(failed) => error = failed,
                    }
                }
                Err(error)
            }
        }
    }

    async fn master(&self) -> RedisResult<Client> {
        let RedisMode::Sentinel { master } = &self.options.mode else {
            return Err(no_node());
        };
        let options = &self.options;
        let addresses: RedisResult<Vec<ConnectionAddr>> = options
            .nodes
            .iter()
            .map(|node| Ok(node.as_str().into_connection_info()?.addr().clone()))
            .collect();
        let mut builder =
            SentinelClientBuilder::new(addresses?, master, SentinelServerType::Master)?;
        if let Some(name) = &options.username {
            builder = builder.set_client_to_redis_username(name);
        }
        if let Some(password) = &options.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(name) = &options.sentinel_username {
            builder = builder.set_client_to_sentinel_username(name);
        }
        if let Some(password) = &options.sentinel_password {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if options.nodes.iter().any(|node| node.starts_with("rediss:")) {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            if let Some(certificates) = self.certificates() {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates);
            }
        }
        builder.build()?.async_get_client().await
    }

    fn client_of(&self, node: ::redis::ConnectionInfo) -> RedisResult<Client> {
        match self.certificates() {
            Some(certificates) => Client::build_with_tls(node, certificates),
            None => Client::open(node),
        }
    }

    fn certificates(&self) -> Option<TlsCertificates> {
        let authorities = self.options.authorities.clone()?;
        Some(TlsCertificates {
            client_tls: None,
            root_cert: Some(authorities),
        })
    }

    fn nodes(&self) -> RedisResult<Vec<::redis::ConnectionInfo>> {
        let nodes = self.options.nodes.iter();
        nodes
            .map(|node| {
                let info = node.as_str().into_connection_info()?;
                let settings = self.credentials(info.redis_settings().clone());
                Ok(info.set_redis_settings(settings))
            })
            .collect()
    }

    fn credentials(&self, mut settings: RedisConnectionInfo) -> RedisConnectionInfo {
        if let Some(name) = &self.options.username {
            settings = settings.set_username(name);
        }
        if let Some(password) = &self.options.password {
            settings = settings.set_password(password);
        }
        settings
    }

    /// Gives the connection up.
    pub(super) fn lose(&self) {
        self.connection.store(None);
        let now = self.time.clock().tick().as_millis();
        let lost = self
            .lost
            .compare_exchange(CONNECTED, now, Ordering::AcqRel, Ordering::Acquire);
        if lost.is_ok() {
            self.losses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// That all changes up to `tick` have been read: Redis is reached, in every sense.
    pub(super) fn confirm(&self, tick: Tick) {
        self.confirmed
            .fetch_max(tick.as_millis(), Ordering::Relaxed);
        self.lost.store(CONNECTED, Ordering::Release);
    }

    /// How often the connection was lost.
    pub(super) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> StoreState {
        let lost = self.lost.load(Ordering::Acquire);
        StoreState {
            lost_since: (lost != CONNECTED).then(|| Tick::from_millis(lost)),
            losses: self.losses(),
            confirmed: Tick::from_millis(self.confirmed.load(Ordering::Relaxed)),
        }
    }

    /// The connection, if there is one.
    pub(super) fn connection(&self) -> Result<Connection, StoreError> {
        match self.connection.load().as_deref() {
            Some(connection) => Ok(connection.clone()),
            None => Err(StoreError::Unavailable(
                "there is no connection to Redis".into(),
            )),
        }
    }

    /// The answer to `command`.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.connection()?;
        let answer = command.query_async(&mut connection).await;
        answer.map_err(|error| self.failed(error))
    }

    /// The answer to `script`.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection()?;
        let answer = script.invoke_async(&mut connection).await;
        answer.map_err(|error| self.failed(error))
    }

    /// That `shard` has acknowledged a write; see [`History::acknowledged`].
    pub(super) fn acknowledged(&self, shard: Shard, before: u64, mark: u64) {
        if !self.history.acknowledged(shard, before, mark) {
            self.doubt.notify_one();
        }
    }

    /// That `shard` has `mark` of the `known` writes of this node.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when that is not all: what is missing may come back.
    pub(super) fn has_all(&self, shard: Shard, known: u64, mark: u64) -> Result<(), StoreError> {
        if mark < known {
            self.history.note_lost(shard, mark);
            self.doubt.notify_one();
            return Err(StoreError::Unavailable("Redis has lost writes".into()));
        }
        Ok(())
    }

    fn failed(&self, error: RedisError) -> StoreError {
        if wants_reconnect(&error) {
            self.doubt.notify_one();
        }
        store_error(error)
    }

    /// Between two tries to connect.
    pub(super) const RETRY: Duration = Duration::from_millis(100);
}

pub(super) fn late() -> RedisError {
    RedisError::from((ErrorKind::Io, "no connection in time"))
}

fn no_node() -> RedisError {
    RedisError::from((ErrorKind::InvalidClientConfig, "no node is named"))
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(one) => one.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(one) => one.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One",
            Self::Cluster(_) => "Cluster",
        })
    }
}
