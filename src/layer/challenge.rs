//! What a caller is told to do who is nobody, and may become somebody.

use super::admit::Refusal;
use super::client::is_page_load;
use super::gate::Gate;
use crate::authn::Challenge;
use crate::domain::{Denied, Method, Session};

impl Gate {
    /// What a denied request is refused with: nobody in particular may still become somebody
    /// who may; somebody may not.
    #[must_use]
    pub fn denial(&self, session: &Session, denied: Denied) -> Refusal {
        match session.method() {
            Method::Anonymous => Refusal::Unauthenticated {
                challenge: self.login_challenge(),
                drop_cookie: false,
            },
            _ => Refusal::Forbidden(denied),
        }
    }

    /// Where who is nobody logs in: at the space's login page or at its login module,
    /// whichever belongs to the earlier method of the chain.
    pub(super) fn login_challenge(&self) -> Option<Challenge> {
        self.0.chain.login_challenge()
    }

    /// The path at which people log in, where they can.
    pub(super) fn login_path(&self) -> Option<String> {
        let path = format!("{}/.gatepass/login", self.0.prefix);
        self.login_challenge().map(|_| path)
    }

    /// Whether the space has a login page.
    #[must_use]
    pub fn has_login_page(&self) -> bool {
        #[cfg(feature = "local")]
        let has = self.0.chain.login().is_some();
        #[cfg(not(feature = "local"))]
        let has = false;
        has
    }

    /// Whether a refused `parts` is to be sent to where people log in rather than told a
    /// status.
    pub(super) fn redirects(&self, parts: &http::request::Parts) -> bool {
        self.login_challenge().is_some() && is_page_load(parts)
    }
}
