//! After a rollback: the report with its five actions, drafted from the ledger, tracked until a person signs it.

use deployctl::gate::statement::{Finding, Statement};
use deployctl::gate::terms::Digest;
use serde_json::{Value, json};

use crate::house::House;

/// v1.4.0 was deployed at 10:00 and rolled back at 11:00; answers the digits that name the rollback.
#[track_caller]
fn rolled_back() -> (House, String) {
    let (house, _) = House::deployed();
    house.clock("2026-11-23T11:00:00Z");
    house.person("bob").rolls_back("checkout fails");
    let name = open_report(&house);
    (house, name)
}

/// What `status` names the one report that is owed.
#[track_caller]
fn open_report(house: &House) -> String {
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    let owed = status["environments"]["production"]["owed"].as_array().expect("a list").clone();
    assert_eq!(owed.len(), 1, "{owed:?}");
    owed[0]["name"].as_str().expect("a name").to_owned()
}

/// The program at bob's terminal signs a report.
fn signs_report(house: &House, name: &str) -> crate::house::Terminal {
    let words = ["approve", "--review", name, "--report", "report.md", "--reason", "fixed in v1.4.1"];
    house.person("bob").at_terminal(words)
}

fn answered(draft: &str) -> String {
    let answer = |line: &str| {
        let answer = if line.contains("_to be answered_") { "A total was missing." } else { line };
        format!("{answer}\n")
    };
    draft.lines().map(answer).collect()
}

const REPORT: &str = "\
## Post-Rollback Report

**Rolled back**: v1.4.0 ([id])
**Back to**: v1.3.0 ([id])
**Environment**: production
**Rollback**: [id]
**Request**: v1.4.0-[id]
**Time**: 2026-11-23 11:00 UTC
**Reason**: checkout fails
**Trigger**: none recorded: v1.4.0 was live since 2026-11-23 10:00 UTC, and a person decided
**Outcome**: Success
**Database**: went back: migrate

### People
- **Requested by**: orchestrator
- **Approved by**: alice
- **Deployed by**: alice
- **Rolled back by**: bob

### Timeline
| Time | Event |
|------|-------|
| 2026-11-23 10:00:00 UTC | requested by orchestrator |
| 2026-11-23 10:00:00 UTC | approved by alice |
| 2026-11-23 10:00:00 UTC | execution begun by alice |
| 2026-11-23 10:00:00 UTC | the deployment succeeded |
| 2026-11-23 11:00:00 UTC | rollback begun by bob: checkout fails |
| 2026-11-23 11:00:00 UTC | the rollback succeeded |

### Steps
- release succeeded after [time]
- migrate succeeded after [time]

### 1. Document what happened
_to be answered_: what broke, for whom, from when until when, and who noticed

### 2. Analyze root cause
_to be answered_: why it happened, and why nothing found it before production

### 3. Create fix task
_to be answered_: the task that removes the cause, and who has it

### 4. Update deployment checklist
_to be answered_: what the deployment checklist should ask next time

### 5. Review process for gaps
_to be answered_: what in the process let it through, and what changes
";

#[test]
fn a_rollback_leaves_a_report_with_the_five_actions() {
    let (house, name) = rolled_back();
    let draft = house.run(["approve", "--review", &name, "--show"]).stdout(REPORT).exit(0).stdout;
    // Its request and its version name it as well.
    let shown = house.run(["approve", "--review", "v1.4.0", "--show", "--json"]).any_stdout().exit(0).json();
    let about = (&shown["about"], &shown["reviewed"], &shown["review_by"], &shown["markdown"]);
    assert_eq!(about, (&json!("rollback"), &json!(false), &Value::Null, &json!(draft)));
    // A machine signs nothing, whatever it wrote.
    house.write("report.md", &answered(&draft));
    let words = ["approve", "--review", &name, "--report", "report.md", "--reason", "done", "--json"];
    let machine = house.run(words).any_stdout().exit(4).json();
    assert_eq!(machine["reasons"][0]["code"], "human.terminal");
}

#[test]
fn an_action_that_is_not_answered_or_empty_is_named() {
    let (house, name) = rolled_back();
    let draft = house.run(["approve", "--review", &name, "--show"]).any_stdout().exit(0).stdout;
    let filled = answered(&draft);
    let line = "_to be answered_: why it happened, and why nothing found it before production";
    let open = filled.replacen(
        "### 2. Analyze root cause\nA total was missing.",
        &format!("### 2. Analyze root cause\n{line}"),
        1,
    );
    let empty = open.replacen(
        "### 5. Review process for gaps\nA total was missing.\n",
        "### 5. Review process for gaps\n \n",
        1,
    );
    house.write("report.md", &empty.replacen("### 3. Create fix task\nA total was missing.\n", "", 1));
    let refused = "\
refused: deployctl approve
  ✗ review.owed  line 38 of the report: `2. Analyze root cause` is not answered: why it happened, and why nothing found it before production
  ✗ review.owed  the report is not answered: the section `3. Create fix task` is gone
  ✗ review.owed  line 44 of the report is not answered: nothing stands under `5. Review process for gaps`
next: answer every question of the report, then sign it
next: draft it anew: deployctl approve --review [id] --show
";
    house.same(&signs_report(&house, &name).exit(4), refused);
    // Who forgets the file is told that it is a report.
    let shown = house.person("bob").at_terminal(["approve", "--review", &name, "--reason", "done"]).exit(4);
    let refused = "\
refused: deployctl approve
  ✗ review.owed  `[id]` was not interrupted, and its report goes with `--report`: the report of the rollback of `v1.4.0` (`[id]`) is open since 2026-11-23 11:00 UTC
next: draft the report: deployctl approve --review [id] --show
next: a person answers it and signs: deployctl approve --review [id] --report FILE --reason TEXT
";
    house.same(&shown, refused);
    house.write("report.md", &filled.replace(&name, "0000000"));
    let other = signs_report(&house, &name).exit(4);
    assert!(
        other.contains(&format!("the report does not name `{name}`: it is of another deployment")),
        "{other}"
    );
}

#[test]
fn the_facts_of_the_ledger_are_not_the_persons_to_change() {
    let (house, name) = rolled_back();
    let draft = house.run(["approve", "--review", &name, "--show"]).any_stdout().exit(0).stdout;
    house.write("report.md", &answered(&draft).replace("**Reason**: checkout fails", "**Reason**: none"));
    let refused = "\
refused: deployctl approve
  ✗ review.owed  the report changes a fact of its draft: line 9: `**Reason**: none` stands where the draft says `**Reason**: checkout fails`
next: leave the facts as they were drafted: what is to be added to them stands in an answer
next: draft it anew: deployctl approve --review [id] --show
";
    house.same(&signs_report(&house, &name).exit(4), refused);
}

#[test]
fn the_report_of_a_rollback_is_open_until_a_person_signs_it() {
    let (house, name) = rolled_back();
    house.clock("2026-11-25T12:00:00Z");
    let owed = "\
  the report of the rollback of v1.4.0 ([id]) is open since 2026-11-23 11:00 UTC (2 d)
";
    let status = house.normal(&house.run(["status"]).any_stdout().exit(0).stdout);
    assert!(status.contains(owed), "{status}");
    assert!(
        status.contains("\nnext: draft the report: deployctl approve --review [id] --show\n"),
        "{status}"
    );
    let table = "\
Date        Version  Type      Status       Rollback  Notes
2026-11-23  v1.3.0   Rollback  Success      N/A       back from v1.4.0: checkout fails
2026-11-23  v1.4.0   Feature   Rolled back  Yes       report open since 2026-11-23; checkout fails
";
    house.run(["history"]).stdout(table).exit(0);
    let draft = house.run(["approve", "--review", &name, "--show"]).any_stdout().exit(0).stdout;
    house.write("report.md", &answered(&draft));
    let shown = signs_report(&house, &name).signs().exit(0);
    assert!(shown.contains("    A total was missing.\n"), "what is signed is shown\n{shown}");
    let why = "  Because      checkout fails\n  Your reason  fixed in v1.4.1\n\n";
    assert!(shown.contains(why), "{shown}");
    let end = "\
reviewed [id] as bob: nothing is owed for it any more
the report is in the ledger: git show [id]:report.md
";
    house.ends(&shown, end);
    let newest = house.entries().pop().expect("an entry").payload;
    let Statement::Review(review) = newest.statement else { panic!("{newest:?}") };
    let report = Digest::of(answered(&draft).as_bytes());
    assert_eq!((review.finding, review.reason.as_str()), (Finding::Rollback { report }, "fixed in v1.4.1"));
    let row = house.run(["history", "--json"]).any_stdout().exit(0).json();
    assert_eq!(row["deployments"][1]["report"]["signed_by"], "bob");
    assert_eq!(row["deployments"][1]["notes"], "checkout fails");
    let again = signs_report(&house, &name).exit(3);
    assert!(again.contains("✗ request.missing  no review of `production` is owed for it"), "{again}");
    house.run(["history", "--verify"]).any_stdout().exit(0);
    crate::stranger::finds_that_it_holds(&house);
}

#[test]
fn a_rollback_of_a_failed_deployment_says_what_triggered_it_and_every_attempt() {
    let (house, id) = House::approved();
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let back = ["rollback", "production", "--reason", "it does not start"];
    let shown = house.person("bob").at_terminal(back).signs().exit(1);
    let words = "\
the rollback of v1.4.0 to v1.3.0 ended badly at `release`
`production` may run parts of v1.4.0 and of v1.3.0: done: nothing; ended badly: release; not begun: migrate
next: look at `production`, mend what stopped it, and try again: deployctl rollback production --reason TEXT
next: or go forward with a fix: deployctl request VERSION -e production --as ROLE --urgency urgent
logs: ";
    assert!(shown.contains(words), "{shown}");
    house.mends("release");
    house.person("bob").rolls_back("it does not start");
    let draft = house.run(["approve", "--review", &id, "--show"]).any_stdout().exit(0).stdout;
    assert!(
        draft.contains("\n**Trigger**: the deployment of v1.4.0 failed at the step release\n"),
        "{draft}"
    );
    let attempts: Vec<&str> =
        draft.lines().filter_map(|line| line.split(" | ").nth(1)?.strip_prefix("the rollback ")).collect();
    assert_eq!(attempts, ["failed at release |", "succeeded |"]);
    assert_eq!(draft.matches("rollback begun by bob: it does not start").count(), 2);
}

#[test]
fn the_name_of_an_attempt_that_failed_leads_to_the_report_that_tells_of_it() {
    let (house, _) = House::deployed();
    house.breaks("release");
    house.person("bob").at_terminal(["rollback", "production", "--reason", "checkout fails"]).signs().exit(1);
    let first = open_report(&house);
    house.mends("release");
    house.person("bob").rolls_back("second try");
    let last = open_report(&house);
    assert_ne!(first, last);
    let draft = |name: &str| house.run(["approve", "--review", name, "--show"]).any_stdout().exit(0).stdout;
    assert_eq!(draft(&first), draft(&last));
    let history = house.run(["history", "--json"]).any_stdout().exit(0).json();
    let rows = history["deployments"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["status"] == "Rolled back").expect("a row");
    let notes = row["notes"].as_str().expect("notes");
    assert!(notes.contains("checkout fails (that rollback failed); second try"), "{notes}");
    // The rows of the attempts say what each was for, which it was and how it ended.
    let of = |row: &Value| json!([row["status"], row["notes"]]);
    let attempts: Vec<Value> = rows.iter().filter(|row| row["type"] == "Rollback").map(of).collect();
    assert_eq!(
        attempts,
        [
            json!(["Success", "back from v1.4.0, attempt 2: second try"]),
            json!(["Failed", "back from v1.4.0, attempt 1: checkout fails; ended at step release"]),
        ]
    );
    let said = |at: usize| json!([row["rollbacks"][at]["reason"], row["rollbacks"][at]["ending"]]);
    assert_eq!([said(0), said(1)], [json!(["checkout fails", "failed"]), json!(["second try", "succeeded"])]);
    // Once it is signed, both are told of.
    std::fs::write(house.project().join("report.md"), answered(&draft(&first))).expect("a report");
    signs_report(&house, &first).signs().exit(0);
    assert!(draft(&first).contains(&last), "{last}");
}
