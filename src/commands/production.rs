//! A production action, whichever it is: judged, shown, typed, judged again, signed, run, recorded.

use std::path::PathBuf;

use anyhow::Result;

use super::gather::{Key, Moment};
use super::person::{Answered, Person};
use super::refusal;
use super::session::{self, Start, Started};
use crate::cli::Common;
use crate::gate::plan::Plan;
use crate::gate::policy::EnvironmentRule;
use crate::gate::presence::Presence;
use crate::gate::reason::Reason;
use crate::gate::statement::{Ending, Watched};
use crate::gate::terms::{Digest, Environment};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen;

/// What an action is, where actions differ.
pub trait Production {
    /// What was found besides the plan.
    type Found;

    /// The subcommand.
    fn command(&self) -> &'static str;

    /// Where.
    fn environment(&self) -> &Environment;

    /// Why, where the execution says it.
    fn reason(&self) -> Option<String>;

    /// What is said of a `--yes`, where it was given: it does nothing.
    fn yes(&self) -> Option<&'static str>;

    /// What is good to know beside the screen.
    fn remark(&self, _moment: &Moment) -> Option<Reason> {
        None
    }

    /// Decides.
    ///
    /// # Errors
    /// When facts cannot be found out.
    fn judge(
        &self,
        moment: &Moment,
        presence: Option<&Presence>,
        key: Option<&Key>,
    ) -> Result<Verdict<Self::Found>>;

    /// The screen: what the second signature covers.
    ///
    /// # Errors
    /// When the ledger cannot be believed.
    fn shown(&self, moment: &Moment, judged: &Judged<Self::Found>) -> Result<String>;

    /// What stands below the screen of a dry run.
    fn allowed(&self, _judged: &Judged<Self::Found>) -> String {
        String::new()
    }

    /// Questions before the phrase. An answer ends the command.
    ///
    /// # Errors
    /// When there is no terminal to ask at.
    fn questions(
        &self,
        _moment: &Moment,
        _person: &Person,
        _judged: &Judged<Self::Found>,
    ) -> Result<Option<Answer>> {
        Ok(None)
    }

    /// The phrase to type, and what it does.
    fn phrase(&self, judged: &Judged<Self::Found>) -> (String, &'static str);

    /// The person did not type it.
    fn declined(&self, _moment: &Moment, _judged: &Judged<Self::Found>) -> Answer {
        Answer::ended(self.command(), Outcome::Declined, "the phrase was not typed; nothing was run")
    }

    /// It has ended, and that is recorded.
    ///
    /// # Errors
    /// When what follows cannot be found out.
    fn concluded(&self, desk: &Desk<'_>, moment: &Moment, end: &End<'_, Self::Found>) -> Result<Answer>;
}

/// A plan that the gate allows, or every reason why not.
pub type Verdict<F> = std::result::Result<Judged<F>, Refused>;

/// Every reason why not, and of what.
pub struct Refused {
    /// Why not.
    pub reasons: Vec<Reason>,
    /// The id of the request that was found, else the name that was given.
    pub request: Option<String>,
}

/// A plan that the gate allows, and what it came from.
pub struct Judged<F> {
    /// What runs.
    pub plan: Plan,
    /// The rules of the environment.
    pub rule: EnvironmentRule,
    /// What the action found besides.
    pub found: F,
}

/// Where a person works.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The command line's common part.
    pub common: &'a Common,
    /// Who sits there.
    pub person: &'a Person,
    /// The private key that was named.
    pub key: Option<&'a PathBuf>,
}

/// How an action ended.
pub struct End<'a, F> {
    /// What ran.
    pub judged: &'a Judged<F>,
    /// The execution.
    pub started: &'a Started,
    /// How.
    pub ending: Ending,
    /// Where, if badly.
    pub failed_step: Option<&'a str>,
    /// What the watch saw, where there was one.
    pub watched: Option<&'a Watched>,
}

/// Decides, shows, asks, decides again, has it signed, and runs it.
///
/// # Errors
/// When facts cannot be found out.
pub fn run<P: Production>(action: &P, desk: &Desk<'_>, mut moment: Moment) -> Result<Answer> {
    let person = desk.person;
    let key = person.key(desk.key, moment.policy())?;
    let first = match action.judge(&moment, Some(&person.presence), key.as_ref())? {
        Ok(judged) => judged,
        Err(refused) => return Ok(refuse(action, &moment, refused)),
    };
    let text = action.shown(&moment, &first)?;
    let read_at = tip(&moment);
    person.streams.line(&text);
    if let Some(reason) = action.remark(&moment) {
        person.streams.line(&screen::warnings(&[reason]));
    }
    if let Some(answer) = confirm(action, &moment, person, &first)? {
        return Ok(answer);
    }
    // Reading takes time: what moved meanwhile is judged before the signature, and the append itself afterwards.
    moment = Moment::look(desk.common)?;
    let judged = match action.judge(&moment, Some(&person.presence), key.as_ref())? {
        Ok(judged) => judged,
        Err(refused) => return Ok(refuse(action, &moment, refused)),
    };
    if judged.plan.digest()? != first.plan.digest()? {
        let what = "the plan changed while you were reading: run it again";
        return Ok(Answer::ended(action.command(), Outcome::Busy, what));
    }
    // Where nothing new is in the ledger, only minutes that went by are told otherwise.
    if tip(&moment) != read_at && action.shown(&moment, &judged)? != text {
        let what = "the ledger tells something else now than when you began to read: run it again";
        return Ok(Answer::ended(action.command(), Outcome::Busy, what));
    }
    execute(action, desk, &mut moment, &judged, &text, key)
}

/// Where the ledger ends.
fn tip(moment: &Moment) -> Option<Digest> {
    Some(moment.timeline()?.tip.as_ref()?.digest)
}

fn confirm<P: Production>(
    action: &P,
    moment: &Moment,
    person: &Person,
    judged: &Judged<P::Found>,
) -> Result<Option<Answer>> {
    if let Some(answer) = action.questions(moment, person, judged)? {
        return Ok(Some(answer));
    }
    let (phrase, verb) = action.phrase(judged);
    Ok(match person.types(&phrase, verb)? {
        Answered::Yes => None,
        Answered::No => Some(action.declined(moment, judged)),
        Answered::Interrupted => Some(interrupted(action.command())),
    })
}

/// A signal came before anything ran.
pub fn interrupted(command: &'static str) -> Answer {
    Answer::ended(command, Outcome::Interrupted, "interrupted; nothing was run")
}

fn execute<P: Production>(
    action: &P,
    desk: &Desk<'_>,
    moment: &mut Moment,
    judged: &Judged<P::Found>,
    text: &str,
    key: Option<Key>,
) -> Result<Answer> {
    let person = desk.person;
    let (Some(key), Some(signer)) = (key, judged.plan.permit().signer.clone()) else {
        anyhow::bail!("a permit without a signer: this is a bug of deployctl")
    };
    let again = |moment: &Moment| -> Result<Vec<Reason>> {
        let judged = action.judge(moment, Some(&person.presence), Some(&key))?;
        Ok(judged.err().map(|refused| refused.reasons).unwrap_or_default())
    };
    let reason = action.reason();
    let start = Start { plan: &judged.plan, screen: text, reason, signer, key: &key, again: &again };
    let started = match session::begin(moment, person, start, action.command())? {
        Ok(started) => started,
        Err(answer) => return Ok(answer),
    };
    super::approve::pin_root(moment)?;
    let ended = session::run(moment, person, &judged.plan, &judged.rule, &started)?;
    let end = End {
        judged,
        started: &started,
        ending: ended.ending,
        failed_step: ended.failed_step.as_deref(),
        watched: ended.watched.as_ref(),
    };
    action.concluded(desk, moment, &end)
}

/// The verdict, every reason and the exact plan, for anyone. Who would execute is not judged: nobody does.
///
/// # Errors
/// When facts cannot be found out.
pub fn dry_run<P: Production>(action: &P, moment: &Moment) -> Result<Answer> {
    let answer = match action.judge(moment, None, None)? {
        Err(refused) => Answer::refused(action.command(), refused.reasons),
        Ok(judged) => {
            let mut text = action.shown(moment, &judged)?;
            text.push_str(&action.allowed(&judged));
            Answer::done(action.command(), text).with("plan", &judged.plan)
        }
    };
    let mut answer = answer.with("environment", action.environment()).with("dry_run", true);
    answer.warnings.extend(action.remark(moment));
    Ok(answer)
}

/// A refusal of a production action is kept in the journal, with the request that was named or found.
fn refuse<P: Production>(action: &P, moment: &Moment, refused: Refused) -> Answer {
    let Refused { reasons, request } = refused;
    let request = request.map_or_else(String::new, |request| format!(" {request}"));
    let about = format!("{} {}{request}", action.command(), action.environment());
    let answer = refusal::kept(moment, action.command(), &about, reasons);
    let mut answer = answer.with("environment", action.environment());
    answer.warnings.extend(moment.edited());
    answer.message = action.yes().map(str::to_owned);
    answer
}
