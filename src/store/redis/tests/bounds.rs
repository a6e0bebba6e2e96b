//! That nothing keeps Redis from answering others: no command and no script does an amount of
//! work that grows with the number of sessions.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::connect;
use super::server::RedisServer;
use crate::domain::{
    Clock as _, EndReason, LimitPolicy, SessionPolicy, SpaceId, Timestamp, UserKey, UserLimit,
    UserLock,
};
use crate::store::contract::Maker;
use crate::store::redis::{RedisOptions, RedisStore};
use crate::store::{
    Created, Ended, IdRange, Retention, Scan, SessionStore as _, SharedStore as _, StateFilter,
    Touch,
};

/// Commands that look at all there is. HGETALL and HVALS are not among them: they
/// read the counters of the spaces, and epochs that are being settled.
const UNBOUNDED: [&str; 12] = [
    "keys",
    "scan",
    "hscan",
    "sscan",
    "zscan",
    "hkeys",
    "smembers",
    "sort",
    "zrangebyscore",
    "zrangebylex",
    "zremrangebyscore",
    "zremrangebylex",
];

/// Members that a command may ask for.
const MEMBERS: i64 = 1600;

/// Commands that a script may run: a millisecond or two.
const STEPS: usize = 2000;

/// A user's sessions, and other users with a few each: more than any step takes.
const MANY: usize = 1500;

#[tokio::test]
async fn no_step_grows_with_the_number_of_sessions() {
    let server = RedisServer::start();
    let maker = Maker::new(crate::domain::ManualClock::new());
    let retention = Retention {
        time: Duration::from_secs(1000),
        max: 100,
    };
    let options = RedisOptions {
        timeout: Duration::from_secs(60),
        ..RedisOptions::single(server.url())
    };
    let store = connect(&options, maker.clock.clone(), retention).await;
    let monitor = Monitor::start(server.port);

    let mut sessions = Vec::new();
    for number in 0..MANY {
        sessions.push(maker.session("ann"));
        sessions.push(maker.session(&format!("user{number}")));
    }
    for some in sessions.chunks(256) {
        try_join_all(some.iter().map(|session| store.create(session)))
            .await
            .unwrap();
    }
    let locks = (0..MANY).map(|number| lock(&format!("locked{number}"), number));
    let locks: Vec<_> = locks.collect();
    try_join_all(locks.iter().map(|lock| store.put_lock(lock)))
        .await
        .unwrap();
    assert_eq!(store.locks().await.unwrap().len(), MANY, "all locks");

    let touched = sessions.iter().map(|s| maker.touch(s, maker.clock.tick()));
    store
        .touch_many(&touched.collect::<Vec<_>>())
        .await
        .unwrap();
    look(&store, 2 * MANY).await;

    // A limit that comes late: one login ends all the others.
    maker.space.set_policy(SessionPolicy {
        limit: Some(UserLimit {
            max: 1,
            policy: LimitPolicy::EndOldest,
        }),
        ..SessionPolicy::default()
    });
    let Created::KeptInPlaceOf(left) = store.create(&maker.session("ann")).await.unwrap() else {
        panic!("they leave for it");
    };
    assert_eq!(left.len(), MANY, "all leave, oldest first");
    assert!(left.is_sorted_by_key(|session| session.id()));
    maker.space.set_policy(SessionPolicy::default());
    for some in (0..MANY)
        .map(|_| maker.session("ann"))
        .collect::<Vec<_>>()
        .chunks(256)
    {
        try_join_all(some.iter().map(|session| store.create(session)))
            .await
            .unwrap();
    }
    let ann = UserKey::new(&SpaceId::new("1001").unwrap(), "LAB", "ann");
    let ended = store
        .end_user(ann, None, maker.end(EndReason::Terminated))
        .await;
    assert_eq!(ended.unwrap().len(), MANY + 1, "all that are open");
    look(&store, MANY).await;

    // Nobody ends the rest, and then all are past the retention time.
    maker.clock.advance(Duration::from_secs(400 * 86_400));
    while !store.end_overdue(Duration::ZERO).await.unwrap().is_empty() {}
    while store.purge().await.unwrap() > 0 {}
    let gone = store
        .end(
            Touch::last_of(&sessions[0]),
            maker.end(EndReason::LoggedOut),
        )
        .await;
    assert!(matches!(gone, Ok(Ended::Unknown)), "{gone:?}");
    assert_eq!(count(&store, StateFilter::All).await, 0);

    monitor.judge(&server);
}

/// Looks at the sessions in all the ways there are.
async fn look(store: &RedisStore, open: usize) {
    let space = SpaceId::new("1001").unwrap();
    assert_eq!(count(store, StateFilter::Open).await, open);
    for space in [None, Some(space.clone())] {
        let scan = Scan {
            space,
            user: None,
            state: StateFilter::All,
            after: None,
            limit: 1000,
        };
        assert_eq!(store.scan(scan).await.unwrap().sessions.len(), 1000);
    }
    let (mut left, mut seen) = (IdRange::ALL, Vec::new());
    loop {
        let some = store
            .walk_open(Some(space.clone()), left, 1024)
            .await
            .unwrap();
        let Some(last) = some.last() else { break };
        left = left.before(last.id());
        seen.extend(some);
    }
    assert_eq!(seen.len(), open, "a walk meets each once");
    assert!(seen.is_sorted_by(|a, b| a.id() > b.id()), "newest first");
    let other = SpaceId::new("nobody-s").unwrap();
    assert!(
        store
            .walk_open(Some(other), IdRange::ALL, 10)
            .await
            .unwrap()
            .is_empty()
    );
    store.walk_ended(IdRange::ALL, 1024).await.unwrap();
    let of_user = Scan {
        space: None,
        user: Some(seen[0].user_key()),
        state: StateFilter::All,
        after: None,
        limit: 1000,
    };
    assert!(!store.scan(of_user).await.unwrap().sessions.is_empty());
    store.get(seen[0].id()).await.unwrap().unwrap();
    store.load(seen[0].digest()).await.unwrap().unwrap();
    store.standing(seen).await.unwrap();
}

async fn count(store: &RedisStore, state: StateFilter) -> usize {
    let scan = Scan {
        space: None,
        user: None,
        state,
        after: None,
        limit: 0,
    };
    store.scan(scan).await.unwrap().total
}

fn lock(user: &str, number: usize) -> UserLock {
    // Many until the same time, some for ever.
    let until = (!number.is_multiple_of(3)).then(|| Timestamp::from_unix_millis(4_000_000_000_000));
    UserLock {
        space: SpaceId::new("1001").unwrap(),
        directory: "LAB".into(),
        id: user.into(),
        until,
        since: Timestamp::from_unix_millis(0),
        by: Arc::from("site"),
        reason: None,
    }
}

/// Sees all that a server does.
struct Monitor(std::thread::JoinHandle<Vec<String>>);

const END: &str = "that is all";

impl Monitor {
    fn start(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream).split(b'\n');
        lines.next().unwrap().unwrap();
        Self(std::thread::spawn(move || {
            let lines = lines.map(|line| String::from_utf8_lossy(&line.unwrap()).into_owned());
            lines.take_while(|line| !line.contains(END)).collect()
        }))
    }

    fn judge(self, server: &RedisServer) {
        server.command(&["ECHO", END]);
        let lines = self.0.join().unwrap();
        let (mut script, mut steps, mut most) = ("", 0, 0);
        for line in &lines {
            // `time [db lua] "word" "word"`
            let (from, words) = line.split_once("] ").unwrap();
            let words: Vec<_> = words
                .split("\" \"")
                .map(|w| w.trim_matches(['"', '\r']))
                .collect();
            if !from.ends_with(" lua") {
                (script, steps) = (line, 0);
            }
            steps += 1;
            most = most.max(steps);
            assert!(steps <= STEPS, "more than {STEPS} steps: {script}");
            let name = words[0].to_lowercase();
            // As many as there were ends of all of a user, say, within an hour.
            let of_epochs = words.get(1).is_some_and(|key| key.contains("}:x:"));
            assert!(of_epochs || !UNBOUNDED.contains(&name.as_str()), "{line}");
            let number = |at: usize| words.get(at).and_then(|word| word.parse::<i64>().ok());
            let after = |name: &str| words.iter().position(|word| *word == name);
            let asked = match name.as_str() {
                "zrange" => match after("LIMIT") {
                    Some(limit) => number(limit + 2),
                    None => number(3).zip(number(2)).map(|(stop, start)| {
                        if stop < start {
                            i64::MAX
                        } else {
                            stop - start + 1
                        }
                    }),
                },
                "xrange" | "xrevrange" => after("COUNT").and_then(|count| number(count + 1)),
                _ => Some(1),
            };
            assert!(asked.is_some_and(|asked| asked <= MEMBERS), "{line}");
        }
        assert!(
            lines.len() > 20 * MANY && most > 500,
            "it saw {} and {most}",
            lines.len()
        );
    }
}
