use proptest::prelude::*;

use super::{Case, message, ready};
use crate::gate::config::{RiskLevel, Separation};
use crate::gate::fixture::{by, production};
use crate::gate::policy::ChangeFacts;
use crate::gate::request::Request;
use crate::gate::statement::Verdict;
use crate::gate::terms::PersonName;

/// Carol, who is of no other approvers, joins them for high risk; more must approve for `db/` and for what cannot go back.
const RULES: (&str, &str) = (
    "required: 1, from: [release], not: [requester] }\n  eu:",
    "required: 1, from: [release], not: [requester], rules: [\
     { when: { risk: high }, required: 2, from: [design] }, \
     { when: { paths: [\"db/**\"], irreversible: true }, required: 3, from: [carol] }, \
     { when: { risk: medium }, required: 2 }] }\n  eu:",
);

fn matches(places: &[u32]) -> impl Fn(&mut Request) {
    move |request| request.approval_rules = places.to_vec()
}

#[test]
fn a_rule_is_about_what_it_says_and_all_of_it() {
    let case = Case::of(&[RULES], |_| ());
    let approvals = case.book.policy().environments[&production()].approvals.clone().unwrap();
    let of = |risk, paths: &[&str], irreversible| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        approvals.matching(ChangeFacts { risk, paths: &paths, irreversible })
    };
    assert_eq!(of(RiskLevel::Low, &["src/a"], true), Vec::<u32>::new());
    assert_eq!(of(RiskLevel::Low, &["db/1.sql"], false), Vec::<u32>::new());
    assert_eq!(of(RiskLevel::Low, &["src/a", "db/1.sql"], true), [1]);
    assert_eq!(of(RiskLevel::Medium, &[], false), [2]);
    assert_eq!(of(RiskLevel::High, &["db/1.sql"], true), [0, 1, 2]);
    assert_eq!(
        approvals.why(&[0, 1], RiskLevel::High).unwrap(),
        "3 approvals: risk High asks for 2 of release, design; a change in db/** and a migration not known to be \
         reversible asks for 3 of release, carol"
    );
    assert_eq!(approvals.why(&[], RiskLevel::High), None);
}

#[test]
fn the_approvers_are_the_union_and_the_number_is_the_highest() {
    let mut case = Case::of(&[RULES], matches(&[0]));
    case.vote(by("bob", 1), Verdict::Allow);
    assert_eq!(case.deploy(), ["approval.quorum"]);
    let reasons = case.deploy_reasons();
    assert_eq!(message(&reasons), format!("`{}` has 1 of 2 approvals", case.target.reference.id));
    assert_eq!(reasons[0].policy.as_deref(), Some("environments.production.approvals.rules[0].required"));
    case.vote(by("carol", 2), Verdict::Allow);
    assert_eq!(case.deploy(), Vec::<String>::new());
    assert_eq!(case.permit().approvals.len(), 2);
    // Three for the second rule: the highest of them all.
    let mut case = Case::of(&[RULES], matches(&[0, 1]));
    for (person, at) in [("bob", 1), ("carol", 2)] {
        case.vote(by(person, at), Verdict::Allow);
    }
    assert_eq!(case.deploy(), ["approval.quorum"]);
    case.vote(by("alice", 3), Verdict::Allow);
    assert_eq!(case.deploy(), Vec::<String>::new());
}

#[test]
fn who_approves_only_some_changes_does_not_stand_in_for_the_others() {
    let rule = (
        "from: [release], not: [requester] }\n  eu:",
        "from: [bob], not: [requester], rules: [{ when: { risk: low }, required: 2, from: [alice, carol] }] }\n  eu:",
    );
    let mut case = Case::of(&[rule], matches(&[0]));
    case.vote(by("carol", 1), Verdict::Allow);
    case.vote(by("alice", 2), Verdict::Allow);
    let reasons = case.deploy_reasons();
    assert_eq!(message(&reasons), format!("`{}` has 0 of 1 approvals of bob", case.target.reference.id));
    assert_eq!(reasons[0].policy.as_deref(), Some("environments.production.approvals.required"));
    case.vote(by("bob", 3), Verdict::Allow);
    assert_eq!(case.deploy(), Vec::<String>::new());
    // And for a change that asks for nobody else she says nothing.
    let mut case = Case::of(&[RULES], |_| ());
    case.vote(by("carol", 1), Verdict::Allow);
    assert_eq!(case.deploy(), ["key.unknown"]);
}

#[test]
fn who_may_approve_may_also_deny_hold_and_sign() {
    let mut case = Case::of(&[RULES], matches(&[0]));
    case.key = ready("carol");
    for verdict in [Verdict::Allow, Verdict::Deny, Verdict::Hold] {
        assert_eq!(case.verdict(verdict), Vec::<String>::new());
    }
    case.vote(by("carol", 1), Verdict::Deny);
    assert_eq!(case.deploy(), ["approval.denied"]);
    let mut plain = Case::of(&[RULES], |_| ());
    plain.key = ready("carol");
    assert_eq!(plain.verdict(Verdict::Allow), ["key.unknown"]);
}

#[test]
fn an_approval_says_which_rules_it_was_given_under() {
    let mut case = Case::of(&[RULES], matches(&[0]));
    let mut approval = crate::gate::fixture::approval(&case.target.request, Verdict::Allow, 1);
    approval.approval_rules.clear();
    let statement = crate::gate::statement::Statement::Approval(Box::new(approval));
    case.book.sign(by("bob", 1), statement).unwrap();
    assert_eq!(case.deploy(), ["request.stale"]);
    let expected = format!(
        "the approval of `{}` by `bob` covers another set of approval rules",
        case.target.reference.id
    );
    assert_eq!(message(&case.deploy_reasons()), expected);
}

#[test]
fn a_person_of_one_rule_does_not_help_another_rule_along() {
    let edits = [(
        "required: 1, from: [release], not: [requester] }\n  eu:",
        "required: 1, from: [bob], not: [requester], rules: [\
         { when: { risk: low }, required: 2, from: [alice] }, \
         { when: { risk: medium }, required: 2, from: [carol] }] }\n  eu:",
    )];
    let mut case = Case::of(&edits, matches(&[0, 1]));
    case.vote(by("bob", 1), Verdict::Allow);
    case.vote(by("alice", 1), Verdict::Allow);
    assert_eq!(case.deploy(), ["approval.quorum"]);
    assert!(message(&case.deploy_reasons()).contains("1 of 2 approvals of bob, carol"));
    case.vote(by("carol", 1), Verdict::Allow);
    assert_eq!(case.deploy(), Vec::<String>::new());
}

#[test]
fn two_keys_of_one_person_are_one_vote_and_nobody_apart_counts() {
    let edits = [(
        "required: 1, from: [release], not: [requester] }\n  eu:",
        "required: 2, from: [release], not: [requester, author, executor] }\n  eu:",
    )];
    let mut case = Case::of(&edits, |_| ());
    case.key = ready("carol");
    case.vote(by("bob", 1), Verdict::Allow);
    case.vote(crate::gate::fixture::Ink { armored: "touched", ..by("bob", 2) }, Verdict::Allow);
    assert_eq!(case.deploy(), ["approval.quorum"]);
    case.vote(by("alice", 3), Verdict::Allow);
    assert_eq!(case.deploy(), Vec::<String>::new());
    for apart in [Separation::Requester, Separation::Author, Separation::Executor] {
        let alice: PersonName = "alice".parse().unwrap();
        let mut case = Case::of(&edits, |request| match apart {
            Separation::Requester => request.requested_by.person = Some(alice.clone()),
            Separation::Author => request.authors = vec![alice.clone()],
            Separation::Executor => {}
        });
        case.key = ready(if apart == Separation::Executor { "alice" } else { "carol" });
        case.vote(by("bob", 1), Verdict::Allow);
        case.vote(by("alice", 2), Verdict::Allow);
        assert_eq!(case.deploy(), ["approval.quorum", "approval.self"], "{apart:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_approval_rule_more_never_allows_more(
        places in prop::sample::subsequence(vec![0_u32, 1, 2], 1..=3),
        said in prop::collection::vec(
            (
                prop::sample::select(vec!["alice", "bob", "carol"]),
                prop::sample::select(vec![Verdict::Allow, Verdict::Allow, Verdict::Allow, Verdict::Hold, Verdict::Deny]),
            ),
            0..6,
        ),
    ) {
        let with = |places: &[u32]| {
            let mut case = Case::of(&[RULES], matches(places));
            for (person, verdict) in &said {
                case.vote(by(person, 1), *verdict);
            }
            case.deploy().is_empty()
        };
        let fewer = &places[1..];
        prop_assert!(with(fewer) || !with(&places));
        prop_assert!(with(&[]) || !with(&places));
    }
}
