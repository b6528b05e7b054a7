//! What is measured of one ledger.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use deployctl::world::sshsig::{self, SessionKey};

use super::DEPLOYCTL;
use super::acts::{BESIDE, REMOTE};
use super::making::ENTRIES;
use super::measure::{Contender, Cost, World, race};
use super::table::{Row, Target, Unit, seconds};

/// How long each race may take.
const BUDGET: Duration = Duration::from_secs(6);

/// What is the same at every length, in processor time.
#[derive(Clone, Copy)]
pub struct Flat {
    /// `status`.
    pub status: f64,
    /// `deploy --dry-run`.
    pub decision: f64,
    /// Sending one entry.
    pub push: f64,
}

/// One ledger that is measured.
pub struct Ledger<'a> {
    world: &'a World,
    dir: PathBuf,
    length: usize,
    rows: &'a mut Vec<Row>,
}

impl<'a> Ledger<'a> {
    /// The ledger of this length in this repository.
    pub fn new(world: &'a World, dir: PathBuf, length: usize, rows: &'a mut Vec<Row>) -> Self {
        Self { world, dir, length, rows }
    }

    /// Measures everything.
    pub fn measure(&mut self) -> Result<Flat> {
        let (status, decision) = self.looks()?;
        self.tables()?;
        self.audit()?;
        let push = self.writes()?;
        Ok(Flat { status, decision, push })
    }

    fn contender(&self, program: &str, words: &[&str]) -> Contender {
        let (world, dir, program) = (self.world.clone(), self.dir.clone(), program.to_owned());
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Contender::new(words.join(" "), move || {
            let mut command = world.command(&program, &dir);
            command.args(&words);
            command
        })
    }

    fn ours(&self, words: &[&str]) -> Contender {
        self.contender(DEPLOYCTL, words)
    }

    fn git(&self, words: &[&str]) -> Contender {
        self.contender("git", words)
    }

    fn row(&mut self, what: &str, unit: Unit, ours: f64, peer: (&str, f64), target: Target) {
        let (what, peer) = (format!("{what} of {}", self.length), Some((peer.0.to_owned(), peer.1)));
        self.rows.push(Row { what, unit, ours, peer, target });
    }

    fn time(&mut self, what: &str, ours: &Cost, peer: (&str, &Cost), target: Target) {
        self.row(what, Unit::Seconds, seconds(ours.cpu), (peer.0, seconds(peer.1.cpu)), target);
    }

    /// A look and a decision, beside one signature checked by OpenSSH. Nobody approved anything that could be deployed now:
    /// the decision is a refusal.
    fn looks(&mut self) -> Result<(f64, f64)> {
        let key = SessionKey::generate()?;
        std::fs::write(self.dir.join("signed"), "what was signed")?;
        std::fs::write(self.dir.join("signed.sig"), key.sign("bench", b"what was signed"))?;
        std::fs::write(self.dir.join("signers"), format!("alice {}\n", key.public().line()))?;
        let verify = "ssh-keygen -Y verify -f signers -I alice -n bench -s signed.sig < signed";
        let decision = Contender { exit: 4, ..self.ours(&["deploy", "production", "--dry-run"]) };
        let verify = Contender {
            name: "verify".to_owned(),
            ..self.contender("sh", &["-c", &format!("exec {verify}")])
        };
        let costs = race(&[self.ours(&["status"]), decision, verify], BUDGET)?;
        let openssh = ("ssh-keygen -Y verify", &costs[2]);
        self.time("status", &costs[0], openssh, Target::None);
        self.time("deploy --dry-run (refused)", &costs[1], openssh, Target::Ratio(0.6));
        Ok((seconds(costs[0].cpu), seconds(costs[1].cpu)))
    }

    /// Tables beside `git log`.
    fn tables(&mut self) -> Result<()> {
        let newest = self.git(&["log", "-20", "deployctl/ledger"]);
        let old = format!("v1.{}.0", self.length / ENTRIES / 10);
        let date = ["log", "-1", "--format=%cI", "deployctl/ledger"];
        let last = self.world.text("git", &self.dir, &date)?;
        let last: chrono::DateTime<chrono::Utc> = last.parse().context("git names no date")?;
        let year = (last - chrono::Duration::days(365)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let since = format!("--since={year}");
        let costs = race(
            &[
                newest,
                self.ours(&["history", "--limit", "20"]),
                self.ours(&["history", "--version", &old]),
                self.git(&["log", &since, "deployctl/ledger"]),
                self.ours(&["history", &since]),
            ],
            BUDGET,
        )?;
        let newest = ("git log -20", &costs[0]);
        self.time("newest 20", &costs[1], newest, Target::Ratio(1.0));
        self.time("one version of long ago", &costs[2], newest, Target::Ratio(1.0));
        self.time("a year of ten", &costs[4], ("git log --since", &costs[3]), Target::Ratio(0.15));
        Ok(())
    }

    /// The whole proof beside `git log` of all, with the signatures' own time.
    fn audit(&mut self) -> Result<()> {
        let costs =
            race(&[self.ours(&["history", "--verify"]), self.git(&["log", "deployctl/ledger"])], BUDGET)?;
        let floor = seconds(costs[1].cpu) + self.length as f64 * one_signature()?;
        let verify = seconds(costs[0].cpu);
        self.row(
            "history --verify",
            Unit::Seconds,
            verify,
            ("git log + signatures", floor),
            Target::Ratio(1.0),
        );
        let memory = |cost: &Cost| cost.memory as f64;
        let git = ("git log", memory(&costs[1]));
        self.row("memory of history --verify", Unit::Bytes, memory(&costs[0]), git, Target::Ratio(1.0));
        Ok(())
    }

    /// One entry appended, and one sent to a remote.
    fn writes(&mut self) -> Result<f64> {
        self.remote()?;
        let this = std::env::current_exe()?;
        let this = this.to_str().context("a path that is no text")?;
        let words = |what| ["--act", what, self.dir.to_str().unwrap_or_default()];
        let by_git = "commit=$(git -c user.name=alice -c user.email=alice commit-tree -p deployctl/ledger -m more deployctl/ledger^{tree}) && exec git update-ref refs/heads/deployctl/by-git $commit";
        let costs = race(
            &[
                self.contender(this, &words("append")),
                self.contender("sh", &["-c", by_git]),
                self.contender(this, &words("push")),
            ],
            BUDGET,
        )?;
        // What waits for the disk is no processor's time.
        let wall = |cost: &Cost| seconds(cost.wall);
        let git = ("git commit-tree, update-ref", wall(&costs[1]));
        self.row("append, on the disk", Unit::Seconds, wall(&costs[0]), git, Target::Ratio(1.0));
        Ok(wall(&costs[2]))
    }

    /// An empty remote that has everything, and a branch beside the ledger to add to.
    fn remote(&self) -> Result<()> {
        let beside = self.dir.with_extension("git");
        let _ = std::fs::remove_dir_all(&beside);
        let text = |words: &[&str]| self.world.text("git", &self.dir, words);
        let path = beside.to_str().context("a path that is no text")?;
        text(&["init", "--quiet", "--bare", path])?;
        let _ = text(&["remote", "remove", REMOTE]);
        text(&["remote", "add", REMOTE, path])?;
        text(&["update-ref", BESIDE, "deployctl/ledger"])?;
        text(&["push", "--quiet", REMOTE, BESIDE])?;
        Ok(())
    }
}

/// How long one signature takes to check, in seconds.
fn one_signature() -> Result<f64> {
    const TIMES: u32 = 500;
    let (key, message) = (SessionKey::generate()?, [b'x'; 600]);
    let (public, armored) = (key.public(), key.sign("bench", &message));
    let start = Instant::now();
    for _ in 0..TIMES {
        sshsig::verify(&public, "bench", black_box(&message), &armored)?;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(TIMES))
}

/// Whether a ledger lies there already.
#[must_use]
pub fn is_made(dir: &Path) -> bool {
    dir.join("deployctl.yaml").exists()
}
