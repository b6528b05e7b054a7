use super::{Change, Heading, Mailmap, RawCommit, authors, counterparts, link, read};
use crate::gate::terms::CommitId;

/// The commit of a digit: forty of it.
fn id(digit: char) -> CommitId {
    digit.to_string().repeat(40).parse().unwrap()
}

/// A commit of Ada's with parents, as digits, and a message.
fn commit(digit: char, parents: &str, message: &str) -> Change {
    read(&RawCommit {
        id: id(digit),
        parents: parents.chars().map(id).collect(),
        author_name: b"Ada".to_vec(),
        author_email: b"ada@example.org".to_vec(),
        encoding: None,
        message: message.as_bytes().to_vec(),
    })
}

/// A range, newest first, as `digit: taken back by; takes back`.
fn linked(commits: &[(char, &str, &str)]) -> Vec<String> {
    let mut changes: Vec<Change> =
        commits.iter().map(|(digit, parents, message)| commit(*digit, parents, message)).collect();
    link(&mut changes);
    let first = |id: &CommitId| id.as_str()[..1].to_owned();
    let line = |change: &Change| {
        let by = change.reverted_by.as_deref().map_or_else(|| "-".to_owned(), first);
        let back: String = change.reverts_here.iter().map(first).collect();
        format!("{}: {by}; {back}", first(&change.commit))
    };
    changes.iter().map(line).collect()
}

fn undo(digit: char) -> String {
    format!("Revert \"x\"\n\nThis reverts commit {}.\n", id(digit))
}

#[test]
fn a_revert_and_what_it_takes_back_know_of_each_other() {
    assert_eq!(
        linked(&[('3', "2", &undo('1')), ('2', "1", "fix: b"), ('1', "0", "feat: a")]),
        ["3: -; 1", "2: -; ", "1: 3; "]
    );
}

#[test]
fn a_revert_of_a_revert_brings_the_first_one_back() {
    assert_eq!(
        linked(&[('3', "2", &undo('2')), ('2', "1", &undo('1')), ('1', "0", "feat: a")]),
        ["3: -; 2", "2: 3; 1", "1: -; "]
    );
    assert_eq!(
        linked(&[('4', "3", &undo('3')), ('3', "2", &undo('2')), ('2', "1", &undo('1')), ('1', "0", "a")]),
        ["4: -; 3", "3: 4; 2", "2: -; 1", "1: 2; "]
    );
}

#[test]
fn a_revert_of_what_is_not_in_the_range_takes_nothing_here_back() {
    assert_eq!(linked(&[('2', "1", &undo('9')), ('1', "0", "feat: a")]), ["2: -; ", "1: -; "]);
    // What stands above it, that is later, cannot be meant.
    assert_eq!(linked(&[('2', "1", "feat: b"), ('1', "0", &undo('2'))]), ["2: -; ", "1: -; "]);
}

#[test]
fn a_short_id_names_a_commit_only_when_it_is_the_only_one() {
    let short = "Revert \"x\"\n\nThis reverts commit 1111111.\n";
    assert_eq!(linked(&[('2', "1", short), ('1', "0", "a")]), ["2: -; 1", "1: 2; "]);
}

#[test]
fn a_reverted_merge_takes_everything_back_that_it_brought() {
    let merge = format!(
        "Revert \"Merge\"\n\nThis reverts commit {}, reversing\nchanges made to {}.\n",
        id('5'),
        id('2')
    );
    assert_eq!(
        linked(&[
            ('6', "5", &merge),
            ('5', "24", "Merge branch 'x'"),
            ('4', "3", "feat: of the branch"),
            ('3', "1", "feat: also of the branch"),
            ('2', "1", "fix: of the main line"),
            ('1', "0", "feat: of both"),
        ]),
        ["6: -; 5", "5: 6; ", "4: 6; ", "3: 6; ", "2: -; ", "1: -; "]
    );
}

#[test]
fn a_merge_reverted_against_its_other_side_takes_nothing_else_back() {
    let undone = |kept: char| {
        format!(
            "Revert \"Merge\"\n\nThis reverts commit {}, reversing\nchanges made to {}.\n",
            id('3'),
            id(kept)
        )
    };
    let range = |revert: &str| {
        linked(&[
            ('4', "3", revert),
            ('3', "12", "Merge branch 'x'"),
            ('2', "0", "feat: b"),
            ('1', "0", "feat: a"),
        ])
    };
    assert_eq!(range(&undone('2')), ["4: -; 3", "3: 4; ", "2: -; ", "1: -; "]);
    assert_eq!(range(&undone('1')), ["4: -; 3", "3: 4; ", "2: 4; ", "1: -; "]);
    assert_eq!(range(&undo('3')), ["4: -; 3", "3: 4; ", "2: -; ", "1: -; "]);
}

#[test]
fn a_revert_by_pull_request_or_by_title_is_understood() {
    let by_pull = "Revert \"Totals (#12)\" (#13)\n\nReverts shop/cart#12";
    assert_eq!(linked(&[('2', "1", by_pull), ('1', "0", "Totals (#12)")]), ["2: -; 1", "1: 2; "]);
    let pulls = [('3', "2", by_pull), ('2', "1", "Totals (#12)"), ('1', "0", "Totals again (#12)")];
    assert_eq!(linked(&pulls), ["3: -; ", "2: -; ", "1: -; "], "two could be meant");
    let by_title = "Revert \"feat(cart): totals\"";
    assert_eq!(linked(&[('2', "1", by_title), ('1', "0", "feat(cart): totals")]), ["2: -; 1", "1: 2; "]);
    assert_eq!(linked(&[('2', "1", by_title), ('1', "0", "fix(cart): totals")]), ["2: -; ", "1: -; "]);
    let refs = "revert: totals\n\nRefs: 1111111, 2222222";
    assert_eq!(
        linked(&[('3', "2", refs), ('2', "1", "b"), ('1', "0", "a")]),
        ["3: -; 21", "2: 3; ", "1: 3; "]
    );
}

#[test]
fn a_revert_of_a_merge_by_its_title_alone_is_linked_to_that_merge() {
    let range = |revert: &str, merge: &str| {
        linked(&[('4', "3", revert), ('3', "12", merge), ('2', "0", "feat: b"), ('1', "0", "feat: a")])
    };
    // Which side went is not known, so only the merge itself is told.
    let told = ["4: -; 3", "3: 4; ", "2: -; ", "1: -; "];
    let untold = ["4: -; ", "3: -; ", "2: -; ", "1: -; "];
    let github = "Merge pull request #12 from ada/x\n\nAdd search";
    assert_eq!(range("Revert \"Merge pull request #12 from ada/x\"", github), told);
    assert_eq!(range("Revert \"Merge pull request #12 from ada/x\" (#13)", github), told);
    assert_eq!(range("Revert \"Merge pull request #12 from ada/…\"", github), told);
    assert_eq!(range("Revert \"Merge pull request #12\"", github), told);
    assert_eq!(range("Revert \"Merge branch 'x'\"", "Merge branch 'x'"), told);
    for other in ["#1 from ada/x", "#1…", "#12…", "#12 from bob/x", "#12 from ada/x and more"] {
        assert_eq!(range(&format!("Revert \"Merge pull request {other}\""), github), untold, "{other}");
    }
    // A commit that only mentions the pull request is no merge, and two merges are one too many.
    assert_eq!(
        range("Revert \"Merge pull request #12 from …\"", "Merge pull request #13 from ada/x"),
        untold
    );
    let squashed = [('2', "1", "Revert \"Merge pull request #12 from …\""), ('1', "0", "Totals (#12)")];
    assert_eq!(linked(&squashed), ["2: -; ", "1: -; "]);
    let twice = [
        ('5', "4", "Revert \"Merge pull request #12 from …\""),
        ('4', "32", github),
        ('3', "21", github),
        ('2', "0", "b"),
        ('1', "0", "a"),
    ];
    assert_eq!(linked(&twice)[..3], ["5: -; ", "4: -; ", "3: -; "]);
}

#[test]
fn a_merge_that_quotes_a_revert_takes_nothing_back() {
    let merge = format!("Merge pull request #2 from x\n\nRevert \"a\"\n\nThis reverts commit {}.", id('1'));
    assert_eq!(linked(&[('2', "10", &merge), ('1', "0", "a")]), ["2: -; ", "1: -; "]);
}

#[test]
fn what_is_taken_back_stands_under_a_heading_of_its_own() {
    let mut changes = vec![commit('2', "1", &undo('1')), commit('1', "0", "feat: a")];
    link(&mut changes);
    assert_eq!((Heading::of(&changes[0]), Heading::of(&changes[1])), (Heading::Reverts, Heading::Undone));
}

#[test]
fn pull_requests_are_read_as_each_forge_writes_them() {
    for (message, pull, title) in [
        ("Merge pull request #12 from ada/x\n\nAdd search", Some(12), Some("Add search")),
        ("Merge pull request #12 from ada/x", Some(12), None),
        (
            "Merge branch 'x' into 'main'\n\nAdd search\n\nSee merge request shop/cart!12",
            Some(12),
            Some("Add search"),
        ),
        ("Merge branch 'x' into 'main'\n\nSee merge request shop/cart!12", Some(12), None),
        ("Merged in ada/x (pull request #12)\n\nAdd search\n", Some(12), Some("Add search")),
        ("Merged PR 12: Add search", Some(12), Some("Add search")),
        ("Merge pull request 'Add search' (#12) from ada/x into main", Some(12), Some("Add search")),
        ("Auto merge of #12 - ada:x, r=bob\n\nAdd search", Some(12), Some("Add search")),
        ("Merge pull request #12 in SHOP/cart from x to main\n\n* commit '1':\n  y", Some(12), None),
        ("Merge branch 'x'\n\nA description.\n", None, None),
        ("Merge pull request #99999999999999999999 from x", None, None),
    ] {
        let found = commit('1', "23", message);
        assert_eq!((found.pull, found.title.as_deref()), (pull, title), "{message}");
    }
    assert_eq!(commit('1', "2", "Add search (#12)").pull, Some(12));
    assert_eq!(commit('1', "2", "Add search (#12) and more").pull, None);
    assert_eq!(commit('1', "2", "Merge pull request #12 from x\n\nAdd").title, None, "it is no merge");
}

#[test]
fn trailers_name_picks_and_people() {
    let found = commit(
        '1',
        "2",
        "fix: a\n\nCo-authored-by: Bob <b@x>\nCo-Authored-By: Cy\nCo-authored-by: Bob <b@x>\nco-authored-by: <d@x>\n(cherry picked from commit 7654321)\n(cherry picked from commit 7654322)\n(cherry picked from commit xyz)",
    );
    assert_eq!(found.picked.as_deref(), Some("7654322"));
    assert_eq!(found.co_authors.iter().map(|who| who.name.as_str()).collect::<Vec<_>>(), ["Bob", "Cy"]);
    assert_eq!(serde_json::to_string(&found.co_authors).unwrap(), r#"[{"name":"Bob"},{"name":"Cy"}]"#);
}

#[test]
fn a_commit_left_behind_is_found_where_a_trailer_or_its_title_says_so() {
    let picked = |from: &str| format!("fix: leak\n\n(cherry picked from commit {from})");
    let one = |behind: Change, here: Change| {
        let found = counterparts(&[behind], &[here]).remove(0);
        found.map(|found| (found.commit.as_str()[..1].to_owned(), found.said))
    };
    let said = Some(("2".to_owned(), true));
    let full = "1".repeat(40);
    assert_eq!(one(commit('1', "0", "a"), commit('2', "0", &picked(&full))), said);
    assert_eq!(one(commit('1', "0", "a"), commit('2', "0", &picked("11111111"))), said);
    assert_eq!(one(commit('1', "0", &picked(&"2".repeat(40))), commit('2', "0", "fix: leak")), said);
    assert_eq!(one(commit('1', "0", &picked("3333333")), commit('2', "0", &picked("3333333"))), said);
    let alike = Some(("2".to_owned(), false));
    assert_eq!(one(commit('1', "0", "fix: leak"), commit('2', "0", "fix: leak\n\nmore")), alike);
    assert_eq!(one(commit('1', "0", "fix: leak"), commit('2', "0", "fix: leaks")), None);
    assert_eq!(one(commit('1', "0", ""), commit('2', "0", "")), None);
    let mut gone = vec![commit('3', "2", &undo('2')), commit('2', "0", &picked(&full))];
    link(&mut gone);
    assert_eq!(counterparts(&[commit('1', "0", "a")], &gone), [None], "it was taken back");
}

#[test]
fn an_author_is_told_once_whatever_address_and_case() {
    let by = |name: &str, email: &str, message: &str| Change {
        author: name.to_owned(),
        email: email.to_owned(),
        ..commit('1', "2", message)
    };
    let changes = [
        by("Ada", "ada@example.org", "a\n\nCo-authored-by: Eve <eve@x>\nCo-authored-by: Bob <bob@x>"),
        by("ada", "ada@home.example", "b"),
        by("Ada L.", "ADA@home.example", "c"),
        by("Bob", "bob@x", "d"),
        by("", "", "e"),
        by(" ", "", "f"),
    ];
    let told = |map: &str| authors(&changes, &Mailmap::read(map.as_bytes()));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(told(""), (names(&["Ada", "Bob", "(no name)"]), names(&["Eve"])));
    assert_eq!(
        told("# who is who\nAda Lovelace <ada@example.org> # her\nEve Adams <eve@new> <EVE@x>\nbroken\n"),
        (names(&["Ada Lovelace", "ada", "Bob", "(no name)"]), names(&["Eve Adams"]))
    );
    assert_eq!(
        told("Ada Lovelace <ada@example.org>\nAda Lovelace <ada@example.org> <ada@home.example>\n").0,
        names(&["Ada Lovelace", "Bob", "(no name)"])
    );
}
