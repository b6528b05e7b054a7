use super::{Case, codes, message, ready};
use crate::gate::alike::Alike;
use crate::gate::facts::{Action, Taint};
use crate::gate::fixture::{Book, by, commit, config, minutes, production};
use crate::gate::statement::{Ending, Verdict};
use crate::gate::terms::{CommitId, Digest};

/// v2 was rolled back, and v3 is approved, of which this is known.
fn rolled_back(taint: Taint) -> (Case, Digest) {
    let mut book = Book::founded(&config(&[]));
    book.deployed("production", 1, 0, Ending::Succeeded);
    let second = book.deployed("production", 2, 20, Ending::Succeeded);
    let back = book.rolled_back(&second, 40, Ending::Succeeded);
    book.rollback_report(by("bob", 45), back).unwrap();
    let mut case = Case::over(book, 3, |request| request.at = minutes(45));
    case.vote(by("bob", 50), Verdict::Allow);
    case.now = 60;
    case.target.quarantined.insert(back, taint);
    (case, back)
}

fn holds(fixes: &[CommitId]) -> Taint {
    Taint::Holds { commits: 2, fixes: fixes.to_vec(), kept: vec![] }
}

fn warned(case: &Case) -> Vec<String> {
    case.permit().warnings.into_iter().map(|warning| warning.message).collect()
}

#[test]
fn what_holds_commits_that_were_rolled_back_is_neither_approved_nor_deployed() {
    let (case, _) = rolled_back(holds(&[]));
    assert_eq!(case.deploy(), ["commit.quarantined"]);
    assert_eq!(case.verdict(Verdict::Allow), ["commit.quarantined"]);
    assert_eq!(case.verdict(Verdict::Deny), Vec::<String>::new());
    let reasons = case.deploy_reasons();
    assert_eq!(message(&reasons), "3333333 holds 2 commits of `v2`, which was rolled back in `production`");
    assert_eq!(reasons[0].next.len(), 3);
}

#[test]
fn what_took_only_some_of_it_back_is_told_which_files_and_that_a_person_can_name_the_revert() {
    let kept = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let (case, _) = rolled_back(Taint::Holds { commits: 2, fixes: vec![], kept });
    let reasons = case.deploy_reasons();
    assert_eq!(
        message(&reasons),
        "3333333 holds 2 commits of `v2`, which was rolled back in `production`; taken back counts by itself only where every file is as in `v1`, and here `a`, `b`, `c` and 1 more are not"
    );
    assert_eq!(
        reasons[0].next[0],
        "where a revert or another commit fixes it, a person says so: deployctl approve --release v2 --fix COMMIT --reason TEXT"
    );
}

#[test]
fn what_cannot_be_told_or_was_not_looked_at_is_refused() {
    let (mut case, back) = rolled_back(Taint::Unknown { missing: commit('2') });
    assert_eq!(case.deploy(), ["commit.quarantined"]);
    assert!(message(&case.deploy_reasons()).ends_with("cannot be told: 2222222 is not in this clone"));
    case.target.quarantined.remove(&back);
    assert_eq!(case.deploy(), ["commit.quarantined"]);
}

#[test]
fn what_takes_the_change_back_is_let_through_and_said() {
    let (case, _) = rolled_back(Taint::TakenBack);
    assert_eq!(
        warned(&case),
        [
            "3333333 holds commits of `v2`, which was rolled back, and takes their change back: its files are as in `v1`"
        ]
    );
    let (case, _) = rolled_back(Taint::Clear);
    assert_eq!(warned(&case), Vec::<String>::new());
}

#[test]
fn what_a_person_released_is_let_through_in_capitals() {
    let (mut case, back) = rolled_back(holds(&[]));
    case.book.release(by("bob", 55), back, None).unwrap();
    let [warning] = &warned(&case)[..] else { panic!("one") };
    assert!(
        warning.starts_with("3333333 HOLDS COMMITS OF `v2`, WHICH WAS ROLLED BACK in `production` by alice")
    );
    assert!(
        warning.contains("; RELEASED by bob at ") && warning.ends_with(": it was the network"),
        "{warning}"
    );
}

#[test]
fn a_fix_counts_only_for_what_holds_it() {
    let (mut case, back) = rolled_back(holds(&[]));
    case.book.release(by("bob", 55), back, Some(commit('7'))).unwrap();
    assert_eq!(case.deploy(), ["commit.quarantined"]);
    case.target.quarantined.insert(back, holds(&[commit('8')]));
    assert_eq!(case.deploy(), ["commit.quarantined"]);
    case.target.quarantined.insert(back, holds(&[commit('8'), commit('7')]));
    assert!(warned(&case)[0].contains(", FIXED BY 7777777: it was the network"));
}

/// So many of three files are as they were, and so many of those come again.
fn alike(same: usize, again: usize, fixes: &[CommitId]) -> Taint {
    let first: Vec<String> = ["a", "b", "c"][..again].iter().map(|path| (*path).to_owned()).collect();
    Taint::Alike { alike: Alike { paths: 3, same, again, first }, fixes: fixes.to_vec() }
}

#[test]
fn the_whole_content_under_other_commits_is_held_and_a_part_of_it_is_said() {
    let (case, _) = rolled_back(alike(3, 3, &[]));
    assert_eq!(case.deploy(), ["commit.quarantined"]);
    assert_eq!(case.verdict(Verdict::Allow), ["commit.quarantined"]);
    let reasons = case.deploy_reasons();
    let said = "3333333 holds the content of `v2`, which was rolled back in `production` by alice at 2026-11-23 10:45 UTC, under other commits: all 3 files that it changed (`a`, `b`, `c`)";
    assert_eq!(message(&reasons), said);
    assert_eq!(reasons[0].next.len(), 3);
    // What is live already need not come again to make it whole.
    assert_eq!(rolled_back(alike(3, 1, &[])).0.deploy(), ["commit.quarantined"]);
    let (case, _) = rolled_back(alike(2, 2, &[]));
    assert_eq!(
        warned(&case),
        [
            "3333333 holds 2 of the 3 files that `v2` changed just as there, and that was rolled back in `production`: `a`, `b`"
        ]
    );
    for quiet in [alike(0, 0, &[]), alike(3, 0, &[]), alike(2, 0, &[])] {
        assert_eq!(warned(&rolled_back(quiet).0), Vec::<String>::new());
    }
}

#[test]
fn content_that_a_person_released_is_let_through_in_capitals() {
    let (mut case, back) = rolled_back(alike(3, 3, &[]));
    case.book.release(by("bob", 55), back, Some(commit('7'))).unwrap();
    assert_eq!(case.deploy(), ["commit.quarantined"]);
    case.target.quarantined.insert(back, alike(3, 3, &[commit('7')]));
    assert!(warned(&case)[0].starts_with("3333333 HOLDS THE CONTENT OF `v2`, WHICH WAS ROLLED BACK"));
    case.target.quarantined.insert(back, alike(2, 2, &[commit('7')]));
    assert_eq!(warned(&case), Vec::<String>::new());
}

#[test]
fn an_approver_releases_what_is_in_quarantine() {
    let (mut case, back) = rolled_back(holds(&[]));
    let (environment, version, fix) = (production(), "v2".parse().unwrap(), commit('7'));
    let release = |case: &Case, rollback: &Digest| {
        let (environment, version, fix) = (&environment, &version, Some(&fix));
        codes(case.decide(&Action::Release { environment, rollback, version, fix }))
    };
    assert_eq!(release(&case, &back), Vec::<String>::new());
    assert_eq!(release(&case, &Digest::of(b"other")), ["request.missing"]);
    case.key = ready("carol");
    assert_eq!(release(&case, &back), ["key.unknown"]);
    let eu = "eu".parse().unwrap();
    let elsewhere = Action::Release { environment: &eu, rollback: &back, version: &version, fix: None };
    case.key = ready("alice");
    assert_eq!(codes(case.decide(&elsewhere)), ["request.missing"]);
}
