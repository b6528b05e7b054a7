use proptest::prelude::{Strategy, any, prop, proptest};
use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_width::UnicodeWidthStr as _;

use super::{
    annotation_data, annotation_lines, annotation_property, block, bytes, capitalised, count, defused, html,
    line, list, markdown, markdown_code, thousands, workflow_command,
};

const WIDE: usize = 10_000;

fn cases(show: impl Fn(&str) -> String, cases: &[(&str, &str)]) {
    for (text, shown) in cases {
        assert_eq!(show(text), *shown, "{}", text.escape_debug());
    }
}

fn lines(all: &[(&str, &str)]) {
    cases(|text| line(text, WIDE), all);
}

fn markdowns(all: &[(&str, &str)]) {
    cases(|text| markdown(text, WIDE), all);
}

#[test]
fn an_erased_line_cannot_hide_the_breaking_commit() {
    lines(&[
        ("feat!: remove billing\x1b[2K\x1b[1Gfix: typo", "feat!: remove billing\\x1b[2K\\x1b[1Gfix: typo"),
        ("refused\rapproved", "refused\\rapproved"),
        ("refused\x08\x08\x08\x7f", "refused\\x08\\x08\\x08\\x7f"),
    ]);
}

#[test]
fn every_c0_and_c1_control_is_visible() {
    for code in (0..0x20).chain(0x7f..0xa0) {
        let c = char::from_u32(code).unwrap();
        let shown = line(&c.to_string(), WIDE);
        let expected = match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            _ if code < 0x80 => format!("\\x{code:02x}"),
            _ => format!("\\u{{{code:x}}}"),
        };
        assert_eq!(shown, expected);
    }
}

#[test]
fn reordered_text_shows_its_bidi_marks() {
    let marks =
        "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{061c}";
    for mark in marks.chars() {
        let shown = format!("a\\u{{{:x}}}b", u32::from(mark));
        assert_eq!(line(&format!("a{mark}b"), WIDE), shown);
    }
}

#[test]
fn invisible_characters_are_visible() {
    lines(&[
        ("pay\u{200b}pal", "pay\\u{200b}pal"),
        ("pay\u{200c}\u{200d}\u{2060}pal", "pay\\u{200c}\\u{200d}\\u{2060}pal"),
        ("\u{feff}feat", "\\u{feff}feat"),
        ("soft\u{ad}hyphen", "soft\\u{ad}hyphen"),
        ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
        ("tag\u{e0041}\u{e007f}", "tag\\u{e0041}\\u{e007f}"),
        ("private\u{e000}\u{f0000}", "private\\u{e000}\\u{f0000}"),
        ("nobody\u{378}\u{ffff}", "nobody\\u{378}\\u{ffff}"),
        ("filler\u{3164}\u{115f}\u{2800}", "filler\\u{3164}\\u{115f}\\u{2800}"),
        ("joiner\u{34f}\u{fff9}", "joiner\\u{34f}\\u{fff9}"),
    ]);
}

#[test]
fn a_variation_selector_stays_only_where_it_makes_an_emoji() {
    lines(&[
        ("❤\u{fe0f} and ⚠\u{fe0f}", "❤\u{fe0f} and ⚠\u{fe0f}"),
        ("a\u{fe0f}", "a\\u{fe0f}"),
        ("1\u{fe0f}", "1\\u{fe0f}"),
        ("中\u{fe0f}", "中\\u{fe0f}"),
        ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}\\u{fe0f}"),
        ("❤\u{fe0e}", "❤\\u{fe0e}"),
        ("x\u{e0100}\u{180b}", "x\\u{e0100}\\u{180b}"),
        ("fix 🤦🏻\u{200d}♂\u{fe0f}", "fix 🤦🏻\\u{200d}♂\u{fe0f}"),
    ]);
}

#[test]
fn marks_cannot_pile_up_or_sit_on_our_own_words() {
    let zalgo = format!("a{}b", "\u{301}".repeat(6));
    lines(&[
        ("nghi\u{1ec5}m e\u{302}\u{301}", "nghi\u{1ec5}m e\u{302}\u{301}"),
        (&zalgo, "a\u{301}\u{301}\u{301}\u{301}\\u{301}\\u{301}b"),
        ("\u{336}struck", "\\u{336}struck"),
        ("a \u{336}b", "a \\u{336}b"),
        ("\x1b\u{336}", "\\x1b\\u{336}"),
    ]);
}

#[test]
fn ordinary_text_stays_as_it_is() {
    for text in [
        "feat(cart)!: add totals (#123)",
        "📝 Add Spanish Translation – señor, naïve, ñ, 日本語, עברית, العربية, 🇩🇪",
        "C:\\dir\\Users and \\d+ and 50 %",
        " two  blanks ",
        "",
    ] {
        assert_eq!(line(text, WIDE), text);
    }
}

#[test]
fn a_written_escape_does_not_look_like_a_real_one() {
    lines(&[
        ("always use \\n in the printer", "always use \\\\n in the printer"),
        ("\\x1b[2K", "\\\\x1b[2K"),
        ("\\u{202e}", "\\\\u{202e}"),
        ("\\\x1b", "\\\\\\x1b"),
        ("\\\\", "\\\\\\"),
        ("\\x", "\\x"),
        ("\\xff stays, as `bytes` wrote it", "\\xff stays, as `bytes` wrote it"),
    ]);
}

#[test]
fn a_text_that_is_cut_says_how_much_is_missing() {
    assert_eq!(line("abcdefghijklm", 13), "abcdefghijklm");
    assert_eq!(line("abcdefghijklmn", 13), "abcdefgh…(+6)");
    assert_eq!(line(&"a".repeat(10_000), 200), format!("{}…(+9,809)", "a".repeat(191)));
    assert_eq!(line("日本語日本語日本語", 10), "日本…(+7)");
    assert_eq!(line("abcdef", 0), "…(+6)");
    assert_eq!(line("", 0), "");
}

#[test]
fn an_escape_is_never_cut_in_two() {
    assert_eq!(line("ab\x1b\x1b\x1b\x1b", 11), "ab\\x1b…(+3)");
    assert_eq!(line("ab\x1b\x1b\x1b\x1b", 10), "ab…(+4)");
}

#[test]
fn a_block_keeps_its_lines_and_nothing_else_breaks_them() {
    assert_eq!(block("a\r\nb\n\tc\rd\u{85}e\u{2028}f\x0bg\n"), "a\nb\n\\tc\\rd\\u{85}e\\u{2028}f\\x0bg\n");
}

#[test]
fn markdown_structure_cannot_be_started() {
    markdowns(&[
        ("# Heading", "\\# Heading"),
        ("## Rollback Plan", "\\#\\# Rollback Plan"),
        ("- [x] forged", "\\- \\[x\\] forged"),
        ("* item", "\\* item"),
        ("+ item", "\\+ item"),
        ("1. item", "1\\. item"),
        ("12) item", "12\\) item"),
        ("> quote", "\\> quote"),
        ("---", "\\---"),
        ("***", "\\*\\*\\*"),
        ("___", "\\_\\_\\_"),
        ("===", "\\==="),
        (":---", "\\:---"),
        ("| a | b |", "\\| a \\| b \\|"),
        ("```sh", "\\`\\`\\`sh"),
        ("~~~", "\\~\\~\\~"),
        ("    code", "code"),
        ("[^1]: note", "\\[^1\\]: note"),
        ("[a]: b", "\\[a\\]: b"),
        ("[!NOTE]", "\\[!NOTE\\]"),
    ]);
}

#[test]
fn a_status_line_in_a_commit_stays_text() {
    markdowns(&[
        ("fix: x\n\n**Status**: APPROVED", "fix: x\\\\n\\\\n\\*\\*Status\\*\\*: APPROVED"),
        ("fix: x\n## Rollback Plan", "fix: x\\\\n\\#\\# Rollback Plan"),
    ]);
}

#[test]
fn tags_comments_links_and_entities_stay_text() {
    markdowns(&[
        ("git diff --no-index <a> <b>", "git diff --no-index \\<a\\> \\<b\\>"),
        ("<!-- hide", "\\<!-- hide"),
        ("hide -->", "hide --\\>"),
        ("<script>", "\\<script\\>"),
        ("&#35; &lt; a & b", "`&#35`; \\&lt; a & b"),
        ("[text](target)", "\\[text\\](target)"),
        ("![alt](src)", "\\!\\[alt\\](src)"),
        ("wow!", "wow\\!"),
        ("~~gone~~", "\\~\\~gone\\~\\~"),
        ("a `b", "a \\`b"),
    ]);
}

#[test]
fn what_a_forge_links_after_rendering_becomes_code() {
    markdowns(&[
        ("publish @signet-auth/node now", "publish `@signet-auth/node` now"),
        ("thanks @octocat.", "thanks `@octocat`."),
        ("@changesets/cli@3.0.1", "`@changesets/cli@3.0.1`"),
        ("(#18432)", "(`#18432`)"),
        ("#630: Deleting", "`#630`: Deleting"),
        ("owner/repo#12, !34", "`owner/repo#12`, `!34`"),
        ("see GH-12", "see `GH-12`"),
        ("https://github.com/akuity/kargo/issues/876", "`https://github.com/akuity/kargo/issues/876`"),
        ("HTTP://x and www.example.com", "`HTTP://x` and `www.example.com`"),
        ("mail a.b+c@example.com", "mail `a.b+c@example.com`"),
        ("$\\color{red}{x}$", "`$`\\\\color{red}{x}`$`"),
        ("set $HOME", "set `$HOME`"),
        ("at @ noon, C#", "at \\@ noon, C\\#"),
    ]);
}

#[test]
fn a_code_span_cannot_be_left() {
    markdowns(&[
        ("@a`b`@c", "`@a`\\`b\\``@c`"),
        ("https://x.y/`<b>", "`https://x.y/`\\`\\<b\\>"),
        ("https://x.y/|z", "`https://x.y/`\\|z"),
    ]);
}

#[test]
fn words_and_versions_stay_readable() {
    for text in
        ["v1.4.0", "snake_case", "a-b", "feat(cart)!: add totals · a1b2c3d", "812/812 passed", "1.4.0 (x)"]
    {
        assert_eq!(markdown(text, WIDE), text);
    }
}

#[test]
fn a_last_backslash_cannot_swallow_the_end_of_a_cell() {
    markdowns(&[("\\", "&#92;"), ("a\\\\", "a\\\\\\\\&#92;"), ("\\|", "\\\\\\|"), ("C:\\dir", "C:\\\\dir")]);
}

#[test]
fn markdown_is_cut_by_what_the_reader_sees() {
    assert_eq!(markdown("**********", 10), "\\*".repeat(10));
    assert_eq!(markdown("***********", 10), format!("{}…(+6)", "\\*".repeat(5)));
}

#[test]
fn code_gets_a_fence_that_is_long_enough() {
    cases(
        markdown_code,
        &[
            ("db/1.sql", "`db/1.sql`"),
            ("a `b` c", "``a `b` c``"),
            ("```", "```` ``` ````"),
            (" a", "`  a `"),
            ("", "`  `"),
            ("a\nb", "`a\\nb`"),
            ("*a*", "`*a*`"),
            ("a | b", "<code>a \\| b</code>"),
            ("</code>|", "<code>\\</code\\>\\|</code>"),
        ],
    );
}

#[test]
fn html_has_no_tag_and_no_end_of_an_attribute() {
    assert_eq!(html("<a href=\"x\">'&\x1b\n"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\x1b\\n");
}

#[test]
fn no_line_is_a_workflow_command() {
    cases(
        workflow_command,
        &[
            ("::error::fake", "\\x3a:error::fake"),
            ("ok\n  ::set-output name=status::approved", "ok\n  \\x3a:set-output name=status::approved"),
            ("\u{a0}::add-mask::x", "\u{a0}\\x3a:add-mask::x"),
            ("a ##[group]b", "a #\\x23[group]b"),
            ("###[group]", "##\\x23[group]"),
            ("##vso[task.setvariable]x", "#\\x23vso[task.setvariable]x"),
            ("gix::Error ## Heading", "gix::Error ## Heading"),
            ("a\r::stop-commands::x", "a\\r::stop-commands::x"),
        ],
    );
}

#[test]
fn what_is_clean_is_not_escaped_twice_for_a_ci_log() {
    assert_eq!(defused("a \\n b\n::error::x\ra"), "a \\n b\n\\x3a:error::x\\ra");
}

#[test]
fn an_annotation_keeps_to_its_field() {
    assert_eq!(annotation_data("100%\r\nnext\r::error::"), "100%25%0Anext\\r::error::");
    assert_eq!(annotation_property("a,b:c%\nd"), "a%2Cb%3Ac%25\\nd");
    let lines = ["100%\nnext: a".to_owned(), "next: b".to_owned()];
    assert_eq!(annotation_lines(&lines), "100%25\\nnext: a%0Anext: b");
}

#[test]
fn a_file_name_that_is_no_utf8_is_told_from_one_that_looks_like_it() {
    assert_eq!(bytes("db/🍣/[id].sql".as_bytes()), "db/🍣/[id].sql");
    assert_eq!(bytes(b"H\xf8gsberg\xff"), "H\\xf8gsberg\\xff");
    assert_eq!(bytes(b"\\xff"), "\\\\xff");
    assert_eq!(bytes(b"\\\xff"), "\\\\\\xff");
    assert_eq!(bytes(b"a\\b"), "a\\b");
    assert_eq!(line(&bytes(b"\xff\x1b"), WIDE), "\\xff\\x1b");
}

#[test]
fn counts_have_the_right_noun() {
    let all = [(0, "commit"), (1, "commit"), (9_804, "commit"), (2, "dependency"), (2, "day"), (3, "person")];
    let shown = all.map(|(number, noun)| count(number, noun));
    assert_eq!(shown, ["0 commits", "1 commit", "9,804 commits", "2 dependencies", "2 days", "3 people"]);
    assert_eq!(count(2, "branch"), "2 branches");
    assert_eq!(thousands(1_234_567), "1,234,567");
    assert_eq!(thousands(100), "100");
}

#[test]
fn lists_read_like_a_sentence() {
    assert_eq!(list::<&str>(&[]), "");
    assert_eq!(list(&["a"]), "`a`");
    assert_eq!(list(&["a", "b"]), "`a` and `b`");
    assert_eq!(list(&["a", "b", "c\n"]), "`a`, `b` and `c\\n`");
    assert_eq!(capitalised("production"), "Production");
    assert_eq!(capitalised("QA-eu"), "QA-eu");
    assert_eq!(capitalised(""), "");
}

/// Reads a cleaned line back; `None` if it is not one.
fn uncleaned(shown: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = shown;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escapes = [("\\", '\\'), ("n", '\n'), ("r", '\r'), ("t", '\t')];
        if let Some((name, meant)) = escapes.iter().find(|(name, _)| rest.starts_with(name)) {
            rest = &rest[name.len()..];
            out.push(*meant);
        } else if let Some(code) = rest.strip_prefix("u{") {
            let (code, after) = code.split_once('}')?;
            out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
            rest = after;
        } else if let Some(code) = rest
            .strip_prefix('x')
            .and_then(|code| code.get(..2))
            .and_then(|code| u8::from_str_radix(code, 16).ok())
            && code < 0x80
        {
            out.push(char::from(code));
            rest = &rest[3..];
        } else {
            out.push('\\');
        }
    }
    Some(out)
}

/// Texts of the characters that have a meaning somewhere, and any others.
fn hostile() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        "\\\\\\xun{}1b#*_-+=|`~[]()<>&@!:$. \n\r\t\x1b\u{7f}\u{9b}\u{202e}\u{200d}\u{fe0f}\u{301}\u{e0041}❤中w/"
            .chars()
            .collect::<Vec<char>>(),
    );
    prop::collection::vec(proptest::prop_oneof![4 => special, 1 => any::<char>()], 0..40)
        .prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn a_line_never_has_a_character_that_is_not_seen(text in hostile(), columns in 0usize..60) {
        for c in line(&text, columns).chars().filter(|c| *c != '\u{fe0f}') {
            let category = get_general_category(c);
            let hidden = matches!(
                category,
                GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
                    | GeneralCategory::Unassigned | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
            );
            assert!(!hidden, "U+{:04x}", u32::from(c));
        }
    }

    #[test]
    fn a_line_is_never_wider_than_its_columns(text in hostile(), columns in 10usize..60) {
        assert!(line(&text, columns).width() <= columns);
    }

    #[test]
    fn a_line_can_be_read_back(text in hostile()) {
        assert_eq!(uncleaned(&line(&text, usize::MAX)), Some(text));
    }

    #[test]
    fn two_file_names_never_look_the_same(one in hostile_bytes(), other in hostile_bytes()) {
        assert_eq!(one == other, bytes(&one) == bytes(&other));
    }

    #[test]
    fn a_block_never_has_more_lines_than_its_text(text in hostile()) {
        assert_eq!(block(&text).lines().count(), text.split('\n').count() - usize::from(text.is_empty() || text.ends_with('\n')));
    }

    #[test]
    fn markdown_and_the_others_stay_on_one_line(text in hostile(), columns in 0usize..60) {
        for shown in [markdown(&text, columns), markdown_code(&text), html(&text), annotation_property(&text)] {
            assert!(!shown.contains(['\n', '\r']));
        }
    }

    #[test]
    fn no_line_of_a_ci_log_is_obeyed(text in hostile()) {
        for shown in workflow_command(&text).lines() {
            assert!(!shown.trim_start().starts_with("::") && !shown.contains("##["));
        }
    }
}

fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"\\\\xf8a\xf8\xff".to_vec()), 0..5)
}

proptest! {
    /// The short way for plain texts is the long way's answer: a mark in front takes the long way.
    #[test]
    fn a_plain_text_is_shown_as_it_is_whichever_way_it_takes(text in "[ -\\[\\]-~]{0,120}") {
        assert_eq!(line(&text, 120), text);
        assert_eq!(line(&format!("é{text}"), 121), format!("é{text}"));
        assert_eq!(line(&text, usize::MAX), text);
    }
}
