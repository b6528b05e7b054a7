//! `--since` where it names an entry: only `--verify` takes one, and takes nothing else.

use anyhow::{Result, bail};

use crate::cli::HistoryArgs;
use crate::gate::since::EntryName;
use crate::world::records::Chain;

/// Why `--since` does not go with the rest of the command, if it does not.
pub(super) fn misused(args: &HistoryArgs) -> Option<String> {
    let since = args.since?;
    match (args.verify, since.entry, since.moment) {
        (true, Some(_), _) | (false, _, Some(_)) => None,
        (true, None, _) => Some(
            "with `--verify`, `--since` is an entry: its number, or at least seven digits of its commit"
                .to_owned(),
        ),
        (false, entry, None) => Some(format!(
            "`--since {}` is an entry, which only `--verify` takes: give a day such as `2026-11-23`, a moment, or a span such as `30d`",
            entry.as_ref().map_or("", EntryName::as_str)
        )),
    }
}

/// How many entries there are up to the one of this name.
///
/// # Errors
/// When none has the name, or several do.
pub(super) fn up_to(chain: &Chain, name: &EntryName) -> Result<usize> {
    let by_number = name.sequence().and_then(|sequence| usize::try_from(sequence).ok());
    let by_number = by_number.filter(|sequence| *sequence <= chain.len());
    let named = |place: &usize| chain.get(*place).is_some_and(|commit| name.names(&commit));
    let by_commit = (0..chain.len()).filter(named).map(|place| place + 1);
    let mut found: Vec<usize> = by_commit.chain(by_number).collect();
    found.dedup();
    let said = name.as_str();
    match (&found[..], chain.len()) {
        ([one], _) => Ok(*one),
        ([], 0) => bail!("the ledger has no entry `{said}`: it has none at all"),
        ([], last) => bail!(
            "the ledger has no entry `{said}`: its entries are 1 to {last}, and `git log deployctl/ledger` shows their commits"
        ),
        _ => bail!("`{said}` names several entries: give more digits of the commit"),
    }
}
