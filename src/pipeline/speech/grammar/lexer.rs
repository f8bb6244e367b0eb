//! Tokens: runs of digits, runs of letters, and single symbols; and a view on them for the recognisers.

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ASCII digits.
    Number,
    /// Letters, with apostrophes between them.
    Word,
    /// One character that is neither.
    Symbol,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// White space stands before it.
    pub(super) spaced: bool,
}

impl<'a> Token<'a> {
    /// Stands for what is before the first and behind the last token.
    const END: Self = Token {
        kind: Kind::Symbol,
        text: "",
        spaced: true,
    };

    pub(super) fn is_end(self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn is(self, symbol: char) -> bool {
        self.symbol() == Some(symbol)
    }

    pub(super) fn symbol(self) -> Option<char> {
        self.text
            .chars()
            .next()
            .filter(|_| self.kind == Kind::Symbol)
    }

    pub(super) fn digits(self) -> Option<&'a str> {
        (self.kind == Kind::Number).then_some(self.text)
    }

    /// Digits as a number, if they are not many.
    pub(super) fn value(self) -> Option<u32> {
        self.digits()?.parse().ok()
    }

    /// As [`Self::value`], of at most `longest` digits.
    pub(super) fn short_value(self, longest: usize) -> Option<u32> {
        self.value().filter(|_| self.text.len() <= longest)
    }

    pub(super) fn word(self) -> Option<&'a str> {
        (self.kind == Kind::Word).then_some(self.text)
    }

    /// Whether it is one of these words, whatever its case.
    pub(super) fn is_word(self, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.iter().any(|w| w.eq_ignore_ascii_case(self.text))
    }

    /// A hyphen, minus, or dash of any length but the longest, which parts sentences.
    pub(super) fn is_dash(self) -> bool {
        matches!(
            self.symbol(),
            Some('-' | '\u{2010}'..='\u{2013}' | '\u{2212}')
        )
    }

    pub(super) fn is_apostrophe(self) -> bool {
        matches!(self.symbol(), Some('\'' | '\u{2019}' | '\u{2032}'))
    }

    pub(super) fn is_quote(self) -> bool {
        matches!(self.symbol(), Some('"' | '\u{201D}' | '\u{2033}'))
    }

    /// A word that begins with a capital.
    pub(super) fn is_name(self) -> bool {
        self.kind == Kind::Word && self.text.starts_with(char::is_uppercase)
    }

    pub(super) fn is_capitals(self) -> bool {
        self.kind == Kind::Word && self.text.bytes().all(|b| b.is_ascii_uppercase())
    }

    pub(super) fn is_letter_or_digit(self) -> bool {
        self.kind != Kind::Symbol
    }
}

/// Cuts a text into tokens; put together with their spaces they are the text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut spaced = false;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            spaced = true;
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (kind, len) = token(rest, first);
        let (piece, after) = rest.split_at(len);
        found.push(Token {
            kind,
            text: piece,
            spaced,
        });
        rest = after;
        spaced = false;
    }
    found
}

fn token(rest: &str, first: char) -> (Kind, usize) {
    if first.is_ascii_digit() {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        return (Kind::Number, end.unwrap_or(rest.len()));
    }
    if !is_letter(first) {
        return (Kind::Symbol, first.len_utf8());
    }
    let end = rest.char_indices().find(|(i, c)| {
        let apostrophe = matches!(c, '\'' | '\u{2019}');
        let next = rest[i + c.len_utf8()..].chars().next();
        let goes_on = is_letter(*c) || (apostrophe && next.is_some_and(is_letter));
        !goes_on
    });
    (Kind::Word, end.map_or(rest.len(), |(i, _)| i))
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '\u{300}'..='\u{36F}')
}

/// All tokens, seen from one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    all: &'a [Token<'a>],
    at: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(all: &'a [Token<'a>], at: usize) -> Self {
        Self { all, at }
    }

    /// The token `k` places ahead.
    pub(super) fn tok(self, k: usize) -> Token<'a> {
        self.all.get(self.at + k).copied().unwrap_or(Token::END)
    }

    /// The token `k` places back.
    pub(super) fn back(self, k: usize) -> Token<'a> {
        let at = self.at.checked_sub(k);
        at.and_then(|at| self.all.get(at))
            .copied()
            .unwrap_or(Token::END)
    }

    /// The view from `k` places ahead.
    pub(super) fn ahead(self, k: usize) -> Self {
        Self {
            all: self.all,
            at: self.at + k,
        }
    }

    /// The view from `k` places back, if there are so many.
    pub(super) fn retreat(self, k: usize) -> Option<Self> {
        let at = self.at.checked_sub(k)?;
        Some(Self { all: self.all, at })
    }

    /// The token `k` places ahead, if no space stands before it.
    pub(super) fn glued(self, k: usize) -> Option<Token<'a>> {
        let token = self.tok(k);
        (!token.spaced && !token.is_end()).then_some(token)
    }

    /// Whether what was read so far may end before token `k`: nothing that would go on with it is glued to it.
    pub(super) fn ends(self, k: usize) -> bool {
        let Some(symbol) = self.glued(k) else {
            return true;
        };
        let next = self.glued(k + 1);
        match symbol.symbol() {
            Some('.' | '\'' | '\u{2019}') => !next.is_some_and(Token::is_letter_or_digit),
            Some(',' | ':') => !next.is_some_and(|t| t.kind == Kind::Number),
            Some(
                ';' | '!' | '?' | ')' | ']' | '}' | '"' | '\u{201D}' | '\u{2026}' | '\u{2014}'
                | '\u{2122}' | '\u{AE}',
            ) => true,
            Some('*' | '\u{2020}' | '_' | '`') => next.is_none(),
            Some('\u{2013}') => !next.is_some_and(|t| t.kind == Kind::Number),
            _ => false,
        }
    }

    /// As [`Self::ends`]; a hyphen with a word behind it may follow, too: `10-minute`.
    pub(super) fn ends_or_hyphen(self, k: usize) -> bool {
        let hyphen = self.glued(k).is_some_and(Token::is_dash);
        let word = self.glued(k + 1).is_some_and(|t| t.kind == Kind::Word);
        self.ends(k) || (hyphen && word)
    }

    /// Whether nothing but closing marks follows from token `k` on: a full stop before it also ends the sentence.
    pub(super) fn is_last(self, k: usize) -> bool {
        self.all
            .iter()
            .skip(self.at + k)
            .all(|t| t.kind == Kind::Symbol && matches!(t.text, "\"" | "'" | ")" | "]" | "”" | "’"))
    }

    /// The stop that stays for the sentence when an abbreviation's full stop before token `k` was read.
    pub(super) fn stop(self, k: usize) -> &'static str {
        if self.is_last(k) { "." } else { "" }
    }

    /// Whether one of these words stands among the `n` tokens before.
    pub(super) fn after_word(self, words: &[&str], n: usize) -> bool {
        (1..=n).any(|k| self.back(k).is_word(words))
    }

    /// Whether one of these words stands anywhere in the text.
    pub(super) fn mentions(self, words: &[&str]) -> bool {
        self.all.iter().any(|t| t.is_word(words))
    }

    /// Whether any letter of the text is a small one.
    pub(super) fn has_lowercase(self) -> bool {
        self.all
            .iter()
            .any(|t| t.kind == Kind::Word && t.text.contains(char::is_lowercase))
    }

    /// Whether a dash stands at `k`, either glued on both sides or with a space on both.
    pub(super) fn is_range_dash(self, k: usize) -> bool {
        let (dash, next) = (self.tok(k), self.tok(k + 1));
        dash.is_dash() && !next.is_end() && dash.spaced == next.spaced
    }

    /// Whether a quotation was begun before that is not ended yet.
    pub(super) fn is_quoted(self) -> bool {
        let mut open = false;
        for (i, token) in self.all.iter().take(self.at).enumerate() {
            match token.symbol() {
                Some('“') => open = true,
                Some('"') if token.spaced || i == 0 || self.all[i - 1].is('(') => open = true,
                Some('"' | '”') => open = false,
                _ => {}
            }
        }
        open
    }

    /// Whether nothing is glued before the token but what opens: a dash there is no hyphen.
    pub(super) fn is_apart(self) -> bool {
        let opens = matches!(self.back(1).symbol(), Some('(' | '[' | '"' | '“' | '='));
        self.is_first() || self.tok(0).spaced || opens
    }

    /// Whether no token stands before.
    pub(super) fn is_first(self) -> bool {
        self.at == 0
    }
}
