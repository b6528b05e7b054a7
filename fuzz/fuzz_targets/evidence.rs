//! `evidence.json` of the journal: what is read is written back byte for byte, and no other bytes mean the same.
#![no_main]

use deployctl::evidence::records::Evidence;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| if let Some(evidence) = Evidence::read(data) {
    assert_eq!(evidence.bytes().unwrap(), data);
    for (before, after) in [("", " "), ("", "\n"), (" ", ""), ("\u{feff}", "")] {
        assert!(Evidence::read(&[before.as_bytes(), data, after.as_bytes()].concat()).is_none());
    }
    for test in &evidence.tests {
        assert!(!test.words().is_empty());
    }
});
