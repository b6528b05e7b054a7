use proptest::prelude::*;

use super::*;

fn row(number: u64) -> Row {
    Row {
        commit: format!("{number:040x}").parse().unwrap(),
        at: DateTime::from_timestamp(i64::try_from(number).unwrap() * 60, 0).unwrap(),
        begins: [Begins::Nothing, Begins::Deployment, Begins::Rollback][usize::try_from(number % 3).unwrap()],
        version: version_key(&format!("v{number}")),
        digest: [number.to_be_bytes()[7]; DIGEST_KEPT],
        reached: number.is_multiple_of(4),
    }
}

fn rows(places: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    places.flat_map(|place| row(place).write(place)).collect()
}

/// Keeps the rows after one that is there as it is expected.
fn keep_on(dir: &Path, first: u64, rows: &[u8]) {
    keep(dir, first, rows, || Some(row(first - 1).commit));
}

#[test]
fn what_is_kept_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    keep_on(dir.path(), 1, &rows(1..=9_000));
    keep_on(dir.path(), 8_999, &rows(8_999..=9_003));
    let index = Index::open(dir.path()).unwrap();
    assert_eq!(index.rows(), 9_003);
    for place in [1, 2, 4_097, 9_000, 9_003] {
        assert_eq!(index.row(place), Some(row(place)));
    }
    assert_eq!(index.row(0), None);
    assert_eq!(index.row(9_004), None);
    let wanted = |found: &Row| found.version == version_key("v4099") || found.commit == row(8_999).commit;
    assert_eq!(index.find(wanted), Some(vec![4_099, 8_999]));
}

#[test]
fn what_does_not_continue_what_is_kept_takes_it_away() {
    let dir = tempfile::tempdir().unwrap();
    keep_on(dir.path(), 5, &rows(5..=9));
    assert!(Index::open(dir.path()).is_none(), "a middle is no index");
    keep_on(dir.path(), 1, &rows(1..=9));
    keep(dir.path(), 5, &rows(5..=10), || Some(row(3).commit));
    assert!(Index::open(dir.path()).is_none(), "another ledger");
    keep_on(dir.path(), 1, &rows(1..=9));
    keep_on(dir.path(), 11, &rows(11..=12));
    assert!(Index::open(dir.path()).is_none(), "one is left out");
    keep_on(dir.path(), 1, &rows(1..=9));
    keep_on(dir.path(), 10, &rows(10..=12));
    assert_eq!(Index::open(dir.path()).unwrap().rows(), 12);
    keep_on(dir.path(), 5, &rows(5..=6));
    assert_eq!(Index::open(dir.path()).unwrap().rows(), 6, "a shorter one");
}

#[test]
fn a_file_that_is_cut_off_is_none() {
    let dir = tempfile::tempdir().unwrap();
    keep_on(dir.path(), 1, &rows(1..=9));
    let file = OpenOptions::new().write(true).open(path(dir.path())).unwrap();
    file.set_len(9 * ROW as u64 - 1).unwrap();
    assert!(Index::open(dir.path()).is_none());
}

proptest! {
    #[test]
    fn a_row_is_what_was_written(number in 0_u64..1 << 32, place in 1_u64..1 << 40) {
        prop_assert_eq!(Row::read(&row(number).write(place), place), Some(row(number)));
    }

    #[test]
    fn a_row_that_was_altered_or_moved_is_none(place in 1_u64..1 << 32, at in 0..ROW, flip in 1_u8.., to in 1_u64..1 << 40) {
        let mut altered = row(place).write(place);
        prop_assert!(to == place || Row::read(&altered, to).is_none());
        altered[at] ^= flip;
        prop_assert_eq!(Row::read(&altered, place), None);
    }

    #[test]
    fn nothing_is_found_beside_a_damaged_row(damaged in 1_u64..=300, at in 0..ROW, flip in 1_u8..) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = rows(1..=300);
        bytes[usize::try_from(damaged - 1).unwrap() * ROW + at] ^= flip;
        std::fs::create_dir_all(path(dir.path()).parent().unwrap()).unwrap();
        std::fs::write(path(dir.path()), bytes).unwrap();
        prop_assert_eq!(Index::open(dir.path()).unwrap().find(|_| true), None);
    }
}
