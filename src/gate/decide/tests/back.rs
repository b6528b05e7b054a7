//! A rollback with a request of its own.

use super::*;
use crate::gate::fixture::approval;
use crate::gate::statement::Statement;

/// v1, v2 and v3 were deployed; v1 is asked for again.
fn three(edit: impl Fn(&mut Request)) -> Case {
    let mut book = Book::founded(&config(&[]));
    for number in 1..=3 {
        book.deployed("production", number, i64::from(number) * 20, Ending::Succeeded);
    }
    let asked = book.request_back(1);
    Case {
        now: 90,
        ..Case::over(book, 1, |request| {
            *request = asked.clone();
            edit(request);
        })
    }
}

/// The same, with bob's approval.
fn approved(edit: impl Fn(&mut Request)) -> Case {
    let mut case = three(edit);
    case.vote(by("bob", 85), Verdict::Allow);
    case
}

fn rollback(case: &Case) -> Vec<Reason> {
    let environment = production();
    refused(case.decide(&Action::RollbackTo { environment: &environment, target: Ok(&case.target) }))
}

fn code_words(reasons: &[Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn it_covers_what_was_asked_for() {
    let case = approved(|_| ());
    let environment = production();
    let action = Action::RollbackTo { environment: &environment, target: Ok(&case.target) };
    let Decision::Allow(permit) = case.decide(&action) else { panic!("{:?}", rollback(&case)) };
    assert_eq!((permit.release, permit.previous), (Some(release(1)), Some(release(3))));
    assert_eq!((permit.request, permit.approvals.len()), (Some(case.target.reference), 1));
}

#[test]
fn it_asks_for_no_stage_and_the_verdict_neither() {
    let case = three(|_| ());
    assert_eq!(case.verdict(Verdict::Allow), Vec::<String>::new());
    assert_eq!(code_words(&rollback(&case)), ["approval.missing"]);
    assert_eq!(code_words(&rollback(&approved(|_| ()))), Vec::<&str>::new());
}

#[test]
fn what_is_undone_moved() {
    let mut case = approved(|_| ());
    case.book.deployed("production", 4, 86, Ending::Failed);
    case.now = 120;
    let reasons = rollback(&case);
    assert_eq!(code_words(&reasons), ["request.stale"]);
    assert!(reasons[0].message.ends_with("this moved: what is live: now `v4`"), "{reasons:?}");
    assert_eq!(reasons[0].next, ["deployctl request v1 --rollback -e production --as ROLE"]);
}

#[test]
fn where_it_may_not_go() {
    let never = approved(|request| request.release = release(7));
    assert_eq!(code_words(&rollback(&never)), ["rollback.plan"]);
    assert_eq!(never.verdict(Verdict::Allow), ["rollback.plan"]);
    let other_commit = approved(|request| request.release.commit = commit('9'));
    assert_eq!(code_words(&rollback(&other_commit)), ["rollback.plan"]);
    let live = approved(|request| request.release = release(3));
    assert_eq!(code_words(&rollback(&live)), ["rollback.plan"]);
    let undoes_another = approved(|request| request.previous_release = Some(release(2)));
    assert_eq!(code_words(&rollback(&undoes_another)), ["request.stale"]);
}

#[test]
fn an_emergency_skips_nothing_of_it() {
    let case = approved(|request| {
        request.emergency = Some(crate::gate::emergency::Emergency {
            severity: crate::gate::emergency::Severity::P1,
            skip: vec![],
        });
    });
    assert!(code_words(&rollback(&case)).contains(&"request.stale"));
}

#[test]
fn each_action_refuses_the_request_of_the_other() {
    let case = approved(|_| ());
    assert_eq!(case.deploy(), ["approval.missing"]);
    let what = format!("`{}` asks for a rollback, not for a deployment", case.target.reference.id);
    assert_eq!(case.deploy_reasons()[0].message, what);
    let case = Case::approved(&[], |_| ());
    let reasons = rollback(&case);
    let what = format!("`{}` asks for a deployment, not for a rollback", case.target.reference.id);
    assert_eq!(reasons[0].message, what);
}

#[test]
fn a_role_asks_for_it_and_only_for_what_was_live() {
    let mut case = three(|_| ());
    case.caller.role = Some("orchestrator".parse().unwrap());
    case.key = None;
    let (environment, taints) = (production(), case.target.quarantined.clone());
    let asked = |case: &Case, version: &str| {
        let version = version.parse().unwrap();
        codes(case.decide(&Action::RequestRollback {
            environment: &environment,
            version: &version,
            taints: &taints,
        }))
    };
    assert_eq!(asked(&case, "v1"), Vec::<String>::new());
    assert_eq!(asked(&case, "v3"), ["rollback.plan"]);
    assert_eq!(asked(&case, "v9"), ["rollback.plan"]);
    case.caller.role = Some("qa".parse().unwrap());
    assert_eq!(asked(&case, "v1"), ["role.forbidden"]);
}

/// Approvals as anybody may sign them: by whom, of which action, whether from the release to the one before or the other
/// way round.
fn signed() -> impl Strategy<Value = Vec<(bool, bool, bool)>> {
    prop::collection::vec(any::<(bool, bool, bool)>(), 0..6)
}

fn sign(case: &mut Case, approvals: &[(bool, bool, bool)]) {
    for (alice, deploys, swapped) in approvals {
        let mut forged = approval(&case.target.request, Verdict::Allow, 85);
        forged.action = if *deploys { ActionKind::Deploy } else { ActionKind::Rollback };
        if *swapped && let Some(previous) = forged.previous_release.take() {
            forged.previous_release = Some(std::mem::replace(&mut forged.release, previous));
        }
        let ink = by(if *alice { "alice" } else { "bob" }, 85);
        case.book.sign(ink, Statement::Approval(Box::new(forged))).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_approval_of_the_other_action_ever_allows(approvals in signed()) {
        let mut back = three(|_| ());
        sign(&mut back, &approvals);
        let good = |deploys: bool| approvals.iter().any(|it| it.1 == deploys && !it.2);
        prop_assert_eq!(rollback(&back).is_empty(), good(false), "{:?}", rollback(&back));
        prop_assert!(!back.deploy().is_empty());
        let mut forward = Case::over(back.book.clone(), 4, |_| ());
        forward.now = 90;
        sign(&mut forward, &approvals);
        prop_assert_eq!(forward.deploy().is_empty(), good(true), "{:?}", forward.deploy());
        prop_assert!(!rollback(&forward).is_empty());
    }
}
