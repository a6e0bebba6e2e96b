//! The keys file there and back, and what opens and what does not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{ApiKey, ApiKeys, Denied, KeyError, KeysFile, KeysFileError, NewKey, Role};
use crate::domain::{Clock, ManualClock, SpaceId, Timestamp};

const CHOSEN: &str = "demo-secret-do-not-use";
const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

fn space(id: &str) -> SpaceId {
    SpaceId::new(id).unwrap()
}

fn make(new: NewKey) -> (ApiKey, String) {
    let (key, bearer) = new.make(ManualClock::new().wall()).unwrap();
    (key, bearer.to_string())
}

fn keys(clock: &ManualClock, keys: impl IntoIterator<Item = ApiKey>) -> ApiKeys {
    ApiKeys::with_clock(keys, Arc::new(clock.clone()))
}

#[test]
fn a_keys_file_reads_back_as_it_was_written_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let mut file = KeysFile::load_or_new(&path).unwrap();
    let now = Timestamp::from_unix_millis(1_767_225_600_123);
    let generated = file
        .create(NewKey::new("ops", Role::SiteAdmin), now)
        .unwrap();
    file.create(
        NewKey::new("sales", Role::SpaceAdmin)
            .spaces([space("1001"), space("1002")])
            .secret(CHOSEN)
            .label("the \"sales\" team\nand friends")
            .expires(now.after(Duration::from_secs(60))),
        now,
    )
    .unwrap();
    let taken = file.create(NewKey::new("ops", Role::Reader), now);
    assert_eq!(
        taken.err(),
        Some(KeyError::Duplicate("ops".to_owned())),
        "an id is given once"
    );
    file.save().unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    let secret = generated.strip_prefix("ops.").unwrap();
    assert_eq!(secret.len(), 43);
    assert!(!text.contains(secret) && !text.contains(CHOSEN), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let mut again = KeysFile::load(&path).unwrap();
    let [ops, sales] = again.list() else {
        panic!("two keys were written:\n{text}")
    };
    assert_eq!((&**ops.id(), ops.role()), ("ops", Role::SiteAdmin));
    assert_eq!((ops.created(), ops.expires()), (Some(now), None));
    assert!(!ops.is_chosen() && sales.is_chosen());
    assert_eq!(sales.spaces(), [space("1001"), space("1002")]);
    assert_eq!(sales.label(), Some("the \"sales\" team\nand friends"));
    assert_eq!(sales.expires(), Some(now.after(Duration::from_secs(60))));

    again.revoke("ops").unwrap();
    assert_eq!(
        again.revoke("ops").err(),
        Some(KeyError::Unknown("ops".to_owned()))
    );
    again.save().unwrap();
    assert_eq!(KeysFile::load(&path).unwrap().list().len(), 1);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file stays: {left:?}");
}

#[test]
fn s41_what_is_wrong_in_a_keys_file_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let digest = format!("digest = \"sha256:{}\"", "A".repeat(43));
    let hash = r#"hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo""#;
    let weak = hash.replace("argon2id", "argon2i");
    let dear = hash.replace("m=19456", "m=4194304");
    let key = |fields: &str| format!("[[key]]\n{fields}\n");
    let good = key(&format!("id = \"a\"\nrole = \"reader\"\n{digest}"));
    for (text, line, says) in [
        ("[[key]]\nid = ".to_owned(), 2, ""),
        ("\n[[keys]]\n".to_owned(), 2, "unknown field `keys`"),
        (
            format!("{good}secret = \"x\"\n"),
            5,
            "unknown field `secret`",
        ),
        (key("role = \"reader\"\n"), 1, "missing field `id`"),
        (
            key(&format!("id = \"a.b\"\nrole = \"reader\"\n{digest}")),
            2,
            "key id `a.b`",
        ),
        (
            key(&format!("id = \"a\"\nrole = \"root\"\n{digest}")),
            3,
            "role `root` is none of",
        ),
        (
            key(&format!("id = \"a\"\nrole = \"space-admin\"\n{digest}")),
            3,
            "needs `spaces`",
        ),
        (
            key(&format!(
                "id = \"a\"\nrole = \"site-admin\"\nspaces = [\"1\"]\n{digest}"
            )),
            3,
            "has no `spaces`",
        ),
        (
            key(&format!(
                "id = \"a\"\nrole = \"reader\"\nspaces = [\n\"1\",\n\"/\"]\n{digest}"
            )),
            6,
            "space id `/`",
        ),
        (
            key("id = \"a\"\nrole = \"reader\""),
            2,
            "either `digest` or `hash`",
        ),
        (
            key(&format!("id = \"a\"\nrole = \"reader\"\n{digest}\n{hash}")),
            2,
            "either `digest` or `hash`",
        ),
        (
            key("id = \"a\"\nrole = \"reader\"\ndigest = \"sha256:AA\""),
            4,
            "`digest` is not",
        ),
        (
            key(&format!("id = \"a\"\nrole = \"reader\"\n{weak}")),
            4,
            "not argon2id",
        ),
        (
            key(&format!("id = \"a\"\nrole = \"reader\"\n{dear}")),
            4,
            "256 MiB",
        ),
        (
            key(&format!(
                "id = \"a\"\nrole = \"reader\"\n{digest}\nexpires = 2027-01-01"
            )),
            5,
            "`expires` is not",
        ),
        (format!("{good}\n{good}"), 7, "there is a key `a` already"),
    ] {
        std::fs::write(&path, &text).unwrap();
        let error = KeysFile::load(&path)
            .err()
            .unwrap_or_else(|| panic!("taken:\n{text}"));
        let message = error.to_string();
        let place = format!("{}:{line}: ", path.display());
        assert!(
            message.starts_with(&place) && message.contains(says),
            "`{message}` for\n{text}"
        );
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(KeysFile::load(&path).unwrap().list().len(), 1);
    let missing = KeysFile::load(folder.path().join("none"));
    assert!(matches!(missing, Err(KeysFileError::Read { .. })));
}

#[test]
fn a_chosen_secret_must_be_long_and_sendable() {
    let now = ManualClock::new().wall();
    for bad in [
        "",
        "short",
        "has a blank inside it",
        "ümlauts-are-not-ascii",
        &"x".repeat(257),
    ] {
        let made = NewKey::new("a", Role::Reader).secret(bad).make(now);
        assert!(matches!(made, Err(KeyError::Secret { .. })), "{bad}");
    }
}

#[tokio::test]
async fn a_bearer_token_opens_what_its_role_says() {
    let (site, site_token) = make(NewKey::new("site", Role::SiteAdmin));
    let (sales, sales_token) = make(NewKey::new("sales", Role::SpaceAdmin).spaces([space("1")]));
    let (reader, reader_token) = make(NewKey::new("reader", Role::Reader));
    let (some, some_token) = make(NewKey::new("some", Role::Reader).spaces([space("2")]));
    let keys = keys(&ManualClock::new(), [site, sales, reader, some]);
    assert_eq!((keys.len(), keys.is_empty()), (4, false));
    // (token, sees all, may read 1, may end 1, may read 2, may end 2)
    for (token, sees_all, read_1, end_1, read_2, end_2) in [
        (site_token, true, true, true, true, true),
        (sales_token, false, true, true, false, false),
        (reader_token, true, true, false, true, false),
        (some_token, false, false, false, true, false),
    ] {
        let who = keys.verify(&token, HERE).await.unwrap();
        assert!(token.starts_with(&format!("{}.", who.id())));
        assert_eq!(who.sees_all(), sees_all, "{who:?}");
        assert_eq!(who.may_read(&space("1")), read_1, "{who:?}");
        assert_eq!(who.may_end(&space("1")), end_1, "{who:?}");
        assert_eq!(who.may_read(&space("2")), read_2, "{who:?}");
        assert_eq!(who.may_end(&space("2")), end_2, "{who:?}");
    }
}

#[tokio::test]
async fn nothing_but_the_whole_token_opens() {
    let clock = ManualClock::new();
    let (ops, token) = make(NewKey::new("ops", Role::SiteAdmin));
    let until = clock.wall().after(Duration::from_secs(60));
    let (brief, brief_token) = make(NewKey::new("brief", Role::Reader).expires(until));
    let keys = keys(&clock, [ops.clone(), brief]);
    let wrong = Denied::WrongSecret { key: "ops".into() };
    let (secret, brief_key) = (token.strip_prefix("ops.").unwrap(), Arc::from("brief"));
    for (presented, denied) in [
        ("", Denied::Malformed),
        ("ops", Denied::Malformed),
        (".", Denied::Malformed),
        ("ops.", wrong.clone()),
        (&token[..token.len() - 1], wrong.clone()),
        (&format!("{token}x"), wrong.clone()),
        (&format!("OPS.{secret}"), Denied::UnknownKey),
        (
            &format!("brief.{secret}"),
            Denied::WrongSecret { key: brief_key },
        ),
        (&format!("{token}.{}", "x".repeat(600)), Denied::Malformed),
    ] {
        assert_eq!(
            keys.verify(presented, HERE).await,
            Err(denied),
            "{presented}"
        );
        clock.advance(Duration::from_secs(6));
    }
    clock.advance(Duration::from_secs(60));
    let expired = keys.verify(&brief_token, HERE).await;
    assert_eq!(
        expired,
        Err(Denied::Expired {
            key: "brief".into()
        })
    );
    assert!(keys.verify(&token, HERE).await.is_ok());
    keys.replace([]);
    assert_eq!(keys.verify(&token, HERE).await, Err(Denied::UnknownKey));
}

#[tokio::test]
async fn a_chosen_secret_is_remembered_until_the_keys_change_or_time_passes() {
    let clock = ManualClock::new();
    let (demo, token) = make(NewKey::new("demo", Role::SiteAdmin).secret(CHOSEN));
    let keys = keys(&clock, [demo.clone()]);
    let slow = || !keys.remembers("demo", CHOSEN);
    assert!(slow());
    assert!(keys.verify(&token, HERE).await.is_ok());
    assert!(!slow());

    let before = Instant::now();
    for _ in 0..1_000 {
        assert!(keys.verify(&token, HERE).await.is_ok());
    }
    let each = before.elapsed() / 1_000;
    assert!(
        each < Duration::from_millis(1),
        "{each:?} for a remembered secret"
    );

    let other = keys.verify("demo.another-secret-of-somebody", HERE).await;
    assert!(matches!(other, Err(Denied::WrongSecret { .. })));

    clock.advance(Duration::from_secs(300));
    assert!(slow(), "after five minutes");
    assert!(keys.verify(&token, HERE).await.is_ok());
    keys.replace([demo]);
    assert!(slow(), "a reload forgets");
}

#[tokio::test]
async fn s39_a_refusal_costs_the_same_for_unknown_keys() {
    let clock = ManualClock::new();
    let (chosen, _) = make(NewKey::new("chosen", Role::SiteAdmin).secret(CHOSEN));
    let (generated, generated_token) = make(NewKey::new("generated", Role::SiteAdmin));
    let keys = keys(&clock, [chosen, generated]);
    // The slow check is all that can be told apart from outside: each refusal has one.
    for presented in ["chosen.x", "generated.x", "nobody.x", "malformed"] {
        clock.advance(Duration::from_secs(6));
        let before = keys.slow_checks();
        keys.verify(presented, HERE).await.unwrap_err();
        assert_eq!(keys.slow_checks() - before, 1, "{presented}");
    }
    let before = keys.slow_checks();
    keys.verify(&generated_token, HERE).await.unwrap();
    assert_eq!(
        keys.slow_checks(),
        before,
        "an admission by digest is quick"
    );
}

#[tokio::test]
async fn s39_failed_attempts_are_limited_per_address() {
    let clock = ManualClock::new();
    let (demo, token) = make(NewKey::new("demo", Role::SiteAdmin).secret(CHOSEN));
    let (ops, ops_token) = make(NewKey::new("ops", Role::SiteAdmin));
    let keys = keys(&clock, [demo, ops]);
    let mut checked = 0;
    let retry_after = loop {
        match keys.verify(&format!("demo.guess-{checked}"), HERE).await {
            Err(Denied::TooMany { retry_after }) => break retry_after,
            Err(Denied::WrongSecret { .. }) if checked < 100 => checked += 1,
            other => panic!("{other:?} after {checked}"),
        }
    };
    assert_eq!(checked, 10);
    let limited = keys.verify(&token, HERE).await;
    assert!(
        matches!(limited, Err(Denied::TooMany { .. })),
        "a right guess is not seen either"
    );
    let elsewhere = Some(IpAddr::from([192, 0, 2, 1]));
    assert!(
        keys.verify(&ops_token, HERE).await.is_ok(),
        "nobody guesses a generated secret"
    );
    clock.advance(retry_after);
    assert!(keys.verify(&token, HERE).await.is_ok());
    assert!(keys.verify(&token, elsewhere).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_calls_with_a_chosen_secret_all_get_in() {
    let (demo, token) = make(NewKey::new("demo", Role::SiteAdmin).secret(CHOSEN));
    let keys = ApiKeys::new([demo]);
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (keys, token) = (keys.clone(), token.clone());
            tokio::spawn(async move { keys.verify(&token, HERE).await.is_ok() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
}

#[tokio::test]
async fn a_key_that_is_taken_away_during_its_check_opens_nothing() {
    let (demo, token) = make(NewKey::new("demo", Role::SiteAdmin).secret(CHOSEN));
    let keys = ApiKeys::new([demo]);
    let held = keys.hold_checks();
    let verify = keys.verify(&token, HERE);
    let mut verify = std::pin::pin!(verify);
    let waits = tokio::select! {
        biased;
        _ = &mut verify => false,
        () = std::future::ready(()) => true,
    };
    assert!(waits, "its turn has not come");
    keys.replace([]);
    drop(held);
    assert_eq!(verify.await, Err(Denied::UnknownKey));
}

#[test]
fn s20_nothing_of_a_secret_is_printed() {
    let (generated, token) = make(NewKey::new("ops", Role::SiteAdmin));
    let (chosen, _) = make(NewKey::new("demo", Role::Reader).secret(CHOSEN));
    let new = format!("{:?}", NewKey::new("x", Role::Reader).secret(CHOSEN));
    let keys = ApiKeys::new([generated.clone(), chosen.clone()]);
    let (_, kept) = generated.secret().to_field();
    let (_, hash) = chosen.secret().to_field();
    let printed = format!("{generated:?}{chosen:?}{keys:?}{new}");
    for secret in [token.strip_prefix("ops.").unwrap(), CHOSEN, &kept, &hash] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
