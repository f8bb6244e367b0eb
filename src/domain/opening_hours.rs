//! When a clinic's people are there.

use chrono::{DateTime, Datelike, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A span of one day of the week, in the clinic's time; it does not pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The day.
    pub day: Weekday,
    /// From this time on.
    pub opens: NaiveTime,
    /// Until, and not at, this time.
    pub closes: NaiveTime,
}

/// The spans of a week. None at all: always open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpeningHours(Vec<Opening>);

impl OpeningHours {
    /// The hours of these spans.
    #[must_use]
    pub fn new(mut openings: Vec<Opening>) -> Self {
        openings.sort_by_key(|span| (span.day.num_days_from_monday(), span.opens));
        Self(openings)
    }

    /// Whether somebody is there.
    #[must_use]
    pub fn is_open(&self, at: DateTime<Utc>, zone: Tz) -> bool {
        let local = at.with_timezone(&zone);
        let (day, time) = (local.weekday(), local.time());
        let covers = |span: &Opening| span.day == day && span.opens <= time && time < span.closes;
        self.0.is_empty() || self.0.iter().any(covers)
    }

    /// When somebody comes next; `None` if the hours name no span.
    #[must_use]
    pub fn opens_next(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let today = at.with_timezone(&zone).date_naive();
        let days = (0..=7).map(|ahead| today + TimeDelta::days(ahead));
        days.flat_map(|day| {
            let spans = self.0.iter().filter(move |span| span.day == day.weekday());
            spans.map(move |span| day.and_time(span.opens))
        })
        // A time that a clock change skips is not an opening.
        .filter_map(|local| zone.from_local_datetime(&local).earliest())
        .map(|local| local.with_timezone(&Utc))
        .find(|opening| *opening > at)
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    fn time(text: &str) -> NaiveTime {
        text.parse().expect("time")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("time")
    }

    /// Monday to Friday, 08:00 to 12:00 and 13:00 to 17:00, in New York.
    fn hours() -> OpeningHours {
        let days = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
        ];
        let spans = [("13:00:00", "17:00:00"), ("08:00:00", "12:00:00")];
        let each = days.into_iter().flat_map(|day| {
            spans.map(|(opens, closes)| Opening {
                day,
                opens: time(opens),
                closes: time(closes),
            })
        });
        OpeningHours::new(each.collect())
    }

    #[test]
    fn the_clinics_clock_decides() {
        for (moment, open) in [
            ("2026-11-30T12:59:59Z", false),
            ("2026-11-30T13:00:00Z", true),
            ("2026-11-30T17:00:00Z", false),
            ("2026-11-30T18:00:00Z", true),
            ("2026-11-30T22:00:00Z", false),
            ("2026-11-29T15:00:00Z", false),
            // Summer time: an hour earlier.
            ("2026-07-20T12:00:00Z", true),
        ] {
            assert_eq!(hours().is_open(at(moment), New_York), open, "{moment}");
        }
        assert!(OpeningHours::default().is_open(at("2026-11-29T03:00:00Z"), New_York));
    }

    #[test]
    fn the_next_opening_is_the_next_span_over_the_weekend_if_need_be() {
        for (moment, opening) in [
            ("2026-11-30T12:00:00Z", "2026-11-30T13:00:00Z"),
            ("2026-11-30T17:30:00Z", "2026-11-30T18:00:00Z"),
            ("2026-11-27T22:00:00Z", "2026-11-30T13:00:00Z"),
        ] {
            let next = hours().opens_next(at(moment), New_York);
            assert_eq!(next, Some(at(opening)), "{moment}");
        }
        let one = Opening {
            day: Weekday::Mon,
            opens: time("08:00:00"),
            closes: time("09:00:00"),
        };
        let next = OpeningHours::new(vec![one]).opens_next(at("2026-11-30T15:00:00Z"), New_York);
        assert_eq!(next, Some(at("2026-12-07T13:00:00Z")));
        assert_eq!(
            OpeningHours::default().opens_next(at("2026-11-30T15:00:00Z"), New_York),
            None
        );
    }
}
