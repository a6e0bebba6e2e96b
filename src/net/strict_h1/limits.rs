//! How large a request's head may be.

use hyper::server::conn::http1;

/// The limits of a request head, and of the trailers of a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a whole head, its last empty line included; 64 KiB unless told. The same
    /// again for trailers.
    pub head: usize,
    /// Bytes of the request line without its CRLF; 16 KiB unless told.
    pub request_line: usize,
    /// Header lines, and trailer lines; 100 unless told. hyper keeps up to 100 on the stack.
    pub lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 64 * 1024,
            request_line: 16 * 1024,
            lines: HYPER_LINES,
        }
    }
}

impl Limits {
    /// Sets the same limits in hyper, which then answers 431 where one is passed.
    pub(super) fn configure(self, builder: &mut http1::Builder) {
        builder.max_header_size(self.head);
        if self.lines != HYPER_LINES {
            // Only then: a value that is set moves hyper's header table to the heap.
            builder.max_headers(self.lines);
        }
    }
}

/// hyper's own limit of header lines.
const HYPER_LINES: usize = 100;
