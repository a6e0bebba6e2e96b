//! From host and path to a space.

use std::sync::Arc;

use crate::domain::{HostPattern, PathError, PathPrefix, RequestPath, host_of_authority};

/// Which requests a space answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The hosts; none means every host.
    pub hosts: Vec<HostPattern>,
    /// The path prefix.
    pub prefix: PathPrefix,
}

/// Finds the space of a request: the most specific host first (a name, then a pattern, then
/// any), and of the spaces there the longest prefix.
#[derive(Clone, Debug)]
pub struct Router<T> {
    /// In the order in which they are tried.
    routes: Vec<Route<T>>,
}

#[derive(Clone, Debug)]
struct Route<T> {
    host: Option<HostPattern>,
    prefix: PathPrefix,
    target: Arc<T>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub struct Routed<'r, 'p, T> {
    /// The space.
    pub target: &'r Arc<T>,
    /// The whole path, in normal form.
    pub path: RequestPath<'p>,
    /// How many bytes of the path are the space's prefix.
    pub prefix_len: usize,
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The Host is none.
    #[error("the request's host is no host")]
    BadHost,
    /// The path means different things to different programs.
    #[error("the request's path is refused: {0}")]
    BadPath(#[from] PathError),
    /// No space answers to this host.
    #[error("no space answers to this host")]
    UnknownHost,
    /// A space answers to this host, but none to this path.
    #[error("no space answers to this path")]
    UnknownPath,
}

impl<T> Router<T> {
    /// A router to `targets`.
    pub fn new(targets: impl IntoIterator<Item = (Place, Arc<T>)>) -> Self {
        let mut routes = Vec::new();
        for (place, target) in targets {
            let hosts: Vec<_> = place.hosts.into_iter().map(Some).collect();
            for host in if hosts.is_empty() { vec![None] } else { hosts } {
                routes.push(Route {
                    host,
                    prefix: place.prefix.clone(),
                    target: Arc::clone(&target),
                });
            }
        }
        routes.sort_by_key(|route| {
            let host = match &route.host {
                Some(HostPattern::Exact(_)) => 0,
                Some(HostPattern::Below(_)) => 1,
                None => 2,
            };
            (host, std::cmp::Reverse(route.prefix.as_str().len()))
        });
        Self { routes }
    }

    /// The space for a request with this Host (or `:authority`) and raw path.
    ///
    /// The most specific host that matches decides; its spaces alone are asked for the path.
    ///
    /// # Errors
    ///
    /// [`RouteError`] when there is none, or when the request can be read in two ways.
    pub fn route<'p>(
        &self,
        authority: Option<&str>,
        path: &'p str,
    ) -> Result<Routed<'_, 'p, T>, RouteError> {
        let host = match authority {
            Some(authority) => Some(host_of_authority(authority).ok_or(RouteError::BadHost)?),
            None => None,
        };
        let path = RequestPath::parse(path)?;
        let mut decided: Option<&Option<HostPattern>> = None;
        for route in &self.routes {
            let matches = match (&route.host, host) {
                (None, _) => true,
                (Some(pattern), Some(host)) => pattern.matches(host),
                (Some(_), None) => false,
            };
            if !matches || decided.is_some_and(|other| *other != route.host) {
                continue;
            }
            decided = Some(&route.host);
            if route.prefix.strip(path.as_str()).is_some() {
                return Ok(Routed {
                    target: &route.target,
                    path,
                    prefix_len: route.prefix.as_str().len(),
                });
            }
        }
        Err(if decided.is_some() {
            RouteError::UnknownPath
        } else {
            RouteError::UnknownHost
        })
    }

    /// Whether some space answers to `host`, as [`host_of_authority`] gives it.
    pub fn answers_to(&self, host: &str) -> bool {
        let mut hosts = self.routes.iter().map(|route| &route.host);
        hosts.any(|pattern| pattern.as_ref().is_none_or(|p| p.matches(host)))
    }

    /// Every space once.
    pub fn targets(&self) -> impl Iterator<Item = &Arc<T>> {
        let mut seen: Vec<*const T> = Vec::new();
        self.routes
            .iter()
            .map(|route| &route.target)
            .filter(move |target| {
                let pointer = Arc::as_ptr(target);
                let new = !seen.contains(&pointer);
                seen.push(pointer);
                new
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> Router<&'static str> {
        let place = |hosts: &[&str], prefix: &str| Place {
            hosts: hosts.iter().map(|h| HostPattern::new(h).unwrap()).collect(),
            prefix: PathPrefix::new(prefix).unwrap(),
        };
        Router::new([
            (place(&[], ""), Arc::new("any")),
            (place(&[], "/jwt"), Arc::new("jwt")),
            (place(&["*.example.com"], ""), Arc::new("below")),
            (
                place(&["sales.example.com", "sales"], ""),
                Arc::new("sales"),
            ),
            (
                place(&["sales.example.com"], "/deep/er"),
                Arc::new("deeper"),
            ),
            (place(&["only.example.com"], "/only"), Arc::new("only")),
        ])
    }

    #[test]
    fn the_most_specific_host_and_the_longest_prefix_decide() {
        let router = router();
        let to = |host: Option<&str>, path: &str| router.route(host, path).map(|r| **r.target);
        assert_eq!(to(Some("other.org"), "/x"), Ok("any"));
        assert_eq!(to(None, "/jwt/x"), Ok("jwt"));
        assert_eq!(to(Some("other.org:80"), "/jwtx"), Ok("any"));
        assert_eq!(to(Some("SALES.example.com.:8443"), "/"), Ok("sales"));
        assert_eq!(to(Some("sales"), "/deep/er"), Ok("sales"));
        assert_eq!(to(Some("sales.example.com"), "/deep/er/x"), Ok("deeper"));
        assert_eq!(to(Some("x.example.com"), "/jwt"), Ok("below"));
        assert_eq!(to(Some("only.example.com"), "/only"), Ok("only"));
        assert_eq!(
            to(Some("only.example.com"), "/"),
            Err(RouteError::UnknownPath),
            "a host is one space's"
        );
    }

    #[test]
    fn s06_the_path_that_is_matched_is_the_one_returned() {
        let router = router();
        let routed = router.route(None, "/x/%2e%2e/jwt//a").unwrap();
        assert_eq!(
            (**routed.target, routed.path.as_str(), routed.prefix_len),
            ("jwt", "/jwt/a", 4)
        );
        assert_eq!(
            router.route(None, "/x/..%2fjwt").map(|_| ()),
            Err(RouteError::BadPath(PathError::EncodedSeparator))
        );
        assert_eq!(
            router.route(Some("user@host"), "/").map(|_| ()),
            Err(RouteError::BadHost)
        );
    }

    #[test]
    fn every_target_is_listed_once() {
        assert_eq!(router().targets().count(), 6);
    }
}
