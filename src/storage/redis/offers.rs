//! Which calls need a pod, and who offers them.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Lease, Store, StoreError, keys,
    reply::{Words, number, text},
    script,
};
use crate::domain::{
    ids::{CallId, Epoch, RoomName, TenantId},
    placement::Placement,
};

/// One tenant's calls, as one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Calls that ring, and when they were admitted; the oldest first.
    pub waiting: Vec<(CallId, DateTime<Utc>)>,
    /// Conversations without an agent, and since when; the oldest first.
    pub orphaned: Vec<(CallId, DateTime<Utc>)>,
    /// Calls whose worker asks for an heir, and since when; the oldest first.
    pub heirless: Vec<(CallId, DateTime<Utc>)>,
    /// When a call was last offered, and how often.
    pub offers: HashMap<CallId, (DateTime<Utc>, u32)>,
    /// Served calls and the last sign of life of each.
    pub leases: HashMap<CallId, Lease>,
    /// Where its last admitted call went; `None` if Redis does not know.
    pub placement: Option<Placement>,
}

impl Survey {
    /// Nothing rings, nothing is served.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.orphaned.is_empty() && self.leases.is_empty()
    }

    /// Since when the oldest of the calls that ring or have lost their agent waits.
    #[must_use]
    pub fn oldest(&self) -> Option<DateTime<Utc>> {
        let firsts = [self.waiting.first(), self.orphaned.first()];
        firsts.into_iter().flatten().map(|(_, at)| *at).min()
    }
}

/// May this dispatcher offer the call now?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Yes; it was offered so often before, and this is its room.
    Make {
        /// Offers so far, this one included.
        nth: u32,
        /// What a claim must name: the call's epoch, or its heir's.
        epoch: Epoch,
        /// The call's room.
        room: RoomName,
        /// Where it goes; `None` if it was admitted by a version that knew one way.
        placement: Option<Placement>,
    },
    /// Another dispatcher did a moment ago.
    Early,
    /// A pod has it, or it is over.
    Taken,
}

type Scores = Vec<(String, f64)>;

impl Store {
    /// A tenant's calls.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn survey(&self, tenant: TenantId) -> Result<Survey, StoreError> {
        let mut run = script::SURVEY.prepare_invoke();
        run.key(keys::queue(tenant))
            .key(keys::orphans(tenant))
            .key(keys::heirs(tenant))
            .key(keys::offers(tenant))
            .key(keys::leases(tenant))
            .key(keys::placement(tenant));
        let (waiting, orphaned, heirless, offers, leases, placement): (
            Scores,
            Scores,
            Scores,
            HashMap<String, String>,
            HashMap<String, String>,
            String,
        ) = self.run(&run).await?;
        Ok(Survey {
            waiting: timed(waiting)?,
            orphaned: timed(orphaned)?,
            heirless: timed(heirless)?,
            offers: each(offers, offer)?,
            leases: each(leases, lease)?,
            placement: placed(&placement)?,
        })
    }

    /// Asks for the right to offer a call; granted if nobody did within `pause`.
    ///
    /// # Errors
    /// [`StoreError`]; the right may have been granted: it comes again after `pause`.
    pub async fn offer(
        &self,
        tenant: TenantId,
        call: CallId,
        now: DateTime<Utc>,
        pause: Duration,
    ) -> Result<Offer, StoreError> {
        let mut run = script::OFFER.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::offers(tenant))
            .arg(call.to_string())
            .arg(now.timestamp_millis())
            .arg(super::millis(pause))
            .arg(self.session_ttl_ms());
        let words = self.run::<Words>(&run).await?;
        match text(&words, 0)? {
            "offer" => Ok(Offer::Make {
                nth: number(&words, 1)?,
                epoch: Epoch(number(&words, 2)?),
                room: number(&words, 3)?,
                placement: placed(text(&words, 4)?)?,
            }),
            "early" => Ok(Offer::Early),
            "taken" => Ok(Offer::Taken),
            _ => Err(StoreError::Malformed("script reply")),
        }
    }
}

/// `<project> <agent name>`; empty if there is none.
pub(super) fn placed(text: &str) -> Result<Option<Placement>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = || {
        let (project, agent_name) = text.split_once(' ')?;
        Some(Placement {
            project: project.parse().ok()?,
            agent_name: agent_name.to_owned(),
        })
    };
    read().map(Some).ok_or(StoreError::Malformed("placement"))
}

/// As [`placed`] reads it.
pub(super) fn placement_text(placement: Option<&Placement>) -> String {
    placement.map_or_else(String::new, |placement| {
        format!("{} {}", placement.project, placement.agent_name)
    })
}

fn timed(scores: Scores) -> Result<Vec<(CallId, DateTime<Utc>)>, StoreError> {
    let read = |(call, at): (String, f64)| Some((call.parse().ok()?, moment(at as i64)?));
    scores
        .into_iter()
        .map(read)
        .collect::<Option<_>>()
        .ok_or(MALFORMED)
}

const MALFORMED: StoreError = StoreError::Malformed("survey");

fn moment(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms)
}

fn each<T>(
    fields: HashMap<String, String>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<HashMap<CallId, T>, StoreError> {
    let both = |(call, value): (String, String)| Some((call.parse().ok()?, read(&value)?));
    fields
        .into_iter()
        .map(both)
        .collect::<Option<_>>()
        .ok_or(MALFORMED)
}

fn offer(value: &str) -> Option<(DateTime<Utc>, u32)> {
    let (at, count) = value.split_once(' ')?;
    Some((moment(at.parse().ok()?)?, count.parse().ok()?))
}

fn lease(value: &str) -> Option<Lease> {
    let (epoch, counter) = value.split_once(' ')?;
    Some(Lease {
        epoch: Epoch(epoch.parse().ok()?),
        counter: counter.parse().ok()?,
    })
}
