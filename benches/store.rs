//! The stores: logins per second with the memory and with the file in one interleaved run, and
//! how long a start takes that finds 1,000,000 open sessions.
//!
//! `cargo bench --bench store [-- SESSIONS]`. Prints medians and ratios; asserts nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatepass::domain::{
    Attributes, ClientInfo, Clock, Identity, Method, NewSession, Spaces, SystemClock,
};
use gatepass::sessions::{Admission, EndCause, Sessions};
use gatepass::store::file::FileStore;
use gatepass::store::{MemoryStore, Retention, SessionStore};

const ROUNDS: usize = 5;
/// Logins of a round.
const LOGINS: usize = 40_000;

fn main() {
    let count = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(count));
}

async fn run(count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    commits(folder.path());
    for at_once in [16, 64, 256, 1024] {
        logins(folder.path(), at_once).await;
    }
    start(folder.path(), count).await;
}

/// What the disk gives: the floor of every change that is made alone.
fn commits(folder: &Path) {
    let path = folder.join("probe");
    let mut file = std::fs::File::create(&path).expect("a file");
    let mut times = Vec::new();
    for n in 0..200_u64 {
        std::io::Write::write_all(&mut file, &n.to_be_bytes()).expect("room");
        let begun = Instant::now();
        file.sync_data().expect("a disk");
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("fsync, median                     {:?}", times[100]);
}

async fn logins(folder: &Path, at_once: usize) {
    let (mut memory, mut file) = (Vec::new(), Vec::new());
    let mut ends = Vec::new();
    for round in 0..ROUNDS {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = MemoryStore::new(Retention::default(), Arc::clone(&clock));
        let sessions = Sessions::builder()
            .clock(Arc::clone(&clock))
            .store(Arc::new(store))
            .build();
        memory.push(storm(&sessions, at_once).await.0);
        let path = folder.join(format!("logins-{at_once}-{round}"));
        let spaces = Spaces::new();
        let store = FileStore::open(&path, Retention::default(), &spaces, Arc::clone(&clock))
            .expect("a store");
        let store: Arc<dyn SessionStore> = Arc::new(store);
        let sessions = Sessions::builder()
            .clock(clock)
            .spaces(spaces)
            .store(Arc::clone(&store))
            .build();
        let (rate, ended) = storm(&sessions, at_once).await;
        file.push(rate);
        ends.push(ended);
        store.close().await.expect("it is there");
        let _ = std::fs::remove_file(path);
    }
    let (memory, file, ends) = (median(memory), median(file), median(ends));
    println!(
        "logins/s, {at_once:>4} at once: memory {memory:>8.0}, file {file:>8.0} ({:.2}); ends/s on file {ends:>8.0}",
        file / memory
    );
}

/// Opens sessions, `at_once` at a time, then ends them all; both per second.
async fn storm(sessions: &Sessions, at_once: usize) -> (f64, f64) {
    let space = Arc::clone(sessions.default_space());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let workers = (0..at_once).map(|_| {
        let (sessions, space, next) = (sessions.clone(), Arc::clone(&space), Arc::clone(&next));
        tokio::spawn(async move {
            let mut opened = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= LOGINS {
                    return opened;
                }
                let new = new_session(n);
                let login = sessions.establish(&space, new, Admission::default()).await;
                opened.push(Arc::clone(login.expect("no limit").session()));
            }
        })
    });
    let mut opened = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        opened.extend(worker.await.expect("no panic"));
    }
    let logins = rate(begun.elapsed());
    let cause = EndCause::terminated_by("bench");
    let begun = Instant::now();
    let ended = sessions.end_many(&opened, &cause).await.expect("a store");
    assert_eq!(ended.len(), LOGINS);
    (logins, rate(begun.elapsed()))
}

fn rate(time: Duration) -> f64 {
    LOGINS as f64 / time.as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A user whose four attributes of two values are among 100 sets.
fn new_session(n: usize) -> NewSession {
    let names = ["group", "department", "site", "role"];
    let attributes: Attributes = names
        .iter()
        .map(|name| {
            (
                *name,
                [format!("{name}-{}", n % 100), format!("{name}-all")],
            )
        })
        .collect();
    let identity = Identity::new("DIRECTORY", &format!("user{n}"))
        .and_then(|user| user.with_email(&format!("user{n}@example.com")))
        .expect("a legal name");
    NewSession {
        identity: Arc::new(identity.with_attributes(attributes)),
        method: Method::Jwt,
        client: ClientInfo {
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0".into()),
            ..ClientInfo::default()
        },
        license: None,
        sign_on: None,
    }
}

async fn start(folder: &Path, count: usize) {
    let path = folder.join("large");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let open = || {
        let spaces = Spaces::new();
        let store = FileStore::open(&path, Retention::default(), &spaces, Arc::clone(&clock));
        let store: Arc<dyn SessionStore> = Arc::new(store.expect("a store"));
        let sessions = Sessions::builder()
            .clock(Arc::clone(&clock))
            .spaces(spaces)
            .store(Arc::clone(&store))
            .build();
        (store, sessions)
    };
    let (store, sessions) = open();
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..1024).map(|_| {
        let (sessions, next) = (sessions.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return;
                }
                let space = sessions.default_space();
                let login = sessions.establish(space, new_session(n), Admission::default());
                let _ = login.await.expect("no limit");
            }
        })
    });
    let begun = Instant::now();
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("no panic");
    }
    println!("{count} logins in                 {:?}", begun.elapsed());
    drop(sessions);
    store.close().await.expect("it is there");
    let size = std::fs::metadata(&path).map_or(0, |meta| meta.len());
    println!("bytes per session in the file     {}", size / count as u64);
    for _ in 0..3 {
        let begun = Instant::now();
        let (store, sessions) = open();
        let opened = begun.elapsed();
        let recovery = sessions.recover().await.expect("a store");
        assert_eq!(recovery.open, count);
        println!(
            "start with {count} open sessions  {:?} (read and verified {opened:?})",
            begun.elapsed()
        );
        store.close().await.expect("it is there");
    }
}
