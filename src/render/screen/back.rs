//! The review of a rollback: what is undone, where it goes, and what becomes of the database.

use super::{approved_by, cut, digests, minute, number, what_runs, window};
use crate::gate::policy::{EnvironmentRule, Policy};
use crate::gate::request::Request;
use crate::gate::statement::RequestRef;
use crate::gate::what_runs::WhatRuns;

/// What a request of a rollback says of the database.
#[must_use]
pub fn database(request: &Request) -> String {
    match request.extent.migrations {
        0 => "untouched: no migrations in between".to_owned(),
        all => {
            format!("STAYS as it is: {} in between, and none goes down by itself", number(all, "migration"))
        }
    }
}

pub(super) fn review(
    policy: &Policy,
    rule: &EnvironmentRule,
    (request, reference): (&Request, &RequestRef),
    runs: &WhatRuns<'_>,
) -> String {
    let (to, asked, extent) = (&request.release, &request.asked, &request.extent);
    let undone = request.previous_release.as_ref();
    let from = undone.map_or_else(String::new, |undone| format!(" from {}", undone.version));
    let mut lines = vec![
        format!(
            "{} · {} · ROLLBACK of {}{from} to {}",
            cut(&policy.project),
            reference.id,
            request.environment,
            to.version
        ),
        String::new(),
    ];
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<12} {value}"));
    field("Summary", cut(&asked.summary));
    let by = &request.requested_by;
    field("Asked by", format!("{} ({}), {}", cut(&by.name), cut(&by.known_by), minute(request.at)));
    let named = |undone: &crate::gate::statement::Release| format!("{}  {}", undone.version, undone.commit);
    field("UNDOES", undone.map_or_else(|| "nothing".to_owned(), named));
    if let Some((name, doubt)) = what_runs::doubt(runs) {
        field(name, doubt);
    }
    field("GOES TO", format!("{}  tree {}, live before", named(to), request.tree.short()));
    field(
        "Takes back",
        format!(
            "{} by {}, {} changed",
            number(extent.commits, "commit"),
            number(extent.authors, "author"),
            number(extent.files, "file")
        ),
    );
    field("Database", database(request));
    field(
        "Risk",
        format!("{} · {} · impact: {}", asked.risk.word(), asked.urgency.word(), cut(&asked.impact)),
    );
    field("Mitigation", cut(&asked.mitigation));
    field("Window", window(rule, request));
    let way = rule.rollback.as_ref();
    for step in way.into_iter().flat_map(|way| &way.steps) {
        field("Runs", format!("{}: {}", step.name, super::command(&step.run)));
    }
    field("Afterwards", "what is taken back is quarantined, and a report is owed".to_owned());
    lines.extend(approved_by(rule, request));
    lines.push(digests(request, reference));
    lines.push(String::new());
    lines.join("\n")
}
