//! Numbers and names inside sentences.

use super::line;

/// The widest name in a [`list`], in columns: longer ones end with the number of characters left out.
const NAME_COLUMNS: usize = 80;

/// As long as a name may be, in characters.
const NAME_MAX: usize = 64;

/// Who somebody says to be, not cleaned: what is longer than a name may be ends with the number of characters left out.
#[must_use]
pub fn name(text: &str) -> String {
    match text.char_indices().nth(NAME_MAX) {
        None => text.to_owned(),
        Some((end, _)) => {
            format!("{}…(+{})", &text[..end], thousands(text[end..].chars().count()))
        }
    }
}

/// A number with its noun: `1 commit`, `2 commits`, `9,804 dependencies`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let number_text = thousands(number);
    if number == 1 {
        return format!("{number_text} {noun}");
    }
    let before_y = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| noun.ends_with(end));
    match before_y {
        _ if noun == "person" => format!("{number_text} people"),
        Some(stem) => format!("{number_text} {stem}ies"),
        None if hisses => format!("{number_text} {noun}es"),
        None => format!("{number_text} {noun}s"),
    }
}

/// A number with a comma after every third digit from the right: `9,804`.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Names in backticks, cleaned, as a sentence has them: `` `a`, `b` and `c` ``. No names give an empty text.
#[must_use]
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<String> =
        names.iter().map(|name| format!("`{}`", line(name.as_ref(), NAME_COLUMNS))).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// The text with its first letter as a capital and the rest as it was: `production` becomes `Production`.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
