//! From the path of a request to a route: whole segments, in the spellings that clients use.

use percent_encoding::percent_decode_str;

use super::error::QpsError;
use super::routes::Route;
use crate::admin::openapi::Verb;

/// The segments of a path, decoded once. Empty ones are left out: they are what is left
/// between a prefix that is empty and its slashes.
pub(super) fn segments(path: &str) -> Result<Vec<String>, QpsError> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode_str(segment).decode_utf8();
            decoded.map_or(Err(QpsError::Path), |text| Ok(text.into_owned()))
        })
        .collect()
}

/// What a path names.
#[derive(Debug)]
pub(super) struct Named<'r> {
    /// The path prefix of the space, without its first slash; empty for the default space.
    pub(super) prefix: String,
    /// The variable segments, in their order.
    pub(super) variables: Vec<String>,
    /// The routes at that path, one a method.
    pub(super) routes: Vec<&'r Route>,
}

/// What `segments` name: `qps`, perhaps behind or before a prefix, and a route.
///
/// Without a prefix wins where both can be read; a space that is called as a route is reached
/// by the spelling with the prefix first.
pub(super) fn find<'r>(routes: &'r [Route], segments: &[String]) -> Option<Named<'r>> {
    let base = segments.iter().position(|segment| segment == "qps")?;
    let (before, behind) = (&segments[..base], &segments[base + 1..]);
    let longest = if before.is_empty() { behind.len() } else { 0 };
    (0..=longest).find_map(|length| {
        let (prefix, rest) = behind.split_at(length);
        let (variables, routes) = at(routes, rest)?;
        Some(Named {
            prefix: [before, prefix].concat().join("/"),
            variables,
            routes,
        })
    })
}

/// The variable segments of `segments`, and the routes that they name, which are at least one.
pub(super) fn at<'r>(
    routes: &'r [Route],
    segments: &[String],
) -> Option<(Vec<String>, Vec<&'r Route>)> {
    let named: Vec<_> = routes
        .iter()
        .filter(|route| variables(route.path(), segments).is_some())
        .collect();
    let variables = variables(named.first()?.path(), segments)?;
    Some((variables, named))
}

/// The route among `routes`, which share a path, that is for `method`.
pub(super) fn choose<'r>(
    routes: &[&'r Route],
    method: &http::Method,
) -> Result<&'r Route, QpsError> {
    let verb = match *method {
        http::Method::GET | http::Method::HEAD => Some(Verb::Get),
        http::Method::POST => Some(Verb::Post),
        http::Method::DELETE => Some(Verb::Delete),
        _ => None,
    };
    let chosen = routes.iter().find(|route| Some(route.method()) == verb);
    chosen.copied().ok_or_else(|| {
        let allowed: Vec<_> = routes.iter().map(|route| route.method().as_str()).collect();
        QpsError::Method {
            allowed: allowed.join(", ").to_ascii_uppercase(),
        }
    })
}

/// What the braces of `template` stand for in `segments`; `None` when they do not fit it.
/// Fixed segments are compared without case, as Qlik's server does.
fn variables(template: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = segments.iter();
    for wanted in template.split('/').skip(1) {
        let segment = rest.next()?;
        if wanted.starts_with('{') {
            found.push(segment.clone());
        } else if !wanted.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    rest.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::qps::routes::ROUTES;

    /// Prefix, template and variable segments.
    fn read(path: &str) -> Option<(String, &'static str, Vec<String>)> {
        let named = find(&ROUTES, &segments(path).unwrap())?;
        Some((named.prefix, named.routes[0].path(), named.variables))
    }

    #[test]
    fn a_prefix_may_be_before_or_behind_and_slashes_do_not_count() {
        for (path, prefix, template, variables) in [
            ("/qps/session", "", "/session", &[][..]),
            ("/qps//session", "", "/session", &[]),
            ("//qps/session/", "", "/session", &[]),
            ("/qps/sales/session", "sales", "/session", &[]),
            ("/sales/qps/session/", "sales", "/session", &[]),
            ("/qps//sales/session//", "sales", "/session", &[]),
            ("/qps/a/b/session", "a/b", "/session", &[]),
            ("/a/b/qps/session", "a/b", "/session", &[]),
            ("/qps/session/x", "", "/session/{id}", &["x"]),
            ("/qps/session/session", "", "/session/{id}", &["session"]),
            ("/session/qps/session", "session", "/session", &[]),
            ("/qps/s/session/x/", "s", "/session/{id}", &["x"]),
            ("/qps/user/d/i", "", "/user/{directory}/{id}", &["d", "i"]),
            (
                "/qps/s/user/a%20b/c%2Fd",
                "s",
                "/user/{directory}/{id}",
                &["a b", "c/d"],
            ),
            ("/qps/s/About/OpenApi/main", "s", "/about/openapi/Main", &[]),
        ] {
            let variables = variables.iter().map(|v| (*v).to_owned()).collect();
            let expected = (prefix.to_owned(), template, variables);
            assert_eq!(read(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn s31_paths_match_on_whole_segments() {
        for path in [
            "/qps",
            "/qps/",
            "/qps/sessionx",
            "/qpsx/session",
            "/QPS/session",
            "/qps/user/d",
            "/qps/user/d/i/x",
            "/s/qps/t/session",
            "/qps/ticket/x/y",
            "/qps/../session%2f",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
        assert!(segments("/qps/%ff").is_err());
    }
}
