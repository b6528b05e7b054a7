//! The content of what was rolled back, under whatever commits: which of the files that it changed another commit has just so.

/// How many paths are named at most.
pub const NAMED_MAX: usize = 3;

/// A file as a tree has it: its mode and the id of its content; `None` where there is no such file.
pub type Kept = Option<(u32, String)>;

/// A path that a rollback changed back, and what stands there elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path.
    pub path: String,
    /// In what was rolled back.
    pub undone: Kept,
    /// In the candidate.
    pub candidate: Kept,
    /// In what is live, where something is.
    pub live: Option<Kept>,
}

/// How much of what was rolled back is in a candidate, by content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// The files that were changed, and changed back by the rollback.
    pub paths: usize,
    /// Those that are in the candidate just as in what was rolled back.
    pub same: usize,
    /// Those of them that what is live does not have so: only these come again.
    pub again: usize,
    /// The first of these.
    pub first: Vec<String>,
}

impl Alike {
    /// Counts them. The paths are those at which what was rolled back and what it went back to differ.
    #[must_use]
    pub fn of(places: &[Place]) -> Self {
        let same = || places.iter().filter(|place| place.candidate == place.undone);
        let again = || same().filter(|place| place.live.as_ref() != Some(&place.undone));
        Self {
            paths: places.len(),
            same: same().count(),
            again: again().count(),
            first: again().take(NAMED_MAX).map(|place| place.path.clone()).collect(),
        }
    }

    /// Whether it is the whole change, and some of it is not live.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.is_complete() && self.again > 0
    }

    /// Whether every file is as in what was rolled back. Of a change that touched no file nothing is.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.paths > 0 && self.same == self.paths
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Alike, Kept, Place};

    fn kept(number: u8) -> Kept {
        (number > 0).then(|| (0o100_644, number.to_string()))
    }

    fn place((undone, candidate, live): (u8, u8, Option<u8>)) -> Place {
        let path = format!("{undone}{candidate}");
        Place { path, undone: kept(undone), candidate: kept(candidate), live: live.map(kept) }
    }

    fn alike(places: &[(u8, u8, Option<u8>)]) -> (usize, usize, bool) {
        let places: Vec<Place> = places.iter().copied().map(place).collect();
        let alike = Alike::of(&places);
        (alike.same, alike.again, alike.is_whole())
    }

    #[test]
    fn every_file_as_it_was_is_the_whole_change_and_a_deletion_is_a_file_too() {
        assert_eq!(alike(&[(2, 2, Some(1)), (0, 0, Some(1))]), (2, 2, true));
        assert_eq!(alike(&[(2, 2, None), (0, 0, None)]), (2, 2, true));
        assert_eq!(alike(&[(2, 2, Some(1)), (0, 1, Some(1))]), (1, 1, false));
        assert_eq!(alike(&[(2, 3, Some(1)), (0, 1, Some(1))]), (0, 0, false));
        assert_eq!(alike(&[]), (0, 0, false), "no change is in everything, and in nothing");
    }

    #[test]
    fn what_is_live_already_does_not_come_again() {
        assert_eq!(alike(&[(2, 2, Some(2)), (0, 0, Some(0))]), (2, 0, false));
        // The rest of it makes it whole.
        assert_eq!(alike(&[(2, 2, Some(2)), (4, 4, Some(1))]), (2, 1, true));
    }

    proptest! {
        #[test]
        fn the_counts_are_parts_of_each_other_and_one_other_file_is_not_the_whole(
            places in prop::collection::vec((0_u8..4, 0_u8..4, prop::option::of(0_u8..4)), 0..40)
        ) {
            let places: Vec<Place> = places.into_iter().map(place).collect();
            let found = Alike::of(&places);
            prop_assert!(found.again <= found.same && found.same <= found.paths);
            prop_assert_eq!(found.first.len(), found.again.min(super::NAMED_MAX));
            let differs = places.iter().any(|place| place.candidate != place.undone);
            prop_assert!(!(differs && found.is_whole()));
        }
    }
}
