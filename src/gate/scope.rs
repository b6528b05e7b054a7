//! A part of a repository by its paths: what a service of a monorepo is made of.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The paths of one service, from globs of the policy. `*` stops at a `/`, `**` does not; a glob that names a directory
/// holds everything below it.
#[derive(Clone, Debug)]
pub struct Scope {
    words: Vec<String>,
    set: GlobSet,
    /// For each glob, its directories before the first that is not plain text.
    bases: Vec<Vec<String>>,
}

/// Why a glob cannot say which paths are meant: its place in the list, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeProblem {
    /// From 0; `None` for the list itself.
    pub index: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Scope {
    /// Checks the globs.
    ///
    /// # Errors
    /// Every glob that is none, or that no path from the repository's root could match.
    pub fn check(globs: &[String]) -> Result<Self, Vec<ScopeProblem>> {
        let mut problems = Vec::new();
        if globs.is_empty() {
            let message =
                "no commit would ever count: name at least one glob, or leave the key out".to_owned();
            problems.push(ScopeProblem { index: None, message });
        }
        let mut set = GlobSetBuilder::new();
        for (index, text) in globs.iter().enumerate() {
            let message = match GlobBuilder::new(text.trim_end_matches('/')).literal_separator(true).build() {
                _ if !from_the_root(text) => format!(
                    "`{}` matches no path: paths begin at the top of the repository, such as `services/api/**`",
                    text.escape_debug()
                ),
                Err(_) => format!("`{}` is not a glob", text.escape_debug()),
                Ok(glob) => {
                    set.add(glob);
                    continue;
                }
            };
            problems.push(ScopeProblem { index: Some(index), message });
        }
        match set.build() {
            Ok(set) if problems.is_empty() => {
                Ok(Self { words: globs.to_vec(), set, bases: globs.iter().map(|glob| base(glob)).collect() })
            }
            Ok(_) => Err(problems),
            Err(_) => {
                problems.push(ScopeProblem { index: None, message: "the globs are too large".to_owned() });
                Err(problems)
            }
        }
    }

    /// The globs, as they were written.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a file of this path belongs to it. A submodule or a symbolic link in the place of a directory is a file, and
    /// stands for all that could lie below it: `infra/**` and `infra/dns/**` hold `infra`.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| path.get(..end).is_some_and(|part| self.set.is_match(part)))
            || self.set.is_match(format!("{path}/"))
            || self.bases.iter().any(|base| is_above(path, base))
    }

    /// Whether a file below this directory may belong to it: where not, nobody needs to look.
    #[must_use]
    pub fn may_hold_below(&self, dir: &str) -> bool {
        self.bases.iter().any(|base| base.iter().zip(dir.split('/')).all(|(a, b)| a == b))
    }
}

/// Whether a path is one of these directories.
fn is_above(path: &str, base: &[String]) -> bool {
    let depth = path.split('/').count();
    base.get(..depth).is_some_and(|dirs| dirs.iter().map(String::as_str).eq(path.split('/')))
}

fn from_the_root(glob: &str) -> bool {
    let glob = glob.trim_end_matches('/');
    !glob.is_empty() && glob.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn base(glob: &str) -> Vec<String> {
    let parts = glob.trim_end_matches('/').split('/');
    parts.take_while(|part| !part.contains(['*', '?', '[', ']', '{', '}', '\\'])).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Scope;

    fn scope(globs: &[&str]) -> Scope {
        Scope::check(&globs.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_star_stops_at_a_directory_and_two_do_not() {
        let deep = scope(&["services/api/**"]);
        assert!(deep.holds("services/api/src/main.rs") && deep.holds("services/api/x"));
        assert!(!deep.holds("services/apis/x") && !deep.holds("x/services/api/y"));
        let flat = scope(&["libs/*.rs", "**/Cargo.lock"]);
        assert!(flat.holds("libs/a.rs") && flat.holds("Cargo.lock") && flat.holds("a/b/Cargo.lock"));
        assert!(!flat.holds("libs/a/b.rs"));
    }

    #[test]
    fn a_directory_holds_what_is_below_it() {
        for glob in ["services/api", "services/api/", "services/*", "{services,libs}/api"] {
            assert!(scope(&[glob]).holds("services/api/src/main.rs"), "{glob}");
        }
        assert!(!scope(&["services/api"]).holds("services/api.md"));
    }

    #[test]
    fn what_stands_in_the_place_of_a_directory_is_held() {
        for glob in [
            "infra",
            "infra/",
            "infra/**",
            "infra/**/",
            "infra/*",
            "infra/**/*",
            "{infra,ops}/**",
            "{infra/**,a}",
        ] {
            assert!(scope(&[glob]).holds("infra") && scope(&[glob]).holds("infra/main.tf"), "{glob}");
            assert!(!scope(&[glob]).holds("infra.md") && !scope(&[glob]).holds("x/infra"), "{glob}");
        }
        let deep = scope(&["infra/dns/*.tf"]);
        assert!(deep.holds("infra") && deep.holds("infra/dns"));
        assert!(!deep.holds("infr") && !deep.holds("infra/main.tf") && !deep.holds("infra/dns/a"));
    }

    #[test]
    fn a_glob_that_no_path_can_match_is_named() {
        let problems = |globs: &[&str]| {
            let globs: Vec<String> = globs.iter().map(|&glob| glob.to_owned()).collect();
            let problems = Scope::check(&globs).unwrap_err();
            problems.into_iter().map(|problem| (problem.index, problem.message)).collect::<Vec<_>>()
        };
        let no_path = |glob| {
            format!(
                "`{glob}` matches no path: paths begin at the top of the repository, such as `services/api/**`"
            )
        };
        assert_eq!(
            problems(&["/api/**", "a/**", "./b", "c/../d", "", "e/[", "//"]),
            [
                (Some(0), no_path("/api/**")),
                (Some(2), no_path("./b")),
                (Some(3), no_path("c/../d")),
                (Some(4), no_path("")),
                (Some(5), "`e/[` is not a glob".to_owned()),
                (Some(6), no_path("//")),
            ]
        );
        let empty = "no commit would ever count: name at least one glob, or leave the key out";
        assert_eq!(problems(&[]), [(None, empty.to_owned())]);
    }

    proptest! {
        #[test]
        fn nothing_is_held_below_a_directory_that_holds_nothing(
            globs in prop::collection::vec("(a|b|\\*|\\*\\*|a\\*|\\{a,b\\})(/(a|b|\\*|\\*\\*|\\?)){0,3}", 1..3),
            path in "(a|b)(/(a|b)){1,4}",
        ) {
            let scope = Scope::check(&globs).unwrap();
            let dirs = path.match_indices('/').map(|(at, _)| &path[..at]);
            for dir in dirs {
                prop_assert!(scope.may_hold_below(dir) || !scope.holds(&path), "{globs:?} {dir} {path}");
            }
        }

        #[test]
        fn no_glob_makes_it_stumble(globs in prop::collection::vec(".{0,20}", 0..4), path in ".{0,20}") {
            if let Ok(scope) = Scope::check(&globs) {
                let _ = scope.holds(&path);
                let _ = scope.may_hold_below(&path);
            }
        }
    }
}
