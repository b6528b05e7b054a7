//! What the gate refused of production is kept in the journal: requests, verdicts, sign-offs, deployments and rollbacks.

use super::gather::Moment;
use super::journal;
use crate::gate::reason::Reason;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::records::Files;

/// The answer of a refusal, which is kept, as far as that can be done at once. `about` says what was tried, and where.
pub fn kept(moment: &Moment, command: &'static str, about: &str, reasons: Vec<Reason>) -> Answer {
    note(moment, about, &reasons);
    Answer::refused(command, reasons)
}

/// Keeps it, the same one once an hour. It never gets in the way: a journal that cannot be written is passed over.
fn note(moment: &Moment, about: &str, reasons: &[Reason]) {
    if moment.timeline().is_none_or(|timeline| timeline.root.is_none()) {
        return;
    }
    let mut codes: Vec<String> = Vec::new();
    for reason in reasons {
        if !codes.iter().any(|known| known == reason.code.as_str()) {
            codes.push(reason.code.as_str().to_owned());
        }
    }
    let caller = moment.caller(None);
    let about = text::line(about, 200);
    if !journal::says_already(moment, "refusal", &caller.name, &about, &codes) {
        let _ = journal::append(moment, "refusal", &caller.name, &about, codes, Files::new());
    }
}
