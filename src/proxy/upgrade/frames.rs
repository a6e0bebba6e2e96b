//! Where WebSocket frames begin and end (RFC 6455, section 5.2): headers are followed, the
//! payload is skipped unseen. No I/O.

use crate::domain::random;

/// Follows the frames of one direction, in whatever pieces the bytes come.
#[derive(Debug, Default)]
pub(super) struct FrameTracker {
    opcode: u8,
    /// Whether the last data frame was not its message's last.
    in_message: bool,
    step: Step,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// The first of a frame.
    #[default]
    Opcode,
    /// The second, with the mask bit and the short length.
    Length,
    /// One of the bytes of a long length.
    Extended { left: u8, length: u64, mask: bool },
    /// One of the masking key and the payload, taken together.
    Rest { left: u64 },
}

/// What was among some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Part of a frame that is not a control frame.
    pub(super) data: bool,
    /// The end of a close frame.
    pub(super) close: bool,
}

impl FrameTracker {
    /// Whether the next byte begins a frame.
    pub(super) fn at_boundary(&self) -> bool {
        self.step == Step::Opcode
    }

    /// Whether the next byte begins a message or a control frame: only the latter may come
    /// between the frames of a message (RFC 6455, section 5.4).
    pub(super) fn between_messages(&self) -> bool {
        self.at_boundary() && !self.in_message
    }

    /// Whether `next`, at a boundary, begins a close frame.
    pub(super) fn is_close(&self, next: u8) -> bool {
        self.at_boundary() && next & OPCODE == CLOSE
    }

    /// Follows all of `bytes`.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        while !bytes.is_empty() {
            let (used, frame) = self.follow_frame(bytes);
            seen.data |= frame.data;
            seen.close |= frame.close;
            bytes = &bytes[used..];
        }
        seen
    }

    /// Follows `bytes` up to the end of the present frame; says how many those were.
    pub(super) fn follow_frame(&mut self, bytes: &[u8]) -> (usize, Seen) {
        let mut used = 0;
        while let Some(byte) = bytes.get(used) {
            self.step = match self.step {
                Step::Opcode => {
                    self.opcode = byte & OPCODE;
                    if is_data(self.opcode) {
                        self.in_message = byte & FIN == 0;
                    }
                    Step::Length
                }
                Step::Length => {
                    let mask = byte & 0x80 != 0;
                    match byte & 0x7f {
                        126 => extended(2, mask),
                        127 => extended(8, mask),
                        length => rest(u64::from(length), mask),
                    }
                }
                Step::Extended { left, length, mask } => {
                    let length = length << 8 | u64::from(*byte);
                    match left {
                        1 => rest(length, mask),
                        _ => Step::Extended {
                            left: left - 1,
                            length,
                            mask,
                        },
                    }
                }
                Step::Rest { left } => {
                    let here = (bytes.len() - used) as u64;
                    let skipped = here.min(left);
                    used += usize::try_from(skipped).expect("no more than a slice's length");
                    match left - skipped {
                        0 => return (used, self.ended()),
                        left => {
                            self.step = Step::Rest { left };
                            return (used, self.seen(false));
                        }
                    }
                }
            };
            used += 1;
            if self.step == (Step::Rest { left: 0 }) {
                return (used, self.ended());
            }
        }
        (used, self.seen(false))
    }

    fn ended(&mut self) -> Seen {
        self.step = Step::Opcode;
        self.seen(true)
    }

    const fn seen(&self, ended: bool) -> Seen {
        Seen {
            data: is_data(self.opcode),
            close: ended && self.opcode == CLOSE,
        }
    }
}

const fn is_data(opcode: u8) -> bool {
    opcode < CLOSE
}

const fn extended(left: u8, mask: bool) -> Step {
    Step::Extended {
        left,
        length: 0,
        mask,
    }
}

const fn rest(length: u64, mask: bool) -> Step {
    Step::Rest {
        left: length.saturating_add(if mask { 4 } else { 0 }),
    }
}

/// A message of text in one frame, as a server sends it: also right where the two sides agreed
/// on compression, as each message says for itself whether it is compressed (RFC 7692, section
/// 6). `text` has at most 65,535 bytes.
pub(super) fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![FIN | TEXT];
    match u8::try_from(text.len()) {
        Ok(length @ ..=125) => frame.push(length),
        _ => {
            let length = u16::try_from(text.len()).expect("a short message");
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

/// A close frame as a server sends it. `reason` has at most 123 bytes.
pub(super) fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let payload = close_payload(code, reason);
    let mut frame = vec![FIN | CLOSE, short_length(&payload)];
    frame.extend(payload);
    frame
}

/// A close frame as a client sends it: masked.
pub(super) fn masked_close_frame(code: u16, reason: &str) -> Vec<u8> {
    let (payload, key) = (close_payload(code, reason), random::bytes::<4>());
    let mut frame = vec![FIN | CLOSE, 0x80 | short_length(&payload)];
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    frame
}

fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend(reason.as_bytes());
    payload
}

fn short_length(payload: &[u8]) -> u8 {
    u8::try_from(payload.len())
        .ok()
        .filter(|length| *length <= 125)
        .expect("a control frame has at most 125 bytes of payload")
}

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const TEXT: u8 = 0x1;
/// The first of the control frames.
const CLOSE: u8 = 0x8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame's bytes; payload bytes look like headers.
    fn frame(opcode: u8, masked: bool, length: usize) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut bytes = vec![FIN | opcode];
        match length {
            0..126 => bytes.push(mask | length as u8),
            126..65_536 => {
                bytes.push(mask | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(std::iter::repeat_n(
            0x88,
            length + if masked { 4 } else { 0 },
        ));
        bytes
    }

    fn any_frame() -> impl Strategy<Value = (u8, bool, usize)> {
        let opcode = prop::sample::select(vec![0u8, 1, 2, 8, 9, 10]);
        let length = prop_oneof![0..4usize, 120..132usize, 65_530..65_540usize];
        (opcode, any::<bool>(), length)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_split_gives_the_same_boundaries(
            frames in prop::collection::vec(any_frame(), 1..6),
            pieces in prop::collection::vec(1..70_000usize, 1..6),
            small in any::<bool>(),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(o, m, l)| frame(*o, *m, *l)).collect();
            let ends: Vec<usize> = frames
                .iter()
                .scan(0, |end, (o, m, l)| { *end += frame(*o, *m, *l).len(); Some(*end) })
                .collect();
            let (mut tracker, mut found, mut at, mut closes) = (FrameTracker::default(), vec![], 0, 0);
            let mut sizes = pieces.iter().map(|p| if small { p % 3 + 1 } else { *p }).cycle();
            while at < bytes.len() {
                let piece = &bytes[at..bytes.len().min(at + sizes.next().unwrap())];
                let (used, seen) = tracker.follow_frame(piece);
                prop_assert!(used > 0);
                at += used;
                closes += usize::from(seen.close);
                if tracker.at_boundary() { found.push(at); }
            }
            prop_assert_eq!(found, ends);
            prop_assert_eq!(closes, frames.iter().filter(|(o, ..)| *o == CLOSE).count());
        }

        #[test]
        fn nothing_a_peer_sends_makes_it_panic(bytes: Vec<u8>) {
            let mut whole = FrameTracker::default();
            whole.follow(&bytes);
            let mut bytewise = FrameTracker::default();
            for byte in &bytes {
                bytewise.follow(std::slice::from_ref(byte));
            }
            prop_assert_eq!(whole.step, bytewise.step);
        }
    }

    #[test]
    fn data_and_close_are_told_apart() {
        let mut tracker = FrameTracker::default();
        assert_eq!(tracker.follow(&frame(9, true, 3)), Seen::default());
        assert!(tracker.follow(&frame(1, true, 3)).data);
        let close = masked_close_frame(1001, "going away");
        let (head, tail) = close.split_at(3);
        assert_eq!(tracker.follow(head), Seen::default());
        assert!(tracker.follow(tail).close && tracker.at_boundary());
    }

    #[test]
    fn a_message_goes_on_until_its_last_frame() {
        let mut tracker = FrameTracker::default();
        assert!(tracker.between_messages());
        // Text, ping, continuation, close in between, last continuation; then one of one frame.
        for (first, between) in [
            (0x01, false),
            (0x89, false),
            (0x00, false),
            (0x88, false),
            (0x80, true),
            (0x81, true),
        ] {
            assert_eq!(tracker.is_close(first), first == 0x88);
            tracker.follow(&[first, 2, b'x']);
            assert!(!tracker.between_messages() && !tracker.is_close(0x88));
            tracker.follow(b"x");
            assert_eq!(tracker.between_messages(), between, "{first:x}");
        }
    }

    #[test]
    fn a_text_frame_has_the_shortest_length() {
        for (length, head) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (300, &[0x81, 126, 1, 44]),
        ] {
            let text = "x".repeat(length);
            assert_eq!(text_frame(&text), [head, text.as_bytes()].concat());
        }
    }

    #[test]
    fn a_masked_close_unmasks_to_its_code_and_reason() {
        let frame = masked_close_frame(1008, "session ended");
        let (key, payload) = frame[2..].split_at(4);
        let plain: Vec<u8> = payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(b, k)| b ^ k)
            .collect();
        assert_eq!(plain, close_frame(1008, "session ended")[2..]);
        assert_eq!(plain[..2], 1008u16.to_be_bytes());
    }
}
