use chrono::Duration;

use super::index::readable;
use super::{Line, is_same};
use crate::gate::fixture::minutes;

#[test]
fn only_the_same_words_within_an_hour_are_the_same_refusal() {
    let line = Line {
        schema: String::new(),
        kind: "refusal".to_owned(),
        sequence: 1,
        previous: None,
        repository: None,
        at: minutes(0),
        by: "agent".to_owned(),
        about: "deploy production".to_owned(),
        details: vec!["human.terminal".to_owned()],
    };
    let at = |seconds: i64| Line { at: line.at + Duration::seconds(seconds), sequence: 2, ..line.clone() };
    assert!(is_same(&line, &at(3_599)) && is_same(&at(3_599), &line));
    assert!(!is_same(&line, &at(3_600)) && !is_same(&at(3_600), &line));
    let other = || "other".to_owned();
    for new in [
        Line { kind: other(), ..line.clone() },
        Line { by: other(), ..line.clone() },
        Line { about: other(), ..line.clone() },
        Line { details: vec![other()], ..line.clone() },
    ] {
        assert!(!is_same(&line, &new));
    }
}

#[test]
fn lines_beyond_the_most_are_told_and_the_newest_are_read() {
    assert_eq!(readable(&[3, 2, 1], 3), (&[3, 2, 1][..], None));
    let why = "the journal holds more lines than are read: 3, of which 2 are".to_owned();
    assert_eq!(readable(&[3, 2, 1], 2), (&[3, 2][..], Some(why)));
}
