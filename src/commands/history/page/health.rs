//! The samples of watches: the `health.json` beside the outcome of a deployment.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Deserialize;

use super::texts::Texts;
use crate::commands::gather::Moment;
use crate::gate::analysis::{Point, Seen, Signal, figure};
use crate::gate::statement::{HEALTH, Payload, Statement, Watched};
use crate::gate::terms::Digest;
use crate::render::pages::html::{Course, Health, SignalLine};
use crate::render::text;
use crate::world::records::LEDGER;

/// The largest `health.json` that is read, in bytes: two hundred points of a signal have some 20,000.
const FILE_MAX: usize = 4 << 20;

/// The points of each signal, by its name.
pub(super) type Samples = BTreeMap<String, Vec<Point>>;

#[derive(Deserialize)]
struct File {
    points: Samples,
}

/// The samples of the watches of these executions. The ledger is walked from its tip, as far as they go back.
///
/// # Errors
/// When it cannot be read.
pub(super) fn samples(moment: &Moment, mut wanted: BTreeSet<Digest>) -> Result<BTreeMap<Digest, Samples>> {
    let mut found = BTreeMap::new();
    let mut next = moment.records.tip(LEDGER)?;
    while let Some(commit) = next.filter(|_| !wanted.is_empty()) {
        next = moment.records.parent(&commit)?;
        let listing = moment.records.listing(&commit, moment.records.tree_of(&commit)?)?;
        let Some(file) = listing.get(HEALTH) else { continue };
        let Some(payload) = moment.records.file(&commit, "payload.json")? else { continue };
        let Statement::Outcome(outcome) = Payload::read(&payload)?.statement else { continue };
        let bytes = moment.records.content(*file, FILE_MAX);
        let read = bytes.and_then(|bytes| serde_json::from_slice::<File>(&bytes).ok());
        if wanted.remove(&outcome.execution)
            && let Some(File { points }) = read
        {
            found.insert(outcome.execution, points);
        }
    }
    Ok(found)
}

/// What a watch saw, with its samples where they are at hand.
pub(super) fn of(watched: &Watched, samples: Option<&Samples>, texts: &mut Texts) -> Health {
    let triggers = watched
        .triggers
        .iter()
        .map(|trigger| format!("Trigger at {}: {}", trigger.at.format("%H:%M:%S"), trigger.sentence));
    let doubts = watched.doubts.iter().map(|doubt| format!("Doubt: {} {}", doubt.signal, doubt.why));
    let rounds = text::count(usize::try_from(watched.rounds).unwrap_or(usize::MAX), "round");
    Health {
        verdict: word(&watched.verdict),
        rounds: format!("Measured in {rounds} after the steps."),
        said: triggers.chain(doubts).collect(),
        signals: watched.signals.iter().map(|seen| line(seen, samples, texts)).collect(),
    }
}

/// The word of a record, as people read it.
fn word<T: serde::Serialize>(value: &T) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().replace('-', " ")
}

fn line(seen: &Seen, samples: Option<&Samples>, texts: &mut Texts) -> SignalLine {
    let signal = Signal::named(&seen.signal);
    let written = |value: f64| figure(&signal, value);
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), written);
    let points = samples.and_then(|samples| samples.get(&seen.signal)).map(Vec::as_slice).unwrap_or_default();
    let values: Vec<String> = points
        .iter()
        .map(|point| {
            let failed =
                if point.failed > 0 { format!(", {} without a value", point.failed) } else { String::new() };
            let of = if point.samples > 1 { format!(" (worst of {})", point.samples) } else { String::new() };
            format!("{} {}{of}{failed}", point.at.format("%H:%M:%S"), shown(point.value))
        })
        .collect();
    SignalLine {
        name: seen.signal.clone(),
        state: word(&seen.state),
        baseline: shown(seen.baseline),
        last: shown(seen.last),
        worst: shown(seen.worst),
        samples: seen.samples,
        failed: seen.failed,
        course: Course::of(points, &written),
        values: texts.lines(values.join("\n")),
    }
}
