//! Reading lines as their bytes come, some at a time.

use super::Line;

/// Cuts bytes into lines and reads them, with a bounded number of them in memory.
///
/// What it gives out is whole batches of good lines: when a line is bad, none of its batch is
/// given out, and nothing that follows.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line whose end is yet to come.
    rest: Vec<u8>,
    batch: Vec<Line>,
    bad: Vec<String>,
    /// Lines that have been read.
    seen: u64,
    /// Lines that have been given out.
    given: u64,
    begun: bool,
}

/// Why lines are not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinesError {
    /// The first line is not the one that a store's export begins with.
    #[error("line {0}: no store's export begins like this")]
    NoHead(u64),
    /// There is no line at all.
    #[error("there is nothing here: a store's export has a line at least")]
    Empty,
    /// A line does not end.
    #[error("line {0}: it is longer than {MAX_LINE} bytes")]
    TooLong(u64),
    /// These lines are bad.
    #[error("{}", .0.join("\n"))]
    Bad(Vec<String>),
}

/// Lines in a batch.
const BATCH: usize = 1024;

/// Bad lines that are told of.
const MAX_TOLD: usize = 20;

/// Bytes of a line: far more than any identity that a gateway accepts.
const MAX_LINE: usize = 1 << 20;

impl Lines {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads on: the whole batches that have come together.
    ///
    /// # Errors
    ///
    /// [`LinesError`], and then nothing more is to be read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<Line>>, LinesError> {
        let mut whole = Vec::new();
        let mut pieces = bytes.split_inclusive(|byte| *byte == b'\n');
        for piece in &mut pieces {
            if self.rest.len() + piece.len() > MAX_LINE {
                return Err(LinesError::TooLong(self.seen + 1));
            }
            match piece.strip_suffix(b"\n") {
                None => self.rest.extend_from_slice(piece),
                Some(end) if self.rest.is_empty() => self.read(end)?,
                Some(end) => {
                    let mut line = std::mem::take(&mut self.rest);
                    line.extend_from_slice(end);
                    self.read(&line)?;
                    line.clear();
                    self.rest = line;
                }
            }
            if self.batch.len() + self.bad.len() >= BATCH || self.bad.len() >= MAX_TOLD {
                whole.push(self.take()?);
            }
        }
        Ok(whole)
    }

    /// That there is no more: the last batch.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<Vec<Line>, LinesError> {
        let line = std::mem::take(&mut self.rest);
        if !line.is_empty() {
            self.read(&line)?;
        }
        if !self.begun {
            return Err(LinesError::Empty);
        }
        self.take()
    }

    /// How many lines have been given out: those of batches with a bad line are not.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.given
    }

    fn read(&mut self, line: &[u8]) -> Result<(), LinesError> {
        self.seen += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let number = self.seen;
        let read = match str::from_utf8(line) {
            Ok(text) => Line::from_json(text).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(line) if self.begun || line == Line::Head => {
                self.begun = true;
                self.batch.push(line);
            }
            Ok(_) => return Err(LinesError::NoHead(number)),
            Err(error) => {
                self.bad.push(format!("line {number}: {error}"));
                if !self.begun {
                    self.take()?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Vec<Line>, LinesError> {
        if !self.bad.is_empty() {
            return Err(LinesError::Bad(std::mem::take(&mut self.bad)));
        }
        self.given = self.seen;
        Ok(std::mem::take(&mut self.batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DayPeak, LicensePeak, SpaceId, Timestamp};

    fn peak(n: u64) -> Line {
        Line::Peak(LicensePeak {
            space: SpaceId::new("1001").unwrap(),
            license: None,
            day: DayPeak {
                day: Timestamp::from_unix_millis(0),
                peak: n,
            },
        })
    }

    fn text(lines: &[Line]) -> String {
        let texts = lines.iter().map(|line| format!("{}\n", line.to_json()));
        texts.collect()
    }

    #[test]
    fn lines_come_out_whole_however_their_bytes_came() {
        let all: Vec<_> = std::iter::once(Line::Head)
            .chain((0..3000).map(peak))
            .collect();
        let text = text(&all).replacen('\n', "\r\n\n", 1);
        for step in [1, 7, 100_000, text.len()] {
            let (mut lines, mut read) = (Lines::new(), Vec::new());
            for piece in text.as_bytes().chunks(step) {
                let batches = lines.push(piece).unwrap();
                assert!(batches.iter().all(|batch| batch.len() == BATCH));
                read.extend(batches.into_iter().flatten());
            }
            read.extend(lines.finish().unwrap());
            assert_eq!(read, all, "{step} bytes at a time");
            assert_eq!(lines.given(), 3002);
        }
        // The last line need not end.
        let mut lines = Lines::new();
        lines.push(text.trim_end().as_bytes()).unwrap();
        assert_eq!(lines.finish().unwrap().last(), all.last());
    }

    #[test]
    fn bad_lines_are_named_and_nothing_of_their_batch_comes_out() {
        let mut whole: Vec<_> = std::iter::once(Line::Head)
            .chain((0..1500).map(peak))
            .collect();
        let good = text(&whole);
        let mut bad: Vec<String> = good.lines().map(str::to_owned).collect();
        bad[1100] = "{}".to_owned();
        bad[1300] = "\u{1}".to_owned();
        let mut lines = Lines::new();
        let first = lines.push(bad.join("\n").as_bytes()).unwrap();
        whole.truncate(BATCH);
        assert_eq!(first, [whole]);
        let told = lines.finish().unwrap_err().to_string();
        let told: Vec<_> = told.lines().collect();
        assert!(told[0].starts_with("line 1101: "), "{told:?}");
        assert!(told[1].starts_with("line 1301: "), "{told:?}");
        assert_eq!((told.len(), lines.given()), (2, 1024));
        assert!(lines.push(b"x\n".repeat(50).as_slice()).is_err());
    }

    #[test]
    fn what_is_no_export_is_refused_at_once() {
        let refused = |bytes: &[u8]| {
            let mut lines = Lines::new();
            let pushed = lines.push(bytes).and_then(|_| lines.finish());
            pushed.unwrap_err().to_string()
        };
        assert!(refused(b"").contains("nothing here"));
        assert!(refused(text(&[peak(1)]).as_bytes()).contains("line 1: no store's export"));
        assert!(refused(b"{\"a\":1}\n").contains("line 1: unknown variant"));
        assert!(refused(&[b'x'; MAX_LINE + 1]).contains("line 1: it is longer"));
        assert!(refused(b"\xff\n").contains("utf-8"));
        let later = refused(b"{\"gatepass_store\":{\"version\":2}}\n");
        assert!(
            later.contains("version 2, and this program knows"),
            "{later}"
        );
    }
}
