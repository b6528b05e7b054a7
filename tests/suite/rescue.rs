//! A deployment that failed asks: ROLLBACK? Yes is the whole rollback, no is the hotfix path.

use crate::house::{House, POLICY, Terminal};

impl House {
    /// v1.4.0 is approved, and its release step breaks.
    fn broken() -> (Self, String) {
        let (house, id) = Self::approved();
        house.breaks("release");
        (house, id)
    }

    /// Alice deploys, the step fails, and she is asked.
    #[track_caller]
    fn asked(&self, id: &str) -> Terminal {
        self.person("alice").at_terminal(["deploy", "production", id]).signs().expect("ROLLBACK? [y/n] ")
    }
}

const TREE: &str = "
the deployment of v1.4.0 failed at `release`

ROLLBACK?
  ├── YES: roll back to v1.3.0
  │         ├── revert application code
  │         ├── roll back migrations (if safe)
  │         └── verify system health
  └── NO: hotfix path
            ├── diagnose the issue
            ├── develop the fix
            └── emergency deployment

ROLLBACK? [y/n] ";

const FAILED: [&str; 4] = ["execution", "step migrate Succeeded", "step release Failed", "outcome Failed"];

#[test]
fn a_yes_is_the_whole_rollback() {
    let (house, id) = House::broken();
    let asked = house.asked(&id);
    assert!(asked.transcript().contains(TREE), "{}", asked.transcript());
    assert_eq!(house.story_of_deployment(), FAILED);
    house.mends("release");
    let shown = asked.answer("y").signs().exit(6);
    house.ends(
        &shown,
        "✓ release in [time]
▶ 2/2 migrate  ./ops/migrate.sh down
  │ migrated down
✓ migrate in [time]
production runs v1.3.0 again
v1.4.0 is quarantined: what holds its commits or their content is not deployed to production until they are fixed or released
next: write the report: deployctl approve --review [id] --show > report.md
error: the deployment of v1.4.0 failed at `release`, and was rolled back: `production` runs v1.3.0 again
",
    );
    assert!(shown.contains("Type \"rollback production v1.3.0"), "{shown}");
    assert!(shown.contains("  Your reason  the deployment of v1.4.0 failed at `release`\n"), "{shown}");
    let back = ["execution", "step release Succeeded", "step migrate Succeeded", "outcome Succeeded"];
    assert_eq!(house.story_of_deployment(), [FAILED, back].concat());
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
    let reason = house.git(["log", "-4", "--format=%H", "deployctl/ledger"]);
    let execution = reason.lines().last().unwrap_or_default();
    let payload = house.git(["show", &format!("{execution}:payload.json")]);
    assert!(payload.contains("\"reason\":\"the deployment of v1.4.0 failed at `release`\""), "{payload}");
    house.run(["history", "--verify"]).any_stdout().exit(0);
}

const HOTFIX: &str = "\
error: the deployment of v1.4.0 failed at `release`: `production` may run half of it
logs: [project]/.git/deployctl/logs/[id]
way back to v1.3.0: deployctl rollback production --reason TEXT
the hotfix path instead:
  1. diagnose the issue: production stays as it is, with what was run of v1.4.0
  2. develop the fix on top of it, and tag it
  3. deployctl request VERSION -e production --as ROLE --urgency urgent
  4. a person approves: deployctl approve VERSION
  5. a person executes: deployctl deploy production
";

#[test]
fn a_no_and_the_end_of_input_say_the_hotfix_path_and_the_command_for_later() {
    let (house, id) = House::broken();
    house.ends(&house.asked(&id).answer("n").exit(1), HOTFIX);
    assert_eq!(house.story_of_deployment(), FAILED);
    house.mends("release");
    house.person("alice").rolls_back("it was broken");
    let (house, id) = House::broken();
    house.ends(&house.asked(&id).end_of_input().exit(1), HOTFIX);
    assert_eq!(house.story_of_deployment(), FAILED);
}

#[test]
fn a_closed_terminal_at_the_question_is_no_yes() {
    let (house, id) = House::broken();
    house.asked(&id).hang_up().exit(1);
    assert_eq!(house.story_of_deployment(), FAILED);
}

#[test]
fn a_rollback_that_fails_too_says_what_may_run() {
    let (house, id) = House::broken();
    let shown = house.asked(&id).answer("y").signs().exit(1);
    house.ends(
        &shown,
        "\
error: the deployment of v1.4.0 failed at `release`, and the rollback failed too
the rollback of v1.4.0 to v1.3.0 ended badly at `release`
`production` may run parts of v1.4.0 and of v1.3.0: done: nothing; ended badly: release; not begun: migrate
next: look at `production`, mend what stopped it, and try again: deployctl rollback production --reason TEXT
next: or go forward with a fix: deployctl request VERSION -e production --as ROLE --urgency urgent
logs: [project]/.git/deployctl/logs/[id]
",
    );
    let back = ["execution", "step release Failed", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), [&FAILED[..], &back].concat());
    house.mends("release");
    house.person("alice").rolls_back("once more");
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
}

#[test]
fn a_phrase_that_is_not_typed_rolls_nothing_back() {
    let (house, id) = House::broken();
    let shown = house.asked(&id).answer("y").yes_to_all().types_instead("yes").exit(1);
    let said = "failed at `release`, and it was not rolled back: `production` may run half of it\n";
    assert!(shown.contains(said), "{shown}");
    assert_eq!(house.story_of_deployment(), FAILED);
}

#[test]
fn a_rollback_that_the_gate_refuses_says_why() {
    let house = House::new();
    let freeze = "    windows: { timezone: UTC, deny: [{ name: inventory, from: 2026-11-23, to: 2026-11-23, actions: [rollback] }] }\n";
    let id = house.approved_under(&POLICY.replace("    monitoring:", &format!("{freeze}    monitoring:")));
    house.breaks("release");
    let shown = house.asked(&id).answer("y").exit(1);
    let said = "and it was not rolled back: `production` may run half of it\nwindow.blackout  ";
    assert!(shown.contains(said), "{shown}");
    assert_eq!(house.story_of_deployment(), FAILED);
}

#[test]
fn without_a_release_to_go_back_to_nobody_is_asked() {
    let house = House::new();
    house.git(["tag", "--delete", "v1.3.0"]);
    house.config(POLICY);
    house.person("alice").signs_policy();
    let request = ["request", "v1.4.0", "--as", "orchestrator", "--json"];
    let answer = house.run(request).any_stdout().any_stderr().exit(0).json();
    let id = answer["id"].as_str().unwrap().to_owned();
    house.person("alice").approves(&id);
    house.breaks("release");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    assert!(!shown.contains("ROLLBACK?"), "{shown}");
    assert!(
        shown.contains("\nthere is no recorded release to go back to\nthe hotfix path instead:\n"),
        "{shown}"
    );
}

#[test]
fn with_json_the_rollback_stands_in_the_one_document() {
    let (house, id) = House::broken();
    let asked = house.person("alice").at_terminal(["deploy", "production", &id, "--json"]).signs();
    let asked = asked.expect("ROLLBACK? [y/n] ");
    house.mends("release");
    let shown = asked.answer("y").signs().exit(6);
    let (_, document) = shown.rsplit_once("\n{\n").unwrap();
    let document: serde_json::Value = serde_json::from_str(&format!("{{{document}")).unwrap();
    assert_eq!(document["command"], "deploy");
    assert_eq!((&document["outcome"], &document["exit"]), (&"rolled-back".into(), &6.into()));
    assert_eq!((&document["ending"], &document["failed_step"]), (&"failed".into(), &"release".into()));
    let back = &document["rollback"];
    assert_eq!((&back["outcome"], &back["version"]), (&"done".into(), &"v1.3.0".into()));
    assert_ne!(back["execution"], document["execution"]);
    assert_eq!(back["ending"], "succeeded");
}
