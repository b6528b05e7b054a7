//! `deployctl rollback`: back to the version that the approval named, or to that of an approved request; by a person,
//! recorded, quarantined.

pub mod automatic;

use anyhow::{Context as _, Result};

use super::emergency::{hotfix_lines, hotfix_path, stays};
use super::gather::{Key, Moment};
use super::journal::Package;
use super::person::{Answered, Person, first_sight};
use super::production::{self, Desk, Production, Refused, Verdict};
use super::{aftermath, available, back, environments, session, target};
use crate::cli::{Common, RollbackArgs};
use crate::gate::authority::Database;
use crate::gate::config::ActionKind;
use crate::gate::decide::{Decision, Permit, decide};
use crate::gate::facts::{Action, NoTarget};
use crate::gate::plan::Plan;
use crate::gate::presence::Presence;
use crate::gate::statement::{Ending, RequestRef};
use crate::gate::terms::Environment;
use crate::gate::timeline::Track;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::screen;

const COMMAND: &str = "rollback";

/// Rolls back, or shows what would be done.
///
/// # Errors
/// When facts cannot be found out.
pub fn run(common: &Common, args: &RollbackArgs) -> Result<Answer> {
    if args.dry_run {
        let moment = Moment::look(common)?;
        let unknown = environments::unknown(&moment, COMMAND, &args.environment);
        return unknown.map_or_else(|| production::dry_run(&Back { args }, &moment), Ok);
    }
    let person = Person::look(common)?;
    now(&Desk { common, person: &person, key: args.key.as_ref() }, args)
}

/// Rolls back with the person who is here already.
///
/// # Errors
/// When facts cannot be found out.
pub fn now(desk: &Desk<'_>, args: &RollbackArgs) -> Result<Answer> {
    let moment = Moment::look(desk.common)?;
    if let Some(answer) = environments::unknown(&moment, COMMAND, &args.environment) {
        return Ok(answer);
    }
    production::run(&Back { args }, desk, moment)
}

struct Back<'a> {
    args: &'a RollbackArgs,
}

type Judged = production::Judged<Database>;
type End<'a> = production::End<'a, Database>;

impl Production for Back<'_> {
    type Found = Database;

    fn command(&self) -> &'static str {
        COMMAND
    }

    fn environment(&self) -> &Environment {
        &self.args.environment
    }

    fn reason(&self) -> Option<String> {
        Some(self.args.reason.clone())
    }

    fn yes(&self) -> Option<&'static str> {
        self.args
            .yes
            .then_some("`--yes` does nothing here: only a person at a terminal rolls production back")
    }

    fn judge(
        &self,
        moment: &Moment,
        presence: Option<&Presence>,
        key: Option<&Key>,
    ) -> Result<Verdict<Database>> {
        let environment = &self.args.environment;
        if let Some(asked) = back::named(moment, environment, self.args.version.as_ref())? {
            return self.judge_own(moment, presence, key, asked);
        }
        let undo = moment.timeline().and_then(|timeline| timeline.tracks.get(environment)?.to_undo());
        let missing = match undo {
            Some(undo) => available::to_roll_back(moment, environment, &undo.start.release.commit)?,
            None => vec![],
        };
        let action = Action::Rollback { environment, version: self.args.version.as_ref(), missing: &missing };
        let facts = moment.facts(moment.caller(presence.cloned()), key.map(|key| key.fact.clone()));
        let permit = match decide(moment.policy(), &facts, &action) {
            Decision::Refuse(reasons) => {
                let undone = undo.map(|undo| undo.start.request.id.clone());
                return Ok(Err(Refused { reasons, request: self.version().or(undone) }));
            }
            Decision::Allow(permit) => permit,
        };
        let found = match &permit.request {
            Some(request) => database(moment, environment, request)?,
            None => Database::Irreversible,
        };
        planned(moment, environment, permit, found).map(Ok)
    }

    fn shown(&self, moment: &Moment, judged: &Judged) -> Result<String> {
        let policy = moment.policy().context("no policy is in force")?;
        let runs = moment.what_runs(&judged.plan.environment);
        let request = judged.plan.request.as_ref();
        let asked = request.map(|request| target::of_execution(moment, request)).transpose()?.flatten();
        // A rollback on the approval of what it undoes was asked for by nobody: that summary tells of the deployment.
        let own = asked.filter(|asked| asked.request.action == ActionKind::Rollback);
        let summary = own.as_ref().map(|own| own.request.asked.summary.as_str());
        let mut text = screen::plan(&judged.plan, &policy.project, summary, &runs);
        text.push_str(&screen::your_reason(Some(&self.args.reason)));
        text.push_str(match judged.found {
            Database::Untouched => "  Database     untouched: there were no migrations\n",
            Database::GoesBack => "  Database     goes back too: every migration is known to be reversible\n",
            Database::Irreversible => {
                "  Database     STAYS as it is: not every migration is known to be reversible\n"
            }
            Database::NoWay => "  Database     STAYS as it is: the policy says no `rollback.migrations`\n",
            Database::Stays => {
                "  Database     STAYS as it is: migrations go down only on the way to the version just before\n"
            }
        });
        text.push_str(&first_sight(moment));
        Ok(text)
    }

    fn questions(&self, moment: &Moment, person: &Person, judged: &Judged) -> Result<Option<Answer>> {
        if matches!(judged.found, Database::Untouched | Database::GoesBack) {
            return Ok(None);
        }
        let question = "The database does not go back by itself. Roll the application back all the same?";
        Ok(match person.says_yes(question)? {
            Answered::Yes => None,
            Answered::No => Some(instead(moment, judged, "the database would have stayed")),
            Answered::Interrupted => Some(production::interrupted(COMMAND)),
        })
    }

    fn phrase(&self, judged: &Judged) -> (String, &'static str) {
        let plan = &judged.plan;
        let digest = plan.request.as_ref().map_or_else(String::new, |request| request.digest.short());
        (format!("rollback {} {} {digest}", plan.environment, plan.release.version), "roll back")
    }

    fn declined(&self, moment: &Moment, judged: &Judged) -> Answer {
        instead(moment, judged, "the phrase was not typed")
    }

    fn concluded(&self, _desk: &Desk<'_>, moment: &Moment, end: &End<'_>) -> Result<Answer> {
        Ok(answer(moment, end))
    }
}

impl Back<'_> {
    /// The version that was named.
    fn version(&self) -> Option<String> {
        self.args.version.as_ref().map(ToString::to_string)
    }

    /// Decides about a rollback with a request of its own.
    fn judge_own(
        &self,
        moment: &Moment,
        presence: Option<&Presence>,
        key: Option<&Key>,
        asked: std::result::Result<Package, NoTarget>,
    ) -> Result<Verdict<Database>> {
        let environment = &self.args.environment;
        let policy = moment.policy().context("no policy is in force")?;
        let found = match asked {
            Ok(package) => Ok(target::look(moment, policy, package, None)?),
            Err(none) => Err(none),
        };
        let facts = moment.facts(moment.caller(presence.cloned()), key.map(|key| key.fact.clone()));
        let target = found.as_ref().map(|found| &found.target);
        let permit = match decide(Some(policy), &facts, &Action::RollbackTo { environment, target }) {
            Decision::Refuse(reasons) => {
                let request = target::id_of(found.map(|found| found.target.reference));
                return Ok(Err(Refused { reasons, request: request.or_else(|| self.version()) }));
            }
            Decision::Allow(permit) => permit,
        };
        let Ok(found) = found else {
            anyhow::bail!("a permit without a request: this is a bug of deployctl")
        };
        let rule =
            policy.environments.get(environment).cloned().context("the policy has no such environment")?;
        let migrated = found.package.request.extent.migrations > 0;
        let found = if migrated { Database::Stays } else { Database::Untouched };
        let plan = Plan::new(permit, &rule, environment, ActionKind::Rollback, false)
            .context("the permit names no release")?
            .watched(&rule, 0);
        Ok(Ok(Judged { plan, rule, found }))
    }
}

/// What becomes of the database when the deployment of a request is undone.
fn database(moment: &Moment, environment: &Environment, request: &RequestRef) -> Result<Database> {
    let package = target::of_execution(moment, request)?;
    let rule = moment.policy().and_then(|policy| policy.environments.get(environment));
    let extent = package.as_ref().map(|package| &package.request.extent);
    Ok(Database::of(extent, rule.and_then(|rule| rule.rollback.as_ref())))
}

/// The plan of a permit.
fn planned(moment: &Moment, environment: &Environment, permit: Permit, found: Database) -> Result<Judged> {
    let rule = moment.policy().and_then(|policy| policy.environments.get(environment));
    let rule = rule.cloned().context("the policy has no such environment")?;
    let plan = Plan::new(permit, &rule, environment, ActionKind::Rollback, found == Database::GoesBack)
        .context("the permit names no release")?
        .watched(&rule, 0);
    Ok(Judged { plan, rule, found })
}

/// A no leads to the other way of the workflow document: the fix.
fn instead(moment: &Moment, judged: &Judged, what: &str) -> Answer {
    let plan = &judged.plan;
    let live = plan.previous.as_ref().unwrap_or(&plan.release);
    let track = moment.timeline().and_then(|timeline| timeline.tracks.get(&plan.environment));
    let stays = stays(&plan.environment, &live.version, track.and_then(Track::to_undo));
    let path = hotfix_path(moment.policy(), &plan.environment, &stays);
    let message = format!("{what}; nothing was run\nthe hotfix path instead:{}", hotfix_lines(&path));
    Answer::ended(COMMAND, Outcome::Declined, message)
        .with("environment", &plan.environment)
        .with("hotfix_path", path)
}

fn answer(moment: &Moment, end: &End<'_>) -> Answer {
    let plan = &end.judged.plan;
    let (environment, version) = (&plan.environment, &plan.release.version);
    let undone = plan.previous.as_ref().map_or_else(String::new, |undone| undone.version.to_string());
    let mut answer = match end.ending {
        Ending::Succeeded => Answer::done(
            COMMAND,
            format!(
                "{environment} runs {version} again\n{}",
                aftermath::after(environment, &undone, end.started.execution())
            ),
        ),
        Ending::Failed | Ending::Interrupted => {
            let outcome = if end.ending == Ending::Failed { Outcome::Failed } else { Outcome::Interrupted };
            Answer::ended(
                COMMAND,
                outcome,
                aftermath::failed(moment, plan, end.started.execution(), end.failed_step)
                    + &format!("\nlogs: {}", session::logs(moment, end.started).display()),
            )
        }
    };
    answer = answer
        .with("environment", environment)
        .with("version", version)
        .with("execution", end.started.execution())
        .with("ending", end.ending)
        .with("failed_step", end.failed_step)
        .with("watched", end.watched);
    if end.ending == Ending::Succeeded {
        let quarantined = moment.timeline().and_then(|timeline| timeline.tracks.get(environment));
        answer = answer.with("quarantined", quarantined.map(|track: &Track| &track.quarantined));
    }
    answer
}
