//! What a client that speaks JSON-RPC is told before its WebSocket is closed, as Qlik's proxy
//! tells it.

use crate::domain::{EndReason, SessionEnd};

/// The notification (JSON-RPC 2.0) of a session's end.
pub(super) fn of_end(end: &SessionEnd) -> String {
    let (method, message) = wording(end.reason);
    // Nothing in it needs escaping.
    format!(
        r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"severity":"fatal","timestamp":"{}","message":"{message}"}}}}"#,
        end.at
    )
}

const fn wording(reason: EndReason) -> (&'static str, &'static str) {
    match reason {
        EndReason::Idle => (
            "OnSessionTimedOut",
            "The session has ended because it was not used for too long.",
        ),
        EndReason::Expired => (
            "OnSessionTimedOut",
            "The session has ended because it has lasted as long as it may.",
        ),
        EndReason::LoggedOut => ("OnSessionLoggedOut", "You have logged out."),
        EndReason::Displaced => (
            "OnMaxParallelSessionsExceeded",
            "The session has ended because a newer one took its place.",
        ),
        EndReason::Terminated => (
            "OnSessionClosed",
            "The session was ended by an administrator.",
        ),
        EndReason::Revoked => (
            "OnSessionClosed",
            "The session was revoked by the identity provider.",
        ),
        EndReason::Replaced => (
            "OnSessionClosed",
            "The session has ended because you logged in anew.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn every_reason_has_its_notification() {
        for (reason, method) in [
            (EndReason::LoggedOut, "OnSessionLoggedOut"),
            (EndReason::Idle, "OnSessionTimedOut"),
            (EndReason::Expired, "OnSessionTimedOut"),
            (EndReason::Terminated, "OnSessionClosed"),
            (EndReason::Displaced, "OnMaxParallelSessionsExceeded"),
            (EndReason::Revoked, "OnSessionClosed"),
            (EndReason::Replaced, "OnSessionClosed"),
        ] {
            let text = of_end(&SessionEnd {
                at: Timestamp::from_unix_millis(1_795_341_600_000),
                reason,
                by: Some("key-1".into()),
            });
            let mut notice: Value = serde_json::from_str(&text).unwrap();
            let message = notice["params"]["message"].take();
            assert!(message.as_str().is_some_and(|m| m.ends_with('.')), "{text}");
            assert_eq!(
                notice,
                json!({
                    "jsonrpc": "2.0",
                    "method": method,
                    "params": {
                        "severity": "fatal",
                        "timestamp": "2026-11-22T10:00:00.000Z",
                        "message": null,
                    },
                })
            );
            assert!(!text.contains("key-1"), "who ended it is not for the user");
        }
    }

    #[test]
    fn it_is_written_on_one_line_in_a_fixed_order() {
        let end = SessionEnd {
            at: Timestamp::from_unix_millis(0),
            reason: EndReason::LoggedOut,
            by: None,
        };
        assert_eq!(
            of_end(&end),
            r#"{"jsonrpc":"2.0","method":"OnSessionLoggedOut","params":{"severity":"fatal","timestamp":"1970-01-01T00:00:00.000Z","message":"You have logged out."}}"#
        );
    }
}
