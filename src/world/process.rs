//! Other programs, and what this process was given: the one place that spawns and reads the environment.

#![expect(clippy::disallowed_methods, reason = "the one legal place for `Command::new` and the environment")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use sha2::{Digest as _, Sha256};

use crate::gate::plan::{Plan, STEP_VARIABLES};
use crate::gate::policy::Step;
use crate::gate::statement::{Ending, StepEnd, StepResult};
use crate::gate::terms::Digest;
use crate::world::clock::Stopwatch;

/// A variable of this process's environment, where it is set and not empty.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The whole environment of this process; what is not UTF-8 is kept with replacement characters.
#[must_use]
pub fn variables() -> BTreeMap<String, String> {
    let text = |value: OsString| value.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// The user's home directory, from `HOME`.
#[must_use]
pub fn home() -> Option<PathBuf> {
    variable("HOME").map(PathBuf::from)
}

/// Variables that a helper tool (git, ssh-keygen) gets from us; nothing else passes.
const TOOL_VARIABLES: [&str; 7] = ["HOME", "LOGNAME", "PATH", "TERM", "TMPDIR", "USER", "XDG_CONFIG_HOME"];

/// A helper tool with a clean environment, the C locale and nothing on its standard input.
#[must_use]
pub fn tool(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
    for name in TOOL_VARIABLES {
        if let Some(value) = variable(name) {
            command.env(name, value);
        }
    }
    command
}

/// The first executable of this name on `PATH`, as an absolute path.
///
/// # Errors
/// When no directory of `PATH` holds it.
pub fn find(program: &str) -> io::Result<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{program}` is not on PATH")))
}

/// Runs a helper tool to its end and takes what it wrote, within a time.
///
/// # Errors
/// When it cannot be started, or takes longer: it is then killed.
pub fn output(command: &mut Command, patience: Duration) -> io::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let Some(status) = wait(&mut child, patience)? else {
        end_group(&child, Signal::KILL);
        child.wait()?;
        let why = format!("`{name}` did not answer within {} s", patience.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, why));
    };
    let taken = |drain: Option<Drain>| drain.map(Drain::take).unwrap_or_default();
    Ok(Output { status, stdout: taken(stdout), stderr: taken(stderr) })
}

/// How often a running child is looked at.
const GLANCE: Duration = Duration::from_millis(10);

fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let watch = Stopwatch::start();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if watch.elapsed() > patience {
            return Ok(None);
        }
        thread::sleep(GLANCE);
    }
}

/// What a helper tool may write: more is cut, and its end is still awaited.
const TOOL_OUTPUT_MAX: usize = 16 << 20;

/// What a helper tool writes, while it is read.
struct Drain {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

impl Drain {
    /// What was written. A tool may leave a process behind that keeps the stream open, such as an SSH connection for the
    /// next call: its end is not awaited for long.
    fn take(self) -> Vec<u8> {
        let _ = self.end.recv_timeout(LEFTOVER);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn drain(mut from: impl Read + Send + 'static) -> Drain {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (sender, end) = sync_channel(0);
    let into = Arc::clone(&bytes);
    thread::spawn(move || {
        let _until_the_end: SyncSender<()> = sender;
        let mut chunk = [0; LINE_MAX];
        // What cannot be read counts as not said; the exit status speaks.
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
            let room = TOOL_OUTPUT_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(chunk.get(..count.min(room)).unwrap_or_default());
        }
    });
    Drain { bytes, end }
}

fn end_group(child: &Child, signal: Signal) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // A group that has ended is what was wanted.
        let _ = kill_process_group(group, signal);
    }
}

/// Looks on while a plan runs, and may stop it between two steps.
pub trait Watcher {
    /// Whether this step may begin now.
    fn may_begin(&mut self, step: &Step) -> bool;
    /// A step begins.
    fn began(&mut self, step: &Step);
    /// A step wrote this: one line without its end, or a piece of a very long one.
    fn wrote(&mut self, line: &[u8]);
    /// A step ended.
    fn ended(&mut self, result: &StepResult);
}

/// Runs a plan in a directory that holds the approved files: the only door to a deploy command.
///
/// `before` is raised by a signal that came before this began: then nothing is run. Answers how it ended and, where it
/// ended badly, at which step.
///
/// # Errors
/// When signals cannot be caught: then nothing is run.
pub fn execute(
    plan: &Plan,
    dir: &Path,
    before: Arc<AtomicBool>,
    watcher: &mut dyn Watcher,
) -> io::Result<(Ending, Option<String>)> {
    let signals = Signals::listen(before)?;
    for step in &plan.steps {
        let result = if signals.caught().is_some() {
            not_run(step, StepEnd::Interrupted)
        } else if watcher.may_begin(step) {
            watcher.began(step);
            run_step(step, step_command(plan, step, dir), &signals, watcher)
        } else {
            not_run(step, StepEnd::WindowClosed)
        };
        watcher.ended(&result);
        match result.result {
            StepEnd::Succeeded => {}
            StepEnd::Interrupted => return Ok((Ending::Interrupted, Some(step.name.clone()))),
            _ => return Ok((Ending::Failed, Some(step.name.clone()))),
        }
    }
    Ok((Ending::Succeeded, None))
}

fn not_run(step: &Step, result: StepEnd) -> StepResult {
    StepResult { step: step.name.clone(), result, exit: None, milliseconds: 0, log: Digest::of(b"") }
}

/// A flag that the signals of an interrupt raise, instead of ending the program in the middle of a question.
///
/// # Errors
/// When signals cannot be caught.
pub fn interrupt_flag() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// The signals that end a deployment, caught so that the whole group of a step gets them and the record is written.
struct Signals {
    caught: Arc<AtomicUsize>,
    before: Arc<AtomicBool>,
    ids: Vec<signal_hook::SigId>,
}

impl Signals {
    fn listen(before: Arc<AtomicBool>) -> io::Result<Self> {
        let caught = Arc::new(AtomicUsize::new(0));
        let mut ids = Vec::new();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
        {
            let number = usize::try_from(signal).unwrap_or_default();
            ids.push(signal_hook::flag::register_usize(signal, Arc::clone(&caught), number)?);
        }
        Ok(Self { caught, before, ids })
    }

    fn caught(&self) -> Option<Signal> {
        match i32::try_from(self.caught.load(Ordering::SeqCst)).ok()? {
            signal_hook::consts::SIGINT => Some(Signal::INT),
            signal_hook::consts::SIGTERM => Some(Signal::TERM),
            signal_hook::consts::SIGHUP => Some(Signal::HUP),
            // One that came earlier, while the signature travelled, counts as well.
            _ => self.before.load(Ordering::SeqCst).then_some(Signal::INT),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

fn step_command(plan: &Plan, step: &Step, dir: &Path) -> io::Result<Command> {
    let (program, arguments) = split(step)?;
    // A path is one of the approved files; a bare name is looked up on PATH.
    let program = if program.contains('/') { approved_program(dir, program)? } else { find(program)? };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env_clear().stdin(Stdio::null()).process_group(0);
    let passed = plan.pass_environment.iter().map(String::as_str);
    for name in STEP_VARIABLES.into_iter().chain(passed) {
        if let Some(value) = variable(name) {
            command.env(name, value);
        }
    }
    command.envs(plan.variables.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// The file that a step's or a probe's path stands for. The signed policy may name any program of the machine by its whole path; what
/// it names among the approved files must not be a link to a file that nobody approved.
///
/// # Errors
/// When there is no such file, or it is such a link.
pub fn approved_program(dir: &Path, program: &str) -> io::Result<PathBuf> {
    let path = dir.join(program);
    let outside = !path.canonicalize()?.starts_with(dir.canonicalize()?);
    if outside && !Path::new(program).is_absolute() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it leads out of the approved files"));
    }
    Ok(path)
}

/// Runs a smoke test after a plan, in the same files and with the same environment as its steps.
///
/// # Errors
/// When signals cannot be caught: then nothing is run.
pub fn run_smoke(plan: &Plan, step: &Step, dir: &Path, watcher: &mut dyn Watcher) -> io::Result<StepResult> {
    let signals = Signals::listen(Arc::default())?;
    watcher.began(step);
    let result = run_step(step, step_command(plan, step, dir), &signals, watcher);
    watcher.ended(&result);
    Ok(result)
}

/// Files through which a step of GitHub Actions speaks to later steps: tests are the words of whoever wrote the commit.
const STEP_FILES: [&str; 5] =
    ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

/// Runs the command of a check in the work tree, with this process's own environment: it is no deploy command, and
/// nothing that it does is production's. `variables` are set besides.
///
/// # Errors
/// When signals cannot be caught: then nothing is run.
pub fn run_check(
    step: &Step,
    dir: &Path,
    variables: &BTreeMap<String, String>,
    watcher: &mut dyn Watcher,
) -> io::Result<StepResult> {
    let signals = Signals::listen(Arc::default())?;
    watcher.began(step);
    let command = check_command(step, dir).map(|mut command| {
        for name in STEP_FILES {
            command.env_remove(name);
        }
        command.envs(variables);
        command
    });
    let result = run_step(step, command, &signals, watcher);
    watcher.ended(&result);
    Ok(result)
}

fn check_command(step: &Step, dir: &Path) -> io::Result<Command> {
    let (program, arguments) = split(step)?;
    let program = if program.contains('/') { dir.join(program) } else { find(program)? };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).stdin(Stdio::null()).process_group(0);
    Ok(command)
}

fn split(step: &Step) -> io::Result<(&String, &[String])> {
    let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "it names no program");
    step.run.split_first().ok_or_else(nothing)
}

fn run_step(
    step: &Step,
    command: io::Result<Command>,
    signals: &Signals,
    watcher: &mut dyn Watcher,
) -> StepResult {
    let watch = Stopwatch::start();
    let mut log = Sha256::new();
    let ended = command.and_then(start).map(|(child, lines)| {
        let mut running = Running { child, lines, log: &mut log, watcher };
        running.until_it_ends(step.timeout, signals)
    });
    let (result, exit) = match ended {
        Ok(Ok((result, exit))) => (result, exit),
        Ok(Err(error)) | Err(error) => {
            watcher.wrote(format!("deployctl: cannot run `{}`: {error}", step.run.join(" ")).as_bytes());
            (StepEnd::NotStarted, None)
        }
    };
    let milliseconds = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
    StepResult {
        step: step.name.clone(),
        result,
        exit,
        milliseconds,
        log: Digest::from_hash(log.finalize().into()),
    }
}

fn start(mut command: Command) -> io::Result<(Child, Receiver<Vec<u8>>)> {
    let (reader, writer) = io::pipe()?;
    let child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command keeps its ends of the pipe until it is dropped: then the end of the output can be seen.
    drop(command);
    let (sender, lines) = sync_channel(64);
    thread::spawn(move || read_lines(reader, &sender));
    Ok((child, lines))
}

/// A longer line is handed on in pieces.
const LINE_MAX: usize = 8 << 10;

fn read_lines(mut from: impl Read, to: &SyncSender<Vec<u8>>) {
    let mut buffer = [0; LINE_MAX];
    let mut line: Vec<u8> = Vec::new();
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for piece in buffer[..count].split_inclusive(|b| *b == b'\n') {
            line.extend_from_slice(piece);
            if (line.ends_with(b"\n") || line.len() >= LINE_MAX)
                && to.send(std::mem::take(&mut line)).is_err()
            {
                return;
            }
        }
    }
    if !line.is_empty() {
        // Nobody listens any more: then nobody needs it.
        let _ = to.send(line);
    }
}

/// A step while it runs.
struct Running<'a> {
    child: Child,
    lines: Receiver<Vec<u8>>,
    log: &'a mut Sha256,
    watcher: &'a mut dyn Watcher,
}

/// How long a group that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How long output is still awaited from what a step, or a helper tool, left running in the background.
const LEFTOVER: Duration = Duration::from_millis(500);

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
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            match &told {
                None if watch.elapsed() > timeout => {
                    told = Some((StepEnd::TimedOut, self.tell(Signal::TERM)))
                }
                None => {
                    if let Some(signal) = signals.caught() {
                        told = Some((StepEnd::Interrupted, self.tell(signal)));
                    }
                }
                Some((_, since)) if since.elapsed() > GRACE => end_group(&self.child, Signal::KILL),
                Some(_) => {}
            }
        };
        let rest = Stopwatch::start();
        while open && rest.elapsed() < LEFTOVER {
            open = self.listen(LEFTOVER);
        }
        if let Some((end, _)) = told {
            // Whatever of the group outlived its leader goes too.
            end_group(&self.child, Signal::KILL);
            return Ok((end, status.code()));
        }
        let end = if status.success() { StepEnd::Succeeded } else { StepEnd::Failed };
        Ok((end, status.code().or_else(|| status.signal().map(|signal| 128 + signal))))
    }

    /// Tells the whole group, and wakes it where it was stopped.
    fn tell(&self, signal: Signal) -> Stopwatch {
        end_group(&self.child, signal);
        end_group(&self.child, Signal::CONT);
        Stopwatch::start()
    }

    /// Hands on the next line, if one comes in time. `false` when there will be no more.
    fn listen(&mut self, patience: Duration) -> bool {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                self.log.update(&line);
                self.watcher.wrote(line.strip_suffix(b"\n").unwrap_or(&line));
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }
}
