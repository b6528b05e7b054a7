//! Deployments of automatic environments in the journal: read, begun by compare-and-swap, ended.

use anyhow::{Context as _, Result};
use chrono::Duration;

use crate::commands::gather::Moment;
use crate::commands::journal::{self, Placed, jam};
use crate::gate::decide::CLOCK_TOLERANCE_SECONDS;
use crate::gate::deployments::{End, Runs, Said, Start};
use crate::gate::terms::{CommitId, Digest};
use crate::render::text;
use crate::world::records::{Files, JOURNAL};

const KIND: &str = "deployment";
const FILE: &str = "deployment.json";

/// What the journal tells of deployments, and the line up to which it was read.
///
/// # Errors
/// When the branch is there and cannot be read: nobody knows then who deploys.
pub fn read(moment: &Moment) -> Result<(Option<CommitId>, Runs)> {
    let tip = moment.records.tip(JOURNAL)?;
    let said = |bytes: &[u8]| Some((Digest::of(bytes), Said::read(bytes)?));
    let lines = tip.as_ref().map(|tip| journal::attached(moment, tip, (KIND, FILE), said)).transpose();
    let lines = lines.map_err(|error| jam::look(moment).map_or(error, Into::into));
    let lines = lines.context("the journal cannot be read, so nobody knows who deploys")?.unwrap_or_default();
    let latest = moment.now + Duration::seconds(CLOCK_TOLERANCE_SECONDS);
    Ok((tip, Runs::fold(lines, latest)))
}

/// The same for who only wants to know: what people signed is told also where the journal cannot be read.
#[must_use]
pub fn told(moment: &Moment) -> Runs {
    read(moment).map(|(_, runs)| runs).unwrap_or_else(|error| {
        moment.streams.line(&format!("warning: {}", text::line(&format!("{error:#}"), 2_000)));
        Runs::default()
    })
}

/// Appends the start, if nobody wrote into the journal since it was read; answers its digest.
///
/// # Errors
/// When it cannot be written here.
pub fn begin(moment: &Moment, tip: Option<&CommitId>, start: Start) -> Result<(Placed, Digest)> {
    let about = format!("{} to {} begins", start.release.version, start.environment);
    let by = start.by.clone();
    let bytes = Said::Start(start).bytes()?;
    let id = Digest::of(&bytes);
    let files = Files::from([(FILE.to_owned(), bytes)]);
    Ok((journal::append_at(moment, tip, KIND, (&by, &about), files)?, id))
}

/// Appends the end. What goes wrong with the remote is answered as a warning: the line then waits in this clone.
///
/// # Errors
/// When it cannot be written here.
pub fn end(moment: &Moment, end: End) -> Result<Option<String>> {
    let how = if end.ending == crate::gate::statement::Ending::Succeeded { "succeeded" } else { "failed" };
    let about = format!("{} to {} {how}", end.release.version, end.environment);
    let by = end.by.clone();
    let files = Files::from([(FILE.to_owned(), Said::End(end).bytes()?)]);
    journal::append(moment, KIND, &by, &about, vec![], files)
}
