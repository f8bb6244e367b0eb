//! Lets a call in, whichever way it came: the tenant by the dialled number, then the tenant's limits.

use tokio::time::Instant;

use super::{Gateway, caller_id, twilio::links::CallRef};
use crate::{
    dispatch::{Candidate, Decision, wall_clock},
    domain::{
        call::Route,
        caller::CallOrigin,
        e164::E164,
        ids::{CallId, LegId, RoomName},
        phi::Phi,
        placement::ProjectName,
    },
    storage::{
        postgres::Clinic,
        redis::{StoredCall, StoredOrigin},
    },
    telemetry::labels::Admission,
};

/// A call that asks to be let in.
pub(super) struct Newcomer {
    /// The leg that brought it.
    pub(super) leg: LegId,
    /// The way it came.
    pub(super) route: Route,
    /// Its room, should it be new.
    pub(super) room: RoomName,
    /// The LiveKit project that has put it into its room already.
    pub(super) arrived_in: Option<ProjectName>,
    /// The number that was dialled, and others by which the clinic may be known if nobody has that one: a call may have been diverted.
    pub(super) dialled: Vec<E164>,
    /// The caller's number; `None` if withheld.
    pub(super) caller: Option<Phi<E164>>,
    /// What came with it.
    pub(super) origin: CallOrigin,
}

/// What becomes of it.
pub(super) enum Verdict {
    /// A new call: it waits in its room of this project.
    Admitted(CallRef, ProjectName),
    /// The same leg as before, the call that it made then, and that call's room.
    Repeated(CallRef, RoomName, Clinic),
    /// The number is nobody's.
    UnknownNumber,
    /// The clinic has as many calls as it may.
    Limited(Clinic),
    /// Redis did not decide, Postgres does not know whose number it is, or the clinic's LiveKit project is not this pool's.
    Unavailable(Option<Clinic>),
}

impl Verdict {
    pub(super) const fn label(&self) -> Admission {
        match self {
            Self::Admitted(..) => Admission::Admitted,
            Self::Repeated(..) => Admission::Repeated,
            Self::UnknownNumber => Admission::UnknownNumber,
            Self::Limited(_) => Admission::Limited,
            Self::Unavailable(_) => Admission::Unavailable,
        }
    }
}

impl Gateway {
    /// Decides within `gateway.voice_deadline_ms`, whatever is away.
    pub(super) async fn decide(&self, newcomer: Newcomer) -> Verdict {
        let deadline = Instant::now() + self.voice_deadline;
        // Postgres gets half of the time, so that Redis has its share.
        let patience = deadline - self.voice_deadline / 2;
        for dialled in newcomer.dialled.clone() {
            match self.directory.find(&dialled, patience).await {
                Ok(Some(clinic)) => return self.admit(clinic, dialled, newcomer, deadline).await,
                Ok(None) => {}
                Err(_) => return Verdict::Unavailable(None),
            }
        }
        Verdict::UnknownNumber
    }

    async fn admit(
        &self,
        clinic: Clinic,
        dialled: E164,
        newcomer: Newcomer,
        deadline: Instant,
    ) -> Verdict {
        let (tenant, call) = (clinic.profile.id, CallId::generate());
        CallRef::first(tenant, call).record();
        let projects = self.dispatcher.projects();
        let placed = projects.place(&clinic.profile, newcomer.arrived_in.as_ref());
        let placement = match placed {
            Ok(placement) => placement,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "call not placed");
                return Verdict::Unavailable(Some(clinic));
            }
        };
        let project = placement.project.clone();
        let candidate = Candidate {
            tenant: &clinic.profile,
            call,
            leg: newcomer.leg,
            route: newcomer.route,
            placement,
            room: newcomer.room,
            caller: caller_id::identifying(newcomer.caller, &newcomer.origin, &clinic)
                .map(|number| StoredCall::seal_caller(&clinic.sealer, call, &number)),
            origin: StoredOrigin::seal(&clinic.sealer, call, &newcomer.origin),
            dialled,
        };
        let decision = self.dispatcher.admit(candidate, wall_clock(), deadline);
        match decision.await {
            Ok(Decision::Admitted { .. }) => {
                tracing::info!(call.route = newcomer.route.as_str(), "call admitted");
                Verdict::Admitted(CallRef::first(tenant, call), project)
            }
            Ok(Decision::Repeated { call, room }) => {
                let call = CallRef::first(tenant, call);
                call.record();
                Verdict::Repeated(call, room, clinic)
            }
            Ok(Decision::Refused(refusal)) => {
                tracing::warn!(?refusal, "call refused");
                Verdict::Limited(clinic)
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "call not admitted"
                );
                Verdict::Unavailable(Some(clinic))
            }
        }
    }
}
