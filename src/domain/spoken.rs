//! Times and money as a person says them, for a synthesiser that should not guess.

use chrono::{DateTime, Datelike, Timelike, Utc};
use chrono_tz::Tz;

/// January is the first.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const ORDINALS: [&str; 31] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
];

/// Zero to nineteen.
pub(crate) const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// `twenty-five dollars`, `one dollar and five cents`, `fifty cents`, `no charge`.
#[must_use]
pub fn spoken_money(cents: u32) -> String {
    let part = |count: u32, one: &str| match count {
        1 => format!("one {one}"),
        _ => format!("{} {one}s", cardinal(u64::from(count))),
    };
    match (cents / 100, cents % 100) {
        (0, 0) => "no charge".to_owned(),
        (0, cents) => part(cents, "cent"),
        (dollars, 0) => part(dollars, "dollar"),
        (dollars, cents) => format!("{} and {}", part(dollars, "dollar"), part(cents, "cent")),
    }
}

/// `1250` is "one thousand two hundred fifty". What has more than fifteen digits is read digit by digit.
pub(crate) fn cardinal(n: u64) -> String {
    let head = |size: u64, name: &str| joined(&format!("{} {name}", cardinal(n / size)), n % size);
    match n {
        0..20 => UNITS[n as usize].to_owned(),
        20..100 if n.is_multiple_of(10) => TENS[(n / 10) as usize].to_owned(),
        20..100 => format!("{}-{}", TENS[(n / 10) as usize], UNITS[(n % 10) as usize]),
        100..1000 => head(100, "hundred"),
        1000..1_000_000 => head(1000, "thousand"),
        1_000_000..1_000_000_000 => head(1_000_000, "million"),
        1_000_000_000..1_000_000_000_000 => head(1_000_000_000, "billion"),
        1_000_000_000_000..1_000_000_000_000_000 => head(1_000_000_000_000, "trillion"),
        _ => digits(&n.to_string()),
    }
}

fn joined(head: &str, rest: u64) -> String {
    if rest == 0 {
        head.to_owned()
    } else {
        format!("{head} {}", cardinal(rest))
    }
}

/// Each digit as a word.
pub(crate) fn digits(text: &str) -> String {
    let words: Vec<&str> = text
        .chars()
        .filter_map(|c| c.to_digit(10))
        .map(|d| UNITS[d as usize])
        .collect();
    words.join(" ")
}

/// `Tuesday, December first at ten thirty A M`, in the clinic's time.
#[must_use]
pub fn spoken_time(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    let month = MONTHS[local.month0() as usize];
    let day = ORDINALS[local.day0() as usize];
    format!(
        "{}, {month} {day} at {}",
        local.format("%A"),
        clock(local.hour(), local.minute())
    )
}

fn clock(hour: u32, minute: u32) -> String {
    let half = if hour < 12 { "A M" } else { "P M" };
    let hour = match hour % 12 {
        0 => "twelve",
        hour => UNITS[hour as usize],
    };
    match minute {
        0 => format!("{hour} {half}"),
        1..10 => format!("{hour} oh {} {half}", UNITS[minute as usize]),
        _ => format!("{hour} {} {half}", cardinal(u64::from(minute))),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    #[test]
    fn a_time_is_said_in_words_and_in_the_clinics_zone() {
        for (at, words) in [
            ("2026-12-01T15:00:00Z", "Tuesday, December first at ten A M"),
            (
                "2026-12-01T17:30:00Z",
                "Tuesday, December first at twelve thirty P M",
            ),
            (
                "2026-07-22T18:45:00Z",
                "Wednesday, July twenty-second at two forty-five P M",
            ),
            (
                "2026-07-31T04:05:00Z",
                "Friday, July thirty-first at twelve oh five A M",
            ),
            (
                "2026-07-22T13:15:00Z",
                "Wednesday, July twenty-second at nine fifteen A M",
            ),
        ] {
            assert_eq!(spoken_time(at.parse().expect("time"), New_York), words);
        }
    }

    /// C59.
    #[test]
    fn money_is_said_in_words() {
        for (cents, words) in [
            (2_500, "twenty-five dollars"),
            (100, "one dollar"),
            (101, "one dollar and one cent"),
            (50, "fifty cents"),
            (2_208, "twenty-two dollars and eight cents"),
            (7_599, "seventy-five dollars and ninety-nine cents"),
            (120_000, "one thousand two hundred dollars"),
            (11_000, "one hundred ten dollars"),
            (0, "no charge"),
        ] {
            assert_eq!(spoken_money(cents), words);
        }
        assert!(spoken_money(u32::MAX).starts_with("forty-two million"));
    }
}
