//! Where browsers are sent that have to log in elsewhere.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::{PathPrefix, SpaceId, TargetId};

/// What stays as it is in a query parameter's value (RFC 3986, section 2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A web application that finds out who a user is and buys them a ticket: Qlik's
/// "authentication module".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginModule {
    /// Its address, up to and with the `?` or `&` before our parameters.
    address: Box<str>,
    /// Where it buys tickets, encoded for a query.
    proxy_rest_uri: Box<str>,
}

/// Why a text is no address of a login module or side port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginModuleError {
    /// Not `http://` or `https://` and a host.
    #[error("it is no address such as https://login.example.com/login")]
    NotAUrl,
    /// A name or password in it.
    #[error("an address has no user name or password")]
    HasUserinfo,
    /// A fragment, behind which parameters would never be sent.
    #[error("it has a fragment, `#`, which browsers send to nobody")]
    HasFragment,
    /// A side port's address with more than scheme, host and port.
    #[error("the side port's address is a scheme, a host and a port, without a path or query")]
    HasPath,
}

impl LoginModule {
    /// The module at `address`, for the space below `prefix`, whose tickets are sold at the
    /// side port `side_port`, as `https://gatepass.example.com:8081`.
    ///
    /// # Errors
    ///
    /// [`LoginModuleError`] when one of them is no address.
    pub fn new(
        address: &str,
        side_port: &str,
        prefix: &PathPrefix,
    ) -> Result<Self, LoginModuleError> {
        Self::at(address, side_port, prefix.as_str())
    }

    /// As [`new`](Self::new), for a space whose prefix others have too: the side port knows
    /// it by its id.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn by_id(
        address: &str,
        side_port: &str,
        space: &SpaceId,
    ) -> Result<Self, LoginModuleError> {
        Self::at(address, side_port, &format!("/{space}"))
    }

    fn at(address: &str, side_port: &str, place: &str) -> Result<Self, LoginModuleError> {
        Self::check_address(address)?;
        Self::check_side_port(side_port)?;
        let separator = match address.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some((_, query)) if query.ends_with('&') => "",
            Some(_) => "&",
        };
        let side_port = side_port.trim_end_matches('/');
        let rest = format!("{side_port}/qps{place}/");
        Ok(Self {
            address: format!("{address}{separator}").into(),
            proxy_rest_uri: utf8_percent_encode(&rest, VALUE).to_string().into(),
        })
    }

    /// Whether `address` can be a module's.
    ///
    /// # Errors
    ///
    /// [`LoginModuleError`] when it cannot.
    pub fn check_address(address: &str) -> Result<(), LoginModuleError> {
        if address.contains('#') {
            return Err(LoginModuleError::HasFragment);
        }
        parse(address).map(drop)
    }

    /// Whether `address` can be a side port's.
    ///
    /// # Errors
    ///
    /// [`LoginModuleError`] when it cannot.
    pub fn check_side_port(address: &str) -> Result<(), LoginModuleError> {
        let uri = parse(address)?;
        if !matches!(uri.path(), "" | "/") || address.contains(['?', '#']) {
            return Err(LoginModuleError::HasPath);
        }
        Ok(())
    }

    /// Where to send a browser whose target is remembered under `target`.
    #[must_use]
    pub fn address_for(&self, target: TargetId) -> String {
        let Self {
            address,
            proxy_rest_uri,
        } = self;
        format!("{address}targetId={target}&proxyRestUri={proxy_rest_uri}")
    }
}

fn parse(address: &str) -> Result<Uri, LoginModuleError> {
    let plain = address.is_ascii() && !address.contains(|c: char| c.is_ascii_control());
    let uri: Uri = match address.parse() {
        Ok(uri) if plain => uri,
        _ => return Err(LoginModuleError::NotAUrl),
    };
    let authority = match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) => authority,
        _ => return Err(LoginModuleError::NotAUrl),
    };
    if authority.as_str().contains('@') {
        return Err(LoginModuleError::HasUserinfo);
    }
    if authority.host().is_empty() {
        return Err(LoginModuleError::NotAUrl);
    }
    Ok(uri)
}
