//! One run of the program whose effects are counted, and one of them may go wrong.

#![expect(clippy::disallowed_methods, reason = "the shim is built by the C compiler")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use crate::house::House;

/// What is preloaded.
static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary directory").keep();
    let (source, shim) = (dir.join("effects.c"), dir.join("effects.so"));
    fs::write(&source, include_str!("effects.c")).expect("the shim's source");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&shim)
        .arg(&source)
        .arg("-ldl");
    assert!(cc.status().expect("`cc`").success(), "the shim could not be built");
    shim
});

/// What goes wrong, and at which effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The number of the effect, from 1; 0 is none.
    pub(crate) at: usize,
    /// What happens there.
    pub(crate) kind: Kind,
}

/// What goes wrong at an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The program is killed before it.
    Before,
    /// The program is killed right after it.
    After,
    /// It fails, and no other does.
    Once,
    /// From here on there is no room.
    Full,
    /// From here on nothing can be written.
    Frozen,
    /// Nothing fails, but git throws away every object that no branch holds.
    Tidy,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Once => "once",
            Self::Full => "full",
            Self::Frozen => "frozen",
            Self::Tidy => "tidy",
        }
    }

    /// Whether the program does not see it coming.
    pub(crate) const fn kills(self) -> bool {
        matches!(self, Self::Before | Self::After)
    }
}

/// One change of the world.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Effect {
    /// What is done.
    pub(crate) name: String,
    /// To which file, where it is about one.
    pub(crate) path: String,
}

/// How a run ended, and what it changed.
pub(crate) struct Effects {
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub(crate) code: i32,
    /// Everything that was shown.
    pub(crate) shown: String,
    /// The effects, in their order; the last one that is there may have failed.
    pub(crate) effects: Vec<Effect>,
}

impl Effects {
    /// Runs the program at a terminal, and waits until all that it started is gone.
    #[track_caller]
    pub(crate) fn of(house: &House, words: &[&str], fault: Option<Fault>) -> Self {
        let (log, alive) = (house.world().join("effects"), house.world().join("alive"));
        mknodat(CWD, &alive, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let reader = rustix::fs::open(&alive, flags, Mode::empty()).unwrap();
        let (at, kind) = fault.map_or((0, "none"), |fault| (fault.at, fault.kind.word()));
        let told = format!("EFFECTS={} {} {at} {kind}", log.display(), alive.display());
        let preload = format!("LD_PRELOAD={}", SHIM.display());
        let terminal = house.at_terminal_with("alice", &[&preload, &told], words);
        let (code, shown) = terminal.answers_to_the_end();
        let patience = Timespec::try_from(Duration::from_secs(20)).unwrap();
        let mut ends = [PollFd::new(&reader, PollFlags::empty())];
        assert_eq!(poll(&mut ends, Some(&patience)).unwrap(), 1, "something that it started still runs");
        let text = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        fs::remove_file(&alive).unwrap();
        let effects = text.lines().map(|line| effect(line, house)).collect();
        Self { code, shown, effects }
    }
}

/// A line `NUMBER NAME PATH` of the shim; below the world, the path begins with `/`.
fn effect(line: &str, house: &House) -> Effect {
    let mut parts = line.splitn(3, ' ').skip(1);
    let name = parts.next().unwrap_or_default().to_owned();
    assert!(name != "UNTRAPPED" && name != "ESCAPED" && name != "map", "an effect escapes: {line}");
    let path = parts.next().unwrap_or_default();
    let world = house.world().display().to_string();
    Effect { name, path: path.strip_prefix(&world).unwrap_or(path).to_owned() }
}
