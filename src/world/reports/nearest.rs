//! Reports that no glob named: the nearest ones help to correct the glob.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::Format;

/// How many are named.
const NAMED_MAX: usize = 3;
/// How many entries of directories are looked at, and how deep: it must stay quick in the largest repository.
const ENTRIES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 8;
/// How many candidates are opened, and how much of each is read, in bytes.
const OPENED_MAX: usize = 50;
const HEAD: u64 = 1024;
/// Directories of other people's files.
const SKIPPED: [&str; 5] = [".git", "node_modules", ".venv", "vendor", ".tox"];

/// The reports below `home` that are most like the globs, best first, relative to it. A help and no evidence: what
/// cannot be read is left out.
pub(super) fn reports(home: &Path, format: Format, globs: &[String]) -> Vec<PathBuf> {
    let mut found: Vec<(f64, PathBuf)> = WalkDir::new(home)
        .min_depth(1)
        .max_depth(DEPTH_MAX)
        .into_iter()
        .filter_entry(|entry| !is_skipped(entry))
        .take(ENTRIES_MAX)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && has_extension(entry, format))
        .filter_map(|entry| entry.path().strip_prefix(home).map(Path::to_path_buf).ok())
        .map(|path| (likeness(&path, globs), path))
        .collect();
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let paths = found.into_iter().map(|(_, path)| path).take(OPENED_MAX);
    paths.filter(|path| begins_as(&home.join(path), format)).take(NAMED_MAX).collect()
}

fn is_skipped(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.file_name().to_str().is_some_and(|name| SKIPPED.contains(&name))
}

fn has_extension(entry: &DirEntry, format: Format) -> bool {
    let wanted = match format {
        Format::Junit => "xml",
        Format::Tap => "tap",
    };
    Path::new(entry.file_name()).extension().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

fn likeness(path: &Path, globs: &[String]) -> f64 {
    let path = path.to_string_lossy();
    globs.iter().map(|glob| strsim::jaro_winkler(glob, &path)).fold(0.0, f64::max)
}

/// Whether the first bytes are those of a report.
fn begins_as(path: &Path, format: Format) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    read.is_ok()
        && match format {
            Format::Junit => head.contains("<testsuite"),
            Format::Tap => head.lines().any(|line| {
                ["TAP version ", "1..", "ok ", "not ok "].iter().any(|start| line.starts_with(start))
            }),
        }
}
