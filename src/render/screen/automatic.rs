//! The plan of an automatic environment, and what an environment is for.

use super::{command, cut, runs, secrets, span};
use crate::gate::plan::Plan;
use crate::gate::policy::{EnvironmentRule, Step};

/// The plan of a deployment that nobody approves: what runs, for whom, and the tests after it.
#[must_use]
pub fn automatic(
    plan: &Plan,
    rule: &EnvironmentRule,
    project: &str,
    (by, known_by): (&str, &str),
    tests: &[&Step],
) -> String {
    let previous = plan.previous.as_ref().map_or_else(
        || "nothing recorded".to_owned(),
        |previous| format!("{} ({}), as the journal says", previous.version, previous.commit.short()),
    );
    let mut lines = vec![
        format!("{} · deploy {} to {}", cut(project), plan.release.version, plan.environment),
        String::new(),
    ];
    lines.extend(about(rule).into_iter().map(|(name, words)| format!("  {name:<12} {words}")));
    lines.push(format!("  Asked by     {} ({})", cut(by), cut(known_by)));
    if let Some(request) = &plan.request {
        lines.push(format!("  Request      {}", request.id));
    }
    lines.push(format!("  Commit       {}", plan.release.commit));
    lines.push(format!("  Now live     {previous}"));
    lines.extend(runs(plan));
    let secret = |found| secrets("  Secrets     ", found, "right before the steps");
    lines.extend(plan.credentials.iter().map(secret));
    lines.extend(tests.iter().map(|test| {
        format!("  Smoke test   {}: {} (at most {})", test.name, command(&test.run), span(test.timeout))
    }));
    if rule.health.is_some() {
        lines.push(format!("  Watch        none; look on with: deployctl monitor {}", plan.environment));
    }
    if let Some(previous) = &plan.previous {
        let back = previous.argument();
        lines.push(format!("  Way back     deployctl deploy {} {back} --as ROLE", plan.environment));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What an environment is for, what data it holds, and who reaches it; what the policy does not say is left out.
#[must_use]
pub fn about(rule: &EnvironmentRule) -> Vec<(&'static str, String)> {
    let names = ["Purpose", "Data", "Access"].into_iter();
    names.zip(&rule.about).filter_map(|(name, words)| Some((name, cut(words.as_deref()?)))).collect()
}
