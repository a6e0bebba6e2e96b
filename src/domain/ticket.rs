//! Tickets: one-time secrets that a trusted program buys for a user.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Identity, SpaceId, TokenDigest, random};

/// What a ticket stands for; its secret is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Who redeems it becomes this user.
    pub identity: Arc<Identity>,
    /// Where the browser was going when it was sent to log in, and is to be sent again.
    pub target: Option<Arc<str>>,
}

impl Ticket {
    /// How long a ticket can be redeemed.
    pub const LIFETIME: Duration = Duration::from_secs(60);
}

/// A ticket's secret: 16 characters `A-Z a-z 0-9 - _`, 96 bits from the operating system's
/// generator, for one use within [`Ticket::LIFETIME`]. Never logged, never stored.
pub struct TicketSecret(Zeroizing<String>);

impl TicketSecret {
    /// Characters of a ticket.
    pub const TEXT: usize = 16;

    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        let bytes: [u8; 12] = random::bytes();
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text for the URL. The caller sends it to who bought the ticket and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of the ticket `text` of `space`: elsewhere it is unknown.
    #[must_use]
    pub fn digest_of(space: &SpaceId, text: &str) -> TokenDigest {
        TokenDigest::of_parts(&[b"ticket", space.as_str().as_bytes(), text.as_bytes()])
    }
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSecret(..)")
    }
}

/// Names the address that a browser was asking for when it was sent to log in elsewhere.
/// Random, so that nobody can name another's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetId(Uuid);

impl TargetId {
    /// How long a target is remembered: a person may take their time to log in.
    pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Builder::from_random_bytes(random::bytes()).into_uuid())
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TargetId {
    type Err = uuid::Error;

    /// # Errors
    ///
    /// When `text` is not a UUID.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s20_a_ticket_is_sixteen_random_characters_that_debug_does_not_show() {
        let (a, b) = (TicketSecret::generate(), TicketSecret::generate());
        assert_eq!(a.expose().len(), TicketSecret::TEXT);
        assert_ne!(a.expose(), b.expose());
        assert_eq!(format!("{a:?}"), "TicketSecret(..)");
    }

    #[test]
    fn s30_a_ticket_is_bound_to_its_space() {
        let (one, two) = (SpaceId::new("1").unwrap(), SpaceId::new("2").unwrap());
        let text = "abcdefghijklmnop";
        assert_ne!(
            TicketSecret::digest_of(&one, text),
            TicketSecret::digest_of(&two, text)
        );
    }

    #[test]
    fn a_target_id_reads_back() {
        let id = TargetId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("x".parse::<TargetId>().is_err());
    }
}
