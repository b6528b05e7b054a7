//! What is measured around the steps of a plan: how things stood before them, and the watch after them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::super::person::{Answered, Person};
use super::super::watch::{self, End, Shown, Watching, Wish};
use crate::gate::analysis::{Baseline, Verdict};
use crate::gate::config::ActionKind;
use crate::gate::plan::{Plan, PlannedWatch};
use crate::gate::statement::{Ending, Watched, WatchedAs};
use crate::render::text;
use crate::world::probe::{Prober, Surroundings};
use crate::world::process;

/// What a plan measures, from before its first step on.
pub(super) struct Measured<'a> {
    plan: &'a Plan,
    watch: &'a PlannedWatch,
    prober: Prober,
    baseline: Baseline,
}

/// What the watch found, for the record.
pub(super) struct Found {
    /// What the end of the watch makes of the action.
    pub(super) ending: Ending,
    /// The record.
    pub(super) watched: Watched,
    /// `health.json`.
    pub(super) file: Vec<u8>,
}

/// How things stand before the steps, where the plan measures something. `Err` where a signal came first.
///
/// A rollback is compared with how things stood before what it undoes: now they are bad.
pub(super) fn before<'a>(
    person: &Person,
    plan: &'a Plan,
    recorded: Option<&Watched>,
    dir: &Path,
) -> Result<Option<Measured<'a>>, ()> {
    let Some(watch) = &plan.watch else { return Ok(None) };
    let surroundings = Surroundings {
        dir: Some(dir.to_owned()),
        variables: plan.variables.clone(),
        pass_environment: plan.pass_environment.clone(),
    };
    let prober = Prober::new(&watch.health, surroundings);
    let baseline = match plan.action {
        ActionKind::Deploy => {
            person.streams.note("measuring how things stand before it");
            watch::baseline(&prober, &watch.health, &person.interrupt()).ok_or(())?
        }
        ActionKind::Rollback => {
            recorded.map(|watched| Baseline::recorded(&watch.health, &watched.signals)).unwrap_or_default()
        }
    };
    if plan.action == ActionKind::Deploy {
        for name in baseline.silent(&watch.health) {
            person
                .streams
                .line(&format!("warning: `{}` fails already, before any step", text::line(&name, 80)));
        }
    }
    for signal in baseline.missing(&watch.health) {
        let why = "there is no value to compare with, so it cannot be a trigger";
        person.streams.line(&format!("warning: `{}` is not judged: {why}", text::line(signal.name(), 80)));
    }
    Ok(Some(Measured { plan, watch, prober, baseline }))
}

impl Measured<'_> {
    /// Watches for the time of the plan, and not beyond the lease of the deployment. Ctrl-C asks whether to go on; a closed terminal and a termination end it.
    ///
    /// # Errors
    /// When signals cannot be caught, or what was seen cannot be written down.
    pub(super) fn watch(&self, person: &Person, lease_until: DateTime<Utc>) -> Result<Found> {
        let interrupted = person.interrupt();
        let ended = process::hangup_flag()?;
        let wish = Wish {
            what: format!("{} · {}", self.plan.environment, self.plan.release.version),
            prober: &self.prober,
            health: &self.watch.health,
            baseline: &self.baseline,
            length: Some(self.watch.length()),
            until: Some(lease_until),
            below: vec![],
        };
        let mut watching = Watching::begin(wish, &person.streams, &interrupted, Shown::People);
        let end = loop {
            match watching.run() {
                End::Interrupted if goes_on(person, &mut watching, &interrupted, &ended) => {}
                end => break end,
            }
        };
        let file = watching.health_json()?;
        let page = watching.page();
        person.streams.line(page.trim_end());
        let verdict = match (watching.watch().verdict(), end) {
            (Verdict::Triggered(_), _) => WatchedAs::Triggered,
            (_, End::Interrupted) => WatchedAs::Interrupted,
            (_, End::LeaseOver) => WatchedAs::LeaseOver,
            (Verdict::Healthy, _) => WatchedAs::Healthy,
            // No data is never healthy.
            (Verdict::Unknown(_), _) => WatchedAs::Unknown,
        };
        let (signals, triggers, doubts) = watching.seen();
        let watched = Watched { verdict, rounds: watching.rounds(), signals, triggers, doubts };
        Ok(Found { ending: verdict.ending(), watched, file })
    }
}

/// Whether the person, who pressed Ctrl-C, goes on watching.
fn goes_on(
    person: &Person,
    watching: &mut Watching<'_>,
    interrupted: &Arc<AtomicBool>,
    ended: &Arc<AtomicBool>,
) -> bool {
    if ended.load(Ordering::SeqCst) {
        return false;
    }
    watching.rest();
    interrupted.store(false, Ordering::SeqCst);
    let question = "\nCtrl-C: the steps are done, and the watch is not. Go on watching?";
    matches!(person.says_yes(question), Ok(Answered::Yes))
}
