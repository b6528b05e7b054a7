//! `history --format html`: one file, read by a person, by a browser, and written by whoever names a commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::browser::{Browser, Seen};
use crate::house::House;
use crate::watched;

/// What a commit, a summary and a reason may hold.
const SUBJECT: &str = "fix(cart): </pre></script><script>document.title='owned'</script> \u{202e}desrever";
/// Where something would be fetched from: an address that is nobody's (RFC 5737).
const LEAK: &str = "http://192.0.2.1/leak";
const REASON: &str = "it --><style>*{display:none}</style></td>{{ project }}";

/// v1.4.0 was deployed, v1.4.1 was rolled back, and what people and commits say of them is hostile.
fn hostile() -> House {
    let house = House::new();
    house.config(&watched::rules(&house));
    house.person("alice").signs_policy();
    let asks = |version: &str, summary: &str| {
        let words = ["request", version, "--as", "orchestrator", "--monitor", "0"];
        let words = words.into_iter().chain(["--urgency", "urgent", "--summary", summary, "--json"]);
        let answer = house.run(words).any_stdout().exit(0).json();
        answer["id"].as_str().expect("an id").to_owned()
    };
    let first = asks("v1.4.0", "Totals in the cart");
    house.person("alice").approves(&first);
    house.person("alice").deploys(&first);
    house.clock("2026-11-24T10:00:00Z");
    house.write("app/total.txt", "12.51\n");
    house.commit(SUBJECT);
    house.tag("v1.4.1");
    house.report("unit", 12, 0);
    house.report("integration", 3, 0);
    let image = format!("\"><img src={LEAK} onerror=\"document.title='owned'\"><b x='");
    let second = asks("v1.4.1", &image);
    house.person("bob").approves(&second);
    house.clock("2026-11-24T10:30:00Z");
    house.person("alice").deploys(&second);
    house.clock("2026-11-24T11:00:00Z");
    house.person("bob").rolls_back(REASON);
    house
}

fn page(house: &House, words: &[&str]) -> String {
    let words = ["history", "--format", "html"].iter().chain(words).copied();
    house.run(words).any_stdout().exit(0).stdout
}

/// What stands between two texts, the first time.
#[track_caller]
fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = page.split_once(begin).unwrap_or_else(|| panic!("no `{begin}` in:\n{page}")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("no `{end}` after `{begin}`")).0
}

#[test]
fn the_page_holds_every_record_and_obeys_none() {
    let house = hostile();
    let page = page(&house, &[]);
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page}");
    for tag in ["<script", "<style"] {
        assert_eq!(page.matches(tag).count(), 1, "{tag}");
    }
    let elements =
        ["<img", "<iframe", "<link", "<object", "<embed", "<base", " style=", "javascript:", "http:"];
    let outside = page.replace(LEAK, "");
    let found = elements.iter().filter(|text| outside.contains(**text));
    assert_eq!(found.collect::<Vec<_>>(), Vec::<&&str>::new());
    assert!(!page.contains('\u{202e}'));
    for shown in [
        // The checklist is Markdown, and escapes for itself.
        "\\&lt;/script\\&gt;\\&lt;script\\&gt;document.title=&#39;owned&#39;",
        "u{202e}desrever",
        "\\&lt;img `src=http://192.0.2.1/leak` onerror=&quot;document.title=&#39;owned&#39;&quot;",
        "it --&gt;&lt;style&gt;*{display:none}&lt;/style&gt;&lt;/td&gt;{{ project }}",
    ] {
        assert!(page.contains(shown), "{shown}\n{page}");
    }
    let parts: Vec<&str> = page.split("<article").skip(1).collect();
    assert_eq!(parts.len(), 3);
    for told in [
        "<h3>v1.4.1 <span class=\"where\">to production</span></h3>",
        "<caption>Approvals</caption>",
        "<caption>Steps, each with the digest of everything that it wrote</caption>",
        "<h4>Health: healthy</h4>",
        "<summary>Samples of shop</summary>",
        "<summary>Request</summary>",
        "<summary>Checklist</summary>",
        "<caption>Rollback: every attempt to undo it</caption>",
    ] {
        assert!(parts[1].contains(told), "{told}\n{}", parts[1]);
    }
    let metrics = between(&page, "<section id=\"metrics\"", "</section>");
    assert!(
        metrics.contains("<div>Change fail rate</div></th><td role=\"cell\" data-label=\"Value\" class=\"value\"><div>too few (under 5)</div></td>")
    );
    assert!(
        metrics.contains("role=\"img\" aria-label=\"the newest 2 deployments: the 1 high ones are counted\""),
        "{metrics}"
    );
    let digest = between(parts[1], "class=\"code\"><div>SHA256:", "</div>");
    assert_eq!(digest.len(), 43, "a fingerprint, not `{digest}`");
    assert!(parts[1].contains("<dt>Undone by</dt><dd><a href=\"#d-"), "{}", parts[1]);
}

#[test]
fn the_options_narrow_the_page_and_it_says_what_is_left_out() {
    let house = super::three_rows();
    let narrow = page(&house, &["--limit", "1", "-e", "production", "--since", "2026-11-24"]);
    assert_eq!(narrow.matches("<tr role=\"row\" id=\"r-").count(), 1);
    assert_eq!(narrow.matches("<article").count(), 1);
    let only = "<p class=\"made\">Only: <code>--environment production</code> <code>--since 2026-11-24</code> <code>--limit 1</code> </p>";
    assert!(narrow.contains(only), "{narrow}");
    assert!(narrow.contains("<li>Older deployments are left out by `--limit`.</li>"), "{narrow}");
    let unlimited = page(&house, &["--version", "v1.4.1"]);
    assert!(!unlimited.contains("older deployment"), "{unlimited}");
    assert!(unlimited.contains("narrow the deployments, not the modifications"), "{unlimited}");
    house.run(["history", "--format", "html", "-o", "h.html"]).stderr("ok: wrote `h.html`\n").exit(0);
    assert_eq!(house.file("h.html"), page(&house, &[]));
}

#[test]
fn only_history_makes_a_page_and_only_the_whole_one() {
    let house = House::new();
    // A terminal gets no page to scroll through.
    let shown = house.at_terminal(["history", "--format", "html"]).exit(2);
    assert_eq!(
        shown,
        "error: a page is for a browser, not for a terminal: deployctl history --format html -o history.html\n"
    );
    house.at_terminal(["history", "--format", "html", "-o", "t.html"]).exit(0);
    let wrong = house.run(["status", "--format", "html"]).any_stderr().exit(2).stderr;
    assert!(wrong.contains("only `deployctl history` has '--format html'"), "{wrong}");
    for other in ["--modifications", "--metrics", "--verify", "--allowed-signers", "--write=x.md"] {
        let wrong = house.run(["history", "--format", "html", other]).any_stderr().exit(2).stderr;
        let name = other.split('=').next().expect("a name");
        assert!(wrong.contains(&format!("'{name}' cannot be used with '--format html'")), "{wrong}");
    }
}

/// The versions of the rows that are not filtered out, the newest first.
fn versions(seen: &Seen) -> String {
    let rows = seen.dom.split("<tr role=\"row\" id=\"r-").skip(1);
    let shown = rows.filter(|row| !row.split('>').next().is_some_and(|tag| tag.contains("class=\"off\"")));
    let links = shown.map(|row| between(row, "#d-", "/a>"));
    links.map(|link| between(link, ">", "<")).collect::<Vec<_>>().join(" ")
}

/// Writes a page of its own beside the project.
fn written(house: &House, name: &str, text: &str) -> PathBuf {
    let file = house.world().join(name);
    fs::write(&file, text).expect("a page");
    file
}

#[test]
fn a_browser_shows_filters_and_links_and_fetches_nothing() {
    let house = hostile();
    let Some(browser) = Browser::find(house.world()) else { return };
    let text = page(&house, &[]);
    let file = written(&house, "history.html", &text);
    let whole = browser.opens(&file, "");
    assert_eq!(whole.console, Vec::<String>::new());
    assert!(whole.dom.contains("<title>Deployment history of storefront</title>"), "{}", whole.dom);
    assert!(whole.dom.contains("<form id=\"filters\" aria-label=\"Filters of the table\">"), "{}", whole.dom);
    assert_eq!(versions(&whole), "v1.4.0 v1.4.1 v1.4.0");
    for (place, expected, counted) in [
        ("#status=rolled-back", "v1.4.1", "1 of 3 shown"),
        ("#type=rollback", "v1.4.0", "1 of 3 shown"),
        ("#who=bob", "v1.4.0 v1.4.1", "2 of 3 shown"),
        ("#environment=production&text=totals", "v1.4.0", "1 of 3 shown"),
        ("#environment=moon", "", "0 of 3 shown"),
        ("#status=%22%3E%3Cimg%20src%3Dx%3E", "", "0 of 3 shown"),
    ] {
        let seen = browser.opens(&file, place);
        assert_eq!((versions(&seen).as_str(), &seen.console), (expected, &vec![]), "{place}");
        assert!(seen.dom.contains(&format!("role=\"status\">{counted}</p>")), "{place}");
        let legend = seen.dom.split("<span class=\"count\">").skip(1).map(|rest| rest.split('<').next());
        let shown: usize = legend.map(|count| count.and_then(|count| count.parse().ok()).unwrap_or(99)).sum();
        assert_eq!(counted.split(' ').next(), Some(shown.to_string().as_str()), "{place}");
        let parts = seen.dom.split("<article").skip(1);
        let parts = parts.filter(|part| !part.starts_with(" class=\"deployment off\""));
        assert_eq!(parts.count(), expected.split_whitespace().count(), "{place}");
    }
    let key = between(&text, "href=\"#d-", "\"");
    let linked = browser.opens(&file, &format!("#d-{key}"));
    assert_eq!(linked.dom.matches("<details open=\"\">").count(), 1);
    let part = format!("<article class=\"deployment\" data-of=\"{key}\">\n<details open=\"\">");
    assert!(linked.dom.contains(&part), "{}", linked.dom);
    assert_eq!([whole.asked, linked.asked].concat(), Vec::<String>::new());

    // Even where it was written into the page by hand, nothing of it runs.
    let forged = format!(
        "</h1><script>document.title='owned'</script><img src={LEAK} onerror=\"document.title='owned'\"><link rel=stylesheet href={LEAK}><b style='color:red'>b</b>"
    );
    let forged = text.replacen("</h1>", &forged, 1);
    let seen = browser.opens(&written(&house, "forged.html", &forged), "");
    assert!(seen.dom.contains("<title>Deployment history of storefront</title>"), "{}", seen.dom);
    assert!(seen.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", seen.console);
    assert_eq!(seen.asked, Vec::<String>::new());
    // Without the policy all of it does: this test sees what it looks for.
    let policy = between(&text, "<meta http-equiv", ">");
    let open = forged.replacen(&format!("<meta http-equiv{policy}>"), "", 1);
    let seen = browser.opens(&written(&house, "open.html", &open), "");
    assert!(seen.dom.contains("<title>owned</title>"), "{}", seen.dom);
    assert!(seen.asked.iter().any(|address| address == LEAK), "{:?}", seen.asked);
}

#[test]
fn a_telephone_shows_it_all_without_scrolling_aside() {
    let house = hostile();
    let Some(browser) = Browser::find(house.world()) else { return };
    let text = page(&house, &[]);
    // Its own policy would forbid the lines that measure it.
    let policy = between(&text, "<meta http-equiv", ">");
    let measured = text.replacen(&format!("<meta http-equiv{policy}>"), "", 1).replacen(
        "</body>",
        "<script>for (const part of document.querySelectorAll('details')) part.open = true;\
         const wide = Array.from(document.querySelectorAll('.wide, figure, table'));\
         const cut = wide.filter((one) => one.scrollWidth > one.clientWidth).length;\
         parent.postMessage([document.documentElement.scrollWidth, wide.length, cut].join(' '), '*')</script></body>",
        1,
    );
    written(&house, "measured.html", &measured);
    for width in ["360", "390"] {
        let frame = format!(
            "<iframe width={width} height=800 style=border:0 src=measured.html></iframe><p id=said></p>\
             <script>addEventListener('message', (said) => {{ document.getElementById('said').textContent = said.data }})</script>"
        );
        let seen = browser.opens(&written(&house, "frame.html", &frame), "");
        assert_eq!(between(&seen.dom, "<p id=\"said\">", "</p>"), format!("{width} 25 0"));
    }
}

/// The names of everything that is drawn by reference, and of everything that can be.
fn drawn(page: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let names = |begin: &str| {
        let found = page.split(begin).skip(1);
        found.filter_map(|rest| rest.split('"').next()).collect::<BTreeSet<_>>()
    };
    let used = page.split("<use ").skip(1).map(|rest| between(rest, "href=\"#", "\""));
    (used.collect(), names("<symbol id=\""))
}

#[test]
fn every_mark_of_the_page_is_drawn_also_of_what_was_imported() {
    let house = hostile();
    house.git(["tag", "v1.0.0", "v1.3.0^{commit}"]);
    house.run(["history", "import", "--tags", "v1.0*"]).any_stdout().exit(0);
    let page = page(&house, &[]);
    let (used, symbols) = drawn(&page);
    assert!(used.is_subset(&symbols), "{used:?} of {symbols:?}");
    let marks = ["mark-imported", "mark-rolled-back", "mark-success"];
    assert_eq!(used, BTreeSet::from(marks));
    // The timeline, the legend, the table, and the part of its own.
    assert_eq!(page.matches("href=\"#mark-imported\"").count(), 4);
    let part = page.split("<article").skip(1).find(|part| part.contains("<h3>v1.0.0 "));
    assert!(part.is_some_and(|part| part.contains("<dt>Commit</dt>")), "{page}");
}
