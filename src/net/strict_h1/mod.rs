//! A strict reader of HTTP/1 request framing, in front of a lenient parser.
//!
//! Two programs that disagree on where a request ends can be made to see different
//! requests: request smuggling. hyper's parser forgives much of what makes them disagree
//! (bare LF, Content-Length beside Transfer-Encoding, equal Content-Lengths, chunk
//! extensions, any trailer, no Host), so [`StrictHttp1`] reads the same bytes first and
//! lets none of it pass. What it refuses is listed in [`Violation`].
//!
//! - [`RequestFraming`] is the grammar: an incremental state machine without I/O over the
//!   client's bytes. Its verdict does not depend on how the bytes are cut into reads.
//! - [`StrictHttp1`] is the connection: it reads into the buffer that hyper gave, checks
//!   the new bytes in place and takes back what hyper may not see.
//! - [`FramingControl`] is the server's hold on it: bytes behind a request that asks for an
//!   upgrade stay out of reach until the server has decided what they are.
//!
//! How a violation is answered:
//! - *In a head*, a NUL takes the place of the offending byte, an end of head is put behind
//!   it, and nothing follows. No part of a head may hold a NUL, so that hyper answers 400
//!   (431 where a limit that hyper knows as well was passed first) and closes.
//! - *In a body or its trailers*, the read fails with `InvalidData` and the [`Violation`]
//!   as its cause; the body fails, and the connection closes after the response.
//!
//! One empty line before a request is tolerated, as RFC 9112, section 2.2 wants it; a
//! second is refused.

mod chunked;
mod control;
mod framing;
mod grammar;
mod head;
mod head_timer;
mod limits;
mod lines;
mod stream;
mod trailer;
mod violation;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;

pub use control::{FramingControl, PendingUpgrade, asks_for_upgrade};
pub use framing::{RequestFraming, Verdict};
pub use limits::Limits;
pub use stream::StrictHttp1;
pub use trailer::may_be_trailer;
pub use violation::Violation;
