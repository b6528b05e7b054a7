//! `--format github`: an answer in a step of GitHub Actions. What cannot be written changes neither verdict nor exit code.

use std::io;

use crate::render::answer::Answer;
use crate::render::{github, text};
use crate::world::step_files;
use crate::world::terminal::Streams;

/// Shows the result with its annotations, and appends the step's outputs and its summary.
///
/// # Errors
/// When standard output cannot be written.
pub fn show(streams: &Streams, answer: &Answer) -> io::Result<()> {
    let written = streams.result(&github::log(answer));
    let warn = |why: String| streams.line(&format!("warning: {}", text::line(&why, 2_000)));
    match step_files::delimiter() {
        Ok(delimiter) => {
            let outputs = github::outputs(answer, &delimiter);
            if let Err(error) = step_files::append("GITHUB_OUTPUT", &outputs) {
                warn(error.to_string());
            }
        }
        Err(error) => warn(format!("no outputs: {error}")),
    }
    if let Err(error) = step_files::append("GITHUB_STEP_SUMMARY", &github::summary(answer)) {
        warn(error.to_string());
    }
    written
}
