//! A JSON body, which may come compressed.

use std::io::Read as _;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;

use super::fault::{Fault, FaultKind};
use crate::admin::guard::is_json;

/// The body, in which members that are not known are ignored.
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        // No page of another site can send this type without asking first (S31).
        if !is_json(request.headers()) {
            let why = "the body is not declared as application/json";
            return Err(Fault::new(FaultKind::UnsupportedBody, why));
        }
        let compressed = is_gzip(request.headers())?;
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(not_received)?;
        let bytes = if compressed {
            inflate(&bytes)?.into()
        } else {
            bytes
        };
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let why = format!("the body is not understood: {error}");
            Fault::new(FaultKind::IllegalBody, why)
        })
    }
}

fn not_received(rejection: BytesRejection) -> Fault {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => too_large(),
        _ => Fault::new(FaultKind::IllegalBody, "the body did not come whole"),
    }
}

fn too_large() -> Fault {
    Fault::new(
        FaultKind::BodyTooLarge,
        format!("the body is larger than {MAX_BODY} bytes"),
    )
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Fault> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let encoding = match (encodings.next().map(HeaderValue::to_str), encodings.next()) {
        (None, _) => return Ok(false),
        (Some(Ok(one)), None) => one.trim().to_ascii_lowercase(),
        _ => String::new(),
    };
    match encoding.as_str() {
        "identity" => Ok(false),
        // RFC 9110, section 8.4.1.3: both names are the same.
        "gzip" | "x-gzip" => Ok(true),
        _ => Err(Fault::new(
            FaultKind::UnsupportedBody,
            "of content encodings only gzip is understood",
        )),
    }
}

/// What `bytes` are the gzip of, if that is not too large: a few bytes may stand for many.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut inflated = Vec::new();
    let limit = u64::try_from(MAX_BODY).expect("a small number") + 1;
    MultiGzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut inflated)
        .map_err(|_| Fault::new(FaultKind::IllegalBody, "the body is not gzip"))?;
    if inflated.len() > MAX_BODY {
        return Err(too_large());
    }
    Ok(inflated)
}

/// Bytes of a body, before and after it is inflated.
pub(super) const MAX_BODY: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let largest = vec![b' '; MAX_BODY];
        assert_eq!(inflate(&gzip(&largest)).unwrap(), largest);
        let bomb = gzip(&vec![b' '; 64 * MAX_BODY]);
        assert!(bomb.len() < MAX_BODY / 8);
        assert_eq!(
            inflate(&bomb).unwrap_err().code(),
            "platform.body_too_large"
        );
        let several = [gzip(&largest), gzip(b"x")].concat();
        assert!(inflate(&several).is_err());
    }

    #[test]
    fn what_is_no_gzip_is_refused() {
        let whole = gzip(br#"{"data":[]}"#);
        for broken in [&b"{}"[..], &whole[..whole.len() - 1], &whole[1..]] {
            let fault = inflate(broken).unwrap_err();
            assert_eq!(fault.code(), "platform.illegal_body");
        }
    }
}
