//! A storefront that goes from v1.3.0 to v1.4.0: an agent prepares, and you decide at your own terminal.
//!
//! Run it with `cargo run --example storefront`. Everything happens in a directory of its own. Without a person at a
//! terminal it shows what an agent can do, and where it is refused.

#![expect(clippy::disallowed_methods, reason = "an example is a program of its own, with its own arguments")]

mod cast;
mod scene;
mod shop;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use deployctl::gate::presence::Presence;
use deployctl::outcome::Outcome;
use deployctl::world::presence;
use deployctl::world::terminal::{Color, Streams};

use cast::{Cast, Stopped, command, say};
use scene::{Scene, VERSION, VERSION_BEFORE};
use shop::Shop;

const USAGE: &str = "\
usage: cargo run --example storefront [-- --keep DIR]

  --keep DIR   play in DIR, which must be new or empty, and leave everything there
";

/// The first argument that makes this program be `deployctl` itself: the story starts it as a process of its own, so
/// that terminals and signals are real.
const AS_DEPLOYCTL: &str = "deployctl";

/// How a refusal ends that only a person can resolve.
const HUMAN_REQUIRED: u8 = Outcome::HumanRequired.code();

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == AS_DEPLOYCTL) {
        return deployctl::run(arguments);
    }
    let keep = match (arguments.pop(), arguments.pop(), arguments.is_empty()) {
        (None, None, true) => None,
        (Some(dir), Some(flag), true) if flag == "--keep" => Some(PathBuf::from(dir)),
        (Some(help), None, true) if help == "--help" || help == "-h" => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match play(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\nThe story ends here: {error:#}"));
            ExitCode::from(error.downcast_ref::<Stopped>().map_or(1, |stopped| stopped.exit))
        }
    }
}

/// Builds the scene, plays, and says what is left.
fn play(keep: Option<PathBuf>) -> Result<()> {
    let interrupted = cast::listen()?;
    let presence = presence::look();
    let scene = Scene::build(keep)?;
    let shop = Shop::open(scene.production())?;
    let cast = Cast::gather(&scene, interrupted)?;
    say(&format!(
        "A shop: a page, a database, a script that releases. All of it is in {} ({}).\n\
         {VERSION_BEFORE} is live at {} :\n",
        scene.root().display(),
        if scene.is_kept() { "and stays there" } else { "removed at the end" },
        shop.address()
    ));
    show_page(&shop)?;
    let played = if presence.is_person_likely() {
        with_a_person(&scene, &cast, &shop)
    } else {
        without_a_person(&scene, &cast, &shop, &presence)
    };
    if scene.is_kept() {
        let clone = scene.clone_dir();
        say(&format!("\nAll of it is still there. Go on with: cargo run -- -C {} status", clone.display()));
    }
    played
}

fn with_a_person(scene: &Scene, cast: &Cast, shop: &Shop) -> Result<()> {
    say("\n1. You are Alice, and decide about production. Make her a key with a passphrase of your choice:");
    say("   you type it again whenever you sign.");
    cast.makes_her_key()?;
    scene.adopt_policy()?;
    say("\n   deployctl.yaml is there now. It is in force once a person has signed it.");
    cast.person(&["approve", "--policy", "--key", cast::KEY])?;

    the_agent_prepares(scene, cast)?;
    the_agent_is_refused(cast, shop)?;

    say("\n4. Your turn: review it, answer for what is open, and sign. Then deploy it, and sign that too.");
    cast.person(&["approve", VERSION, "--key", cast::KEY])?;
    cast.person(&["deploy", "production", VERSION, "--key", cast::KEY])?;
    the_page_now_is(shop, VERSION)?;

    say("\n5. What happened stays on record, signed.");
    cast.person(&["history"])?;
    cast.person(&["history", "--verify"])?;
    the_way_back(cast, shop)
}

fn without_a_person(scene: &Scene, cast: &Cast, shop: &Shop, presence: &Presence) -> Result<()> {
    let why = [
        presence.terminal_problem(),
        presence.agent_problem(),
        presence.ci_problem(),
        presence.holder_problem(),
    ];
    let why = why.into_iter().flatten().next().unwrap_or_default();
    say(&format!("\n1. No person is at a terminal here: {why}."));
    say("   So nobody signs the rules in deployctl.yaml, and this is what an agent sees.");
    cast.has_a_key_nobody_holds()?;
    scene.adopt_policy()?;
    the_agent_prepares(scene, cast)?;
    the_agent_is_refused(cast, shop)?;
    say("\nThat is where an agent stops. A person at a terminal would go on with:\n");
    for arguments in [
        &["approve", "--policy"][..],
        &["approve", VERSION],
        &["deploy", "production", VERSION],
        &["history", "--verify"],
    ] {
        command("deployctl", arguments);
    }
    say("\nBe that person: cargo run --example storefront, at your own terminal.");
    Ok(())
}

fn the_agent_prepares(scene: &Scene, cast: &Cast) -> Result<()> {
    say(&format!("\n2. An agent writes {VERSION}, runs the tests, drafts the checklist, and asks people.\n"));
    scene.write_candidate()?;
    for suite in scene::SUITES {
        cast.agent_runs("sh", &["tests/run.sh", suite])?;
    }
    cast.agent(&["checklist", VERSION, "--since", VERSION_BEFORE, "--as", "orchestrator"])?;
    let asked = [
        &["request", VERSION, "--since", VERSION_BEFORE, "--as", "orchestrator"][..],
        &["--summary", "Say what is in stock", "--risk", "low"],
        &["--impact", "the page shows no products", "--mitigation", "the way back takes seconds"],
    ];
    cast.agent(&asked.concat())?;
    Ok(())
}

/// Shows the refusal, and that it was one.
fn the_agent_is_refused(cast: &Cast, shop: &Shop) -> Result<()> {
    say(
        "\n3. And if the agent deployed it by itself? It has no terminal, and AI_AGENT in its environment names it.",
    );
    let before = shop.page()?;
    let exit = cast.agent(&["deploy", "production", VERSION])?;
    if exit != HUMAN_REQUIRED || shop.page()? != before {
        bail!(
            "the agent's deployment ended with {exit}, and must be refused with {HUMAN_REQUIRED} and change nothing"
        );
    }
    say(&format!("\n   It ended with {exit}: a person is required. Nothing ran, and the page is as it was."));
    Ok(())
}

fn the_way_back(cast: &Cast, shop: &Shop) -> Result<()> {
    say("");
    let streams = Streams::new(Color::Auto, false);
    if streams.ask_yes(&format!("Go back to {VERSION_BEFORE}, to see a rollback?"))? {
        let reason = "to see a rollback";
        cast.person(&["rollback", "production", "--reason", reason, "--key", cast::KEY])?;
        the_page_now_is(shop, VERSION_BEFORE)?;
        cast.person(&["history"])?;
    }
    say("\nThat is all: machines prepare, people decide, signatures prove it.");
    Ok(())
}

/// Fetches the page as a customer would, and shows it.
fn show_page(shop: &Shop) -> Result<Vec<String>> {
    let page = shop.page()?;
    for line in &page {
        say(&format!("     {line}"));
    }
    Ok(page)
}

fn the_page_now_is(shop: &Shop, version: &str) -> Result<()> {
    say(&format!("\n   {} now says:\n", shop.address()));
    if !show_page(shop)?.iter().any(|line| line.ends_with(version)) {
        bail!("the page should be that of {version}");
    }
    Ok(())
}
