//! Test reports on disk: finds the files that the policy's globs name, and reads them.

mod nearest;

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};
use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use crate::evidence::junit::{self, Report, Verdict};
use crate::evidence::tap;

/// Directories that are never entered unless a glob names them: they are large, and hold other people's reports or
/// those of an earlier build.
const SKIPPED: [&str; 3] = [".git", "node_modules", "target"];
/// How much of a report is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// What is written in the reports of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JUnit XML of any producer.
    Junit,
    /// The Test Anything Protocol.
    Tap,
}

/// Why it could not be found out which reports there are.
#[derive(Debug, thiserror::Error)]
pub enum ReportsError {
    /// The glob cannot be read.
    #[error("the glob `{glob}` is not valid: {source}; correct it in `deployctl.yaml`")]
    Glob {
        /// The glob as written in the policy.
        glob: String,
        /// What the parser says.
        source: globset::Error,
    },
    /// The glob points out of the repository.
    #[error(
        "the glob `{glob}` names no place inside the repository: write it relative to the root, without `..`"
    )]
    Outside {
        /// The glob as written in the policy.
        glob: String,
    },
    /// A directory cannot be listed, so a failed report could hide in it.
    #[error("could not look for reports in `{path}`: {source}; make it readable")]
    Walk {
        /// The directory, escaped.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// The reports of one check, found and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The matched files, relative to the root, sorted, with visible escapes for what cannot be shown. Empty when
    /// nothing matched: then there is no evidence, and the report is [`Verdict::Empty`].
    pub files: Vec<String>,
    /// When the youngest file was last written.
    pub newest: Option<DateTime<Utc>>,
    /// When the oldest file was last written: the whole is as old as this.
    pub oldest: Option<DateTime<Utc>>,
    /// What they say together. A note about one file begins with its path.
    pub report: Report,
    /// Where nothing matched: reports that lie elsewhere, those most like the globs first, at most three.
    pub nearest: Vec<String>,
}

/// Finds the files that match any of the globs below `root`, and reads each once.
///
/// In a glob `*` stays within one directory and `**` crosses them. Links to directories are not followed. A match
/// that is no plain file, that is a link out of `root` or that cannot be opened is an unreadable report, and not
/// left out: the failure could be in there.
///
/// # Errors
/// When a glob is not valid or leaves `root`, or a directory cannot be listed.
pub fn collect(root: &Path, format: Format, globs: &[String]) -> Result<Found, ReportsError> {
    let home = fs::canonicalize(root).map_err(|source| unlistable(root, source))?;
    let mut paths = BTreeSet::new();
    for glob in globs {
        Pattern::parse(glob)?.find(&home, &mut paths)?;
    }
    let (mut newest, mut oldest) = (None, None);
    let reports = paths.iter().map(|path| {
        let (report, written) = read(&home, path, format);
        if let Some(written) = written {
            newest = newest.max(Some(written));
            oldest = Some(oldest.map_or(written, |oldest: DateTime<Utc>| oldest.min(written)));
        }
        named(path, report)
    });
    let mut report = junit::merge(reports);
    let mut nearest = Vec::new();
    if paths.is_empty() {
        report.notes = vec![format!("no evidence: no file matches {}", listed(globs))];
        nearest = nearest::reports(&home, format, globs).iter().map(|path| escaped(path)).collect();
    }
    let files = paths.iter().map(|path| escaped(path)).collect();
    Ok(Found { files, newest, oldest, report, nearest })
}

/// A glob, taken apart so that only the directories it can match are walked.
struct Pattern<'a> {
    glob: &'a str,
    /// The directories before the first wildcard.
    start: PathBuf,
    whole: GlobMatcher,
    /// What a directory at each depth below `start` must match; deeper ones are not restricted.
    levels: Vec<GlobMatcher>,
    /// How far below `start` a match can lie; none with `**`.
    depth: Option<usize>,
}

impl<'a> Pattern<'a> {
    fn parse(glob: &'a str) -> Result<Self, ReportsError> {
        let outside = || ReportsError::Outside { glob: junit::shown(glob) };
        let mut parts = Vec::new();
        for part in Path::new(glob).components() {
            match part {
                Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        if parts.is_empty() {
            return Err(outside());
        }
        let build = |text: &str| match GlobBuilder::new(text).literal_separator(true).build() {
            Ok(built) => Ok(built.compile_matcher()),
            Err(source) => Err(ReportsError::Glob { glob: junit::shown(glob), source }),
        };
        let literal =
            parts.iter().take_while(|part| !part.contains(['*', '?', '[', ']', '{', '}', '\\'])).count();
        let (before, after) = parts.split_at(literal.min(parts.len() - 1));
        // A group or class may hold a `/`, so that the parts are no globs of their own: then nothing is restricted.
        let apart = !after.iter().any(|part| part.contains(['{', '}', '[', ']', '\\']));
        let fixed = if apart { after.iter().take_while(|part| !part.contains("**")).count() } else { 0 };
        let levels = after.iter().take(fixed).map(|part| build(part)).collect::<Result<_, _>>()?;
        Ok(Self {
            glob,
            start: before.iter().collect(),
            whole: build(&parts.join("/"))?,
            levels,
            depth: (fixed == after.len()).then_some(fixed),
        })
    }

    /// Adds the matching paths, relative to the root.
    fn find(&self, home: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), ReportsError> {
        let start = home.join(&self.start);
        match fs::canonicalize(&start) {
            // A directory before the first wildcard may be a link, but only to another place inside.
            Ok(real) if real.starts_with(home) => {}
            Ok(_) => return Err(ReportsError::Outside { glob: junit::shown(self.glob) }),
            Err(error) if absent(&error) => return Ok(()),
            Err(source) => return Err(unlistable(&start, source)),
        }
        let walk = WalkDir::new(&start).min_depth(1).max_depth(self.depth.unwrap_or(usize::MAX));
        for entry in walk.into_iter().filter_entry(|entry| self.enters(entry)) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(&start).to_path_buf();
                    let source = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    // A file may vanish while we look.
                    if absent(&source) {
                        continue;
                    }
                    return Err(unlistable(&path, source));
                }
            };
            let Ok(relative) = entry.path().strip_prefix(home) else { continue };
            if !entry.file_type().is_dir() && self.whole.is_match(relative) {
                found.insert(relative.to_path_buf());
            }
        }
        Ok(())
    }

    /// Whether a match can lie in this directory; true for every file.
    fn enters(&self, entry: &DirEntry) -> bool {
        if !entry.file_type().is_dir() || entry.depth() == 0 {
            return true;
        }
        let name = Path::new(entry.file_name());
        let skipped =
            SKIPPED.iter().any(|skipped| name.as_os_str() == *skipped && !self.glob.contains(skipped));
        !skipped && self.levels.get(entry.depth() - 1).is_none_or(|level| level.is_match(name))
    }
}

/// One report and when it was written.
fn read(home: &Path, path: &Path, format: Format) -> (Report, Option<DateTime<Utc>>) {
    let full = home.join(path);
    match open(home, &full) {
        Ok((file, about)) => {
            let input = BufReader::with_capacity(BUFFER, file);
            let report = match format {
                Format::Junit => junit::read(input),
                Format::Tap => tap::read(input),
            };
            (report, about.modified().ok().map(moment))
        }
        Err(why) => {
            let written = fs::symlink_metadata(&full).and_then(|about| about.modified()).ok().map(moment);
            (unreadable(why), written)
        }
    }
}

/// Opens a plain file inside the root; the error is a sentence. The kind is asked before opening, since opening a
/// named pipe would wait for ever.
fn open(home: &Path, path: &Path) -> Result<(File, Metadata), String> {
    let failed = |error: io::Error| format!("the file could not be opened: {error}");
    let real = fs::canonicalize(path).map_err(failed)?;
    if !real.starts_with(home) {
        return Err("it is a link out of the repository and was not read".to_owned());
    }
    if !fs::metadata(&real).map_err(failed)?.is_file() {
        return Err("it is not a plain file and was not read".to_owned());
    }
    let file = File::open(&real).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    Ok((file, about))
}

fn unreadable(why: String) -> Report {
    Report::blank(Verdict::Unreadable, vec![why])
}

/// The report with the file's path before each note.
fn named(path: &Path, mut report: Report) -> Report {
    for note in &mut report.notes {
        *note = format!("`{}`: {note}", escaped(path));
    }
    report
}

/// A file's time; those that no calendar holds become its first or last moment.
fn moment(time: SystemTime) -> DateTime<Utc> {
    let start = DateTime::<Utc>::UNIX_EPOCH;
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => TimeDelta::from_std(after)
            .ok()
            .and_then(|after| start.checked_add_signed(after))
            .unwrap_or(DateTime::<Utc>::MAX_UTC),
        Err(before) => TimeDelta::from_std(before.duration())
            .ok()
            .and_then(|before| start.checked_sub_signed(before))
            .unwrap_or(DateTime::<Utc>::MIN_UTC),
    }
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unlistable(path: &Path, source: io::Error) -> ReportsError {
    ReportsError::Walk { path: escaped(path), source }
}

/// The globs as a list for a sentence.
fn listed(globs: &[String]) -> String {
    let shown: Vec<String> = globs.iter().map(|glob| format!("`{}`", junit::shown(glob))).collect();
    if shown.is_empty() { "an empty list of globs".to_owned() } else { shown.join(" or ") }
}

/// A path with visible escapes for what is no text or cannot be seen.
fn escaped(path: &Path) -> String {
    junit::visible(path.to_string_lossy().chars())
}

#[cfg(test)]
mod tests;
