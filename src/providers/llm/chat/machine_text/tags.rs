//! Marks in angle and square brackets.

use super::{
    End, MESSAGE_ENDS, Mode,
    find::{Look, Place, is_word, word},
    json,
};

/// Around what a model thinks.
const THOUGHTS: [&str; 11] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "scratchpad",
    "analysis",
    "inner_monologue",
    "reason",
    "plan",
];

/// Around a call.
const CALLS: [&str; 12] = [
    "tool_call",
    "tool_calls",
    "toolcall",
    "function_call",
    "function_calls",
    "functioncall",
    "tool_code",
    "tool_use",
    "tools",
    "invoke",
    "function",
    "use_tool",
];

/// Around what a model believes that a tool answered.
const RESULTS: [&str; 9] = [
    "tool_response",
    "tool_result",
    "tool_results",
    "tool_output",
    "function_result",
    "function_results",
    "function_response",
    "observation",
    "parameter",
];

/// Around what is said.
const MARKUP: [&str; 39] = [
    "answer",
    "final_answer",
    "final",
    "response",
    "output",
    "message",
    "reply",
    "assistant",
    "user",
    "system",
    "s",
    "speak",
    "break",
    "prosody",
    "emphasis",
    "say-as",
    "phoneme",
    "voice",
    "audio",
    "sub",
    "b",
    "i",
    "u",
    "em",
    "strong",
    "br",
    "p",
    "span",
    "div",
    "ul",
    "ol",
    "li",
    "code",
    "pre",
    "a",
    "start_of_turn",
    "end_of_turn",
    "eos",
    "bos",
];

/// Marks of other formats, and what they open.
const BRACKETS: [(&str, Option<&str>); 12] = [
    ("[TOOL_CALLS]", None),
    ("[TOOL_CALL]", None),
    ("[/TOOL_CALL]", None),
    ("[/TOOL_CALLS]", None),
    ("[TOOL_REQUEST]", None),
    ("[END_TOOL_REQUEST]", None),
    ("[ARGS]", None),
    ("[INST]", None),
    ("[/INST]", None),
    ("[TOOL_RESULTS]", Some("[/tool_results]")),
    ("[AVAILABLE_TOOLS]", Some("[/available_tools]")),
    ("[THINK]", Some("[/think]")),
];

/// A mark of a model's own format is a few words.
pub(super) const LONGEST_TOKEN: usize = 64;
/// So is a tag with its attributes.
const LONGEST_TAG: usize = 512;

pub(super) fn look(place: Place<'_>) -> Option<Look> {
    if place.text.starts_with('◁') {
        return white(place);
    }
    let inside = &place.text[1..];
    match inside.chars().next() {
        None => place.wait_or(None),
        Some('|' | '｜') => token(place),
        Some('/') if inside.len() == 1 => place.wait_or(None),
        Some('/') => tag(place, &inside[1..], true),
        Some(c) if c.is_ascii_alphabetic() => tag(place, inside, false),
        Some(_) => None,
    }
}

/// `◁think▷` and `◁/think▷`.
fn white(place: Place<'_>) -> Option<Look> {
    const OPEN: &str = "◁think▷";
    const CLOSE: &str = "◁/think▷";
    if place.text.starts_with(OPEN) {
        let mode = Mode::Dropped(vec![End::taken(CLOSE)]);
        return Some(Look::Enter(OPEN.len(), mode));
    }
    if place.text.starts_with(CLOSE) {
        return Some(Look::Cut(CLOSE.len()));
    }
    let may_be = OPEN.starts_with(place.text) || CLOSE.starts_with(place.text);
    if may_be { place.wait_or(None) } else { None }
}

/// `<|name|>`, with either kind of bar.
fn token(place: Place<'_>) -> Option<Look> {
    let Some(length) = token_length(place.text) else {
        let may_end = place.text.len() <= LONGEST_TOKEN && !place.text.contains('\n');
        let cut = Some(Look::Cut(place.text.len()));
        return if may_end { place.wait_or(cut) } else { None };
    };
    let token = &place.text[..length];
    let name = token.trim_matches(['<', '>', '|', '｜']);
    let look = match name {
        "start" | "channel" => Look::Enter(length, Mode::Header),
        // Some servers take the head away and leave this.
        "message" | "end" | "return" | "call" | "constrain" => Look::Cut(length),
        _ if name.contains("tool") && name.contains("begin") => {
            Look::Enter(length, Mode::Call(call_ends(name), None))
        }
        "think" | "thinking" => Look::Enter(length, Mode::Dropped(MESSAGE_ENDS.to_vec())),
        _ => Look::Cut(length),
    };
    Some(look)
}

/// The end of all calls, if the mark begins all; of one, if it begins one.
fn call_ends(name: &str) -> Vec<End> {
    let bar = |text: String| End {
        text: text.into(),
        is_taken: true,
    };
    let end = name.replace("begin", "end");
    vec![bar(format!("<|{end}|>")), bar(format!("<｜{end}｜>"))]
}

/// How long the mark at the beginning is, if it is one and ends.
pub(super) fn token_length(text: &str) -> Option<usize> {
    if !text.starts_with("<|") && !text.starts_with("<｜") {
        return None;
    }
    let end = text.find('>')?;
    let is_closed = text[..end].ends_with(['|', '｜']);
    (is_closed && end > 3 && end <= LONGEST_TOKEN).then_some(end + 1)
}

fn tag(place: Place<'_>, inside: &str, is_closing: bool) -> Option<Look> {
    let written = tag_name(inside);
    let bare = written.strip_prefix("antml:").unwrap_or(written);
    let name = bare.to_ascii_lowercase();
    let is_known = |kind: &[&str]| kind.contains(&name.as_str());
    let is_tool = place.names.iter().any(|tool| tool == bare);
    let known = is_tool
        || [&THOUGHTS[..], &CALLS, &RESULTS, &MARKUP]
            .iter()
            .any(|kind| is_known(kind));
    let rest = &inside[written.len()..];
    if rest.is_empty() && may_grow(place, &name, written) {
        // What breaks off inside such a tag was none of it meant to be said; a short word may be.
        let is_sure = written.len() > 2;
        return place.wait_or(is_sure.then_some(Look::Cut(place.text.len())));
    }
    if !known || !rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '=')) {
        return None;
    }
    let is_markup = is_known(&MARKUP) && !is_tool;
    if !may_be_attributes(rest) {
        return None;
    }
    let Some(close) = rest.find('>') else {
        let may_end = rest.len() <= LONGEST_TAG && !rest[1..].contains('<');
        let cut = (!is_markup).then_some(Look::Cut(place.text.len()));
        return if may_end { place.wait_or(cut) } else { None };
    };
    let length = place.text.len() - rest.len() + close + 1;
    let is_empty = rest[..close].ends_with('/');
    Some(if is_closing || is_empty {
        closed(place, &name, length)
    } else if is_known(&THOUGHTS) || is_known(&RESULTS) {
        Look::Enter(
            length,
            Mode::Dropped(vec![End::tag(&written.to_ascii_lowercase())]),
        )
    } else if is_known(&CALLS) || is_tool {
        // The tag itself may hold the name: it is read again with what stands in it.
        let end = End::tag(&written.to_ascii_lowercase());
        call_with_head(place, length, end)
    } else {
        Look::Markup(length)
    })
}

/// Whether what follows a tag's name is its end, or a name with a value: `<a and` is speech.
fn may_be_attributes(rest: &str) -> bool {
    let head = rest.split('>').next().unwrap_or(rest);
    let after = head.trim_start();
    if after.is_empty() || after.starts_with(['/', '=']) {
        return true;
    }
    let name = after.find(|c: char| !is_word(c) && c != '-' && c != ':');
    // A name that is not over may get its value, unless the tag is over.
    name.map_or(head.len() == rest.len(), |end| {
        after[end..].starts_with('=')
    })
}

fn closed(place: Place<'_>, name: &str, length: usize) -> Look {
    let parts = ["br", "p", "div", "li", "break"].contains(&name) || !MARKUP.contains(&name);
    if parts && !place.is_start {
        Look::Cut(length)
    } else {
        Look::Markup(length)
    }
}

/// A call in tags, read as a whole.
fn call_with_head(place: Place<'_>, head: usize, end: End) -> Look {
    let lower = place.text[head..].to_ascii_lowercase();
    let (inner, length) = match lower.find(&*end.text) {
        Some(at) => (at, at + end.text.len()),
        None if place.at_end => (lower.len(), lower.len()),
        None => return Look::Wait,
    };
    let calls = super::text_calls::in_body(&place.text[..head + inner], place.names);
    Look::Calls(head + length, calls)
}

fn tag_name(inside: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
    &inside[..end]
}

/// Whether more letters may make a known name of it, or it is one whose tag is not over.
fn may_grow(place: Place<'_>, name: &str, written: &str) -> bool {
    let kinds = [&THOUGHTS[..], &CALLS, &RESULTS, &MARKUP];
    let known = kinds.into_iter().flatten().any(|tag| tag.starts_with(name));
    known || "antml:".starts_with(name) || place.names.iter().any(|tool| tool.starts_with(written))
}

pub(super) fn bracket(place: Place<'_>) -> Option<Look> {
    for (mark, end) in BRACKETS {
        if let Some(rest) = place.text.strip_prefix(mark) {
            return match end {
                Some(end) => {
                    let mode = Mode::Dropped(vec![End::taken(end)]);
                    Some(Look::Enter(mark.len(), mode))
                }
                None => unknown_call(place, mark, rest),
            };
        }
    }
    if place.text.starts_with("[/THINK]") {
        return Some(Look::Cut("[/THINK]".len()));
    }
    let marks = BRACKETS.iter().map(|(mark, _)| *mark).chain(["[/THINK]"]);
    if marks.into_iter().any(|mark| mark.starts_with(place.text)) {
        return place.wait_or(None);
    }
    let inside = place.text[1..].trim_start();
    match inside.strip_prefix('{').map(str::trim_start) {
        None if inside.is_empty() => place.wait_or(None),
        Some("") => place.wait_or(None),
        Some(fields) if fields.starts_with(['"', '\'']) => Some(json::whole(place)),
        _ => None,
    }
}

/// After the mark of a call may come a name that is no tool's; it is not said, either.
fn unknown_call(place: Place<'_>, mark: &str, rest: &str) -> Option<Look> {
    let name = word(rest);
    let cut = Look::Cut(mark.len());
    if rest.is_empty() {
        return place.wait_or(Some(cut));
    }
    if name.is_empty() || mark.starts_with("[/") || !mark.contains("CALL") {
        return Some(cut);
    }
    let after = &rest[name.len()..];
    if after.is_empty() {
        return place.wait_or(Some(Look::Cut(place.text.len())));
    }
    let is_head = after.starts_with(['{', '[', '(']) && name.chars().all(is_word);
    let is_tool = place.names.resolve(name).is_some();
    Some(if is_head && !is_tool {
        Look::Cut(mark.len() + name.len())
    } else {
        cut
    })
}
