//! HTTP/2 on the edge: what is refused, and what ends.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame as Piece;
use http_body_util::BodyExt as _;

use crate::kit::frames::{
    CONTINUATION, DATA, END_STREAM, End, Frames, HEADERS, PING, RST_STREAM, block,
};
use crate::kit::{Authority, H2, House, PORTS, Trust, eventually, h2, house, soon};

const ANN: (&str, &str) = ("hdr-usr", "ann");
const REFUSED_STREAM: u32 = 7;
const PROTOCOL_ERROR: u32 = 1;

async fn house_with(edge: &str) -> (House, Trust) {
    let authority = Authority::new();
    let ports = PORTS.replace("[admin]", &format!("{edge}\n[admin]"));
    let config = format!("{ports}{}", house::header_space());
    let house = House::over_tls(&authority, &config).await;
    (house, authority.trust())
}

fn get<'f>(path: &'f str, more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let mut fields = vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "sales.example"),
        (":path", path),
        ANN,
    ];
    fields.extend(more);
    fields
}

/// `fields` without `name`.
fn without<'f>(fields: Vec<(&'f str, &'f str)>, name: &str) -> Vec<(&'f str, &'f str)> {
    fields.into_iter().filter(|(n, _)| *n != name).collect()
}

#[tokio::test]
async fn s34_what_is_no_http_2_request_is_refused() {
    let (house, trust) = house_with("").await;
    let reset = End::Reset(PROTOCOL_ERROR);
    let host = |host| {
        let mut fields = without(get("/x", &[]), ":authority");
        fields.push(("host", host));
        fields
    };
    let swapped = {
        let mut fields = get("/x", &[]);
        fields.swap(3, 4);
        fields
    };
    let cases: Vec<(Vec<(&str, &str)>, End)> = vec![
        (get("/x", &[("connection", "close")]), reset.clone()),
        (
            get("/x", &[("transfer-encoding", "chunked")]),
            reset.clone(),
        ),
        (get("/x", &[("upgrade", "websocket")]), reset.clone()),
        (get("/x", &[("keep-alive", "1")]), reset.clone()),
        (get("/x", &[("proxy-connection", "close")]), reset.clone()),
        (get("/x", &[("te", "gzip")]), reset.clone()),
        (get("/x", &[("te", "trailers, chunked")]), reset.clone()),
        (get("/x", &[("content-length", "5")]), reset.clone()),
        (get("/x", &[("content-length", "1, 1")]), reset.clone()),
        (get("/x", &[("content-length", "+0")]), reset.clone()),
        (get("/x", &[(":path", "/admin")]), reset.clone()),
        (get("/x", &[(":unknown", "x")]), End::Gone),
        (get("/x", &[(":status", "200")]), reset.clone()),
        (get("/x", &[(":protocol", "websocket")]), reset.clone()),
        (swapped, reset.clone()),
        (without(get("/x", &[]), ":method"), reset.clone()),
        (without(get("/x", &[]), ":scheme"), reset.clone()),
        (without(get("/x", &[]), ":path"), reset.clone()),
        (get("", &[]), reset.clone()),
        (get("/x", &[("X-Upper", "x")]), End::Gone),
        (get("/x", &[("x", "a\r\ny: b")]), End::Gone),
        (get("/x", &[("x", "a\0")]), End::Gone),
        (get("/x", &[("x\r\ny", "a")]), End::Gone),
        (get("/x y", &[]), reset.clone()),
        (get("/x\r\nHost: evil", &[]), reset.clone()),
        (get("*", &[]), End::Status(400)),
        (get("x", &[]), reset.clone()),
        (get("https://other.example/x", &[]), reset.clone()),
        (get("/a%2f..%2fb", &[]), End::Status(400)),
        (get("/x", &[("host", "other.example")]), End::Status(400)),
        (get("/x", &[("x", " blank")]), End::Status(400)),
        (
            get("/x", &[("content-length", "0"), ("content-length", "0")]),
            End::Status(400),
        ),
        (without(get("/x", &[]), ":authority"), End::Status(400)),
        (host("a b"), End::Status(400)),
        (host("user@sales.example"), End::Status(400)),
        (
            vec![
                (":method", "CONNECT"),
                (":authority", "sales.example:443"),
                ANN,
            ],
            End::Status(400),
        ),
        (
            vec![
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":scheme", "https"),
                (":authority", "sales.example"),
                (":path", "/ws"),
                ANN,
            ],
            reset.clone(),
        ),
    ];
    for (fields, wanted) in cases {
        let mut frames = Frames::connect(house.edge(), &trust).await;
        frames.head(1, END_STREAM, &fields).await;
        let end = frames.end_of(1).await;
        assert_eq!(end, wanted, "{fields:?}");
        let seen = house.upstream.seen();
        assert!(seen.is_empty(), "{fields:?} {seen:?}");
    }
    // And what is one gets through.
    for fields in [
        get("/x", &[("host", "Sales.Example"), ("te", "trailers")]),
        get("/x", &[("content-length", "0"), ("x", "")]),
        host("sales.example"),
    ] {
        let mut frames = Frames::connect(house.edge(), &trust).await;
        frames.head(1, END_STREAM, &fields).await;
        assert_eq!(frames.end_of(1).await, End::Status(200), "{fields:?}");
        let seen = house.upstream.last();
        let host = seen.header("host").unwrap();
        assert!(host.eq_ignore_ascii_case("sales.example"));
        assert_eq!(seen.target, "/x");
    }
}

#[tokio::test]
async fn s34_a_body_is_as_long_as_it_says() {
    let (house, trust) = house_with("").await;
    for (length, sent) in [("4", "five5"), ("6", "five5")] {
        let mut frames = Frames::connect(house.edge(), &trust).await;
        let mut fields = get("/mirror", &[("content-length", length)]);
        fields[0].1 = "POST";
        frames.head(1, 0, &fields).await;
        frames.send(DATA, END_STREAM, 1, sent.as_bytes()).await;
        assert_eq!(frames.end_of(1).await, End::Reset(PROTOCOL_ERROR));
        // The connection goes on, and no upstream has got a whole request.
        frames.head(3, END_STREAM, &get("/x", &[])).await;
        assert_eq!(frames.end_of(3).await, End::Status(200));
        let seen = house.upstream.seen();
        assert!(seen.iter().all(|seen| seen.body.is_empty()), "{seen:?}");
    }
}

#[tokio::test]
async fn s34_trailers_stay_trailers() {
    let (house, trust) = house_with("").await;
    let mut h2 = H2::connect(house.edge(), &trust).await;
    let names = [
        "x-checksum",
        "cookie",
        "host",
        "content-length",
        "authorization",
        "x_forwarded_user",
        "x-real-ip",
    ];
    let mut trailers = http::HeaderMap::new();
    for name in names {
        let name: http::HeaderName = name.parse().unwrap();
        trailers.insert(name, "fine".parse().unwrap());
    }
    let announced = names.join(", ");
    let request = h2.request("POST", "/mirror", &[ANN, ("trailer", &*announced)]);
    let request = request.body(h2::with_trailers("body", trailers)).unwrap();
    let answer = h2.send(request).await.unwrap();
    h2::whole(answer).await.says(200, "body");
    let seen = house.upstream.last();
    assert_eq!(seen.trailers.len(), 1, "{seen:?}");
    assert_eq!(seen.trailers["x-checksum"], "fine");
}

#[tokio::test]
async fn s05_nothing_of_ours_or_of_the_connection_comes_back() {
    let (house, trust) = house_with("").await;
    let mut h2 = H2::connect(house.edge(), &trust).await;
    let answer = h2.get("/talkative", &[ANN, ("te", "trailers")]).await;
    answer.says(200, "talk");
    let headers = answer.all_headers();
    assert!(!headers.contains("secret"), "{headers}");
    assert_eq!(answer.header("x-theirs"), "kept");
    assert_eq!(answer.trailers.len(), 1);
    assert_eq!(answer.trailers["x-checksum"], "fine");
    for name in ["connection", "upgrade", "transfer-encoding", "keep-alive"] {
        assert_eq!(answer.header(name), "");
    }
    drop(house);
}

#[tokio::test]
async fn s17_an_ended_session_resets_its_streams() {
    let (house, trust) = house_with("").await;
    let mut h2 = H2::connect(house.edge(), &trust).await;
    let response = h2.open("GET", "/events", &[ANN], "").await.unwrap();
    let mut events = response.into_body();
    let event = soon(events.frame()).await.unwrap().unwrap();
    assert_eq!(event.into_data().unwrap(), "data: tick\n\n");

    // A body that is on its way, and a client that takes nothing.
    let (sender, body) = h2::pieces();
    let request = h2.request("POST", "/upload", &[ANN]).body(body).unwrap();
    let mut again = H2::connect(house.edge(), &trust).await;
    let upload = tokio::spawn(async move { again.send(request).await });
    sender
        .send(Piece::data(Bytes::from("begun")))
        .await
        .unwrap();
    let mut stuck = Frames::with_window(house.edge(), &trust, 0).await;
    stuck.head(1, END_STREAM, &get("/events", &[])).await;
    assert_eq!(stuck.end_of(1).await, End::Status(200));
    eventually(async || (house.upstream.seen().len() == 3).then_some(())).await;

    let session = house.admin().session("1001").await;
    house.admin().end("1001", &session).await;
    let error = loop {
        if let Err(error) = soon(events.frame()).await.unwrap() {
            break error;
        }
    };
    assert!(format!("{error:?}").contains("INTERNAL_ERROR"), "{error:?}");
    let answer = soon(upload).await.unwrap().unwrap();
    let answer = h2::whole(answer).await;
    answer.says(401, "session has ended");
    assert_ne!(answer.header("www-authenticate"), "");
    assert!(matches!(stuck.end_of(1).await, End::Reset(_)));
    eventually(async || (house.upstream.open_streams() == 0).then_some(())).await;
    let body = house.upstream.seen()[1].body.clone();
    assert!(body.is_empty(), "never a whole request");
}

#[tokio::test]
async fn s17_an_ended_session_ends_its_uploads_over_http_1() {
    let house = House::header("").await;
    let mut wire = house.wire().await;
    let head = "POST /up HTTP/1.1\r\nHost: a\r\nhdr-usr: ann\r\nTransfer-Encoding: chunked\r\n\r\n";
    wire.send(format!("{head}5\r\nfirst\r\n")).await;
    eventually(async || (house.upstream.targets() == ["/up"]).then_some(())).await;
    let session = house.admin().session("1001").await;
    house.admin().end("1001", &session).await;
    wire.response().await.says(401, "session has ended");
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn s37_header_fields_are_counted() {
    let (house, trust) = house_with("[edge.limits]\nheader_lines = 16").await;
    let mut frames = Frames::connect(house.edge(), &trust).await;
    let many: Vec<(&str, &str)> = vec![("x", "y"); 12];
    frames.head(1, END_STREAM, &get("/x", &many[..11])).await;
    assert_eq!(frames.end_of(1).await, End::Status(200));
    frames
        .head(3, END_STREAM, &get("/x", &[&many[..], &many[..]].concat()))
        .await;
    assert_eq!(frames.end_of(3).await, End::Status(431));
    assert_eq!(house.upstream.seen().len(), 1);
}

#[tokio::test]
async fn s37_heads_are_measured() {
    let (house, trust) = house_with("[edge.limits]\nhead_size = 8192").await;
    let long = "y".repeat(9000);
    let mut frames = Frames::connect(house.edge(), &trust).await;
    frames
        .head(1, END_STREAM, &get("/x", &[("x", &long)]))
        .await;
    let end = frames.end_of(1).await;
    assert!(
        [End::Status(431), End::Reset(REFUSED_STREAM)].contains(&end),
        "{end:?}"
    );
    // A head in ever more pieces, which never ends.
    let mut frames = Frames::connect(house.edge(), &trust).await;
    let first = block(&get("/x", &[]));
    frames.send(HEADERS, 0, 1, &first).await;
    let piece = block(&[("x", "y")]);
    for _ in 0..10_000 {
        frames.send(CONTINUATION, 0, 1, &piece).await;
    }
    assert_eq!(frames.end_of(1).await, End::Gone);
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn s37_streams_that_are_opened_to_be_reset_end_the_connection() {
    let (house, trust) = house_with("").await;
    let mut frames = Frames::connect(house.edge(), &trust).await;
    let cancel = 8_u32.to_be_bytes();
    let head = get("/hang", &[]);
    for number in 0..2_000 {
        let stream = 2 * number + 1;
        frames.head(stream, END_STREAM, &head).await;
        frames.send(RST_STREAM, 0, stream, &cancel).await;
        if number % 10 == 0 {
            // So that the streams are seen one after the other.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    while frames.frame().await.is_some() {}
    let seen = house.upstream.seen().len();
    assert!(seen < 1_500, "{seen} requests were forwarded");
    // Others are served meanwhile.
    let mut other = H2::connect(house.edge(), &trust).await;
    other.get("/x", &[ANN]).await.says(200, "GET /x");
}

#[tokio::test]
async fn s37_streams_are_counted() {
    let (house, trust) = house_with("").await;
    let mut frames = Frames::connect(house.edge(), &trust).await;
    let head = get("/hang", &[]);
    for number in 0..200 {
        frames.head(2 * number + 1, END_STREAM, &head).await;
    }
    frames.head(401, END_STREAM, &get("/x", &[])).await;
    assert_eq!(frames.end_of(401).await, End::Reset(REFUSED_STREAM));
    eventually(async || (house.upstream.seen().len() == 200).then_some(())).await;
}

#[tokio::test]
async fn s37_an_idle_connection_is_closed_whatever_it_pings() {
    let (house, trust) = house_with("[edge.timeouts]\nkeep_alive = \"400ms\"").await;
    let mut frames = Frames::connect(house.edge(), &trust).await;
    frames.head(1, END_STREAM, &get("/x", &[])).await;
    assert_eq!(frames.end_of(1).await, End::Status(200));
    let closed = async {
        loop {
            frames.send(PING, 0, 0, &[7; 8]).await;
            let read = tokio::time::timeout(Duration::from_millis(50), frames.frame());
            if let Ok(None) = read.await {
                return;
            }
        }
    };
    soon(closed).await;
    // One with an open stream is not idle.
    let mut busy = H2::connect(house.edge(), &trust).await;
    let mut events = busy
        .open("GET", "/events", &[ANN], "")
        .await
        .unwrap()
        .into_body();
    for _ in 0..50 {
        soon(events.frame()).await.unwrap().unwrap();
    }
    busy.get("/x", &[ANN]).await.says(200, "GET /x");
}

#[tokio::test]
async fn a_shutdown_lets_streams_finish_and_takes_no_new_ones() {
    let (house, trust) = house_with("[edge.timeouts]\ndrain = \"20s\"").await;
    let mut h2 = H2::connect(house.edge(), &trust).await;
    let response = h2.open("GET", "/halves", &[ANN], "").await.unwrap();
    let mut body = response.into_body();
    assert_eq!(
        soon(body.frame())
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap(),
        "first "
    );
    let mut idle = H2::connect(house.edge(), &trust).await;
    idle.get("/x", &[ANN]).await.says(200, "GET /x");
    let upstream = house.upstream.clone();
    let stopping = tokio::spawn(house.gateway.shut_down());
    idle.is_closed().await;
    soon(async {
        while let Ok(answer) = h2.open("GET", "/x", &[ANN], "").await {
            assert_eq!(answer.status(), 200);
        }
    })
    .await;
    assert!(!stopping.is_finished());
    upstream.go_on();
    let rest = soon(body.collect()).await.unwrap().to_bytes();
    assert_eq!(rest, "second");
    assert_eq!(soon(stopping).await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_shutdown_cuts_streams_that_do_not_end() {
    let (house, trust) = house_with("[edge.timeouts]\ndrain = \"200ms\"").await;
    let mut h2 = H2::connect(house.edge(), &trust).await;
    let response = h2.open("GET", "/events", &[ANN], "").await.unwrap();
    let mut body = response.into_body();
    soon(body.frame()).await.unwrap().unwrap();
    let upstream = house.upstream.clone();
    assert_eq!(soon(house.gateway.shut_down()).await.cut, 1);
    while let Some(Ok(_)) = soon(body.frame()).await {}
    eventually(async || (upstream.open_streams() == 0).then_some(())).await;
}
