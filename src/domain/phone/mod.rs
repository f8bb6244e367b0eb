//! Phone numbers as people, models and networks write them. What is not certain to be one number is none: a number of another country is
//! never bent into ours.

mod country;
mod network;
mod spoken;

pub use self::{country::Home, network::from_network};
use self::{
    country::{country_named, is_assigned, is_north_american},
    spoken::Piece,
};
use super::{e164::E164, fold::fold};

/// Why a text is not taken as a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneProblem {
    /// No number at all.
    #[error("not a phone number")]
    NotANumber,
    /// A local number, as people say it to neighbours.
    #[error("without an area code")]
    WithoutAreaCode,
    /// Too many or too few digits for a number of the clinic's country, and no other country is named.
    #[error("not a number of the clinic's country")]
    ForeignForm,
    /// A number that nobody has: what stands in forms and examples.
    #[error("nobody has this number")]
    Impossible,
}

/// A number that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The number.
    pub number: E164,
    /// What is dialled after it was answered.
    pub extension: Option<String>,
}

/// Reads a number in any written or spoken form; without a country it is one of `home`.
///
/// # Errors
/// [`PhoneProblem`].
pub fn read(text: &str, home: Home) -> Result<PhoneNumber, PhoneProblem> {
    let folded = fold(text);
    let (main, extension) = split_extension(folded.trim());
    let said = Said::read(main).ok_or(PhoneProblem::NotANumber)?;
    let number = said.resolve(home)?;
    if is_impossible(&number) {
        return Err(PhoneProblem::Impossible);
    }
    Ok(PhoneNumber { number, extension })
}

/// Digits, and what tells their country.
struct Said {
    plus: bool,
    digits: String,
    /// Calling code of a country that was named in words.
    country: Option<&'static str>,
}

impl Said {
    fn read(text: &str) -> Option<Self> {
        let text = [
            "tel:",
            "sip:",
            "sips:",
            "callto:",
            "phone:",
            "phone number:",
        ]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
        let text = text.split(['@', ';']).next().unwrap_or_default();
        let mut said = Self {
            plus: false,
            digits: String::new(),
            country: None,
        };
        let pieces = spoken::pieces(text)?;
        for piece in pieces {
            match piece {
                Piece::Plus if said.digits.is_empty() && !said.plus => said.plus = true,
                Piece::Plus => return None,
                Piece::Digits(digits) => said.digits.push_str(&digits),
                // `+44 (0)7700`: dialled at home, not from abroad.
                Piece::TrunkZero if said.plus || said.digits.starts_with("00") => {}
                Piece::TrunkZero => said.digits.push('0'),
                Piece::Word(word) => said.country = Some(country_named(&word)?),
            }
        }
        (!said.digits.is_empty()).then_some(said)
    }

    fn resolve(&self, home: Home) -> Result<E164, PhoneProblem> {
        if self.plus {
            return full(&self.digits);
        }
        let abroad = match home {
            Home::NorthAmerica => ["011", "00"].as_slice(),
            Home::Country(_) => &["00"],
        };
        if let Some(rest) = abroad
            .iter()
            .find_map(|prefix| self.digits.strip_prefix(prefix))
        {
            let nothing_but_zeros = rest.bytes().all(|b| b == b'0');
            return if nothing_but_zeros {
                Err(PhoneProblem::Impossible)
            } else {
                full(rest)
            };
        }
        match self.country.map_or(home, Home::of_code) {
            Home::NorthAmerica => north_american(&self.digits),
            Home::Country(code) => national(&self.digits, code, self.country.is_some()),
        }
    }
}

fn full(digits: &str) -> Result<E164, PhoneProblem> {
    if !is_assigned(digits) {
        return Err(PhoneProblem::ForeignForm);
    }
    if digits.starts_with('1') && !is_north_american(&digits[1..]) {
        return Err(if digits.len() == 11 {
            PhoneProblem::Impossible
        } else {
            PhoneProblem::ForeignForm
        });
    }
    format!("+{digits}")
        .parse()
        .map_err(|_| PhoneProblem::ForeignForm)
}

fn north_american(digits: &str) -> Result<E164, PhoneProblem> {
    let without_code = match digits.len() {
        11 => digits.strip_prefix('1').unwrap_or(digits),
        _ => digits,
    };
    match without_code.len() {
        7 if !without_code.starts_with(['0', '1']) => Err(PhoneProblem::WithoutAreaCode),
        10 if is_north_american(without_code) => full(&format!("1{without_code}")),
        10 if is_monotonous(without_code) || without_code.starts_with('1') => {
            Err(PhoneProblem::Impossible)
        }
        _ => Err(PhoneProblem::ForeignForm),
    }
}

/// A number as it is dialled in its country: the zero before the area code goes.
fn national(digits: &str, code: &str, named: bool) -> Result<E164, PhoneProblem> {
    // A country that was named may yet be told by its code as well.
    if named && digits.starts_with(code) && digits.len() > 9 {
        return full(digits);
    }
    match digits.strip_prefix('0') {
        Some(rest) if code != "39" => full(&format!("{code}{rest}")),
        None | Some(_) if named || code == "39" => full(&format!("{code}{digits}")),
        _ => Err(PhoneProblem::ForeignForm),
    }
}

/// Whether nobody has this number: those of forms and examples, one digit again and again, or counting up or down.
#[must_use]
pub fn is_impossible(number: &E164) -> bool {
    let digits = &number.as_str()[1..];
    match digits.strip_prefix('1') {
        Some(ours) => is_monotonous(ours) || ours.starts_with("555"),
        None => (6..digits.len().max(7) - 1)
            .any(|length| is_repeated(&digits[digits.len().saturating_sub(length + 1)..])),
    }
}

fn is_monotonous(digits: &str) -> bool {
    let steps = |step: u8| {
        digits
            .as_bytes()
            .windows(2)
            .all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0')
    };
    [0, 1, 9].into_iter().any(steps)
}

fn is_repeated(digits: &str) -> bool {
    digits.len() >= 7 && digits.bytes().all(|digit| digit == digits.as_bytes()[0])
}

/// `212 555 0123 ext. 4`, `... x402`, `... #12`, `;ext=5`.
fn split_extension(text: &str) -> (&str, Option<String>) {
    for mark in [";ext=", "extension", "ext", "#", "x"] {
        let Some((main, rest)) = text.rsplit_once(mark) else {
            continue;
        };
        let plain = rest.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = spoken::digits(plain.strip_prefix("number").unwrap_or(plain));
        let has_number = main.chars().filter(char::is_ascii_digit).count() >= 7
            || spoken::digits(main).is_some_and(|digits| digits.len() >= 7);
        let apart = main.ends_with(|c: char| !c.is_alphabetic());
        if let Some(digits) = digits
            && has_number
            && apart
            && digits.len() <= 7
        {
            return (
                main.trim_end_matches([' ', ',', ';', '-', '(']),
                Some(digits),
            );
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests;
