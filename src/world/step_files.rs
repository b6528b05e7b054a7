//! The files through which a CI step speaks to the steps after it; the runner names them by variables.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::gate::terms::hex;
use crate::world::process;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StepFileError {
    /// The runner named no file.
    #[error(
        "`{0}` names no file, so nothing was written there: `--format github` is for a step of GitHub Actions"
    )]
    Unnamed(&'static str),
    /// The file cannot be written.
    #[error("cannot write `{}`, which `{variable}` names: {why}", path.display())]
    Unwritable {
        /// The variable.
        variable: &'static str,
        /// The file that it names.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// Appends whole lines to the file that a variable names. Nothing that stands there is touched.
///
/// # Errors
/// When the variable names no file, or one that cannot be written.
pub fn append(variable: &'static str, text: &str) -> Result<(), StepFileError> {
    let path = process::variable(variable).map(PathBuf::from).ok_or(StepFileError::Unnamed(variable))?;
    write(&path, text).map_err(|why| StepFileError::Unwritable { variable, path, why })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // A pipe without a reader would wait for ever.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no file"));
    }
    let line_end = if ends_inside_a_line(path).unwrap_or(false) { "\n" } else { "" };
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{line_end}{text}").as_bytes())
}

/// What somebody wrote without a line end would swallow our first line.
fn ends_inside_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// A word that nobody can know before: 128 random bits.
///
/// # Errors
/// When the system has no random numbers.
pub fn delimiter() -> io::Result<String> {
    let mut random = [0; 16];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(format!("deployctl_{}", hex(&random)))
}

#[cfg(test)]
mod tests {
    use super::{delimiter, write};

    #[test]
    fn what_stands_in_the_file_stays_and_swallows_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        write(&path, "a\n").unwrap();
        write(&path, "b").unwrap();
        write(&path, "c\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\nc\n");
        assert_eq!(write(dir.path(), "a\n").unwrap_err().to_string(), "it is no file");
    }

    #[test]
    fn a_delimiter_is_never_the_one_before() {
        let one = delimiter().unwrap();
        assert_eq!(one.len(), "deployctl_".len() + 32);
        assert_ne!(one, delimiter().unwrap());
    }
}
