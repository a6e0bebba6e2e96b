use std::time::Duration;

use http::request::Parts;

use super::parameter::{Presented, ticket};
use super::*;
use crate::authn::{Authenticator as _, AuthnRequest, Challenge, FailureReason, Outcome};
use crate::domain::{Identity, ManualClock, Method, PathPrefix, SpaceId, TargetId, Ticket};
use crate::sessions::Sessions;

struct Booth {
    clock: ManualClock,
    sessions: Sessions,
    tickets: TicketAuthenticator,
}

impl Booth {
    fn new() -> Self {
        let clock = ManualClock::new();
        let sessions = Sessions::builder()
            .clock(std::sync::Arc::new(clock.clone()))
            .build();
        let space = sessions.default_space().clone();
        Self {
            clock,
            tickets: TicketAuthenticator::new(sessions.clone(), space),
            sessions,
        }
    }

    async fn buy(&self) -> String {
        let ann = std::sync::Arc::new(Identity::new("LAB", "ann").unwrap());
        let space = self.sessions.default_space();
        let secret = self.sessions.issue_ticket(space, ann, None).await.unwrap();
        secret.expose().to_owned()
    }

    async fn redeem(&self, query: &str) -> Outcome {
        let parts = parts(query);
        let request = AuthnRequest {
            parts: &parts,
            connection: None,
        };
        self.tickets.authenticate(request).await
    }
}

fn parts(query: &str) -> Parts {
    let request = http::Request::builder().uri(format!("/a?{query}"));
    request.body(()).unwrap().into_parts().0
}

#[track_caller]
fn is_bad(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(failure) => {
            assert_eq!(failure.reason(), FailureReason::BadTicket);
            assert_eq!(failure.method(), Method::Ticket);
            assert!(!failure.reason().is_outage() && failure.bearer_error().is_none());
            failure.detail()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ticket_is_read_in_every_spelling_of_its_name() {
    let booth = Booth::new();
    for name in [
        "qlikTicket",
        "QlikTicket",
        "QLIKTICKET",
        "X-Qlik-Ticket",
        "x-qlik-ticket",
        "%71likTicket",
        "q%4cik%54icket",
    ] {
        let text = booth.buy().await;
        match booth.redeem(&format!("a=b&{name}={text}&c")).await {
            Outcome::Authenticated(found) => {
                assert_eq!(found.identity.id(), "ann");
                assert_eq!((found.method, found.credential), (Method::Ticket, None));
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    for other in [
        "",
        "ticket=x",
        "qlik-ticket=x",
        "qliktickets=x",
        "a=qlikTicket",
    ] {
        assert!(matches!(booth.redeem(other).await, Outcome::NotRequested));
        assert_eq!(ticket(other), Presented::Nothing);
    }
}

#[tokio::test]
async fn s30_a_ticket_is_for_one_use_one_minute_and_one_space() {
    let booth = Booth::new();
    let used = booth.buy().await;
    let query = format!("qlikTicket={used}");
    assert!(matches!(
        booth.redeem(&query).await,
        Outcome::Authenticated(_)
    ));
    let expired = booth.buy().await;
    booth
        .clock
        .advance(Ticket::LIFETIME - Duration::from_millis(1));
    let fresh = booth.buy().await;
    booth.clock.advance(Duration::from_millis(1));
    let other_id = SpaceId::new("other").unwrap();
    let other = booth
        .sessions
        .space(&other_id, crate::domain::SessionPolicy::default());
    let ann = std::sync::Arc::new(Identity::new("LAB", "ann").unwrap());
    let foreign = booth
        .sessions
        .issue_ticket(&other, ann, None)
        .await
        .unwrap();
    for text in [
        &*used,
        &expired,
        foreign.expose(),
        &"x".repeat(16),
        "",
        "x",
        &fresh[1..],
    ] {
        let outcome = booth.redeem(&format!("qlikTicket={text}")).await;
        let detail = is_bad(&outcome);
        // S20: enough to tell two apart, and no ticket.
        assert!(text.len() < 2 || !detail.contains(text), "{detail}");
    }
    let query = format!("qlikTicket={fresh}");
    assert!(matches!(
        booth.redeem(&query).await,
        Outcome::Authenticated(_)
    ));
}

#[tokio::test]
async fn two_tickets_are_none_and_neither_is_used() {
    let booth = Booth::new();
    let (one, two) = (booth.buy().await, booth.buy().await);
    for query in [
        format!("qlikTicket={one}&qlikTicket={two}"),
        format!("qlikTicket={one}&X-QLIK-TICKET={two}"),
        format!("qlikTicket={one}&qlikTicket={one}"),
        format!("qlikTicket={one}&qlikTicket"),
        "qlikTicket=%ff%fe".to_owned(),
    ] {
        is_bad(&booth.redeem(&query).await);
    }
    for text in [one, two] {
        let query = format!("qlikTicket={text}");
        assert!(matches!(
            booth.redeem(&query).await,
            Outcome::Authenticated(_)
        ));
    }
}

#[test]
fn whatever_names_a_ticket_is_a_credential_and_is_taken_off() {
    let booth = Booth::new();
    for (query, is_one, left) in [
        ("qlikTicket=x&a", true, "a"),
        ("qlikTicket=x&QLIKTICKET=y", true, ""),
        ("x-qlik-ticket=%ff", true, ""),
        ("a&ForceAuthentication=yes", false, "a"),
        ("a", false, "a"),
    ] {
        let parts = parts(query);
        let request = AuthnRequest {
            parts: &parts,
            connection: None,
        };
        assert_eq!(
            booth.tickets.credential(&request).is_some(),
            is_one,
            "{query}"
        );
        let mut clean = query.to_owned();
        for consumed in booth.tickets.consumed() {
            clean = consumed.strip_query(&clean).unwrap_or(clean);
        }
        assert_eq!(clean, left, "{query}");
    }
    assert!(forces_login("a&FORCEauthentication=Yes"));
    assert!(!forces_login("forceauthentication=no&forceauthentication"));
}

#[tokio::test]
async fn who_brings_no_ticket_is_sent_to_the_module() {
    let mut booth = Booth::new();
    let prefix = PathPrefix::new("/sales").unwrap();
    let side_port = "https://gate.example.com:8081";
    let module = |address| LoginModule::new(address, side_port, &prefix).unwrap();
    let target = TargetId::generate();
    let rest = format!(
        "targetId={target}&proxyRestUri=https%3A%2F%2Fgate.example.com%3A8081%2Fqps%2Fsales%2F"
    );
    for (address, before) in [
        ("https://login.example.com", "https://login.example.com?"),
        ("http://login.example.com/x", "http://login.example.com/x?"),
        (
            "https://login.example.com/x?",
            "https://login.example.com/x?",
        ),
        (
            "https://login.example.com/x?a=b",
            "https://login.example.com/x?a=b&",
        ),
        (
            "https://login.example.com/x?a=b&",
            "https://login.example.com/x?a=b&",
        ),
    ] {
        assert_eq!(
            module(address).address_for(target),
            format!("{before}{rest}")
        );
    }
    let root = LoginModule::new("https://l", "http://[::1]:8081/", &PathPrefix::default());
    let address = root.unwrap().address_for(target);
    assert!(address.ends_with("proxyRestUri=http%3A%2F%2F%5B%3A%3A1%5D%3A8081%2Fqps%2F"));
    let space = SpaceId::new("1001").unwrap();
    let by_id = LoginModule::by_id("https://l", "http://side:8081", &space);
    let address = by_id.unwrap().address_for(target);
    assert!(address.ends_with("%3A8081%2Fqps%2F1001%2F"), "{address}");
    booth.tickets = booth.tickets.module(module("https://login.example.com"));
    let outcome = booth.redeem("").await;
    assert!(matches!(
        outcome,
        Outcome::Challenge(Challenge::LoginModule)
    ));
    is_bad(&booth.redeem("qlikTicket=x").await);
}

#[test]
fn what_is_no_address_is_told_apart() {
    for (address, error) in [
        ("login.example.com", LoginModuleError::NotAUrl),
        ("/login", LoginModuleError::NotAUrl),
        ("ftp://login.example.com", LoginModuleError::NotAUrl),
        ("https://login.example.com/a b", LoginModuleError::NotAUrl),
        (
            "https://u:p@login.example.com",
            LoginModuleError::HasUserinfo,
        ),
        (
            "https://login.example.com/#x",
            LoginModuleError::HasFragment,
        ),
    ] {
        assert_eq!(LoginModule::check_address(address), Err(error), "{address}");
    }
    for address in ["https://a/b", "https://a?b", "https://a/#b"] {
        let error = LoginModule::check_side_port(address);
        assert_eq!(error, Err(LoginModuleError::HasPath), "{address}");
    }
}
