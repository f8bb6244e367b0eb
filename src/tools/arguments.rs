//! From what the model wrote to values that are valid once built.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use uuid::Uuid;

use super::answer::Refusal;
use crate::{
    domain::{confirmation_code::parse_code, e164::E164, phi::Phi},
    storage::postgres::BookingRef,
};

/// No honest call comes near it.
const MAX_BYTES: usize = 8 * 1024;
const MAX_NAME: usize = 100;
const MAX_TEXT: usize = 500;
/// Half a minute of speech.
const MAX_SUMMARY: usize = 300;
const OLDEST_YEARS: u32 = 120;

/// Parses a tool's arguments; an unknown, missing or mistyped field is told by name.
pub(super) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    if json.len() > MAX_BYTES {
        return Err(Refusal::arguments("The arguments are too long."));
    }
    // Models send nothing at all where no argument is required.
    let json = if json.trim().is_empty() { "{}" } else { json };
    serde_json::from_str(json).map_err(|error| Refusal::arguments(error.to_string()))
}

/// Models write an empty text where they mean nothing.
pub(super) fn blank_as_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// A text that is not blank.
pub(super) fn text(field: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(Refusal::arguments(format!(
            "{field} must have 1 to {MAX_TEXT} characters."
        )));
    }
    Ok(text.to_owned())
}

/// Words for a person who listens to them before a call.
pub(super) fn summary(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > MAX_SUMMARY || text.chars().any(char::is_control) {
        return Err(Refusal::arguments(format!(
            "summary must have at most {MAX_SUMMARY} characters: it is read aloud."
        )));
    }
    Ok(())
}

/// A person's full name.
pub(super) fn patient_name(name: &str) -> Result<Phi<String>, Refusal> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let valid = name
        .chars()
        .all(|c| c.is_alphabetic() || " '’.-".contains(c));
    if !valid || letters < 2 || !name.contains(' ') || name.chars().count() > MAX_NAME {
        return Err(Refusal::arguments(
            "patient_name must be the patient's first and last name.",
        ));
    }
    Ok(Phi::new(name))
}

/// A date, `YYYY-MM-DD`.
pub(super) fn date(field: &str, text: &str) -> Result<NaiveDate, Refusal> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .map_err(|_| Refusal::arguments(format!("{field} must be a date in the form YYYY-MM-DD.")))
}

/// The birth date of somebody alive.
pub(super) fn date_of_birth(text: &str, today: NaiveDate) -> Result<Phi<NaiveDate>, Refusal> {
    let born = date("date_of_birth", text)?;
    if born > today || born < today - Months::new(12 * OLDEST_YEARS) {
        return Err(Refusal::arguments(
            "date_of_birth must lie in the past, within a human life.",
        ));
    }
    Ok(Phi::new(born))
}

/// A phone number as people write it; ten digits are a North American one.
pub(super) fn phone(text: &str) -> Result<Phi<E164>, Refusal> {
    let plain: String = text.chars().filter(|c| !" -.()".contains(*c)).collect();
    let full = match plain.len() {
        10 if !plain.starts_with('+') => format!("+1{plain}"),
        11 if plain.starts_with('1') => format!("+{plain}"),
        _ => plain,
    };
    full.parse()
        .map(Phi::new)
        .map_err(|_| Refusal::arguments("phone must be a phone number with its area code."))
}

/// How the caller names a booking; the id wins over the code.
pub(super) fn booking_ref(id: Option<&str>, code: Option<&str>) -> Result<BookingRef, Refusal> {
    if let Some(id) = id {
        let id = Uuid::parse_str(id.trim())
            .map_err(|_| Refusal::arguments("booking_id must be an id from a tool's answer."))?;
        return Ok(BookingRef::Id(id.into()));
    }
    let Some(code) = code else {
        return Err(Refusal::arguments("Give booking_id or confirmation_code."));
    };
    parse_code(code).map(BookingRef::Code).ok_or_else(|| {
        Refusal::arguments(
            "confirmation_code has seven letters and digits, such as K7M2R4T (older ones have four).",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_first_and_last_and_nothing_else() {
        for good in ["Maria Lopez", "  Seán  O'Brien-Díaz ", "J. R. Smith"] {
            assert!(patient_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Maria",
            "Maria 4",
            "a",
            "<b>Maria Lopez</b>",
            "Robert'); DROP TABLE patients;--",
        ] {
            assert!(patient_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_birth_date_lies_in_a_human_past() {
        let today = "2026-12-01".parse().expect("date");
        assert!(date_of_birth("1980-04-12", today).is_ok());
        for bad in [
            "2026-12-02",
            "1890-01-01",
            "12.04.1980",
            "April 12",
            "1980-02-30",
            "",
        ] {
            assert!(date_of_birth(bad, today).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_phone_number_is_taken_as_people_write_it() {
        for text in [
            "+14155550123",
            "(415) 555-0123",
            "1 415 555 0123",
            "415.555.0123",
        ] {
            assert_eq!(
                phone(text).ok().map(|n| n.expose().as_str().to_owned()),
                Some("+14155550123".into()),
                "{text}"
            );
        }
        for bad in ["", "555", "call me", "+0123456789"] {
            assert!(phone(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_booking_is_named_by_id_or_code() {
        assert_eq!(
            booking_ref(None, Some(" k7-m2 ")).ok(),
            Some(BookingRef::Code("K7M2".into()))
        );
        assert!(booking_ref(None, None).is_err());
        assert!(booking_ref(None, Some("K7M")).is_err());
        assert!(booking_ref(Some("7"), Some("K7M2")).is_err());
    }
}
