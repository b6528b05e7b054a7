//! TAP: a pass is a plain pass, however the bytes arrive, and half a report never passes.
#![no_main]

use std::io::BufReader;

use deployctl::evidence::junit::{Report, Verdict, merge};
use deployctl::evidence::tap::read;
use libfuzzer_sys::fuzz_target;

/// Whether a line without its end is a test or a plan at the left edge. A bare `ok` may be prove's own.
fn counts(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let rest = line.strip_prefix(b"not ok").or_else(|| line.strip_prefix(b"ok").filter(|it| !it.is_empty()));
    let point = |rest: &[u8]| rest.first().is_none_or(|it| !it.is_ascii_alphanumeric() && *it != b'_');
    let plan = |last: &[u8]| !last.is_empty() && last.iter().all(u8::is_ascii_digit);
    rest.is_some_and(point) || line.strip_prefix(b"1..").is_some_and(plan)
}

/// The part of a report before its last test or plan.
fn cut(data: &[u8]) -> Option<&[u8]> {
    let mut start = 0;
    let mut last = None;
    for line in data.split(|byte| *byte == b'\n') {
        last = if counts(line) { Some(start) } else { last };
        start += line.len() + 1;
    }
    Some(&data[..last?])
}

fn plain(report: &Report) {
    assert_eq!((report.errors, report.flaky, report.latest), (0, 0, None));
    assert!(report.notes.len() <= 8, "{:?}", report.notes);
    for note in &report.notes {
        assert!(!note.is_empty() && note.chars().count() <= 300, "{note:?}");
        assert!(!note.chars().any(char::is_control), "{note:?}");
    }
    match report.verdict {
        Verdict::Pass => assert!(report.passed > 0 && report.failed == 0, "{report:?}"),
        Verdict::Empty => assert_eq!(report.total(), 0),
        Verdict::Unreadable => assert_eq!((report.total(), report.skipped), (0, 0)),
        Verdict::Fail | Verdict::Ambiguous => {}
    }
    assert!(report.verdict == Verdict::Pass || !report.notes.is_empty(), "{report:?}");
}

fuzz_target!(|data: &[u8]| {
    let report = read(data);
    plain(&report);
    assert_eq!(report, read(BufReader::with_capacity(7, data)), "the size of the reads changed the result");
    assert_eq!(merge([report.clone()]).verdict, report.verdict);
    let lines = data.split(|byte| *byte == b'\n').count() as u64;
    assert!(report.total() + report.skipped <= lines);
    if report.verdict != Verdict::Pass {
        return;
    }
    if let Some(part) = cut(data) {
        assert_ne!(read(part).verdict, Verdict::Pass, "{:?}", String::from_utf8_lossy(part));
    }
    for failure in [&b"\nnot ok - x\n"[..], b"\nBail out!\n", b"\n    not ok\n"] {
        assert_eq!(read([data, failure].concat().as_slice()).verdict, Verdict::Fail);
    }
    assert_eq!(read([b"not ok - x\n", data].concat().as_slice()).verdict, Verdict::Fail);
});
