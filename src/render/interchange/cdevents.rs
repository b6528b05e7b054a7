//! Deployments as CDEvents, each in the envelope of a CloudEvent (structured mode), one a line.
//!
//! The vocabulary is that of the 0.6 draft (<https://github.com/cdevents/spec>); nothing here has a type of its own. It knows no
//! service that failed to become live: that is said by the run of the steps.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{deployments, id, line, text};

/// The version of the specification that the events follow.
const SPECIFICATION: &str = "0.6.0-draft";

/// The types of events, with the versions that the specification has of them.
const RUN_STARTED: &str = "dev.cdevents.pipelinerun.started.0.3.0";
const RUN_FINISHED: &str = "dev.cdevents.pipelinerun.finished.0.3.0";
const DEPLOYED: &str = "dev.cdevents.service.deployed.0.3.0";
const UPGRADED: &str = "dev.cdevents.service.upgraded.0.3.0";
const ROLLED_BACK: &str = "dev.cdevents.service.rolledback.0.3.0";
const DETECTED: &str = "dev.cdevents.incident.detected.0.3.0";
const RESOLVED: &str = "dev.cdevents.incident.resolved.0.3.0";

/// The events of rows of `history --json`, in the order in which they happened.
#[must_use]
pub fn events(project: &str, rows: &[Value]) -> String {
    let mut events: Vec<Event> = deployments(rows).flat_map(|row| of(project, row)).collect();
    events.sort_by_key(|event| event.at);
    events.iter().map(|event| format!("{}\n", line(&event.document))).collect()
}

/// One event, and when it happened.
struct Event {
    at: DateTime<Utc>,
    document: Value,
}

/// What is to be told of one deployment.
struct Deployment<'a> {
    project: &'a str,
    row: &'a Value,
}

fn of(project: &str, row: &Value) -> Vec<Event> {
    let it = Deployment { project, row };
    let ended = text(row, "/ended_at");
    let service = match (text(row, "/action"), row["previous"].is_null()) {
        ("rollback", _) => ROLLED_BACK,
        (_, true) => DEPLOYED,
        (_, false) => UPGRADED,
    };
    let mut events = vec![
        it.event(DETECTED, text(row, "/emergency/declared_at"), it.incident("declared")),
        it.event(RUN_STARTED, text(row, "/started_at"), it.run(None)),
    ];
    match text(row, "/ending") {
        "succeeded" => {
            events.push(it.event(RUN_FINISHED, ended, it.run(Some("success"))));
            events.push(it.event(service, ended, it.service()));
            events
                .extend(row["emergency"].is_object().then(|| it.event(RESOLVED, ended, it.incident("live"))));
        }
        "failed" => events.push(it.event(RUN_FINISHED, ended, it.run(Some("failure")))),
        "interrupted" => events.push(it.event(RUN_FINISHED, ended, it.run(Some("error")))),
        _ => {}
    }
    events.into_iter().flatten().collect()
}

impl Deployment<'_> {
    /// The event in its envelope; `None` where it has not happened.
    fn event(&self, kind: &'static str, at: &str, subject: Value) -> Option<Event> {
        let moment = at.parse().ok()?;
        let source = format!("/deployctl/{}", segment(self.project));
        let what = kind.trim_start_matches("dev.cdevents.").trim_end_matches(".0.3.0");
        // The entry itself is what became of the service; what else is told of it has a name behind.
        let id = if what.starts_with("service.") {
            id(self.row).to_owned()
        } else {
            format!("{}/{what}", id(self.row))
        };
        let document = json!({
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": kind,
            "subject": subject["id"],
            "time": at,
            "datacontenttype": "application/json",
            "data": {
                "context": {
                    "specversion": SPECIFICATION,
                    "id": id,
                    "source": source,
                    "type": kind,
                    "timestamp": at,
                },
                "subject": subject,
                "customData": self.custom(),
                "customDataContentType": "application/json",
            },
        });
        Some(Event { at: moment, document })
    }

    fn service(&self) -> Value {
        json!({
            "id": self.project,
            "content": { "environment": self.environment(), "artifactId": self.artifact() },
        })
    }

    /// The run of the steps: it is named as what it belongs to is.
    fn run(&self, outcome: Option<&str>) -> Value {
        let pipeline = format!("{} {}", text(self.row, "/action"), text(self.row, "/environment"));
        let mut content = json!({ "pipelineName": pipeline });
        if let Some(outcome) = outcome {
            content["outcome"] = outcome.into();
            if outcome != "success" {
                content["errors"] = match text(self.row, "/failed_step") {
                    "" => text(self.row, "/ending").to_owned(),
                    step => format!("{} at step {step}", text(self.row, "/ending")),
                }
                .into();
            }
        }
        json!({ "id": id(self.row), "content": content })
    }

    /// The emergency, from its declaration until its deployment is live.
    fn incident(&self, how: &str) -> Value {
        let (severity, version) = (text(self.row, "/emergency/severity"), text(self.row, "/version"));
        let description = match how {
            "live" => format!("{severity}: {version} is live"),
            _ => format!("{severity}: declared with the approval of {version}"),
        };
        json!({
            "id": text(self.row, "/request/id"),
            "content": {
                "description": description,
                "environment": self.environment(),
                "service": { "id": self.project },
                "artifactId": self.artifact(),
            },
        })
    }

    fn environment(&self) -> Value {
        json!({ "id": text(self.row, "/environment") })
    }

    /// A package URL: nothing better than its name, its version and its commit is known of it.
    fn artifact(&self) -> String {
        let (version, commit) = (text(self.row, "/version"), text(self.row, "/commit"));
        format!("pkg:generic/{}@{}?commit={commit}", segment(self.project), segment(version))
    }

    /// What the vocabulary has no place for: where it can be checked, and who did it.
    fn custom(&self) -> Value {
        let places = [
            "action",
            "version",
            "commit",
            "previous",
            "request",
            "executed_by",
            "approved_by",
            "reason",
            "recorded_in",
        ];
        let mut custom: serde_json::Map<String, Value> =
            places.iter().map(|place| ((*place).to_owned(), self.row[*place].clone())).collect();
        custom.insert("signed".to_owned(), (text(self.row, "/recorded_in") == "ledger").into());
        custom.insert("entry".to_owned(), id(self.row).into());
        Value::Object(custom)
    }
}

/// A part of a URL.
fn segment(text: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = |byte: u8| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::events;

    fn kinds(row: &Value) -> Vec<String> {
        let written = events("a/b", std::slice::from_ref(row));
        let read = |line: &str| serde_json::from_str::<Value>(line).ok();
        let kind = |event: Value| event["type"].as_str().map(|kind| kind.replace("dev.cdevents.", ""));
        written.lines().filter_map(read).filter_map(kind).collect()
    }

    fn row(action: &str, ending: Option<&str>, previous: Option<&str>) -> Value {
        json!({
            "action": action, "ending": ending, "previous": previous, "version": "@x/y@1.0",
            "started_at": "2026-11-23T10:00:00Z", "ended_at": ending.map(|_| "2026-11-23T10:01:00Z"),
            "execution": "sha256:1", "environment": "production", "commit": "c",
        })
    }

    #[test]
    fn only_what_became_live_is_said_of_the_service() {
        let run = ["pipelinerun.started.0.3.0", "pipelinerun.finished.0.3.0"];
        let with = |service: &'static str| vec![run[0], run[1], service];
        assert_eq!(kinds(&row("deploy", Some("succeeded"), None)), with("service.deployed.0.3.0"));
        assert_eq!(kinds(&row("deploy", Some("succeeded"), Some("v1"))), with("service.upgraded.0.3.0"));
        assert_eq!(kinds(&row("rollback", Some("succeeded"), Some("v1"))), with("service.rolledback.0.3.0"));
        assert_eq!(kinds(&row("deploy", Some("failed"), None)), run);
        assert_eq!(kinds(&row("rollback", Some("interrupted"), None)), run);
        assert_eq!(kinds(&row("deploy", None, None)), run[..1]);
    }

    #[test]
    fn a_name_stays_one_part_of_a_url() {
        let written = events("a/b", &[row("deploy", Some("succeeded"), None)]);
        assert!(written.contains(r#""source":"/deployctl/a%2Fb""#), "{written}");
        assert!(written.contains("pkg:generic/a%2Fb@%40x%2Fy%401.0?commit=c"), "{written}");
    }
}
