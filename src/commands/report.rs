//! `deployctl approve --review` with a report: drafted from the ledger, answered by people, and signed. The same way for an
//! emergency and for a rollback; what the draft says of each stands in [`super::incident`] and [`super::aftermath`].

use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};

use super::approve::{declined, interrupted};
use super::gather::{Key, Moment};
use super::person::{Answered, Person, first_sight};
use super::review::Said;
use super::{aftermath, incident, refusal, target};
use crate::cli::{ApproveArgs, Common};
use crate::evidence::report::{altered, unanswered};
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, decide, ledger_reason, report_name};
use crate::gate::facts::Action;
use crate::gate::policy::Policy;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Ending, Finding, REPORT, Review, StepEnd, Verdict};
use crate::gate::terms::{Digest, Environment, PersonName, Version};
use crate::gate::timeline::{About, Deployed, Timeline, Track};
use crate::render::answer::Answer;
use crate::render::pages::TimelineEvent;
use crate::render::{screen, text};
use crate::world::records::Files;

const COMMAND: &str = "approve";

/// The largest report that is read, in bytes: a long novel.
const REPORT_MAX: u64 = 1 << 20;

/// So many digits of an execution name it at the least, as [`Digest::short`] shows.
const DIGITS_MIN: usize = 7;

/// The drafted report, for anyone.
///
/// # Errors
/// When records cannot be read, or the template does not fit.
pub fn show(common: &Common, name: &str) -> Result<Answer> {
    let mut moment = Moment::look(common)?;
    if moment.timeline().is_some_and(|timeline| find(timeline, name).is_none()) {
        // It may be settled long ago.
        moment.ledger = moment.timeline_about(name);
    }
    if let Err(trouble) = &moment.ledger {
        return Ok(Answer::refused(COMMAND, vec![ledger_reason(trouble)]));
    }
    let Some((environment, deployed)) = moment.timeline().and_then(|timeline| find(timeline, name)) else {
        return Ok(Answer::refused(COMMAND, vec![none_of(name)]));
    };
    let draft = draft(&moment, environment, deployed)?;
    let report = deployed.report();
    Ok(Answer::done(COMMAND, draft.clone())
        .with("id", &deployed.start.request.id)
        .with("about", report.map(|report| report.about.word()))
        .with("execution", deployed.execution)
        .with("review_by", report.and_then(|report| report.due))
        .with("reviewed", report.is_some_and(|report| report.signed.is_some()))
        .with("markdown", draft))
}

/// The emergency or rollback of this request, version or execution: first what is owed, of that the emergencies, of those
/// the newest. An attempt at a rollback that another one followed is told of in the report of that one.
#[must_use]
pub fn find<'a>(timeline: &'a Timeline, name: &str) -> Option<(&'a Environment, &'a Deployed)> {
    let is_named = |deployed: &Deployed| {
        let execution = deployed.execution.to_string();
        deployed.start.request.id == name
            || (name.len() >= DIGITS_MIN && execution.trim_start_matches("sha256:").starts_with(name))
    };
    let rollback = |known: &&Deployed| known.start.action == ActionKind::Rollback && known.report().is_none();
    let told = |track: &'a Track| {
        let attempts = track.deployments.iter().filter(rollback).filter(|known| is_named(known));
        attempts.filter_map(|known| track.told_by(known)).map(|last| last.execution)
    };
    let told: Vec<Digest> = timeline.tracks.values().flat_map(told).collect();
    let is_meant = |deployed: &Deployed| {
        is_named(deployed)
            || told.contains(&deployed.execution)
            || subject(deployed).is_some_and(|version| version.as_str() == name)
    };
    let tracks = timeline.tracks.iter();
    let all = tracks.flat_map(|(name, track)| track.all().map(move |deployed| (name, deployed)));
    let reports = all.filter_map(|(name, deployed)| Some((name, deployed, deployed.report()?)));
    let newest = reports
        .filter(|(_, deployed, _)| is_meant(deployed))
        .max_by_key(|(_, deployed, report)| (report.signed.is_none(), report.about, deployed.at));
    newest.map(|(name, deployed, _)| (name, deployed))
}

/// The version that a report is about: the one that was deployed, or that was rolled back.
fn subject(deployed: &Deployed) -> Option<&Version> {
    match deployed.report()?.about {
        About::Incident => Some(&deployed.start.release.version),
        About::Rollback => deployed.start.previous_release.as_ref().map(|undone| &undone.version),
    }
}

fn none_of(name: &str) -> Reason {
    let what = format!("no emergency or rollback of `{}` was executed", text::line(name, 200));
    Reason::new(Code::RequestMissing, what).next("see what is owed: deployctl status")
}

/// The report with the ledger's facts, and the questions that only people can answer.
fn draft(moment: &Moment, environment: &Environment, deployed: &Deployed) -> Result<String> {
    match deployed.report().context("it owes no report")?.about {
        About::Incident => incident::draft(moment, environment, deployed),
        About::Rollback => aftermath::draft(moment, environment, deployed),
    }
}

/// The steps that ended, a sentence each.
#[must_use]
pub fn steps(deployed: &Deployed) -> Vec<String> {
    let sentence = |step: &crate::gate::statement::StepResult| {
        format!("{} {} after {} s", step.step, end_word(step.result), step.milliseconds / 1_000)
    };
    deployed.steps.iter().map(sentence).collect()
}

/// How a deployment or a rollback ended, as the table of deployments says it.
#[must_use]
pub const fn outcome(deployed: &Deployed) -> &'static str {
    match deployed.ending {
        _ if deployed.rolled_back_by.is_some() => "Rolled back",
        Some((Ending::Succeeded, _)) => "Success",
        Some((Ending::Failed, _)) => "Failed",
        Some((Ending::Interrupted, _)) => "Interrupted",
        None => "Not ended",
    }
}

/// How a step ended, after its name.
#[must_use]
pub const fn end_word(end: StepEnd) -> &'static str {
    match end {
        StepEnd::Succeeded => "succeeded",
        StepEnd::Failed => "failed",
        StepEnd::TimedOut => "took too long",
        StepEnd::Interrupted => "was interrupted",
        StepEnd::NotStarted => "could not be started",
        StepEnd::WindowClosed => "was not begun",
        StepEnd::LeaseOver => "was ended or not begun, since its time was over",
    }
}

/// A moment as reports have it.
#[must_use]
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A moment among others that may lie close to it.
fn second(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The people whose approvals counted.
#[must_use]
pub fn approvers(moment: &Moment, deployed: &Deployed) -> String {
    let timeline = moment.timeline();
    let decided = timeline.and_then(|timeline| timeline.decided(&deployed.start.request));
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    let counted = votes.iter().filter(|vote| deployed.start.approvals.contains(&vote.entry));
    counted.map(|vote| vote.by.as_str()).collect::<Vec<_>>().join(", ")
}

/// Something that happened, and when.
pub type Event = (DateTime<Utc>, String);

/// What the ledger says of a deployment, from the request to the end.
///
/// # Errors
/// When records cannot be read.
pub fn events(moment: &Moment, deployed: &Deployed) -> Result<Vec<Event>> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let mut events = Vec::new();
    if let Some(package) = target::of_execution(moment, &deployed.start.request)? {
        let by = package.request.requested_by.name;
        events.push((package.request.at, format!("requested by {by}")));
    }
    let decided = timeline.decided(&deployed.start.request);
    for vote in decided.iter().flat_map(|decided| &decided.votes) {
        let word = match vote.approval.verdict {
            Verdict::Allow if vote.approval.emergency.is_some() => "declared and approved",
            Verdict::Allow => "approved",
            Verdict::Deny => "denied",
            Verdict::Hold => "held",
        };
        events.push((vote.at, format!("{word} by {}", vote.by)));
    }
    events.push((deployed.at, format!("execution begun by {}", deployed.by)));
    events.extend(end(deployed, "the deployment"));
    Ok(events)
}

/// What the watch of an action found, and how and where it ended.
pub fn end(deployed: &Deployed, what: &str) -> Vec<Event> {
    let triggers = deployed.watched.iter().flat_map(|watched| &watched.triggers);
    let triggers = triggers.map(|trigger| (trigger.at, format!("trigger: {}", trigger.sentence)));
    let step = deployed.failed_step.as_ref().map_or_else(String::new, |step| format!(" at {step}"));
    let ended = deployed.ending.map(|(ending, at)| (at, format!("{what} {}{step}", ended(ending))));
    triggers.chain(ended).collect()
}

/// How it ended, as a verb.
#[must_use]
pub const fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "succeeded",
        Ending::Failed => "failed",
        Ending::Interrupted => "was interrupted",
    }
}

/// The lines of a report's timeline, in order.
#[must_use]
pub fn in_order(mut events: Vec<Event>) -> Vec<TimelineEvent> {
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(at, what)| TimelineEvent { time: second(at), what }).collect()
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
    let found = moment.timeline().and_then(|timeline| find(timeline, name));
    let Some((environment, deployed)) = found.map(|(name, deployed)| (name.clone(), deployed.clone())) else {
        return Ok(Answer::refused(COMMAND, vec![none_of(name)]));
    };
    let report = read(path)?;
    let signer = match judge(&moment, &person, key.as_ref(), (&environment, &deployed), &report)? {
        Ok(signer) => signer,
        Err(reasons) => {
            let about = format!("review {environment} {}", report_name(&deployed));
            return Ok(refusal::kept(&moment, COMMAND, &about, reasons));
        }
    };
    let (Some(Key { signing: Some(signing), .. }), Some(signer)) = (key, signer) else {
        return Ok(Answer::refused(COMMAND, vec![Reason::new(Code::KeyUnknown, "no key signs this")]));
    };
    let policy = moment.policy().context("no policy is in force")?;
    let reason = args.reason.clone().context("say what came of it, with `--reason TEXT`")?;
    let text = shown(&moment, policy, (&environment, &deployed), &reason, &report) + &first_sight(&moment);
    person.streams.line(&text);
    if let Some(answer) = confirm(&person, &environment, &deployed)? {
        return Ok(answer);
    }
    let digest = Digest::of(report.as_bytes());
    let finding = match deployed.report().context("it owes no report")?.about {
        About::Incident => Finding::Incident { report: digest },
        About::Rollback => Finding::Rollback { report: digest },
    };
    let review = Review { execution: deployed.execution, finding, reason, presence: person.presence.clone() };
    let name = report_name(&deployed);
    let said = Said {
        environment: &environment,
        review,
        files: Files::from([
            ("screen.txt".to_owned(), text.into_bytes()),
            (REPORT.to_owned(), report.into_bytes()),
        ]),
        message: format!("{signer}: review {name}"),
    };
    let (entry, commit) = match said.append(&mut moment, args, &signing, &signer)? {
        Ok(appended) => appended,
        Err(answer) => return Ok(answer),
    };
    let text = format!(
        "reviewed {name} as {signer}: nothing is owed for it any more\nthe report is in the ledger: git show {}:{REPORT}\n",
        commit.short()
    );
    let id = &deployed.start.request.id;
    Ok(Answer::done(COMMAND, text).with("id", id).with("by", &signer).with("entry", entry))
}

/// Whose signature it will be, or everything that speaks against it: the gate's reasons, then the report's.
fn judge(
    moment: &Moment,
    person: &Person,
    key: Option<&Key>,
    (environment, deployed): (&Environment, &Deployed),
    report: &str,
) -> Result<Result<Option<PersonName>, Vec<Reason>>> {
    let action = Action::Report { environment, execution: &deployed.execution };
    let caller = moment.caller(Some(person.presence.clone()));
    let facts = moment.facts(caller, key.map(|key| key.fact.clone()));
    let open = problems(&draft(moment, environment, deployed)?, report, deployed);
    Ok(match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => Err(reasons.into_iter().chain(open).collect()),
        Decision::Allow(permit) if open.is_empty() => Ok(permit.signer),
        Decision::Allow(_) => Err(open),
    })
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
    let name = report_name(deployed);
    let again = format!("draft it anew: deployctl approve --review {name} --show");
    let mut reasons = Vec::new();
    // Seven digits are never escaped, whatever stands around them.
    let digits = name.rsplit_once('-').map_or(name.as_str(), |(_, digits)| digits);
    if !report.contains(digits) {
        let what = format!("the report does not name `{name}`: it is of another deployment");
        reasons.push(Reason::new(Code::ReviewOwed, what).next(again.clone()));
    } else if let Some(found) = altered(draft, report) {
        let place = found.line.map_or_else(String::new, |line| format!("line {line}: "));
        let what = format!("the report changes a fact of its draft: {place}{}", text::line(&found.what, 500));
        reasons.push(
            Reason::new(Code::ReviewOwed, what)
                .next("leave the facts as they were drafted: what is to be added to them stands in an answer")
                .next(again.clone()),
        );
    }
    reasons.extend(unanswered(draft, report).into_iter().map(|found| {
        let place = found.line.map_or_else(String::new, |line| format!("line {line} of "));
        let title = found.title.map_or_else(String::new, |title| format!(": `{}`", text::line(&title, 100)));
        let what = format!("{place}the report{title} is not answered: {}", text::line(&found.what, 200));
        Reason::new(Code::ReviewOwed, what)
            .next("answer every question of the report, then sign it")
            .next(again.clone())
    }));
    reasons
}

fn shown(
    moment: &Moment,
    policy: &Policy,
    (environment, deployed): (&Environment, &Deployed),
    reason: &str,
    report: &str,
) -> String {
    let clock = screen::clock(deployed);
    let what = if clock.is_some() { "emergency" } else { "rollback" };
    let mut text = format!(
        "{} · review of the {what} {} in {environment}\n",
        text::line(&policy.project, 100),
        report_name(deployed)
    );
    text.push_str(&clock.map_or_else(String::new, |clock| screen::because("Response", &clock)));
    text.push_str(&reasons(moment, deployed));
    text.push_str(&screen::your_reason(Some(reason)));
    text + "\n" + &screen::signed_text(REPORT, None, report)
}

/// Why it was done: the reason of a rollback, and what the people said who approved.
#[must_use]
pub fn reasons(moment: &Moment, deployed: &Deployed) -> String {
    let given = deployed.start.reason.iter().map(|reason| screen::because("Because", reason));
    let decided = moment.timeline().and_then(|timeline| timeline.requests.get(&deployed.start.request));
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    let counted = votes.iter().filter(|vote| deployed.start.approvals.contains(&vote.entry));
    let said = counted.filter_map(|vote| {
        let reason = vote.approval.reason.as_ref()?;
        Some(screen::because("Approved", &format!("by {}: {reason}", vote.by)))
    });
    given.chain(said).collect()
}

fn confirm(person: &Person, environment: &Environment, deployed: &Deployed) -> Result<Option<Answer>> {
    let version = subject(deployed).context("it owes no report")?;
    let phrase = format!("review {environment} {version} {}", deployed.execution.short());
    Ok(match person.types(&phrase, "sign the report")? {
        Answered::Yes => None,
        Answered::No => Some(declined("the phrase was not typed")),
        Answered::Interrupted => Some(interrupted(COMMAND)),
    })
}
