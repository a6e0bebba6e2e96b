//! Exports and imports, while things happen.

use std::collections::HashMap;

use super::*;
use crate::domain::{Clock as _, SessionEnd, SessionId, SessionRecord, UserLock};
use crate::sessions::{Export, LockOrder};
use crate::store::wire::Line;

async fn lines_of(export: &mut Export) -> Vec<Line> {
    let mut lines = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        lines.extend(piece);
    }
    lines
}

/// How sessions are in an export: how often each, and how it was the last time.
fn seen(lines: &[Line]) -> HashMap<SessionId, (usize, Option<SessionEnd>)> {
    let mut seen = HashMap::new();
    for line in lines {
        if let Line::Session(record) = line {
            let entry = seen.entry(record.id).or_insert((0, None));
            *entry = (entry.0 + 1, record.end.clone());
        }
    }
    seen
}

fn line(record: SessionRecord) -> Line {
    Line::Session(Box::new(record))
}

#[tokio::test]
async fn s11_an_export_is_right_about_every_session_while_they_begin_and_end() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let space = space(&sessions, "1001", None);
    let (mut staying, mut ending) = (Vec::new(), Vec::new());
    for n in 0..4000 {
        clock.advance(Duration::from_millis(1));
        let (session, _) = open(&sessions, &space, &format!("user{n}")).await;
        let list = if n % 4 == 0 {
            &mut ending
        } else {
            &mut staying
        };
        list.push(session);
    }
    let mut export = sessions.export(None);
    let mut lines = Vec::new();
    let mut left = ending.iter();
    // Between two pieces some begin, and some end that were shown, and some that were not.
    while let Some(piece) = export.next().await.unwrap() {
        lines.extend(piece);
        for _ in 0..50 {
            clock.advance(Duration::from_millis(1));
            open(&sessions, &space, "late").await;
            for next in [left.next(), left.next_back()].into_iter().flatten() {
                let cause = EndCause::because(EndReason::LoggedOut);
                let _ = sessions.end(next, cause).await.unwrap();
            }
        }
    }
    let seen = seen(&lines);
    for session in &staying {
        assert_eq!(seen.get(&session.id()), Some(&(1, None)));
    }
    let mut twice = 0;
    for session in &ending {
        let (times, end) = &seen[&session.id()];
        twice += usize::from(*times == 2);
        // One that ended behind the walk of the ended ones is there as open.
        assert!(end.is_none() || end.as_ref() == session.end());
    }
    assert!(twice > 50, "{twice} were shown as open and as ended");
    assert_eq!(lines[0], Line::Head);
}

#[tokio::test]
async fn imported_sessions_count_and_end_as_others_do() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let limit = UserLimit {
        max: 1,
        policy: LimitPolicy::Refuse,
    };
    let there = space(&sessions, "1001", Some(limit));
    let elsewhere = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let from = space(&elsewhere, "1001", None);
    let (late, _) = open(&elsewhere, &from, "late").await;
    clock.advance(Duration::from_secs(70));
    let (ann, token) = open(&elsewhere, &from, "ann").await;
    let (again, _) = open(&elsewhere, &from, "ann").await;
    let (cid, _) = open(&elsewhere, &from, "cid").await;
    let (dan, dans_token) = open(&sessions, &there, "dan").await;
    let order = |by: &str| LockOrder {
        time: None,
        by: by.into(),
        reason: None,
    };
    let id = SpaceId::new("1001").unwrap();
    let user = |name: &str| Identity::new("LAB", name).unwrap();
    sessions
        .lock_user(&id, &user("cid"), order("here"))
        .await
        .unwrap();
    let lock = |name: &str| {
        Line::Lock(UserLock {
            space: id.clone(),
            directory: "LAB".into(),
            id: name.into(),
            until: None,
            since: clock.wall(),
            by: "there".into(),
            reason: None,
        })
    };
    let records = [&late, &ann, &again, &cid].map(|session| line(session.record()));
    let lines = records
        .into_iter()
        .chain([lock("cid"), lock("dan")])
        .collect();
    let done = sessions.import(lines, None).await.unwrap();
    assert_eq!(
        (done.sessions, done.locks, done.known),
        (4, 1, 0),
        "{done:?}"
    );
    assert!(
        is_live(&sessions, &there, &token),
        "over the limit, as it was"
    );
    assert_eq!(there.open(), 2, "both of ann");
    let ended = async |id| {
        let session = sessions.get(there.id(), id).await.unwrap().unwrap();
        session.end().cloned().unwrap()
    };
    let end = ended(late.id()).await;
    assert_eq!((end.reason, end.at), (EndReason::Idle, late.expires_at()));
    let end = ended(cid.id()).await;
    assert_eq!(
        (end.reason, end.by.as_deref()),
        (EndReason::Terminated, Some("here"))
    );
    let end = ended(dan.id()).await;
    assert_eq!(
        (end.reason, end.by.as_deref()),
        (EndReason::Terminated, Some("there"))
    );
    assert!(!is_live(&sessions, &there, &dans_token));
    let login = sessions.establish(&there, new_session("ann"), Admission::default());
    assert!(matches!(
        login.await,
        Err(EstablishError::LimitReached { max: 1 })
    ));
    // What ends there ends here, and is cut.
    let here = sessions.get(there.id(), ann.id()).await.unwrap().unwrap();
    let tie = sessions.tie(&here);
    clock.advance(Duration::from_secs(1));
    let _ = elsewhere
        .end(&ann, EndCause::because(EndReason::LoggedOut))
        .await
        .unwrap();
    let again = sessions
        .import(vec![line(ann.record())], None)
        .await
        .unwrap();
    assert_eq!((again.sessions, again.ended), (0, 1));
    tie.ended().await;
    assert!(!is_live(&sessions, &there, &token));
    assert_eq!(there.open(), 1);
    let all = lines_of(&mut sessions.export(None)).await;
    assert_eq!(seen(&all).len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_an_import_and_the_end_of_all_sessions_leave_nothing_half() {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let there = space(&sessions, "1001", None);
    let elsewhere = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let from = space(&elsewhere, "1001", None);
    let (mut live, mut gone) = (0, 0);
    for n in 0..400 {
        let (session, token) = open(&elsewhere, &from, &format!("user{n}")).await;
        let lines = vec![line(session.record())];
        let importing = tokio::spawn({
            let sessions = sessions.clone();
            async move { sessions.import(lines, None).await }
        });
        if n % 3 == 0 {
            tokio::task::yield_now().await;
        }
        let cause = EndCause::because(EndReason::Terminated);
        let ended = sessions.end_user(session.user_key(), &cause).await.unwrap();
        importing.await.unwrap().unwrap();
        let is_live = is_live(&sessions, &there, &token);
        let kept = sessions
            .get(there.id(), session.id())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kept.end().is_none(), is_live, "store and table agree");
        assert!(!is_live || ended.is_empty());
        let again = sessions.end_user(session.user_key(), &cause).await.unwrap();
        assert_eq!(again.len(), usize::from(is_live));
        assert_eq!(there.open(), 0);
        *if is_live { &mut live } else { &mut gone } += 1;
    }
    assert!(
        live + gone == 400 && live > 0,
        "{live} came later, {gone} were ended"
    );
}
