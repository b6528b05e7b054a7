//! `look` from inside real pseudo-terminals, each held by something else. This test binary starts itself in there.
//!
//! Only `terminal` and `holder` are compared: what runs the tests may itself be an agent or a CI service.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::TempDir;

use super::{harden, look};
use crate::gate::presence::{Holder, Presence, Terminal};
use crate::world::process;

/// Names the file into which the inner process writes what it saw.
const REPORT: &str = "DEPLOYCTL_TEST_REPORT";
/// How often the inner process looks again until the file that it is told to wait for stands there.
const PATIENCE: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// The far side of every test below.
#[test]
#[ignore = "runs inside a terminal that another test opens"]
fn inside() {
    let Some(report) = process::variable(REPORT).map(PathBuf::from) else { return };
    let go = report.with_extension("go");
    for _ in 0..PATIENCE {
        if go.exists() {
            break;
        }
        thread::sleep(PAUSE);
    }
    let unfinished = report.with_extension("unfinished");
    fs::write(&unfinished, serde_json::to_vec(&look()).unwrap()).unwrap();
    fs::rename(unfinished, report).unwrap();
}

/// A place for the report, and the command line that makes it.
struct Inside {
    dir: TempDir,
}

impl Inside {
    /// One that looks at once.
    fn new() -> Self {
        let inside = Self::waiting();
        inside.go();
        inside
    }

    /// One that looks when told.
    fn waiting() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn report(&self) -> PathBuf {
        self.dir.path().join("report")
    }

    fn go(&self) {
        fs::write(self.dir.path().join("report.go"), "").unwrap();
    }

    /// The inner process as an argv.
    fn argv(&self) -> Vec<String> {
        let exe = std::env::current_exe().unwrap();
        let report = format!("{REPORT}={}", self.report().display());
        let name = "world::presence::tests::inside";
        ["/usr/bin/env", &report, exe.to_str().unwrap(), "--ignored", "--exact", name]
            .map(str::to_owned)
            .to_vec()
    }

    /// The same as one shell word list; no part holds a blank or a quote.
    fn line(&self) -> String {
        self.argv().join(" ")
    }

    fn seen(&self) -> Presence {
        for _ in 0..PATIENCE * 2 {
            if let Ok(bytes) = fs::read(self.report()) {
                return serde_json::from_slice(&bytes).unwrap();
            }
            thread::sleep(PAUSE);
        }
        panic!("the inner process never reported");
    }
}

/// The tool, or a line that says what was not tested.
fn tool(name: &str) -> Option<Command> {
    let found = process::find(name).ok();
    if found.is_none() {
        skip(&format!("`{name}`"));
    }
    found.map(process::tool)
}

fn skip(lacking: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {lacking} missing");
}

/// Ends a program at the end of a test, however the test ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Running {
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

fn program_of(holder: &Holder) -> &str {
    match holder {
        Holder::NotATerminal { program } | Holder::Detached { program } => program,
        other => panic!("held by {other:?}"),
    }
}

/// A terminal whose other end this test binary holds, with a program that it controls.
struct Window {
    /// Ends with the program, not before.
    _master: OwnedFd,
    _running: Running,
}

impl Window {
    /// `expectrl` would let every program started meanwhile inherit the master, and each would count as its holder.
    fn open(argv: &[String]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let tty = rustix::fs::open(path.as_c_str(), flags, Mode::empty()).unwrap();
        let mut command = process::tool("setsid");
        command.arg("--ctty").args(argv).env("TERM", "xterm");
        command.stdin(tty.try_clone().unwrap()).stdout(tty.try_clone().unwrap()).stderr(tty);
        Self { _running: Running(command.spawn().unwrap()), _master: master }
    }

    fn of_shell(line: String) -> Self {
        Self::open(&["/bin/sh".to_owned(), "-c".to_owned(), line])
    }
}

#[test]
fn without_a_terminal_there_is_none() {
    let inside = Inside::new();
    let argv = inside.argv();
    let _running = start(process::tool("setsid").arg("-w").args(argv));
    let seen = inside.seen();
    assert_eq!(seen.terminal, Terminal::Missing { why: "standard input is not a terminal".into() });
    assert_eq!(seen.holder, Holder::NoTerminal);
}

#[test]
fn a_terminal_forged_by_script_is_not_one() {
    let Some(mut script) = tool("script") else { return };
    let inside = Inside::new();
    let _running = start(script.args(["-qec", &inside.line(), "/dev/null"]));
    let seen = inside.seen();
    assert_eq!(seen.terminal, Terminal::Interactive);
    assert_eq!(seen.holder, Holder::NotATerminal { program: "script".into() });
}

#[test]
fn a_terminal_forged_by_python_is_not_one() {
    let Some(mut python) = tool("python3") else { return };
    let inside = Inside::new();
    let _running = start(python.args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"]).args(inside.argv()));
    let seen = inside.seen();
    assert_eq!(seen.terminal, Terminal::Interactive);
    assert!(program_of(&seen.holder).starts_with("python"), "{:?}", seen.holder);
}

#[test]
fn a_terminal_forged_by_expect_is_not_one() {
    let Some(mut expect) = tool("expect") else { return };
    let inside = Inside::new();
    let _running = start(expect.args(["-c", &format!("spawn {}; expect eof", inside.line())]));
    assert_eq!(inside.seen().holder, Holder::NotATerminal { program: "expect".into() });
}

#[test]
fn an_unknown_holder_is_recorded_and_goes_on() {
    let inside = Inside::new();
    let _window = Window::open(&inside.argv());
    let seen = inside.seen();
    assert_eq!(seen.terminal, Terminal::Interactive);
    assert_eq!(seen.holder, Holder::Unknown { program: Some(own_name()) });
    assert_eq!(seen.holder_problem(), None);
}

#[test]
fn a_redirected_stream_is_no_terminal() {
    for (redirection, why) in [
        ("< /dev/null", "standard input is not a terminal"),
        ("> /dev/null", "standard output is not a terminal"),
        ("2> /dev/null", "standard error is not a terminal"),
    ] {
        let inside = Inside::new();
        let line = format!("exec {} {redirection}", inside.line());
        let _window = Window::of_shell(line);
        assert_eq!(inside.seen().terminal, Terminal::Missing { why: why.into() });
    }
}

#[test]
fn a_terminal_of_another_session_is_not_ours() {
    let inside = Inside::new();
    let line = format!("setsid -w {}; sleep 1", inside.line());
    let _window = Window::of_shell(line);
    let seen = inside.seen();
    let why = "standard input is a terminal, but not the one that controls this session";
    assert_eq!(seen.terminal, Terminal::Missing { why: why.into() });
    assert_eq!(seen.holder, Holder::NoTerminal);
}

#[test]
fn a_process_in_the_background_is_not_asked() {
    let inside = Inside::new();
    let line = format!("set -m; {} & wait", inside.line());
    let _window = Window::of_shell(line);
    let why = "this process is not in the foreground of its terminal";
    assert_eq!(inside.seen().terminal, Terminal::Missing { why: why.into() });
}

/// A `tmux` server of its own, ended with the test.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    fn start(dir: &Path, argv: &[String]) -> Option<Self> {
        tool("tmux")?;
        let tmux = Self { socket: dir.join("tmux") };
        let new = ["-f", "/dev/null", "new-session", "-d", "-s", "first"];
        // As separate words: one word would need the user's login shell.
        assert!(tmux.run(&new.into_iter().chain(argv.iter().map(String::as_str)).collect::<Vec<&str>>()));
        Some(tmux)
    }

    fn argv(&self, arguments: &[&str]) -> Vec<String> {
        let socket = self.socket.to_str().unwrap();
        ["tmux", "-S", socket].iter().chain(arguments).map(|word| (*word).to_owned()).collect()
    }

    fn run(&self, arguments: &[&str]) -> bool {
        self.output(arguments).status.success()
    }

    fn output(&self, arguments: &[&str]) -> Output {
        process::tool("tmux").arg("-S").arg(&self.socket).args(arguments).output().unwrap()
    }

    /// Waits until so many clients are attached.
    fn wait_for_clients(&self, count: usize) {
        for _ in 0..PATIENCE {
            let output = self.output(&["list-clients"]);
            if output.stdout.iter().filter(|byte| **byte == b'\n').count() == count {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("no client came");
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

fn own_name() -> String {
    let exe = std::env::current_exe().unwrap();
    exe.file_name().unwrap().to_string_lossy().chars().take(64).collect()
}

fn detached() -> Holder {
    Holder::Detached { program: "tmux".into() }
}

#[test]
fn a_detached_tmux_shows_nobody_anything() {
    let inside = Inside::new();
    let Some(_tmux) = Tmux::start(inside.dir.path(), &inside.argv()) else { return };
    let seen = inside.seen();
    assert_eq!(seen.terminal, Terminal::Interactive);
    assert_eq!(seen.holder, detached());
}

#[test]
fn a_tmux_whose_only_client_is_forged_counts_as_detached() {
    let inside = Inside::waiting();
    let Some(tmux) = Tmux::start(inside.dir.path(), &inside.argv()) else { return };
    let Some(mut script) = tool("script") else { return };
    let attach = tmux.argv(&["attach"]).join(" ");
    let _client = start(script.args(["-qec", &attach, "/dev/null"]).env("TERM", "xterm"));
    tmux.wait_for_clients(1);
    inside.go();
    assert_eq!(inside.seen().holder, detached());
}

#[test]
fn a_tmux_that_a_terminal_shows_goes_on() {
    let inside = Inside::waiting();
    let Some(tmux) = Tmux::start(inside.dir.path(), &inside.argv()) else { return };
    let _client = Window::open(&tmux.argv(&["attach"]));
    tmux.wait_for_clients(1);
    inside.go();
    let clients = vec![Holder::Unknown { program: Some(own_name()) }];
    assert_eq!(inside.seen().holder, Holder::Multiplexer { program: "tmux".into(), clients });
}

#[test]
fn a_tmux_client_that_looks_at_another_window_sees_nothing() {
    let inside = Inside::waiting();
    let Some(tmux) = Tmux::start(inside.dir.path(), &inside.argv()) else { return };
    assert!(tmux.run(&["new-window", "-t", "first", "sleep", "60"]));
    let _client = Window::open(&tmux.argv(&["attach"]));
    tmux.wait_for_clients(1);
    inside.go();
    assert_eq!(inside.seen().holder, detached());
}

#[test]
fn a_tmux_that_cannot_be_asked_is_judged_by_the_terminals_it_draws_on() {
    let inside = Inside::waiting();
    let Some(tmux) = Tmux::start(inside.dir.path(), &inside.argv()) else { return };
    let _client = Window::open(&tmux.argv(&["attach"]));
    tmux.wait_for_clients(1);
    let hidden = tmux.socket.with_extension("hidden");
    fs::rename(&tmux.socket, &hidden).unwrap();
    inside.go();
    let seen = inside.seen();
    fs::rename(&hidden, &tmux.socket).unwrap();
    let clients = vec![Holder::Unknown { program: Some(own_name()) }];
    assert_eq!(seen.holder, Holder::Multiplexer { program: "tmux".into(), clients });
}

#[test]
fn a_screen_is_judged_by_the_terminals_it_draws_on() {
    if tool("screen").is_none() {
        return;
    }
    let inside = Inside::new();
    let sockets = TempDir::new().unwrap();
    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700)).unwrap();
    let directory = sockets.path().to_str().unwrap();
    let screen = |arguments: &str, inside: &Inside| {
        format!("SCREENDIR={directory} exec screen {arguments} {}", inside.line())
    };
    let _server = start(process::tool("/bin/sh").args(["-c", &screen("-D -m", &inside)]));
    assert_eq!(inside.seen().holder, Holder::Detached { program: "screen".into() });

    let inside = Inside::new();
    let _window = Window::of_shell(screen("", &inside));
    let clients = vec![Holder::Unknown { program: Some(own_name()) }];
    assert_eq!(inside.seen().holder, Holder::Multiplexer { program: "screen".into(), clients });
}

#[test]
fn what_su_passes_on_is_judged_by_the_terminal_before_it() {
    if !rustix::process::geteuid().is_root() {
        skip("`su` without a password");
        return;
    }
    let inside = Inside::new();
    let line = inside.line();
    let _window = Window::open(&["su", "--pty", "-s", "/bin/sh", "-c", &line].map(str::to_owned));
    let clients = vec![Holder::Unknown { program: Some(own_name()) }];
    assert_eq!(inside.seen().holder, Holder::Multiplexer { program: "su".into(), clients });

    let Some(mut script) = tool("script") else { return };
    let inside = Inside::new();
    let line = format!("su --pty -s /bin/sh -c '{}'", inside.line());
    let _running = start(script.args(["-qec", &line, "/dev/null"]));
    assert_eq!(inside.seen().holder, Holder::Detached { program: "su".into() });
}

#[test]
fn a_mark_that_was_taken_away_is_still_found_above() {
    let inside = Inside::new();
    let line = format!("env -u CLAUDECODE -u GITLAB_CI {}; true", inside.line());
    let mut shell = process::tool("/bin/sh");
    let parent = start(shell.args(["-c", &line]).env("CLAUDECODE", "1").env("GITLAB_CI", "true"));
    let seen = inside.seen();
    let name = fs::canonicalize("/bin/sh").unwrap().file_name().unwrap().to_string_lossy().into_owned();
    let place = format!("in its parent {} (`{name}`)", parent.0.id());
    assert_eq!(seen.agent, Some(format!("`CLAUDECODE` {place}")));
    // A runner above says little: only our own environment tells of one.
    assert_eq!(seen.ci, None);
    assert!(!seen.is_person_likely());
}

#[test]
fn an_agent_above_is_known_by_its_name() {
    let inside = Inside::new();
    let agent = inside.dir.path().join("claude");
    // By a process of its own: what this one writes, a child that another test starts may hold open, and it cannot be run.
    assert!(process::tool("cp").arg("/bin/sh").arg(&agent).status().unwrap().success());
    let parent = start(process::tool(&agent).args(["-c", &format!("{}; true", inside.line())]));
    assert_eq!(inside.seen().agent, Some(format!("its parent {} (`claude`)", parent.0.id())));
}

/// In a process of its own: it would hide this one from the tests beside it.
#[test]
#[ignore = "runs in a process that another test starts"]
fn hardened_inside() {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    let before = dumpable_behavior().unwrap();
    let hardened = harden();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    drop(hardened);
    assert_eq!(dumpable_behavior().unwrap(), before);
}

#[test]
fn hardening_closes_the_process_and_opens_it_again() {
    let exe = std::env::current_exe().unwrap();
    let name = "world::presence::tests::hardened_inside";
    let output = process::tool(exe).args(["--ignored", "--exact", name]).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("1 passed"));
    assert!(output.status.success());
}
