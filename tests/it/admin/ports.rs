//! S08: what is on which port.

use crate::kit::{House, Script, Wire};

#[tokio::test]
async fn s08_health_and_metrics_live_on_the_side_port_only() {
    let house = House::local().await;
    let admin = Script::new(house.gateway.admin_address());
    admin.get("/health/live").await.says(200, "\"live\"");
    admin.get("/health/ready").await.says(200, "\"ready\"");
    assert_eq!(admin.get("/metrics").await.status, 401);
    let metrics = house.admin().get("/metrics").await;
    assert!(
        metrics.header("content-type").contains("openmetrics"),
        "{:?}",
        metrics.headers
    );
    metrics.says(200, "# EOF");
    // At the edge these are paths of the application, and nobody's without a session.
    for path in [
        "/health/live",
        "/health/ready",
        "/metrics",
        "/api/v1/spaces",
        "/openapi.json",
    ] {
        let edge = house.script().bearer(&house.keys.site);
        assert_eq!(edge.get(path).await.status, 401, "{path}");
    }
    assert!(house.upstream.seen().is_empty());
    let house = House::header("").await;
    for path in ["/health/live", "/metrics", "/api/v1/spaces"] {
        house
            .script_of("ann")
            .get(path)
            .await
            .says(200, &format!("upstream GET {path}"));
        let answer = house
            .script_of("ann")
            .get(&format!("/.gatepass{path}"))
            .await;
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test]
async fn s08_the_applications_are_not_on_the_side_port() {
    let house = House::header("").await;
    let script = Script::new(house.gateway.admin_address()).with("hdr-usr", "ann");
    for path in ["/", "/x", "/.gatepass/login"] {
        let status = script.get(path).await.status;
        assert!(status == 401 || status == 404, "{path}: {status}");
    }
    assert!(house.upstream.seen().is_empty());
}

#[tokio::test]
async fn the_metrics_count_what_happens() {
    let house = House::header("").await;
    let script = house.script_of("ann");
    for _ in 0..3 {
        script.get("/x").await.says(200, "GET /x");
    }
    house.script().get("/x").await.says(401, "");
    script.get("/break").await.says(502, "");
    let metrics = house.admin().get("/metrics").await;
    let value = |name: &str, labels: &[&str]| -> f64 {
        let lines = metrics.text().lines().filter(|line| line.starts_with(name));
        let line = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        line.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    };
    assert_eq!(
        value("gatepass_sessions_open", &["1001"]),
        1.0,
        "{}",
        metrics.text()
    );
    assert!(
        value("gatepass_requests_total", &["1001"]) >= 5.0,
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn s31_the_side_port_is_loopback_unless_told_otherwise() {
    let house = House::local().await;
    assert!(house.gateway.admin_address().ip().is_loopback());
    for listen in ["0.0.0.0:0", "192.0.2.1:8081", "[::]:8081"] {
        let config = format!(
            "[edge]\nlisten = [\"127.0.0.1:0\"]\n[admin]\nlisten = \"{listen}\"\n{}",
            crate::kit::LOCAL
        );
        let error = house.read(&config).unwrap_err();
        assert!(
            error.contains("admin.listen") && error.contains("allow_plain_http"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn s37_the_side_port_does_not_wait_for_ever() {
    let house = House::local().await;
    let mut wire = Wire::connect(house.gateway.admin_address()).await;
    let large = format!(
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "y".repeat(1 << 20)
    );
    wire.send(&large).await;
    if let Some((status, _)) = wire.head().await {
        assert_eq!(status, 431);
    }
    // Others are served meanwhile.
    Script::new(house.gateway.admin_address())
        .get("/health/live")
        .await
        .says(200, "live");
}
