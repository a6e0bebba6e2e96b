//! One bounded GET: how keys come over the network.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Scheme, Uri};
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Fetches one document. Redirects are not followed: they would lead away from the address
/// that was configured.
pub(super) struct Fetcher {
    url: Uri,
    client: Transport,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    pub(super) max_body: usize,
}

enum Transport {
    Tls(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>),
    Plain(Client<HttpConnector, Empty<Bytes>>),
}

/// Why an address cannot be fetched from, ever.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwksUrlError {
    /// It is no absolute address without user information.
    #[error("`{0}` is not an absolute https address")]
    Invalid(String),
    /// It would be read in plain text over a network.
    #[error("`{0}` is not https: keys in plain text are taken from this machine only")]
    PlainText(String),
    /// The machine's certificate authorities cannot be read.
    #[error("the machine's trusted certificates cannot be read")]
    Roots(#[source] std::io::Error),
}

/// Why a fetch brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the request failed")]
    Request(#[source] hyper_util::client::legacy::Error),
    #[error("the answer has status {0}")]
    Status(u16),
    #[error("the answer was cut short or is longer than {limit} bytes")]
    Body {
        limit: usize,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Fetcher {
    pub(super) fn new(url: &str, limits: Limits) -> Result<Self, JwksUrlError> {
        let shown = || url.chars().take(200).collect::<String>();
        let uri: Uri = url.parse().map_err(|_| JwksUrlError::Invalid(shown()))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(JwksUrlError::Invalid(shown()));
        };
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(JwksUrlError::Invalid(shown()));
        }
        let client = if *scheme == Scheme::HTTPS {
            Transport::Tls(tls_client()?)
        } else if *scheme == Scheme::HTTP && is_this_machine(authority.host()) {
            Transport::Plain(Client::builder(TokioExecutor::new()).build_http())
        } else {
            return Err(JwksUrlError::PlainText(shown()));
        };
        Ok(Self {
            url: uri,
            client,
            limits,
        })
    }

    pub(super) fn url(&self) -> &Uri {
        &self.url
    }

    /// The document. The time limit is for all of it: name, connection, head and body.
    pub(super) async fn get(&self) -> Result<Bytes, FetchError> {
        tokio::time::timeout(self.limits.timeout, self.get_unbounded())
            .await
            .unwrap_or(Err(FetchError::Timeout(self.limits.timeout)))
    }

    async fn get_unbounded(&self) -> Result<Bytes, FetchError> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.url.clone();
        let accept = header::HeaderValue::from_static("application/jwk-set+json, application/json");
        request.headers_mut().insert(header::ACCEPT, accept);
        let answer = match &self.client {
            Transport::Tls(client) => client.request(request).await,
            Transport::Plain(client) => client.request(request).await,
        }
        .map_err(FetchError::Request)?;
        if answer.status().as_u16() != 200 {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let limit = self.limits.max_body;
        Limited::new(answer.into_body(), limit)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .map_err(|source| FetchError::Body { limit, source })
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("url", &self.url)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn tls_client() -> Result<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>, JwksUrlError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(JwksUrlError::Roots)?
        .https_only()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
