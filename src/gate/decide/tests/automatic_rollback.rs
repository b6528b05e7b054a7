use super::{Case, message, refused};
use crate::gate::analysis::{Trigger, TriggerKind};
use crate::gate::config::ActionKind;
use crate::gate::decide::Decision;
use crate::gate::facts::{Action, Missing};
use crate::gate::fixture::{Book, ROLLS_BACK, approval, by, commit, config, minutes, production, release};
use crate::gate::presence::Terminal;
use crate::gate::statement::{
    Ending, OutcomeStatement, RollbackAuthority, Statement, Verdict, WATCH, Watched, WatchedAs,
};
use crate::gate::terms::Digest;

/// v2 was deployed over v1 with an approval that allows the way back until half an hour after the start; its watch ended at
/// a trigger.
fn triggered(edits: &[(&str, &str)]) -> (Case, Digest) {
    let mut book = Book::founded(&config(&[&[ROLLS_BACK], edits].concat()));
    book.deployed("production", 1, 0, Ending::Succeeded);
    let request = book.request("production", 2);
    let mut approval = approval(&request, Verdict::Allow, 20);
    approval.on_trigger = Some(RollbackAuthority { to: release(1), until: minutes(30) });
    book.sign(by("bob", 20), Statement::Approval(Box::new(approval))).unwrap();
    let execution = book.start(by("alice", 21), &request, ActionKind::Deploy).unwrap();
    let (signal, sentence) = ("shop".to_owned(), "the shop is ill".to_owned());
    let trigger = Trigger { signal, trigger: TriggerKind::HealthChecks, at: minutes(24), sentence };
    let (verdict, triggers) = (WatchedAs::Triggered, vec![trigger]);
    let watched = Watched { verdict, rounds: 1, signals: vec![], triggers, doubts: vec![] };
    let (failed_step, watched) = (Some(WATCH.to_owned()), Some(watched));
    let outcome = OutcomeStatement { execution, ending: Ending::Failed, failed_step, watched };
    book.sign(by("alice", 25), Statement::Outcome(outcome)).unwrap();
    let mut case = Case::over(book, 3, |_| ());
    // No key: the session's signs.
    (case.now, case.key) = (26, None);
    (case, execution)
}

fn decides(case: &Case, execution: &Digest, missing: &[Missing], database_stays: bool) -> Decision {
    let environment = production();
    case.decide(&Action::AutomaticRollback { environment: &environment, execution, missing, database_stays })
}

fn codes(decision: Decision) -> Vec<&'static str> {
    refused(decision).iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn a_session_may_as_its_approval_allows_and_nobody_signs_again() {
    let (case, execution) = triggered(&[]);
    let Decision::Allow(permit) = decides(&case, &execution, &[], false) else { panic!("refused") };
    assert_eq!((permit.release, permit.previous), (Some(release(1)), Some(release(2))));
    assert_eq!((permit.signer, permit.approvals.len()), (None, 1));
}

#[test]
fn whatever_is_in_the_way_asks_instead() {
    let (mut case, execution) = triggered(&[]);
    assert_eq!(codes(decides(&case, &execution, &[], true)), ["rollback.plan"]);
    let gone = [Missing::Commit { commit: commit('2'), remote: "origin".to_owned() }];
    assert_eq!(codes(decides(&case, &execution, &gone, false)), ["rollback.plan"]);
    let unknown = refused(decides(&case, &Digest::of(b"none"), &[], false));
    assert_eq!(
        message(&unknown),
        "no approval lets the session roll `production` back by itself: \
         it is not the newest action of the environment that it undoes"
    );
    assert_eq!(unknown[0].policy.as_deref(), Some("environments.production.rollback.on_trigger"));
    case.now = 31;
    assert_eq!(codes(decides(&case, &execution, &[], false)), ["approval.missing"]);
    let freeze = "windows: { timezone: UTC, deny: [{ name: stock, from: 2026-11-23, to: 2026-11-23, actions: [rollback] }] }\n    approvals: { required: 1, from: [release], not: [requester] }";
    let (frozen, execution) =
        triggered(&[("approvals: { required: 1, from: [release], not: [requester] }", freeze)]);
    assert_eq!(codes(decides(&frozen, &execution, &[], false)), ["window.blackout"]);
}

#[test]
fn the_person_who_started_it_is_still_at_the_terminal() {
    let (mut case, execution) = triggered(&[]);
    if let Some(presence) = &mut case.caller.presence {
        presence.terminal = Terminal::Missing { why: "standard input is not a terminal".to_owned() };
    }
    assert_eq!(codes(decides(&case, &execution, &[], false)), ["human.terminal"]);
}
