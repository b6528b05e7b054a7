//! A step while it runs: what it writes, how long it may take, and how its whole group is ended.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

use super::lines::{self, Mask};
use super::signals::Signals;
use super::strays::Strays;
use super::{GLANCE, LEFTOVER, Watcher, end_group};
use crate::gate::policy::Step;
use crate::gate::statement::{StepEnd, StepResult};
use crate::gate::terms::Digest;
use crate::world::clock::Stopwatch;

/// How long a group that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How long after that the end is still awaited: what cannot be killed would hold the environment for ever.
const HOPELESS: Duration = Duration::from_secs(10);
/// How many pieces wait to be shown: what comes faster makes the step wait.
const WAITING: usize = 16;

/// What is read of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Standard output and error, in the order in which they come.
    Everything,
    /// Standard output.
    Output,
}

/// Runs a command to its end.
pub(super) fn run_step(
    step: &Step,
    command: io::Result<Command>,
    (heard, mask): (Heard, &Mask),
    signals: &Signals,
    watcher: &mut dyn Watcher,
) -> StepResult {
    let watch = Stopwatch::start();
    let mut log = Sha256::new();
    let strays = Strays::begin();
    let ended = command.and_then(|command| start(command, heard, mask)).map(|(child, lines)| {
        let strays = strays.led_by(child.id());
        let mut running = Running { child, lines, strays, heard, log: &mut log, watcher };
        running.until_it_ends(step.timeout, signals)
    });
    let (result, exit) = match ended {
        Ok(Ok((result, exit))) => (result, exit),
        Ok(Err(error)) | Err(error) => {
            let words = format!("deployctl: cannot run `{}`: {error}\n", step.run.join(" "));
            log.update(&words);
            watcher.wrote(words.as_bytes());
            (StepEnd::NotStarted, None)
        }
    };
    let milliseconds = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
    let log = Digest::from_hash(log.finalize().into());
    StepResult { step: step.name.clone(), result, exit, milliseconds, log }
}

fn start(mut command: Command, heard: Heard, mask: &Mask) -> io::Result<(Child, Receiver<Vec<u8>>)> {
    let (reader, writer) = io::pipe()?;
    match heard {
        Heard::Everything => command.stdout(writer.try_clone()?).stderr(writer),
        Heard::Output => command.stdout(writer).stderr(Stdio::null()),
    };
    let child = command.spawn()?;
    // The command keeps its ends of the pipe until it is dropped: then the end of the output can be seen.
    drop(command);
    let (sender, pieces) = sync_channel(WAITING);
    let mask = mask.clone();
    thread::spawn(move || lines::read(reader, &mask, &sender));
    Ok((child, pieces))
}

struct Running<'a> {
    child: Child,
    lines: Receiver<Vec<u8>>,
    strays: Strays,
    heard: Heard,
    log: &'a mut Sha256,
    watcher: &'a mut dyn Watcher,
}

impl Running<'_> {
    fn until_it_ends(&mut self, timeout: Duration, signals: &Signals) -> io::Result<(StepEnd, Option<i32>)> {
        let watch = Stopwatch::start();
        let mut told: Option<(StepEnd, Stopwatch)> = None;
        let mut open = true;
        let status = loop {
            open = open && self.listen(GLANCE);
            if !open {
                thread::sleep(GLANCE);
            }
            self.watcher.tick();
            self.strays.bury();
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            match &told {
                None if watch.elapsed() > timeout => {
                    told = Some((StepEnd::TimedOut, self.tell(Signal::TERM)));
                }
                None if !self.watcher.lasts() => {
                    told = Some((StepEnd::LeaseOver, self.tell(Signal::TERM)));
                }
                None => {
                    if let Some(signal) = signals.end(self.watcher) {
                        told = Some((StepEnd::Interrupted, self.tell(signal)));
                    }
                }
                Some((end, since)) if since.elapsed() > GRACE + HOPELESS => {
                    let end = *end;
                    self.watcher.told(
                        "deployctl: it could not be ended, such as the program of another user, and goes on",
                    );
                    return Ok((end, None));
                }
                Some((_, since)) if since.elapsed() > GRACE => {
                    end_group(&self.child, Signal::KILL);
                    // It may have left its group; what it may not be told at all is left in the end.
                    let _ = self.child.kill();
                }
                Some(_) => {}
            }
        };
        if let Some((end, since)) = told {
            // Whatever of the group outlived its leader goes too, and what has left it.
            end_group(&self.child, Signal::KILL);
            let strays = self.strays.end(&since, GRACE);
            self.hear_the_rest(open);
            self.tell_of(strays, "was ended with it", "were ended with it");
            return Ok((end, status.code()));
        }
        if self.hear_the_rest(open) {
            let words = "what it writes from now on is kept nowhere";
            self.say(&format!("deployctl: it left its output open in the background: {words}"));
        }
        self.tell_of(self.strays.living().len(), "goes on without it", "go on without it");
        let end = if status.success() { StepEnd::Succeeded } else { StepEnd::Failed };
        Ok((end, status.code().or_else(|| status.signal().map(|signal| 128 + signal))))
    }

    /// What was written before the end. Answers whether more may come.
    fn hear_the_rest(&mut self, mut open: bool) -> bool {
        let rest = Stopwatch::start();
        while open && rest.elapsed() < LEFTOVER {
            open = self.listen(LEFTOVER.saturating_sub(rest.elapsed()));
        }
        open
    }

    /// Tells the whole group, and wakes it where it was stopped.
    fn tell(&mut self, signal: Signal) -> Stopwatch {
        end_group(&self.child, signal);
        end_group(&self.child, Signal::CONT);
        self.strays.tell(signal);
        Stopwatch::start()
    }

    /// Hands on what comes next, if it comes in time. `false` when there will be no more.
    fn listen(&mut self, patience: Duration) -> bool {
        match self.lines.recv_timeout(patience) {
            Ok(piece) => {
                self.log.update(&piece);
                self.watcher.wrote(&piece);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn tell_of(&mut self, strays: usize, one: &str, many: &str) {
        match strays {
            0 => {}
            1 => self.say(&format!("deployctl: a process that it left behind {one}")),
            more => self.say(&format!("deployctl: {more} processes that it left behind {many}")),
        }
    }

    /// A line of our own in the step's log; nothing where what it wrote is read by a program.
    fn say(&mut self, words: &str) {
        if self.heard == Heard::Output {
            return;
        }
        let line = format!("{words}\n");
        self.log.update(&line);
        self.watcher.said(&line);
    }
}
