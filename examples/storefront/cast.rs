//! Who acts: you, and the agent. Both start the real `deployctl`; the agent has no terminal.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::Style;
use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::AS_DEPLOYCTL;
use super::scene::Scene;

/// Alice's private key, as seen from the clone.
pub const KEY: &str = "../alice";

/// What agents set so that other programs know them.
const AGENT_MARK: (&str, &str) = ("AI_AGENT", "storefront-example");

/// How often the key is asked for again, where its passphrase was no passphrase.
const TRIES: usize = 3;

/// After so many characters an option goes to the next line.
const LINE_FULL: usize = 60;

/// A command that ended otherwise than the story needs.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Stopped {
    what: String,
    /// The exit code that the example hands on.
    pub exit: u8,
}

/// Writes a line of the story. A reader that went away hears nothing, and that is all.
pub fn say(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes the command that is run, as a person would type it.
pub fn command(program: &str, arguments: &[&str]) {
    let mut lines = vec![format!("$ {program}")];
    for word in arguments {
        let quoted = if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
        match lines.last_mut() {
            Some(line) if !(word.starts_with("--") && line.len() > LINE_FULL) => {
                line.push(' ');
                line.push_str(&quoted);
            }
            _ => lines.push(format!("    {quoted}")),
        }
    }
    let bold = Style::new().bold();
    say(&format!("{bold}{}{bold:#}", lines.join(" \\\n")));
}

/// From now on Ctrl-C ends only what runs, and raises this flag: the example still tidies up.
pub fn listen() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("cannot catch signals")?;
    }
    Ok(interrupted)
}

/// You and the agent, in the clone.
pub struct Cast {
    clone: PathBuf,
    production: PathBuf,
    deployctl: PathBuf,
    interrupted: Arc<AtomicBool>,
}

impl Cast {
    /// Finds the program.
    pub fn gather(scene: &Scene, interrupted: Arc<AtomicBool>) -> Result<Self> {
        let deployctl = std::env::current_exe().context("cannot find this program")?;
        let (clone, production) = (scene.clone_dir().to_owned(), scene.production().to_owned());
        Ok(Self { clone, production, deployctl, interrupted })
    }

    /// You run deployctl at your terminal, and it must end well.
    pub fn person(&self, arguments: &[&str]) -> Result<()> {
        say("");
        command("deployctl", arguments);
        let status = self.deployctl(arguments).status().context("cannot start deployctl")?;
        self.ended("deployctl", arguments, status)
    }

    /// The agent runs deployctl, and gets its exit code.
    pub fn agent(&self, arguments: &[&str]) -> Result<u8> {
        say("");
        command("deployctl", arguments);
        let status = aloud(self.deployctl(arguments).env(AGENT_MARK.0, AGENT_MARK.1))?;
        self.stop_if_interrupted()?;
        Ok(exit_of(status))
    }

    /// The agent runs a program of the project, which must end well.
    pub fn agent_runs(&self, program: &str, arguments: &[&str]) -> Result<()> {
        command(program, arguments);
        let status = aloud(Command::new(program).args(arguments).current_dir(&self.clone))?;
        self.ended(program, arguments, status)
    }

    /// You choose a passphrase, and `ssh-keygen` makes the key. Nobody else learns the passphrase.
    pub fn makes_her_key(&self) -> Result<()> {
        for _ in 0..TRIES {
            say("");
            command("ssh-keygen", &["-t", "ed25519", "-f", KEY]);
            let status = self.keygen(&["-t", "ed25519", "-f", KEY]).status().context(NO_KEYGEN)?;
            self.stop_if_interrupted()?;
            if status.success() && !self.opens_without_a_passphrase()? {
                return Ok(());
            }
            self.remove_key()?;
            say("\n   A key that signs needs a passphrase.");
        }
        bail!("there is no key with a passphrase")
    }

    /// Where nobody can type a passphrase: a public key for the policy, whose private half is thrown away.
    pub fn has_a_key_nobody_holds(&self) -> Result<()> {
        let made = self.keygen(&["-t", "ed25519", "-N", "", "-f", KEY]).output().context(NO_KEYGEN)?;
        if !made.status.success() {
            bail!("ssh-keygen made no key: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        fs::remove_file(self.key()).context("cannot throw the private half away")
    }

    fn key(&self) -> PathBuf {
        self.clone.join(KEY)
    }

    fn remove_key(&self) -> Result<()> {
        for path in [self.key(), self.key().with_extension("pub")] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove `{}`", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn opens_without_a_passphrase(&self) -> Result<bool> {
        Ok(self.keygen(&["-y", "-P", "", "-f", KEY]).output().context(NO_KEYGEN)?.status.success())
    }

    /// `ssh-keygen` asks at the terminal, whatever windows the desktop would open for it.
    fn keygen(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-C", "alice@storefront.example"]).args(arguments).current_dir(&self.clone);
        for name in ["SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_AUTH_SOCK"] {
            command.env_remove(name);
        }
        command
    }

    fn deployctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.deployctl);
        command.arg(AS_DEPLOYCTL).args(arguments).current_dir(&self.clone);
        command.env("STOREFRONT_HOME", &self.production).env_remove("DEPLOYCTL_ROLE");
        command
    }

    fn ended(&self, program: &str, arguments: &[&str], status: ExitStatus) -> Result<()> {
        self.stop_if_interrupted()?;
        if status.success() {
            return Ok(());
        }
        let exit = exit_of(status);
        let first = arguments.first().copied().unwrap_or_default();
        Err(Stopped { what: format!("`{program} {first}` ended with {exit}"), exit }.into())
    }

    fn stop_if_interrupted(&self) -> Result<()> {
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(Stopped { what: "interrupted".to_owned(), exit: 130 }.into());
        }
        Ok(())
    }
}

/// The exit code; 1 where a signal ended it.
fn exit_of(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

const NO_KEYGEN: &str = "cannot start `ssh-keygen`: install the OpenSSH client";

/// Runs without a terminal and says what came out, in the order in which it came.
fn aloud(command: &mut Command) -> Result<ExitStatus> {
    let program = Path::new(command.get_program()).display().to_string();
    let (mut reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("cannot start `{program}`"))?;
    // The command holds the other end of the pipe until it is given something else.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = Vec::new();
    reader.read_to_end(&mut text)?;
    say(String::from_utf8_lossy(&text).trim_end());
    Ok(child.wait()?)
}
