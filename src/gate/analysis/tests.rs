use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{Baseline, POINTS_MAX, Sample, Signal, State, TriggerKind, Verdict, Watch};
use crate::gate::config::IncreaseMode;
use crate::gate::fixture::{MORNING, at};
use crate::gate::policy::{ErrorRate, Health, Latency, Level, Metrics, Probe, Question};

fn web() -> Signal {
    Signal::Probe("web".to_owned())
}

/// One probe and every metric, with the workflow document's numbers.
fn health() -> Health {
    let query = || "q".to_owned();
    let level = || Level { query: query(), above: 0.95, samples: 5 };
    let timeout = Duration::from_secs(5);
    let probe = Probe { question: Question::Tcp("a:1".to_owned()), timeout };
    Health {
        interval: Duration::from_secs(10),
        probes: BTreeMap::from([("web".to_owned(), probe)]),
        consecutive_failures: 3,
        metrics: Some(Metrics {
            prometheus: "http://127.0.0.1:9090".to_owned(),
            timeout,
            error_rate: Some(ErrorRate { query: query(), increase: 5.0, mode: IncreaseMode::Points }),
            latency: Some(Latency { query: query(), ratio: 2.0 }),
            memory: Some(level()),
            cpu: Some(level()),
        }),
    }
}

/// The same with one probe alone.
fn probe_only() -> Health {
    Health { metrics: None, ..health() }
}

fn sample(signal: Signal, number: i64, value: Result<f64, &str>) -> Sample {
    let at = at(MORNING) + chrono::Duration::seconds(10 * number);
    Sample { signal, at, value: value.map_err(str::to_owned) }
}

/// How things are on a good day.
const GOOD: [(Signal, f64); 4] =
    [(Signal::ErrorRate, 0.01), (Signal::Latency, 0.3), (Signal::Memory, 0.5), (Signal::Cpu, 0.2)];

fn good_round(number: i64) -> Vec<Sample> {
    let metrics = GOOD.into_iter().map(|(signal, value)| sample(signal, number, Ok(value)));
    std::iter::once(sample(web(), number, Ok(0.012))).chain(metrics).collect()
}

fn baseline() -> Baseline {
    Baseline::of(&good_round(0))
}

/// A watch that takes a good round and then these values of one signal.
fn watched(health: &Health, signal: &Signal, values: &[Result<f64, &str>]) -> Watch {
    let mut watch = Watch::new(health, &baseline());
    good_round(1).iter().for_each(|sample| watch.take(sample));
    for (number, value) in values.iter().enumerate() {
        watch.take(&sample(signal.clone(), 2 + i64::try_from(number).unwrap(), *value));
    }
    watch
}

fn sentences(watch: &Watch) -> Vec<(TriggerKind, String)> {
    watch.triggers().into_iter().map(|trigger| (trigger.trigger, trigger.sentence)).collect()
}

fn why(watch: &Watch) -> Vec<String> {
    match watch.verdict() {
        Verdict::Unknown(doubts) => {
            doubts.into_iter().map(|doubt| format!("{}: {}", doubt.signal, doubt.why)).collect()
        }
        other => panic!("{other:?}"),
    }
}

const REFUSED: Result<f64, &str> = Err("connection refused");

#[test]
fn everything_as_before_is_healthy() {
    let watch = watched(&health(), &web(), &[Ok(0.02)]);
    assert_eq!(watch.verdict(), Verdict::Healthy);
    assert!(watch.doubts().is_empty());
    let seen = watch.seen();
    let names: Vec<&str> = seen.iter().map(|seen| seen.signal.as_str()).collect();
    assert_eq!(names, ["web", "error_rate", "latency", "memory", "cpu"]);
    assert!(seen.iter().all(|seen| seen.state == State::Healthy), "{seen:?}");
    let first = &seen[0];
    assert_eq!((first.baseline, first.last, first.worst), (Some(0.012), Some(0.02), Some(0.02)));
    assert_eq!((first.samples, first.failed), (2, 0));
}

#[test]
fn the_fourth_failure_in_a_row_triggers_and_the_third_does_not() {
    let three = watched(&health(), &web(), &[REFUSED; 3]);
    assert_eq!(why(&three), ["web: the last 3 samples failed: connection refused"]);
    let four = watched(&health(), &web(), &[REFUSED; 4]);
    let sentence = "`web` failed 4 times in a row, and more than 3 are a trigger: connection refused";
    assert_eq!(sentences(&four), [(TriggerKind::HealthChecks, sentence.to_owned())]);
    assert_eq!(four.triggers()[0].at, at(MORNING) + chrono::Duration::seconds(50));
    let apart =
        watched(&health(), &web(), &[REFUSED, REFUSED, REFUSED, Ok(0.1), REFUSED, REFUSED, REFUSED, Ok(0.1)]);
    assert_eq!(apart.verdict(), Verdict::Healthy);
}

#[test]
fn more_than_five_points_over_the_baseline_trigger_and_five_do_not() {
    let rate = Signal::ErrorRate;
    assert_eq!(watched(&health(), &rate, &[Ok(0.06)]).verdict(), Verdict::Healthy);
    let over = watched(&health(), &rate, &[Ok(0.0601)]);
    let sentence = "the error rate is 6.01 %, more than 5 points over its baseline of 1 %";
    assert_eq!(sentences(&over), [(TriggerKind::ErrorRate, sentence.to_owned())]);
    let mut relative = health();
    if let Some(rule) = relative.metrics.as_mut().and_then(|metrics| metrics.error_rate.as_mut()) {
        rule.mode = IncreaseMode::Relative;
    }
    assert_eq!(watched(&relative, &rate, &[Ok(0.0105)]).verdict(), Verdict::Healthy);
    let over = watched(&relative, &rate, &[Ok(0.0106)]);
    let sentence = "the error rate is 1.06 %, more than 5 % over its baseline of 1 %";
    assert_eq!(sentences(&over), [(TriggerKind::ErrorRate, sentence.to_owned())]);
}

#[test]
fn more_than_twice_the_latency_triggers_and_twice_does_not() {
    assert_eq!(watched(&health(), &Signal::Latency, &[Ok(0.6)]).verdict(), Verdict::Healthy);
    let over = watched(&health(), &Signal::Latency, &[Ok(0.61)]);
    let sentence = "the latency is 0.61, more than 2 times its baseline of 0.3";
    assert_eq!(sentences(&over), [(TriggerKind::Latency, sentence.to_owned())]);
}

#[test]
fn memory_and_cpu_trigger_at_the_fifth_sample_in_a_row_above_and_never_at_it() {
    for signal in [Signal::Memory, Signal::Cpu] {
        assert_eq!(watched(&health(), &signal, &[Ok(0.95); 9]).verdict(), Verdict::Healthy);
        let four = watched(&health(), &signal, &[Ok(0.96); 4]);
        assert_eq!(why(&four), [format!("{signal}: it was too high in its last 4 samples")]);
        let five = watched(&health(), &signal, &[Ok(0.96); 5]);
        let sentence = format!("{signal} was above 0.95 in 5 samples in a row, and is 0.96 now");
        assert_eq!(sentences(&five), [(TriggerKind::Exhaustion, sentence)]);
        let lower =
            watched(&health(), &signal, &[Ok(1.0), Ok(1.0), Ok(1.0), Ok(1.0), Ok(0.9), Ok(1.0), Ok(0.9)]);
        assert_eq!(lower.verdict(), Verdict::Healthy);
    }
}

#[test]
fn a_sample_without_a_value_neither_ends_nor_lengthens_a_run_that_is_too_high() {
    let high = Ok(0.96);
    let gap = watched(&health(), &Signal::Memory, &[high, high, REFUSED, high, high]);
    assert_eq!(why(&gap), ["memory: it was too high in its last 4 samples"]);
    let gap = watched(&health(), &Signal::Memory, &[high, high, REFUSED, high, high, high]);
    assert_eq!(sentences(&gap).len(), 1);
    let only_gaps = watched(&health(), &Signal::Memory, &[high, REFUSED, REFUSED, REFUSED]);
    assert_eq!(why(&only_gaps), ["memory: it was too high in its last sample"]);
}

#[test]
fn nobody_knowing_a_metric_is_no_trigger_and_no_health() {
    let few = watched(&health(), &Signal::Latency, &[REFUSED; 3]);
    assert_eq!(few.verdict(), Verdict::Healthy);
    let many = watched(&health(), &Signal::Latency, &[REFUSED; 4]);
    assert_eq!(why(&many), ["latency: the last 4 samples had no value: connection refused"]);
    let mut never = Watch::new(&health(), &baseline());
    for sample in good_round(1).into_iter().filter(|sample| sample.signal != Signal::Cpu) {
        never.take(&sample);
    }
    assert_eq!(why(&never), ["cpu: there is no sample yet"]);
    never.take(&sample(Signal::Cpu, 2, Err("the query found nothing")));
    assert_eq!(why(&never), ["cpu: there was no value at all: the query found nothing"]);
}

#[test]
fn what_is_no_value_counts_as_failed() {
    for (value, why) in [
        (f64::NAN, "the value is no number"),
        (f64::INFINITY, "the value is infinite"),
        (f64::NEG_INFINITY, "the value is infinite"),
        (-0.5, "the value is below 0: -0.5"),
        (12.0, "the value is no share from 0 to 1: 12"),
    ] {
        let watch = watched(&health(), &Signal::ErrorRate, &[Ok(value)]);
        assert!(watch.triggers().is_empty(), "{value}");
        let standing = watch.signals().nth(1).unwrap();
        assert_eq!((standing.state, standing.failed, standing.why), (State::NoValue, 1, why));
        let nothing = Baseline::of(&[sample(Signal::ErrorRate, 0, Ok(value))]);
        assert_eq!(nothing, Baseline::default());
    }
}

#[test]
fn without_a_baseline_error_rate_and_latency_are_unknown_and_said_so() {
    let mut watch = Watch::new(&health(), &Baseline::default());
    assert_eq!(Baseline::default().missing(&health()), [Signal::ErrorRate, Signal::Latency]);
    good_round(1).iter().for_each(|sample| watch.take(sample));
    for signal in [Signal::ErrorRate, Signal::Latency] {
        watch.take(&sample(signal, 2, Ok(1.0)));
    }
    assert_eq!(watch.verdict(), Verdict::Healthy, "the others are judged");
    let doubts: Vec<String> = watch.doubts().into_iter().map(|doubt| doubt.signal).collect();
    assert_eq!(doubts, ["error_rate", "latency"]);
    let mut alone = health();
    alone.probes.clear();
    if let Some(metrics) = &mut alone.metrics {
        (metrics.memory, metrics.cpu, metrics.error_rate) = (None, None, None);
    }
    let mut watch = Watch::new(&alone, &Baseline::default());
    watch.take(&sample(Signal::Latency, 1, Ok(0.1)));
    let none = "latency: there is no baseline to compare it with: it is not judged";
    assert_eq!(why(&watch), [none]);
}

#[test]
fn a_watch_without_a_healthy_sample_is_not_a_success() {
    let watch = Watch::new(&probe_only(), &Baseline::default());
    assert_eq!(why(&watch), ["web: there is no sample yet"]);
    let mut watch = Watch::new(&probe_only(), &Baseline::default());
    watch.take(&sample(web(), 1, REFUSED));
    assert_eq!(why(&watch), ["web: the last sample failed: connection refused"]);
}

#[test]
fn triggers_stand_in_the_order_in_which_they_came_and_each_once() {
    let mut watch = Watch::new(&health(), &baseline());
    watch.take(&sample(Signal::Latency, 1, Ok(9.0)));
    (2..9).for_each(|number| watch.take(&sample(web(), number, REFUSED)));
    watch.take(&sample(Signal::Latency, 9, Ok(10.0)));
    let signals: Vec<String> = watch.triggers().into_iter().map(|trigger| trigger.signal).collect();
    assert_eq!(signals, ["latency", "web"]);
    assert_eq!(watch.triggers()[0].sentence, "the latency is 9, more than 2 times its baseline of 0.3");
}

#[test]
fn a_baseline_is_a_value_in_the_middle_that_was_seen() {
    let of = |values: &[f64]| {
        let samples: Vec<Sample> =
            values.iter().map(|value| sample(Signal::Latency, 0, Ok(*value))).collect();
        Baseline::of(&samples).get(&Signal::Latency)
    };
    assert_eq!(of(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(of(&[4.0, 1.0]), Some(1.0));
    assert_eq!(of(&[f64::NAN, 5.0]), Some(5.0));
    assert_eq!(of(&[0.0]), None, "no request was answered: nothing to compare with");
    assert_eq!(of(&[]), None);
}

#[test]
fn a_day_of_watching_takes_no_more_room_than_an_hour() {
    let mut watch = Watch::new(&health(), &baseline());
    let rounds = 24 * 60 * 60;
    for number in 1..=rounds {
        good_round(number).iter().for_each(|sample| watch.take(sample));
    }
    assert_eq!(watch.verdict(), Verdict::Healthy);
    for standing in watch.signals() {
        let points = standing.history.points();
        assert!(points.len() <= POINTS_MAX && points.len() > POINTS_MAX / 2, "{}", points.len());
        assert_eq!(points.iter().map(|point| point.samples).sum::<u64>(), rounds.unsigned_abs());
        assert_eq!(points[0].at, at(MORNING) + chrono::Duration::seconds(10));
    }
    (1..=4).for_each(|number| watch.take(&sample(web(), rounds + number, REFUSED)));
    assert_eq!(watch.triggers().len(), 1, "the fourth failure at the end of the day");
    let failed: u64 = watch.signals().next().unwrap().history.points().iter().map(|point| point.failed).sum();
    assert_eq!(failed, 4, "nothing is lost in few points");
}

/// Any sample of any signal.
fn any_sample() -> impl Strategy<Value = (u8, Result<f64, ()>)> {
    let value = prop_oneof![
        3 => (0.0..1.5_f64).prop_map(Ok),
        1 => Just(Err(())),
        1 => any::<f64>().prop_map(Ok),
        1 => Just(Ok(f64::NAN)),
    ];
    (0..5_u8, value)
}

fn signal(number: u8) -> Signal {
    [web(), Signal::ErrorRate, Signal::Latency, Signal::Memory, Signal::Cpu][usize::from(number)].clone()
}

fn run(samples: &[(u8, Result<f64, ()>)], baseline: &Baseline) -> Watch {
    let mut watch = Watch::new(&health(), baseline);
    for (number, (which, value)) in samples.iter().enumerate() {
        let value = value.map_err(|()| "no answer");
        watch.take(&sample(signal(*which), i64::try_from(number).unwrap(), value));
    }
    watch
}

proptest! {
    #[test]
    fn a_trigger_stays_whatever_comes(
        samples in prop::collection::vec(any_sample(), 0..60),
        more in prop::collection::vec(any_sample(), 0..30),
    ) {
        let before = run(&samples, &baseline());
        let after = run(&[samples, more].concat(), &baseline());
        let triggers = before.triggers();
        prop_assert_eq!(&after.triggers()[..triggers.len()], &triggers[..]);
        if !triggers.is_empty() {
            prop_assert!(matches!(after.verdict(), Verdict::Triggered(_)));
        }
    }

    #[test]
    fn nothing_triggers_that_was_never_failed_or_over(values in prop::collection::vec((0..5_u8, 0.0..=1.0_f64), 0..80)) {
        let scale = |(which, share): (u8, f64)| {
            let most = [9.0, 0.06, 0.6, 0.95, 0.95][usize::from(which)];
            (which, Ok(share * most))
        };
        let samples: Vec<_> = values.into_iter().map(scale).collect();
        prop_assert!(run(&samples, &baseline()).triggers().is_empty());
    }

    #[test]
    fn a_failure_more_never_makes_it_healthy(samples in prop::collection::vec(any_sample(), 0..60), which in 0..5_u8) {
        let before = run(&samples, &baseline()).verdict();
        let mut more = samples;
        more.push((which, Err(())));
        let after = run(&more, &baseline()).verdict();
        prop_assert!(before == Verdict::Healthy || after != Verdict::Healthy, "{:?} then {:?}", before, after);
    }

    #[test]
    fn without_a_baseline_nothing_is_compared(samples in prop::collection::vec(any_sample(), 0..60)) {
        let watch = run(&samples, &Baseline::default());
        let compared = |trigger: &super::Trigger| matches!(trigger.trigger, TriggerKind::ErrorRate | TriggerKind::Latency);
        prop_assert!(!watch.triggers().iter().any(compared));
    }

    #[test]
    fn healthy_is_said_only_where_a_probe_answered_last(samples in prop::collection::vec(any_sample(), 0..60)) {
        let watch = run(&samples, &baseline());
        if watch.verdict() == Verdict::Healthy {
            let last = samples.iter().rev().find(|(which, _)| *which == 0);
            prop_assert!(last.is_some_and(|(_, value)| value.is_ok_and(|value| value.is_finite() && value >= 0.0)));
            prop_assert!(watch.triggers().is_empty());
        }
    }

    #[test]
    fn what_is_counted_is_all_that_came(samples in prop::collection::vec(any_sample(), 0..600)) {
        let watch = run(&samples, &baseline());
        let counted: u64 = watch.seen().iter().map(|seen| seen.samples).sum();
        prop_assert_eq!(counted, samples.len() as u64);
        for standing in watch.signals() {
            let points = standing.history.points();
            prop_assert!(points.len() <= POINTS_MAX);
            prop_assert_eq!(points.iter().map(|point| point.samples).sum::<u64>(), standing.samples);
            prop_assert_eq!(points.iter().map(|point| point.failed).sum::<u64>(), standing.failed);
        }
    }

    #[test]
    fn what_is_recorded_reads_back_to_the_same_bytes(samples in prop::collection::vec(any_sample(), 0..40)) {
        let seen = run(&samples, &baseline()).seen();
        let bytes = crate::gate::statement::canonical(&seen).unwrap();
        let again: Vec<super::Seen> = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(crate::gate::statement::canonical(&again).unwrap(), bytes);
    }
}
