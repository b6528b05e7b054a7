//! The DORA measures on the page, with their samples drawn.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::Duration;

use crate::cli::HistoryArgs;
use crate::commands::gather::Moment;
use crate::commands::history::metrics::{self, Measured};
use crate::commands::report;
use crate::gate::metrics::{Key, Measure, Recorded, Unit};
use crate::gate::timeline::Timeline;
use crate::render::measure;
use crate::render::pages::html::{BARS_MAX, Bars, Definition, MeasureLine, Measures, Metrics};

/// The measures of every environment that the options name; `None` where nothing was done in one.
///
/// # Errors
/// When records cannot be read.
pub(super) fn of(moment: &Moment, timeline: &Timeline, args: &HistoryArgs) -> Result<Option<Metrics>> {
    let period = metrics::period(moment.now, args);
    let measured = metrics::of(moment, timeline, args.environment.as_ref(), &period)?;
    if measured.is_empty() {
        return Ok(None);
    }
    let (since, until) = (report::minute(period.since), report::minute(period.until.unwrap_or(period.now)));
    let definition = |key: Key| Definition { name: key.title(), value: key.definition() };
    Ok(Some(Metrics {
        period: format!(
            "What began from {since} until {until}. With fewer than five samples a measure has no value."
        ),
        environments: measured.iter().map(environment).collect(),
        definitions: Key::ALL.map(definition).into(),
    }))
}

fn environment(measured: &Measured) -> Measures {
    Measures {
        environment: measured.environment.to_string(),
        journal: measured.recorded == Recorded::Journal,
        lines: measured.measures.iter().map(line).collect(),
    }
}

fn line(measured: &Measure) -> MeasureLine {
    MeasureLine {
        title: measured.key.title(),
        value: measure::value(measured),
        samples: measured.samples.len(),
        left_out: measured.left_out.len(),
        bars: Bars::of(measured.key.unit(), &values(measured), &measure::span),
    }
}

/// What is drawn: each sample, or how many there were in each week.
fn values(measured: &Measure) -> Vec<f64> {
    if measured.key.unit() != Unit::PerWeek {
        return measured.samples.iter().map(|sample| sample.value).collect();
    }
    let last = measured.samples.iter().map(|sample| sample.from).max();
    let mut weeks: BTreeMap<i64, u32> = BTreeMap::new();
    for (sample, last) in measured.samples.iter().zip(last.iter().cycle()) {
        *weeks.entry((*last - sample.from).num_seconds() / Duration::weeks(1).num_seconds()).or_default() +=
            1;
    }
    let oldest =
        weeks.keys().max().map(|oldest| (*oldest).min(i64::try_from(BARS_MAX).unwrap_or_default() - 1));
    let in_order = oldest.into_iter().flat_map(|oldest| (0..=oldest).rev());
    in_order.map(|week| f64::from(weeks.get(&week).copied().unwrap_or_default())).collect()
}
