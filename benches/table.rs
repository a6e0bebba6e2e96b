//! The session table at 1,000,000 sessions: resolve + touch against a bare `DashMap` in one
//! interleaved run, bytes per session, and inserts while scans loop.
//!
//! `cargo bench --bench table [-- SESSIONS]`. Prints medians and ratios; asserts nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::alloc::System;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use dashmap::DashMap;
use gatepass::domain::{
    Attributes, ClientInfo, CookiePolicy, Identity, Method, NewSession, Scheme, Session,
    SpaceState, TokenDigest,
};
use gatepass::layer::{CookieNames, Presented};
use gatepass::sessions::{Admission, Established, FindQuery, Resolution, Sessions};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 5;

fn main() {
    let count = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    runtime.block_on(run(count));
}

async fn run(count: usize) {
    let sessions = Sessions::default();
    let space = Arc::clone(sessions.default_space());
    let (before, resident_before) = (allocated(), resident());
    let tokens = fill(&sessions, &space, count).await;
    let of_tokens = tokens.capacity() * size_of::<String>()
        + tokens.iter().map(String::capacity).sum::<usize>();
    let bytes = allocated() - before - of_tokens;
    println!("sessions                          {count}");
    println!("bytes per session, requested      {}", bytes / count);
    println!(
        "bytes per session, resident       {}",
        (resident() - resident_before).saturating_sub(of_tokens + 16 * count) / count
    );
    println!("size of Session                   {}", size_of::<Session>());

    look_ups(&sessions, &space, &tokens);
    inserts_beside_scans(&sessions, &space).await;
}

/// Opens `count` sessions of as many users, whose four attributes of two values are among
/// 100 sets.
async fn fill(sessions: &Sessions, space: &Arc<SpaceState>, count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    for n in 0..count {
        match sessions
            .establish(space, new_session(n), Admission::default())
            .await
            .expect("no limit")
        {
            Established::Opened { token, .. } => tokens.push(token.expose()),
            Established::Joined(_) => unreachable!("nothing to join"),
        }
    }
    tokens
}

fn new_session(n: usize) -> NewSession {
    let set = n % 100;
    let attributes: Attributes = ["group", "department", "region", "role"]
        .into_iter()
        .map(|name| (name, [format!("{name}-{set}-a"), format!("{name}-{set}-b")]))
        .collect();
    let identity = Identity::new("CORPORATE", &format!("user{n:07}"))
        .and_then(|i| i.with_name(&format!("Firstname Lastname {n:07}")))
        .expect("legal names")
        .with_attributes(attributes);
    let client = ClientInfo {
        ip: Some([10, 1, 2, 3].into()),
        user_agent: Some(format!("Mozilla/5.0 (X11; Linux x86_64) Agent/{}", n % 50).into()),
        ..ClientInfo::default()
    };
    NewSession {
        identity: Arc::new(identity),
        method: Method::Jwt,
        client,
        license: Some("analyzer".into()),
        sign_on: None,
    }
}

/// The rival: a map from digest to an entry with a time, and nothing else.
struct Bare(DashMap<TokenDigest, Arc<(AtomicU64, u64)>, BuildHasherDefault<First8>>);

#[derive(Default)]
struct First8(u64);

impl Hasher for First8 {
    fn write(&mut self, _: &[u8]) {
        unreachable!("digests write a u64");
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn look_ups(sessions: &Sessions, space: &SpaceState, tokens: &[String]) {
    let bare = Bare(DashMap::with_capacity_and_hasher_and_shard_amount(
        0,
        BuildHasherDefault::default(),
        1024,
    ));
    let names = CookieNames::new(CookiePolicy::default());
    let texts: Vec<[u8; 43]> = tokens
        .iter()
        .map(|t| t.as_bytes().try_into().expect("a token"))
        .collect();
    let digests: Vec<TokenDigest> = texts
        .iter()
        .map(|t| digest(&names, &cookie_with(t)))
        .collect();
    for (n, digest) in digests.iter().enumerate() {
        bare.0.insert(
            *digest,
            Arc::new((AtomicU64::new(0), n as u64 * 0x9e37_79b9)),
        );
    }
    let live = |resolution| match resolution {
        Resolution::Live(session) => session.id().as_uuid().as_u64_pair().1,
        other => panic!("{other:?}"),
    };
    let steps = 1_000_000;
    for threads in [1, 2] {
        let (mut ours, mut table, mut rival) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            rival.push(time(threads, steps, tokens.len(), |at, _| {
                let entry = bare
                    .0
                    .get(&digests[at])
                    .map(|e| Arc::clone(e.value()))
                    .expect("there");
                entry.0.store(at as u64, Ordering::Relaxed);
                entry.1
            }));
            table.push(time(threads, steps, tokens.len(), |at, _| {
                live(sessions.resolve(&digests[at], space))
            }));
            ours.push(time(threads, steps, tokens.len(), |at, cookie| {
                cookie[START..START + 43].copy_from_slice(&texts[at]);
                live(sessions.resolve(&digest(&names, cookie), space))
            }));
        }
        let (ours, table, rival) = (median(ours), median(table), median(rival));
        println!(
            "{threads} thread(s), ns per dependent look-up, medians of {ROUNDS} interleaved rounds"
        );
        println!("  bare DashMap get + touch        {rival:.0}");
        println!(
            "  resolve + touch                 {table:.0}   {:.2} x bare",
            table / rival
        );
        println!(
            "  cookie + digest + resolve       {ours:.0}   {:.2} x bare",
            ours / rival
        );
    }
}

/// Where the token starts in the cookie header.
const START: usize = "theme=dark; __Host-gatepass=".len();

fn cookie_with(token: &[u8; 43]) -> Vec<u8> {
    [b"theme=dark; __Host-gatepass=", &token[..], b"; lang=en"].concat()
}

fn digest(names: &CookieNames, cookie: &[u8]) -> TokenDigest {
    match names.read_values([cookie], Scheme::Https) {
        Presented::Token(digest) => digest,
        other => panic!("{other:?}"),
    }
}

/// Nanoseconds per step where every step's place depends on the answer of the step before.
fn time(
    threads: usize,
    steps: usize,
    places: usize,
    step: impl Fn(usize, &mut [u8]) -> u64 + Sync,
) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let step = &step;
            scope.spawn(move || {
                let hasher = RandomState::new();
                let mut at = hasher.hash_one(thread) as usize % places;
                let mut cookie = cookie_with(&[b'A'; 43]);
                let mut mixed = 0x9e37_79b9_7f4a_7c15_u64;
                for n in 0..steps {
                    let answer = black_box(step(at, &mut cookie));
                    mixed = (mixed ^ answer ^ n as u64)
                        .wrapping_mul(0xff51_afd7_ed55_8ccd)
                        .rotate_left(31);
                    at = mixed as usize % places;
                }
            });
        }
    });
    start.elapsed().as_nanos() as f64 / steps as f64
}

/// How long a login takes while lists of everything loop on another thread.
async fn inserts_beside_scans(sessions: &Sessions, space: &Arc<SpaceState>) {
    for scanning in [false, true] {
        let stop = Arc::new(AtomicBool::new(!scanning));
        let scans = {
            let (sessions, stop) = (sessions.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .expect("a runtime");
                let mut scans = 0;
                while !stop.load(Ordering::Relaxed) {
                    let query = FindQuery {
                        limit: 100,
                        ..FindQuery::default()
                    };
                    black_box(runtime.block_on(sessions.find(query)).expect("in memory"));
                    scans += 1;
                }
                scans
            })
        };
        let mut took = Vec::new();
        for n in 0..50_000 {
            let new = new_session(10_000_000 + n);
            let start = Instant::now();
            let _ = black_box(sessions.establish(space, new, Admission::default()).await);
            took.push(start.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        let scans: u32 = scans.join().expect("scans");
        took.sort();
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        println!(
            "login, {:<26} p50 {:?} p99 {:?} max {:?} ({scans} scans)",
            if scanning {
                "while lists loop"
            } else {
                "alone"
            },
            at(0.5),
            at(0.99),
            at(1.0),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Bytes that the program has asked for and not given back.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Resident bytes of this process, as Linux tells them; 0 elsewhere.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok())
        .unwrap_or(0)
        * 4096
}
