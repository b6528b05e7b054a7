//! Some lines at the bottom of a terminal that are painted over while something goes on, and go at its end.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::{Streams, WIDTH};
use crate::world::clock::Stopwatch;

/// How often they are painted at most.
const PACE: Duration = Duration::from_millis(100);

/// How many rows are assumed where no terminal tells.
const HEIGHT: usize = 24;

/// Lines that are painted over, and go with it.
#[derive(Debug)]
pub struct Live {
    on: bool,
    height: usize,
    painted: Option<Stopwatch>,
}

impl Streams {
    /// Begins with nothing painted. It stays so with `--quiet`, where standard error is no terminal, and where that has no
    /// colours: whoever wants no colour gets no other escape sequence either.
    #[must_use]
    pub fn live(&self) -> Live {
        let on = !self.quiet && self.colour_errors && io::stderr().is_terminal();
        Live { on, height: 0, painted: None }
    }
}

impl Streams {
    /// Whether results are read as they come, by whoever sits there.
    #[must_use]
    pub fn result_is_seen(&self) -> bool {
        io::stdout().is_terminal()
    }
}

impl Live {
    /// How large the terminal is now, in columns and rows: a wider or longer text would not stay in its place.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok();
        let given = |number: u16, assumed| if number > 0 { usize::from(number) } else { assumed };
        size.map_or((WIDTH, HEIGHT), |size| (given(size.ws_col, WIDTH), given(size.ws_row, HEIGHT)))
    }

    /// Whether anything is painted at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Whether it is time to paint again.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.on && self.painted.as_ref().is_none_or(|painted| painted.elapsed() >= PACE)
    }

    /// Paints these lines, which are clean and no wider than the terminal, over those before.
    pub fn paint(&mut self, lines: &[String]) {
        if self.on {
            write(&painted(self.height, lines));
            self.height = lines.len();
            self.painted = Some(Stopwatch::start());
        }
    }

    /// Takes them away.
    pub fn clear(&mut self) {
        if self.height > 0 {
            write(&painted(self.height, &[]));
        }
        self.height = 0;
        self.painted = None;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Up over the old lines, which go; a line that is wider than was thought is cut by the terminal and moves nothing.
fn painted(height: usize, lines: &[String]) -> String {
    let up = if height > 0 { format!("\x1b[{height}A") } else { String::new() };
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("{up}\r\x1b[J\x1b[?7l{lines}\x1b[?7h")
}

fn write(text: &str) {
    let mut stream = io::stderr().lock();
    // There is no further place to report to.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::painted;

    #[test]
    fn old_lines_go_before_new_ones_come() {
        assert_eq!(painted(0, &["one".to_owned()]), "\r\x1b[J\x1b[?7lone\r\n\x1b[?7h");
        assert_eq!(
            painted(1, &["one".to_owned(), "two".to_owned()]),
            "\x1b[1A\r\x1b[J\x1b[?7lone\r\ntwo\r\n\x1b[?7h"
        );
        assert_eq!(painted(2, &[]), "\x1b[2A\r\x1b[J\x1b[?7l\x1b[?7h");
    }
}
