//! The grammar alone, and what hyper makes of what it accepts.

use proptest::prelude::*;

use super::harness::{Seen, serve_bare};
use crate::net::strict_h1::corpus::{attacks, good};
use crate::net::strict_h1::{Limits, RequestFraming, Verdict, Violation};

/// What became of a whole stream: the same for every cut, or the guard is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    refused: Option<(usize, Violation, bool)>,
    held: Option<usize>,
    heads: u64,
    at_boundary: bool,
}

fn run<'a>(limits: Limits, reads: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut framing = RequestFraming::new(limits);
    let mut passed = 0;
    let mut refused = None;
    let mut held = None;
    for read in reads {
        match framing.advance(read) {
            Verdict::Accept => passed += read.len(),
            Verdict::Hold { at } => {
                held = Some(passed + at);
                break;
            }
            Verdict::Refuse {
                at,
                violation,
                in_head,
            } => {
                refused = Some((passed + at, violation, in_head));
                // It stays refused, at once.
                assert_eq!(
                    framing.advance(b"x"),
                    Verdict::Refuse {
                        at: 0,
                        violation,
                        in_head
                    }
                );
                break;
            }
        }
    }
    Outcome {
        refused,
        held,
        heads: framing.heads(),
        at_boundary: refused.is_none() && !framing.in_head() && !framing.in_body(),
    }
}

fn whole(bytes: &[u8]) -> Outcome {
    run(Limits::default(), [bytes])
}

/// Asserts that cutting `bytes` anywhere once, and everywhere, changes nothing.
fn assert_cuts_agree(limits: Limits, bytes: &[u8]) {
    let expected = run(limits, [bytes]);
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(run(limits, [left, right]), expected, "cut at {cut}");
    }
    assert_eq!(run(limits, bytes.chunks(1)), expected);
}

#[test]
fn s34_every_attack_is_refused_for_its_reason() {
    for attack in attacks() {
        let text = String::from_utf8_lossy(&attack.bytes).into_owned();
        let outcome = whole(&attack.bytes);
        let (at, violation, in_head) = outcome.refused.unwrap_or_else(|| panic!("{text:?}"));
        assert_eq!(
            (violation, in_head),
            (attack.violation, attack.in_head),
            "{text:?}"
        );
        let heads = attack.good + usize::from(!in_head);
        assert_eq!(outcome.heads, heads as u64, "{text:?}");
        assert!(!text[..at].contains("smuggled"), "{text:?} passed to {at}");
        assert_cuts_agree(Limits::default(), &attack.bytes);
    }
}

#[test]
fn s34_good_requests_pass() {
    for (count, bytes) in good() {
        let outcome = whole(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(outcome.refused, None, "{text:?}");
        assert_eq!(outcome.heads, count as u64, "{text:?}");
        assert!(outcome.at_boundary, "{text:?}");
        assert_cuts_agree(Limits::default(), &bytes);
    }
}

#[test]
fn s35_bytes_behind_an_upgrade_request_are_held() {
    for (head, body) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
            "",
        ),
        (
            "GET / HTTP/1.1\r\nUpgrade: x\r\nHost: a\r\nConnection: a\r\nConnection: b, UPGRADE\r\n\r\n",
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\n",
            "hello",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\na\r\n0\r\n\r\n",
        ),
    ] {
        let request = format!("{head}{body}");
        for behind in ["", "\0\x01 no HTTP at all \r\n\r\n"] {
            let bytes = format!("{request}{behind}");
            let outcome = whole(bytes.as_bytes());
            assert_eq!(outcome.held, Some(request.len()), "{bytes:?}");
            assert_cuts_agree(Limits::default(), bytes.as_bytes());
        }
        let mut framing = RequestFraming::new(Limits::default());
        assert_eq!(
            framing.advance(request.as_bytes()),
            Verdict::Hold { at: request.len() }
        );
        framing.resume();
        assert_eq!(
            framing.advance(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            Verdict::Accept
        );
        assert_eq!(framing.heads(), 2);
    }
    // HTTP/1.0 has no upgrades.
    let old = b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    assert_eq!(whole(old).held, None);
}

#[test]
fn s37_heads_have_limits() {
    let limits = Limits {
        head: 100,
        request_line: 40,
        lines: 3,
    };
    let line = |n: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(n));
    let lines = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(n));
    let size = |n: usize| {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(n));
        let excess = head.len().saturating_sub(100);
        (head, excess)
    };
    let fitting = 40 - "GET / HTTP/1.1".len();
    for (bytes, violation) in [
        (line(fitting), None),
        (line(fitting + 1), Some(Violation::RequestLineTooLong)),
        (line(fitting + 90), Some(Violation::RequestLineTooLong)),
        ("x".repeat(300), Some(Violation::RequestLineTooLong)),
        (lines(2), None),
        (lines(3), Some(Violation::TooManyLines)),
        (lines(9), Some(Violation::TooManyLines)),
    ] {
        let outcome = run(limits, [bytes.as_bytes()]);
        assert_eq!(outcome.refused.map(|r| r.1), violation, "{bytes:?}");
        assert_cuts_agree(limits, bytes.as_bytes());
    }
    for n in 50..90 {
        let (bytes, excess) = size(n);
        let refused = run(limits, [bytes.as_bytes()]).refused;
        let expected = (excess > 0).then_some((100, Violation::TooLarge, true));
        assert_eq!(refused, expected, "{bytes:?}");
        assert_cuts_agree(limits, bytes.as_bytes());
    }
    // Trailers have the same limits.
    for (trailers, violation) in [
        ("A: b\r\n".repeat(3), None),
        ("A: b\r\n".repeat(4), Some(Violation::TooManyLines)),
        (format!("A: {}\r\n", "x".repeat(93)), None),
        (
            format!("A: {}\r\n", "x".repeat(94)),
            Some(Violation::TooLarge),
        ),
    ] {
        let bytes = format!(
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{trailers}\r\n"
        );
        let outcome = run(limits, [bytes.as_bytes()]);
        assert_eq!(outcome.refused.map(|r| r.1), violation, "{bytes:?}");
        assert_cuts_agree(limits, bytes.as_bytes());
    }
}

/// Pieces that are near what the rules are about, put together at random.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "A: b\r\n",
        "A: b\r\n",
        "Accept: */*\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 5\r\n",
        "content-length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Host: b\r\n",
        "Expect: 100-continue\r\n",
        "Connection: keep-alive\r\n",
        "A: b\n",
        " c\r\n",
    ]);
    let body = prop::sample::select(vec![
        "",
        "",
        "hello",
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n5\r\nworld\r\n0\r\nDigest: x\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "5;x\r\nhello\r\n0\r\n\r\n",
        "\r\n",
    ]);
    let start = prop::sample::select(vec![
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\n",
        "POST /x HTTP/1.0\r\nConnection: keep-alive\r\n",
        "\r\nGET /y HTTP/1.1\r\nHost: a\r\n",
        "GET /z HTTP/1.1\r\n",
    ]);
    // Without HTTP/1.0, after which hyper closes.
    let mut whole: Vec<_> = good().into_iter().map(|(_, bytes)| bytes).collect();
    whole.retain(|bytes| !bytes.windows(8).any(|w| w == b"HTTP/1.0"));
    let pieces = (start, prop::collection::vec(line, 0..3), body)
        .prop_map(|(start, lines, body)| format!("{start}{}\r\n{body}", lines.concat()));
    let request = prop_oneof![
        2 => prop::sample::select(whole),
        1 => pieces.prop_map(String::into_bytes),
    ];
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(b"\r\n\0 :;,0aA\t".to_vec()),
    );
    (
        prop::collection::vec(request, 1..4),
        prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(change, 1..3)],
    )
        .prop_map(|(requests, changes)| {
            let mut bytes = requests.concat();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        })
}

/// What the grammar thinks the requests are: the content length of each.
fn contents(bytes: &[u8]) -> Vec<usize> {
    let mut framing = RequestFraming::new(Limits::default());
    let mut contents = Vec::new();
    for byte in bytes.chunks(1) {
        if framing.at_content() {
            *contents.last_mut().unwrap() += 1;
        }
        assert_eq!(framing.advance(byte), Verdict::Accept);
        if framing.heads() as usize > contents.len() {
            contents.push(0);
        }
    }
    contents
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn s34_the_verdict_does_not_depend_on_the_reads(
        bytes in streams(), sizes in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let mut rest = &bytes[..];
        let mut reads = Vec::new();
        for size in sizes.iter().cycle() {
            let (read, behind) = rest.split_at((*size).min(rest.len()));
            reads.push(read);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(run(Limits::default(), reads), whole(&bytes));
        prop_assert_eq!(run(Limits::default(), bytes.chunks(1)), whole(&bytes));
    }

    #[test]
    fn s34_hyper_frames_what_is_accepted_alike(bytes in streams()) {
        let outcome = whole(&bytes);
        // Without the guard, so that this is what hyper thinks.
        let (seen, written) = serve_bare(&bytes);
        if outcome.refused.is_none() && outcome.at_boundary && outcome.held.is_none() {
            let lengths: Vec<_> = seen
                .iter()
                .map(|request| match request {
                    Seen::Whole(_, length) => *length,
                    other => panic!("{other:?} of {:?}", String::from_utf8_lossy(&bytes)),
                })
                .collect();
            let contents = contents(&bytes);
            prop_assert!(contents.starts_with(&lengths), "{lengths:?} {contents:?}");
            // Fewer only where hyper closed: a target that it refuses, or HTTP/1.0.
            if lengths.len() < contents.len() {
                let old = bytes.windows(8).any(|w| w == b"HTTP/1.0");
                prop_assert!(old || written.contains("400 Bad Request"), "{written}");
            }
        }
    }
}
