//! Numbers, names and addresses that are told in groups, and how long to wait for the next one.

use super::{
    Pause,
    forms::{bare, bare_words, is_looking_it_up, is_unfinished, padded},
    pieces::{Piece, letters_in, pieces},
    question::{Question, has_any},
};

pub(super) use super::pieces::as_figures;

/// Words between an announcement or a question and what is dictated.
const LEAD: &str = "it's its it is the that's thats that would be yes yeah yep sure ok okay so um uh umm well and my number um \
    right alright no actually starting starts with again then first of course here's here i'm this hi hello please";

/// Abbreviations that are said letter by letter and are whole.
const SPELLED_WORDS: &str = "am pm ok us usa uk tv id ppo hmo epo pos hsa fsa dhmo dppo mri ct er iv dmv ekg ecg ny dc ssn dob \
    md dds rn pcp va aarp bcbs uhc hr it rsv uti std hiv gi ent";

/// Words that are part of a sentence, and of no name.
const SENTENCE_WORDS: &str = "i i'd a an for to at on in of think want need have has don't do not never none what why how when who \
    about wait so can can't could would cleaning book hold one second moment just any you they we there sorry again later any like \
    x-ray xray now good thing nothing see let give me all haven't use";

const MONTHS: &str = "january february march april may june july august september october november december jan feb mar apr \
    jun jul aug sep sept oct nov dec";

/// How long the speaker may be silent after the text, if `asked` is what the agent waits for; none if it is not known to ask for anything.
pub(in crate::pipeline::turn) fn pause_after(text: &str, asked: Option<Question>) -> Pause {
    let pieces = pieces(text);
    let run = Run::at_the_end_of(&pieces);
    let subject = subject(text, &pieces[..run.start], &run, asked);
    let waits = [
        open_end(text, &pieces, &run, subject),
        run.pause(text, &pieces[..run.start], subject, asked),
        address(text, &pieces, subject),
        sentence(text, &run, subject),
    ];
    waits.into_iter().max().unwrap_or(Pause::Plain)
}

/// What the end of the text is about: what it announces itself, else what was asked for.
fn subject(text: &str, lead: &[Piece], run: &Run, asked: Option<Question>) -> Option<Question> {
    let words: Vec<&str> = lead
        .iter()
        .map(|piece| match piece {
            Piece::Word(word) | Piece::Capitals(word) => word.as_str(),
            Piece::At => "at",
            _ => "",
        })
        .collect();
    let near: Vec<&str> = words.iter().rev().take(6).rev().copied().collect();
    let announced = Question::in_text(&near.join(" ")).filter(|_| !text.trim_end().ends_with('?'));
    let is_hour =
        run.digits.len() < 3 && has_any(&padded(&near.join(" ")), &["call", "text", "come"]);
    if announced.is_some() {
        // "Call me at two" names an hour, as far as one can tell.
        return announced.filter(|_| !is_hour);
    }
    let is_answer = is_lead(lead) || run.characters() == 0 || asked == Some(Question::BirthDate);
    asked.filter(|_| is_answer)
}

/// Whether these words only lead to what is dictated.
fn is_lead(pieces: &[Piece]) -> bool {
    let known: Vec<&str> = LEAD.split_whitespace().collect();
    pieces.iter().rev().take(4).all(|piece| match piece {
        Piece::Word(word) => known.contains(&word.as_str()),
        _ => true,
    })
}

/// "John dot", "B as in", "my number is 212 dash": it goes on, whatever the recogniser made of the melody.
fn open_end(text: &str, pieces: &[Piece], run: &Run, subject: Option<Question>) -> Pause {
    if text.trim_end().ends_with('?') {
        return Pause::Plain;
    }
    let before_last = pieces.len().checked_sub(2).map(|n| &pieces[n]);
    match pieces.last() {
        Some(Piece::Dot | Piece::Joint) => Pause::Incomplete,
        Some(Piece::At)
            if subject == Some(Question::Email) || run.has_dot || run.characters() > 0 =>
        {
            Pause::Incomplete
        }
        // "John Smith at." is no end of a sentence; "where you're at." is.
        Some(Piece::At) if pieces.len() <= 3 && matches!(before_last, Some(Piece::Word(_))) => {
            let stranded = [
                "where", "what", "looking", "who", "i'm", "you're", "we're", "they're", "is",
                "are", "look",
            ];
            let words: Vec<String> = bare_words(text).collect();
            if words.iter().any(|w| stranded.contains(&w.as_str())) {
                Pause::Plain
            } else {
                Pause::Dictating
            }
        }
        _ => Pause::Plain,
    }
}

/// The sentence around it, as far as it is none of the above.
fn sentence(text: &str, run: &Run, subject: Option<Question>) -> Pause {
    let waits_for_data = subject.is_some_and(Question::is_long) && run.characters() == 0;
    match (is_unfinished(text), waits_for_data) {
        // "My member number is": its first group is being looked for.
        (true, true) => Pause::Dictating,
        (true, false) => Pause::Unfinished,
        (false, true) if is_announcement(text) => Pause::Dictating,
        (false, true) if is_looking_it_up(text) => Pause::Unfinished,
        (false, true) if subject == Some(Question::FullName) && is_one_name(text) => {
            Pause::Unfinished
        }
        (false, _) => Pause::Plain,
    }
}

/// "It is." with nothing behind it.
fn is_announcement(text: &str) -> bool {
    let last = bare_words(text).last();
    let count = bare_words(text).count();
    count > 1
        && count < 8
        && matches!(last.as_deref(), Some("is" | "it's" | "number's" | "name's"))
        && !padded(text).contains(" yes ")
}

/// A first name alone, where first and last are asked for.
fn is_one_name(text: &str) -> bool {
    let known: Vec<&str> = LEAD.split_whitespace().collect();
    let names: Vec<String> = bare_words(text)
        .filter(|w| !known.contains(&w.as_str()))
        .collect();
    names.len() == 1
        && !["no", "yes", "sure", "why", "what", "sorry", "nope"].contains(&names[0].as_str())
}

/// The pieces at the end that are dictated.
#[derive(Debug, Default)]
struct Run {
    /// Where it begins among the pieces.
    start: usize,
    /// Digits, in order.
    digits: String,
    letters: usize,
    /// Sizes of its groups of digits.
    groups: Vec<usize>,
    /// Groups of letters, capitals and letters with digits.
    spelled: usize,
    /// Some group is a number word above nine.
    has_amounts: bool,
    /// "B as in Boy", "double five": nobody says so but to dictate.
    is_spelled_out: bool,
    has_dot: bool,
    /// Pieces with letters or digits.
    pieces: usize,
    /// Letters in capitals that are the last word of the text, with nothing behind.
    capitals: usize,
}

impl Run {
    fn at_the_end_of(pieces: &[Piece]) -> Self {
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

    fn characters(&self) -> usize {
        self.digits.len() + self.letters
    }

    fn pause(
        &self,
        text: &str,
        lead: &[Piece],
        subject: Option<Question>,
        asked: Option<Question>,
    ) -> Pause {
        if subject == Some(Question::BirthDate) {
            return date_of_birth(text, self);
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
            Some(Question::Email | Question::Other) | None => {
                self.unasked(text, is_lead(lead) && asked.is_none())
            }
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
        let months: Vec<&str> = MONTHS.split_whitespace().collect();
        self.groups.len() == 2 && bare_words(text).any(|word| months.contains(&word.as_str()))
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
    match (
        last.first().map(String::as_str),
        last.get(1).map(String::as_str),
    ) {
        (Some("am" | "pm"), _) | (Some("m"), Some("a" | "p")) => true,
        _ => false,
    }
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

/// A date of birth is complete with its year.
fn date_of_birth(text: &str, run: &Run) -> Pause {
    let words: Vec<String> = bare_words(text).collect();
    let months: Vec<&str> = MONTHS.split_whitespace().collect();
    let month = words.iter().position(|w| months.contains(&w.as_str()));
    let has_year = words.iter().any(|w| is_year(w));
    let century = words
        .iter()
        .position(|w| ["nineteen", "eighteen", "thousand"].contains(&w.as_str()));
    match (month, century) {
        _ if has_year || text.contains('/') || text.trim_end().ends_with('?') => Pause::Plain,
        (_, Some(place)) if place + 1 == words.len() => Pause::Incomplete,
        (_, Some(_)) => Pause::Plain,
        // "March third twenty ten".
        (Some(month), None)
            if words[month..].iter().any(|w| w == "twenty") && words.len() > month + 3 =>
        {
            Pause::Plain
        }
        (Some(month), None) if month + 1 == words.len() => Pause::Incomplete,
        (Some(_), None) => Pause::Dictating,
        (None, None) if run.characters() == 0 => Pause::Plain,
        (None, None) if run.groups.len() > 2 || run.digits.len() > 5 => Pause::Plain,
        (None, None) => Pause::Dictating,
    }
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && word
            .parse()
            .is_ok_and(|year: u32| (1880..2100).contains(&year))
}

/// An e-mail address is complete with what follows its last dot.
fn address(text: &str, pieces: &[Piece], subject: Option<Question>) -> Pause {
    let after_at = |text: &str| {
        text.rsplit('@')
            .next()
            .is_some_and(|domain| domain.trim_end_matches('.').contains('.'))
    };
    let place = pieces
        .iter()
        .rposition(|p| matches!(p, Piece::At | Piece::Address));
    let is_long = place.is_some_and(|p| pieces.len() - p > 4);
    // "I'd like to come at noon" is no address.
    let is_late = place.is_some_and(|p| p > 3) && !pieces.contains(&Piece::Dot);
    let dot_after = place.is_some_and(|p| pieces[p..].contains(&Piece::Dot));
    let is_address = subject == Some(Question::Email) || pieces.contains(&Piece::Dot);
    match place.map(|p| &pieces[p]) {
        Some(Piece::Address) if !after_at(text) && !dot_after => Pause::Incomplete,
        Some(Piece::At)
            if is_address && !dot_after && !is_long && !is_late && !text.contains('@') =>
        {
            Pause::Incomplete
        }
        None if subject == Some(Question::Email) && pieces.contains(&Piece::Dot) => {
            Pause::Incomplete
        }
        None if subject == Some(Question::Email) && is_name_alone(text) => Pause::Dictating,
        _ => Pause::Plain,
    }
}

/// A few words that may be the name in an address: none of them belongs to a sentence.
fn is_name_alone(text: &str) -> bool {
    let words: Vec<String> = bare_words(text).collect();
    let announced = words
        .iter()
        .rposition(|w| ["is", "it's", "email", "e-mail"].contains(&w.as_str()));
    let lead: Vec<&str> = LEAD.split_whitespace().collect();
    let rest = words[announced.map_or(0, |place| place + 1)..].iter();
    let name: Vec<&str> = rest
        .map(String::as_str)
        .filter(|w| !lead.contains(w))
        .collect();
    (1..4).contains(&name.len())
        && name
            .iter()
            .all(|w| !SENTENCE_WORDS.split_whitespace().any(|known| known == *w))
}
