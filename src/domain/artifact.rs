//! The audit artifact: one JSON document per call.
//!
//! The document is patient data as a whole. [`Artifact`] has therefore neither `Debug` nor `Serialize`; its only way out is
//! [`Artifact::to_json`], wrapped in [`Phi`], for the sealer. Its form is `docs/schema/call-artifact.v1.json`, generated from [`document`].

mod document;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use zeroize::Zeroizing;

use self::document::Document;
use super::{
    call::{Outcome, Route, TransferResult},
    capture::ToolUse,
    conversation::Utterance,
    e164::E164,
    ids::{CallId, TenantId},
    phi::Phi,
};

/// The document's `schema` field. A change that a reader must know of raises the number and keeps the old schema file.
pub const SCHEMA: &str = "neurality.call-artifact/1";

/// All that a call leaves behind.
#[derive(Clone, Debug)]
pub struct ArtifactParts {
    /// The clinic.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// When the gateway admitted it: names the audit partition.
    pub started_at: DateTime<Utc>,
    /// Wall time of the call clock's zero.
    pub clock_started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The way it came.
    pub route: Route,
    /// The clinic's number.
    pub dialled: E164,
    /// The caller's number, unless withheld.
    pub caller: Option<Phi<E164>>,
    /// How it ended.
    pub outcome: Outcome,
    /// What the agent decided on a transfer, if one was asked for.
    pub transfer: Option<Transfer>,
    /// What was said and heard.
    pub utterances: Vec<Utterance>,
    /// What was done.
    pub tools: Vec<ToolUse>,
    /// How long each turn took.
    pub latencies: Vec<TurnLatency>,
    /// Who heard, thought and spoke.
    pub providers: ProvidersUsed,
}

/// A transfer to a person, as far as the conversation knows of it.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The clinic's number for it; none if callers go to the fallback number.
    pub to: Option<E164>,
    /// What became of it; none if the person was dialled after the conversation: then the call's row says it.
    pub result: Option<TransferResult>,
}

/// The stages between the end of the caller's speech and the agent's first sound; `None` where a stage did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnLatency {
    /// The turn.
    pub turn: u32,
    /// End of speech until the turn was declared over.
    pub end_of_turn_wait: Option<Duration>,
    /// End of speech until the final transcript.
    pub stt: Option<Duration>,
    /// Request until the first token.
    pub llm_ttft: Option<Duration>,
    /// Text until the first sound.
    pub tts_ttfb: Option<Duration>,
    /// End of speech until the agent's first sound.
    pub total: Option<Duration>,
}

/// Vendors that served the call, in order of first use.
#[derive(Clone, Debug, Default)]
pub struct ProvidersUsed {
    /// Speech to text.
    pub stt: Vec<&'static str>,
    /// Language models.
    pub llm: Vec<&'static str>,
    /// Text to speech.
    pub tts: Vec<&'static str>,
}

/// The finished document.
pub struct Artifact {
    document: Document,
}

impl Artifact {
    /// Derives intents and captured values and closes the document.
    #[must_use]
    pub fn new(parts: &ArtifactParts) -> Self {
        Self {
            document: Document::from(parts),
        }
    }

    /// The clinic.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.document.tenant_id
    }

    /// The call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.document.call_id
    }

    /// When the call was admitted.
    #[must_use]
    pub fn started_at(&self) -> DateTime<Utc> {
        self.document.started_at
    }

    /// The document, to be sealed.
    #[must_use]
    pub fn to_json(&self) -> Phi<Zeroizing<Vec<u8>>> {
        Phi::new(Zeroizing::new(
            serde_json::to_vec(&self.document).expect("string keys and finite numbers are JSON"),
        ))
    }

    /// JSON schema of the document (draft 2020-12).
    #[must_use]
    pub fn json_schema() -> Value {
        schemars::schema_for!(Document).to_value()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        call_time::CallTime,
        capture::UseStatus,
        conversation::{Speaker, Word},
    };

    const COMMITTED: &str = include_str!("../../docs/schema/call-artifact.v1.json");

    fn parts() -> ArtifactParts {
        let word = Word {
            text: Phi::new("Delta".into()),
            start: CallTime::ZERO,
            end: CallTime::from_millis(300),
            confidence: 0.9,
        };
        ArtifactParts {
            tenant: TenantId::generate(),
            call: CallId::generate(),
            started_at: "2026-12-01T15:00:00Z".parse().expect("time"),
            clock_started_at: "2026-12-01T15:00:01Z".parse().expect("time"),
            ended_at: "2026-12-01T15:02:00Z".parse().expect("time"),
            route: Route::Webhook,
            dialled: "+15550100".parse().expect("number"),
            caller: Some(Phi::new("+14155550123".parse().expect("number"))),
            outcome: Outcome::Completed,
            transfer: Some(Transfer {
                to: Some("+15550111".parse().expect("number")),
                result: Some(TransferResult::Closed),
            }),
            utterances: vec![Utterance {
                index: 0,
                speaker: Speaker::Caller,
                text: Phi::new("Delta".into()),
                started: CallTime::ZERO,
                ended: CallTime::from_millis(300),
                interrupted: false,
                words: vec![word],
            }],
            tools: vec![ToolUse {
                name: "check_insurance_coverage".into(),
                inputs: Phi::new(json!({"payer": "Delta"})),
                outputs: Phi::new(json!({"status": "unknown_plan"})),
                status: UseStatus::Declined,
                started: CallTime::from_millis(900),
                took: Duration::from_millis(4),
                turn: 1,
            }],
            latencies: vec![TurnLatency {
                turn: 1,
                total: Some(Duration::from_millis(812)),
                ..TurnLatency::default()
            }],
            providers: ProvidersUsed {
                stt: vec!["deepgram"],
                llm: vec!["openai"],
                tts: vec!["deepgram"],
            },
        }
    }

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let generated = format!("{:#}\n", Artifact::json_schema());
        #[expect(
            clippy::disallowed_methods,
            reason = "asks whether to write the schema anew"
        )]
        let update = std::env::var_os("UPDATE_SCHEMA").is_some();
        if update {
            std::fs::write("docs/schema/call-artifact.v1.json", &generated).expect("write schema");
        } else {
            assert_eq!(
                COMMITTED, generated,
                "run: UPDATE_SCHEMA=1 cargo test -p neurality --lib domain::artifact"
            );
        }
    }

    #[test]
    fn a_document_validates_against_the_schema_and_a_stranger_does_not() {
        let schema = jsonschema::validator_for(&Artifact::json_schema()).expect("schema");
        let mut document: Value =
            serde_json::from_slice(Artifact::new(&parts()).to_json().expose()).expect("JSON");
        schema.validate(&document).expect("valid");
        assert_eq!(document["schema"], SCHEMA);
        assert_eq!(
            document["intents"][0],
            json!({"intent": "check_coverage", "turn": 1})
        );
        assert_eq!(document["slots"][0]["value"], "Delta");
        assert_eq!(
            document["transfer"],
            json!({"to": "+15550111", "result": "closed"})
        );
        document["surprise"] = json!(1);
        assert!(schema.validate(&document).is_err());
    }
}
