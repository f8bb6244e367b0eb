//! The walk along an audit chain. Pure: records and checkpoints come in, in order, and what is wrong comes out.

use chrono::{DateTime, Utc};

use super::checkpoint::Checkpoint;
use crate::{
    domain::ids::CallId,
    security::{ChainLink, ChainMac, Sealed, TenantSealer},
};

/// The result of a walk along the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// The record up to which all are as they were written, or were detached under a checkpoint.
    pub intact: u64,
    /// Those of them that were detached.
    pub detached: u64,
    /// The chain's value after the last of them: to be kept outside the database, where it proves later that nothing was cut off.
    pub head: ChainMac,
    /// Where the walk ended early.
    pub broken: Option<ChainBreak>,
}

/// A head that was kept outside the database: the chain's value after so many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptHead {
    /// Records.
    pub intact: u64,
    /// The value.
    pub head: ChainMac,
}

/// What is wrong, at the first place where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// The record is not what was written under this number.
    #[error("record {0} was altered")]
    Altered(u64),
    /// The record is not there.
    #[error("record {0} is missing")]
    Missing(u64),
    /// The head says something else than the last record.
    #[error("the head does not belong to record {0}")]
    Head(u64),
    /// A checkpoint was not signed with the tenant's key, or was altered since.
    #[error("the checkpoint of record {0} is forged")]
    Checkpoint(u64),
}

/// The last sequence number and the chain's value after it, as the head says.
pub(super) type Head = (u64, ChainMac);

/// A record as it is stored.
pub(super) struct Record {
    pub(super) sequence: u64,
    pub(super) started_at: DateTime<Utc>,
    pub(super) call: CallId,
    pub(super) document: Sealed,
    pub(super) previous: ChainMac,
    pub(super) mac: ChainMac,
}

/// See the module.
pub(super) struct Walk<'a> {
    sealer: &'a TenantSealer,
    kept: Option<KeptHead>,
    checkpoints: Vec<Checkpoint>,
    pub(super) report: ChainReport,
}

impl<'a> Walk<'a> {
    /// At the chain's begin. A checkpoint that is not genuine ends the walk before its first step: somebody was at work.
    pub(super) fn new(
        sealer: &'a TenantSealer,
        kept: Option<KeptHead>,
        checkpoints: Vec<Checkpoint>,
    ) -> Self {
        let forged = checkpoints.iter().find(|c| !c.is_genuine(sealer));
        let broken = forged.map(|c| ChainBreak::Checkpoint(c.sequence));
        Self {
            sealer,
            kept,
            checkpoints,
            report: ChainReport {
                intact: 0,
                detached: 0,
                head: ChainMac::GENESIS,
                broken,
            },
        }
    }

    /// Goes on to the next record; returns whether the chain holds so far.
    pub(super) fn step(&mut self, record: &Record) -> bool {
        if self.report.broken.is_none() {
            self.report.broken = self.check(record);
        }
        self.report.broken.is_none()
    }

    /// There are no more records: the head must say so, and what was kept elsewhere must not know of more.
    pub(super) fn finish(&mut self, (last, head): Head) {
        if self.report.broken.is_none() {
            self.report.broken = self.check_end(last, head);
        }
    }

    fn check(&mut self, record: &Record) -> Option<ChainBreak> {
        if let Some(missing) = self.pass_detached(record.sequence, Some(record.previous)) {
            return Some(missing);
        }
        let sequence = self.report.intact + 1;
        let link = ChainLink {
            sequence,
            previous: self.report.head,
            started_at: record.started_at,
            call: record.call,
            document: &record.document,
        };
        let is_intact = record.sequence == sequence
            && record.previous == self.report.head
            && record.mac == self.sealer.chain(&link);
        if !is_intact || self.is_disputed(sequence, record.mac) {
            return Some(ChainBreak::Altered(sequence));
        }
        self.report.intact = sequence;
        self.report.head = record.mac;
        None
    }

    /// Passes the records before `next` that a checkpoint tells were detached; the first that none tells of is missing. The chain's value behind them is known from a
    /// checkpoint, or else `claimed`: by the next record itself, whose own signature covers the claim.
    fn pass_detached(&mut self, next: u64, claimed: Option<ChainMac>) -> Option<ChainBreak> {
        let first = self.report.intact + 1;
        if next <= first {
            return None;
        }
        let is_gone = |sequence: &u64| self.checkpoints.iter().any(|c| c.tells_of(*sequence));
        if let Some(missing) = (first..next).find(|sequence| !is_gone(sequence)) {
            return Some(ChainBreak::Missing(missing));
        }
        let last = next - 1;
        let at_the_end = self.checkpoints.iter().find(|c| c.sequence == last);
        let Some(head) = at_the_end.map(|c| c.head).or(claimed) else {
            return Some(ChainBreak::Missing(last));
        };
        if self.is_disputed(last, head) {
            return Some(ChainBreak::Altered(last));
        }
        self.report.detached += next - first;
        self.report.intact = last;
        self.report.head = head;
        None
    }

    /// Whether a checkpoint, or what was kept elsewhere, knows another value after this record.
    fn is_disputed(&self, sequence: u64, value: ChainMac) -> bool {
        let checkpoints = self.checkpoints.iter().map(|c| (c.sequence, c.head));
        let kept = self.kept.map(|kept| (kept.intact, kept.head));
        checkpoints
            .chain(kept)
            .any(|(at, head)| at == sequence && head != value)
    }

    fn check_end(&mut self, last: u64, head: ChainMac) -> Option<ChainBreak> {
        if let Some(missing) = self.pass_detached(last + 1, None) {
            return Some(missing);
        }
        let report = &self.report;
        if last != report.intact || head != report.head {
            return Some(ChainBreak::Head(report.intact));
        }
        let checkpoints = self.checkpoints.iter().map(|c| c.sequence);
        let known = checkpoints.chain(self.kept.map(|kept| kept.intact)).max();
        (known > Some(report.intact)).then_some(ChainBreak::Missing(report.intact + 1))
    }
}

#[cfg(test)]
mod tests;
