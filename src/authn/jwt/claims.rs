//! What a verified token has to say before it is believed.

use std::time::Duration;

use serde_json::Value;

use crate::authn::mapping::Claims;
use crate::authn::{Failure, FailureReason};
use crate::domain::{Method, Timestamp};

/// What is asked of the registered claims (RFC 7519, section 4.1).
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) issuer: Box<str>,
    /// A token is for us when it names any of these.
    pub(super) audiences: Vec<Box<str>>,
    pub(super) leeway: Duration,
}

impl Expected {
    /// For how long from `now` the token with `claims` holds, leeway included.
    pub(super) fn check(&self, claims: &Claims, now: Timestamp) -> Result<Duration, Failure> {
        let expires = date(claims, "exp")?.ok_or_else(|| missing("exp"))?;
        let issuer = text(claims, "iss")?.ok_or_else(|| missing("iss"))?;
        if issuer != &*self.issuer {
            let detail = format!("the issuer is {:?}", super::token::cut(issuer));
            return Err(fail(FailureReason::WrongIssuer, detail));
        }
        if !self.is_audience(claims)? {
            let detail = format!("the audience is none of {:?}", self.audiences);
            return Err(fail(FailureReason::WrongAudience, detail));
        }
        let end = expires.after(self.leeway);
        if end <= now {
            let detail = format!("it expired at {expires}, and it is {now}");
            return Err(fail(FailureReason::Expired, detail));
        }
        for name in ["nbf", "iat"] {
            if let Some(start) = date(claims, name)?
                && start > now.after(self.leeway)
            {
                let detail = format!("its {name} is {start}, and it is {now}");
                return Err(fail(FailureReason::NotYetValid, detail));
            }
        }
        Ok(end.since(now))
    }

    fn is_audience(&self, claims: &Claims) -> Result<bool, Failure> {
        let is_ours = |name: &str| self.audiences.iter().any(|ours| **ours == *name);
        match claims.get("aud") {
            None | Some(Value::Null) => Err(missing("aud")),
            Some(Value::String(name)) => Ok(is_ours(name)),
            Some(Value::Array(names)) => {
                let names: Option<Vec<_>> = names.iter().map(Value::as_str).collect();
                let names = names.ok_or_else(|| bad("aud", "a list of texts"))?;
                Ok(names.into_iter().any(is_ours))
            }
            Some(_) => Err(bad("aud", "a text or a list of texts")),
        }
    }
}

/// The text of a claim. A number is no text (RFC 7519 has `sub` and `iss` as strings).
pub(super) fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, Failure> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(name, "a text")),
    }
}

/// A NumericDate: seconds since 1970, possibly with a fraction.
fn date(claims: &Claims, name: &str) -> Result<Option<Timestamp>, Failure> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(seconds)) => {
            let seconds = seconds.as_f64().filter(|s| s.is_finite());
            let seconds = seconds.ok_or_else(|| bad(name, "a date"))?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "clamped to four-digit years"
            )]
            let millis = (seconds.clamp(0.0, LAST_SECOND) * 1000.0) as i64;
            Ok(Some(Timestamp::from_unix_millis(millis)))
        }
        Some(_) => Err(bad(name, "a number")),
    }
}

pub(super) fn fail(reason: FailureReason, detail: impl Into<String>) -> Failure {
    Failure::new(Method::Jwt, reason, detail)
}

pub(super) fn missing(name: &str) -> Failure {
    fail(
        FailureReason::MissingClaim,
        format!("the claim `{name}` is absent"),
    )
}

pub(super) fn bad(name: &str, expected: &str) -> Failure {
    fail(
        FailureReason::BadClaim,
        format!("the claim `{name}` is not {expected}"),
    )
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: f64 = 253_402_300_799.0;
