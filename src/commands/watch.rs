//! A watch as it runs: round after round of questions, shown as they are answered. `monitor` looks on with it, and a
//! session can watch over its deployment.

mod pace;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::json;

use self::pace::Pace;
use crate::gate::analysis::{Baseline, Doubt, Seen, Trigger, Verdict, Watch};
use crate::gate::policy::{BASELINE_PAUSE, BASELINE_ROUNDS, Health};
use crate::gate::statement::{SCHEMA, canonical};
use crate::render::style::Styles;
use crate::render::watch::{Head, line, page, table};
use crate::world::clock::{self, Stopwatch};
use crate::world::probe::Prober;
use crate::world::terminal::{Live, Streams};

/// How soon a signal is noticed.
const GLANCE: Duration = Duration::from_millis(50);

/// How things stand now, before something is deployed. What has no value is asked for again, a few times. `None` where
/// `interrupted` was raised.
#[must_use]
pub fn baseline(prober: &Prober, health: &Health, interrupted: &AtomicBool) -> Option<Baseline> {
    let mut samples = prober.round(interrupted)?;
    for _ in 1..BASELINE_ROUNDS {
        if Baseline::of(&samples).missing(health).is_empty() {
            break;
        }
        let pause = Stopwatch::start();
        while pause.elapsed() < BASELINE_PAUSE {
            if interrupted.load(Ordering::SeqCst) {
                return None;
            }
            thread::sleep(GLANCE);
        }
        samples.extend(prober.round(interrupted)?);
    }
    Some(Baseline::of(&samples))
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its time is over.
    Over,
    /// Something was a trigger.
    Triggered,
    /// A signal came.
    Interrupted,
    /// The moment has passed after which others may act.
    LeaseOver,
}

/// Where a watch is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// To people: a table in its place on a terminal, else a line a round.
    People,
    /// Nowhere: somebody else tells of each round.
    Nowhere,
}

/// What is watched, and for how long.
pub struct Wish<'a> {
    /// The words above the table.
    pub what: String,
    /// What is asked.
    pub prober: &'a Prober,
    /// The rules.
    pub health: &'a Health,
    /// How things stood before.
    pub baseline: &'a Baseline,
    /// For how long; without it, until a signal comes, whatever triggers.
    pub length: Option<Duration>,
    /// Until when at the latest, by the clock on the wall, which goes on while the machine sleeps.
    pub until: Option<DateTime<Utc>>,
    /// What is said below the title.
    pub below: Vec<String>,
}

/// A watch that runs.
pub struct Watching<'a> {
    prober: &'a Prober,
    streams: &'a Streams,
    interrupted: &'a AtomicBool,
    head: Head,
    watch: Watch,
    since: Stopwatch,
    pace: Pace,
    until: Option<DateTime<Utc>>,
    rounds: u64,
    shown: Shown,
    live: Option<Live>,
}

impl<'a> Watching<'a> {
    /// Begins; nothing is asked yet.
    #[must_use]
    pub fn begin(wish: Wish<'a>, streams: &'a Streams, interrupted: &'a AtomicBool, shown: Shown) -> Self {
        let Wish { what, prober, health, baseline, length, until, below } = wish;
        Self {
            prober,
            streams,
            interrupted,
            head: Head { what, interval: health.interval, elapsed: Duration::ZERO, length, below },
            watch: Watch::new(health, baseline),
            since: Stopwatch::start(),
            pace: Pace::new(health.interval, prober.longest(), length),
            until,
            rounds: 0,
            shown,
            live: (shown == Shown::People).then(|| streams.live()).filter(Live::is_on),
        }
    }

    /// Waits for the moment of the next round, asks, and shows what came. `Some` where that was the end.
    pub fn tick(&mut self) -> Option<End> {
        if let Some(end) = self.wait() {
            return Some(end);
        }
        self.pace.asks(self.since.elapsed());
        let Some(samples) = self.prober.round(self.interrupted) else { return Some(End::Interrupted) };
        if let Some(end) = self.cut_short() {
            return Some(end);
        }
        samples.iter().for_each(|sample| self.watch.take(sample));
        self.rounds += 1;
        self.show();
        self.head.length?;
        match self.watch.verdict() {
            Verdict::Triggered(_) => Some(End::Triggered),
            _ if self.pace.is_over() => Some(End::Over),
            _ => None,
        }
    }

    /// Watches to its end.
    pub fn run(&mut self) -> End {
        loop {
            if let Some(end) = self.tick() {
                return end;
            }
        }
    }

    /// What ends it whatever is seen.
    fn cut_short(&self) -> Option<End> {
        if self.interrupted.load(Ordering::SeqCst) {
            return Some(End::Interrupted);
        }
        self.until.filter(|until| clock::now() > *until).map(|_| End::LeaseOver)
    }

    /// `Some` where something else came first. The last round is asked when the time is over.
    fn wait(&mut self) -> Option<End> {
        let Some(due) = self.pace.due() else { return self.cut_short() };
        while self.since.elapsed() < due {
            if let Some(end) = self.cut_short() {
                return Some(end);
            }
            thread::sleep(GLANCE.min(due.saturating_sub(self.since.elapsed())));
            self.draw();
        }
        self.cut_short()
    }

    fn show(&mut self) {
        match (self.shown, self.live.is_some()) {
            (Shown::Nowhere, _) => {}
            (Shown::People, true) => {
                self.head.elapsed = self.since.elapsed();
                self.paint();
            }
            (Shown::People, false) => self.streams.note(&line(clock::now(), &self.watch)),
        }
    }

    /// The clock in the table goes on between two rounds.
    fn draw(&mut self) {
        let elapsed = self.since.elapsed();
        if self.live.is_some() && elapsed.as_secs() != self.head.elapsed.as_secs() {
            self.head.elapsed = elapsed;
            self.paint();
        }
    }

    fn paint(&mut self) {
        let styles = Styles { on: self.streams.colours() };
        if let Some(live) = &mut self.live {
            let (columns, rows) = live.size();
            // The last column and row stay free: a terminal would go on to the next line.
            let (columns, rows) = (columns.saturating_sub(1), rows.saturating_sub(1));
            live.paint(&table(&self.head, &self.watch, styles, columns, rows));
        }
    }

    /// Takes the table away until the next round, for a question.
    pub fn rest(&mut self) {
        if let Some(live) = &mut self.live {
            live.clear();
        }
    }

    /// What is known so far.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// How many rounds were asked.
    #[must_use]
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }

    /// The end as people read it; a table that stood on the terminal goes.
    #[must_use]
    pub fn page(&mut self) -> String {
        self.live = None;
        self.head.elapsed = self.since.elapsed();
        page(&self.head, &self.watch, self.streams.width())
    }

    /// What was seen, for a record: each signal with its numbers, and what was a trigger.
    #[must_use]
    pub fn seen(&self) -> (Vec<Seen>, Vec<Trigger>, Vec<Doubt>) {
        (self.watch.seen(), self.watch.triggers(), self.watch.doubts())
    }

    /// `health.json`, beside a record: the same with the samples, in few points.
    ///
    /// # Errors
    /// The encoder's.
    pub fn health_json(&self) -> Result<Vec<u8>> {
        let (seen, triggers, doubts) = self.seen();
        let points = self
            .watch
            .signals()
            .map(|standing| (standing.signal.name().to_owned(), json!(standing.history.points())));
        let points: serde_json::Map<_, _> = points.collect();
        Ok(canonical(&json!({
            "schema": SCHEMA,
            "verdict": self.watch.verdict().word(),
            "interval": self.head.interval.as_secs(),
            "rounds": self.rounds,
            "signals": seen,
            "triggers": triggers,
            "doubts": doubts,
            "points": points,
        }))?)
    }
}
