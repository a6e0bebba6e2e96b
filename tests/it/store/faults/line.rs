//! A connection of somebody who goes on when there is no answer.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection that is made when it is needed, and again when it is gone.
#[derive(Default)]
pub(super) struct Line {
    stream: Option<(SocketAddr, TcpStream)>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// What it says about cookies.
    pub(super) set_cookie: Option<String>,
    pub(super) body: String,
}

impl Reply {
    /// The cookie it gives, as it is sent back.
    pub(super) fn cookie(&self) -> Option<String> {
        let cookie = self.set_cookie.as_deref()?.split(';').next()?;
        Some(cookie.to_owned())
    }
}

impl Line {
    /// The answer of the server at `to`; `None` when there is none, or only half of one.
    pub(super) async fn ask(&mut self, to: SocketAddr, request: &str) -> Option<Reply> {
        let was_used = self.stream.as_ref().is_some_and(|(at, _)| *at == to);
        let asked = tokio::time::timeout(PATIENCE, self.try_ask(to, request)).await;
        let reply = asked.ok().flatten();
        if reply.is_some() {
            return reply;
        }
        self.stream = None;
        if !was_used {
            return None;
        }
        // The server may have closed it while nobody used it, as every client knows.
        let asked = tokio::time::timeout(PATIENCE, self.try_ask(to, request)).await;
        let reply = asked.ok().flatten();
        if reply.is_none() {
            self.stream = None;
        }
        reply
    }

    async fn try_ask(&mut self, to: SocketAddr, request: &str) -> Option<Reply> {
        let stream = match &mut self.stream {
            Some((at, stream)) if *at == to => stream,
            other => {
                let stream = TcpStream::connect(to).await.ok()?;
                stream.set_nodelay(true).ok()?;
                &mut other.insert((to, stream)).1
            }
        };
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut said = Vec::new();
        let end = loop {
            if let Some(end) = said.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut said).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(said[..end].to_vec()).unwrap();
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let found = lines.find(|(field, _)| field.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned())
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = match value("content-length") {
            Some(length) => length.parse().unwrap(),
            None if status == 204 => 0,
            None => panic!("an answer without a length: {head}"),
        };
        let mut body = said.split_off(end + 4);
        while body.len() < length {
            if stream.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        if value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.stream = None;
        }
        Some(Reply {
            status,
            set_cookie: value("set-cookie"),
            body: String::from_utf8(body).unwrap(),
        })
    }
}
