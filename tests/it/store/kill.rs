//! The soak: a gateway that is killed under a storm of logins and ends, again and again. What
//! it acknowledged is there after the restart; what it ended stays ended.
//!
//! `GATEPASS_SOAK_ROUNDS=100 cargo test --test it store::kill -- --nocapture` for long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::house::header_space;
use crate::kit::redis::RedisServer;
use crate::kit::{PORTS, Script, Served, soon};

/// What a client was told.
#[derive(Default)]
struct Told {
    /// Cookies that were given and not taken back.
    open: Vec<String>,
    /// Cookies whose logout was acknowledged.
    ended: Vec<String>,
}

/// Logs in and, every third time, out again, until the gateway is gone.
async fn storm(edge: SocketAddr, stop: Arc<AtomicBool>, next: Arc<AtomicU64>) -> Told {
    let mut told = Told::default();
    while !stop.load(Ordering::Relaxed) {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let login = Script::new(edge).with("hdr-usr", &format!("user{n}"));
        let Some((status, cookie)) = exchange(edge, &login.head("GET", "/echo", 0)).await else {
            break;
        };
        assert_eq!(status, 200, "a login was refused");
        let cookie = cookie.expect("a login gives a cookie");
        if !n.is_multiple_of(3) {
            told.open.push(cookie);
            continue;
        }
        let logout = Script::new(edge)
            .with("cookie", &cookie)
            .with("origin", &format!("http://{edge}"))
            .with("sec-fetch-site", "same-origin");
        match exchange(edge, &logout.head("POST", "/.gatepass/logout", 0)).await {
            Some((204, _)) => told.ended.push(cookie),
            // Not acknowledged: it may have ended or not.
            None => break,
            Some((status, _)) => panic!("a logout was answered with {status}"),
        }
    }
    told
}

/// The status and the cookie of an answer; `None` when the gateway has died before the end of
/// its head.
async fn exchange(edge: SocketAddr, head: &str) -> Option<(u16, Option<String>)> {
    let mut stream = TcpStream::connect(edge).await.ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut said = Vec::new();
    let end = loop {
        if let Some(end) = said.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if soon(stream.read_buf(&mut said)).await.ok()? == 0 {
            return None;
        }
    };
    let head = str::from_utf8(&said[..end]).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut lines = head.lines();
    let cookie = lines.find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.map(|cookie| cookie.split(';').next().unwrap().to_owned());
    Some((status, cookie))
}

/// How many rounds there are.
fn rounds() -> Option<u64> {
    std::env::var("GATEPASS_SOAK_ROUNDS").ok()?.parse().ok()
}

/// What some rounds came to.
#[derive(Clone, Copy, Default)]
struct Tally {
    rounds: u64,
    logins: usize,
    ends: usize,
    /// Sessions that were open and are refused.
    lost: usize,
    /// Sessions that had ended and are accepted.
    back: usize,
    /// Seconds of storm.
    stormed: f64,
}

impl Tally {
    fn and(self, more: Self) -> Self {
        Self {
            rounds: self.rounds + more.rounds,
            logins: self.logins + more.logins,
            ends: self.ends + more.ends,
            lost: self.lost + more.lost,
            back: self.back + more.back,
            stormed: self.stormed + more.stormed,
        }
    }

    /// A line of the table.
    fn say(self, store: &str, rounds: &str) {
        println!(
            "| {store} | {rounds} | {} | {} | {:.0} | {} | {} |",
            self.logins,
            self.ends,
            self.logins as f64 / self.stormed,
            self.lost,
            self.back,
        );
    }
}

/// Kills a gateway with this configuration in the middle of a storm, again and again.
async fn soak(store: &str, config: &str, rounds: u64) {
    let mut served = Served::with(config).await;
    let next = Arc::new(AtomicU64::new(0));
    println!(
        "| store | rounds | logins acknowledged | ends acknowledged | logins/s | lost | back |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let (mut ten, mut total) = (Tally::default(), Tally::default());
    for round in 0..rounds {
        let told = one_round(&mut served, &next, round).await;
        ten = ten.and(told);
        total = total.and(told);
        if ten.rounds == 10 {
            ten.say(store, &format!("{}-{}", round - 8, round + 1));
            ten = Tally::default();
        }
    }
    total.say(store, &format!("**{rounds}**"));
    assert_eq!((total.lost, total.back), (0, 0), "lost, and back");
}

/// A storm, a kill in the middle of it, at another moment each time, and a look at all that was
/// acknowledged.
async fn one_round(served: &mut Served, next: &Arc<AtomicU64>, round: u64) -> Tally {
    let stop = Arc::new(AtomicBool::new(false));
    let storms = (0..16).map(|_| {
        let (stop, next) = (Arc::clone(&stop), Arc::clone(next));
        tokio::spawn(storm(served.edge, stop, next))
    });
    let storms: Vec<_> = storms.collect();
    let time = Duration::from_millis(300 + round * 37 % 400);
    tokio::time::sleep(time).await;
    served.process.signal("KILL").await;
    served.process.end().await;
    stop.store(true, Ordering::Relaxed);
    let mut told = Told::default();
    for storm in storms {
        let part = storm.await.unwrap();
        told.open.extend(part.open);
        told.ended.extend(part.ended);
    }
    served.start_again().await;
    let (mut lost, mut back) = (0, 0);
    for (cookies, status, wrong) in [(&told.open, 200, &mut lost), (&told.ended, 401, &mut back)] {
        for cookie in cookies {
            let answer = served.script().with("cookie", cookie).get("/echo").await;
            assert!(matches!(answer.status, 200 | 401), "{}", answer.text());
            *wrong += usize::from(answer.status != status);
        }
    }
    assert!(told.open.len() > 5, "a storm of {} logins", told.open.len());
    Tally {
        rounds: 1,
        logins: told.open.len() + told.ended.len(),
        ends: told.ended.len(),
        lost,
        back,
        stormed: time.as_secs_f64(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_nothing_acknowledged_is_lost_under_kill_9() {
    let config = format!("{PORTS}{}", header_space());
    soak("file", &config, rounds().unwrap_or(3)).await;
}

/// A fifth of the rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_nothing_acknowledged_is_lost_under_kill_9_before_redis() {
    let redis = RedisServer::start();
    let store = format!(
        "[store]\nkind = \"redis\"\n[store.redis]\nnodes = [\"{}\"]\n",
        redis.url()
    );
    let config = format!("{PORTS}{store}{}", header_space());
    soak(
        "Redis",
        &config,
        rounds().map_or(2, |rounds| rounds.div_ceil(5)),
    )
    .await;
}
