//! `deployctl.yaml` on disk: found, read, and told apart from the one in force; problems with their place.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::gate::config::RawPolicy;
use crate::gate::policy::{Policy, Problem};

/// The file's name, at the top of the repository.
pub const NAME: &str = "deployctl.yaml";

/// Why the file is not a policy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("there is no `{NAME}` in `{}`: write one with `deployctl init`", dir.display())]
    Missing {
        /// The top of the repository.
        dir: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not valid: every problem, each with its place.
    #[error("{0}")]
    Invalid(String),
}

/// Reads the bytes of the file.
///
/// # Errors
/// When it is missing or cannot be read.
pub fn read(root: &Path) -> Result<Vec<u8>, ConfigError> {
    let path = root.join(NAME);
    fs::read(&path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => ConfigError::Missing { dir: root.to_owned() },
        _ => ConfigError::Unreadable { path, source },
    })
}

/// Checks the bytes of the file.
///
/// # Errors
/// Every problem, as `file:line:column: what is wrong` with the line itself.
pub fn check(bytes: &[u8]) -> Result<Policy, ConfigError> {
    let text = String::from_utf8_lossy(bytes);
    let raw = RawPolicy::parse(bytes).map_err(|problem| {
        ConfigError::Invalid(placed(&text, problem.line, problem.column, &problem.message))
    })?;
    Policy::check(raw, bytes).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| located(&text, problem)).collect();
        ConfigError::Invalid(lines.join("\n"))
    })
}

fn located(text: &str, problem: &Problem) -> String {
    let place = place_of(text, &problem.path);
    let message = format!("`{}`: {}", problem.path, problem.message);
    placed(text, place.map(|(line, _)| line), place.map(|(_, column)| column), &message)
}

fn placed(text: &str, line: Option<u64>, column: Option<u64>, message: &str) -> String {
    let (Some(line), Some(column)) = (line, column) else { return format!("{NAME}: {message}") };
    let source = usize::try_from(line).ok().and_then(|line| text.lines().nth(line.saturating_sub(1)));
    let source: String =
        source.unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let source: String = source.chars().take(120).collect();
    format!("{NAME}:{line}:{column}: {message}\n  {line:>4} | {source}")
}

/// Where a path such as `people.alice.keys[0]` stands in the file: the deepest part of it that is found.
fn place_of(text: &str, path: &str) -> Option<(u64, u64)> {
    let tree: Tree = serde_yaml::from_str(text).ok()?;
    let mut node = &tree;
    let mut place = None;
    for part in path.split('.').flat_map(|part| part.split_inclusive('[')) {
        let part = part.trim_end_matches('[').trim_end_matches(']');
        if part.is_empty() {
            continue;
        }
        let next = match node {
            Tree::Map(pairs) => pairs.iter().find(|(key, ..)| key == part).map(|(_, at, node)| (*at, node)),
            Tree::List(items) => {
                part.parse::<usize>().ok().and_then(|index| items.get(index)).map(|(at, node)| (*at, node))
            }
            Tree::Scalar => None,
        };
        let Some((at, next)) = next else { break };
        place = Some(at);
        node = next;
    }
    place
}

/// The file as nothing but places.
enum Tree {
    Map(Vec<(String, (u64, u64), Tree)>),
    List(Vec<((u64, u64), Tree)>),
    Scalar,
}

impl<'de> serde::Deserialize<'de> for Tree {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> serde::de::Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = map.next_entry::<serde_yaml::Spanned<String>, Tree>()? {
            let at = (key.referenced.line(), key.referenced.column());
            pairs.push((key.value, at, value));
        }
        Ok(Tree::Map(pairs))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<serde_yaml::Spanned<Tree>>()? {
            items.push(((item.referenced.line(), item.referenced.column()), item.value));
        }
        Ok(Tree::List(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }
}
