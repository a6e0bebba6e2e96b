//! Whatever stands in Redis goes some day.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;

use super::server::RedisServer;
use super::{connect, fresh};
use crate::domain::{
    ClientInfo, Clock as _, DayPeak, EndReason, Identity, LicensePeak, LimitPolicy, ManualClock,
    Method, NewSession, Session, SessionEnd, SessionPolicy, SpaceId, SpaceState, TargetId, Task,
    TaskId, TaskReport, TaskStatus, Ticket, Token, UserLimit, UserLock,
};
use crate::store::redis::RedisOptions;
use crate::store::{Created, EndScope, Retention, SessionStore, SharedStore as _, Touch};

const DAY_MS: i64 = 86_400_000;

/// All keys, and for how many milliseconds each lives.
async fn keys(redis: &mut MultiplexedConnection) -> Vec<(String, i64)> {
    let keys: Vec<Vec<u8>> = ::redis::cmd("KEYS")
        .arg("*")
        .query_async(redis)
        .await
        .unwrap();
    let mut lifetimes = Vec::new();
    for key in keys {
        let mut lives = ::redis::cmd("PTTL");
        let lives = lives.arg(&key).query_async(redis).await.unwrap();
        lifetimes.push((String::from_utf8_lossy(&key).into_owned(), lives));
    }
    lifetimes
}

fn lock(user: &str, clock: &ManualClock, time: Option<Duration>) -> UserLock {
    UserLock {
        space: SpaceId::new("1").unwrap(),
        directory: "LAB".into(),
        id: user.into(),
        until: time.map(|time| clock.wall().after(time)),
        since: clock.wall(),
        by: "ops".into(),
        reason: None,
    }
}

#[tokio::test]
async fn every_key_has_a_lifetime() {
    let server = RedisServer::start();
    let client = ::redis::Client::open(server.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let clock = ManualClock::new();
    let options = fresh(&RedisOptions::single(server.url()));
    let retention = Retention {
        max: 20,
        ..Retention::default()
    };
    let store = connect(&options, clock.clone(), retention).await;
    let policy = SessionPolicy {
        limit: Some(UserLimit {
            max: 3,
            policy: LimitPolicy::EndOldest,
        }),
        ..SessionPolicy::default()
    };
    let space = SpaceState::new(SpaceId::new("1").unwrap(), policy);
    let end = |reason| SessionEnd {
        at: clock.wall(),
        reason,
        by: None,
    };
    let open = async |user: &str| {
        let new = NewSession {
            identity: Arc::new(Identity::new("LAB", user).unwrap()),
            method: Method::Custom,
            client: ClientInfo::default(),
            license: None,
            sign_on: None,
        };
        clock.advance(Duration::from_millis(1));
        let digest = Token::generate().digest();
        let session = Arc::new(Session::start(new, Arc::clone(&space), digest, &clock));
        let created = store.create(&session).await.unwrap();
        assert!(matches!(created, Created::Kept | Created::KeptInPlaceOf(_)));
        session
    };
    for n in 0..60 {
        let session = open(&format!("user{}", n % 10)).await;
        if n % 4 == 0 {
            let ended = store.end(Touch::last_of(&session), end(EndReason::LoggedOut));
            let _ = ended.await.unwrap();
        }
    }
    let (identity, ticket) = (
        Arc::new(Identity::new("LAB", "ann").unwrap()),
        Token::generate(),
    );
    let ticket_of = Ticket {
        identity,
        target: None,
    };
    let minute = Duration::from_secs(60);
    store
        .put_ticket(ticket.digest(), ticket_of, minute)
        .await
        .unwrap();
    store
        .put_target(TargetId::generate(), "/x".into(), minute)
        .await
        .unwrap();
    let task = Task {
        id: TaskId::new(1),
        kind: "end".into(),
        space: space.id().clone(),
        status: TaskStatus::Queued,
        report: TaskReport::default(),
        created: clock.wall(),
        started: None,
        ended: None,
        failure: None,
    };
    store.put_task(&task).await.unwrap();
    let peak = LicensePeak {
        space: space.id().clone(),
        license: None,
        day: DayPeak {
            day: clock.wall(),
            peak: 3,
        },
    };
    store.put_peaks(&[peak]).await.unwrap();
    for (user, time) in [("a", None), ("b", Some(minute)), ("c", None)] {
        store.put_lock(&lock(user, &clock, time)).await.unwrap();
    }
    let lifted = lock("c", &clock, None).user_key();
    store.remove_lock(lifted).await.unwrap();
    let user = Identity::new("LAB", "user1").unwrap().key(space.id());
    store
        .end_user(user, None, end(EndReason::Terminated))
        .await
        .unwrap();
    for scope in [EndScope::User(user), EndScope::Everything] {
        store
            .end_scope(scope, end(EndReason::Terminated))
            .await
            .unwrap();
    }
    let look = async |redis: &mut MultiplexedConnection| {
        let all = keys(redis).await;
        assert!(all.len() > 50, "{all:?}");
        for (key, lives) in &all {
            assert!(*lives > 0, "{key} lives for ever");
            assert!(*lives <= 400 * DAY_MS, "{key}: {lives}");
        }
    };
    look(&mut redis).await;
    while !store.settle(Some(EndScope::Everything)).await.unwrap().done {}
    while store.purge().await.unwrap() > 0 {}
    look(&mut redis).await;
    let all = keys(&mut redis).await;
    let has = |part: &str| all.iter().any(|(key, _)| key.contains(part));
    for part in [
        ":l:", ":locks", ":x:a", ":z:", ":k:", ":i", ":t:", "peaks", "tasks", "targets",
    ] {
        assert!(has(part), "{part} is not among {all:?}");
    }
    // A lock for ever is given its time again.
    let locks = |all: &[(String, i64)]| {
        let all = all.iter().filter(|(key, lives)| {
            (key.ends_with(":locks") || key.contains(":l:")) && *lives > 2 * 3_600_000
        });
        all.map(|(_, lives)| *lives).collect::<Vec<_>>()
    };
    for (key, _) in all.iter().filter(|(key, _)| key.ends_with(":locks")) {
        let mut expire = ::redis::cmd("PEXPIRE");
        let expire = expire.arg(key).arg(3 * DAY_MS);
        let _: i64 = expire.query_async(&mut redis).await.unwrap();
    }
    store.purge().await.unwrap();
    let renewed = locks(&keys(&mut redis).await);
    let lasting = renewed.iter().filter(|lives| **lives > 399 * DAY_MS);
    assert_eq!(
        lasting.count(),
        2,
        "the lock and the list it is in: {renewed:?}"
    );
}
