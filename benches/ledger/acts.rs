//! What this program does as a process of its own, to be measured beside git: appends one entry as `deployctl` does it, and
//! sends one to a remote. Whoever signs does it at a terminal, which no benchmark has.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use chrono::Utc;
use deployctl::world::records::{LEDGER, Records};
use deployctl::world::remote::{self, Pushed};

/// The name under which a ledger's remote is known.
pub const REMOTE: &str = "beside";
/// Entries that are sent are added to this branch, beside the ledger.
pub const BESIDE: &str = "refs/heads/deployctl/beside";
/// Entries that stay are added to this one.
const HERE: &str = "refs/heads/deployctl/here";

/// Does what is asked in a repository.
pub fn act(what: &str, repository: &Path) -> Result<()> {
    let records = Records::open(&repository.join(".git"))?;
    match what {
        "append" => append(&records, HERE),
        "push" => push(&records, repository),
        other => anyhow::bail!("nobody does `{other}`"),
    }
}

/// Adds the newest entry of the ledger again, with another name in it.
fn append(records: &Records, branch: &str) -> Result<()> {
    let newest = records.tip(LEDGER)?.context("no ledger")?;
    let tip = records.tip(branch)?;
    let mut files = records.files(&newest)?;
    files.insert("payload.json".to_owned(), format!("{tip:?}").into_bytes());
    let parent = tip.as_ref().unwrap_or(&newest);
    let entry = records.write(Some(parent), &files, "alice", Utc::now(), "alice: one more")?;
    ensure!(records.advance(branch, tip.as_ref(), &entry)?, "the branch moved");
    Ok(())
}

/// Adds one, and sends it.
fn push(records: &Records, repository: &Path) -> Result<()> {
    let before = records.tip(BESIDE)?;
    append(records, BESIDE)?;
    let after = records.tip(BESIDE)?.context("no entry")?;
    let pushed = remote::push(repository, REMOTE, BESIDE, before.as_ref(), &after)?;
    ensure!(pushed == Pushed::Done, "the remote moved");
    Ok(())
}
