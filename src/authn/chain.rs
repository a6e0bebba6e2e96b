//! A space's authenticators, in the order of its configuration.

use std::fmt;
use std::sync::Arc;

use super::ticket::LoginModule;
use super::{Anonymous, AnonymousMode, Authenticator, AuthnRequest, Challenge, Consumed, Outcome};
use crate::domain::{Method, TokenDigest};

/// The authenticators of a space. Cheap to clone.
///
/// [`authenticate`](Self::authenticate) lets the first outcome decide that is not
/// [`Outcome::NotRequested`], but for challenges: one is remembered, and the methods after it
/// are still asked, so `["local", "anonymous"]` lets everybody in and whoever visits the login
/// page becomes somebody. Where several methods challenge, a place where people log in wins
/// over asking for a token, as a program reads the status of either; of two such places, the
/// page and a module elsewhere, the first wins.
#[derive(Clone, Default)]
pub struct Chain {
    methods: Arc<[Arc<dyn Authenticator>]>,
    consumed: Arc<[Consumed]>,
}

impl Chain {
    /// The chain that asks `methods` in their order.
    #[must_use]
    pub fn new(methods: Vec<Arc<dyn Authenticator>>) -> Self {
        let mut consumed = Vec::new();
        for one in methods.iter().flat_map(|method| method.consumed()) {
            if !consumed.contains(&one) {
                consumed.push(one);
            }
        }
        Self {
            methods: methods.into(),
            consumed: consumed.into(),
        }
    }

    /// The same chain with `method` asked last.
    #[must_use]
    pub fn with(&self, method: impl Authenticator) -> Self {
        let mut methods = self.methods.to_vec();
        methods.push(Arc::new(method));
        Self::new(methods)
    }

    /// The same chain with anonymous users: [`AnonymousMode::Allow`] is asked last,
    /// [`AnonymousMode::Always`] instead of everybody else. Either way what the other methods
    /// consume is still taken off, so a token never reaches an upstream by a change of mode.
    #[must_use]
    pub fn with_anonymous(&self, anonymous: Anonymous) -> Self {
        match anonymous.mode() {
            AnonymousMode::Allow => self.with(anonymous),
            AnonymousMode::Always => Self {
                methods: Arc::new([Arc::new(anonymous)]),
                consumed: Arc::clone(&self.consumed),
            },
        }
    }

    /// Whether there is nobody to ask; then nobody can be authenticated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.methods.is_empty()
    }

    /// The methods, in order.
    pub fn methods(&self) -> impl Iterator<Item = Method> + '_ {
        self.methods.iter().map(|method| method.method())
    }

    /// The digests of all credentials that `request` carries, in the chain's order. Computed
    /// as they are asked for; nothing is allocated here.
    pub fn credentials<'a>(
        &'a self,
        request: &'a AuthnRequest<'a>,
    ) -> impl Iterator<Item = TokenDigest> + 'a {
        self.methods
            .iter()
            .filter_map(|method| method.credential(request))
    }

    /// Who the caller is, as the first method that knows says.
    pub async fn authenticate(&self, request: AuthnRequest<'_>) -> Outcome {
        self.ask(request, None).await
    }

    /// As [`authenticate`](Self::authenticate), for a caller who wants to be somebody: nobody
    /// is taken in as anonymous.
    pub async fn authenticate_somebody(&self, request: AuthnRequest<'_>) -> Outcome {
        self.ask(request, Some(Method::Anonymous)).await
    }

    async fn ask(&self, request: AuthnRequest<'_>, without: Option<Method>) -> Outcome {
        let mut challenge = None;
        for method in &*self.methods {
            if Some(method.method()) == without {
                continue;
            }
            match method.authenticate(request).await {
                Outcome::NotRequested => {}
                Outcome::Challenge(new) => keep_stronger(&mut challenge, new),
                decided @ (Outcome::Authenticated(_) | Outcome::Failed(_)) => return decided,
            }
        }
        challenge.map_or(Outcome::NotRequested, Outcome::Challenge)
    }

    /// What somebody who is nobody does to become somebody: goes to the login page or to the
    /// login module, whichever belongs to the earlier method; `None` where there is neither.
    #[must_use]
    pub fn login_challenge(&self) -> Option<Challenge> {
        self.methods.iter().find_map(|method| {
            #[cfg(feature = "local")]
            if method.login().is_some() {
                return Some(Challenge::LoginPage);
            }
            method.login_module().map(|_| Challenge::LoginModule)
        })
    }

    /// Where people log in elsewhere: the module of the first method that has one.
    #[must_use]
    pub fn login_module(&self) -> Option<Arc<LoginModule>> {
        self.methods.iter().find_map(|method| method.login_module())
    }

    /// What has to be taken off every request before it is forwarded.
    #[must_use]
    pub fn consumed(&self) -> &[Consumed] {
        &self.consumed
    }

    /// The users of the first method that lets people log in with a password.
    #[cfg(feature = "local")]
    #[must_use]
    pub fn login(&self) -> Option<Arc<super::local::LocalUsers>> {
        self.methods.iter().find_map(|method| method.login())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.methods().map(Method::as_str))
            .finish()
    }
}

fn keep_stronger(kept: &mut Option<Challenge>, new: Challenge) {
    let stronger = match kept {
        None => true,
        Some(Challenge::Bearer { .. }) => !matches!(new, Challenge::Bearer { .. }),
        Some(_) => false,
    };
    if stronger {
        *kept = Some(new);
    }
}
