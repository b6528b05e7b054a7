//! `--format github`: an answer in a step of GitHub Actions. What cannot be written changes neither verdict nor exit code.

use std::io;

use crate::render::answer::Answer;
use crate::render::{github, text};
use crate::world::step_files::{self, StepFileError};
use crate::world::terminal::Streams;

/// Shows the result with its annotations, and appends the step's outputs and its summary.
///
/// # Errors
/// When standard output cannot be written.
pub fn show(streams: &Streams, answer: &Answer) -> io::Result<()> {
    let written = streams.result(&github::log(answer));
    // The script of `history` is for a shell outside of a step just as well.
    let anywhere = answer.command == "history" && answer.fields.contains_key("deployments");
    let warn = |error: &StepFileError| {
        if !(anywhere && matches!(error, StepFileError::Unnamed(_))) {
            streams.line(&format!("warning: {}", text::line(&error.to_string(), 2_000)));
        }
    };
    match step_files::delimiter() {
        Ok(delimiter) => {
            let outputs = github::outputs(answer, &delimiter);
            if let Err(error) = step_files::append("GITHUB_OUTPUT", &outputs) {
                warn(&error);
            }
        }
        Err(error) => {
            streams.line(&format!("warning: no outputs: {}", text::line(&error.to_string(), 2_000)))
        }
    }
    if let Err(error) = step_files::append("GITHUB_STEP_SUMMARY", &github::summary(answer)) {
        warn(&error);
    }
    written
}
