//! S31: who may call the side port.

use crate::kit::{Admin, House, LOCAL, PORTS, Script, Wire};

#[tokio::test]
async fn s31_every_route_wants_a_key_and_a_role() {
    let other = LOCAL
        .replace("1001", "1002")
        .replace("authn", "prefix = \"/other\"\nauthn");
    let house = House::with(&format!("{PORTS}{LOCAL}{other}")).await;
    house
        .browser()
        .log_in("/", "alice", "demo-password")
        .await
        .says(200, "GET /");
    let session = house.admin().session("1001").await;
    let id = session["sessionId"].as_str().unwrap();
    let address = house.gateway.admin_address();
    let of = |bearer: &str| Admin::new(address, bearer);
    let (space, reader) = (of(&house.keys.space), of(&house.keys.reader));
    let nobody = Script::new(address);
    for (method, path) in [
        ("GET", "/api/v1/spaces"),
        ("GET", "/api/v1/spaces/1001"),
        ("GET", "/api/v1/spaces/1001/sessions"),
        ("POST", "/api/v1/spaces/1001/sessions/end"),
        ("GET", &*format!("/api/v1/spaces/1001/sessions/{id}")),
        ("DELETE", &*format!("/api/v1/spaces/1001/sessions/{id}")),
        ("GET", "/api/v1/spaces/1001/users/DEMO/alice/sessions"),
        ("DELETE", "/api/v1/spaces/1001/users/DEMO/alice/sessions"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/"),
    ] {
        let answer = nobody.send(method, path, "").await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        for wrong in [
            "site",
            "site.",
            ".x",
            "site.wrong",
            "nobody.secret",
            &house.keys.site[..20],
            "",
        ] {
            let answer = nobody.clone().bearer(wrong).send(method, path, "").await;
            assert!(
                answer.status == 401 || answer.status == 429,
                "{wrong}: {}",
                answer.status
            );
        }
        // In another space, the administrator of this one may nothing; who reads, ends nothing.
        let foreign = path.replace("1001", "1002");
        if foreign != path {
            let call = async |admin: &Admin, path: &str| match method {
                "GET" => admin.get(path).await,
                "DELETE" => admin.delete(path).await,
                _ => admin.post(path, "{\"sessionIds\":[]}").await,
            };
            assert_eq!(
                call(&space, &foreign).await.status,
                403,
                "{method} {foreign}"
            );
            assert_eq!(
                call(&space, &path.replace("1001", "9999")).await.status,
                403
            );
            if method != "GET" {
                assert_eq!(call(&reader, path).await.status, 403, "{method} {path}");
            }
        }
    }
    assert_eq!(house.admin().sessions("1001").await.len(), 1);
    let spaces = space.get("/api/v1/spaces").await.json(200);
    assert_eq!(spaces["spaces"].as_array().unwrap().len(), 1);
    assert_eq!(reader.sessions("1001").await.len(), 1);
    assert_eq!(space.end("1001", &session).await["endedBy"], "space");
}

#[tokio::test]
async fn s31_paths_are_matched_on_whole_segments() {
    let house = House::local().await;
    let admin = Script::new(house.gateway.admin_address());
    // Only the health checks are open; what looks like them is not.
    for path in [
        "/health/livex",
        "/health",
        "/health/",
        "/health/live/",
        "/health/live/x",
        "//health/live",
        "/x/../health/live",
        "/health/live/../../metrics",
        "/health/live/%2e%2e/%2e%2e/metrics",
        "/health%2flive",
        "/health/live;/metrics",
        "/metrics/health/live",
        "/HEALTH/LIVE",
    ] {
        assert_eq!(admin.get(path).await.status, 401, "{path}");
    }
    assert_eq!(admin.get("/health/live?x=/metrics").await.status, 200);
}

#[tokio::test]
async fn s31_pages_of_other_origins_are_refused() {
    let house = House::local().await;
    let address = house.gateway.admin_address();
    let script = Script::new(address).bearer(&house.keys.site);
    let edge = format!("http://{}", house.edge());
    for (name, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", &*edge, 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("host", "evil.example", 421),
        ("host", "localhost.evil.example", 421),
        ("host", "127.0.0.1.nip.io:80", 421),
        ("origin", &*format!("http://{address}"), 200),
        ("sec-fetch-site", "same-origin", 200),
        ("host", "localhost:1", 200),
    ] {
        let answer = script.clone().with(name, value).get("/api/v1/spaces").await;
        assert_eq!(answer.status, status, "{name}: {value}");
        assert!(
            !answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control"))
        );
        let preflight = script
            .clone()
            .with("origin", "https://evil.example")
            .with("access-control-request-method", "DELETE");
        assert_eq!(
            preflight.send("OPTIONS", "/api/v1/spaces", "").await.status,
            403
        );
    }
    // No form can send JSON.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let answer = script
            .clone()
            .with("content-type", kind)
            .send(
                "POST",
                "/api/v1/spaces/1001/sessions/end",
                "{\"sessionIds\":[]}",
            )
            .await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    let mut wire = Wire::connect(address).await;
    let answer = wire
        .ask(&format!(
            "GET /api/v1/spaces HTTP/1.0\r\nAuthorization: Bearer {}\r\n\r\n",
            house.keys.site
        ))
        .await;
    assert_eq!(answer.status, 400, "no Host, no answer");
}
