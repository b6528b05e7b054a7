//! The pull requests that the subjects of merges and of squashed commits name, as the forges write them.

use super::text::leading_number;

/// A pull request, as far as the message tells.
#[derive(Default)]
pub(super) struct Request {
    pub(super) pull: Option<u64>,
    pub(super) title: Option<String>,
}

/// Reads it from the first line, and where the forge puts the title below it, from there.
pub(super) fn read(first: &str, body: &[&str]) -> Request {
    forge(first, body).unwrap_or_else(|| Request { pull: squashed(first), title: None })
}

fn forge(first: &str, body: &[&str]) -> Option<Request> {
    let titled = |pull, title: Option<&str>| Request {
        pull,
        title: title.map(str::trim).filter(|title| !title.is_empty()).map(str::to_owned),
    };
    if let Some(rest) = first.strip_prefix("Merge pull request ") {
        return Some(match rest.strip_prefix('\'') {
            // Gitea and Forgejo: Merge pull request 'Title' (#12) from …
            Some(quoted) => {
                let (title, after) = quoted.split_once("' (#")?;
                titled(leading_number(after), Some(title))
            }
            None => titled(leading_number(rest.strip_prefix('#')?), below(body)),
        });
    }
    // Azure: Merged PR 12: Title
    if let Some((number, title)) = first.strip_prefix("Merged PR ").and_then(|rest| rest.split_once(": ")) {
        return Some(titled(leading_number(number), Some(title)));
    }
    // Bitbucket: Merged in branch (pull request #12)
    if first.starts_with("Merged in ")
        && let Some((_, number)) = first.rsplit_once("(pull request #")
    {
        return Some(titled(leading_number(number), below(body)));
    }
    // Bors: Auto merge of #12 - name:branch, r=name
    if let Some(rest) = first.strip_prefix("Auto merge of #") {
        return Some(titled(leading_number(rest), below(body)));
    }
    // GitLab says it at the end.
    let see = |line: &&&str| line.starts_with("See merge request ");
    let number = body.iter().rev().take(20).find(see)?.rsplit_once('!')?.1;
    Some(titled(leading_number(number), below(body).filter(|line| !line.starts_with("See merge request "))))
}

/// The first line with words below the subject; git's own list of merged commits is no title.
fn below<'a>(body: &[&'a str]) -> Option<&'a str> {
    let line = body.iter().find(|line| !line.trim().is_empty())?;
    (!line.starts_with("* ") && !line.starts_with('#')).then_some(line)
}

/// `… (#123)` at the end of a subject.
fn squashed(first: &str) -> Option<u64> {
    let (_, rest) = first.rsplit_once("(#")?;
    leading_number(rest.strip_suffix(')')?)
}
