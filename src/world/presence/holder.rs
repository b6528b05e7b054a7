//! Who holds the other end of a terminal, on Linux: the kernel tells it in `tty-index` of `/proc/PID/fdinfo`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::procfs::{self, Process, Tty};
use crate::gate::presence::{Holder, Kind, classify, program_name};
use crate::world::process;

/// Terminals within terminals that are followed; people do not nest deeper.
const DEPTH_MAX: usize = 4;
/// How often a terminal is looked at that changes hands.
const LOOKS: usize = 5;
/// How long a multiplexer may take to say who watches it.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// The longest answer of a multiplexer that is read, in bytes: thousands of panes.
const ANSWER_MAX: u64 = 1 << 20;

/// The holder of the terminal that controls this process.
pub(super) fn of_this_process() -> Holder {
    let Some(myself) = procfs::myself() else { return Holder::Unknown { program: None } };
    // Who holds a pseudo-terminal is asked of every process there is: only where there is one to be held.
    let Tty::Pty(index) = myself.terminal else { return Held::default().holder(myself.terminal, 0) };
    match settled(index) {
        Holder::Unknown { program: None } => Holder::Unknown { program: hidden_holder(&myself) },
        holder => holder,
    }
}

/// The holder of a pseudo-terminal, looked at again while a process that held it has let go of it meanwhile: a terminal
/// that starts a program shares it with the child until that is another program. The last look counts as it is.
fn settled(index: u32) -> Holder {
    let mut left = LOOKS;
    loop {
        let held = Held { masters: procfs::masters() };
        let holder = held.holder(Tty::Pty(index), 0);
        left -= 1;
        let mut pids = held.masters.get(&index).into_iter().flatten();
        if left == 0 || pids.all(|pid| procfs::holds(*pid, index)) {
            return holder;
        }
    }
}

/// The nearest process above that runs elsewhere and may not be looked into: most likely the one that holds our
/// terminal, such as the `sshd` of another user.
fn hidden_holder(myself: &Process) -> Option<String> {
    let outside = procfs::ancestors().into_iter().find(|process| process.terminal != myself.terminal)?;
    procfs::is_closed(outside.pid).then(|| name(&outside))
}

fn name(process: &Process) -> String {
    program_name(process.exe.as_deref(), &process.comm)
}

/// Who held which pseudo-terminal at one moment.
#[derive(Default)]
struct Held {
    masters: BTreeMap<u32, BTreeSet<u32>>,
}

impl Held {
    fn holder(&self, tty: Tty, depth: usize) -> Holder {
        let index = match tty {
            Tty::None => return Holder::NoTerminal,
            Tty::Line => return Holder::Console,
            Tty::OldPty => return Holder::Unknown { program: None },
            Tty::Pty(index) => index,
        };
        let pids = self.masters.get(&index).into_iter().flatten();
        let holders =
            pids.filter_map(|pid| procfs::process(*pid)).map(|process| self.judge(&process, index, depth));
        Holder::worst(holders.collect()).unwrap_or(Holder::Unknown { program: None })
    }

    /// What one process is that holds the pseudo-terminal of this index.
    fn judge(&self, process: &Process, index: u32, depth: usize) -> Holder {
        let program = name(process);
        let screens = match classify(process.exe.as_deref(), &process.comm) {
            Kind::Terminal => return Holder::Terminal { program },
            Kind::Program => return Holder::NotATerminal { program },
            Kind::Unknown => return Holder::Unknown { program: Some(program) },
            _ if depth >= DEPTH_MAX => return Holder::Unknown { program: Some(program) },
            Kind::Relay => BTreeSet::from([process.terminal]),
            Kind::Tmux => {
                tmux_clients(process.pid, index).unwrap_or_else(|| self.open_terminals(process.pid))
            }
            Kind::Screen => self.open_terminals(process.pid),
        };
        let clients: Vec<Holder> = screens.into_iter().map(|tty| self.holder(tty, depth + 1)).collect();
        if clients.iter().all(|client| client.problem().is_some()) {
            return Holder::Detached { program };
        }
        Holder::Multiplexer { program, clients }
    }

    /// The terminals that a multiplexer has open besides those it holds itself: the ones it draws on.
    fn open_terminals(&self, pid: u32) -> BTreeSet<Tty> {
        let own = |index: &u32| self.masters.get(index).is_some_and(|pids| pids.contains(&pid));
        procfs::links(pid)
            .iter()
            .filter_map(|(_, target)| Tty::from_path(target.to_str()?))
            .filter(|tty| !matches!(tty, Tty::Pty(index) if own(index)))
            .collect()
    }
}

/// The terminals of the clients that show the pane of this pseudo-terminal; `None` when the server does not say.
fn tmux_clients(server: u32, index: u32) -> Option<BTreeSet<Tty>> {
    let socket = procfs::listening_socket(server)?;
    parse_tmux(&ask_tmux(&socket)?, index)
}

/// Lines of `pane WINDOW TTY` and `client WINDOW TTY`. A client counts when its current window holds our pane: one
/// that is attached but looks elsewhere does not see what is asked here.
fn parse_tmux(answer: &str, index: u32) -> Option<BTreeSet<Tty>> {
    let rows = |kind: &'static str| {
        answer.lines().filter_map(move |line| line.strip_prefix(kind)?.trim_start().split_once(' '))
    };
    let is_ours = |path: &str| Tty::from_path(path) == Some(Tty::Pty(index));
    let windows: BTreeSet<&str> =
        rows("pane ").filter(|(_, tty)| is_ours(tty)).map(|(window, _)| window).collect();
    if windows.is_empty() {
        return None;
    }
    let watching = rows("client ").filter(|(window, _)| windows.contains(window));
    Some(watching.filter_map(|(_, tty)| Tty::from_path(tty)).collect())
}

/// What the server behind this socket answers within the time it has.
fn ask_tmux(socket: &Path) -> Option<String> {
    let program = process::find("tmux").ok()?;
    let mut child = process::tool(program)
        .arg("-S")
        .arg(socket)
        .args(["list-panes", "-a", "-F", "pane #{window_id} #{pane_tty}", ";"])
        .args(["list-clients", "-F", "client #{window_id} #{client_tty}"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(ANSWER_MAX).read_to_string(&mut text);
        // Nobody listens any more when the time was up.
        let _ = sender.send(read.map(|_| text));
    });
    let answer = receiver.recv_timeout(ANSWER_TIME);
    if answer.is_err() {
        // It may have ended by itself; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    answer.ok()?.ok().filter(|_| status.success())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::procfs::Tty;
    use super::parse_tmux;

    const ANSWER: &str =
        "pane @0 /dev/pts/3\npane @1 /dev/pts/4\nclient @1 /dev/pts/9\nclient @0 /dev/tty2\n";

    #[test]
    fn only_a_client_that_shows_our_window_counts() {
        assert_eq!(parse_tmux(ANSWER, 4), Some(BTreeSet::from([Tty::Pty(9)])));
        assert_eq!(parse_tmux(ANSWER, 3), Some(BTreeSet::from([Tty::Line])));
    }

    #[test]
    fn no_client_is_an_answer_and_no_pane_is_none() {
        assert_eq!(parse_tmux("pane @0 /dev/pts/3\n", 3), Some(BTreeSet::new()));
        assert_eq!(parse_tmux("pane @0 /dev/pts/3\nclient @0 \n", 3), Some(BTreeSet::new()));
        assert_eq!(parse_tmux(ANSWER, 7), None);
        assert_eq!(parse_tmux("", 3), None);
    }
}
