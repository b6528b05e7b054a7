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
//! for each state that a fault can leave. A watch takes seconds, so of the rollback that a session begins by itself only
//! what follows the steps of its deployment is cut short, and of that a part. With `DEPLOYCTL_CRASH_ALL` set nothing is
//! combined and nothing is left out.

#![expect(clippy::disallowed_methods, reason = "the whole matrix is asked for by a variable")]

mod aftermath;
mod effects;
mod scenes;
mod way_out;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use self::aftermath::Aftermath;
use deployctl::world::records::LEDGER;

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
    /// Its exit code then.
    code: i32,
    /// How many entries the ledger has before.
    before: usize,
    /// So many entries of it are those of another story, in which what comes before them is cut short.
    shared: usize,
    /// The most faults of a test, unless all are asked for.
    most: usize,
    /// Whether it is watched, and so waits most of the time.
    watched: bool,
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
        Self {
            model: house.model(),
            id,
            words,
            way_out,
            end,
            code: 0,
            before,
            shared: 0,
            most: usize::MAX,
            watched: false,
            _house: house,
        }
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

    /// v1.4.0 is ill whenever it is live.
    fn automatic_rollback() -> Self {
        let house = House::shared_that_falls_ill();
        let story = Self::new(
            house,
            &["deploy", "production", "ID"],
            "outcome Succeeded",
            way_out::of_an_automatic_rollback,
        );
        Self { code: 6, shared: 3, most: 16, watched: true, ..story }
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
    code: i32,
    /// How many entries the ledger has before.
    before: usize,
    shared: usize,
    most: usize,
    watched: bool,
    all: bool,
    /// What is left when nothing goes wrong.
    whole: OnceLock<Aftermath>,
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
            code: story.code,
            before: story.before,
            shared: story.shared,
            most: story.most,
            watched: story.watched,
            all: std::env::var_os("DEPLOYCTL_CRASH_ALL").is_some(),
            whole: OnceLock::new(),
            gone: Mutex::default(),
        }
    }

    /// The effects of a run in which nothing goes wrong.
    fn effects(&self) -> Vec<Effect> {
        let house = self.model.copy();
        let run = Effects::of(&house, &self.words, None);
        assert_eq!(run.code, self.code, "{}", run.shown);
        let whole = Aftermath::of(&house);
        assert_eq!(whole.there.last().unwrap(), self.end);
        self.whole.set(whole).unwrap();
        run.effects
    }

    /// Of all faults, those that are let happen.
    fn chosen(&self, effects: &[Effect], faults: Vec<Fault>) -> Vec<Fault> {
        if self.all {
            return faults;
        }
        let moves = |effect: &Effect| effect.name == "rename" && effect.path.ends_with(LEDGER);
        let moves = effects.iter().zip(1..).filter(|(effect, _)| moves(effect));
        let after = moves.map(|(_, at)| at).take(self.shared).last().unwrap_or_default();
        let faults: Vec<Fault> = faults.into_iter().filter(|fault| fault.at > after).collect();
        let every = faults.len().div_ceil(self.most);
        faults.into_iter().step_by(every.max(1)).collect()
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
        let at_once = if self.watched { 4 * processors } else { processors };
        thread::scope(|scope| drop((0..at_once).map(|_| scope.spawn(work)).collect::<Vec<_>>()));
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
            after.is_a_beginning_of(self.whole.get().unwrap());
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
        // The steps of a rollback have the names of the deployment's.
        for said in said.split(|said| said == "automatic rollback") {
            assert_eq!(said.iter().collect::<BTreeSet<_>>().len(), said.len(), "said twice: {said:?}");
        }
        if kind == Kind::Tidy {
            assert!(!shown.contains("warning: ") && !shown.contains("error: "), "{shown}");
            assert_eq!((*code, &after.here), (self.code, &after.there), "{shown}");
        }
        if *code == self.code {
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
    let effects = enumeration.effects();
    enumeration.each(&enumeration.chosen(&effects, kills(&effects)));
}

fn fails_anywhere(story: &Story, kinds: &[Kind]) {
    let enumeration = Enumeration::of(story);
    let effects = enumeration.effects();
    let places = places(&effects, enumeration.all);
    let at = |(number, at): (usize, usize)| {
        // One after the other, unless all are asked for.
        let kinds = if enumeration.all { kinds } else { &kinds[number % kinds.len()..][..1] };
        kinds.iter().map(move |kind| Fault { at, kind: *kind }).collect::<Vec<_>>()
    };
    let faults = places.into_iter().enumerate().flat_map(at).collect();
    enumeration.each(&enumeration.chosen(&effects, faults));
}

#[test]
fn a_deployment_that_is_killed_before_any_of_its_effects() {
    is_killed_anywhere(&Story::deployment());
}

#[test]
fn a_branch_of_records_is_on_the_disk_before_it_is_there() {
    let story = Story::automatic_rollback();
    let enumeration = Enumeration::of(&story);
    let effects = enumeration.effects();
    let lock = format!("{LEDGER}.lock");
    let of_branch = |effect: &&Effect| {
        !effect.path.contains("/logs/") && (effect.path.ends_with(LEDGER) || effect.path.ends_with(&lock))
    };
    let names: Vec<&str> = effects.iter().filter(of_branch).map(|effect| effect.name.as_str()).collect();
    let entries = enumeration.whole.get().unwrap().there.len() - story.before;
    // libgit2 tries to link before it renames.
    assert_eq!(names, ["create", "write", "sync", "link", "rename", "sync"].repeat(entries));
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
fn a_rollback_by_the_session_that_is_killed_before_any_of_its_effects() {
    is_killed_anywhere(&Story::automatic_rollback());
}

#[test]
fn a_rollback_by_the_session_whose_effects_fail() {
    fails_anywhere(&Story::automatic_rollback(), &[Kind::Once, Kind::Full, Kind::Frozen]);
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
    /// Records travel through `origin`, and v1.4.0 was approved, which the shop does not bear: then the session rolls back.
    fn shared_that_falls_ill() -> (Self, String) {
        let house = Self::new();
        house.remote();
        let ill = "grep -sqx v1.4.0 \\\"$HOME/live/version\\\"";
        let health = format!(
            "    health:\n      interval: 1s\n      consecutive_failures: 1\n      probes: {{ shop: {{ run: [sh, -c, \"! {ill}\"] }} }}\n    monitoring:"
        );
        let steps = "      steps: [{ name: release, run: [\"./ops/release.sh\", \"--previous\"]";
        let policy = crate::house::POLICY
            .replace("ledger: none", "ledger: { remote: origin }")
            .replacen("    monitoring:", &health, 1)
            .replace(steps, &format!("      on_trigger: rollback\n{steps}"));
        let id = house.approved_under(&policy);
        (house, id)
    }

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
