//! The one source of randomness: the operating system's generator, through aws-lc.

/// Fills `bytes` from the generator.
///
/// # Panics
///
/// When the operating system cannot give randomness. Nothing that mints a secret can go on
/// without it, and no network input can bring it about.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that may call it"
)]
pub fn fill(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the operating system's random generator answers");
}

/// `N` random bytes.
///
/// # Panics
///
/// As [`fill`].
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}
