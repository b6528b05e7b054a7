//! `deployctl init`: a commented `deployctl.yaml` from what the repository holds. It never overwrites.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::cli::Common;
use crate::evidence::lockfiles;
use crate::evidence::migrations;
use crate::gate::keys::PublicKey;
use crate::gate::terms::PersonName;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::config_file::NAME;
use crate::world::repository::Repository;
use crate::world::{process, signer};

/// What was found, before it is written down.
struct Found {
    project: String,
    branch: String,
    remote: Option<String>,
    person: String,
    keys: Vec<String>,
    lockfiles: Vec<String>,
    migrations: Vec<&'static str>,
    reports: Vec<Reports>,
    release: Option<(&'static str, Vec<String>, Vec<String>)>,
    email: Option<String>,
}

/// The reports of a check: its name, the key of their format, and a glob.
type Reports = (&'static str, &'static str, String);

/// Writes the file.
///
/// # Errors
/// When there is no repository, or the file cannot be written.
pub fn run(common: &Common) -> Result<Answer> {
    let repository = Repository::open(&common.directory)?;
    let path = repository.root().join(NAME);
    let found = look(&repository)?;
    let page = page(&found);
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(page.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let what = format!(
                "`{}` is there already and stays as it is\nnext: deployctl approve --policy",
                path.display()
            );
            return Ok(Answer::ended("init", Outcome::Failed, what));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write `{}`", path.display())),
    }
    let mut lines = vec![format!("wrote `{}`", path.display())];
    lines.extend(summary(&found));
    let next = if found.keys.is_empty() {
        "make a key with `ssh-keygen -t ed25519`, put its `.pub` line under `people`, then a person runs: deployctl approve --policy"
    } else {
        "read it, change what is wrong, then a person runs: deployctl approve --policy"
    };
    lines.push(format!("next: {next}"));
    Ok(Answer::done("init", lines.join("\n") + "\n")
        .with("path", path.display().to_string())
        .with("next", vec![next]))
}

fn look(repository: &Repository) -> Result<Found> {
    let paths = match repository.head()? {
        Some(head) => repository.paths(&head)?,
        None => vec![],
    };
    let project = repository.root().file_name().map(|name| name.to_string_lossy().into_owned());
    let dir = process::home().map(|home| home.join(".ssh"));
    let keys = dir.map(|dir| signer::public_keys(&dir)).unwrap_or_default();
    let person = process::variable("USER").or_else(|| process::variable("LOGNAME"));
    let person = person.and_then(|name| name.to_str()?.parse::<PersonName>().ok());
    Ok(Found {
        project: project.unwrap_or_else(|| "project".to_owned()),
        branch: repository.head_branch().unwrap_or_else(|| "main".to_owned()),
        remote: repository.remotes()?.into_iter().find(|name| name == "origin"),
        person: person.map_or_else(|| "me".to_owned(), |person| person.to_string()),
        keys: keys
            .into_iter()
            .map(|(_, line)| line)
            .filter(|line| line.parse::<PublicKey>().is_ok())
            .collect(),
        lockfiles: paths
            .iter()
            .filter(|path| lockfiles::is_lockfile(path).is_some())
            .take(5)
            .cloned()
            .collect(),
        migrations: migrations::detect(&paths),
        reports: reports(&paths, repository.root()),
        release: release(&paths),
        email: repository.user().1,
    })
}

/// Where the tools of each ecosystem put their JUnit reports.
const REPORTS: [(&str, &str, &str); 8] = [
    ("reports/unit", "unit", "reports/unit/*.xml"),
    ("reports/integration", "integration", "reports/integration/*.xml"),
    ("reports/e2e", "e2e", "reports/e2e/*.xml"),
    ("target/nextest", "unit", "target/nextest/**/junit.xml"),
    ("target/surefire-reports", "unit", "target/surefire-reports/TEST-*.xml"),
    ("build/test-results", "unit", "build/test-results/**/TEST-*.xml"),
    ("test-results", "unit", "test-results/**/*.xml"),
    ("junit.xml", "unit", "junit.xml"),
];

/// Where TAP reports are looked for: few tools have a place of their own for them.
const TAP_REPORTS: [(&str, &str, &str); 6] = [
    ("reports/unit", "unit", "reports/unit/*.tap"),
    ("reports/integration", "integration", "reports/integration/*.tap"),
    ("reports/e2e", "e2e", "reports/e2e/*.tap"),
    ("reports", "unit", "reports/*.tap"),
    ("test-results", "unit", "test-results/*.tap"),
    ("", "unit", "*.tap"),
];

fn reports(paths: &[String], root: &Path) -> Vec<Reports> {
    let holds = |path: &String, place: &str| path.starts_with(place) && path.ends_with(".xml");
    let there =
        |place: &str| holds_xml(&root.join(place), DEPTH) || paths.iter().any(|path| holds(path, place));
    let tap = TAP_REPORTS.into_iter().filter(|(place, ..)| holds_tap(&root.join(place)));
    let junit = REPORTS.into_iter().filter(|(place, ..)| there(place));
    let all = tap.map(|found| ("tap", found)).chain(junit.map(|found| ("junit", found)));
    let mut found: Vec<Reports> = Vec::new();
    for (key, (_, check, glob)) in all {
        if !found.iter().any(|(known, ..)| *known == check) {
            found.push((check, key, glob.to_owned()));
        }
    }
    found
}

/// So deep below their place reports are looked for.
const DEPTH: usize = 4;

/// Whether it is a report, or a directory with one in it: an empty one has none yet.
fn holds_xml(path: &Path, depth: usize) -> bool {
    if path.is_file() {
        return path.extension().is_some_and(|end| end == "xml");
    }
    let below = || std::fs::read_dir(path).into_iter().flatten().flatten();
    depth > 0 && below().any(|entry| holds_xml(&entry.path(), depth - 1))
}

/// Whether a directory holds TAP reports and no other ones.
fn holds_tap(directory: &Path) -> bool {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let ends: Vec<_> = files.filter_map(|file| Some(file.path().extension()?.to_owned())).collect();
    ends.iter().any(|end| end == "tap") && !ends.iter().any(|end| end == "xml")
}

/// A deploy tool that is there: what releases, and what rolls back.
fn release(paths: &[String]) -> Option<(&'static str, Vec<String>, Vec<String>)> {
    let has = |wanted: &str| paths.iter().any(|path| path == wanted);
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let known = [
        ("config/deploy.yml", "kamal", "kamal deploy", "kamal rollback"),
        ("fly.toml", "fly", "flyctl deploy", "flyctl releases"),
        ("ops/release.sh", "ops/release.sh", "./ops/release.sh", "./ops/release.sh --previous"),
        ("bin/deploy", "bin/deploy", "./bin/deploy", "./bin/deploy --previous"),
        ("scripts/deploy.sh", "scripts/deploy.sh", "./scripts/deploy.sh", "./scripts/deploy.sh --previous"),
        ("deploy.sh", "deploy.sh", "./deploy.sh", "./deploy.sh --previous"),
        ("Makefile", "make", "make deploy", "make rollback"),
    ];
    known
        .into_iter()
        .find(|(path, ..)| has(path))
        .map(|(_, tool, release, back)| (tool, words(release), words(back)))
}

fn summary(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            lines.push(format!("found {what}: {}", text::list(&names)));
        }
    };
    say("lockfiles", found.lockfiles.clone());
    say("migrations", found.migrations.iter().map(ToString::to_string).collect());
    say("test reports", found.reports.iter().map(|(.., glob)| glob.clone()).collect());
    say("a deploy tool", found.release.iter().map(|(tool, ..)| (*tool).to_owned()).collect());
    lines
}

/// A text as a double-quoted YAML scalar: JSON's form is one.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn page(found: &Found) -> String {
    let mut page = String::new();
    let remote = found.remote.as_deref().unwrap_or("none");
    let (_, release, back) = found.release.clone().unwrap_or_else(|| {
        (
            "",
            vec!["./ops/release.sh".to_owned()],
            vec!["./ops/release.sh".to_owned(), "--previous".to_owned()],
        )
    });
    let keys = if found.keys.is_empty() { "[]".to_owned() } else { list(&found.keys) };
    let key_note = if found.keys.is_empty() { "   # put the line of your .pub file here" } else { "" };
    let emails = found.email.iter().map(|email| format!(", emails: [{}]", quoted(email))).collect::<String>();
    let person = &found.person;
    let _ = write!(
        page,
        "\
# The rules of deployctl. They are in force once a person has signed them: deployctl approve --policy
schema: 1
project: {project}
ledger: {{ remote: {remote} }}   # how the records travel; `none` keeps them in this clone

people:   # only people sign; no key may stand here twice
  {person}: {{ keys: {keys}, groups: [release]{emails} }}{key_note}

roles:    # what agents and CI may do; nothing is implied
  orchestrator: {{ production: [request] }}

",
        project = quoted(&found.project),
    );
    page.push_str(&checks(found));
    page.push_str(&migration_lines(found));
    let _ = write!(
        page,
        "\
environments:
  production:
    # branch: {branch}   # deploy only what this branch holds
    steps:   # argv lists, never shell strings; they see the approved commit's files and DEPLOYCTL_VERSION, …
      - {{ name: release, run: {release}, timeout: 15m }}
    rollback:
      steps:
        - {{ name: release, run: {back}, timeout: 5m }}
      estimate: 5m
    approvals:
      required: 1
      from: [release]
      not: [requester]          # an approver may not be who asked
      # rules:                  # more people for some changes; never fewer than above
      #   - {{ when: {{ risk: high }}, required: 2 }}
      #   - {{ when: {{ irreversible: true }}, required: 2, from: [database] }}
    monitoring: {{ alerts: [], dashboards: [], on_call: {person}, watch: 15m }}

emergency:  # a person declares one by approving; P1 and P2 may name stages to `skip: [staging]`
  P1: {{ definition: Complete outage, response: immediate }}
  P2: {{ definition: Major feature broken, response: 1h }}
  P3: {{ definition: Minor feature affected, response: 4h }}
  P4: {{ definition: Cosmetic or non-urgent, response: next business day }}
  execute_within: 2h
  review_within: 72h            # then other deployments wait until a person signs the review
",
        branch = found.branch,
        release = list(&release),
        back = list(&back),
    );
    page
}

fn checks(found: &Found) -> String {
    let mut lines =
        String::from("checks:   # evidence for the checklist: JUnit or TAP reports of the commit\n");
    if found.reports.is_empty() {
        lines.push_str("  unit: { title: Unit tests, junit: [\"reports/unit/*.xml\"] }   # no reports were found: name yours\n\n");
        return lines;
    }
    for (check, key, glob) in &found.reports {
        let title = match *check {
            "unit" => "Unit tests",
            "integration" => "Integration tests",
            _ => "E2E tests",
        };
        let _ = writeln!(lines, "  {check}: {{ title: {title}, {key}: [{}] }}", quoted(glob));
    }
    lines.push('\n');
    lines
}

fn migration_lines(found: &Found) -> String {
    if found.migrations.is_empty() {
        return String::new();
    }
    format!(
        "# Migrations are found by themselves, here: {}. `migrations: {{ presets: […] }}` would look for no others.\n\n",
        found.migrations.join(", ")
    )
}
