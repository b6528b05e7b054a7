//! A few lines on a terminal's standard error that are written again in place.

use std::io::{self, IsTerminal as _, Write as _};

use super::{Streams, WIDTH};
use crate::world::process;

/// How many rows are assumed where no terminal tells.
const HEIGHT: usize = 24;

/// Lines that stand at the cursor, and go at the end.
#[derive(Debug)]
pub struct Live {
    rows: usize,
}

impl Streams {
    /// Begins such lines; `None` with `--quiet`, or where standard error is no terminal that can go back.
    #[must_use]
    pub fn live(&self) -> Option<Live> {
        let dumb = process::variable("TERM").is_none_or(|value| value == "dumb");
        (!self.quiet && !dumb && io::stderr().is_terminal()).then_some(Live { rows: 0 })
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

    /// Writes the lines, each ended, in the place of those before.
    pub fn draw(&mut self, lines: &[String]) {
        let text = redrawn(self.rows, lines);
        self.rows = lines.len();
        let mut stream = io::stderr().lock();
        // There is no further place to report to.
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.rows > 0 {
            self.draw(&[]);
        }
    }
}

/// Up to the first of the old lines, the new ones, and nothing of the old ones below.
fn redrawn(before: usize, lines: &[String]) -> String {
    let up = if before > 0 { format!("\x1b[{before}A\r") } else { "\r".to_owned() };
    let lines: String = lines.iter().map(|line| format!("{line}\x1b[K\r\n")).collect();
    format!("{up}{lines}\x1b[J")
}

#[cfg(test)]
mod tests {
    use super::redrawn;

    #[test]
    fn new_lines_stand_where_the_old_ones_stood() {
        let lines = ["a".to_owned(), "b".to_owned()];
        assert_eq!(redrawn(0, &lines), "\ra\x1b[K\r\nb\x1b[K\r\n\x1b[J");
        assert_eq!(redrawn(3, &lines[..1]), "\x1b[3A\ra\x1b[K\r\n\x1b[J");
        assert_eq!(redrawn(2, &[]), "\x1b[2A\r\x1b[J");
    }
}
