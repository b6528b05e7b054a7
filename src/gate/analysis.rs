//! Samples of probes and metrics → healthy | triggered | unknown: a fold that holds little, however long it is watched.
//!
//! Design section 10. Every limit is strict: what reaches it is no trigger. No data is never healthy: a sample without a
//! value counts as failed, and neither ends nor lengthens a run of values that are too high. A trigger stays.

mod history;
mod signal;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::history::{History, POINTS_MAX, Point};
use self::signal::{Rule, rules};
pub use self::signal::{Signal, figure};
use super::policy::Health;

/// One look at one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Of what.
    pub signal: Signal,
    /// When it was asked.
    pub at: DateTime<Utc>,
    /// The seconds that a probe took, or the value of a metric; else why there is none.
    pub value: Result<f64, String>,
}

/// How things stood before a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    values: BTreeMap<Signal, f64>,
}

impl Baseline {
    /// The middle of each signal's values; none for a signal without any.
    #[must_use]
    pub fn of(samples: &[Sample]) -> Self {
        let mut all: BTreeMap<Signal, Vec<f64>> = BTreeMap::new();
        for sample in samples {
            if let Ok(value) = sample.signal.number(&sample.value) {
                all.entry(sample.signal.clone()).or_default().push(value);
            }
        }
        // A latency of nothing is no traffic: nothing can be so many times as slow.
        all.retain(|signal, values| *signal != Signal::Latency || middle(values) > 0.0);
        Self { values: all.into_iter().map(|(signal, mut values)| (signal, middle(&mut values))).collect() }
    }

    /// How things stood before another deployment, as its record says.
    #[must_use]
    pub fn recorded(health: &Health, seen: &[Seen]) -> Self {
        let value = |(signal, _): (Signal, Rule)| {
            let seen = seen.iter().find(|seen| seen.signal == signal.name())?;
            seen.baseline.map(|value| (signal, value))
        };
        Self { values: rules(health).into_iter().filter_map(value).collect() }
    }

    /// This, and of another one what this has no value for.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (signal, value) in other.values {
            self.values.entry(signal).or_insert(value);
        }
        self
    }

    /// Whether it knows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The signals that it has no value for.
    #[must_use]
    pub fn absent(&self, health: &Health) -> Vec<Signal> {
        let signals = rules(health).into_iter().map(|(signal, _)| signal);
        signals.filter(|signal| self.get(signal).is_none()).collect()
    }

    /// The value of a signal.
    #[must_use]
    pub fn get(&self, signal: &Signal) -> Option<f64> {
        self.values.get(signal).copied()
    }

    /// The probes that did not answer once.
    #[must_use]
    pub fn silent(&self, health: &Health) -> Vec<String> {
        let silent = |name: &&String| self.get(&Signal::Probe((*name).clone())).is_none();
        health.probes.keys().filter(silent).cloned().collect()
    }

    /// The signals that cannot be judged without a value that is not here.
    #[must_use]
    pub fn missing(&self, health: &Health) -> Vec<Signal> {
        let lacks = |(signal, rule): (Signal, Rule)| {
            (rule.needs_baseline() && self.get(&signal).is_none()).then_some(signal)
        };
        rules(health).into_iter().filter_map(lacks).collect()
    }
}

/// The lower one of the two in the middle, where there are two: a value that was really seen.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// How a signal stands at its newest sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There is no sample yet.
    Waiting,
    /// As it should be.
    Healthy,
    /// A probe that failed, not often enough in a row.
    Failing,
    /// A value that is too high, not often enough in a row.
    Over,
    /// A metric without a value.
    NoValue,
    /// A metric that is compared with its baseline, and has none.
    NoBaseline,
    /// It went beyond its limit, now or before.
    Triggered,
}

/// Which of the workflow document's triggers it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerKind {
    /// Health check failures.
    HealthChecks,
    /// Error rate spike.
    ErrorRate,
    /// Latency degradation.
    Latency,
    /// Memory or CPU exhaustion.
    Exhaustion,
}

/// A limit that was exceeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Of which signal, by its name.
    pub signal: String,
    /// Which one.
    pub trigger: TriggerKind,
    /// The moment of the sample that was too much.
    pub at: DateTime<Utc>,
    /// One sentence; it may hold what a server said.
    pub sentence: String,
}

/// Why a signal cannot be called healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    /// Which one, by its name.
    pub signal: String,
    /// Half a sentence; it may hold what a server said.
    pub why: String,
}

/// What a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that can be judged is as it should be, and something could be.
    Healthy,
    /// Something went beyond its limit; in the order in which it did.
    Triggered(Vec<Trigger>),
    /// It cannot be said.
    Unknown(Vec<Doubt>),
}

impl Verdict {
    /// The word in records and documents.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Triggered(_) => "triggered",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// What was seen of one signal, for records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Its name.
    pub signal: String,
    /// How it stood at the end.
    pub state: State,
    /// Before the deployment; seconds for a probe. Six digits, like every number here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// The newest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
    /// The highest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<f64>,
    /// How many samples there were.
    pub samples: u64,
    /// How many of them had no value.
    pub failed: u64,
}

/// What is known of one signal.
#[derive(Clone, Debug)]
struct Track {
    rule: Rule,
    baseline: Option<f64>,
    last: Option<f64>,
    worst: Option<f64>,
    samples: u64,
    failed: u64,
    healthy: u64,
    /// Failures of a probe in a row, or values in a row that are too high.
    run: u32,
    /// Samples in a row without a value.
    silent: u32,
    /// Why the newest of them had none.
    why: String,
    trigger: Option<Trigger>,
    history: History,
}

/// A watch: what is known of every signal. Its size is bounded whatever comes.
#[derive(Clone, Debug)]
pub struct Watch {
    /// More samples in a row without a value than this leave a metric unknown.
    patience: u32,
    tracks: BTreeMap<Signal, Track>,
    /// Signals in the order in which they triggered.
    triggered: Vec<Signal>,
}

impl Watch {
    /// Begins, with how things stood before.
    #[must_use]
    pub fn new(health: &Health, baseline: &Baseline) -> Self {
        let track = |rule, baseline| Track {
            rule,
            baseline,
            last: None,
            worst: None,
            samples: 0,
            failed: 0,
            healthy: 0,
            run: 0,
            silent: 0,
            why: String::new(),
            trigger: None,
            history: History::default(),
        };
        let tracks = rules(health).into_iter().map(|(signal, rule)| {
            let before = baseline.get(&signal);
            (signal, track(rule, before))
        });
        Self { patience: health.consecutive_failures, tracks: tracks.collect(), triggered: Vec::new() }
    }

    /// Takes the next sample; one of an unknown signal is nothing to it.
    pub fn take(&mut self, sample: &Sample) {
        let Some(track) = self.tracks.get_mut(&sample.signal) else { return };
        let before = track.trigger.is_some();
        track.take(sample);
        if !before && track.trigger.is_some() {
            self.triggered.push(sample.signal.clone());
        }
    }

    /// The triggers, in the order in which they came.
    #[must_use]
    pub fn triggers(&self) -> Vec<Trigger> {
        let tracks = self.triggered.iter().filter_map(|signal| self.tracks.get(signal));
        tracks.filter_map(|track| track.trigger.clone()).collect()
    }

    /// Every signal that cannot be called healthy, with why; also those that keep nothing from ending well.
    #[must_use]
    pub fn doubts(&self) -> Vec<Doubt> {
        self.doubtful().map(|(_, doubt)| doubt).collect()
    }

    /// What it says now. A signal that was never judged for want of a baseline is no reason against the others.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let triggers = self.triggers();
        if !triggers.is_empty() {
            return Verdict::Triggered(triggers);
        }
        let healthy = self.tracks.values().any(|track| track.healthy > 0);
        if healthy && !self.doubtful().any(|(counts, _)| counts) {
            return Verdict::Healthy;
        }
        Verdict::Unknown(self.doubts())
    }

    /// What was seen of each signal, for records and screens, probes first.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let seen = |(signal, track): (&Signal, &Track)| Seen {
            signal: signal.name().to_owned(),
            state: track.state(),
            baseline: track.baseline.map(short),
            last: track.last.map(short),
            worst: track.worst.map(short),
            samples: track.samples,
            failed: track.failed,
        };
        self.tracks.iter().map(seen).collect()
    }

    /// The signals, each with its state, how often in a row it has been so and of how many, and its history.
    pub fn signals(&self) -> impl Iterator<Item = Standing<'_>> {
        self.tracks.iter().map(|(signal, track)| Standing {
            signal,
            state: track.state(),
            run: track.run,
            limit: track.rule.limit(),
            ceiling: track.rule.ceiling(track.baseline),
            baseline: track.baseline,
            last: track.last,
            worst: track.worst,
            samples: track.samples,
            failed: track.failed,
            why: &track.why,
            history: &track.history,
        })
    }

    fn doubtful(&self) -> impl Iterator<Item = (bool, Doubt)> {
        self.tracks.iter().filter_map(|(signal, track)| {
            let (counts, why) = track.doubt(self.patience)?;
            Some((counts, Doubt { signal: signal.name().to_owned(), why }))
        })
    }
}

/// How one signal stands, for a screen.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Which one.
    pub signal: &'a Signal,
    /// How it stands.
    pub state: State,
    /// Failures, or values that are too high, in a row.
    pub run: u32,
    /// The longest run that is no trigger yet; 0 where the first one is.
    pub limit: u32,
    /// More than this is too high; none for a probe, and where there is nothing to compare with.
    pub ceiling: Option<f64>,
    /// Before the deployment.
    pub baseline: Option<f64>,
    /// The newest value.
    pub last: Option<f64>,
    /// The highest value.
    pub worst: Option<f64>,
    /// How many samples there were.
    pub samples: u64,
    /// How many of them had no value.
    pub failed: u64,
    /// Why the newest of those had none.
    pub why: &'a str,
    /// All of them, in few points.
    pub history: &'a History,
}

impl Track {
    fn take(&mut self, sample: &Sample) {
        let value = sample.signal.number(&sample.value);
        self.samples += 1;
        self.history.push(sample.at, value.as_ref().ok().copied());
        let exceeded = match value {
            Ok(value) => self.has(value),
            Err(why) => self.lacks(why),
        };
        if exceeded && self.trigger.is_none() {
            let sentence = self.rule.sentence(&sample.signal, self.last, self.baseline, self.run, &self.why);
            self.trigger = Some(Trigger {
                signal: sample.signal.name().to_owned(),
                trigger: self.rule.kind(),
                at: sample.at,
                sentence,
            });
        }
    }

    /// Whether this value is one too many.
    fn has(&mut self, value: f64) -> bool {
        self.silent = 0;
        self.last = Some(value);
        self.worst = Some(self.worst.map_or(value, |worst| worst.max(value)));
        match self.rule.too_high(value, self.baseline) {
            None => false,
            Some(false) => {
                self.run = 0;
                self.healthy += 1;
                false
            }
            Some(true) => {
                self.run = self.run.saturating_add(1);
                self.run > self.rule.limit()
            }
        }
    }

    /// Whether this failure is one too many. That nobody knows a metric is no trigger.
    fn lacks(&mut self, why: String) -> bool {
        self.failed += 1;
        self.silent = self.silent.saturating_add(1);
        self.why = why;
        if !self.rule.is_probe() {
            return false;
        }
        self.run = self.run.saturating_add(1);
        self.run > self.rule.limit()
    }

    fn state(&self) -> State {
        match () {
            () if self.trigger.is_some() => State::Triggered,
            () if self.samples == 0 => State::Waiting,
            () if self.rule.is_probe() && self.run > 0 => State::Failing,
            () if self.silent > 0 => State::NoValue,
            () if self.rule.needs_baseline() && self.baseline.is_none() => State::NoBaseline,
            () if self.run > 0 => State::Over,
            () => State::Healthy,
        }
    }

    /// Why it is not known to be healthy, and whether that keeps the watch from ending well.
    fn doubt(&self, patience: u32) -> Option<(bool, String)> {
        match self.state() {
            State::Triggered | State::Healthy => None,
            State::Waiting => Some((true, "there is no sample yet".to_owned())),
            State::Failing => Some((true, format!("the last {} failed: {}", samples(self.run), self.why))),
            State::NoBaseline => {
                Some((false, "there is no baseline to compare it with: it is not judged".to_owned()))
            }
            State::NoValue if self.last.is_none() => {
                Some((true, format!("there was no value at all: {}", self.why)))
            }
            State::NoValue if self.silent > patience => {
                let count = samples(self.silent);
                Some((true, format!("the last {count} had no value: {}", self.why)))
            }
            State::NoValue if self.run == 0 => None,
            State::NoValue | State::Over => {
                Some((true, format!("it was too high in its last {}", samples(self.run))))
            }
        }
    }
}

fn samples(count: u32) -> String {
    if count == 1 { "sample".to_owned() } else { format!("{count} samples") }
}

/// Six digits: enough for a person, and the same in every JSON document.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests;
