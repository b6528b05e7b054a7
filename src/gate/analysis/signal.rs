//! What is measured, when a value is too high, and the sentence that says so.

use std::fmt;

use super::TriggerKind;
use crate::gate::config::IncreaseMode;
use crate::gate::policy::Health;

/// Something that is measured. Probes come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// A probe, by its name.
    Probe(String),
    /// The share of requests that fail.
    ErrorRate,
    /// How long a request takes.
    Latency,
    /// How much of its memory is used.
    Memory,
    /// How much of its processors is used.
    Cpu,
}

impl Signal {
    /// Its name in the policy, in records and on screens. No probe is called like a metric.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Probe(name) => name,
            Self::ErrorRate => "error_rate",
            Self::Latency => "latency",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
        }
    }

    /// The signal of a name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let metrics = [Self::ErrorRate, Self::Latency, Self::Memory, Self::Cpu];
        metrics
            .into_iter()
            .find(|metric| metric.name() == name)
            .unwrap_or_else(|| Self::Probe(name.to_owned()))
    }

    /// A value that can be judged, or why it is none.
    pub(super) fn number(&self, value: &Result<f64, String>) -> Result<f64, String> {
        let value = *value.as_ref().map_err(Clone::clone)?;
        match self {
            _ if value.is_nan() => Err("the value is no number".to_owned()),
            _ if value.is_infinite() => Err("the value is infinite".to_owned()),
            _ if value < 0.0 => Err(format!("the value is below 0: {}", digits(value))),
            Self::ErrorRate if value > 1.0 + TOLERANCE => {
                Err(format!("the value is no share from 0 to 1: {}", digits(value)))
            }
            _ => Ok(value),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What makes a value of a signal too high.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// More failures in a row than this.
    Probe { failures: u32 },
    /// More than this over the baseline.
    ErrorRate { increase: f64, mode: IncreaseMode },
    /// More than this many times the baseline.
    Latency { ratio: f64 },
    /// More than this, in so many samples in a row.
    Level { above: f64, samples: u32 },
}

/// Every signal of a policy's health, with its rule.
pub(super) fn rules(health: &Health) -> Vec<(Signal, Rule)> {
    let probe =
        |name: &String| (Signal::Probe(name.clone()), Rule::Probe { failures: health.consecutive_failures });
    let mut rules: Vec<(Signal, Rule)> = health.probes.keys().map(probe).collect();
    let Some(metrics) = &health.metrics else { return rules };
    if let Some(rule) = &metrics.error_rate {
        rules.push((Signal::ErrorRate, Rule::ErrorRate { increase: rule.increase, mode: rule.mode }));
    }
    if let Some(rule) = &metrics.latency {
        rules.push((Signal::Latency, Rule::Latency { ratio: rule.ratio }));
    }
    for (signal, level) in [(Signal::Memory, &metrics.memory), (Signal::Cpu, &metrics.cpu)] {
        if let Some(rule) = level {
            rules.push((signal, Rule::Level { above: rule.above, samples: rule.samples }));
        }
    }
    rules
}

/// Rounding of the arithmetic is no excess: 0.02 and 5 points are 0.07, which a computer does not think.
const TOLERANCE: f64 = 1e-9;

fn exceeds(value: f64, limit: f64) -> bool {
    value > limit && value - limit > TOLERANCE * limit.abs().max(value.abs())
}

impl Rule {
    pub(super) const fn is_probe(&self) -> bool {
        matches!(self, Self::Probe { .. })
    }

    pub(super) const fn needs_baseline(&self) -> bool {
        matches!(self, Self::ErrorRate { .. } | Self::Latency { .. })
    }

    /// The longest run that is no trigger.
    pub(super) const fn limit(&self) -> u32 {
        match self {
            Self::Probe { failures } => *failures,
            Self::ErrorRate { .. } | Self::Latency { .. } => 0,
            // So many in a row are a trigger: one less is none.
            Self::Level { samples, .. } => samples.saturating_sub(1),
        }
    }

    pub(super) const fn kind(&self) -> TriggerKind {
        match self {
            Self::Probe { .. } => TriggerKind::HealthChecks,
            Self::ErrorRate { .. } => TriggerKind::ErrorRate,
            Self::Latency { .. } => TriggerKind::Latency,
            Self::Level { .. } => TriggerKind::Exhaustion,
        }
    }

    /// More than this is too high; none for a probe, and for want of a baseline.
    pub(super) fn ceiling(&self, baseline: Option<f64>) -> Option<f64> {
        match self {
            Self::Probe { .. } => None,
            Self::ErrorRate { increase, mode: IncreaseMode::Points } => Some(baseline? + increase / 100.0),
            Self::ErrorRate { increase, mode: IncreaseMode::Relative } => {
                Some(baseline? * (1.0 + increase / 100.0))
            }
            Self::Latency { ratio } => Some(baseline? * ratio),
            Self::Level { above, .. } => Some(*above),
        }
    }

    /// Whether a value is too high; `None` where nobody can say. A probe that answers is as it should be.
    pub(super) fn too_high(&self, value: f64, baseline: Option<f64>) -> Option<bool> {
        if self.is_probe() {
            return Some(false);
        }
        Some(exceeds(value, self.ceiling(baseline)?))
    }

    /// What happened, in one sentence; `why` may hold what a server said.
    pub(super) fn sentence(
        &self,
        signal: &Signal,
        last: Option<f64>,
        baseline: Option<f64>,
        run: u32,
        why: &str,
    ) -> String {
        let shown = |value: Option<f64>| value.map_or_else(String::new, |value| figure(signal, value));
        let (now, before) = (shown(last), shown(baseline));
        match self {
            Self::Probe { failures } => {
                format!(
                    "`{signal}` failed {run} times in a row, and more than {failures} are a trigger: {why}"
                )
            }
            Self::ErrorRate { increase, mode } => {
                let unit = if *mode == IncreaseMode::Points { "points" } else { "%" };
                format!("the error rate is {now}, more than {increase} {unit} over its baseline of {before}")
            }
            Self::Latency { ratio } => {
                format!("the latency is {now}, more than {ratio} times its baseline of {before}")
            }
            Self::Level { above, samples: 1 } => format!("{signal} is {now}, above {above}"),
            Self::Level { above, samples } => {
                format!("{signal} was above {above} in {samples} samples in a row, and is {now} now")
            }
        }
    }
}

/// A value as a person reads it: `12 ms` for a probe, `1.5 %` for the error rate, else the number itself.
#[must_use]
pub fn figure(signal: &Signal, value: f64) -> String {
    match signal {
        Signal::Probe(_) if value < 1.0 => format!("{:.0} ms", value * 1_000.0),
        Signal::Probe(_) => format!("{value:.1} s"),
        Signal::ErrorRate => format!("{} %", digits(value * 100.0)),
        Signal::Latency | Signal::Memory | Signal::Cpu => digits(value),
    }
}

/// Four digits that say something; very large and very small numbers by their power of ten.
fn digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.2e}");
    }
    let after = (1..=7).find(|places| size >= 10_f64.powi(4 - places)).unwrap_or(8);
    let places = usize::try_from(after - 1).unwrap_or_default();
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{Signal, digits, exceeds, figure};

    #[test]
    fn numbers_are_short_and_say_what_they_mean() {
        let cases = [
            (0.0, "0"),
            (0.000_01, "1.00e-5"),
            (0.012_346, "0.01235"),
            (0.5, "0.5"),
            (0.9501, "0.9501"),
            (1.0, "1"),
            (12.345_6, "12.35"),
            (1_234.5, "1234"),
            (123_456.0, "123456"),
            (2e12, "2.00e12"),
            (-3.0, "-3"),
        ];
        for (value, text) in cases {
            assert_eq!(digits(value), text);
        }
        let web = Signal::Probe("web".to_owned());
        assert_eq!(figure(&web, 0.0124), "12 ms");
        assert_eq!(figure(&web, 1.25), "1.2 s");
        assert_eq!(figure(&Signal::ErrorRate, 0.0623), "6.23 %");
        assert_eq!(figure(&Signal::Cpu, 0.97), "0.97");
    }

    #[test]
    fn what_reaches_a_limit_does_not_exceed_it_however_it_was_added_up() {
        for (base, increase) in [(0.02, 0.05), (0.01, 0.05), (0.1, 0.2), (0.7, 0.1), (0.0, 0.05)] {
            assert!(!exceeds(base + increase, increase + base));
            assert!(!exceeds(0.07, 0.02 + 0.05));
            assert!(exceeds(base + increase + 1e-6, base + increase));
        }
        assert!(exceeds(1e-12, 0.0));
        assert!(!exceeds(0.0, 0.0));
    }
}
