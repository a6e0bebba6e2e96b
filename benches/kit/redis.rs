//! A redis-server of the benchmark's own, and nodes on it.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use gatepass::domain::{
    ClientInfo, Clock, Identity, Method, NewSession, Session, Spaces, SystemClock, TokenDigest,
};
use gatepass::sessions::{Admission, Established, Sessions};
use gatepass::store::Retention;
use gatepass::store::redis::{RedisOptions, RedisStore};
use tokio_util::sync::CancellationToken;

/// A redis-server that keeps what it acknowledges.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let process = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .args(["--appendonly", "yes", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed (tests/redis/install)");
        Self {
            process,
            port,
            _folder: folder,
        }
    }

    /// A node whose connection to Redis has a thread of its own, as a gateway's has.
    pub(crate) async fn node(&self, namespace: &str) -> Sessions {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let thread = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        let (spaces, clock): (_, Arc<dyn Clock>) = (Spaces::new(), Arc::new(SystemClock::new()));
        let options = RedisOptions {
            namespace: namespace.to_owned(),
            timeout: Duration::from_secs(10),
            ..RedisOptions::single(format!("redis://127.0.0.1:{}", self.port))
        };
        let store = loop {
            let connected = RedisStore::connect(
                options.clone(),
                Retention::default(),
                spaces.clone(),
                Arc::clone(&clock),
            );
            match thread.spawn(connected).await.expect("no panic") {
                Ok(store) => break store,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let sessions = Sessions::builder()
            .clock(clock)
            .spaces(spaces)
            .store(Arc::new(store))
            .build();
        thread.spawn(sessions.clone().run_changes(CancellationToken::new()));
        tokio::time::sleep(Duration::from_millis(300)).await;
        sessions
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Opens a session of a user; the session and what opens it.
pub(crate) async fn log_in(sessions: &Sessions, user: usize) -> (Arc<Session>, TokenDigest) {
    let new = NewSession {
        identity: Arc::new(Identity::new("LAB", &format!("user{user}")).expect("a name")),
        method: Method::Custom,
        client: ClientInfo::default(),
        license: None,
        sign_on: None,
    };
    let space = sessions.default_space();
    match sessions.establish(space, new, Admission::default()).await {
        Ok(Established::Opened { session, token }) => (session, token.digest()),
        other => panic!("{other:?}"),
    }
}
