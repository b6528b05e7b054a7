//! What each page's template is given.

use serde::Serialize;

use crate::evidence::checklist::{Checklist, Item};
use crate::render::text;

/// The checklist as its template has it.
#[derive(Clone, Debug, Serialize)]
pub struct ChecklistPage<'a> {
    /// `Deployment` or `Rollback`.
    pub action: &'a str,
    /// The version to be deployed.
    pub version: &'a str,
    /// `YYYY-MM-DD`.
    pub date: &'a str,
    /// The role or person who prepared it.
    pub prepared_by: &'a str,
    /// `Emergency (P1: Complete outage)` and the like; not there where nothing was requested yet.
    pub urgency: Option<String>,
    /// Stages that are left out, each with its checks.
    pub skips: Vec<String>,
    /// What is left to do: `3 things need you`, or `nothing is open`.
    pub open: String,
    /// The parts of the checklist.
    pub sections: Vec<PageSection<'a>>,
}

/// One part of the checklist, its items under their sub-headings.
#[derive(Clone, Debug, Serialize)]
pub struct PageSection<'a> {
    /// The heading.
    pub title: &'a str,
    /// Plain lines above the items.
    pub notes: &'a [String],
    /// The items without a sub-heading first, then each sub-heading in the order of its first item.
    pub groups: Vec<Group<'a>>,
}

/// The items under one sub-heading.
#[derive(Clone, Debug, Serialize)]
pub struct Group<'a> {
    /// The sub-heading, if there is one.
    pub name: Option<&'a str>,
    /// Its items in their order.
    pub items: Vec<&'a Item>,
}

impl<'a> From<&'a Checklist> for ChecklistPage<'a> {
    fn from(checklist: &'a Checklist) -> Self {
        let sections = checklist.sections.iter().map(|section| PageSection {
            title: &section.title,
            notes: &section.notes,
            groups: groups(&section.items),
        });
        let open = match checklist.open().len() {
            0 => "nothing is open".to_owned(),
            1 => "1 thing needs you".to_owned(),
            many => format!("{} need you", text::count(many, "thing")),
        };
        Self {
            action: "Deployment",
            version: &checklist.version,
            date: &checklist.date,
            prepared_by: &checklist.prepared_by,
            urgency: None,
            skips: vec![],
            open,
            sections: sections.collect(),
        }
    }
}

/// An item without a group would otherwise seem to belong to the sub-heading before it.
fn groups(items: &[Item]) -> Vec<Group<'_>> {
    let (without, with): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| item.group.is_none());
    let mut groups: Vec<Group<'_>> = Vec::new();
    if !without.is_empty() {
        groups.push(Group { name: None, items: without });
    }
    for item in with {
        let name = item.group.as_deref();
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.items.push(item),
            None => groups.push(Group { name, items: vec![item] }),
        }
    }
    groups
}

/// The deployment request as its template has it.
#[derive(Clone, Debug, Serialize)]
pub struct RequestPage {
    /// `Deployment` or `Rollback`.
    pub action: String,
    /// Where to: `production`. The page shows it with a capital.
    pub environment: String,
    /// `AWAITING HUMAN APPROVAL` and what comes after.
    pub status: String,
    /// `Routine`, `Urgent` or `Emergency`.
    pub urgency: String,
    /// The role or person who asks.
    pub requested_by: String,
    /// Where the checklist is.
    pub checklist: String,
    /// What the request holds fast: `Request`, `Version`, `Environment`, `Commit`, `Previous`.
    pub pinned: Vec<Pinned>,
    /// What is being deployed; may have several lines.
    pub summary: String,
    /// `Low`, `Medium` or `High`.
    pub risk_level: String,
    /// What happens if it fails; may have several lines.
    pub impact: String,
    /// What is done against it; may have several lines.
    pub mitigation: String,
    /// The preferred time.
    pub preferred: String,
    /// The other time.
    pub alternative: String,
    /// The times when nothing is deployed; the page says `none` for an empty list.
    pub blackouts: Vec<String>,
    /// How long to watch afterwards, in minutes.
    pub monitor_minutes: u64,
    /// Who deploys it and how, where nobody approves: the environment is automatic.
    pub automatic: Option<String>,
}

/// A line of the request's head.
#[derive(Clone, Debug, Serialize)]
pub struct Pinned {
    /// What it is: `Commit`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The table of deployments as its template has it.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryPage {
    /// The deployments, in the order of the table.
    pub rows: Vec<HistoryRow>,
}

/// One deployment.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryRow {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// The version.
    pub version: String,
    /// `Feature`, `Hotfix` and the like: the column `Type`.
    pub kind: String,
    /// `Success`, `Rolled back` and the like.
    pub status: String,
    /// `N/A`, `Yes` or what else is to be said.
    pub rollback: String,
    /// A few words.
    pub notes: String,
}

/// The modification history as its template has it.
#[derive(Clone, Debug, Serialize)]
pub struct ModificationsPage {
    /// What was done, in the order of the table.
    pub rows: Vec<ModificationRow>,
}

/// One thing that was done.
#[derive(Clone, Debug, Serialize)]
pub struct ModificationRow {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// `HH:MM`, UTC.
    pub time: String,
    /// Who, and whether that is signed.
    pub agent: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub details: String,
    /// Why.
    pub reason: String,
}

/// The measures as their template has them.
#[derive(Clone, Debug, Serialize)]
pub struct MetricsPage {
    /// Which deployments count, in a sentence without its end.
    pub period: String,
    /// Every measure of every environment.
    pub rows: Vec<MetricRow>,
    /// Each measure with what exactly it is.
    pub definitions: Vec<Pinned>,
    /// What the measures came from, where that is asked.
    pub entries: Vec<MetricEntry>,
    /// Whether it is asked.
    pub explained: bool,
}

impl MetricsPage {
    /// The same text in every field, to try a template with.
    #[must_use]
    pub fn filled(text: &str) -> Self {
        let word = || text.to_owned();
        let row = MetricRow {
            environment: word(),
            measure: word(),
            value: word(),
            samples: 7,
            not_counted: 1,
            recorded: word(),
        };
        let entry = MetricEntry {
            environment: word(),
            entry: word(),
            version: word(),
            commit: word(),
            from: word(),
            to: word(),
            value: word(),
            recorded: word(),
            why: word(),
        };
        Self {
            period: word(),
            rows: vec![row],
            definitions: vec![Pinned { name: word(), value: word() }],
            entries: vec![entry],
            explained: true,
        }
    }
}

/// A measure of an environment.
#[derive(Clone, Debug, Serialize)]
pub struct MetricRow {
    /// Where.
    pub environment: String,
    /// `Change lead time` and the like.
    pub measure: String,
    /// Its value in words, or that there are too few samples.
    pub value: String,
    /// How many samples.
    pub samples: usize,
    /// How many deployments would be samples, were more known of them.
    pub not_counted: usize,
    /// `signed` or `journal`.
    pub recorded: String,
}

/// What a measure came from, or what it leaves out.
#[derive(Clone, Debug, Serialize)]
pub struct MetricEntry {
    /// Where.
    pub environment: String,
    /// The first digits of the deployment's record.
    pub entry: String,
    /// Its version.
    pub version: String,
    /// The first digits of the commit, where each counts by itself.
    pub commit: String,
    /// `YYYY-MM-DD HH:MM UTC`; may be empty.
    pub from: String,
    /// The same.
    pub to: String,
    /// The value in words, or `not counted`.
    pub value: String,
    /// `signed`, `journal` or `imported`.
    pub recorded: String,
    /// Why it counts, or why not.
    pub why: String,
}

/// The report of an emergency as its template has it.
#[derive(Clone, Debug, Serialize)]
pub struct PostIncidentPage {
    /// The version that was deployed.
    pub version: String,
    /// Where.
    pub environment: String,
    /// `P1: Complete outage`.
    pub severity: String,
    /// The request's id.
    pub request: String,
    /// When it was declared, when it was live, and whether that was in time.
    pub response: String,
    /// `Success`, `Rolled back` and the like.
    pub outcome: String,
    /// Until when the review is owed.
    pub review_by: String,
    /// Stages that were left out, each with its checks.
    pub skips: Vec<String>,
    /// The role or person who asked.
    pub requested_by: String,
    /// The people whose approvals counted.
    pub declared_by: String,
    /// The person who executed.
    pub executed_by: String,
    /// What happened, in order.
    pub timeline: Vec<TimelineEvent>,
    /// The steps that ended, a sentence each.
    pub steps: Vec<String>,
}

/// The report of a rollback as its template has it.
#[derive(Clone, Debug, Serialize)]
pub struct PostRollbackPage {
    /// Where.
    pub environment: String,
    /// The version that was rolled back, and its commit.
    pub undone: String,
    /// The version it went back to, and its commit.
    pub back_to: String,
    /// The request's id.
    pub request: String,
    /// The first digits of the rollback's execution.
    pub execution: String,
    /// The person who rolled back.
    pub rolled_back_by: String,
    /// When it began.
    pub time: String,
    /// Why, as the person said.
    pub reason: String,
    /// `Success`, `Failed` and the like.
    pub outcome: String,
    /// What the records tell of why.
    pub trigger: String,
    /// What became of the database.
    pub database: String,
    /// Until when the report is owed, where the policy says so.
    pub review_by: Option<String>,
    /// The role or person who asked for the deployment.
    pub requested_by: String,
    /// The people who approved it.
    pub approved_by: String,
    /// The person who deployed it.
    pub executed_by: String,
    /// What happened, in order.
    pub timeline: Vec<TimelineEvent>,
    /// The rollback's steps that ended, a sentence each.
    pub steps: Vec<String>,
}

/// One line of a report's timeline.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineEvent {
    /// `YYYY-MM-DD HH:MM UTC`.
    pub time: String,
    /// What happened.
    pub what: String,
}

impl PostRollbackPage {
    /// The same text in every field, to try a template with.
    #[must_use]
    pub fn filled(text: &str) -> Self {
        let word = || text.to_owned();
        Self {
            environment: word(),
            undone: word(),
            back_to: word(),
            request: word(),
            execution: word(),
            rolled_back_by: word(),
            time: word(),
            reason: word(),
            outcome: word(),
            trigger: word(),
            database: word(),
            review_by: Some(word()),
            requested_by: word(),
            approved_by: word(),
            executed_by: word(),
            timeline: vec![TimelineEvent { time: word(), what: word() }],
            steps: vec![word()],
        }
    }
}
