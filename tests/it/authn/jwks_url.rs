//! S28: keys at an address.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use gatepass::authn::jwt::SigningKey;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use crate::kit::tokens::{JWT, claims, new_key};
use crate::kit::{House, PORTS, upstream};

/// What an issuer of tokens answers when it is asked for its keys.
#[derive(Clone)]
enum Answer {
    Keys(String),
    Status(u16),
    /// The head, and never a body.
    Never,
    Endless,
}

/// An issuer, and how often it was asked.
struct Issuer {
    house: House,
    asked: Arc<AtomicUsize>,
    answer: watch::Sender<Answer>,
}

impl Issuer {
    async fn with(answer: Answer) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = watch::channel(answer);
        let count = Arc::clone(&asked);
        let address = upstream::raw(move |mut stream| {
            let (receiver, count) = (receiver.clone(), Arc::clone(&count));
            async move {
                let _ = stream.read(&mut [0; 4096]).await;
                count.fetch_add(1, Ordering::SeqCst);
                let answer = receiver.borrow().clone();
                let text = match answer {
                    Answer::Keys(ref keys) => format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{keys}",
                        keys.len()
                    ),
                    Answer::Status(status) => format!(
                        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    ),
                    Answer::Never | Answer::Endless => {
                        "HTTP/1.1 200 OK\r\n\r\n{\"keys\":[".to_owned()
                    }
                };
                let _ = stream.write_all(text.as_bytes()).await;
                match answer {
                    Answer::Never => drop(stream.read(&mut [0; 1]).await),
                    Answer::Endless => while stream.write_all(&[b' '; 65536]).await.is_ok() {},
                    _ => {}
                }
            }
        })
        .await;
        let jwt = JWT
            .replace(
                "key_file = \"jwt-public.pem\"",
                &format!("jwks_url = \"http://{address}/jwks\""),
            )
            .replace("EdDSA", "ES256");
        Self {
            house: House::with(&format!("{PORTS}{jwt}")).await,
            asked,
            answer: sender,
        }
    }

    async fn status(&self, token: &str) -> u16 {
        self.house.script().bearer(token).get("/jwt/x").await.status
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn jwks(keys: &[&SigningKey]) -> Answer {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk().unwrap()).collect();
    Answer::Keys(json!({ "keys": keys }).to_string())
}

fn token(key: &SigningKey, user: &str) -> String {
    key.sign(&claims(user, json!({}))).unwrap()
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_who_wait() {
    let key = new_key("one");
    let issuer = Issuer::with(jwks(&[&key])).await;
    let tokens: Vec<_> = (0..30)
        .map(|user| token(&key, &format!("u{user}")))
        .collect();
    let statuses = join_all(tokens.iter().map(|token| issuer.status(token))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn s28_unknown_keys_drive_no_fetches() {
    let key = new_key("one");
    let issuer = Issuer::with(jwks(&[&key])).await;
    assert_eq!(issuer.status(&token(&key, "ann")).await, 200);
    // A hundred tokens of as many keys: at most one more fetch within its interval.
    let made_up: Vec<_> = (0..100)
        .map(|number| token(&new_key(&format!("made up {number}")), "eve"))
        .collect();
    let statuses = join_all(made_up.iter().map(|token| issuer.status(token))).await;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert!(issuer.asked() <= 2, "{}", issuer.asked());
    assert_eq!(issuer.status(&token(&key, "bob")).await, 200);
}

#[tokio::test]
async fn s28_an_issuer_that_does_not_answer_is_an_outage_within_a_time() {
    let key = new_key("one");
    for answer in [
        Answer::Status(500),
        Answer::Endless,
        Answer::Keys("no json".to_owned()),
        Answer::Status(302),
    ] {
        let issuer = Issuer::with(answer).await;
        // Nothing is known of the token: neither good nor bad.
        assert_eq!(issuer.status(&token(&key, "ann")).await, 503);
        assert!(issuer.house.upstream.seen().is_empty());
        assert_eq!(issuer.status(&token(&key, "ann")).await, 503);
        assert_eq!(issuer.asked(), 1, "it is not asked again at once");
    }
}

#[tokio::test]
async fn s28_a_slow_issuer_is_given_up_on() {
    let key = new_key("one");
    let issuer = Issuer::with(Answer::Never).await;
    let statuses =
        join_all((0..5).map(|_| async { issuer.status(&token(&key, "ann")).await })).await;
    assert_eq!(statuses, [503; 5]);
    assert_eq!(issuer.asked(), 1);
    issuer.answer.send_replace(jwks(&[&key]));
}
