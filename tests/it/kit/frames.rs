//! HTTP/2 by hand: frames that no honest client sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::soon;
use super::tls::Trust;

/// An HTTP/2 connection whose settings have been exchanged.
pub(crate) struct Frames {
    stream: TlsStream<TcpStream>,
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a response of this status (and there may be more to come).
    Status(u16),
    /// Its stream was reset with this error code.
    Reset(u32),
    /// So was the whole connection.
    Gone,
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

impl Frames {
    pub(crate) async fn connect(to: SocketAddr, trust: &Trust) -> Self {
        Self::with_window(to, trust, 65_535).await
    }

    /// A client that takes only so many bytes of each response, until it says more.
    pub(crate) async fn with_window(to: SocketAddr, trust: &Trust, window: u32) -> Self {
        let stream = trust.http2(to).await;
        let mut frames = Self { stream };
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        soon(frames.stream.write_all(preface)).await.unwrap();
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        frames.send(SETTINGS, 0, 0, &settings).await;
        frames
    }

    /// Sends a frame. That the other side has closed already is for the reader to see.
    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        let _ = soon(self.stream.write_all(&frame)).await;
    }

    /// Sends the head of a request; `flags` beside END_HEADERS.
    pub(crate) async fn head(&mut self, stream: u32, flags: u8, fields: &[(&str, &str)]) {
        self.send(HEADERS, flags | END_HEADERS, stream, &block(fields))
            .await;
    }

    /// The next frame that is not about settings or windows; nothing at the end. Pings are
    /// answered.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            let frame = soon(self.read()).await?;
            match (frame.kind, frame.flags & 1) {
                (SETTINGS, 0) => self.send(SETTINGS, 1, 0, &[]).await,
                (PING, 0) => self.send(PING, 1, 0, &frame.payload.clone()).await,
                (SETTINGS | PING | WINDOW_UPDATE, _) => {}
                _ => return Some(frame),
            }
        }
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// What becomes of the request on `stream`.
    pub(crate) async fn end_of(&mut self, stream: u32) -> End {
        while let Some(frame) = self.frame().await {
            match frame.kind {
                GOAWAY if frame.payload[4..8] != [0; 4] => return End::Gone,
                HEADERS if frame.stream == stream => return End::Status(status(&frame.payload)),
                RST_STREAM if frame.stream == stream => {
                    let code = frame.payload[..4].try_into().unwrap();
                    return End::Reset(u32::from_be_bytes(code));
                }
                _ => {}
            }
        }
        End::Gone
    }
}

/// A header block without compression: every field literal, never indexed (RFC 7541, section
/// 6.2.3).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0x10);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn length(block: &mut Vec<u8>, length: usize) {
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// The status, which stands first in a response's block: one of the static table, or a literal
/// whose name is there (RFC 7541, appendix A).
fn status(block: &[u8]) -> u16 {
    // A change of the table's size may come before.
    let block = match block {
        [0x20..=0x3f, rest @ ..] => rest,
        _ => block,
    };
    match block {
        [0x88, ..] => 200,
        [0x89, ..] => 204,
        [0x8a, ..] => 206,
        [0x8b, ..] => 304,
        [0x8c, ..] => 400,
        [0x8d, ..] => 404,
        [0x8e, ..] => 500,
        [0x48 | 0x08, length, rest @ ..] if *length < 128 => {
            std::str::from_utf8(&rest[..usize::from(*length)])
                .unwrap()
                .parse()
                .unwrap()
        }
        [0x48 | 0x08, length, rest @ ..] => digits(&rest[..usize::from(*length - 128)]),
        _ => panic!("{block:?}"),
    }
}

/// Digits in Huffman's code (RFC 7541, appendix B): 0 to 2 have five bits, the others six.
fn digits(code: &[u8]) -> u16 {
    let bits: Vec<u8> = code
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1))
        .collect();
    let (mut number, mut at) = (0, 0);
    while number < 100 {
        let take = |count: usize| {
            bits[at..at + count]
                .iter()
                .fold(0_u16, |n, b| n * 2 + u16::from(*b))
        };
        let digit = match take(5) {
            five @ 0..=2 => {
                at += 5;
                five
            }
            _ => {
                let six = take(6);
                at += 6;
                six - 0x19 + 3
            }
        };
        number = number * 10 + digit;
    }
    number
}
