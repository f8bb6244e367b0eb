//! A clinic as a call sees it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{
    e164::E164,
    ids::TenantId,
    opening_hours::OpeningHours,
    placement::{ProjectName, Region},
};

/// What a call needs of its tenant: loaded once at admission or claim, small, without patient data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TenantProfile {
    /// The clinic.
    pub id: TenantId,
    /// Its name as spoken.
    pub name: String,
    /// Where its working hours are.
    pub time_zone: Tz,
    /// First words of each call.
    pub greeting: String,
    /// House rules added to the system prompt.
    pub instructions: String,
    /// TTS voice (vendor's name), if not the pool's default.
    pub voice: Option<String>,
    /// Where callers go when we cannot serve them.
    pub fallback_number: Option<E164>,
    /// Where `transfer_to_human` goes.
    pub transfer: Option<TransferDesk>,
    /// The workers that serve it; where it is called, if none is named.
    pub region: Option<Region>,
    /// The LiveKit project that its calls go through, if not the pool's own.
    pub livekit_project: Option<ProjectName>,
    /// Concurrent calls allowed.
    pub max_concurrent_calls: u32,
    /// New calls allowed per minute.
    pub max_calls_per_minute: u32,
    /// Bookable procedures: code to spoken name and length.
    pub procedures: BTreeMap<String, Procedure>,
    /// Words that the recogniser should know: practitioners, plans, payers.
    pub keyterms: Vec<String>,
}

/// The clinic's people, as callers are transferred to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransferDesk {
    /// Their number.
    pub number: E164,
    /// When they are there.
    pub hours: OpeningHours,
}

/// Something a clinic does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Procedure {
    /// As spoken.
    pub name: String,
    /// Minutes in the calendar.
    pub minutes: u16,
}
