//! What is refused.

/// A rule of HTTP/1 framing that a client broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// LF without CR before it (RFC 9112, section 2.2).
    #[error("a line ends with LF alone")]
    BareLf,
    /// CR without LF behind it (RFC 9112, section 2.2).
    #[error("a CR stands without LF")]
    BareCr,
    /// NUL or another control byte than HTAB (RFC 9110, section 5.5).
    #[error("a control byte stands in a line")]
    ControlByte,
    /// More than one empty line before the request line.
    #[error("empty lines stand before the request line")]
    EmptyLines,
    /// Not `method SP target SP version` (RFC 9112, section 3).
    #[error("the request line is malformed")]
    RequestLine,
    /// Another version than `HTTP/1.0` and `HTTP/1.1`.
    #[error("the version is neither HTTP/1.0 nor HTTP/1.1")]
    Version,
    /// The method CONNECT: the gateway is no forward proxy.
    #[error("CONNECT is not served")]
    Connect,
    /// The request line is longer than [`Limits::request_line`](super::Limits).
    #[error("the request line is too long")]
    RequestLineTooLong,
    /// The head, or the trailers, are longer than [`Limits::head`](super::Limits).
    #[error("the head or the trailers are too large")]
    TooLarge,
    /// More lines than [`Limits::lines`](super::Limits).
    #[error("the head or the trailers have too many lines")]
    TooManyLines,
    /// A line that begins with white space (obs-fold; RFC 9112, section 5.2).
    #[error("a header line is folded")]
    FoldedLine,
    /// An empty name, no token, or white space before the colon (RFC 9112, section 5.1).
    #[error("a header name is malformed")]
    HeaderName,
    /// A Content-Length that is no decimal number of 63 bits.
    #[error("the Content-Length is no number")]
    ContentLength,
    /// A second Content-Length, be it equal (RFC 9112, section 6.3).
    #[error("the Content-Length is repeated")]
    ContentLengthRepeated,
    /// A Transfer-Encoding other than one `chunked` (RFC 9112, section 6.1).
    #[error("the Transfer-Encoding is not a single `chunked`")]
    TransferEncoding,
    /// Transfer-Encoding in HTTP/1.0 (RFC 9112, section 6.1).
    #[error("HTTP/1.0 has no Transfer-Encoding")]
    TransferEncodingInHttp10,
    /// Content-Length beside Transfer-Encoding (RFC 9112, section 6.1).
    #[error("Content-Length and Transfer-Encoding stand together")]
    TwoFramings,
    /// HTTP/1.1 without Host (RFC 9112, section 3.2).
    #[error("the Host is missing")]
    HostMissing,
    /// More than one Host (RFC 9112, section 3.2).
    #[error("the Host is repeated")]
    HostRepeated,
    /// A chunk size that is not 1 to 16 hexadecimal digits and CRLF.
    #[error("a chunk size is malformed")]
    ChunkSize,
    /// Anything between a chunk size and its CRLF. No extension is known, so none is read.
    #[error("a chunk has an extension")]
    ChunkExtension,
    /// No CRLF behind the data of a chunk.
    #[error("a chunk does not end with CRLF")]
    ChunkEnd,
    /// A trailer that may not be one (RFC 9110, section 6.5.1).
    #[error("a trailer is forbidden")]
    Trailer,
}

impl Violation {
    /// A short name for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BareLf => "bare-lf",
            Self::BareCr => "bare-cr",
            Self::ControlByte => "control-byte",
            Self::EmptyLines => "empty-lines",
            Self::RequestLine => "request-line",
            Self::Version => "version",
            Self::Connect => "connect",
            Self::RequestLineTooLong => "request-line-too-long",
            Self::TooLarge => "too-large",
            Self::TooManyLines => "too-many-lines",
            Self::FoldedLine => "folded-line",
            Self::HeaderName => "header-name",
            Self::ContentLength => "content-length",
            Self::ContentLengthRepeated => "content-length-repeated",
            Self::TransferEncoding => "transfer-encoding",
            Self::TransferEncodingInHttp10 => "transfer-encoding-in-http-1.0",
            Self::TwoFramings => "two-framings",
            Self::HostMissing => "host-missing",
            Self::HostRepeated => "host-repeated",
            Self::ChunkSize => "chunk-size",
            Self::ChunkExtension => "chunk-extension",
            Self::ChunkEnd => "chunk-end",
            Self::Trailer => "trailer",
        }
    }

    /// Whether hyper counts the same thing and has a status of its own for it.
    pub(super) const fn is_hypers_limit(self) -> bool {
        matches!(self, Self::TooLarge | Self::TooManyLines)
    }
}
