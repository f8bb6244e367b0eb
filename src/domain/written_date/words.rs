//! Dates with the month as a word, and perhaps the numbers as well.

use super::{DateProblem, Parts, century_of};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const FILLERS: [&str; 19] = [
    "the",
    "of",
    "and",
    "in",
    "on",
    "born",
    "date",
    "birth",
    "is",
    "day",
    "dob",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "year",
];

const UNITS: [(&str, &str); 20] = [
    ("zeroth", "zero"),
    ("first", "one"),
    ("second", "two"),
    ("third", "three"),
    ("fourth", "four"),
    ("fifth", "five"),
    ("sixth", "six"),
    ("seventh", "seven"),
    ("eighth", "eight"),
    ("ninth", "nine"),
    ("tenth", "ten"),
    ("eleventh", "eleven"),
    ("twelfth", "twelve"),
    ("thirteenth", "thirteen"),
    ("fourteenth", "fourteen"),
    ("fifteenth", "fifteen"),
    ("sixteenth", "sixteen"),
    ("seventeenth", "seventeen"),
    ("eighteenth", "eighteen"),
    ("nineteenth", "nineteen"),
];

const TENS: [(&str, &str); 8] = [
    ("twentieth", "twenty"),
    ("thirtieth", "thirty"),
    ("fortieth", "forty"),
    ("fiftieth", "fifty"),
    ("sixtieth", "sixty"),
    ("seventieth", "seventy"),
    ("eightieth", "eighty"),
    ("ninetieth", "ninety"),
];

/// A number in the text; an ordinal is a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number {
    value: u32,
    ordinal: bool,
    /// Written in four digits: a year.
    year: bool,
}

pub(super) fn read(text: &str) -> Result<Parts, DateProblem> {
    let mut month = None;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if FILLERS.contains(&word) {
            continue;
        }
        if let Some(found) = month_of(word) {
            if month.replace(found).is_some() {
                return Err(DateProblem::NotADate);
            }
            continue;
        }
        let number = number_of(word).ok_or(DateProblem::NotADate)?;
        if month.is_none() {
            before.push(number)
        } else {
            after.push(number)
        }
    }
    let month = month.ok_or(DateProblem::NotADate)?;
    let (day, year) = day_and_year(&before, &after)?;
    Ok((year, month, day))
}

/// `12 May 1984`, `May 12 1984`, `1984 May 12`.
fn day_and_year(before: &[Number], after: &[Number]) -> Result<(u32, i32), DateProblem> {
    match (before, after) {
        ([], after) => {
            let (day, rest) = day_first(after)?;
            Ok((day, year(rest)?))
        }
        ([only], after) if only.year => {
            let (day, rest) = day_first(after)?;
            if rest.is_empty() {
                Ok((day, century_of(only.value)?))
            } else {
                Err(DateProblem::NotADate)
            }
        }
        (before, after) => {
            let (day, rest) = day_first(before)?;
            if rest.is_empty() {
                Ok((day, year(after)?))
            } else {
                Err(DateProblem::NotADate)
            }
        }
    }
}

/// The day at the beginning, of one number or two: `twenty` `first`.
fn day_first(numbers: &[Number]) -> Result<(u32, &[Number]), DateProblem> {
    match numbers {
        [tens, unit, rest @ ..]
            if matches!(tens.value, 20 | 30) && !tens.ordinal && (1..=9).contains(&unit.value) =>
        {
            Ok((tens.value + unit.value, rest))
        }
        [day, rest @ ..] if !day.year => Ok((day.value, rest)),
        _ => Err(DateProblem::NotADate),
    }
}

/// `1984`, `nineteen eighty four`, `two thousand five`, `nineteen hundred`.
fn year(numbers: &[Number]) -> Result<i32, DateProblem> {
    if numbers.is_empty() || numbers.iter().any(|number| number.ordinal) {
        return Err(DateProblem::NotADate);
    }
    let values: Vec<u32> = numbers.iter().map(|number| number.value).collect();
    let small = |rest: &[u32]| match rest {
        [] | [0] => Some(0),
        [0, unit @ 1..=9] | [unit @ 1..=99] => Some(*unit),
        [tens @ 20..=90, unit @ 1..=9] if tens % 10 == 0 => Some(tens + unit),
        _ => None,
    };
    let year = match values.as_slice() {
        [year] => Some(*year),
        [2, 1000, rest @ ..] => small(rest).map(|rest| 2000 + rest),
        [century @ 18..=20, 100, rest @ ..] => small(rest).map(|rest| century * 100 + rest),
        [century @ 18..=20, rest @ ..] if !rest.is_empty() => {
            small(rest).map(|rest| century * 100 + rest)
        }
        two => small(two),
    };
    year.ok_or(DateProblem::NotADate).and_then(century_of)
}

fn month_of(word: &str) -> Option<u32> {
    let is_short = |month: &str| {
        word.len() >= 3 && month.starts_with(word) || word == "sept" && month == "september"
    };
    (1..)
        .zip(MONTHS)
        .find(|(_, month)| is_short(month))
        .map(|(number, _)| number)
}

fn number_of(word: &str) -> Option<Number> {
    let written = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if !written.is_empty() {
        let suffix = &word[written.len()..];
        let ordinal = matches!(suffix, "st" | "nd" | "rd" | "th");
        let value = written
            .parse()
            .ok()
            .filter(|_| ordinal || suffix.is_empty())?;
        return Some(Number {
            value,
            ordinal,
            year: written.len() == 4,
        });
    }
    let said = |value, ordinal| {
        Some(Number {
            value,
            ordinal,
            year: false,
        })
    };
    let of = |table: &[(&str, &str)], factor: u32, from: u32| {
        let place = table
            .iter()
            .position(|(ordinal, plain)| *ordinal == word || *plain == word)?;
        said(
            (u32::try_from(place).ok()? + from) * factor,
            table[place].0 == word,
        )
    };
    match word {
        "oh" | "o" => said(0, false),
        "hundred" => said(100, false),
        "thousand" => said(1000, false),
        _ => of(&UNITS, 1, 0).or_else(|| of(&TENS, 10, 2)),
    }
}
