use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use tempfile::TempDir;

use super::*;

const PASS: &str = "<testsuite><testcase name='a'/></testsuite>";
const FAIL: &str = "<testsuite><testcase name='a'><failure/></testcase></testsuite>";

fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn find(dir: &TempDir, globs: &[&str]) -> Found {
    let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    collect(dir.path(), Format::Junit, &globs).unwrap()
}

fn refused(dir: &TempDir, glob: &str) -> String {
    collect(dir.path(), Format::Junit, &[glob.to_owned()]).unwrap_err().to_string()
}

#[test]
fn the_files_of_a_glob_are_read_and_added() {
    let dir = tree(&[
        ("reports/unit/b.xml", PASS),
        ("reports/unit/a.xml", PASS),
        ("reports/unit/notes.txt", "no report"),
        ("reports/unit/deeper/c.xml", FAIL),
        ("reports/e2e/d.xml", FAIL),
    ]);
    let found = find(&dir, &["reports/unit/*.xml"]);
    assert_eq!(found.files, ["reports/unit/a.xml", "reports/unit/b.xml"]);
    assert_eq!((found.report.verdict, found.report.passed), (Verdict::Pass, 2));
}

#[test]
fn two_stars_cross_directories() {
    let dir = tree(&[("a/x.xml", PASS), ("a/b/c/y.xml", FAIL), ("z.xml", PASS)]);
    let found = find(&dir, &["a/**/*.xml"]);
    assert_eq!(found.files, ["a/b/c/y.xml", "a/x.xml"]);
    assert_eq!(found.report.notes, ["`a/b/c/y.xml`: test `a` failed"]);
    assert_eq!(find(&dir, &["**/*.xml"]).files, ["a/b/c/y.xml", "a/x.xml", "z.xml"]);
}

#[test]
fn every_form_of_glob_finds_the_same_file() {
    let dir = tree(&[("m/one/out/t.xml", PASS), ("m/two/other/t.xml", FAIL)]);
    for glob in [
        "m/one/out/t.xml",
        "./m/one/out/t.xml",
        "m/one/out/*.xml",
        "m/*/out/*.xml",
        "*/*/out/t.xml",
        "m/{one,none}/out/?.xml",
        "{m/one,n}/out/t.xml",
        "m/[o]ne/out/t.xml",
        "m/**/out/*.xml",
        "**/out/*",
    ] {
        assert_eq!(find(&dir, &[glob]).files, ["m/one/out/t.xml"], "{glob}");
    }
}

#[test]
fn a_file_of_two_globs_is_counted_once() {
    let dir = tree(&[("r/a.xml", PASS)]);
    let found = find(&dir, &["r/*.xml", "r/a.xml", "**/a.*"]);
    assert_eq!(found.files, ["r/a.xml"]);
    assert_eq!(found.report.passed, 1);
}

#[test]
fn no_match_is_no_evidence() {
    let dir = tree(&[("r/a.txt", PASS)]);
    let found = find(&dir, &["r/*.xml", "gone/*.xml", "r/a.txt/*.xml"]);
    assert_eq!(found.files, Vec::<String>::new());
    assert_eq!((found.newest, found.oldest), (None, None));
    assert_eq!(found.report.verdict, Verdict::Empty);
    assert_eq!(
        found.report.notes,
        ["no evidence: no file matches `r/*.xml` or `gone/*.xml` or `r/a.txt/*.xml`"]
    );
    assert_eq!(find(&dir, &[]).report.notes, ["no evidence: no file matches an empty list of globs"]);
}

#[test]
fn large_foreign_directories_are_skipped_unless_named() {
    let dir = tree(&[
        ("a.xml", PASS),
        (".git/a.xml", FAIL),
        ("web/node_modules/lib/a.xml", FAIL),
        ("java/target/surefire-reports/a.xml", FAIL),
    ]);
    assert_eq!(find(&dir, &["**/*.xml"]).files, ["a.xml"]);
    for glob in ["**/target/surefire-reports/*.xml", "java/target/**/*.xml", "*/target/*/*.xml"] {
        assert_eq!(find(&dir, &[glob]).files, ["java/target/surefire-reports/a.xml"], "{glob}");
    }
    assert_eq!(find(&dir, &["web/node_modules/**/*.xml"]).files, ["web/node_modules/lib/a.xml"]);
}

#[test]
fn only_directories_that_can_match_are_entered() {
    let dir = tree(&[("m/one/out/t.xml", PASS), ("m/one/closed/t.xml", PASS), ("other/t.xml", PASS)]);
    let glob = Pattern::parse("m/*/out/*.xml").unwrap();
    assert_eq!((glob.start.as_path(), glob.depth), (Path::new("m"), Some(3)));
    let entered: Vec<_> = WalkDir::new(dir.path().join("m"))
        .into_iter()
        .filter_entry(|entry| glob.enters(entry))
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_dir())
        .map(|entry| entry.path().strip_prefix(dir.path()).unwrap().to_path_buf())
        .collect();
    assert_eq!(entered, [Path::new("m"), Path::new("m/one"), Path::new("m/one/out")]);
}

#[test]
fn globs_out_of_the_repository_are_refused() {
    let dir = tree(&[]);
    for glob in ["../x.xml", "a/../../x.xml", "/etc/*.xml", "", "."] {
        assert_eq!(
            refused(&dir, glob),
            format!(
                "the glob `{glob}` names no place inside the repository: write it relative to the root, without `..`"
            )
        );
    }
    assert!(refused(&dir, "r/[.xml").starts_with("the glob `r/[.xml` is not valid: "));
}

#[test]
fn links_never_lead_out_of_the_repository() {
    let away = tree(&[("r/a.xml", PASS)]);
    let dir = tree(&[("r/b.xml", PASS), ("inside/c.xml", PASS)]);
    symlink(away.path().join("r/a.xml"), dir.path().join("r/a.xml")).unwrap();
    let found = find(&dir, &["r/*.xml"]);
    assert_eq!(found.files, ["r/a.xml", "r/b.xml"]);
    assert_eq!(found.report.verdict, Verdict::Unreadable);
    assert_eq!(found.report.notes, ["`r/a.xml`: it is a link out of the repository and was not read"]);

    symlink(away.path().join("r"), dir.path().join("out")).unwrap();
    assert!(refused(&dir, "out/*.xml").starts_with("the glob `out/*.xml` names no place inside"));
    assert_eq!(find(&dir, &["o*/*.xml"]).files, Vec::<String>::new());

    symlink(dir.path().join("inside"), dir.path().join("latest")).unwrap();
    assert_eq!(find(&dir, &["latest/*.xml"]).report.verdict, Verdict::Pass);
    symlink("c.xml", dir.path().join("inside/d.xml")).unwrap();
    assert_eq!(find(&dir, &["inside/d.xml"]).report.verdict, Verdict::Pass);
}

#[test]
fn what_is_no_readable_file_is_not_left_out() {
    let dir = tree(&[("r/a.xml", PASS), ("r/sub.xml/keep", "")]);
    symlink("nowhere", dir.path().join("r/broken.xml")).unwrap();
    symlink("sub.xml", dir.path().join("r/dir.xml")).unwrap();
    let found = find(&dir, &["r/*.xml"]);
    assert_eq!(found.files, ["r/a.xml", "r/broken.xml", "r/dir.xml"]);
    assert_eq!((found.report.verdict, found.report.passed), (Verdict::Unreadable, 1));
    assert!(found.report.notes[0].starts_with("`r/broken.xml`: the file could not be opened: "));
    assert_eq!(found.report.notes[1], "`r/dir.xml`: it is not a plain file and was not read");
}

#[test]
fn a_socket_is_not_waited_for() {
    let dir = tree(&[("r/a.xml", PASS)]);
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("r/s.xml")).unwrap();
    let found = find(&dir, &["r/*.xml"]);
    assert_eq!(found.report.notes, ["`r/s.xml`: it is not a plain file and was not read"]);
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error() {
    let dir = tree(&[("r/sub/a.xml", FAIL), ("r/b.xml", PASS)]);
    let sub = dir.path().join("r/sub");
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o000)).unwrap();
    // To the superuser every directory is open; then the failure in it must count.
    let outcome = collect(dir.path(), Format::Junit, &["r/**/*.xml".to_owned()]);
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o755)).unwrap();
    match outcome {
        Ok(found) => assert_eq!(found.report.verdict, Verdict::Fail),
        Err(error) => assert!(error.to_string().starts_with("could not look for reports in `")),
    }
}

#[test]
fn times_are_those_of_the_files() {
    let dir = tree(&[("r/a.xml", PASS), ("r/b.xml", PASS), ("r/c.xml", PASS)]);
    for (name, seconds) in [("r/a.xml", 2_000), ("r/b.xml", 1_000), ("r/c.xml", 1_500)] {
        let file = File::options().write(true).open(dir.path().join(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }
    let found = find(&dir, &["r/*.xml"]);
    assert_eq!(found.oldest, DateTime::from_timestamp(1_000, 0));
    assert_eq!(found.newest, DateTime::from_timestamp(2_000, 0));
}

#[test]
fn a_time_out_of_the_calendar_is_no_panic() {
    assert_eq!(moment(UNIX_EPOCH + Duration::from_secs(i64::MAX as u64)), DateTime::<Utc>::MAX_UTC);
    assert_eq!(moment(UNIX_EPOCH - Duration::from_secs(i64::MAX as u64)), DateTime::<Utc>::MIN_UTC);
    assert_eq!(moment(UNIX_EPOCH - Duration::from_secs(1)), DateTime::from_timestamp(-1, 0).unwrap());
}

#[test]
fn odd_names_are_shown_with_escapes() {
    let dir = tree(&[("r/a\n\u{202e}b.xml", PASS)]);
    fs::write(dir.path().join("r").join(std::ffi::OsStr::from_bytes(b"\xff.xml")), PASS).unwrap();
    let found = find(&dir, &["r/*.xml"]);
    assert_eq!(found.files, ["r/a\\n\\u{202e}b.xml", "r/\u{fffd}.xml"]);
    assert_eq!(found.report.passed, 2);
}

#[test]
fn the_nearest_reports_are_named_where_nothing_matches() {
    let dir = tree(&[
        ("report/unit/a.xml", PASS),
        ("other/deep/b.xml", PASS),
        ("pom.xml", "<project/>"),
        ("node_modules/x/c.xml", PASS),
        ("target/surefire-reports/TEST-d.xml", PASS),
        ("report/unit/e.tap", "1..1\nok 1\n"),
        ("report/unit/notes.tap", "beer"),
    ]);
    symlink("a.xml", dir.path().join("report/unit/link.xml")).unwrap();
    let found = find(&dir, &["reports/unit/*.xml"]);
    assert_eq!(
        found.nearest,
        ["report/unit/a.xml", "target/surefire-reports/TEST-d.xml", "other/deep/b.xml"]
    );
    let found = collect(dir.path(), Format::Tap, &["reports/*.tap".to_owned()]).unwrap();
    assert_eq!(found.nearest, ["report/unit/e.tap"]);
    assert_eq!(find(&dir, &["report/**/*.xml"]).nearest, Vec::<String>::new());
}

#[test]
fn tap_is_read_as_tap() {
    let dir = tree(&[("r/a.tap", "1..2\nok 1\nok 2\n"), ("r/b.tap", "1..1\nnot ok 1 - b\n")]);
    let found = collect(dir.path(), Format::Tap, &["r/*.tap".to_owned()]).unwrap();
    assert_eq!((found.report.verdict, found.report.passed, found.report.failed), (Verdict::Fail, 2, 1));
    assert_eq!(found.report.notes, ["`r/b.tap`: test `b` failed"]);
}
