//! The DORA measures on the page, with their samples drawn.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Duration, Utc};

use crate::cli::HistoryArgs;
use crate::commands::gather::Moment;
use crate::commands::history::metrics::{self, Measured};
use crate::commands::report;
use crate::gate::metrics::{Key, Measure, Recorded, Unit};
use crate::gate::timeline::Timeline;
use crate::render::measure;
use crate::render::pages::html::{BARS_MAX, Bars, Definition, Drawn, MeasureLine, Measures, Metrics};

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
        bars: Bars::of(measured.key.unit(), &drawn(measured), &measure::span),
    }
}

/// What is drawn: each sample, or how many there were in each week.
fn drawn(measured: &Measure) -> Vec<Drawn> {
    if measured.key.unit() == Unit::PerWeek {
        return weeks(measured);
    }
    let each = measured.samples.iter().map(|sample| {
        let of = sample.commit.as_ref().map(|commit| format!(" ({})", commit.short())).unwrap_or_default();
        let value = measure::of_sample(measured.key, sample.value);
        Drawn {
            value: sample.value,
            day: day(sample.from),
            said: format!("{}{of}: {value}, {}", sample.version, sample.why),
        }
    });
    each.collect()
}

/// The weeks back from the newest sample, the oldest first.
fn weeks(measured: &Measure) -> Vec<Drawn> {
    let Some(last) = measured.samples.iter().map(|sample| sample.from).max() else { return vec![] };
    let mut weeks: BTreeMap<i64, u32> = BTreeMap::new();
    for sample in &measured.samples {
        *weeks.entry((last - sample.from).num_weeks()).or_default() += 1;
    }
    let most = i64::try_from(BARS_MAX).unwrap_or_default() - 1;
    let oldest = weeks.keys().max().map_or(0, |oldest| (*oldest).min(most));
    let week = |back: i64| {
        let count = weeks.get(&back).copied().unwrap_or_default();
        let day = day(last - Duration::weeks(back));
        Drawn { value: f64::from(count), said: format!("{count} in the week that ends on {day}"), day }
    };
    (0..=oldest).rev().map(week).collect()
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}
