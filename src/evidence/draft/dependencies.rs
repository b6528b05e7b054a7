//! The section `Dependencies`.

use super::tests_passed::age;
use super::{Draft, LockFact, TestFact, count, open, ticked};
use crate::evidence::checklist::{Item, Section};
use crate::evidence::lockfiles::{Comparison, Dependency, DependencyChange, Promotion};
use crate::gate::config::Scan;
use crate::gate::policy::{CheckRule, CheckSource, ScanRule};
use crate::gate::request::CheckState;
use crate::gate::terms::Check;

/// Up to here each direct addition of a lockfile is a question of its own; more nobody would answer one by one. The
/// same number of names is told of a group.
const ONE_BY_ONE: usize = 20;
/// How many examples stand for a number of transitive dependencies, drifts and unpinned names.
const EXAMPLES: usize = 3;

/// A check of the policy that scans dependencies.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// Its name.
    check: Check,
    /// Its words on the checklist.
    title: String,
    /// The command, or where its reports are.
    source: String,
    /// Whether deployctl can run it.
    runs: bool,
    /// What it answers, and for which lockfiles.
    rule: ScanRule,
}

impl Scanner {
    /// The scanner that a check is, if it is one.
    #[must_use]
    pub fn of(check: &Check, rule: &CheckRule) -> Option<Self> {
        Some(Self {
            check: check.clone(),
            title: rule.title.clone(),
            source: rule.source.words(),
            runs: matches!(rule.source, CheckSource::Run(..)),
            rule: rule.scans.clone()?,
        })
    }

    /// Where its answers come from.
    pub(super) fn origin(&self) -> String {
        format!("the check `{}` of the policy: {}", self.check, self.source)
    }

    pub(super) fn answers(&self, scan: Scan, lockfile: &str) -> bool {
        let covers = self.rule.lockfiles.as_ref().is_none_or(|globs| globs.is_match(lockfile));
        covers && self.rule.answers.contains(&scan)
    }

    /// What ticks a box, or why it stays open.
    fn verdict(&self, draft: &Draft) -> Result<String, String> {
        let fact = draft.tests.iter().find(|test| test.check == self.check);
        match fact.map_or(CheckState::Missing, |fact| fact.state) {
            CheckState::Passed => Ok(self.evidence(draft, fact)),
            CheckState::Missing if self.runs => Err(format!(
                "`{}` has not run for this commit: run `deployctl check {}`",
                self.title, self.check
            )),
            state => {
                let what = match state {
                    CheckState::Failed => "failed",
                    CheckState::Stale => "is stale",
                    CheckState::NotNeeded => "was not needed",
                    CheckState::Unreadable => "cannot be read",
                    CheckState::Missing | CheckState::Passed => "has no evidence for this commit",
                };
                let why = fact.and_then(|fact| fact.why.as_deref());
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                Err(format!("`{}` {what}{why}", self.title))
            }
        }
    }

    fn evidence(&self, draft: &Draft, fact: Option<&TestFact>) -> String {
        let mut parts = vec![self.title.clone(), self.source.clone()];
        parts.extend(fact.and_then(|fact| fact.reported_at).map(|at| age(draft.at - at)));
        parts.push(draft.release.commit.short().to_string());
        parts.join(" · ")
    }
}

pub(super) fn section(draft: &Draft) -> Section {
    let mut items = Vec::new();
    let mut known = !draft.lockfiles.is_empty();
    if !known {
        let why = "no lockfile was found, so nothing is known";
        items.push(open("dependencies.none", "No new dependencies", "", why));
    }
    items.extend(draft.lockfiles.iter().flat_map(|lock| additions(draft, lock)));
    for lock in &draft.lockfiles {
        if let Comparison::Unreadable { why } = &lock.compared.comparison {
            known = false;
            items.push(open(
                &format!("dependencies.{}", lock.path),
                "Dependencies not read",
                &lock.path,
                why,
            ));
        }
    }
    if !draft.submodules.is_empty() {
        let paths: Vec<&str> = draft.submodules.iter().map(String::as_str).collect();
        let why = "what they bring is not looked into: dependencies may be among it";
        items.push(open("dependencies.submodules", "Submodules moved", &some(&paths, EXAMPLES), why));
    }
    items.extend(draft.lockfiles.iter().filter_map(drift));
    items.extend(draft.lockfiles.iter().flat_map(sources));
    if known && items.is_empty() {
        let paths: Vec<&str> = draft.lockfiles.iter().map(|lock| lock.path.as_str()).collect();
        items.push(Item {
            evidence: Some(some(&paths, ONE_BY_ONE)),
            ..ticked("dependencies.none", "No new dependencies", "")
        });
    }
    Section {
        title: "Dependencies".to_owned(),
        notes: draft.lockfiles.iter().flat_map(notes).chain(foreign(draft)).collect(),
        items,
    }
}

/// Something that the project newly asks for.
struct New<'a> {
    name: &'a str,
    version: &'a str,
    more: String,
}

impl<'a> New<'a> {
    fn added(found: &'a Dependency) -> Self {
        let kind = match (found.direct, found.dev) {
            (None, _) => ", direct or not is unknown",
            (_, true) => ", dev",
            _ => "",
        };
        let truth = found.alias_of.as_ref().map(|name| format!(", an alias of {name}")).unwrap_or_default();
        let version = found.to.as_deref().unwrap_or("(no version)");
        Self { name: &found.name, version, more: format!("{kind}{truth}") }
    }

    fn promoted(found: &'a Promotion) -> Self {
        let dev = if found.dev { ", dev" } else { "" };
        let more = format!("{dev}, was transitive before");
        Self { name: &found.name, version: &found.version, more }
    }

    fn words(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

fn additions(draft: &Draft, lock: &LockFact) -> Vec<Item> {
    let added = || lock.moved().iter().filter(|found| found.change == DependencyChange::Added);
    let (direct, transitive): (Vec<_>, Vec<_>) = added().partition(|found| found.direct != Some(false));
    let direct = direct.into_iter().map(New::added);
    let direct: Vec<New<'_>> = direct.chain(lock.compared.promoted.iter().map(New::promoted)).collect();
    let path = &lock.path;
    let group = |key: &str, text: String| Item {
        evidence: Some(path.clone()),
        children: scanned(draft, key, path),
        ..ticked(key, "New dependencies", &text)
    };
    if direct.is_empty() {
        let names: Vec<String> = transitive.iter().map(|found| New::added(found).words()).collect();
        if names.is_empty() {
            return vec![];
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let shown = names.iter().take(EXAMPLES).copied().collect::<Vec<_>>().join(", ");
        let such_as = if names.len() > EXAMPLES { ", such as" } else { ":" };
        let text = format!("{} transitive{such_as} {shown}", names.len());
        return vec![group(&format!("dependencies.{path}.transitive"), text)];
    }
    // A new lockfile is one question, not one for each line of it: nobody would read so many.
    if lock.new || direct.len() > ONE_BY_ONE {
        let names: Vec<String> = match lock.new {
            true => direct.iter().map(|new| new.name.to_owned()).collect(),
            false => direct.iter().map(New::words).collect(),
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = if lock.new { "direct one" } else { "direct" };
        let number = if lock.new { count(names.len(), what) } else { format!("{} {what}", names.len()) };
        let of = if lock.new { " of a new lockfile" } else { "" };
        return vec![group(
            &format!("dependency.{path}"),
            format!("{number}{of}: {}", some(&names, ONE_BY_ONE)),
        )];
    }
    direct.iter().map(|new| one(draft, path, new)).collect()
}

fn one(draft: &Draft, path: &str, new: &New<'_>) -> Item {
    let key = format!("dependency.{path}.{}", new.name);
    let children = scanned(draft, &key, path);
    Item {
        evidence: Some(format!("{path}{}", new.more)),
        children,
        ..ticked(&key, "New dependency", &new.words())
    }
}

/// The two questions about something new, answered by the scanners that cover its lockfile.
fn scanned(draft: &Draft, key: &str, lockfile: &str) -> Vec<Item> {
    let boxes =
        [(Scan::Security, "security", "Security scanned"), (Scan::License, "license", "License verified")];
    let scanned = |(scan, word, label): (Scan, &str, &str)| {
        let key = format!("{key}.{word}");
        match answer(draft, scan, word, lockfile) {
            Ok(evidence) => Item { evidence: Some(evidence), ..ticked(&key, label, "") },
            Err(why) => open(&key, label, "", &why),
        }
    };
    boxes.into_iter().map(scanned).collect()
}

/// Every scanner that covers the lockfile must have passed: what one of them found is found.
fn answer(draft: &Draft, scan: Scan, word: &str, lockfile: &str) -> Result<String, String> {
    let scanners = draft.scanners.iter().filter(|scanner| scanner.answers(scan, lockfile));
    let verdicts = scanners.map(|scanner| scanner.verdict(draft)).collect::<Result<Vec<_>, _>>()?;
    if !verdicts.is_empty() {
        return Ok(verdicts.join("; "));
    }
    let any = draft.scanners.iter().any(|scanner| scanner.rule.answers.contains(&scan));
    Err(match any {
        true => format!("no scanner covers `{lockfile}` (`lockfiles` of the checks with `scans: {word}`)"),
        false => format!("no scanner is configured (`scans: {word}` on a check)"),
    })
}

fn drift(lock: &LockFact) -> Option<Item> {
    let clauses: Vec<&str> = lock.compared.drift.iter().map(String::as_str).collect();
    let why = clauses.iter().take(EXAMPLES).copied().collect::<Vec<_>>().join("; ");
    let more = clauses.len().saturating_sub(EXAMPLES);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let key = format!("dependencies.{}.drift", lock.path);
    (!clauses.is_empty()).then(|| open(&key, "Lockfile not up to date", &lock.path, &format!("{why}{more}")))
}

fn sources(lock: &LockFact) -> Vec<Item> {
    let found = lock.moved().iter().filter(|found| found.change == DependencyChange::Source);
    let (unchecked, elsewhere): (Vec<_>, Vec<_>) = found.partition(|found| found.is_unchecked());
    let mut items = each_or_all(lock, &elsewhere, "source", SOURCE);
    items.extend(each_or_all(lock, &unchecked, "checksum", CHECKSUM));
    items
}

/// The label of a group, and why it is open.
type Question = (&'static str, &'static str);
const SOURCE: Question = ("Same version, other source", "the same versions come from another place");
const CHECKSUM: Question =
    ("Same version, no checksum", "the lockfile no longer says by which checksum to know the same version");

fn each_or_all(lock: &LockFact, found: &[&Dependency], kind: &str, (label, why): Question) -> Vec<Item> {
    if found.len() <= ONE_BY_ONE {
        return found.iter().map(|found| other_source(found)).collect();
    }
    let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    let text = format!("{} of {}: {}", names.len(), lock.path, some(&names, ONE_BY_ONE));
    vec![open(&format!("dependencies.{}.{kind}", lock.path), label, &text, why)]
}

fn other_source(found: &Dependency) -> Item {
    // One name may have moved in several of its versions.
    let version = found.to.as_deref().unwrap_or_default().split(' ').next().unwrap_or_default();
    let key = format!("dependency.{}.{}.{version}.source", found.lockfile, found.name);
    let text = format!(
        "{}: {} became {}",
        found.name,
        found.from.as_deref().unwrap_or("nothing"),
        found.to.as_deref().unwrap_or("nothing")
    );
    if found.is_unchecked() {
        let (label, why) = CHECKSUM;
        return open(&key, label, &text, why);
    }
    let number =
        |words: &Option<String>| words.as_deref().unwrap_or_default().split(' ').next().map(str::to_owned);
    if number(&found.from) != number(&found.to) && found.to.as_deref().is_some_and(|to| to.contains("://")) {
        return open(
            &key,
            "New version, other source",
            &text,
            "it comes from where it never came from before",
        );
    }
    open(
        &key,
        "Same version, other source",
        &text,
        "the same version has another checksum, or comes from another place",
    )
}

fn notes(lock: &LockFact) -> Vec<String> {
    let path = &lock.path;
    let mut notes = Vec::new();
    notes.extend(lock.switched_from.as_ref().map(|from| format!("{path} took over from {from}")));
    let of = |change: DependencyChange| lock.moved().iter().filter(move |found| found.change == change);
    let added = |direct: bool| {
        of(DependencyChange::Added).filter(move |found| (found.direct == Some(false)) != direct)
    };
    // Where nothing else was added, these are an item of their own.
    let told = added(true).count() > 0 || !lock.compared.promoted.is_empty();
    let parts = [
        (if told { added(false).count() } else { 0 }, "transitive added"),
        (of(DependencyChange::Changed).count(), "changed"),
        (of(DependencyChange::Removed).count(), "removed"),
    ];
    let words: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if !words.is_empty() {
        notes.push(format!("{path}: {}", words.join(", ")));
    }
    let unpinned: Vec<&str> = lock.compared.unpinned.iter().map(String::as_str).collect();
    if !unpinned.is_empty() {
        notes.push(format!("{path}: {} not pinned: {}", unpinned.len(), some(&unpinned, EXAMPLES)));
    }
    notes
}

/// The lockfiles of other people's code that changed: nothing is said of what they lock.
fn foreign(draft: &Draft) -> Option<String> {
    let paths: Vec<&str> = draft.foreign_locks.iter().map(String::as_str).collect();
    let changed = count(paths.len(), "changed lockfile");
    let why = "not compared, in directories of foreign code or of tests";
    (!paths.is_empty()).then(|| format!("{changed} {why}: {}", some(&paths, EXAMPLES)))
}

/// The first names, and how many there are more.
fn some(names: &[&str], most: usize) -> String {
    let shown = names.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
