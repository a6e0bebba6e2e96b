//! What a body says: members in any case, in any order, beside others that are not known.

use super::attributes;
use super::error::QpsError;
use super::json::Json;
use crate::domain::{Attributes, Identity};

/// The members that some endpoint knows. One that is null was not given. It holds a secret, so
/// it has no `Debug`.
#[derive(Default)]
pub(super) struct Input {
    user_directory: Option<String>,
    user_id: Option<String>,
    attributes: Attributes,
    session_id: Option<String>,
    target_id: Option<String>,
    message: Option<String>,
}

impl Input {
    /// Reads `body`, whatever type it was declared to be: clients send JSON as a form, or as
    /// nothing in particular.
    ///
    /// # Errors
    ///
    /// [`QpsError::Input`], with what is wrong in words.
    pub(super) fn read(body: &[u8]) -> Result<Self, QpsError> {
        if body.trim_ascii().is_empty() {
            return Err(wrong("the body is empty, and a JSON object is expected"));
        }
        let json = Json::parse(body).map_err(|error| wrong(format!("the body: {error}")))?;
        let Json::Object(members) = json else {
            let kind = json.kind();
            return Err(wrong(format!(
                "the body is {kind}, and an object is expected"
            )));
        };
        let mut input = Self::default();
        let mut seen = Vec::new();
        for (name, value) in members {
            let Some(known) = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(&name)) else {
                continue;
            };
            if seen.contains(known) {
                return Err(wrong(format!("{known} is there twice")));
            }
            seen.push(*known);
            let place = match *known {
                "UserDirectory" => &mut input.user_directory,
                "UserId" => &mut input.user_id,
                "SessionId" => &mut input.session_id,
                "TargetId" => &mut input.target_id,
                "Message" => &mut input.message,
                _ => {
                    input.attributes = attributes::read(value)?;
                    continue;
                }
            };
            *place = text(known, value)?;
        }
        Ok(input)
    }

    /// The user, with their attributes.
    ///
    /// # Errors
    ///
    /// When directory or id is not given, or can be no part of an identity.
    pub(super) fn identity(&self) -> Result<Identity, QpsError> {
        let directory = required("UserDirectory", self.user_directory.as_deref())?;
        let id = required("UserId", self.user_id.as_deref())?;
        Ok(Identity::new(directory, id)?.with_attributes(self.attributes.clone()))
    }

    /// The secret that the caller chose.
    pub(super) fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The target of the login; an empty one is none.
    pub(super) fn target_id(&self) -> Option<&str> {
        self.target_id.as_deref().filter(|id| !id.is_empty())
    }

    /// What is to be logged.
    ///
    /// # Errors
    ///
    /// When there is no such text.
    pub(super) fn message(&self) -> Result<&str, QpsError> {
        required("Message", self.message.as_deref())
    }

    /// The user as the caller names them, for the log.
    pub(super) fn user(&self) -> (Option<&str>, Option<&str>) {
        (self.user_directory.as_deref(), self.user_id.as_deref())
    }
}

fn required<'t>(name: &str, text: Option<&'t str>) -> Result<&'t str, QpsError> {
    text.ok_or_else(|| wrong(format!("{name} is missing")))
}

fn text(name: &str, value: Json) -> Result<Option<String>, QpsError> {
    match value {
        Json::Null => Ok(None),
        Json::Text(text) => Ok(Some(text)),
        other => {
            let kind = other.kind();
            Err(wrong(format!("{name} is {kind}, and a text is expected")))
        }
    }
}

pub(super) fn wrong(why: impl Into<String>) -> QpsError {
    QpsError::Input(why.into())
}

const KNOWN: [&str; 6] = [
    "UserDirectory",
    "UserId",
    "Attributes",
    "SessionId",
    "TargetId",
    "Message",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        let read = Input::read(body.as_bytes());
        match read.and_then(|input| input.identity()) {
            Ok(identity) => panic!("{body} is {identity}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn members_are_known_in_any_case() {
        for body in [
            r#"{"UserDirectory":"LAB","UserId":"ann","SessionId":"s"}"#,
            r#"{"userDirectory":" LAB ","userId":"ann\t","sessionId":"s"}"#,
            r#"{"SESSIONID":"s","x":{"y":[1]},"userdirectory":"LAB","userid":"ann","Attributes":null}"#,
        ] {
            let input = Input::read(body.as_bytes()).unwrap();
            assert_eq!(input.identity().unwrap().to_string(), r"LAB\ann", "{body}");
            assert_eq!(input.session_id(), Some("s"));
        }
        let input = Input::read(br#"{"targetId":"","TargetID2":"x"}"#).unwrap();
        assert_eq!(input.target_id(), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, expected) in [
            ("", "the body is empty, and a JSON object is expected"),
            (" \n", "the body is empty, and a JSON object is expected"),
            ("[]", "the body is a list, and an object is expected"),
            ("{}", "UserDirectory is missing"),
            (r#"{"UserDirectory":"a"}"#, "UserId is missing"),
            (
                r#"{"userid":null,"UserDirectory":"a"}"#,
                "UserId is missing",
            ),
            (
                r#"{"userid":5}"#,
                "UserId is a number, and a text is expected",
            ),
            (r#"{"userid":"a","UserId":"b"}"#, "UserId is there twice"),
            (
                r#"{"UserDirectory":" ","UserId":"a"}"#,
                "the user directory is blank",
            ),
            (
                r#"{"UserDirectory":"a","UserId":"a\\b"}"#,
                "the user id contains a backslash",
            ),
            (
                "UserId=a&UserDirectory=b",
                "the body: expected value at line 1 column 1",
            ),
            (
                r#"{"UserId":"a""#,
                "the body: EOF while parsing an object at line 1 column 13",
            ),
        ] {
            assert_eq!(error(body), expected, "{body}");
        }
    }
}
