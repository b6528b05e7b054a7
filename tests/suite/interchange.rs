//! What other programs read of `history`: events, a script for GitHub's Deployments, statements; and tags as a past.

use serde_json::{Value, json};

use crate::emergencies::Work;
use crate::history::three_rows;
use crate::house::House;

/// The JSON lines that `history` prints.
#[track_caller]
fn lines(house: &House, words: &[&str]) -> Vec<Value> {
    let words = ["history"].iter().chain(words).copied();
    let printed = house.run(words).any_stdout().exit(0).stdout;
    assert!(printed.is_ascii(), "{printed}");
    printed.lines().map(|line| serde_json::from_str(line).expect("a JSON document")).collect()
}

#[test]
fn every_deployment_is_events_in_the_order_of_time() {
    let house = three_rows();
    let events = lines(&house, &["--format", "cdevents"]);
    let rows = house.run(["history", "--json"]).any_stdout().exit(0).json()["deployments"].clone();
    let kinds: Vec<String> = events.iter().map(|event| event["type"].to_string().replace('"', "")).collect();
    assert_eq!(
        kinds,
        [
            "dev.cdevents.pipelinerun.started.0.3.0",
            "dev.cdevents.pipelinerun.finished.0.3.0",
            "dev.cdevents.service.upgraded.0.3.0",
            "dev.cdevents.pipelinerun.started.0.3.0",
            "dev.cdevents.pipelinerun.finished.0.3.0",
            "dev.cdevents.service.upgraded.0.3.0",
            "dev.cdevents.pipelinerun.started.0.3.0",
            "dev.cdevents.pipelinerun.finished.0.3.0",
            "dev.cdevents.service.rolledback.0.3.0",
        ]
    );
    let (back, undone) = (&rows[0], &rows[1]);
    let artifact = format!("pkg:generic/storefront@v1.4.0?commit={}", back["commit"].as_str().unwrap());
    let expected = json!({
        "specversion": "1.0",
        "id": back["execution"],
        "source": "/deployctl/storefront",
        "type": "dev.cdevents.service.rolledback.0.3.0",
        "subject": "storefront",
        "time": "2026-11-24T11:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "context": {
                "specversion": "0.6.0-draft",
                "id": back["execution"],
                "source": "/deployctl/storefront",
                "type": "dev.cdevents.service.rolledback.0.3.0",
                "timestamp": "2026-11-24T11:00:00Z",
            },
            "subject": {
                "id": "storefront",
                "content": { "environment": { "id": "production" }, "artifactId": artifact },
            },
            "customData": {
                "action": "rollback",
                "approved_by": ["bob"],
                "commit": back["commit"],
                "entry": back["execution"],
                "executed_by": "bob",
                "previous": undone["previous"].as_object().map(|_| json!({ "version": "v1.4.1", "commit": undone["commit"] })),
                "reason": "checkout fails",
                "recorded_in": "ledger",
                "request": back["request"],
                "signed": true,
                "version": "v1.4.0",
            },
            "customDataContentType": "application/json",
        },
    });
    assert_eq!(events[8], expected);
    let undone = undone["execution"].as_str().unwrap();
    assert_eq!(events[4]["id"], format!("{undone}/pipelinerun.finished"));
    assert_eq!(
        events[4]["data"]["subject"],
        json!({ "id": undone, "content": { "pipelineName": "deploy production", "outcome": "success" } })
    );
}

#[test]
fn the_filters_of_the_table_are_those_of_the_events() {
    let house = three_rows();
    assert_eq!(lines(&house, &["--format", "cdevents", "--version", "v1.4.1"]).len(), 3);
    assert_eq!(lines(&house, &["--format", "cdevents", "--by", "carol"]).len(), 0);
    let words = ["history", "--format", "cdevents", "--modifications"];
    let wrong = house.run(words).any_stderr().exit(2).stderr;
    assert!(
        wrong.contains("the argument '--modifications' cannot be used with '--format cdevents'"),
        "{wrong}"
    );
    let wrong = house.run(["status", "--format", "cdevents"]).any_stderr().exit(2).stderr;
    assert!(wrong.contains("only `deployctl history` has '--format cdevents'"), "{wrong}");
}

#[test]
fn an_emergency_is_an_incident_until_its_deployment_is_live() {
    let (house, id) = Work::live_emergency();
    let events = lines(&house, &["--format", "cdevents"]);
    let incidents: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"].as_str().is_some_and(|kind| kind.contains(".incident.")))
        .collect();
    let [detected, resolved] = incidents.as_slice() else { panic!("{events:#?}") };
    let said = |event: &Value| {
        json!([
            event["type"],
            event["time"],
            event["subject"],
            event["data"]["subject"]["content"]["description"],
            event["data"]["subject"]["content"]["environment"],
        ])
    };
    let production = json!({ "id": "production" });
    let kind = "dev.cdevents.incident.detected.0.3.0";
    let what = "P1: declared with the approval of v1.4.0";
    assert_eq!(said(detected), json!([kind, "2026-11-23T10:02:00Z", id, what, production]));
    let kind = "dev.cdevents.incident.resolved.0.3.0";
    assert_eq!(said(resolved), json!([kind, "2026-11-23T10:14:00Z", id, "P1: v1.4.0 is live", production]));
}
