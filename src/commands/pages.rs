//! The documents of a request: checklist and request page, from the draft.

use std::collections::BTreeMap;

use anyhow::Result;

use super::gather::Moment;
use crate::evidence::checklist::{Checklist, Item, Section};
use crate::gate::config::{ActionKind, Deployment};
use crate::gate::emergency::Emergency;
use crate::gate::policy::Policy;
use crate::gate::request::{Request, Urgency};
use crate::render::pages::{
    ChecklistPage, HistoryPage, HistoryRow, MetricsPage, Page, Pages, Pinned, PostIncidentPage,
    PostRollbackPage, RequestPage, TimelineEvent,
};
use crate::render::screen;

/// The wanted pages of the moment: the built-in templates, or the team's own in their place.
///
/// # Errors
/// A template that cannot be read, with its line.
pub fn of(moment: &Moment, wanted: &[Page]) -> Result<Pages> {
    let own: Vec<_> = moment.templates()?.into_iter().collect();
    Ok(if own.is_empty() { Pages::built_in(wanted)? } else { Pages::new(&own)? })
}

/// The checklist as Markdown.
///
/// # Errors
/// A template's.
pub fn checklist(pages: &Pages, checklist: &Checklist, urgency: Option<&UrgencyLines>) -> Result<String> {
    let mut page = ChecklistPage::from(checklist);
    if let Some(UrgencyLines { urgency, skips }) = urgency {
        page.urgency = Some(urgency.clone());
        page.skips.clone_from(skips);
    }
    Ok(pages.render(Page::Checklist, &page)?)
}

/// The checklist of a rollback as Markdown.
///
/// # Errors
/// A template's.
pub fn rollback_checklist(pages: &Pages, checklist: &Checklist) -> Result<String> {
    let page = ChecklistPage { action: ROLLBACK, ..ChecklistPage::from(checklist) };
    Ok(pages.render(Page::Checklist, &page)?)
}

const ROLLBACK: &str = "Rollback";

/// How soon it is wanted, and what is left out for it.
pub struct UrgencyLines {
    urgency: String,
    skips: Vec<String>,
}

/// `Emergency (P1: Complete outage)`, and each skipped stage with its checks.
#[must_use]
pub fn urgency(policy: &Policy, urgency: Urgency, emergency: Option<&Emergency>) -> UrgencyLines {
    let word = urgency.word();
    let Some(emergency) = emergency else { return UrgencyLines { urgency: word.to_owned(), skips: vec![] } };
    let severity = emergency.severity;
    let urgency = match policy.severity(emergency) {
        Some(level) => format!("{word} ({severity}: {})", level.definition),
        None => format!("{word} ({severity})"),
    };
    let skips = emergency.skip.iter().map(|stage| screen::skipped(policy, stage)).collect();
    UrgencyLines { urgency, skips }
}

/// The request as Markdown.
///
/// # Errors
/// A template's.
pub fn request(pages: &Pages, policy: &Policy, request: &Request, id: &str) -> Result<String> {
    let UrgencyLines { urgency, skips } = urgency(policy, request.asked.urgency, request.emergency.as_ref());
    let approvals = policy.environments.get(&request.environment).and_then(|rule| rule.approvals.as_ref());
    let asked_for =
        approvals.and_then(|approvals| approvals.why(&request.approval_rules, request.asked.risk));
    let deployment =
        policy.environments.get(&request.environment).map_or(Deployment::Human, |rule| rule.deployment);
    let asked = &request.asked;
    let pin = |name: &str, value: String| Pinned { name: name.to_owned(), value };
    let previous = request.previous_release.as_ref();
    let previous = previous.map_or_else(|| "none".to_owned(), |previous| previous.version.to_string());
    let unsaid = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    let rollback = request.action == ActionKind::Rollback;
    let page = RequestPage {
        action: if rollback { ROLLBACK } else { "Deployment" }.to_owned(),
        environment: request.environment.to_string(),
        status: status(deployment).to_owned(),
        urgency,
        requested_by: request.requested_by.name.clone(),
        checklist: "checklist.md".to_owned(),
        pinned: [
            pin("Request", id.to_owned()),
            pin("Version", request.release.version.to_string()),
            pin("Commit", request.release.commit.to_string()),
            pin(if rollback { "Undoes" } else { "Previous" }, previous),
            pin("Decide by", request.decide_by.format("%Y-%m-%d %H:%M UTC").to_string()),
        ]
        .into_iter()
        .chain(skips.into_iter().map(|skip| pin("Skips", skip)))
        .chain(asked_for.map(|asked_for| pin("Approvals", asked_for)))
        .collect(),
        summary: asked.summary.clone(),
        risk_level: asked.risk.word().to_owned(),
        impact: asked.impact.clone(),
        mitigation: asked.mitigation.clone(),
        preferred: unsaid(&asked.preferred),
        alternative: unsaid(&asked.alternative),
        blackouts: asked.blackouts.clone(),
        monitor_minutes: asked.monitor,
        automatic: (deployment == Deployment::Automatic).then(|| deploys(request, id)),
    };
    Ok(pages.render(Page::Request, &page)?)
}

/// What a request waits for.
#[must_use]
pub const fn status(deployment: Deployment) -> &'static str {
    match deployment {
        Deployment::Human => "AWAITING HUMAN APPROVAL",
        Deployment::Automatic => "AWAITING DEPLOYMENT",
    }
}

/// Who does what next with a request that nobody approves.
#[must_use]
pub fn deploys(request: &Request, id: &str) -> String {
    format!("a role that may deploys it: deployctl deploy {} {id} --as ROLE", request.environment)
}

/// Writes each page once with made-up facts: a template that does not fit them is better found before people sign it.
///
/// # Errors
/// A template's, with its line.
pub fn try_out(templates: &BTreeMap<String, String>) -> Result<()> {
    let own: Vec<_> = templates.iter().map(|(name, source)| (name.clone(), source.clone())).collect();
    let pages = Pages::new(&own)?;
    let word = || "example".to_owned();
    let item = Item::open("example", "Example", "text", "nobody looked");
    let parent = Item { evidence: Some(word()), group: Some(word()), children: vec![item.clone()], ..item };
    let section = Section { title: word(), notes: vec![word()], items: vec![parent] };
    let (version, date) = ("v1.0.0".to_owned(), "2026-01-01".to_owned());
    let page = Checklist {
        version: version.clone(),
        date: date.clone(),
        prepared_by: word(),
        sections: vec![section],
    };
    let lines = UrgencyLines { urgency: word(), skips: vec![word()] };
    checklist(&pages, &page, Some(&lines))?;
    let page = RequestPage {
        action: word(),
        environment: word(),
        status: word(),
        urgency: word(),
        requested_by: word(),
        checklist: word(),
        pinned: vec![Pinned { name: word(), value: word() }],
        summary: word(),
        risk_level: word(),
        impact: word(),
        mitigation: word(),
        preferred: word(),
        alternative: word(),
        blackouts: vec![word()],
        monitor_minutes: 15,
        automatic: None,
    };
    pages.render(Page::Request, &page)?;
    let row = HistoryRow { date, version, kind: word(), status: word(), rollback: word(), notes: word() };
    pages.render(Page::History, &HistoryPage { rows: vec![row] })?;
    pages.render(Page::Metrics, &MetricsPage::filled(&word()))?;
    let page = PostIncidentPage {
        version: word(),
        environment: word(),
        severity: word(),
        request: word(),
        response: word(),
        outcome: word(),
        review_by: word(),
        skips: vec![word()],
        requested_by: word(),
        declared_by: word(),
        executed_by: word(),
        timeline: vec![TimelineEvent { time: word(), what: word() }],
        steps: vec![word()],
    };
    pages.render(Page::PostIncident, &page)?;
    pages.render(Page::PostRollback, &PostRollbackPage::filled(&word()))?;
    Ok(())
}
