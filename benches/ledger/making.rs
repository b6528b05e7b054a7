//! Ledgers of any length with real signatures: requests approved by two people, executions, steps, outcomes, and a
//! rollback with its report and its release now and then. Written by one `git fast-import`.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::process::{ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use deployctl::gate::config::ActionKind;
use deployctl::gate::keys::{Proof, PublicKey};
use deployctl::gate::presence::{Holder, Presence, Terminal};
use deployctl::gate::statement::{
    Approval, Ending, Execution, Finding, OutcomeStatement, Payload, PolicyStatement, Progress, REPORT,
    Release, RequestRef, Review, SCHEMA, Statement, StepEnd, StepResult, Verdict, canonical,
};
use deployctl::gate::terms::{CommitId, Digest};
use deployctl::gate::timeline::{RawEntry, STATE, Timeline};
use deployctl::world::sshsig::SessionKey;
use git2::{ObjectType, Oid};

/// The rules of every ledger here.
const RULES: &str = "schema: 1
project: shop
ledger: none
people:
  alice: { keys: [\"ALICE\"], emails: [\"alice@shop.example\"] }
  bob: { keys: [\"BOB\"], emails: [\"bob@shop.example\"] }
roles:
  orchestrator: { production: [request] }
environments:
  production:
    steps: [{ name: release, run: [\"./release\"], timeout: 30m }]
    rollback: { steps: [{ name: back, run: [\"./back\"], timeout: 30m }] }
    approvals: { required: 2, from: [alice, bob], not: [] }
";

/// Every so many deployments one is rolled back.
const ROLLED_BACK: u64 = 16;
/// Every ledger here, however long, tells of so many days.
const DAYS: i64 = 3_650;
/// About so many entries a deployment has.
pub const ENTRIES: usize = 5;

/// A ledger that is being written.
struct Book {
    git: BufWriter<ChildStdin>,
    timeline: Timeline,
    people: BTreeMap<&'static str, SessionKey>,
    session: SessionKey,
    now: DateTime<Utc>,
    /// From the start of one deployment to that of the next.
    pause: Duration,
    entries: usize,
}

/// What is true of the signatures made here: the keys are at hand.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a check that may fail")]
fn believed(key: &PublicKey, _: &str, _: &[u8], _: &str) -> Result<Proof, String> {
    Ok(Proof { fingerprint: key.fingerprint(), hardware: None })
}

/// Makes a repository with a ledger of at least so many entries; answers its rules. `git` is git in an empty directory.
pub fn make(git: &dyn Fn() -> Command, entries: usize) -> Result<String> {
    ensure!(git().args(["init", "--quiet"]).status()?.success(), "`git init` failed");
    let mut import = git().args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let people = BTreeMap::from([("alice", SessionKey::generate()?), ("bob", SessionKey::generate()?)]);
    let rules = RULES
        .replace("ALICE", &people["alice"].public().line())
        .replace("BOB", &people["bob"].public().line());
    let mut book = Book {
        git: BufWriter::new(import.stdin.take().context("`git fast-import` takes nothing")?),
        timeline: Timeline::default(),
        people,
        session: SessionKey::generate()?,
        now: "2010-01-01T00:00:00Z".parse()?,
        pause: Duration::days(DAYS) / i32::try_from(entries.div_ceil(ENTRIES))?,
        entries: 0,
    };
    book.found(&rules)?;
    let mut number = 0;
    while book.entries < entries {
        number += 1;
        let next = book.now + book.pause;
        book.deploys(number)?;
        book.now = book.now.max(next);
    }
    let Book { git, .. } = book;
    drop(git.into_inner().context("`git fast-import` went away")?);
    ensure!(import.wait()?.success(), "`git fast-import` failed");
    Ok(rules)
}

fn presence() -> Presence {
    Presence { terminal: Terminal::Interactive, ci: None, agent: None, holder: Holder::Console }
}

impl Book {
    fn found(&mut self, rules: &str) -> Result<()> {
        let statement = Statement::Policy(PolicyStatement {
            version: 1,
            replaces: None,
            config: Digest::of(rules.as_bytes()),
            remote: None,
            screen: Digest::of(b"screen"),
            presence: presence(),
        });
        let files = BTreeMap::from([("deployctl.yaml".to_owned(), rules.as_bytes().to_vec())]);
        self.says("alice", statement, files).map(|_| ())
    }

    /// A deployment from its first approval to its end, and sometimes its rollback.
    fn deploys(&mut self, number: u64) -> Result<()> {
        let track = self.timeline.tracks.values().next();
        let previous = track.and_then(|track| track.live.as_ref()).map(|live| live.release.clone());
        let commit = Oid::hash_object(ObjectType::Blob, &number.to_be_bytes())?.to_string();
        let release = Release { version: format!("v1.{number}.0").parse()?, commit: commit.parse()? };
        let request = RequestRef::of(&release.version, Digest::of(&number.to_le_bytes()));
        let approval = self.approval(&release, &request, previous.clone())?;
        let mut approvals = vec![];
        for (by, nonce) in [("alice", "a"), ("bob", "b")] {
            let approval = Approval { nonce: format!("{nonce}{number}"), ..approval.clone() };
            approvals.push(self.says(by, Statement::Approval(Box::new(approval)), BTreeMap::new())?);
        }
        let execution = Execution {
            action: ActionKind::Deploy,
            environment: "production".parse()?,
            release: release.clone(),
            previous_release: previous.clone(),
            request,
            approvals,
            policy: approval.policy,
            plan: Digest::of(b"plan"),
            session_key: self.session.public(),
            lease_until: self.now + Duration::minutes(30),
            emergency: None,
            reason: None,
            nonce: number.to_string(),
            screen: Digest::of(b"screen"),
            presence: presence(),
        };
        self.runs(execution.clone(), "release")?;
        match previous.filter(|_| number.is_multiple_of(ROLLED_BACK)) {
            Some(previous) => self.rolls_back(execution, release, previous),
            None => Ok(()),
        }
    }

    fn rolls_back(&mut self, undone: Execution, release: Release, previous: Release) -> Result<()> {
        let back = Execution {
            action: ActionKind::Rollback,
            release: previous,
            previous_release: Some(release),
            reason: Some("the checkout fails".to_owned()),
            lease_until: self.now + Duration::minutes(30),
            ..undone
        };
        let execution = self.runs(back, "back")?;
        let text = b"# Report\n".to_vec();
        let finding = Finding::Rollback { report: Digest::of(&text) };
        self.reviews(execution, finding, BTreeMap::from([(REPORT.to_owned(), text)]))?;
        self.reviews(execution, Finding::Release { fix: None }, BTreeMap::new())
    }

    fn reviews(
        &mut self,
        execution: Digest,
        finding: Finding,
        files: BTreeMap<String, Vec<u8>>,
    ) -> Result<()> {
        let review = Review { execution, finding, reason: "we know why".to_owned(), presence: presence() };
        self.says("bob", Statement::Review(review), files).map(|_| ())
    }

    fn runs(&mut self, execution: Execution, step: &str) -> Result<Digest> {
        let execution = self.says("alice", Statement::Execution(Box::new(execution)), BTreeMap::new())?;
        let step = StepResult {
            step: step.to_owned(),
            result: StepEnd::Succeeded,
            exit: Some(0),
            milliseconds: 4_200,
            log: Digest::of(b"log"),
        };
        self.says("alice", Statement::Progress(Progress { execution, step }), BTreeMap::new())?;
        let ended =
            OutcomeStatement { execution, ending: Ending::Succeeded, failed_step: None, watched: None };
        self.says("alice", Statement::Outcome(ended), BTreeMap::new())?;
        Ok(execution)
    }

    fn approval(
        &self,
        release: &Release,
        request: &RequestRef,
        previous: Option<Release>,
    ) -> Result<Approval> {
        let tip = self.timeline.tip.as_ref().context("the ledger is not founded")?;
        let in_force = self.timeline.policy.as_ref().context("the ledger is not founded")?;
        Ok(Approval {
            verdict: Verdict::Allow,
            action: ActionKind::Deploy,
            environment: "production".parse()?,
            release: release.clone(),
            tree: Digest::of(b"tree"),
            policy: in_force.policy.digest,
            request: request.clone(),
            checklist: Digest::of(b"checklist"),
            evidence: Digest::of(b"evidence"),
            monitor: 15,
            previous_release: previous,
            on_trigger: None,
            confirmed: vec![],
            waived: vec![],
            approval_rules: vec![],
            emergency: None,
            reason: None,
            decide_by: self.now + Duration::minutes(15),
            execute_by: self.now + Duration::minutes(30),
            ledger_tip: tip.commit.clone(),
            nonce: String::new(),
            screen: Digest::of(b"screen"),
            assurance: "L1".to_owned(),
            presence: presence(),
        })
    }

    /// Signs a statement and writes its entry.
    fn says(
        &mut self,
        by: &'static str,
        statement: Statement,
        mut files: BTreeMap<String, Vec<u8>>,
    ) -> Result<Digest> {
        self.now += Duration::minutes(3);
        let in_session = statement.by_session();
        if !in_session {
            files.insert(STATE.to_owned(), canonical(&self.timeline.state())?);
        }
        let attachments: BTreeMap<String, Digest> =
            files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect();
        let (tip, namespace) = (self.timeline.tip.as_ref(), statement.namespace());
        let payload = Payload {
            schema: SCHEMA.to_owned(),
            sequence: tip.map_or(1, |tip| tip.sequence + 1),
            previous: tip.map(|tip| tip.digest),
            repository: self.timeline.root,
            at: self.now,
            by: by.parse()?,
            attachments: attachments.clone(),
            statement,
        };
        let parent = tip.map(|tip| tip.commit.clone());
        let payload = payload.bytes()?;
        let (stem, key) = if in_session { ("session", &self.session) } else { (by, &self.people[by]) };
        let armored = key.sign(namespace, &payload);
        let config = files.get("deployctl.yaml").cloned();
        files.insert("payload.json".to_owned(), payload.clone());
        files.insert(format!("{stem}.sig"), armored.clone().into_bytes());
        let commit = self.writes(by, parent, &files)?;
        let signatures = BTreeMap::from([(stem.to_owned(), armored)]);
        let digest = Digest::of(&payload);
        let attachments = Some(attachments);
        self.timeline.apply(&RawEntry { commit, payload, signatures, attachments, config }, believed)?;
        self.entries += 1;
        ensure!(self.timeline.idle.is_none(), "an entry of the benchmark settles nothing");
        Ok(digest)
    }

    /// Writes an entry, and answers the commit that git makes of it.
    fn writes(
        &mut self,
        by: &str,
        parent: Option<CommitId>,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<CommitId> {
        let mut tree = Vec::new();
        for (name, bytes) in files {
            tree.extend_from_slice(format!("100644 {name}\0").as_bytes());
            tree.extend_from_slice(Oid::hash_object(ObjectType::Blob, bytes)?.as_bytes());
        }
        let tree = Oid::hash_object(ObjectType::Tree, &tree)?;
        let who = format!("{by} <deployctl> {} +0000", self.now.timestamp());
        let message = format!("{by}: entry {}\n", self.entries + 1);
        let before = parent.as_ref().map(|parent| format!("parent {parent}\n")).unwrap_or_default();
        let object = format!("tree {tree}\n{before}author {who}\ncommitter {who}\n\n{message}");
        let commit = Oid::hash_object(ObjectType::Commit, object.as_bytes())?;
        let git = &mut self.git;
        write!(
            git,
            "commit refs/heads/deployctl/ledger\nauthor {who}\ncommitter {who}\ndata {}\n{message}",
            message.len()
        )?;
        writeln!(git, "deleteall")?;
        for (name, bytes) in files {
            writeln!(git, "M 100644 inline {name}\ndata {}", bytes.len())?;
            git.write_all(bytes)?;
            writeln!(git)?;
        }
        Ok(commit.to_string().parse()?)
    }
}
