//! From figures, signs and short forms to words, as a grammar over tokens.
//!
//! [`RECOGNISERS`] are asked in order at each place where a token may begin something. Each is a pure function of the
//! view on the tokens: how many it takes, and the words for them. What none of them takes stays as it is written, so a
//! number is read right or not at all; none may ever read it as another one.

mod abbreviation;
mod address;
mod calendar;
mod capitals;
mod code;
mod date;
mod figure;
mod letters;
mod lexer;
mod measure;
mod money;
mod numbers;
mod phone;
mod quantity;
mod slash;
mod symbol;
mod time;
mod web;

#[cfg(test)]
mod tests;

use lexer::{Kind, Token, View, tokens};

/// How many tokens were taken, and the words for them; no words if they have no sound.
type Reading = Option<(usize, String)>;

/// The kinds, from the one that needs the most context to the plainest. The first that takes the tokens has them.
const RECOGNISERS: [fn(View<'_>) -> Reading; 30] = [
    web::address,
    code::announced,
    date::in_figures,
    date::month_of_year,
    money::money,
    phone::telephone,
    phone::extension,
    time::time,
    time::lone_half,
    date::with_name,
    date::day_first,
    calendar::weekday,
    slash::height,
    slash::slashed,
    address::house,
    address::street,
    address::postal,
    address::place,
    address::lone_kind,
    code::spelt_out,
    phone::keys,
    calendar::years,
    letters::mixed,
    quantity::spaced_serial,
    quantity::quantity,
    quantity::serial,
    capitals::roman,
    capitals::capitals,
    abbreviation::abbreviation,
    symbol::symbol,
];

/// The sentence in words, for a synthesiser that should not guess.
pub(super) fn spoken(written: &str) -> String {
    let all = tokens(written);
    let mut line = Line::default();
    let mut at = 0;
    while let Some(token) = all.get(at).copied() {
        let view = View::new(&all, at);
        let reading = if line.may_begin(view) {
            RECOGNISERS.iter().find_map(|read| read(view))
        } else {
            symbol::symbol(view)
        };
        match reading {
            Some((used, words)) => {
                line.words(token, &words);
                at += used.max(1);
            }
            None => {
                line.written(token);
                at += 1;
            }
        }
    }
    line.out
}

/// What is said so far.
#[derive(Default)]
struct Line {
    out: String,
    /// The last token was put in words.
    is_worded: bool,
    /// A token with a space before it was left out.
    is_parted: bool,
}

impl Line {
    /// Whether something may begin at the token: nothing that was not understood is glued to it.
    fn may_begin(&self, view: View<'_>) -> bool {
        let (token, before) = (view.tok(0), view.back(1));
        let opened = before.kind == Kind::Symbol
            && !before.is('.')
            && (before.spaced || before.is('\u{2014}') || view.back(2).kind != Kind::Number);
        view.is_first() || token.spaced || self.is_worded || opened
    }

    fn words(&mut self, first: Token<'_>, words: &str) {
        self.is_worded = true;
        match words {
            "" => self.is_parted |= first.spaced,
            "," => {
                let open = self
                    .out
                    .chars()
                    .next_back()
                    .is_some_and(char::is_alphanumeric);
                self.out.push_str(if open { "," } else { "" });
                self.is_parted = true;
            }
            words => {
                let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let runs_on = joins(self.out.chars().next_back()) && joins(words.chars().next());
                self.push(words, first.spaced || runs_on || self.is_parted);
            }
        }
    }

    fn written(&mut self, token: Token<'_>) {
        let runs_on = self.is_worded
            && token.kind != Kind::Symbol
            && self.out.ends_with(char::is_alphanumeric);
        let closes = matches!(
            token.symbol(),
            Some('.' | ',' | ';' | ':' | '!' | '?' | ')' | '"' | '”' | '’' | '…')
        );
        let parted = self.is_parted && !closes;
        self.is_worded = false;
        self.push(token.text, token.spaced || runs_on || parted);
    }

    fn push(&mut self, text: &str, spaced: bool) {
        if spaced && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.is_parted = false;
    }
}
