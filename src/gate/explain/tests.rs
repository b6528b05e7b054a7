use super::{Explained, Says, Verdict, Wish, explain};
use crate::gate::fixture::{at, checked, config};
use crate::gate::policy::Policy;

const WINDOW: &str = "staging: { branch: main, requires: [integration], windows: { timezone: Europe/Berlin, allow: [{ days: mon, hours: \"09:00-12:00\" }] }, steps: [{ name: migrate, run: [\"./m\"], migration: true }] }";

fn policy() -> Policy {
    checked(&config(&[("staging: { steps: [] }", WINDOW)])).unwrap()
}

fn said(who: &str, wish: Wish, environment: &str, moment: &str) -> Explained {
    explain(&policy(), &who.parse().unwrap(), wish, &environment.parse().unwrap(), at(moment))
}

const MONDAY: &str = "2026-11-23T10:00:00Z";

/// Each rule as `+ path: sentence`.
fn lines(explained: &Explained) -> Vec<String> {
    let mark = |says: Says| match says {
        Says::Allows => '+',
        Says::Refuses => '-',
        Says::Judged => '.',
    };
    explained
        .rules
        .iter()
        .map(|rule| format!("{} {}: {}", mark(rule.verdict), rule.policy, rule.rule))
        .collect()
}

#[test]
fn every_rule_that_spoke_is_told_with_its_path() {
    let deploy = said("qa", Wish::Deploy, "staging", MONDAY);
    assert_eq!(deploy.verdict, Verdict::Refused);
    assert_eq!(
        lines(&deploy),
        [
            "+ roles.qa: the policy knows the role `qa`",
            "+ environments.staging.deployment: `staging` is automatic: roles deploy it within their rights",
            "+ roles.qa.staging: the role has the right `deploy` in `staging`",
            "- roles.qa.staging: the role has no right `migrate` in `staging`: it has `check`, `deploy`",
            ". environments.staging.branch: the branch `main` must hold the commit",
            ". stages[1].branch: the branch `main` must hold the commit, for stage `integration`",
            ". environments.staging.requires: stage `integration` must be passed: `unit`",
            ". environments.staging.windows: a window must be open: open now; open Mon 09:00-12:00 (Europe/Berlin)",
            ". environments.staging.steps: migrations run as `migrate` of a deployment",
        ]
    );
}

#[test]
fn a_closed_window_is_told_with_its_next_opening_and_decides_nothing() {
    let later = said("qa", Wish::Deploy, "staging", "2026-11-23T11:00:00Z");
    let line = ". environments.staging.windows: a window must be open: closed now, it opens Mon 2026-11-30 09:00 CET; \
        open Mon 09:00-12:00 (Europe/Berlin)";
    assert!(lines(&later).iter().any(|said| said == line), "{:#?}", lines(&later));
    assert_eq!(later.verdict, said("qa", Wish::Deploy, "staging", MONDAY).verdict);
}

#[test]
fn only_people_deploy_production_and_it_says_how_many() {
    let deploy = said("orchestrator", Wish::Deploy, "production", MONDAY);
    assert_eq!(deploy.verdict, Verdict::Person);
    assert_eq!(
        lines(&deploy)[..3],
        [
            "+ roles.orchestrator: the policy knows the role `orchestrator`",
            "- environments.production.deployment: only people deploy, migrate and roll back in `production`",
            ". environments.production.approvals.required: 1 of alice, bob must approve",
        ]
    );
    for wish in [Wish::Migrate, Wish::Approve, Wish::Rollback] {
        assert_eq!(said("orchestrator", wish, "production", MONDAY).verdict, Verdict::Person, "{wish:?}");
    }
    assert_eq!(said("orchestrator", Wish::Request, "production", MONDAY).verdict, Verdict::Allowed);
}

#[test]
fn a_person_is_told_by_name() {
    let approve = said("alice", Wish::Approve, "production", MONDAY);
    assert_eq!(approve.verdict, Verdict::Allowed);
    assert_eq!(
        lines(&approve),
        [
            "+ people.alice: `alice` is a person of the policy",
            "+ environments.production.approvals.from: `alice` is one of release",
            ". environments.production.approvals.required: 1 of alice, bob must approve",
            ". environments.production.approvals.not: an approver may not be who asked",
        ]
    );
    // Who does not approve may execute what others approved.
    assert_eq!(said("carol", Wish::Approve, "production", MONDAY).verdict, Verdict::Refused);
    assert_eq!(said("carol", Wish::Deploy, "production", MONDAY).verdict, Verdict::Allowed);
    for (wish, verdict) in [
        (Wish::Check, Verdict::Allowed),
        (Wish::Deploy, Verdict::Allowed),
        (Wish::Request, Verdict::Allowed),
        (Wish::Migrate, Verdict::Allowed),
        (Wish::Approve, Verdict::Refused),
        (Wish::Rollback, Verdict::Refused),
    ] {
        assert_eq!(said("carol", wish, "staging", MONDAY).verdict, verdict, "{wish:?}");
    }
}

#[test]
fn who_or_what_the_policy_does_not_know_is_a_no_with_what_was_meant() {
    let stranger = said("orchestratr", Wish::Deploy, "stagin", MONDAY);
    assert_eq!(stranger.verdict, Verdict::Refused);
    assert_eq!(
        lines(&stranger),
        [
            "- roles: the policy names no `orchestratr`, so it may do nothing; did you mean `orchestrator`?",
            "- environments: the policy has no environment `stagin`; did you mean `staging`?",
        ]
    );
    // Least rights: nobody knows it, so no person is sent for either.
    assert_eq!(said("stranger", Wish::Deploy, "production", MONDAY).verdict, Verdict::Refused);
}

#[test]
fn extra_approval_rules_are_judged_at_the_time_and_let_their_people_approve() {
    let rules = "required: 1, from: [release], not: [requester], rules: [{ when: { risk: high }, required: 2, from: \
                 [design] }, { when: { paths: [db], irreversible: true }, required: 2 }]";
    let policy = checked(&config(&[("required: 1, from: [release], not: [requester]", rules)])).unwrap();
    let without = said;
    let said = |who: &str| {
        let production = "production".parse().unwrap();
        explain(&policy, &who.parse().unwrap(), Wish::Approve, &production, at(MONDAY))
    };
    let carol = said("carol");
    assert_eq!(carol.verdict, Verdict::Allowed);
    assert_eq!(
        lines(&carol)[1..5],
        [
            ". environments.production.approvals.rules[0].from: `carol` may approve with risk High",
            ". environments.production.approvals.required: 1 of alice, bob must approve",
            ". environments.production.approvals.rules[0]: risk High asks for 2 of alice, bob, carol",
            ". environments.production.approvals.rules[1]: a change in db and a migration not known to be reversible asks for 2 of alice, bob",
        ]
    );
    assert_eq!(said("alice").verdict, Verdict::Allowed);
    assert_eq!(without("carol", Wish::Approve, "production", MONDAY).verdict, Verdict::Refused);
}
