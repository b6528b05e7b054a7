use proptest::prelude::*;

use super::{Case, codes, message, ready, refused};
use crate::gate::config::ActionKind;
use crate::gate::emergency::{Emergency, EmergencyClock, Response, Severity};
use crate::gate::facts::{Action, BranchFact};
use crate::gate::fixture::{Book, by, config, minutes, production, state};
use crate::gate::request::{CheckState, Request, Urgency};
use crate::gate::statement::{Ending, Statement, Verdict};

/// P1 and P2 may skip what comes after the development stage; there is a third stage that nobody skips.
const LEVELS: [(&str, &str); 4] = [
    (
        "environments:\n",
        "emergency:\n  P1: { definition: Outage, response: immediate, skip: [integration] }\n  \
         P2: { definition: Broken, response: 1h, skip: [integration] }\n  \
         P3: { definition: Minor, response: 4h }\nenvironments:\n",
    ),
    (
        "  design-review:",
        "  e2e: { junit: [\"e2e.xml\"] }\n  smoke: { junit: [\"smoke.xml\"] }\n  design-review:",
    ),
    (
        "branch: main, checks: [unit] }",
        "branch: main, checks: [e2e] }\n  - { name: staging, checks: [smoke] }",
    ),
    ("requires: [development, integration]", "requires: [development, integration, staging]"),
];

fn is_emergency(request: &mut Request, severity: Severity, skip: &[&str]) {
    request.asked.urgency = Urgency::Emergency;
    let skip = skip.iter().map(|stage| stage.parse().unwrap()).collect();
    request.emergency = Some(Emergency { severity, skip });
}

fn p1(request: &mut Request) {
    is_emergency(request, Severity::P1, &["integration"]);
    state(request, "smoke", CheckState::Passed);
}

/// An emergency that bob approved a minute after the start.
fn declared(edit: impl Fn(&mut Request)) -> Case {
    Case::approved(&LEVELS, |request| {
        p1(request);
        edit(request);
    })
}

#[test]
fn a_skipped_stage_and_its_branch_are_not_asked_for() {
    let mut case = declared(|_| ());
    case.target.branches.insert("main".to_owned(), BranchFact::Lacks);
    assert_eq!(case.deploy(), Vec::<String>::new());
    let clock =
        EmergencyClock { severity: Severity::P1, declared_at: minutes(1), response: Response::Immediate };
    assert_eq!(case.permit().emergency, Some(clock));
    // Without the emergency both are.
    let mut routine = Case::approved(&LEVELS, |request| state(request, "smoke", CheckState::Passed));
    routine.target.branches.insert("main".to_owned(), BranchFact::Lacks);
    assert_eq!(routine.deploy(), ["stage.missing", "commit.branch"]);
}

#[test]
fn the_branch_of_the_environment_stays() {
    let own = (
        "    steps: [{ name: release, run: [\"./release\"], timeout: 10m }]",
        "    branch: main\n    steps: [{ name: release, run: [\"./release\"], timeout: 10m }]",
    );
    let edits: Vec<_> = LEVELS.into_iter().chain([own]).collect();
    let mut case = Case::approved(&edits, p1);
    case.target.branches.insert("main".to_owned(), BranchFact::Lacks);
    assert_eq!(case.deploy(), ["commit.branch"]);
    assert_eq!(case.deploy_reasons()[0].policy.as_deref(), Some("environments.production.branch"));
}

#[test]
fn a_stage_that_is_not_skipped_is_asked_for() {
    let case = declared(|request| state(request, "smoke", CheckState::Failed));
    assert_eq!(case.deploy(), ["stage.failed"]);
    let nothing = Case::approved(&LEVELS, |request| {
        p1(request);
        is_emergency(request, Severity::P1, &[]);
    });
    assert_eq!(nothing.deploy(), ["stage.missing"]);
}

#[test]
fn no_request_skips_more_than_the_policy_lets_it() {
    for (severity, skip) in
        [(Severity::P1, "staging"), (Severity::P3, "integration"), (Severity::P1, "development")]
    {
        let case = Case::approved(&LEVELS, |request| {
            p1(request);
            is_emergency(request, severity, &[skip]);
            state(request, "smoke", CheckState::Missing);
            state(request, "unit", CheckState::Missing);
        });
        let codes = case.deploy();
        assert!(codes.contains(&"emergency.skip".to_owned()), "{severity} {skip} {codes:?}");
        assert!(codes.contains(&"stage.missing".to_owned()), "{severity} {skip} {codes:?}");
        assert!(case.verdict(Verdict::Allow).contains(&"emergency.skip".to_owned()));
    }
}

#[test]
fn no_request_skips_a_stage_twice() {
    let case = Case::approved(&LEVELS, |request| {
        p1(request);
        is_emergency(request, Severity::P1, &["integration", "integration"]);
    });
    let twice = "the stage `integration` is skipped twice";
    let reasons = case.deploy_reasons();
    assert_eq!((reasons[0].code.as_str(), message(&reasons)), ("emergency.skip", twice));
    assert_eq!(case.verdict(Verdict::Allow), ["emergency.skip"]);
}

#[test]
fn an_emergency_names_a_severity_that_the_policy_knows_and_nothing_else_does() {
    let reasons = |severity: Option<Severity>, urgency| {
        let case = Case::approved(&LEVELS, |request| {
            state(request, "e2e", CheckState::Passed);
            state(request, "smoke", CheckState::Passed);
            request.emergency = severity.map(|severity| Emergency { severity, skip: vec![] });
            request.asked.urgency = urgency;
        });
        case.deploy_reasons()
    };
    assert!(reasons(None, Urgency::Urgent).is_empty());
    assert!(reasons(Some(Severity::P3), Urgency::Emergency).is_empty());
    let none = reasons(None, Urgency::Emergency);
    assert_eq!(
        (none[0].code.as_str(), message(&none)),
        ("emergency.severity", "an emergency says how bad it is")
    );
    assert_eq!(
        message(&reasons(Some(Severity::P1), Urgency::Routine)),
        "it names the severity P1 and is no emergency"
    );
    let unknown = reasons(Some(Severity::P4), Urgency::Emergency);
    assert_eq!(message(&unknown), "the policy knows no emergency of P4");
    assert_eq!(unknown[0].policy.as_deref(), Some("emergency.P4"));
}

#[test]
fn who_approves_declares_exactly_what_is_asked_for() {
    let with = |edit: &dyn Fn(&mut Option<Emergency>)| {
        let mut case = Case::of(&LEVELS, p1);
        let request = case.target.request.clone();
        let mut approval = crate::gate::fixture::approval(&request, Verdict::Allow, 1);
        let mut said = request.emergency.clone();
        edit(&mut said);
        approval.emergency = said.map(|said| said.declared());
        case.book.sign(by("bob", 1), Statement::Approval(Box::new(approval))).unwrap();
        case.deploy()
    };
    assert_eq!(with(&|_| ()), Vec::<String>::new());
    for edit in [
        (&|said: &mut Option<Emergency>| *said = None) as &dyn Fn(&mut Option<Emergency>),
        &|said| said.as_mut().unwrap().skip.clear(),
        &|said| said.as_mut().unwrap().skip.push("staging".parse().unwrap()),
        &|said| said.as_mut().unwrap().severity = Severity::P2,
    ] {
        assert_eq!(with(edit), ["emergency.undeclared"]);
    }
}

#[test]
fn an_emergency_is_executed_sooner() {
    let mut case = declared(|_| ());
    // 2 h after the approval at minute 1, to the very moment.
    case.now = 121;
    assert!(case.deploy().is_empty());
    case.now = 122;
    assert_eq!(case.deploy(), ["approval.expired"]);
    assert_eq!(case.deploy_reasons()[0].policy.as_deref(), Some("emergency.execute_within"));
    let long: Vec<_> = LEVELS
        .into_iter()
        .map(|(from, to)| (from, to.replace("emergency:\n", "emergency:\n  execute_within: 20h\n")))
        .collect();
    let long: Vec<(&str, &str)> = long.iter().map(|(from, to)| (*from, to.as_str())).collect();
    let mut case = Case::approved(&long, p1);
    // Never later than any other approval.
    case.now = 241;
    assert!(case.deploy().is_empty());
    case.now = 242;
    assert_eq!(case.deploy(), ["approval.expired"]);
}

#[test]
fn the_clock_begins_with_the_first_approval_that_counts() {
    let edits: Vec<_> = LEVELS.into_iter().chain([("required: 1", "required: 2")]).collect();
    let mut case = Case::of(&edits, p1);
    case.vote(by("carol", 1), Verdict::Allow);
    case.vote(by("bob", 3), Verdict::Allow);
    case.vote(by("alice", 7), Verdict::Allow);
    assert_eq!(case.permit().emergency.unwrap().declared_at, minutes(3));
}

#[test]
fn a_freeze_denies_an_emergency_too() {
    let freeze = (
        "    approvals: { required: 1, from: [release], not: [requester] }",
        "    windows: { deny: [{ name: fair, from: 2026-11-23, to: 2026-11-24 }] }\n    approvals: { required: 1, from: [release], not: [requester] }",
    );
    let edits: Vec<_> = LEVELS.into_iter().chain([freeze]).collect();
    assert_eq!(Case::approved(&edits, p1).deploy(), ["window.blackout"]);
}

#[test]
fn who_may_ask_for_an_emergency() {
    let mut case = Case::of(&LEVELS, |_| ());
    case.caller.role = Some("orchestrator".parse().unwrap());
    let asks = |severity, skip: &[&str], urgency| {
        let skip = skip.iter().map(|stage| stage.parse().unwrap()).collect();
        let emergency = Emergency { severity, skip };
        let environment = production();
        codes(case.decide(&Action::Request {
            environment: &environment,
            urgency,
            emergency: Some(&emergency),
        }))
    };
    assert_eq!(asks(Severity::P1, &["integration"], Urgency::Emergency), Vec::<String>::new());
    assert_eq!(asks(Severity::P3, &[], Urgency::Emergency), Vec::<String>::new());
    assert_eq!(asks(Severity::P3, &["integration"], Urgency::Emergency), ["emergency.skip"]);
    assert_eq!(asks(Severity::P1, &[], Urgency::Urgent), ["emergency.severity"]);
    assert_eq!(asks(Severity::P4, &[], Urgency::Emergency), ["emergency.severity"]);
}

/// An emergency was executed at minute 2 and owes its review 72 h later; v2 is approved.
fn owing() -> (Case, crate::gate::terms::Digest) {
    let mut book = Book::founded(&config(&LEVELS));
    let mut request = book.request("production", 1);
    p1(&mut request);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
    book.end(by("alice", 5), execution, Ending::Succeeded).unwrap();
    let mut case = Case::over(book, 2, |request| {
        request.at = minutes(DUE - 10);
        request.decide_by = minutes(DUE + 1_000);
        state(request, "e2e", CheckState::Passed);
        state(request, "smoke", CheckState::Passed);
    });
    case.vote(by("bob", DUE - 5), Verdict::Allow);
    case.now = DUE;
    (case, execution)
}

/// Minute 2 and 72 hours.
const DUE: i64 = 2 + 72 * 60;

#[test]
fn a_review_is_owed_and_then_holds_everything_else_up() {
    let (mut case, _) = owing();
    let warned: Vec<&str> = case.permit().warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(warned, ["review.owed"]);
    case.now = DUE + 1;
    assert_eq!(case.deploy(), ["review.owed"]);
    assert_eq!(case.verdict(Verdict::Allow), Vec::<String>::new(), "approving is only warned");
    assert_eq!(case.rollback(), ["rollback.plan"], "a rollback is held up by no review");
}

#[test]
fn an_emergency_and_another_environment_wait_for_no_review() {
    let (owing, _) = owing();
    let mut case = Case::over(owing.book.clone(), 3, |request| {
        request.at = minutes(DUE);
        request.decide_by = minutes(DUE + 1_000);
        p1(request);
    });
    case.vote(by("bob", DUE + 1), Verdict::Allow);
    case.now = DUE + 2;
    assert_eq!(case.deploy(), Vec::<String>::new());
    assert_eq!(case.permit().warnings.len(), 1);
}

#[test]
fn an_approver_signs_the_report_and_nothing_is_owed_any_more() {
    let (mut case, execution) = owing();
    case.now = DUE + 10;
    let environment = production();
    let incident = |case: &Case| {
        codes(case.decide(&Action::Report { environment: &environment, execution: &execution }))
    };
    assert_eq!(incident(&case), Vec::<String>::new());
    case.key = ready("carol");
    assert_eq!(incident(&case), ["key.unknown"]);
    case.key = ready("alice");
    case.book.report(by("alice", DUE + 10), execution).unwrap();
    assert_eq!(incident(&case), ["request.missing"]);
    assert_eq!(case.deploy(), Vec::<String>::new());
    assert!(case.permit().warnings.is_empty());
}

#[test]
fn what_runs_is_not_reviewed() {
    let mut book = Book::founded(&config(&LEVELS));
    let mut request = book.request("production", 1);
    p1(&mut request);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
    let case = Case::over(book, 2, |_| ());
    let environment = production();
    let reasons = refused(case.decide(&Action::Report { environment: &environment, execution: &execution }));
    assert_eq!(message(&reasons), "the deployment of `v1` has not said how it ended");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_emergency_never_allows_without_an_approval_and_skips_only_what_is_listed(
        severity in prop::sample::select(Severity::ALL.to_vec()),
        skip in prop::sample::subsequence(vec!["development", "integration", "staging"], 0..=3),
        passed in prop::sample::subsequence(vec!["unit", "e2e", "smoke"], 0..=3),
        approved in any::<bool>(),
        urgency in prop::sample::select(vec![Urgency::Routine, Urgency::Emergency, Urgency::Emergency]),
    ) {
        let mut case = Case::of(&LEVELS, |request| {
            is_emergency(request, severity, &skip);
            request.asked.urgency = urgency;
            state(request, "unit", CheckState::Missing);
            passed.iter().for_each(|check| state(request, check, CheckState::Passed));
        });
        if approved {
            case.vote(by("bob", 1), Verdict::Allow);
        }
        if case.deploy().is_empty() {
            prop_assert!(approved && urgency == Urgency::Emergency);
            // What the policy lists for the severity, and not a stage more.
            let listed: &[&str] = if severity <= Severity::P2 { &["integration"] } else { &[] };
            prop_assert!(skip.iter().all(|stage| listed.contains(stage)));
            for (stage, check) in [("development", "unit"), ("integration", "e2e"), ("staging", "smoke")] {
                prop_assert!(passed.contains(&check) || skip.contains(&stage), "{stage}");
            }
        }
    }
}
