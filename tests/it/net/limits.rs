//! S37: how much, how long.

use std::time::Duration;

use crate::kit::{House, PORTS, eventually, house, soon};

async fn house(edge: &str) -> House {
    let ports = PORTS.replace("[admin]", &format!("{edge}\n[admin]"));
    House::with(&format!("{ports}{}", house::header_space())).await
}

fn get(fields: &str) -> String {
    format!("GET /x HTTP/1.1\r\nHost: sales\r\nhdr-usr: ann\r\n{fields}\r\n")
}

#[tokio::test]
async fn s37_header_lines_are_counted() {
    let house = house("[edge.limits]\nheader_lines = 16").await;
    for (lines, status) in [(14, 200), (15, 431), (500, 431)] {
        let mut wire = house.wire().await;
        let answer = wire.ask(&get(&"X: y\r\n".repeat(lines))).await;
        assert_eq!(answer.status, status, "{lines}");
        assert_eq!(
            status == 431,
            house.upstream.seen().is_empty() || lines > 14
        );
        if status == 431 {
            assert!(wire.is_closed().await);
        }
    }
    assert_eq!(house.upstream.seen().len(), 1);
}

#[tokio::test]
async fn s37_heads_are_measured() {
    let house = house("[edge.limits]\nhead_size = 8192").await;
    for (size, status) in [(8000, 200), (8300, 431), (100_000, 431)] {
        let mut wire = house.wire().await;
        let answer = wire
            .ask(&get(&format!("X: {}\r\n", "y".repeat(size))))
            .await;
        assert_eq!(answer.status, status, "{size}");
        if status == 431 {
            assert!(wire.is_closed().await);
        }
    }
    let mut wire = house.wire().await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(20_000));
    let status = wire.ask(&long).await.status;
    assert!([400, 414, 431].contains(&status), "{status}");
    assert_eq!(house.upstream.seen().len(), 1);
}

#[tokio::test]
async fn s37_a_head_that_never_ends_is_cut_off() {
    let house = house("[edge.timeouts]\nheader_read = \"300ms\"\nkeep_alive = \"300ms\"").await;
    // A head, byte by byte; one that never begins; and one behind a good request.
    for begun in ["GET / HTTP/1.1\r\nHost: a\r\nX", "", "GOOD"] {
        let mut wire = house.wire().await;
        if begun == "GOOD" {
            wire.ask(&get("")).await.says(200, "GET /x");
            wire.send("GET / HT").await;
        } else {
            wire.send(begun).await;
        }
        let writer = async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if !begun.is_empty() {
                    wire.stream.try_write(b"y").ok();
                }
                if wire.stream.try_read(&mut [0; 1024]).is_ok() {
                    return;
                }
            }
        };
        // An answer or the end, but not the patience of an hour.
        soon(writer).await;
    }
}

#[tokio::test]
async fn s37_a_body_that_stalls_is_cut_off() {
    let house = house("[edge.timeouts]\nbody_idle = \"300ms\"").await;
    let mut wire = house.wire().await;
    let head = get("Content-Length: 100\r\n").replace("GET", "POST");
    wire.send(format!("{head}only this")).await;
    if let Some((status, _)) = wire.head().await {
        assert!([400, 408, 502].contains(&status), "{status}");
        wire.rest().await;
    }
    // The upstream never got a request that is whole.
    assert!(
        house
            .upstream
            .seen()
            .iter()
            .all(|seen| seen.body.is_empty())
    );
}

#[tokio::test]
async fn s37_connections_are_counted() {
    let house = house("").await;
    drop(house);
    let ports = PORTS.replace("workers", "max_connections = 2\nworkers");
    let house = House::with(&format!("{ports}{}", house::header_space())).await;
    let (mut one, mut two) = (house.wire().await, house.wire().await);
    one.ask(&get("")).await.says(200, "GET /x");
    two.ask(&get("")).await.says(200, "GET /x");
    // A third waits or is turned away, and does not get in.
    let mut three = house.wire().await;
    three.send(get("")).await;
    one.ask(&get("")).await.says(200, "GET /x");
    assert_eq!(house.upstream.seen().len(), 3);
    drop((one, two));
    eventually(async || {
        let mut four = house.wire().await;
        four.send(get("")).await;
        four.head().await.filter(|(status, _)| *status == 200)
    })
    .await;
}

#[tokio::test]
async fn s37_an_idle_connection_is_closed() {
    let house = house("[edge.timeouts]\nkeep_alive = \"300ms\"").await;
    let mut wire = house.wire().await;
    for _ in 0..3 {
        wire.ask(&get("")).await.says(200, "GET /x");
    }
    assert!(wire.is_closed().await);
    let mut silent = house.wire().await;
    assert!(silent.is_closed().await);
}
