//! Queries over 1,000,000 sessions, half of them ended: filter, sort and first page; grouping;
//! a list of ids; ending 100,000 by filter.
//!
//! `cargo bench --bench search [-- SESSIONS]`. Prints medians and peak extra memory; asserts
//! nothing.

#![allow(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gatepass::domain::{
    Clock, EndReason, Identity, ManualClock, Method, NewSession, SessionPolicy, SpaceId,
};
use gatepass::query::{Compiled, Limits, OrderBy, Query};
use gatepass::sessions::search::{Column, SESSION_FIELDS, Search};
use gatepass::sessions::{Admission, EndCause, Sessions};
use gatepass::store::Retention;
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
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(count));
}

async fn run(count: usize) {
    let clock = ManualClock::new();
    let retention = Retention {
        max: count,
        ..Retention::default()
    };
    let sessions = Sessions::builder()
        .clock(Arc::new(clock.clone()))
        .retention(retention)
        .build();
    let space = sessions.space(
        &SpaceId::new("1001").expect("an id"),
        SessionPolicy::default(),
    );
    let mut ids = Vec::new();
    for n in 0..count {
        if n % 100 == 0 {
            clock.advance(Duration::from_millis(1));
        }
        let identity = Identity::new("CORPORATE", &format!("user{:06}", n / 2)).expect("a name");
        let new = NewSession {
            identity: Arc::new(identity),
            method: Method::Jwt,
            client: gatepass::domain::ClientInfo {
                ip: Some([10, 1, (n % 7) as u8, (n % 251) as u8].into()),
                ..Default::default()
            },
            license: Some(if n % 3 == 0 {
                "professional".into()
            } else {
                "analyzer".into()
            }),
            sign_on: None,
        };
        let opened = sessions
            .establish(&space, new, Admission::default())
            .await
            .expect("no limit");
        if n % 2 == 0 {
            let cause = EndCause::because(EndReason::LoggedOut);
            let _ = sessions
                .end(opened.session(), cause)
                .await
                .expect("in memory");
        }
        if n % (count / 200).max(1) == 0 {
            ids.push(opened.session().id());
        }
    }
    println!("sessions                                   {count}, half of them ended");
    let since = clock.wall().to_datetime() - Duration::from_secs(86_400);
    let range = format!("start_time>'{}'", since.format("%Y-%m-%dT%H:%M:%SZ"));
    let search = |filter: &str, order: &str| Search {
        space: space.id().clone(),
        filter: Some(compiled(filter)),
        order: Some(OrderBy::parse(order, &SESSION_FIELDS).expect("an order")),
        offset: 0,
        limit: 100,
    };
    for (name, one) in [
        (
            "filter + sort + first page of 100",
            search(
                &format!("{range};license='professional'"),
                "-last_active,id",
            ),
        ),
        (
            "the same, by address, all match",
            search(&range, "client_ip,-start_time"),
        ),
        (
            "open ones only, newest first",
            search("end_time=null", "-start_time"),
        ),
    ] {
        measure(name, async || {
            sessions.search(&one).await.expect("in memory").total
        })
        .await;
    }
    let all = compiled(&range);
    measure("group by user", async || {
        sessions
            .grouped(space.id(), Some(&all), Column::UserNumber)
            .await
            .expect("in memory")
            .len()
    })
    .await;
    let list: Vec<_> = ids.iter().map(|id| format!("'{id}'")).collect();
    let list = compiled(&format!("id IN {}", list.join(",")));
    measure("200 ids", async || {
        sessions
            .matching(space.id(), Some(&list))
            .await
            .expect("in memory")
            .len()
    })
    .await;

    beside_searches(&sessions, &space, &search(&range, "client_ip")).await;

    let start = Instant::now();
    let open = sessions
        .matching(space.id(), Some(&compiled("end_time=null")))
        .await
        .expect("in memory");
    let ended = sessions
        .end_many(
            &open[..open.len().min(100_000)],
            &EndCause::terminated_by("bench"),
        )
        .await;
    println!(
        "end {:>6} by filter                       {:?}",
        ended.expect("in memory").len(),
        start.elapsed()
    );
}

fn compiled(text: &str) -> Compiled<Column> {
    let limits = Limits::FILTER.with_id_lists("id");
    Query::parse(text, &limits)
        .and_then(|query| query.compile(&SESSION_FIELDS))
        .expect("a query")
}

async fn measure(name: &str, one: impl AsyncFn() -> usize) {
    let mut took = Vec::new();
    let mut found = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        found = one().await;
        took.push(start.elapsed());
    }
    took.sort();
    println!(
        "{name:<42} {:>8.1} ms ({found} found)",
        took[ROUNDS / 2].as_secs_f64() * 1000.0
    );
}

/// What a login and a request's look-up take while the search loops on another thread.
async fn beside_searches(
    sessions: &Sessions,
    space: &Arc<gatepass::domain::SpaceState>,
    search: &Search,
) {
    for searching in [false, true] {
        let stop = Arc::new(AtomicBool::new(!searching));
        let looper = {
            let (sessions, search, stop) = (sessions.clone(), search.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .expect("a runtime");
                while !stop.load(Ordering::Relaxed) {
                    let _ = runtime.block_on(sessions.search(&search));
                }
            })
        };
        let (mut logins, mut digests) = (Vec::new(), Vec::new());
        for n in 0..20_000 {
            let identity = Identity::new("CORPORATE", &format!("late{n}")).expect("a name");
            let new = NewSession {
                identity: Arc::new(identity),
                method: Method::Jwt,
                client: Default::default(),
                license: None,
                sign_on: None,
            };
            let start = Instant::now();
            let opened = sessions
                .establish(space, new, Admission::default())
                .await
                .expect("no limit");
            logins.push(start.elapsed());
            digests.push(*opened.session().digest());
        }
        let mut lookups = Vec::new();
        for n in 0..500_000_usize {
            let digest = &digests[n.wrapping_mul(7919) % digests.len()];
            let start = Instant::now();
            let _ = black_box(sessions.resolve(digest, space));
            lookups.push(start.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        looper.join().expect("the searches end");
        let beside = if searching {
            "while searches loop"
        } else {
            "alone"
        };
        for (what, mut took) in [("login", logins), ("resolve", lookups)] {
            took.sort();
            let at = |of: usize| took[(took.len() - 1) * of / 1000];
            println!(
                "{:<42} p50 {:?} p99 {:?} p99.9 {:?} max {:?}",
                format!("{what}, {beside}"),
                at(500),
                at(990),
                at(999),
                at(1000)
            );
        }
    }
}
