//! Tickets that are bought.

use std::sync::Arc;
use std::time::Duration;

use super::Side;
use crate::domain::{TargetId, Ticket};

const PATH: &str = "/qps/sales/ticket";

fn body(target: &str) -> String {
    format!(
        r#"{{"UserDirectory":"LAB","UserId":"ann","Attributes":[{{"Group":"x"}}],"TargetId":{target}}}"#
    )
}

#[tokio::test]
async fn a_ticket_is_answered_in_the_proxy_form_and_redeemed_once() {
    let side = Side::new();
    for target in ["null", r#""""#] {
        let answer = side.qps("POST", PATH, &body(target)).await;
        let bought = answer.json(201);
        let ticket = bought["Ticket"].as_str().unwrap();
        assert_eq!(ticket.len(), 16);
        let expected = format!(
            r#"{{"UserDirectory":"LAB","UserId":"ann","Attributes":[{{"Group":"x"}}],"Ticket":"{ticket}","TargetUri":null}}"#
        );
        assert_eq!(answer.text, expected);
        let elsewhere = side.sessions.redeem_ticket(&side.other, ticket).await;
        assert_eq!(elsewhere.unwrap(), None, "S30: bound to its space");
        let redeemed = side.sessions.redeem_ticket(&side.sales, ticket).await;
        let Ticket { identity, target } = redeemed.unwrap().unwrap();
        assert_eq!(identity.to_string(), r"LAB\ann");
        assert_eq!(identity.attributes().first("Group"), Some("x"));
        assert_eq!(target, None);
        let again = side.sessions.redeem_ticket(&side.sales, ticket).await;
        assert_eq!(again.unwrap(), None);
    }
}

#[tokio::test]
async fn the_target_is_told_and_kept_with_the_ticket() {
    let side = Side::new();
    let address = "https://sales.example.com/sales/hub?a=1&b=%20";
    let kept = format!("1001 {address}");
    let target = side
        .sessions
        .remember_target(Arc::from(kept))
        .await
        .unwrap();
    // Clients may write a UUID in capitals.
    for id in [target.to_string(), target.to_string().to_uppercase()] {
        let answer = side.qps("POST", PATH, &body(&format!("{id:?}"))).await;
        let bought = answer.json(201);
        assert_eq!(bought["TargetUri"], address);
        let ticket = bought["Ticket"].as_str().unwrap();
        let redeemed = side.sessions.redeem_ticket(&side.sales, ticket).await;
        let target = redeemed.unwrap().unwrap().target;
        assert_eq!(target.as_deref(), Some(address));
    }
}

#[tokio::test]
async fn s30_a_target_that_is_unknown_of_another_space_or_too_old_is_one_error() {
    let side = Side::new();
    let remember = async |text: &str| {
        let target = side.sessions.remember_target(Arc::from(text)).await;
        target.unwrap().to_string()
    };
    let theirs = remember("1002 https://example.com/").await;
    let odd = remember("https://example.com/").await;
    let old = remember("1001 https://example.com/").await;
    let random = TargetId::generate().to_string();
    side.clock
        .advance(TargetId::LIFETIME + Duration::from_secs(1));
    let fresh = remember("1002 https://example.com/").await;
    for id in [&theirs, &odd, &old, &random, &fresh, "no uuid", " "] {
        let answer = side.qps("POST", PATH, &body(&format!("{id:?}"))).await;
        let text = answer.error(400);
        assert_eq!(text, format!("Specified targetId {id} was unknown"));
    }
}
