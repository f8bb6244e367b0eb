//! Numbers in words.

const UNITS: [&str; 20] = [
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
const MONTHS: [&str; 12] = [
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

/// `1250` is "one thousand two hundred fifty". Numbers of a million and more are spelled digit by digit.
pub(super) fn cardinal(n: u32) -> String {
    match n {
        0..20 => UNITS[n as usize].to_owned(),
        20..100 => joined(TENS[(n / 10) as usize], n % 10, "-"),
        100..1000 => joined(
            &format!("{} hundred", UNITS[(n / 100) as usize]),
            n % 100,
            " ",
        ),
        1000..1_000_000 => joined(&format!("{} thousand", cardinal(n / 1000)), n % 1000, " "),
        _ => digits(&n.to_string()),
    }
}

fn joined(head: &str, rest: u32, by: &str) -> String {
    if rest == 0 {
        head.to_owned()
    } else {
        format!("{head}{by}{}", cardinal(rest))
    }
}

/// `21` is "twenty-first".
pub(super) fn ordinal(n: u32) -> String {
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
    match (n / 100, n % 100) {
        (20, 0..10) => cardinal(n),
        (century, 0) => format!("{} hundred", cardinal(century)),
        (century, rest @ 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        (century, rest) => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

/// Each digit as a word.
pub(super) fn digits(text: &str) -> String {
    let words: Vec<&str> = text
        .chars()
        .filter_map(|c| c.to_digit(10))
        .map(|d| UNITS[d as usize])
        .collect();
    words.join(" ")
}

/// Hours and minutes as on a clock, without its half of the day.
pub(super) fn clock(hour: u32, minute: u32) -> String {
    match minute {
        0 => cardinal(hour),
        1..10 => format!("{} oh {}", cardinal(hour), cardinal(minute)),
        _ => format!("{} {}", cardinal(hour), cardinal(minute)),
    }
}

/// "December first"; none if there is no such day.
pub(super) fn month_day(month: u32, day: u32) -> Option<String> {
    let name = MONTHS.get(month.checked_sub(1)? as usize)?;
    (1..=31)
        .contains(&day)
        .then(|| format!("{name} {}", ordinal(day)))
}

/// Whether the word names a month.
pub(super) fn is_month(word: &str) -> bool {
    MONTHS.contains(&word)
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
    }
}
