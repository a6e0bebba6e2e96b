//! What every store must do, as tests that travel in time.

mod credentials;
mod imports;
mod maker;
mod mass_ends;
mod refreshes;
mod reopened;
mod retained;
mod short_lived;
mod stored_tasks;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Created, Ended, IdRange, Retention, Scan, SessionStore, StateFilter, Touch};
use crate::domain::{Clock as _, EndReason, ManualClock, SpaceId, Tick};

pub(crate) use maker::Maker;

/// Where a store is: a number for each.
pub(crate) type Place = u32;

/// Runs the whole suite, with a new store for every part: `open` gives the one at a place, which
/// is opened again where stores outlive the process.
pub(crate) async fn check<S: SessionStore>(open: impl AsyncFn(ManualClock, Retention, Place) -> S) {
    let next = AtomicU32::new(0);
    let fresh = async |retention| {
        let (clock, place) = (ManualClock::new(), next.fetch_add(1, Ordering::Relaxed));
        (
            Maker::new(clock.clone()),
            open(clock, retention, place).await,
        )
    };
    check_sessions(&fresh).await;
    let (maker, store) = fresh(Retention::default()).await;
    refreshes::s25_one_refreshes_at_a_time(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    refreshes::what_a_late_one_brings_is_refused(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    short_lived::s30_a_ticket_is_taken_once_and_in_time(&maker, &store).await;
    short_lived::targets_are_remembered_for_a_while(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    imports::sessions_of_another_store_are_kept_as_they_are(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    imports::what_is_here_goes_before_what_comes(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    stored_tasks::tasks_are_told_to_all(&maker, &store).await;
    stored_tasks::the_secret_is_one(&store).await;
    let (maker, store) = fresh(Retention::default()).await;
    stored_tasks::tasks_are_bounded(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    let left = reopened::keep_something_of_everything(&maker, &store).await;
    let place = next.load(Ordering::Relaxed) - 1;
    store.close().await.unwrap();
    if store.outlives_process() {
        drop(store);
        let again = open(maker.clock.clone(), Retention::default(), place).await;
        reopened::find_all_of_it(&left, &again).await;
    }
}

/// The part of the suite about sessions and what opens them; `fresh` gives a new store.
pub(crate) async fn check_sessions<S: SessionStore>(fresh: &impl AsyncFn(Retention) -> (Maker, S)) {
    let (maker, store) = fresh(Retention::default()).await;
    create_is_if_absent(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    delete_wins(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    a_session_can_end_while_it_is_opened(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    touches_never_move_back(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    scans_page_newest_first(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    mass_ends::s12_a_mass_end_ends_what_is_older(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    mass_ends::an_epoch_counts_at_once(&maker, &store).await;
    let (maker, store) = fresh(Retention {
        time: Duration::from_secs(100),
        max: 1000,
    })
    .await;
    retained::ended_sessions_are_kept_for_the_retention_time(&maker, &store).await;
    let (maker, store) = fresh(Retention {
        time: Duration::from_secs(100),
        max: 3,
    })
    .await;
    retained::ended_sessions_are_bounded(&maker, &store).await;
    let (maker, store) = fresh(Retention::default()).await;
    credentials::a_credential_opens_one_session_at_a_time(&maker, &store).await;
}

async fn create_is_if_absent(maker: &Maker, store: &impl SessionStore) {
    let session = maker.session("ann");
    assert!(store.load(session.digest()).await.unwrap().is_none());
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Kept
    ));
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Exists
    ));
    assert_eq!(
        store.load(session.digest()).await.unwrap().unwrap().id(),
        session.id()
    );
    assert_eq!(
        store.get(session.id()).await.unwrap().unwrap().user_id(),
        "ann"
    );
}

async fn a_session_can_end_while_it_is_opened(maker: &Maker, store: &impl SessionStore) {
    let session = maker.session("ann");
    let end = maker.end(EndReason::Terminated);
    assert!(session.set_end(end.clone()));
    let created = store.create(&session).await.unwrap();
    assert!(matches!(created, Created::Kept));
    assert!(store.load(session.digest()).await.unwrap().is_none());
    let ended = store.end(Touch::last_of(&session), end).await.unwrap();
    assert!(!matches!(ended, Ended::Unknown), "{ended:?}");
    assert!(store.load(session.digest()).await.unwrap().is_none());
    let kept = store.get(session.id()).await.unwrap().unwrap();
    let reason = kept.end().map(|end| end.reason);
    assert_eq!(reason, Some(EndReason::Terminated));
}

async fn delete_wins(maker: &Maker, store: &impl SessionStore) {
    let session = maker.session("ann");
    assert!(matches!(
        store
            .end(Touch::last_of(&session), maker.end(EndReason::LoggedOut))
            .await
            .unwrap(),
        Ended::Unknown
    ));
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Kept
    ));
    assert!(matches!(
        store
            .end(Touch::last_of(&session), maker.end(EndReason::LoggedOut))
            .await
            .unwrap(),
        Ended::Now(_)
    ));
    store
        .touch_many(&[maker.touch(&session, maker.clock.tick())])
        .await
        .unwrap();
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Exists
    ));
    assert!(store.load(session.digest()).await.unwrap().is_none());
    let again = store
        .end(Touch::last_of(&session), maker.end(EndReason::Terminated))
        .await
        .unwrap();
    let Ended::Before(kept) = again else {
        panic!("{again:?}")
    };
    assert_eq!(
        kept.end().map(|e| e.reason),
        Some(EndReason::LoggedOut),
        "the first end stands"
    );
}

async fn touches_never_move_back(maker: &Maker, store: &impl SessionStore) {
    let session = maker.session("ann");
    assert!(matches!(
        store.create(&session).await.unwrap(),
        Created::Kept
    ));
    maker.clock.advance(Duration::from_secs(5));
    let late = maker.clock.tick();
    store
        .touch_many(&[
            maker.touch(&session, late),
            maker.touch(&session, Tick::from_millis(1)),
        ])
        .await
        .unwrap();
    assert_eq!(
        store
            .get(session.id())
            .await
            .unwrap()
            .unwrap()
            .last_active_tick(),
        late
    );
}

async fn scans_page_newest_first(maker: &Maker, store: &impl SessionStore) {
    let sessions: Vec<_> = (0..7)
        .map(|i| maker.session(if i % 2 == 0 { "ann" } else { "bob" }))
        .collect();
    for session in &sessions {
        assert!(matches!(
            store.create(session).await.unwrap(),
            Created::Kept
        ));
    }
    assert!(matches!(
        store
            .end(
                Touch::last_of(&sessions[3]),
                maker.end(EndReason::Terminated)
            )
            .await
            .unwrap(),
        Ended::Now(_)
    ));
    let ids = |page: &super::ScanPage| page.sessions.iter().map(|s| s.id()).collect::<Vec<_>>();
    let expect = |which: &[usize]| which.iter().map(|i| sessions[*i].id()).collect::<Vec<_>>();

    let scan = Scan {
        limit: 4,
        ..Scan::default()
    };
    let page = store.scan(scan.clone()).await.unwrap();
    assert_eq!((ids(&page), page.total), (expect(&[6, 5, 4, 2]), 6));
    let page = store
        .scan(Scan {
            after: Some(sessions[2].id()),
            ..scan.clone()
        })
        .await
        .unwrap();
    assert_eq!((ids(&page), page.total), (expect(&[1, 0]), 6));
    let page = store
        .scan(Scan {
            state: StateFilter::Ended,
            ..scan.clone()
        })
        .await
        .unwrap();
    assert_eq!((ids(&page), page.total), (expect(&[3]), 1));
    let page = store
        .scan(Scan {
            state: StateFilter::All,
            limit: 9,
            ..scan.clone()
        })
        .await
        .unwrap();
    assert_eq!(
        (ids(&page), page.total),
        (expect(&[6, 5, 4, 3, 2, 1, 0]), 7)
    );
    let bob = Some(sessions[1].user_key());
    let page = store
        .scan(Scan {
            user: bob,
            limit: usize::MAX,
            ..scan.clone()
        })
        .await
        .unwrap();
    assert_eq!((ids(&page), page.total), (expect(&[5, 1]), 2));
    for session in &sessions[..3] {
        let ended = store
            .end(Touch::last_of(session), maker.end(EndReason::Terminated))
            .await
            .unwrap();
        assert!(matches!(ended, Ended::Now(_)));
    }
    let walked = async |range, limit| {
        let page = store.walk_ended(range, limit).await.unwrap();
        page.iter().map(|s| s.id()).collect::<Vec<_>>()
    };
    assert_eq!(walked(IdRange::ALL, 9).await, expect(&[3, 2, 1, 0]));
    assert_eq!(walked(IdRange::ALL, 2).await, expect(&[3, 2]));
    assert_eq!(
        walked(IdRange::ALL.before(sessions[2].id()), 9).await,
        expect(&[1, 0])
    );
    let at = |n: usize| sessions[n].started_at();
    assert_eq!(
        walked(IdRange::started(at(1), at(2)), 9).await,
        expect(&[2, 1])
    );
    assert_eq!(walked(IdRange::started(at(2), at(1)), 9).await, expect(&[]));
    let elsewhere = Some(SpaceId::new("2").unwrap());
    assert_eq!(
        store
            .scan(Scan {
                space: elsewhere,
                ..scan
            })
            .await
            .unwrap()
            .total,
        0
    );
}
