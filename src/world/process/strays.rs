//! What leaves the group of a step: a child that forks away, or begins a session of its own.
//!
//! On Linux this process takes in such orphans while a step runs (`PR_SET_CHILD_SUBREAPER`), so that it can name them,
//! and end them with a step that is ended. Only its own children are ever told anything: their numbers cannot be given to
//! another process before they are reaped here. Elsewhere they are not found.

#[cfg(target_os = "linux")]
pub(super) use self::linux::Strays;
#[cfg(not(target_os = "linux"))]
pub(super) use self::nowhere::Strays;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeSet, HashSet};
    use std::fs;
    use std::thread;
    use std::time::Duration;

    use rustix::process::{
        Pid, Signal, WaitOptions, getpgid, getpid, kill_process, set_child_subreaper, waitpid,
    };

    use crate::world::clock::Stopwatch;

    /// How often ended orphans are buried.
    const ROUND: Duration = Duration::from_secs(1);
    /// How often those that were told to end are looked at.
    const GLANCE: Duration = Duration::from_millis(50);
    /// How long killed ones are awaited: the kernel may be busy with their memory.
    const BURIAL: Duration = Duration::from_secs(5);

    /// The orphans of a step.
    pub(in super::super) struct Strays {
        /// Children that this process had before.
        before: BTreeSet<i32>,
        leader: i32,
        round: Stopwatch,
        told: HashSet<Pid>,
    }

    impl Strays {
        /// From now on orphans come to this process. Begin it before the step.
        pub(in super::super) fn begin() -> Self {
            // Where that is forbidden, they are not found, and everything else goes on.
            let _ = set_child_subreaper(Some(getpid()));
            Self {
                before: children().into_iter().collect(),
                leader: 0,
                round: Stopwatch::start(),
                told: HashSet::new(),
            }
        }

        /// This is the step itself.
        pub(in super::super) fn led_by(mut self, leader: u32) -> Self {
            self.leader = i32::try_from(leader).unwrap_or_default();
            self
        }

        /// Buries those that have ended, once in a while.
        pub(in super::super) fn bury(&mut self) {
            if self.round.elapsed() > ROUND {
                self.round = Stopwatch::start();
                self.living();
            }
        }

        /// The orphans that run.
        pub(in super::super) fn living(&self) -> Vec<Pid> {
            children()
                .into_iter()
                .filter(|pid| *pid != self.leader && !self.before.contains(pid))
                .filter_map(Pid::from_raw)
                .filter(|pid| matches!(waitpid(Some(*pid), WaitOptions::NOHANG), Ok(None)))
                .collect()
        }

        /// Those of them that have left the group, which is told as a whole.
        fn away(&self) -> Vec<Pid> {
            let mut living = self.living();
            living.retain(|pid| getpgid(Some(*pid)).ok() != Pid::from_raw(self.leader));
            living
        }

        /// Tells them, and wakes who was stopped.
        pub(in super::super) fn tell(&mut self, signal: Signal) {
            for pid in self.away() {
                self.told.insert(pid);
                tell(pid, signal);
            }
        }

        /// Ends them all, with what they leave behind in turn: told first, killed where that takes longer than `grace`
        /// since they were told. Answers how many there were.
        pub(in super::super) fn end(&mut self, since: &Stopwatch, grace: Duration) -> usize {
            loop {
                let away = self.away();
                if away.is_empty() || since.elapsed() > grace + BURIAL {
                    return self.told.len();
                }
                for pid in away {
                    if since.elapsed() > grace {
                        tell(pid, Signal::KILL);
                        self.told.insert(pid);
                    } else if self.told.insert(pid) {
                        tell(pid, Signal::TERM);
                    }
                }
                thread::sleep(GLANCE);
            }
        }
    }

    impl Drop for Strays {
        fn drop(&mut self) {
            let _ = set_child_subreaper(None);
        }
    }

    fn tell(pid: Pid, signal: Signal) {
        // One that has ended is what was wanted.
        let _ = kill_process(pid, signal);
        let _ = kill_process(pid, Signal::CONT);
    }

    /// The children of this process, also those that have ended and are not buried.
    fn children() -> Vec<i32> {
        let own = getpid().as_raw_nonzero().get();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| parent(*pid) == Some(own)).collect()
    }

    fn parent(pid: i32) -> Option<i32> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name between the parentheses may hold anything.
        let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
        let fields = std::str::from_utf8(stat.get(name_ends + 1..)?).ok()?;
        fields.split_ascii_whitespace().nth(1)?.parse().ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::time::Duration;

    use rustix::process::{Pid, Signal};

    use crate::world::clock::Stopwatch;

    pub(in super::super) struct Strays;

    impl Strays {
        pub(in super::super) fn begin() -> Self {
            Self
        }

        pub(in super::super) fn led_by(self, _leader: u32) -> Self {
            self
        }

        pub(in super::super) fn bury(&mut self) {}

        pub(in super::super) fn living(&self) -> Vec<Pid> {
            vec![]
        }

        pub(in super::super) fn tell(&mut self, _signal: Signal) {}

        pub(in super::super) fn end(&mut self, _since: &Stopwatch, _grace: Duration) -> usize {
            0
        }
    }
}
