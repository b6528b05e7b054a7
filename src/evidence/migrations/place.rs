//! A path, taken apart once.

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
}

impl<'a> Place<'a> {
    /// Takes a path apart.
    pub fn of(path: &'a str) -> Self {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        Self { path, parts, name, extension }
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
    pub fn digits(&self) -> usize {
        self.name.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// Whether the name is digits, an underscore and more: `0001_initial.py`.
    pub fn numbered(&self) -> bool {
        let digits = self.digits();
        digits > 0 && self.name[digits..].starts_with(['_', '-'])
    }

    /// The `V1.2` of `V1.2__add.sql`, when the name starts with one of these letters.
    pub fn versioned(&self, letters: &[char]) -> Option<&'a str> {
        let (version, _) = self.name.split_once("__")?;
        let digits = version.strip_prefix(letters)?;
        let inner = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'_');
        (digits.bytes().next().is_some_and(|b| b.is_ascii_digit()) && digits.bytes().all(inner))
            .then_some(version)
    }

    /// Whether the file only undoes another one.
    pub fn goes_back(&self) -> bool {
        let stem = self.name.strip_suffix(".sql").or_else(|| self.name.strip_suffix(".fizz"));
        stem.is_some_and(|stem| {
            matches!(stem, "down" | "rollback" | "undo" | "revert")
                || [".down", "_down", "-down", ".rollback", "_rollback", ".undo"]
                    .iter()
                    .any(|end| stem.ends_with(end))
        })
    }

    /// Installed or compiled copies, and the toy application of a Rails engine: they reach no production database.
    pub fn foreign(&self) -> bool {
        self.under("node_modules")
            || self.under("dist")
            || self.under_pair(|a, b| (a == "test" || a == "spec") && b == "dummy")
            || self.under_pair(|a, b| a == "src" && b == "test")
    }
}
