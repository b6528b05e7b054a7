//! `deployctl history import`: a past from git tags, as a line of the journal that says what it is.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use chrono::DateTime;
use globset::{Glob, GlobMatcher};
use serde_json::json;

use super::{COMMAND, imported};
use crate::cli::ImportArgs;
use crate::commands::automatic::runs;
use crate::commands::gather::Moment;
use crate::commands::{environments, journal};
use crate::gate::imported::{Import, TAGS_MAX, Tag};
use crate::gate::policy::VersionRule;
use crate::gate::statement::SCHEMA;
use crate::gate::terms::{Environment, Version};
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::records::Files;
use crate::world::repository::Tagged;

/// As much of a tagger's name as is kept, in characters; it is cleaned where it is shown.
const NAME_MAX: usize = 200;

/// What becomes of the tags.
#[derive(Default)]
struct Sorted {
    /// To be imported, the oldest first.
    new: Vec<Tag>,
    /// Its deployment is recorded.
    recorded: usize,
    /// Imported before.
    before: usize,
    /// The name is no version, or the date none that has been.
    unfit: usize,
}

/// Imports what is new, or says what it would be.
///
/// # Errors
/// When the tags cannot be read, or the line not written.
pub(super) fn run(moment: &Moment, args: &ImportArgs) -> Result<Answer> {
    let environment = &args.environment;
    if let Some(answer) = environments::unknown(moment, COMMAND, environment) {
        return Ok(answer);
    }
    if args.undo {
        return undo(moment, environment, args.dry_run);
    }
    let pattern = args.tags.clone().flatten().unwrap_or_else(|| usual(moment, environment));
    let Ok(glob) = Glob::new(&pattern) else {
        let what = format!("`{}` is not a glob, such as `v*`", text::line(&pattern, 200));
        return Ok(Answer::ended(COMMAND, Outcome::Usage, what));
    };
    let sorted = sort(moment, environment, &glob.compile_matcher())?;
    if sorted.new.len() > TAGS_MAX {
        bail!(
            "{} tags fit, and {TAGS_MAX} at the most are imported: name fewer, such as `--tags 'v2.*'`",
            sorted.new.len()
        );
    }
    let mut page = match sorted.new.is_empty() {
        true => nothing_new(&sorted, &pattern),
        false => told(environment, &sorted, args.dry_run),
    };
    if !args.dry_run && !sorted.new.is_empty() {
        let by = moment.caller(None).name;
        page.push_str(&warned(record(moment, environment, &by, &sorted.new)?));
    }
    Ok(Answer::done(COMMAND, page)
        .with("environment", environment)
        .with("dry_run", args.dry_run)
        .with("imported", sorted.new.iter().map(json_of).collect::<Vec<_>>())
        .with(
            "left_out",
            json!({ "recorded": sorted.recorded, "imported": sorted.before, "unfit": sorted.unfit }),
        ))
}

/// The tags that are versions of this environment, as the policy has it.
fn usual(moment: &Moment, environment: &Environment) -> String {
    let rule = moment.policy().map(|policy| policy.versions_of(environment).tag.clone());
    rule.unwrap_or_else(|| VersionRule::default().tag)
}

fn sort(moment: &Moment, environment: &Environment, glob: &GlobMatcher) -> Result<Sorted> {
    let runs = runs::told(moment);
    let past = imported::told(moment, &runs)?;
    let before: BTreeSet<&Version> =
        past.iter().filter(|past| past.environment == *environment).map(|past| &past.tag.version).collect();
    let recorded = imported::recorded(moment, &runs, environment);
    let mut sorted = Sorted::default();
    for tagged in moment.repository.tagged(&|name| glob.is_match(name))? {
        match read(tagged) {
            None => sorted.unfit += 1,
            Some(tag) if tag.at > moment.now => sorted.unfit += 1,
            Some(tag) if recorded.contains(&tag.version) => sorted.recorded += 1,
            Some(tag) if before.contains(&tag.version) => sorted.before += 1,
            Some(tag) => sorted.new.push(tag),
        }
    }
    sorted.new.sort_by_key(|tag| tag.at);
    Ok(sorted)
}

fn read(tagged: Tagged) -> Option<Tag> {
    Some(Tag {
        version: tagged.name.parse().ok()?,
        commit: tagged.commit,
        at: DateTime::from_timestamp(tagged.at, 0)?,
        annotated: tagged.annotated,
        tagger: tagged.tagger.map(|tagger| tagger.chars().take(NAME_MAX).collect()),
    })
}

/// Appends the line; answers a warning where it only waits in this clone.
fn record(moment: &Moment, environment: &Environment, by: &str, tags: &[Tag]) -> Result<Option<String>> {
    let import = Import {
        schema: SCHEMA.to_owned(),
        environment: environment.clone(),
        by: by.to_owned(),
        at: moment.now,
        tags: tags.to_vec(),
        undo: false,
    };
    append(moment, &import, &about(tags.len(), environment))
}

fn append(moment: &Moment, import: &Import, about: &str) -> Result<Option<String>> {
    let files = Files::from([(imported::FILE.to_owned(), import.bytes()?)]);
    journal::append(moment, imported::KIND, &import.by, about, vec![], files)
}

fn about(tags: usize, environment: &Environment) -> String {
    format!("{} as versions of {environment}", text::count(tags, "tag"))
}

/// Takes back what was imported of an environment: a line that says so, as nothing leaves the journal.
fn undo(moment: &Moment, environment: &Environment, dry_run: bool) -> Result<Answer> {
    let past = imported::told(moment, &runs::told(moment))?;
    let past: Vec<&Tag> =
        past.iter().filter(|past| past.environment == *environment).map(|past| &past.tag).collect();
    let about = about(past.len(), environment);
    let would = if dry_run { "would undo" } else { "undid" };
    let mut page = format!("{would} the import of {about}; `history` shows them no more\n");
    if past.is_empty() {
        page = format!("nothing is imported of {environment}\n");
    } else if !dry_run {
        let import = Import {
            schema: SCHEMA.to_owned(),
            environment: environment.clone(),
            by: moment.caller(None).name,
            at: moment.now,
            tags: vec![],
            undo: true,
        };
        page.push_str(&warned(append(moment, &import, &format!("undone: {about}"))?));
    }
    Ok(Answer::done(COMMAND, page)
        .with("environment", environment)
        .with("dry_run", dry_run)
        .with("undone", past.into_iter().map(json_of).collect::<Vec<_>>()))
}

/// A warning that the line only waits in this clone.
fn warned(warning: Option<String>) -> String {
    warning.map_or_else(String::new, |warning| format!("warning: {}\n", text::line(&warning, 2_000)))
}

fn told(environment: &Environment, sorted: &Sorted, dry_run: bool) -> String {
    let would = if dry_run { "would import" } else { "imported" };
    let tags = text::count(sorted.new.len(), "tag");
    let mut page = format!("{would} {tags} as versions of {environment}, unsigned\n");
    for Tag { version, commit, at, .. } in &sorted.new {
        page.push_str(&format!("  {}  {version}  {}\n", at.format("%Y-%m-%d"), commit.short()));
    }
    page + &left_out(sorted)
}

/// What is said where there is nothing to import, and what to do about it.
fn nothing_new(sorted: &Sorted, pattern: &str) -> String {
    let fitting = sorted.recorded + sorted.before + sorted.unfit;
    if fitting > 0 {
        return format!("nothing new to import\n{}", left_out(sorted));
    }
    let pattern = text::line(pattern, 200);
    format!(
        "no tag here fits `{pattern}`: nothing was imported\n\
         next: say which tags are versions, such as `--tags 'release-*'`, or fetch them: git fetch --tags\n"
    )
}

fn left_out(sorted: &Sorted) -> String {
    let left = [
        (sorted.recorded, "whose deployment is recorded"),
        (sorted.before, "imported before"),
        (sorted.unfit, "whose name or date cannot be used"),
    ];
    let left = left.into_iter().filter(|(count, _)| *count > 0);
    left.map(|(count, why)| format!("left out: {count} {why}\n")).collect()
}

fn json_of(tag: &Tag) -> serde_json::Value {
    json!({
        "version": tag.version,
        "commit": tag.commit,
        "at": tag.at,
        "annotated": tag.annotated,
        "tagger": tag.tagger.as_deref().map(imported::cleaned),
    })
}
