//! The documents of a request: checklist and request page, from the draft.

use std::collections::BTreeMap;

use anyhow::Result;

use super::gather::Moment;
use crate::evidence::checklist::{Checklist, Item, Section};
use crate::gate::config::Deployment;
use crate::gate::request::Request;
use crate::render::pages::{ChecklistPage, HistoryPage, HistoryRow, Page, Pages, Pinned, RequestPage};

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
pub fn checklist(pages: &Pages, checklist: &Checklist) -> Result<String> {
    Ok(pages.render(Page::Checklist, &ChecklistPage::from(checklist))?)
}

/// The request as Markdown.
///
/// # Errors
/// A template's.
pub fn request(pages: &Pages, request: &Request, id: &str, deployment: Deployment) -> Result<String> {
    let asked = &request.asked;
    let pin = |name: &str, value: String| Pinned { name: name.to_owned(), value };
    let previous = request.previous_release.as_ref();
    let previous = previous.map_or_else(|| "none".to_owned(), |previous| previous.version.to_string());
    let unsaid = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    let page = RequestPage {
        environment: request.environment.to_string(),
        status: status(deployment).to_owned(),
        urgency: asked.urgency.word().to_owned(),
        requested_by: request.requested_by.name.clone(),
        checklist: "checklist.md".to_owned(),
        pinned: vec![
            pin("Request", id.to_owned()),
            pin("Version", request.release.version.to_string()),
            pin("Commit", request.release.commit.to_string()),
            pin("Previous", previous),
            pin("Decide by", request.decide_by.format("%Y-%m-%d %H:%M UTC").to_string()),
        ],
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
    checklist(&pages, &page)?;
    let page = RequestPage {
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
    Ok(())
}
