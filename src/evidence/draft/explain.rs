//! Where a line of the checklist came from, how to look for oneself, and what would close it.

use serde::Serialize;

use super::{Draft, Scanner, TestFact};
use crate::evidence::checklist::{Checklist, Item};
use crate::gate::config::Scan;
use crate::gate::terms::Environment;

/// One line of the checklist, explained. Its texts are foreign as everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The line's key, such as `tests.unit`.
    pub key: String,
    /// The line's words.
    pub item: String,
    /// Whether a fact ticks it.
    pub ticked: bool,
    /// Why it is open, or what proves it.
    pub because: Option<String>,
    /// What was read.
    pub from: Vec<String>,
    /// Commands that show the same without deployctl: programs with their arguments.
    pub see: Vec<Vec<String>>,
    /// What closes it, where it is open.
    pub close: Option<String>,
}

/// Why nothing was explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// No line has such a key or such words.
    #[error("no line of the checklist is `{asked}`{near}; see the keys: deployctl checklist VERSION --json")]
    Unknown {
        /// What was asked for, cleaned.
        asked: String,
        /// The nearest key, as a question.
        near: String,
    },
    /// Several lines fit.
    #[error("`{asked}` fits several lines, name one: {keys}")]
    Several {
        /// What was asked for, cleaned.
        asked: String,
        /// Their keys, the first few.
        keys: String,
    },
}

/// How many keys are named where several fit.
const NAMED: usize = 12;

/// Explains the line with this key, else the only one whose key ends so or whose words hold this.
///
/// # Errors
/// When none fits, or several do.
pub fn explain(
    draft: &Draft,
    checklist: &Checklist,
    environment: &Environment,
    asked: &str,
) -> Result<Explanation, Unexplained> {
    let items = all(checklist);
    let words = asked.to_lowercase();
    let exact: Vec<&Item> = items.iter().copied().filter(|item| item.key == asked).collect();
    let ending = items.iter().copied().filter(|item| item.key.ends_with(&format!(".{asked}")));
    let holding = items.iter().copied().filter(|item| item.words().to_lowercase().contains(&words));
    let fitting = [exact, ending.collect(), holding.collect()].into_iter().find(|found| !found.is_empty());
    match fitting.as_deref() {
        Some([item]) => Ok(explanation(draft, environment, item)),
        Some(several) => {
            Err(Unexplained::Several { asked: asked.escape_debug().to_string(), keys: named(several) })
        }
        None => Err(Unexplained::Unknown {
            asked: asked.escape_debug().to_string(),
            near: crate::gate::policy::nearest(asked, items.iter().map(|item| item.key.as_str())),
        }),
    }
}

fn named(items: &[&Item]) -> String {
    let mut keys: Vec<String> =
        items.iter().take(NAMED).map(|item| format!("`{}`", item.key.escape_debug())).collect();
    if items.len() > NAMED {
        keys.push(format!("and {} more", items.len() - NAMED));
    }
    keys.join(", ")
}

/// Every line, children after their own.
fn all(checklist: &Checklist) -> Vec<&Item> {
    fn add<'a>(items: &'a [Item], into: &mut Vec<&'a Item>) {
        for item in items {
            into.push(item);
            add(&item.children, into);
        }
    }
    let mut found = Vec::new();
    for section in &checklist.sections {
        add(&section.items, &mut found);
    }
    found
}

fn explanation(draft: &Draft, environment: &Environment, item: &Item) -> Explanation {
    let (from, see) = origin(draft, environment, &item.key);
    let close = (!item.ticked).then(|| closing(&item.key));
    Explanation {
        key: item.key.clone(),
        item: item.words(),
        ticked: item.ticked,
        because: if item.ticked { item.evidence.clone() } else { item.why.clone() },
        from,
        see,
        close,
    }
}

/// What a person, or a machine, can do about an open line.
fn closing(key: &str) -> String {
    let answered = "a person answers for it in the review: deployctl approve REQUEST";
    match key.split('.').next().unwrap_or_default() {
        "tests" => {
            "fresh evidence of the commit: deployctl check NAME --as ROLE; where it is a person's: deployctl approve --check NAME"
                .to_owned()
        }
        "rollback" | "monitoring" => {
            format!("the policy says it, once people sign that: deployctl approve --policy; else {answered}")
        }
        _ => answered.to_owned(),
    }
}

/// What was read for a line, and the commands that show it.
type Origin = (Vec<String>, Vec<Vec<String>>);

fn git<const N: usize>(words: [&str; N]) -> Vec<Vec<String>> {
    vec![std::iter::once("git").chain(words).map(str::to_owned).collect()]
}

fn origin(draft: &Draft, environment: &Environment, key: &str) -> Origin {
    let (head, rest) = key.split_once('.').unwrap_or((key, ""));
    match head {
        "changes" | "breaking" => commit(draft, rest).unwrap_or_else(|| range(draft, rest)),
        "tests" => {
            let test = draft.tests.iter().find(|test| test.check.as_str() == rest);
            (test.map(reports).unwrap_or_default(), vec![])
        }
        "migration" | "migrations" => migration(draft, rest),
        "dependency" | "dependencies" => {
            let (mut from, see) = lockfile(draft, rest);
            from.extend(scanners(draft, rest));
            (from, see)
        }
        "rollback" | "monitoring" => {
            let policy = format!("the policy, `environments.{environment}.{head}`");
            (vec![policy, draft.since.words()], vec![])
        }
        _ => (vec![], vec![]),
    }
}

fn commit(draft: &Draft, short: &str) -> Option<Origin> {
    let short = short.split('.').next().unwrap_or_default();
    let change = draft.changes.iter().find(|change| change.commit.short() == short)?;
    let mut from = vec![format!("commit {} by {}", change.commit, change.author)];
    from.push(match &change.kind {
        Some(kind) => format!("its first line begins with the Conventional Commits type `{kind}`"),
        None => "its first line begins with no known Conventional Commits type".to_owned(),
    });
    if let Some(words) = &change.declaration {
        from.push(format!("its message says: {words}"));
    }
    Some((from, git(["show", change.commit.as_str()])))
}

fn range(draft: &Draft, rest: &str) -> Origin {
    let candidate = draft.release.commit.short();
    let back = draft.since.commit();
    if let ("behind", Some(live)) = (rest, back) {
        let from = vec![format!("the commits of {} that {candidate} lacks", live.short())];
        return (from, git(["log", "--oneline", &format!("{candidate}..{}", live.short())]));
    }
    let range = back.map_or_else(|| candidate.to_owned(), |back| format!("{}..{candidate}", back.short()));
    let from = vec![draft.breaking.coverage(), draft.since.words()];
    (from, git(["log", &range]))
}

fn reports(test: &TestFact) -> Vec<String> {
    let mut from = vec![format!("the policy, `checks.{}`", test.check)];
    if !test.command.is_empty() {
        from.push(format!("the exit status of `{}`", test.command.join(" ")));
    } else if test.files.is_empty() && !test.globs.is_empty() {
        from.push(format!("no file matches `{}`", test.globs.join("`, `")));
    }
    from.extend(test.files.iter().map(|file| format!("read `{file}`")));
    if let Some(verdict) = test.verdict {
        from.push(format!("verdict {}: {}", verdict.word(), test.words()));
    }
    if let Some(at) = test.reported_at {
        from.push(format!("as of {}", at.format("%Y-%m-%d %H:%M UTC")));
    }
    if let Some(by) = &test.recorded_by {
        from.push(format!("recorded in the journal by {by}"));
    }
    from.extend(test.signed_by.iter().map(|machine| format!("signed by the machine {machine}")));
    from.extend(test.signed_off.iter().map(|person| format!("signed in the ledger by {person}")));
    from
}

fn migration(draft: &Draft, rest: &str) -> Origin {
    let about =
        |path: &str| rest.strip_prefix(path).is_some_and(|after| after.is_empty() || after.starts_with('.'));
    let Some(found) = draft.migrations.iter().find(|migration| about(&migration.path)) else {
        let from = vec![format!("the paths of {} changed files", draft.files)];
        let [before, after] = ends(draft);
        return (from, git(["diff", "--stat", &before, &after]));
    };
    let from = vec![
        format!("`{}` is a migration of {}", found.path, found.tool),
        format!("it can be undone: {}, because {}", found.reversible.word(), found.why),
    ];
    (from, difference(draft, &found.path))
}

fn lockfile(draft: &Draft, rest: &str) -> Origin {
    let locks: Vec<&str> = draft.lockfiles.iter().map(|lock| lock.path.as_str()).collect();
    match locks.iter().find(|path| rest.starts_with(**path)) {
        Some(path) => {
            (vec![format!("`{path}` of both commits, with the manifest beside it")], difference(draft, path))
        }
        None => (vec![format!("{} lockfiles: {}", locks.len(), locks.join(", "))], vec![]),
    }
}

/// The checks that answer a scanner's box, by name and source.
fn scanners(draft: &Draft, rest: &str) -> Vec<String> {
    let scan = match rest.rsplit_once('.') {
        Some((_, "security")) => Scan::Security,
        Some((_, "license")) => Scan::License,
        _ => return vec![],
    };
    let lock = draft.lockfiles.iter().find(|lock| rest.starts_with(&lock.path));
    let answers = |scanner: &&Scanner| lock.is_some_and(|lock| scanner.answers(scan, &lock.path));
    draft.scanners.iter().filter(answers).map(Scanner::origin).collect()
}

fn difference(draft: &Draft, path: &str) -> Vec<Vec<String>> {
    let [before, after] = ends(draft);
    git(["diff", &before, &after, "--", path])
}

/// The two commits that are compared; before the first one stands the empty tree.
fn ends(draft: &Draft) -> [String; 2] {
    /// The id that git gives to a tree without entries, in SHA-1 repositories.
    const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let before = draft.since.commit().map_or(EMPTY_TREE, |commit| commit.short());
    [before.to_owned(), draft.release.commit.short().to_owned()]
}
