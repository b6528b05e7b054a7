//! What a project's own manifest asks for.

use std::collections::BTreeSet;

/// The dependencies that a manifest declares, by the names under which they are locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The declared names.
    pub names: BTreeSet<String>,
    /// There are, or may be, members with manifests of their own that are not at hand.
    pub workspace: bool,
    /// The manifest only gathers members and declares nothing itself, so theirs count as the project's.
    pub gathers: bool,
}
