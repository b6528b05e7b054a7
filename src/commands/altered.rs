//! Whether the pages of a request read as its facts do: a machine brought them, and they are kept with what people sign.

use anyhow::Result;

use super::gather::Moment;
use super::journal::{Package, PackageEvidence};
use super::{back, candidate, pages, target};
use crate::evidence::draft::{Draft, Rules, Since, back as taken};
use crate::gate::config::ActionKind;
use crate::gate::decide::ask_again;
use crate::gate::policy::Policy;
use crate::gate::reason::{Code, Reason};
use crate::render::pages::{Page, Pages};

/// What a review says of pages that are not what this program draws from the facts of the request: a machine may have
/// changed them, or another version of this program drew them. What the review itself says is never taken from them.
///
/// # Errors
/// Git's and a template's.
pub fn warning(moment: &Moment, policy: &Policy, package: &Package) -> Result<Option<Reason>> {
    let (request, id) = (&package.request, &package.reference.id);
    // Under other rules pages may read otherwise, and that is refused by itself.
    if request.policy != policy.digest {
        return Ok(None);
    }
    let wanted = pages::of(moment, &[Page::Checklist, Page::Request])?;
    let checklists = match request.action {
        ActionKind::Deploy => checklists(moment, policy, package, &wanted)?,
        ActionKind::Rollback => of_rollback(moment, policy, package, &wanted)?,
    };
    let kept = |name: &str| package.files.get(name).map(Vec::as_slice);
    let is = |name: &str, page: &String| kept(name) == Some(page.as_bytes());
    let mut altered = Vec::new();
    // Without a commit there is nothing to draw it from, and that is refused by itself.
    if !checklists.is_empty() && !checklists.iter().any(|page| is("checklist.md", page)) {
        altered.push("`checklist.md`");
    }
    if !is("request.md", &pages::request(&wanted, policy, request, id)?) {
        altered.push("`request.md`");
    }
    if altered.is_empty() {
        return Ok(None);
    }
    let what = format!(
        "{} of `{id}`, kept with what is signed, does not read as its facts do: rely on this screen alone",
        altered.join(" and ")
    );
    Ok(Some(
        Reason::new(Code::RequestStale, what).next(format!("make a new request: {}", ask_again(request))),
    ))
}

/// The checklist as it may have been drawn: who names a commit and who finds it by its tag say so in different words.
fn checklists(moment: &Moment, policy: &Policy, package: &Package, wanted: &Pages) -> Result<Vec<String>> {
    let request = &package.request;
    let rule = policy.environments.get(&request.environment);
    let rule = rule.filter(|_| moment.repository.has(&request.release.commit));
    let (Some(rule), Some(PackageEvidence { tests, signed, since })) = (rule, package.evidence()) else {
        return Ok(vec![]);
    };
    let pinned = target::pinned(request, tests, signed);
    if pinned.since.commit().is_some_and(|commit| !moment.repository.has(commit)) {
        return Ok(vec![]);
    }
    let mut draft = candidate::draft_of(moment, policy, pinned)?;
    let urgency = pages::urgency(policy, request.asked.urgency, request.emergency.as_ref());
    let urgency = request.emergency.as_ref().map(|_| &urgency);
    let page = |draft: &Draft| {
        let rules = Rules::of(&request.environment, rule);
        pages::checklist(wanted, &draft.checklist(&request.requested_by.name, &rules), urgency)
    };
    let mut drawn = vec![page(&draft)?];
    // A request says of the nearest tag only which commit that is.
    if let (Since::Commit(commit), Some(Since::Tag(tag))) = (&draft.since, since)
        && (commit, Some(commit)) == (&tag.commit, moment.repository.tag(&tag.version)?.as_ref())
    {
        draft.since = Since::Tag(tag);
        drawn.push(page(&draft)?);
    }
    Ok(drawn)
}

fn of_rollback(moment: &Moment, policy: &Policy, package: &Package, wanted: &Pages) -> Result<Vec<String>> {
    let request = &package.request;
    let Some(undone) = &request.previous_release else { return Ok(vec![]) };
    if [undone, &request.release].iter().any(|release| !moment.repository.has(&release.commit)) {
        return Ok(vec![]);
    }
    let (environment, to) = (&request.environment, &request.release);
    let draft = back::taken_back(moment, policy, environment, (undone, to), request.at)?;
    let checklist = taken::checklist((undone, to), &draft, &request.requested_by.name, request.at);
    Ok(vec![pages::rollback_checklist(wanted, &checklist)?])
}
