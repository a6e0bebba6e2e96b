//! The store that nodes share, on a redis-server over loopback that this starts: how fast an end
//! on one node is felt on the other, logins per second against the memory and the file, and what
//! a look-up in the table costs beside one of the memory's.
//!
//! `cargo bench --bench redis`. Prints medians and ratios; asserts nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

#[path = "kit/redis.rs"]
mod kit;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gatepass::domain::{Clock, Spaces, SystemClock, TokenDigest};
use gatepass::sessions::{EndCause, Resolution, Sessions};
use gatepass::store::Retention;
use gatepass::store::file::FileStore;
use kit::{Server, log_in};

const ENDS: usize = 5_000;
const LOGINS: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let server = Server::start();
    runtime.block_on(async {
        ends(&server).await;
        logins(&server).await;
        look_ups(&server).await;
    });
}

fn is_live(sessions: &Sessions, digest: &TokenDigest) -> bool {
    let found = sessions.resolve(digest, sessions.default_space());
    matches!(found, Resolution::Live(_))
}

/// From the call of `end` on one node until the table of the other refuses and what is open
/// there is cut, and from its return. Nobody spins: that would take a processor from those that
/// are measured.
async fn ends(server: &Server) {
    let (a, b) = (server.node("ends").await, server.node("ends").await);
    let (mut from_call, mut from_return) = (Vec::new(), Vec::new());
    for n in 0..ENDS {
        let (session, digest) = log_in(&a, n).await;
        let known = b.recall(&digest, b.default_space()).await;
        let Ok(Resolution::Live(known)) = known else {
            panic!("{known:?}");
        };
        let tie = b.tie(&known);
        let watcher = tokio::spawn(async move {
            tie.ended().await;
            Instant::now()
        });
        tokio::task::yield_now().await;
        let called = Instant::now();
        let ended = a.end(&session, EndCause::terminated_by("bench")).await;
        let returned = Instant::now();
        let _ = ended.expect("a store");
        let seen = watcher.await.expect("it ends");
        assert!(!is_live(&b, &digest));
        from_call.push(seen - called);
        from_return.push(seen.saturating_duration_since(returned));
    }
    for (what, times) in [
        ("called", &mut from_call),
        ("acknowledged", &mut from_return),
    ] {
        times.sort_unstable();
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        println!(
            "end {what} to refused elsewhere    p50 {:?}  p99 {:?}  p99.9 {:?}",
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
}

async fn logins(server: &Server) {
    for at_once in [16, 256] {
        let (mut memory, mut file, mut redis) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            memory.push(storm(&Sessions::default(), at_once).await);
            let folder = tempfile::tempdir().expect("a folder");
            file.push(storm(&on_file(folder.path()), at_once).await);
            let node = server.node(&format!("logins{at_once}-{round}")).await;
            redis.push(storm(&node, at_once).await);
        }
        let (memory, file, redis) = (median(memory), median(file), median(redis));
        println!(
            "logins/s, {at_once:>4} at once    memory {memory:.0}  file {file:.0} ({:.3} of it)  \
             redis {redis:.0} ({:.3})",
            file / memory,
            redis / memory
        );
    }
}

fn on_file(folder: &Path) -> Sessions {
    let (spaces, clock): (_, Arc<dyn Clock>) = (Spaces::new(), Arc::new(SystemClock::new()));
    let path = folder.join("sessions.redb");
    let store = FileStore::open(&path, Retention::default(), &spaces, Arc::clone(&clock));
    Sessions::builder()
        .clock(clock)
        .spaces(spaces)
        .store(Arc::new(store.expect("a store")))
        .build()
}

async fn storm(sessions: &Sessions, at_once: usize) -> f64 {
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..at_once {
        let sessions = sessions.clone();
        workers.spawn(async move {
            for n in 0..LOGINS / at_once {
                log_in(&sessions, worker * LOGINS + n).await;
            }
        });
    }
    workers.join_all().await;
    LOGINS as f64 / begun.elapsed().as_secs_f64()
}

/// What the hot path does, 100,000 sessions, in turns with the memory's.
async fn look_ups(server: &Server) {
    let (memory, redis) = (Sessions::default(), server.node("look-ups").await);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..100_000 {
        ours.push(log_in(&memory, n).await.1);
        theirs.push(log_in(&redis, n).await.1);
    }
    let (mut plain, mut shared) = (Vec::new(), Vec::new());
    for _ in 0..2 * ROUNDS {
        plain.push(sweep(&memory, &ours));
        shared.push(sweep(&redis, &theirs));
    }
    let (plain, shared) = (median(plain), median(shared));
    println!(
        "look-up in the table, ns    memory {plain:.0}  redis {shared:.0}  ratio {:.3}",
        shared / plain
    );
}

fn sweep(sessions: &Sessions, digests: &[TokenDigest]) -> f64 {
    let begun = Instant::now();
    let live = digests
        .iter()
        .filter(|digest| is_live(sessions, digest))
        .count();
    assert_eq!(live, digests.len());
    begun.elapsed().as_nanos() as f64 / digests.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
