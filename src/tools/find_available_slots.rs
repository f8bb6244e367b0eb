//! `find_available_slots`.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::{self, blank_as_none},
};
use crate::domain::{
    appointment::{Calendar, FreeSlot, PartOfDay, SlotSearch, day_bounds, free_slots, instant},
    offer::{Offer, Wanted, offer},
    spoken::spoken_time,
    time_of_day::parse_time_of_day,
};

/// More than a caller can keep in mind.
const OFFER: usize = 3;
/// Days searched unless the model says otherwise.
const DEFAULT_DAYS: u64 = 14;
/// How far ahead appointments are given.
const HORIZON_DAYS: u64 = 60;
/// `starts_at_local`.
const LOCAL: &str = "%Y-%m-%dT%H:%M";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotsArgs {
    /// Code of the procedure.
    procedure_code: String,
    /// Name of the wanted practitioner, if the caller has a wish.
    #[serde(default, deserialize_with = "blank_as_none")]
    provider: Option<String>,
    /// First day, YYYY-MM-DD; today if left out.
    #[serde(default, deserialize_with = "blank_as_none")]
    from_date: Option<String>,
    /// Last day, YYYY-MM-DD; two weeks after the first if left out. The same as from_date for one day.
    #[serde(default, deserialize_with = "blank_as_none")]
    to_date: Option<String>,
    /// Only this part of the day, if the caller has a wish.
    #[serde(default)]
    part_of_day: Option<PartOfDay>,
    /// The time of day that the caller asks for, HH:MM (15:00 for three o'clock): this time if it is free, and the nearest to it.
    #[serde(default, deserialize_with = "blank_as_none")]
    around_time: Option<String>,
    /// Only from this time of day on, HH:MM.
    #[serde(default, deserialize_with = "blank_as_none")]
    after_time: Option<String>,
    /// Only before this time of day, HH:MM.
    #[serde(default, deserialize_with = "blank_as_none")]
    before_time: Option<String>,
    /// For a caller who wants a later time than the offered ones: slot_id of the last one offered.
    #[serde(default, deserialize_with = "blank_as_none")]
    later_than: Option<String>,
    /// For a caller who wants an earlier time than the offered ones: slot_id of the first one offered.
    #[serde(default, deserialize_with = "blank_as_none")]
    earlier_than: Option<String>,
}

/// What kind of time is wanted.
pub(super) struct Wish<'a> {
    procedure: &'a str,
    provider: Option<&'a str>,
    days: (NaiveDate, NaiveDate),
    part: Option<PartOfDay>,
    not_before: Option<NaiveTime>,
    before: Option<NaiveTime>,
    wanted: Wanted,
}

impl ToolSet {
    pub(super) async fn find_available_slots(&self, args: SlotsArgs) -> Answered {
        let (procedure, _) = self.procedure(&args.procedure_code)?;
        let wanted = Wanted {
            around: time("around_time", args.around_time.as_deref())?,
            later_than: self.cursor("later_than", args.later_than.as_deref())?,
            earlier_than: self.cursor("earlier_than", args.earlier_than.as_deref())?,
        };
        let wish = Wish {
            procedure,
            provider: args.provider.as_deref(),
            days: self.window(args.from_date.as_deref(), args.to_date.as_deref(), &wanted)?,
            part: args.part_of_day,
            not_before: time("after_time", args.after_time.as_deref())?,
            before: time("before_time", args.before_time.as_deref())?,
            wanted,
        };
        let offer = self.offer(&wish).await?;
        let mut content = json!({
            "slots": self.describe(&offer, procedure),
            "has_earlier": offer.has_earlier,
            "has_later": offer.has_later,
        });
        if let Some(asked) = wanted.around {
            content["asked_time_is_free"] = json!(self.has_start(&offer, asked));
        }
        Ok(if offer.slots.is_empty() {
            content["message"] = json!(
                "Nothing is free with these wishes. Ask for another day, time or practitioner, and look again with fewer wishes."
            );
            Answer::declined(content)
        } else {
            Answer::done(content)
        })
    }

    /// At most three free times.
    async fn offer(&self, wish: &Wish<'_>) -> Result<Offer, Refusal> {
        let zone = self.profile().time_zone;
        let (code, procedure) = self.procedure(wish.procedure)?;
        let (from, to) = wish.days;
        let search = SlotSearch {
            zone,
            now: self.now(),
            from,
            to,
            part: wish.part,
            not_before: wish.not_before,
            before: wish.before,
            length: TimeDelta::minutes(procedure.minutes.into()),
        };
        let window = day_bounds(zone, from, to);
        let tenant = self.profile().id;
        let mut calendars = self.db.calendars(tenant, code, window).await?;
        if let Some(name) = wish.provider {
            calendars = only(calendars, name)?;
        }
        let free = free_slots(&search, &calendars);
        Ok(offer(zone, free, &wish.wanted, OFFER))
    }

    /// Instead of a time that was taken: the next ones from that day on.
    pub(super) async fn alternatives(
        &self,
        procedure: &str,
        day: NaiveDate,
    ) -> Result<Vec<Value>, Refusal> {
        let from = day.max(self.today());
        let wish = Wish {
            procedure,
            provider: None,
            days: (from, later(from, DEFAULT_DAYS)),
            part: None,
            not_before: None,
            before: None,
            wanted: Wanted::default(),
        };
        let offer = self.offer(&wish).await?;
        Ok(self.describe(&offer, procedure))
    }

    /// Free times as the model reads them.
    fn describe(&self, offer: &Offer, procedure: &str) -> Vec<Value> {
        let zone = self.profile().time_zone;
        let tell = |slot: &FreeSlot| {
            json!({
                "slot_id": self.sign_slot(slot, procedure),
                "provider": slot.practitioner.name,
                "starts_at_local": slot.time.start.with_timezone(&zone).format(LOCAL).to_string(),
                "spoken": spoken_time(slot.time.start, zone),
            })
        };
        offer.slots.iter().map(tell).collect()
    }

    fn has_start(&self, offer: &Offer, time: NaiveTime) -> bool {
        let zone = self.profile().time_zone;
        let starts = |slot: &FreeSlot| slot.time.start.with_timezone(&zone).time() == time;
        offer.slots.iter().any(starts)
    }

    /// Where an earlier offer ended: its slot id, or its `starts_at_local`.
    fn cursor(&self, field: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Refusal> {
        let Some(text) = text.map(str::trim) else {
            return Ok(None);
        };
        let local = || {
            let local = NaiveDateTime::parse_from_str(text, LOCAL).ok()?;
            let days = self.today()..=later(self.today(), HORIZON_DAYS);
            if !days.contains(&local.date()) {
                return None;
            }
            Some(instant(
                self.profile().time_zone,
                local.date(),
                local.time(),
            ))
        };
        match self.offered_start(text).or_else(local) {
            Some(start) => Ok(Some(start)),
            None => Err(Refusal::arguments(format!(
                "{field} must be a slot_id copied from an earlier answer in this call."
            ))),
        }
    }

    /// The days to look at: where nothing else is said, from today or from where the last offer ended.
    fn window(
        &self,
        from: Option<&str>,
        to: Option<&str>,
        wanted: &Wanted,
    ) -> Result<(NaiveDate, NaiveDate), Refusal> {
        let today = self.today();
        let horizon = later(today, HORIZON_DAYS);
        let day = |at: DateTime<Utc>| {
            let local = at.with_timezone(&self.profile().time_zone);
            local.date_naive().clamp(today, horizon)
        };
        let from = match from {
            Some(text) => arguments::date("from_date", text)?,
            None => wanted.later_than.map_or(today, day),
        };
        let to = match (to, wanted.earlier_than) {
            (Some(text), _) => arguments::date("to_date", text)?,
            (None, Some(than)) => day(than).max(from),
            (None, None) => later(from, DEFAULT_DAYS).min(horizon),
        };
        if from < today || to < from || to > horizon {
            return Err(Refusal::arguments(format!(
                "from_date must not be before today ({today}) nor after to_date, and to_date not after {horizon}."
            )));
        }
        Ok((from, to))
    }
}

/// So many days later; the last day of all, where there are not so many.
fn later(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days))
        .unwrap_or(NaiveDate::MAX)
}

fn time(field: &str, text: Option<&str>) -> Result<Option<NaiveTime>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    match parse_time_of_day(text) {
        Some(time) => Ok(Some(time)),
        None => Err(Refusal::arguments(format!(
            "{field} must be a time of day in the form HH:MM, such as 15:00."
        ))),
    }
}

/// The practitioners whose name holds every word that was said; titles do not matter.
fn only(calendars: Vec<Calendar>, said: &str) -> Result<Vec<Calendar>, Refusal> {
    let words = |name: &str| -> Vec<String> {
        let lower = name.to_lowercase();
        lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !["", "dr", "doctor"].contains(word))
            .map(str::to_owned)
            .collect()
    };
    let wanted = words(said);
    let names: Vec<String> = calendars
        .iter()
        .map(|calendar| calendar.practitioner.name.clone())
        .collect();
    let fits: Vec<Calendar> = calendars
        .into_iter()
        .filter(|calendar| {
            let name = words(&calendar.practitioner.name);
            wanted.iter().all(|word| name.contains(word))
        })
        .collect();
    if wanted.is_empty() || fits.is_empty() {
        let message = format!(
            "provider must be one of: {}. Leave it out if the caller does not mind.",
            names.join(", ")
        );
        return Err(Refusal::invalid("unknown_provider", message));
    }
    Ok(fits)
}
