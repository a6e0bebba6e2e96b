//! The table `space.qlik`.

use crate::app::options::QlikOptions;
use crate::config::raw::RawQlik;

pub(super) fn qlik(raw: RawQlik) -> QlikOptions {
    QlikOptions {
        endpoints: raw.endpoints.unwrap_or_default(),
    }
}
