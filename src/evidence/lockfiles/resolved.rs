//! One lockfile as a set of locked packages, and the difference between two of them.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Manifest;
use super::{Dependency, DependencyChange};

/// Where the packages of one name and version come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Registries, repositories or addresses. Empty where the lockfile does not say.
    pub sources: BTreeSet<String>,
    /// What is checked, as (algorithm or file name) → digests. Only equal keys can be compared.
    pub checksums: BTreeMap<String, BTreeSet<String>>,
}

/// A lockfile, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Name → version → where from.
    pub packages: BTreeMap<String, BTreeMap<String, Origin>>,
    /// The project's own packages: its root and the members of its workspace.
    pub own: BTreeSet<String>,
    /// Names that the project's root asks for, where the lockfile itself says so.
    pub direct: Option<BTreeSet<String>>,
    /// How this lockfile writes the places that packages come from.
    pub dialect: &'static str,
    /// Names that other members of the workspace ask for, where the lockfile says so.
    pub by_members: BTreeSet<String>,
}

impl Resolved {
    /// Adds one locked package.
    pub fn add(&mut self, name: &str, version: &str) -> &mut Origin {
        self.packages.entry(name.to_owned()).or_default().entry(version.to_owned()).or_default()
    }

    /// Takes out the project's own packages, which may stand among the others.
    pub fn without_own(mut self) -> Self {
        let own = &self.own;
        self.packages.retain(|name, _| !own.contains(name));
        self
    }

    fn direct(&self, name: &str, manifest: Option<&Manifest>) -> Option<bool> {
        let by_member = self.by_members.contains(name);
        match (manifest, &self.direct) {
            (Some(manifest), _) if manifest.names.contains(name) => Some(true),
            (Some(manifest), _) if manifest.gathers && by_member => Some(true),
            (None, Some(direct)) if direct.contains(name) => Some(true),
            _ if by_member => None,
            // The lockfile names what its members ask for, so that who is not among them is asked for by others.
            (Some(manifest), _) => (!manifest.workspace || !self.by_members.is_empty()).then_some(false),
            (None, direct) => direct.as_ref().map(|_| false),
        }
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
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut proven = false;
        for (key, digests) in &self.checksums {
            let Some(old) = before.checksums.get(key) else { continue };
            if !digests.is_subset(old) {
                let show = |set| format!("{key} {}", list(set));
                return Some((show(old), show(digests)));
            }
            proven = true;
        }
        // The same digest from a mirror is the same package.
        let known = alike && !before.sources.is_empty() && !self.sources.is_empty();
        let elsewhere = known && !proven && !self.sources.is_subset(&before.sources);
        elsewhere.then(|| (list(&before.sources), list(&self.sources)))
    }
}

type WithManifest<'a> = (&'a Resolved, &'a Option<Manifest>);

/// What moved, in the order in which people read it.
pub(super) fn compare(path: &str, before: WithManifest<'_>, after: WithManifest<'_>) -> Vec<Dependency> {
    let names: BTreeSet<&String> = before.0.packages.keys().chain(after.0.packages.keys()).collect();
    let mut moved: Vec<Dependency> =
        names.into_iter().flat_map(|name| compare_one(path, name, before, after)).collect();
    moved.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    moved
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

fn compare_one(path: &str, name: &str, before: WithManifest<'_>, after: WithManifest<'_>) -> Vec<Dependency> {
    let dependency = |change, from, to| {
        // Whether it is asked for is a question about where it is now; about what is gone, where it was.
        let (resolved, manifest) = if change == DependencyChange::Removed { before } else { after };
        let direct = resolved.direct(name, manifest.as_ref());
        Dependency { name: name.to_owned(), change, from, to, direct, lockfile: path.to_owned() }
    };
    let join = |versions: &BTreeMap<String, Origin>| versions.keys().cloned().collect::<Vec<_>>().join(", ");
    match (before.0.packages.get(name), after.0.packages.get(name)) {
        (None, Some(new)) if before.0.own.contains(name) => {
            let from = Some("part of this project".to_owned());
            vec![dependency(DependencyChange::Source, from, Some(join(new)))]
        }
        (Some(old), None) if after.0.own.contains(name) => {
            let to = Some("part of this project".to_owned());
            vec![dependency(DependencyChange::Source, Some(join(old)), to)]
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
            if !old.keys().eq(new.keys()) {
                moved.push(dependency(DependencyChange::Changed, Some(join(old)), Some(join(new))));
            }
            moved
        }
        (None, None) => Vec::new(),
    }
}
