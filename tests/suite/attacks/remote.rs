//! On the way that records travel, and on the moment of writing.

use std::fs;

use deployctl::gate::statement::{Approval, RequestRef, Revocation, Statement};
use deployctl::gate::terms::Digest;
use deployctl::world::records::{Files, LEDGER};

use crate::forge::{Entry, PROGRAM};
use crate::house::{House, PASSPHRASE, POLICY, Terminal};

fn over_origin() -> String {
    POLICY.replace("ledger: none", "ledger: { remote: origin }")
}

#[test]
fn a_remote_that_shows_an_older_ledger() {
    let (house, id) = House::shared();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    let older = house.git(["rev-parse", "deployctl/ledger~1"]);
    let fresh = house.clone_of();
    let origin = house.world().join("origin.git").display().to_string();
    house.git(["--git-dir", &origin, "update-ref", "refs/heads/deployctl/ledger", &older]);
    // A clone that has seen the revocation brings it back instead of believing the remote.
    house.refuses(&id, 4, "approval.revoked");
    assert_ne!(house.git(["--git-dir", &origin, "rev-parse", "deployctl/ledger"]), older);
    // One that cannot bring it back refuses as well.
    house.git(["--git-dir", &origin, "update-ref", "refs/heads/deployctl/ledger", &older]);
    house.hook("pre-receive", "#!/bin/sh\nexit 1\n");
    house.refuses(&id, 3, "ledger.unreachable");
    // One that has seen nothing cannot know: this is what the README says of withholding.
    fresh.run(["status"]).any_stdout().any_stderr().exit(0);
}

#[test]
fn a_remote_that_shows_another_ledger_of_the_same_length() {
    let (house, id) = House::shared();
    let fork = house.git(["rev-parse", "deployctl/ledger~1"]);
    let tree = house.git(["rev-parse", "deployctl/ledger^{tree}"]);
    let rewritten = house.git(["commit-tree", "-p", &fork, "-m", "rewritten", &tree]);
    let origin = house.world().join("origin.git").display().to_string();
    house.git(["push", "--quiet", "--force", "origin", &format!("{rewritten}:refs/heads/deployctl/ledger")]);
    house.refuses(&id, 4, "ledger.rewound");
    house.git(["--git-dir", &origin, "update-ref", "-d", "refs/heads/deployctl/ledger"]);
    house.refuses(&id, 4, "ledger.rewound");
}

/// Pushes an entry that does not hold: bob's approval, signed by somebody else. This clone's own ledger stays as it is.
fn pushes_a_bad_entry(house: &House) {
    let Entry { payload, mut files } = house.entries().remove(1);
    files.retain(|name, _| payload.attachments.contains_key(name));
    let bad = house.forged("mallory", "bob", payload.statement, files);
    let records = house.records();
    let tip = records.tip(LEDGER).unwrap();
    let bad = records.write(tip.as_ref(), &bad.files, "bob", house.now(), "forged").unwrap();
    house.git(["push", "--quiet", "origin", &format!("{bad}:{LEDGER}")]);
}

#[test]
fn a_bad_entry_that_somebody_took_away_is_not_brought_back() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    other.run(["status"]).any_stdout().any_stderr().exit(0);
    let good = house.git(["rev-parse", LEDGER]);
    pushes_a_bad_entry(&house);
    let fresh = house.clone_of();
    for house in [&house, &other, &fresh] {
        let status = house.run(["status", "--json"]).any_stdout().any_stderr().exit(4).json();
        assert_eq!(status["reasons"][0]["code"], "ledger.tampered", "{status:#}");
    }
    // Nobody went on to it; one has it in the branch all the same, and one has it there from the beginning.
    assert_eq!([house.git(["rev-parse", LEDGER]), other.git(["rev-parse", LEDGER])], [&*good, &*good]);
    for house in [&other, &fresh] {
        house.git(["fetch", "--quiet", "origin", &format!("+{LEDGER}:{LEDGER}")]);
        house.run(["status"]).any_stdout().any_stderr().exit(4);
    }
    let origin = house.world().join("origin.git").display().to_string();
    house.git(["--git-dir", &origin, "update-ref", LEDGER, &good]);
    for house in [&house, &other, &fresh] {
        house.run(["status"]).any_stdout().any_stderr().exit(0);
        assert_eq!(house.git(["--git-dir", &origin, "rev-parse", LEDGER]), good);
        assert_eq!(house.git(["rev-parse", LEDGER]), good);
    }
    assert!(!other.git(["for-each-ref", "refs/deployctl/unsent"]).is_empty());
    other.person("alice").deploys(&id);
}

#[test]
fn a_bad_entry_in_place_of_one_that_was_seen() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    house.person("bob").at_terminal(["approve", &id, "--revoke", "--reason", "no"]).signs().exit(0);
    let seen = house.git(["rev-parse", LEDGER]);
    // Where this clone's branch is bad as well, the remote's older one does not count: the revocation was seen.
    let origin = house.world().join("origin.git").display().to_string();
    other.git(["fetch", "--quiet", "origin", &format!("+{LEDGER}:{LEDGER}")]);
    house.git(["--git-dir", &origin, "update-ref", LEDGER, &format!("{seen}~1")]);
    house.publish(&house.forged("mallory", "bob", house.entries().remove(2).payload.statement, Files::new()));
    let bad = house.git(["rev-parse", LEDGER]);
    house.refuses(&id, 4, "ledger.rewound");
    assert_eq!(
        house.git(["--git-dir", &origin, "rev-parse", LEDGER]),
        house.git(["rev-parse", &format!("{seen}~1")])
    );
    assert_eq!(house.git(["rev-parse", LEDGER]), bad);
    // Who has only what holds brings it back, and then it is there for everybody.
    other.refuses(&id, 4, "approval.revoked");
    house.refuses(&id, 4, "approval.revoked");
    assert_eq!(house.git(["rev-parse", LEDGER]), seen);
}

#[test]
fn a_statement_that_settles_nothing_stops_nobody() {
    let (house, id) = House::shared();
    let Statement::Approval(approval) = house.entries().remove(1).payload.statement else {
        panic!("no approval")
    };
    let Approval { release, environment, presence, .. } = *approval;
    let (request, reason) = (RequestRef::of(&release.version, Digest::of(b"unknown")), "no".to_owned());
    let statement = Statement::Revocation(Revocation { request, environment, reason, presence });
    house.publish(&house.forged("bob", "bob", statement, Files::new()));
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
    house.person("alice").deploys(&id);
}

#[test]
fn a_remote_that_is_not_there() {
    let (house, id) = House::shared();
    house.git(["remote", "set-url", "origin", "/nowhere"]);
    house.refuses(&id, 3, "ledger.unreachable");
    // Who only looks is told that it may be stale.
    let told = house.run(["status"]).any_stdout().any_stderr().exit(0).stderr;
    assert!(told.starts_with("warning: ledger.unreachable  "), "{told}");
}

#[test]
fn a_server_that_takes_no_entry() {
    let (house, id) = House::shared();
    let before = house.git(["rev-parse", "deployctl/ledger"]);
    house.hook("pre-receive", "#!/bin/sh\necho 'people only' >&2\nexit 1\n");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    assert!(shown.contains("people only"), "{shown}");
    house.nothing_ran();
    assert_eq!(house.git(["rev-parse", "deployctl/ledger"]), before);
    // Nothing was used up.
    house.hook("pre-receive", "#!/bin/sh\nexit 0\n");
    house.person("alice").deploys(&id);
}

/// The exit code that a shell wrote down last.
fn code_of(shown: &str) -> i32 {
    let (_, code) = shown.rsplit_once("ended with ").unwrap();
    code.trim().parse().unwrap()
}

#[test]
fn two_clones_with_one_approval() {
    for _ in 0..3 {
        let (house, id) = House::shared();
        let other = house.clone_of();
        let at_passphrase = |house: &House, who: &str| -> Terminal {
            let key = house.key(who).display().to_string();
            let run = format!("{PROGRAM} deploy production {id} --key {key}; echo ended with $?");
            let terminal = house.program_at_terminal("sh", &["-c", &run]);
            terminal.yes_to_all().types_phrase().expect("Enter passphrase")
        };
        let (one, two) = (at_passphrase(&house, "alice"), at_passphrase(&other, "bob"));
        let (one, two) = (one.answer(PASSPHRASE), two.answer(PASSPHRASE));
        let (one, two) = (code_of(&one.exit(0)), code_of(&two.exit(0)));
        assert_eq!([one, two].iter().filter(|code| **code == 0).count(), 1, "{one} and {two}");
        assert!([one, two].iter().any(|code| [3, 7].contains(code)), "{one} and {two}");
        let ran = [house.live("journal"), other.live("journal")];
        assert_eq!(ran.iter().flatten().count(), 1, "{ran:?}");
        house.run(["status"]).any_stdout().any_stderr().exit(0);
        let story = ["execution", "step migrate Succeeded", "step release Succeeded", "outcome Succeeded"];
        assert_eq!(house.story_of_deployment(), story);
    }
}

#[test]
fn two_founders() {
    let house = House::new();
    house.remote();
    house.config(&over_origin());
    let other = house.clone_of();
    other.config(&over_origin().replace("project: storefront", "project: shop"));
    let at_passphrase = |house: &House, who: &str| {
        house
            .person(who)
            .at_terminal(["approve", "--policy"])
            .yes_to_all()
            .types_phrase()
            .expect("Enter passphrase")
    };
    let (one, two) = (at_passphrase(&house, "alice"), at_passphrase(&other, "bob"));
    one.answer(PASSPHRASE).exit(0);
    // The one who lost is shown the same file again, now as a change of the rules of the one who won.
    let again = two.answer(PASSPHRASE).expect("policy 2").expect("to sign the policy: ");
    again.end_of_input().exit(5);
    assert_eq!(house.entries().len(), 1);
    assert_eq!(other.story(), ["policy"]);
    assert_eq!(house.git(["rev-parse", "deployctl/ledger"]), other.git(["rev-parse", "deployctl/ledger"]));
}

#[test]
fn a_remote_that_goes_away_in_the_middle() {
    let (house, id) = House::shared();
    let hold = house.holds("release");
    let running =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("│ release waits");
    let origin = house.world().join("origin.git");
    let away = house.world().join("away.git");
    fs::rename(&origin, &away).unwrap();
    hold.lets_go();
    let shown = running.exit(0);
    assert!(shown.contains("warning: the remote has not got this record yet"), "{shown}");
    assert_eq!(house.story().last().unwrap(), "outcome Succeeded");
    fs::rename(&away, &origin).unwrap();
    let other = house.clone_of();
    let state = |house: &House| house.run(["status", "--json"]).any_stdout().any_stderr().exit(0).stdout;
    state(&other);
    assert_eq!(other.story().last().unwrap(), "step migrate Succeeded");
    state(&house);
    state(&other);
    assert_eq!(other.story().last().unwrap(), "outcome Succeeded");
}

#[test]
fn an_entry_of_somebody_else_while_the_remote_is_away() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let hold = house.holds("migrate");
    let next = house.holds("release");
    let running =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("│ migrate waits");
    let origin = house.git(["remote", "get-url", "origin"]);
    house.git(["remote", "set-url", "origin", "/nowhere"]);
    hold.lets_go();
    let running = running.expect("│ release waits");
    // Meanwhile bob changes the rules from his own machine.
    other.config(&over_origin().replace("estimate: 5m", "estimate: 6m"));
    other.person("bob").signs_policy();
    house.git(["remote", "set-url", "origin", &origin]);
    next.lets_go();
    let shown = running.exit(0);
    other.run(["status"]).any_stdout().any_stderr().exit(0);
    let story = other.story();
    assert_eq!(story.last().unwrap(), "outcome Succeeded", "{story:?}\n{shown}");
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
}

#[test]
fn records_that_never_travelled_leave_an_interrupted_deployment() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let hold = house.holds("release");
    let running =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("│ release waits");
    let origin = house.git(["remote", "get-url", "origin"]);
    house.git(["remote", "set-url", "origin", "/nowhere"]);
    hold.lets_go();
    running.exit(0);
    // Before this clone reaches the remote again, bob changes the rules from his own machine.
    other.config(&over_origin().replace("estimate: 5m", "estimate: 6m"));
    other.person("bob").signs_policy();
    house.git(["remote", "set-url", "origin", &origin]);
    house.clock("2026-11-23T10:08:00Z");
    let status = house.run(["status", "--json"]).any_stdout().any_stderr().exit(0).json();
    assert_eq!(status["environments"]["production"]["locked"]["interrupted"], true, "{status:#}");
    house.person("alice").at_terminal(["approve", &id, "--review", "--reason", "it is well"]).signs().exit(0);
    let status = other.run(["status", "--json"]).any_stdout().any_stderr().exit(0).json();
    assert_eq!(status["environments"]["production"]["live"]["version"], "v1.4.0", "{status:#}");
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
}

#[test]
fn records_that_did_travel_cannot_be_taken_away() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let hold = house.holds("release");
    let running =
        house.person("alice").at_terminal(["deploy", "production", &id]).signs().expect("│ release waits");
    // The same remote as it is before the outcome; bob goes on there, with a signature that is good.
    let forked = house.world().join("forked.git").display().to_string();
    let origin = house.git(["remote", "get-url", "origin"]);
    house.git(["clone", "--quiet", "--mirror", &origin, &forked]);
    hold.lets_go();
    running.exit(0);
    other.git(["remote", "set-url", "origin", &forked]);
    other.config(&over_origin().replace("estimate: 5m", "estimate: 6m"));
    other.person("bob").signs_policy();
    house.git(["remote", "set-url", "origin", &forked]);
    let status = house.run(["status", "--json"]).any_stdout().any_stderr().exit(4).json();
    assert_eq!(status["reasons"][0]["code"], "ledger.rewound", "{status:#}");
}

#[test]
fn an_approval_is_not_used_where_nobody_else_looks() {
    let (house, id) = House::shared();
    let origin = house.git(["remote", "get-url", "origin"]);
    let fork = house.world().join("fork.git").display().to_string();
    house.git(["clone", "--quiet", "--mirror", &origin, &fork]);
    house.git(["remote", "set-url", "--push", "origin", &fork]);
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    let why =
        format!("what is pushed to `origin` ({fork}) does not come to where it is fetched from ({origin})");
    assert!(shown.replace("\r\n", " ").contains(&why), "{shown}");
    house.nothing_ran();
    // Nor is it a race where that one has no ledger.
    let empty = house.world().join("empty.git").display().to_string();
    house.git(["init", "--quiet", "--bare", &empty]);
    house.git(["remote", "set-url", "--push", "origin", &empty]);
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    assert!(shown.contains("does not come to where it is fetched from"), "{shown}");
    house.nothing_ran();
    // Another address of the same repository is as good as the first.
    house.git(["remote", "set-url", "--push", "origin", &format!("file://{origin}")]);
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(0);
    assert!(shown.contains("production runs v1.4.0"), "{shown}");
}

#[test]
fn a_connection_that_outlives_git_holds_nothing_up() {
    let (house, id) = House::shared();
    // What `ControlPersist` does: a process stays, and keeps standard error open.
    let script = "#!/bin/sh\nsleep 30 > /dev/null &\nfor last; do :; done\nexec sh -c \"$last\"\n";
    house.write("../ssh", script);
    let origin = house.git(["remote", "get-url", "origin"]);
    house.git(["remote", "set-url", "origin", &format!("example.org:{origin}")]);
    let ssh = format!("GIT_SSH_COMMAND={}", house.world().join("ssh").display());
    let variant = ["GIT_SSH_VARIANT=simple", &ssh];
    let shown = house.at_terminal_with("alice", &variant, &["deploy", "production", &id]).signs().exit(0);
    assert!(shown.contains("production runs v1.4.0"), "{shown}");
}

#[test]
fn a_stale_lock_is_named() {
    let (house, id) = House::approved();
    house.write(".git/refs/heads/deployctl/ledger.lock", "");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    assert!(shown.contains(".git/refs/heads/deployctl/ledger.lock"), "{shown}");
    house.nothing_ran();
    assert_eq!(house.story(), ["policy", "approval"]);
    fs::remove_file(house.project().join(".git/refs/heads/deployctl/ledger.lock")).unwrap();
    house.person("alice").deploys(&id);
}

#[test]
fn a_stale_lock_is_named_before_anything_is_published() {
    let (house, id) = House::shared();
    house.write(".git/refs/heads/deployctl/ledger.lock", "");
    let shown = house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(1);
    assert!(shown.contains(".git/refs/heads/deployctl/ledger.lock"), "{shown}");
    house.nothing_ran();
    let origin = house.world().join("origin.git").display().to_string();
    assert_eq!(house.git(["--git-dir", &origin, "rev-list", "--count", "deployctl/ledger"]), "2");
}

#[test]
fn a_disk_that_is_full() {
    let (house, id) = House::approved();
    let key = house.key("alice").display().to_string();
    let before = house.git(["rev-parse", "deployctl/ledger"]);
    // A file of nothing at most; the signal that comes with it is ignored, so that writing fails.
    let limited = format!("trap '' XFSZ; ulimit -f 0; exec {PROGRAM} deploy production {id} --key {key}");
    let (code, shown) = house.program_at_terminal("sh", &["-c", &limited]).answers_to_the_end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("error: "), "{shown}");
    house.nothing_ran();
    assert_eq!(house.git(["rev-parse", "deployctl/ledger"]), before);
    house.person("alice").deploys(&id);
}

/// Kills the program when this stands on the screen, and answers how far the ledger came.
fn killed(at: &str) -> (House, String, Vec<String>) {
    let (house, id) = House::approved();
    let holds = ["migrate", "release"].map(|step| at.contains(step).then(|| house.holds(step)));
    let terminal = house.person("alice").at_terminal(["deploy", "production", &id]);
    let terminal = match at {
        "Type \"" => terminal.expect(at),
        "Enter passphrase" => terminal.yes_to_all().types_phrase().expect(at),
        _ => {
            let terminal = terminal.signs();
            holds.iter().take(usize::from(at.contains("release"))).flatten().for_each(|hold| hold.lets_go());
            terminal.expect(at)
        }
    };
    terminal.kill().exit(137);
    // The step that was running ends by itself.
    holds.iter().flatten().for_each(|hold| hold.lets_go());
    house.run(["history", "--verify"]).any_stdout().exit(0);
    let story = house.story_of_deployment();
    (house, id, story)
}

#[test]
fn killed_before_the_signature_nothing_was_used() {
    for at in ["Type \"", "Enter passphrase"] {
        let (house, id, story) = killed(at);
        assert!(story.is_empty(), "{at}: {story:?}");
        house.nothing_ran();
        house.person("alice").deploys(&id);
    }
}

#[test]
fn killed_in_a_step_it_holds_the_environment_and_is_interrupted_later() {
    for (at, steps) in [("│ migrate waits", 0), ("│ release waits", 1)] {
        let (house, id, story) = killed(at);
        assert_eq!(story.len(), 1 + steps, "{at}: {story:?}");
        let deploy = |code: i32, word: &str| {
            let shown = house.person("alice").at_terminal(["deploy", "production", &id]).exit(code);
            assert!(shown.contains(word), "{at}: {shown}");
        };
        deploy(7, "environment.busy");
        house.clock("2026-11-23T12:00:00Z");
        deploy(4, "deployment.interrupted");
        let review = ["approve", &id, "--review", "--reason", "it is well"];
        house.person("bob").at_terminal(review).signs().exit(0);
        deploy(3, "approval.consumed");
        house.run(["history", "--verify"]).any_stdout().exit(0);
    }
}

/// Ends the program that pushes, from the server's side, when the entry of this number arrives.
fn killed_at_push(number: u32, taken: bool) -> (House, String) {
    let (house, id) = House::shared();
    let count = house.world().join("count").display().to_string();
    let script = format!(
        "#!/bin/sh\necho >> {count}\nif [ $(wc -l < {count}) = {number} ]; then\n\
         pid=$$\nuntil [ \"$(cat /proc/$pid/comm)\" = deployctl ]; do read -r _ _ _ pid _ < /proc/$pid/stat; done\n\
         kill -KILL $pid\nexit {}\nfi\nexit 0\n",
        u8::from(!taken)
    );
    house.hook("update", &script);
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().exit(137);
    house.hook("update", "#!/bin/sh\nexit 0\n");
    (house, id)
}

#[test]
fn killed_while_a_record_travels_the_ledger_holds() {
    for number in 1..=4 {
        for taken in [true, false] {
            let (house, id) = killed_at_push(number, taken);
            let at = format!("push {number}, taken: {taken}");
            house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
            let entries = house.story_of_deployment().len();
            assert_eq!(entries, number as usize - usize::from(!taken), "{at}");
            let again = house.person("alice").at_terminal(["deploy", "production", &id]);
            match entries {
                0 => drop(again.signs().exit(0)),
                4 => drop(again.exit(3)),
                _ => {
                    let shown = again.exit(7);
                    assert!(shown.contains("environment.busy"), "{at}: {shown}");
                }
            }
            let ran = house.live("journal").unwrap_or_default();
            assert!(ran.lines().count() <= 2, "{at}: {ran}");
        }
    }
}
