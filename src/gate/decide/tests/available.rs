use super::{Case, message, refused};
use crate::gate::facts::{Action, Missing};
use crate::gate::fixture::{Book, commit, config, production};
use crate::gate::statement::Ending;

fn files(count: usize) -> Missing {
    Missing::Files { commit: commit('1'), count, first: "app/a".to_owned(), remote: "origin".to_owned() }
}

fn program(is_file: bool) -> Missing {
    let (step, program) = ("release".to_owned(), "./ops/release.sh".to_owned());
    Missing::Program { commit: commit('1'), step, program, is_file }
}

#[test]
fn nothing_is_deployed_that_is_not_whole_here() {
    for (missing, what) in [
        (files(1), "1 file of commit 1111111 of `v1` is not in this clone: `app/a`"),
        (files(3), "3 files of commit 1111111 of `v1` are not in this clone: `app/a` and others"),
        (
            program(false),
            "`./ops/release.sh`, which the step `release` runs, is not in commit 1111111 of `v1`",
        ),
        (
            program(true),
            "`./ops/release.sh`, which the step `release` runs, is not executable in commit 1111111 of `v1`",
        ),
    ] {
        let mut case = Case::approved(&[], |_| ());
        case.target.missing.push(missing);
        assert_eq!(case.deploy(), ["commit.incomplete"]);
        assert_eq!(message(&case.deploy_reasons()), what);
        // Who only approves may sit at a clone that lacks it.
        assert_eq!(case.verdict(crate::gate::statement::Verdict::Allow), Vec::<String>::new());
    }
}

#[test]
fn nothing_is_rolled_back_with_what_is_not_here() {
    let mut book = Book::founded(&config(&[]));
    book.deployed("production", 1, 0, Ending::Succeeded);
    book.deployed("production", 2, 20, Ending::Succeeded);
    let mut case = Case::over(book, 3, |_| ());
    case.now = 40;
    let environment = production();
    for missing in [files(2), program(false)] {
        let action = Action::Rollback { environment: &environment, version: None, missing: &[missing] };
        assert_eq!(refused(case.decide(&action))[0].code.as_str(), "commit.incomplete");
    }
}
