//! Secrets from files, standard input, or a person.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

/// The secret in `file` (`-` for standard input), without a final line break.
pub(crate) fn from_file(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if file.as_os_str() == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input cannot be read")?;
    } else {
        let mut opened = std::fs::File::open(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        opened
            .read_to_string(&mut text)
            .with_context(|| format!("{} cannot be read", file.display()))?;
    }
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| {
        line.strip_suffix('\r').unwrap_or(line)
    });
    Ok(Zeroizing::new(secret.to_owned()))
}

/// A new password, typed twice without being shown.
pub(crate) fn new_password() -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "no terminal to ask for a password: give it with --password-file (`-` for standard input)"
        );
    }
    let ask = |text| {
        rpassword::prompt_password(text)
            .map(Zeroizing::new)
            .context("the terminal cannot be read")
    };
    let (first, second) = (ask("Password: ")?, ask("The same again: ")?);
    if *first != *second {
        bail!("the two passwords differ");
    }
    Ok(first)
}
