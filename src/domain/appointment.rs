//! Free time: working hours minus bookings and time off, in the clinic's time zone. Pure; the time is an input.

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike,
    Utc, Weekday,
};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::ProviderId;

/// Appointments start at multiples of this after opening.
const GRID: TimeDelta = TimeDelta::minutes(30);
/// Nothing is offered sooner than this.
const LEAD: TimeDelta = TimeDelta::minutes(60);

/// Someone whose time is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Practitioner {
    /// Who.
    pub id: ProviderId,
    /// Number within the clinic, for slot ids.
    pub number: u16,
    /// As spoken.
    pub name: String,
}

/// A weekly opening, in the clinic's local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkingHours {
    /// The day.
    pub weekday: Weekday,
    /// First minute.
    pub opens: NaiveTime,
    /// End; an appointment may end at it.
    pub closes: NaiveTime,
}

/// A stretch of time; the end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after.
    pub end: DateTime<Utc>,
}

impl Interval {
    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// One practitioner's time.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Whose.
    pub practitioner: Practitioner,
    /// When they work.
    pub hours: Vec<WorkingHours>,
    /// What is booked, and time off.
    pub busy: Vec<Interval>,
}

/// Whether a whole appointment lies inside one opening.
#[must_use]
pub fn is_open(zone: Tz, hours: &[WorkingHours], time: &Interval) -> bool {
    let day = time.start.with_timezone(&zone).date_naive();
    let today = hours.iter().filter(|hours| hours.weekday == day.weekday());
    today.into_iter().any(|hours| {
        instant(zone, day, hours.opens) <= time.start
            && time.end <= instant(zone, day, hours.closes)
    })
}

/// Part of a day, by local start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartOfDay {
    /// Before noon.
    Morning,
    /// From noon until five.
    Afternoon,
    /// From five.
    Evening,
}

impl PartOfDay {
    fn of(time: NaiveTime) -> Self {
        match time.hour() {
            0..12 => Self::Morning,
            12..17 => Self::Afternoon,
            _ => Self::Evening,
        }
    }
}

/// What kind of time is looked for.
#[derive(Clone, Copy, Debug)]
pub struct SlotSearch {
    /// The clinic's zone.
    pub zone: Tz,
    /// The present.
    pub now: DateTime<Utc>,
    /// First day, local.
    pub from: NaiveDate,
    /// Last day, local.
    pub to: NaiveDate,
    /// Only this part of each day.
    pub part: Option<PartOfDay>,
    /// No start before this time of day.
    pub not_before: Option<NaiveTime>,
    /// No start at or after this time of day.
    pub before: Option<NaiveTime>,
    /// How long the procedure takes.
    pub length: TimeDelta,
}

impl SlotSearch {
    /// Whether an appointment may begin at this time of day.
    fn wants(&self, local: NaiveTime) -> bool {
        self.part.is_none_or(|part| part == PartOfDay::of(local))
            && self.not_before.is_none_or(|first| local >= first)
            && self.before.is_none_or(|end| local < end)
    }
}

/// A free time with one practitioner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeSlot {
    /// With whom.
    pub practitioner: Practitioner,
    /// When.
    pub time: Interval,
}

/// All free times, earliest first.
#[must_use]
pub fn free_slots(search: &SlotSearch, calendars: &[Calendar]) -> Vec<FreeSlot> {
    let mut slots = Vec::new();
    for calendar in calendars {
        for day in search.from.iter_days().take_while(|day| *day <= search.to) {
            for hours in calendar
                .hours
                .iter()
                .filter(|hours| hours.weekday == day.weekday())
            {
                fill_opening(search, calendar, day, hours, &mut slots);
            }
        }
    }
    slots.sort_by_key(|slot: &FreeSlot| (slot.time.start, slot.practitioner.number));
    slots
}

/// Walks in absolute time, so that a day with 23 or 25 hours has as many appointments as it has time for.
fn fill_opening(
    search: &SlotSearch,
    calendar: &Calendar,
    day: NaiveDate,
    hours: &WorkingHours,
    slots: &mut Vec<FreeSlot>,
) {
    let closes = instant(search.zone, day, hours.closes);
    let mut start = instant(search.zone, day, hours.opens);
    while start + search.length <= closes {
        let time = Interval {
            start,
            end: start + search.length,
        };
        if search.wants(start.with_timezone(&search.zone).time())
            && start >= search.now + LEAD
            && calendar.busy.iter().all(|busy| !busy.overlaps(&time))
        {
            slots.push(FreeSlot {
                practitioner: calendar.practitioner.clone(),
                time,
            });
        }
        start += GRID;
    }
}

/// The instant of a local time. Where clocks are put back, the first one; where they are put forward over it, the instant of the change.
#[must_use]
pub fn instant(zone: Tz, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let mut local = day.and_time(time);
    loop {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                return at.with_timezone(&Utc);
            }
            LocalResult::None => local += TimeDelta::minutes(1),
        }
    }
}

/// The instants at which the local days `from` to `to` begin and end.
#[must_use]
pub fn day_bounds(zone: Tz, from: NaiveDate, to: NaiveDate) -> Interval {
    Interval {
        start: instant(zone, from, NaiveTime::MIN),
        end: to
            .checked_add_days(Days::new(1))
            .map_or(DateTime::<Utc>::MAX_UTC, |next| {
                instant(zone, next, NaiveTime::MIN)
            }),
    }
}

/// A choice of at most `count` to read out: the first time of each half-day; if there are fewer half-days, evenly from the other times. Each time once.
#[must_use]
pub fn spread(zone: Tz, mut slots: Vec<FreeSlot>, count: usize) -> Vec<FreeSlot> {
    slots.dedup_by_key(|slot| slot.time.start);
    let part = |slot: &FreeSlot| {
        let local = slot.time.start.with_timezone(&zone);
        (local.date_naive(), PartOfDay::of(local.time()))
    };
    let mut firsts: Vec<usize> = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        if firsts
            .last()
            .is_none_or(|last| part(&slots[*last]) != part(slot))
        {
            firsts.push(index);
        }
    }
    let others: Vec<usize> = (0..slots.len())
        .filter(|index| !firsts.contains(index))
        .collect();
    let missing = count.saturating_sub(firsts.len());
    let evenly = (1..=missing).filter_map(|nth| others.get(nth * others.len() / (missing + 1)));
    let mut chosen: Vec<usize> = firsts.iter().chain(evenly).copied().collect();
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen.dedup();
    chosen
        .into_iter()
        .map(|index| slots[index].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("time")
    }

    fn calendar(weekday: Weekday, opens: &str, closes: &str, busy: &[(&str, &str)]) -> Calendar {
        Calendar {
            practitioner: Practitioner {
                id: ProviderId::generate(),
                number: 1,
                name: "Dr. Amara Osei".into(),
            },
            hours: vec![WorkingHours {
                weekday,
                opens: opens.parse().expect("time"),
                closes: closes.parse().expect("time"),
            }],
            busy: busy
                .iter()
                .map(|(start, end)| Interval {
                    start: utc(start),
                    end: utc(end),
                })
                .collect(),
        }
    }

    fn search(day: &str, now: &str) -> SlotSearch {
        let day = day.parse().expect("date");
        SlotSearch {
            zone: New_York,
            now: utc(now),
            from: day,
            to: day,
            part: None,
            not_before: None,
            before: None,
            length: TimeDelta::minutes(60),
        }
    }

    fn local_starts(slots: &[FreeSlot]) -> Vec<String> {
        slots
            .iter()
            .map(|slot| {
                slot.time
                    .start
                    .with_timezone(&New_York)
                    .format("%H:%M")
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn free_time_is_working_time_without_bookings_and_whole_appointments_only() {
        let day = calendar(
            Weekday::Tue,
            "09:00",
            "12:15",
            &[("2026-12-01T15:00:00Z", "2026-12-01T15:30:00Z")],
        );
        let slots = free_slots(&search("2026-12-01", "2026-11-01T00:00:00Z"), &[day]);
        assert_eq!(local_starts(&slots), ["09:00", "10:30", "11:00"]);
    }

    #[test]
    fn closed_days_past_hours_and_other_parts_of_the_day_are_left_out() {
        let day = || calendar(Weekday::Tue, "09:00", "17:00", &[]);
        assert_eq!(
            free_slots(&search("2026-12-02", "2026-11-01T00:00:00Z"), &[day()]),
            []
        );
        let late = free_slots(&search("2026-12-01", "2026-12-01T19:30:00Z"), &[day()]);
        assert_eq!(local_starts(&late), ["15:30", "16:00"]);
        let mut morning = search("2026-12-01", "2026-11-01T00:00:00Z");
        morning.part = Some(PartOfDay::Morning);
        assert_eq!(
            local_starts(&free_slots(&morning, &[day()])),
            ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
        );
    }

    #[test]
    fn hours_are_local_on_both_sides_of_a_clock_change() {
        let starts = |day: &str| {
            let any = calendar(
                day.parse::<NaiveDate>().expect("date").weekday(),
                "09:00",
                "10:00",
                &[],
            );
            free_slots(&search(day, "2026-01-01T00:00:00Z"), &[any])[0]
                .time
                .start
        };
        assert_eq!(
            starts("2026-03-06"),
            utc("2026-03-06T14:00:00Z"),
            "winter time"
        );
        assert_eq!(
            starts("2026-03-09"),
            utc("2026-03-09T13:00:00Z"),
            "summer time"
        );
    }

    #[test]
    fn a_night_with_a_clock_change_is_an_hour_shorter_or_longer() {
        let night = || calendar(Weekday::Sun, "00:00", "04:00", &[]);
        let count = |day: &str| free_slots(&search(day, "2026-01-01T00:00:00Z"), &[night()]).len();
        assert_eq!(count("2026-03-15"), 7);
        assert_eq!(count("2026-03-08"), 5, "clocks go forward at 02:00");
        assert_eq!(count("2026-11-01"), 9, "clocks go back at 02:00");
    }

    #[test]
    fn an_opening_inside_the_skipped_hour_begins_when_the_hour_is_skipped() {
        let at = instant(
            New_York,
            "2026-03-08".parse().expect("date"),
            "02:30".parse().expect("time"),
        );
        assert_eq!(at, utc("2026-03-08T07:00:00Z"));
    }

    #[test]
    fn the_offer_is_spread_over_half_days_and_names_no_time_twice() {
        let day = calendar(Weekday::Tue, "09:00", "17:00", &[]);
        let mut two_weeks = search("2026-12-01", "2026-11-01T00:00:00Z");
        two_weeks.to = "2026-12-08".parse().expect("date");
        let mut other = day.clone();
        other.practitioner.number = 2;
        let offer = spread(New_York, free_slots(&two_weeks, &[day, other]), 3);
        let spoken: Vec<_> = offer
            .iter()
            .map(|slot| {
                slot.time
                    .start
                    .with_timezone(&New_York)
                    .format("%d %H:%M")
                    .to_string()
            })
            .collect();
        assert_eq!(spoken, ["01 09:00", "01 12:00", "08 09:00"]);
        let in_morning = |closes: &str| {
            let day = calendar(Weekday::Tue, "08:00", closes, &[]);
            let search = search("2026-12-01", "2026-11-01T00:00:00Z");
            local_starts(&spread(New_York, free_slots(&search, &[day]), 3))
        };
        assert_eq!(in_morning("12:00"), ["08:00", "09:30", "10:30"]);
        assert_eq!(in_morning("10:00"), ["08:00", "08:30", "09:00"]);
        assert_eq!(in_morning("09:30"), ["08:00", "08:30"]);
        assert_eq!(in_morning("09:00"), ["08:00"]);
        assert!(in_morning("08:30").is_empty());
    }
}
