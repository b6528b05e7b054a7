//! Whether a person sits at the other end: what was seen of the caller, and what each sight means.
//!
//! Nothing here proves a person: the signature does. These are the early refusals before it.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// What was seen of the caller at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Whether the standard streams are the caller's own terminal.
    pub terminal: Terminal,
    /// The CI marker that was found and where, as in "`GITLAB_CI` in this process".
    pub ci: Option<String>,
    /// The agent marker that was found and where, as in "`CLAUDECODE` in its parent 123 (`node`)".
    pub agent: Option<String>,
    /// Who holds the other end of the terminal.
    pub holder: Holder,
}

/// Whether somebody could type and read here at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Terminal {
    /// Standard input, output, error and `/dev/tty` are the terminal that controls us, and we are in front.
    Interactive,
    /// One of them is not.
    Missing {
        /// The first thing that was wrong, as a sentence.
        why: String,
    },
}

/// Who holds the other end of the terminal: what types there, and what reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// The kernel: a virtual console or a serial line.
    Console,
    /// A known terminal emulator, or a server that brings one from afar.
    Terminal {
        /// Its name.
        program: String,
    },
    /// A program that passes on what other terminals type.
    Multiplexer {
        /// Its name.
        program: String,
        /// Who holds each terminal that shows this one; at least one must be real.
        clients: Vec<Holder>,
    },
    /// Nobody we know, or nobody we may see: recorded, and the signature decides.
    Unknown {
        /// Its name, where it could be read.
        program: Option<String>,
    },
    /// An interpreter, a recorder or another program that types by itself.
    NotATerminal {
        /// Its name.
        program: String,
    },
    /// A multiplexer that no real terminal shows.
    Detached {
        /// Its name.
        program: String,
    },
    /// There is no terminal.
    NoTerminal,
}

impl Presence {
    /// Whether nothing speaks against a person; never a proof of one.
    #[must_use]
    pub fn is_person_likely(&self) -> bool {
        self.terminal_problem().is_none()
            && self.ci_problem().is_none()
            && self.agent_problem().is_none()
            && self.holder_problem().is_none()
    }

    /// Why nobody can type here, as a sentence (`human.terminal`).
    #[must_use]
    pub fn terminal_problem(&self) -> Option<String> {
        match &self.terminal {
            Terminal::Interactive => None,
            Terminal::Missing { why } => Some(why.clone()),
        }
    }

    /// Which mark of continuous integration was found, as a sentence (`human.ci`).
    #[must_use]
    pub fn ci_problem(&self) -> Option<String> {
        self.ci.as_ref().map(|found| format!("continuous integration runs this: found {found}"))
    }

    /// Which mark of an agent was found, as a sentence (`human.agent`).
    #[must_use]
    pub fn agent_problem(&self) -> Option<String> {
        self.agent.as_ref().map(|found| format!("an agent runs this: found {found}"))
    }

    /// Why the holder of the terminal is not a terminal, as a sentence (`human.pty`). That there is no terminal at all
    /// is said once, by [`Presence::terminal_problem`].
    #[must_use]
    pub fn holder_problem(&self) -> Option<String> {
        match &self.holder {
            Holder::NoTerminal if self.terminal_problem().is_some() => None,
            holder => holder.problem(),
        }
    }
}

impl Holder {
    /// Why no person types through this holder, as a sentence; `None` where one may.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Console | Self::Terminal { .. } | Self::Unknown { .. } => None,
            Self::Multiplexer { clients, .. } if clients.iter().any(|client| client.problem().is_none()) => {
                None
            }
            Self::Multiplexer { program, .. } | Self::Detached { program } => {
                Some(format!("no real terminal shows what runs in this `{program}`"))
            }
            Self::NotATerminal { program } => {
                Some(format!("the terminal is held by `{program}`, a program that types by itself"))
            }
            Self::NoTerminal => Some("there is no terminal".to_owned()),
        }
    }

    /// The one that counts where several processes hold the same terminal: the worst; `None` of none.
    #[must_use]
    pub fn worst(holders: Vec<Self>) -> Option<Self> {
        holders.into_iter().max_by_key(Self::severity)
    }

    /// How little the holder is to be believed: 0 is the kernel itself.
    fn severity(&self) -> u8 {
        match self {
            Self::Console => 0,
            Self::Terminal { .. } => 1,
            Self::Multiplexer { .. } if self.problem().is_none() => 2,
            Self::Unknown { .. } => 3,
            Self::Multiplexer { .. } | Self::Detached { .. } => 4,
            Self::NotATerminal { .. } => 5,
            Self::NoTerminal => 6,
        }
    }
}

/// What kind of program holds a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A terminal emulator, or a server that brings one from afar.
    Terminal,
    /// It opens a terminal in front of its own and passes every key on, as `sudo` does.
    Relay,
    /// A `tmux` server.
    Tmux,
    /// A `screen` server.
    Screen,
    /// It types by itself: an interpreter, a recorder, an agent.
    Program,
    /// None of those we know.
    Unknown,
}

/// Terminal emulators, editors' terminals and remote logins, by the name of the executable.
const TERMINALS: &[&str] = &[
    "alacritty",
    "aterm",
    "blackbox-terminal",
    "code",
    "code-insiders",
    "codium",
    "contour",
    "cool-retro-term",
    "cosmic-term",
    "cursor",
    "deepin-terminal",
    "dropbear",
    "eterm",
    "foot",
    "ghostty",
    "gnome-terminal",
    "gnome-terminal-server",
    "hyper",
    "io.elementary.terminal",
    "kgx",
    "kitty",
    "konsole",
    "lxterminal",
    "mate-terminal",
    "mlterm",
    "mosh-server",
    "ptyxis",
    "ptyxis-agent",
    "qterminal",
    "rio",
    "roxterm",
    "rxvt",
    "sakura",
    "sshd",
    "sshd-session",
    "st",
    "tabby",
    "tailscaled",
    "terminology",
    "tilda",
    "tilix",
    "urxvt",
    "urxvtd",
    "uxterm",
    "vscodium",
    "warp",
    "warp-terminal",
    "waveterm",
    "wezterm-gui",
    "windsurf",
    "xfce4-terminal",
    "xterm",
    "yakuake",
    "zed",
    "zed-editor",
    "zutty",
];

/// Programs that stand between a terminal and what they start, and only pass on.
const RELAYS: &[&str] = &["run0", "su", "sudo", "sudo-rs", "systemd-run"];

/// Interpreters, shells, recorders and drivers: none of them is a screen and a keyboard.
const PROGRAMS: &[&str] = &[
    "R",
    "ash",
    "asciinema",
    "autoexpect",
    "awk",
    "bash",
    "beam.smp",
    "bun",
    "busybox",
    "cat",
    "dash",
    "deno",
    "dotnet",
    "elvish",
    "empty",
    "expect",
    "faketty",
    "fish",
    "gawk",
    "guile",
    "java",
    "julia",
    "ksh",
    "lua",
    "luajit",
    "mksh",
    "node",
    "nodejs",
    "nu",
    "perl",
    "php",
    "powershell",
    "pwsh",
    "pypy",
    "python",
    "racket",
    "ruby",
    "sbcl",
    "script",
    "scriptlive",
    "scriptreplay",
    "sexpect",
    "sh",
    "socat",
    "tclsh",
    "termrec",
    "ttyrec",
    "unbuffer",
    "vhs",
    "wish",
    "yash",
    "zsh",
];

/// Coding agents, by the name of the executable or of the process.
const AGENTS: &[&str] = &[
    "aider",
    "claude",
    "codex",
    "copilot",
    "crush",
    "cursor-agent",
    "gemini",
    "goose",
    "opencode",
    "openhands",
    "qwen",
];

/// Terminals that are written in an interpreted language, by the name of the process.
const INTERPRETED_TERMINALS: &[&str] = &["ddterm", "guake", "terminator"];

/// Directories of editors that bring their own interpreter to hold their terminals.
const EDITOR_DIRECTORIES: &[&str] = &[
    ".cursor-server",
    ".vscode-remote",
    ".vscode-server",
    ".vscode-server-insiders",
    ".vscodium-server",
    ".windsurf-server",
    "jbr",
];

/// The longest name the kernel keeps for a process, in bytes (`TASK_COMM_LEN` less its end mark).
const COMM_MAX: usize = 15;
/// The longest name of a program that is shown or recorded, in characters.
const SHOWN_MAX: usize = 64;

/// The kind of a process, from its executable (`None` where it may not be read) and its kernel name.
///
/// The executable counts first: the kernel name is the process's own to choose, so it may only make things worse.
#[must_use]
pub fn classify(exe: Option<&Path>, comm: &str) -> Kind {
    let Some(exe) = exe else { return kind_of_name(comm) };
    match kind_of_name(&base_name(exe)) {
        Kind::Program if is_interpreted_terminal(exe, comm) => Kind::Unknown,
        Kind::Unknown => match kind_of_name(comm) {
            Kind::Terminal => Kind::Unknown,
            kind => kind,
        },
        kind => kind,
    }
}

/// Whether a process is a known coding agent, by the same two names.
#[must_use]
pub fn is_agent(exe: Option<&Path>, comm: &str) -> bool {
    let exe = exe.map(base_name).unwrap_or_default();
    AGENTS.contains(&stem(&exe)) || AGENTS.contains(&stem(comm))
}

/// The name of a process as it is shown and recorded: printable ASCII, at most 64 characters.
#[must_use]
pub fn program_name(exe: Option<&Path>, comm: &str) -> String {
    let name = exe.map(base_name).filter(|name| !name.is_empty()).unwrap_or_else(|| comm.to_owned());
    let plain = |c: char| c == ' ' || (c.is_ascii_graphic() && c != '`');
    let escaped: Vec<String> = name
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("\\u{{{:x}}}", u32::from(c)) })
        .collect();
    escaped.concat().chars().take(SHOWN_MAX).collect()
}

fn kind_of_name(name: &str) -> Kind {
    let stem = stem(name);
    let is_one_of = |list: &[&str]| list.iter().any(|known| *known == name || *known == stem);
    let is_cut_short = name.len() == COMM_MAX && TERMINALS.iter().any(|known| known.starts_with(name));
    match stem {
        _ if is_one_of(PROGRAMS) || is_one_of(AGENTS) => Kind::Program,
        _ if is_one_of(RELAYS) => Kind::Relay,
        _ if is_one_of(TERMINALS) || is_cut_short => Kind::Terminal,
        "tmux" => Kind::Tmux,
        "screen" | "SCREEN" => Kind::Screen,
        _ => Kind::Unknown,
    }
}

/// A name without the version at its end, and `tmux: server` without its role.
fn stem(name: &str) -> &str {
    let name = name.split_once(": ").map_or(name, |(program, _role)| program);
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-')
}

/// The file name of an executable, without what upgrades (` (deleted)`) and wrappers (`.x-wrapped`) add.
fn base_name(exe: &Path) -> String {
    let name = exe.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
    let wrapped = name.strip_prefix('.').and_then(|name| name.strip_suffix("-wrapped"));
    wrapped.unwrap_or(name).to_owned()
}

fn is_interpreted_terminal(exe: &Path, comm: &str) -> bool {
    let in_editor = exe
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .any(|part| EDITOR_DIRECTORIES.iter().any(|known| part.as_os_str() == *known));
    in_editor || INTERPRETED_TERMINALS.contains(&comm)
}

#[cfg(test)]
mod tests;
