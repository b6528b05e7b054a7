//! A path, taken apart once.

use std::ops::Range;

/// A path inside the repository.
pub(super) struct Place<'a> {
    /// All of it.
    pub path: &'a str,
    /// The directories, outermost first.
    pub parts: Vec<&'a str>,
    /// The file's name.
    pub name: &'a str,
    /// What follows the last dot of the name, or nothing.
    pub extension: &'a str,
    /// How many digits the name starts with.
    digits: usize,
}

impl<'a> Place<'a> {
    /// Takes a path apart.
    pub fn of(path: &'a str) -> Self {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        Self { path, parts, name, extension, digits }
    }

    /// The path of another file in the same directory.
    pub fn beside(&self, name: &str) -> String {
        format!("{}{name}", &self.path[..self.path.len() - self.name.len()])
    }

    /// The name of the directory that holds the file.
    pub fn parent(&self) -> &'a str {
        self.parts.last().copied().unwrap_or_default()
    }

    /// Whether any directory above has this name.
    pub fn under(&self, part: &str) -> bool {
        self.parts.contains(&part)
    }

    /// Whether these two directories follow each other above the file.
    pub fn under_pair(&self, fits: impl Fn(&str, &str) -> bool) -> bool {
        self.parts.windows(2).any(|pair| fits(pair[0], pair[1]))
    }

    /// How many digits the name starts with.
    pub const fn digits(&self) -> usize {
        self.digits
    }

    /// The digits at the start of the name that tells it from others: `20180114` of `20180114_a/up.sql`.
    pub fn version(&self) -> &'a str {
        let title = super::title_of(self.path);
        &title[..title.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count()]
    }

    /// Whether the name is digits, an underscore and more: `0001_initial.py`.
    pub fn numbered(&self) -> bool {
        self.digits > 0 && self.name[self.digits..].starts_with(['_', '-'])
    }

    /// The `V1.2` of `V1.2__add.sql`, when the name starts with one of these letters.
    pub fn versioned(&self, letters: &[char]) -> Option<&'a str> {
        // Nearly every name ends the question with its first letter.
        self.name.starts_with(letters).then_some(())?;
        let (version, _) = self.name.split_once("__")?;
        let digits = version.strip_prefix(letters)?;
        let inner = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'_');
        (digits.bytes().next().is_some_and(|b| b.is_ascii_digit()) && digits.bytes().all(inner))
            .then_some(version)
    }

    /// Whether the name holds a time or a date: six digits in a row, as in `Migration20240101` or `m150101_…`.
    pub fn dated(&self) -> bool {
        self.name.as_bytes().windows(6).any(|window| window.iter().all(u8::is_ascii_digit))
    }

    /// Whether the directory of the file, or the one above it, is one for migrations.
    pub fn in_migrations(&self) -> bool {
        self.parts.iter().rev().take(2).any(|part| migrations(part))
    }

    /// Whether the name carries a database's: `x.postgres.up.sql`.
    pub fn dialect(&self) -> bool {
        self.name.split('.').any(|part| DIALECTS.contains(&part))
    }

    /// The name without the end of a file that may be one of a pair.
    fn stem(&self) -> Option<&'a str> {
        let known = matches!(self.extension, "sql" | "fizz" | "json" | "js" | "ts" | "cql");
        self.name.strip_suffix(self.extension)?.strip_suffix('.').filter(|_| known)
    }

    /// Whether the file only undoes another one, by its name alone.
    pub fn goes_back(&self) -> bool {
        let back = |word: &str| matches!(word, "down" | "rollback" | "undo" | "revert");
        let Some(stem) = self.stem() else { return false };
        back(stem)
            || [".down", ".rollback", ".undo", ".revert"].iter().any(|end| stem.ends_with(end))
            || back(self.parent()) && self.parts.iter().any(|part| migrations(part))
    }

    /// The names of the files that this one would undo, where its name says so less plainly: `x_down.sql`, and Flyway's
    /// `U1__x.sql`, which other tools run forward.
    pub fn undone(&self) -> Vec<String> {
        let Some(stem) = self.stem() else { return vec![] };
        if self.versioned(&['U']).is_some() {
            return vec![format!("V{}", &self.name[1..])];
        }
        let ends = ["_down", "-down", "_rollback", "-rollback", "_undo", "-undo"];
        let Some((stem, end)) = ends.iter().find_map(|end| Some((stem.strip_suffix(end)?, *end))) else {
            return vec![];
        };
        let up = if end.starts_with('_') { "_up" } else { "-up" };
        ["", up].map(|up| format!("{stem}{up}.{}", self.extension)).to_vec()
    }

    /// Installed or compiled copies, tests and the toy application of a Rails engine: they reach no production
    /// database. Only what stands above the directory for migrations counts: below it, teams sort as they like.
    pub fn foreign(&self) -> bool {
        let above = self.parts.iter().position(|part| migrations(part)).unwrap_or(self.parts.len());
        let above = &self.parts[..above];
        let vendored = self.extension != "rb" && above.contains(&"vendor");
        vendored || above.iter().any(|part| FOREIGN.contains(part))
    }

    /// Whether the file lies where teams put migrations away: `db/old_migrations`, `migrations/archive`.
    pub fn put_away(&self) -> bool {
        let old = |part: &str| {
            let part = part.to_ascii_lowercase();
            ["old_", "old-", "archived_"].iter().any(|start| part.starts_with(start)) && migrations(&part)
        };
        let below = self.parts.iter().skip_while(|part| !migrations(part));
        let archive = |part: &&&str| matches!(**part, "archive" | "archived" | "_archive" | "old");
        self.parts.iter().any(|part| old(part)) || below.skip(1).any(|part| archive(&part))
    }
}

/// Directories that hold no migrations of the project's own, wherever they stand.
const FOREIGN: [&str; 15] = [
    "node_modules",
    "bower_components",
    "site-packages",
    ".venv",
    "dist",
    "test",
    "tests",
    "spec",
    "specs",
    "__tests__",
    "__fixtures__",
    "fixtures",
    "test-files",
    "test_files",
    "e2e",
];

/// Databases, as projects that support several name a directory or a part of a file's name.
const DIALECTS: [&str; 17] = [
    "cockroach",
    "cockroachdb",
    "clickhouse",
    "h2",
    "mariadb",
    "mssql",
    "mysql",
    "oracle",
    "pg",
    "pgsql",
    "postgres",
    "postgresql",
    "psql",
    "sqlite",
    "sqlite3",
    "sqlserver",
    "tidb",
];

/// Where a path names a database: a directory, or a part of a name such as `x.postgres.up.sql`.
pub(super) fn database(path: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for part in path.split_inclusive(['/', '.']) {
        let name = part.trim_end_matches(['/', '.']);
        if name.len() < part.len() && DIALECTS.contains(&name.to_ascii_lowercase().as_str()) {
            return Some(start..start + name.len());
        }
        start += part.len();
    }
    None
}

/// Whether a directory's name says that it holds migrations: `migrations`, `migration_postgres`, `db-migrate`.
pub(super) fn migrations(directory: &str) -> bool {
    const WORD: &[u8] = b"migrat";
    let says = |bytes: &[u8], word: &[u8]| {
        bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if !directory.as_bytes().windows(WORD.len()).any(|window| window.eq_ignore_ascii_case(WORD)) {
        return false;
    }
    // `immigration` and `emigration` are words of their own.
    let other = |word: &[u8]| says(word, b"immigra") || says(word, b"emigra");
    !directory.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()).any(other)
}
