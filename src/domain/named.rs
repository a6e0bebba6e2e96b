//! Enums whose variants have names that configuration, APIs and stores share.

/// Declares an enum from one list, so that no variant can be missing from `ALL`, from
/// `as_str` or from `from_str`.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, $what:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// Its name, as configuration, APIs and stores spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownName;

            /// # Errors
            ///
            /// When nothing has the name `text`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
                found.ok_or_else(|| $crate::domain::UnknownName::new($what, text))
            }
        }
    };
}

pub(super) use named_enum;

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct UnknownName {
    what: &'static str,
    text: String,
}

impl UnknownName {
    pub(super) fn new(what: &'static str, text: &str) -> Self {
        let text = text.chars().take(80).collect();
        Self { what, text }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{AccessType, ClientType, EndReason, Method};

    #[test]
    fn every_name_reads_back() {
        for method in Method::ALL {
            assert_eq!(method.as_str().parse(), Ok(method));
        }
        for reason in EndReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        for client in ClientType::ALL {
            assert_eq!(client.as_str().parse(), Ok(client));
        }
        for access in AccessType::ALL {
            assert_eq!(access.as_str().parse(), Ok(access));
        }
        let unknown = "JWT".parse::<Method>().unwrap_err();
        assert_eq!(unknown.to_string(), "`JWT` is no authentication method");
    }
}
