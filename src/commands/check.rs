//! `deployctl check`: records evidence for the commit that is checked out. Reports are collected, commands are run.

mod said;
mod signer;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};

use self::said::Told;
use self::signer::Signer;
use super::candidate::checks::{self, Place};
use super::gather::Moment;
use super::journal;
use crate::cli::{CheckArgs, Common};
use crate::evidence::draft::TestFact;
use crate::evidence::records::Evidence;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::Action;
use crate::gate::policy::{CheckRule, CheckSource, Policy, Step, nearest};
use crate::gate::request::CheckState;
use crate::gate::statement::{SCHEMA, StepEnd, StepResult};
use crate::gate::terms::{Check, CommitId};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::process::{self, Watcher};
use crate::world::terminal::Streams;
use crate::world::{clock, config_file, presence};

/// Collects or runs each check, and records what came of it, good or bad. A role's word is recorded as it is given.
///
/// # Errors
/// When facts cannot be found out, or the evidence would not be of the commit.
pub fn run(common: &Common, args: &CheckArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let asked = match moment.policy() {
        Some(policy) => named(policy, &args.names)?,
        None => vec![],
    };
    if args.passed || args.failed {
        return said::word(&moment, args, &asked);
    }
    let (runs, told): (Vec<Asked>, Vec<Asked>) = asked.into_iter().partition(|asked| asked.runs);
    if let Some(answer) = said::unsaid(&moment, &told) {
        return Ok(answer);
    }
    let caller = moment.caller(Some(presence::look()));
    let names: Vec<Check> = runs.into_iter().map(|asked| asked.check).collect();
    let decision =
        decide(moment.policy(), &moment.facts(caller.clone(), None), &Action::Check { checks: &names });
    if let Decision::Refuse(reasons) = decision {
        return Ok(Answer::refused("check", reasons));
    }
    let policy = moment.policy().context("no policy is in force")?;
    let signer = match Signer::find(policy, args.key.as_deref())? {
        Ok(signer) => signer,
        Err(reason) => return Ok(Answer::refused("check", vec![reason])),
    };
    let commit_of = if names.is_empty() { said::commit } else { checked_out };
    let commit = commit_of(&moment, args.commit.as_deref())?;
    // Before anything runs: what cannot be told then costs nobody's time.
    let told = said::tell(&moment, policy, &commit, &told)?;
    let facts = find_out_all(&moment, policy, &names, &commit, signer.as_ref(), common)?;
    let says = |fact: &&TestFact| !matches!(fact.state, CheckState::Missing | CheckState::Stale);
    let tests: Vec<TestFact> = facts.iter().filter(says).cloned().collect();
    let recorded = !tests.is_empty();
    let mut answer = answer(&facts, &told, &commit).with("recorded", recorded);
    if recorded {
        record(&moment, &mut answer, &caller.name, &commit, tests, signer.as_ref())?;
    }
    Ok(answer)
}

/// Every check, found out for the commit that is checked out before and after.
fn find_out_all(
    moment: &Moment,
    policy: &Policy,
    names: &[Check],
    commit: &CommitId,
    signer: Option<&Signer>,
    common: &Common,
) -> Result<Vec<TestFact>> {
    if names.is_empty() {
        return Ok(vec![]);
    }
    let streams = super::person::streams(common);
    let place = Place::look(moment, commit)?;
    let mut facts = Vec::new();
    for name in names {
        let rule = policy.checks.get(name).context("the policy has no such check")?;
        facts.push(match Signer::lacking(signer, name, rule) {
            Some(fact) => fact,
            None => find_out(moment, name, rule, &place, &streams)?,
        });
    }
    // Somebody may have gone on working while a command ran.
    checked_out(moment, Some(commit.as_str()))?;
    Ok(facts)
}

/// Records evidence in the journal, with the machine's signature where there is one, and says so.
fn record(
    moment: &Moment,
    answer: &mut Answer,
    by: &str,
    commit: &CommitId,
    tests: Vec<TestFact>,
    signer: Option<&Signer>,
) -> Result<()> {
    let root = moment.timeline().and_then(|timeline| timeline.root).context("the ledger is not founded")?;
    let (schema, at) = (SCHEMA.to_owned(), clock::now());
    let evidence = Evidence { schema, repository: root, commit: commit.clone(), at, tests };
    let signed = signer.map(|signer| signer.sign(&evidence)).transpose()?;
    let warning = journal::append_evidence(moment, by, &evidence, signed.as_ref())
        .context("the evidence could not be recorded")?;
    let machine = signer.map(|signer| format!(", signed by {}", signer.machine)).unwrap_or_default();
    let by = text::line(by, 80);
    answer.text.push_str(&format!("recorded for {} by {by}{machine}\n", commit.short()));
    if let Some(warning) = warning {
        answer.text.push_str(&format!("warning: {}\n", text::line(&warning, 2_000)));
    }
    Ok(())
}

/// A check that was asked for.
struct Asked {
    check: Check,
    /// Whether it can be collected or run; a word or a signature cannot.
    runs: bool,
    /// Whether it was named itself, and not through a stage.
    direct: bool,
}

/// The checks that the words mean, each once: a stage stands for all of its checks.
fn named(policy: &Policy, words: &[String]) -> Result<Vec<Asked>> {
    let mut names: Vec<(Check, bool)> = Vec::new();
    for word in words {
        let check = policy.checks.keys().find(|check| check.as_str() == word);
        let stage = policy.stages.iter().find(|stage| stage.name.as_str() == word);
        match (check, stage) {
            (Some(check), _) => names.push((check.clone(), true)),
            (None, Some(stage)) => names.extend(stage.checks.iter().map(|check| (check.clone(), false))),
            (None, None) => {
                let stages = policy.stages.iter().map(|stage| stage.name.as_str());
                let known = policy.checks.keys().map(Check::as_str).chain(stages);
                let near = nearest(word, known);
                bail!("the policy has no check or stage `{}`{near}", text::line(word, 80));
            }
        }
    }
    let mut once: Vec<Asked> = Vec::new();
    for (check, direct) in names {
        if let Some(known) = once.iter_mut().find(|known| known.check == check) {
            known.direct |= direct;
            continue;
        }
        let source = policy.checks.get(&check).map(|rule| &rule.source);
        let runs = !matches!(source, Some(CheckSource::Role(_) | CheckSource::Signoff(_)));
        once.push(Asked { check, runs, direct });
    }
    Ok(once)
}

/// The commit of HEAD, if the work tree is exactly that: else the evidence would be of something else.
fn checked_out(moment: &Moment, wanted: Option<&str>) -> Result<CommitId> {
    let repository = &moment.repository;
    let Some(head) = repository.head()? else { bail!("there is no commit yet: commit something first") };
    if let Some(wanted) = wanted {
        let wanted = repository.resolve(wanted)?;
        if wanted != head {
            bail!(
                "HEAD is {}, and the evidence is to be of {}: check that commit out first",
                head.short(),
                wanted.short()
            );
        }
    }
    // An edited policy changes nothing until people sign it, and blocks nothing either.
    let edited: Vec<String> =
        repository.edited()?.into_iter().filter(|path| path != config_file::NAME).collect();
    if let Some(first) = edited.first() {
        let more = match edited.len() {
            1 => String::new(),
            many => format!(" and {} more", text::count(many - 1, "file")),
        };
        bail!(
            "`{}`{more} differs from {}: evidence of edited files would not be of the commit; commit or stash them",
            text::line(first, 120),
            head.short()
        );
    }
    Ok(head)
}

fn find_out(
    moment: &Moment,
    name: &Check,
    rule: &CheckRule,
    place: &Place,
    streams: &Streams,
) -> Result<TestFact> {
    let CheckSource::Run(command, timeout) = &rule.source else {
        let (mut fact, nearest) = checks::collect(moment, name, rule, place)?;
        fact.point_to(&nearest);
        return Ok(fact);
    };
    let step = Step { name: name.to_string(), run: command.clone(), timeout: *timeout, migration: false };
    let variables = BTreeMap::from([("DEPLOYCTL_COMMIT".to_owned(), place.commit().to_string())]);
    let result =
        process::run_check(&step, moment.repository.root(), &variables, &mut Shower { streams, until: None })
            .context("signals cannot be caught, so nothing was run")?;
    let failed = how_it_failed(&step, &result);
    if result.result == StepEnd::Interrupted {
        bail!("`{name}` was interrupted; nothing was recorded");
    }
    let mut fact = TestFact::ran(name.clone(), rule.title.clone(), command.clone(), failed);
    fact.reported_at = Some(clock::now());
    Ok(fact)
}

/// Why a command's end is no pass, if it is none.
pub(super) fn how_it_failed(step: &Step, result: &StepResult) -> Option<String> {
    let command = step.run.join(" ");
    match (result.result, result.exit) {
        (StepEnd::Succeeded, _) => None,
        (StepEnd::Failed, Some(exit)) => Some(format!("`{command}` ended with exit status {exit}")),
        (StepEnd::TimedOut, _) => {
            let limit = humantime::format_duration(step.timeout);
            Some(format!("`{command}` took longer than {limit} and was ended"))
        }
        (StepEnd::LeaseOver, _) => Some(format!("`{command}` was ended: the time of the deployment is over")),
        (StepEnd::NotStarted, _) => Some(format!("`{command}` could not be started")),
        _ => Some(format!("`{command}` failed")),
    }
}

/// Shows what a command writes.
pub(super) struct Shower<'a> {
    /// Where it is shown.
    pub(super) streams: &'a Streams,
    /// When it is ended at the latest.
    pub(super) until: Option<DateTime<Utc>>,
}

impl Watcher for Shower<'_> {
    fn may_begin(&mut self, _step: &Step) -> bool {
        true
    }

    fn lasts(&self) -> bool {
        self.until.is_none_or(|until| clock::now() <= until)
    }

    fn began(&mut self, step: &Step) {
        self.streams.note(&format!("▶ {}  {}", step.name, crate::render::screen::command(&step.run)));
    }

    fn wrote(&mut self, piece: &[u8]) {
        for line in process::lines(piece) {
            self.streams.note(&format!("  │ {}", text::line(&String::from_utf8_lossy(line), 2_000)));
        }
    }

    fn ended(&mut self, _result: &StepResult) {}
}

fn answer(facts: &[TestFact], told: &Told, commit: &CommitId) -> Answer {
    let all: Vec<&TestFact> = facts.iter().chain(&told.facts).collect();
    let lines = facts.iter().map(fact_line).chain(told.facts.iter().map(|fact| told.line(fact)));
    let mut answer = Answer::done("check", lines.collect::<String>())
        .with("commit", commit)
        .with("checks", super::checklist::untrusted(&all))
        .with("next", told.next.iter().map(|(_, next)| next).collect::<Vec<_>>());
    let failed = facts.iter().filter(|fact| fact.state != CheckState::Passed).count();
    let without = failed + told.facts.iter().filter(|fact| Told::fails(fact)).count();
    if !told.reasons.is_empty() {
        answer.outcome = Outcome::HumanRequired;
        answer.reasons.clone_from(&told.reasons);
    } else if without > 0 {
        answer.outcome = Outcome::Failed;
        answer.message = Some(format!("{} did not pass", text::count(without, "check")));
    }
    answer
}

/// One check on one line, with its mark.
pub(super) fn fact_line(fact: &TestFact) -> String {
    let mark = if fact.state == CheckState::Passed { "✓" } else { "✗" };
    let why = fact.why.as_ref().map(|why| format!(" — {why}")).unwrap_or_default();
    format!("{mark} {}  {}\n", fact.check, text::line(&format!("{}{why}", fact.words()), 400))
}
