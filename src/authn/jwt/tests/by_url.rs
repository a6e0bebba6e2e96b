//! Keys from a real HTTP server that misbehaves as told.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use tokio::sync::Notify;

use super::*;

/// What the server does next.
#[derive(Clone)]
enum Answer {
    Keys(Value),
    /// The keys, once told.
    Held(Value, Arc<Notify>),
    Status(u16),
    Redirect(String),
    /// A body without end.
    Endless,
    Hang,
}

struct Issuer {
    address: SocketAddr,
    answer: Mutex<Answer>,
    fetches: AtomicUsize,
}

impl Issuer {
    async fn start(answer: Answer) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            answer: Mutex::new(answer),
            fetches: AtomicUsize::new(0),
        });
        let state = Arc::clone(&issuer);
        let handler = move || {
            let issuer = Arc::clone(&state);
            async move { issuer.serve().await }
        };
        let app = Router::new().route("/jwks", get(handler));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        issuer
    }

    async fn serve(&self) -> Response {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        let body = |status: u16, body: Body| Response::builder().status(status).body(body);
        match answer {
            Answer::Keys(keys) => body(200, keys.to_string().into()),
            Answer::Held(keys, go) => {
                go.notified().await;
                body(200, keys.to_string().into())
            }
            Answer::Status(status) => body(status, Body::empty()),
            Answer::Redirect(to) => Response::builder()
                .status(302)
                .header("location", to)
                .body(Body::empty()),
            Answer::Endless => {
                let blank = bytes::Bytes::from(vec![b' '; 4096]);
                let chunks =
                    futures_util::stream::repeat_with(move || std::io::Result::Ok(blank.clone()));
                body(200, Body::from_stream(chunks))
            }
            Answer::Hang => std::future::pending().await,
        }
        .unwrap()
    }

    fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn authenticator(&self, clock: &ManualClock) -> JwtAuthenticator {
        builder(clock)
            .jwks_url(format!("http://{}/jwks", self.address))
            .jwks_url_settings(JwksUrlSettings {
                timeout: Duration::from_millis(500),
                ..JwksUrlSettings::default()
            })
            .build()
            .unwrap()
    }
}

fn key(kid: &str) -> SigningKey {
    signer(&ED, Algorithm::EdDSA).with_kid(kid)
}

fn set(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|k| k.public_jwk()).collect::<Vec<_>>() })
}

fn token(kid: &str, clock: &ManualClock) -> String {
    // Signed anew: it is the key's life that is tested, not the token's.
    key(kid).sign(&good(clock)).unwrap()
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_their_time_is_over() {
    let clock = ManualClock::new();
    let issuer = Issuer::start(Answer::Keys(set(&[&key("a")]))).await;
    let authn = issuer.authenticator(&clock);
    assert_eq!(issuer.fetches(), 0, "the first fetch is lazy");
    for _ in 0..5 {
        assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    }
    assert_eq!(issuer.fetches(), 1);
    clock.advance(Duration::from_millis(599_999));
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    assert_eq!(issuer.fetches(), 1);
    clock.advance(Duration::from_millis(1));
    issuer.set(Answer::Keys(set(&[&key("b")])));
    let withdrawn = verdict(&authn, &token("a", &clock)).await;
    assert_eq!(withdrawn, Err(FailureReason::UnknownKey));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_by_its_first_token() {
    let clock = ManualClock::new();
    let issuer = Issuer::start(Answer::Keys(set(&[&key("a")]))).await;
    let authn = issuer.authenticator(&clock);
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    issuer.set(Answer::Keys(set(&[&key("a"), &key("b")])));
    clock.advance(Duration::from_secs(10));
    assert!(verdict(&authn, &token("b", &clock)).await.is_ok());
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn s28_unknown_kids_drive_one_fetch_whatever_their_number() {
    let clock = ManualClock::new();
    let go = Arc::new(Notify::new());
    let issuer = Issuer::start(Answer::Held(set(&[&key("a")]), Arc::clone(&go))).await;
    let authn = Arc::new(issuer.authenticator(&clock));
    let asked: Vec<_> = (0..200)
        .map(|n| {
            let (authn, token) = (Arc::clone(&authn), token(&format!("made-up-{n}"), &clock));
            tokio::spawn(async move { verdict(&authn, &token).await })
        })
        .collect();
    while issuer.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    for one in asked {
        assert_eq!(one.await.unwrap(), Err(FailureReason::UnknownKey));
    }
    assert_eq!(issuer.fetches(), 1);

    // Later ones drive one fetch per interval.
    issuer.set(Answer::Keys(set(&[&key("a")])));
    for second in 1..=30 {
        clock.advance(Duration::from_secs(1));
        for n in 0..5 {
            let token = token(&format!("later-{second}-{n}"), &clock);
            let unknown = Err(FailureReason::UnknownKey);
            assert_eq!(verdict(&authn, &token).await, unknown);
        }
    }
    assert_eq!(issuer.fetches(), 4);
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
}

#[tokio::test]
async fn s28_one_fetch_serves_all_who_wait_for_it_without_any_interval() {
    let clock = ManualClock::new();
    let go = Arc::new(Notify::new());
    let issuer = Issuer::start(Answer::Held(set(&[&key("a")]), Arc::clone(&go))).await;
    let authn = builder(&clock)
        .jwks_url(format!("http://{}/jwks", issuer.address))
        .jwks_url_settings(JwksUrlSettings {
            min_interval: Duration::ZERO,
            ..JwksUrlSettings::default()
        });
    let authn = authn.build().unwrap();
    let text = token("a", &clock);
    let all = futures_util::future::join_all((0..50).map(|_| verdict(&authn, &text)));
    let release = async {
        while issuer.fetches() == 0 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
    };
    let (all, ()) = tokio::join!(all, release);
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn s28_every_fetch_is_bounded_in_time_and_size() {
    let elsewhere = Issuer::start(Answer::Keys(set(&[&key("a")]))).await;
    let redirect = Answer::Redirect(format!("http://{}/jwks", elsewhere.address));
    for answer in [
        Answer::Hang,
        Answer::Endless,
        Answer::Status(500),
        redirect,
        Answer::Keys(json!({"keys": []})),
        Answer::Keys(json!({"keys": [], "padding": "x".repeat(600 * 1024)})),
    ] {
        let clock = ManualClock::new();
        let issuer = Issuer::start(answer).await;
        let authn = issuer.authenticator(&clock);
        let text = token("a", &clock);
        let fetch = verdict(&authn, &text);
        let bounded = tokio::time::timeout(Duration::from_secs(20), fetch).await;
        let got = bounded.expect("a fetch has its own limit");
        assert_eq!(got, Err(FailureReason::KeysUnavailable));
        // Nobody knows yet, and asking again at once does not make it better.
        let again = verdict(&authn, &token("a", &clock)).await;
        assert_eq!(again, Err(FailureReason::KeysUnavailable));
        assert_eq!(issuer.fetches(), 1);
        issuer.set(Answer::Keys(set(&[&key("a")])));
        clock.advance(Duration::from_secs(10));
        assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    }
    assert_eq!(elsewhere.fetches(), 0, "a redirect was followed");
}

#[tokio::test]
async fn s15_while_the_issuer_is_down_the_keys_at_hand_are_used_up_to_a_limit() {
    let clock = ManualClock::new();
    let issuer = Issuer::start(Answer::Keys(set(&[&key("a")]))).await;
    let authn = issuer.authenticator(&clock);
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    issuer.set(Answer::Status(503));
    for _ in 0..23 {
        clock.advance(Duration::from_secs(3600));
        assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    }
    // Whether there is such a key cannot be told: an outage, not a bad token.
    let unknown = verdict(&authn, &token("b", &clock)).await;
    assert_eq!(unknown, Err(FailureReason::KeysUnavailable));
    clock.advance(Duration::from_secs(3600));
    let too_old = verdict(&authn, &token("a", &clock)).await;
    assert_eq!(too_old, Err(FailureReason::KeysUnavailable));
    let Outcome::Failed(failure) = ask(&authn, &token("a", &clock)).await else {
        panic!("taken");
    };
    assert!(failure.reason().is_outage() && failure.bearer_error().is_none());
    issuer.set(Answer::Keys(set(&[&key("a")])));
    clock.advance(Duration::from_secs(10));
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
}

#[tokio::test]
async fn s28_a_caller_that_hangs_up_does_not_stop_the_fetch() {
    let clock = ManualClock::new();
    let go = Arc::new(Notify::new());
    let issuer = Issuer::start(Answer::Held(set(&[&key("a")]), Arc::clone(&go))).await;
    let authn = Arc::new(issuer.authenticator(&clock));
    let (asker, text) = (Arc::clone(&authn), token("a", &clock));
    let asked = tokio::spawn(async move { verdict(&asker, &text).await });
    while issuer.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    go.notify_one();
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn s24_a_duplicate_kid_in_a_fetched_set_changes_nothing() {
    let clock = ManualClock::new();
    let issuer = Issuer::start(Answer::Keys(set(&[&key("a")]))).await;
    let authn = issuer.authenticator(&clock);
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    let other = signer(&P256, Algorithm::ES256).with_kid("a");
    issuer.set(Answer::Keys(set(&[&key("a"), &other])));
    clock.advance(Duration::from_secs(600));
    assert!(verdict(&authn, &token("a", &clock)).await.is_ok());
    let by_other = other.sign(&good(&clock)).unwrap();
    assert_eq!(
        verdict(&authn, &by_other).await,
        Err(FailureReason::KeysUnavailable)
    );
}

#[test]
fn keys_come_by_https_or_from_this_machine() {
    let clock = ManualClock::new();
    let build = |url: &str| builder(&clock).jwks_url(url).build().map(|_| ());
    for fine in [
        "http://localhost:1/k",
        "http://127.9.9.9/k",
        "http://[::1]:8/k",
    ] {
        assert!(build(fine).is_ok(), "{fine} was refused");
    }
    for plain in [
        "http://login.example.com/k",
        "http://127.0.0.1.example.com/",
        "ftp://localhost/",
    ] {
        assert!(
            matches!(
                build(plain),
                Err(JwtConfigError::Url(JwksUrlError::PlainText(_)))
            ),
            "{plain} was taken"
        );
    }
    for odd in [
        "",
        "/jwks",
        "localhost",
        "https://a@login.example.com/k",
        "http://x@localhost/",
    ] {
        assert!(
            matches!(
                build(odd),
                Err(JwtConfigError::Url(JwksUrlError::Invalid(_)))
            ),
            "{odd} was taken"
        );
    }
}
