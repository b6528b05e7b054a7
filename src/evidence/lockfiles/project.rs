//! The project around a lockfile: what its manifests ask for, and where the lockfile does not follow them.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::drift::{self, Range};
use super::format::split;
use super::manifest::{Asks, Manifest};
use super::resolved::Resolved;
use super::{Commit, Format, cargo, composer, gemfile, gosum, manifest_of, mix, npm, pdm, python, swift};

/// How many manifests of members are read: beyond it, who asks for what is not known.
const MEMBERS_MAX: usize = 5000;

/// What the project asks for at one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Project {
    /// The locked names that are asked for, and whether only for developing.
    names: BTreeMap<String, bool>,
    /// Whether every manifest was read, so that what is not asked for is asked for by others.
    known: bool,
    /// What the manifests alone say.
    pub declared: Asks,
    /// Where the lockfile does not follow the manifests: whole clauses.
    pub drift: BTreeSet<String>,
}

impl Project {
    /// Whether the project asks for this name itself.
    pub fn direct(&self, name: &str) -> Option<bool> {
        if self.names.contains_key(name) { Some(true) } else { self.known.then_some(false) }
    }

    /// Whether the project asks for it only for developing.
    pub fn dev(&self, name: &str) -> bool {
        self.names.get(name).copied().unwrap_or(false)
    }

    /// Gathers what the manifests at a commit, and the lockfile itself, ask for.
    pub fn gather(path: &str, format: Format, lock: &Resolved, commit: &Commit<'_>) -> Self {
        let mut gatherer =
            Gatherer { path, format, lock, commit, asks: Asks::default(), project: Self::default() };
        match format {
            Format::Gemfile | Format::Requirements => gatherer.by_the_lockfile(),
            _ if manifest_of(path).is_none() => gatherer.by_the_lockfile(),
            _ => gatherer.by_the_manifests(),
        }
        let Gatherer { asks, mut project, .. } = gatherer;
        project.names = asks.real();
        if !lock.aliases.is_empty() {
            project.names.extend(asks.0.iter().map(|(alias, ask)| (alias.clone(), ask.dev)));
        }
        project
    }
}

struct Gatherer<'a> {
    path: &'a str,
    format: Format,
    lock: &'a Resolved,
    commit: &'a Commit<'a>,
    asks: Asks,
    project: Project,
}

impl Gatherer<'_> {
    /// The lockfile itself says what is asked for.
    fn by_the_lockfile(&mut self) {
        for asks in self.lock.members.values() {
            self.asks.merge(asks);
            self.project.known = true;
        }
        let drift = match self.format {
            Format::Gemfile => self.gemfile(),
            Format::GoMod => self.checksums(),
            _ => None,
        };
        self.project.drift.extend(drift.unwrap_or_default());
    }

    fn gemfile(&self) -> Option<Vec<String>> {
        let path = manifest_of(self.path)?;
        let declared = gemfile::declared(&self.text(&path)?);
        Some(drift::against(&path, self.path, &declared, self.lock.members.get("")?, Range::Ignored))
    }

    /// A `go.mod` that is not followed by the `go.sum` beside it. In a workspace another file may know the rest.
    fn checksums(&self) -> Option<Vec<String>> {
        let sum = format!("{}go.sum", split(self.path).0);
        let text = self.text(&sum)?;
        if self.commit.paths.iter().any(|path| split(path).1 == "go.work") {
            return None;
        }
        let lacking = gosum::lacking(self.lock, &text);
        let clause =
            |module| format!("`{}` asks for `{module}`, and `{sum}` has no checksum of it", self.path);
        Some(lacking.into_iter().map(clause).collect())
    }

    fn by_the_manifests(&mut self) {
        let Some(path) = manifest_of(self.path) else { return };
        let Some(text) = self.text(&path) else {
            // Without the manifest the lockfile's own word is the best there is.
            if let Some(asks) = self.lock.members.get("") {
                self.asks.merge(asks);
                self.project.known = true;
            }
            return;
        };
        let Some(root) = parse(self.format, &text, None) else { return };
        self.project.known = true;
        self.take(&path, "", &root);
        match self.format {
            Format::Cargo => self.crates(&path, &text, root.name.is_none()),
            _ => self.directories(&root),
        }
    }

    /// Takes in one manifest, and what the lockfile says of the same member.
    fn take(&mut self, path: &str, place: &str, manifest: &Manifest) {
        let key = match self.format {
            Format::Cargo => manifest.name.as_deref().unwrap_or_default(),
            _ => place,
        };
        let said = self.lock.members.get(key);
        self.asks.merge(&manifest.asks);
        if let Some(said) = said {
            self.asks.merge(said);
            // The lockfile often does not tell what is for developing; the manifest does.
            for (name, ask) in &mut self.asks.0 {
                ask.dev |= manifest.asks.0.get(name).is_some_and(|declared| declared.dev);
            }
        }
        self.project.declared.merge(&manifest.asks);
        let found = drift::find(self.format, (path, manifest), (self.path, self.lock), said);
        self.project.drift.extend(found);
    }

    /// The members of a Cargo workspace: the manifests below whose packages the lockfile holds as its own. `virtual_root`
    /// is a manifest without a package.
    fn crates(&mut self, root: &str, text: &str, virtual_root: bool) {
        if self.lock.own.len() <= 1 && !virtual_root {
            return;
        }
        let aliases = cargo::workspace_aliases(text);
        let dir = split(self.path).0;
        let mut found = 0;
        let mut candidates = 0;
        for path in self.below(dir, "Cargo.toml").filter(|path| path != root).collect::<Vec<_>>() {
            candidates += 1;
            if candidates > MEMBERS_MAX {
                self.project.known = false;
                return;
            }
            let Some(text) = self.text(&path) else { continue };
            let Some(member) = parse(self.format, &text, Some(&aliases)) else { continue };
            if member.name.as_ref().is_some_and(|name| self.lock.own.contains(name)) {
                found += 1;
                self.take(&path, "", &member);
            }
        }
        // A workspace that only gathers its members, none of which is at hand, still names what they share.
        if found == 0 && virtual_root {
            for (name, real) in &aliases {
                self.asks.alias(name, real, None, false, false);
            }
        }
    }

    /// Members by directory, where the lockfile or the root's globs name them.
    fn directories(&mut self, root: &Manifest) {
        let Some(name) = manifest_of(self.path).map(|path| split(&path).1.to_owned()) else { return };
        let dir = split(self.path).0;
        let mut places: BTreeSet<String> =
            self.lock.members.keys().filter(|place| !place.is_empty()).cloned().collect();
        if let Some((yes, no)) = globs(&root.members) {
            let below = self
                .below(dir, &name)
                .map(|path| split(&path[dir.len()..]).0.trim_end_matches('/').to_owned());
            places.extend(
                below.filter(|place| !place.is_empty() && yes.is_match(place) && !no.is_match(place)),
            );
        }
        for (number, place) in places.into_iter().enumerate() {
            let Some(path) = resolve(dir, &place, &name) else { continue };
            if number > MEMBERS_MAX {
                self.project.known = false;
                return;
            }
            let Some(text) = self.text(&path) else { continue };
            match parse(self.format, &text, None) {
                Some(member) => self.take(&path, &place, &member),
                None => self.project.known = false,
            }
        }
    }

    /// The files of a name in the directories below one.
    fn below<'a>(&'a self, dir: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let from = self.commit.paths.range(dir.to_owned()..);
        from.take_while(move |path| path.starts_with(dir))
            .filter(move |path| split(path).1 == name && !path.split('/').any(|part| part == "node_modules"))
            .cloned()
    }

    fn text(&self, path: &str) -> Option<String> {
        text(self.commit, path)
    }
}

/// A file of the commit as text, without its byte order mark.
pub(super) fn text(commit: &Commit<'_>, path: &str) -> Option<String> {
    let text = String::from_utf8((commit.read)(path)?).ok()?;
    Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Reads a manifest; `shared` are the names of a Cargo workspace's own dependencies.
pub(super) fn parse(
    format: Format,
    text: &str,
    shared: Option<&BTreeMap<String, String>>,
) -> Option<Manifest> {
    match format {
        Format::Cargo => cargo::manifest(text, shared),
        Format::Npm | Format::Yarn | Format::Pnpm | Format::Bun => npm::manifest(text),
        Format::Poetry | Format::Uv | Format::Pdm | Format::Pylock => python::manifest(text),
        Format::Pipfile => pdm::pipfile_manifest(text),
        Format::Composer => composer::manifest(text),
        Format::Swift => Some(swift::manifest(text)),
        Format::Mix => Some(mix::manifest(text)),
        _ => None,
    }
}

/// Globs of members, and those that are taken out again.
fn globs(patterns: &[String]) -> Option<(GlobSet, GlobSet)> {
    let (mut yes, mut no) = (GlobSetBuilder::new(), GlobSetBuilder::new());
    let mut any = false;
    for pattern in patterns {
        let (set, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (&mut no, pattern),
            None => (&mut yes, pattern.as_str()),
        };
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        if let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() {
            set.add(glob);
            any = true;
        }
    }
    Some((yes.build().ok()?, no.build().ok()?)).filter(|_| any)
}

/// `dir` and `place` and `name` as one path without `.` and `..`; none where it would leave the repository.
pub(super) fn resolve(dir: &str, place: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(place.split('/')).chain([name]) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
