//! One changed file under examination, and what lies around it. Whatever is read is read once.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::place::Place;
use super::{ChangeKind, PathChange};

/// Files that tell which tools a project uses: asked for again with every migration, so kept.
const MANIFESTS: [&str; 4] = ["Cargo.toml", "Cargo.lock", "package.json", "go.mod"];

/// The longest migration that is judged, in bytes: nobody writes a longer one by hand, and to read it would take long.
const TEXT_MAX: usize = 256 << 10;

/// The files of the candidate commit.
pub(super) struct Library<'r> {
    read: &'r mut dyn FnMut(&str) -> Option<Vec<u8>>,
    manifests: HashMap<String, Option<Rc<str>>>,
    changed: HashSet<&'r str>,
}

impl<'r> Library<'r> {
    /// The files that `read` gives by their path, and the paths that changed.
    pub fn new(changes: &'r [PathChange], read: &'r mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Self {
        let changed = changes.iter().map(|change| change.path.as_str()).collect();
        Self { read, manifests: HashMap::new(), changed }
    }

    /// The text of a file.
    pub fn text(&mut self, path: &str) -> Option<Rc<str>> {
        self.file(path)
    }

    fn file(&mut self, path: &str) -> Option<Rc<str>> {
        (self.read)(path).map(|bytes| Rc::from(String::from_utf8_lossy(&bytes)))
    }

    fn manifest(&mut self, path: String) -> Option<Rc<str>> {
        if let Some(known) = self.manifests.get(&path) {
            return known.clone();
        }
        let text = self.file(&path);
        self.manifests.insert(path, text.clone());
        text
    }

    /// Whether a file only undoes another one. Names such as `x_down.sql` are also given to what tears something
    /// down: they need the file that they would undo.
    pub fn goes_back(&mut self, place: &Place<'_>) -> bool {
        if place.goes_back() {
            return true;
        }
        place.undone().iter().any(|name| {
            let path = place.beside(name);
            self.changed.contains(path.as_str()) || (self.read)(&path).is_some()
        })
    }
}

/// One file under examination.
pub(super) struct Look<'a, 'r> {
    /// Where it is.
    pub place: &'a Place<'a>,
    /// What happened to it.
    pub change: ChangeKind,
    text: Option<Option<Rc<str>>>,
    library: &'a mut Library<'r>,
}

impl<'a, 'r> Look<'a, 'r> {
    /// Begins to look at a file.
    pub fn new(place: &'a Place<'a>, change: ChangeKind, library: &'a mut Library<'r>) -> Self {
        Self { place, change, text: None, library }
    }

    /// The file's own text; a deleted file has none.
    pub fn text(&mut self) -> Option<Rc<str>> {
        if self.text.is_none() {
            let gone = self.change == ChangeKind::Deleted;
            let text = if gone { None } else { self.library.file(self.place.path) };
            self.text = Some(text.filter(|text| text.len() <= TEXT_MAX));
        }
        self.text.clone().flatten()
    }

    /// The text of another file in the same directory.
    pub fn beside(&mut self, name: &str) -> Option<Rc<str>> {
        self.library.file(&self.place.beside(name))
    }

    /// Whether a file of this name lies in the directory above the file's own.
    pub fn above(&mut self, name: &str) -> bool {
        let Some((_, before)) = self.place.parts.split_last() else { return false };
        let path = before.iter().chain([&name]).copied().collect::<Vec<_>>().join("/");
        self.library.file(&path).is_some()
    }

    /// Whether a manifest of the project here, or in a directory above, has one of these words.
    pub fn project_uses(&mut self, manifests: &[&str], words: &[&str]) -> bool {
        let parts = &self.place.parts;
        (0..=parts.len()).rev().any(|depth| {
            let directory = parts[..depth].iter().map(|part| format!("{part}/")).collect::<String>();
            manifests.iter().any(|name| {
                debug_assert!(MANIFESTS.contains(name));
                let text = self.library.manifest(format!("{directory}{name}"));
                text.is_some_and(|text| words.iter().any(|word| text.contains(word)))
            })
        })
    }

    /// Whether a Rust project here or above depends on this crate.
    pub fn crate_uses(&mut self, name: &str) -> bool {
        let locked = format!("name = \"{name}\"");
        self.project_uses(&["Cargo.toml"], &[name]) || self.project_uses(&["Cargo.lock"], &[&locked])
    }
}
