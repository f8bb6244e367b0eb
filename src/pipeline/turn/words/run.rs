//! The end of a text as far as it is dictated.

use super::{
    Pause,
    dates::{date_of_birth, is_month},
    forms::{bare, bare_words},
    pieces::{Piece, letters_in},
    question::Question,
};

/// Abbreviations that are said letter by letter and are whole.
const SPELLED_WORDS: &str = "am pm ok us usa uk tv id ppo hmo epo pos hsa fsa dhmo dppo mri ct er iv dmv ekg ecg ny dc ssn dob \
    md dds rn pcp va aarp bcbs uhc hr it rsv uti std hiv gi ent";

/// The pieces at the end that are dictated.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Where it begins among the pieces.
    pub(super) start: usize,
    /// Digits, in order.
    pub(super) digits: String,
    letters: usize,
    /// Sizes of its groups of digits.
    groups: Vec<usize>,
    /// Groups of letters, capitals and letters with digits.
    spelled: usize,
    /// Some group is a number word above nine.
    has_amounts: bool,
    /// "B as in Boy", "double five": nobody says so but to dictate.
    is_spelled_out: bool,
    pub(super) has_dot: bool,
    /// Pieces with letters or digits.
    pieces: usize,
    /// Letters in capitals that are the last word of the text, with nothing behind.
    capitals: usize,
}

impl Run {
    pub(super) fn at_the_end_of(pieces: &[Piece]) -> Self {
        let dictated = |piece: &Piece| !matches!(piece, Piece::Word(_) | Piece::Address);
        let first = pieces.len() - pieces.iter().rev().take_while(|p| dictated(p)).count();
        let mut start = first;
        for place in first..pieces.len() {
            if !begins_run(&pieces[start..=place], &pieces[place + 1..]) {
                start = place + 1;
            }
        }
        let capitals = match pieces.last() {
            Some(Piece::Capitals(word)) if start == pieces.len() => word.len(),
            _ => 0,
        };
        let mut run = Self {
            start,
            capitals,
            ..Self::default()
        };
        pieces[start..].iter().for_each(|piece| run.add(piece));
        run
    }

    fn add(&mut self, piece: &Piece) {
        self.pieces += usize::from(!matches!(
            piece,
            Piece::Joint | Piece::Filler | Piece::Dot | Piece::At
        ));
        match piece {
            Piece::Figures(figures) => figures.split(' ').for_each(|group| self.group(group)),
            Piece::Doubled(figures) => {
                self.group(figures);
                self.is_spelled_out = true;
            }
            Piece::Amount(figures) if figures == "00" => {
                self.digits.push_str("00");
                self.has_amounts = true;
            }
            Piece::Amount(figures) => {
                self.has_amounts = true;
                self.group(figures);
            }
            Piece::Letters(letters) | Piece::Capitals(letters) => {
                self.letters += letters.chars().count();
                self.spelled += 1;
            }
            Piece::Example => {
                self.letters += 1;
                self.spelled += 1;
                self.is_spelled_out = true;
            }
            Piece::Mixed(letters, digits) => {
                self.letters += letters;
                self.digits.push_str(&"?".repeat(*digits));
                self.spelled += 1;
            }
            Piece::Dot => self.has_dot = true,
            _ => {}
        }
    }

    fn group(&mut self, figures: &str) {
        self.digits.push_str(figures);
        self.groups.push(figures.len());
    }

    pub(super) fn characters(&self) -> usize {
        self.digits.len() + self.letters
    }

    /// How long the next group may take. `is_bare`: nothing but the group was said, and nobody knows what was asked.
    pub(super) fn pause(&self, text: &str, subject: Option<Question>, is_bare: bool) -> Pause {
        if subject == Some(Question::BirthDate) {
            return date_of_birth(text, &self.groups);
        }
        if matches!(subject, Some(Question::Id | Question::Code))
            && self.capitals > 0
            && !is_spelled_word(text)
        {
            return Pause::Incomplete;
        }
        if self.characters() == 0 || text.trim_end().ends_with('?') {
            return Pause::Plain;
        }
        if !self.digits.is_empty() && is_hour(text) {
            return Pause::Plain;
        }
        let short_of = |count: usize| {
            if self.characters() < count {
                Pause::Incomplete
            } else {
                Pause::Plain
            }
        };
        match subject {
            Some(Question::Phone) => self.phone(),
            Some(Question::Digits(count)) => short_of(count),
            Some(Question::Code) if self.characters() < 4 => Pause::Incomplete,
            Some(Question::Code) if self.characters() < 6 && self.pieces > 1 => Pause::Unfinished,
            Some(Question::Id) => self.identifier(),
            Some(Question::Spelling | Question::Name | Question::FullName) => self.name(),
            Some(Question::Code | Question::Short | Question::BirthDate) => Pause::Plain,
            Some(Question::Email) if self.letters > 0 => Pause::Dictating,
            Some(Question::Email | Question::Other) | None => self.unasked(text, is_bare),
        }
    }

    /// Numbers of North America have ten digits, or seven within an area.
    fn phone(&self) -> Pause {
        match self.digits.len() {
            _ if self.letters > 1 => Pause::Dictating,
            7 if self.groups == [3, 4] || self.groups == [7] => Pause::Plain,
            10 if is_telephone(&self.digits) => Pause::Plain,
            10 => Pause::Dictating,
            11.. => Pause::Plain,
            _ => Pause::Incomplete,
        }
    }

    fn identifier(&self) -> Pause {
        match self.characters() {
            ..5 => Pause::Incomplete,
            5..16 => Pause::Dictating,
            _ => Pause::Plain,
        }
    }

    fn name(&self) -> Pause {
        match self.letters {
            0 => Pause::Plain,
            1 => Pause::Incomplete,
            _ => Pause::Dictating,
        }
    }

    /// Dictated without being asked or announced.
    fn unasked(&self, text: &str, is_bare: bool) -> Pause {
        let figures = self.groups.len() > 1
            && (!self.has_amounts || (self.groups.len() > 2 && self.digits.len() > 4));
        if self.is_spelled_out {
            return Pause::Dictating;
        }
        if is_spelled_word(text) || self.is_whole() {
            return Pause::Plain;
        }
        match self.digits.len() {
            0 if self.letters > 1 => Pause::Dictating,
            // Two groups, or one that no word and no code of a procedure looks like.
            2.. if self.letters > 1 => Pause::Dictating,
            5.. if self.letters == 1 && self.spelled == 1 => Pause::Dictating,
            3 if self.letters == 0 && self.groups == [3] && is_bare => Pause::Dictating,
            10 if figures && self.letters == 0 && !is_telephone(&self.digits) => Pause::Dictating,
            3..10
                if figures && self.letters == 0 && self.groups != [3, 4] && !self.is_date(text) =>
            {
                Pause::Dictating
            }
            _ => Pause::Plain,
        }
    }

    /// 911, a date, a postal code, a social security number, "2024-2025".
    fn is_whole(&self) -> bool {
        let is_service =
            self.digits.len() == 3 && (self.digits.ends_with("11") || self.digits == "988");
        let is_date = matches!(self.groups[..], [1..=2, 1..=2, 4] | [4, 4]);
        self.letters == 0
            && (is_service || is_date || [vec![5, 4], vec![3, 2, 4]].contains(&self.groups))
    }

    /// "March 3 1985".
    fn is_date(&self, text: &str) -> bool {
        self.groups.len() == 2 && bare_words(text).any(|word| is_month(&word))
    }
}

/// Whether a run that has come so far may go on: its last piece stands for itself only before `rest`.
fn begins_run(run: &[Piece], rest: &[Piece]) -> bool {
    match run.last() {
        // Nothing is dictated yet.
        Some(Piece::Filler | Piece::At) if run.len() == 1 => false,
        // Before anything but figures they are an abbreviation: "my P P O", "a CBCT".
        Some(Piece::Capitals(_)) => leads_figures(rest),
        // "I" and "a" are words where no other letter stands beside them.
        Some(Piece::Letters(letter)) if run.len() == 1 && (letter == "a" || letter == "i") => {
            matches!(rest.first(), Some(Piece::Letters(_) | Piece::Example)) || rest.is_empty()
        }
        _ => true,
    }
}

/// "10 AM", "4 p.m.".
fn is_hour(text: &str) -> bool {
    let last: Vec<String> = text.split_whitespace().rev().take(2).map(bare).collect();
    let last: Vec<&str> = last.iter().map(String::as_str).collect();
    matches!(last[..], ["am" | "pm", ..] | ["m", "a" | "p"])
}

/// Whether capitals go on with figures.
fn leads_figures(pieces: &[Piece]) -> bool {
    let mut rest = pieces
        .iter()
        .skip_while(|p| matches!(p, Piece::Capitals(_) | Piece::Filler | Piece::Joint));
    matches!(
        rest.next(),
        Some(
            Piece::Figures(_)
                | Piece::Doubled(_)
                | Piece::Mixed(..)
                | Piece::Letters(_)
                | Piece::Amount(_)
        )
    )
}

/// No area and no exchange begins with 0 or 1.
fn is_telephone(digits: &str) -> bool {
    let at = |place: usize| digits.as_bytes().get(place).copied().unwrap_or(b'0');
    at(0) > b'1' && at(3) > b'1'
}

/// "P P O", "ten A M", "10 AM": letters that are a word of their own.
fn is_spelled_word(text: &str) -> bool {
    let in_capitals = text
        .split_whitespace()
        .next_back()
        .filter(|w| !w.chars().any(char::is_lowercase))
        .map(bare);
    if in_capitals.is_some_and(|word| SPELLED_WORDS.split_whitespace().any(|known| known == word)) {
        return true;
    }
    let words: Vec<&str> = text
        .split_whitespace()
        .rev()
        .take_while(|w| letters_in(w).is_some())
        .collect();
    let letters: String = words
        .iter()
        .rev()
        .flat_map(|w| w.chars().filter(|c| c.is_alphabetic()))
        .flat_map(char::to_lowercase)
        .collect();
    SPELLED_WORDS
        .split_whitespace()
        .any(|known| known == letters || letters == format!("a{known}"))
}
