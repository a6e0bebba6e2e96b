//! HTTP/1 by hand: every byte is the test's own, and every byte of the answer is looked at.
//! Over TLS, too.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::soon;

/// What a [`Wire`] may go over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Io for IO {}

/// Makes connections that are not plain.
pub(crate) type Dial =
    Arc<dyn Fn(SocketAddr) -> Pin<Box<dyn Future<Output = Box<dyn Io>> + Send>> + Send + Sync>;

/// A connection.
pub(crate) struct Wire<IO = TcpStream> {
    pub(crate) stream: IO,
    unread: Vec<u8>,
}

/// A response that came whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self::of(soon(TcpStream::connect(to)).await.unwrap())
    }

    /// From another address of this machine: every 127.x.y.z is one.
    pub(crate) async fn connect_from(from: IpAddr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self::of(soon(socket.connect(to)).await.unwrap())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Wire<IO> {
    pub(crate) fn over(stream: IO) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends `bytes`. That the other side has closed already is for the reader to see.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = soon(self.stream.write_all(bytes.as_ref())).await;
    }

    /// Sends a request without a body and reads its response.
    pub(crate) async fn ask(&mut self, head: &str) -> Answer {
        let method = head.split(' ').next().unwrap_or_default().to_owned();
        self.send(head).await;
        self.response_to(&method).await
    }

    pub(crate) async fn response(&mut self) -> Answer {
        self.response_to("GET").await
    }

    /// Reads the final response to a request with `method`.
    pub(crate) async fn response_to(&mut self, method: &str) -> Answer {
        loop {
            let (status, headers) = self.head().await.expect("a response and not an end");
            if status == 100 || status == 103 {
                continue;
            }
            let mut answer = Answer {
                status,
                headers,
                trailers: HeaderMap::new(),
                body: Vec::new(),
            };
            let bodiless = method == "HEAD" || status < 200 || status == 204 || status == 304;
            if bodiless {
                return answer;
            }
            if answer.header("transfer-encoding") == "chunked" {
                while let Some(chunk) = self.chunk().await {
                    answer.body.extend_from_slice(&chunk);
                }
                answer.trailers = self.fields().await;
            } else if let Ok(length) = answer.header("content-length").parse::<usize>() {
                answer.body = self.exactly(length).await.expect("the whole body");
            } else {
                answer.body = self.rest().await;
            }
            return answer;
        }
    }

    /// The next head; nothing when the connection ends before it.
    pub(crate) async fn head(&mut self) -> Option<(u16, HeaderMap)> {
        let line = self.line().await?;
        let mut words = line.splitn(3, ' ');
        assert!(words.next().unwrap().starts_with("HTTP/1."), "{line:?}");
        let status = words.next().unwrap().parse().unwrap();
        Some((status, self.fields().await))
    }

    /// Header fields up to the empty line.
    async fn fields(&mut self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        loop {
            let line = self.line().await.expect("an empty line");
            let Some((name, value)) = line.split_once(':') else {
                assert_eq!(line, "");
                return fields;
            };
            fields.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::from_bytes(value.trim().as_bytes()).unwrap(),
            );
        }
    }

    /// The next chunk; nothing at the last. Panics when the connection ends first.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        self.try_chunk().await.expect("a chunk and not an end")
    }

    /// The next chunk, nothing at the last; an error when the connection ends first.
    pub(crate) async fn try_chunk(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let line = self.line().await.ok_or(())?;
        let length = usize::from_str_radix(&line, 16).unwrap();
        if length == 0 {
            return Ok(None);
        }
        let mut chunk = self.exactly(length + 2).await.ok_or(())?;
        chunk.truncate(length);
        Ok(Some(chunk))
    }

    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.unread.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            if !self.fill().await {
                assert!(self.unread.is_empty(), "cut off after {:?}", self.unread);
                return None;
            }
        }
    }

    pub(crate) async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.unread.drain(..length).collect())
    }

    /// Everything until the connection ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.unread)
    }

    /// Whether the next thing to come is the end.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.fill().await
    }

    /// What has come without anybody asking for it.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// Reads some more; false at the end. A reset is an end, too.
    async fn fill(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match soon(self.stream.read(&mut piece)).await {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.unread.extend_from_slice(&piece[..read]);
                true
            }
        }
    }
}

impl Answer {
    /// The one value of a header; empty when there is none.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert_eq!(values.next(), None, "{name} stands twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> serde_json::Value {
        assert_eq!(self.status, status, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }

    /// Checks status and a part of the body, together.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, text: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        assert!(self.text().contains(text), "no {text:?} in {}", self.text());
        self
    }

    /// A redirect to `target`.
    #[track_caller]
    pub(crate) fn leads_to(&self, target: &str) -> &Self {
        assert_eq!(self.status, 303, "{}", self.text());
        assert_eq!(self.header("location"), target);
        self
    }

    /// All headers as text, for searching.
    pub(crate) fn all_headers(&self) -> String {
        format!("{:?}", self.headers)
    }
}
