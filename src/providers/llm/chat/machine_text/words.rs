//! Marks that are words.

use super::{
    End, Mode,
    find::{Look, Place, is_word, word},
    json,
    tags::{LONGEST_TOKEN, token_length},
};

/// Where models say that a tool lives, before a full stop and its name.
const PLACES: [&str; 5] = [
    "functions",
    "function",
    "tools",
    "multi_tool_use",
    "default_api",
];

/// Words of the harmony format in the order in which they stand; a server that takes the marks away leaves them in one.
const HARMONY: [&[&str]; 5] = [
    &["end", "return", "call"],
    &["start"],
    &["assistant"],
    &["channel"],
    &["analysis", "commentary", "final"],
];
const HARMONY_BODY: &str = "message";

/// Words that open a thought once its brackets are gone.
const THOUGHTS: [&str; 4] = ["think", "thinking", "reasoning", "thought"];

/// What ends a thought whose marks are gone.
const THOUGHT_ENDS: [End; 10] = [
    End::left("assistantfinal"),
    End::left("assistantcommentary"),
    End::left("assistantchannel"),
    End::left("channelfinal"),
    End::left("channelcommentary"),
    End::left("startassistant"),
    End::left("finalmessage"),
    End::left("<|start|>"),
    End::left("<|channel|>"),
    End::taken("<|end|>"),
];

pub(super) fn look(place: Place<'_>) -> Option<Look> {
    let word = word(place.text);
    let rest = &place.text[word.len()..];
    // A call must not be taken for its tool's mere name, so the longer marks come first.
    addressed(place, word, rest)
        .or_else(|| harmony(place, word, rest))
        .or_else(|| qualified(place, word, rest))
        .or_else(|| named(place, word, rest))
}

/// `to=functions.book {…}`, with or without a role before it.
fn addressed(place: Place<'_>, word: &str, rest: &str) -> Option<Look> {
    const TO: &str = "to=";
    if rest.is_empty() && !word.is_empty() && TO.starts_with(word) {
        return place.wait_or(None);
    }
    if word == "to" && rest.starts_with('=') {
        return recipient(place, &rest[1..]);
    }
    if !["assistant", "commentary", "analysis"].contains(&word) {
        return None;
    }
    let address = rest.trim_start();
    if address.starts_with(TO) && address.len() < rest.len() {
        return Some(Look::Cut(place.text.len() - address.len()));
    }
    if TO.starts_with(address) {
        return place.wait_or(None);
    }
    None
}

fn recipient(place: Place<'_>, text: &str) -> Option<Look> {
    let is_name = |c: char| is_word(c) || matches!(c, '.' | ':' | '/' | '-');
    let length = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let name = text[..length].trim_end_matches(['.', ':']);
    if length == text.len() && (!place.at_end || !name.is_empty()) {
        return place.wait_or(Some(Look::Cut(place.text.len())));
    }
    if name.is_empty() {
        return None;
    }
    let head = place.text.len() - text.len() + name.len();
    match call_tail(place, name, &text[name.len()..], Tail::Loose) {
        Ok(Some((length, calls))) => Some(Look::Calls(head + length, calls)),
        Ok(None) => Some(Look::Cut(head)),
        Err(wait) => Some(wait),
    }
}

/// Words of the harmony format without its marks.
fn harmony(place: Place<'_>, word: &str, rest: &str) -> Option<Look> {
    let run = Run::of(word);
    let is_whole = run.length == word.len();
    if rest.is_empty() && run.may_grow(word) {
        return place.wait_or(None);
    }
    let next = place.text[run.length..].chars().next();
    let runs_on = next.is_some_and(char::is_uppercase);
    let is_mark = match run.parts {
        0 => return thought(place, word),
        1 => place.is_start && run.channel.is_some() && runs_on,
        _ => true,
    };
    if !is_mark {
        return None;
    }
    if run.channel != Some("analysis") {
        return Some(Look::Cut(run.length));
    }
    // Some call a tool from their thoughts.
    let address = place.text[run.length..].trim_start();
    if is_whole && "to=".starts_with(address) && !place.at_end {
        return Some(Look::Wait);
    }
    if address.starts_with("to=") {
        return Some(Look::Cut(place.text.len() - address.len()));
    }
    Some(Look::Enter(
        run.length,
        Mode::Dropped(THOUGHT_ENDS.to_vec()),
    ))
}

/// `thinkThe caller …/think` at the beginning of a reply.
fn thought(place: Place<'_>, word: &str) -> Option<Look> {
    if !place.is_start {
        return None;
    }
    if word.len() == place.text.len() && THOUGHTS.iter().any(|mark| mark.starts_with(word)) {
        return place.wait_or(None);
    }
    let runs_on = |mark: &&&str| {
        let rest = word.strip_prefix(**mark);
        rest.is_some_and(|rest| rest.starts_with(char::is_uppercase))
    };
    let mark = THOUGHTS.iter().find(runs_on)?;
    let mut ends = THOUGHT_ENDS.to_vec();
    ends.push(End {
        text: format!("/{mark}").into(),
        is_taken: true,
    });
    Some(Look::Enter(mark.len(), Mode::Dropped(ends)))
}

/// How much of a word is words of the harmony format run together.
struct Run {
    length: usize,
    parts: u32,
    channel: Option<&'static str>,
}

impl Run {
    fn of(word: &str) -> Self {
        let mut run = Self {
            length: 0,
            parts: 0,
            channel: None,
        };
        for (place, kind) in HARMONY.iter().enumerate() {
            let rest = &word[run.length..];
            if let Some(part) = kind.iter().find(|part| rest.starts_with(**part)) {
                run.add(part);
                run.channel = run.channel.or((place == HARMONY.len() - 1).then_some(part));
            }
        }
        if run.parts > 0 && word[run.length..].starts_with(HARMONY_BODY) {
            run.add(HARMONY_BODY);
        }
        run
    }

    fn add(&mut self, part: &str) {
        self.length += part.len();
        self.parts += 1;
    }

    /// Whether the word may still become words run together, or more of them.
    fn may_grow(&self, word: &str) -> bool {
        let rest = &word[self.length..];
        let parts = HARMONY.into_iter().flatten().chain([&HARMONY_BODY]);
        parts
            .into_iter()
            .any(|part| part.starts_with(rest) && *part != rest)
    }
}

/// `functions.book(…)`.
fn qualified(place: Place<'_>, word: &str, rest: &str) -> Option<Look> {
    if rest.is_empty() && PLACES.iter().any(|place| place.starts_with(word)) {
        return place.wait_or(None);
    }
    if !PLACES.contains(&word) {
        return None;
    }
    let rest = rest.strip_prefix('.')?;
    let name = self::word(rest);
    if name.len() == rest.len() && (name.is_empty() || !place.at_end) {
        return place.wait_or(None);
    }
    let head = place.text.len() - rest.len() + name.len();
    let is_tool = place.names.resolve(name).is_some() || name == "parallel";
    match call_tail(place, name, &rest[name.len()..], Tail::Loose) {
        Ok(Some((length, calls))) => Some(Look::Calls(head + length, calls)),
        Ok(None) if is_tool || name.contains('_') => Some(Look::Cut(head)),
        Ok(None) => None,
        Err(_) if !is_tool && !name.contains('_') && name.starts_with(char::is_uppercase) => None,
        Err(wait) => Some(wait),
    }
}

/// A tool's name: a call, if its arguments follow, else the words of which it is made.
fn named(place: Place<'_>, word: &str, rest: &str) -> Option<Look> {
    if rest.is_empty() && place.names.iter().any(|name| name.starts_with(word)) {
        let whole = place
            .names
            .iter()
            .any(|name| name == word && name.contains('_'));
        return place.wait_or(whole.then(|| mention(word)));
    }
    let name = place.names.iter().find(|name| *name == word)?;
    let is_word_of_ours = name.contains('_');
    let tail = if is_word_of_ours {
        Tail::Loose
    } else {
        Tail::Close
    };
    match call_tail(place, name, rest, tail) {
        Ok(Some((length, calls))) if !calls.is_empty() || is_word_of_ours => {
            Some(Look::Calls(word.len() + length, calls))
        }
        Ok(_) => is_word_of_ours.then(|| mention(word)),
        Err(wait) => Some(wait),
    }
}

fn mention(name: &str) -> Look {
    Look::Say(name.len(), name.replace('_', " "))
}

/// What may stand between a name and its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nothing: the name is a word that people say.
    Close,
    /// Space, marks, the name of a format.
    Loose,
}

type Calls = Vec<super::TextCall>;

/// The arguments that follow a name, and how long they are; none if none follow.
///
/// # Errors
/// To wait, while that cannot be told.
fn call_tail(
    place: Place<'_>,
    name: &str,
    text: &str,
    tail: Tail,
) -> Result<Option<(usize, Calls)>, Look> {
    let Some(start) = arguments_start(place, text, tail)? else {
        return Ok(None);
    };
    let Some(length) = json::balanced(&text[start..]) else {
        return if place.at_end && tail == Tail::Loose {
            Ok(Some((text.len(), Vec::new())))
        } else if place.at_end {
            Ok(None)
        } else {
            Err(Look::Wait)
        };
    };
    let given = &text[start..start + length];
    let inside = given
        .strip_prefix('(')
        .and_then(|g| g.strip_suffix(')'))
        .unwrap_or(given);
    let end = start + length;
    let calls = super::text_calls::under(name, inside, place.names);
    Ok(Some((end + stripped_call(place, &text[end..])?, calls)))
}

/// The word that is left of the mark behind a call.
fn stripped_call(place: Place<'_>, after: &str) -> Result<usize, Look> {
    const MARK: &str = "call";
    let word = word(after);
    if word == MARK && after.len() > word.len() || place.at_end && after == MARK {
        return Ok(MARK.len());
    }
    let may_be = MARK.starts_with(after) && !place.at_end;
    if may_be { Err(Look::Wait) } else { Ok(0) }
}

fn arguments_start(place: Place<'_>, text: &str, tail: Tail) -> Result<Option<usize>, Look> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            return if place.at_end {
                Ok(None)
            } else {
                Err(Look::Wait)
            };
        };
        let skipped = match first {
            '{' | '(' if at == 0 || first == '{' => return Ok(Some(at)),
            '[' if rest.starts_with("[ARGS]") => "[ARGS]".len(),
            '[' if "[ARGS]".starts_with(rest) && !place.at_end => return Err(Look::Wait),
            _ if tail == Tail::Close => return Ok(None),
            ':' => 1,
            c if c.is_whitespace() => c.len_utf8(),
            '<' => token_length(rest).unwrap_or(0),
            c if c.is_ascii_digit() && text[..at].ends_with(':') => 1,
            _ => ["json", "code"]
                .iter()
                .find(|f| word(rest) == **f)
                .map_or(0, |f| f.len()),
        };
        let grows = |mark: &str| mark.starts_with(rest) && !place.at_end;
        if skipped == 0
            && (["json", "code", "<|"].into_iter().any(grows)
                || rest.starts_with("<|") && rest.len() <= LONGEST_TOKEN && !place.at_end)
        {
            return Err(Look::Wait);
        }
        if skipped == 0 {
            return Ok(None);
        }
        at += skipped;
    }
}
