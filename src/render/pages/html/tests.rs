use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use clap::ValueEnum as _;
use proptest::prelude::*;

use super::{Counted, Course, Document, Event, Fact, LiveNow, Part, Row, Timeline, WebPage, history};
use crate::gate::analysis::Point;
use crate::gate::history::Status;
use crate::gate::terms::Digest;
use crate::render::pages::ModificationRow;

fn at(minute: i64) -> DateTime<Utc> {
    "2026-11-23T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::minutes(minute)
}

fn event(minute: i64, said: &str) -> Event {
    Event {
        environment: "production".to_owned(),
        at: at(minute),
        key: "0a".to_owned(),
        target: "d-0a".to_owned(),
        status: "success".to_owned(),
        said: said.to_owned(),
    }
}

/// A page with one of everything, and foreign text wherever somebody else's words can stand.
fn page(foreign: &str) -> WebPage {
    let text = || foreign.to_owned();
    let word = |word: &str| word.to_owned();
    WebPage {
        project: text(),
        asked: vec![text()],
        live: vec![LiveNow {
            environment: text(),
            version: text(),
            well: true,
            since: text(),
            doubtful: true,
            doubt: text(),
            journal: true,
        }],
        timeline: Timeline::of(vec![event(0, foreign)], at(60)),
        rows: vec![Row {
            key: word("0a"),
            detailed: true,
            at: text(),
            date: text(),
            time: text(),
            version: text(),
            environment: text(),
            kind: text(),
            kind_slug: text(),
            status: text(),
            status_slug: text(),
            rollback: text(),
            executed_by: text(),
            approved_by: vec![text(), text()],
            journal: false,
            notes: text(),
        }],
        deployments: vec![Part {
            key: word("0a"),
            version: text(),
            environment: text(),
            started: text(),
            kind: text(),
            status: text(),
            status_slug: text(),
            facts: vec![Fact { name: "Reason", value: text() }],
            codes: vec![Fact { name: "Commit", value: text() }],
            links: vec![],
            approvals: vec![],
            steps: vec![],
            smoke: String::new(),
            health: None,
            rollbacks: vec![],
            documents: vec![Document { title: text(), note: word("a note"), text: format!("a{foreign}") }],
        }],
        modifications: vec![ModificationRow {
            date: text(),
            time: text(),
            agent: text(),
            action: text(),
            details: text(),
            reason: text(),
        }],
        ..WebPage::default()
    }
}

/// Every character that shapes HTML, in its order.
fn shape(page: &str) -> String {
    page.chars().filter(|c| matches!(c, '<' | '>' | '"' | '\'')).collect()
}

proptest! {
    #[test]
    fn no_text_changes_the_shape_of_the_page(foreign in "\\PC{0,40}|[<>\"'&=/ !a-z{}%#-]{1,40}") {
        let written = history(&page(&foreign)).unwrap();
        prop_assert_eq!(shape(&written), shape(&history(&page("harmless")).unwrap()));
        let invisible = written.chars().any(|c| c.is_control() && c != '\n');
        prop_assert!(!invisible);
    }
}

#[test]
fn the_browser_is_told_the_hashes_of_what_stands_in_the_page() {
    let written = history(&page("x")).unwrap();
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        let (_, rest) = written.split_once(&format!("<{tag}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        let hash = STANDARD.encode(Digest::of(text.as_bytes()).bytes());
        assert!(written.contains(&format!("{directive} &#39;sha256-{hash}&#39;")), "{tag}");
    }
}

#[test]
fn marks_that_would_cover_each_other_stand_below_each_other() {
    let events = [0, 1, 2, 3, 4, 5, 60].map(|minute| event(minute, "")).to_vec();
    let drawn = Timeline::of(events, at(120)).unwrap();
    let [lane] = &drawn.lanes[..] else { panic!() };
    let heights: Vec<usize> = lane.marks.iter().map(|mark| mark.y - lane.marks[0].y).collect();
    assert_eq!(heights, [0, 17, 34, 51, 0, 17, 0]);
    assert_eq!(lane.marks[6].x, "50.00");
    assert_eq!(drawn.ticks[0].text, "11-23 10:00");
    assert!(Timeline::of(vec![], at(0)).is_none());
}

#[test]
fn a_course_breaks_where_a_value_is_missing() {
    let point =
        |value: Option<f64>| Point { at: at(0), value, samples: 1, failed: u64::from(value.is_none()) };
    let points = [Some(1.0), Some(2.0), None, Some(2.0)].map(point);
    let drawn = Course::of(&points, &|value| format!("{value} s")).unwrap();
    assert_eq!(drawn.line, "M2.0 14.0h0.5L54.0 2.0M158.0 2.0h0.5");
    assert_eq!(drawn.scale, "0 to 2 s");
    assert_eq!(drawn.said, "the samples in order: from 1 s to 2 s, 1 without a value");
    assert_eq!(drawn.failed, "M103.5 11l5 6m0-6l-5 6");
    assert_eq!(Course::of(&[], &|_| String::new()), None);
}

#[test]
fn every_status_has_a_mark_that_is_drawn_on_the_page() {
    for status in Status::value_variants() {
        let slug = status.word().to_lowercase().replace(' ', "-");
        let mut page = page("x");
        page.statuses = vec![Counted { count: 1, slug: slug.clone(), word: status.word().to_owned() }];
        page.timeline = Timeline::of(vec![Event { status: slug.clone(), ..event(0, "x") }], at(60));
        page.rows[0].status_slug.clone_from(&slug);
        page.deployments[0].status_slug.clone_from(&slug);
        let written = history(&page).unwrap();
        assert_eq!(written.matches(&format!("href=\"#mark-{slug}\"")).count(), 4, "{slug}");
        assert_eq!(written.matches(&format!("<symbol id=\"mark-{slug}\"")).count(), 1, "{slug}");
        // With a colour of its own in the text, and in the drawing.
        assert!(written.contains(&format!(".status.{slug} {{ color")), "{slug}");
        assert!(written.contains(&format!(".mark.{slug} {{ color")), "{slug}");
    }
}

#[test]
fn a_short_time_is_drawn_up_to_its_end_and_no_further() {
    let one = Timeline::of(vec![event(0, "")], at(0)).unwrap();
    assert_eq!(one.lanes[0].marks[0].x, "97.50", "at the end of the hour before it");
    let ticks: Vec<&str> = one.ticks.iter().map(|tick| tick.text.as_str()).collect();
    assert_eq!(ticks, ["11-23 09:00", "11-23 09:30", "11-23 10:00"]);
    let two = Timeline::of(vec![event(0, ""), event(7 * 24 * 60, "")], at(0)).unwrap();
    let ticks: Vec<&str> = two.ticks.iter().map(|tick| tick.text.as_str()).collect();
    assert_eq!(ticks, ["2026-11-23", "2026-11-26", "2026-11-30"]);
    assert_eq!([&two.lanes[0].marks[0].x, &two.lanes[0].marks[1].x], ["2.50", "97.50"]);
}
