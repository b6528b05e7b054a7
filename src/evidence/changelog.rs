//! A project's own changelog: which of its sections tell of the way from one version to another, and what is new in it.

mod clean;
mod heading;
mod lines;
mod name;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;

use self::lines::Section;
use self::name::Name;
use super::commits::Breaking;

/// The largest changelog that is read, in bytes: three times the largest one of a well-known project.
pub const CHANGELOG_MAX: usize = 4 << 20;

/// The names of changelogs without their extensions, the best first.
const NAMES: [&str; 5] = ["changelog", "changes", "history", "news", "releases"];
/// Their extensions, the best first.
const EXTENSIONS: [&str; 5] = ["md", "markdown", "rst", "txt", ""];

/// What a changelog says of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// Where it is in the candidate.
    pub path: String,
    /// Why these sections.
    pub basis: Basis,
    /// The names of the sections that were used, as they are written.
    pub sections: Vec<String>,
    /// What they say, in the order of the file.
    pub entries: Vec<Entry>,
    /// Entries that were written into older sections since the previous commit.
    pub late: Vec<Entry>,
    /// Whether the file changed since the previous commit; unknown where there is none, or no such file.
    pub changed: Option<bool>,
    /// What a reader should know of the choice.
    pub notes: Vec<String>,
}

/// Why an [`Excerpt`] has the sections that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The candidate's version is named: its own section and those since the previous version.
    Named,
    /// It is not, but something newer than the previous version is, or something not released yet.
    Unreleased,
    /// Nothing of it is, but these sections were not there before.
    Written,
    /// Nothing fits.
    Nothing,
    /// It is not a text, or too large.
    Unreadable,
}

/// One thing that a changelog says. Every text in it is foreign: it is escaped where it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The section's name as it is written: `1.4.0`, `Unreleased`.
    pub section: String,
    /// The heading above it: `Added`. Empty without one.
    pub group: String,
    /// Its words, without the targets of links.
    pub text: String,
    /// Whether it says that it breaks something.
    pub breaking: Breaking,
}

impl Excerpt {
    /// The answer for a changelog that the policy names and the candidate does not have.
    #[must_use]
    pub fn missing(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            basis: Basis::Unreadable,
            sections: vec![],
            entries: vec![],
            late: vec![],
            changed: None,
            notes: vec!["the candidate has no such file".to_owned()],
        }
    }
}

impl Entry {
    /// Its words without the label `Breaking:`, for where another one says that already.
    #[must_use]
    pub fn unlabelled(&self) -> &str {
        let labels = ["breaking changes:", "breaking change:", "breaking:"];
        let has = |label: &&&str| {
            self.text.get(..label.len()).is_some_and(|start| start.eq_ignore_ascii_case(label))
        };
        let rest = labels.iter().find(has).map_or("", |label| self.text[label.len()..].trim_start());
        if rest.is_empty() { &self.text } else { rest }
    }
}

/// What is asked of a changelog.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The candidate's version or tag.
    pub version: &'a str,
    /// The version that the range begins after, where that is known by name.
    pub previous: Option<&'a str>,
    /// The file as it was before the range.
    pub before: Option<&'a [u8]>,
}

/// How good a file name is for a changelog, the least being the best; none when it is no name for one.
#[must_use]
pub fn rank(file: &str) -> Option<usize> {
    let lower = file.to_ascii_lowercase();
    let (stem, extension) = lower.rsplit_once('.').unwrap_or((&lower, ""));
    let name = NAMES.iter().position(|name| *name == stem)?;
    let extension = EXTENSIONS.iter().position(|known| *known == extension)?;
    // A plain `ChangeLog` is most often the commits once more, and a bare `releases` a program.
    (!(extension == 4 && matches!(stem, "changelog" | "releases")))
        .then_some(name * EXTENSIONS.len() + extension)
}

/// Reads a changelog and chooses what it says of the candidate. Total: any bytes give an answer.
#[must_use]
pub fn excerpt(path: &str, bytes: &[u8], question: &Question<'_>) -> Excerpt {
    let mut excerpt = Excerpt {
        path: path.to_owned(),
        basis: Basis::Nothing,
        sections: vec![],
        entries: vec![],
        late: vec![],
        changed: question.before.map(|before| before != bytes),
        notes: vec![],
    };
    let text = match decode(bytes) {
        Ok(text) => text,
        Err(why) => {
            excerpt.basis = Basis::Unreadable;
            excerpt.notes.push(why);
            return excerpt;
        }
    };
    let plain_text =
        !path.to_ascii_lowercase().ends_with(".md") && !path.to_ascii_lowercase().ends_with(".markdown");
    let sections = lines::read(&text, plain_text);
    let before = question.before.and_then(|before| decode(before).ok());
    let before = before.map(|before| Known::of(&lines::read(&before, plain_text)));
    Chooser { sections: &sections, before: before.as_ref(), question }.choose(&mut excerpt);
    excerpt
}

fn decode(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() > CHANGELOG_MAX {
        return Err(format!("it is larger than {} MiB", CHANGELOG_MAX >> 20));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.contains(&0) {
        return Err("it is not a text file".to_owned());
    }
    // A lone carriage return ends a line, too: on a terminal the rest would overwrite it.
    Ok(String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n"))
}

/// What a changelog said before.
struct Known {
    titles: BTreeSet<String>,
    entries: BTreeSet<(String, String)>,
}

impl Known {
    fn of(sections: &[Section]) -> Self {
        let entries = |section: &Section| {
            let title = section.name.title.to_lowercase();
            section.entries.iter().map(move |entry| (title.clone(), entry.text.clone())).collect::<Vec<_>>()
        };
        Self {
            titles: sections.iter().map(|section| section.name.title.to_lowercase()).collect(),
            entries: sections.iter().flat_map(entries).collect(),
        }
    }

    fn had_section(&self, section: &Section) -> bool {
        self.titles.contains(&section.name.title.to_lowercase())
    }

    fn had(&self, section: &Section, text: &str) -> bool {
        self.entries.contains(&(section.name.title.to_lowercase(), text.to_owned()))
    }
}

struct Chooser<'a> {
    sections: &'a [Section],
    before: Option<&'a Known>,
    question: &'a Question<'a>,
}

impl Chooser<'_> {
    fn choose(&self, excerpt: &mut Excerpt) {
        let wanted = Name::read(self.question.version);
        let own = wanted.as_ref().and_then(|wanted| self.named(wanted));
        let previous = self.question.previous.and_then(Name::read);
        let previous = previous.filter(|previous| self.named(previous).is_some());
        let (basis, chosen) = match (&wanted, own) {
            (Some(wanted), Some(own)) => (Basis::Named, self.up_to(wanted, own, previous.as_ref(), excerpt)),
            _ => self.without_a_name(wanted.as_ref(), previous.as_ref()),
        };
        excerpt.basis = basis;
        let newly = basis == Basis::Unreleased;
        for at in &chosen {
            self.take(&self.sections[*at], newly, excerpt);
        }
        self.late(&chosen, excerpt);
        self.say(&chosen, excerpt);
    }

    fn named(&self, name: &Name) -> Option<usize> {
        self.sections
            .iter()
            .position(|section| section.name.name.as_ref().is_some_and(|other| other.same(name)))
    }

    /// The sections after the previous version up to the candidate's own; without a previous one, its own.
    fn up_to(&self, wanted: &Name, own: usize, previous: Option<&Name>, excerpt: &mut Excerpt) -> Vec<usize> {
        let Some(previous) = previous else { return vec![own] };
        if previous.newer(wanted) != Some(Ordering::Less) {
            excerpt.notes.push(format!(
                "section {} is not newer than {}",
                self.sections[own].name.title,
                self.question.previous.unwrap_or_default()
            ));
            return vec![];
        }
        self.between(previous, |name| matches!(name.newer(wanted), Some(Ordering::Less | Ordering::Equal)))
    }

    fn between(&self, previous: &Name, until: impl Fn(&Name) -> bool) -> Vec<usize> {
        let inside = |section: &Section| {
            let name = section.name.name.as_ref();
            name.is_some_and(|name| name.newer(previous) == Some(Ordering::Greater) && until(name))
        };
        (0..self.sections.len()).filter(|at| inside(&self.sections[*at])).collect()
    }

    /// What is not released yet, and versions between the two; else sections that were not there before.
    fn without_a_name(&self, wanted: Option<&Name>, previous: Option<&Name>) -> (Basis, Vec<usize>) {
        let waiting = (0..self.sections.len()).filter(|at| {
            let name = &self.sections[*at].name;
            name.name.is_none() && name.unreleased
        });
        let until = |name: &Name| wanted.is_none_or(|wanted| name.newer(wanted) == Some(Ordering::Less));
        let mut chosen: BTreeSet<usize> = waiting.collect();
        chosen.extend(previous.map(|previous| self.between(previous, until)).unwrap_or_default());
        if !chosen.is_empty() {
            return (Basis::Unreleased, chosen.into_iter().collect());
        }
        let Some(before) = self.before else { return (Basis::Nothing, vec![]) };
        let written: Vec<usize> =
            (0..self.sections.len()).filter(|at| !before.had_section(&self.sections[*at])).collect();
        if written.is_empty() { (Basis::Nothing, vec![]) } else { (Basis::Written, written) }
    }

    /// Takes a section's entries. Of what waits for a release, what waited before the range already is live.
    fn take(&self, section: &Section, newly: bool, excerpt: &mut Excerpt) {
        let waits = newly && section.name.name.is_none();
        let known = |text: &str| waits && self.before.is_some_and(|before| before.had(section, text));
        excerpt.sections.push(section.name.title.clone());
        if section.name.yanked {
            excerpt.notes.push(format!("section {} says that it was yanked", section.name.title));
        }
        let all = section.entries.len();
        let new = section.entries.iter().filter(|entry| !known(&entry.text));
        let taken: Vec<Entry> = new.map(|entry| told(section, entry)).collect();
        if taken.len() < all {
            excerpt.notes.push(format!(
                "{} of section {} {} there before, and {} left out",
                counted(all - taken.len()),
                section.name.title,
                if all - taken.len() == 1 { "was" } else { "were" },
                if all - taken.len() == 1 { "is" } else { "are" },
            ));
        }
        excerpt.entries.extend(taken);
    }

    /// Entries that appeared in sections which were there before and are not the candidate's.
    fn late(&self, chosen: &[usize], excerpt: &mut Excerpt) {
        let Some(before) = self.before else { return };
        let old = self.sections.iter().enumerate().filter(|(at, section)| {
            !chosen.contains(at) && section.name.name.is_some() && before.had_section(section)
        });
        for (_, section) in old {
            let new = section.entries.iter().filter(|entry| !before.had(section, &entry.text));
            excerpt.late.extend(new.map(|entry| told(section, entry)));
        }
    }

    fn say(&self, chosen: &[usize], excerpt: &mut Excerpt) {
        let waiting = self.sections.iter().enumerate().filter(|(at, section)| {
            !chosen.contains(at) && section.name.name.is_none() && section.name.unreleased
        });
        let waiting: usize = waiting.map(|(_, section)| section.entries.len()).sum();
        if excerpt.basis == Basis::Named && waiting > 0 {
            excerpt.notes.push(format!("section Unreleased has {} more", counted(waiting)));
        }
        if self.question.before.is_some() && excerpt.changed == Some(true) && excerpt.basis == Basis::Named {
            let known = |entry: &Entry| {
                let section = self.sections.iter().find(|section| section.name.title == entry.section);
                section.zip(self.before).is_some_and(|(section, before)| before.had(section, &entry.text))
            };
            let stale = excerpt.entries.iter().filter(|entry| known(entry)).count();
            if stale > 0 {
                excerpt
                    .notes
                    .push(format!("{} of these stood there before the range already", counted(stale)));
            }
        }
    }
}

fn told(section: &Section, entry: &lines::Entry) -> Entry {
    Entry {
        section: section.name.title.clone(),
        group: entry.group.clone(),
        text: entry.text.clone(),
        breaking: entry.breaking,
    }
}

fn counted(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

#[cfg(test)]
mod tests;
