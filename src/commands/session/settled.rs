//! A deployment whose time was over, and that somebody else settled while its session was still there.

use super::super::gather::Moment;
use super::super::steps::how_it_ended;
use super::{Ended, Started, ending_word, logs};
use crate::gate::statement::StepResult;
use crate::gate::timeline::Deployed;
use crate::render::screen::minute;
use crate::render::text;

/// What the ledger says of this session's deployment, once it says how it ended.
pub(super) fn by(moment: &Moment, started: &Started) -> Option<Deployed> {
    let tracks = moment.timeline()?.tracks.values();
    let this = |known: &&Deployed| known.execution == started.execution;
    tracks.flat_map(|track| &track.deployments).find(this).filter(|known| known.ending.is_some()).cloned()
}

/// What this session did, and what the ledger says instead.
pub(super) fn words(
    moment: &Moment,
    started: &Started,
    (ended, steps): (&Ended, &[StepResult]),
    known: &Deployed,
) -> String {
    let steps: Vec<String> =
        steps.iter().map(|step| format!("{} {}", step.step, how_it_ended(step))).collect();
    let steps = if steps.is_empty() { "no step was run".to_owned() } else { steps.join("; ") };
    let at = ended.failed_step.as_deref().map_or_else(String::new, |step| format!(" at `{step}`"));
    let watch = ended.watched.as_ref().map_or_else(String::new, |watched| format!("; {}", watched.words()));
    let says = known.ending.map_or_else(String::new, |(ending, at)| {
        format!("it {}, recorded {}", ending_word(ending), minute(at))
    });
    let why = known.reviewed.as_ref().map_or_else(
        || follower(moment, known),
        |reason| format!(", after a look: {}", text::line(reason, 400)),
    );
    format!(
        "the time of this deployment was over, and others settled it meanwhile: its end is not recorded\n\
         this session: {steps}: it {}{at}{watch}\n\
         the ledger: {says}{why}\n\
         logs: {}\n\
         next: look at what runs in `{}`, then: deployctl status",
        ending_word(ended.ending),
        logs(moment, started).display(),
        known.start.environment,
    )
}

/// What came after it and settled it by that.
fn follower(moment: &Moment, known: &Deployed) -> String {
    let track = moment.timeline().and_then(|timeline| timeline.tracks.get(&known.start.environment));
    let mut after = track.into_iter().flat_map(|track| &track.deployments);
    after.find(|other| other.execution == known.execution);
    after.next().map_or_else(String::new, |next| {
        format!(", when {} began to go back to {}", next.by, next.start.release.version)
    })
}
