use proptest::prelude::{any, proptest};

use super::{Breaking, Change, Heading, RawCommit, group, read};

fn raw(message: &[u8]) -> RawCommit {
    RawCommit {
        id: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        parents: vec![],
        author_name: b"Ada".to_vec(),
        author_email: b"ada@example.org".to_vec(),
        encoding: None,
        message: message.to_vec(),
    }
}

fn change(message: &str) -> Change {
    read(&raw(message.as_bytes()))
}

fn mark(message: &str) -> (Breaking, Option<String>) {
    let change = change(message);
    (change.breaking, change.declaration.map(String::from))
}

fn declared(text: &str) -> (Breaking, Option<String>) {
    (Breaking::Declared, Some(text.to_owned()))
}

fn possible(text: &str) -> (Breaking, Option<String>) {
    (Breaking::Possible, Some(text.to_owned()))
}

const SILENT: (Breaking, Option<String>) = (Breaking::None, None);

#[test]
fn a_conventional_subject_is_taken_apart() {
    let found = change("Feat(api): add search\n\nbody");
    assert_eq!(found.kind, Some("feat"));
    assert_eq!(found.scope.as_deref(), Some("api"));
    assert_eq!(found.subject, "add search");
    assert_eq!((found.breaking, found.merge, found.reverts), (Breaking::None, false, None));
}

#[test]
fn a_word_and_a_colon_is_no_convention() {
    for subject in
        ["Thumbnails: allow webp", "ignore: add check", "fixup! fix things", "https://example.org/1"]
    {
        let found = change(subject);
        assert_eq!((found.kind, found.subject.as_str()), (None, subject));
    }
}

#[test]
fn a_bang_declares_even_with_a_type_of_ones_own() {
    assert_eq!(mark("fix(core)!: drop x"), declared("drop x"));
    assert_eq!(mark("change(gix)!: drop x"), declared("change(gix)!: drop x"));
    assert_eq!(change("change!: drop x").kind, None);
    assert_eq!(mark("Wow!: it works"), SILENT);
}

#[test]
fn a_footer_declares_with_its_whole_paragraph() {
    let body = "fix: a\n\ntext\n\nBREAKING CHANGE: the flag\nis gone.\n\nmore\n\nSigned-off-by: A <a@b.c>\n";
    assert_eq!(mark(body), declared("the flag is gone."));
    assert_eq!(mark("fix: a\n\nBREAKING-CHANGE: x\nFixes #1"), declared("x"));
    assert_eq!(mark("fix: a\n\nBREAKING CHANGE:\n\n- one\n- two"), declared("- one - two"));
    assert_eq!(mark("plain\r\n\r\nBREAKING CHANGE: x\r\n"), declared("x"));
    assert_eq!(mark("fix: a\n\nBREAKING CHANGE: no longer starts"), declared("no longer starts"));
    assert_eq!(
        mark("fix: a\n\nBREAKING CHANGE: None of the old flags work"),
        declared("None of the old flags work")
    );
}

#[test]
fn breaking_change_none_declares_nothing() {
    for value in ["None", "none.", "**None**", "N/A", "no", "none (internal only)", "No breaking changes."] {
        assert_eq!(mark(&format!("feat: a\n\nBREAKING CHANGE: {value}\n")), SILENT, "{value}");
        assert_eq!(mark(&format!("feat: a\n\nBreaking change: {value}\nFeature: D1")), SILENT, "{value}");
    }
}

#[test]
fn other_wordings_are_possible() {
    assert_eq!(mark("refactor: x\n\nBREAKING CHANGE\n\nIn case"), possible("x"));
    assert_eq!(mark("[BREAKING] add y"), possible("[BREAKING] add y"));
    assert_eq!(mark("feat: BREAKING CHANGE: z"), possible("BREAKING CHANGE: z"));
    assert_eq!(mark("Breaking change: Add `x`"), possible("Breaking change: Add `x`"));
    assert_eq!(mark("a\n\nBreaking changes: `f` returns\nmore"), possible("Breaking changes: `f` returns"));
    assert_eq!(mark("a (#1)\n\n* feat(api)!: drop b\n* fix: c"), possible("* feat(api)!: drop b"));
    assert_eq!(mark("a\n\nSo this is a breaking change."), possible("So this is a breaking change."));
}

#[test]
fn a_tag_in_brackets_is_a_mark_whatever_stands_before_it() {
    for subject in [
        "Drop the cache if it is off [BREAKING]",
        "Any width is allowed [BREAKING CHANGE]",
        "x\u{3347a}if\u{e000} [BREAKING]",
    ] {
        assert_eq!(mark(subject), possible(subject));
    }
    // A word of the sentence is denied by the sentence.
    assert_eq!(mark("This is not BREAKING"), SILENT);
}

#[test]
fn a_denial_is_no_mark() {
    assert_eq!(mark("a\n\nThis is not a breaking change because"), SILENT);
    assert_eq!(mark("a\n\nThis is not\na breaking change because"), SILENT);
    assert_eq!(mark("Remove 'unit', only non-breaking changes (#272)"), SILENT);
    assert_eq!(mark("a\n\nrun with 'WITH_BREAKING_CHANGES' set"), SILENT);
    assert_eq!(mark("docs: how to announce breaking changes"), SILENT);
}

#[test]
fn what_is_quoted_is_not_declared() {
    assert_eq!(mark("bump\n\n> BREAKING CHANGE: copy has changed\n"), SILENT);
    assert_eq!(mark("bump\n\n```\nBREAKING CHANGE: x\n```\n"), SILENT);
    assert_eq!(
        mark("bump\n\n<details>\n<li><em>Breaking change</em>: y</li>\nBREAKING CHANGE: x\n</details>"),
        SILENT
    );
    assert_eq!(mark("bump\n\n### Release Notes\n\nBREAKING CHANGE: x\n"), possible("x"));
}

#[test]
fn an_open_fence_or_tag_hides_no_footer() {
    assert_eq!(mark("a\n\n```\nBREAKING CHANGE: x\n"), declared("x"));
    assert_eq!(mark("a\n\n<details>\nBREAKING CHANGE: x\n"), declared("x"));
}

#[test]
fn reverts_name_their_commit() {
    let found = change("Revert \"a\"\n\nThis reverts commit E32929029b3b9c4cfdd40fe234f530c60efa84e1.\n");
    assert_eq!(found.reverts.as_deref(), Some("e32929029b3b9c4cfdd40fe234f530c60efa84e1"));
    assert_eq!(
        change("Revert \"a\"\r\rThis reverts commit 0cfbaa0.\rSorry").reverts.as_deref(),
        Some("0cfbaa0")
    );
    assert_eq!(change("Revert \"a\"\n\nThis reverts commit of yesterday").reverts, None);
}

#[test]
fn a_carriage_return_cannot_repaint_the_subject() {
    let found = change("feat!: remove billing\rfix: typo");
    assert_eq!((found.subject.as_str(), found.breaking), ("remove billing", Breaking::Declared));
    assert_eq!(change("feat: a\x1b[2K\0b").subject, "a\x1b[2K\0b");
}

#[test]
fn bytes_are_read_in_the_encoding_they_declare() {
    let mut commit = raw(b"fix: caf\xe9 \x80\n\nby H\xf8gsberg");
    commit.author_name = b"J\xf6rg".to_vec();
    commit.encoding = Some("ISO-8859-1".to_owned());
    let latin = read(&commit);
    assert_eq!((latin.subject.as_str(), latin.author.as_str()), ("café \u{80}", "Jörg"));
    commit.encoding = Some("windows-1252".to_owned());
    assert_eq!(read(&commit).subject, "café €");
    commit.encoding = Some("iso-8859-15".to_owned());
    commit.message = b"10 \xa4".to_vec();
    assert_eq!(read(&commit).subject, "10 €");
    commit.encoding = Some("klingon".to_owned());
    assert_eq!(read(&commit).subject, "10 \u{fffd}");
    assert_eq!(read(&commit).author, "J\u{fffd}rg");
}

#[test]
fn an_empty_message_is_an_empty_subject() {
    for message in ["", "\n", " \n\t\r\n"] {
        let found = change(message);
        assert_eq!((found.subject.as_str(), found.kind, found.breaking), ("", None, Breaking::None));
    }
    assert_eq!(change("\n\n  fix: late \n").subject, "late");
}

#[test]
fn the_address_stays_out_of_documents() {
    let found = change("fix: a");
    assert_eq!(found.email, "ada@example.org");
    let shown = serde_json::to_value(&found).unwrap();
    assert_eq!(shown.get("email"), None);
    assert_eq!((&shown["type"], &shown["breaking"]), (&"fix".into(), &"none".into()));
}

#[test]
fn groups_come_in_one_order_and_merges_last() {
    let mut merge = raw(b"feat: merged");
    merge.parents = vec![merge.id.clone(), merge.id.clone()];
    let changes = [
        read(&merge),
        change("tidy up"),
        change("Revert \"x\""),
        change("fix: b"),
        change("feat: a"),
        change("ci: c"),
        change("fix: d"),
    ];
    let shown: Vec<(Heading, Vec<&str>)> = group(&changes)
        .into_iter()
        .map(|(heading, changes)| (heading, changes.iter().map(|change| change.subject.as_str()).collect()))
        .collect();
    assert_eq!(
        shown,
        [
            (Heading::Features, vec!["a"]),
            (Heading::Fixes, vec!["b", "d"]),
            (Heading::Reverts, vec!["Revert \"x\""]),
            (Heading::Build, vec!["c"]),
            (Heading::Other, vec!["tidy up"]),
            (Heading::Merges, vec!["merged"]),
        ]
    );
}

#[test]
fn a_huge_message_is_read_whole() {
    let subject = "x".repeat(10_000);
    let body = "<details> breaking BREAKING CHANGE: x\nBREAKING CHANGE: none\n\n".repeat(16_000);
    let found = change(&format!("feat: {subject}\n\n{body}\nBREAKING CHANGE: last"));
    assert_eq!(found.subject, subject);
    assert_eq!((found.breaking, found.declaration.as_deref()), (Breaking::Declared, Some("last")));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(message in any::<Vec<u8>>(), label in "(latin1|cp1252|utf-8|x)") {
        let mut commit = raw(&message);
        commit.encoding = Some(label);
        let _ = read(&commit);
    }

    #[test]
    fn no_text_makes_it_panic(message in "([a-z!(): <>/`\n\r#*-]|BREAKING|CHANGE|é|details|breaking|none){0,60}") {
        let found = change(&message);
        assert_eq!(found.declaration.is_some(), found.breaking != Breaking::None);
    }
}
