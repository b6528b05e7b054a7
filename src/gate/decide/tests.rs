mod approvals;
mod automatic_rollback;
mod available;
mod back;
mod emergency;
mod hold;
mod quarantine;
mod reports;

use proptest::prelude::*;

use super::{Decision, Permit, decide, window_still_open};
use crate::gate::config::ActionKind;
use crate::gate::facts::{
    Action, BranchFact, Caller, Facts, KeyFact, LedgerTrouble, Missing, NoTarget, Pin, Target,
};
use crate::gate::fixture::{
    Book, Ink, at, by, commit, config, minutes, open_box, person, production, proof, reference, release,
    state, taints, target,
};
use crate::gate::presence::{Holder, Terminal};
use crate::gate::reason::Reason;
use crate::gate::request::{CheckState, Request, Urgency};
use crate::gate::statement::{Ending, Root, Verdict};
use crate::gate::terms::{Digest, Environment};

/// Everything a decision is made of: alice at a console with a good key, a minute after the last entry.
#[derive(Clone, Debug)]
struct Case {
    book: Book,
    now: i64,
    caller: Caller,
    pin: Pin,
    key: Option<KeyFact>,
    target: Target,
    /// The policy as it is written.
    text: String,
}

fn ready(person: &str) -> Option<KeyFact> {
    Some(KeyFact::Ready { person: person.parse().unwrap(), proof: proof(None) })
}

impl Case {
    /// A request for v1 in production, `edits` of the policy and of the request.
    fn of(edits: &[(&str, &str)], edit: impl Fn(&mut Request)) -> Self {
        Self { text: config(edits), ..Self::over(Book::founded(&config(edits)), 1, edit) }
    }

    fn over(book: Book, number: u8, edit: impl Fn(&mut Request)) -> Self {
        let mut request = book.request("production", number);
        edit(&mut request);
        let mut target = target(&request);
        target.quarantined = taints(&book, &request);
        let caller = Caller {
            role: None,
            person: Some("alice".parse().unwrap()),
            name: "alice".to_owned(),
            known_by: "git's `user.email`".to_owned(),
            presence: Some(person()),
        };
        Self {
            pin: Pin::Clone(book.root),
            target,
            book,
            now: 10,
            caller,
            key: ready("alice"),
            text: String::new(),
        }
    }

    /// The same, with bob's approval.
    fn approved(edits: &[(&str, &str)], edit: impl Fn(&mut Request)) -> Self {
        let mut case = Self::of(edits, edit);
        case.vote(by("bob", 1), Verdict::Allow);
        case
    }

    fn vote(&mut self, ink: Ink<'_>, verdict: Verdict) {
        let request = self.target.request.clone();
        self.book.vote(ink, &request, verdict).unwrap();
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            now: minutes(self.now),
            caller: self.caller.clone(),
            ledger: Ok(&self.book.timeline),
            pin: self.pin,
            key: self.key.clone(),
        }
    }

    fn decide(&self, action: &Action<'_>) -> Decision {
        decide(Some(self.book.policy()), &self.facts(), action)
    }

    fn deploy(&self) -> Vec<String> {
        codes(self.decide(&Action::Deploy { environment: &production(), target: Ok(&self.target) }))
    }

    fn deploy_reasons(&self) -> Vec<Reason> {
        refused(self.decide(&Action::Deploy { environment: &production(), target: Ok(&self.target) }))
    }

    fn permit(&self) -> Permit {
        match self.decide(&Action::Deploy { environment: &production(), target: Ok(&self.target) }) {
            Decision::Allow(permit) => permit,
            Decision::Refuse(reasons) => panic!("{reasons:?}"),
        }
    }

    fn verdict(&self, verdict: Verdict) -> Vec<String> {
        codes(self.decide(&Action::Verdict { target: Ok(&self.target), verdict }))
    }

    fn rollback(&self) -> Vec<String> {
        let action = Action::Rollback { environment: &production(), version: None, missing: &[] };
        codes(self.decide(&action))
    }
}

fn refused(decision: Decision) -> Vec<Reason> {
    match decision {
        Decision::Allow(_) => vec![],
        Decision::Refuse(reasons) => {
            assert!(!reasons.is_empty(), "a refusal has a reason");
            reasons
        }
    }
}

/// The codes of a refusal, or nothing where it is allowed.
fn codes(decision: Decision) -> Vec<String> {
    refused(decision).iter().map(|reason| reason.code.as_str().to_owned()).collect()
}

fn message(reasons: &[Reason]) -> &str {
    &reasons[0].message
}

mod deploy {
    use super::*;

    #[test]
    fn what_was_approved_is_allowed_and_the_permit_says_what_it_covers() {
        let case = Case::approved(&[], |_| ());
        let permit = case.permit();
        assert_eq!(permit.release, Some(release(1)));
        assert_eq!(permit.previous, None);
        assert_eq!(permit.request, Some(case.target.reference.clone()));
        assert_eq!(permit.signer.unwrap().as_str(), "alice");
        let entries: Vec<Digest> =
            case.book.timeline.requests[&case.target.reference].votes.iter().map(|vote| vote.entry).collect();
        assert_eq!(permit.approvals, entries);
        assert!(permit.warnings.is_empty());
    }

    #[test]
    fn nothing_is_allowed_without_an_approval() {
        let case = Case::of(&[], |_| ());
        assert_eq!(case.deploy(), ["approval.missing"]);
        let reasons = case.deploy_reasons();
        assert_eq!(message(&reasons), format!("nobody has decided about `{}` yet", case.target.reference.id));
        assert_eq!(
            reasons[0].next,
            [format!("ask a person to run: deployctl approve {}", case.target.reference.id)]
        );
        assert_eq!(reasons[0].policy.as_deref(), Some("environments.production.approvals"));
    }

    #[test]
    fn no_target_is_told_by_what_there_is() {
        let case = Case::of(&[], |_| ());
        let deploy = |none: NoTarget| {
            refused(case.decide(&Action::Deploy { environment: &production(), target: Err(&none) }))
        };
        let asked = "`v9`".to_owned();
        let reasons = deploy(NoTarget::NoRequest { asked });
        assert_eq!(
            (reasons[0].code.as_str(), message(&reasons)),
            ("request.missing", "there is no request `v9`")
        );
        let reasons =
            deploy(NoTarget::NotApproved { id: "v9-abc".to_owned(), why_not: None, instead: vec![] });
        assert_eq!(reasons[0].code.as_str(), "approval.missing");
        let reasons = deploy(NoTarget::Several { fits: vec!["`v9-a`".to_owned(), "`v9-b`".to_owned()] });
        assert_eq!(message(&reasons), "several requests fit: `v9-a`; `v9-b`");
    }

    #[test]
    fn an_unknown_environment_and_one_that_machines_deploy() {
        let case = Case::approved(&[], |_| ());
        let of = |name: &str| {
            let environment: Environment = name.parse().unwrap();
            refused(case.decide(&Action::Deploy { environment: &environment, target: Ok(&case.target) }))
        };
        assert_eq!(
            message(&of("prodution")),
            "the policy has no environment `prodution`; did you mean `production`?"
        );
        assert_eq!(
            message(&of("staging")),
            "`staging` is automatic: nothing is approved there, and nothing is rolled back"
        );
        let reasons = of("eu");
        assert_eq!(reasons[0].code.as_str(), "approval.missing");
        assert_eq!(
            message(&reasons),
            format!("`{}` is a request for `production`, not for `eu`", case.target.reference.id)
        );
    }

    #[test]
    fn too_few_people_and_one_vote_a_person() {
        let mut case = Case::approved(&[("required: 1", "required: 2")], |_| ());
        case.vote(Ink { armored: "touched", ..by("bob", 2) }, Verdict::Allow);
        assert_eq!(case.deploy(), ["approval.quorum"]);
        let id = &case.target.reference.id;
        assert_eq!(message(&case.deploy_reasons()), format!("`{id}` has 1 of 2 approvals"));
        case.vote(by("alice", 3), Verdict::Allow);
        assert!(case.deploy().is_empty());
        assert_eq!(case.permit().approvals.len(), 2);
    }

    #[test]
    fn only_an_approver_counts() {
        let mut case = Case::of(&[], |_| ());
        case.vote(by("carol", 1), Verdict::Allow);
        assert_eq!(case.deploy(), ["key.unknown"]);
        assert_eq!(message(&case.deploy_reasons()), "`carol` signed, and is not one of release");
    }

    #[test]
    fn a_denial_is_final_also_after_an_approval_of_the_same_person() {
        let mut case = Case::of(&[], |_| ());
        case.vote(by("bob", 1), Verdict::Deny);
        assert_eq!(case.deploy(), ["approval.denied"]);
        case.vote(by("bob", 2), Verdict::Allow);
        case.vote(by("alice", 3), Verdict::Allow);
        assert_eq!(case.deploy(), ["approval.denied"]);
        assert_eq!(
            message(&case.deploy_reasons()),
            format!("`bob` denied `{}`: because", case.target.reference.id)
        );
    }

    #[test]
    fn who_does_not_approve_cannot_deny_either() {
        let mut case = Case::approved(&[], |_| ());
        case.vote(by("carol", 2), Verdict::Deny);
        case.vote(by("carol", 3), Verdict::Hold);
        assert!(case.deploy().is_empty());
    }

    #[test]
    fn a_hold_lasts_until_the_same_person_approves() {
        let mut case = Case::approved(&[], |_| ());
        case.vote(by("alice", 2), Verdict::Hold);
        assert_eq!(case.deploy(), ["approval.held"]);
        case.vote(by("bob", 3), Verdict::Allow);
        assert_eq!(case.deploy(), ["approval.held"], "another person's yes ends no hold");
        case.vote(by("alice", 4), Verdict::Allow);
        assert!(case.deploy().is_empty());
        case.vote(by("alice", 5), Verdict::Hold);
        assert_eq!(case.deploy(), ["approval.held"]);
    }

    #[test]
    fn a_revoked_approval_counts_no_more_and_a_new_one_does() {
        let mut case = Case::approved(&[], |_| ());
        let request = case.target.request.clone();
        case.book.revoke(by("alice", 2), &request).unwrap();
        assert_eq!(case.deploy(), ["approval.revoked"]);
        case.vote(by("bob", 3), Verdict::Allow);
        assert!(case.deploy().is_empty());
        assert_eq!(case.permit().approvals.len(), 1);
    }

    #[test]
    fn a_used_approval_says_so_and_nothing_else() {
        let mut case = Case::approved(&[], |_| ());
        let request = case.target.request.clone();
        let execution = case.book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
        case.book.end(by("alice", 3), execution, Ending::Succeeded).unwrap();
        assert_eq!(case.deploy(), ["approval.consumed"]);
        assert_eq!(case.deploy_reasons()[0].next, ["deployctl request v1 --as ROLE"]);
    }

    #[test]
    fn separation_of_requester_author_and_executor() {
        let bob = |request: &mut Request| request.requested_by.person = Some("bob".parse().unwrap());
        assert_eq!(Case::approved(&[], bob).deploy(), ["approval.self"]);
        assert!(Case::approved(&[("not: [requester]", "not: []")], bob).deploy().is_empty());
        let author = |request: &mut Request| request.authors = vec!["bob".parse().unwrap()];
        assert!(Case::approved(&[], author).deploy().is_empty());
        let case = Case::approved(&[("not: [requester]", "not: [author]")], author);
        assert_eq!(
            message(&case.deploy_reasons()),
            format!("`bob` approved `{}` and is an author of the change", case.target.reference.id)
        );
        let mut case = Case::approved(&[("not: [requester]", "not: [executor]")], |_| ());
        assert!(case.deploy().is_empty());
        case.key = ready("bob");
        assert_eq!(case.deploy(), ["approval.self"]);
    }

    #[test]
    fn presence_is_read_from_the_signatures_of_approver_and_executor() {
        let asks = |level: &str| format!("presence: {level}, required: 1");
        let with = |level: &str, armored: &str, key: Option<(bool, bool)>| {
            let mut case = Case::of(&[("required: 1", &asks(level))], |_| ());
            case.vote(Ink { armored, ..by("bob", 1) }, Verdict::Allow);
            case.key = Some(KeyFact::Ready { person: "alice".parse().unwrap(), proof: proof(key) });
            case.deploy()
        };
        let touched = Some((true, false));
        let verified = Some((true, true));
        assert!(with("passphrase", "good", None).is_empty());
        assert!(with("passphrase", "touched", touched).is_empty());
        assert_eq!(with("passphrase", "untouched", None), ["approval.presence"]);
        assert_eq!(with("touch", "good", touched), ["approval.presence"]);
        assert_eq!(with("touch", "touched", None), ["approval.presence"]);
        assert!(with("touch", "touched", touched).is_empty());
        assert_eq!(with("verified", "touched", verified), ["approval.presence"]);
        assert_eq!(with("verified", "verified", touched), ["approval.presence"]);
        assert!(with("verified", "verified", verified).is_empty());
    }

    #[test]
    fn an_approval_lives_as_long_as_the_policy_says_and_no_longer() {
        let mut case = Case::approved(&[], |_| ());
        case.now = 241;
        assert!(case.deploy().is_empty());
        case.now = 242;
        assert_eq!(case.deploy(), ["approval.expired"]);
        let mut short = Case::approved(&[("required: 1", "execute_within: 1h, required: 1")], |_| ());
        short.now = 62;
        assert_eq!(short.deploy(), ["approval.expired"], "a longer time in the approval is not believed");
    }

    #[test]
    fn an_approval_given_too_late_does_not_count() {
        let soon = |request: &mut Request| request.decide_by = minutes(5);
        let mut case = Case::of(&[], soon);
        case.vote(by("bob", 6), Verdict::Allow);
        assert_eq!(case.deploy(), ["request.expired"]);
        let mut case = Case::of(&[("required: 1", "decide_within: 5m, required: 1")], |_| ());
        case.vote(by("bob", 6), Verdict::Allow);
        assert_eq!(case.deploy(), ["request.expired"], "a request gives itself no more time than the policy");
    }

    #[test]
    fn an_approval_covers_what_it_names_and_nothing_else() {
        let case = Case::approved(&[], |_| ());
        let entry = case.book.timeline.requests[&case.target.reference].votes[0].approval.clone();
        let with = |spoil: &dyn Fn(&mut crate::gate::statement::Approval)| {
            let mut case = case.clone();
            let decided = case.book.timeline.requests.get_mut(&case.target.reference).unwrap();
            spoil(&mut decided.votes[0].approval);
            let reasons = case.deploy_reasons();
            assert_eq!(reasons[0].code.as_str(), "request.stale");
            reasons[0].message.rsplit_once("another ").unwrap().1.to_owned()
        };
        let other = Digest::of(b"other");
        assert_eq!(with(&|approval| approval.action = ActionKind::Rollback), "action");
        assert_eq!(with(&|approval| approval.environment = "eu".parse().unwrap()), "environment");
        assert_eq!(with(&|approval| approval.release.version = "v2".parse().unwrap()), "version");
        assert_eq!(with(&|approval| approval.release.commit = commit('2')), "commit");
        assert_eq!(with(&|approval| approval.tree = other), "tree");
        assert_eq!(with(&|approval| approval.policy = other), "policy");
        assert_eq!(with(&|approval| approval.request.digest = other), "request");
        assert_eq!(with(&|approval| approval.checklist = other), "checklist");
        assert_eq!(with(&|approval| approval.evidence = other), "evidence");
        assert_eq!(with(&|approval| approval.previous_release = Some(release(2))), "previous version");
        assert_eq!(entry.verdict, Verdict::Allow);
    }

    #[test]
    fn open_boxes_are_answered_for_by_those_who_count() {
        let open = |request: &mut Request| request.open = vec![open_box("a"), open_box("b")];
        let mut case = Case::approved(&[], open);
        assert!(case.deploy().is_empty());
        let decided = case.book.timeline.requests.get_mut(&case.target.reference).unwrap();
        decided.votes[0].approval.confirmed = vec!["a".to_owned()];
        assert_eq!(case.deploy(), ["checklist.open"]);
        assert_eq!(message(&case.deploy_reasons()), "nobody answered for 1 open box: `b`");
        case.vote(by("carol", 3), Verdict::Allow);
        assert_eq!(case.deploy(), ["checklist.open"], "carol does not count");
        case.vote(by("alice", 3), Verdict::Allow);
        assert!(case.deploy().is_empty());
    }

    #[test]
    fn a_box_that_people_signed_off_needs_no_other_answer_until_somebody_says_no() {
        let open = |request: &mut Request| request.open = vec![open_box("tests.design-review")];
        let mut case = Case::approved(&[], open);
        let decided = case.book.timeline.requests.get_mut(&case.target.reference).unwrap();
        decided.votes[0].approval.confirmed = vec![];
        assert_eq!(case.deploy(), ["checklist.open"]);
        let request = case.target.request.clone();
        case.book.sign_off(by("carol", 4), &request, Verdict::Allow).unwrap();
        assert!(case.deploy().is_empty());
        case.book.sign_off(by("carol", 5), &request, Verdict::Deny).unwrap();
        assert_eq!(case.deploy(), ["checklist.open"]);
    }

    #[test]
    fn a_no_after_the_approval_opens_the_box_that_was_answered_until_it_is_approved_again() {
        let open = |request: &mut Request| request.open = vec![open_box("tests.design-review")];
        let mut case = Case::approved(&[], open);
        assert!(case.deploy().is_empty());
        let request = case.target.request.clone();
        let approved = case.book.timeline.requests[&case.target.reference].votes[0].at;
        case.book.sign_off(by("carol", 5), &request, Verdict::Deny).unwrap();
        assert_eq!(case.deploy(), ["checklist.open"]);
        let decided = case.book.timeline.requests.get_mut(&case.target.reference).unwrap();
        decided.votes[0].at = approved + chrono::TimeDelta::minutes(30);
        assert!(case.deploy().is_empty());
    }

    #[test]
    fn a_moved_thing_is_named() {
        let case = Case::approved(&[], |_| ());
        let id = case.target.reference.id.clone();
        let moved = |spoil: &dyn Fn(&mut Case)| {
            let mut case = case.clone();
            spoil(&mut case);
            let reasons = case.deploy_reasons();
            let stale = reasons.iter().find(|reason| reason.code.as_str() == "request.stale").unwrap();
            stale.message.replace(&format!("since `{id}` was requested, this moved: "), "")
        };
        assert_eq!(moved(&|case| case.target.tree = Some(Digest::of(b"x"))), "the tree");
        assert_eq!(moved(&|case| case.target.tree = None), "commit 1111111 is not in this clone");
        assert_eq!(
            moved(&|case| case.target.moved_to = Some((commit('2'), Digest::of(b"x")))),
            "the commit: `v1` was 1111111 and now names 2222222"
        );
        assert_eq!(
            moved(&|case| {
                case.book.sign_rules(by("alice", 2), &format!("{}# new\n", config(&[]))).unwrap();
            }),
            "the policy in force"
        );
        assert_eq!(
            moved(&|case| case.book.timeline.root = Some(Root::of(b"x"))),
            "the repository: it was requested for another ledger"
        );
        assert_eq!(
            moved(&|case| {
                case.book.deployed("production", 2, 2, Ending::Succeeded);
            }),
            "what is live: now `v2`"
        );
        assert_eq!(
            moved(&|case| case.target.edited = vec!["checklist.md", "open"]),
            format!("`checklist.md`, `open` of `{id}` is not what was pinned")
        );
    }

    #[test]
    fn an_approval_survives_a_tag_that_moved_to_an_equal_tree() {
        let mut case = Case::approved(&[], |_| ());
        case.target.moved_to = Some((commit('2'), case.target.request.tree));
        assert!(case.deploy().is_empty());
    }

    #[test]
    fn a_request_cannot_invent_what_is_live() {
        let case = Case::approved(&[], |request| {
            request.previous_release = Some(release(2));
            request.previous_recorded = true;
        });
        assert_eq!(case.deploy(), ["request.stale"]);
        let named = Case::approved(&[], |request| request.previous_release = Some(release(2)));
        assert!(named.deploy().is_empty());
    }

    #[test]
    fn checks_of_required_stages_are_passed() {
        let with = |check: &'static str, found: CheckState| {
            Case::approved(&[], |request| state(request, check, found)).deploy()
        };
        assert!(with("unit", CheckState::Passed).is_empty());
        // Two stages ask for it.
        assert_eq!(with("unit", CheckState::Failed), ["stage.failed", "stage.failed"]);
        assert_eq!(with("unit", CheckState::Missing), ["stage.missing", "stage.missing"]);
        assert_eq!(with("unit", CheckState::Stale), ["evidence.stale", "evidence.stale"]);
        assert_eq!(with("unit", CheckState::Unreadable), ["evidence.unreadable", "evidence.unreadable"]);
        assert_eq!(with("unit", CheckState::NotNeeded), ["stage.missing", "stage.missing"]);
        // What people sign is in the ledger, whatever the request says of it.
        for claim in [CheckState::Failed, CheckState::Passed] {
            assert_eq!(with("design-review", claim), ["stage.missing"]);
        }
        let nothing = Case::approved(&[], |request| request.checks.clear());
        assert_eq!(nothing.deploy(), ["stage.missing"; 3]);
        assert_eq!(
            message(&nothing.deploy_reasons()),
            "stage `development`: `Unit tests` has no evidence for 1111111"
        );
    }

    #[test]
    fn the_commit_is_on_its_branches() {
        let mut case = Case::approved(
            &[(
                "steps: [{ name: release, run: [\"./release\"], timeout: 10m }]",
                "branch: stable\n    steps: [{ name: release, run: [\"./release\"], timeout: 10m }]",
            )],
            |_| (),
        );
        assert_eq!(message(&case.deploy_reasons()), "the branch `stable` is not in this clone");
        case.target.branches.insert("stable".to_owned(), BranchFact::Holds);
        assert!(case.deploy().is_empty());
        case.target.branches.insert("main".to_owned(), BranchFact::Lacks);
        assert_eq!(message(&case.deploy_reasons()), "1111111 is not on the branch `main`");
        case.target.branches.insert("main".to_owned(), BranchFact::Absent);
        assert_eq!(message(&case.deploy_reasons()), "the branch `main` is not in this clone");
        case.target.branches.insert("main".to_owned(), BranchFact::Unknown);
        assert_eq!(
            message(&case.deploy_reasons()),
            "whether 1111111 is on the branch `main` cannot be told: the commit is not in this clone"
        );
    }

    #[test]
    fn what_would_be_taken_out_of_production_was_seen_by_the_approver() {
        let mut case = Case::approved(&[], |request| request.behind = vec![commit('7')]);
        assert!(case.deploy().is_empty());
        case.target.behind.push(commit('8'));
        assert_eq!(case.deploy(), ["commit.behind"]);
        assert!(message(&case.deploy_reasons()).ends_with("8888888"));
    }

    #[test]
    fn a_rolled_back_commit_is_in_quarantine_where_it_was_rolled_back() {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let second = book.deployed("production", 2, 20, Ending::Succeeded);
        book.rolled_back(&second, 40, Ending::Succeeded);
        let mut case = Case::over(book, 2, |request| request.at = minutes(45));
        case.vote(by("bob", 50), Verdict::Allow);
        case.now = 60;
        assert_eq!(case.deploy(), ["commit.quarantined"]);
    }

    #[test]
    fn a_held_environment_is_busy_and_then_interrupted() {
        let mut case = Case::approved(&[], |_| ());
        let other = case.book.request("production", 2);
        case.book.vote(by("bob", 2), &other, Verdict::Allow).unwrap();
        case.book.start(by("bob", 3), &other, ActionKind::Deploy).unwrap();
        case.now = 18;
        assert_eq!(case.deploy(), ["environment.busy"]);
        case.now = 19;
        assert_eq!(case.deploy(), ["deployment.interrupted"]);
        assert_eq!(case.deploy_reasons()[0].next.len(), 2);
    }

    #[test]
    fn an_approval_with_a_key_that_was_removed_is_stale() {
        let mut case = Case::approved(&[], |_| ());
        let rotated = config(&[("\"KEY-2\", ", "")]);
        case.book.sign_rules(by("alice", 2), &rotated).unwrap();
        assert!(case.deploy().contains(&"request.stale".to_owned()));
    }

    #[test]
    fn a_review_dated_in_the_future_opens_no_held_environment() {
        let mut case = Case::approved(&[], |_| ());
        let other = case.book.request("production", 2);
        case.book.vote(by("bob", 2), &other, Verdict::Allow).unwrap();
        let execution = case.book.start(by("bob", 3), &other, ActionKind::Deploy).unwrap();
        case.book.review(by("bob", 24), execution, Ending::Failed).unwrap();
        case.now = 21;
        assert_eq!(case.deploy(), ["clock.backwards"]);
        case.now = 24;
        assert_eq!(case.deploy(), Vec::<String>::new());
    }

    #[test]
    fn no_way_back_is_no_way_forth() {
        let rollback = "    rollback:\n      steps: [{ name: back, run: [\"./back\"], timeout: 5m }]\n      migrations: [{ name: down, run: [\"./down\"], timeout: 5m }]\n";
        let case = Case::approved(&[(rollback, "")], |_| ());
        assert_eq!(case.deploy(), ["rollback.plan"]);
    }

    #[test]
    fn every_reason_at_once_each_once_and_in_the_order_of_the_codes() {
        let mut case = Case::of(&[], |request| request.checks.clear());
        case.target.tree = None;
        case.target.branches.clear();
        case.caller.presence.as_mut().unwrap().ci = Some("`CI` in this process".to_owned());
        case.key = Some(KeyFact::Unencrypted { path: "id".to_owned() });
        assert_eq!(
            case.deploy(),
            [
                "human.ci",
                "request.stale",
                "approval.missing",
                "key.unencrypted",
                "stage.missing",
                "stage.missing",
                "stage.missing",
                "commit.branch"
            ]
        );
        let mut twice = Case::approved(&[], |_| ());
        twice.vote(by("alice", 1), Verdict::Allow);
        twice.vote(by("bob", 1), Verdict::Allow);
        twice.now = 300;
        assert_eq!(twice.deploy(), ["approval.expired"; 2], "alice's and bob's, and bob's only once");
    }
}

mod windows {
    use super::*;

    const FROZEN: (&str, &str) = (
        "not: [requester] }",
        "not: [requester] }\n    windows: { allow: [{ days: mon-thu, hours: \"09:00-16:00\" }], deny: [{ name: freeze, from: 2026-12-20, to: 2027-01-03 }] }",
    );

    fn at_minute(case: &Case, text: &str) -> Case {
        let mut case = case.clone();
        case.now = (at(text) - minutes(0)).num_minutes();
        case
    }

    #[test]
    fn a_closed_window_refuses_a_deployment_warns_an_approver_and_lets_a_rollback_through() {
        let mut book = Book::founded(&config(&[FROZEN]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        let case = Case::over(book, 2, |_| ());
        let mut case = at_minute(&case, "2026-11-23T17:00:00Z");
        case.vote(by("bob", 420), Verdict::Allow);
        assert_eq!(case.deploy(), ["window.closed"]);
        let reasons = case.deploy_reasons();
        assert_eq!(message(&reasons), "no window of `production` is open now");
        assert_eq!(reasons[0].next, ["it opens Tue 2026-11-24 09:00 UTC"]);
        assert_eq!(reasons[0].policy.as_deref(), Some("environments.production.windows.allow"));
        let action = Action::Verdict { target: Ok(&case.target), verdict: Verdict::Allow };
        let Decision::Allow(permit) = case.decide(&action) else { panic!("a window only warns") };
        assert_eq!(permit.warnings.len(), 1);
        assert_eq!(permit.warnings[0].code.as_str(), "window.closed");
        let request = case.book.request("production", 1);
        assert_eq!(request.previous_release, Some(release(1)));
    }

    #[test]
    fn a_blackout_names_itself() {
        let mut case = Case::of(&[FROZEN], |request| request.decide_by = at("2026-12-30T00:00:00Z"));
        case.vote(by("bob", 1), Verdict::Allow);
        let case = at_minute(&case, "2026-12-22T10:00:00Z");
        let reasons = case.deploy_reasons();
        assert_eq!(reasons[1].code.as_str(), "window.blackout");
        assert_eq!(reasons[1].message, "a blackout of `production` is on (`freeze`)");
        assert_eq!(reasons[1].policy.as_deref(), Some("environments.production.windows.deny[0]"));
        assert_eq!(reasons[1].next, ["it opens Mon 2027-01-04 09:00 UTC"]);
    }

    #[test]
    fn a_time_that_a_request_prefers_and_no_window_allows_is_told_to_who_approves() {
        let case = Case::of(&[FROZEN], |request| {
            request.asked.preferred = Some("2026-12-22 10:00".to_owned());
            request.asked.alternative = Some("2026-11-24 10:00".to_owned());
        });
        let case = at_minute(&case, "2026-11-23T10:00:00Z");
        let action = Action::Verdict { target: Ok(&case.target), verdict: Verdict::Allow };
        let Decision::Allow(permit) = case.decide(&action) else { panic!("it only warns") };
        let told: Vec<&str> = permit.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            told,
            ["at the preferred time, 2026-12-22 10:00: a blackout of `production` is on (`freeze`)"]
        );
        assert_eq!(permit.warnings[0].next, ["it opens Mon 2027-01-04 09:00 UTC"]);
    }

    #[test]
    fn each_step_asks_again() {
        let case = Case::of(&[FROZEN], |_| ());
        let rule = &case.book.policy().environments[&production()];
        assert!(window_still_open(rule, at("2026-11-23T15:59:59Z"), ActionKind::Deploy));
        assert!(!window_still_open(rule, at("2026-11-23T16:00:00Z"), ActionKind::Deploy));
        assert!(window_still_open(rule, at("2026-12-25T16:00:00Z"), ActionKind::Rollback));
    }
}

mod people {
    use super::*;

    #[test]
    fn who_is_no_person_is_told_why_and_what_a_person_would_run() {
        let mut case = Case::approved(&[], |_| ());
        let presence = case.caller.presence.as_mut().unwrap();
        presence.terminal = Terminal::Missing { why: "standard input is a pipe".to_owned() };
        presence.agent = Some("`CLAUDECODE` in this process".to_owned());
        presence.holder = Holder::NotATerminal { program: "script".to_owned() };
        let reasons = case.deploy_reasons();
        let found: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(found, ["human.terminal", "human.agent", "human.pty"]);
        assert_eq!(message(&reasons), "only a person can do this: standard input is a pipe");
        let id = &case.target.reference.id;
        assert_eq!(
            reasons[0].next,
            [format!("ask a person to run this at their own terminal: deployctl deploy production {id}")]
        );
    }

    #[test]
    fn keys_that_cannot_sign_refuse() {
        let with = |key: Option<KeyFact>| {
            let mut case = Case::approved(&[], |_| ());
            case.key = key;
            case.deploy()
        };
        let path = || "id".to_owned();
        assert_eq!(with(Some(KeyFact::Unknown { what: path() })), ["key.unknown"]);
        assert_eq!(with(Some(KeyFact::Unencrypted { path: path() })), ["key.unencrypted"]);
        assert_eq!(with(Some(KeyFact::InAgent { path: path(), what: path() })), ["key.agent"]);
        assert_eq!(with(None), ["key.unknown"]);
    }

    #[test]
    fn a_plan_that_is_only_shown_needs_no_key_and_names_no_signer() {
        let mut case = Case::approved(&[], |_| ());
        (case.key, case.caller.presence) = (None, None);
        assert_eq!(case.permit().signer, None);
    }

    #[test]
    fn who_may_request() {
        let mut case = Case::of(&[], |_| ());
        case.key = None;
        let environment = production();
        let may = |case: &Case| {
            refused(case.decide(&Action::Request {
                environment: &environment,
                urgency: Urgency::Routine,
                emergency: None,
            }))
        };
        assert_eq!(may(&case), []);
        case.caller.person = None;
        let reasons = may(&case);
        assert_eq!(reasons[0].code.as_str(), "role.forbidden");
        assert_eq!(
            message(&reasons),
            "`alice`, known only by git's `user.email`, may not request for `production`"
        );
        case.caller.role = Some("orchestrator".parse().unwrap());
        assert_eq!(may(&case), []);
        for role in ["qa", "unheard-of"] {
            case.caller.role = Some(role.parse().unwrap());
            case.caller.person = Some("alice".parse().unwrap());
            let reasons = may(&case);
            assert_eq!(message(&reasons), format!("the role `{role}` may not request for `production`"));
            assert_eq!(reasons[0].policy, Some(format!("roles.{role}")));
        }
    }
}

mod evidence {
    use super::*;

    #[test]
    fn who_may_record_it() {
        let mut case = Case::of(&[], |_| ());
        case.key = None;
        let checks = ["unit".parse().unwrap()];
        let may = |case: &Case| refused(case.decide(&Action::Check { checks: &checks }));
        assert_eq!(may(&case), [], "a person at their terminal");
        case.caller.person = None;
        assert_eq!(message(&may(&case)), "`alice`, known only by git's `user.email`, may not record `unit`");
        for (role, expected) in [("qa", true), ("orchestrator", false), ("unheard-of", false)] {
            case.caller.role = Some(role.parse().unwrap());
            assert_eq!(may(&case).is_empty(), expected, "{role}");
        }
    }
}

mod ledgers {
    use super::*;

    #[test]
    fn a_ledger_that_cannot_be_believed_refuses_everything() {
        let case = Case::approved(&[], |_| ());
        let why = || "x".to_owned();
        for (trouble, code) in [
            (LedgerTrouble::Tampered { why: why(), spoilt: None }, "ledger.tampered"),
            (LedgerTrouble::Rewound { why: why() }, "ledger.rewound"),
            (LedgerTrouble::Ahead { why: why() }, "clock.backwards"),
            (LedgerTrouble::Unreachable { why: why() }, "ledger.unreachable"),
            (LedgerTrouble::Stuck { why: why() }, "ledger.unreachable"),
        ] {
            let facts = Facts { ledger: Err(&trouble), ..case.facts() };
            let environment = production();
            let reference = reference(&case.target.request);
            for action in [
                Action::Policy { founder: true },
                Action::Policy { founder: false },
                Action::Request { environment: &environment, urgency: Urgency::Routine, emergency: None },
                Action::Check { checks: &[] },
                Action::Verdict { target: Ok(&case.target), verdict: Verdict::Deny },
                Action::Revoke { request: &reference, environment: &environment },
                Action::Deploy { environment: &environment, target: Ok(&case.target) },
                Action::Rollback { environment: &environment, version: None, missing: &[] },
                Action::Review { environment: &environment },
            ] {
                assert_eq!(codes(decide(Some(case.book.policy()), &facts, &action)), [code]);
            }
        }
    }

    #[test]
    fn another_root_than_the_known_one_refuses() {
        let mut case = Case::approved(&[], |_| ());
        for pin in [Pin::Clone(Root::of(b"x")), Pin::Machine(Root::of(b"x"))] {
            case.pin = pin;
            assert_eq!(case.deploy(), ["policy.root"]);
        }
        case.pin = Pin::None;
        assert!(case.deploy().is_empty());
    }

    #[test]
    fn a_clock_behind_the_ledger_refuses_beyond_two_minutes() {
        let mut case = Case::approved(&[], |_| ());
        case.vote(by("alice", 12), Verdict::Allow);
        assert!(case.deploy().is_empty());
        case.now = 9;
        assert_eq!(case.deploy(), ["clock.backwards"]);
    }

    #[test]
    fn without_a_policy_only_a_founder_signs_and_only_once() {
        let case = Case::of(&[], |_| ());
        let empty = crate::gate::timeline::Timeline::default();
        let facts = Facts { ledger: Ok(&empty), pin: Pin::None, ..case.facts() };
        let policy = Some(case.book.policy());
        assert!(codes(decide(policy, &facts, &Action::Policy { founder: true })).is_empty());
        assert_eq!(codes(decide(policy, &facts, &Action::Policy { founder: false })), ["policy.unsigned"]);
        let deploy = Action::Deploy { environment: &production(), target: Ok(&case.target) };
        assert_eq!(codes(decide(None, &facts, &deploy)), ["policy.unsigned"]);
        assert_eq!(codes(case.decide(&Action::Policy { founder: true })), ["policy.root"]);
    }

    #[test]
    fn only_those_who_count_sign_a_new_policy() {
        let mut case = Case::of(&[], |_| ());
        assert!(codes(case.decide(&Action::Policy { founder: false })).is_empty());
        case.key = ready("carol");
        let reasons = refused(case.decide(&Action::Policy { founder: false }));
        assert_eq!(message(&reasons), "`carol` is not one of alice, bob, who sign the policy");
    }
}

mod verdicts {
    use super::*;

    #[test]
    fn an_approver_says_yes_no_or_not_now() {
        let case = Case::of(&[], |_| ());
        for verdict in [Verdict::Allow, Verdict::Deny, Verdict::Hold] {
            assert!(case.verdict(verdict).is_empty());
        }
    }

    #[test]
    fn others_do_not() {
        let mut case = Case::of(&[], |_| ());
        case.key = ready("carol");
        assert_eq!(case.verdict(Verdict::Deny), ["key.unknown"]);
        case.key = None;
        assert_eq!(case.verdict(Verdict::Deny), ["key.unknown"]);
    }

    #[test]
    fn a_request_of_a_later_hour_and_one_that_is_over() {
        let mut case = Case::of(&[], |request| request.at = minutes(13));
        assert_eq!(case.verdict(Verdict::Hold), ["request.stale"]);
        case = Case::of(&[], |_| ());
        case.now = 24 * 60;
        assert!(case.verdict(Verdict::Allow).is_empty());
        case.now += 1;
        assert_eq!(case.verdict(Verdict::Allow), ["request.expired"]);
    }

    #[test]
    fn a_moment_at_the_end_of_time_is_no_panic() {
        let far = |request: &mut Request| {
            request.at = chrono::DateTime::<chrono::Utc>::MAX_UTC;
            request.decide_by = chrono::DateTime::<chrono::Utc>::MAX_UTC;
        };
        assert_eq!(Case::of(&[], far).verdict(Verdict::Allow), ["request.stale"]);
        assert!(Case::approved(&[], far).deploy().is_empty());
    }

    #[test]
    fn who_asked_or_wrote_does_not_approve_and_may_deny() {
        let alice = |request: &mut Request| request.requested_by.person = Some("alice".parse().unwrap());
        let case = Case::of(&[], alice);
        assert_eq!(case.verdict(Verdict::Allow), ["approval.self"]);
        assert!(case.verdict(Verdict::Deny).is_empty());
        let executor = Case::of(&[("not: [requester]", "not: [executor]")], |_| ());
        assert!(executor.verdict(Verdict::Allow).is_empty(), "who executes is not known yet");
    }

    #[test]
    fn after_a_denial_nobody_approves() {
        let mut case = Case::of(&[], |_| ());
        case.vote(by("bob", 1), Verdict::Deny);
        assert_eq!(case.verdict(Verdict::Allow), ["approval.denied"]);
    }

    #[test]
    fn a_yes_is_about_what_is_still_so() {
        let mut case = Case::of(&[], |request| state(request, "unit", CheckState::Failed));
        case.target.tree = None;
        assert_eq!(case.verdict(Verdict::Allow), ["request.stale", "stage.failed", "stage.failed"]);
        assert!(case.verdict(Verdict::Deny).is_empty());
        case.target.edited = vec!["checklist.md"];
        assert_eq!(case.verdict(Verdict::Deny), ["request.stale"]);
    }

    #[test]
    fn only_a_standing_and_unused_approval_is_revoked() {
        let environment = production();
        let revoke = |case: &Case| {
            let reference = case.target.reference.clone();
            codes(case.decide(&Action::Revoke { request: &reference, environment: &environment }))
        };
        let mut case = Case::of(&[], |_| ());
        assert_eq!(revoke(&case), ["approval.missing"]);
        case.vote(by("bob", 1), Verdict::Allow);
        assert!(revoke(&case).is_empty());
        let mut other = case.clone();
        other.key = ready("carol");
        assert_eq!(revoke(&other), ["key.unknown"]);
        let request = case.target.request.clone();
        let mut used = case.clone();
        used.book.start(by("alice", 2), &request, ActionKind::Deploy).unwrap();
        assert_eq!(revoke(&used), ["approval.consumed"]);
        assert_eq!(used.verdict(Verdict::Hold), ["approval.consumed"]);
        case.book.revoke(by("alice", 2), &request).unwrap();
        assert_eq!(revoke(&case), ["approval.missing"]);
    }
}

mod rollbacks {
    use super::*;

    fn twice() -> Case {
        let mut book = Book::founded(&config(&[]));
        book.deployed("production", 1, 0, Ending::Succeeded);
        book.deployed("production", 2, 20, Ending::Succeeded);
        let mut case = Case::over(book, 3, |_| ());
        case.now = 40;
        case
    }

    #[test]
    fn the_approval_of_the_deployment_covers_the_way_back_it_named() {
        let case = twice();
        let environment = production();
        let action = Action::Rollback { environment: &environment, version: None, missing: &[] };
        let Decision::Allow(permit) = case.decide(&action) else { panic!("refused") };
        assert_eq!((permit.release, permit.previous), (Some(release(1)), Some(release(2))));
        let start = &case.book.timeline.tracks[&environment].deployments[1].start;
        assert_eq!((permit.request.as_ref(), &permit.approvals), (Some(&start.request), &start.approvals));
    }

    #[test]
    fn another_version_a_missing_commit_and_nothing_to_undo() {
        let case = twice();
        let environment = production();
        let with = |case: &Case, version: Option<&str>, missing: &[Missing]| {
            let version = version.map(|text| text.parse().unwrap());
            let action = Action::Rollback { environment: &environment, version: version.as_ref(), missing };
            refused(case.decide(&action))
        };
        assert_eq!(with(&case, Some("v1"), &[]), []);
        let reasons = with(&case, Some("v0"), &[]);
        assert_eq!(message(&reasons), "the approval of `v2` covers going back to `v1` only");
        assert_eq!(reasons[0].code.as_str(), "approval.missing");
        let reasons = with(&case, Some("v2"), &[]);
        assert_eq!(message(&reasons), "`v2` is live in `production` already");
        assert_eq!(reasons[0].next, ["deployctl rollback production v1 --reason TEXT"]);
        let gone = Missing::Commit { commit: commit('2'), remote: "origin".to_owned() };
        let reasons = with(&case, None, &[gone]);
        assert_eq!(message(&reasons), "commit 2222222 of `v2` is not in this clone");
        assert_eq!(reasons[0].next, [format!("git fetch origin {}", commit('2'))]);
        let empty = Case::of(&[], |_| ());
        assert_eq!(
            message(&with(&empty, None, &[])),
            "no deployment of `production` is recorded that could be rolled back"
        );
        let mut first = Case::of(&[], |_| ());
        first.book.deployed("production", 1, 0, Ending::Succeeded);
        assert_eq!(message(&with(&first, None, &[])), "the approval of `v1` named no version to go back to");
    }

    #[test]
    fn a_lease_holds_a_rollback_and_an_interrupted_deployment_does_not() {
        let mut case = twice();
        let request = case.target.request.clone();
        case.vote(by("bob", 40), Verdict::Allow);
        case.book.start(by("bob", 41), &request, ActionKind::Deploy).unwrap();
        case.now = 56;
        assert_eq!(case.rollback(), ["environment.busy"]);
        case.now = 57;
        assert!(case.rollback().is_empty());
    }

    #[test]
    fn only_a_deployment_beyond_its_lease_is_reviewed_by_an_approver() {
        let environment = production();
        let review = |case: &Case| codes(case.decide(&Action::Review { environment: &environment }));
        let mut case = twice();
        assert_eq!(review(&case), ["request.missing"]);
        let request = case.target.request.clone();
        case.vote(by("bob", 40), Verdict::Allow);
        case.book.start(by("bob", 41), &request, ActionKind::Deploy).unwrap();
        case.now = 56;
        assert_eq!(review(&case), ["environment.busy"]);
        case.now = 57;
        assert!(review(&case).is_empty());
        case.key = ready("carol");
        assert_eq!(review(&case), ["key.unknown"]);
    }
}

/// What somebody signs about the one request, and when.
type Said = (&'static str, &'static str, Verdict, bool);

fn said() -> impl Strategy<Value = Vec<Said>> {
    let one = (
        prop::sample::select(vec!["alice", "bob", "carol"]),
        prop::sample::select(vec!["good", "good", "touched", "untouched"]),
        prop::sample::select(vec![
            Verdict::Allow,
            Verdict::Allow,
            Verdict::Allow,
            Verdict::Deny,
            Verdict::Hold,
        ]),
        prop::bool::weighted(0.1),
    );
    prop::collection::vec(one, 0..6)
}

fn policies() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::sample::subsequence(
        vec![
            ("required: 1", "required: 2"),
            ("not: [requester]", "not: [requester, author, executor]"),
            ("from: [release]", "presence: touch, from: [release]"),
            ("from: [release]", "from: [release, carol]"),
            ("requires: [development, integration]", "requires: []"),
        ],
        0..3,
    )
    .prop_filter("one edit of a place", |edits| {
        edits.iter().filter(|(from, _)| *from == "from: [release]").count() <= 1
    })
}

/// A request in some state of its facts.
fn cases() -> impl Strategy<Value = (Case, Vec<Said>)> {
    (
        policies(),
        said(),
        prop::sample::subsequence(vec!["a", "b"], 0..=2),
        prop::sample::select(vec![
            CheckState::Passed,
            CheckState::Passed,
            CheckState::Failed,
            CheckState::Stale,
        ]),
        prop::sample::select(vec![None, Some("alice"), Some("bob")]),
        0..300_i64,
        prop::sample::select(vec!["alice", "bob", "carol"]),
    )
        .prop_map(|(edits, said, open, unit, asker, now, signer)| {
            let mut case = Case::of(&edits, |request| {
                request.open = open.iter().map(|key| open_box(key)).collect();
                request.requested_by.person = asker.map(|name| name.parse().unwrap());
                state(request, "unit", unit);
            });
            for said in &said {
                say(&mut case, *said);
            }
            (case.now, case.key) = (now, ready(signer));
            (case, said)
        })
}

fn say(case: &mut Case, (name, armored, verdict, revokes): Said) {
    let ink = Ink { armored, ..by(name, 1) };
    let request = case.target.request.clone();
    if revokes {
        let _ = case.book.clone().revoke(ink, &request).map(|_| case.book.revoke(ink, &request));
    } else {
        case.vote(ink, verdict);
    }
}

fn allowed(case: &Case) -> bool {
    case.deploy().is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_permit_rests_on_enough_people_who_may(case in cases().prop_map(|(case, _)| case)) {
        let environment = production();
        let action = Action::Deploy { environment: &environment, target: Ok(&case.target) };
        if let Decision::Allow(permit) = case.decide(&action) {
            let rule = case.book.policy().environments[&environment].approvals.as_ref().unwrap();
            let votes = &case.book.timeline.requests[&case.target.reference].votes;
            let people: std::collections::BTreeSet<_> = votes
                .iter()
                .filter(|vote| permit.approvals.contains(&vote.entry))
                .filter(|vote| vote.approval.verdict == Verdict::Allow && !vote.revoked)
                .filter(|vote| rule.from.contains(&vote.by))
                .map(|vote| vote.by.clone())
                .collect();
            prop_assert!(people.len() >= rule.required as usize);
            prop_assert!(permit.signer.is_some());
        }
    }

    #[test]
    fn nothing_speaks_for_an_empty_policy_or_an_empty_ledger(case in cases().prop_map(|(case, _)| case)) {
        let deploy = Action::Deploy { environment: &production(), target: Ok(&case.target) };
        prop_assert!(!codes(decide(None, &case.facts(), &deploy)).is_empty());
        let empty = crate::gate::timeline::Timeline::default();
        let facts = Facts { ledger: Ok(&empty), ..case.facts() };
        prop_assert!(!codes(decide(Some(case.book.policy()), &facts, &deploy)).is_empty());
    }

    #[test]
    fn one_approval_less_never_allows_more((case, said) in cases(), index in any::<prop::sample::Index>()) {
        prop_assume!(!said.is_empty());
        let mut fewer = Case { book: Book::founded(&case.text), ..case.clone() };
        let left_out = index.index(said.len());
        prop_assume!(said[left_out].2 == Verdict::Allow && !said[left_out].3);
        // A yes also ends one's own hold, and what was revoked before stands in the ledger: both are about order.
        prop_assume!(said.iter().all(|said| said.2 != Verdict::Hold && !said.3));
        for (_, said) in said.iter().enumerate().filter(|(place, _)| *place != left_out) {
            say(&mut fewer, *said);
        }
        prop_assert!(allowed(&case) || !allowed(&fewer));
    }

    #[test]
    fn a_no_a_hold_or_a_revocation_never_allows_more(
        case in cases().prop_map(|(case, _)| case),
        name in prop::sample::select(vec!["alice", "bob", "carol"]),
        what in 0..3_u8,
    ) {
        let mut more = case.clone();
        say(&mut more, match what {
            0 => (name, "good", Verdict::Deny, false),
            1 => (name, "good", Verdict::Hold, false),
            _ => (name, "good", Verdict::Allow, true),
        });
        prop_assert!(allowed(&case) || !allowed(&more));
        let approver = case.book.policy().environments[&production()].approvals.as_ref().unwrap();
        if what < 2 && approver.from.contains(&name.parse().unwrap()) {
            prop_assert!(!allowed(&more));
        }
    }

    #[test]
    fn an_open_box_more_never_allows_more(case in cases().prop_map(|(case, _)| case)) {
        let mut more = case.clone();
        // The same approvals, had the checklist had one box more that nobody answered for.
        more.target.request.open.push(open_box("more"));
        prop_assert!(!allowed(&more));
    }

    #[test]
    fn the_order_of_votes_does_not_matter_without_a_hold_or_a_revocation((case, said) in cases()) {
        prop_assume!(said.iter().all(|said| said.2 != Verdict::Hold && !said.3));
        let mut turned = Case { book: Book::founded(&case.text), ..case.clone() };
        for said in said.iter().rev() {
            say(&mut turned, *said);
        }
        prop_assert_eq!(allowed(&case), allowed(&turned));
    }

    #[test]
    fn no_action_panics_and_every_refusal_has_a_reason(
        case in cases().prop_map(|(case, _)| case),
        now in any::<i32>(),
        name in "[a-z]{1,12}",
    ) {
        let mut case = case;
        case.now = i64::from(now);
        let environment: Environment = name.parse().unwrap();
        for environment in [&environment, &production()] {
            for action in [
                Action::Policy { founder: true },
                Action::Request { environment, urgency: Urgency::Routine, emergency: None },
                Action::Verdict { target: Ok(&case.target), verdict: Verdict::Allow },
                Action::Revoke { request: &case.target.reference, environment },
                Action::Deploy { environment, target: Ok(&case.target) },
                Action::Rollback { environment, version: None, missing: &[] },
                Action::RollbackTo { environment, target: Ok(&case.target) },
                Action::Review { environment },
            ] {
                let _ = codes(case.decide(&action));
            }
        }
    }
}
