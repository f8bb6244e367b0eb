//! Lets a call in.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError, keys,
    offers::placement_text,
    record::StoredOrigin,
    reply::{Words, text},
    script,
};
use crate::domain::{
    call::Route,
    e164::E164,
    ids::{CallId, Epoch, LegId, RoomName, TenantId},
    placement::Placement,
};

/// A call that asks to be let in, with ids that become its own if it is new.
#[derive(Clone, Debug)]
pub struct Applicant {
    /// The clinic that was dialled.
    pub tenant: TenantId,
    /// The leg that brought it; makes the webhook idempotent.
    pub leg: LegId,
    /// The way it came.
    pub route: Route,
    /// Where it goes.
    pub placement: Placement,
    /// Our name of the call, if it is new.
    pub call: CallId,
    /// Its room, if it is new.
    pub room: RoomName,
    /// The caller's number, sealed; `None` if withheld.
    pub caller: Option<Vec<u8>>,
    /// What came with the number.
    pub origin: StoredOrigin,
    /// The clinic's number that was dialled.
    pub dialled: E164,
    /// What the tenant may have.
    pub limits: Limits,
}

/// What a tenant may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Concurrent calls.
    pub concurrent: u32,
    /// New calls per minute; as many may come at once.
    pub per_minute: u32,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// A new call, recorded and queued.
    Admitted,
    /// The same webhook as before: the call it made then.
    Repeated {
        /// Our name of the call.
        call: CallId,
        /// Its room.
        room: RoomName,
    },
    /// Nothing was recorded.
    Refused(Refusal),
}

/// Why a call is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many new calls in the last minute.
    RateLimited,
    /// Too many concurrent calls.
    Busy,
}

impl Store {
    /// Decides on a call in one step: known leg, rate, concurrent calls, then record and queue entry.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::Deadline`] the call may have been admitted: [`Store::release`] it.
    pub async fn admit(
        &self,
        applicant: &Applicant,
        now: DateTime<Utc>,
    ) -> Result<Admission, StoreError> {
        let tenant = applicant.tenant;
        let mut run = script::ADMIT.prepare_invoke();
        run.key(keys::leg(tenant, &applicant.leg))
            .key(keys::record(tenant, applicant.call))
            .key(keys::rate(tenant))
            .key(keys::slots(tenant))
            .key(keys::queue(tenant))
            .key(keys::unwritten(tenant))
            .key(keys::placement(tenant))
            .arg(applicant.call.to_string())
            .arg(applicant.room.as_str())
            .arg(applicant.caller.as_deref().unwrap_or_default())
            .arg(applicant.dialled.as_str())
            .arg(Epoch::FIRST.0)
            .arg(now.timestamp_millis())
            .arg(applicant.limits.per_minute)
            .arg(applicant.limits.concurrent)
            .arg(self.slot_until_ms(now))
            .arg(self.session_ttl_ms())
            .arg(applicant.route.as_str())
            .arg(placement_text(Some(&applicant.placement)))
            .arg(applicant.origin.attestation.as_str())
            .arg(
                applicant
                    .origin
                    .forwarded_from
                    .as_deref()
                    .unwrap_or_default(),
            );
        decision(&self.run::<Words>(&run).await?)
    }
}

impl Store {
    /// The call that a leg brought, if it was let in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn call_of_leg(
        &self,
        tenant: TenantId,
        leg: &LegId,
    ) -> Result<Option<CallId>, StoreError> {
        let entry: Option<String> = self
            .query(redis::cmd("GET").arg(keys::leg(tenant, leg)))
            .await?;
        let Some(entry) = entry else { return Ok(None) };
        match repeated(&entry) {
            Some(Admission::Repeated { call, .. }) => Ok(Some(call)),
            _ => Err(StoreError::Malformed("leg entry")),
        }
    }
}

fn decision(words: &[Vec<u8>]) -> Result<Admission, StoreError> {
    match text(words, 0)? {
        "admitted" => Ok(Admission::Admitted),
        "rate" => Ok(Admission::Refused(Refusal::RateLimited)),
        "slots" => Ok(Admission::Refused(Refusal::Busy)),
        "repeated" => repeated(text(words, 1)?).ok_or(StoreError::Malformed("leg entry")),
        _ => Err(StoreError::Malformed("script reply")),
    }
}

fn repeated(entry: &str) -> Option<Admission> {
    let (call, room) = entry.split_once(' ')?;
    Some(Admission::Repeated {
        call: call.parse().ok()?,
        room: room.parse().ok()?,
    })
}
