//! The body of a submitted form.

use bytes::Buf;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Body;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

/// Bytes of a form that are read.
const MAX_FORM: usize = 16 * 1024;

/// Whether the headers say that the body is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The form, when it is complete, is text and is not too large.
pub(super) async fn read_form<B>(body: B) -> Option<Zeroizing<String>>
where
    B: Body,
    B::Data: Buf,
{
    let mut bytes = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        if let Ok(mut data) = frame.ok()?.into_data() {
            if bytes.len() + data.remaining() > MAX_FORM {
                return None;
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                bytes.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
        }
    }
    String::from_utf8(bytes).ok().map(Into::into)
}
