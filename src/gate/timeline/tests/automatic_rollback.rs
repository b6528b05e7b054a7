use proptest::prelude::*;

use super::{live, quarantined, track, why};
use crate::gate::analysis::{Trigger, TriggerKind};
use crate::gate::config::ActionKind;
use crate::gate::fixture::{
    Book, Ink, ROLLS_BACK, approval, at, by, commit, config, minutes, production, reference, release,
};
use crate::gate::plan::longest_back;
use crate::gate::statement::{
    AutomaticRollback, Ending, OutcomeStatement, RollbackAuthority, Statement, Verdict, WATCH, Watched,
    WatchedAs,
};
use crate::gate::terms::Digest;

fn trigger(sentence: &str) -> Trigger {
    let (signal, sentence) = ("shop".to_owned(), sentence.to_owned());
    Trigger { signal, trigger: TriggerKind::HealthChecks, at: minutes(24), sentence }
}

/// Back to v1 until an hour after the start.
fn allowed() -> Option<RollbackAuthority> {
    Some(RollbackAuthority { to: release(1), until: minutes(60) })
}

/// v1 is live under these rules; v2 is deployed with the approvals of bob and alice, and its watch has ended so.
fn watched(text: &str, allowed: [Option<RollbackAuthority>; 2], end: OutcomeStatement) -> (Book, Digest) {
    let (mut book, execution) = running(text, allowed);
    book.sign(by("alice", 25), Statement::Outcome(OutcomeStatement { execution, ..end })).unwrap();
    (book, execution)
}

fn running(text: &str, allowed: [Option<RollbackAuthority>; 2]) -> (Book, Digest) {
    let mut book = Book::founded(text);
    book.deployed("production", 1, 0, Ending::Succeeded);
    let request = book.request("production", 2);
    for (person, on_trigger) in ["bob", "alice"].into_iter().zip(allowed) {
        let mut approval = approval(&request, Verdict::Allow, 20);
        approval.on_trigger = on_trigger;
        book.sign(by(person, 20), Statement::Approval(Box::new(approval))).unwrap();
    }
    let execution = book.start(by("alice", 21), &request, ActionKind::Deploy).unwrap();
    (book, execution)
}

fn ended(verdict: WatchedAs, triggers: &[&str]) -> OutcomeStatement {
    let triggers = triggers.iter().map(|sentence| trigger(sentence)).collect();
    OutcomeStatement {
        execution: Digest::of(b""),
        ending: Ending::Failed,
        failed_step: Some(WATCH.to_owned()),
        watched: Some(Watched { verdict, rounds: 1, signals: vec![], triggers, doubts: vec![] }),
    }
}

/// The shop was ill, and both approvals allow the way back.
fn triggered() -> (Book, Digest) {
    let end = ended(WatchedAs::Triggered, &["the shop is ill"]);
    watched(&config(&[ROLLS_BACK]), [allowed(), allowed()], end)
}

fn said(execution: Digest) -> AutomaticRollback {
    AutomaticRollback {
        execution,
        environment: "production".parse().unwrap(),
        release: release(1),
        triggers: vec![trigger("the shop is ill")],
        plan: Digest::of(b"plan"),
        lease_until: minutes(40),
    }
}

fn rolls(book: &mut Book, ink: Ink<'_>, said: AutomaticRollback) -> Result<Digest, super::super::Fault> {
    book.sign(ink, Statement::AutomaticRollback(Box::new(said)))
}

#[test]
fn a_session_undoes_what_it_deployed_and_that_is_a_rollback_like_any_other() {
    let (mut book, deployed) = triggered();
    let back = rolls(&mut book, by("alice", 26), said(deployed)).unwrap();
    let newest = track(&book, "production").deployments.last().unwrap();
    assert_eq!((newest.execution, newest.automatic, &newest.start.release), (back, true, &release(1)));
    assert_eq!(newest.start.reason.as_deref(), Some("trigger: the shop is ill"));
    assert_eq!(newest.aftermath.as_ref().map(|owed| owed.undoes), Some(deployed));
    assert_eq!(track(&book, "production").lock().map(|lock| lock.execution), Some(back));
    book.step(by("alice", 27), back).unwrap();
    book.end(by("alice", 28), back, Ending::Succeeded).unwrap();
    assert_eq!(live(&book, "production").as_deref(), Some("v1"));
    assert_eq!(quarantined(&book, "production"), [commit('2')]);
    let undone = &track(&book, "production").deployments[1];
    assert_eq!((undone.execution, undone.rolled_back_by), (deployed, Some(back)));
}

/// Why this statement, a minute after the watch, is a fault.
fn fault(book: &Book, said: AutomaticRollback) -> String {
    why(rolls(&mut book.clone(), by("alice", 26), said))
}

#[test]
fn what_the_approvals_do_not_allow_is_a_fault() {
    let (book, deployed) = triggered();
    let forged = rolls(&mut book.clone(), Ink { armored: "forged", ..by("alice", 26) }, said(deployed));
    assert_eq!(why(forged), "the signature of `session` does not verify: forged");
    let other = rolls(&mut book.clone(), by("bob", 26), said(deployed));
    assert_eq!(why(other), "`bob` did not start that deployment");
    let late = rolls(&mut book.clone(), by("alice", 61), said(deployed));
    assert_eq!(why(late), "the time that its approvals allow is over");
    let newest = "it is not the newest action of the environment that it undoes";
    let elsewhere = AutomaticRollback { environment: "eu".parse().unwrap(), ..said(deployed) };
    assert_eq!(fault(&book, elsewhere), newest);
    let target = AutomaticRollback { release: release(3), ..said(deployed) };
    assert_eq!(fault(&book, target), "it goes back to another release than its approvals allow");
    let triggers = AutomaticRollback { triggers: vec![trigger("it is Monday")], ..said(deployed) };
    assert_eq!(fault(&book, triggers), "it names other triggers than the watch recorded");
    let first = track(&book, "production").deployments[0].execution;
    assert_eq!(fault(&book, said(first)), newest);
    let unknown = said(Digest::of(b"none"));
    assert_eq!(fault(&book, unknown), "it is about an execution that the ledger does not hold");
}

#[test]
fn it_is_done_once_and_by_nobody_after_a_person() {
    let (mut book, deployed) = triggered();
    let newest = "it is not the newest action of the environment that it undoes";
    let mut person = book.clone();
    let request = person.request("production", 2);
    let mut request = crate::gate::request::Request { previous_release: Some(release(1)), ..request };
    request.previous_recorded = true;
    assert_eq!(reference(&request), track(&person, "production").deployments[1].start.request);
    person.start(by("bob", 26), &request, ActionKind::Rollback).unwrap();
    assert_eq!(fault(&person, said(deployed)), newest);
    let back = rolls(&mut book, by("alice", 26), said(deployed)).unwrap();
    assert_eq!(fault(&book, said(deployed)), newest);
    assert_eq!(fault(&book, said(back)), "it undoes a deployment that has not ended");
    book.end(by("alice", 27), back, Ending::Failed).unwrap();
    assert_eq!(fault(&book, said(deployed)), newest);
    assert_eq!(fault(&book, said(back)), "what it undoes is no deployment");
}

#[test]
fn nothing_but_a_trigger_of_the_watch_begins_it() {
    let both = || [allowed(), allowed()];
    let text = config(&[ROLLS_BACK]);
    let (running, deployed) = running(&text, both());
    assert_eq!(fault(&running, said(deployed)), "it undoes a deployment that has not ended");
    let good = || ended(WatchedAs::Triggered, &["the shop is ill"]);
    for end in [
        ended(WatchedAs::Unknown, &[]),
        OutcomeStatement { failed_step: Some("release".to_owned()), ..good() },
        OutcomeStatement { watched: None, ..good() },
    ] {
        let (book, deployed) = watched(&text, both(), end.clone());
        let what = "no trigger ended the watch of what it undoes";
        assert_eq!(fault(&book, said(deployed)), what, "{end:?}");
    }
    // What contradicts itself ends nothing, so that there is nothing to undo either.
    for end in [
        ended(WatchedAs::Unknown, &["the shop is ill"]),
        ended(WatchedAs::Interrupted, &["the shop is ill"]),
        ended(WatchedAs::Triggered, &[]),
        OutcomeStatement { ending: Ending::Interrupted, ..good() },
        OutcomeStatement { ending: Ending::Succeeded, ..good() },
    ] {
        let (book, deployed) = watched(&text, both(), end.clone());
        assert_eq!(fault(&book, said(deployed)), "it undoes a deployment that has not ended", "{end:?}");
    }
}

#[test]
fn it_holds_the_environment_no_longer_than_the_way_back_may_take() {
    let (book, deployed) = triggered();
    let longest = longest_back(&book.policy().environments[&production()]).unwrap();
    let last = minutes(26) + chrono::Duration::from_std(longest).unwrap();
    let with = |lease_until| AutomaticRollback { lease_until, ..said(deployed) };
    rolls(&mut book.clone(), by("alice", 26), with(last)).unwrap();
    for late in [last + chrono::Duration::seconds(1), at("9999-12-31T00:00:00Z")] {
        assert_eq!(
            fault(&book, with(late)),
            "it holds the environment longer than its steps and its watch may take"
        );
    }
}

#[test]
fn every_approval_has_to_allow_it_under_the_rules_in_force() {
    let end = || ended(WatchedAs::Triggered, &["the shop is ill"]);
    let text = config(&[ROLLS_BACK]);
    let why = |text: &str, allowed| {
        let (book, deployed) = watched(text, allowed, end());
        fault(&book, said(deployed))
    };
    assert_eq!(why(&text, [allowed(), None]), "not every approval allows it");
    let elsewhere = Some(RollbackAuthority { to: release(3), until: minutes(60) });
    assert_eq!(why(&text, [allowed(), elsewhere]), "its approvals do not allow the same");
    let asks = config(&[(ROLLS_BACK.0, &ROLLS_BACK.1.replace("on_trigger: rollback", "on_trigger: ask"))]);
    assert_eq!(why(&asks, [allowed(), allowed()]), "the policy says that a trigger asks");
    let (mut book, deployed) = triggered();
    let request = track(&book, "production").deployments[1].start.request.clone();
    let mut revoked = book.clone();
    for vote in &mut revoked.timeline.requests.get_mut(&request).unwrap().votes {
        vote.revoked = true;
    }
    assert_eq!(fault(&revoked, said(deployed)), "its approval was revoked");
    let mut denied = book.clone();
    let asked = book.request("production", 2);
    denied.vote(by("bob", 25), &asked, Verdict::Deny).unwrap();
    assert_eq!(fault(&denied, said(deployed)), "a person denied it");
    book.sign_rules(by("bob", 25), &text.replace("project: shop", "project: shop2")).unwrap();
    let what = "the rules in force are not those that it was deployed under";
    assert_eq!(fault(&book, said(deployed)), what);
}

proptest! {
    /// The session never does more than the narrowest of the approvals says, and does all of that.
    #[test]
    fn no_later_than_the_first_approval_ends_and_only_to_what_all_name(
        first in prop::option::of((1_u8..3, 22_i64..40)),
        second in prop::option::of((1_u8..3, 22_i64..40)),
        at in 26_i64..40,
        to in 1_u8..3,
    ) {
        let allow = |given: Option<(u8, i64)>| {
            given.map(|(to, until)| RollbackAuthority { to: release(to), until: minutes(until) })
        };
        let text = config(&[ROLLS_BACK]);
        let end = ended(WatchedAs::Triggered, &["the shop is ill"]);
        let (mut book, deployed) = watched(&text, [allow(first), allow(second)], end);
        let narrow = |given: Option<(u8, i64)>| given.is_some_and(|(to, until)| to == 1 && at <= until);
        let rolled = rolls(&mut book, by("alice", at), AutomaticRollback { release: release(to), ..said(deployed) });
        prop_assert_eq!(rolled.is_ok(), narrow(first) && narrow(second) && to == 1);
    }
}
