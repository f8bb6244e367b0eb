//! The one place where keys are built.
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `tenant:{T}:sid:S` | string | call and room of a Twilio CallSid |
//! | `tenant:{T}:call:C` | hash | the call record |
//! | `tenant:{T}:queue` | sorted set | waiting calls by admission time (ms) |
//! | `tenant:{T}:slots` | sorted set | concurrent calls by expiry (ms) |
//! | `tenant:{T}:rate` | string | the rate limiter's theoretical arrival time (ms) |
//! | `tenant:{T}:session:C` | hash | sealed conversation and the epoch that wrote it |
//! | `tenant:{T}:lease:C` | string | counter that the call's worker raises |
//! | `tenant:{T}:artifacts` | hash | sealed artifacts by call; no TTL |
//! | `index:waiting` | sorted set | tenants with waiting calls, by last sign; derived |
//! | `index:artifacts` | set | tenants with waiting artifacts; no TTL |
//! | `room:R` | string | tenant and call of a room |

use crate::domain::ids::{CallId, RoomName, TenantId, TwilioCallSid};

/// Derived from the tenants' queues; [`super::Store::repair_waiting`] mends it.
pub(super) const WAITING: &str = "index:waiting";
/// Set before the artifact, removed after it: it may name a tenant too many, never one too few.
pub(super) const ARTIFACTS: &str = "index:artifacts";

fn tagged(tenant: TenantId, rest: &str) -> String {
    format!("tenant:{{{tenant}}}:{rest}")
}

pub(super) fn sid(tenant: TenantId, sid: &TwilioCallSid) -> String {
    tagged(tenant, &format!("sid:{}", sid.as_str()))
}

pub(super) fn record(tenant: TenantId, call: CallId) -> String {
    tagged(tenant, &format!("call:{call}"))
}

pub(super) fn queue(tenant: TenantId) -> String {
    tagged(tenant, "queue")
}

pub(super) fn slots(tenant: TenantId) -> String {
    tagged(tenant, "slots")
}

pub(super) fn rate(tenant: TenantId) -> String {
    tagged(tenant, "rate")
}

pub(super) fn session(tenant: TenantId, call: CallId) -> String {
    tagged(tenant, &format!("session:{call}"))
}

pub(super) fn lease(tenant: TenantId, call: CallId) -> String {
    tagged(tenant, &format!("lease:{call}"))
}

pub(super) fn artifacts(tenant: TenantId) -> String {
    tagged(tenant, "artifacts")
}

pub(super) fn room(room: &RoomName) -> String {
    format!("room:{room}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_tenant_share_its_tag_and_no_other_tenants() {
        let (tenant, call) = (TenantId::generate(), CallId::generate());
        let sid_text: TwilioCallSid = "CA00000000000000000000000000000abc".parse().expect("sid");
        let tag = format!("tenant:{{{tenant}}}:");
        let keys = [
            sid(tenant, &sid_text),
            record(tenant, call),
            queue(tenant),
            slots(tenant),
            rate(tenant),
            session(tenant, call),
            lease(tenant, call),
            artifacts(tenant),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(key.starts_with(&tag), "{key}");
            assert!(!keys[..at].contains(key), "{key} twice");
        }
    }
}
