//! Who wrote the commits of a range: each person once, by name, whatever address a commit carries.

use std::collections::{BTreeMap, HashSet};

use super::Change;

/// The largest `.mailmap` that is read, in bytes; the Linux kernel's has 40,000.
const MAILMAP_MAX: usize = 1 << 20;

/// A project's own list of who is who, as `git help gitmailmap` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailmap {
    /// By the address of the commit and, where the line gives it, the name, both in lower case.
    rules: BTreeMap<(String, Option<String>), Proper>,
}

/// What a line of it puts in the place of what a commit says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Proper {
    name: Option<String>,
    email: Option<String>,
}

impl Mailmap {
    /// Reads the file; a line that is none is left out.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut rules = BTreeMap::new();
        if bytes.len() > MAILMAP_MAX {
            return Self::default();
        }
        for line in String::from_utf8_lossy(bytes).lines() {
            let line = line.split_once('#').map_or(line, |(line, _)| line);
            let Some((name, rest)) = line.split_once('<') else { continue };
            let Some((email, rest)) = rest.split_once('>') else { continue };
            let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
            let email = email.trim().to_owned();
            let second = rest.split_once('<').and_then(|(old, rest)| Some((old, rest.split_once('>')?.0)));
            match second {
                Some((old, address)) => {
                    let old = Some(old.trim().to_lowercase()).filter(|old| !old.is_empty());
                    rules.insert((address.trim().to_lowercase(), old), Proper { name, email: Some(email) });
                }
                None => {
                    rules.insert((email.to_lowercase(), None), Proper { name, email: None });
                }
            }
        }
        Self { rules }
    }

    fn proper<'a>(&'a self, name: &'a str, email: &'a str) -> (&'a str, &'a str) {
        if self.rules.is_empty() {
            return (name, email);
        }
        let address = email.to_lowercase();
        let exact = self.rules.get(&(address.clone(), Some(name.to_lowercase())));
        match exact.or_else(|| self.rules.get(&(address, None))) {
            Some(proper) => {
                (proper.name.as_deref().unwrap_or(name), proper.email.as_deref().unwrap_or(email))
            }
            None => (name, email),
        }
    }
}

/// The names of the authors, and of the co-authors that wrote no commit of their own, in the order of the commits.
///
/// The same address or the same name, in any case, is the same person.
#[must_use]
pub fn authors(changes: &[Change], mailmap: &Mailmap) -> (Vec<String>, Vec<String>) {
    let mut seen = Seen::default();
    let mut names = Vec::new();
    // Few people write ten thousand commits: who stands there as before is not looked at again.
    let mut known = HashSet::new();
    for change in changes.iter().filter(|change| known.insert((&change.author, &change.email))) {
        names.extend(seen.first(mailmap.proper(&change.author, &change.email)));
    }
    let helpers = changes.iter().flat_map(|change| &change.co_authors);
    let helpers =
        helpers.filter_map(|helper| seen.first(mailmap.proper(&helper.name, &helper.email))).collect();
    (names, helpers)
}

/// Who was met already, by name and by address.
#[derive(Default)]
struct Seen(HashSet<String>);

impl Seen {
    /// The name, when nobody with this name or address was met before.
    fn first(&mut self, (name, email): (&str, &str)) -> Option<String> {
        // A blank keeps names and addresses apart: no address begins with one.
        let by_name = format!(" {}", name.trim().to_lowercase());
        let by_email = email.trim().to_lowercase();
        // Without a name the address tells people apart, and without both they are one.
        let new_name = by_name.len() == 1 && !by_email.is_empty() || self.0.insert(by_name);
        let new_email = by_email.is_empty() || self.0.insert(by_email);
        let new = new_name && new_email;
        new.then(|| if name.trim().is_empty() { "(no name)".to_owned() } else { name.trim().to_owned() })
    }
}
