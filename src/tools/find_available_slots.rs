//! `find_available_slots`.

use chrono::{Days, NaiveDate, TimeDelta};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments::{self, blank_as_none},
};
use crate::domain::{
    appointment::{Calendar, FreeSlot, PartOfDay, SlotSearch, day_bounds, free_slots, spread},
    spoken::spoken_time,
};

/// More than a caller can keep in mind.
const OFFER: usize = 3;
/// Days searched unless the model says otherwise.
const DEFAULT_DAYS: u64 = 14;
/// How far ahead appointments are given.
const HORIZON_DAYS: u64 = 60;

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
    /// Last day, YYYY-MM-DD; two weeks after the first if left out.
    #[serde(default, deserialize_with = "blank_as_none")]
    to_date: Option<String>,
    /// Only this part of the day, if the caller has a wish.
    #[serde(default)]
    part_of_day: Option<PartOfDay>,
}

/// What kind of time is wanted.
pub(super) struct Wish<'a> {
    pub(super) procedure: &'a str,
    pub(super) provider: Option<&'a str>,
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) part: Option<PartOfDay>,
}

impl ToolSet {
    pub(super) async fn find_available_slots(&self, args: SlotsArgs) -> Answered {
        let (procedure, _) = self.procedure(&args.procedure_code)?;
        let (from, to) = self.window(args.from_date.as_deref(), args.to_date.as_deref())?;
        let wish = Wish {
            procedure,
            provider: args.provider.as_deref(),
            from,
            to,
            part: args.part_of_day,
        };
        let slots = self.offer(&wish).await?;
        let content = json!({ "slots": slots });
        Ok(if slots.is_empty() {
            Answer::declined(content)
        } else {
            Answer::done(content)
        })
    }

    /// At most three free times, as the model reads them.
    pub(super) async fn offer(&self, wish: &Wish<'_>) -> Result<Vec<Value>, Refusal> {
        let zone = self.profile().time_zone;
        let (code, procedure) = self.procedure(wish.procedure)?;
        let search = SlotSearch {
            zone,
            now: self.now(),
            from: wish.from,
            to: wish.to,
            part: wish.part,
            length: TimeDelta::minutes(procedure.minutes.into()),
        };
        let mut calendars = self
            .db
            .calendars(
                self.profile().id,
                code,
                day_bounds(zone, wish.from, wish.to),
            )
            .await?;
        if let Some(name) = wish.provider {
            calendars = only(calendars, name)?;
        }
        let chosen = spread(zone, free_slots(&search, &calendars), OFFER);
        Ok(chosen
            .iter()
            .map(|slot| self.describe(slot, code))
            .collect())
    }

    /// Instead of a time that was taken: the next ones from that day on.
    pub(super) async fn alternatives(
        &self,
        procedure: &str,
        day: NaiveDate,
    ) -> Result<Vec<Value>, Refusal> {
        let from = day.max(self.today());
        self.offer(&Wish {
            procedure,
            provider: None,
            from,
            to: from + Days::new(DEFAULT_DAYS),
            part: None,
        })
        .await
    }

    fn describe(&self, slot: &FreeSlot, procedure: &str) -> Value {
        let zone = self.profile().time_zone;
        json!({
            "slot_id": self.sign_slot(slot, procedure),
            "provider": slot.practitioner.name,
            "starts_at_local": slot.time.start.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
            "spoken": spoken_time(slot.time.start, zone),
        })
    }

    fn window(
        &self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(NaiveDate, NaiveDate), Refusal> {
        let today = self.today();
        let horizon = today + Days::new(HORIZON_DAYS);
        let from = from.map_or(Ok(today), |text| arguments::date("from_date", text))?;
        let to = to.map_or(Ok((from + Days::new(DEFAULT_DAYS)).min(horizon)), |text| {
            arguments::date("to_date", text)
        })?;
        if from < today || to < from || to > horizon {
            return Err(Refusal::arguments(format!(
                "from_date must not be before today ({today}) nor after to_date, and to_date not after {horizon}."
            )));
        }
        Ok((from, to))
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
