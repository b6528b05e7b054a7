//! The caller as it is seen from here: its terminal, the marks around it, and who holds the other end.

#[cfg(target_os = "linux")]
mod holder;
mod markers;
#[cfg(target_os = "linux")]
mod procfs;

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::getpgrp;
use rustix::termios::{isatty, tcgetpgrp};

use crate::gate::presence::{Holder, Presence, Terminal};

/// Looks at the caller once, without changing anything.
///
/// Look before [`harden`]: afterwards the kernel hides this process even from itself.
#[must_use]
pub fn look() -> Presence {
    let seen = markers::search();
    Presence { terminal: terminal(), ci: seen.ci, agent: seen.agent, holder: holder() }
}

#[cfg(target_os = "linux")]
fn holder() -> Holder {
    holder::of_this_process()
}

/// Other systems do not tell who holds a terminal: recorded, and the signature decides.
#[cfg(not(target_os = "linux"))]
fn holder() -> Holder {
    match terminal() {
        Terminal::Interactive => Holder::Unknown { program: None },
        Terminal::Missing { .. } => Holder::NoTerminal,
    }
}

fn terminal() -> Terminal {
    let problem = unfit(rustix::stdio::stdin(), "standard input")
        .or_else(|| unfit(rustix::stdio::stdout(), "standard output"))
        .or_else(|| unfit(rustix::stdio::stderr(), "standard error"));
    if let Some(why) = problem {
        return Terminal::Missing { why };
    }
    let why =
        match rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(tty) => unfit(&tty, "`/dev/tty`"),
            Err(error) => Some(format!("`/dev/tty` cannot be opened: {error}")),
        };
    why.map_or(Terminal::Interactive, |why| Terminal::Missing { why })
}

/// Why a stream is not the terminal in front of which we run.
///
/// The kernel names the foreground group only to processes which that terminal controls, so streams that pass are
/// all the same terminal.
fn unfit(stream: impl AsFd, name: &str) -> Option<String> {
    if !isatty(&stream) {
        return Some(format!("{name} is not a terminal"));
    }
    if is_master(&stream) {
        return Some(format!("{name} is the controlling end of a pseudo-terminal, not the terminal"));
    }
    match tcgetpgrp(&stream) {
        Ok(group) if group == getpgrp() => None,
        Ok(_) => Some("this process is not in the foreground of its terminal".to_owned()),
        Err(_) => Some(format!("{name} is a terminal, but not the one that controls this session")),
    }
}

/// A master answers for whatever its slave's session is, so it would pass for the terminal itself.
#[cfg(target_os = "linux")]
fn is_master(stream: impl AsFd) -> bool {
    /// `/dev/ptmx`, from the kernel's list of devices (Documentation/admin-guide/devices.txt).
    const PTMX: (u32, u32) = (5, 2);
    rustix::fs::fstat(stream)
        .is_ok_and(|stat| (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)) == PTMX)
}

#[cfg(not(target_os = "linux"))]
fn is_master(_stream: impl AsFd) -> bool {
    false
}

/// While it lives, other processes of the same user may neither trace this one nor read its memory.
#[derive(Debug)]
#[must_use = "the process is open to tracing again as soon as this is dropped"]
pub struct Hardened {
    #[cfg(target_os = "linux")]
    before: Option<rustix::process::DumpableBehavior>,
}

/// Closes this process to tracers and core dumps until the guard is dropped. Where the system cannot, it does nothing.
///
/// The terminal itself is closed to others by [`crate::world::terminal::Streams`] while it asks: `ssh-keygen` must be
/// able to open it in between.
#[cfg(target_os = "linux")]
pub fn harden() -> Hardened {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
    let before = dumpable_behavior().ok();
    let closed = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    Hardened { before: before.filter(|_| closed.is_ok()) }
}

/// Closes this process to tracers; this system has no such switch, so it does nothing.
#[cfg(not(target_os = "linux"))]
pub fn harden() -> Hardened {
    Hardened {}
}

#[cfg(target_os = "linux")]
impl Drop for Hardened {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // Nothing is lost when it fails: the process only stays closed.
            let _ = rustix::process::set_dumpable_behavior(before);
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
