//! Dates as models and callers write them. What may mean two days is neither.

mod words;

use chrono::NaiveDate;

use super::fold::fold;

/// Which number comes first in `05/12/1984`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// The month, as in North America.
    MonthFirst,
    /// Nobody knows.
    Unknown,
}

/// Why a text is not taken as a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateProblem {
    /// No date, or one in a form that is not known.
    #[error("not a date")]
    NotADate,
    /// A year without its century.
    #[error("a year without a century")]
    NoCentury(u32),
    /// Day and month may be either way round.
    #[error("day or month first")]
    Ambiguous,
    /// The calendar has no such day.
    #[error("no such day")]
    NoSuchDay,
}

/// A year, a month and a day, not yet looked up in the calendar.
type Parts = (i32, u32, u32);

/// Reads a date: `1984-05-12`, `19840512`, `May 12, 1984`, `12th of May 1984`, `May twelfth nineteen eighty-four`, `05/12/1984`.
///
/// # Errors
/// [`DateProblem`].
pub fn read(text: &str, order: DateOrder) -> Result<NaiveDate, DateProblem> {
    let text = fold(text);
    let text = without_time(text.trim());
    if text.len() > 60 || text.starts_with('+') || text.contains("bc") {
        return Err(DateProblem::NotADate);
    }
    let (year, month, day) = match numbers(text) {
        Some((groups, between)) => numeric(&groups, between, order)?,
        None => words::read(text)?,
    };
    NaiveDate::from_ymd_opt(year, month, day).ok_or(DateProblem::NoSuchDay)
}

/// `1984-05-12T00:00:00Z` and `1984-05-12 00:00` without the clock.
fn without_time(text: &str) -> &str {
    match text.get(..10) {
        Some(date) if text.contains(':') && text[10..].starts_with(['t', ' ']) => date,
        _ => text,
    }
}

/// Groups of digits and what stands between them, if there is nothing else.
fn numbers(text: &str) -> Option<(Vec<&str>, char)> {
    let is_between = |c: char| matches!(c, '-' | '/' | '.' | ' ' | ',');
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit() || is_between(c)) {
        return None;
    }
    let between = text.chars().find(|c| is_between(*c)).unwrap_or(' ');
    let groups = text.split(is_between).filter(|group| !group.is_empty());
    Some((groups.collect(), between))
}

fn numeric(groups: &[&str], between: char, order: DateOrder) -> Result<Parts, DateProblem> {
    match groups {
        [all] if all.len() == 8 => compact(all, order),
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            Ok((full_year(year)?, number(month)?, number(day)?))
        }
        [first, second, year] if first.len() <= 2 && second.len() <= 2 && year.len() == 4 => {
            let (month, day) = month_and_day(number(first)?, number(second)?, between, order)?;
            Ok((full_year(year)?, month, day))
        }
        [first, second, third] if [first, second, third].iter().all(|group| group.len() <= 2) => {
            let (first, third) = (number(first)?, number(third)?);
            number(second)?;
            // Of `72-04-12` the first is the year, of `04/12/72` the last.
            Err(DateProblem::NoCentury(if first > 31 {
                first
            } else {
                third
            }))
        }
        _ => Err(DateProblem::NotADate),
    }
}

/// `19840512`; `05121984` where the month comes first.
fn compact(digits: &str, order: DateOrder) -> Result<Parts, DateProblem> {
    let part = |range: std::ops::Range<usize>| digits.get(range).ok_or(DateProblem::NotADate);
    if digits.starts_with("19") || digits.starts_with("20") {
        let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
        let parts = (full_year(year)?, number(month)?, number(day)?);
        if NaiveDate::from_ymd_opt(parts.0, parts.1, parts.2).is_some() {
            return Ok(parts);
        }
    }
    let (first, second, year) = (part(0..2)?, part(2..4)?, part(4..8)?);
    let (month, day) = month_and_day(number(first)?, number(second)?, '/', order)?;
    Ok((full_year(year)?, month, day))
}

/// Stops between the numbers are a European habit, where the day comes first: they leave the order open.
fn month_and_day(
    first: u32,
    second: u32,
    between: char,
    order: DateOrder,
) -> Result<(u32, u32), DateProblem> {
    match (first, second) {
        (13.., 13..) => Err(DateProblem::NoSuchDay),
        (13.., _) => Ok((second, first)),
        (_, 13..) => Ok((first, second)),
        _ if first == second || between != '.' && order == DateOrder::MonthFirst => {
            Ok((first, second))
        }
        _ => Err(DateProblem::Ambiguous),
    }
}

fn number(digits: &str) -> Result<u32, DateProblem> {
    digits.parse().map_err(|_| DateProblem::NotADate)
}

/// Four digits; `0072` is a year without its century.
fn full_year(digits: &str) -> Result<i32, DateProblem> {
    century_of(number(digits)?)
}

fn century_of(year: u32) -> Result<i32, DateProblem> {
    match year {
        0..=99 => Err(DateProblem::NoCentury(year)),
        1000..=9999 => i32::try_from(year).map_err(|_| DateProblem::NotADate),
        _ => Err(DateProblem::NotADate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(text: &str) -> Result<NaiveDate, DateProblem> {
        read(text, DateOrder::MonthFirst)
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("date")
    }

    #[test]
    fn a_date_is_read_in_every_common_form() {
        for text in [
            "1984-05-12",
            " 1984-5-12 ",
            "1984/05/12",
            "1984.05.12",
            "1984 05 12",
            "19840512",
            "1984-05-12T00:00:00Z",
            "1984-05-12 00:00:00",
            "05/12/1984",
            "5/12/1984",
            "05-12-1984",
            "05121984",
            "May 12, 1984",
            "May 12 1984",
            "MAY 12TH, 1984",
            "12 May 1984",
            "12-May-1984",
            "12th of May, 1984",
            "the 12th of May 1984",
            "Saturday, May 12, 1984",
            "May twelfth nineteen eighty-four",
            "May twelfth, nineteen eighty four",
            "the twelfth of May nineteen eighty-four",
            "May twelve nineteen eighty-four",
            "may the 12th 1984",
            "1984 May 12",
            "1984, May 12",
            "born May 12 1984",
        ] {
            assert_eq!(ours(text), Ok(day("1984-05-12")), "{text}");
        }
        for (text, date) in [
            ("March third nineteen eighty five", "1985-03-03"),
            ("July nineteenth nineteen seventy two", "1972-07-19"),
            ("December thirty-first two thousand five", "2005-12-31"),
            ("June twenty first two thousand and ten", "2010-06-21"),
            ("Sept. 2nd twenty twelve", "2012-09-02"),
            ("January first two thousand", "2000-01-01"),
            ("October twenty nineteen ninety", "1990-10-20"),
            ("February tenth nineteen oh five", "1905-02-10"),
            ("04.13.1984", "1984-04-13"),
            ("13.04.1984", "1984-04-13"),
            ("13/04/1984", "1984-04-13"),
            ("04/04/1984", "1984-04-04"),
        ] {
            assert_eq!(ours(text), Ok(day(date)), "{text}");
        }
    }

    // C21: the century was not asked for.
    #[test]
    fn a_year_without_its_century_is_told() {
        for (text, year) in [
            ("0072-04-12", 72),
            ("72-04-12", 72),
            ("04/12/72", 72),
            ("4/12/84", 84),
            ("May 12, 84", 84),
            ("May 12 '84", 84),
            ("May twelfth eighty-four", 84),
            ("0001-01-01", 1),
            ("12.05.84", 84),
        ] {
            assert_eq!(ours(text), Err(DateProblem::NoCentury(year)), "{text}");
        }
    }

    #[test]
    fn what_may_be_two_days_is_neither() {
        for text in ["12.05.1984", "09.03.1984"] {
            assert_eq!(ours(text), Err(DateProblem::Ambiguous), "{text}");
        }
        for text in ["05/12/1984", "05-12-1984", "05121984"] {
            assert_eq!(
                read(text, DateOrder::Unknown),
                Err(DateProblem::Ambiguous),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "tomorrow",
            "April 12",
            "1984",
            "May 1984",
            "+262142-12-25",
            "262142-12-25",
            "1984-05",
            "1984-05-12-01",
            "May June 12 1984",
            "12 13 May 1984",
            "nineteen eighty-four",
            "next Tuesday",
            "1984-05-12 or 1984-05-13",
            "🦷",
        ] {
            assert_eq!(ours(text), Err(DateProblem::NotADate), "{text}");
        }
        for text in [
            "1980-02-30",
            "13/13/1984",
            "1984-13-01",
            "February 30, 1984",
            "1984-00-10",
        ] {
            assert_eq!(ours(text), Err(DateProblem::NoSuchDay), "{text}");
        }
    }
}
