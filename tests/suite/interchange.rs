//! What other programs read of `history`: events, a script for GitHub's Deployments, statements; and tags as a past.

use deployctl::gate::terms::Digest;
use serde_json::{Value, json};

use crate::emergencies::Work;
use crate::history::{rolled_back, three_rows};
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

/// A GitHub of files: `deployments` has a body a line, `N.states` the states of the Nth.
const GH: &str = r#"#!/bin/sh
set -eu
hub=$HOME/github
mkdir -p "$hub"
touch "$hub/deployments"
[ "$1 $2" = 'api --method' ]
method=$3
shift 3
[ "$1" = --paginate ] && shift
path=$1
number=${path%/statuses}
number=${number##*/}
for word; do filter=$word; done
case "$method $path" in
    'GET '*/statuses) cat "$hub/$number.states" 2> /dev/null || true ;;
    'GET '*)
        execution=$(printf '%s' "$filter" | sed 's/.*== "\(.*\)").*/\1/')
        grep -n "\"execution\":\"$execution\"" "$hub/deployments" | cut -d: -f1
        ;;
    'POST '*/statuses) sed 's/.*"state":"\([a-z_]*\)".*/\1/' >> "$hub/$number.states" ;;
    'POST '*)
        cat >> "$hub/deployments"
        wc -l < "$hub/deployments" | tr -d ' '
        ;;
esac
"#;

/// Runs the script that `history` prints, and answers GitHub's deployments with the states of each.
#[track_caller]
fn mirrored(house: &House) -> Vec<(Value, String)> {
    let script = house.run(["history", "--format", "github"]).any_stdout().exit(0).stdout;
    house.write("mirror.sh", &script);
    house.write("bin/gh", GH);
    house.program("sh", &["-c", "chmod +x bin/gh && PATH=$PWD/bin:$PATH sh mirror.sh"]).exit(0);
    let hub = house.home().join("github");
    let deployments = std::fs::read_to_string(hub.join("deployments")).expect("deployments");
    let read = |(number, line): (usize, &str)| {
        let states = std::fs::read_to_string(hub.join(format!("{}.states", number + 1))).expect("states");
        (serde_json::from_str(line).expect("JSON"), states.lines().collect::<Vec<_>>().join(" "))
    };
    deployments.lines().enumerate().map(read).collect()
}

#[test]
fn the_script_mirrors_each_deployment_to_github_once() {
    let house = three_rows();
    let mirror = mirrored(&house);
    let rows = house.run(["history", "--json"]).any_stdout().exit(0).json()["deployments"].clone();
    let undone = &rows[1];
    let expected = json!({
        "ref": undone["commit"],
        "task": "deploy",
        "auto_merge": false,
        "required_contexts": [],
        "environment": "production",
        "production_environment": true,
        "description": "v1.4.1: report open since 2026-11-24; checkout fails",
        "payload": {
            "execution": undone["execution"],
            "version": "v1.4.1",
            "request": undone["request"]["id"],
            "started_at": "2026-11-24T10:30:00Z",
            "executed_by": "alice",
            "approved_by": ["bob"],
            "recorded_in": "ledger",
        },
    });
    let [first, (deployment, states), back] = mirror.as_slice() else { panic!("{mirror:#?}") };
    assert_eq!(deployment, &expected);
    assert_eq!(
        [&first.1, states, &back.1],
        ["in_progress success", "in_progress success inactive", "in_progress success"]
    );
    assert_eq!(back.0["task"], "rollback");
    assert_eq!(mirrored(&house), mirror);
}

#[test]
fn nothing_foreign_reaches_the_shell_of_the_mirror() {
    let reason = "it's \"$(touch pwned)\" `touch pwned`; touch pwned # '\\\u{202e} DEPLOYMENT STATUS EOF";
    let house = rolled_back(reason);
    let mirror = mirrored(&house);
    assert!(house.project().join("bin/gh").exists());
    assert!(!house.project().join("pwned").exists());
    let said = mirror[1].0["description"].as_str().expect("a description");
    assert!(said.contains("it's \"$(touch pwned)\" `touch pwned`; touch pwned # "), "{said}");
}

#[test]
fn approvals_and_test_results_are_statements_that_name_what_is_signed() {
    let house = three_rows();
    let statements = lines(&house, &["--format", "in-toto", "--version", "v1.4.1"]);
    let rows = house.run(["history", "--json"]).any_stdout().exit(0).json()["deployments"].clone();
    let subject = json!([{ "name": "v1.4.1", "digest": { "gitCommit": rows[1]["commit"] } }]);
    let told = |statement: &Value| {
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["subject"], subject);
        let predicate = &statement["predicate"];
        let tests = ["passedTests", "warnedTests", "failedTests"].map(|list| predicate[list].clone());
        json!([statement["predicateType"], predicate["verdict"], predicate["result"], tests])
    };
    let result = "https://in-toto.io/attestation/test-result/v0.1";
    assert_eq!(
        statements.iter().map(told).collect::<Vec<_>>(),
        [
            json!(["urn:deployctl:approval:v1", "allow", null, [null, null, null]]),
            json!([result, null, "PASSED", [["unit"], [], []]]),
            json!([result, null, "PASSED", [["integration"], [], []]]),
        ]
    );
    let predicate = &statements[0]["predicate"];
    assert_eq!(predicate["request"], rows[1]["request"]);
    let ledger = &predicate["ledger"];
    assert_eq!(ledger["signed"], "the entry of the ledger, not this statement");
    assert_eq!(json!([ledger["signer"], ledger["namespace"]]), json!(["bob", "deployctl-approval"]));
    let payload =
        house.git(["show", &format!("{}:payload.json", ledger["entry"].as_str().expect("an entry"))]);
    assert_eq!(ledger["payload"], Digest::of(payload.as_bytes()).to_string());
    assert_eq!(statements[1]["predicate"]["ledger"], *ledger);
    let evidence = &statements[1]["predicate"]["configuration"][1];
    let signed: Value = serde_json::from_str(&payload).expect("JSON");
    assert_eq!(format!("sha256:{}", evidence["digest"]["sha256"].as_str().expect("hex")), signed["evidence"]);
    assert_eq!(statements[1]["predicate"]["evidence"]["passed"], 12);
}

#[test]
fn a_denial_is_a_statement_too_and_covers_no_results() {
    let (house, id) = House::requested();
    house.person("bob").denies(&id, "not on a Friday");
    let statements = lines(&house, &["--format", "in-toto"]);
    let [denied] = statements.as_slice() else { panic!("{statements:#?}") };
    assert_eq!(denied["predicate"]["verdict"], "deny");
    assert_eq!(denied["predicate"]["reason"], "not on a Friday");
    assert_eq!(lines(&house, &["--format", "in-toto", "--by", "alice"]), Vec::<Value>::new());
    let words = ["history", "--format", "in-toto", "--status", "failed"];
    let wrong = house.run(words).any_stderr().exit(2).stderr;
    assert!(wrong.contains("the argument '--status' cannot be used with '--format in-toto'"), "{wrong}");
}

/// A project whose first version is deployed, with two older tags: one that only names a commit, and one that says who made it.
fn with_tags() -> House {
    let (house, _) = House::deployed();
    house.git(["tag", "v1.0.0", "v1.3.0^{commit}"]);
    let tagger = [
        "-c",
        "user.name=E\u{1b}[2Jve\u{202e}",
        "tag",
        "--annotate",
        "--message",
        "APPROVED",
        "v1.1.0",
        "HEAD",
    ];
    house.git(tagger);
    house.git(["tag", "v1.tree", "HEAD^{tree}"]);
    house.git(["tag", "v1,5"]);
    house
}

/// The lines of the journal that say so.
fn imports(house: &House) -> usize {
    let log = house.git(["log", "--format=%s", "deployctl/journal"]);
    log.lines().filter(|line| line.starts_with("imported: ")).count()
}

const IMPORTS: [&str; 4] = ["history", "import", "--tags", "v1*"];

#[test]
fn tags_become_a_past_that_is_marked_and_imported_once() {
    let house = with_tags();
    let page = |verb: &str| {
        format!(
            "{verb} 3 tags as versions of production, unsigned\n  2026-11-23  v1.0.0  [v1.3.0]\n  2026-11-23  v1.3.0  [v1.3.0]\n  \
             2026-11-23  v1.1.0  [v1.4.0]\nleft out: 1 whose deployment is recorded\nleft out: 1 whose name or date cannot be used\n"
        )
    };
    let short = |tag: &str| house.git(["rev-parse", "--short=7", &format!("{tag}^{{commit}}")]);
    let (old, new) = (short("v1.3.0"), short("v1.4.0"));
    let named = |run: crate::house::Answer| run.stdout.replace(&old, "[v1.3.0]").replace(&new, "[v1.4.0]");
    let dry = house.run(IMPORTS.into_iter().chain(["--dry-run"])).any_stdout().exit(0);
    assert_eq!(named(dry), page("would import"));
    assert_eq!(imports(&house), 0);
    assert_eq!(named(house.run(IMPORTS).any_stdout().exit(0)), page("imported"));
    assert_eq!(imports(&house), 1);
    let none = "\
no tag here fits `release-*`: nothing was imported
next: say which tags are versions, such as `--tags 'release-*'`, or fetch them: git fetch --tags
";
    house.run(["history", "import", "--tags", "release-*"]).stdout(none).exit(0);
    let again = "\
nothing new to import
left out: 1 whose deployment is recorded
left out: 3 imported before
left out: 1 whose name or date cannot be used
";
    house.run(IMPORTS).stdout(again).exit(0);
    assert_eq!(imports(&house), 1);
    let table = "\
Date        Version  Type     Status    Rollback  Notes
2026-11-23  v1.4.0   Feature  Success   N/A       Totals in the cart
2026-11-23  v1.1.0   Unknown  Imported  N/A       from tag v1.1.0 (imported, unsigned)
2026-11-23  v1.3.0   Unknown  Imported  N/A       from tag v1.3.0 (imported, unsigned)
2026-11-23  v1.0.0   Unknown  Imported  N/A       from tag v1.0.0 (imported, unsigned)
";
    house.run(["history"]).stdout(table).exit(0);
    let rows = house.run(["history", "--status", "imported", "--json"]).any_stdout().exit(0).json();
    let rows = rows["deployments"].as_array().expect("rows");
    let told: Vec<Value> =
        rows.iter().map(|row| json!([row["version"], row["recorded_in"], row["tag"]])).collect();
    let tag = |name: &str, tagger: Option<&str>| {
        let tag = json!({ "name": name, "annotated": tagger.is_some(), "tagger": tagger });
        json!([name, "import", tag])
    };
    let eve = "E\\x1b[2Jve\\u{202e}";
    assert_eq!(told, [tag("v1.1.0", Some(eve)), tag("v1.3.0", Some("Dana")), tag("v1.0.0", None)]);
}

#[test]
fn an_imported_version_is_nothing_but_a_row() {
    let house = with_tags();
    let status = |house: &House| house.run(["status", "--json"]).any_stdout().exit(0).stdout;
    let verified = |house: &House| house.run(["history", "--verify"]).any_stdout().exit(0).stdout;
    let events = |house: &House| {
        ["cdevents", "github", "in-toto"]
            .map(|format| house.run(["history", "--format", format]).any_stdout().exit(0).stdout)
    };
    house.clock("2026-11-23T10:05:00Z");
    let before = (status(&house), verified(&house), events(&house));
    house.run(IMPORTS).any_stdout().exit(0);
    assert_eq!((status(&house), verified(&house), events(&house)), before);
    let changed = house.run(["history", "--modifications", "--limit", "1"]).any_stdout().any_stderr().exit(0);
    assert!(changed.stdout.contains("journal: Dana"), "{}", changed.stdout);
    assert!(changed.stdout.contains("  imported  3 tags as versions of production"), "{}", changed.stdout);
}

#[test]
fn an_import_is_undone_by_a_line_and_can_be_done_again() {
    let house = with_tags();
    let table = house.run(["history"]).any_stdout().exit(0).stdout;
    let undo = ["history", "import", "--undo"];
    house.run(undo).stdout("nothing is imported of production\n").exit(0);
    house.run(IMPORTS).any_stdout().exit(0);
    let told = "the import of 3 tags as versions of production; `history` shows them no more\n";
    let dry = undo.into_iter().chain(["--dry-run"]);
    house.run(dry).stdout(&format!("would undo {told}")).exit(0);
    assert_eq!(house.run(["history"]).any_stdout().exit(0).stdout.lines().count(), 5);
    house.run(undo.into_iter().chain(["-e", "staging"])).stdout("nothing is imported of staging\n").exit(0);
    house.clock("2026-11-23T10:01:00Z");
    house.run(undo).stdout(&format!("undid {told}")).exit(0);
    house.run(["history"]).stdout(&table).exit(0);
    let changed = house.run(["history", "--modifications", "--limit", "1"]).any_stdout().any_stderr().exit(0);
    assert!(changed.stdout.contains("undone: 3 tags as versions of production"), "{}", changed.stdout);
    house.clock("2026-11-23T10:02:00Z");
    let again = house.run(IMPORTS).any_stdout().exit(0).stdout;
    assert!(again.starts_with("imported 3 tags as versions of production, unsigned\n"), "{again}");
    assert_eq!(house.run(["history"]).any_stdout().exit(0).stdout.lines().count(), 5);
    house.run(["history", "import", "--undo", "--tags"]).any_stderr().exit(2);
}

#[test]
fn an_import_of_nothing_and_nowhere_is_refused() {
    let (house, _) = House::deployed();
    let stderr = "\
error: `{` is not a glob, such as `v*`
";
    house.run(["history", "import", "--tags", "{"]).stderr(stderr).exit(2);
    house.run(["history", "import", "--tags", "-e", "moon"]).any_stderr().exit(2);
    house.run(["history", "import"]).any_stderr().exit(2);
    house.run(["history", "--limit", "1", "import", "--tags"]).any_stderr().exit(2);
}
