//! Whole processes, measured: processor time, the clock on the wall, and the most memory that was held at once.
//!
//! Linux tells all of this in `/proc`, also of a process that has ended and was not collected yet. Elsewhere the wall's
//! clock stands in for processor time, and memory is left out.

use std::fs;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How often the memory of a running process is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// Ticks of a second in `/proc/PID/stat`: 100 on every Linux.
const TICKS: u64 = 100;
/// The fewest and the most runs of one contender.
const RUNS: std::ops::RangeInclusive<usize> = 3..=25;

/// What one process cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// User and system time.
    pub cpu: Duration,
    /// From start to end.
    pub wall: Duration,
    /// The most memory it held, in bytes; 0 where nobody can tell.
    pub memory: u64,
}

/// The world that measured programs run in: no person's settings, the same language for all.
#[derive(Clone, Debug)]
pub struct World {
    /// A home directory with git's settings and nothing else.
    pub home: PathBuf,
}

impl World {
    /// A program of this world, in a directory.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).env_clear().stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", &self.home).env("LC_ALL", "C").env("TZ", "UTC");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", self.home.join("gitconfig"));
        command
    }

    /// What a program prints on standard output, without the blanks around it.
    pub fn text(&self, program: &str, dir: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.command(program, dir).args(arguments).output();
        let output = output.with_context(|| format!("`{program}` could not be started"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{program} {}` failed: {}", arguments.join(" "), said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether a program is installed.
    pub fn has(&self, program: &str) -> bool {
        self.text(program, Path::new("."), &["--version"]).is_ok()
    }
}

/// A program that takes part.
pub struct Contender {
    /// What it is called in the table.
    pub name: String,
    /// Makes it ready to be started.
    pub command: Box<dyn Fn() -> Command>,
    /// So slow that it runs only once.
    pub once: bool,
    /// The exit code that it ends with.
    pub exit: i32,
}

impl Contender {
    /// One that runs as often as the others.
    pub fn new(name: impl Into<String>, command: impl Fn() -> Command + 'static) -> Self {
        Self { name: name.into(), command: Box::new(command), once: false, exit: 0 }
    }
}

/// Runs the contenders in turn and gives each one's medians. A first round warms the caches up and looks at memory, which
/// would disturb the times.
pub fn race(contenders: &[Contender], budget: Duration) -> Result<Vec<Cost>> {
    let first: Vec<Cost> =
        contenders.iter().map(|contender| measured(contender, true)).collect::<Result<_>>()?;
    let round: Duration =
        contenders.iter().zip(&first).filter(|(one, _)| !one.once).map(|(_, cost)| cost.wall).sum();
    let runs = (budget.as_secs_f64() / round.as_secs_f64().max(1e-4)) as usize;
    let runs = runs.clamp(*RUNS.start(), *RUNS.end());
    let mut all: Vec<Vec<Cost>> = vec![vec![]; contenders.len()];
    for _ in 0..runs {
        for (contender, costs) in contenders.iter().zip(&mut all).filter(|(one, _)| !one.once) {
            costs.push(measured(contender, false)?);
        }
    }
    Ok(all.iter().zip(first).map(|(costs, first)| medians(costs, first)).collect())
}

fn medians(costs: &[Cost], first: Cost) -> Cost {
    let median = |time: fn(&Cost) -> Duration| {
        let mut times: Vec<Duration> = costs.iter().map(time).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_else(|| time(&first))
    };
    Cost { cpu: median(|cost| cost.cpu), wall: median(|cost| cost.wall), memory: first.memory }
}

fn measured(contender: &Contender, watch: bool) -> Result<Cost> {
    run((contender.command)(), watch, contender.exit)
        .with_context(|| format!("`{}` cannot be measured", contender.name))
}

/// Runs a program to its end. `watch` also looks at its memory.
fn run(mut command: Command, watch: bool, exit: i32) -> Result<Cost> {
    let mut said = tempfile::tempfile()?;
    command.stdout(Stdio::null()).stderr(said.try_clone()?);
    let start = Instant::now();
    let mut child = command.spawn().context("it could not be started")?;
    let memory = if watch { highest_memory(&child)? } else { 0 };
    ended(&child, WaitIdOptions::empty())?;
    let wall = start.elapsed();
    // Not collected yet: the kernel still tells what it used.
    let cpu = processor_time(child.id()).unwrap_or(wall);
    let status = child.wait()?;
    if status.code() != Some(exit) {
        let mut text = String::new();
        said.rewind()?;
        said.read_to_string(&mut text)?;
        bail!("it ended with {status}: {}", text.trim());
    }
    Ok(Cost { cpu, wall, memory })
}

/// Whether the process has ended; waits for it unless the options say not to.
fn ended(child: &Child, options: WaitIdOptions) -> Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process")?;
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

fn highest_memory(child: &Child) -> Result<u64> {
    let mut highest = 0;
    let status = format!("/proc/{}/status", child.id());
    while !ended(child, WaitIdOptions::NOHANG)? {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        highest = highest.max(kilobytes.unwrap_or(0) * 1024);
        thread::sleep(LOOK_EVERY);
    }
    Ok(highest)
}

/// Nanoseconds of the main thread, or ticks of all threads and collected children: whichever is more.
fn processor_time(pid: u32) -> Option<Duration> {
    let exact = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let exact = exact.split_whitespace().next()?.parse::<u64>().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // utime, stime, cutime and cstime are the fields 14 to 17, and two stand before the bracket.
    let ticks = fields.split_whitespace().skip(11).take(4);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_nanos(exact).max(Duration::from_millis(ticks * 1000 / TICKS)))
}

/// How many instructions a program executes, where valgrind is installed.
pub fn instructions(world: &World, program: &str, dir: &Path, arguments: &[&str]) -> Option<u64> {
    let mut command = world.command("valgrind", dir);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", program]).args(arguments);
    let output = command.output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}
