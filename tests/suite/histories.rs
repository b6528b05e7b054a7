//! Histories as they come: every shape that real repositories have, made by real git, and what is answered about it.

mod monorepo;
mod names;
mod ranges;
mod shapes;

use deployctl::gate::terms::CommitId;
use deployctl::world::repository::Repository;

use crate::house::House;

fn open(house: &House) -> Repository {
    Repository::open(house.project()).expect("a repository")
}

fn commit_id(text: &str) -> CommitId {
    text.parse().expect("a full id")
}

/// Has git import a stream.
fn import(house: &House, stream: &str) {
    house.program("git", &["fast-import", "--quiet", "--force"]).stdin(stream).any_stderr().exit(0);
}
