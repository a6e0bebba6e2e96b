//! Request targets as people and scripts type them, with `"`, `<` and `>` as they are.
//!
//! A query as `query="(end_time=null)"` should come percent-encoded (RFC 3986, section 2);
//! curl, among others, sends it as it was typed, and the HTTP library refuses such a target
//! before any of our code sees it. So these three bytes are percent-encoded on their way in,
//! in the query of a request line and nowhere else. Where request lines are is told by the
//! strict framing of [`net`](crate::net): a connection on which it finds anything amiss is
//! passed on as it is from there on, for the HTTP library to judge.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::strict_h1::{Limits, RequestFraming, Verdict};

/// A connection whose request targets are encoded as they should be.
#[derive(Debug)]
pub(super) struct RawTargets<IO> {
    io: IO,
    encoder: Encoder,
    /// Bytes that were read, encoded and not yet given, from `given` on.
    ready: Vec<u8>,
    given: usize,
}

#[derive(Debug)]
struct Encoder {
    /// `None` once something was amiss.
    framing: Option<RequestFraming>,
    place: Place,
}

/// Where in a request the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before its first byte; empty lines may come first.
    Before,
    /// In the request line, before the query.
    Line,
    /// In the query.
    Query,
    /// Behind the request line.
    Behind,
}

impl<IO> RawTargets<IO> {
    /// Over `io`, on which nothing has been read yet. `limits` are those of the server.
    pub(super) fn new(io: IO, limits: Limits) -> Self {
        Self {
            io,
            encoder: Encoder {
                framing: Some(RequestFraming::new(limits)),
                place: Place::Before,
            },
            ready: Vec::new(),
            given: 0,
        }
    }
}

impl Encoder {
    /// Writes what `bytes` should have been.
    fn encode(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for (at, byte) in bytes.iter().enumerate() {
            let Some(framing) = &mut self.framing else {
                out.extend_from_slice(&bytes[at..]);
                return;
            };
            self.place = match (self.place, byte) {
                (Place::Before, b'\r' | b'\n') => Place::Before,
                (Place::Before, _) => Place::Line,
                (Place::Line, b'?') => Place::Query,
                (Place::Line | Place::Query, b'\n') => Place::Behind,
                (place, _) => place,
            };
            match (self.place, byte) {
                (Place::Query, b'"') => out.extend_from_slice(b"%22"),
                (Place::Query, b'<') => out.extend_from_slice(b"%3C"),
                (Place::Query, b'>') => out.extend_from_slice(b"%3E"),
                _ => out.push(*byte),
            }
            // The framing is that of the bytes as they came; the line is longer now, and ends
            // at the same byte.
            match framing.advance(&[*byte]) {
                Verdict::Accept if !framing.in_head() && !framing.in_body() => {
                    self.place = Place::Before;
                }
                Verdict::Accept => {}
                Verdict::Hold { .. } | Verdict::Refuse { .. } => self.framing = None,
            }
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for RawTargets<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.given == this.ready.len() {
            if this.encoder.framing.is_none() {
                return Pin::new(&mut this.io).poll_read(cx, buf);
            }
            let mut chunk = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut chunk))?;
            this.ready.clear();
            this.given = 0;
            this.encoder.encode(chunk.filled(), &mut this.ready);
        }
        let rest = &this.ready[this.given..];
        let count = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..count]);
        this.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for RawTargets<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// Bytes that are read at a time.
const CHUNK: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of `bytes`, read in pieces of `size`.
    fn encoded(bytes: &[u8], size: usize) -> String {
        let mut connection = RawTargets::new((), Limits::default());
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            connection.encoder.encode(piece, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        for size in [1, 2, 3, 7, raw.len()] {
            assert_eq!(
                encoded(raw.as_bytes(), size),
                expected,
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn only_queries_of_request_lines_are_encoded() {
        let body = r#"{"data":["<?>"]}"#;
        let head = format!(
            "Host: \"x\"\r\nX: ?\"<\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let chunked = format!(
            "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\nX: \"\r\n\r\n",
            body.len()
        );
        let raw = format!(
            "PUT /\"a\"?q=\"x<1>\"?\" HTTP/1.1\r\n{head}{body}\
             \r\nPOST /?\" HTTP/1.1\r\n{chunked}\
             GET /?a>b HTTP/1.1\r\nHost: x\r\n\r\nGET /?\""
        );
        let expected = format!(
            "PUT /\"a\"?q=%22x%3C1%3E%22?%22 HTTP/1.1\r\n{head}{body}\
             \r\nPOST /?%22 HTTP/1.1\r\n{chunked}\
             GET /?a%3Eb HTTP/1.1\r\nHost: x\r\n\r\nGET /?%22"
        );
        check(&raw, &expected);
    }

    #[test]
    fn s34_behind_doubtful_framing_nothing_is_touched() {
        let next = "GET /?\" HTTP/1.1\r\nHost: x\r\n\r\n";
        for doubtful in [
            "GET / HTTP/1.1\nHost: x\n\n",
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ] {
            let raw = format!("{doubtful}{next}");
            check(&raw, &raw);
        }
    }
}
