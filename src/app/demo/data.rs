//! The demo's configuration, users, keys and secrets: known to everybody, and therefore
//! refused on any address that is not loopback.

use std::io;
use std::path::{Path, PathBuf};

/// The private key that the demo's tokens are signed with.
pub const JWT_PRIVATE_KEY: &str = include_str!("../../../config/demo/jwt-private.pem");
/// The issuer of the demo's tokens.
pub const JWT_ISSUER: &str = "https://demo.gatepass.example";
/// The audience of the demo's tokens.
pub const JWT_AUDIENCE: &str = "demo";
/// The password of the demo's users, `alice` and `bob`.
pub const PASSWORD: &str = "demo-password";
/// The secret of the demo's API keys.
pub const SECRET: &str = "demo-secret-do-not-use";
/// The ids of the demo's API keys, the most powerful first.
pub const KEYS: [&str; 3] = ["demo-site-admin", "demo-space-admin", "demo-reader"];

const USERS: &str = include_str!("../../../config/demo/users.toml");
const API_KEYS: &str = include_str!("../../../config/demo/keys.toml");
const JWT_PUBLIC_KEY: &str = include_str!("../../../config/demo/jwt-public.pem");
const CONFIG: &str = include_str!("../../../config/demo/gatepass.toml");

/// Writes the demo's files into `folder`; the path of the configuration.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(folder: &Path) -> io::Result<PathBuf> {
    for (name, text) in [
        ("users.toml", USERS),
        ("keys.toml", API_KEYS),
        ("jwt-public.pem", JWT_PUBLIC_KEY),
    ] {
        std::fs::write(folder.join(name), text)?;
    }
    let config = folder.join("gatepass.toml");
    std::fs::write(&config, CONFIG)?;
    Ok(config)
}

/// Whether a users file has a password hash of the demo.
pub(crate) fn is_password(text: &str) -> bool {
    shares_a_secret(USERS, text)
}

/// Whether a keys file has a key of the demo.
pub(crate) fn is_key(text: &str) -> bool {
    shares_a_secret(API_KEYS, text)
}

/// Whether a PEM file has the demo's token key.
pub(crate) fn is_jwt_key(text: &str) -> bool {
    shares_a_secret(JWT_PUBLIC_KEY, text)
}

/// Whether one of the long words of `ours`, a hash or a key, is in `text`.
fn shares_a_secret(ours: &str, text: &str) -> bool {
    ours.split(|c: char| c.is_whitespace() || c == '"')
        .filter(|word| word.len() >= 40)
        .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_knows_its_own_secrets_and_no_others() {
        assert!(is_password(USERS) && is_key(API_KEYS) && is_jwt_key(JWT_PUBLIC_KEY));
        for other in [
            "",
            "[[user]]\npassword = \"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA\"",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert!(
                !is_password(other) && !is_key(other) && !is_jwt_key(other),
                "{other:?}"
            );
        }
    }
}
