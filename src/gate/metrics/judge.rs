//! What counts for which measure, as what, and why.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Action, Brought, Key, LeftOut, Period, Recorded, Sample, seconds};
use crate::gate::config::ActionKind;
use crate::gate::history::{Kind, Status};
use crate::gate::statement::Ending;

/// What was done in an environment, in order, and what became of each.
pub(super) struct Judged<'a> {
    done: Vec<Done<'a>>,
}

/// An action, and what followed it.
struct Done<'a> {
    action: &'a Action,
    failure: Option<Failure>,
    /// What made the environment well again, where it failed.
    recovery: Option<&'a Action>,
}

/// Why a deployment is a failed one, and since when somebody knew.
struct Failure {
    why: String,
    since: Option<DateTime<Utc>>,
    /// The place of the first action that may end it.
    place: usize,
}

type Counted = Result<Vec<Sample>, String>;

impl<'a> Judged<'a> {
    pub(super) fn of(actions: &'a [Action]) -> Self {
        let mut sorted: Vec<&Action> = actions.iter().collect();
        sorted.sort_by_key(|action| (action.place, action.began, &action.id));
        // What nobody recorded fails nothing and mends nothing.
        let (imported, sorted): (Vec<&Action>, Vec<&Action>) =
            sorted.into_iter().partition(|action| action.recorded == Recorded::Imported);
        let (undoing, fixing, well) = (undoing(&sorted), fixing(&sorted), well(&sorted));
        let recorded = sorted.iter().enumerate().map(|(place, action)| {
            let failure =
                failure(&sorted, place, undoing.get(&place).copied(), fixing.get(place).copied().flatten());
            let recovery = failure.as_ref().and_then(|failure| well.get(failure.place).copied().flatten());
            Done { action, failure, recovery }
        });
        let mut done: Vec<_> = recorded.collect();
        done.extend(imported.into_iter().map(|action| Done { action, failure: None, recovery: None }));
        Self { done }
    }

    /// When the first recorded action began.
    pub(super) fn first(&self) -> Option<DateTime<Utc>> {
        let recorded = self.done.iter().filter(|done| done.action.recorded != Recorded::Imported);
        recorded.map(|done| done.action.began).min()
    }

    /// What counts for a measure, and what would if more were known.
    pub(super) fn samples(&self, key: Key, period: &Period) -> (Vec<Sample>, Vec<LeftOut>) {
        let (mut samples, mut left_out) = (Vec::new(), Vec::new());
        let of_period = |done: &&Done<'_>| done.action.is_deployment() && period.holds(done.action.began);
        for done in self.done.iter().filter(of_period) {
            match done.counts_for(key) {
                Ok(counted) => samples.extend(counted),
                Err(why) => left_out.push(LeftOut {
                    id: done.action.id.clone(),
                    version: done.action.release.version.clone(),
                    recorded: done.action.recorded,
                    why,
                }),
            }
        }
        samples.sort_by_key(|sample| sample.from);
        (samples, left_out)
    }
}

/// The place of the first rollback of each deployment, by its place: a rollback undoes the newest deployment of what it
/// says was live.
fn undoing(sorted: &[&Action]) -> HashMap<usize, usize> {
    let (mut newest, mut undoing) = (HashMap::new(), HashMap::new());
    for (place, action) in sorted.iter().enumerate() {
        match (action.action, &action.previous) {
            (ActionKind::Deploy, _) => {
                newest.insert((&action.release.version, &action.release.commit), place);
            }
            (ActionKind::Rollback, Some(undone)) => {
                if let Some(undone) = newest.get(&(&undone.version, &undone.commit)) {
                    undoing.entry(*undone).or_insert(place);
                }
            }
            (ActionKind::Rollback, None) => {}
        }
    }
    undoing
}

/// For each place, that of the next deployment, where it is a hotfix or an emergency.
fn fixing(sorted: &[&Action]) -> Vec<Option<usize>> {
    let mut next = None;
    let places = sorted.iter().enumerate().rev().map(|(place, action)| {
        let following = next;
        if action.is_deployment() {
            next = action.kind.is_unplanned().then_some(place);
        }
        following
    });
    let mut fixing: Vec<_> = places.collect();
    fixing.reverse();
    fixing
}

/// For each place, the first action from there on that succeeded.
fn well<'a>(sorted: &[&'a Action]) -> Vec<Option<&'a Action>> {
    let mut next = None;
    let places = sorted.iter().rev().map(|action| {
        if action.is_success() {
            next = Some(*action);
        }
        next
    });
    let mut well: Vec<_> = places.collect();
    well.reverse();
    well
}

/// Whether a deployment is a failed one: of several signs the first that was seen.
fn failure(
    sorted: &[&Action],
    place: usize,
    undoing: Option<usize>,
    fixing: Option<usize>,
) -> Option<Failure> {
    let action = sorted.get(place).filter(|action| action.is_deployment())?;
    let at = |place: usize| sorted.get(place).map(|later| (place, *later));
    let badly = match (action.ending, action.status) {
        (Some(Ending::Failed), _) => Some("it failed"),
        (Some(Ending::Interrupted), _) | (None, Some(Status::Interrupted)) => Some("it was interrupted"),
        _ => None,
    };
    if let Some(why) = badly {
        return Some(Failure { why: why.to_owned(), since: action.ended, place });
    }
    if let Some((place, rollback)) = undoing.and_then(at) {
        let why = format!("a rollback to {} began", rollback.release.version);
        return Some(Failure { why, since: Some(rollback.began), place });
    }
    let (place, fix) = fixing.and_then(at)?;
    let why =
        format!("the next deployment was the {} {}", fix.kind.word().to_lowercase(), fix.release.version);
    Some(Failure { why, since: Some(fix.asked.unwrap_or(fix.began)), place })
}

impl Done<'_> {
    fn counts_for(&self, key: Key) -> Counted {
        if self.action.recorded == Recorded::Imported {
            return Err("it is imported: nobody recorded how it ended".to_owned());
        }
        match key {
            Key::LeadTime => self.lead_time(),
            Key::Frequency => Ok(self.frequency()),
            Key::Recovery => self.recovered(),
            Key::FailRate => self.fail_rate(),
            Key::Rework => self.rework(),
        }
    }

    fn sample(&self, value: f64, why: String) -> Sample {
        Sample {
            id: self.action.id.clone(),
            version: self.action.release.version.clone(),
            recorded: self.action.recorded,
            commit: None,
            from: self.action.began,
            to: self.action.ended,
            value,
            why,
        }
    }

    fn lead_time(&self) -> Counted {
        let (true, Some(live)) = (self.action.is_success(), self.action.ended) else { return Ok(vec![]) };
        let commits = match &self.action.brought {
            Some(Brought::Commits(commits)) => commits,
            Some(Brought::Unknown(why)) => return Err(why.clone()),
            None => return Err("nobody looked for its commits".to_owned()),
        };
        let mut samples = Vec::with_capacity(commits.len());
        for (commit, committed) in commits {
            // Somebody's clock is wrong, and nobody knows by how much.
            if *committed > live {
                return Err(format!("commit {} says that it is younger than the deployment", commit.short()));
            }
            let why = "a commit that it brought".to_owned();
            let sample = self.sample(seconds(live - *committed), why);
            samples.push(Sample { commit: Some(commit.clone()), from: *committed, to: Some(live), ..sample });
        }
        Ok(samples)
    }

    fn frequency(&self) -> Vec<Sample> {
        let succeeded = self.action.is_success().then(|| self.sample(1.0, "it succeeded".to_owned()));
        succeeded.into_iter().collect()
    }

    fn recovered(&self) -> Counted {
        let Some(failure) = &self.failure else { return Ok(vec![]) };
        let Some(since) = failure.since else {
            return Err(format!("{}, and nobody said when", failure.why));
        };
        let Some((by, well)) = self.recovery.and_then(|by| Some((by, by.ended?))) else {
            return Err(format!("{}, and nothing has succeeded since", failure.why));
        };
        let what = match by.action {
            ActionKind::Deploy => "deployment of",
            ActionKind::Rollback => "rollback to",
        };
        let why = format!("{}; the {what} {} succeeded", failure.why, by.release.version);
        let sample = self.sample(seconds(well - since).max(0.0), why);
        Ok(vec![Sample { from: since, to: Some(well), ..sample }])
    }

    fn fail_rate(&self) -> Counted {
        match (&self.failure, self.action.status) {
            (Some(failure), _) => Ok(vec![self.sample(1.0, failure.why.clone())]),
            (None, Some(Status::Success | Status::RolledBack)) => {
                Ok(vec![self.sample(0.0, "it succeeded".to_owned())])
            }
            (None, _) => Err("it has not ended".to_owned()),
        }
    }

    fn rework(&self) -> Counted {
        match self.action.kind {
            Kind::Automatic => Err("machines deployed it: nobody wrote down why".to_owned()),
            Kind::Unknown => Err("what was requested cannot be read".to_owned()),
            kind => {
                let why = format!("its type is {}", kind.word());
                Ok(vec![self.sample(if kind.is_unplanned() { 1.0 } else { 0.0 }, why)])
            }
        }
    }
}
