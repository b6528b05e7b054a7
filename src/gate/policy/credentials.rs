//! `credentials`: the command that gives the steps their secrets.

use std::time::Duration;

use serde::Serialize;

use super::check::{Checker, bad_variable};
use super::{Step, seconds};
use crate::gate::config::RawCredentials;

/// A minute is long for a password store, and short enough to notice that it waits for somebody.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Its name where the name of a step would stand.
pub const CREDENTIALS: &str = "credentials";

/// The command whose output is the secrets of the steps, and of nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// The program, a path, and its arguments.
    pub exec: Vec<String>,
    /// How long it may take, in seconds.
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
}

impl Credentials {
    /// The command as it is run.
    #[must_use]
    pub fn step(&self) -> Step {
        Step { name: CREDENTIALS.to_owned(), run: self.exec.clone(), timeout: self.timeout, migration: false }
    }
}

impl Checker {
    pub(super) fn credentials(&mut self, path: &str, raw: RawCredentials) -> Credentials {
        let RawCredentials { exec, timeout } = raw;
        self.command(&format!("{path}.exec"), &exec);
        if exec.first().is_some_and(|program| !program.is_empty() && !program.contains('/')) {
            self.problem(
                format!("{path}.exec"),
                "name one of the approved files, such as `./ops/secrets.sh`, or a program by its whole path",
            );
        }
        let timeout = self.duration(&format!("{path}.timeout"), timeout.as_deref(), TIMEOUT);
        Credentials { exec, timeout }
    }
}

/// Why a variable of this name cannot be given to the steps, if it cannot.
#[must_use]
pub fn refused_variable(name: &str) -> Option<String> {
    bad_variable(name)
}

#[cfg(test)]
mod tests {
    use crate::gate::fixture::{checked, config, production};

    #[test]
    fn credentials_are_a_command_by_its_path_within_a_time() {
        assert!(checked(&config(&[])).unwrap().environments[&production()].credentials.is_none());
        for (words, problem) in [
            ("{ exec: [] }", "name the program and its arguments, such as `[\"./ops/release.sh\"]`"),
            (
                "{ exec: [vault] }",
                "name one of the approved files, such as `./ops/secrets.sh`, or a program by its whole path",
            ),
            (
                "{ exec: [./secrets], timeout: soon }",
                "`soon` is not a duration, such as `90s`, `15m` or `4h`",
            ),
        ] {
            let credentials = format!("credentials: {words}");
            let edits = [("requires: [development, integration]", credentials.as_str())];
            let problems = checked(&config(&edits)).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].message, problem);
            assert!(problems[0].path.contains(".credentials."), "{}", problems[0].path);
        }
    }
}
