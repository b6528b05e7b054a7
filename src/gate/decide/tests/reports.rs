use super::{Case, codes, ready};
use crate::gate::facts::Action;
use crate::gate::fixture::{Book, by, config, minutes, production};
use crate::gate::statement::{Ending, Verdict};
use crate::gate::terms::Digest;

/// When the report of the rollback is owed, in minutes.
const DUE: i64 = 40 + 72 * 60;
const WITHIN: (&str, &str) = ("      migrations: [", "      review_within: 72h\n      migrations: [");

/// v2 was rolled back, and v3 is approved.
fn rolled_back(changes: &[(&str, &str)]) -> (Case, Digest) {
    let mut book = Book::founded(&config(changes));
    book.deployed("production", 1, 0, Ending::Succeeded);
    let second = book.deployed("production", 2, 20, Ending::Succeeded);
    let back = book.rolled_back(&second, 40, Ending::Succeeded);
    let mut case = Case::over(book, 3, |request| {
        request.at = minutes(DUE - 10);
        request.decide_by = minutes(DUE + 1_000);
    });
    case.vote(by("bob", DUE - 5), Verdict::Allow);
    case.now = DUE;
    (case, back)
}

#[test]
fn the_report_of_a_rollback_is_a_warning_and_holds_nothing_up() {
    let (mut case, _) = rolled_back(&[]);
    for now in [DUE, DUE + 200] {
        case.now = now;
        let permit = case.permit();
        let warned: Vec<&str> = permit.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(warned, ["review.owed"]);
        assert_eq!(permit.warnings[0].policy, None);
    }
}

#[test]
fn where_the_policy_names_a_time_other_deployments_wait_for_the_report_after_it() {
    let (mut case, back) = rolled_back(&[WITHIN]);
    assert_eq!(case.deploy(), Vec::<String>::new());
    case.now = DUE + 1;
    assert_eq!(case.deploy(), ["review.owed"]);
    assert_eq!(
        case.deploy_reasons()[0].policy.as_deref(),
        Some("environments.production.rollback.review_within")
    );
    assert_eq!(case.verdict(Verdict::Allow), Vec::<String>::new(), "approving is only warned");
    let environment = production();
    let report =
        |case: &Case| codes(case.decide(&Action::Report { environment: &environment, execution: &back }));
    assert_eq!(report(&case), Vec::<String>::new());
    case.key = ready("carol");
    assert_eq!(report(&case), ["key.unknown"]);
    case.key = ready("alice");
    case.book.rollback_report(by("alice", DUE + 1), back).unwrap();
    assert_eq!(report(&case), ["request.missing"]);
    assert_eq!(case.deploy(), Vec::<String>::new());
    assert!(case.permit().warnings.is_empty());
}
