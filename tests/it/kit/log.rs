//! What the gateways of this process have logged, at the finest level.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to write down everything that this crate logs.
pub(crate) fn watch() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("gatepass=trace"))
            .with_ansi(false)
            .with_writer(|| Notebook)
            .init();
    });
}

/// Everything that was logged so far, by all tests.
pub(crate) fn so_far() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(lines.clone()).unwrap()
}

struct Notebook;

impl Write for Notebook {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
