//! `history --bundle`: the ledger for a stranger, who checks it with git and OpenSSH alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::COMMAND;
use super::proof::{self, Signers};
use crate::commands::gather::Moment;
use crate::gate::timeline::Tip;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::records::{JOURNAL, LEDGER};
use crate::world::remote;

const SCRIPT: &str = include_str!("../../../templates/bundle/verify.sh");
const HOW_TO: &str = include_str!("../../../templates/bundle/README.txt");

/// Writes the directory, whole or not at all.
///
/// # Errors
/// When it is there already, or cannot be written.
pub(super) fn export(moment: &Moment, directory: &Path) -> Result<Answer> {
    let shown = directory.display();
    if directory.symlink_metadata().is_ok() {
        bail!("`{shown}` is there already: name a directory that is not");
    }
    let timeline = moment.timeline().context("the ledger cannot be believed")?;
    let (Some(tip), Some(root)) = (&timeline.tip, timeline.root) else {
        bail!("there is no ledger yet: nobody has signed anything");
    };
    let target = std::path::absolute(directory)?;
    let beside = target.parent().with_context(|| format!("`{shown}` has no directory above it"))?;
    let made = tempfile::Builder::new()
        .prefix(".deployctl-")
        .tempdir_in(beside)
        .with_context(|| format!("cannot write beside `{shown}`"))?;
    let how_to = HOW_TO
        .replace("{root}", &root.to_string())
        .replace("{entries}", &tip.sequence.to_string())
        .replace("{tip}", tip.commit.as_str());
    write(made.path(), &proof::signers(moment)?, &how_to)
        .with_context(|| format!("cannot write `{shown}`"))?;
    let journal = bundle(moment, &made.path().join("records.bundle"), tip)?;
    fs::set_permissions(made.path(), Permissions::from_mode(0o755))?;
    fs::rename(made.path(), &target).with_context(|| format!("cannot write `{shown}`"))?;
    let text = format!(
        "wrote `{shown}`: {} up to {}{}\ntell the trust root by another way: {root}\nwho has it runs: sh verify.sh\n",
        text::count(usize::try_from(tip.sequence)?, "entry"),
        tip.commit.short(),
        if journal { ", and the journal" } else { "" },
    );
    Ok(Answer::done(COMMAND, text)
        .with("bundle", directory)
        .with("entries", tip.sequence)
        .with("journal", journal)
        .with("root", root)
        .with("tip", json!({ "sequence": tip.sequence, "commit": tip.commit, "payload": tip.digest })))
}

fn write(directory: &Path, signers: &Signers, how_to: &str) -> std::io::Result<()> {
    fs::write(directory.join("README.txt"), how_to)?;
    fs::write(directory.join("allowed_signers"), &signers.all)?;
    fs::create_dir(directory.join("signers"))?;
    for (sequence, lines) in &signers.people {
        fs::write(directory.join("signers").join(sequence.to_string()), lines)?;
    }
    let script = directory.join("verify.sh");
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(script, Permissions::from_mode(0o755))
}

/// Writes the records; answers whether the journal is among them.
fn bundle(moment: &Moment, file: &Path, tip: &Tip) -> Result<bool> {
    // A journal that is no chain of lines is jammed, and might bring along what is no record, such as the sources.
    let journal = moment.records.tip(JOURNAL)?.is_some_and(|tip| moment.records.chain(&tip).is_ok());
    let branches: &[&str] = if journal { &[LEDGER, JOURNAL] } else { &[LEDGER] };
    let held = remote::bundle(moment.repository.root(), file, branches)?;
    if !held.lines().any(|line| line == format!("{} {LEDGER}", tip.commit)) {
        bail!("another entry arrived at the same moment: try again");
    }
    Ok(journal)
}
