//! `request.json`: what is read is written back byte for byte, and no other bytes mean the same.
#![no_main]

use deployctl::gate::request::Request;
use deployctl::render::text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| match Request::read(data) {
    Ok(request) => {
        assert_eq!(request.bytes().unwrap(), data);
        let reference = request.reference(data);
        assert!(reference.id.starts_with(request.release.version.as_str()));
        assert!(!reference.id.chars().any(char::is_control));
        for (before, after) in [("", " "), ("", "\n"), (" ", ""), ("\u{feff}", "")] {
            assert!(Request::read(&[before.as_bytes(), data, after.as_bytes()].concat()).is_err());
        }
    }
    Err(problem) => {
        let shown = text::line(&problem.to_string(), 200);
        assert!(!shown.is_empty() && !shown.chars().any(char::is_control));
    }
});
