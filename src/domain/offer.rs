//! Which of the free times a caller is told. Pure.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::appointment::{FreeSlot, spread};

/// What the caller said about the time that they want.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// About this time of day.
    pub around: Option<NaiveTime>,
    /// Later than this, which was offered before.
    pub later_than: Option<DateTime<Utc>>,
    /// Earlier than this, which was offered before.
    pub earlier_than: Option<DateTime<Utc>>,
}

/// A choice to read out, earliest first, each time once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The times.
    pub slots: Vec<FreeSlot>,
    /// There are times before the first one.
    pub has_earlier: bool,
    /// There are times after the last one.
    pub has_later: bool,
}

/// At most `count` of the free times (sorted by start): those nearest to the time of day that is asked for; else the next ones in the direction that is
/// asked for; else a choice over all. So each free time is offered to a caller who asks for its time of day on its day.
#[must_use]
pub fn offer(zone: Tz, mut free: Vec<FreeSlot>, wanted: &Wanted, count: usize) -> Offer {
    free.dedup_by_key(|slot| slot.time.start);
    let all: Vec<DateTime<Utc>> = free.iter().map(|slot| slot.time.start).collect();
    free.retain(|slot| {
        wanted.later_than.is_none_or(|than| slot.time.start > than)
            && wanted
                .earlier_than
                .is_none_or(|than| slot.time.start < than)
    });
    let slots = match wanted {
        Wanted {
            around: Some(time), ..
        } => nearest(zone, free, *time, count),
        Wanted {
            later_than: Some(_),
            ..
        } => {
            free.truncate(count);
            free
        }
        Wanted {
            earlier_than: Some(_),
            ..
        } => free.split_off(free.len().saturating_sub(count)),
        _ => spread(zone, free, count),
    };
    Offer {
        has_earlier: slots
            .first()
            .is_some_and(|first| all.first() < Some(&first.time.start)),
        has_later: slots
            .last()
            .is_some_and(|last| all.last() > Some(&last.time.start)),
        slots,
    }
}

/// By distance to the time of day, then by date.
fn nearest(zone: Tz, mut free: Vec<FreeSlot>, time: NaiveTime, count: usize) -> Vec<FreeSlot> {
    free.sort_by_key(|slot| (distance(zone, slot, time), slot.time.start));
    free.truncate(count);
    free.sort_by_key(|slot| slot.time.start);
    free
}

fn distance(zone: Tz, slot: &FreeSlot, time: NaiveTime) -> TimeDelta {
    let local = slot.time.start.with_timezone(&zone).time();
    (local - time).abs()
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;
    use crate::domain::{
        appointment::{Interval, Practitioner},
        ids::ProviderId,
    };

    /// Free times on a day of December 2026, each half an hour long, in New York.
    fn free(day: u32, times: &[&str]) -> Vec<FreeSlot> {
        let slot = |time: &&str| {
            let start = format!("2026-12-{day:02}T{time}:00-05:00")
                .parse::<DateTime<chrono::FixedOffset>>()
                .expect("time")
                .with_timezone(&Utc);
            FreeSlot {
                practitioner: Practitioner {
                    id: ProviderId::generate(),
                    number: 1,
                    name: "Dr. Amara Osei".into(),
                },
                time: Interval {
                    start,
                    end: start + TimeDelta::minutes(30),
                },
            }
        };
        times.iter().map(slot).collect()
    }

    fn told(offer: &Offer) -> Vec<String> {
        let time = |slot: &FreeSlot| {
            let local = slot.time.start.with_timezone(&New_York);
            local.format("%d %H:%M").to_string()
        };
        offer.slots.iter().map(time).collect()
    }

    fn around(time: &str) -> Wanted {
        Wanted {
            around: Some(time.parse().expect("time")),
            ..Wanted::default()
        }
    }

    const AFTERNOON: [&str; 10] = [
        "12:00", "12:30", "13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30",
    ];

    /// B7.
    #[test]
    fn three_o_clock_is_offered_if_it_is_free_and_else_what_lies_around_it() {
        let exact = offer(New_York, free(1, &AFTERNOON), &around("15:00"), 3);
        assert_eq!(told(&exact), ["01 14:30", "01 15:00", "01 15:30"]);
        assert!(exact.has_earlier && exact.has_later);
        let taken: Vec<&str> = AFTERNOON.into_iter().filter(|t| *t != "15:00").collect();
        let near = offer(New_York, free(1, &taken), &around("15:00"), 3);
        assert_eq!(told(&near), ["01 14:00", "01 14:30", "01 15:30"]);
    }

    #[test]
    fn over_several_days_the_time_of_day_counts_before_the_date() {
        let days = [free(1, &["09:00", "15:00"]), free(2, &["15:00", "15:30"])].concat();
        let offered = offer(New_York, days, &around("15:00"), 2);
        assert_eq!(told(&offered), ["01 15:00", "02 15:00"]);
    }

    #[test]
    fn later_and_earlier_go_on_where_the_last_offer_ended() {
        let times = free(1, &AFTERNOON);
        let later = |than: usize| Wanted {
            later_than: Some(times[than].time.start),
            ..Wanted::default()
        };
        let page = offer(New_York, times.clone(), &later(2), 3);
        assert_eq!(told(&page), ["01 13:30", "01 14:00", "01 14:30"]);
        assert!(page.has_earlier && page.has_later);
        let last = offer(New_York, times.clone(), &later(8), 3);
        assert_eq!(
            (told(&last), last.has_later),
            (vec!["01 16:30".to_owned()], false)
        );
        let earlier = Wanted {
            earlier_than: Some(times[4].time.start),
            ..Wanted::default()
        };
        let page = offer(New_York, times.clone(), &earlier, 3);
        assert_eq!(told(&page), ["01 12:30", "01 13:00", "01 13:30"]);
        let nothing = offer(New_York, times.clone(), &later(9), 3);
        assert_eq!(nothing, Offer::default());
    }
}
