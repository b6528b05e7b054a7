//! An action that did not end well: `status` says how much of it was run, and advises nothing that does not help.

use crate::house::House;

/// What `status` says of production.
#[track_caller]
fn status(house: &House) -> String {
    house.run(["status"]).any_stdout().exit(0).stdout
}

#[test]
fn half_of_it_may_run_where_a_step_failed() {
    let (house, id) = House::approved();
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let said = "\
  the deployment of v1.4.0 failed at release: what runs may be half of v1.4.0
";
    let status = status(&house);
    assert!(status.contains(said), "{status}");
    house.ends(&status, "next: deployctl rollback production --reason TEXT\n");
}

/// v1.3.0 is well, v1.4.0 was left half there, and v1.5.0 waits for approval: its request.
fn left_behind() -> (House, String) {
    let (house, _) = House::deployed();
    house.breaks("release");
    house.write("app/total.txt", "13\n");
    house.commit("feat: more");
    house.tag("v1.5.0");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let asked = ["request", "v1.5.0", "--as", "orchestrator", "--json"];
    let id = house.run(asked).any_stdout().exit(0).json()["id"].as_str().expect("an id").to_owned();
    house.person("alice").approves(&id);
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    house.write("app/total.txt", "14\n");
    house.commit("feat: still more");
    house.tag("v1.6.0");
    let asked = ["request", "v1.6.0", "--as", "orchestrator", "--json"];
    let id = house.run(asked).any_stdout().exit(0).json()["id"].as_str().expect("an id").to_owned();
    (house, id)
}

#[test]
fn a_version_that_failed_there_is_told_to_all_who_would_deploy_it_again() {
    let (house, id) = House::approved();
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let why = "`v1.4.0`, this very commit, failed in `production` at `release` when alice deployed it at \
               2026-11-23 10:00 UTC (it ended with exit status 3), and was not live and well there since; it was \
               not rolled back: best do that first, `deployctl rollback production --reason TEXT`, or go forward \
               with a fix of it";
    let warned = format!("  warning: deployment.failed  {why}\n");
    let ask = ["request", "v1.4.0", "--as", "orchestrator", "--summary", "again"];
    let said = house.run(ask.into_iter().chain(["--json"])).any_stdout().exit(0).json();
    assert_eq!(said["warnings"][0]["code"], "deployment.failed");
    assert_eq!(said["warnings"][0]["message"], why);
    let again = said["id"].as_str().expect("an id");
    let shown = house.run(["approve", again, "--show"]).any_stdout().exit(0).stdout;
    assert!(shown.contains(&warned), "{shown}");
    let shown = house.person("alice").approves(again);
    assert!(shown.contains(&warned), "{shown}");
    let shown = house.run(["deploy", "production", again, "--dry-run"]).any_stdout().exit(0).stdout;
    assert!(shown.contains(&warned), "{shown}");
}

#[test]
fn a_version_that_failed_is_quarantined_once_it_was_rolled_back_and_not_before() {
    let (house, id) = House::approved();
    house.breaks("release");
    house.person("alice").at_terminal(["deploy", "production", &id]).signs().declines_rollback().exit(1);
    let ask = ["request", "v1.4.0", "--as", "orchestrator", "--summary", "again", "--json"];
    let codes = || {
        let said = house.run(ask).any_stdout().exit(0).json();
        let warnings = said["warnings"].as_array().expect("warnings").clone();
        warnings.into_iter().map(|one| one["code"].as_str().expect("a code").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(), ["deployment.failed"]);
    let status = house.run(["status"]).any_stdout().exit(0).stdout;
    assert!(status.contains("\nnext: deployctl rollback production --reason TEXT\n"), "{status}");
    house.mends("release");
    house.person("alice").rolls_back("release fails");
    assert!(codes().contains(&"commit.quarantined".to_owned()));
}

#[test]
fn what_runs_is_said_the_same_everywhere() {
    let (house, id) = left_behind();
    let told = status(&house);
    assert!(told.contains("\nproduction: last good v1.4.0 ("), "{told}");
    let line = "  the deployment of v1.5.0 failed at release: what runs may be half of v1.5.0\n";
    assert!(told.contains(line), "{told}");
    let both = "  WHAT RUNS    may be half of v1.5.0\n";
    let shown = house.run(["approve", &id, "--show"]).any_stdout().exit(0).stdout;
    let since = format!("\n  Since        v1.4.0 ([id]), last good\n{both}");
    assert!(house.normal(&shown).contains(&since), "{shown}");
    let back = ["rollback", "production", "--reason", "half of it", "--dry-run"];
    let shown = house.run(back).any_stdout().exit(0).stdout;
    let undoes = format!("\n  Undoes       v1.5.0 ([id])\n  Last good    v1.4.0 ([id])\n{both}");
    assert!(house.normal(&shown).contains(&undoes), "{shown}");
    assert!(shown.contains("\n  Your reason  half of it\n") && !shown.contains("Summary"), "{shown}");
    let page = house.run(["history", "--format", "html"]).any_stdout().exit(0).stdout;
    let live = "<dd>last good <span class=\"version\">v1.4.0</span> ";
    assert!(page.contains(live), "{page}");
    assert!(page.contains("<p class=\"doubt\">What runs may be half of v1.5.0.</p></dd>"), "{page}");
    house.person("alice").approves(&id);
    let deploy = ["deploy", "production", &id, "--dry-run"];
    let shown = house.run(deploy).any_stdout().exit(0).stdout;
    let live = format!("\n  Last good    v1.4.0 ([id])\n{both}");
    assert!(house.normal(&shown).contains(&live), "{shown}");
}

#[test]
fn a_rollback_that_failed_may_leave_parts_of_both() {
    let (house, _) = House::deployed();
    house.breaks("release");
    let back = ["rollback", "production", "--reason", "slow"];
    house.person("alice").at_terminal(back).signs().exit(1);
    let status = status(&house);
    let said =
        "\n  the rollback to v1.3.0 failed at release: what runs may be parts of v1.4.0 and of v1.3.0\n";
    assert!(status.contains(said), "{status}");
    assert!(status.contains("\nnext: deployctl rollback production --reason TEXT\n"), "{status}");
}

#[test]
fn what_a_person_found_is_told_as_found() {
    let (house, id) = House::approved();
    let migrate = house.holds("migrate");
    let running = house.person("alice").at_terminal(["deploy", "production", &id]).signs();
    running.expect("│ migrate waits").ctrl_c().expect("[g/s/e] ").answer("e").exit(130);
    drop(migrate);
    let interrupted = status(&house);
    for said in [
        "  the deployment of v1.4.0 was interrupted at migrate: what runs may be half of v1.4.0\n",
        &format!(
            "next: look at production and say what runs: deployctl approve --review {id} --reason TEXT\n"
        ),
        "next: deployctl rollback production --reason TEXT\n",
    ] {
        assert!(interrupted.contains(said), "{said}{interrupted}");
    }
    let words = ["approve", "--review", &id, "--reason", "the old one runs"];
    let shown = house
        .person("alice")
        .at_terminal(words)
        .expect("[y/n] ")
        .answer("n")
        .types_phrase()
        .passphrase(crate::house::PASSPHRASE)
        .exit(0);
    let screen = "\
the deployment of v1.4.0 in production, started by alice, was interrupted; you have looked at what runs
  Your reason  the old one runs
";
    assert!(shown.contains(screen), "{shown}");
    let status = status(&house);
    let found = "\n  the deployment of v1.4.0 failed, as a person found: the old one runs\n";
    assert!(status.contains(found), "{status}");
    house.ends(
        &status,
        "\
next: deployctl rollback production --reason TEXT
next: or go forward with a fix: deployctl request VERSION -e production --as ROLE
",
    );
}
