//! What all nodes of a namespace know.

use std::time::Duration;

use super::server::RedisServer;
use super::{connect, fresh};
use crate::domain::{ManualClock, SpaceId, Task, TaskId, TaskReport, TaskStatus, Timestamp};
use crate::store::redis::RedisOptions;
use crate::store::{Retention, SessionStore as _, SharedStore as _, StoredTasks as _};

#[tokio::test]
async fn nodes_of_a_namespace_have_one_secret_which_outlives_the_data() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let node = async |options: &_| connect(options, ManualClock::new(), Retention::default()).await;
    let (a, b) = (node(&options).await, node(&options).await);
    let secret = a.secret().await.unwrap();
    assert_eq!(b.secret().await.unwrap().expose(), secret.expose());
    let others = node(&fresh(&options)).await;
    assert_ne!(others.secret().await.unwrap().expose(), secret.expose());
    let key = format!("{}:secret", options.namespace);
    let left: u64 = server.text(&["PTTL", &key]).trim().parse().unwrap();
    let month = Duration::from_secs(30 * 86_400).as_millis();
    assert!(u128::from(left) > month - 60_000, "{left}");

    // Whoever goes on puts it back, before others make another one.
    assert_eq!(server.command(&["FLUSHALL"]), "+OK");
    let _ = b.purge().await.unwrap();
    let late = node(&options).await;
    assert_eq!(late.secret().await.unwrap().expose(), secret.expose());
}

#[tokio::test]
async fn ids_of_tasks_do_not_start_again_when_data_are_lost() {
    let server = RedisServer::start();
    let options = fresh(&RedisOptions::single(server.url()));
    let clock = ManualClock::new();
    let store = connect(&options, clock.clone(), Retention::default()).await;
    let task = Task {
        id: TaskId::new(0),
        kind: "end".into(),
        space: SpaceId::new("1").unwrap(),
        status: TaskStatus::Queued,
        report: TaskReport::default(),
        created: Timestamp::from_unix_millis(0),
        started: None,
        ended: None,
        failure: None,
    };
    let before = store.number_task(&task).await.unwrap();
    let keys = server.text(&["KEYS", "*tasks*"]);
    for key in keys.lines() {
        let left: i64 = server.text(&["PTTL", key]).trim().parse().unwrap();
        assert!(left > 0, "{key} lives for ever");
    }
    assert_eq!(keys.lines().count(), 4, "{keys}");
    assert_eq!(server.command(&["FLUSHALL"]), "+OK");
    clock.advance(Duration::from_millis(10));
    assert!(store.number_task(&task).await.unwrap() > before);
    assert_eq!(store.task(before).await.unwrap(), None);
}
