//! One line of progress on a terminal's standard error, for work that takes longer than a person likes to wait unsure.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::Streams;
use crate::world::clock::Stopwatch;

/// Work that takes less says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is written again at most.
const PACE: Duration = Duration::from_millis(100);

/// A line that comes after a second and goes at the end.
#[derive(Debug)]
pub struct Progress {
    /// Whether there is anybody to see it.
    seen: bool,
    watch: Stopwatch,
    line: Line,
}

impl Streams {
    /// Begins some work. Nothing is shown with `--quiet`, or where standard error is no terminal.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let seen = !self.quiet && io::stderr().is_terminal();
        Progress { seen, watch: Stopwatch::start(), line: Line::default() }
    }
}

impl Progress {
    /// Says how far it is: a short line of printable ASCII.
    pub fn reached(&mut self, words: &dyn Fn() -> String) {
        if self.seen
            && let Some(text) = self.line.after(self.watch.elapsed(), words)
        {
            write(&text);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(text) = self.line.cleared() {
            write(&text);
        }
    }
}

fn write(text: &str) {
    let mut stream = io::stderr().lock();
    // There is no further place to report to.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// What stands there.
#[derive(Debug, Default)]
struct Line {
    width: usize,
    at: Option<Duration>,
}

impl Line {
    /// What to write at this moment, if anything: plain characters, the old ones painted over.
    fn after(&mut self, elapsed: Duration, words: &dyn Fn() -> String) -> Option<String> {
        let due = self.at.map_or(PATIENCE, |at| at + PACE);
        if elapsed < due {
            return None;
        }
        let words = words();
        let text = format!("\r{words:width$}", width = self.width);
        self.width = words.len();
        self.at = Some(elapsed);
        Some(text)
    }

    fn cleared(&mut self) -> Option<String> {
        let width = std::mem::take(&mut self.width);
        (width > 0).then(|| format!("\r{:width$}\r", ""))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Line;

    #[test]
    fn a_line_comes_after_a_second_not_too_often_and_goes() {
        let mut line = Line::default();
        let mut at =
            |milliseconds, words: &str| line.after(Duration::from_millis(milliseconds), &|| words.to_owned());
        assert_eq!(at(999, "1 commit"), None);
        assert_eq!(at(1_000, "12,000 commits").as_deref(), Some("\r12,000 commits"));
        assert_eq!(at(1_099, "12,500 commits"), None);
        assert_eq!(at(1_100, "a few").as_deref(), Some("\ra few         "));
        assert_eq!(line.cleared().as_deref(), Some("\r     \r"));
        assert_eq!(line.cleared(), None);
        assert_eq!(Line::default().cleared(), None);
    }
}
