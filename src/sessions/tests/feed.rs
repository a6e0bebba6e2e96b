//! The feed of events, for readers who keep up and for those who do not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{new_session, open, space};
use crate::domain::{EndReason, ManualClock, Session, SessionId};
use crate::sessions::{
    Admission, EndCause, Established, EventId, EventKind, Feed, FeedItem, Observer, Sessions,
};

fn stage(capacity: usize) -> (Feed, Sessions) {
    let clock = ManualClock::new();
    let feed = Feed::with_capacity(&clock, capacity);
    let sessions = Sessions::builder()
        .clock(Arc::new(clock))
        .observer(Arc::new(feed.clone()))
        .build();
    (feed, sessions)
}

fn number(item: Option<FeedItem>) -> u64 {
    match item {
        Some(FeedItem::Event(event)) => event.id.number(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was() {
    let (feed, sessions) = stage(Feed::CAPACITY);
    let here = space(&sessions, "1", None);
    let mut early = feed.subscribe(None);
    assert!(early.ready().is_none());
    let (session, _) = open(&sessions, &here, "ann").await;
    let cause = EndCause::terminated_by("root");
    let _ = sessions.end(&session, cause).await.unwrap();
    let FeedItem::Event(started) = early.next().await else {
        panic!("nothing was missed")
    };
    assert_eq!(
        (started.kind, started.at),
        (EventKind::Started, session.started_at())
    );
    assert_eq!(started.session.id(), session.id());
    let text = started.id.to_string();
    let mut resumed = feed.subscribe(Some(text.parse().unwrap()));
    for reader in [&mut early, &mut resumed] {
        let Some(FeedItem::Event(ended)) = reader.ready() else {
            panic!("nothing was missed")
        };
        assert_eq!(ended.kind, EventKind::Ended(EndReason::Terminated));
        assert_eq!((ended.id, ended.id.number()), (feed.latest(), 2));
        assert!(reader.ready().is_none());
        assert_eq!(reader.position(), feed.latest());
    }
    assert!(feed.subscribe(None).ready().is_none());
}

#[tokio::test]
async fn a_reader_that_was_passed_by_is_told_so_and_goes_on() {
    let (feed, sessions) = stage(4);
    let here = space(&sessions, "1", None);
    let mut slow = feed.subscribe(None);
    let from = slow.position();
    for _ in 0..6 {
        open(&sessions, &here, "ann").await;
    }
    let Some(FeedItem::Gap { from: known, to }) = slow.ready() else {
        panic!("two events are gone")
    };
    assert_eq!((known, to.number()), (from, 3));
    for expected in 3..=6 {
        assert_eq!(number(slow.ready()), expected);
    }
    assert!(slow.ready().is_none());
    // Four behind is not too far.
    for _ in 0..4 {
        open(&sessions, &here, "ann").await;
    }
    assert_eq!(number(slow.ready()), 7);
}

#[tokio::test]
async fn an_id_of_another_run_or_none_at_all_is_a_gap() {
    let (feed, sessions) = stage(10);
    let here = space(&sessions, "1", None);
    let earlier = Feed::new(&ManualClock::new());
    assert_ne!(earlier.latest(), feed.latest(), "two runs share their ids");
    open(&sessions, &here, "ann").await;
    let latest = feed.latest().to_string();
    let (run, _) = latest.split_once('-').unwrap();
    let future: EventId = format!("{run}-{}", u64::MAX).parse().unwrap();
    for after in [earlier.latest(), future] {
        let mut reader = feed.subscribe(Some(after));
        let Some(FeedItem::Gap { from, to }) = reader.ready() else {
            panic!("who knows what was missed")
        };
        assert_eq!((from, to), (after, feed.latest()));
        assert_eq!(number(reader.ready()), 1);
    }
    for bad in [
        "",
        "1",
        "-1",
        "x-1",
        "1-",
        "1-x",
        "1--1",
        "1-99999999999999999999",
    ] {
        assert!(bad.parse::<EventId>().is_err(), "{bad:?} was taken");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_keeps_up_misses_nothing_and_sees_starts_before_ends() {
    const LOGINS: usize = 400;
    let feed = Feed::with_capacity(&ManualClock::new(), 2 * LOGINS);
    let sessions = Sessions::builder()
        .observer(Arc::new(Slow))
        .observer(Arc::new(feed.clone()))
        .build();
    let here = space(&sessions, "1", None);
    let mut reader = feed.subscribe(None);
    let user = new_session("ann").identity.key(here.id());
    // On a thread of its own: tasks may take turns on one.
    let runtime = tokio::runtime::Handle::current();
    let ender = std::thread::spawn({
        let sessions = sessions.clone();
        move || {
            let mut ended = 0;
            while ended < LOGINS {
                let cause = EndCause::terminated_by("root");
                let all = runtime.block_on(sessions.end_user(user, &cause));
                ended += all.unwrap().len();
            }
        }
    });
    let logins = tokio::spawn(async move {
        let mut opened = 0;
        while opened < LOGINS {
            let login = sessions.establish(&here, new_session("ann"), Admission::default());
            // One that is ended in the middle has never started for anybody.
            opened += usize::from(matches!(login.await, Ok(Established::Opened { .. })));
        }
    });
    let mut open: HashSet<SessionId> = HashSet::new();
    for expected in 1..=2 * LOGINS as u64 {
        let item = tokio::time::timeout(Duration::from_secs(30), reader.next()).await;
        let FeedItem::Event(event) = item.expect("an event is due") else {
            panic!("it kept up")
        };
        assert_eq!(event.id.number(), expected);
        let id = event.session.id();
        match event.kind {
            EventKind::Started => assert!(open.insert(id), "started twice"),
            EventKind::Ended(_) => assert!(open.remove(&id), "ended before it started"),
        }
    }
    assert!(open.is_empty());
    logins.await.unwrap();
    ender.join().unwrap();
}

/// Leaves time for an end between a session's start and the feed's hearing of it.
struct Slow;

impl Observer for Slow {
    fn started(&self, _: &Arc<Session>) {
        std::thread::sleep(Duration::from_micros(50));
    }

    fn ended(&self, _: &Arc<Session>) {}
}
