//! S12 and S22: seats of licenses and locks on users, seen from both ports.

use futures_util::future::join_all;
use gatepass::domain::{Identity, SpaceId};
use gatepass::sessions::LockOrder;

use crate::kit::{House, PORTS, house};

const CLASSIFY: &str = "[[space.classify]]\nlicense = \"pro\"\n";

fn seats(seats: u32, on_limit: &str) -> String {
    format!(
        "{CLASSIFY}[[space.license]]\nname = \"pro\"\nseats = {seats}\non_limit = \"{on_limit}\"\n"
    )
}

async fn metrics(house: &House) -> String {
    house.admin().get("/metrics").await.text().to_owned()
}

#[tokio::test]
async fn s22_parallel_logins_never_exceed_the_seats_of_a_license() {
    for (policy, let_in) in [("refuse", 3), ("end-oldest", 100)] {
        let house = House::header(&seats(3, policy)).await;
        let logins = (0..100).map(|number| {
            let script = house.script_of(&format!("user{number}"));
            async move { script.get("/x").await.status }
        });
        let statuses = join_all(logins).await;
        let passed = statuses.iter().filter(|s| **s == 200).count();
        assert_eq!(passed, let_in, "{policy}: {statuses:?}");
        assert!(statuses.iter().all(|s| *s == 200 || *s == 403));
        assert_eq!(house.admin().sessions("1001").await.len(), 3);
        let metrics = metrics(&house).await;
        for line in [
            r#"gatepass_license_sessions{space="1001",license="pro"} 3"#,
            r#"gatepass_license_seats{space="1001",license="pro"} 3"#,
            r#"gatepass_license_peak_today{space="1001",license="pro"} 3"#,
        ] {
            assert!(metrics.lines().any(|l| l == line), "{line} in {metrics}");
        }
        if policy == "refuse" {
            let answer = house.script_of("late").get("/x").await;
            answer.says(403, "All 3 seats of the license pro are taken");
        }
    }
}

#[tokio::test]
async fn a_reload_brings_seats_and_takes_them_away() {
    let house = House::header(CLASSIFY).await;
    for user in ["ann", "bob"] {
        house.script_of(user).get("/x").await.says(200, "GET /x");
    }
    let with = |more: &str| format!("{PORTS}{}{more}", house::header_space());
    let restart = house.reload(&with(&seats(1, "refuse")));
    assert!(restart.is_empty(), "{restart:?}");
    // Nobody is thrown out, and nobody comes in.
    assert_eq!(house.admin().sessions("1001").await.len(), 2);
    let refused = house.script_of("cat").get("/x").await;
    refused.says(403, "The only seat of the license pro is taken");
    house.reload(&with(CLASSIFY));
    house.script_of("cat").get("/x").await.says(200, "GET /x");
    assert!(!metrics(&house).await.contains("gatepass_license_seats{"));
}

#[tokio::test]
async fn s12_a_lock_that_races_with_logins_leaves_nobody_in() {
    let house = House::header("").await;
    let (space, ann) = (
        SpaceId::new("1001").unwrap(),
        Identity::new("LAB", "ann").unwrap(),
    );
    let order = LockOrder {
        time: None,
        by: "root".into(),
        reason: None,
    };
    let sessions = house.gateway.sessions();
    for round in 0..10 {
        let logins = (0..20).map(|number| {
            let agent = format!("{round}-{number}");
            let script = house.script_of("ann").with("user-agent", &agent);
            async move { script.get("/x").await }
        });
        let lock = sessions.lock_user(&space, &ann, order.clone());
        let (answers, locked) = tokio::join!(join_all(logins), lock);
        locked.unwrap();
        for answer in answers {
            // Whom the lock met half-way in is told that they are nobody.
            assert!(matches!(answer.status, 200 | 401 | 403));
            if answer.status == 200 {
                let script = house.script().with_cookie_of(&answer);
                assert_eq!(script.get("/y").await.status, 401);
            }
        }
        assert!(house.admin().sessions("1001").await.is_empty());
        let barred = house.script_of("ann").get("/x").await;
        barred.says(403, "Your account is locked");
        sessions.unlock_user(&space, &ann).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn s39_only_the_right_password_tells_of_a_lock() {
    let house = House::local().await;
    let sessions = house.gateway.sessions();
    let order = LockOrder {
        time: None,
        by: "root".into(),
        reason: None,
    };
    let (space, alice) = (
        SpaceId::new("1001").unwrap(),
        Identity::new("DEMO", "alice").unwrap(),
    );
    sessions.lock_user(&space, &alice, order).await.unwrap();
    let wrong = house.browser().log_in("/", "alice", "wrong").await;
    wrong.says(401, "The user name or the password is wrong.");
    assert!(!wrong.text().contains("locked"), "{}", wrong.text());
    let right = house.browser().log_in("/", "alice", "demo-password").await;
    right.says(403, "Your account is locked");
    assert!(right.text().contains("<form"), "{}", right.text());
}
