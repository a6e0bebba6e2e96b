//! Values and rules: what a session, an identity, a space and a token *are*.
//!
//! Nothing here waits, reads a socket or knows HTTP. Every type is either always valid or
//! says in its constructor why it is not. Time comes from [`Clock`], randomness from
//! [`random`]; both have no other home in the crate.

mod access;
mod attributes;
mod certificate;
mod client;
mod clock;
mod cookie_policy;
mod csrf_token;
mod host;
mod identity;
mod ids;
mod interner;
mod license;
mod lock;
mod method;
mod named;
mod origin;
mod path;
mod policy;
pub mod random;
mod return_target;
mod session;
mod session_end;
mod session_record;
mod shared_secret;
mod space;
mod spaces;
mod task;
mod ticket;
mod token;
mod usage;

pub use access::{AccessRule, AccessRules, Denied, Requirement, RuleError, Ruling};
pub use attributes::{Attribute, Attributes};
pub use certificate::{AltName, CertificateRule, ClientCertificate};
pub use client::{AccessType, ClientInfo, ClientType, Connection, Scheme};
pub use clock::{Clock, ManualClock, SystemClock, Tick, Timestamp};
pub use cookie_policy::{CookieDomainError, CookieNameError, CookiePolicy, SameSite};
pub use csrf_token::CsrfToken;
pub use host::{HostError, HostPattern, host_of_authority};
pub use identity::{Identity, IdentityError, UserKey};
pub use ids::{SessionId, SignOnId, SpaceId, SpaceIdError};
pub use license::{Classification, ClassifyRule, Condition};
pub use lock::UserLock;
pub use method::Method;
pub use named::UnknownName;
pub use origin::{Origin, OriginError, OriginPattern};
pub use path::{PathError, PathPrefix, PrefixError, RequestPath};
pub use policy::{Lifetime, LimitPolicy, SeatLimit, SessionPolicy, UserLimit};
pub use return_target::{ReturnTarget, ReturnTargetError};
pub use session::{Liveness, NewSession, Session};
pub use session_end::{EndReason, SessionEnd};
pub use session_record::SessionRecord;
pub use shared_secret::SharedSecret;
pub use space::SpaceState;
pub use spaces::Spaces;
pub use task::{Task, TaskError, TaskId, TaskReport, TaskStatus};
pub use ticket::{TargetId, Ticket, TicketSecret};
pub use token::{Token, TokenDigest, TokenError};
pub use usage::{DayPeak, LicensePeak, LicenseUsage};
