//! The README says what the program does, and nothing else.

use clap::{CommandFactory, Parser};
use deployctl::cli::Arguments;
use deployctl::gate::reason::Code;
use deployctl::outcome::Outcome;

use super::sources::repository;

/// The rows of the table below a heading, each without its first and last bar; the table's head is left out.
fn table(text: &str, heading: &str) -> Vec<String> {
    let below =
        text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    let rows = below.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")).map(str::to_owned);
    rows.filter(|row| row.starts_with('`')).collect()
}

#[test]
fn every_reason_stands_in_the_readme() {
    let expected: Vec<String> =
        Code::ALL.iter().map(|code| format!("`{}` | {}", code.as_str(), code.meaning())).collect();
    assert_eq!(table(&repository("README.md"), "## Reason codes"), expected);
}

#[test]
fn every_exit_code_stands_in_the_readme() {
    let expected: Vec<String> =
        Outcome::ALL.iter().map(|outcome| format!("`{}` | {}", outcome.code(), outcome.meaning())).collect();
    assert_eq!(table(&repository("README.md"), "## Exit codes"), expected);
}

#[test]
fn every_command_of_the_readme_can_be_typed() {
    let commands = commands(&repository("README.md"), "deployctl");
    assert!(!commands.is_empty(), "the README shows no command");
    commands.iter().for_each(|command| parses(command));
}

#[test]
fn every_example_of_the_help_can_be_typed() {
    let mut command = Arguments::command();
    let texts: Vec<String> = std::iter::once(command.render_long_help())
        .chain(command.get_subcommands_mut().map(clap::Command::render_long_help))
        .map(|help| help.to_string())
        .collect();
    let joined = texts.join("\n").replace("\\\n", " ");
    let examples: Vec<&str> = joined.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    // What an example means stands behind it, after two blanks.
    let examples: Vec<&str> = examples.into_iter().filter(|line| line.starts_with("deployctl ")).collect();
    assert!(examples.len() >= 10, "{examples:?}");
    examples.iter().for_each(|line| parses(line.split("   ").next().unwrap_or_default()));
}

/// Whether a command line is one.
#[track_caller]
pub(crate) fn parses(command: &str) {
    let words = words(command).unwrap_or_else(|| panic!("a quote does not end: {command}"));
    if let Err(error) = Arguments::try_parse_from(words) {
        assert!(!error.use_stderr(), "{command}\n{error}");
    }
}

/// The commands of a program in the `sh` blocks of a text, without what a pipe or a redirection does with their result.
pub(super) fn commands(text: &str, program: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim_start) {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => blocks.push(line),
            _ => {}
        }
    }
    let lines = blocks.join("\n").replace("\\\n", " ");
    let lines = lines.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line).trim().to_owned());
    lines.filter(|line| line == program || line.starts_with(&format!("{program} "))).collect()
}

/// The words of a simple command, as a shell takes them apart; `None` where a quote does not end.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | ';' | '&') => break,
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[test]
fn a_command_is_taken_apart_as_a_shell_does() {
    let text = "```sh\n$ deployctl a \"b c\" '' \\\n    --d | jq .x   # why\ndeployctl\nother\n```\ndeployctl not this\n";
    let found = commands(text, "deployctl");
    assert_eq!(found, ["deployctl a \"b c\" ''  --d | jq .x   # why", "deployctl"]);
    let expected = ["deployctl", "a", "b c", "", "--d"].map(str::to_owned);
    assert_eq!(words(&found[0]), Some(expected.to_vec()));
    assert_eq!(words("a 'b"), None);
}
