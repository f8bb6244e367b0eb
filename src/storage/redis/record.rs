//! The call record: who called whom, where the call stands, what comes next.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError, WriteError, keys,
    offers::{placed, placement_text},
    reply::{Words, fenced},
    script,
};
use crate::domain::{
    call::{CallPhase, CallRecord, NextStep, Route, TransferResult},
    caller::{Attestation, CallOrigin},
    e164::E164,
    ids::{CallId, Epoch, Returns, RoomName, TenantId},
    phi::Phi,
    placement::Placement,
};
use crate::security::{SealError, TenantSealer};

/// A call record as Redis holds it: the caller's number sealed.
#[derive(Clone, Debug)]
pub struct StoredCall {
    /// The clinic that was dialled.
    pub tenant: TenantId,
    /// Our name of the call.
    pub call: CallId,
    /// The way it came.
    pub route: Route,
    /// Where it goes; `None` if it was admitted by a version that knew one way.
    pub placement: Option<Placement>,
    /// Its LiveKit room; on the webhook route also the SIP user.
    pub room: RoomName,
    /// The caller's number, sealed; absent when withheld.
    pub caller: Option<Vec<u8>>,
    /// What came with the number.
    pub origin: StoredOrigin,
    /// The clinic's number that was dialled.
    pub dialled: E164,
    /// When the gateway admitted it.
    pub admitted_at: DateTime<Utc>,
    /// The zero of the call's clock: the first claim. `None` if nobody has claimed it, or a version did that left the zero to the saved conversation.
    pub clock_at: Option<DateTime<Utc>>,
    /// When it ended, as whoever learned of it first says.
    pub ended_at: Option<DateTime<Utc>>,
    /// The latest dispatch.
    pub epoch: Epoch,
    /// Where the call stands.
    pub phase: CallPhase,
    /// What Twilio is told when the SIP leg ends.
    pub next: Option<NextStep>,
    /// How often the caller came back from a person.
    pub returns: Returns,
    /// What became of the last transfer, once it is known.
    pub transfer: Option<TransferResult>,
}

/// What came with a caller's number, as Redis holds it: the forwarding number sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredOrigin {
    /// Whether the number is the caller's.
    pub attestation: Attestation,
    /// Who forwarded the call, sealed.
    pub forwarded_from: Option<Vec<u8>>,
}

impl StoredOrigin {
    /// Seals an origin for this call's record.
    #[must_use]
    pub fn seal(sealer: &TenantSealer, call: CallId, origin: &CallOrigin) -> Self {
        let seal = |number: &Phi<E164>| {
            let plain = number.expose().as_str().as_bytes();
            sealer.seal_for_redis(FORWARDED, call, plain).into_bytes()
        };
        Self {
            attestation: origin.attestation,
            forwarded_from: origin.forwarded_from.as_ref().map(seal),
        }
    }

    fn open(self, sealer: &TenantSealer, call: CallId) -> Result<CallOrigin, SealError> {
        let forwarded = self.forwarded_from;
        Ok(CallOrigin {
            attestation: self.attestation,
            forwarded_from: forwarded
                .map(|sealed| open_number(sealer, FORWARDED, call, sealed))
                .transpose()?,
        })
    }

    /// A record without it was written by a version that did not ask.
    fn from_fields(fields: &HashMap<String, Vec<u8>>) -> Self {
        let attestation = fields.get("attestation").map(Vec::as_slice);
        Self {
            attestation: attestation
                .and_then(|word| Attestation::from_label(std::str::from_utf8(word).ok()?))
                .unwrap_or_default(),
            forwarded_from: fields
                .get("forwarded")
                .filter(|sealed| !sealed.is_empty())
                .cloned(),
        }
    }
}

/// Kinds of values, for the seal: one opens in no other call's record, and not as another kind.
const CALLER: &str = "caller";
const FORWARDED: &str = "forwarded";
const BRIEFING: &str = "briefing";

impl StoredCall {
    /// Seals a caller's number for this call's record.
    #[must_use]
    pub fn seal_caller(sealer: &TenantSealer, call: CallId, number: &Phi<E164>) -> Vec<u8> {
        let plain = number.expose().as_str().as_bytes();
        sealer.seal_for_redis(CALLER, call, plain).into_bytes()
    }

    /// Seals the words for a person whom this call is transferred to.
    #[must_use]
    pub fn seal_briefing(sealer: &TenantSealer, call: CallId, words: &Phi<String>) -> Vec<u8> {
        let plain = words.expose().as_bytes();
        sealer.seal_for_redis(BRIEFING, call, plain).into_bytes()
    }

    /// Opens what [`StoredCall::seal_briefing`] sealed.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed by other keys or for another call.
    pub fn open_briefing(
        sealer: &TenantSealer,
        call: CallId,
        sealed: Vec<u8>,
    ) -> Result<Phi<String>, SealError> {
        let plain = sealer.open_from_redis(BRIEFING, call, sealed)?;
        let words = std::str::from_utf8(plain.expose()).map_err(|_| SealError::Malformed)?;
        Ok(Phi::new(words.to_owned()))
    }

    /// The record with the caller's number in the clear.
    ///
    /// # Errors
    /// [`SealError`] if the number was sealed by other keys or for another call.
    pub fn open(self, sealer: &TenantSealer) -> Result<CallRecord, SealError> {
        let caller = match self.caller {
            Some(sealed) => Some(open_number(sealer, CALLER, self.call, sealed)?),
            None => None,
        };
        Ok(CallRecord {
            tenant: self.tenant,
            call: self.call,
            route: self.route,
            room: self.room,
            caller,
            origin: self.origin.open(sealer, self.call)?,
            dialled: self.dialled,
            admitted_at: self.admitted_at,
            epoch: self.epoch,
            phase: self.phase,
            next: self.next,
            returns: self.returns,
            transfer: self.transfer,
        })
    }

    pub(super) fn from_fields(
        tenant: TenantId,
        call: CallId,
        fields: &HashMap<String, Vec<u8>>,
    ) -> Result<Self, StoreError> {
        let caller = fields
            .get("caller")
            .filter(|sealed| !sealed.is_empty())
            .cloned();
        Ok(Self {
            tenant,
            call,
            // A record without it was written by a version that knew one route.
            route: match fields.get("route") {
                Some(_) => route_from(field(fields, "route")?)?,
                None => Route::Webhook,
            },
            placement: match fields.get("placement") {
                Some(_) => placed(field(fields, "placement")?)?,
                None => None,
            },
            room: parsed(fields, "room")?,
            caller,
            origin: StoredOrigin::from_fields(fields),
            dialled: parsed(fields, "dialled")?,
            admitted_at: time(fields, "admitted_ms")?,
            clock_at: optional_time(fields, "clock_ms")?,
            ended_at: optional_time(fields, "ended_ms")?,
            epoch: Epoch(parsed(fields, "epoch")?),
            phase: phase_from(field(fields, "phase")?)?,
            next: fields.get("next").map(|json| next_from(json)).transpose()?,
            returns: match fields.get("returns") {
                Some(_) => Returns(parsed(fields, "returns")?),
                None => Returns::default(),
            },
            transfer: match fields.get("transfer") {
                Some(_) => transfer_from(field(fields, "transfer")?)?,
                None => None,
            },
        })
    }
}

fn open_number(
    sealer: &TenantSealer,
    kind: &'static str,
    call: CallId,
    sealed: Vec<u8>,
) -> Result<Phi<E164>, SealError> {
    let plain = sealer.open_from_redis(kind, call, sealed)?;
    let number = std::str::from_utf8(plain.expose())
        .ok()
        .and_then(|text| text.parse().ok());
    number.map(Phi::new).ok_or(SealError::Malformed)
}

impl Store {
    /// A call's record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(
        &self,
        tenant: TenantId,
        call: CallId,
    ) -> Result<Option<StoredCall>, StoreError> {
        let fields: HashMap<String, Vec<u8>> = self
            .query(redis::cmd("HGETALL").arg(keys::record(tenant, call)))
            .await?;
        if fields.is_empty() {
            return Ok(None);
        }
        StoredCall::from_fields(tenant, call, &fields).map(Some)
    }

    /// Where a call stands; cheaper than [`Store::load`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn phase(
        &self,
        tenant: TenantId,
        call: CallId,
    ) -> Result<Option<CallPhase>, StoreError> {
        let phase: Option<String> = self
            .query(
                redis::cmd("HGET")
                    .arg(keys::record(tenant, call))
                    .arg("phase"),
            )
            .await?;
        phase.as_deref().map(phase_from).transpose()
    }

    /// Moves a call on. [`CallPhase::Ended`] also leaves the queue and frees the slot, and stays.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call.
    pub async fn set_phase(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        phase: CallPhase,
        now: DateTime<Utc>,
    ) -> Result<(), WriteError> {
        let mut run = script::SET_PHASE.prepare_invoke();
        keys::of_call(&mut run, tenant, call)
            .arg(call.to_string())
            .arg(epoch.0)
            .arg(phase_text(phase))
            .arg(self.slot_until_ms(now))
            .arg(self.session_ttl_ms())
            .arg(now.timestamp_millis());
        fenced(self.run::<Words>(&run).await?).map(drop)
    }

    /// Records what Twilio is told when the SIP leg ends; written before the leg is ended.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call.
    pub async fn set_next_step(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        next: &NextStep,
    ) -> Result<(), WriteError> {
        let mut run = script::SET_NEXT.prepare_invoke();
        run.key(keys::record(tenant, call))
            .arg(epoch.0)
            .arg(next_text(next))
            .arg(self.session_ttl_ms());
        fenced(self.run::<Words>(&run).await?).map(drop)
    }

    /// Ends a call that nobody serves, with the fallback as its next step. Returns `false` if a worker was faster or the call is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up(
        &self,
        tenant: TenantId,
        call: CallId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut run = script::GIVE_UP.prepare_invoke();
        keys::of_call(&mut run, tenant, call)
            .arg(call.to_string())
            .arg(next_text(&NextStep::Fallback))
            .arg(now.timestamp_millis());
        self.run(&run).await
    }

    /// Writes a live call's record and slot back after Redis lost them. Returns `false` if there is a record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restore(
        &self,
        record: &StoredCall,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut run = script::RESTORE.prepare_invoke();
        run.key(keys::record(record.tenant, record.call))
            .key(keys::slots(record.tenant))
            .key(keys::leases(record.tenant))
            .key(keys::unwritten(record.tenant))
            .arg(record.call.to_string())
            .arg(self.slot_until_ms(now))
            .arg(self.session_ttl_ms())
            .arg(record.epoch.0)
            .arg(record.admitted_at.timestamp_millis());
        for (name, value) in fields_of(record) {
            run.arg(name).arg(value);
        }
        self.run(&run).await
    }
}

fn fields_of(record: &StoredCall) -> Vec<(&'static str, Vec<u8>)> {
    let mut fields = vec![
        ("route", record.route.as_str().into()),
        (
            "placement",
            placement_text(record.placement.as_ref()).into_bytes(),
        ),
        ("room", record.room.as_str().into()),
        ("caller", record.caller.clone().unwrap_or_default()),
        ("attestation", record.origin.attestation.as_str().into()),
        (
            "forwarded",
            record.origin.forwarded_from.clone().unwrap_or_default(),
        ),
        ("dialled", record.dialled.as_str().into()),
        (
            "admitted_ms",
            record
                .admitted_at
                .timestamp_millis()
                .to_string()
                .into_bytes(),
        ),
        ("epoch", record.epoch.to_string().into_bytes()),
        ("phase", phase_text(record.phase).into()),
    ];
    for (name, at) in [("clock_ms", record.clock_at), ("ended_ms", record.ended_at)] {
        if let Some(at) = at {
            fields.push((name, at.timestamp_millis().to_string().into_bytes()));
        }
    }
    if let Some(next) = &record.next {
        fields.push(("next", next_text(next).into_bytes()));
    }
    if record.returns > Returns::default() {
        fields.push(("returns", record.returns.0.to_string().into_bytes()));
    }
    if let Some(result) = record.transfer {
        fields.push(("transfer", result.as_str().into()));
    }
    fields
}

fn field<'a>(fields: &'a HashMap<String, Vec<u8>>, name: &str) -> Result<&'a str, StoreError> {
    let value = fields
        .get(name)
        .ok_or(StoreError::Malformed("call record"))?;
    std::str::from_utf8(value).map_err(|_| StoreError::Malformed("call record"))
}

fn parsed<T: std::str::FromStr>(
    fields: &HashMap<String, Vec<u8>>,
    name: &str,
) -> Result<T, StoreError> {
    field(fields, name)?
        .parse()
        .map_err(|_| StoreError::Malformed("call record"))
}

fn time(fields: &HashMap<String, Vec<u8>>, name: &str) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(parsed(fields, name)?)
        .ok_or(StoreError::Malformed("call record"))
}

fn optional_time(
    fields: &HashMap<String, Vec<u8>>,
    name: &str,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let is_there = fields.contains_key(name);
    is_there.then(|| time(fields, name)).transpose()
}

/// The words that the scripts compare with.
const fn phase_text(phase: CallPhase) -> &'static str {
    match phase {
        CallPhase::Waiting => "waiting",
        CallPhase::Claimed => "claimed",
        CallPhase::Active => "active",
        CallPhase::Orphaned => "orphaned",
        CallPhase::Ended => "ended",
    }
}

fn phase_from(text: &str) -> Result<CallPhase, StoreError> {
    let all = [
        CallPhase::Waiting,
        CallPhase::Claimed,
        CallPhase::Active,
        CallPhase::Orphaned,
        CallPhase::Ended,
    ];
    all.into_iter()
        .find(|phase| phase_text(*phase) == text)
        .ok_or(StoreError::Malformed("call phase"))
}

fn route_from(text: &str) -> Result<Route, StoreError> {
    Route::ALL
        .into_iter()
        .find(|route| route.as_str() == text)
        .ok_or(StoreError::Malformed("route"))
}

/// While nobody knows it is `pending`.
fn transfer_from(text: &str) -> Result<Option<TransferResult>, StoreError> {
    match TransferResult::from_label(text) {
        None if text != "pending" => Err(StoreError::Malformed("transfer")),
        result => Ok(result),
    }
}

pub(super) fn next_text(next: &NextStep) -> String {
    serde_json::json!(next).to_string()
}

fn next_from(json: &[u8]) -> Result<NextStep, StoreError> {
    serde_json::from_slice(json).map_err(|_| StoreError::Malformed("next step"))
}
