//! `deployctl history`: the table of deployments from the records, and the proof that they hold.

mod audit;
mod automatic;
mod bundle;
mod columns;
mod entry;
mod fault;
mod import;
mod imported;
mod mend;
mod metrics;
mod misuse;
mod modifications;
mod page;
mod proof;
mod recorded;
mod rows;
mod statements;
mod write;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;

use self::modifications::Modification;
use self::rows::{Row, Rows};
use super::gather::Moment;
use super::gather::reading::Reach;
use super::{environments, pages};
use crate::cli::{Common, Format, HistoryArgs, HistoryCommand};
use crate::gate::decide::ledger_reason;
use crate::gate::terms::Version;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::interchange::{cdevents, deployments_api, in_toto};
use crate::render::pages::{HistoryPage, ModificationsPage, Page};
use crate::render::{csv, table};
use crate::world::clock;

const COMMAND: &str = "history";

/// Shows the table, verifies everything, or exports the keys or the whole ledger.
///
/// # Errors
/// When records cannot be found out.
pub fn run(common: &Common, args: &HistoryArgs) -> Result<Answer> {
    if let Some(wrong) = misuse::of(args, clock::now()) {
        return Ok(Answer::ended(COMMAND, Outcome::Usage, wrong));
    }
    let mut moment = Moment::look(common)?;
    if common.format == Format::Html && args.output.is_none() && moment.streams.columns().is_some() {
        let what =
            "a page is for a browser, not for a terminal: deployctl history --format html -o history.html";
        return Ok(Answer::ended(COMMAND, Outcome::Usage, what));
    }
    let stale = if is_only_looked_at(common, args) { moment.makes_do() } else { None };
    if let Some(reach) = reach(common, args, moment.now) {
        // Where the journal cannot be read, nothing of it is shown.
        moment.ledger = match alone(common, args) {
            _ if !args.metrics && imported::any(&moment).unwrap_or_default() => {
                moment.timeline_since(Reach::Whole)
            }
            Some(version) => moment.timeline_about(version.as_str()),
            None => moment.timeline_since(reach),
        };
    }
    let moment = moment;
    let mut answer = if args.verify {
        proof::whole(&moment, args.since.and_then(|since| since.entry))?
    } else if let Err(trouble) = &moment.ledger {
        Answer::refused(COMMAND, vec![ledger_reason(trouble)])
    } else if let Some(HistoryCommand::Import(args)) = &args.command {
        import::run(&moment, args)?
    } else if args.allowed_signers {
        proof::allowed_signers(&moment)?
    } else if let Some(directory) = &args.bundle {
        bundle::export(&moment, directory)?
    } else {
        tables(&moment, common, args)?
    };
    answer.warnings.extend(stale);
    if let Some(path) = &args.output
        && answer.reasons.is_empty()
    {
        // A document goes to both.
        write::is_a_file(path)?;
        let page = if common.wants_json() { answer.json() } else { answer.text.clone() };
        std::fs::write(path, page).with_context(|| format!("cannot write `{}`", path.display()))?;
        answer.text.clear();
        answer.message = Some(format!("wrote `{}`", path.display()));
    }
    Ok(answer)
}

/// The one version that the table of deployments is to tell of.
fn alone<'a>(common: &Common, args: &'a HistoryArgs) -> Option<&'a Version> {
    let another = args.verify || args.allowed_signers || args.bundle.is_some();
    let other_table = args.modifications || args.metrics || args.command.is_some();
    let more = matches!(common.format, Format::InToto | Format::Html);
    args.version.as_ref().filter(|_| !another && !other_table && !more)
}

/// Whether it is gone once it was read: what stays, or goes on to other programs, would be taken for the ledger's word.
fn is_only_looked_at(common: &Common, args: &HistoryArgs) -> bool {
    let HistoryArgs { command, write, verify, bundle, allowed_signers, output, .. } = args;
    let stays = write.is_some() || bundle.is_some() || output.is_some();
    let for_people = matches!(common.format, Format::Text | Format::Json | Format::Markdown);
    for_people && command.is_none() && !stays && !verify && !allowed_signers
}

/// How far back the ledger must be read for the table of deployments; `None` for what reads it by itself.
fn reach(common: &Common, args: &HistoryArgs, now: DateTime<Utc>) -> Option<Reach> {
    let HistoryArgs { environment, until, version, by, status, limit, .. } = args;
    let filtered =
        environment.is_some() || until.is_some() || version.is_some() || by.is_some() || status.is_some();
    // The limit of statements counts no deployments, and the page has more than its table.
    let newest = !filtered && !matches!(common.format, Format::InToto | Format::Html);
    if args.verify || args.allowed_signers || args.bundle.is_some() || args.modifications {
        return None;
    }
    if args.metrics {
        return Some(Reach::Since(metrics::period(now, args).since));
    }
    Some(match (args.since, limit.filter(|_| newest)) {
        // One more tells whether there are more.
        (_, Some(limit)) => Reach::Deployments(limit.saturating_add(1)),
        (Some(since), None) => Reach::Since(since.begins(now)),
        (None, None) => Reach::Whole,
    })
}

fn tables(moment: &Moment, common: &Common, args: &HistoryArgs) -> Result<Answer> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    // What the policy no longer has may still have a past.
    let wanted = args.environment.as_ref().filter(|wanted| !timeline.tracks.contains_key(*wanted));
    if let Some(answer) = wanted.and_then(|wanted| environments::unknown(moment, COMMAND, wanted)) {
        return Ok(answer);
    }
    if common.format == Format::Html {
        return Ok(Answer::done(COMMAND, page::whole(moment, timeline, args)?));
    }
    if common.format == Format::InToto {
        let (statements, more) = statements::of(moment, timeline, args)?;
        note_more(moment, more);
        return Ok(Answer::done(COMMAND, in_toto::lines(&statements)));
    }
    let (pages, more) = if args.metrics {
        (metrics::forms(moment, timeline, args)?, false)
    } else if args.modifications {
        let (lines, more) = modifications::of(moment, args)?;
        (modified(moment, &lines)?, more)
    } else {
        let Rows { rows, more } = rows::of(moment, timeline, args)?;
        (deployed(moment, rows, args)?, more)
    };
    if !common.wants_json() {
        note_more(moment, more);
    }
    if let Some(path) = &args.write {
        let message = write::between_markers(path, &pages.place, &pages.markdown)?;
        return Ok(Answer { message: Some(message), ..Answer::done(COMMAND, "") });
    }
    let text = match common.format {
        Format::Markdown => pages.markdown.clone(),
        Format::Csv => csv::table(pages.columns, &pages.json),
        Format::Cdevents => cdevents::events(&project(moment), &pages.json),
        Format::Github if !args.modifications && !args.metrics => deployments_api::script(&pages.json),
        Format::Text | Format::Json | Format::Github | Format::InToto | Format::Html => pages.plain,
    };
    let answer = Answer::done(COMMAND, text).with(pages.key, pages.json);
    let answer = pages.more.into_iter().fold(answer, |answer, (key, value)| answer.with(key, value));
    Ok(answer.with("more", more).with("markdown", pages.markdown))
}

fn note_more(moment: &Moment, more: bool) {
    if more {
        moment.streams.note("there are more: raise or leave out `--limit`");
    }
}

/// What other programs know it all by: the project's name in the policy.
fn project(moment: &Moment) -> String {
    moment.policy().map_or_else(|| "deployctl".to_owned(), |policy| policy.project.clone())
}

/// A table in every form.
struct Forms {
    key: &'static str,
    place: write::Place,
    columns: &'static [(&'static str, &'static str)],
    plain: String,
    markdown: String,
    json: Vec<Value>,
    /// What programs get besides.
    more: Vec<(&'static str, Value)>,
}

/// What is said where no row is left.
fn nothing(args: &HistoryArgs) -> &'static str {
    let HistoryArgs { since, until, version, by, status, limit, .. } = args;
    let narrowed = since.is_some() || until.is_some() || version.is_some() || by.is_some();
    match narrowed || status.is_some() || limit.is_some() {
        true => "no deployment fits these options\n",
        false => "no deployment is recorded yet\n",
    }
}

fn deployed(moment: &Moment, rows: Vec<Row>, args: &HistoryArgs) -> Result<Forms> {
    let json = rows.iter().map(|row| row.json.clone()).collect();
    let page = HistoryPage { rows: rows.into_iter().map(|row| row.page).collect() };
    let cells: Vec<_> = page
        .rows
        .iter()
        .map(|row| {
            [&row.date, &row.version, &row.kind, &row.status, &row.rollback, &row.notes].map(String::as_str)
        })
        .collect();
    let titles = ["Date", "Version", "Type", "Status", "Rollback", "Notes"];
    let plain = match cells.is_empty() {
        true => nothing(args).to_owned(),
        false => table::aligned(titles, &cells, 1, moment.streams.columns()),
    };
    Ok(Forms {
        key: "deployments",
        place: write::Place { heading: "Deployment History", name: "history" },
        columns: csv::DEPLOYMENTS,
        plain,
        markdown: pages::of(moment, &[Page::History])?.render(Page::History, &page)?,
        json,
        more: vec![],
    })
}

fn modified(moment: &Moment, lines: &[Modification]) -> Result<Forms> {
    let page = ModificationsPage { rows: lines.iter().map(|line| line.page.clone()).collect() };
    let cells: Vec<_> = page
        .rows
        .iter()
        .map(|row| {
            [&row.date, &row.time, &row.agent, &row.action, &row.details, &row.reason].map(String::as_str)
        })
        .collect();
    let titles = ["Date", "Time", "Agent", "Action", "Details", "Reason"];
    Ok(Forms {
        key: "modifications",
        place: write::Place { heading: "Modification History", name: "modifications" },
        columns: csv::MODIFICATIONS,
        plain: table::aligned(titles, &cells, 2, moment.streams.columns()),
        markdown: pages::of(moment, &[Page::Modifications])?.render(Page::Modifications, &page)?,
        json: lines.iter().map(|line| line.json.clone()).collect(),
        more: vec![],
    })
}
