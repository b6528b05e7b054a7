//! The terminal: the one place that writes to standard output and error, and that asks a person something.

mod ask;
mod live;
mod progress;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anstream::{AutoStream, ColorChoice};

pub use self::live::Live;
pub use self::progress::Progress;
use crate::world::process;

/// What `--color` may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// Colour on a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Colour always.
    Always,
    /// No colour.
    Never,
}

/// The width that is assumed where no terminal tells one, in columns.
const WIDTH: usize = 80;

/// Standard output for results, standard error for everything else, and `/dev/tty` for questions.
#[derive(Clone, Debug)]
pub struct Streams {
    quiet: bool,
    colour_results: bool,
    colour_errors: bool,
    tty: PathBuf,
    interrupted: Option<Arc<AtomicBool>>,
    harmless: Option<fn(&str) -> String>,
}

impl Streams {
    /// Decides about colour once, from `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `TERM` and what the streams are.
    #[must_use]
    pub fn new(color: Color, quiet: bool) -> Self {
        let wishes = Wishes {
            color,
            no_color: is_set("NO_COLOR"),
            force: process::variable("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: process::variable("TERM").is_none_or(|value| value == "dumb"),
        };
        Self {
            quiet,
            colour_results: wishes.decide(io::stdout().is_terminal()),
            colour_errors: wishes.decide(io::stderr().is_terminal()),
            tty: PathBuf::from("/dev/tty"),
            interrupted: None,
            harmless: None,
        }
    }

    /// Gives what takes the sting out of a line for whoever reads standard error: a CI runner obeys some lines.
    #[must_use]
    pub fn made_harmless(self, harmless: fn(&str) -> String) -> Self {
        Self { harmless: Some(harmless), ..self }
    }

    /// Gives the flag that the program's signal handler raises: a question then ends with
    /// [`ErrorKind::Interrupted`], and the terminal is closed to other programs while it is asked.
    ///
    /// Without the flag a signal ends the program in the middle of a question, and a closed terminal would stay so.
    #[must_use]
    pub fn with_interrupt(self, interrupted: Arc<AtomicBool>) -> Self {
        Self { interrupted: Some(interrupted), ..self }
    }

    /// Whether what goes to standard error has colour.
    #[must_use]
    pub const fn colours(&self) -> bool {
        self.colour_errors
    }

    /// Whether only results and what went wrong are told.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes a result to standard output, exactly as given. A reader that has gone away is no error.
    ///
    /// # Errors
    /// When the text could not be written for another reason, such as a full disk: the result is then not complete.
    pub fn result(&self, text: &str) -> io::Result<()> {
        let mut stream = AutoStream::new(io::stdout().lock(), choice(self.colour_results));
        forgive_closed(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()))
    }

    /// Writes one line of progress or advice to standard error; nothing with `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Writes text and a line end to standard error, also with `--quiet`.
    pub fn line(&self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), choice(self.colour_errors));
        let harmless = self.harmless.map(|harmless| harmless(text));
        let text = harmless.as_deref().unwrap_or(text);
        // There is no further place to report to.
        let _ = writeln!(stream, "{text}");
    }

    /// Asks for a phrase at the terminal itself, whatever the standard streams are. What was typed before the question
    /// does not count. `true` only for exactly the phrase; anything else, or the end of input, is a no.
    ///
    /// # Errors
    /// When there is no terminal, it fails, or a signal came ([`ErrorKind::Interrupted`]).
    pub fn ask_phrase(&self, phrase: &str, verb: &str) -> io::Result<bool> {
        let mut question = self.open_question()?;
        let typed = question.ask(&format!("Type \"{phrase}\" to {verb}: "))?;
        Ok(typed.is_some_and(|line| line.trim() == phrase))
    }

    /// Asks a question at the terminal itself: `y` and `yes` are a yes; `n`, `no`, the end of input and three answers
    /// that are neither are a no.
    ///
    /// # Errors
    /// When there is no terminal, it fails, or a signal came ([`ErrorKind::Interrupted`]).
    pub fn ask_yes(&self, question: &str) -> io::Result<bool> {
        /// How often the question is put before silence is kept.
        const TRIES: usize = 3;
        let mut open = self.open_question()?;
        for _ in 0..TRIES {
            match open
                .ask(&format!("{question} [y/n] "))?
                .map(|line| line.trim().to_ascii_lowercase())
                .as_deref()
            {
                Some("y" | "yes") => return Ok(true),
                Some("n" | "no") | None => return Ok(false),
                Some(_) => {}
            }
        }
        Ok(false)
    }

    /// Puts a question, and goes on at once: [`Meanwhile::answer`] looks for the answer.
    ///
    /// # Errors
    /// When there is no terminal to ask at.
    pub fn ask_meanwhile(&self, prompt: &str) -> io::Result<Meanwhile> {
        let mut question = self.open_question()?;
        question.put(prompt)?;
        Ok(Meanwhile { question, prompt: prompt.to_owned() })
    }

    fn open_question(&self) -> io::Result<ask::Question> {
        ask::Question::open(&self.tty, self.interrupted.clone())
    }

    /// The width of the terminal that results go to, in columns; none where they go elsewhere.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        io::stdout().is_terminal().then(|| self.width())
    }

    /// The width of the terminal, in columns; 80 where there is none.
    #[must_use]
    pub fn width(&self) -> usize {
        let columns =
            |stream| rustix::termios::tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col));
        let given = || process::variable("COLUMNS")?.to_str()?.parse().ok();
        columns(rustix::stdio::stdout())
            .filter(|width| *width > 0)
            .or_else(given)
            .filter(|width| *width > 0)
            .unwrap_or(WIDTH)
    }
}

/// A question that stands there while something else goes on.
pub struct Meanwhile {
    question: ask::Question,
    prompt: String,
}

impl Meanwhile {
    /// The line that was typed by now: `Some(None)` is the end of input, also of a terminal that is gone.
    pub fn answer(&mut self) -> Option<Option<String>> {
        match self.question.look() {
            Ok(ask::Typed::Nothing) => None,
            Ok(ask::Typed::Line(line)) => Some(Some(line)),
            Ok(ask::Typed::End) | Err(_) => Some(None),
        }
    }

    /// Puts it once more. `false` where the terminal is gone.
    pub fn again(&mut self) -> bool {
        self.question.put(&self.prompt).is_ok()
    }
}

fn is_set(name: &str) -> bool {
    process::variable(name).is_some()
}

fn forgive_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// What the user and the environment wish about colour.
#[derive(Clone, Copy, Debug)]
struct Wishes {
    color: Color,
    no_color: bool,
    force: bool,
    dumb: bool,
}

impl Wishes {
    /// The flag first, then `NO_COLOR` (no-color.org), then `CLICOLOR_FORCE` (bixense.com/clicolors), then the terminal.
    const fn decide(self, is_terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !self.no_color && (self.force || (is_terminal && !self.dumb)),
        }
    }
}

const fn choice(on: bool) -> ColorChoice {
    if on { ColorChoice::AlwaysAnsi } else { ColorChoice::Never }
}

#[cfg(test)]
mod tests;
