use std::io::{self, BufReader, Read};

use proptest::prelude::*;

use super::*;

fn of(text: &str) -> Report {
    read(text.as_bytes())
}

/// Verdict, passed, failed, errors, skipped, flaky.
fn counts(report: &Report) -> (Verdict, u64, u64, u64, u64, u64) {
    (report.verdict, report.passed, report.failed, report.errors, report.skipped, report.flaky)
}

fn suite(inside: &str) -> Report {
    of(&format!("<testsuite name=\"s\">{inside}</testsuite>"))
}

/// The note of an unreadable report, which never shows counts.
fn refusal(bytes: &[u8]) -> String {
    let report = read(bytes);
    assert_eq!(counts(&report), (Verdict::Unreadable, 0, 0, 0, 0, 0));
    assert_eq!(report.notes.len(), 1);
    report.notes[0].strip_prefix("not a readable report, near line ").unwrap().to_owned()
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    let swap = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(swap).collect()
}

#[test]
fn counts_what_passed() {
    let report =
        of("<?xml version='1.0'?>\n<testsuites tests='2'><testsuite name='s' tests='2' failures='0'>\
        <properties><property name='a' value='b'/></properties>\
        <testcase name='one' time='0.1'/><testcase name='two'><system-out>x &amp; y</system-out></testcase>\
        </testsuite></testsuites>");
    assert_eq!(counts(&report), (Verdict::Pass, 2, 0, 0, 0, 0));
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!(report.total(), 2);
}

#[test]
fn skipped_does_not_hide_a_failure_and_an_error_outweighs_both() {
    let report = suite(
        "<testcase name='a'><skipped/><failure/><error/></testcase>\
         <testcase name='b' classname='c'><skipped/><failure>no</failure></testcase>\
         <testcase name='d'><skipped><failure/></skipped></testcase>\
         <testcase name='e'><skipped/></testcase><testcase name='f'/>",
    );
    assert_eq!(counts(&report), (Verdict::Fail, 1, 2, 1, 1, 0));
    assert_eq!(report.notes, ["test `a` ended in an error", "test `c: b` failed", "test `d` failed"]);
    assert_eq!(report.total(), 4);
}

#[test]
fn several_failures_of_one_case_are_one_failed_case() {
    let report = suite("<testcase name='a'><failure/><failure/><failure/></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 0, 0, 0));
}

#[test]
fn equal_names_are_counted_each() {
    let report = of("<testsuite tests='1'><testcase name='a' time='-5'/><testcase name='a'/></testsuite>");
    assert_eq!(counts(&report), (Verdict::Pass, 2, 0, 0, 0, 0));
    assert_eq!(report.notes, ["a suite without a name claims only 1 test, but shows 2"]);
    assert_eq!(suite("<testcase name='a'><failure/></testcase><testcase name='a'/>").verdict, Verdict::Fail);
}

#[test]
fn a_case_that_passed_at_last_is_flaky_and_one_that_failed_is_not() {
    let report = suite(
        "<testcase name='a'><flakyFailure>one<stackTrace>x</stackTrace></flakyFailure><flakyError/></testcase>\
         <testcase name='b'/>",
    );
    assert_eq!(counts(&report), (Verdict::Pass, 2, 0, 0, 0, 1));
    assert_eq!(report.notes, ["test `a` is flaky: it passed after a failed attempt"]);
    let report = suite("<testcase name='a'><failure/><flakyFailure/></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 0, 0, 0));
    let report = suite("<testcase name='a'><skipped/><flakyFailure/></testcase>");
    assert_eq!(counts(&report), (Verdict::Empty, 0, 0, 0, 1, 0));
}

#[test]
fn a_rerun_is_a_failure_also_without_the_first_one() {
    let report = suite("<testcase name='a'><error/><rerunFailure/><rerunError/></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 0, 1, 0, 0));
    let report =
        suite("<testcase name='a'><rerunFailure/></testcase><testcase name='b'><rerunError/></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 1, 0, 0));
}

#[test]
fn status_and_result_count_as_skipped() {
    for attribute in [
        "status='notrun'",
        "status='run' result='skipped'",
        "result='suppressed' status='notrun'",
        "status='Disabled'",
        "status='NOT_RUN'",
    ] {
        let report = suite(&format!("<testcase name='a' {attribute}/><testcase name='b' status='run'/>"));
        assert_eq!(counts(&report), (Verdict::Pass, 1, 0, 0, 1, 0), "{attribute}");
    }
}

#[test]
fn status_never_hides_a_failure_and_can_be_one() {
    let report = suite("<testcase name='a' status='notrun'><failure/></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 0, 0, 0));
    let report = suite("<testcase name='a' status='FAILED'/><testcase name='b' result='error'/>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 1, 0, 0));
}

#[test]
fn a_failure_by_another_word_is_no_pass() {
    for (inside, truth) in [
        ("<testcase><failed/></testcase>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase><Fail message='m'/></testcase>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase><timedOut/></testcase>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase><cancelled/></testcase>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase><aborted/></testcase>", (Verdict::Fail, 0, 0, 1)),
        ("<testcase><crashed/></testcase>", (Verdict::Fail, 0, 0, 1)),
        ("<testcase success='false'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase success='False'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase Passed='0'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase failed='true'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase failures='2'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase error='yes'/>", (Verdict::Fail, 0, 0, 1)),
        ("<testcase Result='Timed Out'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase outcome='TIMEOUT'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase status='Cancelled'/>", (Verdict::Fail, 0, 1, 0)),
        ("<testcase status='ABORTED'/>", (Verdict::Fail, 0, 0, 1)),
        ("<testcase result='broken'/>", (Verdict::Fail, 0, 0, 1)),
        ("<testcase result='Crashed'/>", (Verdict::Fail, 0, 0, 1)),
    ] {
        let report = suite(&format!("{inside}<testcase name='b' success='true' failed='0' error=''/>"));
        let (verdict, passed, failed, errors) = truth;
        assert_eq!(counts(&report), (verdict, passed + 1, failed, errors, 0, 0), "{inside}");
    }
}

#[test]
fn what_only_sounds_like_a_failure_is_doubtful() {
    for inside in [
        "<testcase name='a'><assertionFailure/></testcase>",
        "<testcase name='a'><timeout>30</timeout></testcase>",
        "<testcase name='a' error='connection lost'/>",
        "<testcase name='a' success='unknown'/>",
        "<testcase name='a' status='soft-failed'/>",
    ] {
        let report = suite(inside);
        assert_eq!(counts(&report), (Verdict::Ambiguous, 1, 0, 0, 0, 0), "{inside}");
        assert_eq!(report.notes, ["test `a` does not say plainly that it passed"]);
    }
    let report = suite("<testcase><attempts><errors><failure/></errors></attempts></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 0, 0, 0));
}

#[test]
fn a_suite_that_says_it_failed_and_shows_no_failure_is_doubtful() {
    for attribute in ["success='false'", "result='Failed'", "status='aborted'", "failed='1'"] {
        let report = of(&format!("<testsuite name='s' {attribute}><testcase/></testsuite>"));
        assert_eq!(counts(&report), (Verdict::Ambiguous, 1, 0, 0, 0, 0), "{attribute}");
        assert_eq!(report.notes, ["suite `s` says that it failed, and shows no failure"]);
    }
    for attribute in ["success='true'", "result='ok'", "passed='0'", "failed='0'", "status='skipped'"] {
        let report = of(&format!("<testsuite name='s' {attribute}><testcase/></testsuite>"));
        assert_eq!(report.verdict, Verdict::Pass, "{attribute}");
    }
}

#[test]
fn a_failure_of_a_whole_suite_is_a_failure() {
    let report =
        of("<testsuites><testsuite name='outer'><testsuite name='inner'><error message='m'/></testsuite>\
        <testcase name='a'/></testsuite></testsuites>");
    assert_eq!(counts(&report), (Verdict::Fail, 1, 0, 0, 0, 0));
    assert_eq!(report.notes, ["suite `inner` failed as a whole, outside its tests"]);
    assert_eq!(of("<testsuites><failure/></testsuites>").verdict, Verdict::Fail);
    assert_eq!(of("<testsuite><wrapper><error/></wrapper><testcase/></testsuite>").verdict, Verdict::Fail);
}

#[test]
fn nothing_that_ran_is_no_pass() {
    for (text, skipped, note) in [
        (
            "<testsuite><testcase><skipped/></testcase><testcase status='notrun'/></testsuite>",
            2,
            "no test ran: 2 were skipped",
        ),
        ("<testsuites tests='0'/>", 0, "the report holds no test"),
        ("<testsuite name='s' tests='0'>\n</testsuite>", 0, "the report holds no test"),
        (
            "<testsuite tests='1' skipped='1'><testcase><skipped/></testcase></testsuite>",
            1,
            "no test ran: 1 was skipped",
        ),
    ] {
        let report = of(text);
        assert_eq!(counts(&report), (Verdict::Empty, 0, 0, 0, skipped, 0), "{text}");
        assert_eq!(report.notes, [note]);
    }
}

#[test]
fn a_total_that_claims_more_than_the_file_shows_is_ambiguous() {
    for (text, note) in [
        (
            "<testsuites tests='8'><testsuite><testcase/></testsuite></testsuites>",
            "a suite without a name claims 8 tests, but shows 1: cases are missing, or it counts assertions",
        ),
        (
            "<testsuite name='s' tests='5'/>",
            "suite `s` claims 5 tests, but shows 0: cases are missing, or it counts assertions",
        ),
        (
            "<testsuite name='s' failures='1'><testcase/></testsuite>",
            "suite `s` claims 1 failure or error, but shows 0",
        ),
        (
            "<testsuite name='s' errors='2' failures='1'><testcase/></testsuite>",
            "suite `s` claims 3 failures or errors, but shows 0",
        ),
        (
            "<testsuite name='s' skipped='1'><testcase/></testsuite>",
            "suite `s` claims 1 skipped test, but shows 0",
        ),
        (
            "<testsuite name='s' disabled='1'><testcase/></testsuite>",
            "suite `s` claims 1 skipped test, but shows 0",
        ),
        (
            "<testsuite name='s' tests='NaN'><testcase/></testsuite>",
            "suite `s` has a total that is not a number: tests=\"NaN\"",
        ),
        (
            "<testsuite name='s' failures='-1'><testcase/></testsuite>",
            "suite `s` has a total that is not a number: failures=\"-1\"",
        ),
        (
            "<testsuite name='s'><testcase/><skipped/></testsuite>",
            "suite `s` is marked as skipped, but 1 of its tests passed",
        ),
    ] {
        let report = of(text);
        assert_eq!(report.verdict, Verdict::Ambiguous, "{text}");
        assert_eq!(report.notes, [note]);
    }
}

#[test]
fn a_surplus_in_one_suite_does_not_fill_the_gap_of_another() {
    let report = of("<testsuites tests='3'><testsuite name='a' tests='2'><testcase/></testsuite>\
        <testsuite name='b' tests='1'><testcase/><testcase/></testsuite></testsuites>");
    assert_eq!(counts(&report), (Verdict::Ambiguous, 3, 0, 0, 0, 0));
}

#[test]
fn totals_that_claim_less_or_nothing_are_tolerated() {
    for totals in ["", "tests=''", "tests=' 2 '", "tests='1'", "disabled='false'", "tests='2' assertions='9'"]
    {
        let report = of(&format!("<testsuite {totals}><testcase/><testcase/></testsuite>"));
        assert_eq!(counts(&report), (Verdict::Pass, 2, 0, 0, 0, 0), "{totals}");
    }
}

#[test]
fn a_huge_total_does_not_overflow() {
    let huge = u64::MAX;
    let report = of(&format!("<testsuite failures='{huge}' errors='{huge}'><testcase/></testsuite>"));
    assert_eq!(report.verdict, Verdict::Ambiguous);
    let report = of("<testsuite tests='99999999999999999999999999'><testcase/></testsuite>");
    assert_eq!(report.verdict, Verdict::Ambiguous);
}

#[test]
fn other_formats_are_unreadable() {
    for (text, what) in [
        ("<test-run><test-suite><test-case result='Passed'/></test-suite></test-run>", "an NUnit 3 report"),
        ("<assemblies><assembly><test result='Pass'/></assembly></assemblies>", "an xUnit.net report"),
        ("<html/>", "an HTML page"),
    ] {
        assert_eq!(refusal(text.as_bytes()), format!("1: it seems to be {what}, and not JUnit"));
    }
    let unknown = refusal(b"<gurkensalat/>");
    assert_eq!(unknown, "1: its root element is `gurkensalat`: write the report in the JUnit format");
}

#[test]
fn a_foreign_root_with_real_suites_is_read() {
    let report = of("<wrapper><testsuite><testcase/></testsuite></wrapper>");
    assert_eq!(counts(&report), (Verdict::Pass, 1, 0, 0, 0, 0));
}

#[test]
fn a_case_outside_any_suite_is_counted_but_no_tick() {
    for text in ["<testcase name='a'/>", "<testcases><testcase name='a'/></testcases>"] {
        assert_eq!(counts(&of(text)), (Verdict::Ambiguous, 1, 0, 0, 0, 0), "{text}");
    }
    assert_eq!(of("<testcase><failure/></testcase>").verdict, Verdict::Fail);
}

#[test]
fn a_prefix_is_no_hiding_place() {
    let report = of("<j:testsuite xmlns:j='urn:x'><j:testcase><j:failure/></j:testcase></j:testsuite>");
    assert_eq!(counts(&report), (Verdict::Fail, 0, 1, 0, 0, 0));
}

#[test]
fn results_quoted_in_output_do_not_count() {
    for quoted in ["<failure/>", "<error/>", "<testcase name='b'/>"] {
        let report = suite(&format!("<testcase name='a'><system-out>{quoted}</system-out></testcase>"));
        assert_eq!(counts(&report), (Verdict::Ambiguous, 1, 0, 0, 0, 0), "{quoted}");
    }
    let report = suite(
        "<testcase name='a'><system-out><![CDATA[<failure/>]]></system-out><!-- <failure/> --></testcase>",
    );
    assert_eq!(counts(&report), (Verdict::Pass, 1, 0, 0, 0, 0));
}

#[test]
fn nested_cases_keep_their_own_results() {
    let report = suite("<testcase name='a'><testcase name='b'><failure/></testcase></testcase>");
    assert_eq!(counts(&report), (Verdict::Fail, 1, 1, 0, 0, 0));
}

const SMALL: &str = "<testsuite name='größe 🍣'><testcase name='ä'/></testsuite>";

#[test]
fn every_usual_encoding_is_read() {
    let mut files = vec![SMALL.as_bytes().to_vec(), format!("\u{FEFF}{SMALL}").into_bytes()];
    for big_endian in [false, true] {
        files.push(utf16(&format!("\u{FEFF}{SMALL}"), big_endian));
        files.push(utf16(&format!("\u{FEFF}<?xml version='1.0' encoding='utf-8'?>{SMALL}"), big_endian));
        files.push(utf16(&format!("<?xml version='1.0' encoding='UTF-16'?>{SMALL}"), big_endian));
    }
    for label in ["ISO-8859-1", "latin1", "windows-1252"] {
        let start = format!("<?xml version='1.0' encoding = '{label}' ?><testsuite><testcase name='");
        files.push([start.as_bytes(), b"\xE4\x80'/></testsuite>"].concat());
    }
    for file in files {
        assert_eq!(counts(&read(file.as_slice())), (Verdict::Pass, 1, 0, 0, 0, 0), "{file:?}");
        // The same, one byte at a time: no character and no tag is split.
        assert_eq!(read(BufReader::with_capacity(1, file.as_slice())).verdict, Verdict::Pass);
    }
}

#[test]
fn wrong_encodings_are_unreadable() {
    let declared = |label: &str| format!("<?xml version='1.0' encoding='{label}'?>{SMALL}").into_bytes();
    let not_supported =
        |label: &str| format!("1: its encoding `{label}` is not supported: write the report as UTF-8");
    assert_eq!(refusal(b"<testsuite><testcase name='\xE4'/></testsuite>"), "1: its bytes are not UTF-8");
    assert_eq!(refusal(&declared("utf-16")), not_supported("utf-16"));
    assert_eq!(refusal(&declared("Shift_JIS")), not_supported("shift_jis"));
    assert_eq!(refusal(b"\xFF\xFE\0\0<\0\0\0"), not_supported("utf-32"));
    assert_eq!(refusal(b"\xFF\xFE<\0\x00\xD8a\0"), "1: its bytes are not UTF-16");
    assert_eq!(refusal(b"\xFF\xFE<\0a"), "1: the file ends in the middle of the report");
    assert_eq!(refusal(b"<testsuite/>\xC3"), "1: the file ends in the middle of the report");
}

#[test]
fn characters_that_xml_forbids_are_unreadable() {
    for (inside, code) in [("\u{1b}[31m", "001B"), ("\0", "0000"), ("\u{8}", "0008"), ("\u{FFFF}", "FFFF")] {
        let text = format!("<testsuite>\n<testcase><system-out>{inside}</system-out></testcase></testsuite>");
        assert!(refusal(text.as_bytes()).ends_with(&format!("the character U+{code} is not allowed in XML")));
    }
    assert_eq!(
        suite("<testcase><system-out>\t\r\n \u{7f}\u{85}</system-out></testcase>").verdict,
        Verdict::Pass
    );
}

#[test]
fn what_is_cut_off_or_not_well_formed_is_unreadable() {
    for (text, why) in [
        ("", "1: the file is empty (0 bytes)"),
        ("\u{FEFF}", "1: there is no element in it"),
        (" \n ", "2: there is no element in it"),
        ("<!-- only -->", "1: there is no element in it"),
        ("just text", "1: there is text outside the root element"),
        ("<testsuite><testcase/>\n<testcase", "2: the file ends in the middle of the report"),
        ("<testsuite><testcase/>", "1: the file ends in the middle of the report"),
        ("<testsuite><testcase name='a></testsuite>", "1: the file ends in the middle of the report"),
        ("<testsuite><!-- </testsuite>", "1: the file ends in the middle of the report"),
        ("<testsuite><!--></testsuite>", "1: the file ends in the middle of the report"),
        ("<testsuite><![CDATA[</testsuite>]]", "1: the file ends in the middle of the report"),
        ("<testsuite/>trailing", "1: there is text outside the root element"),
        ("<testsuite/>&amp;", "1: there is text outside the root element"),
        ("<testsuite/><![CDATA[]]>", "1: there is text outside the root element"),
        ("<testsuite/>\n<testsuite/>", "2: it is more than one document in one file"),
        (
            "<testsuite/><?xml version='1.0'?><testsuite/>",
            "1: an XML declaration is not at the very start: is it more than one document?",
        ),
        ("<testsuite><testcase time='<x>'/></testsuite>", "1: a value of an attribute contains a raw `<`"),
        ("<testsuite><testcase name='a & b'/></testsuite>", "1: a `&` begins no reference"),
        ("<testsuite>a & b</testsuite>", "1: a `&` begins no reference"),
        ("<testsuite>1 < 2</testsuite>", "1: a `<` begins no tag"),
        (
            "<testsuite <testcase/>",
            "1: an attribute is not well formed: position 19: attribute key must be directly followed by `=` or space",
        ),
        ("<testsuite><!ELEMENT a></testsuite>", "1: a `<!` or `<?` begins nothing that XML knows"),
        ("<testsuite><?></testsuite>", "1: a `<!` or `<?` begins nothing that XML knows"),
    ] {
        assert_eq!(refusal(text.as_bytes()), why, "{text}");
    }
    for text in
        ["<testsuite></testcase>", "<testsuite/></testsuite>", "<testsuite a='1' a='2'/>", "<testsuite a=1/>"]
    {
        refusal(text.as_bytes());
    }
}

#[test]
fn entities_are_refused() {
    let doctype = "1: its DOCTYPE declares entities or points outside the file, which is refused";
    let inner = "<testsuite><testcase name='&x;'/></testsuite>";
    for start in [
        "<!DOCTYPE testsuite [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE testsuite [<!ENTITY x 'y'><!ENTITY z '&x;&x;'>]>",
        "<!DOCTYPE testsuite SYSTEM 'http://example.org/x.dtd'>",
        "<!DOCTYPE testsuite PUBLIC 'a' 'b'>",
        "<!DOCTYPE>",
    ] {
        assert_eq!(refusal(format!("{start}{inner}").as_bytes()), doctype, "{start}");
    }
    let custom =
        "1: the reference `&x;` is refused: only the five predefined ones and legal characters are read";
    assert_eq!(refusal(inner.as_bytes()), custom);
    assert_eq!(refusal(b"<testsuite>&x;</testsuite>"), custom);
    assert_eq!(of("<!DOCTYPE testsuite><testsuite><testcase/></testsuite>").verdict, Verdict::Pass);
}

#[test]
fn references_to_legal_characters_only() {
    for good in ["&amp;", "&#10;", "&#x1F363;", "&#x9;", "&apos;"] {
        let text = format!("<testsuite><testcase name='{good}'>{good}</testcase></testsuite>");
        assert_eq!(of(&text).verdict, Verdict::Pass, "{good}");
    }
    for bad in ["&#0;", "&#x1b;", "&#xFFFF;", "&#xD800;", "&#x110000;", "&#+65;", "&#;", "&;", "&nbsp;"] {
        refusal(format!("<testsuite>{bad}</testsuite>").as_bytes());
        refusal(format!("<testsuite><testcase name='{bad}'/></testsuite>").as_bytes());
    }
}

#[test]
fn twenty_thousand_levels_are_a_verdict() {
    let deep = |levels: usize| {
        format!("{}<testcase/>{}", "<testsuite>".repeat(levels), "</testsuite>".repeat(levels))
    };
    assert_eq!(of(&deep(999)).verdict, Verdict::Pass);
    assert_eq!(refusal(deep(20_000).as_bytes()), "1: elements are nested more than 1000 deep");
}

#[test]
fn too_many_attributes_and_too_long_tags_and_names_are_refused() {
    let attributes: String = (0..65).map(|index| format!(" a{index}='b'")).collect();
    assert_eq!(
        refusal(format!("<testsuite{attributes}/>").as_bytes()),
        "1: a tag has more than 64 attributes"
    );
    let value = "v".repeat(prose::TAG_MAX);
    assert_eq!(refusal(format!("<testsuite a='{value}'/>").as_bytes()), "1: a tag is longer than 4 MiB");
    let name = "n".repeat(2000);
    assert!(
        refusal(format!("<testsuite><{name}/></testsuite>").as_bytes())
            .ends_with("is not a name of an element or attribute")
    );
}

/// Gives the same text many times, and remembers nothing.
struct Endless {
    start: &'static [u8],
    block: Vec<u8>,
    left: u64,
    end: &'static [u8],
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.start.is_empty() {
            return self.start.read(out);
        }
        if self.left == 0 {
            return self.end.read(out);
        }
        self.left -= 1;
        self.block.as_slice().read(out)
    }
}

#[test]
fn more_bytes_than_allowed_are_refused_without_reading_on() {
    let outcome = |limit: u64| count::walk(Prose::new(Decoder::bounded(SMALL.as_bytes(), limit)));
    let length = SMALL.len() as u64;
    assert_eq!(outcome(length).verdict, Verdict::Pass);
    assert_eq!(outcome(length - 1).notes, ["not a readable report, near line 1: it is larger than 512 MiB"]);
    let endless = Endless { start: b"<testsuite>", block: vec![b' '; 16 * 1024], left: u64::MAX, end: b"" };
    let decoder = Decoder::bounded(BufReader::new(endless), 1_000_000);
    assert_eq!(count::walk(Prose::new(decoder)).verdict, Verdict::Unreadable);
}

#[test]
fn long_output_is_not_kept() {
    let start = b"<testsuite><testcase name='a'><system-out><![CDATA[";
    let end = b"]]></system-out></testcase></testsuite>";
    let input = Endless { start, block: b"a long line of output]] \n".repeat(300), left: 800, end };
    assert_eq!(counts(&read(BufReader::new(input))), (Verdict::Pass, 1, 0, 0, 0, 0));
    let text = format!("<testsuite>{}", "long text &amp; more ".repeat(5000));
    let mut prose = Prose::new(Decoder::new(text.as_bytes()));
    let mut out = String::new();
    prose.read_to_string(&mut out).unwrap();
    assert_eq!(out, "<testsuite>x");
}

#[test]
fn many_cases_are_counted_as_they_come() {
    let line = b"<testcase classname=\"com.example.TotalsTest\" name=\"adds the totals\" time=\"0.012\"/>\n";
    let input = Endless { start: b"<testsuite>", block: line.to_vec(), left: 20_000, end: b"</testsuite>" };
    assert_eq!(counts(&read(BufReader::new(input))), (Verdict::Pass, 20_000, 0, 0, 0, 0));
}

#[test]
fn an_input_that_fails_is_unreadable() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let report = read(BufReader::new(b"<testsuite><testcase/></testsuite>".chain(Broken)));
    assert_eq!(report.verdict, Verdict::Unreadable);
    assert_eq!(
        report.notes,
        ["not a readable report, near line 1: the file could not be read: the disk is gone"]
    );
}

#[test]
fn notes_are_few_short_and_visible() {
    let failing = "<testcase name='x'><failure/></testcase>".repeat(50);
    let report = suite(&failing);
    assert_eq!(counts(&report), (Verdict::Fail, 0, 50, 0, 0, 0));
    assert_eq!(report.notes.len(), NOTES_MAX);
    assert_eq!(report.notes[7], "there is more of this kind, left out here");
    let report = suite(&format!("<testcase name='\u{202e}a&#10;{}'><failure/></testcase>", "b".repeat(9000)));
    assert!(report.notes[0].starts_with("test `\\u{202e}a\\nbbb"), "{}", report.notes[0]);
    assert_eq!(report.notes[0].chars().count(), NAME_MAX + "test `` failed".len());
}

#[test]
fn merging_adds_counts_and_keeps_the_worst() {
    let pass = suite("<testcase/>");
    let fail = suite("<testcase name='f'><failure/></testcase>");
    let empty = of("<testsuite/>");
    let ambiguous = of("<testsuite tests='2'><testcase/></testsuite>");
    let unreadable = of("");
    let verdict = |reports: &[&Report]| merge(reports.iter().copied().cloned()).verdict;
    assert_eq!(verdict(&[]), Verdict::Empty);
    assert_eq!(verdict(&[&empty, &empty]), Verdict::Empty);
    assert_eq!(verdict(&[&pass, &empty]), Verdict::Pass);
    assert_eq!(verdict(&[&ambiguous, &pass, &empty]), Verdict::Ambiguous);
    assert_eq!(verdict(&[&pass, &fail, &ambiguous]), Verdict::Fail);
    assert_eq!(verdict(&[&fail, &unreadable, &pass]), Verdict::Unreadable);
    let whole = merge([pass.clone(), empty, fail, pass]);
    assert_eq!(counts(&whole), (Verdict::Fail, 2, 1, 0, 0, 0));
    assert_eq!(whole.notes, ["test `f` failed", "no test ran in 1 of 4 reports", "the report holds no test"]);
    assert_eq!(merge([]).notes, ["there is no report"]);
}

#[test]
fn counts_never_overflow() {
    let mut huge = suite("<testcase/>");
    huge.passed = u64::MAX;
    let whole = merge([huge.clone(), huge]);
    assert_eq!((whole.passed, whole.total()), (u64::MAX, u64::MAX));
}

#[test]
fn a_report_in_json_has_upper_case_verdicts() {
    let json = serde_json::to_string(&of("<testsuite><testcase/></testsuite>")).unwrap();
    assert_eq!(
        json,
        r#"{"verdict":"PASS","passed":1,"failed":0,"errors":0,"skipped":0,"flaky":0,"notes":[]}"#
    );
}

/// Pieces that, put together in any order, come near to reports.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<testsuite>",
        "</testsuite>",
        "<testcase>",
        "</testcase>",
        "<testcase/>",
        "<failure/>",
        "<skipped/>",
        "<error>",
        "</error>",
        "<!--",
        "-->",
        "--",
        "<![CDATA[",
        "]]>",
        "]",
        "<?xml version='1.0'?>",
        "<?p",
        "?>",
        "<!DOCTYPE a>",
        "&amp;",
        "&x;",
        "&",
        "<",
        ">",
        "'",
        "\"",
        " a='b'",
        "<testsuite tests='1'",
        "/>",
        "x",
        "\n",
        "<system-out>",
        "</system-out>",
        "\u{FEFF}",
        "\u{1}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A report with one failure, to be damaged.
const DAMAGED: &str = "<?xml version='1.0'?><testsuites tests='3' failures='1'><testsuite name='s' tests='3' \
    failures='1' skipped='1'><testcase name='a' status='run'/><testcase name='b'><skipped/></testcase>\
    <testcase name='c'><failure message='&lt;no&gt;'><![CDATA[x]]></failure><system-out>y</system-out></testcase>\
    </testsuite></testsuites>";

/// Well-formed trees of the elements of reports, in any order and at any place.
fn tree() -> impl Strategy<Value = String> {
    let name = || {
        prop::sample::select(vec![
            "testsuites",
            "testsuite",
            "testsuite",
            "testcase",
            "testcase",
            "testcase",
            "failure",
            "error",
            "skipped",
            "flakyFailure",
            "rerunFailure",
            "system-out",
            "properties",
            "wrapper",
        ])
    };
    let mark = || {
        prop::sample::select(vec!["", "", "", " status='run'", " status='failed'", " tests='1'", " name='a'"])
    };
    let leaf = (name(), mark()).prop_map(|(name, mark)| match mark {
        " status='failed'" if name != "testcase" => format!("<{name}/>"),
        _ => format!("<{name}{mark}/>"),
    });
    let inner = leaf.prop_recursive(5, 40, 6, move |inner| {
        (name(), prop::collection::vec(inner, 0..6))
            .prop_map(|(name, inside)| format!("<{name}>{}</{name}>", inside.concat()))
    });
    prop::collection::vec(inner, 1..4)
        .prop_map(|inside| format!("<testsuites>{}</testsuites>", inside.concat()))
}

proptest! {
    #[test]
    fn any_bytes_are_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let report = read(bytes.as_slice());
        prop_assert!(report.notes.len() <= NOTES_MAX);
    }

    #[test]
    fn any_markup_is_a_verdict_and_pass_means_a_case(text in pieces()) {
        let report = of(&text);
        if report.verdict == Verdict::Pass {
            prop_assert!(text.contains("<testcase") && report.passed > 0 && report.failed + report.errors == 0);
        }
        // How the bytes arrive changes nothing but which of several flaws is met first.
        let slowly = read(BufReader::with_capacity(1, text.as_bytes()));
        prop_assert_eq!(counts(&slowly), counts(&report));
    }

    #[test]
    fn a_failure_is_found_wherever_it_stands(before in 0_usize..30, after in 0_usize..30, depth in 0_usize..20) {
        let text = format!(
            "{}{}<testcase><failure/></testcase>{}{}",
            "<testsuite>".repeat(depth + 1),
            "<testcase/>".repeat(before),
            "<testcase><skipped/></testcase>".repeat(after),
            "</testsuite>".repeat(depth + 1),
        );
        let report = of(&text);
        prop_assert_eq!(counts(&report), (Verdict::Fail, before as u64, 1, 0, after as u64, 0));
    }

    #[test]
    fn no_failure_in_a_well_formed_report_is_a_pass(tree in tree()) {
        let report = of(&tree);
        let cases = tree.matches("<testcase").count() as u64;
        prop_assert!(report.total() + report.skipped <= cases, "{tree}");
        let bad = ["<failure", "<error", "<rerunFailure", "status='failed'"].iter().any(|word| tree.contains(word));
        if bad {
            prop_assert_ne!(report.verdict, Verdict::Pass, "{}", tree);
        }
        if report.verdict == Verdict::Pass {
            prop_assert!(report.passed > 0);
        }
    }

    #[test]
    fn a_damaged_report_is_a_verdict(at in 0_usize..DAMAGED.len(), length in 0_usize..40, byte: u8, again: bool) {
        let mut bytes = DAMAGED.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        if again {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        } else {
            bytes.splice(at..end, [byte]);
        }
        let report = read(bytes.as_slice());
        prop_assert!(report.verdict != Verdict::Pass || !String::from_utf8_lossy(&bytes).contains("<failure"));
    }

    #[test]
    fn every_beginning_of_a_report_is_unreadable(cut in 0_usize..SMALL.len()) {
        prop_assert_eq!(read(&SMALL.as_bytes()[..cut]).verdict, Verdict::Unreadable);
    }
}
