//! Clinics from a seed: hours with and without breaks, time off, holidays, bookings, zones with all kinds of clock changes.

use std::{collections::BTreeSet, fmt::Write};

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday,
};
use chrono_tz::Tz;
use neurality::domain::{
    appointment::{Calendar, Interval, Practitioner, WorkingHours},
    ids::ProviderId,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// All times of a generated clinic are multiples of it.
const TICK: TimeDelta = TimeDelta::minutes(5);
/// Zones, each with the day before its clocks change; they change by half an hour on Lord Howe.
const ZONES: [(Tz, &str); 9] = [
    (chrono_tz::America::New_York, "2026-03-07"),
    (chrono_tz::America::New_York, "2026-10-31"),
    (chrono_tz::America::Los_Angeles, "2026-03-07"),
    (chrono_tz::Europe::London, "2026-10-24"),
    (chrono_tz::Australia::Lord_Howe, "2026-04-04"),
    (chrono_tz::Australia::Lord_Howe, "2026-10-03"),
    (chrono_tz::Pacific::Chatham, "2026-04-04"),
    (chrono_tz::Asia::Kolkata, "2026-06-01"),
    (chrono_tz::America::Santiago, "2026-09-05"),
];
const LENGTHS: [i64; 7] = [15, 20, 30, 45, 60, 90, 120];

/// A practitioner's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) practitioner: u16,
    pub(super) start: DateTime<Utc>,
}

/// From and until, on the clinic's clock.
pub(super) type Span = (NaiveDateTime, NaiveDateTime);

pub(super) struct Person {
    pub(super) number: u16,
    pub(super) hours: Vec<(Weekday, NaiveTime, NaiveTime)>,
    pub(super) time_off: Vec<Span>,
    pub(super) booked: Vec<Interval>,
}

pub(super) struct GeneratedClinic {
    pub(super) zone: Tz,
    pub(super) now: DateTime<Utc>,
    pub(super) days: (NaiveDate, NaiveDate),
    pub(super) length: TimeDelta,
    pub(super) people: Vec<Person>,
    pub(super) closed: Vec<Span>,
    /// The clock of these days, tick by tick.
    clock: Vec<(DateTime<Utc>, NaiveDateTime)>,
}

impl GeneratedClinic {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let (zone, eve) = *ZONES.choose(&mut rng).expect("zones");
        let eve: NaiveDate = eve.parse().expect("date");
        let from = eve - Days::new(rng.random_range(0..4));
        let days = (from, from + Days::new(rng.random_range(3..8)));
        let mut clinic = Self::empty(zone, days);
        clinic.length = TimeDelta::minutes(*LENGTHS.choose(&mut rng).expect("lengths"));
        clinic.now = clinic.instant(from.and_time(time(rng.random_range(0..240))));
        for number in 1..=rng.random_range(1..=4) {
            let person = Person {
                number,
                hours: hours(&mut rng),
                time_off: spans(&mut rng, from, 2),
                booked: Vec::new(),
            };
            clinic.people.push(person);
        }
        clinic.closed = spans(&mut rng, from, 1);
        clinic.fill(&mut rng);
        clinic
    }

    fn empty(zone: Tz, days: (NaiveDate, NaiveDate)) -> Self {
        let noon = |day: NaiveDate| day.and_time(time(144)).and_utc();
        let (mut at, end) = (noon(days.0 - Days::new(2)), noon(days.0 + Days::new(12)));
        let mut clock = Vec::new();
        while at < end {
            clock.push((at, at.with_timezone(&zone).naive_local()));
            at += TICK;
        }
        Self {
            zone,
            now: clock[0].0,
            days,
            length: TICK,
            people: Vec::new(),
            closed: Vec::new(),
            clock,
        }
    }

    /// Books some of what is free.
    fn fill(&mut self, rng: &mut StdRng) {
        let busy = rng.random_range(0.0..0.8);
        let free: Vec<Place> = self.free().into_iter().collect();
        for place in free {
            let time = Interval {
                start: place.start,
                end: place.start + self.length,
            };
            let person = self
                .people
                .iter_mut()
                .find(|p| p.number == place.practitioner);
            let person = person.expect("one of them");
            if rng.random_bool(busy) && person.booked.iter().all(|b| !overlap(b, &time)) {
                person.booked.push(time);
            }
        }
    }

    pub(super) fn numbers(&self) -> Vec<u16> {
        self.people.iter().map(|person| person.number).collect()
    }

    /// The first moment at which the clinic's clock shows this time or a later one.
    pub(super) fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let on_the_day = |shown: &NaiveDateTime| *shown >= local;
        let found = self.clock.iter().find(|(_, shown)| on_the_day(shown));
        found.expect("within the clinic's days").0
    }

    fn interval(&self, span: &Span) -> Interval {
        Interval {
            start: self.instant(span.0),
            end: self.instant(span.1),
        }
    }

    /// When nobody may be seen by this person.
    fn busy(&self, person: &Person) -> Vec<Interval> {
        let away = self.closed.iter().chain(&person.time_off);
        let away = away.map(|span| self.interval(span));
        away.filter(|time| time.start < time.end)
            .chain(person.booked.iter().copied())
            .collect()
    }

    /// Everything that is free, found moment by moment.
    pub(super) fn free(&self) -> BTreeSet<Place> {
        let mut free = BTreeSet::new();
        for person in &self.people {
            let busy = self.busy(person);
            for day in self
                .days
                .0
                .iter_days()
                .take_while(|day| *day <= self.days.1)
            {
                let today = person.hours.iter().filter(|(on, ..)| *on == day.weekday());
                for (_, opens, closes) in today {
                    let opening = self.instant(day.and_time(*opens));
                    let closing = self.instant(day.and_time(*closes));
                    let first = self.clock.partition_point(|(at, _)| *at < opening);
                    for (at, _) in self.clock[first..]
                        .iter()
                        .take_while(|(at, _)| *at < closing)
                    {
                        let time = Interval {
                            start: *at,
                            end: *at + self.length,
                        };
                        if time.end <= closing
                            && (time.start - opening).num_minutes() % 30 == 0
                            && time.start >= self.now + TimeDelta::hours(1)
                            && busy.iter().all(|b| !overlap(b, &time))
                        {
                            free.insert(Place {
                                practitioner: person.number,
                                start: *at,
                            });
                        }
                    }
                }
            }
        }
        free
    }

    /// As the product sees it.
    pub(super) fn calendars(&self) -> Vec<Calendar> {
        let calendar = |person: &Person| Calendar {
            practitioner: Practitioner {
                id: ProviderId::generate(),
                number: person.number,
                name: name(person.number),
            },
            hours: person
                .hours
                .iter()
                .map(|(weekday, opens, closes)| WorkingHours {
                    weekday: *weekday,
                    opens: *opens,
                    closes: *closes,
                })
                .collect(),
            busy: self.busy(person),
        };
        self.people.iter().map(calendar).collect()
    }

    /// As its operator writes it down; without the bookings.
    pub(super) fn file(&self, id: &str, number: &str) -> String {
        let minutes = self.length.num_minutes();
        let mut file = format!(
            "id: {id}\nname: Clinic\ntime_zone: {}\ngreeting: Hello.\nmax_concurrent_calls: 5\nmax_calls_per_minute: 5\nnumbers: [\"{number}\"]\n\
             booking_limits: {{ per_call: 255, per_caller: 255, per_patient: 255 }}\n\
             locations: [{{ name: Here, address: Street }}]\nprocedures: [{{ code: P1, name: visit, minutes: {minutes} }}]\n\
             closed: {}\npractitioners:\n",
            self.zone.name(),
            list(&self.closed),
        );
        for person in &self.people {
            let (who, off) = (name(person.number), list(&person.time_off));
            write!(
                file,
                "  - name: {who}\n    location: Here\n    procedures: [P1]\n    time_off: {off}\n    hours:\n"
            )
            .expect("a string takes it");
            for (day, opens, closes) in &person.hours {
                let (opens, closes) = (opens.format("%H:%M"), closes.format("%H:%M"));
                writeln!(
                    file,
                    "      - {{ days: [{day}], opens: \"{opens}\", closes: \"{closes}\" }}"
                )
                .expect("a string takes it");
            }
        }
        file
    }
}

/// Names that no word of another is part of.
pub(super) fn name(number: u16) -> String {
    let names = ["Ada Adler", "Bo Brandt", "Cy Coleman", "Di Dorsey"];
    names[usize::from(number) - 1].to_owned()
}

fn list(spans: &[Span]) -> String {
    let form = "%Y-%m-%d %H:%M";
    let write = |span: &Span| format!("\"{} to {}\"", span.0.format(form), span.1.format(form));
    let all: Vec<String> = spans.iter().map(write).collect();
    format!("[{}]", all.join(", "))
}

fn overlap(one: &Interval, other: &Interval) -> bool {
    one.start < other.end && other.start < one.end
}

/// So many ticks after midnight.
fn time(ticks: u32) -> NaiveTime {
    NaiveTime::from_num_seconds_from_midnight_opt(ticks * 300, 0).expect("within a day")
}

/// A week: most days worked, some with a break, a few at night, when clocks change.
fn hours(rng: &mut StdRng) -> Vec<(Weekday, NaiveTime, NaiveTime)> {
    let mut hours = Vec::new();
    let week = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];
    for day in week {
        if rng.random_bool(0.2) {
            continue;
        }
        let is_night = rng.random_bool(0.2);
        let opens = 3 * if is_night {
            rng.random_range(0..12)
        } else {
            rng.random_range(26..44)
        };
        let closes = (opens + 3 * rng.random_range(8..40)).min(287);
        if rng.random_bool(0.5) && closes - opens > 48 {
            let noon = opens + (closes - opens) / 2;
            hours.push((day, time(opens), time(noon)));
            hours.push((day, time(noon + 12), time(closes)));
        } else {
            hours.push((day, time(opens), time(closes)));
        }
    }
    hours
}

/// Some hours or days off.
fn spans(rng: &mut StdRng, from: NaiveDate, most: usize) -> Vec<Span> {
    let span = |rng: &mut StdRng| {
        let day = from + Days::new(rng.random_range(0..8));
        let starts = day.and_time(time(rng.random_range(0..280)));
        let length = TICK * rng.random_range(6..400);
        (starts, starts + length)
    };
    let count = rng.random_range(0..=most);
    let spans = (0..count).map(|_| span(rng));
    spans.collect()
}
