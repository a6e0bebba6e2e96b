//! S41: what is wrong is known before anything happens.

use gatepass::app::{Gateway, StartError};
use tokio::net::TcpListener;

use crate::kit::house::try_start;
use crate::kit::{House, LOCAL, PORTS};

/// A port of this machine that nobody uses.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn s41_a_bad_start_binds_nothing() {
    let (edge, admin) = (free_port().await, free_port().await);
    let ports = PORTS
        .replacen("127.0.0.1:0", &format!("127.0.0.1:{edge}"), 1)
        .replacen("127.0.0.1:0", &format!("127.0.0.1:{admin}"), 1);
    let jwt = crate::kit::tokens::JWT.replace("[\"EdDSA\"]", "[\"RS256\"]");
    let error = try_start(&format!("{ports}{LOCAL}{jwt}"))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StartError::Build(_)), "{error}");
    for port in [edge, admin] {
        // Whoever wants it can have it.
        drop(TcpListener::bind(("127.0.0.1", port)).await.unwrap());
    }
}

#[tokio::test]
async fn s41_an_occupied_port_is_an_error_and_frees_the_other() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap().port();
    let free = free_port().await;
    for (edge, admin) in [(taken, free), (free, taken)] {
        let ports = PORTS
            .replacen("127.0.0.1:0", &format!("127.0.0.1:{edge}"), 1)
            .replacen("127.0.0.1:0", &format!("127.0.0.1:{admin}"), 1);
        let error = try_start(&format!("{ports}{LOCAL}")).await.err().unwrap();
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
        drop(TcpListener::bind(("127.0.0.1", free)).await.unwrap());
    }
}

#[tokio::test]
async fn s41_demo_secrets_open_nothing_to_a_network() {
    let house = House::local().await;
    for (from, to) in [("[\"127.0.0.1:0\"]", "[\"0.0.0.0:0\"]")] {
        let options = house
            .read(&format!("{PORTS}{LOCAL}").replacen(from, to, 1))
            .unwrap()
            .options;
        let error = Gateway::check(&options).unwrap_err().to_string();
        assert!(error.contains("well-known passwords"), "{error}");
        assert!(Gateway::start(options).await.is_err());
    }
}
