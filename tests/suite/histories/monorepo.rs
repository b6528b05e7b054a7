//! Services that live together: each has its own tags and its own paths.

use serde_json::Value;

use crate::house::{House, POLICY};

const API: &str = r#"versions: { tag: "api-v*", paths: ["services/api/**", "libs"] }"#;

/// Two services and a library, each with its lockfile and migrations; `api-v1` is three commits of nine ago.
fn monorepo(versions: &str) -> House {
    let house = House::new();
    house.write("services/api/main", "1\n");
    house.write("services/web/main", "1\n");
    house.write("libs/one", "1\n");
    house.commit("feat: a monorepo");
    house.tag("api-v1");
    house.write("services/api/main", "2\n");
    house.write("services/api/migrations/20261102_orders.up.sql", "CREATE TABLE orders (id INTEGER);\n");
    house.write("services/api/migrations/20261102_orders.down.sql", "DROP TABLE orders;\n");
    house.commit("feat(api): orders");
    house.write("services/web/main", "2\n");
    house.write("services/web/migrations/20261103_pages.up.sql", "CREATE TABLE pages (id INTEGER);\n");
    house.write("services/web/Cargo.lock", "version = 4\n");
    house.commit("feat(web)!: pages");
    house.tag("web-v7");
    house.write("libs/one", "2\n");
    house.commit("fix(libs): round");
    house.tag("api-v2");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    house.config(&format!("{POLICY}{versions}\n"));
    house
}

fn subjects(answer: &Value, key: &str) -> Vec<String> {
    let list = answer[key].as_array().expect("a list");
    list.iter().map(|change| change["subject"].as_str().expect("a subject").to_owned()).collect()
}

fn notes(answer: &Value) -> Vec<&str> {
    let notes = answer["checklist"]["sections"][0]["notes"].as_array().expect("notes");
    let sentences = notes.iter().map(|note| note.as_str().expect("a sentence"));
    sentences.filter(|note| !note.starts_with("Authors: ")).collect()
}

#[test]
fn a_service_is_its_own_tags_and_its_own_paths() {
    let house = monorepo(API);
    let about = |answer: &Value| {
        assert_eq!(subjects(answer, "changes"), ["round", "orders"]);
        let counted = "2 commits by 1 author, 4 files changed, since api-v1, the nearest tag: no production deployment \
                       is recorded";
        assert_eq!(notes(answer), [counted, "2 of 3 commits touch 'services/api/**', 'libs'"]);
        let migrations = answer["migrations"].as_array().unwrap();
        assert_eq!(migrations.len(), 1);
        assert_eq!(migrations[0]["path"], "services/api/migrations/20261102_orders.up.sql");
        assert_eq!(answer["lockfiles"], serde_json::json!([]));
        assert_eq!(answer["breaking"]["declared"], serde_json::json!([]));
    };
    house.run(["checklist", "api-v2", "--json"]).json(about).exit(0);
}

#[test]
fn an_environment_may_have_its_own() {
    let own = POLICY.replace(
        "    purpose: Live user-facing system\n",
        "    purpose: Live user-facing system\n    versions: { paths: [services/web/] }\n",
    );
    let house = monorepo(API);
    house.config(&format!("{own}{API}\n"));
    let web = |answer: &Value| {
        assert_eq!(subjects(answer, "changes"), ["pages"]);
        assert_eq!(notes(answer)[1], "1 of 3 commits touches 'services/web/'");
        // What it does not say is as at the top.
        assert_eq!(answer["since"]["tag"]["version"], "api-v1");
    };
    house.run(["checklist", "api-v2", "--json"]).json(web).exit(0);
    let api = |answer: &Value| assert_eq!(subjects(answer, "changes"), ["round", "orders"]);
    house.run(["checklist", "api-v2", "--environment", "staging", "--json"]).json(api).exit(0);
}

#[test]
fn an_approver_finds_the_same_facts_out_again() {
    let house = monorepo(API);
    house.person("alice").signs_policy();
    let asks = ["api-v2", "--since", "api-v1", "--as", "orchestrator", "--summary", "Orders"];
    let request = |words: &[&str]| {
        let words = ["request"].into_iter().chain(words.iter().copied()).chain(["--json"]);
        house.run(words).any_stdout().exit(0).json()["id"].as_str().unwrap().to_owned()
    };
    let id = request(&asks);
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    // A hotfix of the web is live with it, and nothing of the service is left behind by a candidate without it.
    house.git(["reset", "--quiet", "--hard", "api-v1"]);
    house.config(&format!("{POLICY}{API}\n"));
    house.write("services/api/main", "3\n");
    house.commit("feat(api): another way");
    house.tag("api-v3");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let behind = |answer: &Value| {
        assert_eq!(subjects(answer, "changes"), ["another way"]);
        assert_eq!(subjects(answer, "behind"), ["round", "orders"]);
        assert_eq!(
            notes(answer)[1..3],
            [
                "1 of 1 commit touches 'services/api/**', 'libs'",
                "2 of 3 commits touch 'services/api/**', 'libs', of those that are live and not in this candidate"
            ]
        );
    };
    house.run(["checklist", "api-v3", "--json"]).json(behind).exit(0);
    let id = request(&["api-v3", "--as", "orchestrator", "--summary", "Another way"]);
    house.person("alice").approves(&id);
    house.person("alice").deploys(&id);
    assert_eq!(house.live("version").unwrap(), "api-v3\n");
}

#[test]
fn globs_that_can_match_nothing_are_told_with_their_place() {
    let house = House::new();
    house.config(&format!("{POLICY}versions: {{ tag: \"v[\", paths: [\"/services\", \"a/[\", libs] }}\n"));
    let said = house.run(["checklist", "v1.4.0"]).any_stderr().exit(2).stderr;
    let places: Vec<&str> = said.lines().filter(|line| line.contains("deployctl.yaml:")).collect();
    assert_eq!(
        places,
        [
            "error: deployctl.yaml:41:13: `versions.tag`: `v[` is not a glob",
            "deployctl.yaml:41:32: `versions.paths[0]`: `/services` matches no path: paths begin at the top of the \
             repository, such as `services/api/**`",
            "deployctl.yaml:41:45: `versions.paths[1]`: `a/[` is not a glob",
        ]
    );
    let own = POLICY.replace(
        "    purpose: Live user-facing system\n",
        "    purpose: Live user-facing system\n    versions: { paths: [] }\n",
    );
    house.config(&own);
    let words = "\
error: deployctl.yaml:26:17: `environments.production.versions.paths`: no commit would ever count: name at least one glob, or leave the key out
    26 |     versions: { paths: [] }
";
    house.run(["checklist", "v1.4.0"]).stderr(words).exit(2);
}
