//! E-mail and web addresses.

use super::{
    Reading,
    lexer::{Kind, Token, View},
    numbers::digits,
};

/// What an address on the web ends in.
const ENDINGS: [&str; 30] = [
    "com", "org", "net", "gov", "edu", "mil", "io", "co", "us", "uk", "ca", "health", "care",
    "dental", "clinic", "doctor", "info", "biz", "app", "dev", "site", "online", "test", "example",
    "pdf", "doc", "docx", "jpg", "png", "html",
];

/// `john_smith@example.com`, `https://www.example.com/forms`, `example.org`.
pub(super) fn address(view: View<'_>) -> Reading {
    let end = end(view);
    let is_web = has_scheme(view) || is_mail(view, end) || is_host(view, end);
    if !is_web {
        return None;
    }
    let mut k = scheme(view);
    let mut words: Vec<String> = Vec::new();
    while k < end {
        let token = view.tok(k);
        words.push(match token.kind {
            Kind::Number => digits(token.text),
            Kind::Word if token.text.eq_ignore_ascii_case("www") => "W W W".to_owned(),
            Kind::Word => token.text.to_owned(),
            Kind::Symbol => symbol(token).to_owned(),
        });
        k += 1;
    }
    words.retain(|w| !w.is_empty());
    (!words.is_empty()).then(|| (end, words.join(" ")))
}

fn symbol(token: Token<'_>) -> &str {
    match token.symbol() {
        Some('.') => "dot",
        Some('@') => "at",
        Some('_') => "underscore",
        Some('/') => "slash",
        Some('+') => "plus",
        Some('~') => "tilde",
        Some('?') => "question mark",
        Some('=') => "equals",
        Some('&') => "and",
        Some('%') => "percent",
        Some('#') => "hash",
        Some(':') => "colon",
        _ if token.is_dash() => "dash",
        _ if token.is_apostrophe() => "apostrophe",
        _ => token.text,
    }
}

/// The token after the address: everything glued, without the marks that end a sentence.
fn end(view: View<'_>) -> usize {
    let mut end = 1;
    while view.glued(end).is_some_and(|t| {
        t.is_letter_or_digit()
            || t.is_dash()
            || matches!(
                t.symbol(),
                Some('.' | '@' | '_' | '/' | '+' | '~' | '?' | '=' | '&' | '%' | '#' | ':' | '\'')
            )
    }) {
        end += 1;
    }
    while end > 1 {
        let last = view.tok(end - 1);
        let closes = matches!(
            last.symbol(),
            Some('.' | ':' | '?' | '\'' | '&' | '=' | '-')
        );
        if !closes {
            break;
        }
        end -= 1;
    }
    end
}

/// How many tokens `https://` or `mailto:` takes.
fn scheme(view: View<'_>) -> usize {
    let colon = view.glued(1).is_some_and(|t| t.is(':'));
    let slashes =
        view.glued(2).is_some_and(|t| t.is('/')) && view.glued(3).is_some_and(|t| t.is('/'));
    match view.tok(0).text.to_ascii_lowercase().as_str() {
        "http" | "https" if colon && slashes => 4,
        "mailto" if colon => 2,
        _ => 0,
    }
}

fn has_scheme(view: View<'_>) -> bool {
    scheme(view) > 0
}

/// One `@` with something before it and a dot behind it.
fn is_mail(view: View<'_>, end: usize) -> bool {
    let Some(at) = (1..end).find(|k| view.tok(*k).is('@')) else {
        return false;
    };
    let begins = view.tok(0).is_letter_or_digit() || view.tok(0).is('_');
    let once = (at + 1..end).all(|k| !view.tok(k).is('@'));
    let dotted = (at + 2..end).any(|k| view.tok(k).is('.'));
    let plain = (0..at).all(|k| !view.tok(k).is(':'));
    begins && once && dotted && plain && view.tok(at + 1).is_letter_or_digit()
}

/// Labels with dots between them, the last of which is known, with or without a path.
fn is_host(view: View<'_>, end: usize) -> bool {
    let path = (0..end).find(|k| view.tok(*k).is('/')).unwrap_or(end);
    let letters = view.tok(0).kind == Kind::Word || view.tok(2).kind == Kind::Word;
    let plain = (0..path).all(|k| {
        let token = view.tok(k);
        token.is_letter_or_digit() || token.is_dash() || token.is('.') || token.is('_')
    });
    let host = view.tok(0).is_letter_or_digit() && plain && letters && path >= 3;
    host && view.tok(path - 2).is('.')
        && view.tok(path - 1).is_word(&ENDINGS)
        && (view.tok(path - 3).text.len() >= 2
            || view.tok(path - 1).is_word(&["com", "org", "net"]))
}
