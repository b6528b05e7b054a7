//! Whether something goes back, and the sentence that says why.

use super::Reversible;
use super::code::{self, Body, Style, mask};
use super::loss::{self, Loss};
use super::sql::{self, Script};

/// Whether a migration can be undone, and why: a sentence without a full stop.
pub(super) type Verdict = (Reversible, String);

/// Why nothing is known of a file that no tool claims.
pub(super) const NO_TOOL: &str = "no tool is known that would say how to go back";

/// There is no way back.
pub(super) fn never(why: &str) -> Verdict {
    (Reversible::No, why.to_owned())
}

/// It cannot be told.
pub(super) fn unknown(why: &str) -> Verdict {
    (Reversible::Unknown, why.to_owned())
}

/// A reason, and the data that the migration throws away whatever comes after it.
pub(super) fn with_loss(why: &str, loss: Loss) -> String {
    format!("{why}, and the migration {}: data does not come back", loss.words())
}

/// There is a way back, called `what`; said with the data that does not survive it.
pub(super) fn goes_back(what: &str, forward: Option<Loss>, back: Option<Loss>) -> Verdict {
    let why = match (forward, back) {
        (Some(loss), _) => {
            format!("{what}, but the migration {}: data does not come back", loss.words())
        }
        (None, Some(loss @ Loss::Rows)) => format!("{what}, which {}", loss.words()),
        (None, Some(loss)) => {
            format!("{what}, which {} and its new data", loss.words())
        }
        (None, None) => what.to_owned(),
    };
    (Reversible::Yes, why)
}

/// The verdict on the body of a function called `name`.
pub(super) fn of_body(body: Body, name: &str, forward: Option<Loss>, back: Option<Loss>) -> Verdict {
    match body {
        Body::Missing => never(&format!("it has no `{name}`")),
        Body::Elsewhere => unknown(&format!("its `{name}` stands in another file, or could not be read")),
        Body::Empty => never(&format!("its `{name}` is empty")),
        Body::Refuses => never(&format!("its `{name}` raises an error")),
        Body::MayRefuse => unknown(&format!("its `{name}` raises an error in some cases")),
        Body::Acts => goes_back(&format!("it has a `{name}`"), forward, back),
    }
}

/// The verdict on a pair of functions in one file.
pub(super) fn of_functions(text: &str, style: &Style, [up, down]: [&str; 2]) -> Verdict {
    let masked = mask(text, style);
    let (forward, back) = (code::function(&masked, up), code::function(&masked, down));
    if (forward.body, back.body) == (Body::Empty, Body::Empty) {
        return (Reversible::Yes, format!("neither its `{up}` nor its `{down}` does anything"));
    }
    let loses = |at| text.get(at).and_then(|part| loss::of_code(part, style));
    of_body(back.body, down, loses(forward.at), loses(back.at))
}

/// The verdict on SQL that goes back, called `name`, for SQL that went forward.
pub(super) fn of_script(up: &str, down: &str, name: &str) -> Verdict {
    match sql::judge(down) {
        Script::Idle if sql::judge(up) == Script::Idle => {
            (Reversible::Yes, format!("it does nothing, and neither does `{name}`"))
        }
        Script::Idle => never(&format!("`{name}` is empty")),
        Script::Refuses => never(&format!("`{name}` raises an error")),
        Script::Acts => goes_back(&format!("`{name}` goes back"), loss::of_sql(up), loss::of_sql(down)),
    }
}
