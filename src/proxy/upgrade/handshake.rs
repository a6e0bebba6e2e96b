//! The agreement on an upgrade: the client asks, the upstream answers 101, the client gets
//! its own.

use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::tunnel::{self, TunnelEnd, TunnelOptions, TunnelReport};
use crate::proxy::body::ProxyBody;

/// A client's wish to change the protocol of its connection.
///
/// Dropped, the request is an ordinary one and so is its response.
#[derive(Debug)]
#[must_use = "an upgrade that is not asked of the upstream is lost"]
pub struct UpgradeRequest {
    client: OnUpgrade,
    /// The protocols offered, as the client wrote them.
    offer: HeaderValue,
}

/// An upgrade the upstream has agreed to.
#[derive(Debug)]
#[must_use = "both sides wait for the tunnel to start"]
pub struct Accepted {
    client: OnUpgrade,
    upstream: OnUpgrade,
    protocol: HeaderValue,
}

/// Why a response is not the agreement to an upgrade. All are the upstream's fault: a 502.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The status is not 101.
    #[error("the upstream answered {0} and not 101")]
    Refused(StatusCode),
    /// It switched to something that the client did not offer.
    #[error("the upstream switched to {chosen:?}, the client offered {offered:?}")]
    NotOffered {
        /// The upstream's choice.
        chosen: Option<HeaderValue>,
        /// What the client asked for.
        offered: HeaderValue,
    },
}

impl UpgradeRequest {
    /// Takes the wish for an upgrade off a client's request, if it has one.
    ///
    /// None is seen where the rules leave it to the server and obeying is dangerous: with a
    /// body, whose end would have to be told from the new protocol's start, and to `h2c`,
    /// which would open a way to the upstream past every rule here.
    #[expect(clippy::disallowed_methods, reason = "upgrades live here")]
    pub fn take<B: Body>(request: &mut Request<B>) -> Option<Self> {
        if !request.headers().contains_key(UPGRADE) {
            return None;
        }
        // Taken in any case: whoever holds it would get the connection at its end.
        let client = hyper::upgrade::on(&mut *request);
        let headers = request.headers();
        let mut offers = headers.get_all(UPGRADE).iter();
        let offer = offers.next()?.clone();
        let asked = request.version() == Version::HTTP_11
            && request.method() != Method::CONNECT
            && request.body().is_end_stream()
            && offers.next().is_none()
            && tokens(&offer).next().is_some()
            && tokens(&offer).all(|protocol| !protocol.eq_ignore_ascii_case(b"h2c"))
            && headers
                .get_all(CONNECTION)
                .iter()
                .any(|value| tokens(value).any(|token| token.eq_ignore_ascii_case(b"upgrade")));
        asked.then_some(Self { client, offer })
    }

    /// Writes the wish into the headers for the upstream, after the client's hop-by-hop
    /// headers have been removed.
    pub fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, self.offer.clone());
    }

    /// Whether a WebSocket is asked for.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        tokens(&self.offer).any(is_websocket)
    }

    /// Takes the upstream's agreement off its response: to be called with a 101, before its
    /// hop-by-hop headers are removed.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`] when it is none.
    #[expect(clippy::disallowed_methods, reason = "upgrades live here")]
    pub fn accept<B>(self, response: &mut Response<B>) -> Result<Accepted, UpgradeError> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpgradeError::Refused(response.status()));
        }
        let mut chosen = response.headers().get_all(UPGRADE).iter();
        let protocol = chosen.next().filter(|chosen| {
            let mut words = tokens(chosen);
            words.next().is_some_and(|word| {
                tokens(&self.offer).any(|offer| offer.eq_ignore_ascii_case(word))
            }) && words.next().is_none()
        });
        match (protocol, chosen.next()) {
            (Some(protocol), None) => Ok(Accepted {
                client: self.client,
                protocol: protocol.clone(),
                upstream: hyper::upgrade::on(&mut *response),
            }),
            _ => Err(UpgradeError::NotOffered {
                chosen: response.headers().get(UPGRADE).cloned(),
                offered: self.offer,
            }),
        }
    }
}

impl Accepted {
    /// Whether it is a WebSocket, whose frames the tunnel follows.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        tokens(&self.protocol).any(is_websocket)
    }

    /// Makes the client's 101 of the upstream's, whose hop-by-hop headers have been removed,
    /// and spawns the tunnel, which begins when the 101 has been written.
    pub fn start<B>(self, response: Response<B>, options: TunnelOptions) -> Response<ProxyBody> {
        let mut response = response.map(|_| ProxyBody::empty());
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, self.protocol.clone());
        tokio::spawn(self.run(options));
        response
    }

    async fn run(self, mut options: TunnelOptions) {
        let websocket = self.is_websocket();
        let on_close = options.on_close.take();
        let both = async { tokio::try_join!(self.client, self.upstream) };
        let report = match tokio::time::timeout(SWITCH, both).await {
            Ok(Ok((client, upstream))) => {
                let (client, upstream) = (TokioIo::new(client), TokioIo::new(upstream));
                tunnel::run(client, upstream, websocket, options).await
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a side left before its upgrade");
                TunnelReport::without_bytes(TunnelEnd::Failed)
            }
            Err(_) => TunnelReport::without_bytes(TunnelEnd::Failed),
        };
        if let Some(on_close) = on_close {
            on_close(report);
        }
    }
}

/// The members of a comma-separated list.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

fn is_websocket(protocol: &[u8]) -> bool {
    protocol.eq_ignore_ascii_case(b"websocket")
}

/// How long both sides may take to switch, once the upstream has agreed.
const SWITCH: Duration = Duration::from_secs(10);
