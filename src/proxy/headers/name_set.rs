//! A set of header names that also knows their look-alikes.

/// Header names and prefixes of header names, compared as the least careful upstream would:
/// without case, and with every byte that is no letter or digit taken for the same one.
///
/// CGI and its heirs hand `X-Forwarded-User` and `X_Forwarded.User` to a program under one
/// name; some fold every punctuation mark. So does this set.
///
/// Asking is cheap where the answer is no: a name that shares length and first letter with
/// no member costs one look into a 256-byte table.
#[derive(Clone, Debug)]
pub(super) struct NameSet {
    /// For each length (63: that or longer) the first bytes of members, modulo 32.
    first: [u32; ROWS],
    /// Folded, by length.
    names: Box<[Box<[u8]>]>,
    /// Folded.
    prefixes: Box<[Box<[u8]>]>,
}

const ROWS: usize = 64;

impl NameSet {
    /// The set of `names` and of all names that start with one of `prefixes`.
    pub(super) fn new<N: AsRef<str>>(
        names: impl IntoIterator<Item = N>,
        prefixes: &[&str],
    ) -> Self {
        let folded = |name: &str| -> Box<[u8]> { name.bytes().map(fold).collect() };
        let mut names: Vec<_> = names.into_iter().map(|n| folded(n.as_ref())).collect();
        names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        names.dedup();
        names.retain(|n| !n.is_empty());
        let prefixes: Box<[_]> = prefixes.iter().map(|p| folded(p)).collect();
        let mut first = [0; ROWS];
        for name in &names {
            first[row(name.len())] |= bits(name);
        }
        for prefix in &prefixes {
            for cell in &mut first[row(prefix.len())..] {
                *cell |= bits(prefix);
            }
        }
        Self {
            first,
            names: names.into(),
            prefixes,
        }
    }

    /// Whether `name` or a name it could be mistaken for is in the set.
    #[inline]
    pub(super) fn contains(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let Some(head) = name.first() else {
            return false;
        };
        self.first[row(name.len())] >> (head & 31) & 1 == 1 && self.is_member(name)
    }

    fn is_member(&self, name: &[u8]) -> bool {
        let same =
            |member: &[u8], name: &[u8]| member.iter().zip(name).all(|(m, n)| *m == fold(*n));
        let start = self.names.partition_point(|n| n.len() < name.len());
        self.names[start..]
            .iter()
            .take_while(|n| n.len() == name.len())
            .any(|n| same(n, name))
            || self
                .prefixes
                .iter()
                .any(|p| p.len() <= name.len() && same(p, name))
    }
}

fn row(len: usize) -> usize {
    len.min(ROWS - 1)
}

/// The first byte as a bit; a separator is any byte.
fn bits(folded: &[u8]) -> u32 {
    match folded.first() {
        Some(b'-') | None => u32::MAX,
        Some(byte) => 1 << (byte & 31),
    }
}

const fn fold(byte: u8) -> u8 {
    FOLD[byte as usize]
}

static FOLD: [u8; 256] = {
    let mut table = [b'-'; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_members_and_others_are_not() {
        let set = NameSet::new(
            ["X-Forwarded-User", "_odd", &"long-".repeat(20)],
            &["x-original-"],
        );
        let long = "long_".repeat(20);
        for yes in [
            "x-forwarded-user",
            "x_forwarded_user",
            "X.Forwarded~User",
            "-odd",
            "!odd",
            "x-original-url",
            "x_original_",
            &long,
        ] {
            assert!(set.contains(yes), "{yes}");
        }
        for no in [
            "",
            "x",
            "xforwardeduser",
            "x-forwarded-user-",
            "x-forwarded-usex",
            "y-forwarded-user",
            "x-original",
            "odd",
            &long[1..],
        ] {
            assert!(!set.contains(no), "{no}");
        }
    }
}
