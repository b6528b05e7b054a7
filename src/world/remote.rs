//! The remote: system git does the network, with the user's own credentials and nothing of the repository's hooks.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::gate::terms::CommitId;
use crate::world::process;

/// Why the remote did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It could not be reached, or git failed.
    #[error("{why}")]
    Failed {
        /// The last line that git said.
        why: String,
    },
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has it.
    Done,
    /// Somebody else's entry was there first.
    Lost,
}

/// A slow line gets a minute; after that the remote counts as out of reach.
const PATIENCE: Duration = Duration::from_secs(60);

/// Variables that git needs for the user's credentials and proxies.
const GIT_VARIABLES: [&str; 16] = [
    "SSH_AUTH_SOCK",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Git as it would run at the top of the work tree, so that a relative remote means what it means there.
fn git(root: &Path) -> Command {
    let mut command = process::tool("git");
    for name in GIT_VARIABLES {
        if let Some(value) = process::variable(name) {
            command.env(name, value);
        }
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .arg("-C")
        .arg(root)
        .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"])
        .args(["-c", "protocol.ext.allow=never", "-c", "fetch.writeCommitGraph=false", "--no-pager"]);
    command
}

/// Fetches both branches of records into `into`, so that what the remote lacks is gone there too.
///
/// # Errors
/// When the remote does not answer.
pub fn fetch(root: &Path, remote: &str, into: &str) -> Result<(), RemoteError> {
    for _ in 1..TRIES {
        match fetch_once(root, remote, into) {
            // Another git in this clone fetches at the same moment; it is done soon.
            Err(RemoteError::Failed { why }) if why.contains("cannot lock ref") => {}
            other => return other,
        }
    }
    fetch_once(root, remote, into)
}

/// How often a fetch is tried that another git in this clone got in the way of.
const TRIES: usize = 5;

fn fetch_once(root: &Path, remote: &str, into: &str) -> Result<(), RemoteError> {
    let mut command = git(root);
    command
        .args([
            "fetch",
            "--quiet",
            "--prune",
            // The clone's own tracking branches are not ours to move, nor to race for.
            "--refmap=",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        ])
        .args(["--end-of-options", remote])
        .arg(format!("+refs/heads/deployctl/*:{into}/*"));
    run(command).map(|_| ())
}

/// Pushes one entry, only if the branch is still where it was.
///
/// # Errors
/// When the remote does not answer, or refuses for another reason than a lost race.
pub fn push(
    root: &Path,
    remote: &str,
    branch: &str,
    old: Option<&CommitId>,
    new: &CommitId,
) -> Result<Pushed, RemoteError> {
    let mut command = git(root);
    command
        .args(["push", "--quiet", "--porcelain", "--no-verify", "--no-signed", "--no-recurse-submodules"])
        .arg(format!("--force-with-lease={branch}:{}", old.map_or("", CommitId::as_str)))
        .args(["--end-of-options", remote])
        .arg(format!("{new}:{branch}"));
    match run(command) {
        Ok(_) => arrived(root, remote, branch, new).map(|()| Pushed::Done),
        Err(RemoteError::Failed { why }) if lost(&why) => {
            beaten(root, remote, branch, old).map(|()| Pushed::Lost)
        }
        Err(error) => Err(error),
    }
}

/// A remote may have one address to fetch from and others to push to. They may well be the same repository, and where they
/// are not, what was pushed is nowhere where others look.
fn arrived(root: &Path, remote: &str, branch: &str, new: &CommitId) -> Result<(), RemoteError> {
    let Some(apart) = Apart::of(root, remote) else { return Ok(()) };
    run(apart.fetch(branch))?;
    let mut holds = git(root);
    holds.args(["merge-base", "--is-ancestor", new.as_str(), ARRIVED]);
    run(holds).map(|_| ()).map_err(|_| apart.error())
}

/// Whether another entry was there first: not where what is fetched still ends where this one goes on.
fn beaten(root: &Path, remote: &str, branch: &str, old: Option<&CommitId>) -> Result<(), RemoteError> {
    let Some(apart) = Apart::of(root, remote) else { return Ok(()) };
    let mut tip = git(root);
    tip.args(["rev-parse", "--quiet", "--verify", ARRIVED]);
    let there = run(apart.fetch(branch)).and_then(|_| run(tip)).ok();
    if there.as_deref().map(str::trim) == old.map(CommitId::as_str) { Err(apart.error()) } else { Ok(()) }
}

/// A remote that is fetched from one address and pushed to others.
struct Apart<'a> {
    root: &'a Path,
    remote: &'a str,
    reads: String,
    writes: String,
}

impl<'a> Apart<'a> {
    fn of(root: &'a Path, remote: &'a str) -> Option<Self> {
        let urls = |options: &[&str]| {
            let mut command = git(root);
            command.args(["remote", "get-url"]).args(options).args(["--end-of-options", remote]);
            run(command).ok()
        };
        let (reads, writes) = (urls(&[]), urls(&["--push", "--all"]));
        if reads.is_some() && reads == writes {
            return None;
        }
        let shown = |urls: Option<String>| urls.unwrap_or_default().trim().escape_debug().to_string();
        Some(Self { root, remote, reads: shown(reads), writes: shown(writes) })
    }

    fn fetch(&self, branch: &str) -> Command {
        let mut command = git(self.root);
        command
            .args(["fetch", "--quiet", "--refmap=", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-recurse-submodules", "--end-of-options", self.remote])
            .arg(format!("+{branch}:{ARRIVED}"));
        command
    }

    fn error(&self) -> RemoteError {
        let Self { remote, reads, writes, .. } = self;
        RemoteError::Failed {
            why: format!(
                "what is pushed to `{remote}` ({writes}) does not come to where it is fetched from ({reads}): let both lead to \
                 the same repository, for example with `git config --unset-all remote.{remote}.pushurl`"
            ),
        }
    }
}

/// Where a branch is kept to see what arrived.
const ARRIVED: &str = "refs/deployctl/arrived";

/// Git's words for a lease that no longer holds, with the C locale.
fn lost(why: &str) -> bool {
    [
        "stale info",
        "[rejected]",
        "fetch first",
        "non-fast-forward",
        "cannot lock ref",
        "reference already exists",
    ]
    .iter()
    .any(|word| why.contains(word))
}

/// Writing out a long ledger may take its time.
const BUNDLE_PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Writes branches with everything they hold into a new file, for `git fetch` elsewhere; answers what it holds then, a line
/// a branch: the tip and the name.
///
/// # Errors
/// Git's.
pub fn bundle(root: &Path, file: &Path, branches: &[&str]) -> Result<String, RemoteError> {
    let bundle = |verb: &str| {
        let mut command = git(root);
        // The objects themselves, whatever this clone would rather show.
        command.env("GIT_NO_REPLACE_OBJECTS", "1");
        command.env("GIT_GRAFT_FILE", "/dev/null").env("GIT_SHALLOW_FILE", "/dev/null");
        command.args(["-c", "core.commitGraph=false", "bundle", verb]);
        command
    };
    let mut create = bundle("create");
    create.arg("--quiet").arg(file).args(branches);
    run_within(create, BUNDLE_PATIENCE)?;
    let mut list = bundle("list-heads");
    list.arg(file);
    run(list)
}

fn run(command: Command) -> Result<String, RemoteError> {
    run_within(command, PATIENCE)
}

fn run_within(mut command: Command, patience: Duration) -> Result<String, RemoteError> {
    let output = process::output(&mut command, patience)
        .map_err(|error| RemoteError::Failed { why: error.to_string() })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("To ") && *line != "Done")
        .collect();
    Err(RemoteError::Failed { why: lines.join("; ") })
}
