//! What a file is that is no JUnit report: the name of it helps more than the place of the first flaw.

/// Root elements of the formats that are taken for JUnit by mistake, and what people call them.
const ROOTS: [(&str, &str); 29] = [
    ("assemblies", "an xUnit.net report"),
    ("assembly", "an xUnit.net report"),
    ("BugCollection", "a SpotBugs report"),
    ("Catch", "Catch's own report: ask it for `-r junit`"),
    ("Catch2TestRun", "Catch2's own report: ask it for `-r junit`"),
    ("checkstyle", "a Checkstyle report"),
    ("coverage", "a coverage report (Cobertura or Clover)"),
    ("CUNIT_TEST_RUN_REPORT", "CUnit's own report"),
    ("doctest", "doctest's own report: ask it for `-r=junit`"),
    ("events", "an Open Test Reporting log"),
    ("html", "an HTML page"),
    ("issues", "a lint report"),
    ("plist", "an Apple property list"),
    ("pmd", "a PMD report"),
    ("project", "a build file of Maven or Ant"),
    ("report", "a coverage report (JaCoCo)"),
    ("robot", "Robot Framework's own output: ask it for `--xunit`"),
    ("Site", "CTest's own report for CDash: ask it for `--output-junit`"),
    ("suite", "a suite file of TestNG"),
    ("test-results", "an NUnit 2 report"),
    ("test-run", "an NUnit 3 report"),
    ("testExecutions", "a generic test report of SonarQube"),
    ("TestLog", "Boost.Test's own log: ask it for `--log_format=JUNIT`"),
    ("testng-results", "TestNG's own report: take those in `junitreports`"),
    ("TestResult", "Boost.Test's own result: ask it for `--log_format=JUNIT`"),
    ("testResults", "a JMeter result file"),
    ("TestRun", "a Visual Studio test report (TRX)"),
    ("testsuitesummary", "a summary of tests"),
    ("svg", "a picture (SVG)"),
];

/// Beginnings of files that are no XML at all.
const STARTS: [(&[u8], &str); 13] = [
    (b"\x1F\x8B", "compressed with gzip: unpack it first"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd: unpack it first"),
    (b"\xFD7zXZ", "compressed with xz: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "a database"),
    (b"version https://git-lfs", "a Git LFS pointer and not the file itself: run `git lfs pull`"),
    (b"TAP version ", "TAP: name it under `tap` and not under `junit`"),
    (b"1..", "TAP: name it under `tap` and not under `junit`"),
    (b"ok ", "TAP: name it under `tap` and not under `junit`"),
    (b"not ok ", "TAP: name it under `tap` and not under `junit`"),
    (b"{", "JSON"),
];

/// What a file with this root element probably is.
pub(super) fn by_root(root: &str) -> Option<&'static str> {
    ROOTS.into_iter().find(|(name, _)| *name == root).map(|(_, what)| what)
}

/// What a file with these first bytes probably is, when it cannot be XML.
pub(super) fn by_start(bytes: &[u8]) -> Option<&'static str> {
    STARTS.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| what)
}
