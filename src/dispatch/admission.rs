//! Decides on a call, and has a new one offered at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};

use super::{Dispatcher, wall_clock};
use crate::{
    domain::{
        call::Route,
        e164::E164,
        ids::{CallId, LegId, RoomName, TenantId},
        placement::Placement,
        tenant::TenantProfile,
    },
    storage::redis::{Admission, Applicant, Limits, Refusal, StoreError, StoredOrigin},
};

/// A call that asks to be let in.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Who was dialled.
    pub tenant: &'a TenantProfile,
    /// Our name of the call, should it be new.
    pub call: CallId,
    /// The leg that brought it.
    pub leg: LegId,
    /// The way it came.
    pub route: Route,
    /// Where it goes, should it be new.
    pub placement: Placement,
    /// Its room, should it be new.
    pub room: RoomName,
    /// The caller's number, sealed; `None` if withheld.
    pub caller: Option<Vec<u8>>,
    /// What came with the number.
    pub origin: StoredOrigin,
    /// The number that was dialled.
    pub dialled: E164,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new call: it waits in this room, workers are being asked.
    Admitted {
        /// Its room.
        room: RoomName,
    },
    /// The same webhook as before.
    Repeated {
        /// The call it made then.
        call: CallId,
        /// Its room.
        room: RoomName,
    },
    /// Not now.
    Refused(Refusal),
}

/// Pauses before the tries to take back an admission whose answer was lost.
const TAKE_BACK: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

impl Dispatcher {
    /// Decides by `deadline`. A new call is offered to the pods off the response path.
    ///
    /// # Errors
    /// [`StoreError`] if Redis did not decide in time; should it yet have admitted the call, that is taken back.
    pub async fn admit(
        &self,
        candidate: Candidate<'_>,
        now: DateTime<Utc>,
        deadline: Instant,
    ) -> Result<Decision, StoreError> {
        let applicant = applicant(candidate);
        let answer = timeout_at(deadline, self.store.admit(&applicant, now)).await;
        match answer.unwrap_or(Err(StoreError::Deadline)) {
            Ok(Admission::Admitted) => Ok(self.start(&applicant)),
            Ok(Admission::Repeated { call, room }) => Ok(Decision::Repeated { call, room }),
            Ok(Admission::Refused(refusal)) => Ok(Decision::Refused(refusal)),
            Err(error) => {
                self.take_back(applicant.tenant, applicant.call);
                Err(error)
            }
        }
    }

    fn start(&self, applicant: &Applicant) -> Decision {
        let (dispatcher, tenant) = (self.clone(), applicant.tenant);
        self.beside(async move { dispatcher.announce(tenant).await });
        Decision::Admitted {
            room: applicant.room.clone(),
        }
    }

    /// Names the tenant in the index and wakes the keeper. Unnamed, its call would wait for the tenant's next one.
    pub(super) async fn announce(&self, tenant: TenantId) {
        let mut pauses = TAKE_BACK.iter();
        while let Err(error) = self.store.mark_busy(tenant, wall_clock()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a tenant is not indexed"
            );
            let Some(pause) = pauses.next() else { return };
            tokio::time::sleep(*pause).await;
        }
        self.wake.notify_one();
    }

    /// The caller got the fallback, so the slot that the call may have taken is freed. If Redis stays away, the slot expires by itself.
    fn take_back(&self, tenant: TenantId, call: CallId) {
        let (store, hard) = (self.store.clone(), self.lifecycle.hard());
        self.lifecycle
            .spawn(hard.run_until_cancelled_owned(async move {
                for pause in TAKE_BACK {
                    tokio::time::sleep(pause).await;
                    if store.release(tenant, call, wall_clock()).await.is_ok() {
                        return;
                    }
                }
            }));
    }
}

fn applicant(candidate: Candidate<'_>) -> Applicant {
    Applicant {
        tenant: candidate.tenant.id,
        leg: candidate.leg,
        route: candidate.route,
        placement: candidate.placement,
        call: candidate.call,
        room: candidate.room,
        caller: candidate.caller,
        origin: candidate.origin,
        dialled: candidate.dialled,
        limits: Limits {
            concurrent: candidate.tenant.max_concurrent_calls,
            per_minute: candidate.tenant.max_calls_per_minute,
        },
    }
}
