//! Options of `history` that would do nothing: they are refused, with what to do.

use chrono::{DateTime, Utc};

use crate::cli::HistoryArgs;
use crate::gate::since::{EntryName, Said};

/// Why the options do not go together, if they do not.
pub(super) fn of(args: &HistoryArgs, now: DateTime<Utc>) -> Option<String> {
    since(args).or_else(|| narrowed(args)).or_else(|| reversed(args, now))
}

/// `--since` names an entry for a proof, and a moment for everything else.
fn since(args: &HistoryArgs) -> Option<String> {
    let since = args.since?;
    match (args.verify, since.entry, since.moment) {
        (true, Some(_), _) | (false, _, Some(_)) => None,
        (true, None, _) => Some(
            "with `--verify`, `--since` is an entry: its number, or at least seven digits of its commit"
                .to_owned(),
        ),
        (false, entry, None) => Some(format!(
            "`--since {}` is an entry, which only `--verify` takes: give a day such as `2026-11-23`, a moment, or a span such as `30d`",
            entry.as_ref().map_or("", EntryName::as_str)
        )),
    }
}

/// What is about the whole ledger has no part.
fn narrowed(args: &HistoryArgs) -> Option<String> {
    let (whole, tells) = match (args.verify, args.bundle.is_some(), args.allowed_signers) {
        (true, ..) => ("--verify", "checks every entry"),
        (_, true, _) => ("--bundle", "holds every entry"),
        (_, _, true) => ("--allowed-signers", "names everybody who could ever sign"),
        _ => return None,
    };
    let options = [
        (args.environment.is_some(), "--environment"),
        // To a proof, `--since` is the entry after which it begins.
        (args.since.is_some() && !args.verify, "--since"),
        (args.until.is_some(), "--until"),
        (args.version.is_some(), "--version"),
        (args.by.is_some(), "--by"),
        (args.status.is_some(), "--status"),
        (args.limit.is_some(), "--limit"),
    ];
    let (_, option) = options.into_iter().find(|(given, _)| *given)?;
    Some(format!("`{whole}` {tells}: leave out `{option}`"))
}

fn reversed(args: &HistoryArgs, now: DateTime<Utc>) -> Option<String> {
    let (since, until) = (args.since?.moment?, args.until?);
    (since.begins(now) >= until.ends(now)).then(|| {
        // A day in the words that were given: its first moment is not its last.
        let words = |said: Said| match said {
            Said::Day(day) => day.to_string(),
            Said::At(_) | Said::Ago(_) => said.begins(now).format("%Y-%m-%d %H:%M UTC").to_string(),
        };
        format!(
            "nothing is between `--since` ({}) and `--until` ({}): the earlier one goes to `--since`",
            words(since),
            words(until)
        )
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::of;
    use crate::cli::Command;

    /// What can be said, in the order of the columns below.
    const WORDS: [&str; 26] = [
        "--modifications",
        "--metrics",
        "--verify",
        "--bundle=d",
        "--allowed-signers",
        "--write=f",
        "import --tags",
        "--environment=production",
        "--since=2026-11-01",
        "--since=12",
        "--until=2026-11-20",
        "--version=v1.4.0",
        "--by=alice",
        "--status=failed",
        "--limit=1",
        "--explain=rework",
        "--output=o",
        "--json",
        "--format=text",
        "--format=markdown",
        "--format=json",
        "--format=github",
        "--format=csv",
        "--format=cdevents",
        "--format=in-toto",
        "--format=html",
    ];

    /// Whether two of them do something together: `+` they do, `x` it is said what to do instead. `--explain` has
    /// `--metrics` with it, as it asks for; on the diagonal, whether it stands alone.
    const TOGETHER: &str = "\
+xxxx+x++x+x+x+x+++++++xxx --modifications
x+xxx+x++x+xxxx++++++++xxx --metrics
xx+xxxxxx+xxxxxx+++x++xxxx --verify
xxx+xxxxxxxxxxxxx++x++xxxx --bundle=d
xxxx+xxxxxxxxxxx+++x++xxxx --allowed-signers
++xxx+x++x++++++x++x++xxxx --write=f
xxxxxx++xxxxxxxxx++x++xxxx import --tags
++xxx++++x++++++++++++++++ --environment=production
++xxx+x++x++++++++++++++++ --since=2026-11-01
xx+xxxxxxxxxxxxxxxxxxxxxxx --since=12
++xxx+x++x++++++++++++++++ --until=2026-11-20
xxxxx+x++x+++++x++++++++++ --version=v1.4.0
+xxxx+x++x+++++x++++++++++ --by=alice
xxxxx+x++x+++++x++++++++x+ --status=failed
+xxxx+x++x+++++x++++++++++ --limit=1
x+xxx+x++x+xxxx++++++++xxx --explain=rework
+++x+xx++x++++++++++++++++ --output=o
+++++++++x+++++++++x+xxxxx --json
+++++++++x+++++++++xxxxxxx --format=text
++xxxxx++x+++++++xx+xxxxxx --format=markdown
+++++++++x++++++++xx+xxxxx --format=json
+++++++++x+++++++xxxx+xxxx --format=github
++xxxxx++x+++++++xxxxx+xxx --format=csv
xxxxxxx++x+++++x+xxxxxx+xx --format=cdevents
xxxxxxx++x+++x+x+xxxxxxx+x --format=in-toto
xxxxxxx++x+++++x+xxxxxxxx+ --format=html
";

    /// Whether the command line is taken.
    fn taken(words: &[&str]) -> bool {
        let needs = words.iter().any(|word| word.starts_with("--explain")).then_some("--metrics");
        let needs = needs.filter(|needs| !words.contains(needs));
        // What is instead of the table has its own options after it.
        let (import, options): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| word.starts_with("import"));
        let import = import.iter().flat_map(|import| import.split(' '));
        let words = ["deployctl", "history"].into_iter().chain(import).chain(needs).chain(options);
        let Ok(parsed) = crate::parse(words.map(OsString::from).collect()) else { return false };
        let Some(Command::History(args)) = parsed.command else { panic!("another command") };
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        of(&args, now).is_none()
    }

    #[test]
    fn every_two_options_do_something_together_or_are_refused() {
        let pair = |one: &&'static str, other: &&'static str| {
            if one == other { vec![*one] } else { vec![*one, *other] }
        };
        let row = |one: &&'static str| -> String {
            let marks = WORDS.iter().map(|other| if taken(&pair(one, other)) { '+' } else { 'x' });
            format!("{} {one}\n", marks.collect::<String>())
        };
        let rows: String = WORDS.iter().map(row).collect();
        assert_eq!(rows, TOGETHER, "came:\n{rows}");
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        assert!(!taken(&["--since=2026-11-20", "--until=2026-11-19"]));
        assert!(!taken(&["--since=30d", "--until=60d"]));
        assert!(taken(&["--since=2026-11-20", "--until=2026-11-20"]), "a day is whole");
        assert!(!taken(&["--limit=0"]));
    }
}
