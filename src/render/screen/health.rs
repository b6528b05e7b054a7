//! What is measured after a deployment, on the screen of a policy: the commands and addresses whole, as they are signed.

use super::{command, span};
use crate::gate::config::IncreaseMode;
use crate::gate::policy::{Health, Level, Question};
use crate::render::text;

/// One line a probe and a metric, each with the number that is a trigger.
pub(super) fn rules(health: &Health) -> Vec<String> {
    let mut lines = vec![format!(
        "    watches: every {}, more than {} failures of a probe in a row are a trigger",
        span(health.interval),
        health.consecutive_failures
    )];
    lines.extend(health.probes.iter().map(|(name, probe)| {
        let asked = match &probe.question {
            Question::Run(run) => command(run),
            other => whole(&other.words()),
        };
        format!("    probe: {name} = {asked} (at most {})", span(probe.timeout))
    }));
    let Some(metrics) = &health.metrics else { return lines };
    lines.push(format!("    metrics: {} (at most {})", whole(&metrics.prometheus), span(metrics.timeout)));
    lines.extend(metrics.error_rate.iter().map(|rule| {
        let unit = match rule.mode {
            IncreaseMode::Points => "points",
            IncreaseMode::Relative => "% of it",
        };
        let trigger = format!("more than {} {unit} over its baseline", rule.increase);
        metric("error_rate", &rule.query, &trigger)
    }));
    lines.extend(
        metrics.latency.iter().map(|rule| {
            metric("latency", &rule.query, &format!("more than {} times its baseline", rule.ratio))
        }),
    );
    lines.extend(metrics.memory.iter().map(|rule| level("memory", rule)));
    lines.extend(metrics.cpu.iter().map(|rule| level("cpu", rule)));
    lines
}

fn level(name: &str, rule: &Level) -> String {
    let times = text::count(rule.samples as usize, "sample");
    metric(name, &rule.query, &format!("above {} in {times} in a row", rule.above))
}

fn metric(name: &str, query: &str, trigger: &str) -> String {
    format!("    {name}: {trigger} = {}", whole(query))
}

fn whole(text: &str) -> String {
    text::line(text, usize::MAX)
}
