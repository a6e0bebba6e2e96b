//! Requests that are refused, and requests that are not, for the tests.

use super::violation::Violation::{self, *};

/// A stream of bytes whose last request breaks one rule.
pub(super) struct Attack {
    pub(super) bytes: Vec<u8>,
    pub(super) violation: Violation,
    pub(super) in_head: bool,
    /// Requests before it that are whole.
    pub(super) good: usize,
}

const HOST: &str = "Host: a\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Every way in, alone and behind a good request; each followed by a request to smuggle.
pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for (head, violation) in bad_heads() {
        for good in [0, 1] {
            let mut bytes = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n".repeat(good);
            bytes.extend_from_slice(&head);
            bytes.extend_from_slice(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
            attacks.push(Attack {
                bytes,
                violation,
                in_head: true,
                good,
            });
        }
    }
    for (body, violation) in bad_bodies() {
        let mut bytes = CHUNKED.as_bytes().to_vec();
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        attacks.push(Attack {
            bytes,
            violation,
            in_head: false,
            good: 0,
        });
    }
    attacks
}

fn bad_heads() -> Vec<(Vec<u8>, Violation)> {
    let mut heads = Vec::new();
    let mut raw = |head: &str, violation| heads.push((head.as_bytes().to_vec(), violation));
    for (line, violation) in [
        ("GET / HTTP/1.1\n", BareLf),
        ("GET /\r HTTP/1.1\r\n", BareCr),
        ("GET / HTTP/1.1\r\r\n", BareCr),
        ("GET /\0 HTTP/1.1\r\n", ControlByte),
        ("GET /\x7f HTTP/1.1\r\n", ControlByte),
        ("G\x01T / HTTP/1.1\r\n", ControlByte),
        ("GET / HTTP/1.1\0\r\n", ControlByte),
        ("\r\n\r\nGET / HTTP/1.1\r\n", EmptyLines),
        ("\nGET / HTTP/1.1\r\n", BareLf),
        ("\rGET / HTTP/1.1\r\n", BareCr),
        (" GET / HTTP/1.1\r\n", RequestLine),
        ("GET\r\n", RequestLine),
        ("GET /\r\n", RequestLine),
        ("GET / \r\n", Version),
        ("GET  / HTTP/1.1\r\n", RequestLine),
        ("GET /  HTTP/1.1\r\n", Version),
        ("GET / HTTP/1.1 \r\n", Version),
        ("GET\t/ HTTP/1.1\r\n", RequestLine),
        ("GET /\tHTTP/1.1\r\n", RequestLine),
        ("GET / a HTTP/1.1\r\n", Version),
        ("G(T / HTTP/1.1\r\n", RequestLine),
        ("GET / HTTP/1.2\r\n", Version),
        ("GET / HTTP/0.9\r\n", Version),
        ("GET / HTTP/2.0\r\n", Version),
        ("PRI * HTTP/2.0\r\n", Version),
        ("GET / http/1.1\r\n", Version),
        ("GET / HTTP/1.1x\r\n", Version),
        ("GET / HTTP/01.1\r\n", Version),
        ("CONNECT a:80 HTTP/1.1\r\n", Connect),
    ] {
        raw(&format!("{line}{HOST}\r\n"), violation);
    }
    for (lines, violation) in [
        ("A: b\n", BareLf),
        ("A: b\rC: d\r\n", BareCr),
        ("A: b\r\r\n", BareCr),
        ("\rA: b\r\n", BareCr),
        ("A: \0\r\n", ControlByte),
        ("A\0: b\r\n", ControlByte),
        ("A: \x0b\r\n", ControlByte),
        ("A: b\r\n c\r\n", FoldedLine),
        ("A: b\r\n\tc\r\n", FoldedLine),
        (" A: b\r\n", FoldedLine),
        ("A : b\r\n", HeaderName),
        ("Content-Length : 5\r\n", HeaderName),
        ("Transfer-Encoding\t: chunked\r\n", HeaderName),
        (": b\r\n", HeaderName),
        ("A\r\n", HeaderName),
        ("A b: c\r\n", HeaderName),
        ("A(: b\r\n", HeaderName),
        ("\u{e4}: b\r\n", HeaderName),
        ("Content-Length: +5\r\n", ContentLength),
        ("Content-Length: -5\r\n", ContentLength),
        ("Content-Length:\r\n", ContentLength),
        ("Content-Length: \t \r\n", ContentLength),
        ("Content-Length: 0x5\r\n", ContentLength),
        ("Content-Length: 5 5\r\n", ContentLength),
        ("Content-Length: 5, 5\r\n", ContentLength),
        ("Content-Length: 5,\r\n", ContentLength),
        ("Content-Length: \"5\"\r\n", ContentLength),
        ("Content-Length: 5.0\r\n", ContentLength),
        ("Content-Length: \u{665}\r\n", ContentLength),
        ("Content-Length: 9223372036854775808\r\n", ContentLength),
        ("Content-Length: 18446744073709551621\r\n", ContentLength),
        (
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            ContentLengthRepeated,
        ),
        (
            "Content-Length: 5\r\ncontent-length: 6\r\n",
            ContentLengthRepeated,
        ),
        (
            "Content-Length: 0\r\nCONTENT-LENGTH: 0\r\n",
            ContentLengthRepeated,
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            TwoFramings,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            TwoFramings,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
            TwoFramings,
        ),
        ("Transfer-Encoding: identity\r\n", TransferEncoding),
        ("Transfer-Encoding:\r\n", TransferEncoding),
        ("Transfer-Encoding: gzip, chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked, gzip\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked, chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked,\r\n", TransferEncoding),
        ("Transfer-Encoding: ,chunked\r\n", TransferEncoding),
        ("Transfer-Encoding: xchunked\r\n", TransferEncoding),
        ("Transfer-Encoding: chunked;a\r\n", TransferEncoding),
        ("Transfer-Encoding: \"chunked\"\r\n", TransferEncoding),
        ("Transfer-Encoding: \x0bchunked\r\n", ControlByte),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            TransferEncoding,
        ),
        ("Host: b\r\n", HostRepeated),
        ("host: a\r\n", HostRepeated),
    ] {
        raw(&format!("POST / HTTP/1.1\r\n{HOST}{lines}\r\n"), violation);
    }
    raw("GET / HTTP/1.1\r\n\r\n", HostMissing);
    raw("GET / HTTP/1.1\r\nA: b\r\n\r\n", HostMissing);
    raw("GET / HTTP/1.1\r\nHosts: b\r\n\r\n", HostMissing);
    raw("GET / HTTP/1.1\r\nHost: a\r\n\n", BareLf);
    raw("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", BareCr);
    raw("GET / HTTP/1.1\r\nHost: a\n\n", BareLf);
    raw("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HostRepeated);
    raw(
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        TransferEncodingInHttp10,
    );
    raw(
        "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        TransferEncodingInHttp10,
    );
    heads
}

fn bad_bodies() -> Vec<(Vec<u8>, Violation)> {
    [
        ("\r\n", ChunkSize),
        (" 5\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("+5\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("-5\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("0x5\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("5_0\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("g\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("00000000000000005\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", ChunkSize),
        ("5;a\r\nhello\r\n0\r\n\r\n", ChunkExtension),
        ("5;a=b\r\nhello\r\n0\r\n\r\n", ChunkExtension),
        ("5 ;a\r\nhello\r\n0\r\n\r\n", ChunkExtension),
        ("5 \r\nhello\r\n0\r\n\r\n", ChunkExtension),
        ("5\t\r\nhello\r\n0\r\n\r\n", ChunkExtension),
        ("5;\nx\r\nhello\r\n0\r\n\r\n", ChunkExtension),
        ("5\r\nhello\r\n0;a\r\n\r\n", ChunkExtension),
        ("5\nhello\r\n0\r\n\r\n", BareLf),
        ("5\rhello\r\n0\r\n\r\n", BareCr),
        ("5\r\rhello\r\n0\r\n\r\n", BareCr),
        ("5\r\nhello0\r\n\r\n", ChunkEnd),
        ("5\r\nhello\n0\r\n\r\n", ChunkEnd),
        ("5\r\nhello\r0\r\n\r\n", ChunkEnd),
        ("5\r\nhello!\r\n0\r\n\r\n", ChunkEnd),
        ("4\r\nhello\r\n0\r\n\r\n", ChunkEnd),
        ("6\r\nhello\r\n0\r\n\r\n", ChunkEnd),
        ("5\r\nhello\r\n\r\n0\r\n\r\n", ChunkSize),
        ("0\r\n\n", BareLf),
        ("0\r\n\rx", BareCr),
        ("0\r\nA: b\n\r\n", BareLf),
        ("0\r\nA: b\rc\r\n\r\n", BareCr),
        ("0\r\nA: \0\r\n\r\n", ControlByte),
        ("0\r\nA : b\r\n\r\n", HeaderName),
        ("0\r\n: b\r\n\r\n", HeaderName),
        ("0\r\nA: b\r\n c\r\n\r\n", FoldedLine),
        ("0\r\nContent-Length: 5\r\n\r\n", Trailer),
        ("0\r\ncontent-LENGTH: 5\r\n\r\n", Trailer),
        ("0\r\nTransfer-Encoding: chunked\r\n\r\n", Trailer),
        ("0\r\nHost: b\r\n\r\n", Trailer),
        ("0\r\nAuthorization: x\r\n\r\n", Trailer),
        ("0\r\nCookie: x\r\n\r\n", Trailer),
        ("0\r\nContent-Type: x\r\n\r\n", Trailer),
        ("0\r\nConnection: close\r\n\r\n", Trailer),
        ("0\r\nUpgrade: x\r\n\r\n", Trailer),
        ("0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n", Trailer),
        ("0\r\nA: b\r\nTrailer: x\r\n\r\n", Trailer),
    ]
    .into_iter()
    .map(|(body, violation)| (body.as_bytes().to_vec(), violation))
    .collect()
}

/// Streams of whole requests, with their number.
pub(super) fn good() -> Vec<(usize, Vec<u8>)> {
    let mut all = Vec::new();
    let streams: Vec<(usize, String)> = vec![
        (1, BROWSER.to_owned()),
        (1, format!("GET / HTTP/1.1\r\n{HOST}\r\n")),
        (1, format!("\r\nGET / HTTP/1.1\r\n{HOST}\r\n")),
        (1, "GET / HTTP/1.0\r\n\r\n".to_owned()),
        (1, "GET / HTTP/1.1\r\nHost:\r\n\r\n".to_owned()),
        (1, format!("OPTIONS * HTTP/1.1\r\n{HOST}\r\n")),
        (1, format!("M-SEARCH /a?b HTTP/1.1\r\n{HOST}\r\n")),
        (1, format!("GET http://a/b HTTP/1.1\r\n{HOST}\r\n")),
        (
            1,
            format!("GET / HTTP/1.1\r\n{HOST}A:\r\nB:\t \r\nC:d \t\r\n\r\n"),
        ),
        (
            1,
            format!("GET / HTTP/1.1\r\n{HOST}A: \u{e4}\u{20ac} \t b\r\n\r\n"),
        ),
        (
            1,
            format!("GET / HTTP/1.1\r\n{HOST}!#$%&'*+-.^_`|~09: x\r\n\r\n"),
        ),
        (
            1,
            format!("GET / HTTP/1.1\r\n{HOST}Upgrade: websocket\r\n\r\n"),
        ),
        (
            1,
            format!("GET / HTTP/1.1\r\n{HOST}Connection: upgrade\r\n\r\n"),
        ),
        (
            1,
            format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\n\n\0\r\nx"),
        ),
        (
            1,
            format!("POST / HTTP/1.1\r\n{HOST}content-LENGTH:\t0005 \r\n\r\nhello"),
        ),
        (
            1,
            "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        ),
        (
            2,
            format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n{BROWSER}"),
        ),
        (1, format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n")),
        (1, format!("{CHUNKED}0005\r\n\r\n\0\n\r\r\n0000\r\n\r\n")),
        (
            1,
            format!("{CHUNKED}A\r\n0123456789\r\nb\r\n0123456789A\r\n0\r\n\r\n"),
        ),
        (
            1,
            format!("{CHUNKED}0000000000000001\r\nx\r\n0000000000000000\r\n\r\n"),
        ),
        (
            1,
            format!("{CHUNKED}5\r\nhello\r\n0\r\nDigest: x\r\nA:\r\n\r\n"),
        ),
        (3, format!("{CHUNKED}0\r\n\r\n{BROWSER}\r\n{BROWSER}")),
        (
            1,
            format!("POST / HTTP/1.1\r\n{HOST}transfer-ENCODING:\t CHUNKED \r\n\r\n0\r\n\r\n"),
        ),
    ];
    for (count, text) in streams {
        let mut behind = text.clone().into_bytes();
        behind.extend_from_slice(BROWSER.as_bytes());
        all.push((count, text.into_bytes()));
        all.push((count + 1, behind));
    }
    all
}

/// What a browser sends for a page.
pub(super) const BROWSER: &str = "GET /sales/reports/quarter?region=emea&page=2 HTTP/1.1\r\n\
    Host: portal.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://portal.example.com/sales/\r\n\
    Connection: keep-alive\r\n\
    Cookie: theme=dark; __Host-gatepass=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Priority: u=0, i\r\n\
    \r\n";
