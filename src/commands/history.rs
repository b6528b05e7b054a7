//! `deployctl history`: the table of deployments from the records, and the proof that they hold.

mod automatic;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::aftermath;
use super::emergency::clock_json;
use super::gather::{Moment, verify};
use super::{pages, target};
use crate::cli::{Common, Format, HistoryArgs};
use crate::evidence::records::NAMESPACE;
use crate::gate::config::ActionKind;
use crate::gate::decide::{ledger_reason, no_environment};
use crate::gate::reason::{Code, Reason};
use crate::gate::request::{Request, Urgency};
use crate::gate::statement::{Ending, Payload, Statement, canonical};
use crate::gate::terms::{Digest, Environment};
use crate::gate::timeline::{Deployed, RawEntry, Timeline, Track};
use crate::render::answer::Answer;
use crate::render::pages::{HistoryPage, HistoryRow, Page};
use crate::render::{screen, text};
use crate::world::records::LEDGER;

const COMMAND: &str = "history";

/// Shows the table, verifies everything, or exports the keys.
///
/// # Errors
/// When records cannot be found out.
pub fn run(common: &Common, args: &HistoryArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let mut answer = if args.verify {
        whole(&moment)?
    } else if let Err(trouble) = &moment.ledger {
        Answer::refused(COMMAND, vec![ledger_reason(trouble)])
    } else if args.allowed_signers {
        allowed_signers(&moment)?
    } else {
        table(&moment, common, args)?
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

/// One line of the table, and what programs get besides.
struct Row {
    page: HistoryRow,
    json: serde_json::Value,
}

fn table(moment: &Moment, common: &Common, args: &HistoryArgs) -> Result<Answer> {
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let mut rows = Vec::new();
    if let (Some(policy), Some(wanted)) = (moment.policy(), &args.environment)
        && !policy.environments.contains_key(wanted)
        && !timeline.tracks.contains_key(wanted)
    {
        return Ok(Answer::refused(COMMAND, vec![no_environment(policy, wanted)]));
    }
    for (environment, track) in &timeline.tracks {
        if args.environment.as_ref().is_some_and(|wanted| wanted != environment) {
            continue;
        }
        for deployed in
            track.deployments.iter().filter(|deployed| deployed.start.action == ActionKind::Deploy)
        {
            rows.push((deployed.at, row(moment, environment, track, deployed)?));
        }
    }
    let wanted =
        |environment: &Environment| args.environment.as_ref().is_none_or(|wanted| wanted == environment);
    rows.extend(automatic::rows(moment, &wanted));
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let json: Vec<_> = rows.iter().map(|(_, row)| row.json.clone()).collect();
    let page = HistoryPage { rows: rows.into_iter().map(|(_, row)| row.page).collect() };
    let markdown = pages::of(moment, &[Page::History])?.render(Page::History, &page)?;
    let text = match common.format {
        Format::Markdown => markdown.clone(),
        Format::Text | Format::Json | Format::Github => plain(&page),
    };
    Ok(Answer::done(COMMAND, text).with("deployments", json).with("markdown", markdown))
}

fn row(moment: &Moment, environment: &Environment, track: &Track, deployed: &Deployed) -> Result<Row> {
    let request = target::of_execution(moment, &deployed.start.request)?.map(|package| package.request);
    let undone_by = deployed
        .rolled_back_by
        .and_then(|digest| track.deployments.iter().find(|rollback| rollback.execution == digest));
    let status = status(deployed, moment);
    let rollback = match (undone_by, deployed.ending) {
        (Some(_), _) => "Yes",
        (None, Some((Ending::Failed | Ending::Interrupted, _))) => "No",
        (None, _) => "N/A",
    };
    let open = undone_by.and_then(|rollback| aftermath::note(moment, rollback));
    let notes = [Some(notes(deployed, undone_by, request.as_ref())), open];
    let notes = notes.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let page = HistoryRow {
        date: deployed.at.format("%Y-%m-%d").to_string(),
        version: deployed.start.release.version.to_string(),
        kind: kind(request.as_ref()).to_owned(),
        status: status.to_owned(),
        rollback: rollback.to_owned(),
        notes: notes.clone(),
    };
    let json = json!({
        "environment": environment,
        "date": page.date,
        "version": page.version,
        "type": page.kind,
        "status": page.status,
        "rollback": page.rollback,
        "notes": notes,
        "commit": deployed.start.release.commit,
        "previous": deployed.start.previous_release,
        "request": deployed.start.request,
        "started_at": deployed.at,
        "ended_at": deployed.ending.map(|(_, at)| at),
        "executed_by": deployed.by,
        "approved_by": approvers(moment, deployed),
        "steps": deployed.steps,
        "failed_step": deployed.failed_step,
        "watched": deployed.watched,
        "emergency": clock_json(deployed),
        "execution": deployed.execution,
        "recorded_in": "ledger",
        "rolled_back_by": undone_by.map(|rollback| &rollback.by),
        "rolled_back_automatically": undone_by.map(|rollback| rollback.automatic),
        "rolled_back_at": undone_by.map(|rollback| rollback.at),
        "report": undone_by.map(|rollback| aftermath::json(moment, rollback)),
    });
    Ok(Row { page, json })
}

fn approvers(moment: &Moment, deployed: &Deployed) -> BTreeSet<String> {
    let timeline = moment.timeline();
    let decided = timeline.and_then(|timeline| timeline.requests.get(&deployed.start.request));
    let votes = decided.map(|decided| decided.votes.as_slice()).unwrap_or_default();
    votes
        .iter()
        .filter(|vote| deployed.start.approvals.contains(&vote.entry))
        .map(|vote| vote.by.to_string())
        .collect()
}

fn status(deployed: &Deployed, moment: &Moment) -> &'static str {
    if deployed.rolled_back_by.is_some() {
        return "Rolled back";
    }
    match deployed.ending {
        Some((Ending::Succeeded, _)) => "Success",
        Some((Ending::Failed, _)) => "Failed",
        Some((Ending::Interrupted, _)) => "Interrupted",
        None if moment.now > deployed.start.lease_until => "Interrupted",
        None => "Running",
    }
}

fn kind(request: Option<&Request>) -> &'static str {
    match request.map(|request| request.asked.urgency) {
        Some(Urgency::Emergency) => "Hotfix",
        Some(Urgency::Routine | Urgency::Urgent) => "Feature",
        None => "Unknown",
    }
}

/// What is most worth knowing, and the clock of an emergency before it.
fn notes(deployed: &Deployed, undone_by: Option<&Deployed>, request: Option<&Request>) -> String {
    let note = note(deployed, undone_by, request);
    screen::clock(deployed).map(|clock| format!("{clock}; {note}")).unwrap_or(note)
}

fn note(deployed: &Deployed, undone_by: Option<&Deployed>, request: Option<&Request>) -> String {
    if let Some(reason) = undone_by.and_then(|rollback| rollback.start.reason.clone()) {
        return reason;
    }
    if let Some(watched) = deployed.watched.as_ref().filter(|_| deployed.failed_step.is_some()) {
        return watched.words();
    }
    if let Some(step) = &deployed.failed_step {
        return format!("ended at step {step}");
    }
    if let Some(found) = &deployed.reviewed {
        return found.clone();
    }
    request.map(|request| request.asked.summary.clone()).unwrap_or_default()
}

/// Longer cells of the plain table are cut: the clock of an emergency and a short summary have room.
const CELL_MAX: usize = 100;

/// The table with aligned columns.
fn plain(page: &HistoryPage) -> String {
    if page.rows.is_empty() {
        return "no deployment is recorded yet\n".to_owned();
    }
    let head = ["Date", "Version", "Type", "Status", "Rollback", "Notes"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(page.rows.iter().map(|row| {
        [&row.date, &row.version, &row.kind, &row.status, &row.rollback, &row.notes]
            .map(|cell| text::line(cell, CELL_MAX))
    }));
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("{}\n", cells.join("  ").trim_end())
        })
        .collect()
}

/// Checks the whole chain: every place, every digest, every signature, every state.
fn whole(moment: &Moment) -> Result<Answer> {
    let trouble = moment.ledger.as_ref().err();
    if let Some(trouble) = trouble {
        let mut answer = Answer::refused(COMMAND, vec![ledger_reason(trouble)]);
        if let Some((sequence, commit)) = place_of_fault(moment) {
            answer = answer.with("failed_at", json!({ "sequence": sequence, "commit": commit }));
        }
        return Ok(answer.with("verified", false));
    }
    let entries = read(moment)?;
    let mut timeline = Timeline::default();
    let mut states = 0;
    for entry in &entries {
        let before = Digest::of(&canonical(&timeline.state())?);
        let said = entry.attachments.get("state.json");
        if said.is_some_and(|said| *said != before) {
            let sequence = timeline.tip.as_ref().map_or(1, |tip| tip.sequence + 1);
            let what = format!(
                "entry {sequence} ({}): its `state.json` is not what the entries before it come to",
                entry.commit.short()
            );
            return Ok(Answer::refused(COMMAND, vec![Reason::new(Code::LedgerTampered, what)])
                .with("verified", false)
                .with("failed_at", json!({ "sequence": sequence, "commit": entry.commit })));
        }
        states += usize::from(said.is_some());
        timeline.apply(entry, verify)?;
    }
    if let (Some(known), Some(root)) = (moment.pin.root(), timeline.root)
        && known != root
    {
        let what = format!("this machine knows the trust root {known}, and the ledger has {root}");
        return Ok(
            Answer::refused(COMMAND, vec![Reason::new(Code::PolicyRoot, what)]).with("verified", false)
        );
    }
    let root = timeline.root.map(|root| root.to_string());
    let text = format!(
        "ok: {}, each with its signature, chain and files; {} reached again\ntrust root: {}\n",
        text::count(entries.len(), "entry"),
        text::count(states, "state"),
        root.as_deref().unwrap_or("none: the ledger is not founded")
    );
    Ok(Answer::done(COMMAND, text)
        .with("verified", true)
        .with("entries", entries.len())
        .with("signatures", entries.len())
        .with("states", states)
        .with("root", root))
}

fn read(moment: &Moment) -> Result<Vec<RawEntry>> {
    match moment.records.tip(LEDGER)? {
        Some(tip) => Ok(moment.records.read(&tip)?),
        None => Ok(vec![]),
    }
}

fn place_of_fault(moment: &Moment) -> Option<(u64, String)> {
    let tip = moment.records.tip(LEDGER).ok()??;
    let entries = moment.records.read(&tip).ok()?;
    let fault = super::gather::fold(&entries).err()?;
    Some((fault.sequence, fault.commit.to_string()))
}

/// Everybody who could ever sign, in the form that `ssh-keygen -Y verify -f` reads.
fn allowed_signers(moment: &Moment) -> Result<Answer> {
    let people = "deployctl-policy,deployctl-approval,deployctl-revocation,deployctl-execution,deployctl-review,deployctl-signoff";
    let mut lines = BTreeSet::new();
    let mut timeline = Timeline::default();
    for entry in read(moment)? {
        timeline.apply(&entry, verify)?;
        if let Some(in_force) = &timeline.policy {
            for (name, person) in &in_force.policy.people {
                lines.extend(
                    person.keys.iter().map(|key| format!("{name} namespaces=\"{people}\" {}", key.line())),
                );
            }
            for (name, keys) in &in_force.policy.machines {
                lines.extend(
                    keys.iter().map(|key| format!("{name} namespaces=\"{NAMESPACE}\" {}", key.line())),
                );
            }
        }
        if let Statement::Execution(execution) = Payload::read(&entry.payload)?.statement {
            let key = execution.session_key.line();
            lines.insert(format!("session namespaces=\"deployctl-session\" {key}"));
        }
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(Answer::done(COMMAND, text.clone()).with("allowed_signers", text))
}
