//! Foreign text on its way to a terminal, a page or a CI log: one line, nothing invisible, no shape of its own.
#![no_main]

use deployctl::render::text;
use libfuzzer_sys::fuzz_target;

fn calm(shown: &str) {
    let unsafe_here = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    assert!(!shown.chars().any(unsafe_here), "{shown:?}");
}

/// What a line of a page must not begin with, when it is text.
const SHAPES: [&str; 9] = ["#", "- ", "* ", "+ ", ">", "```", "~~~", "|", "---"];

fuzz_target!(|data: &[u8]| {
    let Some((columns, data)) = data.split_first() else { return };
    let foreign = text::bytes(data);
    let columns = usize::from(*columns).max(20);

    let line = text::line(&foreign, columns);
    calm(&line);
    let whole = text::line(&foreign, usize::MAX);
    calm(&whole);
    assert_eq!(whole.is_empty(), foreign.is_empty());

    for page in [text::markdown(&foreign, columns), text::markdown(&foreign, usize::MAX)] {
        calm(&page);
        assert!(!SHAPES.iter().any(|shape| page.starts_with(shape)), "{page:?}");
        let bare = page.replace("\\<", "");
        assert!(!page.starts_with(' ') && !bare.contains("<!--"), "{page:?}");
    }
    calm(&text::markdown_code(&foreign));

    let html = text::html(&foreign);
    calm(&html);
    assert!(!html.contains(['<', '>', '"', '\'']), "{html:?}");

    for line in text::workflow_command(&foreign).split('\n') {
        calm(line);
        assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{line:?}");
    }
    calm(&text::annotation_data(&foreign));
    let property = text::annotation_property(&foreign);
    assert!(!property.contains([':', ',', '\n']), "{property:?}");
});
