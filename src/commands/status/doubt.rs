//! What `status` says where the newest action did not end well: what of it was run, and what comes next.

use chrono::{DateTime, Utc};

use crate::commands::aftermath;
use crate::gate::config::ActionKind;
use crate::gate::decide::again_for;
use crate::gate::remains::Remains;
use crate::gate::statement::Ending;
use crate::gate::terms::Environment;
use crate::gate::timeline::{Deployed, Timeline, Track};
use crate::render::text;

/// A line for the newest action, and for those before it as long as nothing was run and the one before ended badly, too.
pub fn lines(
    timeline: &Timeline,
    name: &Environment,
    (track, now): (&Track, DateTime<Utc>),
    next: &mut Vec<String>,
) -> Vec<String> {
    let Some(newest) = track.doubt() else { return vec![] };
    if track.interrupted().is_some() {
        let id = &newest.start.request.id;
        next.push(format!("look at {name} and say what runs: deployctl approve --review {id} --reason TEXT"));
    }
    let mut lines = Vec::new();
    for known in track.doubtful(now) {
        lines.push(format!("  {}", line(known)));
        if known.remains() != Remains::Nothing {
            break;
        }
    }
    next.extend(what_next(timeline, name, newest, track.what_runs(now).left));
    lines
}

fn line(deployed: &Deployed) -> String {
    let version = &deployed.start.release.version;
    let rollback = deployed.start.action == ActionKind::Rollback;
    let what = if rollback { "the rollback to" } else { "the deployment of" };
    if let Some(found) = &deployed.reviewed {
        return format!("{what} {version} failed, as a person found: {}", text::line(found, 100));
    }
    let how = match deployed.ending {
        Some((Ending::Interrupted, _)) => "was interrupted",
        _ => "failed",
    };
    let at = deployed.failed_step.as_ref();
    let at = at.map_or_else(String::new, |step| format!(" at {}", text::line(step, 80)));
    let runs = match (deployed.remains(), &deployed.watched) {
        (Remains::Nothing, _) => "no step was run".to_owned(),
        (Remains::All, None) => "all of its steps were run".to_owned(),
        (Remains::All, Some(watched)) => {
            format!("all of its steps were run, and {version} is {}", text::line(&watched.words(), 200))
        }
        (Remains::Part, _) => format!("what runs {}", deployed.leaves()),
    };
    format!("{what} {version} {how}{at}: {runs}")
}

/// What to do about it: nothing is undone of which nothing was run.
fn what_next(
    timeline: &Timeline,
    name: &Environment,
    newest: &Deployed,
    left: Option<&Deployed>,
) -> Vec<String> {
    let version = &newest.start.release.version;
    let again = again_for(ActionKind::Deploy, name, version);
    let fix = format!("deployctl request VERSION -e {name} --as ROLE");
    let Some(left) = left else {
        return vec![match newest.start.action {
            ActionKind::Deploy => format!("nothing is to undo; its approval was used, so ask again: {again}"),
            ActionKind::Rollback => {
                format!("try again: {}", aftermath::again(timeline, name, &newest.start))
            }
        }];
    };
    if left.start.previous_release.as_ref().is_none_or(|back| back == &left.start.release) {
        return vec![format!("there is no release to go back to: request the fix: {fix}")];
    }
    let back = match left.start.action {
        ActionKind::Deploy => format!("deployctl rollback {name} --reason TEXT"),
        ActionKind::Rollback => aftermath::again(timeline, name, &left.start),
    };
    let whole = left.remains() == Remains::All || left.reviewed.is_some();
    let forward = whole.then(|| format!("or go forward with a fix: {fix}"));
    std::iter::once(back).chain(forward).collect()
}
