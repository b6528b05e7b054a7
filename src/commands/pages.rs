//! The documents of a request: checklist and request page, from the draft.

use anyhow::Result;

use crate::evidence::checklist::Checklist;
use crate::gate::request::Request;
use crate::render::pages::{ChecklistPage, Page, Pages, Pinned, RequestPage};

/// The checklist as Markdown.
///
/// # Errors
/// A template's.
pub fn checklist(checklist: &Checklist) -> Result<String> {
    Ok(Pages::new(&[])?.render(Page::Checklist, &ChecklistPage::from(checklist))?)
}

/// The request as Markdown.
///
/// # Errors
/// A template's.
pub fn request(request: &Request, id: &str) -> Result<String> {
    let asked = &request.asked;
    let pin = |name: &str, value: String| Pinned { name: name.to_owned(), value };
    let previous = request.previous_release.as_ref();
    let previous = previous.map_or_else(|| "none".to_owned(), |previous| previous.version.to_string());
    let unsaid = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    let page = RequestPage {
        environment: request.environment.to_string(),
        status: "AWAITING HUMAN APPROVAL".to_owned(),
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
    };
    Ok(Pages::new(&[])?.render(Page::Request, &page)?)
}
