//! Searches against a plain reading of the same sessions.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Column, SESSION_FIELDS, Search};
use crate::domain::{
    ClientInfo, ClientType, EndReason, Identity, ManualClock, Method, NewSession, Session,
    SessionPolicy, SpaceId, SpaceState,
};
use crate::query::{Compiled, Limits, OrderBy, Query};
use crate::sessions::{Admission, EndCause, Sessions};

struct Stage {
    sessions: Sessions,
    space: Arc<SpaceState>,
    all: Vec<Arc<Session>>,
}

/// 40 sessions of 5 users in a space, one a minute, of which every third has ended; and some
/// of another space, which nobody may ever see.
async fn stage() -> Stage {
    let clock = ManualClock::new();
    let sessions = Sessions::builder().clock(Arc::new(clock.clone())).build();
    let space = sessions.space(&SpaceId::new("1001").unwrap(), SessionPolicy::default());
    let other = sessions.space(&SpaceId::new("1002").unwrap(), SessionPolicy::default());
    let mut all = Vec::new();
    for n in 0..40_usize {
        clock.advance(Duration::from_secs(60));
        let user = format!("user{}", n % 5);
        let identity = Identity::new("LAB", &user)
            .unwrap()
            .with_email(&format!("{user}@x.y"))
            .unwrap();
        let new = NewSession {
            identity: Arc::new(identity),
            method: Method::Jwt,
            client: ClientInfo {
                ip: Some([10, 0, 0, u8::try_from(n % 3).unwrap()].into()),
                client_type: if n % 2 == 0 {
                    ClientType::Ui
                } else {
                    ClientType::Ci
                },
                ..ClientInfo::default()
            },
            license: (n % 4 == 0).then(|| "Professional".into()),
            sign_on: None,
        };
        let opened = sessions
            .establish(&space, new.clone(), Admission::default())
            .await
            .unwrap();
        let _elsewhere = sessions
            .establish(&other, new, Admission::default())
            .await
            .unwrap();
        if n % 3 == 0 {
            let cause = EndCause::because(EndReason::LoggedOut);
            let _ = sessions.end(opened.session(), cause).await.unwrap();
        }
        all.push(Arc::clone(opened.session()));
    }
    Stage {
        sessions,
        space,
        all,
    }
}

fn compiled(text: &str) -> Compiled<Column> {
    Query::parse(text, &Limits::FILTER)
        .unwrap()
        .compile(&SESSION_FIELDS)
        .unwrap()
}

impl Stage {
    async fn found(&self, text: &str) -> HashSet<String> {
        let filter = compiled(text);
        let found = self
            .sessions
            .matching(self.space.id(), Some(&filter))
            .await
            .unwrap();
        let ids: HashSet<_> = found.iter().map(|s| s.id().to_string()).collect();
        assert_eq!(ids.len(), found.len(), "{text}: one twice");
        ids
    }

    fn expected(&self, keep: impl Fn(usize, &Session) -> bool) -> HashSet<String> {
        let kept = self.all.iter().enumerate().filter(|(n, s)| keep(*n, s));
        kept.map(|(_, s)| s.id().to_string()).collect()
    }
}

#[tokio::test]
async fn every_index_finds_what_a_plain_reading_finds() {
    let stage = stage().await;
    let at = |n: usize| stage.all[n].started_at();
    let (first, last) = (at(10), at(19));
    let ids = format!(
        "id IN '{}','{}','{}'",
        stage.all[3].id(),
        stage.all[4].id(),
        "no-such-id"
    );
    for (text, expected) in [
        ("end_time=null", stage.expected(|n, _| n % 3 != 0)),
        ("!end_time=null", stage.expected(|n, _| n % 3 == 0)),
        (&*ids, stage.expected(|n, _| n == 3 || n == 4)),
        (
            &*format!("start_time BTW '{first}'...'{last}'"),
            stage.expected(|n, _| (10..20).contains(&n)),
        ),
        (
            &*format!("start_time>'{last}';end_time=null"),
            stage.expected(|n, _| n > 19 && n % 3 != 0),
        ),
        ("user={name='user2'}", stage.expected(|n, _| n % 5 == 2)),
        (
            "user={email='USER2@*'};client_type='ci'",
            stage.expected(|n, _| n % 5 == 2 && n % 2 == 1),
        ),
        (
            "license='professional'||client_ip='10.0.0.1'",
            stage.expected(|n, _| n % 4 == 0 || n % 3 == 1),
        ),
        ("license=null", stage.expected(|n, _| n % 4 != 0)),
        ("end_reason='logged_out'", stage.expected(|n, _| n % 3 == 0)),
        (
            &*format!("user={{id={}}}", stage.all[1].identity().number()),
            stage.expected(|n, _| n % 5 == 1),
        ),
    ] {
        assert_eq!(stage.found(text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn pages_are_exact_and_sorted() {
    let stage = stage().await;
    let page = async |order: Option<&str>, offset, limit| {
        let order = order.map(|text| OrderBy::parse(text, &SESSION_FIELDS).unwrap());
        let search = Search {
            space: stage.space.id().clone(),
            filter: None,
            order,
            offset,
            limit,
        };
        stage.sessions.search(&search).await.unwrap()
    };
    let newest: Vec<_> = stage.all.iter().rev().map(|s| s.id()).collect();
    let ids = |found: &super::Found| found.sessions.iter().map(|s| s.id()).collect::<Vec<_>>();
    for (offset, limit) in [(0, 7), (7, 7), (35, 7), (40, 7), (0, 100), (0, 0)] {
        let found = page(None, offset, limit).await;
        let expected: Vec<_> = newest.iter().copied().skip(offset).take(limit).collect();
        assert_eq!(
            (ids(&found), found.total),
            (expected, 40),
            "{offset} {limit}"
        );
    }
    let mut by_ip: Vec<_> = stage.all.iter().collect();
    by_ip.sort_by_key(|s| (std::cmp::Reverse(s.client().ip), s.id()));
    let by_ip: Vec<_> = by_ip.iter().map(|s| s.id()).collect();
    let found = page(Some("-client_ip"), 5, 20).await;
    assert_eq!(ids(&found), by_ip[5..25]);
}

#[tokio::test]
async fn groups_count_everything_once() {
    let stage = stage().await;
    let grouped = |column| stage.sessions.grouped(stage.space.id(), None, column);
    let users = grouped(Column::UserNumber).await.unwrap();
    assert_eq!(users.iter().map(|g| g.count).collect::<Vec<_>>(), [8; 5]);
    let licenses = grouped(Column::License).await.unwrap();
    let counts: Vec<_> = licenses
        .iter()
        .map(|g| (g.example.license().map(str::to_owned), g.count))
        .collect();
    assert_eq!(counts, [(None, 30), (Some("Professional".to_owned()), 10)]);
}

#[tokio::test]
async fn more_than_a_step_is_walked() {
    let sessions = Sessions::default();
    let space = sessions.space(&SpaceId::new("1").unwrap(), SessionPolicy::default());
    for n in 0..5000 {
        let new = NewSession {
            identity: Arc::new(Identity::new("LAB", &format!("u{n}")).unwrap()),
            method: Method::Custom,
            client: ClientInfo::default(),
            license: None,
            sign_on: None,
        };
        let opened = sessions
            .establish(&space, new, Admission::default())
            .await
            .unwrap();
        if n % 2 == 0 {
            let _ = sessions
                .end(opened.session(), EndCause::because(EndReason::Idle))
                .await
                .unwrap();
        }
    }
    let search = Search {
        space: space.id().clone(),
        filter: None,
        order: None,
        offset: 4990,
        limit: 100,
    };
    let found = sessions.search(&search).await.unwrap();
    assert_eq!((found.sessions.len(), found.total), (10, 5000));
    let open = sessions
        .matching(space.id(), Some(&compiled("end_time=null")))
        .await
        .unwrap();
    assert_eq!(open.len(), 2500);
}
