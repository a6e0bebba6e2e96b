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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_nothing_acknowledged_is_lost_under_kill_9() {
    let rounds: u64 = std::env::var("GATEPASS_SOAK_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(3);
    let quiet = format!("{PORTS}{}", header_space());
    let mut served = Served::with(&quiet).await;
    let next = Arc::new(AtomicU64::new(0));
    let (mut opened, mut ended) = (0, 0);
    for round in 0..rounds {
        let stop = Arc::new(AtomicBool::new(false));
        let storms = (0..16).map(|_| {
            let (stop, next) = (Arc::clone(&stop), Arc::clone(&next));
            tokio::spawn(storm(served.edge, stop, next))
        });
        let storms: Vec<_> = storms.collect();
        // In the middle of it, another moment each time.
        tokio::time::sleep(Duration::from_millis(300 + round * 37 % 400)).await;
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
        for (cookies, status) in [(&told.open, 200), (&told.ended, 401)] {
            for cookie in cookies {
                let answer = served.script().with("cookie", cookie).get("/echo").await;
                assert_eq!(answer.status, status, "round {round}");
            }
        }
        assert!(told.open.len() > 5, "a storm of {} logins", told.open.len());
        opened += told.open.len() + told.ended.len();
        ended += told.ended.len();
    }
    println!("{rounds} rounds: {opened} logins and {ended} ends acknowledged, none lost");
}
