//! A shell script of `gh api` calls that mirrors deployments to GitHub's Deployments.
//!
//! Nothing in it is anybody's word but in two places: between single quotes, and in JSON of one line in plain ASCII without a
//! single quote inside a here-document that expands nothing. So nothing foreign reaches the shell.

use serde_json::{Value, json};

use super::{deployments, id, line, text};

/// GitHub's longest description, in characters.
const DESCRIPTION: usize = 140;

/// What does the work. It asks first, so that running the script again adds only what is new.
const HEAD: &str = r#"#!/bin/sh
# The deployments that `deployctl history` shows, for GitHub's Deployments: `gh api` calls, the oldest first.
# Run it in a clone of the repository, or with GH_REPO=OWNER/NAME. Whoever runs it needs the right `deployments: write`.
# It can be run again: a deployment is known by `execution` in its payload, a status by its state, and neither is made twice.
# Doubles, should two have run it at once:
#   gh api --paginate 'repos/{owner}/{repo}/deployments' --jq '.[] | .payload | objects | .execution' | sort | uniq -d
# GitHub's copy proves nothing: the proof is the ledger, `deployctl history --verify`.
set -eu

# deployment COMMIT ENVIRONMENT EXECUTION: made from standard input, unless there is one.
deployment() {
    body=$(cat)
    found=$(gh api --method GET --paginate 'repos/{owner}/{repo}/deployments' \
        -f "sha=$1" -f "environment=$2" \
        --jq ".[] | select((.payload | objects | .execution) == \"$3\") | .id")
    id=$(printf '%s\n' "$found" | sed -n 1p)
    if [ -z "$id" ]; then
        id=$(printf '%s\n' "$body" | gh api --method POST 'repos/{owner}/{repo}/deployments' --input - --jq .id)
    fi
}

# status STATE: made from standard input for that deployment, unless it has had it.
status() {
    body=$(cat)
    states=$(gh api --method GET --paginate "repos/{owner}/{repo}/deployments/$id/statuses" --jq '.[].state')
    if ! printf '%s\n' "$states" | grep -qx "$1"; then
        printf '%s\n' "$body" |
            gh api --method POST "repos/{owner}/{repo}/deployments/$id/statuses" --input - > /dev/null
    fi
}
"#;

/// The script for rows of `history --json`.
#[must_use]
pub fn script(rows: &[Value]) -> String {
    let calls = deployments(rows).map(calls);
    format!("{HEAD}{}", calls.collect::<String>())
}

fn calls(row: &Value) -> String {
    let quoted = |place: &str| quoted(text(row, place));
    let mut out = format!(
        "\ndeployment {} {} {} << 'DEPLOYMENT'\n{}\nDEPLOYMENT\n",
        quoted("/commit"),
        quoted("/environment"),
        self::quoted(id(row)),
        line(&deployment(row))
    );
    for (state, said) in states(row) {
        let status = json!({
            "state": state,
            "description": shortened(&said),
            "environment": text(row, "/environment"),
            "auto_inactive": true,
        });
        out.push_str(&format!("status '{state}' << 'STATUS'\n{}\nSTATUS\n", line(&status)));
    }
    out
}

/// The body of `POST /repos/{owner}/{repo}/deployments`. No status check is asked for, and nothing is merged: it has happened.
fn deployment(row: &Value) -> Value {
    let (action, version) = (text(row, "/action"), text(row, "/version"));
    let environment = text(row, "/environment");
    json!({
        "ref": text(row, "/commit"),
        "task": action,
        "auto_merge": false,
        "required_contexts": [],
        "environment": environment,
        "production_environment": text(row, "/recorded_in") == "ledger",
        "description": shortened(&format!("{version}: {}", text(row, "/notes"))),
        "payload": {
            "execution": id(row),
            "version": version,
            "request": row.pointer("/request/id"),
            "started_at": row["started_at"],
            "executed_by": row["executed_by"],
            "approved_by": row["approved_by"],
            "recorded_in": row["recorded_in"],
        },
    })
}

/// The states that it has been in, and what is said of each.
fn states(row: &Value) -> Vec<(&'static str, String)> {
    let mut states = vec![("in_progress", format!("began {}", text(row, "/started_at")))];
    let ended = |word: &str| format!("{word} {}", text(row, "/ended_at"));
    match text(row, "/ending") {
        "succeeded" => states.push(("success", ended("succeeded"))),
        "failed" => states.push(("failure", ended("failed"))),
        "interrupted" => states.push(("error", ended("interrupted"))),
        _ => {}
    }
    if text(row, "/status") == "Rolled back" {
        states.push(("inactive", format!("rolled back {}", text(row, "/rolled_back_at"))));
    }
    states
}

/// As many characters as GitHub takes.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(DESCRIPTION) {
        None => text.to_owned(),
        Some(_) => text.chars().take(DESCRIPTION - 1).chain(['…']).collect(),
    }
}

/// One word of a shell, whatever it holds.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{quoted, script, shortened};

    #[test]
    fn no_word_ends_a_quote_a_line_or_a_document() {
        let evil = "'; rm -rf / #\nDEPLOYMENT\nSTATUS\n$(id) `id` \"\\ \u{2028}";
        let row = json!({
            "commit": "c", "environment": "production", "execution": "sha256:1", "action": "deploy", "version": "v1",
            "notes": evil, "executed_by": evil, "recorded_in": "ledger", "status": "Success",
        });
        let written = script(&[row]);
        let bodies: Vec<&str> = written.lines().filter(|line| line.starts_with('{')).collect();
        let [deployment, _] = bodies.as_slice() else { panic!("{written}") };
        assert!(deployment.is_ascii() && !deployment.contains('\''), "{deployment}");
        let read: Value = serde_json::from_str(deployment).expect("JSON");
        assert_eq!(read["payload"]["executed_by"], evil);
        assert_eq!(written.lines().filter(|line| *line == "DEPLOYMENT").count(), 1);
        assert_eq!(quoted("a'b\n$(id)"), "'a'\\''b\n$(id)'");
    }

    #[test]
    fn a_description_is_never_longer_than_github_takes() {
        assert_eq!(shortened(&"é".repeat(140)), "é".repeat(140));
        assert_eq!(shortened(&"é".repeat(141)), format!("{}…", "é".repeat(139)));
    }
}
