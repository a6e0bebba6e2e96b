//! Patterns that take a header's value apart into directory and id.

/// A pattern such as `$ud\$id` or `$id@$ud`: `$ud` stands for the user directory, `$id` for
/// the user id, everything else for itself. A doubled backslash is one backslash, as in Qlik's
/// patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPattern {
    before: String,
    between: String,
    after: String,
    directory_first: bool,
}

/// Why a text is no [`UserPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A variable is missing.
    #[error("the pattern `{pattern}` does not contain {variable}")]
    Missing {
        /// The pattern.
        pattern: String,
        /// `$ud` or `$id`.
        variable: &'static str,
    },
    /// A variable is there twice.
    #[error("the pattern `{pattern}` contains {variable} more than once")]
    Repeated {
        /// The pattern.
        pattern: String,
        /// `$ud` or `$id`.
        variable: &'static str,
    },
    /// A dollar sign starts no variable.
    #[error("the pattern `{0}` has a $ that starts neither $ud nor $id")]
    Unknown(String),
    /// Nothing tells where the first ends and the second starts.
    #[error("the pattern `{0}` has no text between $ud and $id")]
    NoSeparator(String),
}

impl UserPattern {
    /// The pattern `text`.
    ///
    /// # Errors
    ///
    /// When it does not have each of `$ud` and `$id` exactly once with text between them.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let pattern = || text.chars().take(200).collect::<String>();
        let mut literals = vec![String::new()];
        let mut seen: Vec<&'static str> = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let literal = literals.last_mut().expect("it starts with one");
            if let Some(variable) = [DIRECTORY, ID].into_iter().find(|v| rest.starts_with(v)) {
                if seen.contains(&variable) {
                    return Err(PatternError::Repeated {
                        pattern: pattern(),
                        variable,
                    });
                }
                seen.push(variable);
                literals.push(String::new());
                rest = &rest[variable.len()..];
            } else if c == '$' {
                return Err(PatternError::Unknown(pattern()));
            } else {
                literal.push(c);
                rest = rest
                    .strip_prefix(r"\\")
                    .unwrap_or_else(|| &rest[c.len_utf8()..]);
            }
        }
        for variable in [DIRECTORY, ID] {
            if !seen.contains(&variable) {
                return Err(PatternError::Missing {
                    pattern: pattern(),
                    variable,
                });
            }
        }
        let [before, between, after] = literals.try_into().expect("two variables, three texts");
        if between.is_empty() {
            return Err(PatternError::NoSeparator(pattern()));
        }
        Ok(Self {
            before,
            between,
            after,
            directory_first: seen[0] == DIRECTORY,
        })
    }

    /// Directory and id in `value`. `None` when it does not match, or in more than one way:
    /// with `$id@$ud`, `a@b@c` could be two users.
    #[must_use]
    pub fn split<'a>(&self, value: &'a str) -> Option<(&'a str, &'a str)> {
        let inner = value
            .strip_prefix(&*self.before)?
            .strip_suffix(&*self.after)?;
        let (first, second) = inner.split_once(&*self.between)?;
        // Overlapping occurrences count too: the last one has to be the first one.
        if inner.rfind(&*self.between) != Some(first.len()) {
            return None;
        }
        Some(if self.directory_first {
            (first, second)
        } else {
            (second, first)
        })
    }
}

const DIRECTORY: &str = "$ud";
const ID: &str = "$id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_apart() {
        for (pattern, value, expected) in [
            (r"$ud\$id", r"LAB\ann", Some(("LAB", "ann"))),
            (r"$ud\\$id", r"LAB\ann", Some(("LAB", "ann"))),
            ("$id@$ud", "ann@lab.example", Some(("lab.example", "ann"))),
            ("<$ud:::$id>", "<LAB:::ann>", Some(("LAB", "ann"))),
            ("<$ud:::$id>", "LAB:::ann", None),
            (r"$ud\$id", "ann", None),
            ("$id@$ud", "a@b@c", None),
            ("$ud::$id", "a:::b", None),
            (r"$ud\$id", "", None),
        ] {
            let pattern = UserPattern::parse(pattern).unwrap();
            assert_eq!(pattern.split(value), expected, "{pattern:?} on {value:?}");
        }
    }

    #[test]
    fn a_pattern_has_both_variables_once_and_apart() {
        for (bad, part) in [
            ("", "does not contain $ud"),
            ("$ud", "does not contain $id"),
            ("$id", "does not contain $ud"),
            (r"$ud\$id\$id", "$id more than once"),
            ("$ud$id", "no text between"),
            ("$user@$id", "starts neither"),
            ("$ud@$id$", "starts neither"),
        ] {
            let error = UserPattern::parse(bad).unwrap_err().to_string();
            assert!(error.contains(part), "{bad:?}: {error}");
        }
    }
}
