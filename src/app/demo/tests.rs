use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tower::ServiceExt;

use super::router;

async fn answer(request: Request<Body>) -> Response<Body> {
    router().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn page(headers: &[(&str, &str)]) -> String {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    text(response).await
}

async fn listening() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router()).await });
    address
}

#[tokio::test]
async fn the_page_says_who_you_are() {
    let html = page(&[
        ("X-Forwarded-User", "DEMO\\alice"),
        ("X-Forwarded-Preferred-Username", "Alice"),
        ("X-Forwarded-Email", "alice@example.com"),
        ("X-Forwarded-Groups", "sales"),
        ("X-Forwarded-Groups", "admins"),
    ])
    .await;
    assert!(
        html.contains("<title>Alice · Gatepass demo</title>"),
        "{html}"
    );
    assert!(html.contains("<strong id=\"who\">Alice</strong>"), "{html}");
    assert!(html.contains("<dd><code>DEMO\\alice</code></dd>"), "{html}");
    assert!(
        html.contains("<dd><code>alice@example.com</code></dd>"),
        "{html}"
    );
    assert!(
        html.contains("<dd><code>sales, admins</code></dd>"),
        "{html}"
    );
    assert!(!html.contains("not sent"), "{html}");
}

#[tokio::test]
async fn the_user_id_stands_in_for_a_missing_name() {
    let html = page(&[
        ("X-Forwarded-User", "bob"),
        ("X-Forwarded-Preferred-Username", " "),
    ])
    .await;
    assert!(html.contains("<strong id=\"who\">bob</strong>"), "{html}");
    assert_eq!(html.matches("not sent").count(), 3, "{html}");
}

#[tokio::test]
async fn without_identity_headers_you_are_nobody() {
    let html = page(&[]).await;
    assert!(
        html.contains("<strong id=\"who\">nobody</strong>"),
        "{html}"
    );
    assert_eq!(html.matches("not sent").count(), 4, "{html}");
}

#[tokio::test]
async fn header_values_cannot_become_markup_or_placeholders() {
    let hostile = "<script>alert('1')</script>&\"{{facts}}{{title}}";
    let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;{{facts}}{{title}}";
    for name in [
        "X-Forwarded-User",
        "X-Forwarded-Preferred-Username",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
    ] {
        let html = page(&[(name, hostile)]).await;
        assert!(html.contains(escaped), "{name}: {html}");
        assert!(!html.contains("<script>alert"), "{name}: {html}");
        assert_eq!(html.matches("<dl>").count(), 1, "{name}: {html}");
        assert!(html.ends_with("</html>\n"), "{name}: {html}");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let html = page(&[]).await;
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for (at, _) in html.match_indices(attribute) {
            let address = html[at + attribute.len()..].split('"').next().unwrap();
            let relative = !address.starts_with('/') && !address.contains("//");
            assert!(
                relative,
                "{attribute}{address} would break under a path prefix"
            );
        }
    }
    assert!(
        !html.contains("http://") && !html.contains("https://"),
        "{html}"
    );
    for id in ["who", "ws-state", "ws-input", "ws-send", "ws-log", "events"] {
        assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
}

#[tokio::test]
async fn echo_describes_the_request_as_received() {
    let request = Request::put("/echo?a=1&b=%2F")
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .body(Body::from("12345"))
        .unwrap();
    let response = answer(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let echo: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        echo,
        json!({
            "method": "PUT",
            "path": "/echo",
            "query": "a=1&b=%2F",
            "headers": [["x-twice", "one"], ["x-twice", "two"]],
            "bodyLength": 5,
        })
    );
}

#[tokio::test]
async fn echo_counts_no_endless_body() {
    let request = Request::post("/echo")
        .body(Body::from(vec![0; 1024 * 1024 + 1]))
        .unwrap();
    let response = answer(request).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(response).await, "");
}

#[tokio::test(start_paused = true)]
async fn events_count_the_seconds() {
    let start = tokio::time::Instant::now();
    let response = answer(Request::get("/events").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    for expected in 1..=3_u64 {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(
            frame,
            format!("id: {expected}\nevent: tick\ndata: {expected}\n\n")
        );
        // The timer rounds up to its next millisecond.
        let passed = start.elapsed();
        assert!(
            passed >= Duration::from_secs(expected - 1),
            "{expected}: {passed:?}"
        );
        assert!(
            passed < Duration::from_millis(expected * 1000 - 500),
            "{expected}: {passed:?}"
        );
    }
}

#[tokio::test]
async fn the_websocket_echoes_and_closes() {
    let address = listening().await;
    let (mut socket, response) = tokio_tungstenite::connect_async(format!("ws://{address}/ws"))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    for message in [Message::text("grüß"), Message::binary(vec![0, 255])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(last) = socket.next().await {
        assert!(last.unwrap().is_close());
    }
}

#[tokio::test]
async fn a_plain_request_gets_no_websocket() {
    let response = answer(Request::get("/ws").body(Body::empty()).unwrap()).await;
    assert!(response.status().is_client_error(), "{}", response.status());
    assert_ne!(text(response).await, "");
}
