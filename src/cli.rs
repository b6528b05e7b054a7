//! The command line: what was typed, with its help. Nothing is looked up here.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::gate::emergency::Severity;
use crate::gate::explain::Wish;
use crate::gate::history::Status;
use crate::gate::metrics::Key;
use crate::gate::request::{RiskLevel, Urgency};
use crate::gate::since::{Said, Since};
use crate::gate::terms::{Check, Environment, Role, Stage, Version};

/// Stands between a change and production: machines prepare, people decide, signatures prove it
#[derive(Debug, Parser)]
#[command(
    name = "deployctl",
    version,
    arg_required_else_help = false,
    infer_subcommands = false,
    after_help = "\
Exit codes: 0 done · 1 failed · 2 usage · 3 refused · 4 refused, a person is required · 5 declined ·
            6 rolled back · 7 busy · 130 interrupted",
    after_long_help = "\
Examples:
  deployctl init                                write a deployctl.yaml
  deployctl approve --policy                    a person signs the rules
  deployctl deploy staging --as ci              a role deploys an automatic environment
  deployctl checklist v1.4.0                    facts as a Markdown checklist
  deployctl request v1.4.0 --as orchestrator --summary \"Totals in the cart\"
  deployctl approve v1.4.0-7f3a9c2              a person reviews, types and signs
  deployctl deploy production v1.4.0-7f3a9c2    a person executes

Exit codes: 0 done · 1 it ran and failed, or could not find out · 2 usage, or an invalid deployctl.yaml ·
            3 refused by the gate · 4 refused, and a person is required · 5 declined · 6 rolled back ·
            7 busy · 130 interrupted"
)]
pub struct Arguments {
    /// Options of every command
    #[command(flatten)]
    pub common: Common,
    /// What to do; `status` unless said
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, default_value = ".", hide_default_value = true)]
    pub directory: PathBuf,
    /// How to print the result
    #[arg(long, value_enum, global = true, default_value_t = Format::Text, hide_default_value = true)]
    pub format: Format,
    /// Short for `--format json`
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour
    #[arg(long, value_enum, global = true, default_value_t = ColorChoice::Auto, hide_default_value = true)]
    pub color: ColorChoice,
    /// Print the result only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more of what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// The role you act as
    #[arg(long = "as", value_name = "ROLE", env = "DEPLOYCTL_ROLE", global = true)]
    pub role: Option<Role>,
}

impl Common {
    /// Whether the result is the one JSON document.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}

/// How to print the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Markdown, where the command has it
    #[value(alias = "md")]
    Markdown,
    /// One JSON document
    Json,
    /// For a step of GitHub Actions: text, annotations, outputs and the step's summary; of `history`, a script for GitHub's
    /// Deployments
    Github,
    /// For spreadsheets, where the command has it
    Csv,
    /// Of `history`: CDEvents as CloudEvents, one a line
    Cdevents,
    /// Of `history`: statements of in-toto about approvals and test results, one a line
    InToto,
    /// A page for a browser, where the command has it
    Html,
}

impl Format {
    /// As it is typed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Github => "github",
            Self::Csv => "csv",
            Self::Cdevents => "cdevents",
            Self::InToto => "in-toto",
            Self::Html => "html",
        }
    }

    /// Whether only `history` has it.
    #[must_use]
    pub const fn is_of_history(self) -> bool {
        matches!(self, Self::Csv | Self::Cdevents | Self::InToto | Self::Html)
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented deployctl.yaml from what the repository holds
    Init,
    /// Record evidence for a commit: collect reports, run commands
    Check(CheckArgs),
    /// Draft the deployment checklist of a version
    Checklist(ChecklistArgs),
    /// Ask people for a production deployment, or for a rollback
    Request(RequestArgs),
    /// Review, type and sign: a request, or the policy
    Approve(ApproveArgs),
    /// Deploy: to production what was approved, elsewhere within a role's rights
    Deploy(DeployArgs),
    /// Go back to the version that the approval named, or to the one of an approved request
    Rollback(RollbackArgs),
    /// Show what is live, what waits, and who must do what next
    Status(StatusArgs),
    /// Say what the rules say of a wish, and which rule
    Explain(ExplainArgs),
    /// Show what was deployed, or verify every record
    History(HistoryArgs),
    /// Watch the health of an environment, and say what is a trigger
    Monitor(MonitorArgs),
}

impl Command {
    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Check(_) => "check",
            Self::Checklist(_) => "checklist",
            Self::Request(_) => "request",
            Self::Approve(_) => "approve",
            Self::Deploy(_) => "deploy",
            Self::Rollback(_) => "rollback",
            Self::Status(_) => "status",
            Self::Explain(_) => "explain",
            Self::History(_) => "history",
            Self::Monitor(_) => "monitor",
        }
    }
}

/// Which commit, and since when.
#[derive(Clone, Debug, Args)]
pub struct CandidateArgs {
    /// The version, such as v1.4.0; a tag of that name says which commit
    pub version: Version,
    /// The environment
    #[arg(short, long, value_name = "ENVIRONMENT", default_value = "production")]
    pub environment: Environment,
    /// The commit, where no tag names the version [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
    /// The version or commit that is live, where the ledger does not say
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
}

/// Record evidence for a commit.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl check unit --as ci                 collect the reports of one check
  deployctl check audit licenses --as ci       run the commands of two
  deployctl check integration --as ci          every check of a stage
  deployctl check unit --as ci --key ci.key    the same, signed by a machine of the policy
  deployctl check qa --as qa-specialist --passed --note \"explored the cart\"")]
pub struct CheckArgs {
    /// Checks or stages of the policy
    #[arg(required = true, value_name = "CHECK|STAGE")]
    pub names: Vec<String>,
    /// The commit that the evidence must be of [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
    /// Give the role's word that a check passed
    #[arg(long, requires = "note", conflicts_with = "failed")]
    pub passed: bool,
    /// Give the role's word that a check failed
    #[arg(long, requires = "note")]
    pub failed: bool,
    /// What was done to know it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The private key of a machine of the policy, to sign the evidence with
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Draft the deployment checklist of a version.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl checklist v1.4.0
  deployctl checklist v1.4.0 --since v1.3.0 -o checklist.md
  deployctl checklist v1.4.0 --explain tests.unit
  deployctl checklist v1.4.0 --format json | jq .open")]
pub struct ChecklistArgs {
    /// Which commit, and since when
    #[command(flatten)]
    pub candidate: CandidateArgs,
    /// Exit with 3 when a box is open
    #[arg(long)]
    pub strict: bool,
    /// Say where one line came from: a key such as `tests.unit`, or words of the line
    #[arg(long, value_name = "ITEM", conflicts_with = "strict")]
    pub explain: Option<String>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Ask people for a production deployment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl request v1.4.0 --as orchestrator --summary \"Totals in the cart\"
  deployctl request v1.4.0 --as orchestrator --summary \"…\" --risk high \\
      --impact \"carts show no total\" --mitigation \"flag off\" -o package/
  deployctl request v1.4.1 --as orchestrator --urgency emergency --severity P1 --skip staging
  deployctl request v1.2.0 --rollback --as orchestrator --summary \"v1.3.0 has it too\"")]
pub struct RequestArgs {
    /// Which commit, and since when
    #[command(flatten)]
    pub candidate: CandidateArgs,
    /// Ask for a rollback to a version that was live before
    #[arg(long, conflicts_with_all = ["commit", "since", "severity", "skip", "preferred", "alternative", "blackout", "monitor"])]
    pub rollback: bool,
    /// What is being deployed, in a sentence
    #[arg(long, default_value = "")]
    pub summary: String,
    /// How soon it is wanted
    #[arg(long, value_enum, default_value_t = Urgency::Routine)]
    pub urgency: Urgency,
    /// How bad the emergency is
    #[arg(long, value_enum, ignore_case = true, required_if_eq("urgency", "emergency"))]
    pub severity: Option<Severity>,
    /// A stage to leave out, where the policy allows it for this severity; may be given several times
    #[arg(long, value_name = "STAGE", requires = "severity", value_delimiter = ',')]
    pub skip: Vec<Stage>,
    /// How much can go wrong
    #[arg(long, value_enum, default_value_t = RiskLevel::Medium)]
    pub risk: RiskLevel,
    /// What a failure would mean
    #[arg(long, default_value = "not stated")]
    pub impact: String,
    /// What lowers the risk
    #[arg(long, default_value = "not stated")]
    pub mitigation: String,
    /// When, best
    #[arg(long, value_name = "TIME")]
    pub preferred: Option<String>,
    /// When, else
    #[arg(long, value_name = "TIME")]
    pub alternative: Option<String>,
    /// When not; may be given several times
    #[arg(long, value_name = "TIME")]
    pub blackout: Vec<String>,
    /// How long to watch after it [default: the policy's `monitoring.watch`]
    #[arg(long, value_name = "DURATION", value_parser = minutes)]
    pub monitor: Option<u64>,
    /// Write request.json, request.md, checklist.md and evidence.json into DIR
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Whole minutes: `30`, `30m` or `1h`.
fn minutes(text: &str) -> Result<u64, String> {
    if let Ok(minutes) = text.parse::<u64>() {
        return Ok(minutes);
    }
    let duration = humantime::parse_duration(text).map_err(|_| "not a duration, such as `30m`".to_owned())?;
    match duration.as_nanos() % 60_000_000_000 {
        0 => Ok(duration.as_secs() / 60),
        _ => Err("not whole minutes, such as `30m`".to_owned()),
    }
}

/// Review, type and sign.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("verb").args(["policy", "deny", "hold", "revoke", "show"])),
    group(ArgGroup::new("reviewed").args(["reason", "show"]).multiple(true)),
    after_help = "\
Examples:
  deployctl approve v1.4.0-7f3a9c2
  deployctl approve v1.4.0-7f3a9c2 --deny --reason \"migration is not reversible\"
  deployctl approve v1.4.0-7f3a9c2 --show
  deployctl approve --check code-review --commit a1b2c3d
  deployctl approve --review v1.4.1-9e2b7d1 --show > report.md
  deployctl approve --review v1.4.1-9e2b7d1 --report report.md --reason \"fixed in v1.4.2\"
  deployctl approve --release v1.4.0 --fix a1b2c3d --reason \"the total is back\"
  deployctl approve --policy"
)]
pub struct ApproveArgs {
    /// The request's id, its version where that is unambiguous, or a package directory; for the report of a rollback also
    /// the digits that name it
    #[arg(required_unless_present_any = ["policy", "check", "release"], conflicts_with_all = ["policy", "check", "release"])]
    pub request: Option<String>,
    /// Sign a check of a commit that is a person's signature; with `--deny` the answer is no
    #[arg(long, value_name = "NAME", conflicts_with_all = ["policy", "hold", "revoke", "show", "review"])]
    pub check: Option<Check>,
    /// The commit that `--check` is about [default: HEAD]
    #[arg(long, value_name = "REV", requires = "check")]
    pub commit: Option<String>,
    /// Sign the rules in deployctl.yaml
    #[arg(long)]
    pub policy: bool,
    /// Say no, which is final for a request
    #[arg(long, requires = "reason")]
    pub deny: bool,
    /// Say not now
    #[arg(long, requires = "reason")]
    pub hold: bool,
    /// Take the approval back
    #[arg(long, requires = "reason")]
    pub revoke: bool,
    /// Show the review screen and sign nothing
    #[arg(long)]
    pub show: bool,
    /// Say what runs after an interrupted deployment, or sign the report of an emergency or of a rollback
    #[arg(long, requires = "reviewed", conflicts_with_all = ["policy", "deny", "hold", "revoke"])]
    pub review: bool,
    /// Release what was rolled back from quarantine, by its version, its commit or the digits of the rollback
    #[arg(long, value_name = "VERSION|COMMIT", requires = "reason",
        conflicts_with_all = ["policy", "deny", "hold", "revoke", "show", "review", "check"])]
    pub release: Option<String>,
    /// The commit that fixes it: only what holds it is released
    #[arg(long, value_name = "REV", requires = "release")]
    pub fix: Option<String>,
    /// The answered report of an emergency or of a rollback; `--review REQUEST --show` drafts it
    #[arg(long, value_name = "FILE", requires = "review", requires = "reason", conflicts_with = "show")]
    pub report: Option<PathBuf>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The private key to sign with
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Write payload.json and the signature into DIR too
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Deploy what was approved, or what a role may deploy.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl deploy production v1.4.0-7f3a9c2 --dry-run
  deployctl deploy production v1.4.0-7f3a9c2    a person, at a terminal
  deployctl deploy development --as ci          what HEAD is, on every commit
  deployctl deploy staging v1.4.0 --as ci       an automatic environment, no person needed")]
pub struct DeployArgs {
    /// The environment
    pub environment: Environment,
    /// The request's id, or its version where that is unambiguous; an automatic environment also takes a tag [default
    /// there: HEAD]
    #[arg(value_name = "REQUEST|VERSION")]
    pub request: Option<String>,
    /// Show the verdict, every reason and the exact plan; run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// The commit that must be the approved one; in an automatic environment, the one to deploy
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
    /// The private key to sign with
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Not for production: a person is required there
    #[arg(long, hide = true)]
    pub yes: bool,
}

/// Go back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl rollback production --reason \"checkout fails\"
  deployctl rollback production --dry-run --reason \"checkout fails\"
  deployctl rollback production v1.2.0-7f3a9c2 --reason \"v1.3.0 has it too\"")]
pub struct RollbackArgs {
    /// The environment
    pub environment: Environment,
    /// The version to go back to: the one that the deployment's approval named, unless a rollback to it was approved
    #[arg(value_name = "VERSION|REQUEST")]
    pub version: Option<Version>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Show the verdict, every reason and the exact plan; run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// The private key to sign with
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Not for production: a person is required there
    #[arg(long, hide = true)]
    pub yes: bool,
}

/// Show what is live.
#[derive(Debug, Default, Args)]
pub struct StatusArgs {
    /// Only this environment
    #[arg(short, long, value_name = "ENVIRONMENT")]
    pub environment: Option<Environment>,
}

/// Say what the rules say of a wish.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl explain qa-specialist deploy staging
  deployctl explain orchestrator deploy production
  deployctl explain alice approve production --json

Exit codes: 0 it may · 3 the policy says no · 4 a person is required")]
pub struct ExplainArgs {
    /// A role, or a person of the policy
    #[arg(value_name = "ROLE")]
    pub who: Role,
    /// What is wished
    #[arg(value_name = "ACTION")]
    pub wish: Wish,
    /// Where
    pub environment: Environment,
}

/// Show what was deployed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl history --limit 20
  deployctl history --since 30d --status rolled-back --format csv > rolled-back.csv
  deployctl history --write docs/history.md
  deployctl history --format html -o history.html
  deployctl history --since 1d --format cdevents
  deployctl history -e production --format github | sh
  deployctl history --version v1.4.0 --format in-toto
  deployctl history --metrics --explain lead-time
  deployctl history --verify --json
  deployctl history --verify --since 120        check what follows entry 120
  deployctl history --bundle audit-2026-11      for who has no deployctl")]
#[command(args_conflicts_with_subcommands = true, subcommand_help_heading = "Instead")]
pub struct HistoryArgs {
    /// What to do instead of showing it
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
    /// Only this environment
    #[arg(short, long, value_name = "ENVIRONMENT")]
    pub environment: Option<Environment>,
    /// Only what began then or later: a day, a moment, or a span before now such as `30d`; with `--verify` the number or
    /// commit of an entry that was verified before: what follows it is checked
    #[arg(long, value_name = "WHEN|ENTRY")]
    pub since: Option<Since>,
    /// Only what began before; a day is included
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Said>,
    /// Only this version
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Only what this person or role executed, or this person approved
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only what ended so
    #[arg(long, value_enum)]
    pub status: Option<Status>,
    /// Only the newest N
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// Every change of policy, request, approval, execution and review instead: who, what and why
    #[arg(long, conflicts_with_all = ["verify", "allowed_signers", "version", "status"])]
    pub modifications: bool,
    /// The five DORA measures of each environment instead, of the last 90 days unless `--since` says otherwise
    #[arg(long, conflicts_with_all = [
        "verify", "allowed_signers", "modifications", "version", "status", "by", "limit",
    ])]
    pub metrics: bool,
    /// The entries that one of the measures came from, and why each counts
    #[arg(long, value_enum, value_name = "MEASURE", requires = "metrics")]
    pub explain: Option<Key>,
    /// Keep the Markdown table in FILE up to date, between two marker lines
    #[arg(long, value_name = "FILE", conflicts_with_all = ["verify", "allowed_signers", "output"])]
    pub write: Option<PathBuf>,
    /// Check every entry: place, signature, files, policy in force, quorum, consumption, states, and what this clone has seen
    #[arg(long, conflicts_with = "allowed_signers")]
    pub verify: bool,
    /// Write the ledger into the new directory DIR, with what a stranger needs to check it with git and OpenSSH alone
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "verify", "allowed_signers", "modifications", "metrics", "write", "output",
    ])]
    pub bundle: Option<PathBuf>,
    /// Print the people's keys for `ssh-keygen -Y verify`
    #[arg(long)]
    pub allowed_signers: bool,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What `history` does instead of showing it.
#[derive(Clone, Debug, Subcommand)]
pub enum HistoryCommand {
    /// Give a project its past from git tags: marked as imported and unsigned, and nothing is decided by it
    Import(ImportArgs),
}

/// Give a project its past.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl history import --tags --dry-run
  deployctl history import --tags 'v1.*' -e production
  deployctl history import --undo -e production")]
pub struct ImportArgs {
    /// From the tags that fit this glob [default: the policy's `versions.tag`]
    #[arg(long, value_name = "PATTERN", required_unless_present = "undo", num_args = 0..=1)]
    pub tags: Option<Option<String>>,
    /// Take back what was imported of the environment: it is shown no more, and can be imported again
    #[arg(long, conflicts_with = "tags")]
    pub undo: bool,
    /// The environment that they were versions of
    #[arg(short, long, value_name = "ENVIRONMENT", default_value = "production")]
    pub environment: Environment,
    /// Show what would be imported, or undone; record nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

impl HistoryArgs {
    /// The option that makes no sense in this format: it asks for something else than this format tells of.
    #[must_use]
    pub fn without_format(&self, format: Format) -> Option<&'static str> {
        let first = |options: &[(bool, &'static str)]| {
            options.iter().find(|(given, _)| *given).map(|(_, option)| *option)
        };
        let tables = [(self.metrics, "--metrics"), (self.modifications, "--modifications")];
        let others = [
            (self.command.is_some(), "import"),
            (self.bundle.is_some(), "--bundle"),
            (self.write.is_some(), "--write"),
            (self.verify, "--verify"),
            (self.allowed_signers, "--allowed-signers"),
        ];
        match format {
            Format::Cdevents | Format::Html => first(&tables).or_else(|| first(&others)),
            // An approval has no ending.
            Format::InToto => {
                first(&tables).or_else(|| first(&others)).or_else(|| self.status.map(|_| "--status"))
            }
            Format::Markdown | Format::Csv => first(&others),
            // They have the answer of every command.
            Format::Text | Format::Json | Format::Github => None,
        }
    }
}

/// A number of rows.
fn at_least_one(text: &str) -> Result<usize, String> {
    let count = text.parse::<usize>().map_err(|error| error.to_string())?;
    if count == 0 { Err("nothing would be shown: at least 1".to_owned()) } else { Ok(count) }
}

/// Watch the health of an environment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  deployctl monitor production                      until Ctrl-C, on a terminal
  deployctl monitor production --for 30m > end.txt  for so long, or until something is a trigger
  deployctl monitor staging --for 5m --json | jq -r .verdict

Exit codes: 0 healthy · 1 triggered, or nobody can say · 2 no such environment · 3 no signed policy
            130 interrupted before `--for` was over")]
pub struct MonitorArgs {
    /// The environment
    pub environment: Environment,
    /// For how long; it ends sooner at a trigger [default: the policy's `monitoring.watch`; on a terminal until Ctrl-C]
    #[arg(long = "for", value_name = "DURATION", value_parser = span)]
    pub length: Option<Duration>,
}

/// `90s`, `15m` or `24h`: a second to a year.
fn span(text: &str) -> Result<Duration, String> {
    let year = Duration::from_secs(366 * 24 * 60 * 60);
    match humantime::parse_duration(text) {
        Ok(span) if (Duration::from_secs(1)..=year).contains(&span) => Ok(span),
        Ok(_) => Err("not between a second and a year".to_owned()),
        Err(_) => Err("not a duration, such as `90s`, `15m` or `24h`".to_owned()),
    }
}
