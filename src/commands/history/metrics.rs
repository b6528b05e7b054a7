//! `history --metrics`: the five DORA measures of each environment, in every form.

mod done;

use anyhow::Result;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Forms, write};
use crate::cli::HistoryArgs;
use crate::commands::gather::Moment;
use crate::commands::pages;
use crate::gate::metrics::{Key, LeftOut, Measure, Period, Recorded, Sample, USUAL_DAYS, measures};
use crate::gate::terms::Environment;
use crate::gate::timeline::Timeline;
use crate::render::pages::{MetricEntry, MetricRow, MetricsPage, Page, Pinned};
use crate::render::{csv, measure, screen, table, wrap};

/// The measures of one environment.
pub(super) struct Measured {
    pub(super) environment: Environment,
    pub(super) recorded: Recorded,
    pub(super) measures: [Measure; 5],
}

/// The span that the options name.
pub(super) fn period(now: DateTime<Utc>, args: &HistoryArgs) -> Period {
    let until = args.until.map(|until| until.ends(now));
    let end = until.unwrap_or(now);
    let usual = || end.checked_sub_signed(Duration::days(USUAL_DAYS)).unwrap_or(end);
    let since = args.since.map_or_else(usual, |since| since.begins(now));
    Period { since, until, now }
}

/// The measures of every environment that is wanted: those that people decide first.
///
/// # Errors
/// When records cannot be read.
pub(super) fn of(
    moment: &Moment,
    timeline: &Timeline,
    wanted: Option<&Environment>,
    period: &Period,
) -> Result<Vec<Measured>> {
    let all = done::of(moment, timeline, wanted, period)?;
    let measured = all.into_iter().map(|(recorded, environment, actions)| Measured {
        environment,
        recorded,
        measures: measures(&actions, period),
    });
    Ok(measured.collect())
}

/// The measures, or the entries behind one of them, in every form.
///
/// # Errors
/// When records or a template cannot be read.
pub(super) fn forms(moment: &Moment, timeline: &Timeline, args: &HistoryArgs) -> Result<Forms> {
    let period = period(moment.now, args);
    let measured = of(moment, timeline, args.environment.as_ref(), &period)?;
    let page = page(&measured, args, &period);
    let metrics = each(&measured, args.explain, row_json);
    let said = json!({ "since": period.since, "until": period.until.unwrap_or(period.now) });
    let plain = plain(&page, moment.streams.columns());
    let markdown = pages::of(moment, &[Page::Metrics])?.render(Page::Metrics, &page)?;
    let place = write::Place { heading: "Deployment Metrics", name: "metrics" };
    let more = vec![("period", said)];
    Ok(match args.explain {
        None => Forms { key: "metrics", place, columns: csv::METRICS, plain, markdown, json: metrics, more },
        Some(_) => Forms {
            key: "entries",
            place,
            columns: csv::ENTRIES,
            plain,
            markdown,
            json: each(&measured, args.explain, entries_json).concat(),
            more: [more, vec![("metrics", Value::Array(metrics))]].concat(),
        },
    })
}

/// What something makes of every measure that is wanted.
fn each<T>(measured: &[Measured], explain: Option<Key>, make: impl Fn(&Measured, &Measure) -> T) -> Vec<T> {
    let all = measured.iter().flat_map(|of| of.measures.iter().map(move |measure| (of, measure)));
    let wanted = all.filter(|(_, measure)| explain.is_none_or(|key| key == measure.key));
    wanted.map(|(of, measure)| make(of, measure)).collect()
}

fn page(measured: &[Measured], args: &HistoryArgs, period: &Period) -> MetricsPage {
    let keys = Key::ALL.into_iter().filter(|key| args.explain.is_none_or(|wanted| wanted == *key));
    let definition = |key: Key| Pinned { name: key.title().to_owned(), value: key.definition().to_owned() };
    let entries = args.explain.map(|key| each(measured, Some(key), entries).concat());
    MetricsPage {
        period: said(args, period),
        rows: each(measured, args.explain, row),
        definitions: keys.map(definition).collect(),
        explained: entries.is_some(),
        entries: entries.unwrap_or_default(),
    }
}

/// The period in a sentence.
fn said(args: &HistoryArgs, period: &Period) -> String {
    let since = screen::minute(period.since);
    let until = period.until.map_or_else(|| "now".to_owned(), screen::minute);
    let usual = if args.since.is_none() {
        format!(" ({USUAL_DAYS} days; --since names others)")
    } else {
        String::new()
    };
    format!("What began from {since} until {until}{usual}")
}

fn row(of: &Measured, measure: &Measure) -> MetricRow {
    MetricRow {
        environment: of.environment.to_string(),
        measure: measure.key.title().to_owned(),
        value: measure::value(measure),
        samples: measure.samples.len(),
        not_counted: measure.left_out.len(),
        recorded: of.recorded.word().to_owned(),
    }
}

fn row_json(of: &Measured, measure: &Measure) -> Value {
    json!({
        "environment": of.environment,
        "recorded": of.recorded.word(),
        "measure": measure.key.word(),
        "title": measure.key.title(),
        "definition": measure.key.definition(),
        "value": measure.value,
        "unit": measure.key.unit().word(),
        "days_between": measure.days_between,
        "samples": measure.samples.len(),
        "not_counted": measure.left_out.len(),
    })
}

/// What counts, and what does not.
fn entries(of: &Measured, measure: &Measure) -> Vec<MetricEntry> {
    let entry = |id: &str, version: String, recorded: Recorded, why: String| MetricEntry {
        environment: of.environment.to_string(),
        entry: id.trim_start_matches("sha256:").chars().take(7).collect(),
        version,
        commit: String::new(),
        from: String::new(),
        to: String::new(),
        value: "not counted".to_owned(),
        recorded: recorded.word().to_owned(),
        why,
    };
    let counted = measure.samples.iter().map(|sample| MetricEntry {
        commit: sample.commit.as_ref().map(|commit| commit.short().to_owned()).unwrap_or_default(),
        from: screen::minute(sample.from),
        to: sample.to.map(screen::minute).unwrap_or_default(),
        value: measure::of_sample(measure.key, sample.value),
        ..entry(&sample.id, sample.version.to_string(), sample.recorded, sample.why.clone())
    });
    let left = measure.left_out.iter();
    let left = left.map(|left| entry(&left.id, left.version.to_string(), left.recorded, left.why.clone()));
    counted.chain(left).collect()
}

fn entries_json(of: &Measured, measure: &Measure) -> Vec<Value> {
    let counted = measure.samples.iter().map(|sample| sample_json(of, measure.key, sample));
    counted.chain(measure.left_out.iter().map(|left| left_json(of, measure.key, left))).collect()
}

fn sample_json(of: &Measured, key: Key, sample: &Sample) -> Value {
    let moment = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    json!({
        "environment": of.environment,
        "measure": key.word(),
        "entry": sample.id,
        "version": sample.version,
        "recorded": sample.recorded.word(),
        "commit": sample.commit,
        "from": moment(sample.from),
        "to": sample.to.map(moment),
        "value": sample.value,
        "counted": true,
        "why": sample.why,
    })
}

fn left_json(of: &Measured, key: Key, left: &LeftOut) -> Value {
    json!({
        "environment": of.environment,
        "measure": key.word(),
        "entry": left.id,
        "version": left.version,
        "recorded": left.recorded.word(),
        "commit": null,
        "from": null,
        "to": null,
        "value": null,
        "counted": false,
        "why": left.why,
    })
}

fn plain(page: &MetricsPage, columns: Option<usize>) -> String {
    if page.rows.is_empty() {
        return wrap::text(&format!("{}: no deployment is recorded", page.period), columns);
    }
    let numbers: Vec<_> =
        page.rows.iter().map(|row| (row.samples.to_string(), row.not_counted.to_string())).collect();
    let rows = page.rows.iter().zip(&numbers).map(|(row, (samples, left))| {
        [&row.environment, &row.measure, &row.value, samples, left, &row.recorded].map(String::as_str)
    });
    let titles = ["Environment", "Measure", "Value", "Samples", "Not counted", "Recorded"];
    let values = table::whole(titles, &rows.collect::<Vec<_>>(), columns);
    let definition = |said: &Pinned| wrap::text(&format!("{}: {}", said.name, said.value), columns);
    let definitions: String = page.definitions.iter().map(definition).collect();
    let entries = page.entries.iter().map(|entry| {
        [
            &entry.environment,
            &entry.entry,
            &entry.version,
            &entry.commit,
            &entry.from,
            &entry.to,
            &entry.value,
            &entry.recorded,
            &entry.why,
        ]
        .map(String::as_str)
    });
    let titles = ["Environment", "Entry", "Version", "Commit", "From", "To", "Value", "Recorded", "Why"];
    let entries = match page.explained {
        true => format!("\n{}", table::whole(titles, &entries.collect::<Vec<_>>(), columns)),
        false => String::new(),
    };
    format!("{}\n{values}\n{definitions}{entries}", wrap::text(&page.period, columns))
}
