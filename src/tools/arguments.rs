//! From what the model wrote to values that are valid once built. What is plain is read, however it is written; what is not is refused once,
//! with words that tell the model what to do.

mod envelope;
mod nothing;
mod plain;
mod shape;

use chrono::{Datelike, Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use uuid::Uuid;

use self::shape::Shape;
use super::answer::Refusal;
use crate::{
    domain::{
        confirmation_code::parse_code,
        e164::E164,
        person_name::{self, NameProblem},
        phi::Phi,
        phone::{self, Home, PhoneProblem},
        written_date::{self, DateOrder, DateProblem},
    },
    storage::postgres::BookingRef,
};

/// No honest call comes near it.
const MAX_BYTES: usize = 8 * 1024;
const MAX_TEXT: usize = 500;
/// Half a minute of speech.
const MAX_SUMMARY: usize = 300;
const OLDEST_YEARS: u32 = 120;

/// Reads a tool's arguments by its schema; what is missing, unknown or mistyped is told by name, all at once.
pub(super) fn parse<T: DeserializeOwned + JsonSchema>(json: &str) -> Result<T, Refusal> {
    if json.len() > MAX_BYTES {
        return Err(Refusal::arguments("The arguments are too long."));
    }
    let shape = Shape::of::<T>();
    let refused = |wrong: &str| Refusal::arguments(format!("{wrong} {}", shape.usage()));
    let fields = envelope::fields(json, &shape)
        .ok_or_else(|| refused("The arguments are not one JSON object."))?;
    let object = plain::object(fields, &shape).map_err(|wrong| refused(&wrong.join(" ")))?;
    serde_json::from_value(object).map_err(|error| refused(&format!("{error}.")))
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

/// A person's full name, in words.
pub(super) fn patient_name(name: &str) -> Result<Phi<String>, Refusal> {
    person_name::clean(name).map(Phi::new).map_err(|problem| {
        Refusal::arguments(match problem {
            NameProblem::Placeholder => {
                "patient_name is a placeholder, not a name. Do not make one up: ask the caller for the patient's first and last name. If they \
                 insist that it is this one, use transfer_to_human."
            }
            NameProblem::SpelledWithoutBreak => {
                "patient_name is spelled without a break between the names. Write it in words, such as John Smith; if you do not know where the \
                 last name begins, ask the caller."
            }
            NameProblem::NotAName => {
                "patient_name must be the patient's full name in words, as the caller says it. If you do not know it, ask the caller."
            }
        })
    })
}

/// A date; `YYYY-MM-DD`, or another form that can mean one day only.
pub(super) fn date(field: &str, text: &str) -> Result<NaiveDate, Refusal> {
    read_date(field, text, DateOrder::Unknown)
}

fn read_date(field: &str, text: &str, order: DateOrder) -> Result<NaiveDate, Refusal> {
    written_date::read(text, order).map_err(|problem| {
        Refusal::arguments(match problem {
            DateProblem::NotADate => format!("{field} must be a date in the form YYYY-MM-DD."),
            DateProblem::NoCentury(year) => format!(
                "{field} has a year without its century ({year:02}). Ask the caller for the whole year if it is not clear, and write YYYY-MM-DD."
            ),
            DateProblem::Ambiguous => {
                format!("{field} may be two days: day and month could be either way round. Ask the caller for the month, and write YYYY-MM-DD.")
            }
            DateProblem::NoSuchDay => {
                format!("{field} is a day that the calendar does not have. Ask the caller again, and write YYYY-MM-DD.")
            }
        })
    })
}

/// The birth date of somebody alive. Where the clinic is decides which of `05/12` is the month.
pub(super) fn date_of_birth(
    text: &str,
    today: NaiveDate,
    home: Home,
) -> Result<Phi<NaiveDate>, Refusal> {
    if nothing::is_nothing(text) {
        return Err(Refusal::arguments(
            "date_of_birth is missing. Do not make one up: ask the caller for the patient's date of birth, and write YYYY-MM-DD.",
        ));
    }
    let order = match home {
        Home::NorthAmerica => DateOrder::MonthFirst,
        Home::Country(_) => DateOrder::Unknown,
    };
    let born = read_date("date_of_birth", text, order)?;
    if born > today {
        let perhaps = match born.year() - 100 {
            century_before if century_before >= today.year() - OLDEST_YEARS as i32 => {
                format!(" Perhaps {century_before} is meant.")
            }
            _ => String::new(),
        };
        return Err(Refusal::arguments(format!(
            "date_of_birth lies in the future: the year {} may have the wrong century.{perhaps} Ask the caller for the whole year of birth.",
            born.year()
        )));
    }
    if born < today - Months::new(12 * OLDEST_YEARS) {
        return Err(Refusal::arguments(format!(
            "date_of_birth is too long ago for anybody alive: the year {} is a placeholder or has the wrong century. Do not make one up: ask the \
             caller for the patient's date of birth.",
            born.year()
        )));
    }
    Ok(Phi::new(born))
}

/// A phone number as people write and say it; without a country it is one of the clinic's own. An extension is left out: texts do not reach it.
pub(super) fn phone(text: &str, home: Home) -> Result<Phi<E164>, Refusal> {
    let read = phone::read(text, home);
    read.map(|read| Phi::new(read.number)).map_err(|problem| {
        let here = match home {
            Home::NorthAmerica => "a US or Canadian number of ten digits",
            Home::Country(_) => "a number of the clinic's country",
        };
        Refusal::arguments(match problem {
            PhoneProblem::NotANumber => {
                "phone must be a phone number in digits, with its area code. Ask the caller for it, or leave it out if they want to be \
                 reached at the number they call from."
                    .to_owned()
            }
            PhoneProblem::WithoutAreaCode => {
                "phone has no area code. Ask the caller for the area code, and write all ten digits.".to_owned()
            }
            PhoneProblem::ForeignForm => format!(
                "phone is not {here}. Ask the caller to repeat it digit by digit. If it is a number of another country, ask for the country, and \
                 write it with + and the country code, such as +44 7700 900123."
            ),
            PhoneProblem::Impossible => {
                "phone is a number that nobody has. Do not make one up: ask the caller for the number, digit by digit, or leave it out."
                    .to_owned()
            }
        })
    })
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
mod forms;

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T>(result: Result<T, Refusal>) -> String {
        match result {
            Err(Refusal::Invalid { message, .. }) => message.into_owned(),
            _ => String::new(),
        }
    }

    // C31: John Doe, 1990-01-01 was booked.
    #[test]
    fn a_name_is_taken_and_a_placeholder_refused_with_what_to_do() {
        for good in [
            "Maria Lopez",
            "  Seán  O'Brien-Díaz ",
            "J. R. Smith",
            "Sukarno",
        ] {
            assert!(patient_name(good).is_ok(), "{good}");
        }
        for bad in [
            "John Doe",
            "Unknown Caller",
            "[patient name]",
            "the patient",
            "N/A",
        ] {
            assert!(told(patient_name(bad)).contains("ask the caller"), "{bad}");
        }
        for bad in [
            "",
            "Maria 4",
            "a",
            "<b>Maria Lopez</b>",
            "J O H N S M I T H",
        ] {
            assert!(told(patient_name(bad)).contains("ask the caller"), "{bad}");
        }
    }

    // C21: no word of the century.
    #[test]
    fn a_birth_date_lies_in_a_human_past_and_its_century_is_asked_for() {
        let today = "2026-12-01".parse().expect("date");
        let born = |text: &str| date_of_birth(text, today, Home::NorthAmerica);
        for good in [
            "1980-04-12",
            "April 12, 1980",
            "04/12/1980",
            "April twelfth nineteen eighty",
            "1990-01-01",
        ] {
            assert!(born(good).is_ok(), "{good}");
        }
        for bad in ["2072-04-12", "0072-04-12", "72-04-12", "04/12/72"] {
            assert!(told(born(bad)).contains("century"), "{bad}");
        }
        assert!(told(born("2072-04-12")).contains("1972"));
        for placeholder in [
            "1900-01-01",
            "0001-01-01",
            "1111-11-11",
            "unknown",
            "N/A",
            "",
            "9999-12-31",
        ] {
            assert!(
                told(born(placeholder))
                    .to_lowercase()
                    .contains("ask the caller"),
                "{placeholder}"
            );
        }
        for bad in [
            "2026-12-02",
            "12.04.1980",
            "April 12",
            "1980-02-30",
            "+262142-12-25",
        ] {
            assert!(born(bad).is_err(), "{bad}");
        }
        assert!(date_of_birth("05/12/1984", today, Home::Country("44")).is_err());
    }

    // C26: one message for everything, and foreign numbers bent into ours.
    #[test]
    fn a_phone_number_is_read_or_the_model_is_told_what_to_ask() {
        let number = |text: &str| phone(text, Home::NorthAmerica);
        for text in [
            "+14155550123",
            "(415) 555-0123",
            "1 415 555 0123",
            "415.555.0123",
            "four one five, triple five, oh one two three",
        ] {
            let read = number(text).ok().map(|n| n.expose().as_str().to_owned());
            assert_eq!(read.as_deref(), Some("+14155550123"), "{text}");
        }
        for (text, words) in [
            ("0412345678", "country code"),
            ("07700 900123", "country code"),
            ("1234567890", "nobody has"),
            ("0000000000", "nobody has"),
            ("5555555555", "nobody has"),
            ("555-0123", "area code"),
            ("call me", "Ask the caller"),
            ("", "Ask the caller"),
        ] {
            assert!(
                told(number(text)).contains(words),
                "{text}: {}",
                told(number(text))
            );
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
