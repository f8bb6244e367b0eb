//! Numbers in words.

use crate::domain::spoken::{MONTHS, UNITS};
pub(super) use crate::domain::spoken::{cardinal, digits};

/// A whole number as an amount. A number that begins with zero is no amount: digit by digit.
pub(super) fn amount(whole: &str) -> String {
    match whole.parse() {
        Ok(n) if whole.len() == 1 || !whole.starts_with('0') => cardinal(n),
        _ => digits(whole),
    }
}

/// As people read house and room numbers: `1428` is "fourteen twenty-eight", `204` is "two oh four".
pub(super) fn pairs(number: &str) -> String {
    let value = |text: &str| text.parse::<u64>().map(cardinal).unwrap_or_default();
    let tail = |tail: &str| match tail.strip_prefix('0') {
        Some("0") => "hundred".to_owned(),
        Some(unit) => format!("oh {}", value(unit)),
        None => value(tail),
    };
    match number.len() {
        _ if number.starts_with('0') && number.len() > 1 => digits(number),
        1 | 2 => value(number),
        3 => format!("{} {}", value(&number[..1]), tail(&number[1..])),
        4 if number[1..].starts_with("00") => value(number),
        4 => format!("{} {}", value(&number[..2]), tail(&number[2..])),
        _ => digits(number),
    }
}

/// `21` is "twenty-first".
pub(super) fn ordinal(n: u64) -> String {
    let words = cardinal(n);
    let start = words.rfind(['-', ' ']).map_or(0, |i| i + 1);
    let (head, last) = words.split_at(start);
    let irregular = match last {
        "one" => "first",
        "two" => "second",
        "three" => "third",
        "five" => "fifth",
        "eight" => "eighth",
        "nine" => "ninth",
        "twelve" => "twelfth",
        _ => "",
    };
    if !irregular.is_empty() {
        return format!("{head}{irregular}");
    }
    match last.strip_suffix('y') {
        Some(stem) => format!("{head}{stem}ieth"),
        None => format!("{head}{last}th"),
    }
}

/// `2026` is "twenty twenty-six", `2005` is "two thousand five".
pub(super) fn year(n: u32) -> String {
    let (century, rest) = (u64::from(n / 100), u64::from(n % 100));
    match (century, rest) {
        (20, 0..10) => cardinal(u64::from(n)),
        (_, 0) => format!("{} hundred", cardinal(century)),
        (_, 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        _ => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

/// A year of two digits, whose century the text does not tell: `84` is "eighty-four", `05` is "oh five".
pub(super) fn short_year(n: u32) -> String {
    match n {
        0 => "zero zero".to_owned(),
        1..10 => format!("oh {}", cardinal(u64::from(n))),
        _ => cardinal(u64::from(n)),
    }
}

/// Each letter or digit by itself; letters as capitals.
pub(super) fn spelled(text: &str) -> Vec<String> {
    let one = |c: char| {
        c.to_digit(10).map_or_else(
            || c.to_uppercase().to_string(),
            |d| UNITS[d as usize].to_owned(),
        )
    };
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .map(one)
        .collect()
}

/// Hours and minutes as on a clock, without its half of the day.
pub(super) fn clock(hour: u32, minute: u32) -> String {
    let hour = cardinal(u64::from(hour));
    match minute {
        0 => hour,
        1..10 => format!("{hour} oh {}", cardinal(u64::from(minute))),
        _ => format!("{hour} {}", cardinal(u64::from(minute))),
    }
}

/// "December first"; none if there is no such day.
pub(super) fn month_day(month: u32, day: u32) -> Option<String> {
    let name = MONTHS.get(month.checked_sub(1)? as usize)?;
    (1..=31)
        .contains(&day)
        .then(|| format!("{name} {}", ordinal(u64::from(day))))
}

/// The name of a month, 1 to 12.
pub(super) fn month_name(month: u32) -> Option<&'static str> {
    MONTHS.get(month.checked_sub(1)? as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (n, words) in [
            (0, "zero"),
            (21, "twenty-one"),
            (100, "one hundred"),
            (1250, "one thousand two hundred fifty"),
            (1_000_000, "one million"),
            (2_500_017, "two million five hundred thousand seventeen"),
        ] {
            assert_eq!(cardinal(n), words);
        }
        for (n, words) in [
            (1, "first"),
            (12, "twelfth"),
            (20, "twentieth"),
            (21, "twenty-first"),
            (30, "thirtieth"),
            (104, "one hundred fourth"),
        ] {
            assert_eq!(ordinal(n), words);
        }
        for (n, words) in [
            (2026, "twenty twenty-six"),
            (2005, "two thousand five"),
            (1900, "nineteen hundred"),
            (1905, "nineteen oh five"),
        ] {
            assert_eq!(year(n), words);
        }
        assert_eq!(clock(10, 5), "ten oh five");
        assert_eq!(month_day(12, 1).as_deref(), Some("December first"));
        assert_eq!(month_day(13, 1), None);
        for (number, words) in [
            ("7", "seven"),
            ("42", "forty-two"),
            ("100", "one hundred"),
            ("204", "two oh four"),
            ("1428", "fourteen twenty-eight"),
            ("1200", "twelve hundred"),
            ("2005", "two thousand five"),
            ("1010", "ten ten"),
            ("12345", "one two three four five"),
            ("007", "zero zero seven"),
        ] {
            assert_eq!(pairs(number), words);
        }
    }
}
