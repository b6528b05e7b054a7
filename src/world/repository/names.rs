//! Names of commits: each is resolved once, to a full id, and a name of two commits is refused.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ErrorCode, ObjectType, Oid, Reference};

use super::error::{DEEPEN, RepositoryError, Result};
use super::objects::Objects;
use super::{Repository, id, oid};
use crate::gate::terms::{CommitId, Version};

/// How many meanings of an ambiguous name are shown.
const MEANINGS_MAX: usize = 4;

impl Repository {
    /// The branch that HEAD names, where it names one.
    #[must_use]
    pub fn head_branch(&self) -> Option<String> {
        let head = self.git.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok().flatten()?;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// The commit of HEAD; `None` before the first commit.
    ///
    /// # Errors
    /// Git's.
    pub fn head(&self) -> Result<Option<CommitId>> {
        match self.git.head() {
            Ok(head) => Ok(self.peeled(&head)?.map(id)),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit of a tag, where there is such a tag.
    ///
    /// # Errors
    /// When the tag names something that is no commit.
    pub fn tag(&self, version: &Version) -> Result<Option<CommitId>> {
        Ok(self.named(&format!("refs/tags/{version}"), version.as_str())?.map(id))
    }

    /// The commit of a local branch, where there is such a branch.
    ///
    /// # Errors
    /// When the branch names something that is no commit.
    pub fn branch(&self, name: &str) -> Result<Option<CommitId>> {
        Ok(self.named(&format!("refs/heads/{name}"), name)?.map(id))
    }

    /// Every tag that names a commit.
    ///
    /// # Errors
    /// Git's.
    pub fn tags(&self) -> Result<BTreeMap<String, CommitId>> {
        self.tags_like(&|_| true)
    }

    /// Every tag of such a name that names a commit.
    ///
    /// # Errors
    /// Git's.
    pub fn tags_like(&self, like: &dyn Fn(&str) -> bool) -> Result<BTreeMap<String, CommitId>> {
        let mut tags = BTreeMap::new();
        for reference in self.git.references_glob("refs/tags/*")? {
            let reference = reference?;
            let name = reference.name().ok().and_then(|name| name.strip_prefix("refs/tags/"));
            if let Some(name) = name.filter(|name| like(name))
                && let Ok(Some(commit)) = self.peeled(&reference)
            {
                tags.insert(name.to_owned(), id(commit));
            }
        }
        Ok(tags)
    }

    /// The commit that a name stands for: a tag, a branch, an id or the beginning of one, or what git's `~`, `^` and `@{}`
    /// make of them.
    ///
    /// # Errors
    /// When it stands for none, with the nearest tags; or for two, with both.
    pub fn resolve(&self, name: &str) -> Result<CommitId> {
        let no = |hint: &str| Err(self.unknown(name, hint));
        if name.starts_with('-') {
            return no(": no name begins with `-`");
        }
        if name.contains("..") {
            return no(": it is a range, and one commit is wanted");
        }
        if name.starts_with(":/") || name.contains("^{/") {
            return no(": it finds whatever is newest today; name a tag, a branch or an id");
        }
        let end = name.find(['~', '^']).unwrap_or(name.len());
        let (base, steps) = name.split_at(end);
        let commit = self.resolve_base(base)?;
        match self.follow(commit, steps)? {
            Some(commit) => Ok(id(commit)),
            None => no(": the history does not go back so far, or the name is not made so"),
        }
    }

    fn resolve_base(&self, name: &str) -> Result<Oid> {
        if matches!(name, "HEAD" | "@") {
            return match self.head()? {
                Some(head) => oid(&head),
                None => Err(self.unknown(name, ": its branch has no commit yet")),
            };
        }
        let is_hex = name.len() >= 4 && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hex && name.len() == 40 {
            let whole = Oid::from_str(name)?;
            if !self.git.odb()?.exists(whole) {
                return Err(self.unknown(name, &self.absent(name)));
            }
            return self.peel_object(whole)?.ok_or_else(|| self.unknown(name, ""));
        }
        let mut meanings = Vec::new();
        for (kind, space) in [("tag", "refs/tags/"), ("branch", "refs/heads/")] {
            if let Some(commit) = self.named(&format!("{space}{name}"), name)? {
                meanings.push((format!("the {kind} `{space}{name}`"), commit));
            }
        }
        // Four digits are a name more often than an id.
        if is_hex && (meanings.is_empty() || name.len() >= 7) {
            meanings.extend(self.by_prefix(name)?.into_iter().map(|found| ("the commit".to_owned(), found)));
        }
        match self.only(name, meanings)? {
            Some(commit) => Ok(commit),
            None => {
                let found = self.git.revparse_single(name).ok();
                let commit = found.map(|object| self.peel_object(object.id())).transpose()?.flatten();
                commit.ok_or_else(|| self.unknown(name, &self.near(name)))
            }
        }
    }

    fn only(&self, name: &str, meanings: Vec<(String, Oid)>) -> Result<Option<Oid>> {
        let commits: BTreeSet<Oid> = meanings.iter().map(|(_, commit)| *commit).collect();
        if commits.len() < 2 {
            return Ok(commits.first().copied());
        }
        let words = |(what, commit): (String, Oid)| match what.as_str() {
            "the commit" => format!("the commit {commit}"),
            _ => format!("{what} ({})", id(commit).short()),
        };
        Err(RepositoryError::Ambiguous {
            name: name.escape_debug().to_string(),
            meanings: meanings.into_iter().take(MEANINGS_MAX).map(words).collect(),
        })
    }

    /// Follows `~2`, `^`, `^2` and `^{commit}` from a commit, along the parents that the commits themselves name.
    fn follow(&self, mut commit: Oid, mut steps: &str) -> Result<Option<Oid>> {
        let objects = Objects::of(self)?;
        while let Some(step) = steps.chars().next() {
            steps = &steps[step.len_utf8()..];
            if let Some(rest) =
                ["{commit}", "{}"].iter().filter(|_| step == '^').find_map(|peel| steps.strip_prefix(peel))
            {
                steps = rest;
                continue;
            }
            let digits = steps.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = steps.split_at(digits);
            steps = rest;
            let Ok(number) = (if number.is_empty() { Ok(1_usize) } else { number.parse() }) else {
                return Ok(None);
            };
            let (times, which) = match step {
                '~' => (number, 1),
                '^' if number == 0 => (0, 1),
                '^' => (1, number),
                _ => return Ok(None),
            };
            for _ in 0..times {
                if self.cuts().contains(&commit) {
                    return Err(RepositoryError::Shallow);
                }
                let (_, header) = objects.commit(commit)?;
                let Some(parent) = header.parents.get(which - 1) else { return Ok(None) };
                commit = *parent;
            }
        }
        Ok(Some(commit))
    }

    /// The commit that a full reference name stands for.
    fn named(&self, reference: &str, name: &str) -> Result<Option<Oid>> {
        match self.git.find_reference(reference) {
            Ok(reference) => match self.peeled(&reference)? {
                Some(commit) => Ok(Some(commit)),
                None => Err(self.unknown(name, &self.other(&reference))),
            },
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What a reference names, where it is no commit.
    fn other(&self, reference: &Reference<'_>) -> String {
        match reference.peel(ObjectType::Any).ok().and_then(|object| object.kind()) {
            Some(kind) => format!(": it names a {}", kind.str()),
            None => ": what it names is not here".to_owned(),
        }
    }

    /// The commit behind a reference; `None` where there is something else behind it.
    fn peeled(&self, reference: &Reference<'_>) -> Result<Option<Oid>> {
        let reference = reference.resolve()?;
        // A packed tag says itself what is behind it.
        let found = reference.target_peel().or_else(|| reference.target());
        Ok(found.map(|found| self.peel_object(found)).transpose()?.flatten())
    }

    /// The commit that an object is, or that a tag of it names.
    fn peel_object(&self, found: Oid) -> Result<Option<Oid>> {
        let unreadable = |error| self.explain("commit", found, &error);
        let (_, kind) = self.git.odb()?.read_header(found).map_err(unreadable)?;
        Ok(match kind {
            ObjectType::Commit => Some(found),
            ObjectType::Tag => {
                let tag = self.git.find_object(found, Some(ObjectType::Tag)).map_err(unreadable)?;
                tag.peel(ObjectType::Commit).ok().map(|commit| commit.id())
            }
            _ => None,
        })
    }

    /// The commits whose ids begin so.
    fn by_prefix(&self, prefix: &str) -> Result<BTreeSet<Oid>> {
        let prefix = prefix.to_ascii_lowercase();
        let mut found = BTreeSet::new();
        match self.git.find_object_by_prefix(&prefix, None) {
            Ok(object) => found.extend(self.peel_object(object.id())?),
            Err(error) if error.code() == ErrorCode::Ambiguous => {
                let mut ids = Vec::new();
                self.git.odb()?.foreach(|id| {
                    if id.to_string().starts_with(&prefix) {
                        ids.push(*id);
                    }
                    true
                })?;
                found.extend(ids.into_iter().filter_map(|id| self.peel_object(id).ok().flatten()));
            }
            Err(_) => {}
        }
        Ok(found)
    }

    fn unknown(&self, name: &str, hint: &str) -> RepositoryError {
        RepositoryError::Unknown { name: name.escape_debug().to_string(), hint: hint.to_owned() }
    }

    /// What to do about a full id that is not here.
    fn absent(&self, id: &str) -> String {
        if self.git.is_shallow() {
            return self.near(id);
        }
        match self.remotes().unwrap_or_default().first() {
            Some(_) => format!(": run `git fetch {} {id}`", self.usual_remote()),
            None => String::new(),
        }
    }

    fn near(&self, name: &str) -> String {
        if self.git.is_shallow() {
            return format!(": this clone is shallow; {DEEPEN}");
        }
        let tags = self.tags().unwrap_or_default();
        let near = crate::gate::policy::nearest(name, tags.keys().map(String::as_str));
        // A clone that is behind lacks what was tagged since.
        match self.remotes().unwrap_or_default().first().filter(|_| name.parse::<Version>().is_ok()) {
            Some(_) => {
                let remote = self.usual_remote();
                format!(": where `{remote}` has it, run `git fetch --tags {remote}`{near}")
            }
            None => near,
        }
    }
}
