//! People at their terminals: what they do, in one word each.

use super::{House, Terminal};

/// A person with a key in this home.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    house: &'a House,
    name: &'a str,
}

impl House {
    /// A person who has a key: alice, bob, carol or mallory.
    pub(crate) fn person<'a>(&'a self, name: &'a str) -> Person<'a> {
        Person { house: self, name }
    }
}

impl Person<'_> {
    /// The program in front of this person, with this person's key.
    pub(crate) fn at_terminal<const N: usize>(self, arguments: [&str; N]) -> Terminal {
        let key = self.house.key(self.name).display().to_string();
        self.house.at_terminal(arguments.into_iter().chain(["--key", &key]))
    }

    /// Signs the rules, and answers what was shown.
    #[track_caller]
    pub(crate) fn signs_policy(self) -> String {
        self.at_terminal(["approve", "--policy"]).signs().exit(0)
    }

    /// Approves a request, and answers what was shown.
    #[track_caller]
    pub(crate) fn approves(self, request: &str) -> String {
        self.at_terminal(["approve", request]).signs().exit(0)
    }

    /// Denies a request, and answers what was shown.
    #[track_caller]
    pub(crate) fn denies(self, request: &str, reason: &str) -> String {
        self.at_terminal(["approve", request, "--deny", "--reason", reason]).signs().exit(0)
    }

    /// Deploys an approved request to production, and answers what was shown.
    #[track_caller]
    pub(crate) fn deploys(self, request: &str) -> String {
        self.at_terminal(["deploy", "production", request]).signs().exit(0)
    }

    /// Rolls production back, and answers what was shown.
    #[track_caller]
    pub(crate) fn rolls_back(self, reason: &str) -> String {
        self.at_terminal(["rollback", "production", "--reason", reason]).signs().exit(0)
    }
}
