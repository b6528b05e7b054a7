//! Five deployments and what became of them, by hand; and any, by chance.

use proptest::prelude::*;

use super::*;
use crate::gate::statement::Ending;

/// A deployment a day, at noon; each ends ten minutes later.
fn day(place: usize, kind: Kind, status: Status) -> Action {
    let began = noon() + Duration::days(place.try_into().unwrap());
    Action {
        place,
        id: format!("id-{place}"),
        environment: "production".parse().unwrap(),
        action: ActionKind::Deploy,
        kind,
        release: release(place),
        previous: place.checked_sub(1).map(release),
        recorded: Recorded::Signed,
        began,
        ended: (status != Status::Running).then(|| began + Duration::minutes(10)),
        status: Some(status),
        ending: match status {
            Status::Success | Status::RolledBack => Some(Ending::Succeeded),
            Status::Failed => Some(Ending::Failed),
            Status::Interrupted => Some(Ending::Interrupted),
            Status::Running | Status::Imported => None,
        },
        asked: Some(began - Duration::hours(1)),
        brought: Some(Brought::Commits(vec![(release(place).commit, began - Duration::hours(5))])),
    }
}

fn rollback(place: usize, from: usize, to: usize) -> Action {
    let action = day(place, Kind::Rollback, Status::Success);
    Action { action: ActionKind::Rollback, release: release(to), previous: Some(release(from)), ..action }
}

fn release(of: usize) -> Release {
    Release { version: format!("v1.{of}.0").parse().unwrap(), commit: format!("{of:040x}").parse().unwrap() }
}

fn noon() -> DateTime<Utc> {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

fn period() -> Period {
    Period { since: noon() - Duration::days(30), until: None, now: noon() + Duration::days(28) }
}

fn of(done: &[Action], key: Key) -> Measure {
    measures(done, &period()).into_iter().find(|measure| measure.key == key).unwrap()
}

fn good(places: impl IntoIterator<Item = usize>) -> Vec<Action> {
    places.into_iter().map(|place| day(place, Kind::Feature, Status::Success)).collect()
}

/// Each sample's version and whether it is one of those whose share is asked.
fn told(measure: &Measure) -> Vec<(&str, f64, &str)> {
    measure
        .samples
        .iter()
        .map(|sample| (sample.version.as_str(), sample.value, sample.why.as_str()))
        .collect()
}

#[test]
fn nothing_done_is_no_samples_and_no_value() {
    for measure in measures(&[], &period()) {
        assert_eq!((measure.value, measure.samples.len(), measure.left_out.len()), (None, 0, 0));
    }
}

#[test]
fn four_are_too_few_and_five_are_not() {
    for key in [Key::LeadTime, Key::Frequency, Key::FailRate, Key::Rework] {
        let (four, five) = (of(&good(0..4), key), of(&good(0..5), key));
        assert_eq!((four.value, four.samples.len(), five.samples.len()), (None, 4, 5), "{key:?}");
        assert!(five.value.is_some(), "{key:?}");
    }
}

#[test]
fn the_lead_time_is_the_median_over_the_commits() {
    let mut done = good(0..5);
    assert_eq!(of(&done, Key::LeadTime).value, Some(5.0 * 3600.0 + 600.0));
    let commit = |hours| (release(9).commit, noon() - Duration::hours(hours));
    done[0].brought = Some(Brought::Commits(vec![commit(1), commit(2), commit(300)]));
    assert_eq!(of(&done, Key::LeadTime).samples.len(), 7);
    assert_eq!(of(&done, Key::LeadTime).value, Some(5.0 * 3600.0 + 600.0));
    done[0].brought = Some(Brought::Unknown("not here".to_owned()));
    done[1].brought = Some(Brought::Commits(vec![(release(1).commit, noon() + Duration::days(9))]));
    let measure = of(&done, Key::LeadTime);
    let why: Vec<_> = measure.left_out.iter().map(|left| left.why.as_str()).collect();
    assert_eq!(why, ["not here", "commit 0000000 says that it is younger than the deployment"]);
    assert_eq!((measure.samples.len(), measure.value), (3, None));
}

#[test]
fn the_frequency_counts_from_the_first_one_and_over_a_week_at_least() {
    let measure = of(&good(0..7), Key::Frequency);
    assert_eq!((measure.value, measure.days_between), (Some(7.0 / 4.0), Some(1.0)));
    let short = Period { now: noon() + Duration::days(5), ..period() };
    assert_eq!(measures(&good(0..5), &short)[1].value, Some(5.0));
    let later = Period { since: noon() + Duration::days(14), ..period() };
    assert_eq!(measures(&good(10..20), &later)[1].value, Some(3.0));
}

#[test]
fn what_failed_was_rolled_back_or_needed_a_hotfix_counts_as_failed() {
    let mut done = good(0..9);
    done[1] = day(1, Kind::Feature, Status::Failed);
    done[2] = day(2, Kind::Feature, Status::RolledBack);
    done[3] = rollback(3, 2, 0);
    done[6].kind = Kind::Emergency;
    done[8] = day(8, Kind::Feature, Status::Running);
    let measure = of(&done, Key::FailRate);
    assert_eq!(
        told(&measure),
        [
            ("v1.0.0", 0.0, "it succeeded"),
            ("v1.1.0", 1.0, "it failed"),
            ("v1.2.0", 1.0, "a rollback to v1.0.0 began"),
            ("v1.4.0", 0.0, "it succeeded"),
            ("v1.5.0", 1.0, "the next deployment was the emergency v1.6.0"),
            ("v1.6.0", 0.0, "it succeeded"),
            ("v1.7.0", 0.0, "it succeeded"),
        ]
    );
    assert_eq!(measure.value, Some(3.0 / 7.0));
    assert_eq!(measure.left_out[0].why, "it has not ended");
    let measure = of(&done, Key::Rework);
    assert_eq!((measure.samples.len(), measure.value), (8, Some(1.0 / 8.0)));
}

#[test]
fn recovery_lasts_until_a_deployment_or_a_rollback_succeeds() {
    let mut done = good(0..9);
    done[1] = day(1, Kind::Feature, Status::Failed);
    done[2] = day(2, Kind::Feature, Status::RolledBack);
    done[3] = rollback(3, 2, 0);
    done[6].kind = Kind::Hotfix;
    done[8] = day(8, Kind::Feature, Status::Interrupted);
    let measure = of(&done, Key::Recovery);
    let days = 24.0 * 3600.0;
    assert_eq!(
        told(&measure),
        [
            ("v1.1.0", 2.0 * days, "it failed; the rollback to v1.0.0 succeeded"),
            ("v1.2.0", 600.0, "a rollback to v1.0.0 began; the rollback to v1.0.0 succeeded"),
            (
                "v1.5.0",
                4200.0,
                "the next deployment was the hotfix v1.6.0; the deployment of v1.6.0 succeeded"
            ),
        ]
    );
    assert_eq!(measure.value, None);
    done[2].ending = Some(Ending::Failed);
    assert_eq!(of(&done, Key::Recovery).samples[1].value, days, "down since it failed");
    assert_eq!(measure.left_out[0].why, "it was interrupted, and nothing has succeeded since");
}

#[test]
fn what_is_imported_counts_for_nothing_and_is_named() {
    let mut done = good(0..10);
    for action in done.iter_mut().take(5) {
        (action.recorded, action.status, action.kind) = (Recorded::Imported, None, Kind::Unknown);
    }
    for measure in measures(&done, &period()) {
        let samples = if measure.key == Key::Recovery { 0 } else { 5 };
        assert_eq!((measure.samples.len(), measure.left_out.len()), (samples, 5), "{:?}", measure.key);
    }
    assert_eq!(of(&done, Key::Frequency).value, Some(5.0 / (23.0 / 7.0)));
}

#[test]
fn machines_do_not_say_whether_they_were_asked_to_hurry() {
    let mut done = good(0..6);
    for action in &mut done {
        (action.recorded, action.kind) = (Recorded::Journal, Kind::Automatic);
    }
    let measure = of(&done, Key::Rework);
    assert_eq!((measure.value, measure.samples.len(), measure.left_out.len()), (None, 0, 6));
    assert_eq!(of(&done, Key::FailRate).value, Some(0.0));
}

fn any_action(place: usize) -> impl Strategy<Value = Action> {
    let kinds = [Kind::Feature, Kind::Hotfix, Kind::Emergency, Kind::Automatic, Kind::Unknown];
    let ends = [Status::Success, Status::Failed, Status::Interrupted, Status::RolledBack, Status::Running];
    let from = [Recorded::Signed, Recorded::Journal, Recorded::Imported];
    let pick = (
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(ends.to_vec()),
        prop::sample::select(from.to_vec()),
    );
    let moments =
        (-4_000_000_i64..4_000_000, prop::option::of(-1_000_i64..100_000), any::<bool>(), 0..4_usize);
    (pick.0, pick.1, pick.2, moments).prop_map(
        move |(kind, status, recorded, (began, length, back, version))| {
            let plain = if back { rollback(place, version, 0) } else { day(place, kind, status) };
            let began = noon() + Duration::seconds(began);
            let ended = length.map(|length| began + Duration::seconds(length));
            let release = if back { plain.release } else { release(version) };
            Action { release, recorded, began, ended, ..plain }
        },
    )
}

fn any_history() -> impl Strategy<Value = Vec<Action>> {
    (0..24_usize).prop_flat_map(|length| (0..length).map(any_action).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn the_order_in_which_they_are_told_does_not_matter(done in any_history().prop_flat_map(|done| (Just(done.clone()), Just(done).prop_shuffle()))) {
        prop_assert_eq!(measures(&done.0, &period()), measures(&done.1, &period()));
    }

    #[test]
    fn a_value_has_five_samples_and_is_a_number_that_can_be(done in any_history()) {
        for measure in measures(&done, &period()) {
            prop_assert_eq!(measure.value.is_some(), measure.samples.len() >= FEWEST);
            let value = measure.value.unwrap_or(0.0);
            prop_assert!(value.is_finite() && value >= 0.0);
            prop_assert!(measure.key.unit() != Unit::Share || value <= 1.0);
            let all = done.iter().filter(|action| action.action == ActionKind::Deploy && period().holds(action.began));
            prop_assert!(measure.samples.len() + measure.left_out.len() <= all.count());
            prop_assert!(measure.samples.iter().all(|sample| sample.recorded != Recorded::Imported));
        }
    }

    #[test]
    fn what_failed_and_recovered_is_what_failed(done in any_history()) {
        let [_, frequency, recovery, failed, _] = measures(&done, &period());
        let failures = failed.samples.iter().filter(|sample| sample.value == 1.0).count();
        let imported = |left: &&LeftOut| left.recorded != Recorded::Imported;
        prop_assert_eq!(recovery.samples.len() + recovery.left_out.iter().filter(imported).count(), failures);
        prop_assert!(frequency.samples.len() <= failed.samples.len());
    }
}
