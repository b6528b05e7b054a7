//! `deployctl explain`: what the rules say of one wish, for who writes them.

use anyhow::{Context as _, Result};

use super::environments;
use super::gather::Moment;
use crate::cli::{Common, ExplainArgs};
use crate::gate::explain::{Explained, Says, Verdict, Wish, explain};
use crate::gate::policy::Policy;
use crate::outcome::Outcome;
use crate::render::answer::Answer;
use crate::render::text;
use crate::world::config_file::ConfigError;

const COMMAND: &str = "explain";

/// Explains by the work tree's rules where there are some, else by those in force.
///
/// # Errors
/// When there are no rules, or the file is not valid.
pub fn run(common: &Common, args: &ExplainArgs) -> Result<Answer> {
    let moment = Moment::look(common)?;
    let (policy, source) = match moment.file_policy() {
        Ok(file) => {
            let signed = moment.policy().is_some_and(|policy| policy.digest == file.policy.digest);
            (file.policy, if signed { Source::Signed } else { Source::Unsigned })
        }
        Err(error @ ConfigError::Missing { .. }) => {
            let policy = moment.policy().cloned().context(error.to_string())?;
            (policy, Source::InForce)
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(answer) = environments::unknown_by(&policy, COMMAND, &args.environment) {
        return Ok(answer);
    }
    Ok(answer(&policy, source, args, &explain(&policy, &args.who, args.wish, &args.environment, moment.now)))
}

/// Where the rules stand that were asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// In the work tree, as they were signed.
    Signed,
    /// In the work tree, and nobody signed them as they are.
    Unsigned,
    /// In the ledger only.
    InForce,
}

impl Source {
    const fn words(self) -> &'static str {
        match self {
            Self::Signed => "by `deployctl.yaml`, which is the signed policy",
            Self::Unsigned => "by `deployctl.yaml`, which is NOT signed as it is: it changes nothing yet",
            Self::InForce => "by the signed policy; there is no `deployctl.yaml` here",
        }
    }
}

fn answer(policy: &Policy, source: Source, args: &ExplainArgs, explained: &Explained) -> Answer {
    let Explained { verdict, rules } = explained;
    let (outcome, word) = match verdict {
        Verdict::Allowed => (Outcome::Done, "yes"),
        Verdict::Refused => (Outcome::Refused, "no"),
        Verdict::Person => (Outcome::HumanRequired, "a person is required"),
    };
    let mut page = format!("{word}: {}\n{}\n", question(args), source.words());
    let judged = |wanted: bool| rules.iter().filter(move |rule| (rule.verdict == Says::Judged) == wanted);
    let width = rules.iter().map(|rule| rule.policy.chars().count()).max().unwrap_or(0);
    let line = |mark: &str, path: &str, rule: &str| {
        format!("  {mark} {path:<width$}  {}\n", text::line(rule, 2_000))
    };
    for rule in judged(false) {
        let mark = if rule.verdict == Says::Allows { "✓" } else { "✗" };
        page.push_str(&line(mark, &rule.policy, &rule.rule));
    }
    if judged(true).next().is_some() {
        page.push_str("judged at the time\n");
    }
    for rule in judged(true) {
        page.push_str(&line("·", &rule.policy, &rule.rule));
    }
    let mut answer = Answer::done(COMMAND, page)
        .with("who", &args.who)
        .with("action", args.wish)
        .with("environment", &args.environment)
        .with("verdict", verdict)
        .with("rules", rules)
        .with("policy", policy.digest)
        .with("signed", source != Source::Unsigned);
    answer.outcome = outcome;
    answer
}

fn question(args: &ExplainArgs) -> String {
    let (who, environment) = (&args.who, &args.environment);
    let wish = match args.wish {
        Wish::Check => format!("record checks for `{environment}`"),
        Wish::Deploy => format!("deploy to `{environment}`"),
        Wish::Request => format!("request for `{environment}`"),
        Wish::Migrate => format!("run migrations in `{environment}`"),
        Wish::Approve => format!("approve for `{environment}`"),
        Wish::Rollback => format!("roll `{environment}` back"),
    };
    format!("may `{who}` {wish}?")
}
