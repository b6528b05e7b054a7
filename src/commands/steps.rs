//! The steps of a deployment as they run: the private directory, what is shown, and the logs that are kept.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::gather::Moment;
use crate::gate::policy::Step;
use crate::gate::statement::{StepEnd, StepResult};
use crate::gate::terms::{CommitId, Digest};
use crate::render::{screen, text};
use crate::world::clock::Stopwatch;
use crate::world::process;
use crate::world::terminal::{Live, Streams};

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

/// How many of a step's last lines stand under its progress.
const LAST: usize = 5;
/// What is shown of a line where every line is, in columns.
const LINE_MAX: usize = 2_000;

/// Shows the steps one after the other, and keeps what they write. On a terminal with colours the last lines stand under
/// the progress, and go when the step ends well; elsewhere every line is a plain one.
pub struct Display<'a> {
    streams: &'a Streams,
    logs: PathBuf,
    of: usize,
    /// How long each step took the last time.
    estimates: BTreeMap<String, Duration>,
    number: usize,
    log: Option<File>,
    live: Live,
    current: Option<Current>,
    /// Lines that were not shown, while a question stands there.
    unshown: Option<usize>,
    /// What was said of the step besides, for when it ends.
    said: Vec<String>,
}

/// The step that runs.
struct Current {
    /// `1/2 migrate`.
    title: String,
    command: String,
    /// `about 40 s` or `at most 10 min`.
    expected: String,
    log: PathBuf,
    watch: Stopwatch,
    last: VecDeque<String>,
}

impl<'a> Display<'a> {
    /// For so many steps, with their logs in this directory.
    #[must_use]
    pub fn new(streams: &'a Streams, logs: PathBuf, of: usize) -> Self {
        Self {
            streams,
            logs,
            of,
            estimates: BTreeMap::new(),
            number: 0,
            log: None,
            live: streams.live(),
            current: None,
            unshown: None,
            said: vec![],
        }
    }

    /// With the time that each step took the last time.
    #[must_use]
    pub fn expecting(self, estimates: BTreeMap<String, Duration>) -> Self {
        Self { estimates, ..self }
    }

    /// What no step wrote.
    pub fn told(&mut self, words: &str) {
        self.live.clear();
        self.streams.line(&text::line(words, LINE_MAX));
    }

    /// A step begins.
    pub fn began(&mut self, step: &Step) {
        self.number += 1;
        let current = Current {
            title: format!("{}/{} {}", self.number, self.of, step.name),
            command: screen::command(&step.run),
            // What took no second the last time says nothing.
            expected: self.estimates.get(&step.name).filter(|last| last.as_secs() > 0).map_or_else(
                || format!("at most {}", screen::span(step.timeout)),
                |estimate| format!("about {}", seconds(*estimate)),
            ),
            log: self.logs.join(format!("{}-{}.log", self.number, step.name)),
            watch: Stopwatch::start(),
            last: VecDeque::with_capacity(LAST),
        };
        if !self.live.is_on() {
            self.streams.note(&format!("▶ {}  {}", current.title, current.command));
        }
        let made = std::fs::create_dir_all(&self.logs).and_then(|()| File::create(&current.log));
        self.current = Some(current);
        if let Err(error) = &made {
            self.warn(&format!("the log of this step cannot be kept: {error}"));
        }
        self.log = made.ok();
        self.tick();
    }

    /// A step wrote this: whole lines, or a piece of a long one.
    pub fn wrote(&mut self, piece: &[u8]) {
        self.keep(piece);
        if self.keeps_last() {
            self.remember(piece);
            self.tick();
        } else if let Some(unshown) = &mut self.unshown {
            *unshown += process::lines(piece).count();
        } else {
            for line in process::lines(piece) {
                for part in parts(line) {
                    self.streams.line(&format!("  │ {}", text::line(&part, LINE_MAX)));
                }
            }
        }
    }

    /// Whether the lines of a step are only shown where it ends badly, the last of them: on a terminal that paints them over,
    /// and with `--quiet`.
    const fn keeps_last(&self) -> bool {
        self.live.is_on() || self.streams.is_quiet()
    }

    /// A line of our own in the log of the step: it stays where the last lines are painted over.
    pub fn said(&mut self, line: &str) {
        if !self.keeps_last() {
            return self.wrote(line.as_bytes());
        }
        self.keep(line.as_bytes());
        self.said.push(format!("  │ {}", text::line(line.trim_end(), LINE_MAX)));
    }

    /// The last lines of a piece; the others would be gone before anybody saw them.
    fn remember(&mut self, piece: &[u8]) {
        let Some(current) = &mut self.current else { return };
        let columns = self.streams.width().saturating_sub(5);
        let lines: Vec<&[u8]> = process::lines(piece).collect();
        for line in lines.get(lines.len().saturating_sub(LAST)..).unwrap_or_default() {
            for part in parts(line) {
                if current.last.len() == LAST {
                    current.last.pop_front();
                }
                current.last.push_back(format!("  │ {}", text::line(&part, columns)));
            }
        }
    }

    /// Time goes by.
    pub fn tick(&mut self) {
        let Some(current) = self.current.as_ref().filter(|_| self.unshown.is_none()) else { return };
        if !self.live.is_due() {
            return;
        }
        let elapsed = seconds(current.watch.elapsed());
        let progress = format!("▶ {}  {elapsed} of {}  {}", current.title, current.expected, current.command);
        let progress = text::line(&progress, self.streams.width().saturating_sub(1));
        let lines: Vec<String> = std::iter::once(progress).chain(current.last.iter().cloned()).collect();
        self.live.paint(&lines);
    }

    /// A question stands there: what the step writes goes to its log alone.
    pub fn pause(&mut self) {
        self.live.clear();
        self.unshown.get_or_insert(0);
    }

    /// The question is gone.
    pub fn resume(&mut self) {
        if let Some(count @ 1..) = self.unshown.take() {
            let lines = if count == 1 { "line" } else { "lines" };
            self.streams.note(&format!("  │ … {count} {lines} meanwhile: see the log"));
        }
    }

    /// The log holds exactly the bytes that its digest covers, however many there are. One that cannot be kept, as on a full
    /// disk, is no reason to stop half-way: that is said once, and the digest in the record covers everything all the same.
    fn keep(&mut self, piece: &[u8]) {
        let Some(log) = &mut self.log else { return };
        if let Err(error) = log.write_all(piece) {
            self.log = None;
            self.warn(&format!("the log of this step is not complete: {error}"));
        }
    }

    fn warn(&mut self, words: &str) {
        self.live.clear();
        self.streams.line(&format!("warning: {words}"));
    }

    /// A step ended: one line, and on a terminal its last lines where that was bad.
    pub fn ended(&mut self, result: &StepResult) {
        self.live.clear();
        let current = self.current.take();
        let badly = result.result != StepEnd::Succeeded;
        if badly && self.keeps_last() {
            for line in current.iter().flat_map(|current| &current.last) {
                self.streams.line(line);
            }
        }
        let streams = self.streams;
        let tell = |line: &str| if badly { streams.line(line) } else { streams.note(line) };
        self.said.drain(..).for_each(|line| tell(&line));
        tell(&ended(result));
        if let Some(current) = current.filter(|_| badly && self.keeps_last()) {
            self.streams
                .line(&format!("  log: {}", text::line(&current.log.display().to_string(), LINE_MAX)));
        }
        self.log = None;
    }
}

/// What stands between carriage returns is a line of its own: nothing is painted over.
fn parts(line: &[u8]) -> Vec<String> {
    let shown = String::from_utf8_lossy(line);
    shown.trim_end_matches('\r').split('\r').map(str::to_owned).collect()
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

fn ended(result: &StepResult) -> String {
    match result.result {
        StepEnd::Succeeded => format!("✓ {} in {} s", result.step, result.milliseconds / 1_000),
        _ => format!("✗ {} {}", result.step, how_it_ended(result)),
    }
}

/// How a step ended, as its name is followed.
#[must_use]
pub fn how_it_ended(result: &StepResult) -> String {
    let seconds = result.milliseconds / 1_000;
    match (result.result, result.exit) {
        (StepEnd::Succeeded, _) => format!("succeeded in {seconds} s"),
        (StepEnd::Failed, Some(exit)) => format!("failed with exit status {exit} after {seconds} s"),
        (StepEnd::Failed, None) => format!("failed after {seconds} s"),
        (StepEnd::TimedOut, _) => format!("took longer than it may, and was ended after {seconds} s"),
        (StepEnd::Interrupted, _) => format!("was interrupted after {seconds} s"),
        (StepEnd::NotStarted, _) => "could not be started".to_owned(),
        (StepEnd::WindowClosed, _) => "was not begun: the deployment window has closed".to_owned(),
        (StepEnd::LeaseOver, _) if result.began() => {
            format!(
                "was ended after {seconds} s: the time of this deployment is over, and others may act now"
            )
        }
        (StepEnd::LeaseOver, _) => {
            "was not begun: the time of this deployment is over, and others may act now".to_owned()
        }
    }
}
