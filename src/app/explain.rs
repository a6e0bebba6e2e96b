//! What becomes of a request, without sending it.

use std::fmt;

use http::Uri;

use super::options::{AuthnMethod, GatewayOptions};
use crate::domain::RequestPath;
use crate::layer::Gate;
use crate::proxy::router::{Place, Router};

/// What the gateway would do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    space: String,
    name: String,
    path: String,
    forwarded: String,
    upstreams: Vec<String>,
    authn: Vec<&'static str>,
    reserved: bool,
    rules: Vec<String>,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The text is no URL.
    #[error("`{0}` is not an absolute URL such as https://sales.example.com/admin")]
    NotAUrl(String),
    /// It leads nowhere.
    #[error("the request leads to no space: {0}")]
    Unrouted(#[from] crate::proxy::router::RouteError),
}

impl Explanation {
    /// What a gateway with `options` would do with a `method` request for `url`.
    ///
    /// # Errors
    ///
    /// When `url` is no URL, or no space answers to it.
    pub fn of(options: &GatewayOptions, method: &str, url: &str) -> Result<Self, ExplainError> {
        let not_a_url = || ExplainError::NotAUrl(url.to_owned());
        let (_, rest) = url.split_once("://").ok_or_else(not_a_url)?;
        // Split by hand: what a URL library would tidy up is just what is to be explained.
        let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let raw = target
            .split(['?', '#'])
            .next()
            .filter(|path| !path.is_empty())
            .unwrap_or("/");
        authority.parse::<Uri>().map_err(|_| not_a_url())?;
        let router = Router::new(options.spaces.iter().map(|space| {
            let place = Place {
                hosts: space.hosts.clone(),
                prefix: space.prefix.clone(),
            };
            (place, std::sync::Arc::new(space.clone()))
        }));
        let routed = router.route(Some(authority), raw)?;
        let space = &**routed.target;
        let below: RequestPath<'_> = routed.path.below(routed.prefix_len);
        let forwarded = if space.strip_prefix {
            &below
        } else {
            &routed.path
        };
        Ok(Self {
            space: space.id.to_string(),
            name: space.name.clone(),
            path: routed.path.as_str().to_owned(),
            forwarded: forwarded.as_str().to_owned(),
            upstreams: space.upstreams.iter().map(ToString::to_string).collect(),
            authn: space.authn.iter().map(AuthnMethod::as_str).collect(),
            reserved: Gate::is_reserved(below.as_str())
                || space.qlik.endpoints && Gate::is_qlik_endpoint(below.as_str()),
            rules: space
                .access
                .covering(&method.to_ascii_uppercase(), &below)
                .map(ToString::to_string)
                .collect(),
        })
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({
            "space": self.space,
            "name": self.name,
            "path": self.path,
            "own": self.reserved,
            "forwardedPath": self.forwarded,
            "upstream": self.upstreams,
            "authn": self.authn,
            "accessRules": self.rules,
        })
        .to_string()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "space      {} ({})", self.space, self.name)?;
        writeln!(f, "path       {}", self.path)?;
        if self.reserved {
            return writeln!(f, "answered   by the gateway itself");
        }
        writeln!(f, "authn      {}", self.authn.join(", then "))?;
        for rule in &self.rules {
            writeln!(f, "rule       {rule}")?;
        }
        writeln!(
            f,
            "forwarded  {} to {}",
            self.forwarded,
            self.upstreams.join(" or ")
        )
    }
}
