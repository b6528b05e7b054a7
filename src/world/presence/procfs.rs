//! What Linux tells of processes and the pseudo-terminals they hold, under `/proc`.
//!
//! Whatever cannot be read is left out: a process may end, or belong to somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One process, as far as it may be looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// Its controlling terminal.
    pub(super) terminal: Tty,
    /// The kernel's name for it: at most 15 bytes, its own to choose.
    pub(super) comm: String,
    /// Its executable; `None` where it may not be read.
    pub(super) exe: Option<PathBuf>,
}

/// A terminal device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tty {
    None,
    /// A pseudo-terminal, `/dev/pts/N`.
    Pty(u32),
    /// A pseudo-terminal of the BSD kind, whose holder the kernel does not tell.
    OldPty,
    /// A console or a line: something the kernel itself drives.
    Line,
}

/// More generations than any real session has; a loop ends here.
const ANCESTORS_MAX: usize = 128;

impl Tty {
    /// From `tty_nr` of `/proc/PID/stat`: minor bits 31–20 and 7–0, major bits 19–8 (proc(5)).
    fn from_number(number: u32) -> Self {
        let major = (number >> 8) & 0xfff;
        let minor = (number & 0xff) | ((number >> 12) & 0xf_ff00);
        // Majors from the kernel's list of devices (Documentation/admin-guide/devices.txt).
        match major {
            0 => Self::None,
            136..=143 => Self::Pty((major - 136) * 256 + minor),
            2 | 3 => Self::OldPty,
            _ => Self::Line,
        }
    }

    /// From a device's path, `/dev/pts/N` or another under `/dev/`.
    pub(super) fn from_path(path: &str) -> Option<Self> {
        match path.strip_prefix("/dev/pts/") {
            Some(index) => index.parse().ok().map(Self::Pty),
            None => path.starts_with("/dev/tty").then_some(Self::Line),
        }
    }
}

/// One process by its number.
pub(super) fn process(pid: u32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok();
    Some(Process { exe, ..parse_stat(pid, &String::from_utf8_lossy(&stat))? })
}

/// `pid (comm) state ppid pgrp session tty_nr …`, where `comm` may hold spaces and parentheses.
fn parse_stat(pid: u32, stat: &str) -> Option<Process> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, comm) = before.split_once('(')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let number: i32 = fields.get(4)?.parse().ok()?;
    let terminal = Tty::from_number(number.cast_unsigned());
    Some(Process { pid, parent, terminal, comm: comm.to_owned(), exe: None })
}

/// This process.
pub(super) fn myself() -> Option<Process> {
    process(std::process::id())
}

/// The parent of this process, its parent and so on up to process 1, nearest first.
pub(super) fn ancestors() -> Vec<Process> {
    let above = |child: &Process| (child.parent != 0).then(|| process(child.parent)).flatten();
    let first = myself().as_ref().and_then(above);
    std::iter::successors(first, above).take(ANCESTORS_MAX).collect()
}

/// The environment a process was started with; empty where it may not be read.
pub(super) fn environment(pid: u32) -> BTreeMap<String, String> {
    parse_environment(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default())
}

fn parse_environment(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether the open files of a process may not be listed.
pub(super) fn is_closed(pid: u32) -> bool {
    fs::read_dir(format!("/proc/{pid}/fd")).is_err()
}

/// Every process that may be read, by the number of each pseudo-terminal whose master it holds.
pub(super) fn masters() -> BTreeMap<u32, BTreeSet<u32>> {
    let our_mounts = mounts();
    let mut held: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for pid in pids() {
        for index in held_by(pid, &our_mounts) {
            held.entry(index).or_default().insert(pid);
        }
    }
    held
}

/// Whether a process holds the master of this pseudo-terminal now.
pub(super) fn holds(pid: u32, index: u32) -> bool {
    held_by(pid, &mounts()).contains(&index)
}

fn held_by(pid: u32, our_mounts: &BTreeSet<u32>) -> BTreeSet<u32> {
    let ptmx = |(_, target): &(String, PathBuf)| target.file_name().is_some_and(|name| name == "ptmx");
    let masters = links(pid).into_iter().filter(ptmx).filter_map(|(fd, _)| master(pid, &fd));
    let ours = |master: &Master| our_mounts.contains(&master.mount) || !is_elsewhere(pid);
    masters.filter(ours).map(|master| master.index).collect()
}

/// Where the open files of a process lead, each with its descriptor.
pub(super) fn links(pid: u32) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let link = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().into_string().ok()?, target))
    };
    entries.flatten().filter_map(link).collect()
}

fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

struct Master {
    index: u32,
    mount: u32,
}

fn master(pid: u32, fd: &str) -> Option<Master> {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some(Master { index: field("tty-index:")?, mount: field("mnt_id:")? })
}

/// The mounts of this process: a master opened through one of them is of our own pseudo-terminals.
fn mounts() -> BTreeSet<u32> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

/// Whether a process has other pseudo-terminals than ours, as containers do: their numbers start again at 0.
fn is_elsewhere(pid: u32) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|data| data.dev()).ok();
    let theirs = PathBuf::from(format!("/proc/{pid}/root/dev/pts"));
    matches!((device(Path::new("/dev/pts")), device(&theirs)), (Some(ours), Some(theirs)) if ours != theirs)
}

/// The path of the socket on which a process listens, where it has exactly such a one in the file system.
pub(super) fn listening_socket(pid: u32) -> Option<PathBuf> {
    let inode = |target: &Path| {
        let text = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        text.parse().ok()
    };
    let own: BTreeSet<u64> = links(pid).iter().filter_map(|(_, target)| inode(target)).collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/unix")).ok()?;
    table
        .lines()
        .find_map(|line| parse_listener(line).filter(|(inode, _)| own.contains(inode)))
        .map(|(_, path)| path)
}

/// One line of `/proc/net/unix`, `Num RefCount Protocol Flags Type St Inode Path`, if it is a listener with a path.
fn parse_listener(line: &str) -> Option<(u64, PathBuf)> {
    /// `__SO_ACCEPTCON`: the socket listens.
    const LISTENS: &str = "00010000";
    let mut fields = line.split_ascii_whitespace();
    let flags = fields.nth(3)?;
    let inode: u64 = fields.nth(2)?.parse().ok()?;
    // The path is the rest of the line and may hold spaces.
    let (_, path) = line.split_once(&format!(" {inode} "))?;
    (flags == LISTENS && path.starts_with('/')).then(|| (inode, PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::{any, proptest};

    use super::{Process, Tty, parse_environment, parse_listener, parse_stat};

    #[test]
    fn a_process_name_cannot_forge_the_fields_behind_it() {
        let seen = parse_stat(7, "7 (a) R 1 2) S 4 5 6 34817 7 0\n");
        let comm = "a) R 1 2".to_owned();
        assert_eq!(seen, Some(Process { pid: 7, parent: 4, terminal: Tty::Pty(1), comm, exe: None }));
    }

    #[test]
    fn a_terminal_is_told_by_its_device_number() {
        for (number, tty) in [
            (0, Tty::None),
            (34816, Tty::Pty(0)),
            (34816 + 255, Tty::Pty(255)),
            ((1 << 20) + 34816, Tty::Pty(256)),
            (0x8900, Tty::Pty(256)),
            (0x0401, Tty::Line),
            (0x0440, Tty::Line),
            (0x0300, Tty::OldPty),
        ] {
            assert_eq!(Tty::from_number(number), tty, "{number}");
        }
    }

    #[test]
    fn a_terminal_is_told_by_its_path() {
        assert_eq!(Tty::from_path("/dev/pts/12"), Some(Tty::Pty(12)));
        assert_eq!(Tty::from_path("/dev/tty1"), Some(Tty::Line));
        assert_eq!(Tty::from_path("/dev/pts/ptmx"), None);
        assert_eq!(Tty::from_path("/dev/null"), None);
        assert_eq!(Tty::from_path(""), None);
    }

    #[test]
    fn an_environment_keeps_what_follows_the_first_equals_sign() {
        let seen = parse_environment(b"A=1=2\0broken\0B=\0");
        let pairs: Vec<(&str, &str)> = seen.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("A", "1=2"), ("B", "")]);
    }

    #[test]
    fn only_a_listener_with_a_path_is_a_server() {
        let line = "000000006f0b7121: 00000002 00000000 00010000 0001 01 30192 /tmp/tmux-0/a b";
        assert_eq!(parse_listener(line), Some((30192, PathBuf::from("/tmp/tmux-0/a b"))));
        let connected = "000000006f0b7121: 00000003 00000000 00000000 0001 03 30192 /tmp/tmux-0/pp";
        assert_eq!(parse_listener(connected), None);
        assert_eq!(
            parse_listener("000000006f0b7121: 00000002 00000000 00010000 0001 01 30192 @abstract"),
            None
        );
        assert_eq!(parse_listener("000000006f0b7121: 00000002 00000000 00010000 0001 01 30192"), None);
    }

    proptest! {
        #[test]
        fn no_text_of_the_kernel_panics(text in any::<String>(), number in any::<u32>()) {
            let _ = (parse_stat(1, &text), parse_listener(&text), Tty::from_path(&text));
            let _ = (parse_environment(text.as_bytes()), Tty::from_number(number));
        }
    }
}
