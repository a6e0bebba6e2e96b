//! Applications that speak https.

use tempfile::TempDir;

use crate::kit::{Authority, House, PORTS, Socket, Upstream, house};

/// A house before an upstream with a certificate of `issuer` for `names`, where `ca.pem` is
/// the authority that is trusted.
async fn house_trusting(trusted: &Authority, issuer: &Authority, names: &[&str]) -> House {
    let folder = TempDir::new().unwrap();
    trusted.write(&folder.path().join("ca.pem"));
    let upstream = Upstream::over_tls(issuer.acceptor(names)).await;
    House::at(String::new(), folder, upstream, &config("ca.pem")).await
}

fn config(ca: &str) -> String {
    let tls = format!("upstream_tls = {{ ca = \"{ca}\" }}\n[space.header]");
    let space = house::header_space().replace("[space.header]", &tls);
    format!("{PORTS}{space}")
}

#[tokio::test]
async fn requests_and_websockets_go_over_tls() {
    let authority = Authority::new();
    let house = house_trusting(&authority, &authority, &["127.0.0.1"]).await;
    let ann = house.script_of("ann");
    ann.get("/one").await.says(200, "upstream GET /one");
    let body = "0123456789abcdef".repeat(1 << 16);
    let mirrored = ann.send("POST", "/mirror", &body).await;
    assert!(mirrored.status == 200 && mirrored.body == body.as_bytes());
    assert_eq!(house.upstream.connections(), 1, "it is kept");
    let host = house.upstream.last();
    assert_eq!(host.header("host"), Some(&*house.edge().to_string()));
    assert_eq!(host.header("x-forwarded-proto"), Some("http"));
    // A reload that trusts the same goes on with the same connections.
    assert!(house.reload(&config("ca.pem")).is_empty());
    ann.get("/two").await.says(200, "upstream GET /two");
    assert_eq!(house.upstream.connections(), 1);
    let mut socket = Socket::open(house.edge(), "/ws", &[("hdr-usr", "ann")])
        .await
        .unwrap();
    socket.echo("hello").await;
}

#[tokio::test]
async fn an_upstream_of_another_authority_or_name_gets_nothing() {
    let (trusted, other) = (Authority::new(), Authority::new());
    for (issuer, names) in [
        (&other, &["127.0.0.1"]),
        (&trusted, &["localhost"]),
        (&trusted, &["127.0.0.2"]),
    ] {
        let house = house_trusting(&trusted, issuer, names).await;
        let answer = house.script_of("ann").get("/secret").await;
        answer.says(502, "cannot be reached");
        assert!(house.upstream.seen().is_empty(), "{names:?}");
    }
}

#[tokio::test]
async fn a_connection_is_not_lent_to_who_trusts_somebody_else() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let house = house_trusting(&trusted, &trusted, &["127.0.0.1"]).await;
    let ann = house.script_of("ann");
    ann.get("/one").await.says(200, "upstream GET /one");
    other.write(&house.file("other.pem"));
    assert!(house.reload(&config("other.pem")).is_empty());
    ann.get("/two").await.says(502, "cannot be reached");
    // Nor when the file is the same and says something else.
    assert!(house.reload(&config("ca.pem")).is_empty());
    ann.get("/three").await.says(200, "upstream GET /three");
    other.write(&house.file("ca.pem"));
    assert!(house.reload(&config("ca.pem")).is_empty());
    ann.get("/four").await.says(502, "cannot be reached");
    assert_eq!(house.upstream.targets(), ["/one", "/three"]);
}

#[tokio::test]
async fn s41_authorities_that_cannot_be_read_are_an_error() {
    let authority = Authority::new();
    let house = house_trusting(&authority, &authority, &["127.0.0.1"]).await;
    std::fs::write(house.file("bad.pem"), "nothing").unwrap();
    let options = house.read(&config("bad.pem")).unwrap().options;
    let error = house.gateway.reload(options).unwrap_err();
    assert_eq!(error.to_string(), "space 1001: upstream_tls");
    assert!(house.read(&config("missing.pem")).is_err());
    let answer = house.script_of("ann").get("/x").await;
    answer.says(200, "upstream GET /x");
}
