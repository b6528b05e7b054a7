//! Commit messages as projects write them: two thirds follow a convention, half have a body, few break something.

use super::dice::Dice;

/// People who commit, with their addresses.
pub const PEOPLE: [(&str, &str); 12] = [
    ("Ada Marsh", "ada@example.org"),
    ("Bao Nguyễn", "bao@example.org"),
    ("Chidi Okafor", "chidi@example.org"),
    ("Dörte Krüger", "doerte@example.org"),
    ("Elena Petrova", "elena@example.org"),
    ("Farid Rahmani", "farid@example.org"),
    ("Grace Lin", "grace@example.org"),
    ("Hugo Sánchez", "hugo@example.org"),
    ("Ines Moreau", "ines@example.org"),
    ("Jun Tanaka", "jun@example.org"),
    ("Karol Wójcik", "karol@example.org"),
    ("update-bot[bot]", "bot@example.org"),
];

/// Parts of the product.
pub const AREAS: [&str; 12] = [
    "accounts", "billing", "cart", "catalog", "checkout", "delivery", "gateway", "invoices", "mailer",
    "search", "stock", "tickets",
];

const KINDS: [&str; 12] =
    ["feat", "feat", "fix", "fix", "fix", "chore", "docs", "refactor", "test", "perf", "ci", "build"];
const VERBS: [&str; 14] = [
    "add", "allow", "avoid", "cache", "check", "drop", "handle", "keep", "limit", "move", "rename", "retry",
    "show", "split",
];
const THINGS: [&str; 20] = [
    "the totals",
    "empty orders",
    "stale sessions",
    "the `id` column",
    "rounding of taxes",
    "late webhooks",
    "user_name lookups",
    "the price list",
    "duplicate mails",
    "timeouts of the queue",
    "currency codes",
    "page sizes",
    "refund reasons",
    "the audit trail",
    "stock levels",
    "coupon <codes>",
    "open tickets",
    "address lines",
    "broken links",
    "the nightly import",
];
const ENDS: [&str; 10] = [
    "",
    "",
    "",
    " in the worker",
    " when nothing is found",
    " before the retry",
    " for guests",
    " behind a flag",
    " after midnight",
    " on slow networks",
];

/// One or a few words of prose.
pub fn thing(dice: &mut Dice) -> &'static str {
    dice.one(&THINGS)
}

/// A whole message.
pub fn message(dice: &mut Dice, number: usize) -> String {
    let what = format!("{} {}{}", dice.one(&VERBS), dice.one(&THINGS), dice.one(&ENDS));
    let reference = if dice.in_every(3) { format!(" (#{})", number % 9_000 + 1) } else { String::new() };
    let mut text = if dice.below(100) < 62 {
        let scope = if dice.in_every(2) { format!("({})", dice.one(&AREAS)) } else { String::new() };
        let mark = if dice.in_every(120) { "!" } else { "" };
        format!("{}{scope}{mark}: {what}{reference}\n", dice.one(&KINDS))
    } else if dice.in_every(40) {
        format!("Revert \"{what}\"\n\nThis reverts commit {:040x}.\n", u128::from(dice.next()))
    } else {
        format!("{}{}{reference}\n", what[..1].to_uppercase(), &what[1..])
    };
    if dice.in_every(2) {
        body(dice, &mut text);
    }
    if dice.in_every(250) {
        text.push_str(&format!("\nBREAKING CHANGE: {} are gone\n", dice.one(&THINGS)));
    }
    text
}

fn body(dice: &mut Dice, text: &mut String) {
    for _ in 0..1 + dice.below(3) {
        text.push('\n');
        for _ in 0..1 + dice.below(4) {
            let words = (0..3 + dice.below(3)).map(|_| dice.one(&THINGS)).collect::<Vec<_>>().join(", ");
            text.push_str(&format!("{} {words}\n", dice.one(&VERBS)));
        }
    }
    if dice.in_every(3) {
        let (name, address) = dice.one(&PEOPLE);
        text.push_str(&format!("\nSigned-off-by: {name} <{address}>\n"));
    }
}
