use super::readable;

#[test]
fn lines_beyond_the_most_are_told_and_the_newest_are_read() {
    assert_eq!(readable(&[3, 2, 1], 3), (&[3, 2, 1][..], None));
    let why = "the journal holds more lines than are read: 3, of which 2 are".to_owned();
    assert_eq!(readable(&[3, 2, 1], 2), (&[3, 2][..], Some(why)));
}
