//! What was done in each environment, for its measures: from the ledger, the journal and git.

use anyhow::{Context as _, Result};
use chrono::DateTime;

use crate::commands::automatic::runs;
use crate::commands::gather::Moment;
use crate::commands::target;
use crate::gate::config::ActionKind;
use crate::gate::deployments::Run;
use crate::gate::history::{Kind, Status};
use crate::gate::metrics::{Action, Brought, Period, Recorded};
use crate::gate::request::Request;
use crate::gate::terms::{CommitId, Environment};
use crate::gate::timeline::{Deployed, Timeline};
use crate::render::text;

/// An environment, and everything that was done there.
pub(super) type Done = (Recorded, Environment, Vec<Action>);

/// Everything that was done in the wanted environments: those that people decide first.
///
/// # Errors
/// When records cannot be read.
pub(super) fn of(
    moment: &Moment,
    timeline: &Timeline,
    wanted: Option<&Environment>,
    period: &Period,
) -> Result<Vec<Done>> {
    let is_wanted = |environment: &Environment| wanted.is_none_or(|wanted| wanted == environment);
    let mut done = Vec::new();
    for (environment, track) in timeline.tracks.iter().filter(|(environment, _)| is_wanted(environment)) {
        let actions = track.in_order().into_iter().enumerate();
        let actions = actions.map(|(place, deployed)| signed(moment, place, deployed, period));
        let actions = actions.collect::<Result<Vec<_>>>()?;
        if !actions.is_empty() {
            done.push((Recorded::Signed, environment.clone(), actions));
        }
    }
    let mut automatic: Vec<Done> = Vec::new();
    for run in runs::told(moment).all().filter(|run| is_wanted(&run.start.environment)) {
        let environment = &run.start.environment;
        // They come environment by environment.
        if automatic.last().is_none_or(|(_, last, _)| last != environment) {
            automatic.push((Recorded::Journal, environment.clone(), vec![]));
        }
        if let Some((_, _, actions)) = automatic.last_mut() {
            actions.push(told(moment, actions.len(), run, period));
        }
    }
    done.extend(automatic);
    Ok(done)
}

/// An action of the ledger. What is older than the period only says what was live: its request is not read.
fn signed(moment: &Moment, place: usize, deployed: &Deployed, period: &Period) -> Result<Action> {
    let start = &deployed.start;
    let request = match deployed.at >= period.since {
        true => target::request_of(moment, &start.request)?,
        false => None,
    };
    let declared = start.emergency.as_ref().map(|clock| clock.declared_at);
    let action = Action {
        place,
        id: deployed.commit.to_string(),
        environment: start.environment.clone(),
        action: start.action,
        kind: Kind::of(start.action, request.as_ref()),
        release: start.release.clone(),
        previous: start.previous_release.clone(),
        recorded: Recorded::Signed,
        began: deployed.at,
        ended: deployed.ending.map(|(_, at)| at),
        status: Some(Status::of(deployed, moment.now)),
        ending: deployed.ending.map(|(ending, _)| ending),
        asked: declared.or(request.as_ref().map(|request| request.at)),
        brought: None,
    };
    Ok(with_commits(moment, action, period, request.as_ref()))
}

/// An action of the journal.
fn told(moment: &Moment, place: usize, run: &Run, period: &Period) -> Action {
    let start = &run.start;
    let ending = run.end.as_ref().map(|end| end.ending);
    let action = Action {
        place,
        id: run.id.to_string(),
        environment: start.environment.clone(),
        action: ActionKind::Deploy,
        kind: Kind::Automatic,
        release: start.release.clone(),
        previous: start.previous.clone(),
        recorded: Recorded::Journal,
        began: start.at,
        ended: run.end.as_ref().map(|end| end.at),
        status: Some(Status::ended(ending, run.lease_until(), moment.now)),
        ending,
        asked: None,
        brought: None,
    };
    with_commits(moment, action, period, None)
}

fn with_commits(moment: &Moment, action: Action, period: &Period, request: Option<&Request>) -> Action {
    if !action.wants_commits(period) {
        return action;
    }
    let asked = request.and_then(|request| request.since.as_ref());
    let since = asked.or(action.previous.as_ref().map(|live| &live.commit));
    let brought = match since {
        None => Brought::Unknown("nobody recorded what was live before it".to_owned()),
        Some(since) => brought(moment, &action, since).unwrap_or_else(|error| {
            Brought::Unknown(format!(
                "its commits are not all here: {}",
                text::line(&format!("{error:#}"), 200)
            ))
        }),
    };
    Action { brought: Some(brought), ..action }
}

/// The commits between two, of the paths that the environment is made of.
fn brought(moment: &Moment, action: &Action, since: &CommitId) -> Result<Brought> {
    let repository = &moment.repository;
    let missing = [since, &action.release.commit].into_iter().find(|commit| !repository.has(commit));
    if let Some(missing) = missing {
        return Ok(Brought::Unknown(format!("commit {} is not here", missing.short())));
    }
    let scope = moment.policy().and_then(|policy| policy.versions_of(&action.environment).paths.as_ref());
    let range = repository.range_of(scope, Some(since), &action.release.commit, &mut |_| ())?;
    let mut commits = Vec::new();
    for change in range.commits.into_iter().filter(|change| !change.merge) {
        let seconds = Some(repository.committed_at(&change.commit)?).filter(|seconds| *seconds != 0);
        let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let at =
            at.with_context(|| format!("commit {} does not say when it was made", change.commit.short()))?;
        commits.push((change.commit, at));
    }
    Ok(Brought::Commits(commits))
}
