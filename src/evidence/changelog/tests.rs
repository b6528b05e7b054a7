use proptest::prelude::{any, prop, proptest};

use super::name::Name;
use super::{Basis, CHANGELOG_MAX, Excerpt, Question, excerpt, rank};
use crate::evidence::commits::Breaking;

/// What a file says of v1.4.0 after v1.3.0, with nothing to compare it with.
fn says(text: &str) -> Excerpt {
    asked(text, "v1.4.0", Some("v1.3.0"), None)
}

fn asked(text: &str, version: &str, previous: Option<&str>, before: Option<&str>) -> Excerpt {
    let question = Question { version, previous, before: before.map(str::as_bytes) };
    excerpt("CHANGELOG.md", text.as_bytes(), &question)
}

/// `section|group|text`, with `!` for declared and `?` for possibly breaking.
fn entries(found: &Excerpt) -> Vec<String> {
    let line = |entry: &super::Entry| {
        let mark = match entry.breaking {
            Breaking::Declared => "!",
            Breaking::Possible => "?",
            Breaking::None => "",
        };
        format!("{}|{}|{mark}{}", entry.section, entry.group, entry.text)
    };
    found.entries.iter().map(line).collect()
}

const KEPT: &str = "\
# Changelog
All notable changes to this project are in this file.

- not an entry: no section yet

## [Unreleased]
### Added
- Waiting

## [1.4.0] - 2026-01-02

### Added
- Search in the cart, with a line
  that is wrapped ([#12](https://example.org/12), [#13], list[0])
- Filters:
  - by price
  - by name

### Changed
* **Breaking:** totals are rounded to cents

### Security
- CVE-2026-1234: a leak

## [1.3.1] - 2025-12-24 [YANKED]
### Fixed
- A crash

## [1.3.0] - 2025-12-01
### Added
- Old

[Unreleased]: https://example.org/compare/v1.4.0...HEAD
[1.4.0]: https://example.org/compare/v1.3.0...v1.4.0
";

#[test]
fn the_sections_after_the_previous_version_up_to_the_candidates() {
    let found = says(KEPT);
    assert_eq!((found.basis, found.sections.join(" ")), (Basis::Named, "1.4.0 1.3.1".to_owned()));
    assert_eq!(
        entries(&found),
        [
            "1.4.0|Added|Search in the cart, with a line that is wrapped (#12, #13, list[0])",
            "1.4.0|Added|Filters: by price; by name",
            "1.4.0|Changed|!Breaking: totals are rounded to cents",
            "1.4.0|Security|CVE-2026-1234: a leak",
            "1.3.1|Fixed|A crash",
        ]
    );
    assert_eq!(found.notes, ["section 1.3.1 says that it was yanked", "section Unreleased has 1 entry more"]);
    assert_eq!(found.changed, None);
}

#[test]
fn without_the_previous_version_only_the_candidates_own() {
    for previous in [None, Some("v0.9.0"), Some("nightly")] {
        assert_eq!(asked(KEPT, "1.4.0", previous, None).sections, ["1.4.0"], "{previous:?}");
    }
}

#[test]
fn without_the_candidate_what_is_unreleased_and_newer_than_the_previous() {
    let found = asked(KEPT, "v1.5.0", Some("v1.3.1"), None);
    assert_eq!((found.basis, found.sections.join(" ")), (Basis::Unreleased, "Unreleased 1.4.0".to_owned()));
    assert_eq!(entries(&found)[0], "Unreleased|Added|Waiting");
    let found = asked(KEPT, "nightly", None, None);
    assert_eq!((found.basis, found.sections.join(" ")), (Basis::Unreleased, "Unreleased".to_owned()));
}

#[test]
fn what_was_unreleased_before_the_range_already_is_live() {
    let before = "## Unreleased\n- Waiting\n- Old\n";
    let found = asked("## Unreleased\n- New\n- Waiting\n- Old\n", "v2", Some("v1"), Some(before));
    assert_eq!(entries(&found), ["Unreleased||New"]);
    assert_eq!(found.notes, ["2 entries of section Unreleased were there before, and are left out"]);
    let same = asked(before, "v2", Some("v1"), Some(before));
    assert_eq!((entries(&same), same.changed), (vec![], Some(false)));
}

#[test]
fn an_older_or_equal_candidate_brings_nothing_new() {
    let found = asked(KEPT, "v1.3.0", Some("v1.4.0"), None);
    assert_eq!((found.basis, found.sections.len()), (Basis::Named, 0));
    assert_eq!(found.notes[0], "section 1.3.0 is not newer than v1.4.0");
    assert_eq!(asked(KEPT, "v1.4.0", Some("v1.4.0"), None).entries, []);
}

#[test]
fn an_entry_added_to_an_old_section_is_noticed() {
    let before = KEPT.replace("- Old\n", "");
    let found = asked(KEPT, "v1.4.0", Some("v1.3.1"), Some(&before));
    let late: Vec<&str> = found.late.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!((late, found.changed), (vec!["Old"], Some(true)));
    assert_eq!(found.late[0].section, "1.3.0");
}

#[test]
fn sections_that_stand_there_already_are_told() {
    let before = KEPT.replace("- A crash\n", "");
    let found = asked(KEPT, "v1.4.0", Some("v1.3.1"), Some(&before));
    assert_eq!(found.notes.last().unwrap(), "4 entries of these stood there before the range already");
}

#[test]
fn a_section_by_another_name_is_found_because_it_is_new() {
    let before = "# History\n\n## Herring\n";
    assert_eq!(says("# 1.0.0 of something else\n- x\n").basis, Basis::Nothing);
    let found = asked("## 7.1\n- x\n\n## 7.0\n- y\n", "spring", Some("winter"), Some("## 7.0\n- y\n"));
    assert_eq!((found.basis, entries(&found)), (Basis::Written, vec!["7.1||x".to_owned()]));
    assert_eq!(asked(before, "spring", Some("winter"), Some(before)).basis, Basis::Nothing);
}

#[test]
fn headings_name_a_version_in_every_common_form() {
    for heading in [
        "## [1.4.0] - 2026-01-02",
        "## 1.4.0 (2026-01-02)",
        "## v1.4.0",
        "# 1.4.0",
        "### [1.4.0](https://example.org/compare/v1.3.0...v1.4.0) (2026-01-02)",
        "## Version 1.4.0 - \"Spring\"",
        "## storefront 1.4.0",
        "## Release v1.4",
        "## @shop/cart@1.4.0",
        "## `1.4.0`",
        "## **1.4.0**",
        "##[1.4.0]",
        "## 1.4.0 ##",
        "1.4.0 / 2026-01-02\n==================",
        "v1.4.0\n------",
        "**1.4.0** (2026-01-02)\n\n## 1.4.0",
        "<a name=\"1.4.0\"></a>\n## 1.4.0",
        "## 🚀 1.4.0",
        "## Changes with 1.4.0:",
        "## 1.4.0\n\n## What's Changed",
        "## Rails 1.4.0 (unreleased)",
        "## What's new in 1.4.0\n\n## 1.4.0",
    ] {
        let found = says(&format!("# Changelog\n\n{heading}\n\n- x\n\n## 1.3.0\n- old\n"));
        assert_eq!((found.basis, found.entries.len()), (Basis::Named, 1), "{heading}");
    }
}

#[test]
fn headings_that_only_mention_a_version_name_none() {
    for heading in [
        "### Upgrading to 1.4.0",
        "### Migration from 1.4.0",
        "### 1.4.0 compatibility mode",
        "### 3 fixes",
        "### Phase-2",
    ] {
        let found = says(&format!("## 1.4.1\n{heading}\n- x\n"));
        assert_eq!(found.basis, Basis::Nothing, "{heading}");
    }
}

#[test]
fn patch_releases_may_stand_at_the_level_of_their_groups() {
    let text = "# Changelog\n\n### [1.4.1](u) (2026-02-01)\n\n\n### Bug Fixes\n\n* **cart:** total ([a1b2c3d](u))\n\n## [1.4.0](u) (2026-01-02)\n\n\n### ⚠ BREAKING CHANGES\n\n* **api:** drop v1\n\n### Features\n\n* search ([#12](u)) ([b1b2c3d](u)), closes [#1](u)\n";
    let found = asked(text, "v1.4.1", Some("v1.3.0"), None);
    assert_eq!(found.sections, ["1.4.1"], "the previous version is not in the file");
    assert_eq!(entries(&found), ["1.4.1|Bug Fixes|cart: total (a1b2c3d)"]);
    let found = asked(&format!("{text}\n## 1.3.0\n"), "v1.4.1", Some("v1.3.0"), None);
    assert_eq!(
        entries(&found)[1..],
        ["1.4.0|⚠ BREAKING CHANGES|!api: drop v1", "1.4.0|Features|search (#12) (b1b2c3d), closes #1",]
    );
}

#[test]
fn changesets_are_read_with_their_paragraphs() {
    let text = "# @shop/cart\n\n## 1.4.0\n\n### Major Changes\n\n- [#12](u) [`a1b2c3d`](u) Thanks [@ada](u)! - Drop v1\n\n  Use v2 instead:\n\n  ```ts\n  ## 9.9.9\n  ```\n\n### Patch Changes\n\n- Updated dependencies [[`a1b2c3d`](u)]:\n  - @shop/core@2.0.0\n\n## 1.3.0\n";
    let found = says(text);
    assert_eq!(
        entries(&found),
        [
            "1.4.0|Major Changes|!#12 `a1b2c3d` Thanks @ada! - Drop v1 Use v2 instead:",
            "1.4.0|Patch Changes|Updated dependencies [`a1b2c3d`]: @shop/core@2.0.0",
        ]
    );
}

#[test]
fn code_comments_tables_and_thanks_are_not_entries() {
    let text = "## 1.4.0\n\n<!-- ## 9.9.9\n- hidden\n-->\n- a <!-- note --> b\n\n```\n- code\n```\n\n| Commit | What |\n|---|---|\n| [a1b2c3d](u) | fix: x |\n\n---\n\n**Full Changelog**: https://example.org/compare\n\n### ❤️ Contributors\n\n- Ada\n";
    assert_eq!(entries(&says(text)), ["1.4.0||a b", "1.4.0||a1b2c3d · fix: x"]);
}

#[test]
fn an_open_fence_or_comment_hides_no_section() {
    assert_eq!(entries(&says("## 1.4.0\n- a\n```\n- b\n")), ["1.4.0||a ```", "1.4.0||b"]);
    assert_eq!(
        entries(&says("## 1.4.0\n- a\n<!-- never closed\n- b\n")),
        ["1.4.0||a <!-- never closed", "1.4.0||b"]
    );
}

#[test]
fn breaking_entries_are_declared_where_they_say_so_and_not_where_they_deny_it() {
    let marks = |text: &str| {
        let found = says(&format!("## 1.4.0\n{text}\n"));
        found.entries.iter().map(|entry| entry.breaking).collect::<Vec<_>>()
    };
    for text in [
        "- **Breaking:** x",
        "- **BREAKING** x: y",
        "- **Breaking change**: x",
        "- BREAKING CHANGE: x",
        "- [BREAKING] x",
        "- x (breaking)",
        "- Breaking - x",
        "### Breaking\n- x",
        "### Breaking Changes\nx",
        "### BREAKING\n* x",
        "### 💥 Breaking changes 💥\n- x",
    ] {
        assert!(marks(text).contains(&Breaking::Declared), "{text}");
    }
    assert_eq!(marks("- a\n  - **Breaking:** b\n  - c"), [Breaking::None, Breaking::Declared]);
    assert_eq!(marks("- This is a breaking change for some"), [Breaking::Possible]);
    for text in [
        "### Breaking Changes\n- None\n\n### Fixed\n- x",
        "### No breaking changes\n- x",
        "### Non-breaking changes\n- x",
        "- Breaking changes: none",
        "- This is not a breaking change",
        "- Fix the groundbreaking page",
    ] {
        assert!(marks(text).iter().all(|mark| *mark == Breaking::None), "{text}: {:?}", marks(text));
    }
}

#[test]
fn versions_are_the_same_by_name_and_ordered_by_number() {
    let read = |text: &str| Name::read(text).unwrap_or_else(|| panic!("{text}"));
    for (one, other) in [
        ("v1.4.0", "1.4.0"),
        ("1.4", "1.4.0"),
        ("cargo-nextest-0.9.143", "0.9.143"),
        ("@changesets/cli@3.0.1", "3.0.1"),
        ("release-2026.01.02", "2026.1.2"),
        ("V2", "v2.0"),
        ("1.4.0rc1", "v1.4.0-rc.1"),
        ("1.4.0+build.7", "1.4.0"),
        ("1.4.0.Final", "1.4.0"),
        ("2026-01-02", "release-2026-01-02"),
        ("h2-1.4.200", "1.4.200"),
        ("apps/web/v1.4.0", "1.4.0"),
    ] {
        assert!(read(one).same(&read(other)), "{one} {other}");
    }
    for (older, newer) in [
        ("1.3.9", "1.3.10"),
        ("1.4.0-rc.1", "1.4.0"),
        ("1.4.0-rc.2", "1.4.0-rc.10"),
        ("1.4.0-alpha", "1.4.0-beta"),
        ("2025-12-31", "2026-01-01"),
        ("v24.9", "v24.10"),
        ("1", "99999999999999999999999999"),
    ] {
        assert_eq!(read(older).newer(&read(newer)), Some(std::cmp::Ordering::Less), "{older} {newer}");
    }
    assert!(!read("cart-1.4.0").same(&read("core-1.4.0")));
    assert_eq!(read("cart-1.4.0").newer(&read("core-1.5.0")), None);
    for none in ["", "Added", "unreleased", "v", "a1b2c3d", "x86"] {
        assert_eq!(Name::read(none).filter(|name| name.sure), None, "{none}");
    }
}

#[test]
fn the_best_name_of_a_changelog_comes_first() {
    let mut names =
        vec!["NEWS", "HISTORY.md", "changes.rst", "CHANGELOG.txt", "Changelog.MD", "README.md", "ChangeLog"];
    names.retain(|name| rank(name).is_some());
    names.sort_by_key(|name| rank(name));
    assert_eq!(names, ["Changelog.MD", "CHANGELOG.txt", "changes.rst", "HISTORY.md", "NEWS"]);
}

#[test]
fn plain_text_and_restructured_text_are_read() {
    let question = Question { version: "1.4.0", previous: None, before: None };
    let text = "Changes\n=======\n\nVersion 1.4.0 (2026-01-02)\n\n  * search\n    in the cart\n  * total\n\nVersion 1.3.0\n\n  * old\n";
    let found = excerpt("CHANGES.txt", text.as_bytes(), &question);
    assert_eq!(entries(&found), ["1.4.0||search in the cart", "1.4.0||total"]);
    let text = "=========\nChangelog\n=========\n\n1.4.0 (2026-01-02)\n------------------\n\nFeatures\n^^^^^^^^\n\n- ``search``\n\n1.3.0\n-----\n";
    let found = excerpt("CHANGES.rst", text.as_bytes(), &question);
    assert_eq!(entries(&found), ["1.4.0|Features|``search``"]);
}

#[test]
fn what_is_no_text_or_too_large_is_said() {
    let question = Question { version: "1.4.0", previous: None, before: None };
    let found = excerpt("CHANGELOG.md", b"## 1.4.0\0", &question);
    assert_eq!((found.basis, found.notes.join("")), (Basis::Unreadable, "it is not a text file".to_owned()));
    let found = excerpt("CHANGELOG.md", &vec![b'a'; CHANGELOG_MAX + 1], &question);
    assert_eq!(found.notes, ["it is larger than 4 MiB"]);
    let found = excerpt("CHANGELOG.md", b"\xef\xbb\xbf## 1.4.0\r- a\xff\r\n", &question);
    assert_eq!(entries(&found), ["1.4.0||a\u{fffd}"]);
}

#[test]
fn a_hostile_file_is_read_in_time() {
    let question = Question { version: "1.4.0", previous: Some("1.3.0"), before: None };
    for piece in [
        "](",
        "[",
        "```x\n",
        "~~~~ a\n````\n",
        "<!--",
        "-->\n<!--",
        "**",
        "- a\n",
        "## 1.4.0\n",
        "| a |\n",
        "(",
        "#",
        "  - a\n",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let _ = excerpt("CHANGELOG.md", format!("## 1.4.0\n- x\n{text}").as_bytes(), &question);
    }
}

#[test]
fn a_long_heading_is_not_kept_whole_for_each_of_its_entries() {
    let found = says(&format!("## 1.4.0\n### {0}\n#### {0}\n- a\n- b\n", "é".repeat(1_900)));
    let kept = format!("{}…", "é".repeat(200));
    assert_eq!(entries(&found), [format!("1.4.0|{kept}|a"), format!("1.4.0|{kept}|b")]);
}

const PIECES: &[&str] = &[
    "## ",
    "### ",
    "# ",
    "1.4.0",
    "v1.3.0",
    "[",
    "]",
    "(",
    ")",
    "]: ",
    "Unreleased",
    "[YANKED]",
    " - 2026-01-02",
    "\n",
    "\n\n",
    "- ",
    "  - ",
    "* ",
    "```",
    "~~~",
    "<!--",
    "-->",
    "===",
    "---",
    "**",
    "Breaking:",
    "BREAKING CHANGES",
    "| ",
    "|---|",
    "é",
    "\u{202e}",
    "\r",
    "<a>",
    "None",
    "1. ",
    "\t",
    "@a/b@",
    "rc.1",
];

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), before in any::<Option<Vec<u8>>>(), version in any::<String>()) {
        let question = Question { version: &version, previous: Some(&version), before: before.as_deref() };
        let _ = excerpt("CHANGELOG", &bytes, &question);
    }

    #[test]
    fn no_text_makes_it_panic_or_gives_an_entry_two_lines(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let text: String = pieces.concat();
        for found in [says(&text), asked(&text, "next", Some("1.3.0"), Some(&text[..text.floor_char_boundary(text.len() / 2)]))] {
            let all = found.entries.iter().chain(&found.late);
            for entry in all {
                assert!(!entry.text.contains('\n') && !entry.text.is_empty());
                assert!(found.sections.contains(&entry.section) || found.late.contains(entry));
            }
        }
    }
}
