//! Starts a program as nobody's child.
//!
//! The program looks at its ancestors, and what runs the tests may be an agent or CI. So `setsid` forks and ends, a
//! shell leads the new session, and it starts the program only once it was told that `setsid` is gone. The shell reports
//! through a named pipe, where the exit code outlives a closed terminal.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a test waits for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// `$1` is where the shell is told to begin, `$2` is where it says which process it is and how the program ended.
/// It outlives the keys and the hang-up that end the program; the program itself gets them as always.
const LEADER: &str = r#"trap : HUP INT QUIT
begin=$1 report=$2
shift 2
echo "$$" > "$report"
read -r go < "$begin"
"$@"
echo "$?" > "$report""#;

/// A program that runs, or has run.
pub(super) struct Launched {
    /// Held open, so that the word in it stays until the shell has read it.
    _begin: File,
    report: File,
    /// What the shell has reported: its process, then the exit code.
    reported: Vec<u8>,
}

impl Launched {
    /// Starts `program` by `setsid`, which has its environment, directory and streams already.
    #[track_caller]
    pub(super) fn start(setsid: &mut Command, pipes: &Path, program: &str, arguments: &[&str]) -> Self {
        let (begin, report) = (pipes.join("begin"), pipes.join("report"));
        let launched = Self { _begin: pipe(&begin), report: pipe(&report), reported: Vec::new() };
        setsid
            .args(["--fork", "/bin/sh", "-c", LEADER, "sh"])
            .arg(begin)
            .arg(report)
            .arg(program)
            .args(arguments);
        let status = setsid.status().expect("`setsid` of util-linux");
        assert!(status.success(), "`setsid` ended with {status}: is it that of util-linux?");
        rustix::io::write(&launched._begin, b"go\n").expect("a named pipe");
        launched
    }

    /// Waits for a report, or for the other source; answers whether that one has something. `None` when it took too long.
    pub(super) fn listen(
        &mut self,
        other: Option<&impl std::os::fd::AsFd>,
        deadline: Instant,
    ) -> Option<bool> {
        let mut sources = vec![PollFd::new(&self.report, PollFlags::IN)];
        sources.extend(other.map(|other| PollFd::new(other, PollFlags::IN)));
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a few seconds");
        match poll(&mut sources, Some(&left)) {
            Ok(0) => return None,
            Err(Errno::INTR) => return Some(false),
            ready => ready.expect("two sources that can be waited for"),
        };
        let ready: Vec<bool> = sources.iter().map(|source| !source.revents().is_empty()).collect();
        if ready[0] {
            let mut chunk = [0; 64];
            let count = rustix::io::read(&self.report, &mut chunk).expect("the shell's report");
            self.reported.extend_from_slice(&chunk[..count]);
        }
        Some(ready.get(1) == Some(&true))
    }

    /// A number that the shell has reported.
    fn number(&self, line: usize) -> Option<i32> {
        let text = std::str::from_utf8(&self.reported).expect("numbers");
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| line.trim_end().parse().expect("a number")).nth(line)
    }

    /// The process that leads the session and the program's group, once it is known.
    pub(super) fn leader(&self) -> Option<Pid> {
        self.number(0).map(|number| Pid::from_raw(number).expect("a process"))
    }

    /// The exit code, once there is one; 128 and the signal's number where a signal ended it.
    pub(super) fn status(&self) -> Option<i32> {
        self.number(1)
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.leader().is_none() && self.listen(None::<&File>, deadline).is_some() {}
        if let (Some(leader), None) = (self.leader(), self.status()) {
            // What has ended by itself needs nobody to end it.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// A named pipe, open both ways: so neither side waits for the other to open it.
pub(super) fn pipe(path: &Path) -> File {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a named pipe");
    OpenOptions::new().read(true).write(true).open(path).expect("a named pipe")
}
