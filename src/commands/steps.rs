//! The steps of a deployment as they run: the private directory, what is shown, and the logs that are kept.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::gather::Moment;
use crate::gate::policy::Step;
use crate::gate::statement::{StepEnd, StepResult};
use crate::gate::terms::{CommitId, Digest};
use crate::render::{screen, text};
use crate::world::process;
use crate::world::terminal::Streams;

/// The files of a commit, written from raw blobs into a fresh private directory.
///
/// # Errors
/// When there is no room for it, or the commit cannot be read.
pub fn workspace(moment: &Moment, commit: &CommitId) -> Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new()
        .prefix("deployctl-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .context("no private directory could be made")?;
    moment.repository.export(commit, dir.path())?;
    Ok(dir)
}

/// Where the logs of a deployment are kept.
#[must_use]
pub fn logs(moment: &Moment, deployment: &Digest) -> PathBuf {
    moment.common_dir.join("deployctl").join("logs").join(deployment.short())
}

/// Shows the steps one after the other, and keeps what they write.
pub struct Display<'a> {
    streams: &'a Streams,
    logs: PathBuf,
    of: usize,
    number: usize,
    log: Option<File>,
    /// Lines that were not shown, while a question stands there.
    unshown: Option<usize>,
}

impl<'a> Display<'a> {
    /// For so many steps, with their logs in this directory.
    #[must_use]
    pub const fn new(streams: &'a Streams, logs: PathBuf, of: usize) -> Self {
        Self { streams, logs, of, number: 0, log: None, unshown: None }
    }

    /// What no step wrote.
    pub fn told(&self, words: &str) {
        self.streams.line(&text::line(words, 2_000));
    }

    /// A step begins.
    pub fn began(&mut self, step: &Step) {
        self.number += 1;
        self.streams.line(&format!(
            "▶ {}/{} {}  {}",
            self.number,
            self.of,
            step.name,
            screen::command(&step.run)
        ));
        let made = std::fs::create_dir_all(&self.logs);
        let path = self.logs.join(format!("{}-{}.log", self.number, step.name));
        match made.and_then(|()| File::create(path)) {
            Ok(log) => self.log = Some(log),
            Err(error) => {
                self.log = None;
                self.streams.line(&format!("warning: the log of this step cannot be kept: {error}"));
            }
        }
    }

    /// A step wrote this: whole lines, or a piece of a long one.
    pub fn wrote(&mut self, piece: &[u8]) {
        self.keep(piece);
        if let Some(unshown) = &mut self.unshown {
            *unshown += process::lines(piece).count();
            return;
        }
        for line in process::lines(piece) {
            let shown = String::from_utf8_lossy(line);
            for part in shown.trim_end_matches('\r').split('\r') {
                self.streams.line(&format!("  │ {}", text::line(part, 2_000)));
            }
        }
    }

    /// A question stands there: what the step writes goes to its log alone.
    pub const fn pause(&mut self) {
        if self.unshown.is_none() {
            self.unshown = Some(0);
        }
    }

    /// The question is gone.
    pub fn resume(&mut self) {
        if let Some(count @ 1..) = self.unshown.take() {
            let lines = if count == 1 { "line" } else { "lines" };
            self.streams.line(&format!("  │ … {count} {lines} meanwhile: see the log"));
        }
    }

    /// The log holds exactly the bytes that its digest covers, however many there are. One that cannot be kept, as on a full
    /// disk, is no reason to stop half-way: that is said once, and the digest in the record covers everything all the same.
    fn keep(&mut self, piece: &[u8]) {
        let Some(log) = &mut self.log else { return };
        if let Err(error) = log.write_all(piece) {
            self.log = None;
            self.streams.line(&format!("warning: the log of this step is not complete: {error}"));
        }
    }

    /// A step ended.
    pub fn ended(&mut self, result: &StepResult) {
        let seconds = result.milliseconds / 1_000;
        let words = match (result.result, result.exit) {
            (StepEnd::Succeeded, _) => format!("✓ {} in {seconds} s", result.step),
            (StepEnd::Failed, Some(exit)) => {
                format!("✗ {} failed with exit status {exit} after {seconds} s", result.step)
            }
            (StepEnd::Failed, None) => format!("✗ {} failed after {seconds} s", result.step),
            (StepEnd::TimedOut, _) => {
                format!("✗ {} took longer than it may, and was ended after {seconds} s", result.step)
            }
            (StepEnd::Interrupted, _) => format!("✗ {} was interrupted after {seconds} s", result.step),
            (StepEnd::NotStarted, _) => format!("✗ {} could not be started", result.step),
            (StepEnd::WindowClosed, _) => {
                format!("✗ {} was not begun: the deployment window has closed", result.step)
            }
        };
        self.streams.line(&words);
    }
}
