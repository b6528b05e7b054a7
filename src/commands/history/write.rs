//! `history --write`: the Markdown table kept up to date between two lines of a file of the project.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// A table of a file: its heading where the file is new, and the name in the lines before and after it.
pub(super) struct Place {
    pub(super) heading: &'static str,
    pub(super) name: &'static str,
}

impl Place {
    fn markers(&self) -> (String, String) {
        let line = |edge: &str| format!("<!-- deployctl {}: {edge} -->", self.name);
        (line("begin"), line("end"))
    }
}

/// A file with this in it is no document that people read, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// Puts the table between the markers of a file, or makes the file; answers what was done.
///
/// # Errors
/// A file that cannot be read or written, or without its two markers: it is then left as it is.
pub(super) fn between_markers(path: &Path, place: &Place, table: &str) -> Result<String> {
    let shown = path.display();
    is_a_file(path)?;
    let before = match fs::metadata(path) {
        Ok(found) if found.len() > FILE_MAX => bail!("`{shown}` is too large to be a document"),
        Ok(_) => Some(fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
    };
    let after = match &before {
        Some(text) => replaced(text, place, table).with_context(|| format!("`{shown}` is left as it is"))?,
        None => {
            let (begin, end) = place.markers();
            format!("# {}\n\n{begin}\n{table}{end}\n", place.heading)
        }
    };
    if before.as_ref() == Some(&after) {
        return Ok(format!("`{shown}` is up to date"));
    }
    replace(path, &after).with_context(|| format!("cannot write `{shown}`"))?;
    Ok(format!("wrote the table into `{shown}`"))
}

/// The text with what stands between the markers replaced, in the text's own line ends.
fn replaced(text: &str, place: &Place, table: &str) -> Result<String> {
    let (first, last) = place.markers();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let places = |marker: &str| {
        let found = lines.iter().enumerate().filter(|(_, line)| line.trim() == marker);
        found.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (begin, end) = match (&places(&first)[..], &places(&last)[..]) {
        ([begin], [end]) if begin < end => (*begin, *end),
        ([], []) => bail!(
            "it lacks the two lines between which the table goes; add them, or name a new file:\n  {first}\n  {last}"
        ),
        _ => bail!("it needs the line `{first}` once, and after it the line `{last}` once"),
    };
    let table = if lines[begin].ends_with("\r\n") { table.replace('\n', "\r\n") } else { table.to_owned() };
    Ok([&lines[..=begin].concat(), &table, &lines[end..].concat()].map(String::as_str).concat())
}

/// That it may be a file: a new one needs its directory, which is not made, as its name may be mistyped.
///
/// # Errors
/// What is to be done first.
pub(super) fn is_a_file(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("`{}` is a directory: name a file", path.display());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = parent.filter(|directory| !directory.is_dir()) {
        let (shown, directory) = (path.display(), directory.display());
        bail!(
            "cannot write `{shown}`: there is no directory `{directory}`; make it first: mkdir -p {directory}"
        );
    }
    Ok(())
}

/// Replaces the file in one step, behind a symbolic link too, with the permissions that it had.
fn replace(path: &Path, text: &str) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".deployctl-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(directory.unwrap_or_else(|| Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    if let Ok(found) = fs::metadata(&target) {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Place, replaced};

    const BEGIN: &str = "<!-- deployctl history: begin -->";
    const END: &str = "<!-- deployctl history: end -->";
    const PLACE: Place = Place { heading: "Deployment History", name: "history" };

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let text = format!("# Ours\r\n\r\n{BEGIN}\r\nold\r\n{END}\r\ntail");
        let new = replaced(&text, &PLACE, "| a |\n").unwrap();
        assert_eq!(new, format!("# Ours\r\n\r\n{BEGIN}\r\n| a |\r\n{END}\r\ntail"));
    }

    #[test]
    fn markers_that_are_missing_doubled_or_crossed_are_an_error() {
        for text in [
            String::new(),
            format!("{BEGIN}\n"),
            format!("{END}\n{BEGIN}\n"),
            format!("{BEGIN}\n{BEGIN}\n{END}\n"),
            format!("x {BEGIN}\n{END}\n"),
        ] {
            assert!(replaced(&text, &PLACE, "| a |\n").is_err(), "{text}");
        }
    }
}
