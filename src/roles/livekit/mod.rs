//! `neurality livekit provision`: LiveKit's SIP side, a trunk and a dispatch rule for each way in.
//!
//! *Webhook route.* The trunk takes any number (the TwiML dials a room, not a number) but only with our digest credentials. The rule puts each call into the room that it
//! dialled, as it was dialled: no prefix, no random part, no agents of its own.
//!
//! *Elastic trunks*, if `livekit.elastic_numbers` names any. The trunk takes these numbers, from the carrier's addresses alone. The rule makes a room for each call: a rule by
//! callee would put two patients who dial one number into one room.
//!
//! All are found by name; what others made is never touched.

mod sip;
mod wanted;

use std::fmt;

use anyhow::ensure;

use self::sip::Sip;
use crate::config::LiveKitConfig;

pub use self::wanted::{ELASTIC_RULE, ELASTIC_TRUNK, RULE, TRUNK};

/// What was done to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was missing.
    Created,
    /// It differed.
    Updated,
    /// It was right.
    Unchanged,
    /// It is wanted no more.
    Removed,
    /// It is not wanted and was not there.
    Absent,
}

/// What was done for one way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// To the trunk.
    pub trunk: Change,
    /// To the rule.
    pub rule: Change,
}

/// What `provision` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// For calls that our webhook sends.
    pub webhook: Changes,
    /// For calls by elastic trunks.
    pub elastic: Changes,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
            Self::Absent => "not wanted",
        })
    }
}

impl fmt::Display for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { webhook, elastic } = self;
        writeln!(
            f,
            "trunk {TRUNK} {}, rule {RULE} {}",
            webhook.trunk, webhook.rule
        )?;
        write!(
            f,
            "trunk {ELASTIC_TRUNK} {}, rule {ELASTIC_RULE} {}",
            elastic.trunk, elastic.rule
        )
    }
}

/// Makes the trunks and the rules, or brings them to what the configuration says. Running it again changes nothing.
///
/// # Errors
/// LiveKit does not answer, its SIP API is off (it needs Redis), or somebody else's trunk or rule would take our calls.
pub async fn provision(config: &LiveKitConfig) -> anyhow::Result<Provisioned> {
    ensure!(
        !config.sip_password.is_empty(),
        "livekit.sip_password: must be set, or anybody could dial into rooms"
    );
    let sip = Sip::new(config);
    let webhook = sip.provision(wanted::webhook(config)).await?;
    let elastic = match wanted::elastic(config) {
        Some(wanted) => sip.provision(wanted).await?,
        None => sip.remove(ELASTIC_TRUNK, ELASTIC_RULE).await?,
    };
    Ok(Provisioned { webhook, elastic })
}
