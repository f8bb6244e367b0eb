//! Days and times in what people say.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::words::{Words, number_at, small};

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
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// A month and day, with the year if one was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spoken {
    month: u32,
    day: u32,
    year: Option<i32>,
}

/// A complete date: a birth date, never an appointment.
pub(super) fn full_date(words: &Words) -> Option<NaiveDate> {
    if let Some(date) = words.0.iter().find_map(|w| numeric(w)) {
        return Some(date);
    }
    let spoken = spoken(words)?;
    NaiveDate::from_ymd_opt(spoken.year?, spoken.month, spoken.day)
}

/// The days that are asked for, from and to.
pub(super) fn wanted_days(words: &Words, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let one = |date: NaiveDate| Some((date, date));
    if let Some(spoken) = spoken(words).filter(|s| s.year.is_none()) {
        let date = NaiveDate::from_ymd_opt(today.year(), spoken.month, spoken.day)?;
        return one(if date < today {
            date.with_year(today.year() + 1)?
        } else {
            date
        });
    }
    if let Some(weekday) = weekday(words) {
        let ahead =
            (weekday.num_days_from_monday() + 7 - today.weekday().num_days_from_monday()) % 7;
        return one(today.checked_add_days(Days::new(u64::from(if ahead == 0 {
            7
        } else {
            ahead
        })))?);
    }
    if words.has("tomorrow") {
        return one(today.succ_opt()?);
    }
    if words.has("next week") {
        let monday = today.checked_add_days(Days::new(
            7 - u64::from(today.weekday().num_days_from_monday()),
        ))?;
        return Some((monday, monday.checked_add_days(Days::new(6))?));
    }
    // "today" alone is how people end any question.
    if words.has_any(&[
        "for today",
        "in today",
        "later today",
        "still today",
        "openings today",
        "available today",
    ]) {
        one(today)
    } else {
        None
    }
}

pub(super) fn is_month(word: &str) -> bool {
    MONTHS.contains(&word)
}

pub(super) fn weekday(words: &Words) -> Option<Weekday> {
    WEEKDAYS
        .iter()
        .find(|(name, _)| words.has(name))
        .map(|(_, day)| *day)
}

pub(super) fn names_a_month(words: &Words) -> bool {
    // "may" and "march" are also other words; with a day after them they are months.
    spoken(words).is_some()
}

/// Hour (1 to 12) and minute of a time of day.
pub(super) fn time(words: &Words) -> Option<(u32, u32)> {
    (0..words.0.len()).find_map(|at| time_at(words, at))
}

fn time_at(words: &Words, at: usize) -> Option<(u32, u32)> {
    let word = words.get(at)?;
    if let Some((hour, minute)) = word
        .trim_end_matches("am")
        .trim_end_matches("pm")
        .split_once(':')
    {
        return clock(hour.parse().ok()?, minute.parse().ok()?);
    }
    if word.ends_with("am") || word.ends_with("pm") {
        return clock(word[..word.len() - 2].parse().ok()?, 0);
    }
    let hour = small(word)
        .or_else(|| word.parse().ok())
        .filter(|h| (1..=12).contains(h))?;
    match words.get(at + 1) {
        Some("am" | "pm" | "oclock") => return clock(hour, 0),
        Some(next) => {
            let minute = number_at(words, at + 1).filter(|(m, _)| {
                [15, 20, 30, 40, 45, 50, 10].contains(m) && small(next) != Some(*m) || *m == 15
            });
            if let Some((minute, _)) = minute {
                return clock(hour, minute);
            }
        }
        None => {}
    }
    let before = at.checked_sub(1).and_then(|i| words.get(i));
    if matches!(before, Some("at")) {
        clock(hour, 0)
    } else {
        None
    }
}

fn clock(hour: u32, minute: u32) -> Option<(u32, u32)> {
    (hour < 24 && minute < 60).then(|| ((hour + 11) % 12 + 1, minute))
}

fn spoken(words: &Words) -> Option<Spoken> {
    (0..words.0.len()).find_map(|at| {
        let month = MONTHS.iter().position(|m| Some(*m) == words.get(at))? as u32 + 1;
        let possible = |(day, _): &(u32, usize)| (1..=31).contains(day);
        // "the third of March nineteen eighty five"
        if at >= 2 && words.get(at - 1) == Some("of") {
            let (day, _) = number_at(words, at - 2).filter(possible)?;
            return Some(Spoken {
                month,
                day,
                year: year_at(words, at + 1),
            });
        }
        let after = if words.get(at + 1) == Some("the") {
            at + 2
        } else {
            at + 1
        };
        let (day, used) = number_at(words, after).filter(possible)?;
        Some(Spoken {
            month,
            day,
            year: year_at(words, after + used),
        })
    })
}

fn year_at(words: &Words, at: usize) -> Option<i32> {
    let first = words.get(at)?;
    if first == "in" || first == "of" {
        return year_at(words, at + 1);
    }
    if let Ok(year) = first.parse::<i32>() {
        return (1_900..=2_100).contains(&year).then_some(year);
    }
    if words.get(at + 1) == Some("thousand") {
        let rest = if words.get(at + 2) == Some("and") {
            at + 3
        } else {
            at + 2
        };
        let tail = number_at(words, rest).map_or(0, |(n, _)| n);
        return (first == "two").then_some(2_000 + tail as i32);
    }
    let century = match first {
        "nineteen" => 1_900,
        "twenty" => 2_000,
        _ => return None,
    };
    if small(words.get(at + 1)?) == Some(0) {
        return Some(century + small(words.get(at + 2)?)? as i32);
    }
    number_at(words, at + 1).map(|(n, _)| century + n as i32)
}

fn numeric(word: &str) -> Option<NaiveDate> {
    ["%Y-%m-%d", "%m/%d/%Y", "%m-%d-%Y"]
        .iter()
        .find_map(|f| NaiveDate::parse_from_str(word, f).ok())
        .filter(|d| d.year() > 1_900)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birth_dates_are_read_as_people_say_them() {
        for text in [
            "born March third nineteen eighty five",
            "March 3rd, 1985",
            "the third of March nineteen eighty-five",
            "03/03/1985",
            "it is 1985-03-03.",
        ] {
            assert_eq!(
                full_date(&Words::new(text)),
                NaiveDate::from_ymd_opt(1985, 3, 3),
                "{text}"
            );
        }
        let date = |text: &str| full_date(&Words::new(text)).map(|d| d.to_string());
        assert_eq!(
            date("July nineteenth nineteen seventy two").as_deref(),
            Some("1972-07-19")
        );
        assert_eq!(
            date("May twenty first two thousand and five").as_deref(),
            Some("2005-05-21")
        );
        assert_eq!(date("Tuesday, December first at ten"), None);
    }

    #[test]
    fn wanted_days_lie_ahead() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 24).expect("a Tuesday");
        let days =
            |text: &str| wanted_days(&Words::new(text), today).map(|(a, b)| format!("{a} {b}"));
        assert_eq!(
            days("something on Tuesday morning").as_deref(),
            Some("2026-12-01 2026-12-01")
        );
        assert_eq!(
            days("on Thursday").as_deref(),
            Some("2026-11-26 2026-11-26")
        );
        assert_eq!(
            days("sometime next week").as_deref(),
            Some("2026-11-30 2026-12-06")
        );
        assert_eq!(
            days("January fifth").as_deref(),
            Some("2027-01-05 2027-01-05")
        );
        assert_eq!(days("born March third nineteen eighty five"), None);
    }

    #[test]
    fn times_need_a_sign_that_they_are_times() {
        let at = |text: &str| time(&Words::new(text));
        assert_eq!(
            (
                at("ten thirty is good"),
                at("10:30"),
                at("at ten"),
                at("two p m")
            ),
            (Some((10, 30)), Some((10, 30)), Some((10, 0)), Some((2, 0)))
        );
        assert_eq!(
            (at("the first one is fine"), at("number two works for me")),
            (None, None)
        );
    }
}
