//! Stopping: what is under way may finish.

use crate::kit::{House, PORTS, Script, eventually, house, soon};

fn config(drain: &str) -> String {
    let ports = PORTS.replace(
        "[admin]",
        &format!("[edge.timeouts]\ndrain = \"{drain}\"\n[admin]"),
    );
    format!("{ports}{}", house::header_space())
}

#[tokio::test]
async fn what_is_under_way_finishes_and_nothing_new_begins() {
    let house = House::with(&config("20s")).await;
    let (edge, side) = (house.edge(), Script::new(house.gateway.admin_address()));
    let mut idle = house.wire().await;
    idle.ask(&house.script_of("ann").head("GET", "/x", 0))
        .await
        .says(200, "GET /x");
    let mut busy = house.wire().await;
    busy.send(house.script_of("ann").head("GET", "/halves", 0))
        .await;
    assert_eq!(busy.head().await.unwrap().0, 200);
    busy.chunk().await.unwrap();
    let mut socket = crate::kit::Socket::open(edge, "/ws", &[("hdr-usr", "ann")])
        .await
        .unwrap();
    socket.echo("hello").await;

    let stopping = tokio::spawn(house.gateway.shut_down());
    // The side port tells whoever balances loads.
    eventually(async || {
        Some(side.get("/health/ready").await).filter(|answer| answer.status == 503)
    })
    .await
    .says(503, "draining");
    side.get("/health/live").await.says(200, "live");
    assert!(idle.is_closed().await);
    assert_eq!(socket.close_code().await, 1001);
    eventually(async || {
        tokio::net::TcpStream::connect(edge)
            .await
            .is_err()
            .then_some(())
    })
    .await;
    assert!(!stopping.is_finished());
    house.upstream.go_on();
    assert_eq!(busy.chunk().await.unwrap(), b"second");
    assert_eq!(busy.chunk().await, None);
    let drained = soon(stopping).await.unwrap();
    assert_eq!(drained.cut, 0, "{drained:?}");
    assert!(
        tokio::net::TcpStream::connect(side_address(&side))
            .await
            .is_err()
    );
}

fn side_address(side: &Script) -> std::net::SocketAddr {
    side.address()
}

#[tokio::test]
async fn what_takes_too_long_is_cut() {
    let house = House::with(&config("200ms")).await;
    let mut busy = house.wire().await;
    busy.send(house.script_of("ann").head("GET", "/events", 0))
        .await;
    assert_eq!(busy.head().await.unwrap().0, 200);
    let drained = soon(house.gateway.shut_down()).await;
    assert_eq!(drained.cut, 1, "{drained:?}");
    while let Ok(Some(_)) = busy.try_chunk().await {}
    assert!(busy.is_closed().await);
}
