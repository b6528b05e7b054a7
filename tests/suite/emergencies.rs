//! Urgent and emergency deployments as stories, from the request to the signed review; and what more risk and a hold ask of
//! people.

use deployctl::gate::config::Separation;
use deployctl::gate::request::Request;
use deployctl::gate::statement::{Approval, Execution, Finding, Review, Statement};
use deployctl::gate::terms::Digest;
use deployctl::world::records::Files;
use serde_json::{Value, json};

use crate::house::{House, POLICY};

/// The emergency of most stories.
pub(crate) const P1: [&str; 6] = ["--urgency", "emergency", "--severity", "P1", "--skip", "staging"];

const LEVELS: &str = "
emergency:
  P1: { definition: Complete outage, response: immediate, skip: [staging] }
  P2: { definition: Major feature broken, response: 1h }
  P3: { definition: Minor feature affected, response: 4h }
  execute_within: 2h
  review_within: 72h

migrations:";

/// The rules with a staging stage and emergencies, some lines changed, signed by alice.
#[track_caller]
pub(crate) fn house(changes: &[(&str, &str)]) -> House {
    let more = [
        ("\nstages:\n", "  smoke: { title: Smoke tests, junit: [\"reports/smoke/*.xml\"] }\n\nstages:\n"),
        (
            "\nenvironments:\n",
            "  - { name: staging, environment: staging, branch: release, checks: [smoke] }\n\nenvironments:\n",
        ),
        ("requires: [development, integration]", "requires: [development, integration, staging]"),
        ("\nmigrations:", LEVELS),
    ];
    let mut text = POLICY.to_owned();
    for (from, to) in more.iter().chain(changes) {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let house = House::new();
    house.config(&text);
    house.person("alice").signs_policy();
    house
}

/// Asks for v1.4.0, and answers the request's id.
#[track_caller]
pub(crate) fn requested(house: &House, words: &[&str]) -> String {
    let asks = ["request", "v1.4.0", "--as", "orchestrator", "--since", "v1.3.0", "--json"];
    let answer = house.run(asks.into_iter().chain(words.iter().copied())).any_stdout().exit(0);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// How far a story has come.
pub(crate) struct Work;

impl Work {
    /// A P1 was declared at 10:02 and live at 10:14.
    #[track_caller]
    pub(crate) fn live_emergency() -> (House, String) {
        let house = house(&[]);
        let id = requested(&house, &P1);
        house.clock("2026-11-23T10:02:00Z");
        house.person("bob").approves(&id);
        house.clock("2026-11-23T10:14:00Z");
        house.person("alice").deploys(&id);
        (house, id)
    }

    /// v1.5.0 is ready, on every branch and with every report; answers its request.
    #[track_caller]
    pub(crate) fn next_version(house: &House, words: &[&str]) -> String {
        house.write("app/total.txt", "13\n");
        house.commit("feat: more");
        house.tag("v1.5.0");
        house.git(["branch", "--force", "release"]);
        for check in ["unit", "integration", "smoke"] {
            house.report(check, 1, 0);
        }
        let asks = ["request", "v1.5.0", "--as", "orchestrator", "--json"];
        let answer = house.run(asks.into_iter().chain(words.iter().copied())).any_stdout().exit(0);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }
}

/// The newest statement of a kind in the ledger.
#[track_caller]
fn newest<T>(house: &House, of: impl Fn(Statement) -> Option<T>) -> T {
    house.entries().into_iter().rev().find_map(|entry| of(entry.payload.statement)).expect("a statement")
}

fn approval(house: &House) -> Approval {
    newest(house, |statement| match statement {
        Statement::Approval(approval) => Some(*approval),
        _ => None,
    })
}

fn execution(house: &House) -> Execution {
    newest(house, |statement| match statement {
        Statement::Execution(execution) => Some(*execution),
        _ => None,
    })
}

/// The lines from the first that begins with one text up to the first after it that begins with another.
#[track_caller]
fn part(text: &str, from: &str, to: &str) -> String {
    let lines =
        text.lines().skip_while(|line| !line.starts_with(from)).take_while(|line| !line.starts_with(to));
    let part: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(!part.is_empty(), "no `{from}` in\n{text}");
    part
}

/// The program at bob's terminal signs a report.
fn signs_report(house: &House, id: &str) -> crate::house::Terminal {
    let words = ["approve", "--review", id, "--report", "report.md", "--reason", "fixed in v1.4.1"];
    house.person("bob").at_terminal(words)
}

/// Every question of a draft, answered.
fn answered(draft: &str) -> String {
    let answer = |line: &str| {
        if line.contains("_to be answered_") {
            "The cart took no orders.\n".to_owned()
        } else {
            format!("{line}\n")
        }
    };
    draft.lines().map(answer).collect()
}

#[test]
fn an_urgent_release_is_like_any_other_and_says_so() {
    let house = house(&[]);
    house.report("smoke", 1, 0);
    house.git(["branch", "release"]);
    let id = requested(&house, &["--urgency", "urgent", "--output", "package"]);
    assert!(house.file("package/request.md").contains("\n**Urgency**: Urgent\n"));
    assert!(!house.file("package/checklist.md").contains("Urgency"));
    let shown = house.person("bob").approves(&id);
    assert!(shown.contains("  Risk         Medium · Urgent · impact: not stated\n"), "{shown}");
    assert!(!shown.contains("EMERGENCY"), "{shown}");
    house.person("alice").deploys(&id);
    assert_eq!((approval(&house).emergency, execution(&house).emergency), (None, None));
    let rows = house.run(["history", "--json"]).any_stdout().exit(0).json();
    assert_eq!(rows["deployments"][0]["type"], "Feature");
    assert_eq!(rows["deployments"][0]["emergency"], Value::Null);
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    assert_eq!(status["environments"]["production"]["owed"], json!([]));
}

#[test]
fn an_emergency_and_its_severity_go_together() {
    let house = house(&[]);
    let asks = ["request", "v1.4.0", "--as", "orchestrator"];
    let usage = |words: &[&str]| {
        let words = asks.iter().chain(words).copied();
        house.run(words).any_stderr().exit(2).stderr
    };
    assert!(usage(&["--urgency", "emergency"]).contains("--severity <SEVERITY>"));
    assert!(
        usage(&["--urgency", "emergency", "--severity", "P5"]).contains("[possible values: P1, P2, P3, P4]")
    );
    assert!(usage(&["--skip", "staging"]).contains("--severity <SEVERITY>"));
    let refused = "\
refused: deployctl request
  ✗ emergency.severity  it names the severity P1 and is no emergency
next: for an emergency add: --urgency emergency
";
    house.run(asks.into_iter().chain(["--severity", "P1"])).stderr(refused).exit(3);
}

const DECLARED: &str = "  EMERGENCY    P1: Complete outage
  Response     immediate, from the first approval on
  SKIPS        staging (Smoke tests)
  Execute      within 2 h of your approval
  Review       owed within 72 h of the execution, with a signed report
  You declare the emergency by approving.

";

const REPORT: &str = "\
## Post-Incident Report

**Version**: v1.4.0
**Environment**: production
**Severity**: P1: Complete outage
**Request**: v1.4.0-[id]
**Response**: P1 declared 10:02, live 10:14: 12 min, response time immediate
**Outcome**: Success
**Review owed by**: 2026-11-26 10:14 UTC
**Skipped**: staging (Smoke tests)

### People
- **Requested by**: orchestrator
- **Declared by**: bob
- **Executed by**: alice

### Timeline
| Time | Event |
|------|-------|
| 2026-11-23 10:00:00 UTC | requested by orchestrator |
| 2026-11-23 10:02:00 UTC | declared and approved by bob |
| 2026-11-23 10:14:00 UTC | execution begun by alice |
| 2026-11-23 10:14:00 UTC | the deployment succeeded |

### Steps
";

const QUESTIONS: &str = "\
### What happened
_to be answered_: what was broken, for whom, from when until when

### Root cause
_to be answered_: why it happened, and why nothing found it before

### Fix task
_to be answered_: the task that removes the cause, and who has it

### Checklist updates
_to be answered_: what the deployment checklist should ask next time

### Process gaps
_to be answered_: what in the process let it through, and what changes
";

#[test]
fn a_p1_skips_staging_from_the_request_to_the_signed_review() {
    let house = house(&[]);
    let id = requested(&house, &[&P1[..], &["--output", "package"]].concat());
    the_documents_say_it(&house);
    house.clock("2026-11-23T10:02:00Z");
    bob_declares_it(&house, &id);
    house.clock("2026-11-23T10:14:00Z");
    alice_deploys_it(&house, &id);
    let draft = anybody_reads_the_draft(&house, &id);
    bob_signs_the_answered_report(&house, &id, &draft);
    let verified = house.run(["history", "--verify"]).any_stdout().exit(0).stdout;
    crate::stranger::finds_that_it_holds(&house);
    assert!(verified.starts_with("ok: 7 entries"), "{verified}");
}

fn the_documents_say_it(house: &House) {
    let request = house.file("package/request.md");
    assert!(request.contains("\n**Urgency**: Emergency (P1: Complete outage)\n"), "{request}");
    assert!(request.contains("\n**Skips**: staging (Smoke tests)\n"), "{request}");
    let checklist = house.file("package/checklist.md");
    let lines = "\n**Urgency**: Emergency (P1: Complete outage)\n**Skips**: staging (Smoke tests)\n";
    assert!(checklist.contains(lines), "{checklist}");
    // What did not run stays open.
    assert!(checklist.contains("\n- [ ] Smoke tests: no evidence"), "{checklist}");
    let pinned = Request::read(house.file("package/request.json").as_bytes()).expect("a request");
    assert_eq!(
        serde_json::to_value(pinned.emergency).expect("JSON"),
        json!({ "severity": "P1", "skip": ["staging"] })
    );
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(
        status.contains("  EMERGENCY P1 · AWAITING HUMAN APPROVAL until 2026-11-24 10:00 UTC\n"),
        "{status}"
    );
}

fn bob_declares_it(house: &House, id: &str) {
    let approves = || house.person("bob").at_terminal(["approve", id]).yes_to_all();
    let digest = id.rsplit_once('-').expect("an id").1;
    // Whoever types the phrase of a routine request has not declared it.
    approves().types_instead(&format!("approve production v1.4.0 {digest}")).exit(5);
    let shown = approves().types_phrase().passphrase(crate::house::PASSPHRASE).exit(0);
    house.same(&part(&shown, "  EMERGENCY", "  Summary"), DECLARED);
    let phrase = format!("Type \"approve production v1.4.0 {digest} P1 skip staging\" to approve: ");
    assert!(shown.contains(&phrase), "{shown}");
    let approval = approval(house);
    let said = serde_json::to_value(&approval.emergency).expect("JSON");
    assert_eq!(said, json!({ "severity": "P1", "skipped": ["staging"] }));
    assert_eq!(approval.execute_by.to_rfc3339(), "2026-11-23T12:02:00+00:00");
}

fn alice_deploys_it(house: &House, id: &str) {
    let shown = house.person("alice").deploys(id);
    assert!(shown.contains("  EMERGENCY    P1, declared 2026-11-23 10:02 UTC; skips staging\n"), "{shown}");
    let end = "\
production runs v1.4.0
watch it for 15 min
way back to v1.3.0: deployctl rollback production --reason TEXT
P1 declared 10:02, live 10:14: 12 min, response time immediate
review owed by 2026-11-26 10:14 UTC: deployctl approve --review v1.4.0-[id] --show
";
    house.ends(&shown, end);
    let clock = serde_json::to_value(execution(house).emergency).expect("JSON");
    assert_eq!(
        clock,
        json!({ "severity": "P1", "declared_at": "2026-11-23T10:02:00Z", "response": "immediate" })
    );
    let table = "\
Date        Version  Type       Status   Rollback  Notes
2026-11-23  v1.4.0   Emergency  Success  N/A       P1 declared 10:02, live 10:14: 12 min, response time immediate; Deploy v1.4.0
";
    house.run(["history"]).stdout(table).exit(0);
    let owed = "  the review of the emergency v1.4.0-[id] (P1) is owed by 2026-11-26 10:14 UTC
stages of HEAD ([id])
  development: passed · unit 12/12 passed (reports/unit/*.xml · 28 min ago)
  integration: passed · integration 3/3 passed (reports/integration/*.xml · 28 min ago)
  staging: open · `release` is not here; smoke missing
next: draft the report: deployctl approve --review v1.4.0-[id] --show
next: a person answers it and signs: deployctl approve --review v1.4.0-[id] --report FILE --reason TEXT
";
    house.ends(&house.run(["status"]).any_stdout().exit(0).stdout, owed);
}

fn anybody_reads_the_draft(house: &House, id: &str) -> String {
    let draft = house.run(["approve", "--review", id, "--show"]).any_stdout().exit(0).stdout;
    let (facts, rest) = draft.split_at(draft.find("- migrate succeeded").expect("the steps"));
    house.same(facts, REPORT);
    house.ends(rest, QUESTIONS);
    let by_version = house.run(["approve", "--review", "v1.4.0", "--show", "--json"]).any_stdout().exit(0);
    assert_eq!(by_version.json()["markdown"], draft);
    assert_eq!(by_version.json()["reviewed"], false);
    draft
}

fn bob_signs_the_answered_report(house: &House, id: &str, draft: &str) {
    house.write(
        "report.md",
        &draft.replacen("_to be answered_: what was broken", "the cart, for all: what was broken", 1),
    );
    let refused = "\
refused: deployctl approve
  ✗ review.owed  line 33 of the report: `Root cause` is not answered: why it happened, and why nothing found it before
  ✗ review.owed  line 36 of the report: `Fix task` is not answered: the task that removes the cause, and who has it
  ✗ review.owed  line 39 of the report: `Checklist updates` is not answered: what the deployment checklist should ask next time
  ✗ review.owed  line 42 of the report: `Process gaps` is not answered: what in the process let it through, and what changes
next: answer every question of the report, then sign it
next: draft it anew: deployctl approve --review v1.4.0-[id] --show
";
    house.same(&signs_report(house, id).exit(4), refused);
    house.write("report.md", &answered(draft).replace(id, "v1.3.9-0000000"));
    let other = signs_report(house, id).exit(4);
    assert!(
        other.contains(&format!("the report does not name `{id}`: it is of another deployment")),
        "{other}"
    );
    house.write("report.md", &answered(draft));
    // A machine signs nothing, whatever it wrote.
    let words = ["approve", "--review", id, "--report", "report.md", "--reason", "done", "--json"];
    let machine = house.run(words).any_stdout().exit(4).json();
    assert_eq!(machine["reasons"][0]["code"], "human.terminal");
    let shown = signs_report(house, id).signs().exit(0);
    assert!(shown.contains("    The cart took no orders.\n"), "what is signed is shown\n{shown}");
    let end = "\
reviewed v1.4.0-[id] as bob: nothing is owed for it any more
the report is in the ledger: git show [id]:report.md
";
    house.ends(&shown, end);
    assert_eq!(house.git(["show", "deployctl/ledger:report.md"]), answered(draft).trim_end());
    let review = newest(house, |statement| match statement {
        Statement::Review(review) => Some(review),
        _ => None,
    });
    let report = Digest::of(answered(draft).as_bytes());
    assert_eq!((review.finding, review.reason.as_str()), (Finding::Incident { report }, "fixed in v1.4.1"));
    house.ends(
        &house.run(["status"]).any_stdout().exit(0).stdout,
        "next: deployctl request VERSION --as ROLE\n",
    );
    let again = signs_report(house, id).exit(3);
    assert!(again.contains("✗ request.missing  no review of `production` is owed for it"), "{again}");
    let row = house.run(["history", "--json"]).any_stdout().exit(0).json();
    assert_eq!(row["deployments"][0]["emergency"]["reviewed_by"], "bob");
}

#[test]
fn a_p3_passes_every_stage_and_its_response_time_is_told() {
    let house = house(&[]);
    let p3 = ["--urgency", "emergency", "--severity", "P3"];
    let id = requested(&house, &p3);
    let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(shown.contains("✗ stage.missing  stage `staging`: `Smoke tests` has no evidence"), "{shown}");
    house.report("smoke", 1, 0);
    house.git(["branch", "release"]);
    let id = requested(&house, &p3);
    house.person("bob").approves(&id);
    house.clock("2026-11-23T11:30:00Z");
    let shown = house.person("alice").deploys(&id);
    assert!(shown.contains("\nP3 declared 10:00, live 11:30: 90 min, response time 4h: kept\n"), "{shown}");
}

#[test]
fn a_response_that_came_too_late_is_told() {
    let house = house(&[("response: 1h }", "response: 1h, skip: [staging] }")]);
    let id = requested(&house, &["--urgency", "emergency", "--severity", "P2", "--skip", "staging"]);
    house.person("bob").approves(&id);
    house.clock("2026-11-23T11:00:01Z");
    let shown = house.person("alice").deploys(&id);
    assert!(shown.contains("\nP2 declared 10:00, live 11:00: 60 min, response time 1h: missed\n"), "{shown}");
    let row = house.run(["history", "--json"]).any_stdout().exit(0).json();
    assert_eq!(row["deployments"][0]["emergency"]["kept"], false);
    assert_eq!(row["deployments"][0]["emergency"]["respond_by"], "2026-11-23T11:00:00Z");
}

#[test]
fn an_emergency_that_failed_and_was_rolled_back_owes_its_review_all_the_same() {
    let house = house(&[]);
    let id = requested(&house, &P1);
    house.person("bob").approves(&id);
    house.breaks("release");
    let shown =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    assert!(shown.contains("\nP1 declared 10:00, not live, response time immediate\n"), "{shown}");
    house.mends("release");
    house.clock("2026-11-27T10:00:00Z");
    // Long overdue, and no obstacle for the way back.
    house.person("bob").rolls_back("it does not start");
    let draft = house.run(["approve", "--review", &id, "--show"]).any_stdout().exit(0).stdout;
    assert!(draft.contains("\n**Outcome**: Rolled back\n"), "{draft}");
    assert!(draft.contains(" | rolled back by bob: it does not start |\n"), "{draft}");
    house.write("report.md", &answered(&draft));
    signs_report(&house, &id).signs().exit(0);
}

#[test]
fn a_report_by_hand_of_somebody_who_approves_nothing_settles_no_review() {
    let carol = "  carol: { keys: [\"{carol}\"], groups: [], emails: [carol@example.org] }\n\nroles:\n";
    let house = house(&[("\nroles:\n", carol)]);
    let id = requested(&house, &P1);
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
    let started = |entry: &crate::forge::Entry| matches!(entry.payload.statement, Statement::Execution(_));
    let entries = house.entries();
    let execution = Digest::of(&entries.iter().find(|entry| started(entry)).unwrap().files["payload.json"]);
    let report = b"all is well".to_vec();
    let finding = Finding::Incident { report: Digest::of(&report) };
    let presence = approval(&house).presence;
    let reason = "nothing to see".to_owned();
    let review = Statement::Review(Review { execution, finding, reason, presence });
    let files = Files::from([("report.md".to_owned(), report)]);
    house.publish(&house.forged("carol", "carol", review, files));
    let status = house.run(["status", "--json"]).any_stdout().exit(0).json();
    assert_eq!(status["environments"]["production"]["owed"][0]["request"]["id"], json!(id));
    let draft = house.run(["approve", "--review", &id, "--show"]).any_stdout().exit(0).stdout;
    house.write("report.md", &answered(&draft));
    signs_report(&house, &id).signs().exit(0);
}

#[test]
fn an_overdue_review_holds_routine_up_and_lets_an_emergency_through() {
    let (house, id) = Work::live_emergency();
    house.clock("2026-11-26T11:00:00Z");
    let routine = Work::next_version(&house, &[]);
    // Approving is only warned: who signs knows what will be asked.
    let shown = house.person("bob").approves(&routine);
    assert!(shown.contains("  warning: review.owed  the review of the emergency `v1.4.0-"), "{shown}");
    let refused = house.run(["deploy", "production", &routine, "--dry-run", "--json"]).any_stdout().exit(4);
    assert_eq!(refused.json()["reasons"][0]["code"], "review.owed");
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(
        status.contains(" was owed since 2026-11-26 10:14 UTC; other deployments wait for it\n"),
        "{status}"
    );
    let emergency = ["--urgency", "emergency", "--severity", "P1", "--skip", "staging"];
    let asks = ["request", "v1.5.0", "--as", "orchestrator", "--json"];
    let answer = house.run(asks.into_iter().chain(emergency)).any_stdout().exit(0).json();
    let second = answer["id"].as_str().expect("an id");
    house.person("bob").approves(second);
    house.person("alice").deploys(second);
    assert_eq!(house.live("version").as_deref(), Some("v1.5.0\n"));
    // Now two are owed, each with a report of its own.
    let owed = house.run(["status", "--json"]).any_stdout().exit(0).json();
    let owed = owed["environments"]["production"]["owed"].as_array().expect("a list").clone();
    let overdue: Vec<_> =
        owed.iter().map(|owed| (owed["request"]["id"].clone(), owed["overdue"].clone())).collect();
    assert_eq!(overdue, [(json!(id), json!(true)), (json!(second), json!(false))]);
    let draft = house.run(["approve", "--review", &id, "--show"]).any_stdout().exit(0).stdout;
    house.write("report.md", &answered(&draft));
    let other = signs_report(&house, second).exit(4);
    assert!(other.contains("it is of another deployment"), "{other}");
    signs_report(&house, &id).signs().exit(0);
}

#[test]
fn two_people_approve_what_is_risky() {
    let rules = "      rules: [{ when: { risk: high }, required: 2, from: [security] }]\n    monitoring:";
    let carol = "  carol: { keys: [\"{carol}\"], groups: [security] }\n\nroles:";
    let house = house(&[("    monitoring:", rules), ("\nroles:", carol)]);
    house.report("smoke", 1, 0);
    house.git(["branch", "release"]);
    let id = requested(&house, &["--risk", "high", "--output", "package"]);
    let why = "2 approvals: risk High asks for 2 of release, security";
    let page = house.file("package/request.md");
    assert!(page.contains(&format!("\n**Approvals**: {why}\n")), "{page}");
    let shown = house.person("carol").approves(&id);
    let approvals = format!(
        "  Approval     2 of release, security, at least 1 of release; not the requester; decide by 2026-11-24 10:00 UTC\n               {why}\n"
    );
    assert!(shown.contains(&approvals), "{shown}");
    house.ends(&shown, "1 more must approve\nnext: another person runs: deployctl approve v1.4.0-[id]\n");
    let deploys = house.person("alice").at_terminal(["deploy", "production", &id]).exit(4);
    let refused = "\
refused: deployctl deploy
  ✗ approval.quorum  `v1.4.0-[id]` has 1 of 2 approvals
      policy: environments.production.approvals.rules[0].required
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    house.same(&deploys, refused);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains("  1 of 2 approvals, by carol\n"), "{status}");
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
    // A medium risk is as before, and carol has no say in it.
    let house = self::house(&[("    monitoring:", rules), ("\nroles:", carol)]);
    house.report("smoke", 1, 0);
    house.git(["branch", "release"]);
    let id = requested(&house, &[]);
    let shown = house.person("carol").at_terminal(["approve", &id]).exit(4);
    assert!(
        shown.contains("✗ key.unknown  `carol` is not one of release, who approve `production`"),
        "{shown}"
    );
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
}

#[test]
fn a_request_cannot_deny_the_rules_that_it_matches() {
    let rules = "      rules:\n        - { when: { paths: [\"migrations/**\"] }, required: 2 }\n        - { when: { irreversible: true }, required: 2 }\n    monitoring:";
    let house = house(&[("    monitoring:", rules)]);
    let id = requested(&house, &[&P1[..], &["--output", "package"]].concat());
    let mut request = Request::read(house.file("package/request.json").as_bytes()).expect("a request");
    assert_eq!(request.approval_rules, [0]);
    for lie in [vec![], vec![1], vec![0, 1], vec![0, 9]] {
        request.approval_rules = lie;
        let bytes = request.bytes().expect("a request");
        house.write("package/request.json", &String::from_utf8(bytes).expect("JSON"));
        let shown = house.person("bob").at_terminal(["approve", "package"]).exit(3);
        assert!(shown.contains("✗ request.stale  `approval_rules` of `v1.4.0-"), "{shown}");
    }
    let shown = house.person("bob").approves(&id);
    assert!(
        shown.contains("\n               2 approvals: a change in migrations/** asks for 2 of release\n"),
        "{shown}"
    );
}

#[test]
fn what_somebody_says_is_live_hides_no_path_from_the_rules() {
    let rules = "      rules: [{ when: { paths: [\"ops\"] }, required: 2 }]\n    monitoring:";
    let house = house(&[("    monitoring:", rules)]);
    for words in [&["--since", "v1.4.0"][..], &["--since", "HEAD"], &[]] {
        let asks =
            ["request", "v1.4.0", "--as", "orchestrator", "--json"].iter().chain(words).chain(&P1).copied();
        let answer = house.run(asks).any_stdout().exit(0).json();
        assert_eq!(answer["request"]["approval_rules"], json!([0]), "{words:?}");
    }
    // Once something is recorded as live, what differs from it counts.
    let id = requested(&house, &P1);
    for person in ["alice", "bob"] {
        house.person(person).approves(&id);
    }
    house.person("alice").deploys(&id);
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    house.tag("v1.5.0");
    let asks = ["request", "v1.5.0", "--as", "orchestrator", "--json"];
    let answer = house.run(asks).any_stdout().exit(0).json();
    assert_eq!(answer["request"]["approval_rules"], json!([]));
}

/// The places of the rules that a request for a new version of all of HEAD matches.
#[track_caller]
fn matched(house: &House, version: &str, words: &[&str]) -> serde_json::Value {
    let asks = ["request", version, "--commit", "HEAD", "--as", "orchestrator", "--json"];
    let answer = house.run(asks.iter().chain(words).copied()).any_stdout().exit(0).json();
    answer["request"]["approval_rules"].clone()
}

const IRREVERSIBLE: &str = "      rules: [{ when: { irreversible: true }, required: 2 }]\n    monitoring:";
const DROP: &str = "migrations/20261102_drop.up.sql";

#[test]
fn a_range_that_somebody_chose_hides_no_migration_from_the_rules() {
    let house = house(&[("    monitoring:", IRREVERSIBLE)]);
    assert_eq!(matched(&house, "v1.4.1", &[]), json!([]));
    house.write(DROP, "DROP TABLE carts;\n");
    house.commit("feat: no carts");
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    for since in ["HEAD~1", "HEAD"] {
        assert_eq!(matched(&house, "v1.5.0", &["--since", since]), json!([0]), "{since}");
    }
}

#[test]
fn what_a_version_is_made_of_hides_no_migration_from_the_rules() {
    let house = house(&[
        ("    monitoring:", IRREVERSIBLE),
        ("    purpose: Live", "    versions: { paths: [app] }\n    purpose: Live"),
    ]);
    house.write(DROP, "DROP TABLE carts;\n");
    house.write("app/total.txt", "13\n");
    house.commit("feat: no carts");
    assert_eq!(matched(&house, "v1.5.0", &[]), json!([0]));
}

#[test]
fn a_migration_beside_it_hides_no_loose_sql_from_the_rules() {
    let house = house(&[("    monitoring:", IRREVERSIBLE)]);
    house.write("ops/clean.sql", "DROP TABLE carts;\n");
    house.write("migrations/20261103_more.up.sql", "ALTER TABLE carts ADD COLUMN more INTEGER;\n");
    house.write("migrations/20261103_more.down.sql", "ALTER TABLE carts DROP COLUMN more;\n");
    house.commit("feat: more");
    assert_eq!(matched(&house, "v1.5.0", &[]), json!([0]));
    // Where the policy says which files are migrations, the others are none.
    let house = self::house(&[
        ("    monitoring:", IRREVERSIBLE),
        ("presets: [sqlx]", "paths: [\"migrations/*.up.sql\"]"),
    ]);
    house.write("ops/clean.sql", "DROP TABLE carts;\n");
    house.commit("feat: more");
    assert_eq!(matched(&house, "v1.5.0", &[]), json!([]));
}

#[test]
fn a_held_request_does_not_expire() {
    let (house, id) = House::requested();
    let holds = ["approve", id.as_str(), "--hold", "--reason", "after the fair"];
    house.person("bob").at_terminal(holds).signs().exit(0);
    // A day and an hour later it would be over: the clock has stood since the hold.
    house.clock("2026-11-24T11:00:00Z");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(4);
    assert!(shown.contains("✗ approval.held  `bob` holds") && !shown.contains("expired"), "{shown}");
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains("  held by bob\n"), "{status}");
    // The version alone still finds it, and the same request is not made anew.
    house.person("bob").approves("v1.4.0");
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
}

#[test]
fn a_request_that_nobody_holds_expires_in_the_same_hour() {
    let (house, id) = House::requested();
    house.clock("2026-11-24T10:00:00Z");
    let holds = ["approve", id.as_str(), "--hold", "--reason", "after the fair"];
    house.person("bob").at_terminal(holds).signs().exit(0);
    house.clock("2026-11-24T11:00:00Z");
    house.person("bob").approves(&id);
    let (house, id) = House::requested();
    house.clock("2026-11-24T10:00:01Z");
    let shown = house.person("bob").at_terminal(["approve", &id]).exit(3);
    assert!(shown.contains("✗ request.expired"), "{shown}");
}

#[test]
fn a_freeze_denies_an_emergency_and_lets_a_rollback_through() {
    let freeze = "    windows: { deny: [{ name: the fair, from: \"2026-11-23 12:00\", to: 2026-11-24 }] }\n    monitoring:";
    let house = house(&[("    monitoring:", freeze)]);
    let id = requested(&house, &P1);
    house.person("bob").approves(&id);
    house.person("alice").deploys(&id);
    house.clock("2026-11-23T12:00:00Z");
    let second = Work::next_version(&house, &P1);
    let shown = house.person("bob").approves(&second);
    assert!(
        shown.contains(
            "  warning: window.blackout  a blackout of `production` is on (`the fair`): it opens Wed 2026-11-25 00:00 UTC\n"
        ),
        "{shown}"
    );
    let shown = house.person("alice").at_terminal(["deploy", "production", &second]).exit(3);
    assert!(shown.contains("✗ window.blackout"), "{shown}");
    house.person("bob").rolls_back("the cart is empty");
    assert_eq!(house.live("version").as_deref(), Some("v1.3.0\n"));
}

const HOTFIX: &str = "\
declined: the phrase was not typed; nothing was run
the hotfix path instead:
  1. diagnose the issue: v1.4.0 stays live in production
  2. develop the fix on top of it, and tag it
  3. deployctl request VERSION -e production --as ROLE --urgency emergency --severity P1
  4. a person approves: deployctl approve VERSION
  5. a person executes: deployctl deploy production
";

#[test]
fn a_declined_rollback_says_the_hotfix_path() {
    let (house, _) = Work::live_emergency();
    let back =
        || house.person("alice").at_terminal(["rollback", "production", "--reason", "the cart is empty"]);
    let shown = back().types_instead("no").exit(5);
    house.ends(&shown, HOTFIX);
    house.ends(&back().expect("Type \"").end_of_input().exit(5), HOTFIX);
    assert_eq!(house.live("version").as_deref(), Some("v1.4.0\n"));
    // Without rules for emergencies the fix is only urgent.
    let (house, _) = House::deployed();
    let shown = house
        .person("alice")
        .at_terminal(["rollback", "production", "--reason", "x"])
        .types_instead("no")
        .exit(5);
    assert!(
        shown.contains("\n  3. deployctl request VERSION -e production --as ROLE --urgency urgent\n"),
        "{shown}"
    );
}

#[test]
fn one_person_alone_is_recorded_as_waived_and_never_as_satisfied() {
    let house = House::new();
    house.config(&POLICY.replace("      from: [release]\n", "      from: [release]\n      not: []\n"));
    house.person("alice").signs_policy();
    let id = house.requests();
    let shown = house.person("alice").approves(&id);
    assert!(shown.contains("1 of release; WAIVED: anyone may approve their own; decide by"), "{shown}");
    let every = [Separation::Requester, Separation::Author, Separation::Executor];
    assert_eq!(approval(&house).waived, every);
    house.person("alice").deploys(&id);
    let (house, _) = House::approved();
    assert_eq!(approval(&house).waived, [Separation::Author, Separation::Executor]);
}
