//! What a space has in common with a virtual proxy of Qlik Sense.

/// What of the Qlik dialect a space speaks to browsers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QlikOptions {
    /// Whether `/qps/user` and `/qps/csrftoken` below its prefix are answered and not
    /// forwarded. Default: no.
    pub endpoints: bool,
}
