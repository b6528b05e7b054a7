//! One short report of each producer, as it writes them, with the truth that a person would tell.

use super::{Report, Verdict, read};

/// Verdict, passed, failed, errors, skipped, flaky.
type Truth = (Verdict, u64, u64, u64, u64, u64);

const fn pass(passed: u64, skipped: u64) -> Truth {
    (Verdict::Pass, passed, 0, 0, skipped, 0)
}

const fn fail(passed: u64, failed: u64, errors: u64, skipped: u64) -> Truth {
    (Verdict::Fail, passed, failed, errors, skipped, 0)
}

#[track_caller]
fn says(producer: &str, text: &str, truth: Truth) -> Report {
    let report = read(text.as_bytes());
    let Report { verdict, passed, failed, errors, skipped, flaky, .. } = report;
    let found = (verdict, passed, failed, errors, skipped, flaky);
    assert_eq!(found, truth, "{producer}: {:?}", report.notes);
    report
}

#[test]
fn pytest() {
    says(
        "xunit2",
        r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0"
        failures="0" skipped="2" tests="4" time="0.042" timestamp="2026-05-02T10:00:00.123456+00:00" hostname="ci">
        <testcase classname="tests.test_a" name="test_one" time="0.001" /><testcase classname="tests.test_a"
        name="test_xfail" time="0.000"><skipped type="pytest.xfail" message="later" /></testcase><testcase
        classname="tests.test_a" name="test_skip" time="0.000"><skipped type="pytest.skip" message="no"
        >/w/tests/test_a.py:3: no</skipped></testcase><testcase classname="tests.test_a" name="test_xpass"
        time="0.000" /></testsuite></testsuites>"#,
        pass(2, 2),
    );
    says(
        "failing call and failing teardown: two cases of one name",
        r#"<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="0" tests="2"><testcase classname="t"
        name="test_a"><failure message="assert 0">E</failure></testcase><testcase classname="t" name="test_a"><error
        message="failed on teardown">E</error></testcase></testsuite></testsuites>"#,
        fail(0, 1, 1, 0),
    );
    says(
        "collection error",
        r#"<testsuites><testsuite name="pytest" errors="1" failures="0" skipped="0" tests="1"><testcase classname=""
        name="tests.test_b"><error message="collection failure">E</error></testcase></testsuite></testsuites>"#,
        fail(0, 0, 1, 0),
    );
    says(
        "nothing collected",
        r#"<testsuites><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="0"/></testsuites>"#,
        (Verdict::Empty, 0, 0, 0, 0, 0),
    );
}

#[test]
fn surefire_failsafe_and_gradle() {
    says(
        "surefire",
        r#"<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://x/y.xsd"
        version="3.0.2" name="A" time="0.1" tests="3" errors="0" skipped="1" failures="0" flakes="1"><properties><property
        name="java.class.path" value="/a.jar:/b.jar"/></properties><testcase name="one" classname="A" time="0.01"/>
        <testcase name="two" classname="A" time="0.01"><flakyFailure message="m" type="T"><stackTrace><![CDATA[T: m]]>
        </stackTrace><system-out><![CDATA[x]]></system-out></flakyFailure></testcase><testcase name="three" classname="A"
        time="0"><skipped message="off"/></testcase></testsuite>"#,
        (Verdict::Pass, 2, 0, 0, 1, 1),
    );
    says(
        "surefire, failing for good after reruns",
        r#"<testsuite name="A" tests="1" errors="1" skipped="0" failures="0"><testcase name="a" classname="A"><error type="E">
        x</error><rerunError type="E"><stackTrace>x</stackTrace></rerunError></testcase></testsuite>"#,
        fail(0, 0, 1, 0),
    );
    says(
        "gradle",
        r#"<?xml version="1.0" encoding="UTF-8"?><testsuite name="com.x.ATest" tests="2" skipped="0" failures="0" errors="0"
        timestamp="2026-05-02T10:00:00" hostname="h" time="0.02"><properties/><testcase name="a()" classname="com.x.ATest"
        time="0.01"/><testcase name="b()" classname="com.x.ATest" time="0.0"/><system-out><![CDATA[]]></system-out>
        <system-err><![CDATA[]]></system-err></testsuite>"#,
        pass(2, 0),
    );
    let summary = |attributes: &str| {
        format!(
            "<failsafe-summary {attributes}><completed>3</completed><errors>0</errors><failures>0</failures>\
            <skipped>0</skipped><failureMessage/></failsafe-summary>"
        )
    };
    let empty = (Verdict::Empty, 0, 0, 0, 0, 0);
    says("summary", &summary(r#"result="null" timeout="false""#), empty);
    says("summary", &summary(r#"timeout="false""#), empty);
    says("summary of no tests", &summary(r#"result="254" timeout="false""#), empty);
    says("summary of a failure", &summary(r#"result="255" timeout="false""#), fail(0, 0, 0, 0));
    says("summary of a timeout", &summary(r#"result="null" timeout="true""#), fail(0, 0, 0, 0));
}

#[test]
fn javascript() {
    says(
        "jest-junit, a file that does not load",
        r#"<testsuites name="jest tests" tests="1" failures="0" errors="1" time="1"><testsuite name="a.test.js" errors="1"
        failures="0" skipped="0" timestamp="2026-05-02T10:00:00" time="0" tests="1"><testcase classname="Test suite failed to run"
        name="a.test.js" time="0"><error>SyntaxError</error></testcase></testsuite></testsuites>"#,
        fail(0, 0, 1, 0),
    );
    says(
        "jest-junit, the same without reportTestSuiteErrors",
        r#"<testsuites name="jest tests" tests="1" failures="0" errors="1"><testsuite name="undefined" errors="1" failures="0"
        skipped="0" tests="0"/><testsuite name="b" errors="0" failures="0" skipped="0" tests="1"><testcase classname="b" name="b"/>
        </testsuite></testsuites>"#,
        (Verdict::Ambiguous, 1, 0, 0, 0, 0),
    );
    says(
        "vitest",
        r#"<?xml version="1.0" encoding="UTF-8" ?><testsuites name="vitest tests" tests="3" failures="1" errors="0" time="0.3">
        <testsuite name="a.test.ts" timestamp="2026-05-02T10:00:00.000Z" hostname="h" tests="3" failures="1" errors="0"
        skipped="1" time="0.1"><testcase classname="a.test.ts" name="ok" time="0.1"></testcase><testcase classname="a.test.ts"
        name="bad" time="0.1"><failure message="expected 1 to be 2">AssertionError</failure></testcase><testcase
        classname="a.test.ts" name="later" time="0"><skipped/></testcase></testsuite></testsuites>"#,
        fail(1, 1, 0, 1),
    );
    says(
        "mocha-junit-reporter",
        r#"<testsuites name="Mocha Tests" time="0.01" tests="2" failures="0"><testsuite name="Root Suite" timestamp="2026-05-02T10:00:00"
        tests="0" time="0" failures="0"></testsuite><testsuite name="Outer" tests="2" time="0" failures="0"><testcase name="Outer a"
        time="0" classname="a"/><testcase name="Outer b" time="0" classname="b"/></testsuite></testsuites>"#,
        pass(2, 0),
    );
    says(
        "playwright, one flaky",
        r#"<testsuites id="" name="" tests="2" failures="0" skipped="1" errors="0" time="2.1"><testsuite name="a.spec.ts"
        timestamp="2026-05-02T10:00:00.000Z" hostname="chromium" tests="2" failures="0" skipped="1" time="2" errors="0"><testcase
        name="flaky" classname="a.spec.ts" time="2"><system-out><![CDATA[[[ATTACHMENT|a/trace.zip]]]]></system-out></testcase>
        <testcase name="off" classname="a.spec.ts" time="0"><skipped></skipped></testcase></testsuite></testsuites>"#,
        pass(1, 1),
    );
    says(
        "node:test",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>\n\t<testcase name=\"a\" time=\"0.001\" classname=\"test\"/>\n\
        \t<testsuite name=\"s\" time=\"0.1\" disabled=\"0\" errors=\"0\" tests=\"2\" failures=\"0\" skipped=\"1\" hostname=\"h\">\n\
        \t\t<testcase name=\"b\" time=\"0.1\" classname=\"test\"/>\n\t\t<testcase name=\"c\" time=\"0\" classname=\"test\">\n\
        \t\t\t<skipped type=\"todo\" message=\"true\"/>\n\t\t</testcase>\n\t</testsuite>\n\t<!-- tests 3 -->\n</testsuites>\n",
        pass(2, 1),
    );
    says(
        "node:test, cancelled",
        r#"<testsuites><testcase name="a" time="1" classname="test" failure="cancelled"><failure type="cancelledByParent"
        message="x">[Error]</failure></testcase></testsuites>"#,
        fail(0, 1, 0, 0),
    );
    says(
        "karma",
        r#"<testsuite name="Chrome" package="" timestamp="2026-05-02T10:00:00" id="0" hostname="h" tests="2" errors="0" failures="0"
        time="0.1"><properties><property name="browser.fullName" value="Mozilla/5.0"/></properties><testcase name="a" time="0"
        classname="A"/><testcase name="b" time="0" classname="A"><skipped/></testcase><system-out><![CDATA[]]></system-out>
        <system-err/></testsuite>"#,
        pass(1, 1),
    );
    says(
        "newman",
        r#"<testsuites name="API" tests="2" time="1.2"><testsuite name="GET" id="5f0c" timestamp="2026-05-02T10:00:00.000Z" tests="2"
        failures="0" errors="0" time="0.1"><testcase name="is 200" time="0.1" classname="API"/><testcase name="is JSON" time="0.1"
        classname="API"/></testsuite></testsuites>"#,
        pass(2, 0),
    );
    says(
        "nightwatch, whose totals count assertions",
        r#"<testsuites errors="0" failures="0" tests="5"><testsuite name="login" errors="0" failures="0" hostname="" id="" package="login"
        skipped="0" tests="5" time="1" timestamp=""><testcase name="a" classname="login" time="1" assertions="3"></testcase>
        <testcase name="b" classname="login" time="1" assertions="2"></testcase></testsuite></testsuites>"#,
        pass(2, 0),
    );
}

#[test]
fn go() {
    says(
        "go-junit-report, a package that does not build",
        r#"<testsuites tests="2" failures="0" errors="1"><testsuite name="pkg/a" tests="1" failures="0" errors="1" id="0" time="0">
        <testcase name="[build failed]" classname="pkg/a" time="0"><error message="Build error"><![CDATA[x]]></error></testcase>
        </testsuite><testsuite name="pkg/b" tests="1" failures="0" errors="0" id="1" time="0"><testcase name="TestB"
        classname="pkg/b" time="0.1"></testcase></testsuite></testsuites>"#,
        fail(1, 0, 1, 0),
    );
    says(
        "gotestsum, a package that failed outside its tests",
        r#"<testsuites tests="1" failures="1" errors="0" time="0.3"><testsuite tests="0" failures="0" time="0" name="pkg/none"
        timestamp="2026-05-02T10:00:00Z"><properties><property name="go.version" value="go1.24"/></properties></testsuite>
        <testsuite tests="1" failures="1" time="0.1" name="pkg/a"><testcase classname="" name="TestMain" time="0"><failure
        message="Failed" type="">panic</failure></testcase></testsuite></testsuites>"#,
        fail(0, 1, 0, 0),
    );
}

#[test]
fn rust() {
    says(
        "nextest",
        r#"<testsuites name="nextest-run" tests="2" failures="0" errors="0" uuid="u" timestamp="2026-05-02T10:00:00.000+00:00"
        time="0.1"><testsuite name="c" tests="2" disabled="0" errors="0" failures="0"><testcase name="a" classname="c"
        timestamp="2026-05-02T10:00:00.000+00:00" time="0.1"></testcase><testcase name="b" classname="c" time="0.1"><flakyFailure
        timestamp="t" time="0.1" message="m" type="test failure"><system-err>x</system-err></flakyFailure></testcase>
        </testsuite></testsuites>"#,
        (Verdict::Pass, 2, 0, 0, 0, 1),
    );
    says(
        "libtest",
        r#"<?xml version="1.0" encoding="UTF-8"?><testsuites><testsuite name="test" package="test" id="0" errors="0" failures="1"
        tests="3" skipped="1"><testcase classname="m" name="a" time="0.1"/><testcase classname="m" name="b" time="0.1"><failure
        message="x" type="assert"/></testcase><system-out/><system-err/></testsuite></testsuites>"#,
        fail(1, 1, 0, 0),
    );
}

#[test]
fn php_ruby_perl() {
    says(
        "phpunit: totals of nested suites stand at each level",
        r#"<testsuites><testsuite name="" tests="3" assertions="7" errors="0" warnings="0" failures="0" skipped="1" time="0.1">
        <testsuite name="ATest" file="/w/ATest.php" tests="3" assertions="7" errors="0" failures="0" skipped="1" time="0.1">
        <testcase name="testA" class="ATest" classname="ATest" file="/w/ATest.php" line="9" assertions="4" time="0.1"/>
        <testsuite name="ATest::testB" tests="2" assertions="3" errors="0" failures="0" skipped="1" time="0.1"><testcase
        name="testB with data set #0" class="ATest" classname="ATest" assertions="3" time="0.1"/><testcase name="testB with data set #1"
        class="ATest" classname="ATest" assertions="0" time="0"><skipped/></testcase></testsuite></testsuite></testsuite></testsuites>"#,
        pass(2, 1),
    );
    says(
        "phpunit, a risky test",
        r#"<testsuites><testsuite name="A" tests="1" assertions="0" errors="1" failures="0" skipped="0"><testcase name="a"
        assertions="0"><error type="PHPUnit\Framework\RiskyTestError">Risky Test</error></testcase></testsuite></testsuites>"#,
        fail(0, 0, 1, 0),
    );
    says(
        "rspec",
        r#"<testsuite name="rspec" tests="2" skipped="1" failures="0" errors="0" time="0.1" timestamp="2026-05-02T10:00:00+02:00"
        hostname="h"><properties><property name="seed" value="1"/></properties><testcase classname="spec.a_spec" name="a"
        file="./spec/a_spec.rb" time="0.1"></testcase><testcase classname="spec.a_spec" name="b" file="./spec/a_spec.rb"
        time="0"><skipped/></testcase></testsuite>"#,
        pass(1, 1),
    );
    says(
        "TAP::Formatter::JUnit, a bad plan",
        r#"<testsuites><testsuite failures="0" errors="1" name="t_a_t" tests="2"><testcase name="1 - a"></testcase><system-out/>
        <system-err/><error message="Bad plan.  You planned 2 tests but ran 1." type="plan">x</error></testsuite></testsuites>"#,
        fail(1, 0, 0, 0),
    );
}

#[test]
fn c_and_c_plus_plus() {
    let google = r#"<testsuites tests="3" failures="0" disabled="1" errors="0" time="0." timestamp="2026-05-02T10:00:00.000" name="AllTests">
        <testsuite name="A" tests="3" failures="0" disabled="1" skipped="1" errors="0" time="0."><testcase name="a" file="a.cc" line="3"
        status="run" result="completed" time="0." classname="A" /><testcase name="DISABLED_b" status="notrun" result="suppressed" time="0."
        classname="A" /><testcase name="c" status="run" result="skipped" time="0." classname="A"><skipped message="a.cc:9&#x0A;no"><![CDATA[x]]>
        </skipped></testcase></testsuite></testsuites>"#;
    says("googletest", google, pass(1, 2));
    let report = says(
        "googletest --gtest_list_tests",
        r#"<testsuites tests="2" name="AllTests"><testsuite name="A" tests="2"><testcase name="a" file="a.cc" line="3" />
        <testcase name="b" file="a.cc" line="9" /></testsuite></testsuites>"#,
        (Verdict::Ambiguous, 2, 0, 0, 0, 0),
    );
    assert_eq!(report.notes, ["it is a list of tests and not of results"]);
    says(
        "ctest",
        r#"<testsuite name="(empty)" tests="3" failures="0" disabled="1" skipped="1" hostname="" time="0" timestamp="2026-05-02T10:00:00">
        <testcase name="a" classname="a" time="0.1" status="run"><properties/><system-out/></testcase><testcase name="b" classname="b"
        time="0" status="disabled"><properties/><system-out>Disabled</system-out></testcase><testcase name="c" classname="c" time="0"
        status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><properties/><system-out/></testcase></testsuite>"#,
        pass(1, 2),
    );
    says(
        "ctest, a test whose program is missing",
        r#"<testsuite name="x" tests="2" failures="0" disabled="0" skipped="1"><testcase name="a" time="0.1" status="run"/><testcase
        name="b" time="0" status="notrun"><skipped message="Unable to find executable: /b"/></testcase></testsuite>"#,
        (Verdict::Ambiguous, 1, 0, 0, 1, 0),
    );
    let catch = |failures: u8, cases: &str| {
        format!(
            r#"<testsuites><testsuite name="tests" errors="0" failures="{failures}" skipped="0" tests="24" hostname="tbd" time="0.1"
            timestamp="2026-05-02T10:00:00Z"><properties><property name="random-seed" value="7"/></properties>{cases}<system-out/>
            <system-err/></testsuite></testsuites>"#
        )
    };
    let report = says(
        "Catch2, whose totals count assertions",
        &catch(0, r#"<testcase classname="tests.global" name="a" time="0.1" status="run"/>"#),
        pass(1, 0),
    );
    assert_eq!(report.notes, ["suite `tests` counts 24 assertions in 1 test"]);
    says(
        "Catch2, three assertions failed in one test",
        &catch(
            3,
            r#"<testcase classname="tests.global" name="a" status="run"><failure/><failure/><failure/></testcase>"#,
        ),
        fail(0, 1, 0, 0),
    );
    says(
        "Catch2, claiming a failure that is not there",
        &catch(1, r#"<testcase classname="tests.global" name="a" status="run"/>"#),
        (Verdict::Ambiguous, 1, 0, 0, 0, 0),
    );
    says(
        "doctest, whose totals count assertions",
        r#"<testsuites><testsuite name="tests" errors="0" failures="0" tests="17" time="0.1" timestamp="2026-05-02T10:00:00Z"
        doctest_version="2.4.11"><testcase classname="a.cpp" name="a" time="0.1" status="run"/></testsuite></testsuites>"#,
        pass(1, 0),
    );
    says(
        "Boost.Test",
        r#"<testsuite tests="2" skipped="1" errors="0" failures="0" id="0" name="M" time="0.1"><testcase assertions="5" name="a"
        time="0.1"/><testcase assertions="0" name="b" time="0"><skipped/></testcase></testsuite>"#,
        pass(1, 1),
    );
    says(
        "bazel's wrapper of a test that exited badly",
        r#"<testsuites><testsuite name="a/b" tests="1" failures="0" errors="1"><testcase name="a/b" status="run" duration="1" time="1">
        <error message="exited with error code 1"></error></testcase><system-out>Generated test.log (if the file is not UTF-8, then this may
        be unreadable):<![CDATA[x]]></system-out></testsuite></testsuites>"#,
        fail(0, 0, 1, 0),
    );
}

#[test]
fn the_rest_of_the_world() {
    for (producer, text, truth) in [
        (
            "behave",
            r#"<testsuite name="f.F" tests="3" errors="0" failures="0" skipped="2" time="0.1" timestamp="2026-05-02T10:00:00.1"><testcase
            classname="f.F" name="a" status="passed" time="0"><system-out><![CDATA[x]]></system-out></testcase><testcase classname="f.F" name="b"
            status="skipped" time="0"><skipped/></testcase><testcase classname="f.F" name="c" status="untested" time="0"/></testsuite>"#,
            pass(1, 2),
        ),
        (
            "behave, an undefined step",
            r#"<testsuite name="f.F" tests="1" errors="0" failures="1" skipped="0"><testcase classname="f.F" name="a" status="undefined">
            <failure type="undefined" message="x"/></testcase></testsuite>"#,
            fail(0, 1, 0, 0),
        ),
        (
            "Pester, run with a filter",
            r#"<testsuites xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="Pester" tests="4" errors="0" failures="0" disabled="3"
            time="1"><testsuite name="a.Tests.ps1" tests="4" errors="0" failures="0" hostname="h" id="0" skipped="1" disabled="2" package="p"
            time="1"><properties/><testcase name="a" status="Passed" classname="p" assertions="0" time="1"/><testcase name="b" status="Skipped"
            classname="p" assertions="0" time="0"><skipped message=""/></testcase></testsuite></testsuites>"#,
            pass(1, 1),
        ),
        (
            "robot --xunit",
            r#"<testsuite name="R" tests="1" errors="0" failures="0" skipped="0" time="0.1" timestamp="2026-05-02T10:00:00.1"><testcase
            classname="R" name="A" time="0.1"></testcase></testsuite>"#,
            pass(1, 0),
        ),
        (
            "swift test --xunit-output",
            r#"<testsuites><testsuite name="TestResults" errors="0" tests="1" failures="0" skipped="0" time="0.1"><testcase classname="A.B"
            name="c" time="0.1"></testcase></testsuite></testsuites>"#,
            pass(1, 0),
        ),
        (
            "JunitXml.TestLogger",
            r#"<testsuites><testsuite name="A.dll" tests="2" skipped="1" failures="0" errors="0" time="1" timestamp="2026-05-02T10:00:00"
            hostname="h" id="0" package="A.dll"><properties /><testcase classname="A.B" name="C" time="0.1" /><testcase classname="A.B" name="D"
            time="0"><skipped message="x" /></testcase><system-out>Test Framework Informational Messages:</system-out><system-err />
            </testsuite></testsuites>"#,
            pass(1, 1),
        ),
        (
            "TestNG junitreports",
            r#"<testsuite ignored="1" hostname="h" failures="0" tests="1" name="A" time="0.1" errors="0" timestamp="2026-05-02T10:00:00 UTC"
            skipped="0"><testcase classname="A" name="b" time="0.1"/><testcase classname="A" name="c"><ignored/></testcase></testsuite>"#,
            pass(1, 1),
        ),
        (
            "bats --report-formatter junit",
            r#"<testsuites time="0.1"><testsuite name="a.bats" tests="2" failures="0" errors="0" skipped="1" time="0.1"
            timestamp="2026-05-02T10:00:00" hostname="h"><testcase classname="a.bats" name="x" time="0.1" /><testcase classname="a.bats"
            name="y" time="0"><skipped></skipped></testcase></testsuite></testsuites>"#,
            pass(1, 1),
        ),
        (
            "ExUnit",
            r#"<testsuites><testsuite errors="0" failures="0" name="Elixir.A" tests="2" time="0.1"><properties><property name="seed" value="1"/>
            </properties><testcase classname="Elixir.A" name="test a" time="0.1"/><testcase classname="Elixir.A" name="test b" time="0"><skipped/>
            </testcase></testsuite></testsuites>"#,
            pass(1, 1),
        ),
        (
            "eunit_surefire",
            r#"<testsuite tests="1" failures="0" errors="0" skipped="0" time="0.1" name="module 'a'"><testcase time="0.1" name="a:b_test/0"/>
            </testsuite>"#,
            pass(1, 0),
        ),
        (
            "testthat",
            r#"<testsuites><testsuite name="a" timestamp="2026-05-02T10:00:00Z" hostname="h" tests="1" skipped="0" failures="0" errors="0" time="0">
            <testcase time="0" classname="a" name="b"/></testsuite></testsuites>"#,
            pass(1, 0),
        ),
        (
            "k6 thresholds",
            r#"<testsuites tests="1" failures="1"><testsuite name="k6 thresholds" tests="1" failures="1"><testcase name="http_req_duration - p(95)">
            <failure message="failed" /></testcase></testsuite></testsuites>"#,
            fail(0, 1, 0, 0),
        ),
        (
            "cucumber-jvm",
            r#"<testsuite name="Cucumber" time="0.1" tests="2" skipped="1" failures="0" errors="0"><testcase classname="F" name="a" time="0.1">
            <system-out><![CDATA[Given x....passed]]></system-out></testcase><testcase classname="F" name="b" time="0"><skipped><![CDATA[
            Given y...pending]]></skipped></testcase></testsuite>"#,
            pass(1, 1),
        ),
        (
            "ESLint",
            r#"<testsuites><testsuite package="org.eslint" time="0" tests="1" errors="0" name="/w/a.js"><testcase time="0" name="/w/a.js"
            classname="/w/a" /></testsuite></testsuites>"#,
            pass(1, 0),
        ),
        (
            "tap-xunit",
            r#"<testsuites><testsuite tests="2" failures="0" errors="0" name="Default"><testcase name="\#1 a"/><testcase name="\#2 b"/></testsuite>
            </testsuites>"#,
            pass(2, 0),
        ),
    ] {
        says(producer, text, truth);
    }
}

#[test]
fn a_status_that_nobody_knows_ticks_only_when_it_sounds_well() {
    let with = |status: &str| {
        let text = format!("<testsuite><testcase name='a' status='{status}'/></testsuite>");
        read(text.as_bytes()).verdict
    };
    for status in ["run", "Passed", "SUCCESS", "0", "", "erfolgreich", "fixed"] {
        assert_eq!(with(status), Verdict::Pass, "{status}");
    }
    for status in ["softfail", "not ok", "in-progress", "started", "worker crash", "unknown", "cancelling"] {
        assert_eq!(with(status), Verdict::Ambiguous, "{status}");
    }
    for status in ["untested", "filtered", "Inconclusive"] {
        assert_eq!(with(status), Verdict::Empty, "{status}");
    }
}

#[test]
fn other_reports_are_called_by_their_name() {
    for (text, what) in [
        (
            "<?xml version='1.0'?>\n<!DOCTYPE coverage SYSTEM 'http://x/coverage-04.dtd'>\n<coverage/>",
            "a coverage report (Cobertura or Clover)",
        ),
        ("<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML'><html/>", "an HTML page"),
        ("<!doctype html><html><head><meta charset='utf-8'></head></html>", "an HTML page"),
        ("<!DOCTYPE html><html><body><br></body></html>", "an HTML page"),
        (
            "<TestRun id='x' xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'/>",
            "a Visual Studio test report (TRX)",
        ),
        (
            "<testng-results skipped='0' failed='0' passed='1'/>",
            "TestNG's own report: take those in `junitreports`",
        ),
        (
            "<e:events xmlns:e='https://schemas.opentest4j.org/reporting/events/0.1.0'/>",
            "an Open Test Reporting log",
        ),
        ("<report name='x'><counter/></report>", "a coverage report (JaCoCo)"),
    ] {
        let report = read(text.as_bytes());
        assert_eq!(report.verdict, Verdict::Unreadable, "{text}");
        let note = &report.notes[0];
        assert!(note.ends_with(&format!("it seems to be {what}, and not JUnit")), "{note}");
    }
    for (bytes, what) in [
        (&b"\x1F\x8B\x08\0\0"[..], "compressed with gzip: unpack it first"),
        (b"PK\x03\x04\x14\0", "a ZIP archive: unpack it first"),
        (b"\n{\"tests\": []}", "JSON"),
        (b"TAP version 13\n1..1\nok 1\n", "TAP: name it under `tap` and not under `junit`"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer and not the file itself: run `git lfs pull`",
        ),
    ] {
        let report = read(bytes);
        assert_eq!(report.verdict, Verdict::Unreadable);
        assert_eq!(report.notes, [format!("not a readable report, near line 1: it seems to be {what}")]);
    }
}

#[test]
fn when_it_ran_is_read_in_the_usual_forms() {
    let latest = |stamps: &[&str]| {
        let suites: String = stamps
            .iter()
            .map(|stamp| format!("<testsuite timestamp='{stamp}'><testcase/></testsuite>"))
            .collect();
        read(format!("<testsuites>{suites}</testsuites>").as_bytes()).latest.map(|moment| moment.to_rfc3339())
    };
    for stamp in [
        "2026-05-02T10:00:00Z",
        "2026-05-02T12:00:00+02:00",
        "2026-05-02T12:00:00.000+0200",
        "2026-05-02T10:00:00Z[UTC]",
        "2026-05-02 05:00:00 -0500",
        // Without a zone it is local time: the latest that it can mean is 12 hours later.
        "2026-05-01T22:00:00",
    ] {
        assert_eq!(latest(&[stamp]).unwrap(), "2026-05-02T10:00:00+00:00", "{stamp}");
    }
    assert_eq!(
        latest(&["2026-05-02T10:00:00Z", "2026-05-01T10:00:00Z", ""]).unwrap(),
        "2026-05-02T10:00:00+00:00"
    );
    for unclear in ["yesterday", "1970-01-01T00:00:00Z", "1980-02-01T00:00:00"] {
        assert_eq!(latest(&["2026-05-02T10:00:00Z", unclear]), None, "{unclear}");
    }
    assert_eq!(latest(&[]), None);
}
