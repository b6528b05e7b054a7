//! Other programs, and what this process was given: the one place that spawns and reads the environment.

#![expect(clippy::disallowed_methods, reason = "the one legal place for `Command::new` and the environment")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A variable of this process's environment, where it is set and not empty.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
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
    for name in TOOL_VARIABLES {
        if let Some(value) = variable(name) {
            command.env(name, value);
        }
    }
    command
}

/// The first executable of this name on `PATH`, as an absolute path.
///
/// # Errors
/// When no directory of `PATH` holds it.
pub fn find(program: &str) -> io::Result<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{program}` is not on PATH")))
}
