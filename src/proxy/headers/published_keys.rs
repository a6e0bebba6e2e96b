//! The keys that applications verify assertions with: this gateway's, and those of the others
//! behind the same load balancer.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::AssertionKey;

/// Keys of others that are published at most.
const MAX_OTHERS: usize = 64;

/// Bytes of a coordinate on P-256.
const COORDINATE: usize = 32;

/// What `/.gatepass/jwks.json` answers: a key of our own that signs, and keys of others that do
/// so elsewhere. Cheap to clone; reading it never waits.
#[derive(Clone)]
pub struct PublishedKeys(Arc<Inner>);

struct Inner {
    own: Arc<AssertionKey>,
    json: ArcSwap<Bytes>,
}

/// A public key on P-256, from its JWK.
#[derive(Debug, Deserialize)]
struct PublicKey {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl PublishedKeys {
    /// `own` alone.
    #[must_use]
    pub fn new(own: Arc<AssertionKey>) -> Self {
        let json = ArcSwap::from_pointee(Bytes::from(own.jwks().to_owned()));
        Self(Arc::new(Inner { own, json }))
    }

    /// The key that signs here.
    #[must_use]
    pub fn own(&self) -> &Arc<AssertionKey> {
        &self.0.own
    }

    /// Publishes `others`, as JWKs, beside the own one from now on: at most 64 of them. What is
    /// no public key on P-256 is left out; of the rest, nothing but the key is taken over.
    pub fn put_others<'k>(&self, others: impl IntoIterator<Item = &'k str>) {
        let own = &self.0.own;
        let mut keys = vec![own.jwk()];
        for jwk in others.into_iter().filter_map(read) {
            if keys.len() > MAX_OTHERS {
                break;
            }
            if keys.iter().all(|known| known["kid"] != jwk["kid"]) {
                keys.push(jwk);
            }
        }
        // Always the same order, so that the same keys are the same answer.
        keys[1..].sort_by_key(|jwk| jwk["kid"].to_string());
        let json = json!({ "keys": keys }).to_string();
        if *json.as_bytes() != **self.0.json.load_full() {
            self.0.json.store(Arc::new(Bytes::from(json)));
        }
    }

    /// The keys as a JWK Set (RFC 7517).
    #[must_use]
    pub fn json(&self) -> Bytes {
        Bytes::clone(&self.0.json.load())
    }
}

impl fmt::Debug for PublishedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublishedKeys").field(&self.0.own).finish()
    }
}

fn read(jwk: &str) -> Option<Value> {
    let key: PublicKey = serde_json::from_str(jwk).ok()?;
    let is_coordinate = |text: &str| {
        let decoded = URL_SAFE_NO_PAD.decode(text);
        decoded.is_ok_and(|bytes| bytes.len() == COORDINATE)
    };
    let fits = key.kty == "EC" && key.crv == "P-256";
    (fits && is_coordinate(&key.x) && is_coordinate(&key.y)).then(|| render(&key.x, &key.y))
}

/// The JWK of the point whose coordinates are encoded as `x` and `y`.
pub(super) fn render(x: &str, y: &str) -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "x": x, "y": y,
        "kid": thumbprint(x, y), "alg": "ES256", "use": "sig",
    })
}

/// RFC 7638, section 3.2: the required members, in this order, without blanks.
pub(super) fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AssertionKey {
        AssertionKey::generate().unwrap()
    }

    fn ids(keys: &PublishedKeys) -> Vec<String> {
        let set: Value = serde_json::from_slice(&keys.json()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        let ids = keys.iter().map(|jwk| jwk["kid"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    #[test]
    fn keys_of_others_stand_behind_the_own_one() {
        let published = PublishedKeys::new(Arc::new(key()));
        let own = published.own().id().to_owned();
        assert_eq!(ids(&published), std::slice::from_ref(&own));
        let (a, b) = (key(), key());
        let (jwk_a, jwk_b) = (a.jwk().to_string(), b.jwk().to_string());
        let with_own = published.own().jwk().to_string();
        published.put_others([jwk_a.as_str(), &jwk_b, &jwk_a, &with_own]);
        let mut wanted = vec![a.id().to_owned(), b.id().to_owned()];
        wanted.sort();
        wanted.insert(0, own.clone());
        assert_eq!(ids(&published), wanted);
        published.put_others([]);
        assert_eq!(ids(&published), [own]);
    }

    #[test]
    fn what_is_no_key_is_not_published_and_nothing_but_the_key_is() {
        let published = PublishedKeys::new(Arc::new(key()));
        let good = key();
        let mut more = good.jwk();
        more["d"] = "private".into();
        more["kid"] = "chosen".into();
        let mut short = key().jwk();
        short["x"] = "AAAA".into();
        let mut other_curve = key().jwk();
        other_curve["crv"] = "P-384".into();
        let all = [more, short, other_curve].map(|jwk| jwk.to_string());
        let all = all.iter().map(String::as_str);
        published.put_others(all.chain(["", "{}", r#"{"kty":"RSA"}"#]));
        assert_eq!(ids(&published).len(), 2);
        assert_eq!(ids(&published)[1], good.id());
        let text = String::from_utf8(published.json().to_vec()).unwrap();
        assert!(!text.contains("private") && !text.contains("chosen"));
    }

    #[test]
    fn their_number_is_bounded() {
        let published = PublishedKeys::new(Arc::new(key()));
        let many: Vec<String> = (0..70).map(|_| key().jwk().to_string()).collect();
        published.put_others(many.iter().map(String::as_str));
        assert_eq!(ids(&published).len(), 1 + MAX_OTHERS);
    }
}
