//! The watch that the README shows is what the program shows.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deployctl::gate::analysis::{Baseline, Sample, Signal, Watch};
use deployctl::gate::config::IncreaseMode;
use deployctl::gate::policy::{ErrorRate, Health, Latency, Level, Metrics, Probe, Question};
use deployctl::render::style::Styles;
use deployctl::render::watch::{Head, table};

const INTERVAL: Duration = Duration::from_secs(10);

fn health() -> Health {
    let query = || "…".to_owned();
    let level = || Some(Level { query: query(), above: 0.95, samples: 5 });
    let probe = || Probe { question: Question::Tcp("127.0.0.1:5432".to_owned()), timeout: INTERVAL };
    Health {
        interval: INTERVAL,
        probes: BTreeMap::from([("web".to_owned(), probe()), ("db".to_owned(), probe())]),
        consecutive_failures: 3,
        metrics: Some(Metrics {
            prometheus: "http://127.0.0.1:9090".to_owned(),
            timeout: INTERVAL,
            error_rate: Some(ErrorRate { query: query(), increase: 5.0, mode: IncreaseMode::Points }),
            latency: Some(Latency { query: query(), ratio: 2.0 }),
            memory: level(),
            cpu: level(),
        }),
    }
}

/// Twenty rounds after a release that answers more and more slowly.
fn watch() -> Watch {
    let start: DateTime<Utc> = "2026-11-23T10:30:00Z".parse().expect("a moment");
    let round = |number: i32| {
        let late = f64::from(number.max(0));
        let wave = f64::from(number % 3) / 10.0;
        let db = if number == 12 { Err("no answer within 2 s".to_owned()) } else { Ok(0.004 + wave / 100.0) };
        let at = start + TimeDelta::seconds(10 * i64::from(number));
        [
            (Signal::Probe("web".to_owned()), Ok(0.012 + wave / 50.0)),
            (Signal::Probe("db".to_owned()), db),
            (Signal::ErrorRate, Ok(0.002 + wave / 100.0)),
            (Signal::Latency, Ok(0.120 + 0.000_36 * late * late)),
            (Signal::Memory, Ok(0.61 + wave / 10.0)),
            (Signal::Cpu, Ok(0.35 + wave)),
        ]
        .map(|(signal, value)| Sample { signal, at, value })
    };
    let mut watch = Watch::new(&health(), &Baseline::of(&round(0)));
    (0..20).flat_map(round).for_each(|sample| watch.take(&sample));
    watch
}

#[test]
fn the_readme_shows_the_watch_as_it_is() {
    let head = Head {
        what: "production · v1.4.0".to_owned(),
        interval: INTERVAL,
        elapsed: Duration::from_secs(190),
        length: Some(Duration::from_secs(900)),
        below: vec!["baseline from before v1.4.0, 10:02".to_owned()],
    };
    let shown = table(&head, &watch(), Styles::plain(), 88, 24).join("\n");
    let readme = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let block = format!("```text\n{shown}\n```\n");
    assert!(readme.contains(&block), "README.md does not show this:\n{block}");
}
