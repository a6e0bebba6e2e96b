//! In tonic: gRPC with a token in the metadata.

use std::net::SocketAddr;

use futures_util::stream;
use gatepass::sessions::Sessions;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::{layer, sessions, the_one, token};

async fn serve(sessions: &Sessions) -> SocketAddr {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("sales", ServingStatus::Serving)
        .await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = stream::unfold(listener, |listener| async {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    let server = Server::builder().layer(layer(sessions)).add_service(health);
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

async fn check(channel: Channel, bearer: Option<&str>) -> Result<i32, Status> {
    let mut request = Request::new(HealthCheckRequest {
        service: "sales".to_owned(),
    });
    if let Some(bearer) = bearer {
        let value = MetadataValue::try_from(format!("Bearer {bearer}")).unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let answer = HealthClient::new(channel).check(request).await?;
    Ok(answer.into_inner().status)
}

#[tokio::test]
async fn a_call_needs_a_token_and_a_session_comes_of_it() {
    let (sessions, _) = sessions();
    let address = serve(&sessions).await;
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    for bearer in [None, Some("not.a.token")] {
        let refused = check(channel.clone(), bearer).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
    }
    let token = token("carol");
    for _ in 0..3 {
        assert_eq!(check(channel.clone(), Some(&token)).await.unwrap(), 1);
    }
    assert_eq!(sessions.open(), 1);
    assert_eq!(the_one(&sessions).await.user_id(), "carol");
}
