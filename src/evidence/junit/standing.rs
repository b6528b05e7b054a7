//! What the attributes of a case or suite, and elements of no known name, say of how it went.

/// How a case went, as its attributes say it; the worst of them counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    #[default]
    Silent,
    /// It says something, and not whether the test passed.
    Unclear,
    NotRun,
    Failed,
    Error,
}

/// What an attribute of a case says.
pub(super) fn of_case(key: &str, value: &str) -> Standing {
    let is = |names: &[&str]| names.iter().any(|name| key.eq_ignore_ascii_case(name));
    if is(&["status", "result", "outcome", "state", "verdict"]) {
        of_word(value)
    } else if is(&["success", "successful", "succeeded", "passed"]) {
        of_yes(value)
    } else if is(&["failed", "failure", "failures"]) {
        of_fault(value, Standing::Failed)
    } else if is(&["error", "errors", "errored"]) {
        of_fault(value, Standing::Error)
    } else if is(&["executed"]) && is_no(value) {
        Standing::NotRun
    } else {
        Standing::Silent
    }
}

/// Whether an attribute of a suite says that it failed: `passed` counts its tests there and says nothing.
pub(super) fn suite_failed(key: &str, value: &str) -> bool {
    let is = |names: &[&str]| names.iter().any(|name| key.eq_ignore_ascii_case(name));
    let said = if is(&["status", "result", "outcome"]) {
        of_word(value)
    } else if is(&["success", "successful"]) {
        of_yes(value)
    } else if is(&["failed"]) {
        of_fault(value, Standing::Failed)
    } else {
        Standing::Silent
    };
    said >= Standing::Failed
}

/// Whether the name of an element, which is none that JUnit has, sounds as if a test had not passed.
pub(super) fn is_alarming(element: &str) -> bool {
    let word = squeezed(element);
    ALARMING.iter().any(|part| word.contains(part))
}

/// Letters and digits in lower case: `timed-out`, `TimedOut` and `TIMED_OUT` are one word.
fn squeezed(value: &str) -> String {
    value.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn is_no(value: &str) -> bool {
    matches!(squeezed(value).as_str(), "false" | "no" | "f" | "n" | "0")
}

/// `success="false"`; any other word is read as a status.
fn of_yes(value: &str) -> Standing {
    if is_no(value) { Standing::Failed } else { of_word(value) }
}

/// `failed="true"`, `failures="1"`; any other words may be a message, and no test that passed has one.
fn of_fault(value: &str, fault: Standing) -> Standing {
    match squeezed(value).as_str() {
        "" | "null" | "none" => Standing::Silent,
        _ if is_no(value) => Standing::Silent,
        word if word.bytes().all(|byte| byte == b'0') => Standing::Silent,
        "true" | "yes" | "t" | "y" => fault,
        word if word.bytes().all(|byte| byte.is_ascii_digit()) => fault,
        _ => of_word(value).max(Standing::Unclear),
    }
}

fn of_word(value: &str) -> Standing {
    match squeezed(value).as_str() {
        "run" | "passed" | "pass" | "completed" | "success" | "ok" => Standing::Silent,
        "notrun" | "notexecuted" | "disabled" | "suppressed" | "skipped" | "skip" | "ignored" | "ignore"
        | "pending" | "todo" | "untested" | "filtered" | "inconclusive" | "incomplete" | "notrunnable" => {
            Standing::NotRun
        }
        "fail" | "failed" | "failure" | "failing" | "timeout" | "timedout" | "cancelled" | "canceled"
        | "interrupted" | "undefined" => Standing::Failed,
        "error" | "errored" | "broken" | "crash" | "crashed" | "abort" | "aborted" | "killed"
        | "hookerror" | "cleanuperror" => Standing::Error,
        word if is_doubtful(word) => Standing::Unclear,
        _ => Standing::Silent,
    }
}

/// Parts of words that sound as if a test had not passed.
const ALARMING: [&str; 12] = [
    "fail",
    "error",
    "abort",
    "cancel",
    "crash",
    "timeout",
    "timedout",
    "broken",
    "kill",
    "interrupt",
    "invalid",
    "unsuccess",
];

/// Whether a status that is in no list does not say that the test passed.
fn is_doubtful(word: &str) -> bool {
    const WHOLE: [&str; 9] = [
        "started",
        "running",
        "executing",
        "inprogress",
        "queued",
        "scheduled",
        "blocked",
        "unknown",
        "unstable",
    ];
    word.starts_with("not") || WHOLE.contains(&word) || ALARMING.iter().any(|part| word.contains(part))
}
