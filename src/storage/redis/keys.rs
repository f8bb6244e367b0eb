//! The one place where keys are built.
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `tenant:{T}:leg:L` | string | call and room of the leg that brought it |
//! | `tenant:{T}:call:C` | hash | the call record |
//! | `tenant:{T}:queue` | sorted set | waiting calls by admission time (ms) |
//! | `tenant:{T}:orphans` | sorted set | conversations without an agent, by the time they lost it (ms) |
//! | `tenant:{T}:heirs` | sorted set | calls whose worker asks for an heir, by the time it asked (ms) |
//! | `tenant:{T}:offers` | hash | when a call was last offered to the pods, and how often |
//! | `tenant:{T}:leases` | hash | epoch and counter that each served call's worker raises |
//! | `tenant:{T}:unwritten` | sorted set | calls without an artifact, by admission time (ms) |
//! | `tenant:{T}:slots` | sorted set | concurrent calls by expiry (ms) |
//! | `tenant:{T}:placement` | string | LiveKit project and agent name of the last admitted call |
//! | `tenant:{T}:rate` | string | the rate limiter's theoretical arrival time (ms) |
//! | `tenant:{T}:session:C` | hash | sealed conversation and the epoch that wrote it |
//! | `tenant:{T}:artifacts` | hash | sealed artifacts by call; no TTL |
//! | `tenant:{T}:held` | sorted set | calls whose artifacts wait for the end of a transfer, by the time they wait no longer (ms) |
//! | `index:busy` | sorted set | tenants with calls or unwritten artifacts, by last sign; derived |
//! | `pods` | hash | what each pod last said of itself |
//! | `index:artifacts` | set | tenants with waiting artifacts; no TTL |
//! | `room:R` | string | tenant and call of a room |

use ::redis::ScriptInvocation;

use crate::domain::ids::{CallId, LegId, RoomName, TenantId};

/// Derived from the tenants' keys; every sign of life of a call mends it.
pub(super) const BUSY: &str = "index:busy";
/// One field per pod.
pub(super) const PODS: &str = "pods";
/// Set before the artifact, removed after it: it may name a tenant too many, never one too few.
pub(super) const ARTIFACTS: &str = "index:artifacts";

fn tagged(tenant: TenantId, rest: &str) -> String {
    format!("tenant:{{{tenant}}}:{rest}")
}

pub(super) fn leg(tenant: TenantId, leg: &LegId) -> String {
    tagged(tenant, &format!("leg:{}", leg.as_str()))
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

pub(super) fn orphans(tenant: TenantId) -> String {
    tagged(tenant, "orphans")
}

pub(super) fn heirs(tenant: TenantId) -> String {
    tagged(tenant, "heirs")
}

pub(super) fn offers(tenant: TenantId) -> String {
    tagged(tenant, "offers")
}

pub(super) fn leases(tenant: TenantId) -> String {
    tagged(tenant, "leases")
}

pub(super) fn placement(tenant: TenantId) -> String {
    tagged(tenant, "placement")
}

pub(super) fn unwritten(tenant: TenantId) -> String {
    tagged(tenant, "unwritten")
}

pub(super) fn artifacts(tenant: TenantId) -> String {
    tagged(tenant, "artifacts")
}

pub(super) fn held(tenant: TenantId) -> String {
    tagged(tenant, "held")
}

pub(super) fn room(room: &RoomName) -> String {
    format!("room:{room}")
}

/// The keys of the scripts that may end a call, in their order: record, queue, orphans, offers, leases, heirs, slots.
pub(super) fn of_call<'run, 'script>(
    run: &'run mut ScriptInvocation<'script>,
    tenant: TenantId,
    call: CallId,
) -> &'run mut ScriptInvocation<'script> {
    run.key(record(tenant, call))
        .key(queue(tenant))
        .key(orphans(tenant))
        .key(offers(tenant))
        .key(leases(tenant))
        .key(heirs(tenant))
        .key(slots(tenant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_tenant_share_its_tag_and_no_other_tenants() {
        let (tenant, call) = (TenantId::generate(), CallId::generate());
        let brought_by = LegId::Sip("SCL_4fRz8KqLmN2p".parse().expect("leg"));
        let tag = format!("tenant:{{{tenant}}}:");
        let keys = [
            leg(tenant, &brought_by),
            record(tenant, call),
            queue(tenant),
            slots(tenant),
            rate(tenant),
            session(tenant, call),
            orphans(tenant),
            heirs(tenant),
            offers(tenant),
            leases(tenant),
            unwritten(tenant),
            placement(tenant),
            artifacts(tenant),
            held(tenant),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(key.starts_with(&tag), "{key}");
            assert!(!keys[..at].contains(key), "{key} twice");
        }
    }
}
