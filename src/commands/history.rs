//! `deployctl history`: the table of deployments from the records, and the proof that they hold.

mod automatic;
mod proof;
mod recorded;
mod rows;
mod write;

use anyhow::{Context as _, Result};

use self::rows::Rows;
use super::gather::Moment;
use super::pages;
use crate::cli::{Common, Format, HistoryArgs};
use crate::gate::decide::{ledger_reason, no_environment};
use crate::render::answer::Answer;
use crate::render::pages::{HistoryPage, Page};
use crate::render::{csv, table};

const COMMAND: &str = "history";

/// Shows the table, verifies everything, or exports the keys.
///
/// # Errors
/// When records cannot be found out.
pub fn run(common: &Common, args: &HistoryArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let mut answer = if args.verify {
        proof::whole(&moment)?
    } else if let Err(trouble) = &moment.ledger {
        Answer::refused(COMMAND, vec![ledger_reason(trouble)])
    } else if args.allowed_signers {
        proof::allowed_signers(&moment)?
    } else {
        deployments(&moment, common, args)?
    };
    if let Some(path) = &args.output
        && answer.reasons.is_empty()
    {
        std::fs::write(path, &answer.text).with_context(|| format!("cannot write `{}`", path.display()))?;
        answer.text.clear();
        answer.message = Some(format!("wrote `{}`", path.display()));
    }
    Ok(answer)
}

fn deployments(moment: &Moment, common: &Common, args: &HistoryArgs) -> Result<Answer> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    if let (Some(policy), Some(wanted)) = (moment.policy(), &args.environment)
        && !policy.environments.contains_key(wanted)
        && !timeline.tracks.contains_key(wanted)
    {
        return Ok(Answer::refused(COMMAND, vec![no_environment(policy, wanted)]));
    }
    let Rows { rows, left } = rows::of(moment, timeline, args)?;
    let json: Vec<_> = rows.iter().map(|row| row.json.clone()).collect();
    let page = HistoryPage { rows: rows.into_iter().map(|row| row.page).collect() };
    let markdown = pages::of(moment, &[Page::History])?.render(Page::History, &page)?;
    if let Some(path) = &args.write {
        let message = write::between_markers(path, &markdown)?;
        return Ok(Answer { message: Some(message), ..Answer::done(COMMAND, "") });
    }
    let text = match common.format {
        Format::Markdown => markdown.clone(),
        Format::Csv => csv::deployments(&json),
        Format::Text | Format::Json | Format::Github => table::plain(&page, moment.streams.columns()),
    };
    if left > 0 && !common.wants_json() {
        moment.streams.note(&format!("{left} more: raise or leave out `--limit`"));
    }
    Ok(Answer::done(COMMAND, text)
        .with("deployments", json)
        .with("left_out", left)
        .with("markdown", markdown))
}
