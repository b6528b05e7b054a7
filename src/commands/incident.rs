//! `deployctl approve --review` of an emergency: the report is drafted from the ledger, answered by people, and signed.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::approve::{declined, interrupted, pin_root, presence_missing, signed, write_pair};
use super::gather::{Key, Moment};
use super::ledger::{self, Appended, Signed};
use super::person::{Answered, Person, first_sight};
use super::{pages, target};
use crate::cli::{ApproveArgs, Common};
use crate::evidence::report::unanswered;
use crate::gate::decide::{Decision, decide, ledger_reason};
use crate::gate::facts::Action;
use crate::gate::policy::Policy;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Ending, Finding, REPORT, Review, Statement, StepEnd, Verdict};
use crate::gate::terms::{Digest, Environment, PersonName};
use crate::gate::timeline::{Deployed, Incident, Timeline, Track};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::pages::{Page, PostIncidentPage, TimelineEvent};
use crate::render::{screen, text};
use crate::world::records::Files;

const COMMAND: &str = "approve";

/// The largest report that is read, in bytes: a long novel.
const REPORT_MAX: u64 = 1 << 20;

/// The drafted report, for anyone.
///
/// # Errors
/// When records cannot be read, or the template does not fit.
pub fn show(common: &Common, name: &str) -> Result<Answer> {
    let moment = Moment::look(common)?;
    if let Err(trouble) = &moment.ledger {
        return Ok(Answer::refused(COMMAND, vec![ledger_reason(trouble)]));
    }
    let Some((environment, deployed)) = moment.timeline().and_then(|timeline| emergency(timeline, name))
    else {
        return Ok(Answer::refused(COMMAND, vec![none_of(name)]));
    };
    let draft = draft(&moment, environment, deployed)?;
    let incident = deployed.incident.as_ref();
    Ok(Answer::done(COMMAND, draft.clone())
        .with("id", &deployed.start.request.id)
        .with("execution", deployed.execution)
        .with("review_by", incident.map(|incident| incident.review_by))
        .with("reviewed", incident.is_some_and(|incident| incident.review.is_some()))
        .with("markdown", draft))
}

/// The emergency of this request or version: the newest that is owed, else the newest.
#[must_use]
pub fn emergency<'a>(timeline: &'a Timeline, name: &str) -> Option<(&'a Environment, &'a Deployed)> {
    let is_meant = |deployed: &Deployed| {
        deployed.start.request.id == name || deployed.start.release.version.as_str() == name
    };
    let tracks = timeline.tracks.iter();
    let all = tracks.flat_map(|(name, track)| track.deployments.iter().map(move |deployed| (name, deployed)));
    let emergencies = all.filter(|(_, deployed)| deployed.incident.is_some() && is_meant(deployed));
    let owes = |incident: &Incident| incident.review.is_none();
    emergencies.max_by_key(|(_, deployed)| (deployed.incident.as_ref().is_some_and(owes), deployed.at))
}

fn none_of(name: &str) -> Reason {
    let what = format!("no emergency of `{}` was executed", text::line(name, 200));
    Reason::new(Code::RequestMissing, what).next("see what is owed: deployctl status")
}

/// The report with the ledger's facts, and the questions that only people can answer.
fn draft(moment: &Moment, environment: &Environment, deployed: &Deployed) -> Result<String> {
    let policy = moment.policy().context("no policy is in force")?;
    let incident = deployed.incident.as_ref().context("it was no emergency")?;
    let request = target::of_execution(moment, &deployed.start.request)?.map(|package| package.request);
    let declared = &incident.declared;
    let definition = policy.emergency.as_ref().and_then(|rules| rules.levels.get(&declared.severity));
    let severity = definition.map_or_else(
        || declared.severity.to_string(),
        |level| format!("{}: {}", declared.severity, level.definition),
    );
    let page = PostIncidentPage {
        version: deployed.start.release.version.to_string(),
        environment: environment.to_string(),
        severity,
        request: deployed.start.request.id.clone(),
        response: screen::clock(deployed).unwrap_or_default(),
        outcome: outcome(deployed).to_owned(),
        review_by: minute(incident.review_by),
        skips: declared.skipped.iter().map(|stage| screen::skipped(policy, stage)).collect(),
        requested_by: request.map_or_else(|| "unknown".to_owned(), |request| request.requested_by.name),
        declared_by: approvers(moment, deployed),
        executed_by: deployed.by.to_string(),
        timeline: events(moment, environment, deployed)?,
        steps: deployed
            .steps
            .iter()
            .map(|step| {
                format!("{} {} after {} s", step.step, end_word(step.result), step.milliseconds / 1_000)
            })
            .collect(),
    };
    Ok(pages::of(moment, &[Page::PostIncident])?.render(Page::PostIncident, &page)?)
}

const fn outcome(deployed: &Deployed) -> &'static str {
    match deployed.ending {
        _ if deployed.rolled_back_by.is_some() => "Rolled back",
        Some((Ending::Succeeded, _)) => "Success",
        Some((Ending::Failed, _)) => "Failed",
        Some((Ending::Interrupted, _)) => "Interrupted",
        None => "Not ended",
    }
}

const fn end_word(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Succeeded => "succeeded",
        StepEnd::Failed => "failed",
        StepEnd::TimedOut => "took too long",
        StepEnd::Interrupted => "was interrupted",
        StepEnd::NotStarted => "could not be started",
        StepEnd::WindowClosed => "was not begun",
    }
}

fn minute(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn approvers(moment: &Moment, deployed: &Deployed) -> String {
    let timeline = moment.timeline();
    let decided = timeline.and_then(|timeline| timeline.requests.get(&deployed.start.request));
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    let counted = votes.iter().filter(|vote| deployed.start.approvals.contains(&vote.entry));
    counted.map(|vote| vote.by.as_str()).collect::<Vec<_>>().join(", ")
}

/// What the ledger says happened, in order.
fn events(moment: &Moment, environment: &Environment, deployed: &Deployed) -> Result<Vec<TimelineEvent>> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let mut events = Vec::new();
    if let Some(package) = target::of_execution(moment, &deployed.start.request)? {
        let by = package.request.requested_by.name;
        events.push((package.request.at, format!("requested by {by}")));
    }
    let decided = timeline.requests.get(&deployed.start.request);
    for vote in decided.iter().flat_map(|decided| &decided.votes) {
        let word = match vote.approval.verdict {
            Verdict::Allow => "declared and approved",
            Verdict::Deny => "denied",
            Verdict::Hold => "held",
        };
        events.push((vote.at, format!("{word} by {}", vote.by)));
    }
    events.push((deployed.at, format!("execution begun by {}", deployed.by)));
    if let Some((ending, at)) = deployed.ending {
        let word = match ending {
            Ending::Succeeded => "the deployment succeeded",
            Ending::Failed => "the deployment failed",
            Ending::Interrupted => "the deployment was interrupted",
        };
        events.push((at, word.to_owned()));
    }
    let track: Option<&Track> = timeline.tracks.get(environment);
    let rollback = track.into_iter().flat_map(|track| &track.deployments);
    for rollback in rollback.filter(|known| Some(known.execution) == deployed.rolled_back_by) {
        let why = rollback.start.reason.clone().unwrap_or_default();
        events.push((rollback.at, format!("rolled back by {}: {why}", rollback.by)));
    }
    events.sort_by_key(|(at, _)| *at);
    Ok(events.into_iter().map(|(at, what)| TimelineEvent { time: minute(at), what }).collect())
}

/// A person signs the answered report.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &ApproveArgs, name: &str, path: &Path) -> Result<Answer> {
    let person = Person::look(common)?;
    let mut moment = Moment::look(common)?;
    let key = person.key(args.key.as_ref(), moment.policy())?;
    if let Err(trouble) = &moment.ledger {
        return Ok(Answer::refused(COMMAND, vec![ledger_reason(trouble)]));
    }
    let found = moment.timeline().and_then(|timeline| emergency(timeline, name));
    let Some((environment, deployed)) = found.map(|(name, deployed)| (name.clone(), deployed.clone())) else {
        return Ok(Answer::refused(COMMAND, vec![none_of(name)]));
    };
    let report = read(path)?;
    let signer = match judge(&moment, &person, key.as_ref(), (&environment, &deployed), &report)? {
        Ok(signer) => signer,
        Err(reasons) => return Ok(Answer::refused(COMMAND, reasons)),
    };
    let (Some(Key { signing: Some(signing), .. }), Some(signer)) = (key, signer) else {
        return Ok(Answer::refused(COMMAND, vec![Reason::new(Code::KeyUnknown, "no key signs this")]));
    };
    let policy = moment.policy().context("no policy is in force")?;
    let text = shown(policy, &environment, &deployed, &report) + &first_sight(&moment);
    person.streams.line(&text);
    if let Some(answer) = confirm(&person, &environment, &deployed)? {
        return Ok(answer);
    }
    let statement = Statement::Review(Review {
        execution: deployed.execution,
        finding: Finding::Incident { report: Digest::of(report.as_bytes()) },
        reason: args.reason.clone().context("say what came of it, with `--reason TEXT`")?,
        presence: person.presence.clone(),
    });
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let files =
        Files::from([("screen.txt".to_owned(), text.into_bytes()), (REPORT.to_owned(), report.into_bytes())]);
    let unsigned = ledger::prepare(timeline, statement, &signer, moment.now, files)?;
    let message = format!("{signer}: review {}", deployed.start.request.id);
    let entry = match signed(unsigned.sign(&signing, message), COMMAND)? {
        Ok(entry) => entry,
        Err(answer) => return Ok(answer),
    };
    if let Some(reason) = presence_missing(&moment, &environment, &entry, &signer) {
        return Ok(Answer::refused(COMMAND, vec![reason]));
    }
    record(&mut moment, args, &deployed, &entry, &signer)
}

/// Whose signature it will be, or everything that speaks against it: the gate's reasons, then the report's.
fn judge(
    moment: &Moment,
    person: &Person,
    key: Option<&Key>,
    (environment, deployed): (&Environment, &Deployed),
    report: &str,
) -> Result<Result<Option<PersonName>, Vec<Reason>>> {
    let action = Action::Incident { environment, execution: &deployed.execution };
    let caller = moment.caller(Some(person.presence.clone()));
    let facts = moment.facts(caller, key.map(|key| key.fact.clone()));
    let open = problems(&draft(moment, environment, deployed)?, report, deployed);
    Ok(match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => Err(reasons.into_iter().chain(open).collect()),
        Decision::Allow(permit) if open.is_empty() => Ok(permit.signer),
        Decision::Allow(_) => Err(open),
    })
}

fn record(
    moment: &mut Moment,
    args: &ApproveArgs,
    deployed: &Deployed,
    entry: &Signed,
    signer: &PersonName,
) -> Result<Answer> {
    let remote = moment.remote.clone();
    let (digest, commit) = match ledger::append(moment, entry, remote.as_deref())? {
        Appended::Raced => {
            return Ok(Answer::ended(COMMAND, Outcome::Busy, "the ledger moved meanwhile: run it again"));
        }
        Appended::Done { digest, commit } => (digest, commit),
    };
    pin_root(moment)?;
    write_pair(args, entry)?;
    let id = &deployed.start.request.id;
    let text = format!(
        "reviewed {id} as {signer}: nothing is owed for it any more\nthe report is in the ledger: git show {}:{REPORT}\n",
        commit.short()
    );
    Ok(Answer::done(COMMAND, text).with("id", id).with("by", signer).with("entry", digest))
}

fn read(path: &Path) -> Result<String> {
    let shown = path.display();
    let about = std::fs::metadata(path).with_context(|| format!("cannot read the report `{shown}`"))?;
    anyhow::ensure!(about.is_file(), "the report `{shown}` is not a file");
    anyhow::ensure!(about.len() <= REPORT_MAX, "the report `{shown}` is larger than 1 MiB");
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the report `{shown}`"))?;
    String::from_utf8(bytes).with_context(|| format!("the report `{shown}` is not UTF-8"))
}

/// Why a report cannot be signed: it is of something else, or a question of its draft is open.
fn problems(draft: &str, report: &str, deployed: &Deployed) -> Vec<Reason> {
    let id = &deployed.start.request.id;
    let again = format!("draft it anew: deployctl approve --review {id} --show");
    let mut reasons = Vec::new();
    // Seven digits are never escaped, whatever stands around them.
    if !report.contains(&deployed.start.request.digest.short()) {
        let what = format!("the report does not name `{id}`: it is of another deployment");
        reasons.push(Reason::new(Code::ReviewOwed, what).next(again.clone()));
    }
    reasons.extend(unanswered(draft, report).into_iter().map(|found| {
        let place = found.line.map_or_else(String::new, |line| format!("line {line} of "));
        let what = format!("{place}the report is not answered: {}", text::line(&found.what, 200));
        Reason::new(Code::ReviewOwed, what)
            .next("answer every question of the report, then sign it")
            .next(again.clone())
    }));
    reasons
}

fn shown(policy: &Policy, environment: &Environment, deployed: &Deployed, report: &str) -> String {
    let head = format!(
        "{} · review of the emergency {} in {environment}\n  {}\n\n",
        text::line(&policy.project, 100),
        deployed.start.request.id,
        screen::clock(deployed).unwrap_or_default()
    );
    head + &screen::signed_text(REPORT, None, report)
}

fn confirm(person: &Person, environment: &Environment, deployed: &Deployed) -> Result<Option<Answer>> {
    let version = &deployed.start.release.version;
    let phrase = format!("review {environment} {version} {}", deployed.execution.short());
    Ok(match person.types(&phrase, "sign the report")? {
        Answered::Yes => None,
        Answered::No => Some(declined("the phrase was not typed")),
        Answered::Interrupted => Some(interrupted(COMMAND)),
    })
}
