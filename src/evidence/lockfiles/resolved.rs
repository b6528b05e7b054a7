//! One lockfile as a set of locked packages, and the difference between two of them.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Asks;
use super::project::Project;
use super::{Dependency, DependencyChange, Promotion};

/// Where the packages of one name and version come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Registries, repositories or addresses. Empty where the lockfile does not say.
    pub sources: BTreeSet<String>,
    /// What is checked, as (algorithm or file name) → digests. Only equal keys can be compared.
    pub checksums: BTreeMap<String, BTreeSet<String>>,
}

/// The start of a checksum's key of which any one must be known, not all.
pub(super) const ONE_OF: &str = "one of ";

/// What stands for the origin of a version whose checksums are gone.
pub(super) const UNCHECKED: &str = "no checksum";

/// A lockfile, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Name → version → where from.
    pub packages: BTreeMap<String, BTreeMap<String, Origin>>,
    /// The project's own packages: its root and the members of its workspace.
    pub own: BTreeSet<String>,
    /// How this lockfile writes the places that packages come from.
    pub dialect: &'static str,
    /// What the lockfile says its project asks for, by member: a directory from the lockfile's own (`""` is the
    /// root), in a `Cargo.lock` a package's name.
    pub members: BTreeMap<String, Asks>,
    /// Names that other locked packages stand in for.
    pub provided: BTreeSet<String>,
    /// Every `name@range` that was resolved, where the lockfile keeps them.
    pub wanted: BTreeSet<String>,
    /// Names whose range the lockfile overrules; `None` is none, an empty set is possibly every one.
    pub overruled: Option<BTreeSet<String>>,
    /// The lockfile's own digest of what its manifest asked for.
    pub stamp: Option<String>,
    /// Names of the project's own for other packages, where the lockfile locks them under those.
    pub aliases: BTreeMap<String, String>,
    /// Names that are asked for without a fixed version.
    pub unpinned: BTreeSet<String>,
    /// What another file beside it already tells; none where there is no such file.
    pub told: Option<Told>,
}

/// What the file beside a lockfile tells about the same packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The names that it tells of.
    pub names: BTreeSet<String>,
    /// Whether those are all that are installed.
    pub whole: bool,
}

impl Resolved {
    /// An empty lockfile of a dialect.
    pub fn of(dialect: &'static str) -> Self {
        Self { dialect, ..Self::default() }
    }

    /// Adds one locked package.
    pub fn add(&mut self, name: &str, version: &str) -> &mut Origin {
        if !self.packages.contains_key(name) {
            self.packages.insert(name.to_owned(), BTreeMap::new());
        }
        let versions = self.packages.entry(name.to_owned()).or_default();
        versions.entry(version.to_owned()).or_default()
    }

    /// What the lockfile says one of its members asks for.
    pub fn member(&mut self, place: &str) -> &mut Asks {
        self.members.entry(place.to_owned()).or_default()
    }
}

impl Origin {
    /// Notes a place, when the lockfile names one.
    pub fn located(&mut self, source: Option<&str>) -> &mut Self {
        self.sources.extend(source.filter(|source| !source.is_empty()).map(str::to_owned));
        self
    }

    /// Notes a digest of this algorithm or file.
    pub fn checked(&mut self, key: &str, digest: &str) -> &mut Self {
        if !digest.is_empty() {
            self.checksums.entry(key.to_owned()).or_default().insert(digest.to_owned());
        }
        self
    }

    /// What is new about this origin, as (before, after); none where nothing is. Places are only compared where both
    /// lockfiles write them alike.
    fn moved_from(&self, before: &Self, alike: bool) -> Option<(String, String)> {
        let mut proven = false;
        for (key, digests) in &self.checksums {
            let Some(old) = before.checksums.get(key) else { continue };
            // Of some kinds of digests each machine only adds its own.
            let same =
                if key.starts_with(ONE_OF) { !digests.is_disjoint(old) } else { digests.is_subset(old) };
            if !same {
                let gone: BTreeSet<_> = old.difference(digests).cloned().collect();
                let new: BTreeSet<_> = digests.difference(old).cloned().collect();
                let show = |set: &BTreeSet<String>| format!("{key} {}", some(set, &BTreeSet::new()));
                return Some((
                    if gone.is_empty() { format!("{key} fewer") } else { show(&gone) },
                    show(&new),
                ));
            }
            proven = true;
        }
        // The same digest from a mirror is the same package.
        let known = alike && !before.sources.is_empty() && !self.sources.is_empty();
        let elsewhere = known && !proven && !self.sources.is_subset(&before.sources);
        if elsewhere {
            // The new ones first: none of them may hide behind the number of those left out.
            return Some((some(&before.sources, &self.sources), some(&self.sources, &before.sources)));
        }
        // Where no checksum is left, the package itself may change unseen.
        let (key, old) = before.checksums.first_key_value().filter(|_| alike && self.checksums.is_empty())?;
        Some((format!("{key} {}", some(old, &BTreeSet::new())), UNCHECKED.to_owned()))
    }
}

/// Three of a set, and how many there are more; of more than three, those that the other set has not come first.
fn some(set: &BTreeSet<String>, other: &BTreeSet<String>) -> String {
    let mut words: Vec<&str> = set.iter().map(String::as_str).collect();
    if words.len() > 3 {
        words.sort_by_key(|word| other.contains(*word));
        words.truncate(3);
    }
    let mut words = words.join(", ");
    if set.len() > 3 {
        words.push_str(&format!(" and {} more", set.len() - 3));
    }
    words
}

type WithProject<'a> = (&'a Resolved, &'a Project);

/// What moved, in the order in which people read it.
pub(super) fn compare(path: &str, before: WithProject<'_>, after: WithProject<'_>) -> Vec<Dependency> {
    let names: BTreeSet<&String> = before.0.packages.keys().chain(after.0.packages.keys()).collect();
    let mut moved: Vec<Dependency> =
        names.into_iter().flat_map(|name| compare_one(path, name, before, after)).collect();
    if let Some(told) = &after.0.told {
        moved.retain(|found| match found.change {
            DependencyChange::Source => true,
            DependencyChange::Added => !told.whole && !told.names.contains(&found.name),
            DependencyChange::Changed | DependencyChange::Removed => false,
        });
    }
    moved.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    moved
}

/// What was locked already for others and is asked for by the project itself now.
pub(super) fn promoted(before: WithProject<'_>, after: WithProject<'_>) -> Vec<Promotion> {
    let is_new = |name: &String| {
        before.0.packages.contains_key(name)
            && before.1.direct(name) == Some(false)
            && after.1.direct(name) == Some(true)
    };
    let promotion = |(name, versions): (&String, &BTreeMap<String, Origin>)| Promotion {
        name: name.clone(),
        version: join(versions),
        dev: after.1.dev(name),
    };
    after.0.packages.iter().filter(|(name, _)| is_new(name)).map(promotion).collect()
}

fn rank(dependency: &Dependency) -> (u8, u8) {
    let kind = match dependency.change {
        DependencyChange::Added => 0,
        DependencyChange::Source => 1,
        DependencyChange::Changed => 2,
        DependencyChange::Removed => 3,
    };
    let direct = match dependency.direct {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    };
    (kind, direct)
}

/// Versions that come from where none came before, whatever their number: an update must not hide another package.
/// Before and after, in words.
fn new_homes(
    old: &BTreeMap<String, Origin>,
    new: &BTreeMap<String, Origin>,
) -> Vec<(Option<String>, Option<String>)> {
    let sources = old.values().flat_map(|origin| &origin.sources);
    let known: BTreeSet<&str> = sources.filter_map(|source| home(source)).collect();
    let mut found = Vec::new();
    for (version, origin) in new.iter().filter(|(version, _)| !old.contains_key(*version)) {
        let homes = origin.sources.iter().filter_map(|source| home(source));
        let new: Vec<&str> = homes.filter(|home| !known.contains(home)).collect();
        if !new.is_empty() && !known.is_empty() {
            let before = known.iter().copied().take(3).collect::<Vec<_>>().join(", ");
            let from = format!("{} ({before})", join(old));
            found.push((Some(from), Some(format!("{version} ({})", new.join(", ")))));
        }
    }
    found
}

/// What stays of an address from version to version: the package's own place in an npm registry, else scheme and host.
fn home(source: &str) -> Option<&str> {
    if let Some((package, _)) = source.split_once("/-/") {
        return Some(package);
    }
    let (scheme, rest) = source.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    source.get(..scheme.len() + "://".len() + host.len())
}

fn join(versions: &BTreeMap<String, Origin>) -> String {
    versions.keys().cloned().collect::<Vec<_>>().join(", ")
}

fn compare_one(path: &str, name: &str, before: WithProject<'_>, after: WithProject<'_>) -> Vec<Dependency> {
    let dependency = |change, from, to| {
        // Whether it is asked for is a question about where it is now; about what is gone, where it was.
        let project = if change == DependencyChange::Removed { before.1 } else { after.1 };
        let (direct, dev) = (project.direct(name), project.dev(name));
        let alias_of = after.0.aliases.get(name).cloned();
        Dependency {
            name: name.to_owned(),
            change,
            from,
            to,
            direct,
            lockfile: path.to_owned(),
            dev,
            alias_of,
        }
    };
    let left = |one: WithProject<'_>, other: WithProject<'_>| {
        one.0.own.contains(name) && !other.0.own.contains(name)
    };
    let here = || Some("part of this project".to_owned());
    match (before.0.packages.get(name), after.0.packages.get(name)) {
        (None, Some(new)) if left(before, after) => {
            vec![dependency(DependencyChange::Source, here(), Some(join(new)))]
        }
        (Some(old), None) if left(after, before) => {
            vec![dependency(DependencyChange::Source, Some(join(old)), here())]
        }
        (None, Some(new)) => vec![dependency(DependencyChange::Added, None, Some(join(new)))],
        (Some(old), None) => vec![dependency(DependencyChange::Removed, Some(join(old)), None)],
        (Some(old), Some(new)) => {
            let alike = before.0.dialect == after.0.dialect;
            let mut moved: Vec<Dependency> = new
                .iter()
                .filter_map(|(version, origin)| {
                    let (from, to) = origin.moved_from(old.get(version)?, alike)?;
                    let show = |origin| Some(format!("{version} ({origin})"));
                    Some(dependency(DependencyChange::Source, show(from), show(to)))
                })
                .collect();
            let homes = if alike { new_homes(old, new) } else { vec![] };
            moved.extend(homes.into_iter().map(|(from, to)| dependency(DependencyChange::Source, from, to)));
            if !old.keys().eq(new.keys()) {
                moved.push(dependency(DependencyChange::Changed, Some(join(old)), Some(join(new))));
            }
            moved
        }
        (None, None) => Vec::new(),
    }
}
