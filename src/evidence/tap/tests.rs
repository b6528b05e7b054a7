use std::io::BufReader;

use proptest::prelude::*;

use super::*;

fn of(text: &str) -> Report {
    read(text.as_bytes())
}

/// Verdict, passed, failed, skipped.
fn counts(report: &Report) -> (Verdict, u64, u64, u64) {
    assert_eq!((report.errors, report.flaky), (0, 0));
    (report.verdict, report.passed, report.failed, report.skipped)
}

#[track_caller]
fn says(text: &str, truth: (Verdict, u64, u64, u64), notes: &[&str]) {
    let report = of(text);
    assert_eq!(counts(&report), truth, "{text}\n{:?}", report.notes);
    assert_eq!(report.notes, notes, "{text}");
}

const PASS: Verdict = Verdict::Pass;
const FAIL: Verdict = Verdict::Fail;
const EMPTY: Verdict = Verdict::Empty;
const AMBIGUOUS: Verdict = Verdict::Ambiguous;

#[test]
fn a_complete_plan_with_ok_points_passes() {
    for text in [
        "1..2\nok 1 - a\nok 2 - b\n",
        "TAP version 13\nok 1 - a\nok 2 - b\n1..2\n",
        "TAP version 14\r\n1..2\r\nok 1\r\nok 2\r\n",
        "\u{FEFF}1..2\nok\nok",
        "pragma +strict\n1..2\n# a comment\nok 1 - \\# todo is no directive here\nnoise\nok 2 - a # time=3ms\n",
        "1..2\nok 1 - a\u{1b}[0m\nok - b\n",
    ] {
        says(text, (PASS, 2, 0, 0), &[]);
    }
    assert_eq!(counts(&read(&b"1..1\nok 1 - caf\xE9\n"[..])), (PASS, 1, 0, 0));
}

#[test]
fn not_ok_fails_and_a_directive_skips() {
    says("1..2\nok 1 - a\nnot ok 2 - b\n", (FAIL, 1, 1, 0), &["test `b` failed"]);
    says("1..1\nnot ok\n", (FAIL, 0, 1, 0), &["test `without a name` failed"]);
    says(
        "1..5\nok 1\nok 2 # skip no net\nok 3 # Skipped: no net\nnot ok 4 # todo later\nok 5 # todo\n",
        (PASS, 1, 0, 4),
        &[],
    );
    says("1..1\nnot ok 1 - a # SKIP x\n", (FAIL, 0, 1, 0), &["test `a # SKIP x` failed"]);
    says("1..2\nok 1\nnot ok 2 - see # todoist\n", (FAIL, 1, 1, 0), &["test `see # todoist` failed"]);
}

#[test]
fn colours_hide_nothing() {
    let red = "\u{1b}[31m";
    for (coloured, name) in [
        (format!("{red}not ok 2 - b\u{1b}[0m"), "b"),
        (format!("{red}not ok{red} 2 - b"), "b"),
        (format!("{red}not{red} ok 2"), "2"),
        (format!("{red}\u{1b}[1;4mnot ok"), "without a name"),
        ("\u{1b}(B\u{1b}[mnot ok 2 - b".to_owned(), "b"),
        ("\u{1b}[2K\u{1b}[1Gnot ok 2 - \u{1b}b".to_owned(), "\\u{1b}b"),
    ] {
        // The plan fits, whether the line is seen or not.
        for plan in ["1..1", "1..2"] {
            let report = of(&format!("{plan}\nok 1 - a\n{coloured}\n"));
            assert_eq!(counts(&report), (FAIL, 1, 1, 0), "{coloured:?}");
            assert_eq!(report.notes[0], format!("test `{name}` failed"));
        }
    }
    says("\u{1b}[32m1..1\u{1b}[0m\n\u{1b}[32mok\u{1b}[0m 1 - a\n", (PASS, 1, 0, 0), &[]);
    says("1..2\nok 1\nok 2 # \u{1b}[33mSKIP\u{1b}[0m no net\n", (PASS, 1, 0, 1), &[]);
    let note = "a comment of the producer counts 2 failures";
    says("1..1\nok 1\n\u{1b}[31m# fail 2\u{1b}[0m\n", (AMBIGUOUS, 1, 0, 0), &[note]);
    let note = "a subtest failed, and its test is reported as ok";
    says("1..1\n\u{1b}[31m    not ok 1\u{1b}[0m\nok 1 - a\n", (FAIL, 1, 0, 0), &[note]);
    says("1..1\nok 1 - a\u{1b}[\n", (PASS, 1, 0, 0), &[]);
}

#[test]
fn nothing_that_ran_is_no_pass() {
    says("1..0 # SKIP no database\n", (EMPTY, 0, 0, 0), &["the report holds no test"]);
    says("TAP version 13\n1..0\n", (EMPTY, 0, 0, 0), &["the report holds no test"]);
    says("1..2\nok 1 # SKIP\nnot ok 2 # todo\n", (EMPTY, 0, 0, 2), &["no test ran: 2 were skipped"]);
}

#[test]
fn a_plan_that_is_missing_or_not_met_never_passes() {
    for (text, passed, note) in [
        ("ok 1\nok 2\n", 2, "there is no plan (`1..N`), so nobody knows if 2 tests were all"),
        ("1..3\nok 1\nok 2\n", 2, "3 tests were planned, but the report shows 2"),
        ("1..1\nok 1\nok 2\n", 2, "1 test was planned, but the report shows 2"),
        ("1..0\nok 1\n", 1, "0 tests were planned, but the report shows 1"),
        ("1..1\nok 1\n1..1\n", 1, "there is more than one plan: is it more than one document?"),
        ("ok 1\n1..2\nok 2\n", 2, "the plan stands between the tests: is it more than one document?"),
        ("TAP version 13\n", 0, "there is no plan (`1..N`), so nobody knows if 0 tests were all"),
        ("TAP version 15\n1..1\nok 1\n", 1, "version 15 of TAP is not known"),
        ("1..2\nok 1\nok 1\n", 2, "the numbers of 2 tests are not 1 to 2: some are missing or twice"),
        ("1..2\nok 1\nok 3\n", 2, "the numbers of 2 tests are not 1 to 2: some are missing or twice"),
        ("1..1\nok 0\n", 1, "the numbers of 1 test are not 1 to 1: some are missing or twice"),
        ("1..1\nok 1\n  ---\n  a: b\n", 1, "the file ends in the middle of a YAML block"),
        ("1..2\nok 1\n  ---\n  a: b\nok 2\n", 2, "a YAML block is not closed with `...`"),
        ("1..1\nok 1\n# fail 2\n", 1, "a comment of the producer counts 2 failures"),
        (
            "1..1\nok 1\n# Looks like your test exited with 255 just after 1.\n",
            1,
            "a comment of the producer counts 1 failure",
        ),
    ] {
        says(text, (AMBIGUOUS, passed, 0, 0), &[note]);
    }
    let note = "the tests are not in the order of their numbers";
    says("1..3\nok 3\nok 1\nok 2\n", (PASS, 3, 0, 0), &[note]);
}

#[test]
fn a_bail_out_fails_wherever_it_stands() {
    says("1..1\nok 1\nBail out! no disk\n", (FAIL, 1, 0, 0), &["the run bailed out: no disk"]);
    says("1..1\n    Bail out!\nok 1\n", (FAIL, 1, 0, 0), &["the run bailed out: "]);
}

#[test]
fn subtests_are_part_of_their_point() {
    says("1..1\n# Subtest: a\n    ok 1 - x\n    ok 2 - y\n    1..2\nok 1 - a\n", (PASS, 1, 0, 0), &[]);
    says("    not ok 1 - x\n    1..1\nnot ok 1 - a\n1..1\n", (FAIL, 0, 1, 0), &["test `a` failed"]);
    says("    not ok 1 - x # todo\n    1..1\nok 1 - a\n1..1\n", (PASS, 1, 0, 0), &[]);
    says("    not ok 1 - x\n    1..1\nnot ok 1 - a # todo\nok 2\n1..2\n", (PASS, 1, 0, 1), &[]);
    let hidden = "a subtest failed, and its test is reported as ok";
    says("    not ok 1 - x\n    1..1\nok 1 - a\n1..1\n", (FAIL, 1, 0, 0), &[hidden]);
    says("        not ok 1\n    ok 1\nok 1 - a\n1..1\n", (FAIL, 1, 0, 0), &[hidden]);
    says("1..1\nok 1 - a {\n    not ok 1 - x\n    1..1\n}\n", (FAIL, 1, 0, 0), &[hidden]);
    says("1..2\nnot ok 1 - a # todo {\n    not ok 1 - x\n    1..1\n}\nok 2\n", (PASS, 1, 0, 1), &[]);
    says("1..1\nok 1\n    not ok 1\n", (FAIL, 1, 0, 0), &["a subtest failed, and no test reports it"]);
}

#[test]
fn a_yaml_block_is_no_result_and_swallows_no_point() {
    says("1..1\nok 1\n  ---\n  wanted: |-\n    not ok 1\n\n    Bail out!\n  ...\n", (PASS, 1, 0, 0), &[]);
    let report = of("1..2\nok 1\n  ---\n  a: b\nnot ok 2\n");
    assert_eq!(counts(&report), (FAIL, 1, 1, 0));
}

#[test]
fn every_producer_is_read() {
    for (producer, text, truth) in [
        (
            "node:test",
            "TAP version 13\n# Subtest: s\n    # Subtest: a\n    ok 1 - a\n      ---\n      duration_ms: 0.5\n      ...\n    1..1\n\
             ok 1 - s\n  ---\n  duration_ms: 1.2\n  type: 'suite'\n  ...\n# Subtest: b\nok 2 - b # SKIP\n  ---\n  duration_ms: 0.1\n  ...\n\
             1..2\n# tests 2\n# suites 1\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 40\n",
            (PASS, 1, 0, 1),
        ),
        (
            "tape",
            "TAP version 13\n# timing test\nok 1 should be strictly equal\nnot ok 2 should be equal\n  ---\n    operator: equal\n\
             \x20   expected: 1\n    actual: 2\n  ...\n\n1..2\n# tests 2\n# pass  1\n# fail  1\n\n",
            (FAIL, 1, 1, 0),
        ),
        (
            "ava",
            "TAP version 13\nok 1 - a\nok 2 - b # SKIP\n\n1..2\n# tests 2\n# pass 1\n# skip 1\n# fail 0\n",
            (PASS, 1, 0, 1),
        ),
        (
            "node-tap",
            "TAP version 14\n# Subtest: a.js\n    # Subtest: x\n        ok 1 - y\n        1..1\n    ok 1 - x # time=3ms\n    1..1\n\
             \x20   # time=9ms\nok 1 - a.js # time=30ms\n1..1\n# time=40ms\n",
            (PASS, 1, 0, 0),
        ),
        ("bats", "1..3\nok 1 a\nok 2 b # skip no docker\nok 3 c in 12ms\n", (PASS, 2, 0, 1)),
        (
            "bats, failing",
            "1..1\nnot ok 1 a\n# (in test file a.bats, line 3)\n#   `false' failed\n",
            (FAIL, 0, 1, 0),
        ),
        (
            "prove -v",
            "t/a.t ....... \nok 1 - x\nok 2 - y\n1..2\nok\nt/longer.t .. \n1..1\nok 1\nok\nt/none.t .... skipped: no db\n\
             All tests successful.\nFiles=3, Tests=3,  0 wallclock secs\nResult: PASS\n",
            (PASS, 3, 0, 0),
        ),
        (
            "pg_prove -v, a script that died",
            "sql/a.sql .. \n1..1\nok 1 - x\nDubious, test returned 3 (wstat 768, 0x300)\nAll 1 subtests passed\n\n\
             Test Summary Report\n-------------------\nResult: FAIL\n",
            (FAIL, 1, 0, 0),
        ),
        ("prove -v, cut off between scripts", "t/a.t .. \n1..1\nok 1\nok\n", (AMBIGUOUS, 1, 0, 0)),
        ("two files in one", "TAP version 13\n1..1\nok 1\nTAP version 13\nok 1\n1..1\n", (PASS, 2, 0, 0)),
        (
            "two files in one, the first cut off",
            "TAP version 13\n1..2\nok 1\nTAP version 13\nok 1\n1..1\n",
            (AMBIGUOUS, 2, 0, 0),
        ),
    ] {
        let report = of(text);
        assert_eq!(counts(&report), truth, "{producer}: {:?}", report.notes);
    }
}

#[test]
fn what_is_no_tap_is_unreadable() {
    for (bytes, why) in [
        (&b""[..], "the file is empty (0 bytes)"),
        (b"hello\nworld\n", "no line of TAP is in it"),
        (b"t/a.t .. ok\nAll tests successful.\nResult: PASS\n", "no line of TAP is in it"),
        (b"okay 1\nnot okay\n", "no line of TAP is in it"),
        (b"<testsuite/>", "it seems to be XML: name it under `junit` and not under `tap`"),
        (b"1..1\0\nok 1\n", "it holds a NUL byte: the disk or the producer broke off"),
        (b"\xFF\xFE1\0.\0", "it is UTF-16: write the report as UTF-8"),
    ] {
        let report = read(bytes);
        assert_eq!(counts(&report), (Verdict::Unreadable, 0, 0, 0));
        assert_eq!(report.notes, [format!("not a readable report, near line 1: {why}")]);
    }
    assert_eq!(
        of("1..2\nok 1\n\0").notes[0],
        "not a readable report, near line 3: it holds a NUL byte: the disk or the producer broke off"
    );
}

#[test]
fn utf_16_is_named_however_the_bytes_arrive() {
    let bytes = b"\xFE\xFF\x001\x00.\x00.\x001";
    for size in 1..=bytes.len() {
        let report = read(BufReader::with_capacity(size, &bytes[..]));
        assert_eq!(
            report.notes,
            ["not a readable report, near line 1: it is UTF-16: write the report as UTF-8"],
            "{size}"
        );
    }
}

#[test]
fn lines_of_any_length_are_read_and_not_kept() {
    let long = "x".repeat(200_000);
    says(&format!("1..1\n# {long}\n{long}\nok 1\n"), (PASS, 1, 0, 0), &[]);
    let report = of(&format!("1..1\nok 1 - {long} # SKIP\n"));
    assert_eq!(report.verdict, AMBIGUOUS);
    assert!(report.notes[0].ends_with("is too long to be read to its end"), "{:?}", report.notes);
    let mut lines = Lines::bounded(&b"1..1\nok 1\n"[..], 7);
    assert!(lines.next().unwrap().is_some());
    assert_eq!(lines.next().unwrap_err().to_string(), "it is larger than 512 MiB");
}

/// Pieces that, put together in any order, come near to reports.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "TAP version 13\n",
        "1..1\n",
        "1..2\n",
        "1..0 # skip\n",
        "ok 1\n",
        "ok 2\n",
        "ok\n",
        "not ok\n",
        "not ok 1 # todo x\n",
        "ok # SKIP\n",
        "    ok 1\n",
        "    not ok 1\n",
        "  ---\n",
        "  ...\n",
        "Bail out!\n",
        "# x\n",
        "ok 1 - a {\n",
        "}\n",
        "t/a.t ..\n",
        "Result: PASS\n",
        "\n",
        "\r\n",
        "\u{FEFF}",
        "x",
        " ",
        "#",
        "\0",
        "1..",
        "99999999999999999999",
        "\u{1b}[31m",
        "\u{1b}[",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_ne!(read(bytes.as_slice()).verdict, PASS);
    }

    #[test]
    fn pass_means_an_ok_a_plan_and_no_failure(text in pieces()) {
        let report = of(&text);
        let points = text.matches("ok").count() as u64;
        prop_assert!(report.passed + report.failed + report.skipped <= points);
        if report.verdict == PASS {
            prop_assert!(report.passed > 0 && report.failed == 0 && text.contains("1.."));
            let hidden_by_yaml = text.contains("  ---");
            let bad = |line: &str| line.starts_with("Bail out!") || line == "not ok";
            let plain = text.replace("\u{1b}[31m", "");
            prop_assert!(hidden_by_yaml || !plain.lines().any(|line| bad(line.trim_start())));
        }
        let slowly = read(BufReader::with_capacity(1, text.as_bytes()));
        prop_assert_eq!(slowly, report);
    }

    #[test]
    fn a_failure_is_found_among_any_number_of_points(before in 0_usize..40, after in 0_usize..40, late: bool) {
        let plan = format!("1..{}\n", before + after + 1);
        let points = format!("{}not ok - x\n{}", "ok - a\n".repeat(before), "ok - b\n".repeat(after));
        let text = if late { points + &plan } else { plan + &points };
        prop_assert_eq!(counts(&of(&text)), (FAIL, (before + after) as u64, 1, 0));
    }

    #[test]
    fn a_report_cut_off_in_any_line_but_the_last_is_no_pass(count in 2_usize..30, lost in 1_usize..30, late: bool) {
        let plan = format!("1..{count}\n");
        let points: String = (1..=count).map(|number| format!("ok {number} - test\n")).collect();
        let text = if late { points + &plan } else { plan + &points };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let kept = lines[..lines.len() - lost.min(count)].concat();
        prop_assert_ne!(of(&kept).verdict, PASS);
    }
}
