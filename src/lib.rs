//! deployctl stands between a change and production.

pub mod outcome;
/// The room where it is decided.
pub mod gate {
    pub mod terms;
}
/// Bytes to facts: pure parsers.
pub mod evidence {}
/// Facts to text.
pub mod render {}
/// One file for each thing outside that is touched.
pub mod world {
    pub mod process;
}

/// Runs the program and answers its exit code.
#[must_use]
pub fn run(_arguments: Vec<std::ffi::OsString>) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
