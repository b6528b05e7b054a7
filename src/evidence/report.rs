//! A report that people answer: which of the draft's questions nobody has answered yet, and which of its facts somebody has
//! changed.

/// What stands where a person has to answer; the templates of reports hold it as it is.
pub const PROMPT: &str = "_to be answered_";

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The line of the report, from 1; none where the question itself is gone.
    pub line: Option<usize>,
    /// The heading that it stands under, where it stands there still.
    pub title: Option<String>,
    /// The question, or what is missing.
    pub what: String,
}

/// The questions of the draft that a report does not answer: the prompt still stands, its section is gone, or nothing
/// stands in it.
#[must_use]
pub fn unanswered(draft: &str, report: &str) -> Vec<Unanswered> {
    let lines: Vec<&str> = report.lines().collect();
    let mut found: Vec<Unanswered> = lines
        .iter()
        .zip(1..)
        .filter(|(line, _)| line.contains(PROMPT))
        .map(|(line, number)| {
            let above = lines[..number - 1].iter().rev().find(|line| level(line).is_some());
            let title = above.map(|heading| bare(heading).to_owned());
            Unanswered { line: Some(number), title, what: question(line).to_owned() }
        })
        .collect();
    for heading in asked(draft) {
        let title = bare(heading);
        let Some(place) = lines.iter().position(|line| line.trim_end() == heading) else {
            found.push(Unanswered {
                line: None,
                title: None,
                what: format!("the section `{title}` is gone"),
            });
            continue;
        };
        let below = |line: &&&str| level(line).is_none_or(|deeper| Some(deeper) > level(heading));
        let section = lines[place + 1..].iter().take_while(below);
        if section.into_iter().all(|line| line.trim().is_empty()) {
            let what = format!("nothing stands under `{title}`");
            found.push(Unanswered { line: Some(place + 1), title: None, what });
        }
    }
    found
}

/// What of the draft's facts stands otherwise in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// The line of the report, from 1; none where the section itself is gone.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

/// The first place where a report says something else than the facts of its draft: the sections in which nothing is asked.
/// Empty lines do not count.
#[must_use]
pub fn altered(draft: &str, report: &str) -> Option<Altered> {
    let said = sections(report);
    let asks = |section: &Section<'_>| section.lines.iter().any(|(_, line)| line.contains(PROMPT));
    sections(draft).into_iter().filter(|section| !asks(section)).find_map(|facts| {
        let mut same = said.iter().filter(|section| section.heading == facts.heading).peekable();
        if same.peek().is_none() {
            let title = bare(facts.heading);
            return Some(Altered { line: None, what: format!("the section `{title}` is gone") });
        }
        same.find_map(|section| facts.differs(section))
    })
}

/// A heading with what stands below it, up to the next one.
struct Section<'a> {
    heading: &'a str,
    /// The number of its line.
    place: usize,
    /// What stands there, with the numbers of the lines.
    lines: Vec<(usize, &'a str)>,
}

impl Section<'_> {
    /// The first line of another section of this heading that is not as here.
    fn differs(&self, other: &Self) -> Option<Altered> {
        let found = |line, what| Some(Altered { line: Some(line), what });
        for index in 0..self.lines.len().max(other.lines.len()) {
            match (self.lines.get(index), other.lines.get(index)) {
                (Some((_, fact)), Some((_, said))) if fact == said => {}
                (Some((_, fact)), Some((line, said))) => {
                    return found(*line, format!("`{said}` stands where the draft says `{fact}`"));
                }
                (Some((_, fact)), None) => return found(other.place, format!("`{fact}` is gone below it")),
                (None, Some((line, said))) => return found(*line, format!("`{said}` is not in the draft")),
                (None, None) => {}
            }
        }
        None
    }
}

/// The sections of a text; what stands before the first heading is none.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for (line, place) in text.lines().map(str::trim_end).zip(1..) {
        if level(line).is_some() {
            sections.push(Section { heading: line, place, lines: Vec::new() });
        } else if let Some(section) = sections.last_mut().filter(|_| !line.is_empty()) {
            section.lines.push((place, line));
        }
    }
    sections
}

/// How deep a heading is, 1 to 6; none for another line, such as one that begins with the number of an issue.
fn level(line: &str) -> Option<usize> {
    let depth = line.bytes().take_while(|byte| *byte == b'#').count();
    ((1..=6).contains(&depth) && line.as_bytes().get(depth) == Some(&b' ')).then_some(depth)
}

/// A heading without its marks.
fn bare(heading: &str) -> &str {
    heading.trim_start_matches('#').trim()
}

/// The headings of the draft under which something is asked, each once.
fn asked(draft: &str) -> Vec<&str> {
    let mut headings = Vec::new();
    let mut heading = None;
    for line in draft.lines() {
        if level(line).is_some() {
            heading = Some(line.trim_end());
        } else if line.contains(PROMPT) {
            headings.extend(heading.take());
        }
    }
    headings
}

fn question(line: &str) -> &str {
    let rest = line.split_once(PROMPT).map_or("", |(_, rest)| rest);
    let rest = rest.trim_start_matches(':').trim();
    if rest.is_empty() { "a question" } else { rest }
}

#[cfg(test)]
mod tests {
    use super::{altered, unanswered};

    const DRAFT: &str = "## Report\nfacts\n### What happened\n_to be answered_: what broke\n\n### Root cause\n_to be answered_: why\n_to be answered_: since when\n";

    fn told(report: &str) -> Vec<String> {
        unanswered(DRAFT, report)
            .into_iter()
            .map(|found| {
                let title = found.title.map_or_else(String::new, |title| format!("{title}: "));
                let line = found.line.map_or("-".to_owned(), |line| line.to_string());
                format!("{line}: {title}{}", found.what)
            })
            .collect()
    }

    #[test]
    fn the_draft_itself_answers_nothing() {
        assert_eq!(
            told(DRAFT),
            ["4: What happened: what broke", "7: Root cause: why", "8: Root cause: since when"]
        );
    }

    #[test]
    fn an_answer_is_words_in_the_section() {
        let answered =
            "## Report\r\n### What happened\r\nthe cart\r\n### Root cause\r\na typo\r\n### More\r\n";
        assert_eq!(told(answered), Vec::<String>::new());
        assert_eq!(
            told("### What happened\n \n### Root cause\nx\n"),
            ["1: nothing stands under `What happened`"]
        );
        assert_eq!(told("### Root cause\nx"), ["-: the section `What happened` is gone"]);
        assert_eq!(told("### What happened\nx\n### Root cause"), ["3: nothing stands under `Root cause`"]);
        assert_eq!(
            told("### What happened\nx _to be answered_\n### Root cause\ny"),
            ["2: What happened: a question"]
        );
    }

    #[test]
    fn the_facts_stay_as_they_were_drafted() {
        let draft =
            "## Report\n**Time**: ten\n\n### Timeline\n| a |\n| b |\n### Root cause\n_to be answered_: why\n";
        let told = |report: &str| {
            altered(draft, report).map_or("as drafted".to_owned(), |found| {
                format!("{}: {}", found.line.map_or("-".to_owned(), |line| line.to_string()), found.what)
            })
        };
        for (edit, into, said) in [
            ("", "", "as drafted"),
            ("_to be answered_: why", "a typo\n\n| a |", "as drafted"),
            ("\n| a |", "\n\n| a |  \n", "as drafted"),
            ("### Root cause", "### More\nwords\n### Root cause", "as drafted"),
            ("ten", "nine", "2: `**Time**: nine` stands where the draft says `**Time**: ten`"),
            ("| b |\n", "", "4: `| b |` is gone below it"),
            ("| b |\n", "| b |\n| c |\n", "7: `| c |` is not in the draft"),
            ("### Timeline", "### Time", "-: the section `Timeline` is gone"),
            (
                "### Root cause",
                "### Timeline\n| z |\n### Root cause",
                "8: `| z |` stands where the draft says `| a |`",
            ),
        ] {
            assert_eq!(told(&draft.replacen(edit, into, 1)), said, "{edit} {into}");
        }
    }

    #[test]
    fn an_empty_report_answers_nothing() {
        assert_eq!(told("").len(), 2);
        assert!(unanswered("no question", "").is_empty());
    }
}
