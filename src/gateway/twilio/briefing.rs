//! `POST /twilio/whisper`: a person picked up. Alone on the line they hear for which clinic the call is, with a key what it is about, and take it with
//! another; the caller still hears the ringing. A mailbox presses no key and records nothing of the patient.

use std::sync::Arc;

use axum::extract::State;
use tokio::time::Instant;

use super::{
    links::{self, Asked, CallRef},
    request::SignedForm,
    transfer,
    twiml::Twiml,
};
use crate::{
    domain::{call::TransferResult, e164::E164, phi::Phi},
    gateway::{Gateway, error::GatewayError},
    storage::redis::StoredCall,
};

/// The key that says yes.
const YES: &str = "1";

/// Asks for a key, or acts on it. Asked twice, it answers the same.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's or names no call.
pub async fn whisper(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<Twiml, GatewayError> {
    let call = CallRef::from_query(&form)?;
    Ok(match (Asked::from_query(&form), form.field("Digits")) {
        (None, _) => {
            let (words, asked) = briefing(&gateway, call).await.opening();
            ask(&gateway, call, &words, asked)
        }
        (Some(Asked::ToListen), Some(YES)) => {
            let words = briefing(&gateway, call).await.summary();
            ask(&gateway, call, words.expose(), Asked::ToTake)
        }
        (Some(Asked::ToTake), Some(YES)) => {
            let to = taken(&gateway, call).await;
            transfer::settle(&gateway, call, to, TransferResult::Accepted).await;
            Twiml::connect()
        }
        (Some(_), _) => Twiml::hang_up(),
    })
}

fn ask(gateway: &Gateway, call: CallRef, words: &str, asked: Asked) -> Twiml {
    Twiml::ask_for_a_key(words, &links::whisper_key(&gateway.public_url, call, asked))
}

/// Who takes the call.
async fn taken(gateway: &Gateway, call: CallRef) -> Option<E164> {
    let record = gateway.store.load(call.tenant, call.call).await;
    record.ok().flatten()?.next.and_then(transfer::number)
}

/// What is known of the call; without Redis or Postgres nothing, and the person is asked all the same.
#[derive(Default)]
struct Briefing {
    clinic: Option<String>,
    summary: Option<Phi<String>>,
}

async fn briefing(gateway: &Gateway, call: CallRef) -> Briefing {
    match look_up(gateway, call).await {
        Ok(briefing) => briefing,
        Err(error) => {
            tracing::warn!(error = &*error, "a person gets no briefing");
            Briefing::default()
        }
    }
}

type LookUpError = Box<dyn std::error::Error + Send + Sync>;

async fn look_up(gateway: &Gateway, call: CallRef) -> Result<Briefing, LookUpError> {
    let Some(record) = gateway.store.load(call.tenant, call.call).await? else {
        return Ok(Briefing::default());
    };
    let patience = Instant::now() + gateway.voice_deadline;
    let clinic = gateway.directory.find(&record.dialled, patience).await?;
    let Some(clinic) = clinic.filter(|clinic| clinic.profile.id == call.tenant) else {
        return Ok(Briefing::default());
    };
    let sealed = gateway.store.briefing(call.tenant, call.call).await?;
    let summary = sealed
        .filter(|sealed| !sealed.is_empty())
        .map(|sealed| StoredCall::open_briefing(&clinic.sealer, call.call, sealed))
        .transpose()?;
    Ok(Briefing {
        clinic: Some(clinic.profile.name.clone()),
        summary,
    })
}

impl Briefing {
    /// What whoever picks up hears, and what they are asked for.
    fn opening(&self) -> (String, Asked) {
        let from = self.clinic.as_deref().unwrap_or("your clinic");
        let (asked, what) = match self.summary {
            Some(_) => (Asked::ToListen, "hear what it is about"),
            None => (Asked::ToTake, "take the call"),
        };
        let words =
            format!("A caller for {from}, from the automated assistant. Press 1 to {what}.");
        (words, asked)
    }

    /// What a person hears who pressed the key.
    fn summary(&self) -> Phi<String> {
        let summary = self
            .summary
            .as_ref()
            .map_or("", |summary| summary.expose().trim());
        let end = if summary.is_empty() || summary.ends_with(['.', '!', '?']) {
            ""
        } else {
            "."
        };
        let words = format!("{summary}{end} Press 1 to take the call.");
        Phi::new(words.trim_start().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_hears_for_whom_then_what_it_is_about() {
        let briefing = Briefing {
            clinic: Some("Maple Dental".into()),
            summary: Some(Phi::new("Ana wants to move her cleaning".into())),
        };
        let opening = "A caller for Maple Dental, from the automated assistant. Press 1 to hear what it is about.";
        assert_eq!(briefing.opening(), (opening.to_owned(), Asked::ToListen));
        let summary = "Ana wants to move her cleaning. Press 1 to take the call.";
        assert_eq!(briefing.summary().expose(), summary);
    }

    #[test]
    fn of_whom_nothing_is_known_a_person_can_take_the_call_at_once() {
        let opening =
            "A caller for your clinic, from the automated assistant. Press 1 to take the call.";
        let unknown = Briefing::default();
        assert_eq!(unknown.opening(), (opening.to_owned(), Asked::ToTake));
        assert_eq!(unknown.summary().expose(), "Press 1 to take the call.");
    }
}
