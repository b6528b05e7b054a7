mod automatic_rollback;
mod back;
mod incident;
mod outcome;
mod quarantine;
mod reports;
mod settled;
mod start;
mod state;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Track;
use crate::gate::config::ActionKind;
use crate::gate::fixture::{
    Book, Ink, approval, by, commit, config, entry, key, minutes, reference, release, rules,
};
use crate::gate::statement::{Ending, Statement, StepEnd, Verdict};
use crate::gate::terms::{CommitId, Digest};

fn two() -> String {
    config(&[("required: 1", "required: 2")])
}

fn why<T: std::fmt::Debug>(result: Result<T, super::Fault>) -> String {
    result.unwrap_err().why
}

/// Why an entry settles nothing; that it changes nothing either.
fn idle(book: &Book, act: impl FnOnce(&mut Book) -> Result<Digest, super::Fault>) -> String {
    let state = |book: &Book| {
        let mut state = serde_json::to_value(book.timeline.state()).unwrap();
        state["tip"] = serde_json::Value::Null;
        state
    };
    let mut after = book.clone();
    act(&mut after).unwrap();
    assert_eq!(state(&after), state(book));
    after.timeline.idle.unwrap()
}

fn track<'a>(book: &'a Book, environment: &str) -> &'a Track {
    &book.timeline.tracks[&environment.parse().unwrap()]
}

fn live(book: &Book, environment: &str) -> Option<String> {
    track(book, environment).live.as_ref().map(|live| live.release.version.to_string())
}

fn quarantined(book: &Book, environment: &str) -> Vec<CommitId> {
    track(book, environment).quarantined.iter().map(|known| known.undone.commit.clone()).collect()
}

fn undo(book: &Book, environment: &str) -> Option<String> {
    track(book, environment).to_undo().map(|deployed| deployed.start.release.version.to_string())
}

mod faults {
    use super::*;

    #[test]
    fn a_fault_names_the_place_and_the_commit() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let fault = book.vote(Ink { armored: "bad", ..by("bob", 1) }, &request, Verdict::Allow).unwrap_err();
        assert_eq!(fault.to_string(), "entry 2 (ccccccc): the signature of `bob` does not verify: forged");
    }

    #[test]
    fn a_ledger_begins_with_a_policy_of_version_one_by_one_of_its_people() {
        let text = config(&[]);
        let book = Book::founded(&text);
        let founding = |by: &str, statement: Statement, given: Option<&str>| {
            let mut payload = book.payload(super::by("alice", 0), statement);
            (payload.sequence, payload.previous, payload.repository) = (1, None, None);
            payload.by = by.parse().unwrap();
            super::super::Timeline::default()
                .apply(&entry(&payload, by, "good", given), crate::gate::fixture::verify)
                .map_err(|fault| fault.why)
        };
        let request = book.request("production", 1);
        let vote = Statement::Approval(Box::new(approval(&request, Verdict::Allow, 0)));
        assert_eq!(founding("alice", vote, None), Err("the ledger does not begin with a policy".to_owned()));
        let first = rules(&text, 1, None);
        assert_eq!(founding("alice", first.clone(), Some(&text)), Ok(()));
        assert_eq!(
            founding("mallory", first.clone(), Some(&text)),
            Err("`mallory` is not a person of the policy in force".to_owned())
        );
        for wrong in [rules(&text, 2, None), rules(&text, 1, Some(Digest::of(b"x")))] {
            assert_eq!(
                founding("alice", wrong, Some(&text)),
                Err("the first policy is not version 1".to_owned())
            );
        }
        assert_eq!(
            founding("alice", first.clone(), None),
            Err("it does not hold the `deployctl.yaml` it signs".to_owned())
        );
        assert_eq!(
            founding("alice", first, Some("schema: 1\n")),
            Err("its `deployctl.yaml` is not the one that was signed".to_owned())
        );
        let broken = "schema: 1\nproject: shop\nenvironments: {}\n";
        assert_eq!(
            founding("alice", rules(broken, 1, None), Some(broken)),
            Err("its `deployctl.yaml` is not valid: people: name at least one person: only people sign"
                .to_owned())
        );
        let shapeless = "schema: 1\n";
        assert!(
            founding("alice", rules(shapeless, 1, None), Some(shapeless))
                .unwrap_err()
                .starts_with("its `deployctl.yaml` is not valid: missing field `project`")
        );
    }

    #[test]
    fn an_entry_stands_in_its_place_in_its_own_ledger() {
        let book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let vote = || Statement::Approval(Box::new(approval(&request, Verdict::Allow, 1)));
        let spoilt = |spoil: &dyn Fn(&mut crate::gate::statement::Payload)| {
            let mut payload = book.payload(by("bob", 1), vote());
            spoil(&mut payload);
            why(book.clone().take(&entry(&payload, "bob", "good", None)))
        };
        assert_eq!(spoilt(&|payload| payload.sequence = 3), "it says that it is entry 3, and stands at 2");
        assert_eq!(spoilt(&|payload| payload.sequence = 1), "it says that it is entry 1, and stands at 2");
        for previous in [None, Some(Digest::of(b"another"))] {
            assert_eq!(
                spoilt(&|payload| payload.previous = previous),
                "it does not follow the entry before it"
            );
        }
        let other = crate::gate::statement::Root::of(b"other");
        for root in [None, Some(other)] {
            assert_eq!(
                spoilt(&|payload| payload.repository = root),
                "it was signed for another repository's ledger"
            );
        }
        assert_eq!(
            spoilt(&|payload| {
                payload.attachments = BTreeMap::from([("screen.txt".to_owned(), Digest::of(b""))]);
            }),
            "its files are not the ones that were signed"
        );
        assert_eq!(
            spoilt(&|payload| payload.by = "mallory".parse().unwrap()),
            "`mallory` is not a person of the policy in force"
        );
    }

    #[test]
    fn an_entry_cannot_be_replayed() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let vote = Statement::Approval(Box::new(approval(&request, Verdict::Allow, 1)));
        let entry = entry(&book.payload(by("bob", 1), vote), "bob", "good", None);
        book.take(&entry).unwrap();
        assert_eq!(why(book.take(&entry)), "it says that it is entry 2, and stands at 3");
    }

    #[test]
    fn unsigned_files_and_unreadable_payloads_are_faults() {
        let book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let vote = Statement::Approval(Box::new(approval(&request, Verdict::Allow, 1)));
        let good = entry(&book.payload(by("bob", 1), vote), "bob", "good", None);
        let mut more = good.clone();
        more.attachments = Some(BTreeMap::from([("request.json".to_owned(), Digest::of(b"slipped in"))]));
        assert_eq!(why(book.clone().take(&more)), "its files are not the ones that were signed");
        let mut spaced = good.clone();
        spaced.payload.push(b'\n');
        assert_eq!(
            why(book.clone().take(&spaced)),
            "the payload is not canonical JSON, or has keys that this version does not know"
        );
    }

    #[test]
    fn an_entry_carries_exactly_its_signers_signature() {
        let book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let vote = Statement::Approval(Box::new(approval(&request, Verdict::Allow, 1)));
        let good = entry(&book.payload(by("bob", 1), vote), "bob", "good", None);
        let with = |signatures: &[(&str, &str)]| {
            let mut entry = good.clone();
            entry.signatures =
                signatures.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            why(book.clone().take(&entry))
        };
        assert_eq!(with(&[]), "it does not carry exactly one signature");
        assert_eq!(with(&[("alice", "good"), ("bob", "good")]), "it does not carry exactly one signature");
        assert_eq!(with(&[("alice", "good")]), "it carries the signature of `alice`, not of `bob`");
        assert_eq!(with(&[("session", "good")]), "it carries the signature of `session`, not of `bob`");
        assert_eq!(with(&[("bob", "bad")]), "the signature of `bob` does not verify: forged");
    }

    #[test]
    fn what_was_never_approved_cannot_be_revoked() {
        let book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        assert_eq!(
            idle(&book, |book| book.revoke(by("bob", 1), &request)),
            "it revokes an approval that the ledger does not hold"
        );
    }

    #[test]
    fn what_settles_nothing_stops_nothing_after_it() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        book.revoke(by("carol", 1), &request).unwrap();
        book.review(by("bob", 2), Digest::of(b"x"), Ending::Succeeded).unwrap();
        book.sign_off(by("carol", 3), &request, Verdict::Hold).unwrap();
        assert!(book.timeline.idle.is_some());
        book.vote(by("bob", 4), &request, Verdict::Allow).unwrap();
        assert_eq!(book.timeline.idle, None);
        book.start(by("alice", 5), &request, ActionKind::Deploy).unwrap();
    }
}

mod rules_change {
    use super::*;

    #[test]
    fn new_rules_are_in_force_once_the_quorum_of_the_old_ones_signed_them() {
        let old = two();
        let new = format!("{}# new\n", config(&[]));
        let mut book = Book::founded(&old);
        let before = book.policy().digest;
        book.sign_rules(by("alice", 1), &new).unwrap();
        book.sign_rules(by("alice", 2), &new).unwrap();
        assert_eq!(book.policy().digest, before, "two signatures of one person are one");
        book.sign_rules(by("carol", 3), &new).unwrap();
        assert_eq!(book.policy().digest, before, "carol approves nothing");
        assert_eq!(book.timeline.proposals[&Digest::of(new.as_bytes())].len(), 1);
        book.sign_rules(by("bob", 4), &new).unwrap();
        let in_force = book.timeline.policy.as_ref().unwrap();
        assert_eq!((in_force.version, in_force.by.as_str(), in_force.at), (2, "bob", minutes(4)));
        assert_eq!(in_force.policy.digest, Digest::of(new.as_bytes()));
        assert!(book.timeline.proposals.is_empty());
    }

    #[test]
    fn signatures_of_two_proposals_do_not_add_up() {
        let mut book = Book::founded(&two());
        let before = book.policy().digest;
        book.sign_rules(by("alice", 1), &format!("{}# one\n", config(&[]))).unwrap();
        book.sign_rules(by("bob", 2), &format!("{}# two\n", config(&[]))).unwrap();
        assert_eq!(book.policy().digest, before);
        assert_eq!(book.timeline.proposals.len(), 2);
    }

    #[test]
    fn an_older_policy_cannot_come_back_by_its_old_number() {
        let (first, second) = (config(&[]), format!("{}# second\n", config(&[])));
        let mut book = Book::founded(&first);
        book.sign_rules(by("alice", 1), &second).unwrap();
        let digest = book.policy().digest;
        for statement in [
            rules(&first, 1, None),
            rules(&first, 2, Some(Digest::of(first.as_bytes()))),
            rules(&first, 4, Some(digest)),
            rules(&first, 3, None),
        ] {
            let entry = entry(&book.payload(by("alice", 2), statement), "alice", "good", Some(&first));
            assert!(why(book.clone().take(&entry)).contains("an older policy cannot come back"));
        }
    }

    #[test]
    fn who_is_judged_by_a_touch_does_not_change_the_rules_without_one() {
        let strict =
            config(&[("required: 1, from: [release]", "required: 1, presence: touch, from: [release]")]);
        let mut book = Book::founded(&strict);
        let new = config(&[]);
        for armored in ["good", "untouched"] {
            book.sign_rules(Ink { armored, ..by("bob", 1) }, &new).unwrap();
            assert_eq!(book.policy().digest, Digest::of(strict.as_bytes()), "{armored}");
        }
        book.sign_rules(Ink { armored: "touched", ..by("bob", 2) }, &new).unwrap();
        assert_eq!(book.policy().digest, Digest::of(new.as_bytes()));
    }

    #[test]
    fn a_signer_does_not_choose_another_remote_than_the_file() {
        let mut book = Book::founded(&config(&[]));
        for (ledger, remote) in
            [("none", Some("evil")), ("{ remote: origin }", None), ("{ remote: origin }", Some("evil"))]
        {
            let text = format!("{}# x\n", config(&[("ledger: none", &format!("ledger: {ledger}"))]));
            let Statement::Policy(mut statement) = rules(&text, 2, Some(book.policy().digest)) else {
                panic!("rules")
            };
            statement.remote = remote.map(str::to_owned);
            let payload = book.payload(by("alice", 1), Statement::Policy(statement));
            assert_eq!(
                why(book.clone().take(&entry(&payload, "alice", "good", Some(&text)))),
                "it names another remote than its `deployctl.yaml`"
            );
        }
        let text = config(&[("ledger: none\n", "")]);
        book.sign_rules(by("alice", 1), &text).unwrap();
        assert_eq!(book.timeline.policy.unwrap().remote, None);
    }

    #[test]
    fn who_left_the_policy_signs_nothing_any_more() {
        let mut book = Book::founded(&config(&[]));
        let without = config(&[(
            "  bob: { keys: [\"KEY-2\", \"TOUCH-3\"], emails: [\"bob@shop.example\"], groups: [release] }\n",
            "",
        )]);
        book.sign_rules(by("alice", 1), &without).unwrap();
        let request = book.request("production", 1);
        assert_eq!(
            why(book.vote(by("bob", 2), &request, Verdict::Allow)),
            "`bob` is not a person of the policy in force"
        );
    }
}

mod votes {
    use super::*;

    #[test]
    fn who_names_a_request_wrongly_says_nothing_and_stops_nobody() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let named = |id: &str| {
            let mut said = approval(&request, Verdict::Deny, 1);
            said.request.id = id.to_owned();
            Statement::Approval(Box::new(said))
        };
        let digest = reference(&request).digest;
        for id in ["v9-0000000", "v1", "", &format!("v1-{digest}"), &format!("v9-{}", digest.short())] {
            book.sign(by("alice", 1), named(id)).unwrap();
            assert!(book.timeline.requests.is_empty(), "{id}");
        }
        // Another version of its own makes it another request, with the same digest or not.
        let mut other = approval(&request, Verdict::Deny, 1);
        other.release = release(9);
        other.request.id = format!("v9-{}", digest.short());
        book.sign(by("carol", 2), Statement::Approval(Box::new(other))).unwrap();
        book.vote(by("bob", 3), &request, Verdict::Allow).unwrap();
        assert_eq!(book.timeline.requests.len(), 2);
        let decided = &book.timeline.requests[&reference(&request)];
        let people: Vec<&str> = decided.votes.iter().map(|vote| vote.by.as_str()).collect();
        assert_eq!(people, ["bob"]);
        book.start(by("alice", 4), &request, ActionKind::Deploy).unwrap();
    }

    #[test]
    fn an_approval_ends_with_the_rules_under_which_its_key_was_the_persons() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
        book.sign_rules(by("alice", 2), &config(&[("\"KEY-2\", ", "")])).unwrap();
        assert_eq!(
            why(book.start(by("alice", 3), &request, ActionKind::Deploy)),
            "it was approved under other rules"
        );
    }

    #[test]
    fn votes_are_kept_in_order_with_their_proof() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        let first = book.vote(by("bob", 1), &request, Verdict::Hold).unwrap();
        let second = book.vote(Ink { armored: "touched", ..by("bob", 2) }, &request, Verdict::Allow).unwrap();
        let decided = &book.timeline.requests[&reference(&request)];
        let seen: Vec<_> = decided
            .votes
            .iter()
            .map(|vote| (vote.entry, vote.approval.verdict, vote.proof.hardware.is_some(), vote.revoked))
            .collect();
        assert_eq!(seen, [(first, Verdict::Hold, false, false), (second, Verdict::Allow, true, false)]);
        assert_eq!((decided.consumed, decided.revoked.clone()), (None, None));
    }

    #[test]
    fn a_revocation_ends_the_approvals_before_it_and_no_denial() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
        book.vote(by("alice", 2), &request, Verdict::Deny).unwrap();
        book.revoke(by("alice", 3), &request).unwrap();
        book.vote(by("bob", 4), &request, Verdict::Allow).unwrap();
        let decided = &book.timeline.requests[&reference(&request)];
        let revoked: Vec<bool> = decided.votes.iter().map(|vote| vote.revoked).collect();
        assert_eq!(revoked, [true, false, false]);
        assert_eq!(decided.revoked, Some(("alice".parse().unwrap(), "second thoughts".to_owned())));
    }
}

mod executions {
    use super::*;

    fn approved(required: &str) -> (Book, crate::gate::request::Request) {
        let mut book = Book::founded(&config(&[("required: 1", required)]));
        let request = book.request("production", 1);
        book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
        (book, request)
    }

    #[test]
    fn an_approval_is_consumed_once() {
        let (mut book, request) = approved("required: 1");
        let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
        let decided = &book.timeline.requests[&reference(&request)];
        assert_eq!(decided.consumed, Some(execution));
        book.end(by("alice", 3), execution, Ending::Failed).unwrap();
        assert_eq!(
            why(book.start(by("alice", 4), &request, ActionKind::Deploy)),
            "its approval was used before"
        );
    }

    #[test]
    fn an_execution_rests_on_approvals_of_the_same_thing() {
        let (book, request) = approved("required: 1");
        let spoilt = |spoil: &dyn Fn(&mut crate::gate::statement::Execution)| {
            let mut execution = book.execution(by("alice", 2), &request, ActionKind::Deploy);
            spoil(&mut execution);
            why(book.clone().sign(by("alice", 2), Statement::Execution(Box::new(execution))))
        };
        let nothing = "it rests on an approval that the ledger does not hold";
        assert_eq!(spoilt(&|execution| execution.request.digest = Digest::of(b"x")), nothing);
        assert_eq!(spoilt(&|execution| execution.approvals = vec![Digest::of(b"x")]), nothing);
        assert_eq!(spoilt(&|execution| execution.approvals.clear()), "it rests on no approval");
        let other = "it does what its approval does not cover";
        assert_eq!(spoilt(&|execution| execution.release = release(2)), other);
        assert_eq!(spoilt(&|execution| execution.previous_release = Some(release(2))), other);
        assert_eq!(spoilt(&|execution| execution.environment = "eu".parse().unwrap()), other);
        assert_eq!(
            spoilt(&|execution| execution.policy = Digest::of(b"x")),
            "it was approved under other rules"
        );
    }

    #[test]
    fn a_denial_or_a_hold_is_no_approval_and_a_denial_is_final() {
        for verdict in [Verdict::Deny, Verdict::Hold] {
            let mut book = Book::founded(&config(&[]));
            let request = book.request("production", 1);
            book.vote(by("bob", 1), &request, verdict).unwrap();
            assert_eq!(
                why(book.start(by("alice", 2), &request, ActionKind::Deploy)),
                "it rests on a verdict that is no approval"
            );
        }
        let (mut book, request) = approved("required: 1");
        let execution = book.execution(by("alice", 2), &request, ActionKind::Deploy);
        book.vote(by("alice", 2), &request, Verdict::Deny).unwrap();
        assert_eq!(
            why(book.sign(by("alice", 3), Statement::Execution(Box::new(execution)))),
            "a person denied it"
        );
    }

    #[test]
    fn revoked_ended_and_outdated_approvals_start_nothing() {
        let (mut book, request) = approved("required: 1");
        assert_eq!(
            why(book.clone().start(by("alice", 242), &request, ActionKind::Deploy)),
            "its approval had ended"
        );
        let mut moved = book.clone();
        moved.sign_rules(by("alice", 2), &format!("{}# new\n", config(&[]))).unwrap();
        assert_eq!(
            why(moved.start(by("alice", 3), &request, ActionKind::Deploy)),
            "it was approved under other rules"
        );
        book.revoke(by("bob", 2), &request).unwrap();
        assert_eq!(why(book.start(by("alice", 3), &request, ActionKind::Deploy)), "its approval was revoked");
    }

    #[test]
    fn people_are_counted_and_not_votes() {
        let (mut book, request) = approved("required: 2");
        book.vote(by("bob", 2), &request, Verdict::Allow).unwrap();
        book.vote(by("carol", 2), &request, Verdict::Allow).unwrap();
        assert_eq!(
            why(book.clone().start(by("alice", 3), &request, ActionKind::Deploy)),
            "1 of 2 people approved it"
        );
        book.vote(by("alice", 3), &request, Verdict::Allow).unwrap();
        book.start(by("alice", 4), &request, ActionKind::Deploy).unwrap();
    }

    #[test]
    fn a_running_deployment_holds_its_environment_and_no_other() {
        let (mut book, request) = approved("required: 1");
        let second = book.request("production", 2);
        let elsewhere = book.request("eu", 2);
        book.vote(by("bob", 1), &second, Verdict::Allow).unwrap();
        book.vote(by("bob", 1), &elsewhere, Verdict::Allow).unwrap();
        let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
        let busy = "it starts while another deployment holds the environment";
        assert_eq!(why(book.clone().start(by("bob", 22), &second, ActionKind::Deploy)), busy);
        assert_eq!(why(book.clone().start(by("bob", 90), &second, ActionKind::Deploy)), busy);
        let elsewhere = book.start(by("bob", 3), &elsewhere, ActionKind::Deploy).unwrap();
        assert_eq!(track(&book, "production").lock().unwrap().execution, execution);
        assert_eq!(track(&book, "eu").lock().unwrap().execution, elsewhere);
        book.end(by("alice", 5), execution, Ending::Succeeded).unwrap();
        assert_eq!((live(&book, "production"), live(&book, "eu")), (Some("v1".to_owned()), None));
        book.end(by("bob", 6), elsewhere, Ending::Succeeded).unwrap();
        assert_eq!(
            (live(&book, "production"), live(&book, "eu")),
            (Some("v1".to_owned()), Some("v2".to_owned()))
        );
    }

    #[test]
    fn a_session_speaks_for_its_own_running_deployment_only() {
        let (mut book, request) = approved("required: 1");
        let unknown = "it is about an execution that the ledger does not hold";
        assert_eq!(why(book.clone().step(by("alice", 2), Digest::of(b"x"))), unknown);
        let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
        assert_eq!(why(book.clone().step(by("bob", 3), execution)), "`bob` did not start that deployment");
        assert_eq!(
            why(book.clone().end(Ink { armored: "bad", ..by("alice", 3) }, execution, Ending::Succeeded)),
            "the signature of `session` does not verify: forged"
        );
        book.step(by("alice", 3), execution).unwrap();
        let deployed = track(&book, "production").lock().unwrap();
        assert_eq!(deployed.steps.len(), 1);
        assert_eq!(
            (deployed.steps[0].step.as_str(), deployed.steps[0].result),
            ("release", StepEnd::Succeeded)
        );
        assert_eq!(deployed.start.session_key, key(90));
        book.end(by("alice", 4), execution, Ending::Succeeded).unwrap();
        let ended = "it is about a deployment that has ended";
        assert_eq!(why(book.clone().step(by("alice", 5), execution)), ended);
        assert_eq!(why(book.end(by("alice", 5), execution, Ending::Failed)), ended);
    }

    #[test]
    fn a_failure_changes_nothing_that_is_live_and_leaves_a_doubt() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        assert!(track(&book, "production").doubt().is_none());
        book.deployed("production", 2, 20, Ending::Failed);
        assert_eq!(live(&book, "production").unwrap(), "v1");
        let doubt = track(&book, "production").doubt().unwrap();
        assert_eq!(
            (doubt.start.release.version.as_str(), doubt.failed_step.as_deref()),
            ("v2", Some("release"))
        );
        assert_eq!(doubt.ending, Some((Ending::Failed, minutes(30))));
    }
}

mod reviews {
    use super::*;

    #[test]
    fn a_person_resolves_what_never_said_how_it_ended_after_its_lease() {
        let mut book = Book::founded(&config(&[]));
        let request = book.request("production", 1);
        book.vote(by("bob", 0), &request, Verdict::Allow).unwrap();
        let execution = book.start(by("alice", 1), &request, ActionKind::Deploy).unwrap();
        assert_eq!(
            idle(&book, |book| book.review(by("bob", 16), execution, Ending::Succeeded)),
            "it reviews a deployment that still holds the environment"
        );
        book.review(by("bob", 17), execution, Ending::Succeeded).unwrap();
        assert_eq!(live(&book, "production").unwrap(), "v1");
        assert!(track(&book, "production").lock().is_none());
        assert_eq!(track(&book, "production").deployments[0].reviewed.as_deref(), Some("I looked"));
        assert_eq!(
            idle(&book, |book| book.review(by("bob", 23), execution, Ending::Failed)),
            "it reviews a deployment that was not interrupted"
        );
    }

    #[test]
    fn a_review_counts_only_of_who_approves_there_with_the_presence_that_is_asked_for() {
        let strict =
            config(&[("required: 1, from: [release]", "required: 1, presence: touch, from: [release]")]);
        let mut book = Book::founded(&strict);
        let request = book.request("production", 1);
        book.vote(Ink { armored: "touched", ..by("bob", 0) }, &request, Verdict::Allow).unwrap();
        let touched = Ink { armored: "touched", ..by("alice", 1) };
        let execution = book.start(touched, &request, ActionKind::Deploy).unwrap();
        for ink in [by("carol", 30), by("bob", 30), Ink { armored: "touched", ..by("carol", 30) }] {
            book.review(ink, execution, Ending::Succeeded).unwrap();
            assert!(track(&book, "production").lock().is_some());
            assert_eq!(live(&book, "production"), None);
        }
        book.review(Ink { armored: "touched", ..by("bob", 31) }, execution, Ending::Succeeded).unwrap();
        assert_eq!(live(&book, "production").unwrap(), "v1");
        // What does not count is no fault either where a review would be one.
        book.review(by("carol", 32), execution, Ending::Failed).unwrap();
        assert_eq!(live(&book, "production").unwrap(), "v1");
    }

    #[test]
    fn who_approves_no_more_reviews_no_more() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Interrupted);
        let execution = track(&book, "production").deployments[0].execution;
        let without = config(&[("emails: [\"bob@shop.example\"], groups: [release]", "groups: []")]);
        book.sign_rules(by("alice", 20), &without).unwrap();
        book.review(by("bob", 21), execution, Ending::Succeeded).unwrap();
        assert!(track(&book, "production").interrupted().is_some());
        book.review(by("alice", 22), execution, Ending::Succeeded).unwrap();
        assert_eq!(live(&book, "production").unwrap(), "v1");
    }

    #[test]
    fn an_interrupted_one_is_reviewed_only_while_nothing_followed() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let request = book.deployed("production", 2, 20, Ending::Interrupted);
        let execution = track(&book, "production").deployments[1].execution;
        let mut well = book.clone();
        well.review(by("bob", 40), execution, Ending::Succeeded).unwrap();
        assert_eq!(live(&well, "production").unwrap(), "v2");
        book.rolled_back(&request, 40, Ending::Succeeded);
        assert_eq!(
            idle(&book, |book| book.review(by("bob", 50), execution, Ending::Succeeded)),
            "it reviews a deployment that another one followed"
        );
        assert_eq!(
            idle(&book, |book| book.review(by("bob", 50), Digest::of(b"x"), Ending::Succeeded)),
            "it reviews a deployment that the ledger does not hold"
        );
        assert_eq!(live(&book, "production").unwrap(), "v1");
    }
}

mod rollbacks {
    use super::*;

    #[test]
    fn several_rollbacks_go_back_one_release_each() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let second = book.deployed("production", 2, 20, Ending::Succeeded);
        let third = book.deployed("production", 3, 40, Ending::Succeeded);
        assert_eq!(undo(&book, "production").unwrap(), "v3");
        assert_eq!(
            why(book.clone().start(by("alice", 59), &second, ActionKind::Rollback)),
            "it rolls back what is not the newest deployment"
        );
        let back = book.rolled_back(&third, 60, Ending::Succeeded);
        assert_eq!(
            (live(&book, "production").unwrap(), undo(&book, "production").unwrap()),
            ("v2".into(), "v2".into())
        );
        assert_eq!(track(&book, "production").deployments[2].rolled_back_by, Some(back));
        let origin = track(&book, "production").deployments[1].execution;
        assert_eq!(track(&book, "production").live.as_ref().unwrap().execution, origin);
        book.rolled_back(&second, 80, Ending::Succeeded);
        assert_eq!(
            (live(&book, "production").unwrap(), undo(&book, "production").unwrap()),
            ("v1".into(), "v1".into())
        );
        assert_eq!(quarantined(&book, "production"), [commit('3'), commit('2')]);
        let fix = book.deployed("production", 4, 100, Ending::Succeeded);
        assert_eq!(fix.previous_release, Some(release(1)));
        assert_eq!(undo(&book, "production").unwrap(), "v4");
        book.rolled_back(&fix, 120, Ending::Succeeded);
        assert_eq!(live(&book, "production").unwrap(), "v1");
    }

    #[test]
    fn a_failed_deployment_is_undone_before_what_is_live() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let failed = book.deployed("production", 2, 20, Ending::Failed);
        assert_eq!(undo(&book, "production").unwrap(), "v2");
        book.rolled_back(&failed, 40, Ending::Succeeded);
        assert_eq!(live(&book, "production").unwrap(), "v1");
        assert_eq!(quarantined(&book, "production"), [commit('2')]);
        assert_eq!(undo(&book, "production").unwrap(), "v1");
        assert!(track(&book, "production").doubt().is_none());
    }

    #[test]
    fn a_failed_rollback_can_be_tried_again() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let second = book.deployed("production", 2, 20, Ending::Succeeded);
        book.rolled_back(&second, 40, Ending::Failed);
        assert_eq!(
            (live(&book, "production").unwrap(), undo(&book, "production").unwrap()),
            ("v2".into(), "v2".into())
        );
        assert!(quarantined(&book, "production").is_empty());
        assert_eq!(track(&book, "production").doubt().unwrap().start.action, ActionKind::Rollback);
        book.rolled_back(&second, 60, Ending::Succeeded);
        assert_eq!(live(&book, "production").unwrap(), "v1");
    }

    #[test]
    fn a_rollback_after_the_lease_settles_that_the_deployment_was_interrupted() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let request = book.request("production", 2);
        book.vote(by("bob", 20), &request, Verdict::Allow).unwrap();
        let execution = book.start(by("alice", 21), &request, ActionKind::Deploy).unwrap();
        assert_eq!(
            why(book.clone().start(by("bob", 36), &request, ActionKind::Rollback)),
            "it starts while another deployment holds the environment"
        );
        let back = book.start(by("bob", 37), &request, ActionKind::Rollback).unwrap();
        let deployed = &track(&book, "production").deployments[1];
        assert_eq!(deployed.ending, Some((Ending::Interrupted, minutes(37))));
        assert_eq!(
            why(book.clone().end(by("alice", 43), execution, Ending::Succeeded)),
            "it is about a deployment that has ended"
        );
        book.end(by("bob", 44), back, Ending::Succeeded).unwrap();
        assert_eq!(live(&book, "production").unwrap(), "v1");
        assert_eq!(quarantined(&book, "production"), [commit('2')]);
    }

    #[test]
    fn a_release_that_was_deployed_twice_is_not_live_and_quarantined() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let again = book.deployed("production", 1, 20, Ending::Succeeded);
        book.rolled_back(&again, 40, Ending::Succeeded);
        assert_eq!(live(&book, "production").unwrap(), "v1");
        assert!(quarantined(&book, "production").is_empty());
    }

    #[test]
    fn the_first_deployment_has_nothing_to_go_back_to_but_what_the_request_named() {
        let mut book = Book::founded(&config(&[]));
        let mut request = book.request("production", 2);
        request.previous_release = Some(release(1));
        book.vote(by("bob", 0), &request, Verdict::Allow).unwrap();
        let execution = book.start(by("alice", 1), &request, ActionKind::Deploy).unwrap();
        book.end(by("alice", 2), execution, Ending::Succeeded).unwrap();
        let back = book.rolled_back(&request, 10, Ending::Succeeded);
        assert_eq!(live(&book, "production").unwrap(), "v1");
        assert_eq!(track(&book, "production").live.as_ref().unwrap().execution, back);
        assert_eq!(undo(&book, "production"), None);
    }
}

#[test]
fn the_state_keeps_what_is_in_force_live_locked_and_consumed() {
    let mut book = Book::founded(&config(&[]));
    let request = book.deployed("production", 1, 0, Ending::Succeeded);
    let state = serde_json::to_value(book.timeline.state()).unwrap();
    assert_eq!(state["tip"]["sequence"], 4);
    assert_eq!(state["policy"]["version"], 1);
    assert_eq!(state["environments"]["production"]["live"]["version"], "v1");
    assert_eq!(state["requests"][0]["request"]["id"], reference(&request).id);
    let execution = track(&book, "production").deployments[0].execution;
    assert_eq!(state["requests"][0]["consumed"], execution.to_string());
    assert_eq!(state["environments"]["production"]["actions"][0]["execution"], execution.to_string());
    assert_eq!(state["environments"]["production"]["ways_back"][0]["version"], "v1");
}

#[test]
fn the_newest_moment_never_goes_back() {
    let mut book = Book::founded(&config(&[]));
    let request = book.request("production", 1);
    book.vote(by("bob", 60), &request, Verdict::Allow).unwrap();
    book.vote(by("alice", 30), &request, Verdict::Allow).unwrap();
    assert_eq!(book.timeline.tip.unwrap().at, minutes(60));
}

#[test]
fn what_settles_nothing_makes_nobodys_clock_late() {
    let mut book = Book::founded(&config(&[]));
    let request = book.request("production", 1);
    book.vote(by("bob", 1), &request, Verdict::Allow).unwrap();
    let execution = book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
    book.end(by("alice", 3), execution, Ending::Failed).unwrap();
    let late = 9_999_999;
    let unknown = book.request("eu", 3);
    let mut misnamed = approval(&request, Verdict::Hold, 4);
    misnamed.request.id = "v9-0000000".to_owned();
    let mut after = book.clone();
    for _ in 0..2 {
        after.revoke(by("carol", late), &unknown).unwrap();
        after.review(by("carol", late), execution, Ending::Succeeded).unwrap();
        after.report_of(by("carol", late), execution, b"").unwrap();
        after.rollback_report(by("carol", late), execution).unwrap();
        after.release(by("carol", late), execution, None).unwrap();
        after.sign(by("carol", late), Statement::Approval(Box::new(misnamed.clone()))).unwrap();
    }
    let tip = after.timeline.tip.unwrap();
    assert_eq!((tip.sequence, tip.at), (16, minutes(3)));
}

/// One thing that somebody might append, whether it holds or not.
#[derive(Clone, Debug)]
struct Move {
    kind: u8,
    by: &'static str,
    armored: &'static str,
    number: u8,
    environment: &'static str,
    execution: usize,
    verdict: Verdict,
    ending: Ending,
    rollback: bool,
    later: i64,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (
        0..8_u8,
        prop::sample::select(vec!["alice", "bob", "carol", "mallory"]),
        prop::sample::select(vec!["good", "good", "good", "good", "touched", "bad"]),
        (1..4_u8, prop::sample::select(vec!["production", "eu", "staging", "nowhere"])),
        0..6_usize,
        prop::sample::select(vec![Verdict::Allow, Verdict::Allow, Verdict::Deny, Verdict::Hold]),
        prop::sample::select(vec![Ending::Succeeded, Ending::Failed, Ending::Interrupted]),
        any::<bool>(),
        0..40_i64,
    );
    let one = one.prop_map(
        |(kind, by, armored, (number, environment), execution, verdict, ending, rollback, later)| Move {
            kind,
            by,
            armored,
            number,
            environment,
            execution,
            verdict,
            ending,
            rollback,
            later,
        },
    );
    prop::collection::vec(one, 0..24)
}

fn play(book: &mut Book, executions: &mut Vec<Digest>, now: i64, step: &Move) -> Result<(), super::Fault> {
    let ink = Ink { by: step.by, armored: step.armored, at: now };
    let request = book.request(step.environment, step.number);
    let execution = executions.get(step.execution).copied().unwrap_or(Digest::of(b"none"));
    match step.kind {
        0 => book.sign_rules(ink, &format!("{}# {}\n", config(&[]), step.number)),
        1 | 2 => book.vote(ink, &request, step.verdict),
        3 => book.revoke(ink, &request),
        4 => {
            let rollback = step.rollback && request.previous_release.is_some();
            let action = if rollback { ActionKind::Rollback } else { ActionKind::Deploy };
            book.start(ink, &request, action).inspect(|execution| executions.push(*execution))
        }
        5 => book.step(ink, execution),
        6 => book.end(ink, execution, step.ending),
        _ => book.review(ink, execution, step.ending),
    }
    .map(|_| ())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_never_panics_and_what_holds_keeps_its_promises(moves in moves()) {
        let mut book = Book::founded(&config(&[]));
        let (mut executions, mut now) = (Vec::new(), 0);
        for step in &moves {
            now += step.later;
            let mut next = book.clone();
            if play(&mut next, &mut executions, now, step).is_ok() {
                book = next;
            }
            for (environment, track) in &book.timeline.tracks {
                prop_assert!(track.deployments.iter().filter(|deployed| deployed.ending.is_none()).count() <= 1);
                if let Some(live) = &track.live {
                    let good = |deployed: &super::Deployed| {
                        deployed.start.release == live.release
                            && deployed.ending.is_some_and(|(ending, _)| ending == Ending::Succeeded)
                    };
                    prop_assert!(track.deployments.iter().any(good), "{environment}");
                }
            }
            for decided in book.timeline.requests.values() {
                let uses = book.timeline.tracks.values().flat_map(|track| &track.deployments).filter(|deployed| {
                    deployed.start.action == ActionKind::Deploy && deployed.start.request == decided.request
                });
                prop_assert!(uses.count() <= 1);
            }
            let _ = serde_json::to_vec(&book.timeline.state()).unwrap();
        }
    }
}
