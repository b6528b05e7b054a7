//! One question at the terminal: what stood there before is thrown away, and only one short line is read.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::termios::{QueueSelector, ioctl_tiocexcl, ioctl_tiocnxcl, isatty, tcflush};

/// The longest answer, in bytes: no phrase is longer.
const LINE_MAX: usize = 1024;
/// How often the terminal is looked at while nobody types: too short to be felt, too long to cost anything.
const PAUSE: Duration = Duration::from_millis(20);

/// An open terminal, closed to other programs as long as a signal cannot end us unseen.
pub(super) struct Question {
    /// Never waits, so that a signal is noticed between two looks.
    input: File,
    output: File,
    interrupted: Option<Arc<AtomicBool>>,
    typed: Vec<u8>,
}

/// What has been typed by now.
pub(super) enum Typed {
    /// No whole line.
    Nothing,
    /// The end of input.
    End,
    /// A line; one that is too long or is no text counts as empty.
    Line(String),
}

impl Question {
    /// Opens the terminal, here and not at the start: the standard streams may lead anywhere.
    pub(super) fn open(tty: &Path, interrupted: Option<Arc<AtomicBool>>) -> io::Result<Self> {
        // O_NONBLOCK fits in the type that std takes.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let input = OpenOptions::new().read(true).write(true).custom_flags(flags).open(tty)?;
        let output =
            OpenOptions::new().write(true).custom_flags(OFlags::NOCTTY.bits().cast_signed()).open(tty)?;
        if !isatty(&input) {
            return Err(io::Error::new(
                ErrorKind::Unsupported,
                format!("`{}` is not a terminal", tty.display()),
            ));
        }
        if interrupted.is_some() {
            // A terminal that cannot do it is asked all the same: the signature decides.
            let _ = ioctl_tiocexcl(&input);
        }
        Ok(Self { input, output, interrupted, typed: Vec::new() })
    }

    /// Asks once. `None` is the end of input; a line that is too long or is no text is an answer, but an empty one.
    pub(super) fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
        self.put(prompt)?;
        let line = self.read_line()?;
        if line.is_none() {
            // The reader's next line shall not begin behind the question.
            self.output.write_all(b"\n")?;
        }
        Ok(line)
    }

    /// Puts the question, and waits for nothing.
    pub(super) fn put(&mut self, prompt: &str) -> io::Result<()> {
        tcflush(&self.input, QueueSelector::IFlush)?;
        self.typed.clear();
        self.output.write_all(prompt.as_bytes())?;
        self.output.flush()
    }

    fn read_line(&mut self) -> io::Result<Option<String>> {
        loop {
            self.stop_if_interrupted()?;
            match self.look()? {
                Typed::Nothing => thread::sleep(PAUSE),
                Typed::End => return Ok(None),
                Typed::Line(line) => return Ok(Some(line)),
            }
        }
    }

    /// Takes what was typed, without waiting for more.
    pub(super) fn look(&mut self) -> io::Result<Typed> {
        let mut chunk = [0; LINE_MAX];
        match self.input.read(&mut chunk) {
            Ok(0) => return Ok(Typed::End),
            Ok(count) => self.typed.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(Typed::Nothing);
            }
            Err(error) => return Err(error),
        }
        let mut line = std::mem::take(&mut self.typed);
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(Typed::Line(String::from_utf8(line).unwrap_or_default()));
        }
        if line.len() >= LINE_MAX {
            tcflush(&self.input, QueueSelector::IFlush)?;
            return Ok(Typed::Line(String::new()));
        }
        self.typed = line;
        Ok(Typed::Nothing)
    }

    fn stop_if_interrupted(&mut self) -> io::Result<()> {
        let raised = self.interrupted.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed));
        if !raised {
            return Ok(());
        }
        self.output.write_all(b"\n")?;
        Err(io::Error::new(ErrorKind::Interrupted, "interrupted at a question"))
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.interrupted.is_some() {
            // Nothing more can be done for a terminal that is gone.
            let _ = ioctl_tiocnxcl(&self.input);
        }
    }
}
