//! The table `upstream_tls` of a space. Whether the file has what it should is found when the
//! space is built.

use std::path::PathBuf;

use crate::app::options::Upstream;
use crate::config::raw::RawUpstreamTls;
use crate::config::report::{Scope, read};

const CA: &str = "the certificates of authorities in PEM form";

/// The authorities of `upstreams`; nothing where the machine's are taken.
pub(super) fn authorities(
    raw: RawUpstreamTls,
    table: &Scope<'_>,
    upstreams: Option<&[Upstream]>,
) -> Option<PathBuf> {
    let ca = read(table, "ca", raw.ca, |at, text: String| at.file(&text, CA));
    if ca.is_some() && upstreams.is_some_and(|list| !list.iter().any(Upstream::is_https)) {
        table.key("ca").unused(
            "no upstream is reached over TLS",
            "allowed: this together with an upstream such as `https://127.0.0.1:3443`",
        );
    }
    ca
}
