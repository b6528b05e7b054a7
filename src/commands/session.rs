//! A session: the second signature, the consumption, the steps of the plan, the watch, and the record of how it ended.

mod automatic_rollback;
mod settled;
mod watched;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Duration, Utc};

pub use self::automatic_rollback::roll_back;
use super::approve::nonce;
use super::gather::{Key, Moment};
use super::ledger::{self, Appended};
use super::person::Person;
use super::steps::{self, Display};
use crate::gate::config::ActionKind;
use crate::gate::decide::window_still_open;
use crate::gate::plan::Plan;
use crate::gate::policy::{EnvironmentRule, Step};
use crate::gate::reason::Reason;
use crate::gate::statement::{
    BASELINE, EXPORT, Ending, Execution, HEALTH, OutcomeStatement, Progress, Statement, StepResult, WATCH,
    Watched,
};
use crate::gate::terms::{CommitId, Digest, PersonName};
use crate::gate::timeline::Deployed;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::world::clock;
use crate::world::process::{self, Watcher, Wish};
use crate::world::records::Files;
use crate::world::sshsig::SessionKey;
use crate::world::terminal::Meanwhile;

/// The execution that a person signed.
pub struct Started {
    key: Rc<SessionKey>,
    execution: Digest,
    by: PersonName,
    /// From then on others may settle this deployment.
    lease_until: DateTime<Utc>,
    /// What this session said while the remote was away.
    unsent: RefCell<Unsent>,
}

/// Records that only this clone has.
#[derive(Default)]
struct Unsent {
    /// The newest entry before them.
    after: Option<CommitId>,
    said: Vec<(Statement, Files, String)>,
}

/// What the person is asked to sign: the execution of a plan.
pub struct Start<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The screen that was shown.
    pub screen: &'a str,
    /// Why, for a rollback.
    pub reason: Option<String>,
    /// Who signs.
    pub signer: PersonName,
    /// With what.
    pub key: &'a Key,
    /// Decides once more, at the moment when the signature is there: a passphrase may take an hour.
    pub again: &'a dyn Fn(&Moment) -> Result<Vec<Reason>>,
}

/// How long a signature may take: what is signed is dated before it, and the lease, which counts from there, has five minutes to spare.
pub(super) const SIGNING_MAX: Duration = Duration::minutes(2);

/// Has the execution signed and appended: that is the moment of consumption, before anything runs.
///
/// # Errors
/// When it cannot be signed or recorded: then nothing runs.
pub fn begin(
    moment: &mut Moment,
    person: &Person,
    start: Start<'_>,
    command: &'static str,
) -> Result<Result<Started, Answer>> {
    let Start { plan, screen, reason, signer, key, again } = start;
    let session = SessionKey::generate()?;
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let policy = moment.policy().context("no policy is in force")?;
    let lease = Duration::from_std(plan.lease()).context("the steps may take longer than a clock can say")?;
    let lease_until = moment.now + lease;
    let statement = Statement::Execution(Box::new(Execution {
        action: plan.action,
        environment: plan.environment.clone(),
        release: plan.release.clone(),
        previous_release: plan.previous.clone(),
        request: plan.request.clone().context("people deploy what was requested")?,
        approvals: plan.permit().approvals.clone(),
        policy: policy.digest,
        plan: plan.digest()?,
        session_key: session.public(),
        lease_until,
        emergency: plan.permit().emergency.clone(),
        reason,
        nonce: nonce()?,
        screen: Digest::of(screen.as_bytes()),
        presence: person.presence.clone(),
    }));
    let files = Files::from([("screen.txt".to_owned(), screen.as_bytes().to_vec())]);
    let asked_at = moment.now;
    let unsigned = ledger::prepare(timeline, statement, &signer, asked_at, files)?;
    let signing = key.signing.as_ref().context("no key signs this")?;
    let message = format!("{signer}: {command} {} {}", plan.environment, plan.request_id());
    let signed = match super::approve::signed(unsigned.sign(signing, message), command)? {
        Ok(signed) => signed,
        Err(answer) => return Ok(Err(answer)),
    };
    let rule = policy.environments.get(&plan.environment).and_then(|rule| rule.approvals.as_ref());
    let least = rule.map(|approvals| approvals.presence).context("nobody approves this environment")?;
    if let Some(reason) =
        crate::gate::decide::lacks_presence(&signed.proof, &signer, least, &plan.environment)
    {
        return Ok(Err(Answer::refused(command, vec![reason])));
    }
    if person.interrupt().load(Ordering::SeqCst) {
        return Ok(Err(Answer::ended(command, Outcome::Interrupted, "interrupted; nothing was run")));
    }
    moment.now = clock::now();
    let reasons = again(moment)?;
    if !reasons.is_empty() {
        return Ok(Err(Answer::refused(command, reasons).with("environment", &plan.environment)));
    }
    if moment.now - asked_at > SIGNING_MAX {
        let what = "the signature took so long that the time of the deployment would run out too soon; nothing was run: run it again";
        return Ok(Err(Answer::ended(command, Outcome::Busy, what)));
    }
    let remote = moment.remote.clone();
    match ledger::append(moment, &signed, remote.as_deref())? {
        Appended::Done { digest, .. } => {
            let unsent = RefCell::default();
            Ok(Ok(Started { key: Rc::new(session), execution: digest, by: signer, lease_until, unsent }))
        }
        Appended::Raced => Ok(Err(Answer::ended(
            command,
            Outcome::Busy,
            "somebody else was first: another entry reached the ledger while you signed; nothing was run",
        ))),
    }
}

/// How an action ended.
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// The step at which it ended badly, if it did.
    pub failed_step: Option<String>,
    /// What the watch saw, where there was one.
    pub watched: Option<Watched>,
}

impl Ended {
    fn badly(ending: Ending, step: &str) -> Self {
        Self { ending, failed_step: Some(step.to_owned()), watched: None }
    }
}

/// Runs the plan, watches, and records every step and the end. What follows the steps and belongs to the deployment is done
/// before its outcome is recorded: until then it holds the environment.
///
/// # Errors
/// When the end cannot be recorded, not even in this clone.
pub fn run(
    moment: &mut Moment,
    person: &Person,
    plan: &Plan,
    rule: &EnvironmentRule,
    started: &Started,
) -> Result<Ended> {
    let mut files = Files::new();
    let workspace = steps::workspace(moment, &plan.tree_of);
    let mut done = Vec::new();
    let ended = match &workspace {
        Ok(dir) => around(moment, person, plan, rule, started, (dir.path(), &mut files, &mut done))?,
        Err(error) => {
            person.streams.line(&format!("error: the approved files could not be written: {error:#}"));
            Ended::badly(Ending::Failed, EXPORT)
        }
    };
    // The end is recorded before the files go.
    conclude(moment, person, plan, started, (ended, &done), files)
}

/// The baseline, the steps and the watch.
fn around(
    moment: &mut Moment,
    person: &Person,
    plan: &Plan,
    rule: &EnvironmentRule,
    started: &Started,
    (dir, files, done): (&Path, &mut Files, &mut Vec<StepResult>),
) -> Result<Ended> {
    let recorded = undone(moment, plan).and_then(|deployed| deployed.watched.clone());
    let Ok(measured) = watched::before(person, plan, recorded.as_ref(), dir) else {
        return Ok(Ended::badly(Ending::Interrupted, BASELINE));
    };
    let display = Display::new(&person.streams, logs(moment, started), plan.steps.len());
    let display = display.expecting(estimates(moment, plan));
    let mut onlooker =
        Onlooker { moment, person, plan, rule, started, display, done, question: None, late: None };
    let (ending, failed_step) = process::execute(plan, dir, person.interrupt(), &mut onlooker)?;
    let Some(measured) = measured.filter(|_| ending == Ending::Succeeded) else {
        return Ok(Ended { ending, failed_step, watched: None });
    };
    let found = match measured.watch(person, started.lease_until) {
        Ok(found) => found,
        Err(error) => {
            person.streams.line(&format!("error: it could not be watched: {error:#}"));
            return Ok(Ended::badly(Ending::Failed, WATCH));
        }
    };
    files.insert(HEALTH.to_owned(), found.file);
    let failed_step = (found.ending != Ending::Succeeded).then(|| WATCH.to_owned());
    Ok(Ended { ending: found.ending, failed_step, watched: Some(found.watched) })
}

/// What a rollback undoes.
fn undone<'a>(moment: &'a Moment, plan: &Plan) -> Option<&'a Deployed> {
    let rollback = plan.action == ActionKind::Rollback;
    let track = moment.timeline().filter(|_| rollback)?.tracks.get(&plan.environment)?;
    let undone = |deployed: &&Deployed| {
        deployed.start.action == ActionKind::Deploy && Some(&deployed.start.release) == plan.previous.as_ref()
    };
    track.deployments.iter().rev().find(undone)
}

/// Records the end.
fn conclude(
    moment: &mut Moment,
    person: &Person,
    plan: &Plan,
    started: &Started,
    (ended, done): (Ended, &[StepResult]),
    files: Files,
) -> Result<Ended> {
    let outcome = OutcomeStatement {
        execution: started.execution,
        ending: ended.ending,
        failed_step: ended.failed_step.clone(),
        watched: ended.watched.clone(),
    };
    let message = format!("{}: {} {}", started.by, plan.request_id(), ending_word(ended.ending));
    let Err(error) = record(moment, person, started, (&Statement::Outcome(outcome), files), &message) else {
        return Ok(ended);
    };
    if let Some(known) = settled::by(moment, started) {
        anyhow::bail!(settled::words(moment, started, (&ended, done), &known));
    }
    Err(error.context(
        "the end of the deployment could not be recorded: the environment stays locked until its lease ends",
    ))
}

/// How long each step took when the same was done here the last time and ended well, as the ledger says.
fn estimates(moment: &Moment, plan: &Plan) -> BTreeMap<String, std::time::Duration> {
    let track = moment.timeline().and_then(|timeline| timeline.tracks.get(&plan.environment));
    let succeeded = |deployed: &&Deployed| {
        deployed.start.action == plan.action
            && deployed.ending.is_some_and(|(ending, _)| ending == Ending::Succeeded)
    };
    let last = track.and_then(|track| track.deployments.iter().rev().find(succeeded));
    let time = |step: &StepResult| (step.step.clone(), std::time::Duration::from_millis(step.milliseconds));
    last.map(|deployed| deployed.steps.iter().map(time).collect()).unwrap_or_default()
}

const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "succeeded",
        Ending::Failed => "failed",
        Ending::Interrupted => "was interrupted",
    }
}

/// How often a session's entry is put behind others that came first.
const TRIES: usize = 5;

/// Appends what the session says. Without the remote it is kept in this clone and travels with its next command.
fn record(
    moment: &mut Moment,
    person: &Person,
    started: &Started,
    (statement, files): (&Statement, Files),
    message: &str,
) -> Result<()> {
    for _ in 0..TRIES {
        anyhow::ensure!(settled::by(moment, started).is_none(), "others settled this deployment meanwhile");
        let timeline = moment.timeline().context("the ledger cannot be believed")?;
        let unsigned =
            ledger::prepare(timeline, statement.clone(), &started.by, clock::now(), files.clone())?;
        let signed = unsigned.sign_in_session(&started.key, message.to_owned())?;
        let remote = moment.remote.clone();
        match ledger::append(moment, &signed, remote.as_deref()) {
            Ok(Appended::Done { .. }) => {
                started.unsent.take();
                return Ok(());
            }
            Ok(Appended::Raced) => {
                moment.refresh()?;
                if moment.timeline().is_none() {
                    say_again(moment, person, started)?;
                }
            }
            Err(error) if remote.is_some() => {
                person.streams.line(&format!("warning: the remote has not got this record yet: {error:#}"));
                let before =
                    moment.timeline().and_then(|timeline| Some(timeline.tip.as_ref()?.commit.clone()));
                if matches!(ledger::append(moment, &signed, None)?, Appended::Done { .. }) {
                    let mut unsent = started.unsent.borrow_mut();
                    unsent.after = unsent.after.take().or(before);
                    unsent.said.push((statement.clone(), files, message.to_owned()));
                    return Ok(());
                }
                moment.refresh()?;
            }
            Err(error) => return Err(error),
        }
    }
    anyhow::bail!("the ledger moved {TRIES} times while `{message}` was recorded")
}

/// While the remote was away another entry reached it: what only this clone has is said again behind that one.
fn say_again(moment: &mut Moment, person: &Person, started: &Started) -> Result<()> {
    let Unsent { after, said } = started.unsent.take();
    let after = after.context("the ledger cannot be believed")?;
    moment.follow_remote(&after)?;
    for (statement, files, message) in said {
        record(moment, person, started, (&statement, files), &message)?;
    }
    Ok(())
}

/// Looks on while the plan runs: shows, keeps the logs, records.
struct Onlooker<'a> {
    moment: &'a mut Moment,
    person: &'a Person,
    plan: &'a Plan,
    rule: &'a EnvironmentRule,
    started: &'a Started,
    display: Display<'a>,
    /// The steps that ended.
    done: &'a mut Vec<StepResult>,
    /// What to do after Ctrl-C, while nobody has answered.
    question: Option<Meanwhile>,
    /// What was answered when the step had just ended.
    late: Option<Wish>,
}

/// The step goes on while this stands there.
const INTERRUPTED: &str = "Ctrl-C: g goes on, s stops after this step, e ends it now, half done [g/s/e] ";

impl Onlooker<'_> {
    fn unask(&mut self) {
        self.question = None;
        self.display.resume();
    }
}

impl Watcher for Onlooker<'_> {
    fn may_begin(&mut self, _step: &Step) -> bool {
        window_still_open(self.rule, clock::now(), self.plan.action)
    }

    fn lasts(&self) -> bool {
        clock::now() <= self.started.lease_until
    }

    fn told(&mut self, words: &str) {
        self.display.told(words);
    }

    fn began(&mut self, step: &Step) {
        self.display.began(step);
    }

    fn tick(&mut self) {
        self.display.tick();
    }

    fn wrote(&mut self, piece: &[u8]) {
        self.display.wrote(piece);
    }

    fn said(&mut self, line: &str) {
        self.display.said(line);
    }

    fn asks(&mut self) -> bool {
        if self.late.is_some() {
            return true;
        }
        self.display.pause();
        self.question = self.person.streams.ask_meanwhile(&format!("\n{INTERRUPTED}")).ok();
        if self.question.is_none() {
            self.display.resume();
        }
        self.question.is_some()
    }

    fn answered(&mut self) -> Option<Wish> {
        if self.late.is_some() {
            return self.late.take();
        }
        let question = self.question.as_mut()?;
        let wish = match question.answer()?.map(|line| line.trim().to_ascii_lowercase()).as_deref() {
            Some("g") => Wish::GoOn,
            Some("s") => Wish::StopAfter,
            // The end of input is no wish to go on.
            Some("e") | None => Wish::End,
            Some(_) if question.again() => return None,
            Some(_) => Wish::End,
        };
        self.unask();
        Some(wish)
    }

    fn ended(&mut self, result: &StepResult) {
        if self.question.is_some() {
            self.late = self.answered();
        }
        if self.question.is_some() {
            self.person.streams.line("");
            self.unask();
        }
        self.display.ended(result);
        self.done.push(result.clone());
        let progress = Progress { execution: self.started.execution, step: result.clone() };
        let message = format!("{}: step {} {}", self.started.by, result.step, self.plan.request_id());
        let said = (&Statement::Progress(progress), Files::new());
        let recorded = record(self.moment, self.person, self.started, said, &message);
        if let Err(error) = recorded {
            self.person.streams.line(&format!("warning: the step could not be recorded: {error:#}"));
        }
    }
}

/// Where the logs of a session are kept, for the answer.
#[must_use]
pub fn logs(moment: &Moment, started: &Started) -> PathBuf {
    steps::logs(moment, &started.execution)
}

impl Started {
    /// The digest of the execution's payload.
    #[must_use]
    pub const fn execution(&self) -> &Digest {
        &self.execution
    }
}
