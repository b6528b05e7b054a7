//! `environments.*.health`, checked: what is measured, how often, and which numbers are a trigger.

use std::collections::BTreeMap;
use std::time::Duration;

use super::check::Checker;
use crate::gate::config::{
    IncreaseMode, RawErrorRate, RawHealth, RawLatency, RawLevel, RawMetrics, RawProbe,
};
use crate::gate::terms::Check;

/// design 9: `interval: 10s`.
const INTERVAL: Duration = Duration::from_secs(10);
const INTERVAL_MAX: Duration = Duration::from_secs(60 * 60);
/// A probe that says nothing gets five seconds, and never more than the interval.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The workflow document: "Health check failures (>3 consecutive)".
const CONSECUTIVE_FAILURES: u32 = 3;
/// The workflow document: "Error rate spike (>5% increase)", read as percentage points (design 10).
const INCREASE: f64 = 5.0;
/// The workflow document: "Latency degradation (>2x baseline)".
const RATIO: f64 = 2.0;
/// design 9: `above: 0.95, for: 5`.
const ABOVE: f64 = 0.95;
const SAMPLES: u32 = 5;
/// A longer run is never waited for.
const IN_A_ROW_MAX: u32 = 1_000;
/// All of them are asked at once, each by a thread of its own.
const PROBES_MAX: usize = 64;
/// A longer query is no question any more.
const QUERY_MAX: usize = 4 << 10;
/// Names of metrics: a probe of such a name could be mistaken for one.
const METRICS: [&str; 4] = ["error_rate", "latency", "memory", "cpu"];

/// What is measured after a deployment, and how bad it may be. There is at least one probe or metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// How often everything is measured.
    pub interval: Duration,
    /// Questions with a yes or no, by name.
    pub probes: BTreeMap<String, Probe>,
    /// More failures of one probe in a row than this are a trigger; 1 or more.
    pub consecutive_failures: u32,
    /// Numbers that Prometheus knows.
    pub metrics: Option<Metrics>,
}

/// How often everything is asked for a baseline that is not there yet.
pub const BASELINE_ROUNDS: u32 = 3;
/// What is waited between two of these.
pub const BASELINE_PAUSE: Duration = Duration::from_secs(1);
/// An answer may come so much later than its timeout.
const BREATH: Duration = Duration::from_secs(1);

impl Health {
    /// How long measuring the baseline may take.
    #[must_use]
    pub fn longest_baseline(&self) -> Duration {
        self.longest_round().saturating_add(BASELINE_PAUSE).saturating_mul(BASELINE_ROUNDS)
    }

    /// How long asking everything once may take.
    #[must_use]
    pub fn longest_round(&self) -> Duration {
        let probes = self.probes.values().map(|probe| probe.timeout);
        let metrics = self.metrics.as_ref().map(|metrics| metrics.timeout);
        probes.chain(metrics).max().unwrap_or_default().saturating_add(BREATH)
    }
}

/// One question with a yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What is asked.
    pub question: Question,
    /// How long the answer may take, never longer than the interval.
    pub timeout: Duration,
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether this address answers 2xx.
    Http(String),
    /// Whether this `HOST:PORT` takes a connection.
    Tcp(String),
    /// Whether this command ends with 0.
    Run(Vec<String>),
}

/// The metrics, at least one, and who knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The address of the Prometheus server, without a slash at its end.
    pub prometheus: String,
    /// How long a query may take, never longer than the interval.
    pub timeout: Duration,
    /// The share of requests that fail.
    pub error_rate: Option<ErrorRate>,
    /// How long a request takes.
    pub latency: Option<Latency>,
    /// How much of its memory is used.
    pub memory: Option<Level>,
    /// How much of its processors is used.
    pub cpu: Option<Level>,
}

/// The share of requests that fail, against its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRate {
    /// The PromQL; its value is a share from 0 to 1.
    pub query: String,
    /// More than this over the baseline is a trigger: in points, or in percent of the baseline. Above 0.
    pub increase: f64,
    /// Which of the two.
    pub mode: IncreaseMode,
}

/// How long a request takes, against its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// The PromQL.
    pub query: String,
    /// More than this many times the baseline is a trigger. Above 1.
    pub ratio: f64,
}

/// How full something is.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The PromQL.
    pub query: String,
    /// More than this is too full. Above 0.
    pub above: f64,
    /// So many samples in a row that are too full are a trigger; 1 or more.
    pub samples: u32,
}

impl Health {
    /// Every name that is measured, probes first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let metrics = self.metrics.iter().flat_map(|metrics| {
            let named = [
                ("error_rate", metrics.error_rate.is_some()),
                ("latency", metrics.latency.is_some()),
                ("memory", metrics.memory.is_some()),
                ("cpu", metrics.cpu.is_some()),
            ];
            named.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| name.to_owned())
        });
        self.probes.keys().cloned().chain(metrics).collect()
    }

    /// The shortest watch in which whatever is bad from the first round on is a trigger.
    #[must_use]
    pub fn shortest_watch(&self) -> Duration {
        let levels = self.metrics.iter().flat_map(|metrics| [&metrics.memory, &metrics.cpu]);
        let samples = levels.flatten().map(|level| level.samples).max().unwrap_or_default();
        self.interval * samples.max(self.consecutive_failures + 1)
    }
}

impl Question {
    /// The address or the command, for screens; nothing is cut.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Http(address) => address.clone(),
            Self::Tcp(address) => format!("tcp {address}"),
            Self::Run(command) => command.join(" "),
        }
    }
}

impl Checker {
    pub(super) fn health(&mut self, path: &str, raw: RawHealth) -> Health {
        let RawHealth { interval, probes, consecutive_failures, metrics } = raw;
        let at = format!("{path}.interval");
        let interval = self.duration(&at, interval.as_deref(), INTERVAL);
        if interval > INTERVAL_MAX {
            self.problem(at, "measure at least once an hour");
        }
        if probes.is_empty() && metrics.is_none() {
            self.problem(path, "say what is watched: `probes`, `metrics` or both");
        }
        if probes.len() > PROBES_MAX {
            self.problem(format!("{path}.probes"), format!("at most {PROBES_MAX} probes are asked at once"));
        }
        let probes = probes
            .into_iter()
            .map(|(name, raw)| {
                let probe =
                    self.probe(&format!("{path}.probes.{}", name.escape_debug()), &name, raw, interval);
                (name, probe)
            })
            .collect();
        let at = format!("{path}.consecutive_failures");
        Health {
            interval,
            probes,
            consecutive_failures: self.in_a_row(&at, consecutive_failures, CONSECUTIVE_FAILURES),
            metrics: metrics.map(|raw| self.metrics(&format!("{path}.metrics"), raw, interval)),
        }
    }

    fn probe(&mut self, path: &str, name: &str, raw: RawProbe, interval: Duration) -> Probe {
        let RawProbe { http, tcp, run, timeout } = raw;
        if name.parse::<Check>().is_err() {
            self.problem(path, "a probe's name is 1 to 64 letters, digits, `-`, `_` or `.`");
        }
        if METRICS.contains(&name) {
            self.problem(path, format!("`{name}` is the name of a metric: call the probe something else"));
        }
        let kinds = [http.is_some(), tcp.is_some(), run.is_some()].into_iter().filter(|said| *said).count();
        if kinds != 1 {
            self.problem(path, "a probe has exactly one of `http`, `tcp` and `run`");
        }
        let question = if let Some(address) = http {
            self.address(&format!("{path}.http"), &address);
            Question::Http(address)
        } else if let Some(address) = tcp {
            if !is_host_and_port(&address) {
                let shown = address.escape_debug();
                self.problem(
                    format!("{path}.tcp"),
                    format!("`{shown}` is no `HOST:PORT`, such as `127.0.0.1:5432`"),
                );
            }
            Question::Tcp(address)
        } else {
            let run = run.unwrap_or_default();
            if kinds == 1 {
                self.command(&format!("{path}.run"), &run);
            }
            Question::Run(run)
        };
        Probe { question, timeout: self.timeout(path, timeout.as_deref(), interval) }
    }

    fn metrics(&mut self, path: &str, raw: RawMetrics, interval: Duration) -> Metrics {
        let RawMetrics { prometheus, timeout, error_rate, latency, memory, cpu } = raw;
        let at = format!("{path}.prometheus");
        self.address(&at, &prometheus);
        if prometheus.contains('?') {
            self.problem(
                at,
                "name the server only, such as `http://127.0.0.1:9090`: the queries stand below",
            );
        }
        if error_rate.is_none() && latency.is_none() && memory.is_none() && cpu.is_none() {
            self.problem(path, "say what is asked: `error_rate`, `latency`, `memory` or `cpu`");
        }
        Metrics {
            prometheus: prometheus.trim_end_matches('/').to_owned(),
            timeout: self.timeout(path, timeout.as_deref(), interval),
            error_rate: error_rate.map(|raw| self.error_rate(&format!("{path}.error_rate"), raw)),
            latency: latency.map(|raw| self.latency(&format!("{path}.latency"), raw)),
            memory: memory.map(|raw| self.level(&format!("{path}.memory"), raw)),
            cpu: cpu.map(|raw| self.level(&format!("{path}.cpu"), raw)),
        }
    }

    fn error_rate(&mut self, path: &str, raw: RawErrorRate) -> ErrorRate {
        let RawErrorRate { query, increase, mode } = raw;
        self.query(path, &query);
        let mode = mode.unwrap_or(IncreaseMode::Points);
        let increase = self.more_than(&format!("{path}.increase"), increase, INCREASE, 0.0);
        if mode == IncreaseMode::Points && increase >= 100.0 {
            self.problem(
                format!("{path}.increase"),
                "nothing increases by 100 points: it would never trigger",
            );
        }
        ErrorRate { query, increase, mode }
    }

    fn latency(&mut self, path: &str, raw: RawLatency) -> Latency {
        let RawLatency { query, ratio } = raw;
        self.query(path, &query);
        Latency { query, ratio: self.more_than(&format!("{path}.ratio"), ratio, RATIO, 1.0) }
    }

    fn level(&mut self, path: &str, raw: RawLevel) -> Level {
        let RawLevel { query, above, samples } = raw;
        self.query(path, &query);
        let above = self.more_than(&format!("{path}.above"), above, ABOVE, 0.0);
        Level { query, above, samples: self.in_a_row(&format!("{path}.for"), samples, SAMPLES) }
    }

    fn timeout(&mut self, path: &str, text: Option<&str>, interval: Duration) -> Duration {
        let path = format!("{path}.timeout");
        let timeout = self.duration(&path, text, TIMEOUT.min(interval));
        if timeout > interval {
            let what = "an answer may not take longer than the interval: the next question would wait for it";
            self.problem(path, what);
        }
        timeout
    }

    fn query(&mut self, path: &str, query: &str) {
        if query.trim().is_empty() || query.len() > QUERY_MAX || query.contains('\0') {
            self.problem(
                format!("{path}.query"),
                "write what Prometheus is asked: 1 to 4,096 bytes of PromQL",
            );
        }
    }

    fn more_than(&mut self, path: &str, number: Option<f64>, default: f64, least: f64) -> f64 {
        match number {
            None => default,
            Some(number) if number.is_finite() && number > least => number,
            Some(_) => {
                self.problem(path, format!("a number above {least} belongs here"));
                default
            }
        }
    }

    fn in_a_row(&mut self, path: &str, number: Option<u32>, default: u32) -> u32 {
        match number {
            None => default,
            Some(number) if (1..=IN_A_ROW_MAX).contains(&number) => number,
            Some(_) => {
                self.problem(path, "a whole number from 1 to 1,000 belongs here");
                default
            }
        }
    }

    fn address(&mut self, path: &str, address: &str) {
        if let Some(why) = bad_address(address) {
            self.problem(path, format!("`{}` {why}", address.escape_debug()));
        }
    }
}

/// Why this is no address that can be asked; what a server makes of the rest is its own affair.
fn bad_address(address: &str) -> Option<&'static str> {
    let after = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    let Some(rest) = after else {
        return Some("is no address that begins with `http://` or `https://`");
    };
    if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("holds a blank or a character that no address holds: write it as `%20`");
    }
    if address.contains(['#', '"', '<', '>', '\\', '^', '`', '{', '|', '}']) {
        return Some("holds a character that no server gets: write it as `%23`");
    }
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    if host.contains('@') {
        return Some("holds a name or password, which everybody who reads the file would see");
    }
    (!is_host(host) && !is_host_and_port(host)).then_some("names no host")
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        is_host(host) && digits && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(address) => {
            let fits = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
            address.matches(':').count() >= 2 && address.bytes().all(fits)
        }
        None => {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !text.is_empty() && !text.starts_with(['-', '.']) && text.bytes().all(fits)
        }
    }
}
