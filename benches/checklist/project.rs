//! The repositories that are measured, made once and kept below `target/`.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use super::history;
use super::measure::World;

/// Rises when the histories change, so that older ones are not measured any more.
const GENERATION: u32 = 1;
/// Rules without a ledger. Nobody holds the private key.
const POLICY: &str = r#"schema: 1
project: bench
ledger: none
people:
  alice: { keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5MDX5qGofQAOsbM5tEjj4/r9XLy1ULXDYOMs2INCE6"], groups: [release] }
checks:
  unit: { title: Unit tests, junit: ["reports/unit.xml"] }
environments:
  production:
    steps: [ { name: release, run: ["./release.sh"] } ]
    rollback: { steps: [ { name: release, run: ["./release.sh", "--previous"] } ], estimate: 5m }
    approvals: { from: [release] }
"#;
/// Test cases of the large report.
const CASES: usize = 255_000;

/// Where everything is kept.
pub struct Cache {
    dir: PathBuf,
    /// What its programs see.
    pub world: World,
    /// Where progress is told.
    pub tell: fn(&str),
}

impl Cache {
    /// Opens it, or begins it.
    pub fn open(tell: fn(&str)) -> Result<Self> {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-checklist-{GENERATION}"));
        let home = dir.join("home");
        fs::create_dir_all(&home)?;
        fs::write(
            home.join("gitconfig"),
            "[user]\n\tname = bench\n\temail = bench@example.org\n[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n",
        )?;
        Ok(Self { dir, world: World { home }, tell })
    }

    /// The synthetic repository of so many commits, checked out as people's clones are.
    pub fn history(&self, commits: usize) -> Result<PathBuf> {
        let dir = self.kept(&format!("history-{commits}"), |dir| {
            self.git(dir, &["init", "-q", "-b", "main"])?;
            let mut import = self.world.command("git", dir);
            let mut child =
                import.args(["fast-import", "--quiet", "--done"]).stdin(Stdio::piped()).spawn()?;
            let mut stream = BufWriter::new(child.stdin.take().context("no standard input")?);
            history::write(&mut stream, commits).context("`git fast-import` stopped reading")?;
            stream.flush()?;
            drop(stream);
            ensure!(child.wait()?.success(), "`git fast-import` failed");
            self.git(dir, &["update-ref", "-d", "refs/bench/side"])?;
            self.git(dir, &["repack", "-a", "-d", "-f", "-q"])?;
            self.git(dir, &["pack-refs", "--all"])?;
            self.git(dir, &["commit-graph", "write", "--reachable"])?;
            Ok(fs::write(dir.join("deployctl.yaml"), POLICY)?)
        })?;
        // One that was kept without its files gets them.
        if !dir.join(".git/index").exists() {
            self.git(&dir, &["reset", "-q", "--hard"])?;
        }
        Ok(dir)
    }

    /// A repository of one commit, checked out.
    pub fn tiny(&self) -> Result<PathBuf> {
        self.kept("tiny", |dir| {
            self.git(dir, &["init", "-q", "-b", "main"])?;
            fs::write(dir.join("deployctl.yaml"), POLICY)?;
            self.git(dir, &["add", "deployctl.yaml"])?;
            self.git(dir, &["commit", "-q", "-m", "feat: begin"])
        })
    }

    /// A repository whose test report is 50 MB long.
    pub fn reported(&self) -> Result<PathBuf> {
        self.kept("reported", |dir| {
            self.git(dir, &["init", "-q", "-b", "main"])?;
            fs::write(dir.join("deployctl.yaml"), POLICY)?;
            self.git(dir, &["add", "deployctl.yaml"])?;
            self.git(dir, &["commit", "-q", "-m", "feat: begin"])?;
            fs::create_dir(dir.join("reports"))?;
            report(&dir.join("reports/unit.xml"))
        })
    }

    /// A clone of a repository of this machine, which is left as it is.
    pub fn clone_of(&self, source: &Path) -> Result<PathBuf> {
        let dir = self.dir.join("clone");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let source = source.to_str().context("the repository's path is not UTF-8")?;
        let to = dir.to_str().context("this directory's path is not UTF-8")?;
        self.git(&self.dir, &["clone", "-q", source, to])?;
        fs::write(dir.join("deployctl.yaml"), POLICY)?;
        Ok(dir)
    }

    /// Gives a repository its commit-graph, or takes it away.
    pub fn commit_graph(&self, dir: &Path, wanted: bool) -> Result<()> {
        let graph = dir.join(".git/objects/info/commit-graph");
        let aside = dir.join(".git/objects/info/commit-graph.aside");
        let (from, to) = if wanted { (&aside, &graph) } else { (&graph, &aside) };
        if from.exists() {
            fs::rename(from, to)?;
        }
        Ok(())
    }

    /// Makes a directory beside its place first, so that none is kept that was made by half.
    fn kept(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let place = self.dir.join(name);
        if place.exists() {
            return Ok(place);
        }
        (self.tell)(&format!("making {name}, once"));
        let draft = self.dir.join(format!("{name}.draft"));
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        fs::create_dir_all(&draft)?;
        make(&draft).with_context(|| format!("`{name}` could not be made"))?;
        fs::rename(&draft, &place)?;
        Ok(place)
    }

    fn git(&self, dir: &Path, arguments: &[&str]) -> Result<()> {
        self.world.text("git", dir, arguments).map(drop)
    }
}

/// A JUnit report as large test suites write them: many cases, some with output, a few skipped.
fn report(path: &Path) -> Result<()> {
    let mut out = BufWriter::new(fs::File::create(path)?);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites tests=\"{CASES}\" failures=\"0\" errors=\"0\">")?;
    for suite in 0..CASES / 1_000 {
        writeln!(out, "  <testsuite name=\"org.example.shop.Suite{suite}\" tests=\"1000\" failures=\"0\">")?;
        for case in 0..1_000 {
            let name = format!("keeps the totals of order {case} &amp; of its refund");
            let class = format!("org.example.shop.suite{suite}.OrderTotalsTest");
            write!(out, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0.{case:03}\"")?;
            match case % 10 {
                3 => writeln!(
                    out,
                    ">\n      <system-out><![CDATA[{}]]></system-out>\n    </testcase>",
                    "[info] order saved; mail sent to <buyer@example.org>; stock lowered by 3\n".repeat(7)
                )?,
                7 if case % 500 == 7 => writeln!(out, "><skipped message=\"needs a network\"/></testcase>")?,
                _ => writeln!(out, "/>")?,
            }
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    Ok(out.flush()?)
}
