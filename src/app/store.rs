//! The store that the options name, and what is told to it in the background.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::options::{StoreKind, StoreOptions};
use super::store_thread::StoreThread;
use crate::domain::{Clock, Spaces};
use crate::sessions::{Recovery, Sessions};
use crate::store::file::{FileError, FileStore};
use crate::store::redis::{RedisOptions, RedisStore};
use crate::store::{MemoryStore, Retention, SessionStore, StoreError};
use crate::telemetry::{Health, Metrics};

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that belongs to it cannot be read.
    #[error("[store.redis]: {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The operating system gives no thread to speak with Redis on.
    #[error("[store.redis]: no thread can be had")]
    Thread(#[source] io::Error),
    /// Redis cannot be used.
    #[error("[store.redis]: {servers}")]
    Redis {
        /// Which servers, asked as whom.
        servers: String,
        /// Why not.
        #[source]
        source: StoreError,
    },
}

/// How long ended sessions are kept.
pub(super) const fn retention(options: &StoreOptions) -> Retention {
    Retention {
        time: options.retention,
        max: options.max_ended,
    }
}

/// Opens the store for the node called `node`, and says where its work is done. Its sessions
/// will point to `spaces`.
pub(super) async fn open(
    options: &StoreOptions,
    node: &str,
    spaces: &Spaces,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<dyn SessionStore>, StoreThread), OpenError> {
    let (retention, clock) = (retention(options), Arc::clone(clock));
    match options.kind {
        StoreKind::Memory => Ok((
            Arc::new(MemoryStore::new(retention, clock)),
            StoreThread::none(),
        )),
        StoreKind::Redis => {
            let options = options.redis.with_files(node, read_file)?;
            let servers = servers(&options);
            let thread = StoreThread::start().map_err(OpenError::Thread)?;
            let store = RedisStore::connect(options, retention, spaces.clone(), clock);
            match joined(thread.spawn(store).await) {
                Ok(store) => Ok((Arc::new(store), thread)),
                Err(error) => {
                    thread.end();
                    Err(OpenError::Redis {
                        servers,
                        source: error,
                    })
                }
            }
        }
        StoreKind::File => {
            let (path, spaces) = (options.path.clone(), spaces.clone());
            // It reads and verifies the whole file.
            let open = move || FileStore::open(&path, retention, &spaces, clock);
            let store = joined(tokio::task::spawn_blocking(open).await)?;
            Ok((Arc::new(store), StoreThread::none()))
        }
    }
}

/// What a task that nobody cancels said; its panic goes on here.
fn joined<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// Which servers are asked, and as whom, for people who look for what is wrong.
fn servers(options: &RedisOptions) -> String {
    let nodes = options.nodes.join(", ");
    match &options.username {
        Some(user) => format!("{nodes} as user `{user}`"),
        None => nodes,
    }
}

fn read_file(path: &Path) -> Result<String, OpenError> {
    std::fs::read_to_string(path).map_err(|source| OpenError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Goes on where the last gateway on the store ended.
pub(super) async fn recover(sessions: &Sessions) -> Result<Recovery, StartError> {
    let recovery = sessions.recover().await.map_err(StartError::Recover)?;
    if recovery.open + recovery.ended + recovery.locked > 0 {
        tracing::info!(
            sessions.open = recovery.open,
            sessions.ended = recovery.ended,
            users.locked = recovery.locked,
            "going on with the store's sessions; those that ended were due"
        );
    }
    Ok(recovery)
}

/// Tells readiness and metrics how the store is reached, until `stop`.
pub(super) async fn watch(
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    health: Health,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    // For whoever asks without a key: the log says why.
    let lost = match store.shared() {
        Some(_) => "Redis is not reached",
        None => "the store's file cannot be written",
    };
    let mut ticks = tokio::time::interval(WATCH);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let state = store.state();
        let silence = clock.tick().since(state.confirmed);
        metrics.store_is(state.lost_since.is_none(), state.losses, silence);
        if state.lost_since.is_some() {
            health.not_ready("store", lost);
        } else {
            health.ready("store");
        }
    }
}

/// How often a look is taken at the store.
const WATCH: Duration = Duration::from_millis(200);
