//! Accidents that no effect shows: clocks, sleep, two people in one clone, closed windows.

use std::fs;

use crate::house::{House, PASSPHRASE, Terminal};

/// The deployment by a clock that stands in a file, so that it can be set while a step runs.
fn deploying(house: &House, id: &str) -> Terminal {
    let clock = house.home().join("clock");
    fs::write(&clock, "2026-11-23T10:00:00Z").unwrap();
    let clock = format!("DEPLOYCTL_TEST_CLOCK={}", clock.display());
    house.at_terminal_with("alice", &[&clock], &["deploy", "production", id]).signs()
}

/// After every lease.
const LATER: &str = "2026-11-24T08:00:00Z";

fn set(house: &House, moment: &str) {
    fs::write(house.home().join("clock"), moment).unwrap();
    house.clock(moment);
}

#[track_caller]
fn is_whole(house: &House, id: &str) {
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
    let story = ["execution", "step migrate Succeeded", "step release Succeeded", "outcome Succeeded"];
    assert_eq!(house.story_of_deployment(), story);
    assert_eq!(house.live("journal").unwrap(), format!("migrate up for {id}\nrelease v1.4.0 for {id}\n"));
}

#[test]
fn a_clock_that_is_set_back_while_a_step_runs() {
    let (house, id) = House::shared();
    let hold = house.holds("release");
    let running = deploying(&house, &id).expect("│ release waits");
    set(&house, "2026-11-23T07:00:00Z");
    hold.lets_go();
    running.exit(0);
    is_whole(&house, &id);
    let moments: Vec<_> = house.entries().iter().map(|entry| entry.payload.at).collect();
    assert!(moments.is_sorted(), "{moments:?}");
}

#[test]
fn a_laptop_that_sleeps_past_the_lease_while_a_step_runs() {
    let (house, id) = House::shared();
    let hold = house.holds("release");
    let running = deploying(&house, &id).expect("│ release waits");
    // Meanwhile everybody else is told that it was interrupted.
    house.clock(LATER);
    let status = house.clone_of().run(["status"]).any_stdout().any_stderr().exit(0).stdout;
    assert!(status.contains("never said how it ended: interrupted"), "{status}");
    set(&house, LATER);
    let shown = running.declines_rollback().exit(1);
    assert!(shown.contains("✗ release was ended after 0 s: the time of this deployment is over"), "{shown}");
    drop(hold);
    let story = ["execution", "step migrate Succeeded", "step release LeaseOver", "outcome Failed"];
    assert_eq!(house.story_of_deployment(), story);
    assert_eq!(house.live("journal").unwrap(), format!("migrate up for {id}\n"));
    house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
}

#[test]
fn a_lease_that_is_over_before_a_step_begins_runs_it_not() {
    let house = House::new();
    house.releases(&[(
        "ops/migrate.sh",
        "#!/bin/sh\ntrap '' TERM\necho 2026-11-24T08:00:00Z > \"$HOME/clock\"\n",
    )]);
    let id = house.approved_under(crate::house::POLICY);
    let (code, shown) = deploying(&house, &id).answers_to_the_end();
    assert_eq!(code, 1, "{shown}");
    // Whether the step was noticed before it ended by itself, or the next one before it began: no other runs.
    let story = house.story_of_deployment();
    assert!(!story.iter().any(|entry| entry == "step release Succeeded"), "{story:?}");
    assert_eq!(house.live("version"), None);
}

#[test]
fn a_laptop_that_sleeps_while_somebody_else_settles_its_deployment() {
    let (house, id) = House::shared();
    let other = house.clone_of();
    let hold = house.holds("migrate");
    let running = deploying(&house, &id).expect("│ migrate waits");
    house.clock(LATER);
    let review = ["approve", &id, "--review", "--reason", "it never went on"];
    other
        .person("bob")
        .at_terminal(review)
        .expect("[y/n] ")
        .answer("n")
        .types_phrase()
        .passphrase(PASSPHRASE)
        .exit(0);
    set(&house, LATER);
    let (code, shown) = running.answers_to_the_end();
    drop(hold);
    assert_eq!(code, 1, "{shown}");
    let told = "error: the time of this deployment was over, and others settled it meanwhile: its end is not recorded
this session: migrate was ended after 0 s: the time of this deployment is over, and others may act now: it failed at `migrate`
the ledger: it failed, recorded 2026-11-24 08:00 UTC, after a look: it never went on
logs: ";
    assert!(shown.contains(told), "{shown}");
    assert!(!shown.contains("ROLLBACK?"), "{shown}");
    assert_eq!(house.live("journal"), None);
    assert_eq!(other.story_of_deployment(), ["execution", "review"]);
    for house in [&house, &other] {
        house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
    }
}

#[test]
fn two_people_in_one_clone() {
    let (house, id) = House::shared();
    let at_passphrase = |who: &str| {
        let terminal = house.person(who).at_terminal(["deploy", "production", &id]);
        terminal.yes_to_all().types_phrase().expect("Enter passphrase")
    };
    let (one, two) = (at_passphrase("alice"), at_passphrase("bob"));
    let (one, two) = (one.answer(PASSPHRASE), two.answer(PASSPHRASE));
    let (one, two) = (one.answers_to_the_end(), two.answers_to_the_end());
    let mut codes = [one.0, two.0];
    codes.sort_unstable();
    assert!(codes[0] == 0 && [3, 7].contains(&codes[1]), "{one:?}\n{two:?}");
    is_whole(&house, &id);
}

#[test]
fn a_window_that_is_closed_at_a_question() {
    for at in ["Type \"", "Enter passphrase"] {
        let (house, id) = House::shared();
        let terminal = house.person("alice").at_terminal(["deploy", "production", &id]);
        let terminal = if at == "Type \"" { terminal } else { terminal.yes_to_all().types_phrase() };
        let (code, shown) = terminal.expect(at).hang_up().answers_to_the_end();
        assert!([5, 130].contains(&code), "{at}: {code}\n{shown}");
        assert_eq!(house.live("journal"), None);
        house.run(["history", "--verify"]).any_stdout().any_stderr().exit(0);
        house.person("alice").deploys(&id);
        is_whole(&house, &id);
    }
}

#[test]
fn a_step_that_leaves_its_group_with_the_output_open() {
    let house = House::new();
    let script = "#!/bin/sh\nset -eu\nmkdir -p \"$HOME/live\"\n\
                  setsid sh -c 'while [ -e \"$HOME/live/stays\" ]; do sleep 0.05; done' &\n\
                  echo \"release $DEPLOYCTL_VERSION\" >> \"$HOME/live/journal\"\n";
    house.releases(&[("ops/release.sh", script)]);
    fs::create_dir_all(house.home().join("live")).unwrap();
    fs::write(house.home().join("live/stays"), "").unwrap();
    let id = house.approved_under(crate::house::POLICY);
    let shown = house.person("alice").deploys(&id);
    assert!(shown.contains("✓ release"), "{shown}");
    assert_eq!(house.story_of_deployment().last().unwrap(), "outcome Succeeded");
    fs::remove_file(house.home().join("live/stays")).unwrap();
}

#[test]
fn a_branch_that_a_power_cut_emptied_is_named_and_comes_back_as_told() {
    for rest in ["", "\n", "\0\0\0\0"] {
        let (house, id) = House::approved();
        let branch = house.project().join(".git/refs/heads/deployctl/ledger");
        let tip = fs::read_to_string(&branch).unwrap();
        fs::write(&branch, rest).unwrap();
        let told = house.run(["status"]).any_stdout().any_stderr().exit(4);
        let shown = told.stdout + &told.stderr;
        let way = format!(
            "`{}` is empty, as a power cut may leave it: remove that file, then run: git update-ref refs/heads/deployctl/ledger {}",
            branch.display(),
            tip.trim()
        );
        assert!(shown.contains(&way), "{shown}");
        fs::remove_file(&branch).unwrap();
        house.git(["update-ref", "refs/heads/deployctl/ledger", tip.trim()]);
        house.person("alice").deploys(&id);
        house.run(["history", "--verify"]).any_stdout().exit(0);
    }
}

#[test]
fn an_emptied_branch_that_has_a_remote_comes_back_by_itself_once_it_is_away() {
    for branch in
        ["refs/heads/deployctl/ledger", "refs/heads/deployctl/journal", "refs/deployctl/fetched/ledger"]
    {
        let (house, id) = House::shared();
        let git = house.project().join(".git");
        house.run(["status"]).any_stdout().exit(0);
        fs::write(git.join(branch), "").unwrap();
        let _ = fs::remove_file(git.join("logs").join(branch));
        let shown = house.run(["status"]).any_stdout().any_stderr().exit(3).stderr;
        let why = format!(
            "this clone cannot follow the ledger's remote: `{}` is empty, as a power cut may leave it: remove that file; the next command takes the records from the ledger's remote, if it has one\n",
            git.join(branch).display()
        );
        assert!(shown.contains(&why), "{shown}");
        fs::remove_file(git.join(branch)).unwrap();
        let shown = house.run(["status"]).any_stdout().any_stderr().exit(0).stdout;
        assert!(
            shown.contains(&format!("next: a person executes: deployctl deploy production {id}")),
            "{shown}"
        );
        house.person("alice").deploys(&id);
    }
}
