//! The example of the README, played to its end: at a person's terminal, and where nobody sits.

use std::path::PathBuf;

use crate::house::{House, PASSPHRASE};

/// Cargo builds the examples beside the tests, and tells where only of programs.
fn example() -> String {
    let program = assert_cmd::cargo::cargo_bin!("deployctl");
    let example: PathBuf = program.with_file_name("examples").join("storefront");
    assert!(
        example.is_file(),
        "`{}` is missing: run all of `cargo test`, or `cargo build --examples`",
        example.display()
    );
    example.display().to_string()
}

#[test]
fn a_person_plays_it_through() {
    let house = House::empty();
    let play = house.program_at_terminal(&example(), &[]);
    let shown = play
        .passphrase(PASSPHRASE)
        .expect("Enter same passphrase again")
        .answer(PASSPHRASE)
        .signs()
        .signs()
        .signs()
        .expect("Go back to v1.3.0, to see a rollback? [y/n] ")
        .answer("y")
        .signs()
        .exit(0);
    for told in [
        "✗ human.terminal",
        "✗ approval.missing",
        "production runs v1.4.0",
        "Feature  Success  N/A",
        "production runs v1.3.0 again",
    ] {
        assert!(shown.contains(told), "`{told}` is missing in:\n{shown}");
    }
}

#[test]
fn without_a_terminal_it_shows_the_refusal_and_ends_well() {
    let house = House::empty();
    let shown = house.program(&example(), &[]).any_stderr().any_stdout().exit(0);
    let told = format!("{}{}", shown.stdout, shown.stderr);
    for words in ["human.terminal", "policy.unsigned", "It ended with 4: a person is required."] {
        assert!(told.contains(words), "`{words}` is missing in:\n{told}");
    }
}
