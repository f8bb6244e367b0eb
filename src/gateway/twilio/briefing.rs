//! `POST /twilio/whisper`: a person picked up. They hear what the call is about, alone, and take it with a key; the caller still hears the ringing.

use std::sync::Arc;

use axum::extract::State;
use tokio::time::Instant;

use super::{
    links::{self, CallRef},
    request::SignedForm,
    transfer,
    twiml::Twiml,
};
use crate::{
    domain::{call::TransferResult, e164::E164, phi::Phi},
    gateway::{Gateway, error::GatewayError},
    storage::redis::StoredCall,
};

/// The key that takes the call.
const TAKE: &str = "1";

/// Speaks the briefing, or acts on the key. Asked twice, it answers the same.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's or names no call.
pub async fn whisper(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<Twiml, GatewayError> {
    let call = CallRef::from_query(&form)?;
    Ok(match form.field("Digits") {
        None => {
            let briefing = briefing(&gateway, call).await;
            let words = words(&briefing);
            Twiml::ask_for_a_key(words.expose(), &links::whisper(&gateway.public_url, call))
        }
        Some(TAKE) => {
            let to = taken(&gateway, call).await;
            transfer::settle(&gateway, call, to, TransferResult::Accepted).await;
            Twiml::connect()
        }
        Some(_) => Twiml::hang_up(),
    })
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

fn words(briefing: &Briefing) -> Phi<String> {
    let from = briefing.clinic.as_deref().unwrap_or("your clinic");
    let summary = briefing.summary.as_ref().map(|summary| {
        let summary = summary.expose().trim();
        let end = if summary.ends_with(['.', '!', '?']) {
            ""
        } else {
            "."
        };
        format!(" {summary}{end}")
    });
    Phi::new(format!(
        "A caller for {from}, from the automated assistant.{} Press 1 to take the call.",
        summary.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_hears_who_where_and_what_to_press() {
        let briefing = Briefing {
            clinic: Some("Maple Dental".into()),
            summary: Some(Phi::new("Ana wants to move her cleaning".into())),
        };
        let expected = "A caller for Maple Dental, from the automated assistant. Ana wants to move her cleaning. Press 1 to take the call.";
        assert_eq!(words(&briefing).expose(), expected);
        let unknown = words(&Briefing::default());
        let expected =
            "A caller for your clinic, from the automated assistant. Press 1 to take the call.";
        assert_eq!(unknown.expose(), expected);
    }
}
