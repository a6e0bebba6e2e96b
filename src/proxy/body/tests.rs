//! Through the whole front, against real servers on loopback.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::domain::EndReason;
use crate::proxy::front::{
    Front, TICK, connect, exchange, http_upstream, raw_upstream, read_head, read_response,
    read_until, soon,
};
use crate::proxy::upstream::{PoolStats, UpstreamSettings};
use crate::sessions::EndCause;

const GET: &str = "GET / HTTP/1.1\r\nhost: app\r\n\r\n";

/// An upstream that writes what the test tells it to, after the head of a request.
async fn told_upstream() -> (String, mpsc::Sender<&'static str>, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel::<&'static str>(1);
    let (ended, end) = mpsc::channel(1);
    let told = Arc::new(tokio::sync::Mutex::new(told));
    let (url, _) = raw_upstream(move |_, mut stream| {
        let (told, ended) = (Arc::clone(&told), ended.clone());
        async move {
            let mut told = told.lock().await;
            read_head(&mut stream).await;
            loop {
                tokio::select! {
                    text = told.recv() => match text {
                        Some(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                        None => break,
                    },
                    byte = stream.read_u8() => {
                        assert!(byte.is_err(), "more than a request");
                        ended.send(()).await.unwrap();
                        break;
                    }
                }
            }
        }
    })
    .await;
    (url, tell, end)
}

async fn front(url: &str) -> Front {
    Front::new(url, UpstreamSettings::default()).await
}

async fn end(front: &Front) {
    let cause = EndCause::because(EndReason::Terminated);
    let outcome = front.sessions.end(&front.session, cause).await.unwrap();
    assert!(outcome.session().is_some());
}

#[tokio::test]
async fn s17_an_event_stream_is_cut_when_its_session_ends() {
    for settled in [true, false] {
        an_event_stream_is_cut(settled).await;
    }
}

/// `settled`: the stream has been waiting for so long that the session knows of it.
async fn an_event_stream_is_cut(settled: bool) {
    let (url, tell, mut upstream_ended) = told_upstream().await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    client.write_all(GET.as_bytes()).await.unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                transfer-encoding: chunked\r\n\r\n";
    tell.send(head).await.unwrap();
    tell.send("9\r\ndata: 1\n\n\r\n").await.unwrap();
    let before = read_until(&mut client, "data: 1\n\n\r\n").await;
    assert!(before.starts_with("HTTP/1.1 200 OK"), "{before}");
    soon(async {
        while settled && front.sessions.tied() == 0 {
            tokio::time::sleep(TICK).await;
        }
    })
    .await;

    end(&front).await;
    let mut rest = Vec::new();
    // An aborted connection: an end without the last chunk.
    let _ = soon(client.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
    soon(upstream_ended.recv()).await.unwrap();
    assert_eq!(front.sessions.tied(), 0);
    assert_eq!(front.pool.stats()[0].1, PoolStats::default());
}

#[tokio::test]
async fn s17_a_stream_that_begins_after_the_end_is_cut_at_once() {
    let (url, tell, _ended) = told_upstream().await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    client.write_all(GET.as_bytes()).await.unwrap();
    end(&front).await;
    tell.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        .await
        .unwrap();
    let mut all = String::new();
    let _ = soon(client.read_to_string(&mut all)).await;
    assert!(!all.contains("hello"), "{all}");
}

#[tokio::test]
async fn a_short_body_of_known_length_is_not_tied() {
    let (url, tell, _ended) = told_upstream().await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    client.write_all(GET.as_bytes()).await.unwrap();
    tell.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        .await
        .unwrap();
    read_until(&mut client, "hello").await;
    end(&front).await;
    tell.send("world").await.unwrap();
    read_until(&mut client, "world").await;
}

#[tokio::test]
async fn a_long_body_is_tied_and_passes_whole() {
    let (url, _) =
        http_upstream(|_| Response::new(Full::from(Bytes::from(vec![b'x'; 300_000])))).await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    for _ in 0..3 {
        let (_, body) = exchange(&mut client, GET).await;
        assert_eq!(body.len(), 300_000);
    }
    assert_eq!(front.sessions.tied(), 0, "the ties end with their bodies");
}

#[tokio::test]
async fn a_connection_goes_back_to_the_pool_at_the_end_of_each_kind_of_body() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let known = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    let (url, connections) = raw_upstream(move |_, mut stream| async move {
        for answer in [chunked, known, empty, known, chunked] {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let front = front(&url).await;
    let mut client = connect(front.serve().await).await;
    for end in ["0\r\n\r\n", "hello", "\r\n\r\n", "hello", "0\r\n\r\n"] {
        client.write_all(GET.as_bytes()).await.unwrap();
        read_head(&mut client).await;
        if end != "\r\n\r\n" {
            read_until(&mut client, end).await;
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_response_that_stalls_is_cut() {
    let (url, tell, mut upstream_ended) = told_upstream().await;
    let mut front = front(&url).await;
    front.body_idle = 3 * TICK;
    let mut client = connect(front.serve().await).await;
    client.write_all(GET.as_bytes()).await.unwrap();
    tell.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        .await
        .unwrap();
    read_until(&mut client, "hello").await;
    let mut rest = Vec::new();
    let _ = soon(client.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
    soon(upstream_ended.recv()).await.unwrap();
}

#[tokio::test]
async fn a_request_that_stalls_is_given_up() {
    let (url, _) = raw_upstream(|_, mut stream| async move {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
    })
    .await;
    let mut front = front(&url).await;
    front.body_idle = 3 * TICK;
    let mut client = connect(front.serve().await).await;
    let post = "POST / HTTP/1.1\r\nhost: app\r\ncontent-length: 10\r\n\r\nhello";
    let (head, _) = exchange(&mut client, post).await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
}

#[tokio::test]
async fn a_slow_upload_does_not_use_up_the_time_for_the_response() {
    let (url, _) = raw_upstream(|_, mut stream| async move {
        read_head(&mut stream).await;
        read_until(&mut stream, "end").await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let head_timeout = Duration::from_millis(100);
    let settings = UpstreamSettings {
        head_timeout,
        ..UpstreamSettings::default()
    };
    let front = Front::new(&url, settings).await;
    let mut client = connect(front.serve().await).await;
    let start = tokio::time::Instant::now();
    let post = "POST / HTTP/1.1\r\nhost: app\r\ncontent-length: 11\r\n\r\n";
    client.write_all(post.as_bytes()).await.unwrap();
    for piece in ["12", "34", "56", "78", "end"] {
        // The pace is what this is about.
        tokio::time::sleep(head_timeout / 2).await;
        client.write_all(piece.as_bytes()).await.unwrap();
    }
    let (head, _) = read_response(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(start.elapsed() > 2 * head_timeout);
}

#[tokio::test]
async fn s36_an_unread_request_body_is_drained_or_closes_the_connection() {
    let (url, _) = http_upstream(|_| Response::new(Full::from("forwarded"))).await;
    let front = front(&url).await;
    let address = front.serve().await;

    // What is here already is drained; the next request is the next request.
    let mut client = connect(address).await;
    let small = "POST /own HTTP/1.1\r\nhost: app\r\ncontent-length: 5\r\n\r\nhello";
    let (head, body) = exchange(&mut client, small).await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && body == "own page",
        "{head}{body}"
    );
    assert_eq!(exchange(&mut client, GET).await.1, "forwarded");

    // What is still to come is not waited for: never taken for a request either.
    let mut client = connect(address).await;
    let large = "POST /own HTTP/1.1\r\nhost: app\r\ncontent-length: 1000000\r\n\r\n";
    let (_, body) = exchange(&mut client, large).await;
    assert_eq!(body, "own page");
    let _ = client.write_all(GET.as_bytes()).await;
    let mut rest = Vec::new();
    let _ = soon(client.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"", "the connection is closed");
}

#[tokio::test]
async fn s36_an_upstream_that_answers_before_it_has_read_leaves_no_rest_in_its_connection() {
    let early = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig";
    let (url, connections) = raw_upstream(move |_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(early.as_bytes()).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let front = front(&url).await;
    let address = front.serve().await;
    let post = "POST / HTTP/1.1\r\nhost: app\r\ncontent-length: 1000000\r\n\r\nsome";
    for number in 1..=2 {
        let mut client = connect(address).await;
        let (head, body) = exchange(&mut client, post).await;
        assert!(head.starts_with("HTTP/1.1 413 ") && body == "big", "{head}");
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
    soon(async {
        while front.pool.stats()[0].1 != PoolStats::default() {
            tokio::time::sleep(TICK).await;
        }
    })
    .await;
}

#[tokio::test]
async fn s01_trailers_pass_only_through_the_filter() {
    let (heard, mut hear) = mpsc::channel(1);
    let (url, _) = raw_upstream(move |_, mut stream| {
        let heard = heard.clone();
        async move {
            read_head(&mut stream).await;
            let mut body = read_until(&mut stream, "0\r\n").await;
            loop {
                let line = read_until(&mut stream, "\r\n").await;
                body += &line;
                if line == "\r\n" {
                    break;
                }
            }
            heard.send(body).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
        }
    })
    .await;
    let post = "POST / HTTP/1.1\r\nhost: app\r\ntransfer-encoding: chunked\r\n\
                trailer: x-sum, x-user\r\n\r\n\
                5\r\nhello\r\n0\r\nx-sum: 1\r\nx-user: evil\r\n\r\n";
    let mut front = front(&url).await;
    for filtered in [false, true] {
        if filtered {
            front.trailers = Some(Arc::new(|trailers| drop(trailers.remove("x-user"))));
        }
        let mut client = connect(front.serve().await).await;
        exchange(&mut client, post).await;
        let body = soon(hear.recv()).await.unwrap();
        assert!(body.starts_with("5\r\nhello\r\n0\r\n"), "{body}");
        assert!(!body.contains("evil"), "{body}");
        assert_eq!(body.contains("x-sum: 1"), filtered, "{body}");
    }
}
