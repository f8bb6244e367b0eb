//! Takes mark-up and pictures out of text.

/// The text of a sentence without Markdown and emoji, with single spaces.
pub(super) fn clean(raw: &str) -> String {
    let line = strip_list_marker(raw.trim());
    let text = strip_links(line);
    let kept: String = text
        .chars()
        .filter(|c| !is_markup(*c) && !is_picture(*c))
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `- x`, `* x`, `+ x`, `1. x`, `2) x`, `# x`.
fn strip_list_marker(line: &str) -> &str {
    let Some((marker, rest)) = line.split_once(' ') else {
        return line;
    };
    let number = marker
        .strip_suffix(['.', ')'])
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let bullet = matches!(marker, "-" | "*" | "+" | "•")
        || (!marker.is_empty() && marker.bytes().all(|b| b == b'#'));
    if number || bullet { rest } else { line }
}

/// `[text](address)` becomes `text`.
fn strip_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, label, after)) = next_link(rest) {
        out.push_str(before);
        out.push_str(label);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let middle = text.find("](")?;
    let start = text[..middle].rfind('[')?;
    let end = middle + text[middle..].find(')')?;
    Some((&text[..start], &text[start + 1..middle], &text[end + 1..]))
}

fn is_markup(c: char) -> bool {
    matches!(c, '*' | '_' | '`' | '~' | '#' | '|' | '<' | '>')
}

fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2190..=0x21FF | 0x2B00..=0x2BFF | 0xFE0F | 0x200D | 0x20E3)
}
