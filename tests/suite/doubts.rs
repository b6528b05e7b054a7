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
  the deployment of v1.4.0 failed at release: what runs may be half of it
";
    let status = status(&house);
    assert!(status.contains(said), "{status}");
    house.ends(&status, "next: deployctl rollback production --reason TEXT\n");
}

#[test]
fn a_rollback_that_failed_may_leave_parts_of_both() {
    let (house, _) = House::deployed();
    house.breaks("release");
    let back = ["rollback", "production", "--reason", "slow"];
    house.person("alice").at_terminal(back).signs().exit(1);
    let status = status(&house);
    let said = "\n  the rollback to v1.3.0 failed at release: what runs may be parts of both versions\n";
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
        "  the deployment of v1.4.0 was interrupted at migrate: what runs may be half of it\n",
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
