//! Attacks, each really made: it is refused, and nothing runs.

mod code;
mod ledger;
mod machine;
mod remote;
mod request;
mod words;
