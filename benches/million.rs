//! 1,000,000 sessions in Redis: what they take there, and what lists, counts and searches over
//! them do to everybody else.
//!
//! `cargo bench --bench million [-- SESSIONS]`. Prints figures; asserts nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

#[path = "kit/redis.rs"]
mod kit;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatepass::domain::TokenDigest;
use gatepass::query::{Limits, OrderBy, Query};
use gatepass::sessions::search::{SESSION_FIELDS, Search};
use gatepass::sessions::{FindQuery, Resolution, Sessions};
use gatepass::store::StateFilter;
use kit::{Server, log_in};

/// Logins under way at a time.
const AT_ONCE: usize = 256;

/// Slower commands than this, in microseconds, are counted.
const SLOW: u32 = 1000;

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
    let server = Server::start();
    runtime.block_on(run(&server, count));
}

async fn run(server: &Server, count: usize) {
    let a = server.node("million").await;
    let mut redis = Plain::connect(server.port);
    redis.ask("CONFIG SET slowlog-max-len 1000");
    redis.ask(&format!("CONFIG SET slowlog-log-slower-than {SLOW}"));
    let empty = redis.memory();
    let begun = Instant::now();
    let digests = fill(&a, count).await;
    println!(
        "{count} logins, {:.0}/s; {} bytes per session in Redis",
        count as f64 / begun.elapsed().as_secs_f64(),
        (redis.memory() - empty) / count
    );
    redis.slow("the logins");

    // Another node, which knows none of them.
    let b = server.node("million").await;
    beside(server.port, &a, &digests, "nothing", 1, async || {
        tokio::time::sleep(Duration::from_secs(5)).await;
        0
    })
    .await;
    let newest = |limit| FindQuery {
        space: Some(b.default_space().id().clone()),
        user: None,
        state: StateFilter::Open,
        after: None,
        limit,
    };
    beside(
        server.port,
        &a,
        &digests,
        "first page of 100",
        200,
        async || b.find(newest(100)).await.expect("a page").total,
    )
    .await;
    beside(server.port, &a, &digests, "count", 200, async || {
        b.find(newest(0)).await.expect("a count").total
    })
    .await;
    let limits = Limits::FILTER.with_id_lists("id");
    let compiled = |text: &str| {
        Query::parse(text, &limits)
            .and_then(|query| query.compile(&SESSION_FIELDS))
            .expect("a query")
    };
    for (name, filter) in [
        ("search, all match", "end_time=null"),
        ("search, none match", "end_time=null;license='none'"),
    ] {
        let search = Search {
            space: b.default_space().id().clone(),
            filter: Some(compiled(filter)),
            order: Some(OrderBy::parse("-last_active,id", &SESSION_FIELDS).expect("an order")),
            offset: 0,
            limit: 100,
        };
        beside(server.port, &a, &digests, name, 1, async || {
            b.search(&search).await.expect("a page").total
        })
        .await;
    }
    redis.slow("lists and searches");
    let used = redis.ask("INFO commandstats");
    for line in used.lines() {
        let name = line.split(['_', ':']).nth(1).unwrap_or_default();
        if [
            "scan", "hscan", "sscan", "zscan", "keys", "hgetall", "smembers",
        ]
        .contains(&name)
        {
            println!("USED: {line}");
        }
    }
}

/// Logs `count` users in; some of what opens their sessions.
async fn fill(sessions: &Sessions, count: usize) -> Arc<[TokenDigest]> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (sessions, next) = (sessions.clone(), Arc::clone(&next));
        workers.spawn(async move {
            let mut kept = Vec::new();
            loop {
                let user = next.fetch_add(1, Ordering::Relaxed);
                if user >= count {
                    return kept;
                }
                let (_, digest) = log_in(&sessions, user).await;
                if user.is_multiple_of(100) {
                    kept.push(digest);
                }
            }
        });
    }
    workers.join_all().await.concat().into()
}

/// Does `work` some times, and tells how long it takes, and meanwhile a command of Redis and a
/// look-up on the hot path of a node.
async fn beside(
    port: u16,
    node: &Sessions,
    digests: &Arc<[TokenDigest]>,
    name: &str,
    times: usize,
    work: impl AsyncFn() -> usize,
) {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, node, digests) = (Arc::clone(&stop), node.clone(), Arc::clone(digests));
    let others = std::thread::spawn(move || {
        let mut redis = Plain::connect(port);
        let (mut commands, mut look_ups) = (Vec::new(), Vec::new());
        for digest in digests.iter().cycle() {
            if stopped.load(Ordering::Relaxed) {
                break;
            }
            let begun = Instant::now();
            redis.ask("GET million:nothing");
            commands.push(begun.elapsed());
            let begun = Instant::now();
            let found = node.resolve(digest, node.default_space());
            look_ups.push(begun.elapsed());
            assert!(matches!(found, Resolution::Live(_)));
            std::thread::sleep(Duration::from_micros(200));
        }
        (commands, look_ups)
    });
    let (mut took, mut found) = (Vec::new(), 0);
    for _ in 0..times {
        let begun = Instant::now();
        found = work().await;
        took.push(begun.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let (mut commands, mut look_ups) = others.join().expect("no panic");
    for times in [&mut took, &mut commands, &mut look_ups] {
        times.sort_unstable();
    }
    let at = |times: &[Duration], share: f64| {
        times[((times.len() as f64 * share) as usize).min(times.len() - 1)]
    };
    println!(
        "beside {name} ({found}): {:?} at the median",
        at(&took, 0.5)
    );
    for (what, times) in [("GET", &commands), ("look-up", &look_ups)] {
        println!(
            "    {what:8} p50 {:?}  p99 {:?}  max {:?}",
            at(times, 0.5),
            at(times, 0.99),
            at(times, 1.0)
        );
    }
}

/// A connection that waits for each answer.
struct Plain(BufReader<TcpStream>);

impl Plain {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a redis-server");
        stream.set_nodelay(true).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// The answer to a command: a line, or a text.
    fn ask(&mut self, command: &str) -> String {
        write!(self.0.get_mut(), "{command}\r\n").expect("a redis-server");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer");
        let Some(length) = line.strip_prefix('$').and_then(|n| n.trim().parse().ok()) else {
            return line;
        };
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).expect("an answer");
        self.0.read_line(&mut line).expect("its end");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn memory(&mut self) -> usize {
        let info = self.ask("INFO memory");
        let used = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        used.and_then(|bytes| bytes.parse().ok()).expect("a figure")
    }

    fn slow(&mut self, what: &str) {
        let slow = self.ask("SLOWLOG LEN");
        println!("commands of {what} over {SLOW} us: {}", slow.trim());
        self.ask("SLOWLOG RESET");
    }
}
