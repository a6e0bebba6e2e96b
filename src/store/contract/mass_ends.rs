//! The end of all sessions of a user, a space, or of all there are.

use std::sync::Arc;
use std::time::Duration;

use super::Maker;
use crate::domain::{EndReason, Session, SessionEnd};
use crate::store::{Created, EndScope, Ended, IdRange, Scan, SessionStore, StateFilter, Touch};

/// More than a step ends, and more than a page has.
const MANY: usize = 600;

/// As whoever keeps a table does it: with a shared store by its means, else one by one.
async fn end_all(store: &impl SessionStore, scope: &EndScope, end: SessionEnd) -> usize {
    let Some(shared) = store.shared() else {
        let all = Scan {
            limit: usize::MAX,
            ..Scan::default()
        };
        let open = store.scan(all).await.unwrap().sessions;
        let mut count = 0;
        for session in open.iter().filter(|session| scope.includes(session)) {
            let ended = store.end(Touch::last_of(session), end.clone()).await;
            count += usize::from(matches!(ended.unwrap(), Ended::Now(_)));
        }
        return count;
    };
    let epochs = shared.end_scope(scope.clone(), end).await.unwrap();
    assert!(epochs.iter().all(|epoch| epoch.scope == *scope));
    let mut count = 0;
    loop {
        let settled = shared.settle(Some(scope.clone())).await.unwrap();
        count += settled.ended.len();
        if settled.done {
            return count;
        }
    }
}

async fn open(maker: &Maker, store: &impl SessionStore, user: &str) -> Arc<Session> {
    let session = maker.session(user);
    let created = store.create(&session).await.unwrap();
    assert!(matches!(created, Created::Kept), "{created:?}");
    session
}

async fn totals(store: &impl SessionStore) -> (usize, usize) {
    let total = async |state| {
        let scan = Scan {
            state,
            ..Scan::default()
        };
        store.scan(scan).await.unwrap().total
    };
    (
        total(StateFilter::Open).await,
        total(StateFilter::Ended).await,
    )
}

/// S12, and that time does not matter: an end of many ends what was opened before and
/// nothing else.
pub(super) async fn s12_a_mass_end_ends_what_is_older(maker: &Maker, store: &impl SessionStore) {
    let mut before = Vec::new();
    for n in 0..MANY {
        let user = if n % 2 == 0 { "ann" } else { "bob" };
        before.push(open(maker, store, user).await);
    }
    // One that ended before keeps its end.
    let end = maker.end(EndReason::LoggedOut);
    let ended = store.end(Touch::last_of(&before[0]), end).await.unwrap();
    assert!(matches!(ended, Ended::Now(_)));
    maker.clock.advance(Duration::from_secs(60));
    let (ann, bob) = (before[0].user_key(), before[1].user_key());
    let end = SessionEnd {
        by: Some("ops, of all".into()),
        ..maker.end(EndReason::Terminated)
    };
    let of_ann = EndScope::User(ann);
    assert_eq!(end_all(store, &of_ann, end.clone()).await, MANY / 2 - 1);
    assert_eq!(totals(store).await, (MANY / 2, MANY / 2));
    let newer = open(maker, store, "ann").await;
    assert!(store.load(newer.digest()).await.unwrap().is_some());
    assert!(store.load(before[1].digest()).await.unwrap().is_some());
    assert!(store.load(before[2].digest()).await.unwrap().is_none());
    let scope = EndScope::Space(newer.space_id().clone());
    let revoked = maker.end(EndReason::Revoked);
    assert_eq!(end_all(store, &scope, revoked).await, MANY / 2 + 1);
    assert_eq!(totals(store).await, (0, MANY + 1));
    for (session, reason) in [
        (&before[0], EndReason::LoggedOut),
        (&before[2], EndReason::Terminated),
        (&before[1], EndReason::Revoked),
    ] {
        let kept = store.get(session.id()).await.unwrap().unwrap();
        assert_eq!(kept.end().map(|end| end.reason), Some(reason));
        store.touch_many(&[Touch::last_of(session)]).await.unwrap();
        let again = store.end(Touch::last_of(session), end.clone()).await;
        assert!(matches!(again.unwrap(), Ended::Before(_)));
        assert!(store.load(session.digest()).await.unwrap().is_none());
    }
    let kept = store.get(before[2].id()).await.unwrap().unwrap();
    assert_eq!(kept.end(), Some(&end));
    let newest = open(maker, store, "bob").await;
    maker.clock.advance(Duration::from_secs(60));
    assert!(store.load(newest.digest()).await.unwrap().is_some());
    let end = maker.end(EndReason::Terminated);
    assert_eq!(end_all(store, &EndScope::Everything, end).await, 1);
    assert_eq!(totals(store).await, (0, MANY + 2));
    let walked = store.walk_ended(IdRange::ALL, 2).await.unwrap();
    assert_eq!(walked[0].id(), newest.id());
    let of_bob = Scan {
        user: Some(bob),
        state: StateFilter::Ended,
        limit: 1,
        ..Scan::default()
    };
    assert_eq!(store.scan(of_bob).await.unwrap().total, MANY / 2 + 1);
}

/// A shared store shows the sessions of an epoch as ended before their records say so.
pub(super) async fn an_epoch_counts_at_once(maker: &Maker, store: &impl SessionStore) {
    let Some(shared) = store.shared() else {
        return;
    };
    let mut before = Vec::new();
    for n in 0..20 {
        before.push(open(maker, store, &format!("user{}", n % 5)).await);
    }
    let space = before[0].space_id().clone();
    let scope = EndScope::Space(space.clone());
    let end = maker.end(EndReason::Terminated);
    shared.end_scope(scope, end.clone()).await.unwrap();
    let newer = open(maker, store, "user0").await;
    for session in &before {
        assert!(store.load(session.digest()).await.unwrap().is_none());
        let again = maker.end(EndReason::LoggedOut);
        let ended = store.end(Touch::last_of(session), again).await.unwrap();
        assert!(matches!(ended, Ended::Before(_)), "{ended:?}");
    }
    assert_eq!(totals(store).await, (1, 20));
    let open = shared
        .walk_open(Some(space), IdRange::ALL, 100)
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    let ids = async |state, user, after, limit| {
        let scan = Scan {
            state,
            user,
            after,
            limit,
            space: None,
        };
        let page = store.scan(scan).await.unwrap();
        let ids: Vec<_> = page.sessions.iter().map(|session| session.id()).collect();
        (ids, page.total)
    };
    let newest_first: Vec<_> = before.iter().rev().map(|session| session.id()).collect();
    let (page, total) = ids(StateFilter::Ended, None, None, 7).await;
    assert_eq!((page.as_slice(), total), (&newest_first[..7], 20));
    let (page, _) = ids(StateFilter::Ended, None, Some(newest_first[6]), 100).await;
    assert_eq!(page, newest_first[7..]);
    let user = Some(newer.user_key());
    let (page, total) = ids(StateFilter::Open, user, None, 9).await;
    assert_eq!((page, total), (vec![newer.id()], 1));
    let (page, total) = ids(StateFilter::Ended, user, None, 2).await;
    assert_eq!((page.len(), total), (2, 4));
    // Nobody goes on with it for a while: then others do.
    assert!(shared.settle(None).await.unwrap().ended.is_empty());
    maker.clock.advance(Duration::from_secs(31));
    let mut settled = 0;
    loop {
        let step = shared.settle(None).await.unwrap();
        settled += step.ended.len();
        assert!(step.ended.iter().all(|one| one.end() == Some(&end)));
        if step.done {
            break;
        }
    }
    assert_eq!(settled, 20);
    assert_eq!(totals(store).await, (1, 20));
    let (page, _) = ids(StateFilter::Ended, None, None, 100).await;
    assert_eq!(page, newest_first);
    assert!(store.load(newer.digest()).await.unwrap().is_some());
}
