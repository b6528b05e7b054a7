use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::{About, Evidence, Gathered, Grounds, Recorded, doubt, fits, newest};
use crate::evidence::draft::{SignedEvidence, TestFact, Word};
use crate::evidence::migrations::{ChangeKind, PathChange};
use crate::gate::fixture::{Book, by, commit, config, minutes, verify};
use crate::gate::policy::Policy;
use crate::gate::request::CheckState;
use crate::gate::statement::{SCHEMA, Verdict};
use crate::gate::terms::Check;

const CHECKS: &str = "checks:
  look: { role: qa }
  smoke: { run: [\"./smoke\"] }
  signed: { run: [\"./signed\"], signed_by: [runner] }
";

/// The fixture's rules with a machine, a word, and two commands of which one must be signed.
fn book() -> Book {
    let machines =
        ("roles:\n", "machines:\n  runner: { keys: [\"KEY-8\"] }\n  other: { keys: [\"KEY-9\"] }\nroles:\n");
    Book::founded(&config(&[machines, ("checks:\n", CHECKS)]))
}

fn name(check: &str) -> Check {
    check.parse().unwrap()
}

/// A command that ended so many minutes after the start.
fn ran(check: &str, passed: bool, at: i64) -> TestFact {
    let failed = (!passed).then(|| "it failed".to_owned());
    let command = vec![format!("./{check}")];
    let fact = TestFact::ran(name(check), check.to_owned(), command, failed);
    TestFact { reported_at: Some(minutes(at)), ..fact }
}

fn word(role: &str, passed: bool) -> TestFact {
    let word = Word { role: role.parse().unwrap(), note: "seen".to_owned() };
    let fact = TestFact::word(name("look"), "look".to_owned(), passed, word);
    TestFact { reported_at: Some(minutes(1)), ..fact }
}

fn evidence(book: &Book, tests: Vec<TestFact>) -> Evidence {
    let (schema, repository) = (SCHEMA.to_owned(), book.root);
    Evidence { schema, repository, commit: commit('1'), at: minutes(1), tests }
}

fn recorded(evidence: &Evidence, signature: Option<(&str, &str)>) -> Recorded {
    let signatures = signature.map(|(machine, armored)| (machine.parse().unwrap(), armored.to_owned()));
    let signatures = signatures.into_iter().collect::<BTreeMap<_, _>>();
    Recorded { by: Some("ci".to_owned()), bytes: evidence.bytes().unwrap(), signatures }
}

fn latest() -> DateTime<Utc> {
    minutes(60)
}

fn gathered(book: &Book, all: &[Recorded]) -> Gathered {
    let mut found = Gathered::default();
    let (policy, at) = (book.policy(), commit('1'));
    let committed = minutes(0).timestamp();
    let about = About { policy, repository: book.root, commit: &at, committed, latest: latest(), verify };
    all.iter().for_each(|one| found.take(&about, one));
    found
}

fn known(found: &Gathered, policy: &Policy, check: &str) -> Option<CheckState> {
    found.fact(&name(check), &policy.checks[&name(check)]).map(|fact| fact.state)
}

#[test]
fn evidence_is_read_in_the_bytes_that_it_would_be_written_in() {
    let book = book();
    let good = evidence(&book, vec![ran("smoke", true, 1), word("qa", false)]);
    let bytes = good.bytes().unwrap();
    assert_eq!(Evidence::read(&bytes), Some(good));
    let text = String::from_utf8(bytes).unwrap();
    for spoilt in [
        format!(" {text}"),
        text.replacen("\"schema\":\"deployctl/1\"", "\"schema\":\"deployctl/2\"", 1),
        text.replacen('{', "{\"zzz\":1,", 1),
        text.replacen("\"commit\"", "\"commits\"", 1),
    ] {
        assert_eq!(Evidence::read(spoilt.as_bytes()), None, "{spoilt}");
    }
}

#[test]
fn a_signature_of_a_machine_that_the_check_names_counts_and_no_other() {
    let book = book();
    let said = evidence(&book, vec![ran("signed", true, 1), ran("smoke", true, 1)]);
    for (signature, counts) in [
        (Some(("runner", "good")), true),
        (Some(("runner", "bad")), false),
        (Some(("other", "good")), false),
        (Some(("alice", "good")), false),
        (None, false),
    ] {
        let found = gathered(&book, &[recorded(&said, signature)]);
        assert_eq!(known(&found, book.policy(), "signed").is_some(), counts, "{signature:?}");
        assert_eq!(found.has_unsigned(&name("signed")), !counts);
        assert_eq!(found.signed(book.policy()).len(), usize::from(counts));
        assert_eq!(known(&found, book.policy(), "smoke"), Some(CheckState::Passed), "it needs no signature");
    }
}

#[test]
fn what_was_signed_is_found_again_in_what_a_request_carries() {
    let book = book();
    let said = evidence(&book, vec![ran("signed", true, 1)]);
    let found = gathered(&book, &[recorded(&said, Some(("runner", "good")))]);
    let carried: Vec<SignedEvidence> = found.signed(book.policy());
    let again: Vec<Recorded> = carried.iter().map(Recorded::from).collect();
    assert_eq!(known(&gathered(&book, &again), book.policy(), "signed"), Some(CheckState::Passed));
}

#[test]
fn evidence_of_another_ledger_commit_or_time_is_passed_over() {
    let book = book();
    let judged = |spoil: &dyn Fn(&mut Evidence)| {
        let mut said = evidence(&book, vec![ran("smoke", true, 1)]);
        spoil(&mut said);
        known(&gathered(&book, &[recorded(&said, None)]), book.policy(), "smoke")
    };
    assert_eq!(judged(&|_| ()), Some(CheckState::Passed));
    assert_eq!(judged(&|said| said.commit = commit('2')), None);
    assert_eq!(judged(&|said| said.repository = crate::gate::statement::Root::of(b"other")), None);
    assert_eq!(judged(&|said| said.tests[0].reported_at = None), None);
    assert_eq!(judged(&|said| said.tests[0].reported_at = Some(minutes(61))), None, "yet to come");
    assert_eq!(judged(&|said| said.tests[0].reported_at = Some(minutes(-1))), None, "before the commit");
    assert_eq!(judged(&|said| said.tests[0].command = vec!["./other".to_owned()]), None);
}

#[test]
fn the_newest_moment_counts_in_any_order() {
    let book = book();
    let old = recorded(&evidence(&book, vec![ran("smoke", true, 1)]), None);
    let new = recorded(&evidence(&book, vec![ran("smoke", false, 2)]), None);
    for order in [[old.clone(), new.clone()], [new, old]] {
        assert_eq!(known(&gathered(&book, &order), book.policy(), "smoke"), Some(CheckState::Failed));
    }
}

#[test]
fn a_word_fits_the_role_that_the_policy_names_now_and_nothing_else() {
    let book = book();
    let source = |check: &str| &book.policy().checks[&name(check)].source;
    assert!(fits(&word("qa", true), source("look")));
    assert!(fits(&word("qa", false), source("look")));
    assert!(!fits(&word("ci", true), source("look")));
    assert!(!fits(&word("qa", true), source("smoke")));
    assert!(!fits(&ran("look", true, 1), source("look")));
    let run_and_said = TestFact { word: word("qa", true).word, ..ran("smoke", true, 1) };
    assert!(!fits(&run_and_said, source("smoke")));
    let signed = TestFact { signed_off: vec!["carol".parse().unwrap()], ..ran("smoke", true, 1) };
    assert!(!fits(&signed, source("smoke")), "people sign in the ledger");
    assert!(!fits(&ran("design-review", true, 1), source("design-review")));
}

#[test]
fn what_lies_here_and_says_nothing_is_no_rival() {
    let here = |state| TestFact { state, ..ran("smoke", true, 5) };
    let recorded = ran("smoke", false, 1);
    assert_eq!(newest(here(CheckState::Passed), Some(recorded.clone())).state, CheckState::Passed);
    assert_eq!(newest(here(CheckState::Stale), Some(recorded.clone())).state, CheckState::Failed);
    assert_eq!(newest(here(CheckState::Missing), Some(recorded)).state, CheckState::Failed);
    assert_eq!(newest(here(CheckState::Missing), None).state, CheckState::Missing);
}

/// The state of a claim after it was doubted.
fn doubted(book: &Book, signed: &Gathered, paths: &[PathChange], mut fact: TestFact) -> CheckState {
    let request = book.request("production", 1);
    let grounds = Grounds {
        policy: book.policy(),
        paths,
        commit: &request.release.commit,
        reported: minutes(0).timestamp()..=minutes(60).timestamp(),
        signoffs: Some((&book.timeline.signoffs, request.tree)),
        signed,
    };
    doubt(&mut fact, &grounds);
    fact.state
}

#[test]
fn a_claim_holds_where_the_ledger_a_signature_or_git_bears_it_out() {
    let mut book = book();
    let none = Gathered::default();
    let said = evidence(&book, vec![ran("signed", true, 1)]);
    let signed = gathered(&book, &[recorded(&said, Some(("runner", "good")))]);
    assert_eq!(doubted(&book, &none, &[], ran("smoke", true, 1)), CheckState::Passed);
    assert_eq!(doubted(&book, &none, &[], word("qa", true)), CheckState::Passed);
    assert_eq!(doubted(&book, &none, &[], word("ci", true)), CheckState::Missing);
    assert_eq!(doubted(&book, &none, &[], ran("signed", true, 1)), CheckState::Missing);
    assert_eq!(doubted(&book, &signed, &[], ran("signed", true, 1)), CheckState::Passed);
    let review = || TestFact { state: CheckState::Passed, ..ran("design-review", true, 1) };
    assert_eq!(doubted(&book, &none, &[], review()), CheckState::Missing);
    let request = book.request("production", 1);
    book.sign_off(by("carol", 2), &request, Verdict::Allow).unwrap();
    assert_eq!(doubted(&book, &none, &[], review()), CheckState::Passed);
    let unneeded = || TestFact { state: CheckState::NotNeeded, ..review() };
    assert_eq!(doubted(&book, &none, &[], unneeded()), CheckState::NotNeeded);
    let web = PathChange { change: ChangeKind::Modified, path: "web/page.html".to_owned(), from: None };
    assert_eq!(doubted(&book, &none, &[web], unneeded()), CheckState::Missing);
    assert_eq!(doubted(&book, &none, &[], ran("unheard-of", true, 1)), CheckState::Missing);
}

#[test]
fn where_more_lies_than_was_read_no_signature_counts() {
    let book = book();
    let said = evidence(&book, vec![ran("signed", true, 1), ran("smoke", true, 1)]);
    let mut found = gathered(&book, &[recorded(&said, Some(("runner", "good")))]);
    assert_eq!(known(&found, book.policy(), "signed"), Some(CheckState::Passed));
    found.leave_unread("there is more".to_owned());
    assert_eq!(known(&found, book.policy(), "signed"), None);
    assert_eq!(known(&found, book.policy(), "smoke"), Some(CheckState::Passed));
    assert_eq!(doubted(&book, &found, &[], ran("signed", true, 1)), CheckState::Missing);
}

/// When evidence was found, whether it passed, and how it is signed.
type Line = (i64, bool, Option<(&'static str, &'static str)>);

/// Evidence in the order in which it is read.
fn found() -> impl Strategy<Value = Vec<Line>> {
    let signature = prop::sample::select(vec![
        None,
        Some(("runner", "good")),
        Some(("runner", "good")),
        Some(("runner", "bad")),
        Some(("other", "good")),
    ]);
    prop::collection::vec((0..6_i64, any::<bool>(), signature), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_a_signed_pass_passes_and_no_unsigned_line_changes_that(found in found()) {
        let book = book();
        let record = |(at, passed, signature): &Line| {
            recorded(&evidence(&book, vec![ran("signed", *passed, *at)]), *signature)
        };
        let good = |line: &&Line| line.2 == Some(("runner", "good"));
        let all: Vec<Recorded> = found.iter().map(record).collect();
        let signed: Vec<Recorded> = found.iter().filter(good).map(record).collect();
        let state = known(&gathered(&book, &all), book.policy(), "signed");
        prop_assert_eq!(state, known(&gathered(&book, &signed), book.policy(), "signed"));
        let newest = found.iter().filter(good).map(|line| line.0).max();
        let passes = found.iter().filter(good).any(|line| Some(line.0) == newest && line.1);
        prop_assert!(passes || state != Some(CheckState::Passed));
    }
}
