//! Who asks: nobody at a terminal, CI, an agent, a program that holds the terminal, a role without the right.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{PROGRAM, is_refusal, nothing_runs, refuses_machine, refuses_with};
use crate::house::House;

/// What a shell at the terminal makes of the attempt; the document is all that is shown.
#[track_caller]
fn shell_is_refused(house: &House, script: &str, expected: &[&str]) {
    let shown = nothing_runs(house, || house.program_at_terminal("sh", &["-c", script]).exit(4));
    let start = shown.find('{').unwrap_or_else(|| panic!("no document:\n{shown}"));
    let document: Value =
        serde_json::from_str(&shown[start..]).unwrap_or_else(|error| panic!("{error}:\n{shown}"));
    is_refusal(&document, 4, expected);
}

fn attempt(id: &str) -> String {
    format!("{PROGRAM} deploy production {id} --json")
}

#[test]
fn human_terminal() {
    let (house, id) = House::approved();
    let expected = &["human.terminal"];
    refuses_machine(&house, &["deploy", "production", &id], 4, expected);
    refuses_machine(&house, &["deploy", "production", &id, "--yes"], 4, expected);
    refuses_machine(&house, &["approve", &id, "--revoke", "--reason", "no"], 4, expected);
    let deploys = attempt(&id);
    shell_is_refused(&house, &format!("yes | {deploys}"), expected);
    shell_is_refused(&house, &format!("{deploys} < /dev/null"), expected);
    shell_is_refused(&house, &format!("{deploys} 2> /dev/null"), expected);
    // Its output goes to a pipe; the exit code is that of the program before it.
    shell_is_refused(&house, &format!("{deploys} > shown; code=$?; cat shown; exit $code"), expected);
    // In the background it cannot ask either.
    shell_is_refused(&house, &format!("set -m; {deploys} & wait $!"), expected);
}

#[test]
fn human_terminal_in_words() {
    let (house, id) = House::requested();
    let refused = "\
refused: deployctl deploy
  ✗ human.terminal  only a person can do this: standard input is not a terminal
  ✗ approval.missing  nobody has decided about `v1.4.0-[id]` yet
      policy: environments.production.approvals
next: ask a person to run this at their own terminal: deployctl deploy production v1.4.0-[id]
next: ask a person to run: deployctl approve v1.4.0-[id]
";
    nothing_runs(&house, || house.run(["deploy", "production", &id]).stderr(refused).exit(4));
}

#[test]
fn human_ci() {
    let (house, id) = House::approved();
    for mark in ["CI=true", "GITLAB_CI=true", "GITHUB_ACTIONS=true", "JENKINS_URL=http://ci.example.org"] {
        shell_is_refused(&house, &format!("{mark} {}", attempt(&id)), &["human.ci"]);
    }
    let script = format!("CI=true exec {PROGRAM} deploy production {id}");
    let shown = nothing_runs(&house, || house.program_at_terminal("sh", &["-c", &script]).exit(4));
    let refused = "\
refused: deployctl deploy
  ✗ human.ci  only a person can do this: continuous integration runs this: found `CI` in this process
next: ask a person to run this at their own terminal: deployctl deploy production v1.4.0-[id]
";
    house.same(&shown, refused);
}

#[test]
fn human_agent() {
    let (house, id) = House::approved();
    let deploys = attempt(&id);
    shell_is_refused(&house, &format!("CLAUDECODE=1 {deploys}"), &["human.agent"]);
    shell_is_refused(&house, &format!("AI_AGENT=any {deploys}"), &["human.agent"]);
    // What an agent takes out of the environment of its child still stands in its own.
    let child = format!("env -u CLAUDECODE {deploys}; exit $?");
    shell_is_refused(&house, &format!("CLAUDECODE=1 sh -c '{child}'; exit $?"), &["human.agent"]);
    // An agent that sets nothing at all has a name.
    let agent = program_named(&house, "sh", "codex");
    shell_is_refused(
        &house,
        &format!("{} -c '{deploys}; exit $?'; exit $?", agent.display()),
        &["human.agent"],
    );
}

#[test]
fn human_pty() {
    let (house, id) = House::approved();
    let deploys = attempt(&id);
    shell_is_refused(&house, &format!("script -qec '{deploys}' /dev/null"), &["human.pty"]);
    shell_is_refused(
        &house,
        &format!("yes | head -n 99 | script -qec '{deploys}' /dev/null"),
        &["human.pty"],
    );
    let expect = program_named(&house, "script", "expect");
    shell_is_refused(&house, &format!("{} -qec '{deploys}' /dev/null", expect.display()), &["human.pty"]);
    let shown = nothing_runs(&house, || {
        let line = format!("{PROGRAM} deploy production {id}");
        house.program_at_terminal("script", &["-qec", &line, "/dev/null"]).exit(4)
    });
    let refused = "\
refused: deployctl deploy
  ✗ human.pty  only a person can do this: the terminal is held by `script`, a program that types by itself
next: ask a person to run this at their own terminal: deployctl deploy production v1.4.0-[id]
";
    house.same(&shown, refused);
}

#[test]
fn human_pty_of_an_interpreter() {
    // The tools that the tests of this file can do without; CI installs them.
    let Some(python) = system_program("python3") else { return };
    let (house, id) = House::approved();
    let spawn = format!(
        "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(\"{}\".split())))",
        attempt(&id)
    );
    shell_is_refused(&house, &format!("{} -c '{spawn}'", python.display()), &["human.pty"]);
}

#[test]
fn human_pty_of_expect() {
    let Some(expect) = system_program("expect") else { return };
    let (house, id) = House::approved();
    let spawn = format!("log_user 1; spawn -noecho {}; expect eof; exit [lindex [wait] 3]", attempt(&id));
    shell_is_refused(&house, &format!("{} -c '{spawn}'", expect.display()), &["human.pty"]);
}

#[test]
fn human_pty_of_a_multiplexer_nobody_looks_at() {
    let Some(tmux) = system_program("tmux") else { return };
    let (house, id) = House::approved();
    let tmux = format!("{} -S {} -f /dev/null", tmux.display(), house.home().join("tmux").display());
    let code = house.home().join("code").display().to_string();
    let inner = format!("{}; echo $? > {code}; {tmux} wait-for -S done", attempt(&id));
    let script = format!("{tmux} new-session -d '{inner}' \\; wait-for done; exit \"$(cat {code})\"");
    nothing_runs(&house, || house.program_at_terminal("sh", &["-c", &script]).exit(4));
    // What it showed is gone with its window; the journal keeps every refusal.
    let kept: Value =
        serde_json::from_str(&house.git(["show", "deployctl/journal:payload.json"])).expect("a line");
    assert_eq!((&kept["kind"], &kept["details"]), (&Value::from("refusal"), &Value::from(vec!["human.pty"])));
}

#[test]
fn role_forbidden() {
    let house = House::founded();
    let expected = &["role.forbidden"];
    refuses_machine(&house, &["request", "v1.4.0", "--as", "qa-specialist"], 3, expected);
    refuses_machine(&house, &["request", "v1.4.0", "--as", "nobody-knows-me"], 3, expected);
    refuses_machine(&house, &["request", "v1.4.0"], 3, expected);
    // A person's name gives no right to a program.
    refuses_machine(&house, &["request", "v1.4.0", "--as", "alice"], 3, expected);
    // Another role's environment.
    refuses_machine(&house, &["request", "v1.4.0", "--as", "orchestrator", "-e", "staging"], 3, expected);
    // A request that is refused leaves nothing behind but that.
    let kept = house.git(["ls-tree", "-r", "--name-only", "deployctl/journal"]);
    let lines = house.git(["log", "--format=%s", "deployctl/journal"]);
    assert_eq!(kept, "payload.json");
    assert!(lines.lines().all(|line| line.starts_with("refusal: request ")), "{lines}");
    // Nor is there anything that staging would run.
    let twice = &["role.forbidden", "role.forbidden"];
    refuses_with(&house, &["deploy", "staging", "v1.4.0"], 3, twice);
    let refused = "\
refused: deployctl request
  ✗ role.forbidden  the role `qa-specialist` may not request for `production`
      policy: roles.qa-specialist
next: say who asks, a role that may, or at a terminal a person of the policy: deployctl request VERSION --as NAME
";
    let asks = house.run(["request", "v1.4.0", "--as", "qa-specialist"]).stderr(refused);
    nothing_runs(&house, || asks.exit(3));
}

/// A program of the system under another name, as its maker could have called it.
fn program_named(house: &House, program: &str, name: &str) -> PathBuf {
    let path = house.home().join(name);
    let original = system_program(program).unwrap_or_else(|| panic!("`{program}` is needed"));
    fs::copy(original, &path).expect("a program");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a file of our own");
    path
}

/// A program where systems keep them; a wrapper elsewhere on `PATH` may look for its own home.
fn system_program(name: &str) -> Option<PathBuf> {
    let places = ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"];
    places.iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())
}

#[test]
fn what_is_refused_of_production_is_kept_with_its_place_and_each_code_once() {
    let (house, id) = House::requested();
    house.run(["approve", &id]).any_stderr().exit(4);
    house.run(["approve", &id, "--deny", "--reason", "no"]).any_stderr().exit(4);
    house.run(["approve", "v9.9.9"]).any_stderr().exit(4);
    house.run(["approve", "--check", "unit"]).any_stderr().exit(4);
    house.run(["request", "v1.4.0", "--as", "qa-specialist"]).any_stderr().exit(3);
    house.run(["rollback", "production", "--reason", "bad"]).any_stderr().exit(4);
    for _ in 0..2 {
        house.run(["deploy", "production", &id]).any_stderr().exit(4);
    }
    house.run(["approve", &id, "--show"]).any_stdout().exit(0);
    house.run(["deploy", "production", &id, "--dry-run"]).any_stdout().any_stderr().exit(4);
    let table = house.run(["history", "--modifications", "--json"]).any_stdout().exit(0).json();
    let rows = table["modifications"].as_array().expect("rows").iter().filter(|row| row["signed"] == false);
    let told = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or("-").replace(&id, "ID");
        format!("{} {} | {} | {}", text("action"), text("details"), text("reason"), text("environment"))
    };
    let mut told: Vec<String> = rows.map(told).collect();
    told.reverse();
    told.iter_mut().for_each(|line| *line = house.normal(line));
    assert_eq!(
        told,
        [
            "requested ID | Totals in the cart | production",
            "was refused approve production ID | human.terminal | production",
            "was refused deny production ID | human.terminal | production",
            "was refused approve v9.9.9 | human.terminal, request.missing | -",
            "was refused sign off unit of [id] | human.terminal, key.unknown | -",
            "was refused request production v1.4.0 | role.forbidden | production",
            "was refused rollback production | human.terminal, rollback.plan | production",
            "was refused deploy production ID | human.terminal, approval.missing | production",
        ]
    );
}
