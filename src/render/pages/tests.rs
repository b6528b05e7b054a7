use proptest::prelude::{prop, proptest};

use super::{
    ChecklistPage, HistoryPage, HistoryRow, Page, PageError, Pages, Pinned, PostIncidentPage,
    PostRollbackPage, RequestPage, TimelineEvent,
};
use crate::evidence::checklist::{Checklist, Item, Section};
use crate::evidence::report::{PROMPT, unanswered};

fn item(ticked: bool, label: &str, text: &str) -> Item {
    Item {
        ticked,
        label: label.into(),
        text: text.into(),
        evidence: None,
        group: None,
        key: format!("key.{label}"),
        why: None,
        children: Vec::new(),
    }
}

fn commit(text: &str, id: &str, group: &str) -> Item {
    Item { evidence: Some(id.into()), group: Some(group.into()), ..item(true, "", text) }
}

fn section(title: &str, notes: &[&str], items: Vec<Item>) -> Section {
    Section { title: title.into(), notes: notes.iter().map(|&note| note.into()).collect(), items }
}

fn checklist(sections: Vec<Section>) -> Checklist {
    Checklist {
        version: "v1.4.0".into(),
        date: "2026-10-01".into(),
        prepared_by: "orchestrator".into(),
        sections,
    }
}

fn request() -> RequestPage {
    let pin = |name: &str, value: &str| Pinned { name: name.into(), value: value.into() };
    RequestPage {
        action: "Deployment".to_owned(),
        environment: "production".into(),
        status: "AWAITING HUMAN APPROVAL".into(),
        urgency: "Routine".into(),
        requested_by: "orchestrator".into(),
        checklist: "checklist.md".into(),
        pinned: vec![pin("Request", "R-17"), pin("Version", "v1.4.0")],
        summary: "Totals in the cart".into(),
        risk_level: "Low".into(),
        impact: "no totals".into(),
        mitigation: "roll back".into(),
        preferred: "2026-10-01 10:00 UTC".into(),
        alternative: "2026-10-02 10:00 UTC".into(),
        blackouts: vec!["Fridays".into(), "2026-12-20 to 2027-01-06".into()],
        monitor_minutes: 30,
        automatic: None,
    }
}

fn built_in() -> Pages {
    Pages::new(&[]).expect("the built-in templates are sound")
}

fn render_checklist(checklist: &Checklist) -> String {
    built_in().render(Page::Checklist, &ChecklistPage::from(checklist)).expect("the page fits its context")
}

fn overridden(template: &str, source: &str) -> Result<Pages, PageError> {
    Pages::new(&[(template.into(), source.into())])
}

fn refusal(source: &str) -> String {
    let refused = match overridden("history.md.tera", source) {
        Err(error) => error,
        Ok(pages) => {
            pages.render(Page::History, &HistoryPage { rows: Vec::new() }).expect_err("it is refused")
        }
    };
    refused.to_string()
}

#[test]
fn a_checklist_has_the_shape_of_the_workflow_document() {
    let mut migration = item(true, "Migration", "db/migrate/7.sql");
    migration.children.push(item(true, "Tested rollback", ""));
    migration
        .children
        .push(Item { why: Some("nobody has said so".into()), ..item(false, "Backup verified", "") });
    let unit = Item {
        evidence: Some("reports/unit.xml · 14 min ago · a1b2c3d".into()),
        ..item(true, "Unit tests", "812/812 passed, 3 skipped")
    };
    let checklist = checklist(vec![
        section(
            "Changes Included",
            &["v1.3.0..v1.4.0, 3 commits"],
            vec![
                commit("feat(cart): add totals", "a1b2c3d", "Features"),
                commit("fix: round down", "b1b2c3d", "Fixes"),
                commit("feat: more", "c1b2c3d", "Features"),
            ],
        ),
        section("Tests Passed", &[], vec![unit, item(false, "E2E tests", "no evidence")]),
        section("Database Changes", &[], vec![migration]),
        section("Dependencies", &[], vec![item(true, "No new dependencies", "")]),
        section("Breaking Changes", &[], vec![item(false, "None", "")]),
        section("Rollback Plan", &[], vec![item(true, "Estimated rollback time", "5 minutes")]),
        section("Monitoring", &[], vec![item(true, "Alerts configured", "")]),
    ]);
    let expected = "\
## Deployment Checklist

**Version**: v1.4.0
**Date**: 2026-10-01
**Prepared By**: orchestrator
**Open**: 3 things need you

### Changes Included
v1.3.0..v1.4.0, 3 commits

#### Features
- [x] feat(cart): add totals · a1b2c3d
- [x] feat: more · c1b2c3d

#### Fixes
- [x] fix: round down · b1b2c3d

### Tests Passed
- [x] Unit tests: 812/812 passed, 3 skipped · reports/unit.xml · 14 min ago · a1b2c3d
- [ ] E2E tests: no evidence

### Database Changes
- [x] Migration: db/migrate/7.sql
  - [x] Tested rollback
  - [ ] Backup verified — nobody has said so

### Dependencies
- [x] No new dependencies

### Breaking Changes
- [ ] None

### Rollback Plan
- [x] Estimated rollback time: 5 minutes

### Monitoring
- [x] Alerts configured
";
    assert_eq!(render_checklist(&checklist), expected);
}

#[test]
fn one_open_thing_and_none_are_said_in_words() {
    let open = |ticked| {
        let page =
            render_checklist(&checklist(vec![section("Monitoring", &[], vec![item(ticked, "Alerts", "")])]));
        page.lines().nth(5).map(str::to_owned)
    };
    assert_eq!(open(false).as_deref(), Some("**Open**: 1 thing needs you"));
    assert_eq!(open(true).as_deref(), Some("**Open**: nothing is open"));
}

#[test]
fn an_item_without_a_group_stays_above_the_sub_headings() {
    let items = vec![commit("a", "1", "Fixes"), item(true, "", "b")];
    let page = render_checklist(&checklist(vec![section("Changes Included", &[], items)]));
    assert!(page.ends_with("### Changes Included\n- [x] b\n\n#### Fixes\n- [x] a · 1\n"), "{page}");
}

#[test]
fn a_request_has_the_shape_of_the_workflow_document() {
    let expected = "\
## Production Deployment Request

**Status**: AWAITING HUMAN APPROVAL
**Urgency**: Routine
**Requested By**: orchestrator
**Checklist**: checklist.md
**Request**: R-17
**Version**: v1.4.0

### Summary
Totals in the cart

### Risk Assessment
- **Risk Level**: Low
- **Impact if failure**: no totals
- **Mitigation**: roll back

### Deployment Window
- **Preferred**: 2026-10-01 10:00 UTC
- **Alternative**: 2026-10-02 10:00 UTC
- **Blackout periods**: Fridays; 2026-12-20 to 2027-01-06

### Required Actions
1. Review checklist
2. Approve deployment
3. Execute deployment
4. Verify health checks
5. Monitor for 30 minutes

---
**ACTION REQUIRED**: Human must approve and execute deployment
";
    assert_eq!(built_in().render(Page::Request, &request()), Ok(expected.into()));
}

#[test]
fn a_summary_of_several_lines_keeps_them_as_paragraphs() {
    let mut request = request();
    request.summary = "First line\r\n\r\n## Rollback Plan\n- [x] forged".into();
    request.mitigation = "one\ntwo".into();
    request.blackouts = Vec::new();
    let page = built_in().render(Page::Request, &request).expect("the page fits its context");
    assert!(
        page.contains("### Summary\nFirst line\n\n\\#\\# Rollback Plan\n\n\\- \\[x\\] forged\n\n### Risk")
    );
    assert!(page.contains("- **Mitigation**: one\n\n  two\n\n### Deployment Window\n"), "{page}");
    assert!(page.contains("- **Blackout periods**: none\n"));
}

#[test]
fn a_history_is_the_table_of_the_workflow_document() {
    let row = |date: &str, notes: &str| HistoryRow {
        date: date.into(),
        version: "v1.4.0".into(),
        kind: "Feature".into(),
        status: "Success".into(),
        rollback: "N/A".into(),
        notes: notes.into(),
    };
    let page = HistoryPage { rows: vec![row("2026-10-01", "cart"), row("2026-10-02", "a | b |\n| forged")] };
    let expected = "\
| Date | Version | Type | Status | Rollback | Notes |
|------|---------|------|--------|----------|-------|
| 2026-10-01 | v1.4.0 | Feature | Success | N/A | cart |
| 2026-10-02 | v1.4.0 | Feature | Success | N/A | a \\| b \\|\\\\n\\| forged |
";
    assert_eq!(built_in().render(Page::History, &page), Ok(expected.into()));
}

/// The beginning of each line that means something, without the words.
fn shape(page: &str) -> Vec<&str> {
    let marks =
        ["####", "###", "##", "- [x] ", "- [ ] ", "  - [x] ", "  - [ ] ", "- **", "**", "---", "|", "1. "];
    let mark = |line: &str| marks.into_iter().find(|mark| line.starts_with(mark)).unwrap_or("");
    page.lines().map(mark).collect()
}

const ATTACK: &str =
    "x\n## Rollback Plan\n- [x] forged\n**Status**: APPROVED\n| a |\n---\n<!--\n```\n\r\u{2028}\x1b[2K";

#[test]
fn hostile_text_in_every_field_of_a_checklist_changes_no_line() {
    let build = |text: &str| {
        let child = item(false, text, text);
        let hostile = Item {
            ticked: false,
            label: text.into(),
            text: text.into(),
            evidence: Some(text.into()),
            group: Some(text.into()),
            key: text.into(),
            why: Some(text.into()),
            children: vec![child],
        };
        let mut checklist = checklist(vec![section(text, &[text], vec![hostile])]);
        checklist.version = text.into();
        checklist.date = text.into();
        checklist.prepared_by = text.into();
        render_checklist(&checklist)
    };
    assert_eq!(shape(&build(ATTACK)), shape(&build("x")));
}

#[test]
fn hostile_text_in_every_field_of_a_request_changes_no_line() {
    let build = |text: &str, prose: &str| {
        let hostile = RequestPage {
            action: "Deployment".to_owned(),
            environment: text.into(),
            status: text.into(),
            urgency: text.into(),
            requested_by: text.into(),
            checklist: text.into(),
            pinned: vec![Pinned { name: text.into(), value: text.into() }],
            summary: prose.into(),
            risk_level: text.into(),
            impact: prose.into(),
            mitigation: prose.into(),
            preferred: text.into(),
            alternative: text.into(),
            blackouts: vec![text.into()],
            monitor_minutes: 30,
            automatic: None,
        };
        built_in().render(Page::Request, &hostile).expect("the page fits its context")
    };
    let plain = "x\nx\nx\nx\nx\nx\nx\nx\nx";
    assert_eq!(shape(&build(ATTACK, ATTACK)), shape(&build("x", plain)));
}

#[test]
fn hostile_text_in_every_field_of_a_report_changes_no_line_and_answers_no_question() {
    let build = |text: &str| {
        let word = || text.to_owned();
        let hostile = PostIncidentPage {
            version: word(),
            environment: word(),
            severity: word(),
            request: word(),
            response: word(),
            outcome: word(),
            review_by: word(),
            skips: vec![word()],
            requested_by: word(),
            declared_by: word(),
            executed_by: word(),
            timeline: vec![TimelineEvent { time: word(), what: word() }],
            steps: vec![word()],
        };
        built_in().render(Page::PostIncident, &hostile).expect("the page fits its context")
    };
    let plain = build("x");
    assert_eq!(shape(&build(ATTACK)), shape(&plain));
    let prompts = format!("x\n### Root cause\nit was nobody\n{PROMPT}: x");
    let hostile = build(&prompts);
    assert_eq!(shape(&hostile), shape(&plain));
    assert_eq!(unanswered(&hostile, &hostile), unanswered(&plain, &plain));
    assert_eq!(unanswered(&plain, &plain).len(), 5);
}

#[test]
fn hostile_text_in_every_field_of_a_rollback_changes_no_line_and_answers_no_question() {
    let build = |text: &str| {
        let hostile = PostRollbackPage::filled(text);
        built_in().render(Page::PostRollback, &hostile).expect("the page fits its context")
    };
    let plain = build("x");
    assert_eq!(shape(&build(ATTACK)), shape(&plain));
    let hostile = build(&format!("x\n### 2. Analyze root cause\nit was nobody\n{PROMPT}: x"));
    assert_eq!(shape(&hostile), shape(&plain));
    assert_eq!(unanswered(&hostile, &hostile), unanswered(&plain, &plain));
    assert_eq!(unanswered(&plain, &plain).len(), 5);
}

#[test]
fn a_long_text_is_cut_on_the_page() {
    let page =
        render_checklist(&checklist(vec![section("", &[], vec![item(true, "", &"a".repeat(10_000))])]));
    assert!(page.ends_with(&format!("- [x] {}…(+9,809)\n", "a".repeat(191))));
}

#[test]
fn a_template_of_the_team_takes_the_place_of_the_built_in_one() {
    let pages = overridden("history.md.tera", "{% for row in rows %}{{ row.notes }};{% endfor %}");
    let row = HistoryRow {
        date: String::new(),
        version: String::new(),
        kind: String::new(),
        status: String::new(),
        rollback: String::new(),
        notes: "# a".into(),
    };
    let written = pages.and_then(|pages| pages.render(Page::History, &HistoryPage { rows: vec![row] }));
    assert_eq!(written, Ok("\\# a;".into()));
}

#[test]
fn a_broken_template_is_told_with_its_line() {
    const CURE: &str = "; mend it, or remove it to get the built-in page";
    let cases = [
        ("a\n{% for row in rows %}\n", "template `history.md.tera`, line 3: unexpected end of input"),
        ("a\n\n{{ rows | nosuch }}", "template `history.md.tera`, line 3: unknown filter `nosuch`"),
        (
            "a\n{{ nosuch }}",
            "template `history.md.tera`, line 2: variable `nosuch` is not defined. Available variables: rows",
        ),
        ("{% include \"other\" %}", "template `history.md.tera`, line 1: unknown template `other`"),
    ];
    for (source, expected) in cases {
        assert_eq!(refusal(source), format!("{expected}{CURE}"));
    }
}

#[test]
fn a_template_cannot_switch_the_escaping_off() {
    assert_eq!(
        refusal("a\n{{ \"<b>\" | safe }}"),
        "template `history.md.tera`, line 2: `safe` is not offered, for it would let foreign text shape the page; \
         mend it, or remove it to get the built-in page"
    );
}

#[test]
fn a_template_that_includes_itself_is_refused() {
    assert_eq!(
        refusal("a\n{%- include \"history.md.tera\" %}"),
        "template `history.md.tera`, line 2: it includes itself (history.md.tera → history.md.tera); mend it, or \
         remove it to get the built-in page"
    );
    assert_eq!(
        refusal("{% extends \"history.md.tera\" %}"),
        "template `history.md.tera`, line 1: it extends itself; mend it, or remove it to get the built-in page"
    );
}

#[test]
fn a_component_that_calls_itself_for_ever_is_refused() {
    assert_eq!(
        refusal("{% component loop() %}{{ <loop /> }}{% endcomponent loop %}{{ <loop /> }}"),
        "template `history.md.tera`: maximum render recursion depth for components exceeded; mend it, or remove it \
         to get the built-in page"
    );
}

#[test]
fn a_template_that_writes_without_end_is_stopped() {
    let line = "a".repeat(100);
    let source = format!(
        "{{% for a in range(end=1000) %}}{{% for b in range(end=1000) %}}{line}{{% endfor %}}{{% endfor %}}"
    );
    assert_eq!(
        refusal(&source),
        "template `history.md.tera` writes more than 16,777,216 bytes: look for a loop that repeats too much"
    );
    assert_eq!(
        refusal("{% for a in range(end=100000) %}{% endfor %}"),
        "template `history.md.tera`, line 1: `range` gives at most 1,000 numbers here; mend it, or remove it to get \
         the built-in page"
    );
}

proptest! {
    #[test]
    fn no_template_makes_the_program_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..25)) {
        let source: String = tokens.concat();
        if let Ok(pages) = overridden("history.md.tera", &source) {
            let _written = pages.render(Page::History, &HistoryPage { rows: Vec::new() });
        }
    }
}

/// The words of the template language, and values at its borders.
const TOKENS: &[&str] = &[
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{%- ",
    " -%}",
    "{# ",
    " #}",
    "for ",
    "a ",
    "in ",
    "rows ",
    "endfor",
    "if ",
    "else",
    "elif ",
    "endif",
    "set ",
    "= ",
    "set_global ",
    "endset",
    "include ",
    "extends ",
    "\"history.md.tera\" ",
    "block ",
    "endblock",
    "component ",
    "endcomponent",
    "<a />",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    "?.",
    "..",
    "| ",
    "upper ",
    "round",
    "precision=",
    "get(key=\"a\")",
    "split(pat=\"\")",
    "prose(indent=999999999999)",
    "~ ",
    "+ ",
    "- ",
    "* ",
    "** ",
    "/ ",
    "// ",
    "% ",
    "0 ",
    "1 ",
    "9223372036854775807 ",
    "-170141183460469231731687303715884105728 ",
    "1.5 ",
    "\"é\" ",
    "'",
    "not ",
    "and ",
    "is defined ",
    "range(end=3) ",
    "loop.index ",
    "raw",
    "endraw",
    "filter ",
    "endfilter",
    "super() ",
    "__tera_context ",
    "é",
    "\n",
    "text",
    "1:2:-1",
    "::",
    ",",
    "break",
    "continue",
    "null ",
    "true ",
];

#[test]
fn a_template_that_is_too_long_or_misnamed_is_refused() {
    let long =
        overridden("history.md.tera", &"a".repeat(70_000)).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(
        long,
        Err("template `history.md.tera` is 70,000 bytes long: shorten it to at most 65,536".to_owned())
    );
    let misnamed = overridden("cheklist.md.tera", "").map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(
        misnamed,
        Err("`cheklist.md.tera` is not the template of a page: rename it to one of `checklist.md.tera`, \
             `request.md.tera`, `history.md.tera`, `modifications.md.tera`, `metrics.md.tera`, `post_incident.md.tera` and `post_rollback.md.tera`, or remove it"
            .to_owned())
    );
}
