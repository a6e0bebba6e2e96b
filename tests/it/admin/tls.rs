//! The side port over TLS.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use gatepass::admin::AdminServer;
use gatepass::domain::ClientCertificate;
use gatepass::net::tls::{CertificateFiles, ClientAuth, TlsAcceptor, TlsSettings, TlsVersion};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::kit::frames::{END_STREAM, End, Frames};
use crate::kit::house::{Site, header_space, try_start};
use crate::kit::{Authority, H2, House, PORTS, Trust, Upstream, Wire, eventually, log, soon};

/// What stands in `[admin]`.
const TLS: &str = r#"
tls = { certificates = [{ chain = "site.pem", key = "site.key" }] }
"#;
const MUTUAL: &str = r#"
tls = { certificates = [{ chain = "site.pem", key = "site.key" }], client_ca = "ca.pem", client_certificates = "required" }
"#;

fn config(admin: &str) -> String {
    format!("{PORTS}{admin}{}", header_space())
}

/// A house whose side port speaks TLS, with a certificate of `authority`.
async fn house(authority: &Authority, admin: &str) -> House {
    let folder = TempDir::new().unwrap();
    authority.issue_for_this_machine(folder.path());
    authority.write(&folder.path().join("ca.pem"));
    let upstream = Upstream::start().await;
    House::at(Site::new(), folder, upstream, &config(admin)).await
}

fn ask(house: &House, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        house.gateway.admin_address(),
        house.keys.site
    )
}

#[tokio::test]
async fn the_side_port_speaks_both_protocols_over_tls() {
    let authority = Authority::new();
    let house = house(&authority, TLS).await;
    let (address, trust) = (house.gateway.admin_address(), authority.trust());
    let mut wire = Wire::over(trust.http1(address).await);
    for _ in 0..2 {
        let answer = wire.ask(&ask(&house, "/api/v1/spaces")).await;
        answer.says(200, "Sales portal");
    }
    let bearer = format!("Bearer {}", house.keys.site);
    let mut h2 = H2::connect(address, &trust).await;
    let answer = h2
        .get("/api/v1/spaces", &[("authorization", &bearer)])
        .await;
    answer.says(200, "Sales portal");
    h2.get("/api/v1/spaces", &[])
        .await
        .says(401, "unauthenticated");
    h2.get("/health/ready", &[]).await.says(200, "");

    // A client that does not speak TLS gets nothing from it.
    let mut plain = Wire::connect(address).await;
    plain.send(ask(&house, "/api/v1/spaces")).await;
    let mut said = Vec::new();
    let _ = soon(plain.stream.read_to_end(&mut said)).await;
    assert!(!String::from_utf8_lossy(&said).contains("HTTP"), "{said:?}");
}

#[tokio::test]
async fn s33_a_required_certificate_is_required_of_everybody() {
    let authority = Authority::new();
    let house = house(&authority, MUTUAL).await;
    let address = house.gateway.admin_address();
    let ask = ask(&house, "/health/ready");
    let known = authority.client(house.folder.path(), "QlikClient");
    let answer = Wire::over(known.http1(address).await).ask(&ask).await;
    answer.says(200, "");
    let foreign = Authority::new();
    let unknown = foreign.client(house.folder.path(), "QlikClient");
    for client in [authority.trust(), authority.trust().showing(&unknown)] {
        let mut stream = client.http1(address).await;
        let refusal = soon(stream.read_u8()).await.unwrap_err().to_string();
        assert!(refusal.contains("alert"), "{refusal}");
    }
    for reason in [
        "the client has shown no certificate, and one is required",
        "the client's certificate is refused: ",
    ] {
        let line = eventually(async || {
            let said = log::so_far();
            let mut lines = said.lines();
            let line =
                lines.find(|line| line.contains("side port failed") && line.contains(reason));
            line.map(str::to_owned)
        });
        let line = line.await;
        let notable = line.contains("INFO") && line.contains("client.ip=127.0.0.1");
        assert!(notable, "{line}");
    }
}

#[tokio::test]
async fn s41_certificates_are_exchanged_whole_or_not_at_all() {
    let authority = Authority::new();
    let house = house(&authority, TLS).await;
    let (address, trust) = (house.gateway.admin_address(), authority.trust());
    let leaf = async || {
        let stream = trust.http1(address).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let mut open = Wire::over(trust.http1(address).await);
    let path = "/api/v1/spaces";
    open.ask(&ask(&house, path)).await.says(200, "Sales portal");

    let first = leaf().await;
    authority.issue(house.folder.path(), "site", &["127.0.0.1"]);
    assert_eq!(house.reload(&config(TLS)), Vec::<&str>::new());
    let second = leaf().await;
    assert_ne!(first, second);
    open.ask(&ask(&house, path)).await.says(200, "Sales portal");

    // A key of another certificate: nothing of the new configuration comes into force.
    authority.issue(house.folder.path(), "other", &["127.0.0.1"]);
    std::fs::copy(house.file("other.key"), house.file("site.key")).unwrap();
    let renamed = config(TLS).replace("Sales portal", "Sales renamed");
    let options = house.read(&renamed).unwrap().options;
    let error = house.gateway.reload(options).unwrap_err();
    assert_eq!(
        format!("{:#}", anyhow::Error::from(error)),
        format!(
            "[admin] tls: `{}`: it is not the key of the certificate in `{}`",
            house.file("site.key").display(),
            house.file("site.pem").display()
        )
    );
    assert_eq!(leaf().await, second);
    open.ask(&ask(&house, path)).await.says(200, "Sales portal");

    // Plain HTTP instead takes a restart.
    authority.issue(house.folder.path(), "site", &["127.0.0.1"]);
    assert_eq!(house.reload(&config("")), ["admin.tls"]);
    open.ask(&ask(&house, path)).await.says(200, "Sales portal");
}

#[tokio::test]
async fn s33_s41_files_that_cannot_be_used_stop_the_start() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    authority.issue(folder.path(), "site", &["127.0.0.1"]);
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let whole = MUTUAL
        .replace("site.", &path("site."))
        .replace("ca.pem", &path("empty.pem"));
    let Err(error) = try_start(&config(&whole)).await else {
        panic!("it starts without an authority")
    };
    assert_eq!(
        format!("{:#}", anyhow::Error::from(error)),
        format!(
            "[admin] tls: `{}`: it has no certificate (`-----BEGIN CERTIFICATE-----`)",
            path("empty.pem")
        )
    );
}

/// A side port with a router of the test's own.
struct Port {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    trust: Trust,
    folder: TempDir,
    authority: Authority,
}

impl Port {
    async fn open(router: Router, settings: impl FnOnce(AdminServer) -> AdminServer) -> Self {
        let (folder, authority) = (TempDir::new().unwrap(), Authority::new());
        let names = ["127.0.0.1", "one.example"];
        authority.issue(folder.path(), "one", &names);
        authority.issue(folder.path(), "two", &["two.example"]);
        let certificates = ["one", "two"].map(|name| CertificateFiles {
            chain: folder.path().join(format!("{name}.pem")),
            key: folder.path().join(format!("{name}.key")),
            ocsp: None,
        });
        let ca = folder.path().join("ca.pem");
        authority.write(&ca);
        let wanted = TlsSettings {
            certificates: certificates.into(),
            client: Some(ClientAuth {
                ca,
                crl: Vec::new(),
                required: false,
            }),
            min_version: TlsVersion::Tls12,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = AdminServer::new(listener, router).tls(TlsAcceptor::new(&wanted).unwrap());
        let server = settings(server);
        let address = server.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        Self {
            address,
            task: tokio::spawn(server.run(shutdown.clone())),
            shutdown,
            trust: authority.trust(),
            folder,
            authority,
        }
    }
}

#[tokio::test]
async fn every_request_carries_the_certificate_of_its_connection() {
    use std::sync::Arc;

    use axum::extract::Request;
    use gatepass::domain::Connection;

    let whoami = get(|request: Request| async move {
        let certificate = request.extensions().get::<Arc<ClientCertificate>>();
        let name = certificate.map_or_else(|| "nobody".to_owned(), |c| c.to_string());
        let connection = request.extensions().get::<Connection>().unwrap();
        format!("{name} by {}", connection.scheme.as_str())
    });
    let port = Port::open(Router::new().route("/", whoami), |server| server).await;
    let known = port.authority.client(port.folder.path(), "QlikClient");
    let mut nobody = H2::connect(port.address, &port.trust).await;
    nobody.get("/", &[]).await.says(200, "nobody by https");
    let mut somebody = H2::connect(port.address, &known).await;
    for _ in 0..2 {
        let answer = somebody.get("/", &[]).await;
        answer.says(200, "CN=QlikClient by https");
    }
    let mut wire = Wire::over(known.http1(port.address).await);
    let answer = wire.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    answer.says(200, "CN=QlikClient by https");
}

#[tokio::test]
async fn s07_a_host_of_another_certificate_gets_421() {
    let port = Port::open(Router::new().route("/", get(|| async { "here" })), |s| s).await;
    for (name, host, status) in [
        ("one.example", "one.example", 200),
        ("one.example", "ONE.example.:8443", 200),
        ("one.example", "two.example", 421),
        ("two.example", "TWO.example:443", 200),
        ("two.example", "one.example", 421),
    ] {
        let stream = port.trust.clone().named(name).http1(port.address).await;
        let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = Wire::over(stream).ask(&head).await;
        assert_eq!(answer.status, status, "{host} on a connection to {name}");
    }
}

#[tokio::test]
async fn s37_handshakes_and_idle_connections_are_cut() {
    let brief = Duration::from_millis(200);
    let router = Router::new().route("/", get(|| async { "here" }));
    let limits = |server: AdminServer| server.handshake_timeout(brief).head_timeout(brief);
    let port = Port::open(router, limits).await;
    let mut silent = TcpStream::connect(port.address).await.unwrap();
    let _ = soon(silent.read_to_end(&mut Vec::new())).await;

    let mut h2 = H2::connect(port.address, &port.trust).await;
    h2.get("/", &[]).await.says(200, "here");
    h2.is_closed().await;
}

#[tokio::test]
async fn s37_whoever_takes_no_answer_holds_no_connection() {
    let brief = Duration::from_millis(200);
    let router = Router::new()
        .route("/", get(|| async { "x".repeat(16 << 20) }))
        .route("/small", get(|| async { "here" }));
    let port = Port::open(router, |server| server.head_timeout(brief).connections(1)).await;
    // Nothing fits, and every ping is answered.
    let mut frames = Frames::with_window(port.address, &port.trust, 0).await;
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "127.0.0.1"),
        (":path", "/small"),
    ];
    frames.head(1, END_STREAM, &fields).await;
    assert_eq!(frames.end_of(1).await, End::Status(200));
    soon(async { while frames.frame().await.is_some() {} }).await;
    // Over HTTP/1.1, where the next one waits for its place.
    let mut idle = Wire::over(port.trust.http1(port.address).await);
    idle.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert_eq!(idle.head().await.unwrap().0, 200);
    let mut next = H2::connect(port.address, &port.trust).await;
    next.get("/small", &[]).await.says(200, "here");
    drop(idle);

    // One that waits for us is not cut, nor one that takes its time between the parts.
    let slow = get(async || {
        let parts = futures_util::stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_millis(450)).await;
            (n < 3).then_some((Ok::<_, std::io::Error>("part "), n + 1))
        });
        axum::body::Body::from_stream(parts)
    });
    let port = Port::open(Router::new().route("/", slow), |server| {
        server.head_timeout(brief)
    })
    .await;
    let mut h2 = H2::connect(port.address, &port.trust).await;
    h2.get("/", &[]).await.says(200, "part part part ");
    let mut wire = Wire::over(port.trust.http1(port.address).await);
    let answer = wire.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    answer.says(200, "part part part ");
}

#[tokio::test]
async fn s37_heads_over_http_2_are_limited() {
    let router = Router::new().route("/", get(|| async { "here" }));
    let port = Port::open(router, |server| server).await;
    let mut h2 = H2::connect(port.address, &port.trust).await;
    let long = "x".repeat(100 * 1024);
    let answer = h2.open("GET", "/", &[("x-long", &long)], "").await;
    assert_eq!(answer.unwrap().status().as_u16(), 431);
    h2.get("/", &[("x-long", &long[..60 * 1024])])
        .await
        .says(200, "here");
}

#[tokio::test]
async fn requests_under_way_are_finished_before_it_stops() {
    let arrived = std::sync::Arc::new(tokio::sync::Notify::new());
    let slow = get({
        let arrived = std::sync::Arc::clone(&arrived);
        async move || {
            arrived.notify_one();
            tokio::time::sleep(Duration::from_millis(200)).await;
            "done"
        }
    });
    let port = Port::open(Router::new().route("/", slow), |server| server).await;
    let mut h2 = H2::connect(port.address, &port.trust).await;
    let answer = h2.open("GET", "/", &[], "");
    let shutdown = port.shutdown.clone();
    let stop = async {
        arrived.notified().await;
        shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(answer, stop);
    crate::kit::h2::whole(answer.unwrap())
        .await
        .says(200, "done");
    soon(port.task).await.unwrap();
}
