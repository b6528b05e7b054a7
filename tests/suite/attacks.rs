//! Attacks, each really made: it is refused, and nothing runs.

mod by_hand;
mod code;
pub(crate) mod journal;
mod ledger;
pub(crate) mod machine;
mod remote;
mod request;
mod state;
mod words;
