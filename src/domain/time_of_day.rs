//! Times of day as callers ask for them and models write them down.

use chrono::NaiveTime;

/// Said before a time, and not part of it.
const FILLERS: [&str; 9] = [
    "about", "around", "at", "by", "circa", "the", "roughly", "like", "say",
];
const HOURS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];
const MINUTES: [(&str, u32); 7] = [
    ("fifteen", 15),
    ("thirty", 30),
    ("forty-five", 45),
    ("fortyfive", 45),
    ("ten", 10),
    ("twenty", 20),
    ("fifty", 50),
];
/// A bare "three" is in the afternoon: nobody sees patients at three in the morning. From this hour on it is the morning.
const FIRST_MORNING_HOUR: u32 = 7;

/// `15:00`, `3 pm`, `around 3:30 p.m.`, `half past two`, `three o'clock`, `noon`. `None` if it is no time of day.
#[must_use]
pub fn parse_time_of_day(text: &str) -> Option<NaiveTime> {
    let text = text.trim().to_lowercase();
    // 24-hour clock as asked for: two digits, or with seconds, or as `starts_at_local` has it.
    let of_local = text.split_once('t').filter(|(day, _)| day.len() == 10);
    let written = [text.as_str(), of_local.map_or("", |(_, time)| time)];
    for (form, length) in [("%H:%M", 5), ("%H:%M:%S", 8)] {
        let strict = written
            .iter()
            .filter(|text| text.len() == length && text.find(':') == Some(2))
            .find_map(|text| NaiveTime::parse_from_str(text, form).ok());
        if strict.is_some() {
            return strict;
        }
    }
    let plain = text
        .replace("o'clock", " ")
        .replace("o’clock", " ")
        .replace("oclock", " ")
        .replace('.', "");
    let words: Vec<&str> = plain
        .split(|c: char| c.is_whitespace() || c == '~' || c == ',')
        .filter(|word| !word.is_empty() && !FILLERS.contains(word))
        .collect();
    named(&words)
        .or_else(|| past(&words))
        .or_else(|| counted(&words))
}

fn named(words: &[&str]) -> Option<NaiveTime> {
    match words {
        ["noon" | "midday"] | ["12" | "twelve", "noon"] => NaiveTime::from_hms_opt(12, 0, 0),
        ["midnight"] => Some(NaiveTime::MIN),
        _ => None,
    }
}

/// `half past two`, `quarter to three pm`.
fn past(words: &[&str]) -> Option<NaiveTime> {
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "a").collect();
    let (minutes, rest) = match words.as_slice() {
        ["half", "past", rest @ ..] => (30, rest),
        ["quarter", "past" | "after", rest @ ..] => (15, rest),
        ["quarter", "to" | "before" | "of", rest @ ..] => (-15, rest),
        _ => return None,
    };
    let hour = counted(rest)?;
    Some(hour + chrono::TimeDelta::minutes(minutes))
}

fn counted(words: &[&str]) -> Option<NaiveTime> {
    let (words, half) = split_half(words);
    let clock = words.join(" ");
    let (hour, minute) = match clock.split_once([':', ' ']) {
        Some((hour, minute)) => (number(hour)?, minutes(minute)?),
        None => (number(&clock)?, 0),
    };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(Half::Morning) => hour % 12,
        Some(Half::Afternoon) => hour % 12 + 12,
        None if (1..FIRST_MORNING_HOUR).contains(&hour) => hour + 12,
        None => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}

#[derive(Clone, Copy)]
enum Half {
    Morning,
    Afternoon,
}

/// Takes `pm`, `p m`, `in the afternoon`, also written to the number, off.
fn split_half(words: &[&str]) -> (Vec<String>, Option<Half>) {
    let joined = words.join(" ");
    let endings = [
        (" in morning", Half::Morning),
        (" in afternoon", Half::Afternoon),
        (" in evening", Half::Afternoon),
        (" a m", Half::Morning),
        (" p m", Half::Afternoon),
        ("am", Half::Morning),
        ("pm", Half::Afternoon),
    ];
    let found = endings
        .iter()
        .find_map(|(ending, half)| Some((joined.strip_suffix(ending)?, *half)));
    let (rest, half) = found.map_or((joined.as_str(), None), |(rest, half)| (rest, Some(half)));
    let words = rest.split_whitespace().map(str::to_owned).collect();
    (words, half)
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    match HOURS.iter().position(|word| *word == text) {
        Some(place) => u32::try_from(place + 1).ok(),
        None => text
            .parse()
            .ok()
            .filter(|_| text.len() <= 2 && text.bytes().all(|c| c.is_ascii_digit())),
    }
}

fn minutes(text: &str) -> Option<u32> {
    let text = text.trim();
    match MINUTES.iter().find(|(word, _)| *word == text) {
        Some((_, minutes)) => Some(*minutes),
        None => (text.len() == 2).then(|| text.parse().ok()).flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_as_people_say_it() {
        for (said, time) in [
            ("15:00", "15:00"),
            ("09:30", "09:30"),
            ("03:00", "03:00"),
            ("15:00:00", "15:00"),
            ("2026-12-01T15:00", "15:00"),
            ("3 pm", "15:00"),
            ("3pm", "15:00"),
            ("around 3:30 p.m.", "15:30"),
            ("3 P M", "15:00"),
            ("three o'clock", "15:00"),
            ("Three thirty", "15:30"),
            ("half past two", "14:30"),
            ("quarter to three", "14:45"),
            ("a quarter past nine", "09:15"),
            ("ten", "10:00"),
            ("9", "09:00"),
            ("9 in the morning", "09:00"),
            ("3:00", "15:00"),
            ("6 am", "06:00"),
            ("noon", "12:00"),
            ("12 pm", "12:00"),
            ("12 am", "00:00"),
            ("15", "15:00"),
        ] {
            let expected: NaiveTime = time.parse().expect("time");
            assert_eq!(parse_time_of_day(said), Some(expected), "{said}");
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in [
            "",
            "later",
            "25:00",
            "13 pm",
            "3:75",
            "tuesday",
            "12:5",
            "-3",
            "3.5.7",
            "99999999999",
            "::",
            "+262142-12-31T23:59",
            "pm",
        ] {
            assert_eq!(parse_time_of_day(text), None, "{text}");
        }
    }
}
