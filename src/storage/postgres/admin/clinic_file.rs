//! A clinic as its operator writes it down.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU8,
    path::Path,
};

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;

use super::absence::Absence;
use crate::domain::{
    e164::E164,
    ids::TenantId,
    keyterms,
    placement::{ProjectName, Region},
};

/// A clinic file (YAML). What it no longer names is withdrawn; bookings and patients stay.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClinicFile {
    /// Never changes.
    pub id: TenantId,
    /// As spoken.
    pub name: String,
    /// IANA name.
    pub time_zone: Tz,
    /// First words of each call.
    pub greeting: String,
    /// House rules for the agent.
    #[serde(default)]
    pub instructions: String,
    /// TTS voice, if not the pool's default.
    pub voice: Option<String>,
    /// Where callers go when we cannot serve them.
    pub fallback_number: Option<E164>,
    /// Where `transfer_to_human` goes.
    pub transfer: Option<TransferLine>,
    /// The workers that serve it, if not those of where it is called.
    pub region: Option<Region>,
    /// The LiveKit project that its calls go through, if not the pool's own.
    pub livekit_project: Option<ProjectName>,
    /// Concurrent calls allowed.
    pub max_concurrent_calls: u16,
    /// New calls allowed per minute.
    pub max_calls_per_minute: u16,
    /// Bookings that may stand.
    #[serde(default)]
    pub booking_limits: BookingLimits,
    /// Holidays: when nobody works, local time.
    #[serde(default)]
    pub closed: Vec<Absence>,
    /// Dialled numbers.
    pub numbers: Vec<E164>,
    /// Sites.
    pub locations: Vec<Location>,
    /// What can be booked.
    pub procedures: Vec<ProcedureLine>,
    /// Who can be booked.
    pub practitioners: Vec<PractitionerLine>,
    /// What is paid for.
    #[serde(default)]
    pub plans: Vec<PlanLine>,
}

/// How many bookings may stand at a time, so that one caller cannot fill the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BookingLimits {
    /// Made in one call.
    pub per_call: NonZeroU8,
    /// Ahead, made from one calling number.
    pub per_caller: NonZeroU8,
    /// Ahead, for one patient.
    pub per_patient: NonZeroU8,
}

impl Default for BookingLimits {
    /// A family books in one call, a patient has a treatment in several sessions.
    fn default() -> Self {
        const FIVE: NonZeroU8 = NonZeroU8::new(5).expect("not zero");
        const TEN: NonZeroU8 = NonZeroU8::new(10).expect("not zero");
        Self {
            per_call: FIVE,
            per_caller: TEN,
            per_patient: FIVE,
        }
    }
}

/// The people whom callers are transferred to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferLine {
    /// Their number.
    pub number: E164,
    /// When they are there, local time: `mon: ["08:00-12:00", "13:00-17:00"]`. Without it: always.
    #[serde(default)]
    pub hours: HashMap<Weekday, Vec<Span>>,
}

/// `HH:MM-HH:MM`, within a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span {
    /// From.
    pub opens: NaiveTime,
    /// Until.
    pub closes: NaiveTime,
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        let span = text.split_once('-').and_then(|(opens, closes)| {
            let (opens, closes) = (time(opens)?, time(closes)?);
            (opens < closes).then_some(Self { opens, closes })
        });
        span.ok_or_else(|| format!("{text:?} is not of the form \"08:00-17:00\""))
    }
}

/// A site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Names it within the clinic.
    pub name: String,
    /// As spoken.
    pub address: String,
}

/// Something a clinic does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcedureLine {
    /// Code, such as `D1110`.
    pub code: String,
    /// As spoken.
    pub name: String,
    /// Minutes in the calendar, 5 to 480.
    pub minutes: u16,
    /// A patient has a series of them ahead, and is not asked whether they want another one.
    #[serde(default)]
    pub repeats: bool,
}

/// Someone whose time is booked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PractitionerLine {
    /// As spoken; names them within the clinic.
    pub name: String,
    /// Site, by name.
    pub location: String,
    /// What they do, by code.
    pub procedures: Vec<String>,
    /// When they work, local time.
    pub hours: Vec<HoursLine>,
    /// When they do not, local time.
    #[serde(default)]
    pub time_off: Vec<Absence>,
}

/// The same hours on several days.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursLine {
    /// `mon` to `sun`.
    pub days: Vec<Weekday>,
    /// `HH:MM`.
    #[serde(deserialize_with = "hour_minute")]
    pub opens: NaiveTime,
    /// `HH:MM`.
    #[serde(deserialize_with = "hour_minute")]
    pub closes: NaiveTime,
}

/// An insurance plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLine {
    /// Insurer.
    pub payer: String,
    /// Plan.
    pub plan: String,
    /// Other names of the plan, with or without the insurer.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it pays.
    pub coverage: Vec<CoverageLine>,
}

/// What a plan pays for one procedure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageLine {
    /// By code.
    pub procedure: String,
    /// Whether it pays.
    pub covered: bool,
    /// What the patient pays, cents.
    pub copay_cents: Option<u32>,
    /// Conditions.
    pub note: Option<String>,
}

/// A clinic file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClinicFileError {
    /// It cannot be read.
    #[error("read clinic file")]
    Read(#[from] std::io::Error),
    /// It is not of its form.
    #[error("parse clinic file")]
    Parse(#[from] serde_yaml_ng::Error),
    /// It contradicts itself.
    #[error("clinic file: {0}")]
    Invalid(String),
}

impl ClinicFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ClinicFileError`] says what is wrong.
    pub fn load(path: &Path) -> Result<Self, ClinicFileError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads and checks a text.
    ///
    /// # Errors
    /// [`ClinicFileError`] says what is wrong.
    pub fn parse(yaml: &str) -> Result<Self, ClinicFileError> {
        let mut file: Self = serde_yaml_ng::from_str(yaml)?;
        file.tidy_terms()?;
        file.check_names()?;
        file.check_hours()?;
        Ok(file)
    }

    /// Names that the recogniser is told of: a line break in one made it refuse every call.
    fn tidy_terms(&mut self) -> Result<(), ClinicFileError> {
        let practitioners = self.practitioners.iter_mut().map(|line| &mut line.name);
        let plans = self.plans.iter_mut();
        let terms = practitioners
            .map(|name| ("practitioner", name))
            .chain(plans.flat_map(|line| [("payer", &mut line.payer), ("plan", &mut line.plan)]));
        for (kind, term) in terms {
            *term = keyterms::tidy(term);
            if term.is_empty() {
                return Err(ClinicFileError::Invalid(format!("a {kind} has no name")));
            }
            if term.chars().count() > keyterms::LONGEST {
                return Err(ClinicFileError::Invalid(format!(
                    "{kind} {term:?} is longer than {} characters",
                    keyterms::LONGEST
                )));
            }
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), ClinicFileError> {
        let locations = names(
            "location",
            self.locations.iter().map(|location| &location.name),
        )?;
        let codes = names(
            "procedure",
            self.procedures.iter().map(|procedure| &procedure.code),
        )?;
        names(
            "practitioner",
            self.practitioners
                .iter()
                .map(|practitioner| &practitioner.name),
        )?;
        for practitioner in &self.practitioners {
            known(&locations, "location", &practitioner.location)?;
            for code in &practitioner.procedures {
                known(&codes, "procedure", code)?;
            }
        }
        for rule in self.plans.iter().flat_map(|plan| &plan.coverage) {
            known(&codes, "procedure", &rule.procedure)?;
        }
        Ok(())
    }

    fn check_hours(&self) -> Result<(), ClinicFileError> {
        let hours = self
            .practitioners
            .iter()
            .flat_map(|practitioner| &practitioner.hours);
        match hours.into_iter().find(|hours| hours.opens >= hours.closes) {
            Some(wrong) => Err(ClinicFileError::Invalid(format!(
                "opens at {} but closes at {}",
                wrong.opens, wrong.closes
            ))),
            None => Ok(()),
        }
    }
}

fn names<'a>(
    kind: &str,
    all: impl Iterator<Item = &'a String>,
) -> Result<BTreeSet<&'a str>, ClinicFileError> {
    let mut seen = BTreeSet::new();
    for name in all {
        if !seen.insert(name.as_str()) {
            return Err(ClinicFileError::Invalid(format!(
                "{kind} {name:?} occurs twice"
            )));
        }
    }
    Ok(seen)
}

fn known(names: &BTreeSet<&str>, kind: &str, name: &str) -> Result<(), ClinicFileError> {
    match names.contains(name) {
        true => Ok(()),
        false => Err(ClinicFileError::Invalid(format!(
            "there is no {kind} {name:?}"
        ))),
    }
}

fn hour_minute<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    NaiveTime::parse_from_str(&text, "%H:%M").map_err(serde::de::Error::custom)
}
