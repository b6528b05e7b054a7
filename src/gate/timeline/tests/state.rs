//! `state.json`: a reader that goes on from it knows what one knows who read everything.

use super::*;
use crate::gate::analysis::{Trigger, TriggerKind};
use crate::gate::fixture::{ROLLS_BACK, verify};
use crate::gate::statement::{
    AutomaticRollback, OutcomeStatement, RollbackAuthority, WATCH, Watched, WatchedAs, canonical,
};
use crate::gate::timeline::{RawEntry, State, StateError, Timeline};

/// A timeline in all that decides.
fn known(timeline: &Timeline) -> String {
    let Timeline { root, tip, policy, proposals, requests, tracks, signoffs, idle: _, past: _, latest: _ } =
        timeline;
    let mut tracks = tracks.clone();
    tracks.values_mut().for_each(|track| track.past.clear());
    format!("{root:?} {tip:?} {policy:?} {proposals:?} {requests:?} {tracks:?} {signoffs:?}")
}

fn bytes(timeline: &Timeline) -> Vec<u8> {
    canonical(&timeline.state()).unwrap()
}

fn restored(bytes: &[u8], entries: &[RawEntry]) -> Timeline {
    State::read(bytes).unwrap().restore(entries).unwrap()
}

/// Something that happens, well formed or not.
#[derive(Clone, Copy, Debug)]
enum Act {
    Deployed(Ending),
    Began,
    RolledBack(Ending),
    BackTo(u8),
    ByItself,
    Said(Verdict),
    Revoked,
    SignedOff(Verdict),
    Released(bool),
    Reported,
    Looked(Ending),
    Rules,
    Passed(i64),
}

fn acts() -> impl Strategy<Value = Vec<(Act, u8, &'static str)>> {
    let ending =
        prop::sample::select(vec![Ending::Succeeded, Ending::Succeeded, Ending::Failed, Ending::Interrupted]);
    let verdict = prop::sample::select(vec![Verdict::Allow, Verdict::Allow, Verdict::Deny, Verdict::Hold]);
    let act = prop_oneof![
        6 => ending.clone().prop_map(Act::Deployed),
        1 => Just(Act::Began),
        2 => ending.clone().prop_map(Act::RolledBack),
        2 => (1..9_u8).prop_map(Act::BackTo),
        1 => Just(Act::ByItself),
        2 => verdict.clone().prop_map(Act::Said),
        1 => Just(Act::Revoked),
        2 => verdict.prop_map(Act::SignedOff),
        2 => any::<bool>().prop_map(Act::Released),
        2 => Just(Act::Reported),
        1 => ending.prop_map(Act::Looked),
        1 => Just(Act::Rules),
        2 => prop::sample::select(vec![1, 5, 20, 40]).prop_map(Act::Passed),
    ];
    prop::collection::vec((act, 1..9_u8, prop::sample::select(vec!["production", "production", "eu"])), 1..40)
}

fn text() -> String {
    config(&[ROLLS_BACK])
}

/// Does it as far as it goes: what does not hold is left out.
fn act(book: &mut Book, now: &mut i64, (act, number, environment): (Act, u8, &str)) {
    let start = *now;
    *now += 30;
    let mut request = book.request(environment, number);
    request.decide_by = minutes(start + 60);
    let newest =
        book.timeline.tracks.get(&environment.parse().unwrap()).and_then(|track| track.deployments.last());
    let newest = newest.map_or(Digest::of(b"none"), |newest| newest.execution);
    let _ = match act {
        Act::Deployed(ending) => deployed(book, start, &request, Some(ending)),
        Act::Began => deployed(book, start, &request, None),
        Act::RolledBack(ending) => rolled_back(book, start, environment, ending),
        Act::BackTo(to) => back_to(book, start, environment, to),
        Act::ByItself => by_itself(book, start, &mut request),
        Act::Said(verdict) => attempt(book, |book| book.vote(by("bob", start), &request, verdict)),
        Act::Revoked => attempt(book, |book| book.revoke(by("bob", start), &request)),
        Act::SignedOff(verdict) => attempt(book, |book| book.sign_off(by("carol", start), &request, verdict)),
        Act::Released(fixed) => released(book, start, environment, number, fixed),
        Act::Reported => reported(book, start, environment),
        Act::Looked(ending) => attempt(book, |book| book.review(by("bob", start), newest, ending)),
        Act::Rules => {
            attempt(book, |book| book.sign_rules(by("alice", start), &format!("{}# {number}\n", text())))
        }
        Act::Passed(days) => {
            *now += days * 24 * 60;
            None
        }
    };
}

fn attempt(
    book: &mut Book,
    one: impl FnOnce(&mut Book) -> Result<Digest, crate::gate::timeline::Fault>,
) -> Option<Digest> {
    let mut next = book.clone();
    let entry = one(&mut next).ok()?;
    *book = next;
    Some(entry)
}

fn ended(book: &mut Book, start: i64, execution: Digest, ending: Ending) -> Option<Digest> {
    attempt(book, |book| book.step(by("alice", start + 2), execution))?;
    attempt(book, |book| book.end(by("alice", start + 9), execution, ending))
}

fn deployed(
    book: &mut Book,
    start: i64,
    request: &crate::gate::request::Request,
    ending: Option<Ending>,
) -> Option<Digest> {
    attempt(book, |book| book.vote(by("bob", start), request, Verdict::Allow))?;
    let execution = attempt(book, |book| book.start(by("alice", start + 1), request, ActionKind::Deploy))?;
    ended(book, start, execution, ending?)
}

/// Back to the release before, on the approval of what is undone.
fn rolled_back(book: &mut Book, start: i64, environment: &str, ending: Ending) -> Option<Digest> {
    let undone = book.timeline.tracks.get(&environment.parse().unwrap())?.to_undo()?.start.clone();
    let mut execution = undone.clone();
    execution.action = ActionKind::Rollback;
    (execution.release, execution.previous_release) = (undone.previous_release?, Some(undone.release));
    execution.lease_until = minutes(start + 20);
    let said = Statement::Execution(Box::new(execution));
    let execution = attempt(book, |book| book.sign(by("alice", start), said))?;
    ended(book, start, execution, ending)
}

/// Back to any release, on an approval of its own.
fn back_to(book: &mut Book, start: i64, environment: &str, to: u8) -> Option<Digest> {
    let undone = book.timeline.tracks.get(&environment.parse().unwrap())?.to_undo()?.start.release.clone();
    let mut request = book.request(environment, to);
    (request.action, request.previous_release) = (ActionKind::Rollback, Some(undone));
    request.decide_by = minutes(start + 60);
    attempt(book, |book| book.vote(by("bob", start), &request, Verdict::Allow))?;
    let execution = attempt(book, |book| book.start(by("alice", start + 1), &request, ActionKind::Rollback))?;
    ended(book, start, execution, Ending::Succeeded)
}

/// A deployment whose session rolls it back on a trigger.
fn by_itself(book: &mut Book, start: i64, request: &mut crate::gate::request::Request) -> Option<Digest> {
    let to = request.previous_release.clone()?;
    let mut approval = approval(request, Verdict::Allow, start);
    approval.on_trigger = Some(RollbackAuthority { to: to.clone(), until: minutes(start + 60) });
    attempt(book, |book| book.sign(by("bob", start), Statement::Approval(Box::new(approval))))?;
    let execution = attempt(book, |book| book.start(by("alice", start + 1), request, ActionKind::Deploy))?;
    let (signal, sentence) = ("shop".to_owned(), "the shop is ill".to_owned());
    let triggers =
        vec![Trigger { signal, trigger: TriggerKind::HealthChecks, at: minutes(start + 5), sentence }];
    let watched = Watched {
        verdict: WatchedAs::Triggered,
        rounds: 1,
        signals: vec![],
        triggers: triggers.clone(),
        doubts: vec![],
    };
    let end = OutcomeStatement {
        execution,
        ending: Ending::Failed,
        failed_step: Some(WATCH.to_owned()),
        watched: Some(watched),
    };
    attempt(book, |book| book.sign(by("alice", start + 6), Statement::Outcome(end)))?;
    let said = AutomaticRollback {
        execution,
        environment: request.environment.clone(),
        release: to,
        triggers,
        plan: Digest::of(b"plan"),
        lease_until: minutes(start + 40),
    };
    let said = Statement::AutomaticRollback(Box::new(said));
    let back = attempt(book, |book| book.sign(by("alice", start + 7), said))?;
    ended(book, start, back, Ending::Succeeded)
}

fn released(book: &mut Book, start: i64, environment: &str, number: u8, fixed: bool) -> Option<Digest> {
    let track = book.timeline.tracks.get(&environment.parse().unwrap())?;
    let known = track.quarantined.get(usize::from(number) % track.quarantined.len().max(1))?.rollback;
    attempt(book, |book| book.release(by("bob", start), known, fixed.then(|| commit('9'))))
}

fn reported(book: &mut Book, start: i64, environment: &str) -> Option<Digest> {
    let (owed, _) = book.timeline.tracks.get(&environment.parse().unwrap())?.owed().next()?;
    let execution = owed.execution;
    attempt(book, |book| book.rollback_report(by("bob", start), execution))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_who_begins_anywhere_knows_what_one_knows_who_read_everything(acts in acts()) {
        let (mut book, mut now) = (Book::founded(&text()), 0);
        for one in acts {
            act(&mut book, &mut now, one);
        }
        let (mut whole, mut remembers, mut states) = (Timeline::default(), Timeline::remembering(), vec![]);
        for entry in &book.entries {
            states.push((bytes(&whole), known(&whole)));
            whole.apply(entry, verify).unwrap();
            remembers.apply(entry, verify).unwrap();
        }
        prop_assert_eq!(known(&whole), known(&remembers));
        for (cut, (state, knew)) in states.iter().enumerate() {
            let mut begun = restored(state, &book.entries[..cut]);
            prop_assert_eq!(&known(&begun), knew);
            prop_assert_eq!(&bytes(&begun), state);
            // The rest is the same for all that begin here: one step shows it, and the whole way is gone now and then.
            let until = if cut % 7 == 0 { book.entries.len() } else { cut + 1 };
            for entry in &book.entries[cut..until] {
                begun.apply(entry, verify).unwrap();
            }
            let (state, knew) =
                states.get(until).cloned().unwrap_or_else(|| (bytes(&whole), known(&whole)));
            prop_assert_eq!(bytes(&begun), state);
            prop_assert_eq!(known(&begun), knew);
        }
    }
}

/// Bob's approval, its execution and a sign-off.
fn small() -> Book {
    let mut book = Book::founded(&text());
    let request = book.deployed("production", 1, 0, Ending::Succeeded);
    book.sign_off(by("carol", 20), &request, Verdict::Allow).unwrap();
    book
}

#[test]
fn every_entry_that_a_state_names_is_needed() {
    let book = small();
    let state = bytes(&book.timeline);
    restored(&state, &book.entries);
    let without = |left_out: usize| {
        let mut entries = book.entries.clone();
        entries.remove(left_out);
        State::read(&state).unwrap().restore(&entries).unwrap_err().to_string()
    };
    let missing =
        |what: &str| format!("`state.json` names the entry ccccccc as {what}, and that is not there");
    assert_eq!(without(0), missing("the policy in force"));
    assert_eq!(without(1), missing("a verdict"));
    assert_eq!(without(2), missing("the start of an action"));
    assert_eq!(without(4), missing("a sign-off"));
    assert_eq!(State::read(&state).unwrap().entries().len(), 1, "all entries of the fixture have one commit");
}

#[test]
fn an_entry_is_not_taken_for_another_kind() {
    let book = small();
    let swapped = |key: &str, from: usize, to: usize| {
        let text = String::from_utf8(bytes(&book.timeline)).unwrap();
        let digest = |place: usize| Digest::of(&book.entries[place].payload).to_string();
        let edited = text
            .replace(&format!("\"{key}\":\"{}\"", digest(from)), &format!("\"{key}\":\"{}\"", digest(to)));
        assert_ne!(edited, text);
        State::read(edited.as_bytes()).unwrap().restore(&book.entries).unwrap_err().to_string()
    };
    assert!(swapped("entry", 1, 2).contains("as a verdict"));
    assert!(swapped("entry", 4, 1).contains("as a sign-off"));
    assert!(swapped("execution", 2, 1).contains("as the start of an action"));
}

#[test]
fn what_is_unknown_doubled_spaced_or_out_of_place_is_refused() {
    let book = small();
    let good = String::from_utf8(bytes(&book.timeline)).unwrap();
    let why = |text: &str| match State::read(text.as_bytes()).map(|state| state.restore(&book.entries)) {
        Err(error) | Ok(Err(error)) => error,
        Ok(Ok(_)) => panic!("taken: {text}"),
    };
    let edited = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} in {good}");
        good.replacen(from, to, 1)
    };
    for text in [
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        format!("{good}\n"),
        edited("{", "{\"also\":1,"),
        edited("\"undone\":false", "\"also\":1,\"undone\":false"),
        edited("\"schema\":\"deployctl/1\"", "\"schema\":\"deployctl/2\""),
        edited("\"reviewed\":null,", ""),
    ] {
        assert!(matches!(why(&text), StateError::Malformed { .. }), "{text}");
    }
    let environment = edited("\"production\":{", "\"staging\":{");
    let words = "`state.json` does not hold together: an action is in the track of another environment";
    assert_eq!(why(&environment).to_string(), words);
    let root = format!("\"root\":\"{}\"", book.root);
    let words =
        "`state.json` does not hold together: it has a root, a newest entry or a policy without the others";
    assert_eq!(why(&edited(&root, "\"root\":null")).to_string(), words);
}

#[test]
fn before_the_first_entry_there_is_nothing() {
    let nothing = restored(&bytes(&Timeline::default()), &[]);
    assert_eq!(known(&nothing), known(&Timeline::default()));
    assert_eq!(State::read(&bytes(&nothing)).unwrap().tip(), None);
}
