//! S12 and S22: how many sessions a user has.

use futures_util::future::join_all;

use crate::kit::House;

/// Logs `ann` in at 100 different clients at once; the answers' statuses.
async fn parallel_logins(house: &House) -> Vec<u16> {
    let logins = (0..100).map(|number| {
        let script = house
            .script_of("ann")
            .with("user-agent", &format!("client {number}"));
        async move { script.get("/x").await.status }
    });
    join_all(logins).await
}

#[tokio::test]
async fn s22_parallel_logins_never_exceed_the_limit_refuse() {
    let house = House::header("[space.session]\nmax_per_user = 3\non_limit = \"refuse\"\n").await;
    let statuses = parallel_logins(&house).await;
    assert_eq!(
        statuses.iter().filter(|s| **s == 200).count(),
        3,
        "{statuses:?}"
    );
    assert!(statuses.iter().all(|s| *s == 200 || *s == 403));
    assert_eq!(house.admin().sessions("1001").await.len(), 3);
    assert_eq!(house.upstream.seen().len(), 3);
    let answer = house
        .script_of("ann")
        .with("user-agent", "one more")
        .get("/x")
        .await;
    answer.says(403, "3 open sessions");
    // Others are not concerned, and an end makes room.
    house.script_of("bob").get("/x").await.says(200, "GET /x");
    let admin = house.admin();
    let of_ann = admin
        .get(r"/api/v1/spaces/1001/sessions?user=LAB%5Cann")
        .await
        .json(200);
    admin.end("1001", &of_ann["sessions"][0]).await;
    house
        .script_of("ann")
        .with("user-agent", "one more")
        .get("/x")
        .await
        .says(200, "GET /x");
}

#[tokio::test]
async fn s22_parallel_logins_never_exceed_the_limit_end_oldest() {
    let house = House::header("[space.session]\nmax_per_user = 3\n").await;
    let statuses = parallel_logins(&house).await;
    assert!(statuses.iter().all(|s| *s == 200), "{statuses:?}");
    let admin = house.admin();
    assert_eq!(admin.sessions("1001").await.len(), 3);
    let ended = admin
        .get("/api/v1/spaces/1001/sessions?state=ended&limit=1000&view=full")
        .await
        .json(200);
    assert_eq!(ended["total"], 97);
    let reasons = ended["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["endReason"].as_str().unwrap());
    assert!(reasons.into_iter().all(|reason| reason == "displaced"));
}

#[tokio::test]
async fn parallel_first_requests_of_one_client_open_one_session() {
    let house = House::header("").await;
    let requests = (0..50).map(|_| {
        let script = house.script_of("ann");
        async move { script.get("/x").await.status }
    });
    assert!(join_all(requests).await.iter().all(|status| *status == 200));
    assert_eq!(house.admin().sessions("1001").await.len(), 1);
}

#[tokio::test]
async fn s12_ending_a_user_against_racing_logins_leaves_only_newer_ones() {
    let house = House::header("").await;
    let admin = house.admin();
    for round in 0..10 {
        let logins = (0..20).map(|number| {
            let script = house
                .script_of("ann")
                .with("user-agent", &format!("{round}-{number}"));
            async move { script.get("/x").await }
        });
        let end = admin.delete("/api/v1/spaces/1001/users/LAB/ann/sessions?view=full");
        let (answers, ended) = tokio::join!(join_all(logins), end);
        let ended = ended.json(200)["sessions"].as_array().unwrap().len();
        let open = admin.sessions("1001").await.len();
        let (mut let_in, mut alive) = (0, 0);
        for answer in answers {
            // Whom the call met half-way in is told that they are nobody.
            assert!(
                answer.status == 200 || answer.status == 401,
                "{}: {}",
                answer.status,
                answer.text()
            );
            if answer.status == 200 {
                let_in += 1;
                let script = house.script().with_cookie_of(&answer);
                alive += usize::from(script.get("/y").await.status == 200);
            }
        }
        // Whoever was let in has a session that is open, or that the call has ended.
        assert_eq!(alive, open, "round {round}");
        assert!(let_in - alive <= ended, "round {round}");
        assert!(ended + open <= 20, "round {round}");
        // And the next call ends the rest.
        admin
            .delete("/api/v1/spaces/1001/users/LAB/ann/sessions")
            .await
            .json(200);
        assert!(admin.sessions("1001").await.is_empty());
    }
}

#[tokio::test]
async fn s11_delete_wins_over_requests_in_flight() {
    let house = House::header("").await;
    let admin = house.admin();
    for round in 0..10 {
        let first = house
            .script_of("ann")
            .with("user-agent", &round.to_string())
            .get("/x")
            .await;
        let script = house.script().with_cookie_of(&first);
        let session = admin.session("1001").await;
        let touches = (0..20).map(|_| {
            let script = script.clone();
            async move { script.get("/x").await.status }
        });
        let end = admin.end("1001", &session);
        let (statuses, _) = tokio::join!(join_all(touches), end);
        assert!(
            statuses.iter().all(|s| *s == 200 || *s == 401),
            "{statuses:?}"
        );
        // Whatever raced with it: from now on there is no such session.
        assert_eq!(script.get("/x").await.status, 401);
        assert!(admin.sessions("1001").await.is_empty());
    }
}
