//! Test reports: a pass is a plain pass, however the bytes arrive, and half a report never passes.
#![no_main]

use std::io::BufReader;

use deployctl::evidence::junit::{Report, Verdict, merge, read};
use libfuzzer_sys::fuzz_target;

/// The part of a report before its last tag: the root element is open, so nothing can be concluded.
fn cut(data: &[u8]) -> Option<&[u8]> {
    std::str::from_utf8(data).ok()?;
    let last = data.iter().rposition(|byte| *byte == b'<')?;
    (!matches!(data.get(last + 1), Some(b'?' | b'!'))).then(|| &data[..last])
}

/// All but the notes, which count lines as far as was read.
fn facts(report: &Report) -> (Verdict, [u64; 5]) {
    let Report { verdict, passed, failed, errors, skipped, flaky, .. } = report;
    (*verdict, [*passed, *failed, *errors, *skipped, *flaky])
}

fn plain(report: &Report) {
    assert!(report.flaky <= report.passed);
    assert!(report.notes.len() <= 8, "{:?}", report.notes);
    for note in &report.notes {
        assert!(!note.is_empty() && note.chars().count() <= 300, "{note:?}");
        assert!(!note.chars().any(char::is_control), "{note:?}");
    }
    match report.verdict {
        Verdict::Pass => {
            assert!(report.passed > 0 && report.failed == 0 && report.errors == 0, "{report:?}");
        }
        Verdict::Fail => assert!(report.failed + report.errors > 0 || !report.notes.is_empty()),
        Verdict::Empty => assert_eq!(report.total(), 0),
        Verdict::Unreadable => {
            assert_eq!((report.total(), report.skipped, report.flaky), (0, 0, 0));
            assert!(!report.notes.is_empty());
        }
        Verdict::Ambiguous => assert!(!report.notes.is_empty()),
    }
}

fuzz_target!(|data: &[u8]| {
    let report = read(data);
    plain(&report);
    let slow = read(BufReader::with_capacity(7, data));
    assert_eq!(facts(&report), facts(&slow), "the size of the reads changed the result");
    let alone = merge([report.clone()]);
    plain(&alone);
    assert_eq!(alone.verdict, report.verdict);
    if report.verdict == Verdict::Pass {
        if let Some(part) = cut(data) {
            assert_ne!(read(part).verdict, Verdict::Pass);
        }
        let failing = read(&b"<testsuite><testcase><failure/></testcase></testsuite>"[..]);
        assert_eq!(merge([report, failing]).verdict, Verdict::Fail);
    }
});
