//! What people sign: one statement has one spelling.
#![no_main]

use deployctl::gate::statement::{Payload, Root};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(payload) = Payload::read(data) else { return };
    assert_eq!(payload.bytes().unwrap(), data);
    assert_eq!(Root::of(data), Root::of(&payload.bytes().unwrap()));
    for (before, after) in [("", " "), ("", "\n"), (" ", ""), ("\u{feff}", "")] {
        assert!(Payload::read(&[before.as_bytes(), data, after.as_bytes()].concat()).is_err());
    }
});
