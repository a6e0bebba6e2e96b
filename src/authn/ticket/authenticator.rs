//! The authenticator, which redeems tickets.

use std::fmt;
use std::sync::Arc;

use super::LoginModule;
use super::parameter::{Presented, consumed, ticket};
use crate::authn::{
    Authentication, Authenticator, AuthnFuture, AuthnRequest, Challenge, Consumed, Failure,
    FailureReason, Outcome,
};
use crate::domain::{Method, SpaceState, TicketSecret, TokenDigest};
use crate::sessions::Sessions;

/// Redeems the ticket in a request's query parameter `qlikTicket` or `X-Qlik-Ticket`, in any
/// case; exactly one request gets what it stands for. Whoever brings none is sent to the
/// [`LoginModule`], where the space has one.
///
/// Every ticket that does not hold fails alike, whether it is used, too old, another space's
/// or was never sold. A request with two is refused and neither is redeemed.
pub struct TicketAuthenticator {
    sessions: Sessions,
    space: Arc<SpaceState>,
    module: Option<Arc<LoginModule>>,
}

impl TicketAuthenticator {
    /// For the tickets of `space`.
    #[must_use]
    pub const fn new(sessions: Sessions, space: Arc<SpaceState>) -> Self {
        Self {
            sessions,
            space,
            module: None,
        }
    }

    /// Sends browsers that bring no ticket to `module`.
    ///
    /// The module sends a ticket to the address that the browser had asked for, so the host in
    /// it must be one of ours: whoever embeds the layer checks `Host` before it, as the proxy
    /// does in spaces that name their hosts.
    #[must_use]
    pub fn module(mut self, module: LoginModule) -> Self {
        self.module = Some(Arc::new(module));
        self
    }

    async fn redeem(&self, text: &str) -> Outcome {
        let digest = self.digest(text);
        match self.sessions.redeem_ticket(&self.space, text).await {
            Ok(Some(ticket)) => {
                tracing::debug!(
                    space = %self.space.id(),
                    ticket = ?digest,
                    user = %ticket.identity,
                    "a ticket was redeemed"
                );
                Outcome::Authenticated(Authentication {
                    identity: Arc::unwrap_or_clone(ticket.identity),
                    method: Method::Ticket,
                    credential: None,
                    sign_on: None,
                })
            }
            Ok(None) => bad(format!("{digest:?} cannot be redeemed")),
            Err(error) => {
                let detail = format!("{digest:?}: {error}");
                Outcome::Failed(Failure::new(
                    Method::Ticket,
                    FailureReason::StoreUnavailable,
                    detail,
                ))
            }
        }
    }

    fn digest(&self, text: &str) -> TokenDigest {
        TicketSecret::digest_of(self.space.id(), text)
    }
}

impl Authenticator for TicketAuthenticator {
    fn method(&self) -> Method {
        Method::Ticket
    }

    /// A ticket opens no session a second time, so this finds none. It says that there is a
    /// ticket, which goes before the cookie.
    fn credential(&self, request: &AuthnRequest<'_>) -> Option<TokenDigest> {
        match ticket(request.parts.uri.query()?) {
            Presented::Nothing => None,
            Presented::One(text) => Some(self.digest(&text)),
            Presented::Unclear => Some(self.digest("")),
        }
    }

    fn authenticate<'a>(&'a self, request: AuthnRequest<'a>) -> AuthnFuture<'a> {
        Box::pin(async move {
            match ticket(request.parts.uri.query().unwrap_or_default()) {
                Presented::One(text) => self.redeem(&text).await,
                Presented::Unclear => bad("several, or not text".to_owned()),
                Presented::Nothing if self.module.is_some() => {
                    Outcome::Challenge(Challenge::LoginModule)
                }
                Presented::Nothing => Outcome::NotRequested,
            }
        })
    }

    fn consumed(&self) -> Vec<Consumed> {
        consumed()
    }

    fn login_module(&self) -> Option<Arc<LoginModule>> {
        self.module.clone()
    }
}

impl fmt::Debug for TicketAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketAuthenticator")
            .field("space", self.space.id())
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}

fn bad(detail: String) -> Outcome {
    Outcome::Failed(Failure::new(
        Method::Ticket,
        FailureReason::BadTicket,
        detail,
    ))
}
