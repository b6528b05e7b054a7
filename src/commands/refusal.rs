//! What the gate refused of production is kept in the journal: requests, verdicts, sign-offs, deployments and rollbacks.

use anyhow::Result;

use super::gather::Moment;
use super::journal::Later;
use crate::gate::reason::Reason;
use crate::render::answer::{Afterwards, Answer};
use crate::render::text;

/// The answer of a refusal, which is kept once it was shown. `about` says what was tried, and where.
pub fn kept(moment: &Moment, command: &'static str, about: &str, reasons: Vec<Reason>) -> Answer {
    let line = line(moment, about, &reasons);
    let mut answer = Answer::refused(command, reasons);
    if let Some(line) = line {
        answer.afterwards = Afterwards::run(move || warning(line.and_then(Later::append_once_an_hour)));
    }
    answer
}

/// It never gets in the way: where the journal cannot be written, that is said last.
fn warning(kept: Result<()>) -> Option<String> {
    let error = kept.err()?;
    Some(format!(
        "warning: the refusal could not be kept in the journal: {}",
        text::line(&format!("{error:#}"), 400)
    ))
}

/// The line of the journal, where there is a ledger that it is about.
fn line(moment: &Moment, about: &str, reasons: &[Reason]) -> Option<Result<Later>> {
    moment.timeline()?.root?;
    let mut codes: Vec<String> = Vec::new();
    for reason in reasons {
        if !codes.iter().any(|known| known == reason.code.as_str()) {
            codes.push(reason.code.as_str().to_owned());
        }
    }
    let caller = moment.caller(None);
    Some(Later::new(moment, "refusal", &caller.name, &text::line(about, 200), codes))
}
