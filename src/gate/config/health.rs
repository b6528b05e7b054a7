//! `environments.*.health` as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What is measured after a deployment, and how bad it may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHealth {
    /// How often everything is measured; `10s` unless said.
    #[serde(default)]
    pub interval: Option<String>,
    /// Questions with a yes or no, by name.
    #[serde(default)]
    pub probes: BTreeMap<String, RawProbe>,
    /// More failures of one probe in a row than this are a trigger; `3` unless said.
    #[serde(default)]
    pub consecutive_failures: Option<u32>,
    /// Numbers that Prometheus knows.
    #[serde(default)]
    pub metrics: Option<RawMetrics>,
}

/// One probe: exactly one of `http`, `tcp`, `run`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProbe {
    /// An address that must answer 2xx.
    #[serde(default)]
    pub http: Option<String>,
    /// `HOST:PORT` that must take a connection.
    #[serde(default)]
    pub tcp: Option<String>,
    /// A command that must end with 0.
    #[serde(default)]
    pub run: Option<Vec<String>>,
    /// How long it may take; 5 s or the interval, whichever is shorter, unless said.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// The metrics, and who knows them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMetrics {
    /// The address of the Prometheus server.
    pub prometheus: String,
    /// How long a query may take; 5 s or the interval, whichever is shorter, unless said.
    #[serde(default)]
    pub timeout: Option<String>,
    /// The share of requests that fail.
    #[serde(default)]
    pub error_rate: Option<RawErrorRate>,
    /// How long a request takes.
    #[serde(default)]
    pub latency: Option<RawLatency>,
    /// How much of its memory is used.
    #[serde(default)]
    pub memory: Option<RawLevel>,
    /// How much of its processors is used.
    #[serde(default)]
    pub cpu: Option<RawLevel>,
}

/// The share of requests that fail, against its baseline.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawErrorRate {
    /// The PromQL; its value is a share from 0 to 1.
    pub query: String,
    /// How much more is a trigger; `5` unless said.
    #[serde(default)]
    pub increase: Option<f64>,
    /// More of what; `points` unless said.
    #[serde(default)]
    pub mode: Option<IncreaseMode>,
}

/// What an increase of the error rate is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncreaseMode {
    /// Percentage points: from 1 % to 6 % is 5.
    Points,
    /// Percent of the baseline: from 1 % to 1.05 % is 5.
    Relative,
}

/// How long a request takes, against its baseline.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLatency {
    /// The PromQL.
    pub query: String,
    /// More than this many times the baseline is a trigger; `2` unless said.
    #[serde(default)]
    pub ratio: Option<f64>,
}

/// How full something is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLevel {
    /// The PromQL.
    pub query: String,
    /// More than this is too full; `0.95` unless said.
    #[serde(default)]
    pub above: Option<f64>,
    /// So many samples in a row that are too full are a trigger; `5` unless said.
    #[serde(rename = "for", default)]
    pub samples: Option<u32>,
}
