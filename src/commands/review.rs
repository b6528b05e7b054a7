//! `deployctl approve --review`: a person looked at an interrupted deployment and says what runs.

use anyhow::{Context as _, Result};

use super::approve::{declined, interrupted, pin_root, presence_missing, signed, write_pair};
use super::gather::{Key, Moment};
use super::ledger::{self, Appended};
use super::person::{Answered, Person};
use super::{refusal, report};
use crate::cli::{ApproveArgs, Common};
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, decide, report_name, review_owed};
use crate::gate::facts::Action;
use crate::gate::reason::{Code, Reason};
use crate::gate::statement::{Ending, Finding, Review, Statement};
use crate::gate::terms::{CommitId, Digest, Environment, PersonName};
use crate::gate::timeline::{Deployed, Timeline};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::{screen, text};
use crate::world::records::Files;
use crate::world::signer::SigningKey;

/// Records what the person found.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &ApproveArgs, name: &str) -> Result<Answer> {
    let person = Person::look(common)?;
    let mut moment = Moment::look(common)?;
    let key = person.key(args.key.as_ref(), moment.policy())?;
    let Some(deployed) = moment.timeline().and_then(|timeline| unfinished(timeline, name)).cloned() else {
        let reason = nothing_interrupted(&moment, name);
        return Ok(refusal::kept(&moment, "approve", &format!("review {name}"), vec![reason]));
    };
    let environment = deployed.start.environment.clone();
    let action = Action::Review { environment: &environment };
    let facts =
        moment.facts(moment.caller(Some(person.presence.clone())), key.as_ref().map(|key| key.fact.clone()));
    let permit = match decide(moment.policy(), &facts, &action) {
        Decision::Refuse(reasons) => {
            let about = format!("review {environment} {}", deployed.start.request.id);
            return Ok(refusal::kept(&moment, "approve", &about, reasons));
        }
        Decision::Allow(permit) => permit,
    };
    let (Some(Key { signing: Some(signing), .. }), Some(signer)) = (key, permit.signer) else {
        return Ok(Answer::refused("approve", vec![Reason::new(Code::KeyUnknown, "no key signs this")]));
    };
    let release = &deployed.start.release;
    let reason = args.reason.clone().context("say what you found, with `--reason TEXT`")?;
    let text = shown(&moment, &environment, &deployed, &reason);
    person.streams.line(&text);
    let (ending, verb) =
        match person.says_yes(&format!("Is {} live and well in {environment}?", release.version))? {
            Answered::Yes => (Ending::Succeeded, "say that it is live and well"),
            Answered::No => (Ending::Failed, "say that it failed"),
            Answered::Interrupted => return Ok(interrupted("approve")),
        };
    let phrase = format!("review {environment} {} {}", release.version, deployed.execution.short());
    match person.types(&phrase, verb)? {
        Answered::Yes => {}
        Answered::No => return Ok(declined("the phrase was not typed")),
        Answered::Interrupted => return Ok(interrupted("approve")),
    }
    let review = Review {
        execution: deployed.execution,
        finding: Finding::Interruption { ending },
        reason,
        presence: person.presence.clone(),
    };
    let said = Said {
        environment: &environment,
        review,
        files: Files::from([("screen.txt".to_owned(), text.into_bytes())]),
        message: format!("{signer}: review {}", deployed.start.request.id),
    };
    let entry = match said.append(&mut moment, args, &signing, &signer)? {
        Ok((entry, _)) => entry,
        Err(answer) => return Ok(answer),
    };
    let text = match ending {
        Ending::Succeeded => format!("{environment} runs {}\n", release.version),
        _ => format!("{environment} is free again; {} failed\nnext: deployctl status\n", named(&deployed)),
    };
    Ok(Answer::done("approve", text).with("ending", ending).with("entry", entry))
}

/// Why nothing waits for a person who looked: what may be meant is a report.
fn nothing_interrupted(moment: &Moment, name: &str) -> Reason {
    let shown = text::line(name, 200);
    let reported = moment.timeline().and_then(|timeline| report::find(timeline, name));
    let Some((_, deployed, report)) = reported.and_then(|(place, it)| Some((place, it, it.report()?))) else {
        let what = format!("no interrupted deployment of `{shown}` waits for a review");
        return Reason::new(Code::RequestMissing, what).next("deployctl status");
    };
    if report.signed.is_some() {
        let what = format!("`{shown}` was not interrupted, and its report is signed");
        let name = report_name(deployed);
        return Reason::new(Code::RequestMissing, what)
            .next(format!("read the draft of its report: deployctl approve --review {name} --show"));
    }
    let owed = review_owed(deployed, &report, moment.now);
    let message =
        format!("`{shown}` was not interrupted, and its report goes with `--report`: {}", owed.message);
    Reason { message, ..owed }
}

fn named(deployed: &Deployed) -> String {
    let what = match deployed.start.action {
        ActionKind::Deploy => "deployment of",
        ActionKind::Rollback => "rollback to",
    };
    format!("the {what} {}", deployed.start.release.version)
}

/// What was interrupted, and why it was done.
fn shown(moment: &Moment, environment: &Environment, deployed: &Deployed, reason: &str) -> String {
    let mut text = format!(
        "{} in {environment}, started by {}, was interrupted; you have looked at what runs\n",
        named(deployed),
        deployed.by
    );
    text.push_str(&report::reasons(moment, deployed));
    text.push_str(&screen::your_reason(Some(reason)));
    text
}

/// A review as a person is about to sign it.
pub struct Said<'a> {
    /// Where.
    pub environment: &'a Environment,
    /// What is said.
    pub review: Review,
    /// The other files of the entry.
    pub files: Files,
    /// The sentence of the commit.
    pub message: String,
}

impl Said<'_> {
    /// Has it signed and appended; answers the entry's digest and its commit.
    ///
    /// # Errors
    /// When it cannot be signed or recorded.
    pub fn append(
        self,
        moment: &mut Moment,
        args: &ApproveArgs,
        signing: &SigningKey,
        signer: &PersonName,
    ) -> Result<Result<(Digest, CommitId), Answer>> {
        let Self { environment, review, files, message } = self;
        let timeline = moment.timeline().context("the ledger cannot be believed")?;
        let unsigned = ledger::prepare(timeline, Statement::Review(review), signer, moment.now, files)?;
        let entry = match signed(unsigned.sign(signing, message), "approve")? {
            Ok(entry) => entry,
            Err(answer) => return Ok(Err(answer)),
        };
        if let Some(reason) = presence_missing(moment, environment, &entry, signer) {
            return Ok(Err(Answer::refused("approve", vec![reason])));
        }
        let remote = moment.remote.clone();
        match ledger::append(moment, &entry, remote.as_deref())? {
            Appended::Raced => {
                let what = "the ledger moved meanwhile: run it again";
                Ok(Err(Answer::ended("approve", Outcome::Busy, what)))
            }
            Appended::Done { digest, commit } => {
                pin_root(moment)?;
                write_pair(args, &entry)?;
                Ok(Ok((digest, commit)))
            }
        }
    }
}

fn unfinished<'a>(timeline: &'a Timeline, name: &str) -> Option<&'a Deployed> {
    let tracks = timeline.tracks.values();
    tracks
        .filter_map(|track| track.lock().or_else(|| track.interrupted()))
        .find(|deployed| deployed.start.request.id == name || deployed.start.release.version.as_str() == name)
}
