//! One refresh at a time: in a process, and over two nodes on one Redis.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::fleet::{Node, Worth, eventually, pair};
use super::{open, space};
use crate::domain::{EndReason, Session};
use crate::sessions::{EndCause, RefreshError, Refreshed, Resolution, Sessions};
use crate::store::redis::RedisOptions;
use crate::store::redis::tests::fresh;
use crate::store::redis::tests::server::RedisServer;
use crate::store::{Finished, Lease};

/// A token endpoint (RFC 6749, section 6) that rotates: it takes the refresh token that it gave
/// last, once, after a second; any other is refused.
#[derive(Clone)]
struct Provider {
    address: SocketAddr,
    valid: Arc<Mutex<String>>,
    redeemed: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            valid: Arc::new(Mutex::new("refresh-0".to_owned())),
            redeemed: Arc::default(),
            refused: Arc::default(),
        };
        let served = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = served.clone();
                tokio::spawn(async move { provider.serve(stream).await });
            }
        });
        provider
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut said = Vec::new();
        while !said.ends_with(b"\n.") {
            stream.read_buf(&mut said).await?;
        }
        let said = String::from_utf8(said).unwrap();
        let token = said.split("\r\n\r\n").nth(1).unwrap();
        let token = token.trim_end_matches("\n.").to_owned();
        // Taken when it is seen, as providers do: whoever comes second has used it twice.
        let fits = {
            let mut valid = self.valid.lock().unwrap();
            let fits = *valid == token;
            if fits {
                let n = self.redeemed.fetch_add(1, Ordering::SeqCst) + 1;
                *valid = format!("refresh-{n}");
            } else {
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
            fits.then(|| valid.clone())
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (status, body) = match fits {
            Some(next) => ("200 OK", next),
            None => ("400 Bad Request", "invalid_grant".to_owned()),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await
    }

    /// What a client of the provider does with a refresh token.
    async fn redeem(self, token: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream
            .write_all(b"POST /token HTTP/1.1\r\nhost: provider\r\n\r\n")
            .await?;
        stream.write_all(&token).await?;
        stream.write_all(b"\n.").await?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await?;
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        match head.starts_with("HTTP/1.1 200 ") {
            true => Ok(body.as_bytes().to_vec()),
            false => Err(io::Error::other(body.to_owned())),
        }
    }

    /// Renews the tokens of `session` by this provider.
    async fn renew(
        &self,
        sessions: &Sessions,
        session: &Arc<Session>,
        seen: u64,
    ) -> Result<Refreshed, RefreshError> {
        let this = self.clone();
        let limit = Duration::from_secs(10);
        let work = move |current: Option<Refreshed>| async move {
            let token = current.map_or_else(|| b"refresh-0".to_vec(), |c| c.secret.to_vec());
            this.redeem(token).await
        };
        sessions.refresh(session, seen, limit, work).await
    }
}

const LIMIT: Duration = Duration::from_millis(300);

async fn keep(sessions: &Sessions, session: &Arc<Session>, seen: u64, text: &str) -> Refreshed {
    let bytes = text.as_bytes().to_vec();
    let work = |_| async { Ok::<_, Infallible>(bytes) };
    let kept = sessions.refresh(session, seen, LIMIT, work).await;
    kept.unwrap()
}

/// A session that both nodes know.
async fn shared_session(a: &Node, b: &Node) -> (Arc<Session>, Arc<Session>) {
    let (ours, digest) = a.log_in("ann").await.unwrap();
    assert_eq!(b.worth(&digest).await, Worth::Live);
    let Resolution::Live(theirs) = b.sessions.resolve(&digest, &b.space) else {
        panic!("it is live")
    };
    (ours, theirs)
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_two_hundred_requests_on_two_nodes_redeem_a_token_once() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let (ours, theirs) = shared_session(&a, &b).await;
    let provider = Provider::start().await;
    for round in 1..=2 {
        let mut requests = JoinSet::new();
        for n in 0..200 {
            let (node, session) = if n % 2 == 0 {
                (&a, &ours)
            } else {
                (&b, &theirs)
            };
            let (sessions, session) = (node.sessions.clone(), Arc::clone(session));
            let provider = provider.clone();
            requests.spawn(async move { provider.renew(&sessions, &session, round - 1).await });
        }
        let expected = format!("refresh-{round}");
        for got in requests.join_all().await {
            let got = got.unwrap();
            assert_eq!(got.version, round);
            assert_eq!(&*got.secret, expected.as_bytes());
        }
        let redeemed = provider.redeemed.load(Ordering::SeqCst);
        assert_eq!(redeemed as u64, round, "one redemption");
    }
    assert_eq!(provider.refused.load(Ordering::SeqCst), 0);
    for (node, session) in [(&a, &ours), (&b, &theirs)] {
        assert_eq!(
            node.worth(session.digest()).await,
            Worth::Live,
            "nobody is logged out"
        );
        let kept = node.sessions.refreshed(session).await.unwrap().unwrap();
        assert_eq!(kept.version, 2);
    }
    // One who comes late, with what was stale long ago, needs no redemption.
    let kept = provider.renew(&b.sessions, &theirs, 0).await.unwrap();
    assert_eq!(kept.version, 2);
    assert_eq!(provider.redeemed.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_requests_of_one_process_redeem_a_token_once() {
    let sessions = Sessions::default();
    let here = space(&sessions, "1", None);
    let (session, _) = open(&sessions, &here, "ann").await;
    assert_eq!(sessions.refreshed(&session).await.unwrap(), None);
    let provider = Provider::start().await;
    let mut requests = JoinSet::new();
    for n in 0..200 {
        let (sessions, session) = (sessions.clone(), Arc::clone(&session));
        let provider = provider.clone();
        requests.spawn(async move {
            let renewed = provider.renew(&sessions, &session, 0);
            if n % 2 == 0 {
                return Some(renewed.await);
            }
            // A client that gives up half-way stops nothing.
            let early = Duration::from_millis(100);
            tokio::time::timeout(early, renewed).await.ok()
        });
    }
    let got = requests.join_all().await;
    let got: Vec<_> = got.into_iter().flatten().map(Result::unwrap).collect();
    assert!(got.len() >= 100);
    assert!(
        got.iter()
            .all(|kept| kept.version == 1 && &*kept.secret == b"refresh-1")
    );
    assert_eq!(provider.redeemed.load(Ordering::SeqCst), 1);
    assert_eq!(provider.refused.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_a_failure_is_told_to_all_who_waited_and_ends_nothing() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let (ours, theirs) = shared_session(&a, &b).await;
    keep(&a.sessions, &ours, 0, "one").await;
    let (ran, mut requests) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for n in 0..20 {
        let (node, session) = if n % 2 == 0 {
            (&a, &ours)
        } else {
            (&b, &theirs)
        };
        let (sessions, session) = (node.sessions.clone(), Arc::clone(session));
        let ran = Arc::clone(&ran);
        requests.spawn(async move {
            let work = move |_| async move {
                ran.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(500)).await;
                Err::<Vec<u8>, _>(io::Error::other("invalid_grant"))
            };
            let limit = Duration::from_secs(5);
            sessions.refresh(&session, 1, limit, work).await
        });
    }
    let failed = requests.join_all().await;
    assert_eq!(
        ran.load(Ordering::SeqCst),
        1,
        "nobody tries again behind their back"
    );
    for failed in failed {
        match failed.unwrap_err() {
            RefreshError::Failed(why) => assert_eq!(why.to_string(), "invalid_grant"),
            RefreshError::FailedElsewhere => {}
            other => panic!("{other}"),
        }
    }
    // Other ways to fail, each of which leaves the way free for the next.
    let panics = |_| async {
        if true {
            panic!("a bug")
        } else {
            Ok::<Vec<u8>, Infallible>(Vec::new())
        }
    };
    let failed = a.sessions.refresh(&ours, 1, LIMIT, panics).await;
    assert!(matches!(failed, Err(RefreshError::Failed(_))), "{failed:?}");
    let endless = |_| std::future::pending::<Result<Vec<u8>, Infallible>>();
    let failed = a.sessions.refresh(&ours, 1, LIMIT, endless).await;
    assert!(
        matches!(failed, Err(RefreshError::TimedOut { .. })),
        "{failed:?}"
    );
    let large = |_| async { Ok::<_, Infallible>(vec![0; (64 << 10) + 1]) };
    let failed = a.sessions.refresh(&ours, 1, LIMIT, large).await;
    assert!(
        matches!(failed, Err(RefreshError::TooLarge { .. })),
        "{failed:?}"
    );
    assert_eq!(keep(&b.sessions, &theirs, 1, "two").await.version, 2);
    for (node, session) in [(&a, &ours), (&b, &theirs)] {
        assert_eq!(node.worth(session.digest()).await, Worth::Live);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_the_lease_of_a_node_that_died_runs_out_and_a_late_one_is_refused() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let (ours, theirs) = shared_session(&a, &b).await;
    let dead = a.sessions.0.store.refreshes();
    let lease = dead.lease(&ours, 0, 0, 3 * LIMIT).await.unwrap();
    assert!(matches!(lease, Lease::Held { attempt: 1, .. }), "{lease:?}");
    #[expect(clippy::disallowed_methods, reason = "the time of the test")]
    let began = std::time::Instant::now();
    let kept = keep(&b.sessions, &theirs, 0, "by the other").await;
    assert!(began.elapsed() >= 2 * LIMIT, "{:?}", began.elapsed());
    assert_eq!(kept.version, 1);
    let late = dead.finish(&ours, 1, Some(b"late"[..].into())).await;
    assert_eq!(late.unwrap(), Finished::Late);
    let found = a.sessions.refreshed(&ours).await.unwrap().unwrap();
    assert_eq!(&*found.secret, b"by the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_an_outage_is_an_error_and_what_was_got_is_kept_afterwards() {
    let mut server = RedisServer::start();
    let options = fresh(&RedisOptions {
        timeout: Duration::from_secs(1),
        ..RedisOptions::single(server.url())
    });
    let (a, b) = pair(&options).await;
    let (ours, theirs) = shared_session(&a, &b).await;
    server.kill();
    let work = |_| async { Ok::<_, Infallible>(Vec::new()) };
    let failed = a.sessions.refresh(&ours, 0, LIMIT, work).await;
    assert!(matches!(failed, Err(RefreshError::Store(_))), "{failed:?}");
    assert!(ours.end().is_none());
    server.launch();
    for (node, session) in [(&a, &ours), (&b, &theirs)] {
        eventually("it is reached again", async || {
            node.sessions.refreshed(session).await.is_ok()
        })
        .await;
    }
    // Redis dies while the provider is asked, and comes back: the answer is not lost.
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let work = move |_| async move {
        asked.send(()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<_, Infallible>(b"rare".to_vec())
    };
    let sessions = a.sessions.clone();
    let session = Arc::clone(&ours);
    let limit = Duration::from_secs(10);
    let refresh = tokio::spawn(async move { sessions.refresh(&session, 0, limit, work).await });
    was_asked.recv().await.unwrap();
    server.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.launch();
    let kept = refresh.await.unwrap().unwrap();
    assert_eq!((kept.version, &*kept.secret), (1, &b"rare"[..]));
    eventually("the other node has it", async || {
        let found = b.sessions.refreshed(&theirs).await;
        found.is_ok_and(|found| found.as_ref() == Some(&kept))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_an_ended_session_gets_nothing_and_nothing_is_kept_of_it() {
    let server = RedisServer::start();
    let (a, b) = pair(&fresh(&RedisOptions::single(server.url()))).await;
    let (ours, theirs) = shared_session(&a, &b).await;
    keep(&a.sessions, &ours, 0, "one").await;
    assert!(b.sessions.refreshed(&theirs).await.unwrap().is_some());
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let work = move |_| async move {
        asked.send(()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, Infallible>(b"two".to_vec())
    };
    let (sessions, session) = (a.sessions.clone(), Arc::clone(&ours));
    let limit = Duration::from_secs(5);
    let refresh = tokio::spawn(async move { sessions.refresh(&session, 1, limit, work).await });
    was_asked.recv().await.unwrap();
    let cause = EndCause::because(EndReason::LoggedOut);
    let _ = b.sessions.end(&theirs, cause).await.unwrap();
    let ended = refresh.await.unwrap();
    assert!(matches!(ended, Err(RefreshError::Ended)), "{ended:?}");
    eventually("ended on both", async || ours.end().is_some()).await;
    for (node, session) in [(&a, &ours), (&b, &theirs)] {
        assert_eq!(node.sessions.refreshed(session).await.unwrap(), None);
        let work = |_| async { Ok::<_, Infallible>(Vec::new()) };
        let again = node.sessions.refresh(session, 1, LIMIT, work).await;
        assert!(matches!(again, Err(RefreshError::Ended)), "{again:?}");
        assert!(node.sessions.0.refreshes.is_empty(), "nothing is left");
        let kept = node.sessions.0.store.refreshes().refreshed(session).await;
        assert_eq!(kept.unwrap(), None);
    }
}
