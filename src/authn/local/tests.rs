use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::{Attributes, Clock, Identity, ManualClock};

const PASSWORD: &str = "correct horse";

fn user(directory: &str, id: &str) -> UserEntry {
    UserEntry::new(Identity::new(directory, id).unwrap(), PASSWORD).unwrap()
}

fn file(users: &[(&str, &str)]) -> (tempfile::TempDir, UsersFile) {
    let folder = tempfile::tempdir().unwrap();
    let mut file = UsersFile::load_or_empty(folder.path().join("users.toml")).unwrap();
    for (directory, id) in users {
        file.add(user(directory, id)).unwrap();
    }
    (folder, file)
}

fn users(clock: &ManualClock, limits: LoginLimits, of: &[(&str, &str)]) -> LocalUsers {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    LocalUsers::new(&file(of).1, limits, &clock)
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn a_user_logs_in_by_id_or_with_their_directory() {
    let clock = ManualClock::new();
    let two = [("DEMO", "alice"), ("DEMO", "bob"), ("LAB", "Bob")];
    let users = users(&clock, LoginLimits::default(), &two);
    for (name, found) in [
        ("alice", Some(r"DEMO\alice")),
        (" ALICE ", Some(r"DEMO\alice")),
        (r"demo\Alice", Some(r"DEMO\alice")),
        (r"LAB\bob", Some(r"LAB\Bob")),
        (r"DEMO\bob", Some(r"DEMO\bob")),
        ("bob", None),
        (r"LAB\alice", None),
        ("carol", None),
        ("", None),
        (r"\alice", None),
    ] {
        let got = users.verify(name, PASSWORD, None).await;
        match found {
            Some(found) => assert_eq!(got.unwrap().to_string(), found),
            None => assert_eq!(got, Err(LoginError::WrongCredentials), "{name:?}"),
        }
    }
    for wrong in ["", "Correct horse", "correct horse ", &"x".repeat(2000)] {
        let got = users.verify("alice", wrong, None).await;
        assert_eq!(got, Err(LoginError::WrongCredentials), "{wrong:?}");
    }
}

#[tokio::test]
async fn s39_an_unknown_user_costs_what_a_known_one_does() {
    let clock = ManualClock::new();
    let limits = LoginLimits {
        user_burst: 100,
        address_burst: 100,
        ..LoginLimits::default()
    };
    let users = users(&clock, limits, &[("DEMO", "alice")]);
    assert_eq!(users.decoy_cost(), (19_456, 2, 1), "OWASP's recommendation");
    // One hash of one cost either way: what else differs is nothing beside it.
    for (count, name) in ["alice", "nobody", r"DEMO\nobody", r"ELSE\alice"]
        .into_iter()
        .enumerate()
    {
        let got = users.verify(name, "wrong", None).await;
        assert_eq!(got, Err(LoginError::WrongCredentials), "{name}");
        assert_eq!(users.hashed(), (count + 1, (19_456, 2, 1)), "{name}");
    }
}

#[tokio::test]
async fn s39_attempts_are_limited_alike_for_known_and_unknown_users() {
    let clock = ManualClock::new();
    let limits = LoginLimits {
        user_burst: 3,
        ..LoginLimits::default()
    };
    let users = users(&clock, limits, &[("DEMO", "alice")]);
    for name in ["alice", "nobody"] {
        for _ in 0..3 {
            let got = users.verify(name, "wrong", None).await;
            assert_eq!(got, Err(LoginError::WrongCredentials), "{name}");
        }
        // Not even with the right password, and by whatever spelling.
        let other = name.to_uppercase();
        let got = users.verify(&other, PASSWORD, address("192.0.2.1")).await;
        let retry_after = Duration::from_secs(30);
        assert_eq!(
            got,
            Err(LoginError::TooManyAttempts { retry_after }),
            "{name}"
        );
    }
    let got = users.verify(r"DEMO\alice", PASSWORD, None).await;
    assert!(matches!(got, Err(LoginError::TooManyAttempts { .. })));
    clock.advance(Duration::from_secs(30));
    assert!(users.verify("alice", PASSWORD, None).await.is_ok());
}

#[tokio::test]
async fn an_address_tries_so_often_whoever_it_is() {
    let clock = ManualClock::new();
    let limits = LoginLimits {
        address_burst: 2,
        ..LoginLimits::default()
    };
    let users = users(&clock, limits, &[("DEMO", "alice")]);
    for (first, second, third, other) in [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        (
            "2001:db8::1",
            "2001:db8::ffff:1",
            "2001:db8::2",
            "2001:db8:0:1::1",
        ),
    ] {
        for (n, client) in [first, second].into_iter().enumerate() {
            let got = users.verify(&format!("n{n}"), "x", address(client)).await;
            assert_eq!(got, Err(LoginError::WrongCredentials), "{client}");
        }
        let got = users.verify("alice", PASSWORD, address(third)).await;
        let retry_after = Duration::from_secs(2);
        assert_eq!(got, Err(LoginError::TooManyAttempts { retry_after }));
        assert!(
            users
                .verify("alice", PASSWORD, address(other))
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn what_is_remembered_of_attempts_is_forgotten_again() {
    let clock = ManualClock::new();
    let users = users(&clock, LoginLimits::default(), &[]);
    let long = "x".repeat(MAX_PASSWORD + 1);
    for n in 0..2_000_u32 {
        // Too long to be hashed, but counted by address.
        let client = Some(IpAddr::from(n.to_be_bytes()));
        let got = users.verify("nobody", &long, client).await;
        assert_eq!(got, Err(LoginError::WrongCredentials));
        clock.advance(Duration::from_millis(100));
    }
    let (names, addresses) = users.remembered();
    assert!(names == 0 && addresses < 300, "{names} {addresses}");
}

#[tokio::test]
async fn a_flood_of_logins_is_told_to_come_back() {
    let clock = ManualClock::new();
    let limits = LoginLimits {
        parallel_hashes: 1,
        max_wait: Duration::ZERO,
        ..LoginLimits::default()
    };
    let users = Arc::new(users(&clock, limits, &[("DEMO", "alice")]));
    let all = (0..5).map(|_| users.verify("alice", PASSWORD, None));
    let all = futures_util::future::join_all(all).await;
    assert!(all[0].is_ok());
    assert_eq!(all[1..], [const { Err(LoginError::Busy) }; 4]);
    assert!(users.verify("alice", PASSWORD, None).await.is_ok());
}

#[tokio::test]
async fn users_are_replaced_while_in_use() {
    let clock = ManualClock::new();
    let users = users(&clock, LoginLimits::default(), &[("DEMO", "alice")]);
    users.replace(&file(&[("DEMO", "bob")]).1);
    assert_eq!(users.len(), 1);
    assert!(users.verify("bob", PASSWORD, None).await.is_ok());
    let gone = users.verify("alice", PASSWORD, None).await;
    assert_eq!(gone, Err(LoginError::WrongCredentials));
}

#[test]
fn a_file_reads_back_as_it_was_written() {
    let (_folder, mut file) = file(&[("DEMO", "alice")]);
    let attributes: Attributes = [("group", ["sales", "admins"])].into_iter().collect();
    let carol = Identity::new("DEMO", "carol")
        .and_then(|user| user.with_name("Carol \"C\""))
        .and_then(|user| user.with_email("c@demo.example"))
        .unwrap()
        .with_attributes(attributes);
    let entry = UserEntry::new(carol.clone(), PASSWORD).unwrap();
    file.add(entry).unwrap();
    file.save().unwrap();
    let read = UsersFile::load(file.path()).unwrap();
    assert_eq!(read.users().len(), 2);
    assert_eq!(*read.users()[1].identity(), carol);
    assert!(read.users()[1].password().matches(PASSWORD.as_bytes()));

    let mut changed = read;
    assert!(changed.remove("demo", "CAROL").is_ok());
    let twice = changed.remove("demo", "carol").unwrap_err();
    assert!(matches!(twice, UsersFileError::Unknown { .. }), "{twice}");
    changed.save().unwrap();
    assert_eq!(UsersFile::load(file.path()).unwrap().users().len(), 1);
    let in_folder = std::fs::read_dir(file.path().parent().unwrap()).unwrap();
    assert_eq!(in_folder.count(), 1, "no temporary file is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn s41_a_file_that_is_not_right_is_refused_with_the_place() {
    let hash = user("A", "b").password().to_string();
    let entry = |rest: &str| format!("[[user]]\ndirectory = \"DEMO\"\nid = \"alice\"\n{rest}\n");
    let good = entry(&format!("password = \"{hash}\""));
    let costly = hash.replace("m=19456", "m=4000000");
    let weak_kind = hash.replace("argon2id", "argon2i");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.toml");
    for (text, part) in [
        (entry(""), "line 1: missing field `password`"),
        (entry("pasword = \"x\""), "line 4: unknown field `pasword`"),
        ("[[user]\n".to_owned(), "line 1"),
        (entry("password = \"plain text\""), r"user DEMO\alice"),
        (
            entry(&format!("password = \"{costly}\"")),
            r"user DEMO\alice",
        ),
        (
            entry(&format!("password = \"{weak_kind}\"")),
            r"user DEMO\alice",
        ),
        (good.replace("DEMO", " "), "user number 1"),
        (
            format!("{good}{}", good.replace("alice", "ALICE")),
            r"has the user DEMO\ALICE already",
        ),
    ] {
        std::fs::write(&path, &text).unwrap();
        let error = UsersFile::load(&path).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
        assert!(error.contains("users.toml"), "{error}");
        assert!(!error.contains("plain text") && !error.contains("$argon2"));
    }
    std::fs::write(&path, &good).unwrap();
    assert!(UsersFile::load(&path).is_ok());
    let absent = UsersFile::load(folder.path().join("absent.toml")).unwrap_err();
    assert!(matches!(absent, UsersFileError::Read { .. }));
}
