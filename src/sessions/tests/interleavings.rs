//! Whatever happens at once: steps in any order, held against a model.

use super::*;

/// What a thread may do in the interleaving test.
#[derive(Clone, Copy, Debug)]
enum Step {
    Resolve,
    Touch,
    End,
    EndUser,
    Sweep,
    Login,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// S11: whatever runs beside it, once an end has returned the token is refused.
    #[test]
    fn s11_delete_wins(
        left in prop::collection::vec(step(), 1..12),
        right in prop::collection::vec(step(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let sessions = Sessions::default();
            let here = space(&sessions, "1", Some(UserLimit { max: 2, policy: LimitPolicy::EndOldest }));
            let (session, token) = open(&sessions, &here, "ann").await;
            let token = Arc::new(token);
            let threads: Vec<_> = [left, right]
                .into_iter()
                .map(|steps| {
                    let (sessions, here, session, token) =
                        (sessions.clone(), Arc::clone(&here), Arc::clone(&session), Arc::clone(&token));
                    tokio::spawn(async move {
                        for step in steps {
                            run(step, &sessions, &here, &session, &token).await;
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.await.unwrap();
            }
            let user = session.user_key();
            assert_eq!(here.open(), sessions.of_user(user).len());
            sessions.end_user(user, &EndCause::terminated_by("root")).await.unwrap();
            assert!(!is_live(&sessions, &here, &token));
            assert_eq!((here.open(), sessions.open()), (0, 0));
        });
    }
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{End, EndUser, Login, Resolve, Sweep, Touch};
    prop::sample::select(vec![Resolve, Touch, End, EndUser, Sweep, Login])
}

async fn run(
    step: Step,
    sessions: &Sessions,
    here: &Arc<SpaceState>,
    session: &Arc<Session>,
    token: &Token,
) {
    match step {
        Step::Resolve => drop(sessions.resolve(&token.digest(), here)),
        Step::Touch => {
            sessions.touch(session);
        }
        Step::Sweep => drop(sessions.sweep().await.unwrap()),
        Step::Login => drop(
            sessions
                .establish(here, new_session("ann"), Admission::default())
                .await,
        ),
        Step::End => {
            let _ = sessions
                .end(session, EndCause::because(EndReason::LoggedOut))
                .await
                .unwrap();
            assert!(
                !is_live(sessions, here, token),
                "an ended session was accepted"
            );
        }
        Step::EndUser => {
            sessions
                .end_user(session.user_key(), &EndCause::terminated_by("root"))
                .await
                .unwrap();
            assert!(
                !is_live(sessions, here, token),
                "an ended session was accepted"
            );
        }
    }
}
