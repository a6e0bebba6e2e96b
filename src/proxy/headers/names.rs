//! The names of the headers that the gateway speaks of.

use http::HeaderName;
use http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, LAST_MODIFIED,
    LOCATION, TRAILER, WWW_AUTHENTICATE,
};

macro_rules! names {
    ($($konst:ident = $name:literal;)+) => {
        $(pub(super) static $konst: HeaderName = HeaderName::from_static($name);)+
    };
}

names! {
    HTTP2_SETTINGS = "http2-settings";
    KEEP_ALIVE = "keep-alive";
    PROXY_CONNECTION = "proxy-connection";
    REMOTE_EMAIL = "remote-email";
    REMOTE_GROUPS = "remote-groups";
    REMOTE_NAME = "remote-name";
    REMOTE_USER = "remote-user";
    X_FORWARDED_EMAIL = "x-forwarded-email";
    X_FORWARDED_FOR = "x-forwarded-for";
    X_FORWARDED_GROUPS = "x-forwarded-groups";
    X_FORWARDED_HOST = "x-forwarded-host";
    X_FORWARDED_PORT = "x-forwarded-port";
    X_FORWARDED_PREFERRED_USERNAME = "x-forwarded-preferred-username";
    X_FORWARDED_PREFIX = "x-forwarded-prefix";
    X_FORWARDED_PROTO = "x-forwarded-proto";
    X_FORWARDED_USER = "x-forwarded-user";
    X_QLIK_PROXY_SESSION = "x-qlik-proxysession";
    X_QLIK_SECURITY = "x-qlik-security";
    X_QLIK_USER = "x-qlik-user";
    X_QLIK_VIRTUAL_PROXY_PREFIX = "x-qlik-virtual-proxy-prefix";
    X_REAL_IP = "x-real-ip";
}

/// The header of the signed identity assertion, unless the configuration says otherwise.
pub static X_GATEPASS_ASSERTION: HeaderName = HeaderName::from_static("x-gatepass-assertion");

/// Every name that a profile or the assertion sets by itself. All of them are asserted by the
/// gateway in every space, if only by their absence.
pub(super) static IDENTITY: [&HeaderName; 13] = [
    &REMOTE_EMAIL,
    &REMOTE_GROUPS,
    &REMOTE_NAME,
    &REMOTE_USER,
    &X_FORWARDED_EMAIL,
    &X_FORWARDED_GROUPS,
    &X_FORWARDED_PREFERRED_USERNAME,
    &X_FORWARDED_USER,
    &X_QLIK_PROXY_SESSION,
    &X_QLIK_SECURITY,
    &X_QLIK_USER,
    &X_QLIK_VIRTUAL_PROXY_PREFIX,
    &X_GATEPASS_ASSERTION,
];

/// Fields that say something of the one response they are in, and are wrong in any other.
pub(super) static OF_ONE_RESPONSE: [&HeaderName; 11] = [
    &AGE,
    &CONTENT_ENCODING,
    &CONTENT_LENGTH,
    &CONTENT_RANGE,
    &CONTENT_TYPE,
    &DATE,
    &ETAG,
    &LAST_MODIFIED,
    &LOCATION,
    &TRAILER,
    &WWW_AUTHENTICATE,
];

/// Names by which programs learn of the connection before them, beside those that
/// [`FORWARDED_PREFIXES`] covers; and `Proxy`, which CGI makes `HTTP_PROXY` (CVE-2016-5385).
pub(super) static FORWARDED: [&str; 15] = [
    "cf-connecting-ip",
    "client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "proxy",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
    "x-host",
];

/// All names below these are rebuilt or removed.
pub(super) static FORWARDED_PREFIXES: [&str; 2] = ["x-forwarded-", "x-original-"];
