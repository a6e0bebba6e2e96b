//! Client certificates over real TLS.

use rcgen::DnType;
use tempfile::TempDir;

use crate::kit::house::tls_site;
use crate::kit::tls::Own;
use crate::kit::{Authority, H2, House, PORTS, Socket, Trust, Upstream, Wire};

/// Space 1001, whose users are the people of Example.
const SPACE: &str = r#"
[[space]]
id = "1001"
upstream = ["UPSTREAM"]
authn = ["certificate"]
identity_headers = ["x-forwarded"]
[[space.certificate.rules]]
subject = { O = "Example" }
directory = "LAB"
id = "$uid"
name = "$cn"
email = "$email"
attributes = { group = "$ou" }
"#;

/// A house whose edge shows a certificate of `authority`, and its certificates of clients.
async fn house(authority: &Authority) -> House {
    let folder = TempDir::new().unwrap();
    authority.issue_for_this_machine(folder.path());
    authority.write(&folder.path().join("ca.pem"));
    let asks = ", client_ca = \"ca.pem\", client_certificates = \"optional\"";
    let (site, upstream) = (tls_site(&["site"], asks), Upstream::start().await);
    House::at(site, folder, upstream, &format!("{PORTS}{SPACE}")).await
}

fn uid() -> DnType {
    DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1])
}

fn ann(authority: &Authority) -> Own {
    let subject = [
        (DnType::OrganizationName, "Example"),
        (DnType::OrganizationalUnitName, "sales"),
        (DnType::CommonName, "Ann Adams"),
        (uid(), "ann"),
    ];
    authority.issue_client(&subject, Some("ann@example.com"))
}

/// Asks for a page on a connection of its own, with these fields.
async fn get(house: &House, trust: &Trust, fields: &str) -> crate::kit::Answer {
    let mut wire = Wire::over(trust.http1(house.edge()).await);
    let host = house.edge();
    wire.ask(&format!("GET /x HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n"))
        .await
}

#[tokio::test]
async fn s33_a_client_is_who_its_certificate_says() {
    let authority = Authority::new();
    let house = house(&authority).await;
    let trust = authority.trust().with(ann(&authority));
    for _ in 0..3 {
        get(&house, &trust, "").await.says(200, "GET /x");
    }
    let mut h2 = H2::connect(house.edge(), &trust).await;
    h2.get("/two", &[]).await.says(200, "GET /two");
    let stream = trust.http1(house.edge()).await;
    let url = format!("wss://{}/ws", house.edge());
    let mut socket = Socket::over(stream, &url, &[]).await.unwrap();
    socket.echo("hello").await;
    for seen in house.upstream.seen() {
        assert_eq!(seen.header("x-forwarded-user"), Some("ann"));
        assert_eq!(seen.header("x-forwarded-email"), Some("ann@example.com"));
        assert_eq!(seen.header("x-forwarded-groups"), Some("sales"));
    }
    // One session for all of them, though nobody kept a cookie.
    let session = house.admin().session("1001").await;
    assert_eq!(session["userDirectory"], "LAB");
    assert_eq!(session["userName"], "Ann Adams");
    assert_eq!(session["authenticationMethod"], "certificate");
    house.admin().end("1001", &session).await;
    assert_eq!(socket.close_code().await, 1008);
}

#[tokio::test]
async fn s33_a_resumed_connection_is_still_the_clients() {
    let authority = Authority::new();
    let house = house(&authority).await;
    let trust = authority.trust().with(ann(&authority));
    let mut resumed = 0;
    for _ in 0..4 {
        let stream = trust.again(house.edge()).await;
        let mut wire = Wire::over(stream);
        let host = house.edge();
        wire.ask(&format!("GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await
            .says(200, "GET /x");
        resumed += usize::from(crate::kit::tls::has_resumed(&wire.stream));
    }
    assert!(resumed > 0, "nothing was resumed");
    assert_eq!(house.admin().sessions("1001").await.len(), 1);
}

#[tokio::test]
async fn s33_without_a_certificate_that_holds_nobody_comes_in() {
    let authority = Authority::new();
    let house = house(&authority).await;
    let claims = "X-Forwarded-Client-Cert: Subject=\"O=Example,UID=ann\"\r\n\
                  Client-Cert: :MIIB:\r\nX-SSL-Client-S-DN: O=Example,UID=ann\r\n";
    let nobody = get(&house, &authority.trust(), claims).await;
    assert_eq!(nobody.status, 401);
    // Of the authority, and nobody in this space.
    let subject = [(DnType::OrganizationName, "Elsewhere"), (uid(), "ann")];
    let stranger = authority.issue_client(&subject, None);
    let trust = authority.trust().with(stranger);
    assert_eq!(get(&house, &trust, claims).await.status, 401);
    // Of Example, and without what says who it is.
    let subject = [(DnType::OrganizationName, "Example"), (uid(), "bob")];
    let nameless = authority.issue_client(&subject, None);
    let trust = authority.trust().with(nameless);
    let refused = get(&house, &trust, "").await;
    assert_eq!(refused.status, 401);
    assert!(!refused.text().contains("bob"), "{}", refused.text());
    // Of another authority.
    let trust = authority.trust().with(ann(&Authority::new()));
    let cut = async {
        let stream = trust.connect(house.edge(), &["http/1.1"]).await.ok()?;
        let mut wire = Wire::over(stream);
        wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        wire.head().await
    };
    assert_eq!(cut.await, None);
    assert!(house.upstream.seen().is_empty());
    assert!(house.admin().sessions("1001").await.is_empty());
}

#[tokio::test]
async fn s41_a_space_that_goes_by_certificates_needs_an_edge_that_asks_for_them() {
    let house = House::local().await;
    Authority::new().issue_for_this_machine(house.folder.path());
    for edge in ["", &tls_site(&["site"], "")] {
        let ports = PORTS.replace("[edge]\n", &format!("[edge]\n{edge}"));
        let errors = house.read(&format!("{ports}{SPACE}")).err().unwrap();
        assert!(
            errors.contains("conflict at `space.1001.authn.0`")
                && errors.contains("the edge asks no client for a certificate"),
            "{errors}"
        );
    }
}
