//! Kills, full disks and disks that cannot be written, at every effect and not at hand-picked points.
//!
//! A library that is preloaded into the program counts what it changes in the world (files made, written, made durable,
//! renamed, removed; programs started; connections) and lets one of these changes go wrong. A story is told once; each
//! fault then happens in a copy of its world. What goes past libc is trapped in the kernel, and an effect that the
//! library does not know fails the test: none escapes. The effects of git, `ssh-keygen` and the steps are their own;
//! the program dies before and right after it starts each of them, and they then end by themselves. libgit2 maps no file
//! to be written, and where the program asks the kernel past libc (a rename of `tempfile`) the trap counts it.
//!
//! What is combined: to be killed before an effect is to be killed right after the one before it, so only programs that
//! are started, and the last effect, have an "after" of their own. Faults that the program sees happen at the first
//! effect of its kind after each start of a program, since a hundred objects are written alike. The way out is gone once
//! for each state that a fault can leave. With `DEPLOYCTL_CRASH_ALL` set nothing is combined.

#![expect(clippy::disallowed_methods, reason = "the whole matrix is asked for by a variable")]

mod aftermath;
mod effects;
mod scenes;
mod way_out;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::aftermath::Aftermath;
use self::effects::{Effect, Effects, Fault, Kind};
use crate::house::{House, Model};

/// What is cut short, in which world, and how people get out again.
struct Story {
    model: Model,
    id: String,
    words: Vec<String>,
    way_out: fn(&House, &str, &Aftermath),
    /// The last entry when nothing goes wrong.
    end: &'static str,
    /// How many entries the ledger has before.
    before: usize,
    /// The world that the copies are made of.
    _house: House,
}

impl Story {
    fn new(
        (house, id): (House, String),
        words: &[&str],
        end: &'static str,
        way_out: fn(&House, &str, &Aftermath),
    ) -> Self {
        let words = words.iter().map(|word| word.replace("ID", &id)).collect();
        let before = aftermath::story(&house.project().join(".git")).len();
        Self { model: house.model(), id, words, way_out, end, before, _house: house }
    }

    fn deployment() -> Self {
        Self::new(
            House::shared(),
            &["deploy", "production", "ID"],
            "outcome Succeeded",
            way_out::of_a_deployment,
        )
    }

    fn rollback() -> Self {
        let (house, id) = House::shared();
        house.person("alice").deploys(&id);
        let words = ["rollback", "production", "--reason", "it is broken"];
        Self::new((house, id), &words, "outcome Succeeded", way_out::of_a_rollback)
    }

    fn approval() -> Self {
        Self::new(House::shared_request(), &["approve", "ID"], "approval", way_out::of_an_approval)
    }
}

/// What threads need of a story.
struct Enumeration<'a> {
    model: &'a Model,
    id: &'a str,
    words: Vec<&'a str>,
    way_out: fn(&House, &str, &Aftermath),
    end: &'static str,
    /// How many entries the ledger has before.
    before: usize,
    all: bool,
    gone: Mutex<BTreeSet<Aftermath>>,
}

impl<'a> Enumeration<'a> {
    fn of(story: &'a Story) -> Self {
        Self {
            model: &story.model,
            id: &story.id,
            words: story.words.iter().map(String::as_str).collect(),
            way_out: story.way_out,
            end: story.end,
            before: story.before,
            all: std::env::var_os("DEPLOYCTL_CRASH_ALL").is_some(),
            gone: Mutex::default(),
        }
    }

    /// The effects of a run in which nothing goes wrong.
    fn effects(&self) -> Vec<Effect> {
        let house = self.model.copy();
        let run = Effects::of(&house, &self.words, None);
        assert_eq!(run.code, 0, "{}", run.shown);
        assert_eq!(Aftermath::of(&house).there.last().unwrap(), self.end);
        run.effects
    }

    /// Lets each of these faults happen in a world of its own, on all processors.
    fn each(&self, faults: &[Fault]) {
        let (next, reached, bad) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(vec![]));
        let work = || {
            while let Some(fault) = faults.get(next.fetch_add(1, Ordering::SeqCst)) {
                match catch_unwind(AssertUnwindSafe(|| self.one(*fault))) {
                    Ok(happened) => {
                        reached.fetch_add(usize::from(happened), Ordering::SeqCst);
                    }
                    Err(why) => {
                        let why = why.downcast_ref::<String>().cloned().unwrap_or_default();
                        bad.lock().unwrap().push(format!("{fault:?}: {why}"));
                    }
                }
            }
        };
        let processors = thread::available_parallelism().map_or(2, usize::from);
        thread::scope(|scope| drop((0..processors).map(|_| scope.spawn(work)).collect::<Vec<_>>()));
        let bad = bad.into_inner().unwrap();
        assert!(bad.is_empty(), "{} of {} faults ended badly\n{}", bad.len(), faults.len(), bad.join("\n"));
        let reached = reached.into_inner();
        assert!(reached + 2 * BEYOND >= faults.len(), "{reached} of {} faults happened", faults.len());
    }

    /// One fault, and what must hold after it. Answers whether it happened.
    fn one(&self, fault: Fault) -> bool {
        let house = self.model.copy();
        let run = Effects::of(&house, &self.words, Some(fault));
        let happened = run.effects.len() >= fault.at;
        let after = Aftermath::of(&house);
        if fault.kind.kills() && happened {
            assert_eq!(run.code, 137, "{}", run.shown);
        } else {
            self.is_told(fault.kind, &run, &after);
        }
        let state = after.swept();
        if self.all || self.gone.lock().unwrap().insert(state) {
            (self.way_out)(&house, self.id, &after);
        }
        happened
    }

    /// A program that lives on says what went wrong, or does what it should.
    fn is_told(&self, kind: Kind, run: &Effects, after: &Aftermath) {
        let Effects { code, shown, .. } = run;
        assert!(!shown.contains("panicked") && !shown.contains("bug of deployctl"), "{shown}");
        let said = &after.known()[self.before..];
        assert_eq!(said.iter().collect::<BTreeSet<_>>().len(), said.len(), "said twice: {said:?}");
        if kind == Kind::Tidy {
            assert!(!shown.contains("warning: ") && !shown.contains("error: "), "{shown}");
            assert_eq!((*code, &after.here), (0, &after.there), "{shown}");
        }
        if *code == 0 {
            assert_eq!(after.known().last().unwrap(), self.end, "{shown}");
            return;
        }
        assert!([1, 3].contains(code), "exit code {code}\n{shown}");
        assert!(shown.contains("error: ") || shown.contains("refused: "), "{shown}");
        let why = [
            "No space left on device",
            "Read-only file system",
            "Input/output error",
            "Resource temporarily unavailable",
        ];
        assert!(why.iter().any(|why| shown.contains(why)), "{shown}");
    }
}

/// Objects have random names, and the first in its directory makes that: so the number of effects differs a little each
/// time. So many more are asked for than there were.
const BEYOND: usize = 15;

/// Killed before every effect; right after those that start a program; and after the last.
fn kills(effects: &[Effect]) -> Vec<Fault> {
    let before = (1..=effects.len() + BEYOND).map(|at| Fault { at, kind: Kind::Before });
    let starts = |effect: &Effect| matches!(effect.name.as_str(), "fork" | "spawn");
    let after = effects.iter().zip(1..).filter(|(effect, at)| starts(effect) || *at == effects.len());
    before.chain(after.map(|(_, at)| Fault { at, kind: Kind::After })).collect()
}

/// Where faults that can be seen happen: everywhere, or at the first effect of its kind after each start of a program.
fn places(effects: &[Effect], all: bool) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut started = 0;
    let is_new = |effect: &Effect| {
        let place = effect.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let place = if place.contains("/objects") { "objects" } else { place };
        started += usize::from(matches!(effect.name.as_str(), "fork" | "spawn"));
        seen.insert((started, effect.name.clone(), place.to_owned())) || all
    };
    let new: Vec<bool> = effects.iter().map(is_new).collect();
    new.iter().zip(1..).filter(|(new, _)| **new).map(|(_, at)| at).collect()
}

fn is_killed_anywhere(story: &Story) {
    let enumeration = Enumeration::of(story);
    enumeration.each(&kills(&enumeration.effects()));
}

fn fails_anywhere(story: &Story, kinds: &[Kind]) {
    let enumeration = Enumeration::of(story);
    let places = places(&enumeration.effects(), enumeration.all);
    let at = |(number, at): (usize, usize)| {
        // One after the other, unless all are asked for.
        let kinds = if enumeration.all { kinds } else { &kinds[number % kinds.len()..][..1] };
        kinds.iter().map(move |kind| Fault { at, kind: *kind }).collect::<Vec<_>>()
    };
    enumeration.each(&places.into_iter().enumerate().flat_map(at).collect::<Vec<_>>());
}

#[test]
fn a_deployment_that_is_killed_before_any_of_its_effects() {
    is_killed_anywhere(&Story::deployment());
}

#[test]
fn a_deployment_of_which_one_effect_fails() {
    fails_anywhere(&Story::deployment(), &[Kind::Once]);
}

#[test]
fn a_deployment_whose_disk_is_full_or_read_only_from_any_effect_on() {
    fails_anywhere(&Story::deployment(), &[Kind::Full, Kind::Frozen]);
}

#[test]
fn a_deployment_during_which_git_throws_away_what_no_branch_holds() {
    fails_anywhere(&Story::deployment(), &[Kind::Tidy]);
}

#[test]
fn a_rollback_that_is_killed_before_any_of_its_effects() {
    is_killed_anywhere(&Story::rollback());
}

#[test]
fn a_rollback_whose_effects_fail() {
    fails_anywhere(&Story::rollback(), &[Kind::Once, Kind::Full, Kind::Frozen]);
}

#[test]
fn an_approval_that_is_killed_before_any_of_its_effects() {
    is_killed_anywhere(&Story::approval());
}

#[test]
fn an_approval_whose_effects_fail() {
    fails_anywhere(&Story::approval(), &[Kind::Once, Kind::Full, Kind::Frozen]);
}

impl House {
    /// Records travel through `origin`; v1.4.0 was requested, and nobody has decided.
    fn shared_request() -> (Self, String) {
        let house = Self::new();
        house.remote();
        house.config(&crate::house::POLICY.replace("ledger: none", "ledger: { remote: origin }"));
        house.person("alice").signs_policy();
        let id = house.requests();
        (house, id)
    }
}
