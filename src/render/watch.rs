//! A watch for people: one row a signal, as wide as the terminal is, and plain lines for a pipe.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::style::Styles;
use super::text;
use crate::gate::analysis::{Doubt, Point, Standing, State, Trigger, Verdict, Watch, figure};

/// What stands above the table.
#[derive(Clone, Debug)]
pub struct Head {
    /// What is watched: the environment, and the version that is live.
    pub what: String,
    /// How often.
    pub interval: Duration,
    /// For how long so far.
    pub elapsed: Duration,
    /// For how long in all; `None` until somebody stops it.
    pub length: Option<Duration>,
    /// What is said below the title: what runs instead of the version, and where the baseline is from.
    pub below: Vec<String>,
}

/// A name is cut at so many columns: a longer one would leave no room for what it is about.
const NAME_MAX: usize = 24;
/// The widest sparkline: more points say no more.
const SPARK_MAX: usize = 48;
/// The narrowest that says something.
const SPARK_MIN: usize = 8;
/// No sentence is longer, whatever a server said.
const SENTENCE_MAX: usize = 2_000;

/// The whole view, each line at most so many columns wide. What fits no row is left out, and said.
#[must_use]
pub fn table(head: &Head, watch: &Watch, styles: Styles, columns: usize, rows: usize) -> Vec<String> {
    let mut lines = view(head, watch, styles, (columns, columns));
    if lines.len() > rows.max(3) {
        let hidden = lines.len() - (rows.max(3) - 1);
        lines.truncate(rows.max(3) - 1);
        lines.push(format!("  … {} more", text::count(hidden, "line")));
    }
    lines
}

/// The rows as wide as `columns`, and the sentences as long as `sentences`.
fn view(head: &Head, watch: &Watch, styles: Styles, (columns, sentences): (usize, usize)) -> Vec<String> {
    let signals: Vec<Standing<'_>> = watch.signals().collect();
    let mut lines = vec![text::line(&title(head, &watch.verdict()), sentences)];
    lines.extend(head.below.iter().map(|said| text::line(said, sentences)));
    let room = Room::of(&signals, columns);
    lines.push(styles.dim(&room.heading()));
    lines.extend(signals.iter().map(|signal| room.row(signal, styles)));
    lines.extend(watch.triggers().iter().map(|trigger| styles.bad(&triggered(trigger, sentences))));
    lines.extend(watch.doubts().iter().map(|doubt| doubted(doubt, sentences)));
    lines
}

/// One line that says how everything stands, for a pipe.
#[must_use]
pub fn line(at: DateTime<Utc>, watch: &Watch) -> String {
    let signal = |standing: Standing<'_>| {
        let name = text::line(standing.signal.name(), NAME_MAX);
        match (standing.state, standing.last) {
            (State::Healthy, Some(last)) => format!("{name} {}", figure(standing.signal, last)),
            (State::Failing | State::NoValue, _) => {
                format!("{name} {} ({})", words(&standing), text::line(standing.why, SENTENCE_MAX))
            }
            (_, Some(last)) => format!("{name} {} {}", figure(standing.signal, last), words(&standing)),
            (_, None) => format!("{name} {}", words(&standing)),
        }
    };
    let signals: Vec<String> = watch.signals().map(signal).collect();
    format!("{} {} · {}", at.format("%H:%M:%S"), watch.verdict().word(), signals.join(" · "))
}

/// The end of a watch: the table, plain, with what was a trigger and what nobody knows. It stays, so that a sentence may go
/// on in the next line of a terminal, and is whole in a pipe.
#[must_use]
pub fn page(head: &Head, watch: &Watch, columns: usize) -> String {
    view(head, watch, Styles::plain(), (columns, SENTENCE_MAX)).join("\n") + "\n"
}

/// `3:20`, or `1:03:20` from an hour on.
fn clock(span: Duration) -> String {
    let (hours, minutes, seconds) = (span.as_secs() / 3_600, span.as_secs() / 60 % 60, span.as_secs() % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn title(head: &Head, verdict: &Verdict) -> String {
    let of = head.length.map(|length| format!(" of {}", clock(length))).unwrap_or_default();
    let interval = humantime::format_duration(head.interval);
    format!("{} · {}{of} · every {interval} · {}", head.what, clock(head.elapsed), verdict.word())
}

fn triggered(trigger: &Trigger, columns: usize) -> String {
    let line = format!("✗ {} trigger: {}", trigger.at.format("%H:%M:%S"), trigger.sentence);
    text::line(&line, columns)
}

fn doubted(doubt: &Doubt, columns: usize) -> String {
    text::line(&format!("? {}: {}", doubt.signal, doubt.why), columns)
}

/// How a signal stands, in words that need no colour.
fn words(standing: &Standing<'_>) -> String {
    let of = u64::from(standing.limit) + 1;
    match standing.state {
        State::Waiting => "waiting".to_owned(),
        State::Healthy => "healthy".to_owned(),
        State::Failing => format!("failing {} of {of}", standing.run),
        State::Over => format!("too high {} of {of}", standing.run),
        State::NoValue => "no value".to_owned(),
        State::NoBaseline => "no baseline".to_owned(),
        State::Triggered => "TRIGGERED".to_owned(),
    }
}

/// How wide each column is; what does not fit goes, the least telling first.
struct Room {
    name: usize,
    state: usize,
    figure: usize,
    baseline: bool,
    worst: bool,
    spark: usize,
    columns: usize,
}

impl Room {
    fn of(signals: &[Standing<'_>], columns: usize) -> Self {
        let widest = |least: usize, width: &dyn Fn(&Standing<'_>) -> usize| {
            signals.iter().map(width).max().unwrap_or_default().max(least)
        };
        let width = |value: Option<f64>, signal: &Standing<'_>| {
            value.map_or(1, |value| figure(signal.signal, value).chars().count())
        };
        let name = widest(6, &|signal| signal.signal.name().chars().count()).min(NAME_MAX);
        let state = widest(5, &|signal| words(signal).chars().count());
        let values = |signal: &Standing<'_>| [signal.last, signal.baseline, signal.worst];
        let figure = widest(8, &|signal| {
            values(signal).into_iter().map(|value| width(value, signal)).max().unwrap_or(1)
        });
        let least = 2 + name + 2 + state + 2 + figure;
        let column = figure + 2;
        let fits = |more: usize| least + more <= columns;
        let baseline = fits(column + SPARK_MIN + 2);
        let worst = fits(2 * column + SPARK_MIN + 2);
        let used = least + usize::from(baseline) * column + usize::from(worst) * column + 2;
        let left = columns.saturating_sub(used);
        let spark = if left < SPARK_MIN { 0 } else { left.min(SPARK_MAX) };
        Self { name, state, figure, baseline, worst, spark, columns }
    }

    fn heading(&self) -> String {
        self.cells("  signal", "state", ["last", "baseline", "worst"].map(str::to_owned), "")
    }

    fn row(&self, standing: &Standing<'_>, styles: Styles) -> String {
        let shown =
            |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| figure(standing.signal, value));
        let mark = match standing.state {
            State::Healthy => "✓",
            State::Triggered => "✗",
            State::Failing | State::Over => "!",
            State::Waiting | State::NoValue | State::NoBaseline => "?",
        };
        let name = format!("{mark} {}", text::line(standing.signal.name(), NAME_MAX));
        let values = [standing.last, standing.baseline, standing.worst].map(shown);
        let row = self.cells(&name, &words(standing), values, &sparkline(standing, self.spark));
        match standing.state {
            State::Healthy => row,
            State::Triggered => styles.bad(&row),
            _ => styles.warn(&row),
        }
    }

    fn cells(&self, name: &str, state: &str, values: [String; 3], spark: &str) -> String {
        let [last, baseline, worst] = values;
        let mut row = format!("{name:<0$}  {state:<1$}  {last:>2$}", self.name + 2, self.state, self.figure);
        for (shown, value) in [(self.baseline, baseline), (self.worst, worst)] {
            if shown {
                row.push_str(&format!("  {value:>0$}", self.figure));
            }
        }
        if self.spark > 0 && !spark.is_empty() {
            row.push_str(&format!("  {spark}"));
        }
        text::line(row.trim_end(), self.columns)
    }
}

/// From nothing to the ceiling, or to the worst value where that is higher; a failed sample is a cross.
fn sparkline(standing: &Standing<'_>, columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let points = standing.history.points();
    if columns == 0 || points.is_empty() {
        return String::new();
    }
    let twice = standing.baseline.or(points.iter().find_map(|point| point.value)).map(|value| 2.0 * value);
    let top = standing.ceiling.or(twice).unwrap_or_default().max(standing.worst.unwrap_or_default());
    let bar = |chunk: &[Point]| {
        let value = chunk.iter().filter_map(|point| point.value).reduce(f64::max);
        match value {
            _ if chunk.iter().any(|point| point.failed > 0) => '×',
            Some(value) if top > 0.0 => {
                let step = BARS.iter().enumerate().rev().find(|(index, _)| {
                    // Eight bars stand for eight equal parts.
                    value / top * 8.0 >= u8::try_from(*index).map(f64::from).unwrap_or_default()
                });
                step.map_or('▁', |(_, bar)| *bar)
            }
            Some(_) => '▁',
            None => ' ',
        }
    };
    points.chunks(points.len().div_ceil(columns)).map(bar).collect()
}

#[cfg(test)]
mod tests;
