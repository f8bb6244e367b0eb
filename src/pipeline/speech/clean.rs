//! Takes mark-up, pictures and control characters out of text; and out of speech what a synthesiser would obey.

use super::emphasis;

/// Where a piece of text stands: mark-up of lists and heads is only at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The text begins: a list begins with 1.
    Start,
    /// A line begins, or an entry of a list.
    Line,
    /// Within a line.
    Within,
}

/// Names of HTML and SSML. Other words between angle brackets are text.
const TAGS: [&str; 36] = [
    "a", "b", "i", "u", "s", "p", "q", "br", "hr", "em", "li", "ol", "ul", "td", "th", "tr", "h1",
    "h2", "h3", "div", "sub", "sup", "pre", "code", "span", "small", "strong", "table", "speak",
    "break", "voice", "prosody", "phoneme", "emphasis", "say-as", "lexicon",
];

/// The text of a sentence without mark-up and pictures, with single spaces.
pub(super) fn clean(raw: &str, place: Place) -> String {
    let line = keycap_marker(raw.trim(), place);
    let visible: String = line.chars().filter_map(visible).collect();
    let text = strip_cells(visible.trim());
    let text = strip_tags(&strip_links(&text));
    let text = unescape(&emphasis::strip(&text));
    let text = match place {
        Place::Within if text.trim().starts_with("##") => text.trim().trim_start_matches('#'),
        Place::Within => text.as_str(),
        _ => strip_line_marker(text.trim(), place),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Entities of HTML, and what they stand for.
const ENTITIES: [(&str, &str); 7] = [
    ("&nbsp;", " "),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&apos;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&amp;", "&"),
];

/// `john\_smith`, `1\.`, `&amp;`: characters that were kept from being mark-up.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escapes = c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation);
        if !escapes {
            out.push(c);
        } else if let Some(next) = chars.next() {
            out.push(next);
        }
    }
    if out.contains('&') {
        for (entity, character) in ENTITIES {
            out = out.replace(entity, character);
        }
    }
    out
}

/// The character as it is kept: white space as a space, nothing for what has no shape or is a picture.
fn visible(c: char) -> Option<char> {
    let shapeless = c.is_control()
        || matches!(u32::from(c), 0xAD | 0x61C | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xFFF0..=0xFFFD | 0xE0000..=0xE0FFF);
    if c.is_whitespace() {
        return Some(' ');
    }
    (!shapeless && !is_picture(c)).then_some(c)
}

fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x2300..=0x23FF
        | 0x25A0..=0x25FF | 0x2139 | 0x2194..=0x2199 | 0x21A9 | 0x21AA | 0x20E3 | 0x3030 | 0x303D | 0x3297 | 0x3299)
        && !matches!(c, '➔' | '➜' | '●' | '◦' | '▪' | '✕')
}

/// `1️⃣ Monday`: the number of a list's entry.
fn keycap_marker(line: &str, place: Place) -> &str {
    if place == Place::Within {
        return line;
    }
    match line.split_once('\u{20E3}') {
        Some((mark, rest)) if is_keycap(mark) && rest.starts_with(' ') => rest,
        _ => line,
    }
}

fn is_keycap(mark: &str) -> bool {
    let mark = mark.strip_suffix('\u{FE0F}').unwrap_or(mark);
    mark.len() == 1 && mark.bytes().all(|b| b.is_ascii_digit())
}

/// `- x`, `* x`, `+ x`, `1. x`, `2) x`, `(3) x`, `# x`, `> x`.
fn strip_line_marker(line: &str, place: Place) -> &str {
    let Some((marker, rest)) = line.split_once(' ') else {
        return line;
    };
    let number = marker
        .strip_suffix(['.', ')'])
        .map(|n| n.strip_prefix('(').unwrap_or(n))
        .is_some_and(|n| is_entry(n, place));
    let head = (1..=6).contains(&marker.len()) && marker.bytes().all(|b| b == b'#');
    let bullet = matches!(
        marker,
        "-" | "*" | "+" | "•" | "–" | "●" | "◦" | "▪" | "·" | ">"
    ) || head;
    let means = rest.chars().any(char::is_alphanumeric);
    if (number || bullet) && means && !is_key(marker, rest) {
        rest.trim_start()
    } else {
        line
    }
}

/// Whether the digits number an entry of a list.
fn is_entry(number: &str, place: Place) -> bool {
    let digits = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    digits && (place == Place::Line || number == "1")
}

/// `* to start again`, `> 5`, `+ 5`: a key or a comparison.
fn is_key(marker: &str, rest: &str) -> bool {
    let lower = rest.starts_with(char::is_lowercase);
    let key = matches!(marker, "*" | "#") && lower && {
        let first = rest.split(' ').next().unwrap_or_default();
        matches!(
            first,
            "to" | "when" | "for" | "if" | "is" | "and" | "or" | "key" | "at" | "of"
        )
    };
    let sum = matches!(marker, ">" | "+" | "-") && rest.starts_with(|c: char| c.is_ascii_digit());
    key || (sum && marker != "-")
}

/// A row of a table: its cells with commas between.
fn strip_cells(line: &str) -> String {
    match line.strip_prefix('|').and_then(|l| l.strip_suffix('|')) {
        Some(row) => {
            let cells = row.split('|').map(str::trim).filter(|c| !c.is_empty());
            cells.collect::<Vec<_>>().join(", ")
        }
        None => line.to_owned(),
    }
}

/// `[text](address)` becomes `text`, `<https://x.test>` its address.
fn strip_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, label, after)) = next_link(rest) {
        out.push_str(before.strip_suffix('!').unwrap_or(before));
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

/// Takes known tags out; of `<https://x.test>` only the brackets.
fn strip_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = from.find('>') else {
            rest = from;
            break;
        };
        let inner = &from[1..end];
        if inner.starts_with("http") {
            out.push_str(inner);
        } else if !is_tag(inner) {
            out.push('<');
            rest = &from[1..];
            continue;
        } else if inner.starts_with("br") {
            out.push(' ');
        }
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    out
}

fn is_tag(inner: &str) -> bool {
    let name = inner.trim_start_matches('/').trim_end_matches('/');
    let name = name.split(' ').next().unwrap_or_default();
    TAGS.iter().any(|t| t.eq_ignore_ascii_case(name))
}

/// The text with each pronunciation order for the vendor, `{"word": "x", "pronounce": "y"}`, as its word. Other braces
/// get no sound later on.
pub(super) fn without_orders(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = from.find('}').map_or(from.len(), |i| i + 1);
        match word_of_order(&from[..end]) {
            Some(word) => {
                out.push_str(word);
                rest = &from[end..];
            }
            None => {
                out.push('{');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn word_of_order(order: &str) -> Option<&str> {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '“' | '”');
    order.contains("pronounce").then_some(())?;
    let at = order.find("word")? + "word".len();
    let value = order[at..].trim_start_matches(|c: char| is_quote(c) || c == ' ' || c == ':');
    let end = value.find(|c: char| is_quote(c) || matches!(c, ',' | '}'))?;
    Some(value[..end].trim())
}

/// Speech without any character that a vendor could take for the beginning of an order, wherever it came from.
pub(super) fn harmless(mut spoken: String) -> String {
    spoken.retain(|c| !c.is_control() && !matches!(c, '{' | '}' | '[' | ']' | '\\' | '`'));
    spoken
}
