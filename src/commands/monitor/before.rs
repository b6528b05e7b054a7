//! With what a look at an environment compares: how things stood before what is live was deployed, as its outcome says.

use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::gather::Moment;
use super::super::watch::baseline;
use crate::gate::analysis::{Baseline, Seen};
use crate::gate::config::ActionKind;
use crate::gate::policy::Health;
use crate::gate::terms::{Environment, Version};
use crate::gate::timeline::{Deployed, Track};
use crate::world::clock;
use crate::world::probe::Prober;

/// A baseline, and where it is from.
pub(super) struct Before {
    pub(super) baseline: Baseline,
    /// Before which deployment it was measured; none where all of it was measured now.
    from: Option<(Version, DateTime<Utc>)>,
    /// The signals that were measured now.
    now: Vec<String>,
    at: DateTime<Utc>,
}

impl Before {
    /// Takes what is recorded, and measures now what is not. `None` where `interrupted` was raised.
    pub(super) fn look(
        moment: &Moment,
        environment: &Environment,
        (prober, health): (&Prober, &Health),
        interrupted: &AtomicBool,
    ) -> Option<Self> {
        let at = clock::now();
        let recorded = recorded(moment, environment).and_then(|(deployed, seen)| {
            let baseline = Baseline::recorded(health, seen);
            let from = (deployed.start.release.version.clone(), deployed.at);
            (!baseline.is_empty()).then_some((from, baseline))
        });
        let (from, mut whole) = recorded.unzip();
        let absent = whole.as_ref().map_or_else(Vec::new, |whole| whole.absent(health));
        if whole.is_none() || !absent.is_empty() {
            let measured = baseline(prober, health, interrupted)?;
            whole = Some(whole.unwrap_or_default().with(measured));
        }
        let baseline = whole.unwrap_or_default();
        let now = absent.into_iter().filter(|signal| baseline.get(signal).is_some());
        let now = now.map(|signal| signal.name().to_owned()).collect();
        Some(Self { baseline, from, now, at })
    }

    /// For people, where it was not measured now.
    pub(super) fn words(&self) -> Option<String> {
        let (version, at) = self.from.as_ref()?;
        let format = if at.date_naive() == self.at.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        Some(format!("baseline from before {version}, {}", at.format(format)))
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        match &self.from {
            Some((version, at)) => {
                json!({ "from": "deployment", "version": version, "at": at, "measured_now": self.now })
            }
            None => json!({ "from": "now", "version": null, "at": self.at, "measured_now": null }),
        }
    }
}

/// The deployment before which things were measured as they stood, and what its record, or that of the rollback that
/// brought what is live, says of it. Other rules may have measured something else.
fn recorded<'a>(moment: &'a Moment, environment: &Environment) -> Option<(&'a Deployed, &'a [Seen])> {
    let rules = moment.policy()?.digest;
    let track = moment.timeline()?.tracks.get(environment)?;
    let live = track.live.as_ref()?;
    let brought = track.deployments.iter().rev().find(|known| known.execution == live.execution)?;
    let source = match brought.start.action {
        ActionKind::Deploy => brought,
        ActionKind::Rollback => undone(track, brought)?,
    };
    let seen = &brought.watched.as_ref()?.signals;
    (brought.start.policy == rules && source.start.policy == rules).then_some((source, seen))
}

fn undone<'a>(track: &'a Track, rollback: &Deployed) -> Option<&'a Deployed> {
    let undone = |known: &&Deployed| {
        known.start.action == ActionKind::Deploy
            && Some(&known.start.release) == rollback.start.previous_release.as_ref()
            && known.at <= rollback.at
    };
    track.deployments.iter().rev().find(undone)
}
