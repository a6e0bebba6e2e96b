//! Sessions of another store.

use std::sync::Arc;
use std::time::Duration;

use super::Maker;
use crate::domain::{Clock as _, EndReason, Session, SessionId, SessionRecord};
use crate::store::{Created, IdRange, Merged, Scan, SessionStore, StateFilter, Touch};

/// `session` as another store had it, changed by `change`.
fn of_another_store(
    maker: &Maker,
    session: &Session,
    change: impl FnOnce(&mut SessionRecord),
) -> Arc<Session> {
    let mut record = session.record();
    change(&mut record);
    let restored = Session::restore(record, Arc::clone(&maker.space), &maker.clock);
    Arc::new(restored)
}

async fn is_open(store: &impl SessionStore, session: &Session) -> bool {
    store.load(session.digest()).await.unwrap().is_some()
}

pub(super) async fn sessions_of_another_store_are_kept_as_they_are(
    maker: &Maker,
    store: &impl SessionStore,
) {
    let (ann, bob) = (maker.session("ann"), maker.session("bob"));
    maker.clock.advance(Duration::from_secs(10));
    let end = maker.end(EndReason::LoggedOut);
    let open = of_another_store(maker, &ann, |record| {
        record.last_active = maker.clock.wall();
    });
    let ended = of_another_store(maker, &bob, |record| record.end = Some(end.clone()));
    let both = vec![Arc::clone(&open), Arc::clone(&ended)];
    let merged = store.import(both.clone()).await.unwrap();
    assert_eq!(merged, [Merged::Kept, Merged::Kept]);
    assert!(is_open(store, &ann).await && !is_open(store, &bob).await);
    for session in [&open, &ended] {
        let kept = store.get(session.id()).await.unwrap().unwrap();
        assert_eq!(kept.record(), session.record());
    }
    let scan = Scan {
        state: StateFilter::All,
        limit: 9,
        ..Scan::default()
    };
    let page = store.scan(scan).await.unwrap();
    assert_eq!((page.sessions.len(), page.total), (2, 2));
    let walked = store.walk_ended(IdRange::ALL, 9).await.unwrap();
    assert_eq!(walked.len(), 1);
    let again = store.import(both).await.unwrap();
    assert_eq!(again, [Merged::Known, Merged::Known]);
    // Like any other, it can be touched and ended, and its id is taken.
    maker.clock.advance(Duration::from_secs(10));
    let touch = maker.touch(&ann, maker.clock.tick());
    store.touch_many(&[touch]).await.unwrap();
    let kept = store.get(ann.id()).await.unwrap().unwrap();
    assert_eq!(kept.last_active_tick(), touch.tick);
    let created = store.create(&ann).await.unwrap();
    assert!(matches!(created, Created::Exists));
    let end = maker.end(EndReason::Terminated);
    let _ = store.end(Touch::last_of(&ann), end).await.unwrap();
    assert!(!is_open(store, &ann).await);
}

pub(super) async fn what_is_here_goes_before_what_comes(maker: &Maker, store: &impl SessionStore) {
    let (ann, bob, cid) = (
        maker.session("ann"),
        maker.session("bob"),
        maker.session("cid"),
    );
    let as_it_began = of_another_store(maker, &ann, |_| {});
    for session in [&ann, &bob, &cid] {
        let created = store.create(session).await.unwrap();
        assert!(matches!(created, Created::Kept));
    }
    maker.clock.advance(Duration::from_secs(20));
    let ends = maker.end(EndReason::LoggedOut);
    let _ = store.end(Touch::last_of(&ann), ends).await.unwrap();
    let there = maker.end(EndReason::Terminated);
    let active = |record: &mut SessionRecord| {
        record.last_active = record.started_at.after(Duration::from_secs(15));
    };
    let bob_there = of_another_store(maker, &bob, |record| {
        active(record);
        record.end = Some(there.clone());
    });
    let cid_there = of_another_store(maker, &cid, active);
    let earlier = of_another_store(maker, &cid, |_| {});
    let other = of_another_store(maker, &cid, |record| {
        record.id = SessionId::generate(maker.clock.wall());
    });
    let new = maker.session("dan");
    let new_ended = of_another_store(maker, &new, |record| record.end = Some(there.clone()));
    let came = vec![
        as_it_began,
        bob_there,
        cid_there,
        earlier,
        other,
        new,
        new_ended,
    ];
    let merged = store.import(came.clone()).await.unwrap();
    assert_eq!(
        merged,
        [
            Merged::Known,
            Merged::Ended,
            Merged::Known,
            Merged::Known,
            Merged::TokenTaken,
            Merged::Kept,
            Merged::Ended,
        ]
    );
    assert!(!is_open(store, &ann).await, "what has ended stays ended");
    assert!(
        !is_open(store, &bob).await,
        "what had ended there ends here"
    );
    assert!(!is_open(store, &came[5]).await);
    let kept = store.get(bob.id()).await.unwrap().unwrap();
    assert_eq!(kept.end(), Some(&there));
    assert_eq!(kept.last_active(), came[1].last_active());
    let kept = store.load(cid.digest()).await.unwrap().unwrap();
    assert_eq!(kept.id(), cid.id());
    assert_eq!(
        kept.last_active(),
        came[2].last_active(),
        "the latest counts, whichever came last"
    );
    let page = store
        .scan(Scan {
            limit: 9,
            ..Scan::default()
        })
        .await
        .unwrap();
    assert_eq!((page.sessions.len(), page.total), (1, 1));
}
