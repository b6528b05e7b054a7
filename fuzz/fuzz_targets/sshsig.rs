//! SSH signatures, as text, and as the bytes inside: one spelling only, and none passes for another message.
#![no_main]

use deployctl::world::sshsig::{armor, key_of, verify};
use libfuzzer_sys::fuzz_target;

fn judged(armored: &str) {
    let Ok(key) = key_of(armored) else { return };
    assert!(armored.is_ascii());
    for other in [format!("{armored}\n"), format!(" {armored}"), armored.replace('\n', "\r\n")] {
        assert!(key_of(&other).is_err(), "a second spelling was read");
    }
    // Nobody can sign a message that holds the signature's own text.
    assert!(verify(&key, "deployctl", armored.as_bytes(), armored).is_err());
}

fuzz_target!(|data: &[u8]| {
    judged(&String::from_utf8_lossy(data));
    judged(&armor(data));
});
