//! `history`: the workflow document's table, its filters and its forms.

mod browser;
mod page;

use serde_json::json;

use crate::ci_examples::check_jsonschema;
use crate::house::{House, POLICY};

/// v1.4.0 was deployed, v1.4.1 (one fix, urgent) failed and was rolled back, both on the same day.
pub(crate) fn three_rows() -> House {
    rolled_back("checkout fails")
}

/// The same, for this reason.
pub(crate) fn rolled_back(reason: &str) -> House {
    let (house, _) = House::deployed();
    house.clock("2026-11-24T10:00:00Z");
    house.write("app/total.txt", "12.51\n");
    house.commit("fix(cart): =round, \"half\" up");
    house.tag("v1.4.1");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let words = [
        "request",
        "v1.4.1",
        "--as",
        "orchestrator",
        "--urgency",
        "urgent",
        "--summary",
        "=cmd|' /C', \"x\" | y",
    ];
    let id = house.run(words).any_stdout().exit(0);
    let id = id.stdout.split_whitespace().nth(1).expect("an id").to_owned();
    house.person("bob").approves(&id);
    house.clock("2026-11-24T10:30:00Z");
    house.person("alice").deploys(&id);
    house.clock("2026-11-24T11:00:00Z");
    house.person("bob").rolls_back(reason);
    house
}

const TABLE: &str = "\
Date        Version  Type      Status       Rollback  Notes
2026-11-24  v1.4.0   Rollback  Success      N/A       back from v1.4.1: checkout fails
2026-11-24  v1.4.1   Hotfix    Rolled back  Yes       report open since 2026-11-24; checkout fails
2026-11-23  v1.4.0   Feature   Success      N/A       Totals in the cart
";

/// The versions of the rows, newest first.
#[track_caller]
fn versions(house: &House, words: &[&str]) -> Vec<String> {
    let words = ["history", "--json"].iter().chain(words).copied();
    let answer = house.run(words).any_stdout().exit(0).json();
    let rows = answer["deployments"].as_array().expect("rows").clone();
    rows.iter().map(|row| row["version"].as_str().expect("a version").to_owned()).collect()
}

#[test]
fn the_table_has_the_documents_columns_and_the_newest_first() {
    let house = three_rows();
    house.run(["history"]).stdout(TABLE).exit(0);
    let markdown = "\
| Date | Version | Type | Status | Rollback | Notes |
|------|---------|------|--------|----------|-------|
| 2026-11-24 | v1.4.0 | Rollback | Success | N/A | back from v1.4.1: checkout fails |
| 2026-11-24 | v1.4.1 | Hotfix | Rolled back | Yes | report open since 2026-11-24; checkout fails |
| 2026-11-23 | v1.4.0 | Feature | Success | N/A | Totals in the cart |
";
    house.run(["history", "--format", "markdown"]).stdout(markdown).exit(0);
}

#[test]
fn every_filter_leaves_what_it_names() {
    let house = three_rows();
    let of = |words: &[&str]| versions(&house, words).join(" ");
    assert_eq!(of(&[]), "v1.4.0 v1.4.1 v1.4.0");
    assert_eq!(of(&["--since", "2026-11-24"]), "v1.4.0 v1.4.1");
    assert_eq!(of(&["--since", "20m"]), "v1.4.0");
    assert_eq!(of(&["--until", "2026-11-23"]), "v1.4.0");
    assert_eq!(of(&["--since", "2026-11-24T10:00:00Z", "--until", "2026-11-24T10:31:00Z"]), "v1.4.1");
    assert_eq!(of(&["--version", "v1.4.1"]), "v1.4.1");
    assert_eq!(of(&["--by", "alice"]), "v1.4.1 v1.4.0");
    assert_eq!(of(&["--by", "carol"]), "");
    assert_eq!(of(&["--status", "rolled-back"]), "v1.4.1");
    assert_eq!(of(&["--status", "failed"]), "");
    assert_eq!(of(&["-e", "production"]), "v1.4.0 v1.4.1 v1.4.0");
    house.run(["history", "--limit", "0"]).any_stderr().exit(2);
    let reversed = "error: nothing is between `--since` (2026-11-24) and `--until` (2026-11-23): the earlier one goes to `--since`\n";
    house.run(["history", "--since", "2026-11-24", "--until", "2026-11-23"]).stderr(reversed).exit(2);
    let whole = "error: `--verify` checks every entry: leave out `--until`\n";
    house.run(["history", "--verify", "--until", "2026-11-23"]).stderr(whole).exit(2);
    let two = house.run(["history", "--limit", "2"]).stderr("there are more: raise or leave out `--limit`\n");
    assert_eq!(two.any_stdout().exit(0).stdout.lines().count(), 3);
    house.run(["history", "--by", "carol"]).stdout("no deployment fits these options\n").exit(0);
    house.run(["history", "--since", "yesterday"]).any_stderr().exit(2);
}

#[test]
fn a_spreadsheet_gets_text_and_no_formula() {
    let house = three_rows();
    let csv = house.run(["history", "--format", "csv", "--version", "v1.4.1"]).any_stdout().exit(0).stdout;
    let (head, row) = csv.split_once("\r\n").expect("two lines");
    assert_eq!(
        head,
        "Date,Version,Type,Status,Rollback,Notes,Environment,Started,Ended,Commit,Previous,Request,Executed by,Approved by,Recorded in"
    );
    let begins = "2026-11-24,v1.4.1,Hotfix,Rolled back,Yes,report open since 2026-11-24; checkout fails,";
    assert!(row.starts_with(begins), "{row}");
    assert!(row.ends_with(",alice,bob,ledger\r\n"), "{row}");
    let wrong = house.run(["status", "--format", "csv"]).any_stderr().exit(2).stderr;
    assert!(wrong.contains("only `deployctl history` has '--format csv'"), "{wrong}");
}

#[test]
fn the_table_in_a_file_is_kept_between_its_markers() {
    let house = three_rows();
    let writes = || house.run(["history", "--write", "HISTORY.md", "-e", "production"]);
    writes().stderr("ok: wrote the table into `HISTORY.md`\n").exit(0);
    let file = house.file("HISTORY.md");
    assert!(
        file.starts_with("# Deployment History\n\n<!-- deployctl history: begin -->\n| Date |"),
        "{file}"
    );
    writes().stderr("ok: `HISTORY.md` is up to date\n").exit(0);
    house.write("HISTORY.md", &format!("Ours.\n{}\nTail", file.replace("Totals", "Old")));
    writes().stderr("ok: wrote the table into `HISTORY.md`\n").exit(0);
    assert_eq!(house.file("HISTORY.md"), format!("Ours.\n{file}\nTail"));
    let nowhere =
        "error: cannot write `docs/HISTORY.md`: there is no directory `docs`; make it first: mkdir -p docs\n";
    house.run(["history", "--write", "docs/HISTORY.md"]).stderr(nowhere).exit(1);
    for form in ["csv", "html"] {
        house.run(["history", "--format", form, "-o", "docs/HISTORY.md"]).stderr(nowhere).exit(1);
        let usage = house.run(["history", "--format", form, "--write", "H"]).any_stderr().exit(2).stderr;
        assert!(
            usage.contains("; it keeps a Markdown table, and any other form goes to a file with `-o FILE`")
        );
    }
    let directory = "error: `.` is a directory: name a file\n";
    house.run(["history", "--write", "."]).stderr(directory).exit(1);
    house.run(["history", "-o", "."]).stderr(directory).exit(1);
    // What is left out by a limit is left out of the file, and that is said.
    let newest = house.run(["history", "--write", "NEWEST.md", "--limit", "1"]).any_stderr().exit(0).stderr;
    let told = "there are more: raise or leave out `--limit`\nok: wrote the table into `NEWEST.md`\n";
    assert_eq!(newest, told);
    assert_eq!(house.file("NEWEST.md").matches("\n| 2026-").count(), 1);
    house.write("HISTORY.md", "nothing of the kind\n");
    let stderr = "\
error: `HISTORY.md` is left as it is: it lacks the two lines between which the table goes; add them, or name a new file:
  <!-- deployctl history: begin -->
  <!-- deployctl history: end -->
";
    writes().stderr(stderr).exit(1);
    assert_eq!(house.file("HISTORY.md"), "nothing of the kind\n");
}

#[test]
fn a_row_tells_programs_everything() {
    let house = three_rows();
    let answer = house.run(["history", "--json", "--limit", "2"]).any_stdout().exit(0).json();
    assert_eq!(answer["more"], true);
    let (back, undone) = (&answer["deployments"][0], &answer["deployments"][1]);
    assert_eq!(
        json!([
            back["action"],
            back["reason"],
            back["executed_by"],
            back["automatic"],
            back["previous"]["version"]
        ]),
        json!(["rollback", "checkout fails", "bob", false, "v1.4.1"])
    );
    assert_eq!(
        json!([undone["action"], undone["rolled_back_by"], undone["rolled_back_at"], undone["approved_by"]]),
        json!(["deploy", "bob", "2026-11-24T11:00:00Z", ["bob"]])
    );
}

#[test]
fn every_change_is_told_with_who_what_and_why_and_whether_it_is_signed() {
    let house = three_rows();
    let policy = POLICY.replace("estimate: 5m", "estimate: 6m").replace("on_call: alice", "on_call: bob");
    house.config(&policy);
    house.person("alice").signs_policy();
    house.run(["deploy", "production", "v1.4.1", "--as", "orchestrator"]).any_stderr().exit(4);
    let table = "\
Date        Time   Agent                     Action       Details                                                                                                              Reason
2026-11-24  11:00  signed: alice             changed      policy 2: environments.production.monitoring.on_call alice → bob; environments.production.rollback.estimate 5m → 6m
2026-11-24  11:00  signed: session of bob    ended        rollback production to v1.4.0: succeeded
2026-11-24  11:00  signed: bob               executed     rollback production to v1.4.0 by v1.4.1-[id]                                                                      checkout fails
2026-11-24  11:00  journal: orchestrator     was refused  deploy production v1.4.1-[id]                                                                                     human.terminal, approval.consumed
2026-11-24  10:30  signed: session of alice  ended        deploy production v1.4.1: succeeded
2026-11-24  10:30  signed: alice             executed     deploy production v1.4.1 by v1.4.1-[id]
2026-11-24  10:00  signed: bob               approved     deploy production v1.4.1-[id]
2026-11-24  10:00  journal: orchestrator     requested    v1.4.1-[id]                                                                                                       =cmd|' /C', \"x\" | y
2026-11-23  10:00  signed: session of alice  ended        deploy production v1.4.0: succeeded
2026-11-23  10:00  signed: alice             executed     deploy production v1.4.0 by v1.4.0-[id]
2026-11-23  10:00  signed: alice             approved     deploy production v1.4.0-[id]
2026-11-23  10:00  signed: alice             founded      policy 1
2026-11-23  10:00  journal: orchestrator     requested    v1.4.0-[id]                                                                                                       Totals in the cart
";
    let shown = house.run(["history", "--modifications"]).any_stdout().exit(0).stdout;
    house.same(&shown, table);
    let of = |words: &[&str]| {
        let words = ["history", "--modifications", "--format", "csv"].iter().chain(words).copied();
        house.run(words).any_stdout().exit(0).stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let [back] = &of(&["--by", "bob", "--since", "2026-11-24T11:00:00Z", "--limit", "2"])[1..] else {
        panic!()
    };
    assert!(
        back.starts_with("2026-11-24,11:00,bob,executed,rollback production to v1.4.0 by v1.4.1-"),
        "{back}"
    );
    assert!(back.contains(",checkout fails,production,true,"), "{back}");
    assert!(
        of(&["--by", "orchestrator", "--until", "2026-11-23"])[0]
            .ends_with(",Totals in the cart,production,false,")
    );
}

#[test]
fn the_json_is_as_the_schema_beside_the_examples_says() {
    let house = three_rows();
    house.git(["tag", "v0.9.0", "HEAD~1"]);
    house.run(["history", "import", "--tags", "v0.*"]).any_stdout().any_stderr().exit(0);
    let asked: [&[&str]; 4] =
        [&[], &["--modifications"], &["--metrics"], &["--metrics", "--explain", "lead-time"]];
    for words in asked {
        let document = house.run(["history", "--json"].iter().chain(words).copied()).any_stdout().exit(0);
        let file = house.world().join("history.json");
        std::fs::write(&file, &document.stdout).expect("a file of the world");
        let file = file.display().to_string();
        let Some(output) = check_jsonschema(&["--schemafile", "examples/history.schema.json", &file]) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
}
