use std::collections::BTreeMap;

use chrono::Duration;
use proptest::prelude::*;

use super::{End, Run, Runs, Said, Start};
use crate::gate::fixture::{minutes, release};
use crate::gate::statement::{Ending, SCHEMA};
use crate::gate::terms::{Digest, Environment};

fn staging() -> Environment {
    "staging".parse().unwrap()
}

/// A start of this version, so many minutes after the beginning, with a lease of twenty.
fn start(number: u8, at: i64) -> Start {
    Start {
        schema: SCHEMA.to_owned(),
        environment: staging(),
        release: release(number),
        previous: None,
        request: None,
        by: "ci".to_owned(),
        known_by: "`--as`".to_owned(),
        at: minutes(at),
        lease_until: minutes(at + 20),
        policy: Digest::of(b"policy"),
        plan: Digest::of(b"plan"),
        nonce: "nonce".to_owned(),
    }
}

fn end(of: &Start, at: i64, ending: Ending) -> End {
    End {
        schema: SCHEMA.to_owned(),
        start: id(&Said::Start(of.clone())),
        environment: of.environment.clone(),
        release: of.release.clone(),
        by: "ci".to_owned(),
        known_by: "`--as`".to_owned(),
        at: minutes(at),
        ending,
        failed_step: None,
        steps: vec![],
        smoke: BTreeMap::new(),
    }
}

fn id(said: &Said) -> Digest {
    Digest::of(&said.bytes().unwrap())
}

fn fold(said: Vec<Said>) -> Runs {
    Runs::fold(said.into_iter().map(|said| Ok((id(&said), said))), minutes(100))
}

fn live(runs: &Runs) -> Option<String> {
    runs.live(&staging()).map(|run| run.start.release.version.to_string())
}

#[test]
fn a_line_reads_back_in_its_own_bytes_only() {
    let (begins, ends) = (Said::Start(start(1, 0)), Said::End(end(&start(1, 0), 5, Ending::Failed)));
    for said in [begins, ends] {
        let bytes = said.bytes().unwrap();
        assert_eq!(Said::read(&bytes), Some(said));
        let spaced = [b" ".as_slice(), &bytes].concat();
        assert_eq!(Said::read(&spaced), None);
        let other = String::from_utf8(bytes).unwrap().replace(SCHEMA, "deployctl/0");
        assert_eq!(Said::read(other.as_bytes()), None);
    }
    assert_eq!(Said::read(b"{}"), None);
}

#[test]
fn the_newest_that_succeeded_is_live_and_what_failed_after_it_is_in_doubt() {
    let (one, two) = (start(1, 0), start(2, 30));
    let mut said = vec![
        Said::Start(one.clone()),
        Said::End(end(&one, 5, Ending::Succeeded)),
        Said::Start(two.clone()),
        Said::End(end(&two, 35, Ending::Failed)),
    ];
    let runs = fold(said.clone());
    assert_eq!(live(&runs).as_deref(), Some("v1"));
    assert_eq!(runs.doubt(&staging()).unwrap().start, two);
    said.pop();
    said.push(Said::End(end(&two, 35, Ending::Succeeded)));
    let runs = fold(said);
    assert_eq!((live(&runs).as_deref(), runs.doubt(&staging())), (Some("v2"), None));
}

#[test]
fn a_start_without_an_end_holds_its_environment_until_its_lease_ends() {
    let runs = fold(vec![Said::Start(start(1, 0))]);
    let held = |at| runs.held(&staging(), minutes(at)).map(|run: &Run| run.start.release.clone());
    assert_eq!(held(20), Some(release(1)));
    assert_eq!(held(21), None);
    assert!(runs.held(&"development".parse().unwrap(), minutes(1)).is_none());
}

#[test]
fn no_lease_lasts_longer_than_a_day_whatever_it_says() {
    let endless = Start { lease_until: minutes(1_000_000), ..start(1, 0) };
    let runs = fold(vec![Said::Start(endless)]);
    let day = minutes(0) + Duration::hours(24);
    assert!(runs.held(&staging(), day).is_some());
    assert!(runs.held(&staging(), day + Duration::seconds(1)).is_none());
}

#[test]
fn an_end_of_another_deployment_than_it_names_ends_nothing() {
    let one = start(1, 10);
    for wrong in [
        End { release: release(2), ..end(&one, 15, Ending::Succeeded) },
        End { environment: "development".parse().unwrap(), ..end(&one, 15, Ending::Succeeded) },
        End { start: Digest::of(b"nothing"), ..end(&one, 15, Ending::Succeeded) },
        end(&one, 9, Ending::Succeeded),
        end(&one, 101, Ending::Succeeded),
    ] {
        let runs = fold(vec![Said::Start(one.clone()), Said::End(wrong)]);
        assert_eq!(live(&runs), None);
        assert!(runs.held(&staging(), minutes(20)).is_some());
    }
}

#[test]
fn a_start_by_a_clock_that_is_ahead_holds_its_environment_and_says_nothing_of_what_is_live() {
    let (behind, ahead) = (start(1, 0), start(2, 110));
    let said = vec![
        Said::Start(behind.clone()),
        Said::End(end(&behind, 5, Ending::Succeeded)),
        Said::Start(ahead.clone()),
    ];
    let runs = fold(said.clone());
    assert_eq!(runs.held(&staging(), minutes(98)).map(|run| &run.start), Some(&ahead));
    assert!(runs.held(&"development".parse().unwrap(), minutes(98)).is_none());
    assert_eq!((live(&runs).as_deref(), runs.doubt(&staging())), (Some("v1"), None));
    let runs = fold([said, vec![Said::End(end(&ahead, 115, Ending::Succeeded))]].concat());
    assert_eq!(runs.held(&staging(), minutes(98)), None, "its end by the same clock frees it");
    assert_eq!(live(&runs).as_deref(), Some("v1"));
}

#[test]
fn no_clock_that_is_ahead_by_more_than_a_day_holds_anything() {
    let day = 24 * 60;
    let held = |at| fold(vec![Said::Start(start(1, at))]).held(&staging(), minutes(98)).is_some();
    assert!(held(100 + day));
    assert!(!held(101 + day));
}

#[test]
fn a_line_that_cannot_be_read_holds_for_a_day() {
    let unread = |at: i64| Runs::fold([Err(minutes(0)), Err(minutes(at))], minutes(100));
    let day = 24 * 60;
    assert_eq!(unread(50).unread_until(minutes(day + 50)), Some(minutes(day + 50)));
    assert_eq!(unread(50).unread_until(minutes(day + 51)), None);
    assert_eq!(unread(110).unread_until(minutes(98)), Some(minutes(day + 100)), "one ahead is one of now");
    assert_eq!(unread(day + 101).unread_until(minutes(60)), Some(minutes(day)), "more than a day ahead");
    assert_eq!(fold(vec![]).unread_until(minutes(0)), None);
}

#[test]
fn of_two_ends_of_one_moment_the_worse_counts() {
    let one = start(1, 0);
    let said = [end(&one, 5, Ending::Succeeded), end(&one, 5, Ending::Failed)].map(Said::End);
    let runs = fold([vec![Said::Start(one)], said.to_vec()].concat());
    assert_eq!(live(&runs), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_is_written_in_the_same_bytes(
        cut in 0..400_usize,
        with in "[ -~]{0,3}",
    ) {
        let mut text = String::from_utf8(Said::Start(start(1, 0)).bytes().unwrap()).unwrap();
        let at = cut.min(text.len());
        text.replace_range(at..(at + with.len()).min(text.len()), &with);
        if let Some(said) = Said::read(text.as_bytes()) {
            prop_assert_eq!(said.bytes().unwrap(), text.into_bytes());
        }
    }

    #[test]
    fn the_order_of_lines_does_not_matter(
        made in prop::collection::vec((1..4_u8, 0..3_i64, prop::option::of((0..3_i64, any::<bool>()))), 0..6),
        seed in any::<u64>(),
    ) {
        let mut said = Vec::new();
        for (number, at, ended) in made {
            let begun = start(number, at);
            if let Some((after, good)) = ended {
                let ending = if good { Ending::Succeeded } else { Ending::Failed };
                said.push(Said::End(end(&begun, at + after, ending)));
            }
            said.push(Said::Start(begun));
        }
        let mut turned = said.clone();
        turned.sort_by_key(|said| Digest::of(&[id(said).hex().as_bytes(), &seed.to_be_bytes()].concat()));
        prop_assert_eq!(fold(said), fold(turned));
    }
}
