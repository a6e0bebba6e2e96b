//! A WebSocket's client.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::soon;

pub(crate) struct Socket<IO = TcpStream>(WebSocketStream<IO>);

impl Socket {
    /// Opens one; the status that came instead.
    pub(crate) async fn open(
        edge: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let stream = soon(TcpStream::connect(edge)).await.unwrap();
        Self::over(stream, &format!("ws://{edge}{path}"), headers).await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Socket<IO> {
    /// Opens one over a connection that is there already.
    pub(crate) async fn over(stream: IO, url: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        match soon(client_async(request, stream)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends `text` and waits for it to come back.
    pub(crate) async fn echo(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
        let back = soon(self.0.next()).await.unwrap().unwrap();
        assert_eq!(back.into_text().unwrap().as_str(), text);
    }

    /// Sends `message` as it is.
    pub(crate) async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next message, a ping, a pong or a close too; nothing when the connection is cut.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        soon(self.0.next()).await.and_then(Result::ok)
    }

    /// The code that the other side closes with, when it does.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match soon(self.0.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("cut without a close frame: {other:?}"),
            }
        }
    }
}
