//! Other programs, and what this process was given: the one place that spawns and reads the environment.

#![expect(clippy::disallowed_methods, reason = "the one legal place for `Command::new` and the environment")]

mod credentials;
mod lines;
mod running;
mod signals;
mod strays;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use process_wrap::std::{CommandWrap, CommandWrapper as _, ProcessSession};
use rustix::process::{Pid, Signal, kill_process_group};

use self::credentials::Given;
use self::lines::{LINE_MAX, Mask};
use self::running::{Heard, run_step};
use self::signals::Signals;
pub use self::signals::Wish;
use crate::gate::plan::{Plan, STEP_VARIABLES};
use crate::gate::policy::{CREDENTIALS, Step};
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
    for name in TOOL_VARIABLES.into_iter().filter(|name| *name != "PATH") {
        if let Some(value) = variable(name) {
            command.env(name, value);
        }
    }
    // What lies in the work tree is nobody's `git`.
    if let Some(path) = variable("PATH").and_then(|path| std::env::join_paths(absolute(&path)).ok()) {
        command.env("PATH", path);
    }
    command
}

/// The directories of a `PATH` that mean the same wherever one stands.
fn absolute(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|dir| dir.is_absolute())
}

/// The first executable of this name on `PATH`, as an absolute path.
///
/// # Errors
/// When no directory of `PATH` holds it.
pub fn find(program: &str) -> io::Result<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    absolute(&path)
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
    part(command)?;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
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
/// How long output is still awaited from what a step, or a helper tool, left running in the background.
const LEFTOVER: Duration = Duration::from_millis(500);

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
    /// None once it was taken: what a leftover writes later is thrown away.
    bytes: Arc<Mutex<Option<Vec<u8>>>>,
    end: Receiver<()>,
}

impl Drain {
    /// What was written. A tool may leave a process behind that keeps the stream open, such as an SSH connection for the
    /// next call: its end is not awaited for long.
    fn take(self) -> Vec<u8> {
        let _ = self.end.recv_timeout(LEFTOVER);
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

fn drain(mut from: impl Read + Send + 'static) -> Drain {
    let bytes = Arc::new(Mutex::new(Some(Vec::new())));
    let (sender, end) = sync_channel(0);
    let into = Arc::clone(&bytes);
    thread::spawn(move || {
        let _until_the_end: SyncSender<()> = sender;
        let mut chunk = [0; LINE_MAX];
        // What cannot be read counts as not said; the exit status speaks.
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(bytes) = bytes.as_mut() else { continue };
            let room = TOOL_OUTPUT_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(chunk.get(..count.min(room)).unwrap_or_default());
        }
    });
    Drain { bytes, end }
}

/// Gives a program a session of its own, once it is started: it has no terminal that it could read, or write to past us,
/// and leads a group that has its number.
fn part(command: &mut Command) -> io::Result<()> {
    // What the library itself spawns waits for the whole group; here only the program is waited for.
    ProcessSession.pre_spawn(command, &CommandWrap::from(Command::new("")))
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
    /// Whether what runs still holds its environment: afterwards somebody else may act there. By the clock on the wall,
    /// which goes on while the machine sleeps and the time of a step stands still.
    fn lasts(&self) -> bool {
        true
    }
    /// A step begins.
    fn began(&mut self, step: &Step);
    /// A step wrote this: whole lines with their ends, or a piece of a very long one. The digest of its log covers exactly
    /// these bytes.
    fn wrote(&mut self, piece: &[u8]);
    /// A step ended. A question that is still open is taken back.
    fn ended(&mut self, result: &StepResult);
    /// A line of our own in the log of the step that runs, with its end; its digest covers it.
    fn said(&mut self, line: &str) {
        self.wrote(line.as_bytes());
    }
    /// Something to tell that no step wrote.
    fn told(&mut self, _words: &str) {}
    /// Time goes by while a step runs.
    fn tick(&mut self) {}
    /// Ctrl-C was pressed: asks what to do, while the step goes on. `false` where nobody can be asked.
    fn asks(&mut self) -> bool {
        false
    }
    /// The answer, once there is one.
    fn answered(&mut self) -> Option<Wish> {
        None
    }
}

/// The lines of a piece that a step wrote, without their ends.
pub fn lines(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    piece.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
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
    let mut secrets: Option<Given> = None;
    for step in &plan.steps {
        let mut kept = kept_from(step, &signals, watcher);
        if kept.is_none() && secrets.is_none() {
            // Right before the first step, and not sooner: until here there may be none.
            match credentials::fetch(plan, dir, &signals, watcher) {
                Ok(given) => secrets = Some(given),
                Err(ending) => return Ok((ending, Some(CREDENTIALS.to_owned()))),
            }
            // That took its time, and what let the step begin may be over.
            kept = kept_from(step, &signals, watcher);
        }
        let result = match (kept, &secrets) {
            (None, Some(given)) => {
                watcher.began(step);
                let command = step_command(plan, step, dir).map(|mut command| {
                    command.envs(&given.values);
                    command
                });
                run_step(step, command, (Heard::Everything, &given.mask), &signals, watcher)
            }
            (kept, _) => not_run(step, kept.unwrap_or(StepEnd::Interrupted)),
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

/// What keeps a step from beginning now.
fn kept_from(step: &Step, signals: &Signals, watcher: &mut dyn Watcher) -> Option<StepEnd> {
    if signals.stops(watcher) {
        Some(StepEnd::Interrupted)
    } else if !watcher.lasts() {
        Some(StepEnd::LeaseOver)
    } else if !watcher.may_begin(step) {
        Some(StepEnd::WindowClosed)
    } else {
        None
    }
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
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// A flag that a closed terminal and a termination raise: nobody is there to be asked.
///
/// # Errors
/// When signals cannot be caught.
pub fn hangup_flag() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    use signal_hook::consts::{SIGHUP, SIGQUIT, SIGTERM};
    for signal in [SIGTERM, SIGHUP, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

fn step_command(plan: &Plan, step: &Step, dir: &Path) -> io::Result<Command> {
    let (program, arguments) = split(step)?;
    // A path is one of the approved files; a bare name is looked up on PATH.
    let program = if program.contains('/') { approved_program(dir, program)? } else { find(program)? };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env_clear().stdin(Stdio::null());
    part(&mut command)?;
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
    let result = run_step(
        step,
        step_command(plan, step, dir),
        (Heard::Everything, &Mask::default()),
        &signals,
        watcher,
    );
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
    let result = run_step(step, command, (Heard::Everything, &Mask::default()), &signals, watcher);
    watcher.ended(&result);
    Ok(result)
}

fn check_command(step: &Step, dir: &Path) -> io::Result<Command> {
    let (program, arguments) = split(step)?;
    let program = if program.contains('/') { dir.join(program) } else { find(program)? };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).stdin(Stdio::null());
    part(&mut command)?;
    Ok(command)
}

fn split(step: &Step) -> io::Result<(&String, &[String])> {
    let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "it names no program");
    step.run.split_first().ok_or_else(nothing)
}
