//! Deployments by time, drawn: a lane for each environment, a mark for each deployment. Places along the time are shares
//! of the width, so that the drawing fits a wall and a telephone.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use crate::render::text;

/// Marks that are closer than this would cover each other on a telephone: the later one goes a step down. In percent.
const CLOSE: f64 = 4.5;
/// The most steps below each other; what is still closer covers.
const DEPTH_MAX: usize = 4;
/// From one step to the next, in pixels.
const STEP: usize = 17;
/// Before the first mark of a lane: its name, in pixels.
const NAME: usize = 34;
/// After the last mark of a lane, in pixels.
const GAP: usize = 12;
/// Free at both ends, in percent: half a mark on a telephone.
const EDGE: f64 = 2.5;
/// A shorter time is drawn as if it were so long, so that its marks do not tell of differences that say nothing.
const SPAN_MIN: Duration = Duration::hours(1);

/// A deployment to be drawn.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its lane.
    pub environment: String,
    /// When it began.
    pub at: DateTime<Utc>,
    /// The row that it belongs to.
    pub key: String,
    /// Where it leads to on the page.
    pub target: String,
    /// Its shape and colour.
    pub status: String,
    /// What it says to who points at it.
    pub said: String,
}

/// The drawing.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// What it shows, for those who do not see it.
    pub said: String,
    /// The whole height, in pixels.
    pub height: usize,
    /// Where the lines of the dates end.
    pub axis: usize,
    /// Where the dates stand.
    pub label: usize,
    /// The dates.
    pub ticks: Vec<Tick>,
    /// The environments.
    pub lanes: Vec<Lane>,
}

/// A date.
#[derive(Clone, Debug, Serialize)]
pub struct Tick {
    /// Its place, in percent.
    pub x: String,
    /// On which side of its place it stands.
    pub anchor: &'static str,
    /// The date.
    pub text: String,
}

/// An environment.
#[derive(Clone, Debug, Serialize)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub label: usize,
    /// Where the line of the time runs.
    pub rail: usize,
    /// Its deployments, the oldest first.
    pub marks: Vec<Mark>,
}

/// A deployment.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// Its place, in percent.
    pub x: String,
    /// Its place from above, in pixels.
    pub y: usize,
    /// Where it leads to on the page.
    pub target: String,
    /// The row that it belongs to.
    pub of: String,
    /// Its shape and colour.
    pub status: String,
    /// What it says to who points at it.
    pub said: String,
}

impl Timeline {
    /// Draws these deployments, up to the end of what was asked for; `None` where there is none.
    #[must_use]
    pub fn of(mut events: Vec<Event>, end: DateTime<Utc>) -> Option<Self> {
        events.sort_by_key(|event| event.at);
        let last = events.last()?.at.max(end);
        // What nobody lived yet is not drawn: a short time is made longer at its beginning.
        let first = events.first()?.at.min(last - SPAN_MIN);
        let count = events.len();
        let mut by: BTreeMap<String, Vec<Event>> = BTreeMap::new();
        for event in events {
            by.entry(event.environment.clone()).or_default().push(event);
        }
        let environments = text::count(by.len(), "environment");
        let mut top = 0;
        let mut lanes = Vec::new();
        for (name, events) in by {
            let (lane, height) = lane(name, events, top, &|at| share(at, first, last));
            lanes.push(lane);
            top += height;
        }
        let said = format!(
            "{} in {environments} from {} to {}; the table below says the same in words",
            text::count(count, "deployment"),
            day(first),
            day(last)
        );
        Some(Self { said, height: top + 20, axis: top, label: top + 15, ticks: ticks(first, last), lanes })
    }
}

fn lane(name: String, events: Vec<Event>, top: usize, place: &dyn Fn(DateTime<Utc>) -> f64) -> (Lane, usize) {
    // Where the last mark of each step stands.
    let mut ends = [f64::NEG_INFINITY; DEPTH_MAX];
    let mut deepest = 0;
    let marks = events.into_iter().map(|event| {
        let x = place(event.at);
        let free = ends.iter().position(|end| x - end >= CLOSE);
        // Where every step is taken, the one that was taken first covers least.
        let oldest = || ends.iter().enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other));
        let step = free.or_else(|| oldest().map(|(step, _)| step)).unwrap_or_default();
        ends[step] = x;
        deepest = deepest.max(step);
        Mark {
            x: format!("{x:.2}"),
            y: top + NAME - 7 + step * STEP,
            target: event.target,
            of: event.key,
            status: event.status,
            said: event.said,
        }
    });
    let marks = marks.collect();
    let lane = Lane { name, label: top + 14, rail: top + NAME, marks };
    (lane, NAME + deepest * STEP + STEP / 2 + GAP)
}

/// How far along the time, in percent.
fn share(at: DateTime<Utc>, first: DateTime<Utc>, last: DateTime<Utc>) -> f64 {
    let whole = (last - first).as_seconds_f64();
    let part = (at - first).as_seconds_f64();
    EDGE + (100.0 - 2.0 * EDGE) * (part / whole).clamp(0.0, 1.0)
}

/// The first and the last moment, and one between them: more do not fit a telephone.
fn ticks(first: DateTime<Utc>, last: DateTime<Utc>) -> Vec<Tick> {
    let middle = first + (last - first) / 2;
    let is_short = last - first < Duration::days(3);
    let written = |at: DateTime<Utc>| {
        if is_short { at.format("%m-%d %H:%M").to_string() } else { day(at) }
    };
    [(first, "start", EDGE), (middle, "middle", 50.0), (last, "end", 100.0 - EDGE)]
        .map(|(at, anchor, x)| Tick { x: format!("{x:.2}"), anchor, text: written(at) })
        .into()
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}
