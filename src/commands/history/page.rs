//! `history --format html`: the facts of the one page, bounded by what a browser takes.

mod health;
mod measures;
mod part;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, Utc};

use self::part::Parts;
use super::modifications;
use super::recorded;
use super::recorded::Others;
use super::rows::{self, Entry, Sources};
use crate::cli::HistoryArgs;
use crate::commands::gather::Moment;
use crate::commands::report;
use crate::gate::deployments::Runs;
use crate::gate::since::Said;
use crate::gate::statement::Release;
use crate::gate::terms::Environment;
use crate::gate::timeline::Timeline;
use crate::render::pages::html::{
    self, Choice, Counted, Event, Facet, LiveNow, Row, Timeline as Drawing, WebPage,
};
use crate::render::text;

/// The most rows of the table: a browser lays out so many in less than a second.
const ROWS_MAX: usize = 2_000;
/// The most parts about one deployment each.
const PARTS_MAX: usize = 200;
/// The most lines of the modification history.
const MODIFICATIONS_MAX: usize = 500;

/// The page that the options ask for.
///
/// # Errors
/// When records cannot be read, or it is more than a browser takes.
pub(super) fn whole(moment: &Moment, timeline: &Timeline, args: &HistoryArgs) -> Result<String> {
    let sources = Sources::of(moment);
    let others = rows::others(timeline);
    let (entries, beyond_limit) = rows::wanted(moment, timeline, &sources, args);
    let (shown, older) = entries.split_at(entries.len().min(ROWS_MAX));
    let rows = shown.iter().enumerate().map(|(place, entry)| row(moment, &others, entry, place < PARTS_MAX));
    let rows: Vec<(Row, Event)> = rows.collect::<Result<_>>()?;
    let (rows, events): (Vec<Row>, Vec<Event>) = rows.into_iter().unzip();
    let mut parts = Parts::new(moment, timeline, &others, &shown[..shown.len().min(PARTS_MAX)])?;
    let deployments = parts.all(&rows)?;
    let limit = args.limit.unwrap_or(MODIFICATIONS_MAX).min(MODIFICATIONS_MAX);
    let (lines, more_lines) = modifications::of(moment, &HistoryArgs { limit: Some(limit), ..args.clone() })?;
    let left = Left {
        beyond_limit,
        older: older.len(),
        without_part: shown.len() - deployments.len(),
        lines: more_lines,
        texts: parts.texts_left_out(),
    };
    let page = WebPage {
        project: moment.policy().map(|policy| policy.project.clone()).unwrap_or_default(),
        made_at: report::minute(moment.now),
        source: source(timeline),
        asked: asked(args, moment.now),
        left_out: left.sentences(args),
        live: live(moment, timeline, &sources.runs, args),
        timeline: Drawing::of(
            events,
            args.until.map_or(moment.now, |until| until.ends(moment.now).min(moment.now)),
        ),
        statuses: statuses(&rows),
        facets: facets(&rows),
        counted: text::count(rows.len(), "deployment"),
        rows,
        metrics: measures::of(moment, timeline, args)?,
        deployments,
        modifications: lines.into_iter().map(|line| line.page).collect(),
    };
    Ok(html::history(&page)?)
}

fn row(
    moment: &Moment,
    others: &BTreeMap<&Environment, Others<'_>>,
    entry: &Entry<'_>,
    detailed: bool,
) -> Result<(Row, Event)> {
    let told = entry.row(moment, others)?.page;
    let (key, at, environment) = (entry.key(), entry.at(), entry.environment().to_string());
    let (executed_by, approved_by, journal) = match entry {
        Entry::Ledger(_, deployed) => {
            let timeline = moment.timeline();
            let approvers = timeline.map(|timeline| recorded::approvers(timeline, deployed));
            (deployed.by.to_string(), approvers.unwrap_or_default(), false)
        }
        Entry::Journal(run) => (run.start.by.clone(), BTreeSet::new(), true),
        // A tag says nothing of who deployed it.
        Entry::Imported(_) => (String::new(), BTreeSet::new(), false),
    };
    let status_slug = slug(&told.status);
    let event = Event {
        environment: environment.clone(),
        at,
        target: format!("{}-{key}", if detailed { "d" } else { "r" }),
        key: key.clone(),
        status: status_slug.clone(),
        said: format!("{} · {} · {} · {}", told.version, told.kind, told.status, report::minute(at)),
    };
    let row = Row {
        key,
        detailed,
        at: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        date: told.date,
        time: at.format("%H:%M").to_string(),
        version: told.version,
        environment,
        kind_slug: slug(&told.kind),
        kind: told.kind,
        status_slug,
        status: told.status,
        rollback: told.rollback,
        executed_by,
        approved_by: approved_by.into_iter().collect(),
        journal,
        notes: told.notes,
    };
    Ok((row, event))
}

/// A word of the table as options and addresses have it.
fn slug(word: &str) -> String {
    word.to_lowercase().replace(' ', "-")
}

fn source(timeline: &Timeline) -> String {
    timeline.tip.as_ref().map_or_else(
        || "a ledger without an entry".to_owned(),
        |tip| format!("entry {} of the ledger ({})", tip.sequence, tip.commit.short()),
    )
}

/// The options that narrow the page, with spans as the moments they come to.
fn asked(args: &HistoryArgs, now: DateTime<Utc>) -> Vec<String> {
    let said = |said: Said| match said {
        Said::Day(day) => day.to_string(),
        Said::At(_) | Said::Ago(_) => report::minute(said.begins(now)),
    };
    let options = [
        ("--environment", args.environment.as_ref().map(ToString::to_string)),
        ("--since", args.since.and_then(|since| since.moment).map(said)),
        ("--until", args.until.map(said)),
        ("--version", args.version.as_ref().map(ToString::to_string)),
        ("--by", args.by.clone()),
        ("--status", args.status.map(|status| slug(status.word()))),
        ("--limit", args.limit.map(|limit| limit.to_string())),
    ];
    options.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect()
}

/// How much is not on the page.
struct Left {
    beyond_limit: bool,
    older: usize,
    without_part: usize,
    lines: bool,
    texts: usize,
}

impl Left {
    fn sentences(&self, args: &HistoryArgs) -> Vec<String> {
        let narrower = "ask for less at once with `--since`, `--until` or `--environment`";
        let mut sentences = Vec::new();
        let mut say = |number: usize, noun: &str, rest: String| {
            if number > 0 {
                sentences.push(format!("{} {rest}", text::count(number, noun)));
            }
        };
        let newest = text::thousands(ROWS_MAX);
        say(
            self.older,
            "older deployment",
            format!("left out: the table holds the newest {newest}; {narrower}."),
        );
        say(
            self.without_part,
            "deployment",
            format!("in the table only: the newest {PARTS_MAX} have a part of their own; {narrower}."),
        );
        say(self.texts, "text", format!("left out or cut, each with the command that shows it; {narrower}."));
        if self.beyond_limit {
            sentences.push("Older deployments are left out by `--limit`.".to_owned());
        }
        if self.lines {
            let newest = args.limit.unwrap_or(usize::MAX).min(MODIFICATIONS_MAX);
            sentences.push(format!("Older modifications are left out: the page holds the newest {newest}."));
        }
        if args.version.is_some() || args.status.is_some() {
            sentences
                .push("`--version` and `--status` narrow the deployments, not the modifications.".to_owned());
        }
        sentences
    }
}

/// What is live: what people signed goes before what machines said.
fn live(moment: &Moment, timeline: &Timeline, runs: &Runs, args: &HistoryArgs) -> Vec<LiveNow> {
    let named = |environment: &Environment, found: Option<(&Release, DateTime<Utc>)>| LiveNow {
        environment: environment.to_string(),
        well: found.is_some(),
        version: found.map_or_else(String::new, |(release, _)| release.version.to_string()),
        since: found.map_or_else(String::new, |(_, since)| report::minute(since)),
        ..LiveNow::default()
    };
    let mut live = BTreeMap::new();
    for run in runs.all().filter_map(|run| runs.live(&run.start.environment)) {
        let since = run.end.as_ref().map_or(run.start.at, |end| end.at);
        let environment = &run.start.environment;
        let told = named(environment, Some((&run.start.release, since)));
        live.insert(environment, LiveNow { journal: true, ..told });
    }
    for (environment, track) in &timeline.tracks {
        let runs = track.what_runs(moment.now);
        if runs.good.is_some() || runs.left.is_some() {
            let good = runs.good.map(|good| (&good.release, good.since));
            let doubt = runs.doubt().unwrap_or_default();
            live.insert(
                environment,
                LiveNow { doubtful: runs.left.is_some(), doubt, ..named(environment, good) },
            );
        }
    }
    let wanted = |environment: &&Environment| args.environment.as_ref().is_none_or(|one| one == *environment);
    live.into_iter().filter(|(environment, _)| wanted(environment)).map(|(_, live)| live).collect()
}

fn statuses(rows: &[Row]) -> Vec<Counted> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows {
        *counts.entry((&row.status_slug, &row.status)).or_default() += 1;
    }
    let counted = |((slug, word), count): ((&str, &str), usize)| Counted {
        count,
        slug: slug.to_owned(),
        word: word.to_owned(),
    };
    counts.into_iter().map(counted).collect()
}

fn facets(rows: &[Row]) -> Vec<Facet> {
    let facet = |name, title, choices: &dyn Fn(&Row) -> Vec<Choice>| Facet {
        name,
        title,
        choices: rows.iter().flat_map(choices).collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let choice = |word: &String, value: &String| Choice { word: word.clone(), value: value.clone() };
    vec![
        facet("environment", "Environment", &|row| vec![choice(&row.environment, &row.environment)]),
        facet("status", "Status", &|row| vec![choice(&row.status, &row.status_slug)]),
        facet("type", "Type", &|row| vec![choice(&row.kind, &row.kind_slug)]),
        facet("who", "Who", &|row| {
            let people = row.approved_by.iter().chain([&row.executed_by]).filter(|who| !who.is_empty());
            people.map(|who| choice(who, who)).collect()
        }),
    ]
}
