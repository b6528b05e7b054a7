//! Public keys: the line of a `.pub` file, and the bytes inside.
#![no_main]

use deployctl::gate::keys::PublicKey;
use libfuzzer_sys::fuzz_target;

fn sound(key: &PublicKey) {
    let line = key.line();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    let again: PublicKey = line.parse().unwrap();
    assert_eq!((again.blob(), again.algorithm(), again.comment()), (key.blob(), key.algorithm(), ""));
    assert_eq!(PublicKey::from_blob(key.blob()).unwrap().fingerprint(), key.fingerprint());
    assert!(key.fingerprint().starts_with("SHA256:"));
    assert_eq!(key.is_hardware(), key.application().is_some());
}

fuzz_target!(|data: &[u8]| {
    match String::from_utf8_lossy(data).parse::<PublicKey>() {
        Ok(key) => sound(&key),
        Err(problem) => assert!(!problem.to_string().chars().any(char::is_control), "{problem}"),
    }
    match PublicKey::from_blob(data) {
        Ok(key) => {
            assert_eq!(key.blob(), data, "two spellings of one key");
            sound(&key);
        }
        Err(problem) => assert!(!problem.to_string().chars().any(char::is_control), "{problem}"),
    }
});
