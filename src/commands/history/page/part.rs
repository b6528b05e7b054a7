//! The part of the page about one deployment: everything that the records tell of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::health::{self, Samples};
use super::texts::Texts;
use crate::commands::gather::Moment;
use crate::commands::history::recorded::Others;
use crate::commands::history::rows::Entry;
use crate::commands::{report, target};
use crate::gate::config::ActionKind;
use crate::gate::deployments::Run;
use crate::gate::statement::{REPORT, Release, StepResult, Verdict};
use crate::gate::terms::{CommitId, Digest, Environment};
use crate::gate::timeline::{About, Decided, Deployed, Timeline, Vote as SignedVote};
use crate::render::pages::html::{Attempt, Document, Fact, Link, Part, Row, Step, Vote};

/// The parts of the page, one after the other.
pub(super) struct Parts<'a> {
    moment: &'a Moment,
    timeline: &'a Timeline,
    others: &'a BTreeMap<&'a Environment, Others<'a>>,
    entries: &'a [Entry<'a>],
    /// The deployments that have a part.
    keys: BTreeSet<String>,
    samples: BTreeMap<Digest, Samples>,
    texts: Texts,
}

impl<'a> Parts<'a> {
    /// For these deployments.
    ///
    /// # Errors
    /// When records cannot be read.
    pub(super) fn new(
        moment: &'a Moment,
        timeline: &'a Timeline,
        others: &'a BTreeMap<&'a Environment, Others<'a>>,
        entries: &'a [Entry<'a>],
    ) -> Result<Self> {
        let watched = entries.iter().filter_map(|entry| match entry {
            Entry::Ledger(_, deployed) => deployed.watched.as_ref().map(|_| deployed.execution),
            Entry::Journal(_) | Entry::Imported(_) => None,
        });
        Ok(Self {
            moment,
            timeline,
            others,
            entries,
            keys: entries.iter().map(Entry::key).collect(),
            samples: health::samples(moment, watched.collect())?,
            texts: Texts::new(),
        })
    }

    /// How many texts did not fit.
    pub(super) fn texts_left_out(&self) -> usize {
        self.texts.left_out()
    }

    /// Each of them, beside its line of the table.
    ///
    /// # Errors
    /// When records cannot be read.
    pub(super) fn all(&mut self, rows: &[Row]) -> Result<Vec<Part>> {
        let entries = self.entries.iter().zip(rows);
        entries
            .map(|(entry, row)| match entry {
                Entry::Ledger(environment, deployed) => {
                    self.signed(environment, &self.others[environment], deployed, named(row))
                }
                Entry::Imported(past) => Ok(tagged(&past.tag.commit, named(row))),
                Entry::Journal(run) => Ok(told(run, named(row))),
            })
            .collect()
    }

    fn signed(
        &mut self,
        environment: &Environment,
        others: &Others<'_>,
        deployed: &Deployed,
        part: Part,
    ) -> Result<Part> {
        let decided = self.timeline.decided(&deployed.start.request);
        let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
        let watched = deployed.watched.as_ref();
        let samples = self.samples.get(&deployed.execution);
        let Facts { words, codes } = facts(deployed, decided);
        Ok(Part {
            facts: words,
            codes,
            links: self.links(environment, others, deployed),
            approvals: votes.iter().map(|vote| voted(vote, deployed)).collect(),
            steps: deployed.steps.iter().map(step).collect(),
            health: watched.map(|watched| health::of(watched, samples, &mut self.texts)),
            rollbacks: others.attempts(deployed).iter().map(|rollback| attempt(rollback)).collect(),
            documents: self.documents(deployed, decided)?,
            ..part
        })
    }

    /// What it undid, and what undid it.
    fn links(&self, environment: &Environment, others: &Others<'_>, deployed: &Deployed) -> Vec<Link> {
        let undoes = deployed.aftermath.as_ref().map(|aftermath| aftermath.undoes);
        let both = [("Undid", undoes), ("Undone by", deployed.rolled_back_by)];
        both.into_iter()
            .filter_map(|(name, execution)| {
                let other = others.of_execution(execution?)?;
                let key = Entry::Ledger(environment, other).key();
                let what = if name == "Undid" { "the deployment of" } else { "the rollback to" };
                let value = format!("{what} {}, {}", other.start.release.version, report::minute(other.at));
                let target = if self.keys.contains(&key) { format!("d-{key}") } else { String::new() };
                Some(Link { name, value, target })
            })
            .collect()
    }

    fn documents(&mut self, deployed: &Deployed, decided: Option<&Decided>) -> Result<Vec<Document>> {
        let mut documents = Vec::new();
        if let Some(package) = target::of_execution(self.moment, &deployed.start.request)? {
            let entry = decided.and_then(|decided| decided.votes.first()).map(|vote| &vote.commit);
            for (title, name) in [("Request", "request.md"), ("Checklist", "checklist.md")] {
                if let (Some(bytes), Some(entry)) = (package.files.get(name), entry) {
                    documents.push(self.texts.document(title, bytes, &show(entry, name)));
                }
            }
        }
        if let Some(report) = deployed.report()
            && let Some(signed) = report.signed
            && let Some(bytes) = self.moment.records.file(&signed.commit, REPORT)?
        {
            let what = match report.about {
                About::Rollback => "Report of the rollback",
                About::Incident => "Report of the emergency",
            };
            let title = format!("{what}, signed by {} on {}", signed.by, report::minute(signed.at));
            documents.push(self.texts.document(&title, &bytes, &show(&signed.commit, REPORT)));
        }
        Ok(documents)
    }
}

/// The command that shows a file of an entry.
fn show(entry: &CommitId, name: &str) -> String {
    format!("git show {entry}:{name}")
}

/// What the line of the table tells already.
fn named(row: &Row) -> Part {
    Part {
        key: row.key.clone(),
        version: row.version.clone(),
        environment: row.environment.clone(),
        started: format!("{} {}", row.date, row.time),
        kind: row.kind.clone(),
        status: row.status.clone(),
        status_slug: row.status_slug.clone(),
        facts: vec![],
        codes: vec![],
        links: vec![],
        approvals: vec![],
        steps: vec![],
        smoke: String::new(),
        health: None,
        rollbacks: vec![],
        documents: vec![],
    }
}

/// Facts in one line each; what is not known is not there.
#[derive(Default)]
struct Facts {
    words: Vec<Fact>,
    codes: Vec<Fact>,
}

impl Facts {
    fn words(&mut self, name: &'static str, value: impl Into<Option<String>>) {
        self.words.extend(value.into().map(|value| Fact { name, value }));
    }

    fn code(&mut self, name: &'static str, value: impl ToString) {
        self.codes.push(Fact { name, value: value.to_string() });
    }
}

fn release(release: &Release) -> String {
    format!("{} ({})", release.version, release.commit.short())
}

fn facts(deployed: &Deployed, decided: Option<&Decided>) -> Facts {
    let start = &deployed.start;
    let mut facts = Facts::default();
    let session = if deployed.automatic { " (the session, by itself)" } else { "" };
    facts.words("Executed by", format!("{}{session}", deployed.by));
    times(&mut facts, deployed.at, deployed.ending.map(|(_, at)| at));
    facts.words("Ended badly at", deployed.failed_step.clone());
    facts.words("What a person found", deployed.reviewed.clone());
    facts.words("Reason", start.reason.clone());
    facts.words(
        "Emergency",
        deployed.incident.as_ref().map(|incident| {
            let skipped: Vec<String> = incident.declared.skipped.iter().map(ToString::to_string).collect();
            let without =
                if skipped.is_empty() { String::new() } else { format!(", without {}", skipped.join(", ")) };
            format!("{}{without}", incident.declared.severity)
        }),
    );
    facts.words(
        "Report",
        deployed.report().map(|report| match (report.signed, report.due) {
            (Some(signed), _) => format!("signed by {} on {}", signed.by, report::minute(signed.at)),
            (None, Some(due)) => format!("open, due on {}", report::minute(due)),
            (None, None) => "open".to_owned(),
        }),
    );
    let revoked = decided.and_then(|decided| decided.revoked.as_ref());
    facts.words("Approval revoked", revoked.map(|(by, why)| format!("by {by}: {why}")));
    let before = if start.action == ActionKind::Rollback { "Back from" } else { "Live before" };
    facts.words(before, start.previous_release.as_ref().map(release));
    facts.words("Request", start.request.id.clone());
    facts.code("Commit", &start.release.commit);
    facts.code("Digest of the request", start.request.digest);
    facts.code("Digest of the policy", start.policy);
    facts.code("Digest of the plan", start.plan);
    facts.code("Execution", deployed.execution);
    facts.code("Entry of the ledger", &deployed.commit);
    facts
}

fn times(facts: &mut Facts, began: DateTime<Utc>, ended: Option<DateTime<Utc>>) {
    let second = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    facts.words("Began", second(began));
    facts.words(
        "Ended",
        ended.map(|ended| {
            let milliseconds = u64::try_from((ended - began).num_milliseconds()).unwrap_or_default();
            format!("{} (after {})", second(ended), span(milliseconds))
        }),
    );
}

/// `820 ms`, `12.4 s`, `3 min 5 s`.
fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds}.{} s", milliseconds % 1_000 / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn voted(vote: &SignedVote, deployed: &Deployed) -> Vote {
    let device = vote.proof.hardware.as_ref().map(|hardware| match (hardware.touch, hardware.verified) {
        (_, true) => " (PIN or fingerprint)",
        (true, false) => " (touched)",
        (false, false) => " (not touched)",
    });
    let counted = deployed.start.approvals.contains(&vote.entry);
    Vote {
        by: vote.by.to_string(),
        verdict: match vote.approval.verdict {
            Verdict::Allow => "approved",
            Verdict::Deny => "denied",
            Verdict::Hold => "held",
        },
        at: report::minute(vote.at),
        counted: match (counted, vote.revoked) {
            (true, _) => "yes",
            (false, true) => "no, revoked",
            (false, false) => "no",
        },
        assurance: vote.approval.assurance.clone(),
        key: format!("{}{}", vote.proof.fingerprint, device.unwrap_or_default()),
        reason: vote.approval.reason.clone().unwrap_or_default(),
    }
}

fn step(step: &StepResult) -> Step {
    Step {
        name: step.step.clone(),
        result: report::end_word(step.result),
        exit: step.exit.map_or_else(|| "–".to_owned(), |exit| exit.to_string()),
        took: span(step.milliseconds),
        log: step.log.hex(),
    }
}

fn attempt(rollback: &Deployed) -> Attempt {
    let session = if rollback.automatic { " (the session, by itself)" } else { "" };
    let ended =
        rollback.ending.map(|(ending, at)| format!("{} {}", report::ended(ending), report::minute(at)));
    Attempt {
        at: report::minute(rollback.at),
        by: format!("{}{session}", rollback.by),
        ended: ended.unwrap_or_else(|| "not yet".to_owned()),
        reason: rollback.start.reason.clone().unwrap_or_default(),
    }
}

/// What a tag tells: a commit, and nothing else.
fn tagged(commit: &CommitId, part: Part) -> Part {
    let mut facts = Facts::default();
    facts.code("Commit", commit);
    Part { codes: facts.codes, ..part }
}

/// What the journal tells of a machine's deployment.
fn told(run: &Run, part: Part) -> Part {
    let (start, end) = (&run.start, run.end.as_ref());
    let mut facts = Facts::default();
    facts.words("Executed by", format!("{} (known by {})", start.by, start.known_by));
    times(&mut facts, start.at, end.map(|end| end.at));
    facts.words("Ended badly at", end.and_then(|end| end.failed_step.clone()));
    facts.words("Live before", start.previous.as_ref().map(release));
    facts.words("Request", start.request.as_ref().map(|request| request.id.clone()));
    facts.code("Commit", &start.release.commit);
    facts.code("Digest of the policy", start.policy);
    facts.code("Digest of the plan", start.plan);
    facts.code("Start in the journal", run.id);
    let smoke = end.map(|end| {
        let tests = end
            .smoke
            .iter()
            .map(|(check, passed)| format!("{check} {}", if *passed { "passed" } else { "failed" }));
        tests.collect::<Vec<_>>().join(", ")
    });
    Part {
        facts: facts.words,
        codes: facts.codes,
        steps: end.map(|end| end.steps.iter().map(step).collect()).unwrap_or_default(),
        smoke: smoke.unwrap_or_default(),
        ..part
    }
}
