//! A person whom Twilio calls for the caller: picks up or not, listens to what `<Number url>` says, takes the call or not.

use std::{collections::VecDeque, time::Duration};

use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{
    twilio::{DialOutcome, DialStatus, TwilioError, TwilioLeg},
    twiml::{Number, Verb},
};

/// A phone rings at least so long before anything comes of it.
const RINGS: Duration = Duration::from_secs(1);
/// A person's call is not ours to test: it is over at once.
const TALK: Duration = Duration::from_secs(1);

/// What a person does whom Twilio calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// Picks up, and presses 1 if asked for a key.
    #[default]
    Accept,
    /// Picks up, and presses no key.
    Decline,
    /// Does not pick up.
    NoAnswer,
}

/// Calls the person; what they were told goes to `heard`.
///
/// # Errors
/// [`TwilioError`] of the document's webhooks.
pub(super) async fn call(
    person: Person,
    number: &Number,
    twilio: &TwilioLeg,
    heard: &mut Vec<String>,
) -> Result<DialOutcome, TwilioError> {
    sleep(RINGS).await;
    if person == Person::NoAnswer {
        return Ok(DialOutcome {
            status: DialStatus::NoAnswer,
            answered_for: None,
            is_bridged: false,
            sip_code: 480,
        });
    }
    let is_bridged = match &number.url {
        Some(url) => listens(person, url, number, twilio, heard).await?,
        None => person == Person::Accept,
    };
    Ok(DialOutcome {
        is_bridged,
        ..DialOutcome::completed(TALK)
    })
}

/// Follows the document on the person's leg. Whoever is still there at its end is connected.
async fn listens(
    person: Person,
    url: &str,
    number: &Number,
    twilio: &TwilioLeg,
    heard: &mut Vec<String>,
) -> Result<bool, TwilioError> {
    let sid = format!("CA{:032x}", rand::rng().random::<u128>());
    let document = twilio.child(url, &sid, &number.number, None).await?;
    let mut verbs = VecDeque::from(document);
    while let Some(verb) = verbs.pop_front() {
        match verb {
            Verb::Say(text) => heard.push(text),
            Verb::Pause(seconds) => sleep(Duration::from_secs(seconds)).await,
            Verb::Gather(gather) => {
                heard.extend(gather.says);
                if person == Person::Accept {
                    // Without an action Twilio asks the same document again.
                    let action = gather.action.as_deref().unwrap_or(url);
                    let next = twilio
                        .child(action, &sid, &number.number, Some("1"))
                        .await?;
                    verbs = next.into();
                }
            }
            // Nobody dials on from here.
            Verb::Hangup | Verb::Dial(_) => return Ok(false),
        }
    }
    Ok(true)
}
