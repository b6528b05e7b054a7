use std::collections::BTreeMap;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::{Head, line, page, table};
use crate::gate::analysis::{Baseline, Sample, Signal, Watch};
use crate::gate::config::IncreaseMode;
use crate::gate::fixture::{MORNING, at};
use crate::gate::policy::{ErrorRate, Health, Level, Metrics, Probe, Question};
use crate::render::style::Styles;

fn health() -> Health {
    let timeout = Duration::from_secs(1);
    let probe = || Probe { question: Question::Tcp("a:1".to_owned()), timeout };
    Health {
        interval: Duration::from_secs(10),
        probes: BTreeMap::from([("web".to_owned(), probe()), ("payments".to_owned(), probe())]),
        consecutive_failures: 3,
        metrics: Some(Metrics {
            prometheus: "http://a".to_owned(),
            timeout,
            error_rate: Some(ErrorRate { query: "e".to_owned(), increase: 5.0, mode: IncreaseMode::Points }),
            latency: None,
            memory: Some(Level { query: "m".to_owned(), above: 0.95, samples: 5 }),
            cpu: None,
        }),
    }
}

fn sample(signal: Signal, value: Result<f64, &str>) -> Sample {
    Sample { signal, at: at(MORNING), value: value.map_err(str::to_owned) }
}

fn probe(name: &str, value: Result<f64, &str>) -> Sample {
    sample(Signal::Probe(name.to_owned()), value)
}

fn head() -> Head {
    Head {
        what: "production · v1.4.0".to_owned(),
        interval: Duration::from_secs(10),
        elapsed: Duration::from_secs(200),
        length: Some(Duration::from_secs(900)),
        below: vec![],
    }
}

/// Three rounds in which some things go wrong.
fn watch(why: &str) -> Watch {
    let before = [probe("web", Ok(0.010)), sample(Signal::ErrorRate, Ok(0.01))];
    let mut watch = Watch::new(&health(), &Baseline::of(&before));
    for (web, rate, memory) in [(0.011, 0.01, 0.5), (0.014, 0.03, 0.7), (0.012, 0.0123, 0.96)] {
        watch.take(&probe("web", Ok(web)));
        watch.take(&sample(Signal::ErrorRate, Ok(rate)));
        watch.take(&sample(Signal::Memory, Ok(memory)));
    }
    watch.take(&probe("payments", Ok(1.5)));
    watch.take(&probe("payments", Err(why)));
    watch
}

fn shown(watch: &Watch, columns: usize, rows: usize) -> String {
    table(&head(), watch, Styles::plain(), columns, rows).join("\n")
}

#[test]
fn a_watch_is_one_row_a_signal_with_what_was_before_and_how_it_went() {
    let expected = "\
production · v1.4.0 · 3:20 of 15:00 · every 10s · unknown
  signal      state                last  baseline     worst
! payments    failing 1 of 4      1.5 s         –     1.5 s  ▅×
✓ web         healthy             12 ms     10 ms     14 ms  ▅▆▅
✓ error_rate  healthy            1.23 %       1 %       3 %  ▂▄▂
! memory      too high 1 of 5      0.96         –      0.96  ▅▆█
? payments: the last sample failed: connection refused
? memory: it was too high in its last sample";
    assert_eq!(shown(&watch("connection refused"), 100, 40), expected);
}

#[test]
fn a_baseline_that_was_measured_before_is_said_below_the_title() {
    let before = "baseline from before v1.4.0, 10:02";
    let head = Head { below: vec![before.to_owned()], ..head() };
    let with = table(&head, &watch("no"), Styles::plain(), 100, 40);
    let without = shown(&watch("no"), 100, 40);
    let lines: Vec<&str> = without.lines().collect();
    assert_eq!((with[0].as_str(), with[1].as_str(), with[2].as_str()), (lines[0], before, lines[1]));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_table_higher() {
    let watch = watch(&"long ".repeat(100));
    for columns in 20..120 {
        for line in table(&head(), &watch, Styles::plain(), columns, 40) {
            assert!(line.width() <= columns, "{columns}: {line}");
        }
    }
    let cut = shown(&watch, 80, 5);
    assert_eq!(cut.lines().count(), 5, "{cut}");
    assert!(cut.ends_with("  … 4 lines more"), "{cut}");
    assert!(!shown(&watch, 50, 40).contains("worst"));
}

#[test]
fn columns_stand_below_each_other() {
    let shown = shown(&watch("no"), 100, 40);
    let lines: Vec<&str> = shown.lines().collect();
    let end = |line: &str, word: &str| line.split(word).next().unwrap().width() + word.width();
    let last = end(lines[1], "last");
    for (line, figure) in lines[2..6].iter().zip(["1.5 s", "12 ms", "1.23 %", "0.96"]) {
        assert_eq!(end(line, figure), last, "{shown}");
    }
}

#[test]
fn a_line_says_everything_and_what_is_not_well_first_by_its_words() {
    let text = line(at(MORNING), &watch("connection refused"));
    let expected = "10:00:00 unknown · payments failing 1 of 4 (connection refused) · web 12 ms · error_rate 1.23 % · memory 0.96 too high 1 of 5";
    assert_eq!(text, expected);
}

#[test]
fn what_a_server_says_makes_no_line_and_no_colour_of_its_own() {
    let evil = "x\n✓ web healthy\r\u{1b}[32m\u{202e}";
    let mut watch = watch(evil);
    (0..3).for_each(|_| watch.take(&probe("payments", Err(evil))));
    let page = page(&head(), &watch, 100);
    assert!(page.contains("TRIGGERED"), "{page}");
    assert!(!page.contains(['\u{1b}', '\r', '\u{202e}']), "{page}");
    assert_eq!(
        page.lines().filter(|line| line.contains("web") && line.starts_with('✓')).count(),
        1,
        "{page}"
    );
    let one = line(at(MORNING), &self::watch(evil));
    assert!(!one.contains(['\n', '\r', '\u{1b}']), "{one}");
}

#[test]
fn nothing_asked_yet_is_waiting() {
    let watch = Watch::new(&health(), &Baseline::default());
    let text = shown(&watch, 100, 40);
    assert!(text.starts_with("production · v1.4.0 · 3:20 of 15:00 · every 10s · unknown\n"), "{text}");
    assert_eq!(text.matches("waiting").count(), 4, "{text}");
}
