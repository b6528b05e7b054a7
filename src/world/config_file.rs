//! `deployctl.yaml` on disk: found, read, and told apart from the one in force; problems with their place.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::gate::config::RawPolicy;
use crate::gate::policy::{Policy, Problem};
use crate::gate::timeline::TEMPLATE;

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
    /// The directory of templates cannot be read.
    #[error("`templates`: cannot read `{}`: {source}; make it, or take the key out of `{NAME}`", path.display())]
    Templates {
        /// The directory, or a file of it.
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
    read_plain(&path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => ConfigError::Missing { dir: root.to_owned() },
        _ => ConfigError::Unreadable { path, source },
    })
}

/// The largest file of the policy that is read, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Reads a plain file of a bearable size: a device or a pipe would never end.
fn read_plain(path: &Path) -> std::io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(std::io::Error::other("it is not a plain file"));
    }
    if about.len() > FILE_MAX {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    fs::read(path)
}

/// The templates in a directory of the work tree: name and content of each file that ends in `.tera`, sorted.
///
/// # Errors
/// When the directory or one of them cannot be read as text.
pub fn templates(root: &Path, directory: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ConfigError::Templates { path, source }
    };
    let home = fs::canonicalize(root).map_err(failed(root))?;
    let directory = root.join(directory);
    let mut templates = BTreeMap::new();
    for entry in fs::read_dir(&directory).map_err(failed(&directory))? {
        let path = entry.map_err(failed(&directory))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(TEMPLATE) {
            let inside = fs::canonicalize(&path).map_err(failed(&path))?.starts_with(&home);
            let outside = || std::io::Error::other("it is a link out of the repository");
            let bytes = if inside { read_plain(&path) } else { Err(outside()) };
            let source = bytes.and_then(|bytes| {
                String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8 text"))
            });
            templates.insert(name, source.map_err(failed(&path))?);
        }
    }
    Ok(templates)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ConfigError, check};
    use crate::gate::fixture::config;

    fn invalid(text: &str) -> String {
        match check(text.as_bytes()) {
            Err(ConfigError::Invalid(what)) => what,
            Ok(_) => panic!("valid: {text}"),
            Err(other) => panic!("{other}"),
        }
    }

    fn with(from: &str, to: &str) -> String {
        invalid(&config(&[(from, to)]))
    }

    #[test]
    fn a_problem_gives_the_line_the_column_and_the_line_itself() {
        assert_eq!(
            with("required: 1, from: [release], not: [requester]", "required: 0, from: [release]"),
            "deployctl.yaml:25:18: `environments.production.approvals.required`: at least one person approves: say 1 or more\n\
             \x20   25 |     approvals: { required: 0, from: [release] }"
        );
        assert_eq!(
            with("from: [release], not: [requester]", "from: [release, relaese]"),
            "deployctl.yaml:25:47: `environments.production.approvals.from[1]`: `relaese` is neither a person nor a group with somebody in it; did you mean `release`?\n\
             \x20   25 |     approvals: { required: 1, from: [release, relaese] }"
        );
    }

    #[test]
    fn an_unknown_or_doubled_key_gives_its_place_and_what_was_meant() {
        let unknown = with("from: [release], not: [requester]", "form: [release]");
        assert!(unknown.starts_with("deployctl.yaml:25:"), "{unknown}");
        assert!(unknown.contains("unknown field `form`"), "{unknown}");
        assert!(unknown.contains("did you mean `from`?"), "{unknown}");
        assert!(unknown.ends_with("\n    25 |     approvals: { required: 1, form: [release] }"), "{unknown}");
        let doubled = with(
            "required: 1, from: [release], not: [requester]",
            "required: 2, from: [release], required: 1",
        );
        assert!(doubled.starts_with("deployctl.yaml:25:"), "{doubled}");
        assert!(doubled.contains("`required` is there twice"), "{doubled}");
        let person = with("  carol: {", "  alice: {");
        assert!(person.contains("`alice` is there twice"), "{person}");
        let variant = with("not: [requester]", "not: [reqester]");
        assert!(variant.contains("did you mean `requester`?"), "{variant}");
        let name = with("  carol: {", "  \"-carol\": {");
        assert!(name.contains("`-carol` is not a valid person"), "{name}");
        let number = with("required: 1", "required: -1");
        assert!(number.starts_with("deployctl.yaml:25:"), "{number}");
    }

    #[test]
    fn several_problems_are_several_places() {
        let text = config(&[("schema: 1", "schema: 3"), ("timeout: 10m", "timeout: ages")]);
        let what = invalid(&text);
        let places: Vec<&str> = what.lines().filter(|line| line.starts_with("deployctl.yaml:")).collect();
        assert_eq!(places.len(), 2);
        assert!(places[0].starts_with("deployctl.yaml:1:1: `schema`"), "{what}");
        assert!(places[1].starts_with("deployctl.yaml:21:"), "{what}");
    }

    #[test]
    fn yaml_that_reads_as_one_thing_and_means_another_is_refused() {
        let attacks = [
            config(&[("project: shop", "project: &shop shop")]),
            config(&[("project: shop", "project: *shop")]),
            config(&[("project: shop", "project: !evil shop")]),
            config(&[("approvals: { required: 1,", "approvals: { <<: { required: 9 }, required: 1,")]),
            format!("{}---\nschema: 1\n", config(&[])),
            format!("{}...\n---\nschema: 1\n", config(&[])),
            config(&[("timeout: 10m", "migration: yes")]),
            config(&[("timeout: 10m", "migration: on")]),
            config(&[("required: 1", "required: 1.0")]),
            format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000)),
            format!("a: {}", "{ a: ".repeat(5_000)),
            "- ".repeat(5_000),
            "\u{0}".to_owned(),
        ];
        let mut accepted = Vec::new();
        for text in attacks {
            if check(text.as_bytes()).is_ok() {
                accepted.push(
                    text.lines().find(|line| !config(&[]).contains(line)).unwrap_or_default().to_owned(),
                );
            }
        }
        assert_eq!(accepted, Vec::<String>::new());
    }

    #[test]
    fn a_tag_of_yaml_itself_changes_no_text() {
        let text = config(&[("run: [\"./release\"], timeout", "run: [!!binary Li9yZWxlYXNl], timeout")]);
        let policy = check(text.as_bytes()).unwrap();
        assert_eq!(policy.environments[&"production".parse().unwrap()].steps[0].run, ["Li9yZWxlYXNl"]);
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        let large = vec![b'#'; 100 << 20];
        let Err(ConfigError::Invalid(what)) = check(&large) else { panic!("accepted") };
        assert_eq!(what, "deployctl.yaml: the file is larger than 1 MiB");
        let Err(ConfigError::Invalid(what)) = check(b"schema: 1\nproject: \xff\n") else {
            panic!("accepted")
        };
        assert_eq!(what, "deployctl.yaml: the file is not UTF-8");
    }

    #[test]
    fn the_line_is_shown_without_what_a_terminal_would_act_on() {
        let what = invalid("schema: 1\nproject: \"\u{9b}31m\"\nnonsense\tkey: 1\n");
        assert!(!what.chars().any(|c| c.is_control() && c != '\n'), "{what:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = check(&bytes);
        }

        #[test]
        fn a_policy_with_a_piece_cut_out_or_put_in_never_panics(
            place in any::<prop::sample::Index>(),
            cut in 0..12_usize,
            put in "[-a-z0-9{}\\[\\]:,*&!|>'\" \n#]{0,6}",
        ) {
            let mut text: Vec<char> = config(&[]).chars().collect();
            let from = place.index(text.len());
            let to = (from + cut).min(text.len());
            text.splice(from..to, put.chars());
            let text: String = text.into_iter().collect();
            if let Err(ConfigError::Invalid(what)) = check(text.as_bytes()) {
                prop_assert!(what.starts_with("deployctl.yaml:"), "{}", what);
            }
        }
    }
}
