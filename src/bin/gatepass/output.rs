//! What a command says on its standard output.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Context as _;

/// Prints `text` and a line break. A reader that has gone away, as `head` does, has seen
/// enough: that is no failure.
///
/// # Errors
///
/// When the output cannot be written for any other reason, such as a full disk.
pub(crate) fn print(text: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("the standard output cannot be written")
        }
        _ => Ok(()),
    }
}
