//! The sources of this repository, read from disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;

/// One Rust source.
pub(super) struct Source {
    /// From the repository's root, with `/`.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl Source {
    /// The file's name without its end.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// Every line with its number.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines before the tests at the file's end, without comments.
    pub(super) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.starts_with("src/") && self.path.ends_with("/tests.rs");
        self.numbered()
            .take_while(move |(_, line)| !is_test && *line != "#[cfg(test)]")
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository; it must be there.
#[track_caller]
pub(super) fn repository(path: &str) -> String {
    match fs::read_to_string(root().join(path)) {
        Ok(text) => text,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Every Rust source of the repository.
pub(super) fn all() -> impl Iterator<Item = Source> {
    let walk = ["src", "tests", "benches", "examples"].map(|dir| root().join(dir)).into_iter();
    let files = walk.filter(|dir| dir.is_dir()).flat_map(|dir| WalkDir::new(dir).sort_by_file_name());
    let paths = files.map(|entry| entry.expect("a readable directory").into_path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "rs")).map(|path: PathBuf| {
        let relative = path.strip_prefix(root()).expect("a path below the root");
        let relative = relative.to_str().expect("a name of ASCII").to_owned();
        Source { text: repository(&relative), path: relative }
    })
}

/// Every text that git tracks, with its path.
#[expect(clippy::disallowed_methods, reason = "git knows what belongs to the repository")]
pub(super) fn tracked() -> Vec<(String, String)> {
    let mut git = Command::new("git");
    let output = git
        .arg("-C")
        .arg(root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output();
    let output = output.expect("git");
    assert!(output.status.success(), "this is no git repository");
    let paths = String::from_utf8(output.stdout).expect("names of UTF-8");
    let text = |path: &str| fs::read_to_string(root().join(path)).ok();
    paths.split('\0').filter_map(|path| Some((path.to_owned(), text(path)?))).collect()
}

/// What stands between an opening line and the `}` at the same depth.
pub(super) fn block(text: &str, opening: &str) -> Option<String> {
    let start = text.lines().position(|line| line.trim_end().ends_with(opening))?;
    let lines: Vec<&str> = text.lines().skip(start).collect();
    let depth = lines.first()?.len() - lines.first()?.trim_start().len();
    let end = lines.iter().position(|line| line.trim_end() == format!("{}}}", " ".repeat(depth)))?;
    Some(lines.get(1..end)?.join("\n"))
}
