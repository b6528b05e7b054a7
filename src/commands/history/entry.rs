//! The entry of the ledger that `--since` names.

use anyhow::{Result, bail};

use crate::gate::since::EntryName;
use crate::world::records::Chain;

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
