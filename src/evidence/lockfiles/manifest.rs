//! What the project itself asks for, as its manifests or its lockfile say it.

use std::collections::{BTreeMap, BTreeSet};

/// One thing that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ask {
    /// The name under which it is locked: an alias installs another package.
    pub real: String,
    /// The ranges that are asked for, as they are written. Empty where nobody says.
    pub ranges: BTreeSet<String>,
    /// Only for developing.
    pub dev: bool,
    /// It need not be locked: it lies in this repository, or whoever uses the project brings it.
    pub loose: bool,
}

/// What is asked for, by the name that the manifest uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asks(pub BTreeMap<String, Ask>);

impl Asks {
    /// Asks for a package under its own name.
    pub fn add(&mut self, name: &str, range: Option<&str>, dev: bool) {
        self.alias(name, name, range, dev, false);
    }

    /// Asks for a package under a name of the project's own.
    pub fn alias(&mut self, name: &str, real: &str, range: Option<&str>, dev: bool, loose: bool) {
        let ask = self.0.entry(name.to_owned()).or_insert_with(|| Ask {
            real: real.to_owned(),
            ranges: BTreeSet::new(),
            dev: true,
            loose: true,
        });
        ask.ranges.extend(range.map(str::to_owned));
        ask.dev &= dev;
        ask.loose &= loose;
    }

    /// Takes in what another member asks for.
    pub fn merge(&mut self, other: &Self) {
        for (name, ask) in &other.0 {
            let known = self.0.entry(name.clone()).or_insert_with(|| ask.clone());
            known.ranges.extend(ask.ranges.iter().cloned());
            known.dev &= ask.dev;
            known.loose &= ask.loose;
        }
    }

    /// The locked name of each, and whether it is only for developing.
    pub fn real(&self) -> BTreeMap<String, bool> {
        let mut names = BTreeMap::new();
        for ask in self.0.values() {
            *names.entry(ask.real.clone()).or_insert(true) &= ask.dev;
        }
        names
    }
}

/// A manifest, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The package's own name, where it has one.
    pub name: Option<String>,
    /// What it asks for.
    pub asks: Asks,
    /// Globs of the directories of its members, from its own directory.
    pub members: Vec<String>,
    /// Names whose range something else overrules, so that the lockfile may say another.
    pub overruled: BTreeSet<String>,
}
