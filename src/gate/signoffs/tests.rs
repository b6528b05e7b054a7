use proptest::prelude::*;

use super::{Standing, presence};
use crate::gate::config::PresenceLevel;
use crate::gate::decide::{Decision, decide};
use crate::gate::facts::{Action, Caller, Facts, KeyFact, Pin};
use crate::gate::fixture::{
    Book, Ink, by, commit, config, minutes, person, production, proof, signoff, state, target,
};
use crate::gate::presence::{Holder, Presence, Terminal};
use crate::gate::reason::Reason;
use crate::gate::request::{CheckState, Request};
use crate::gate::statement::{Statement, Verdict};
use crate::gate::terms::{Check, Digest};

fn design_review() -> Check {
    "design-review".parse().unwrap()
}

/// A ledger, and a request that claims that its design review passed.
fn claimed(edits: &[(&str, &str)]) -> (Book, Request) {
    let book = Book::founded(&config(edits));
    let mut request = book.request("production", 1);
    state(&mut request, "design-review", CheckState::Passed);
    (book, request)
}

/// Dave is a designer too.
const DAVE: (&str, &str) = ("roles:\n", "  dave: { keys: [\"KEY-5\"], groups: [design] }\nroles:\n");

fn caller(presence: Presence) -> Caller {
    let (name, known_by) = ("alice".to_owned(), "git's `user.email`".to_owned());
    Caller { role: None, person: Some("alice".parse().unwrap()), name, known_by, presence: Some(presence) }
}

fn facts<'a>(book: &'a Book, who: &str, presence: Presence) -> Facts<'a> {
    Facts {
        now: minutes(100),
        caller: caller(presence),
        ledger: Ok(&book.timeline),
        pin: Pin::Clone(book.root),
        key: Some(KeyFact::Ready { person: who.parse().unwrap(), proof: proof(None) }),
    }
}

fn reasons(decision: Decision) -> Vec<Reason> {
    match decision {
        Decision::Allow(_) => vec![],
        Decision::Refuse(reasons) => reasons,
    }
}

fn codes(reasons: &[Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// What bob is told who approves the request.
fn approving(book: &Book, request: &Request) -> Vec<Reason> {
    let target = target(request);
    let action = Action::Verdict { target: Ok(&target), verdict: Verdict::Allow };
    reasons(decide(Some(book.policy()), &facts(book, "bob", person()), &action))
}

/// Whether bob's approval is deployed.
fn deploys(book: &Book, request: &Request) -> bool {
    let mut book = book.clone();
    book.vote(by("bob", 90), request, Verdict::Allow).unwrap();
    let target = target(request);
    let environment = production();
    let action = Action::Deploy { environment: &environment, target: Ok(&target) };
    reasons(decide(Some(book.policy()), &facts(&book, "alice", person()), &action)).is_empty()
}

fn signing(book: &Book, who: &str) -> Vec<Reason> {
    let (check, at) = (design_review(), commit('1'));
    let action = Action::Signoff { check: &check, commit: &at };
    reasons(decide(Some(book.policy()), &facts(book, who, person()), &action))
}

#[test]
fn a_claim_of_the_request_is_no_signature() {
    let (book, request) = claimed(&[]);
    let told = approving(&book, &request);
    assert_eq!(codes(&told), ["stage.missing"]);
    assert_eq!(
        told[0].message,
        "stage `development`: `Design review` is a signature of `design`, and none counts for 1111111"
    );
    let full = "1".repeat(40);
    assert_eq!(
        told[0].next,
        [format!("ask a person to run: deployctl approve --check design-review --commit {full}")]
    );
    assert_eq!(told[0].policy.as_deref(), Some("environments.production.requires"));
    assert!(!deploys(&book, &request));
}

#[test]
fn a_signature_of_the_group_is_one_whatever_the_request_says() {
    for claim in [CheckState::Passed, CheckState::Missing, CheckState::Failed] {
        let (mut book, mut request) = claimed(&[]);
        state(&mut request, "design-review", claim);
        book.sign_off(by("carol", 1), &request, Verdict::Allow).unwrap();
        assert_eq!(codes(&approving(&book, &request)), Vec::<&str>::new(), "{claim:?}");
        assert!(deploys(&book, &request));
    }
}

#[test]
fn a_signature_counts_for_its_own_commit_tree_and_check() {
    let (book, request) = claimed(&[]);
    let spoilt = |spoil: &dyn Fn(&mut super::Signoff)| {
        let mut book = book.clone();
        let mut said = signoff(&request, Verdict::Allow);
        spoil(&mut said);
        book.sign(by("carol", 1), Statement::Signoff(Box::new(said))).unwrap();
        codes(&approving(&book, &request)).concat()
    };
    assert_eq!(spoilt(&|_| ()), "");
    assert_eq!(spoilt(&|said| said.commit = commit('2')), "stage.missing");
    assert_eq!(spoilt(&|said| said.tree = Digest::of(b"other")), "stage.missing");
    assert_eq!(spoilt(&|said| said.check = "unit".parse().unwrap()), "stage.missing");
}

#[test]
fn only_the_group_counts_for_yes_and_for_no() {
    let (mut book, request) = claimed(&[]);
    book.sign_off(by("alice", 1), &request, Verdict::Allow).unwrap();
    assert_eq!(codes(&approving(&book, &request)), ["stage.missing"]);
    book.sign_off(by("carol", 2), &request, Verdict::Allow).unwrap();
    book.sign_off(by("alice", 3), &request, Verdict::Deny).unwrap();
    assert!(deploys(&book, &request));
}

#[test]
fn the_group_is_that_of_the_policy_in_force_now() {
    let (mut book, request) = claimed(&[]);
    book.sign_off(by("carol", 1), &request, Verdict::Allow).unwrap();
    let bob = "emails: [\"bob@shop.example\"], groups: [release";
    let without = config(&[("groups: [design]", "groups: []"), (bob, &format!("{bob}, design"))]);
    book.sign_rules(by("alice", 2), &without).unwrap();
    let request = Request { policy: book.policy().digest, ..request };
    assert_eq!(codes(&approving(&book, &request)), ["stage.missing"]);
}

/// What bob is told after carol's verdict, and then other rules.
fn after_rules(verdict: Verdict, edits: &[(&str, &str)]) -> Vec<Reason> {
    let (mut book, request) = claimed(&[]);
    book.sign_off(by("carol", 1), &request, verdict).unwrap();
    book.sign_rules(by("alice", 2), &format!("{}# next\n", config(edits))).unwrap();
    approving(&book, &Request { policy: book.policy().digest, ..request })
}

#[test]
fn a_signature_counts_while_its_key_is_the_persons() {
    let told = |edit: &str| after_rules(Verdict::Allow, &[("[\"KEY-4\"]", edit)]);
    assert_eq!(told("[\"KEY-4\"]"), []);
    assert_eq!(told("[\"KEY-5\", \"KEY-4\"]"), []);
    assert_eq!(codes(&told("[\"KEY-5\"]")), ["stage.missing"]);
}

#[test]
fn another_persons_key_signs_for_nobody_else() {
    let moved = [("[\"KEY-4\"]", "[\"KEY-5\"]"), ("[\"KEY-1\"]", "[\"KEY-1\", \"KEY-4\"]")];
    assert_eq!(codes(&after_rules(Verdict::Allow, &moved)), ["stage.missing"]);
}

const OTHER_TITLE: (&str, &str) = ("{ signoff: design,", "{ title: Contrast review, signoff: design,");
/// Another group signs instead, and carol is in it too.
const OTHER_GROUP: [(&str, &str); 2] =
    [("{ signoff: design,", "{ signoff: ux,"), ("groups: [design]", "groups: [design, ux]")];

#[test]
fn a_signature_counts_for_what_the_check_was_when_it_was_made() {
    assert_eq!(codes(&after_rules(Verdict::Allow, &[OTHER_TITLE])), ["stage.missing"]);
    assert_eq!(codes(&after_rules(Verdict::Allow, &OTHER_GROUP)), ["stage.missing"]);
}

#[test]
fn a_no_outlives_its_key_and_the_words_of_the_check() {
    for edits in [&[("[\"KEY-4\"]", "[\"KEY-5\"]")][..], &[OTHER_TITLE], &OTHER_GROUP] {
        assert_eq!(codes(&after_rules(Verdict::Deny, edits)), ["stage.failed"]);
    }
}

#[test]
fn a_no_stands_until_the_same_person_says_yes() {
    let (mut book, request) = claimed(&[DAVE]);
    book.sign_off(by("carol", 1), &request, Verdict::Deny).unwrap();
    book.sign_off(by("dave", 2), &request, Verdict::Allow).unwrap();
    let told = approving(&book, &request);
    assert_eq!(codes(&told), ["stage.failed"]);
    assert_eq!(
        told[0].message,
        "stage `development`: `carol` denied `Design review` for 1111111: no reason given"
    );
    book.sign_off(by("carol", 3), &request, Verdict::Allow).unwrap();
    let (check, at) = (design_review(), request.release.commit.clone());
    let standing = book.timeline.signoffs.standing(book.policy(), &check, &at, &request.tree);
    let Standing::Allowed(people) = standing else { panic!("{standing:?}") };
    let names: Vec<&str> = people.iter().map(|said| said.by.as_str()).collect();
    assert_eq!(names, ["carol", "dave"]);
    book.sign_off(by("dave", 4), &request, Verdict::Deny).unwrap();
    assert_eq!(codes(&approving(&book, &request)), ["stage.failed"]);
}

#[test]
fn a_sign_off_is_never_held() {
    let (mut book, request) = claimed(&[]);
    book.sign_off(by("carol", 1), &request, Verdict::Allow).unwrap();
    // What cannot be so settles nothing: it takes no yes away, and stops nobody.
    book.sign_off(by("carol", 2), &request, Verdict::Hold).unwrap();
    let why = "a sign-off says yes or no, and this one says neither";
    assert_eq!(book.timeline.idle.as_deref(), Some(why));
    let (check, at) = (design_review(), &request.release.commit);
    let standing = book.timeline.signoffs.standing(book.policy(), &check, at, &request.tree);
    assert!(matches!(standing, Standing::Allowed(_)), "{standing:?}");
}

#[test]
fn the_state_keeps_what_belongs_together_and_lets_the_old_go() {
    let (mut book, request) = claimed(&[DAVE]);
    let (day, other) = (24 * 60, book.request("production", 2));
    book.sign_off(by("carol", 1), &request, Verdict::Deny).unwrap();
    book.sign_off(by("carol", 2), &other, Verdict::Allow).unwrap();
    book.sign_off(by("dave", 20 * day), &request, Verdict::Allow).unwrap();
    book.sign_off(by("alice", 40 * day), &request, Verdict::Allow).unwrap();
    let kept = book.timeline.signoffs.iter().map(|said| (said.by.as_str(), said.signoff.verdict));
    let said = [("alice", Verdict::Allow), ("carol", Verdict::Deny), ("dave", Verdict::Allow)];
    assert_eq!(kept.collect::<Vec<_>>(), said);
    assert!(book.timeline.signoffs.iter().all(|said| said.signoff.commit == request.release.commit));
}

#[test]
fn the_presence_is_the_strictest_of_the_environments_that_require_it() {
    let touch = (
        "approvals: { required: 1, from: [release], not: [requester] }",
        "approvals: { required: 1, from: [release], not: [requester], presence: touch }",
    );
    let book = Book::founded(&config(&[touch]));
    let path = "environments.production.approvals.presence".to_owned();
    assert_eq!(presence(book.policy(), &design_review()), (PresenceLevel::Touch, path.clone()));
    let told = signing(&book, "carol");
    assert_eq!((codes(&told), told[0].policy.clone()), (vec!["approval.presence"], Some(path)));
    let elsewhere =
        Book::founded(&config(&[touch, ("requires: [development, integration]", "requires: [integration]")]));
    assert_eq!(
        presence(elsewhere.policy(), &design_review()),
        (PresenceLevel::Passphrase, "checks.design-review.signoff".to_owned())
    );
    let (mut book, request) = claimed(&[touch, ("\"KEY-4\"", "\"KEY-4\", \"TOUCH-6\"")]);
    book.sign_off(by("carol", 1), &request, Verdict::Allow).unwrap();
    assert_eq!(codes(&approving(&book, &request))[..1], ["approval.presence"], "bob's own key");
    assert!(codes(&approving(&book, &request)).contains(&"stage.missing"));
    book.sign_off(Ink { armored: "touched", ..by("carol", 2) }, &request, Verdict::Allow).unwrap();
    book.sign_off(by("carol", 3), &request, Verdict::Allow).unwrap();
    assert!(!codes(&approving(&book, &request)).contains(&"stage.missing"), "the touch still counts");
}

#[test]
fn who_may_sign_off() {
    let (book, _) = claimed(&[]);
    assert_eq!(codes(&signing(&book, "carol")), Vec::<&str>::new());
    let told = signing(&book, "alice");
    assert_eq!(codes(&told), ["key.unknown"]);
    assert_eq!(told[0].message, "`alice` is not in the group `design`, which signs `design-review`");
    assert_eq!(told[0].policy.as_deref(), Some("checks.design-review.signoff"));
    for (name, message) in [
        ("unit", "nobody signs `unit`: it is known by `reports/unit/*.xml`"),
        (
            "design-revue",
            "nobody signs `design-revue`: it is known by nothing, as the policy has no such check; did you mean `design-review`?",
        ),
    ] {
        let (check, at) = (name.parse().unwrap(), commit('1'));
        let action = Action::Signoff { check: &check, commit: &at };
        let told = reasons(decide(Some(book.policy()), &facts(&book, "carol", person()), &action));
        assert_eq!((codes(&told), told[0].message.as_str()), (vec!["key.unknown"], message));
    }
}

#[test]
fn an_agent_never_signs_off() {
    let (book, _) = claimed(&[]);
    let (check, at) = (design_review(), commit('1'));
    let nobody = Presence {
        terminal: Terminal::Missing { why: "standard input is not a terminal".to_owned() },
        ci: None,
        agent: None,
        holder: Holder::Console,
    };
    let action = Action::Signoff { check: &check, commit: &at };
    let told = reasons(decide(Some(book.policy()), &facts(&book, "carol", nobody), &action));
    assert_eq!(codes(&told), ["human.terminal"]);
    let run = format!("deployctl approve --check design-review --commit {at}");
    assert_eq!(told[0].next, [format!("ask a person to run this at their own terminal: {run}")]);
}

#[test]
fn a_word_is_given_by_its_role_alone() {
    let edits = [
        ("  unit: {", "  look: { role: qa }\n  unit: {"),
        ("checks: [unit] }", "checks: [unit, look], environment: staging }"),
    ];
    let book = Book::founded(&config(&edits));
    let judged = |role: Option<&str>, check: &str| {
        let mut facts = facts(&book, "alice", person());
        facts.key = None;
        facts.caller.role = role.map(|role| role.parse().unwrap());
        let check = check.parse().unwrap();
        reasons(decide(Some(book.policy()), &facts, &Action::Word { check: &check }))
    };
    assert_eq!(judged(Some("qa"), "look"), []);
    for role in [Some("orchestrator"), None] {
        let told = judged(role, "look");
        assert_eq!(codes(&told), ["role.forbidden"]);
        assert_eq!(told[0].message, "`look` is the word of `qa`, and nobody else can give it");
        assert_eq!(told[0].policy.as_deref(), Some("checks.look.role"));
    }
    assert_eq!(
        judged(Some("qa"), "unit")[0].message,
        "`unit` is no role's word: it is known by `reports/unit/*.xml`"
    );
    let nowhere = Book::founded(&config(&[
        edits[0],
        edits[1],
        ("qa: { staging: [check, deploy] }", "qa: { staging: [deploy] }"),
    ]));
    let check = "look".parse().unwrap();
    let mut facts = facts(&nowhere, "alice", person());
    (facts.key, facts.caller.role) = (None, Some("qa".parse().unwrap()));
    let told = reasons(decide(Some(nowhere.policy()), &facts, &Action::Word { check: &check }));
    assert_eq!(told[0].message, "the role `qa` may not record `look`");
}

/// Who signed what, in order: the person, the words of the signature, the verdict.
fn said() -> impl Strategy<Value = Vec<(&'static str, &'static str, Verdict)>> {
    let people = prop::sample::select(vec!["alice", "bob", "carol", "dave"]);
    let armored = prop::sample::select(vec!["good", "touched", "untouched"]);
    let verdicts = prop::sample::select(vec![Verdict::Allow, Verdict::Allow, Verdict::Deny]);
    prop::collection::vec((people, armored, verdicts), 0..6)
}

fn after(said: &[(&str, &str, Verdict)]) -> bool {
    let (mut book, request) = claimed(&[DAVE]);
    for (minute, (who, armored, verdict)) in (1..).zip(said) {
        book.sign_off(Ink { armored, ..by(who, minute) }, &request, *verdict).unwrap();
    }
    deploys(&book, &request)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_yes_less_never_allows_more(said in said(), index in any::<prop::sample::Index>()) {
        prop_assume!(!said.is_empty());
        let place = index.index(said.len());
        prop_assume!(said[place].2 == Verdict::Allow);
        let fewer = [&said[..place], &said[place + 1..]].concat();
        prop_assert!(after(&said) || !after(&fewer));
    }

    #[test]
    fn one_no_more_never_allows_more(said in said(), who in prop::sample::select(vec!["alice", "carol", "dave"])) {
        let more = [said.as_slice(), &[(who, "good", Verdict::Deny)]].concat();
        prop_assert!(after(&said) || !after(&more));
    }
}
