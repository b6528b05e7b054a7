//! The files of a synthetic project: sources in nested directories, migrations, a lockfile, a changelog.

use std::collections::VecDeque;

use super::dice::Dice;
use super::wording::{AREAS, thing};

/// Files of the first commit.
const FILES_FIRST: usize = 300;
/// Files of the last commit, however many lie between: so that histories of different lengths compare.
const FILES_LAST: usize = 2_000;
/// Releases that the changelog still tells of.
const TOLD: usize = 40;

/// A source file: each line is the seed of its words.
struct File {
    path: String,
    lines: Vec<u64>,
}

/// A package of the lockfile.
struct Package {
    name: String,
    patch: usize,
    direct: bool,
}

/// All files at one moment.
pub struct Tree {
    files: Vec<File>,
    made: usize,
    packages: Vec<Package>,
    migrations: usize,
    releases: VecDeque<String>,
}

/// What a commit does to one path.
pub enum Edit {
    /// The path has this content now.
    Write(String, String),
    /// The path is gone.
    Delete(String),
    /// The path has another name.
    Rename(String, String),
}

impl Tree {
    /// The files of the first commit, with the edits that make them.
    pub fn first(dice: &mut Dice) -> (Self, Vec<Edit>) {
        let packages = (0..60).map(|number| package(number, number % 4 == 0)).collect();
        let mut tree = Self { files: vec![], made: 0, packages, migrations: 0, releases: VecDeque::from([]) };
        let mut edits: Vec<Edit> = (0..FILES_FIRST).map(|_| tree.make(dice)).collect();
        edits.extend(tree.dependencies());
        edits.push(tree.changelog("v0.0.0".to_owned(), dice));
        (tree, edits)
    }

    /// What the commit of this number does, of so many in all. `apart`: nothing is renamed or deleted.
    pub fn step(&mut self, number: usize, of: usize, apart: bool, dice: &mut Dice) -> Vec<Edit> {
        let mut edits = Vec::new();
        if self.files.len() < FILES_FIRST + (FILES_LAST - FILES_FIRST) * number / of {
            edits.push(self.make(dice));
        }
        if number.is_multiple_of(200) {
            edits.extend(self.migrate(dice));
        }
        if dice.in_every(40) {
            self.depend(dice);
            edits.extend(self.dependencies());
        }
        match dice.below(300) {
            0 | 1 if !apart => edits.push(self.delete(dice)),
            2..=4 if !apart => edits.push(self.rename(dice)),
            _ => {}
        }
        // Two thirds of the commits stay near one file.
        let near = dice.below(self.files.len());
        let spread = if dice.in_every(3) { self.files.len() } else { 8 };
        for _ in 0..[1, 1, 1, 2, 2, 3, 5][dice.below(7)] {
            let at = (near + dice.below(spread) * AREAS.len()) % self.files.len();
            edits.push(self.edit(at, dice));
        }
        edits
    }

    /// A release is told in the changelog.
    pub fn changelog(&mut self, version: String, dice: &mut Dice) -> Edit {
        let lines = (0..6).map(|_| format!("- {}\n", thing(dice))).collect::<String>();
        self.releases.push_front(format!("## {version}\n\n### Fixed\n{lines}\n"));
        self.releases.truncate(TOLD);
        let text = self.releases.iter().map(String::as_str).collect::<String>();
        Edit::Write("CHANGELOG.md".to_owned(), format!("# Changelog\n\n{text}"))
    }

    fn make(&mut self, dice: &mut Dice) -> Edit {
        let area = AREAS[self.made % AREAS.len()];
        let part = AREAS[self.made / AREAS.len() % 9];
        let path = format!("services/{area}/src/{part}/step_{:04}.rs", self.made);
        self.made += 1;
        let lines = (0..20 + dice.below(40)).map(|_| dice.next()).collect();
        self.files.push(File { path, lines });
        self.write(self.files.len() - 1)
    }

    fn write(&self, at: usize) -> Edit {
        let file = &self.files[at];
        Edit::Write(file.path.clone(), file.lines.iter().map(|seed| line(*seed)).collect())
    }

    fn edit(&mut self, at: usize, dice: &mut Dice) -> Edit {
        let lines = &mut self.files[at].lines;
        for _ in 0..1 + dice.below(3) {
            let place = dice.below(lines.len());
            match dice.below(4) {
                0 if lines.len() < 90 => lines.insert(place, dice.next()),
                1 if lines.len() > 20 => drop(lines.remove(place)),
                _ => lines[place] = dice.next(),
            }
        }
        self.write(at)
    }

    fn delete(&mut self, dice: &mut Dice) -> Edit {
        let at = dice.below(self.files.len());
        Edit::Delete(self.files.swap_remove(at).path)
    }

    fn rename(&mut self, dice: &mut Dice) -> Edit {
        let at = dice.below(self.files.len());
        let file = &mut self.files[at];
        let moved = file.path.replace("step_", "step_x");
        let from = std::mem::replace(&mut file.path, moved.clone());
        Edit::Rename(from, moved)
    }

    fn migrate(&mut self, dice: &mut Dice) -> Vec<Edit> {
        self.migrations += 1;
        let table = AREAS[dice.below(AREAS.len())];
        let dir = format!("migrations/{:06}_{table}", self.migrations);
        let column = format!("column_{}", self.migrations);
        let mut edits = vec![Edit::Write(
            format!("{dir}/up.sql"),
            format!("ALTER TABLE {table} ADD COLUMN {column} TEXT;\n"),
        )];
        // One in five cannot be undone.
        if !dice.in_every(5) {
            let down = format!("ALTER TABLE {table} DROP COLUMN {column};\n");
            edits.push(Edit::Write(format!("{dir}/down.sql"), down));
        }
        edits
    }

    fn depend(&mut self, dice: &mut Dice) {
        let at = dice.below(self.packages.len());
        self.packages[at].patch += 1;
        if self.packages.len() < 300 && dice.in_every(4) {
            self.packages.push(package(self.packages.len(), dice.in_every(4)));
        }
    }

    fn dependencies(&self) -> [Edit; 2] {
        let mut manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[dependencies]\n".to_owned();
        let mut lock = "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n".to_owned();
        for Package { name, patch, direct } in &self.packages {
            if *direct {
                manifest.push_str(&format!("{name} = \"1\"\n"));
            }
            let source = "source = \"registry+https://example.org/index\"\n";
            lock.push_str(&format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.{patch}\"\n{source}"));
        }
        [Edit::Write("Cargo.toml".to_owned(), manifest), Edit::Write("Cargo.lock".to_owned(), lock)]
    }
}

fn package(number: usize, direct: bool) -> Package {
    Package { name: format!("package-{number:03}"), patch: 0, direct }
}

/// A line of a source, from its seed.
fn line(seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let depth = "    ".repeat(dice.below(4));
    format!("{depth}let value_{} = {:?}; // {}\n", dice.below(900), thing(&mut dice), thing(&mut dice))
}
