//! The upstream of the proxy benchmark: answers every request with 1 KiB, as fast as it can.
//!
//! `upstream ADDRESS`. It reads to the end of each request's head and no further, so send it
//! requests without bodies. `GET /connections` tells how many connections it has accepted,
//! `GET /head` shows the head of the request, and `GET /empty` is answered without a body.

use std::cell::Cell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: upstream ADDRESS");
    let listener = TcpListener::bind(address).await?;
    let accepted = Rc::new(Cell::new(0_u64));
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            loop {
                let (stream, _) = listener.accept().await?;
                accepted.set(accepted.get() + 1);
                let accepted = Rc::clone(&accepted);
                tokio::task::spawn_local(async move { converse(stream, &accepted).await });
            }
        })
        .await
}

/// Answers until the client goes or something is odd; then the connection just ends.
async fn converse(mut stream: TcpStream, accepted: &Cell<u64>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let page = answer(&"x".repeat(1024));
    let mut buffer = vec![0; 16 * 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        while let Some(end) = end_of_head(&buffer[..filled]) {
            let head = &buffer[..end];
            if head.starts_with(b"GET /connections ") {
                let text = answer(&accepted.get().to_string());
                stream.write_all(&text).await?;
            } else if head.starts_with(b"GET /head ") {
                let text = answer(&String::from_utf8_lossy(head));
                stream.write_all(&text).await?;
            } else if head.starts_with(b"GET /empty ") {
                stream.write_all(&answer("")).await?;
            } else {
                stream.write_all(&page).await?;
            }
            buffer.copy_within(end..filled, 0);
            filled -= end;
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = b"\r\n\r\n";
    let at = bytes.windows(4).position(|window| window == end)?;
    Some(at + 4)
}

fn answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
