use chrono::Months;

use super::*;
use crate::{
    domain::ids::TenantId,
    security::{ChainStatement, DataKey},
};

/// A chain in memory: the month of admission of each record, from number 1 on.
struct Chain {
    sealer: TenantSealer,
    records: Vec<Record>,
}

fn month(nth: u32) -> DateTime<Utc> {
    let january: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().expect("time");
    january + Months::new(nth)
}

impl Chain {
    fn of(months: &[u32]) -> Self {
        let key = DataKey::generate(1);
        let sealer = TenantSealer::new(TenantId::generate(), &[key]).expect("a key");
        let mut chain = Self {
            sealer,
            records: Vec::new(),
        };
        months.iter().for_each(|nth| chain.append(*nth));
        chain
    }

    fn append(&mut self, nth: u32) {
        let (previous, document) = (self.head().1, Sealed::from(vec![7; 40]));
        let link = ChainLink {
            sequence: self.records.len() as u64 + 1,
            previous,
            started_at: month(nth),
            call: CallId::generate(),
            document: &document,
        };
        let mac = self.sealer.chain(&link);
        self.records.push(Record {
            sequence: link.sequence,
            started_at: link.started_at,
            call: link.call,
            previous,
            mac,
            document,
        });
    }

    fn head(&self) -> Head {
        let last = self.records.last();
        last.map_or((0, ChainMac::GENESIS), |r| (r.sequence, r.mac))
    }

    /// What `retain` signs before it takes out the months before this one.
    fn checkpoint(&self, before: u32) -> Checkpoint {
        let goes = |record: &&Record| record.started_at < month(before);
        let last = self.records.iter().rfind(goes).expect("some");
        let stay = self.records.iter().filter(|record| !goes(record));
        let kept: Vec<u64> = stay
            .map(|record| record.sequence)
            .filter(|sequence| *sequence < last.sequence)
            .collect();
        self.signed(last.sequence, last.mac, Some(month(before)), &kept)
    }

    fn signed(
        &self,
        sequence: u64,
        head: ChainMac,
        detached_before: Option<DateTime<Utc>>,
        kept: &[u64],
    ) -> Checkpoint {
        let statement = ChainStatement {
            sequence,
            head,
            detached_before,
            kept,
            made_at: month(9),
        };
        Checkpoint::sign(&self.sealer, &statement)
    }

    /// Walks the records that are left when those of `gone` are not there.
    fn walk(
        &self,
        checkpoints: &[Checkpoint],
        kept: Option<KeptHead>,
        gone: impl Fn(&Record) -> bool,
    ) -> ChainReport {
        let mut walk = Walk::new(&self.sealer, kept, checkpoints.to_vec());
        for record in self.records.iter().filter(|record| !gone(record)) {
            if !walk.step(record) {
                return walk.report;
            }
        }
        walk.finish(self.head());
        walk.report
    }

    fn without_month(&self, before: u32, checkpoints: &[Checkpoint]) -> ChainReport {
        self.walk(checkpoints, None, |r| r.started_at < month(before))
    }
}

// Case B6.
#[test]
fn a_detached_month_is_passed_with_its_checkpoint_and_missing_without() {
    let chain = Chain::of(&[0, 0, 1, 1, 2, 2]);
    let whole = chain.without_month(0, &[]);
    assert_eq!((whole.intact, whole.detached, whole.broken), (6, 0, None));
    let report = chain.without_month(1, &[chain.checkpoint(1)]);
    assert_eq!(
        (report.intact, report.detached, report.broken),
        (6, 2, None)
    );
    assert_eq!(report.head, whole.head);
    let missing = chain.without_month(1, &[]).broken;
    assert_eq!(missing, Some(ChainBreak::Missing(1)));
}

#[test]
fn a_checkpoint_vouches_for_its_months_alone() {
    let chain = Chain::of(&[0, 0, 1, 1, 2, 2]);
    let checkpoint = [chain.checkpoint(1)];
    let second = chain.without_month(2, &checkpoint).broken;
    assert_eq!(second, Some(ChainBreak::Missing(3)));
    let one = chain.walk(&checkpoint, None, |r| r.sequence == 5).broken;
    assert_eq!(one, Some(ChainBreak::Missing(5)));
    let newest = chain.walk(&checkpoint, None, |r| r.sequence == 6).broken;
    assert_eq!(newest, Some(ChainBreak::Missing(6)));
}

#[test]
fn months_whose_records_lie_among_each_other_are_told_apart() {
    let chain = Chain::of(&[0, 1, 2, 0, 1, 2]);
    let checkpoint = chain.checkpoint(1);
    assert_eq!((checkpoint.sequence, &*checkpoint.kept), (4, &[2, 3][..]));
    let report = chain.without_month(1, std::slice::from_ref(&checkpoint));
    assert_eq!(
        (report.intact, report.detached, report.broken),
        (6, 2, None)
    );
    let also = chain.walk(&[checkpoint], None, |r| {
        r.started_at < month(1) || r.sequence == 3
    });
    assert_eq!(also.broken, Some(ChainBreak::Missing(3)), "it was kept");
}

#[test]
fn month_after_month_can_go_and_all_of_them_at_last() {
    let chain = Chain::of(&[0, 1, 0, 1, 2, 1, 2]);
    let checkpoints = [
        chain.checkpoint(1),
        chain.checkpoint(2),
        chain.checkpoint(3),
    ];
    for before in 0..=3 {
        let known = &checkpoints[..before as usize];
        let report = chain.without_month(before, known);
        assert_eq!((report.intact, report.broken), (7, None), "{before}");
    }
    // What was signed before the months went does no harm while they are there.
    assert_eq!(chain.without_month(0, &checkpoints).broken, None);
}

#[test]
fn a_checkpoint_that_was_altered_or_signed_by_another_key_is_found() {
    let chain = Chain::of(&[0, 0, 1, 1]);
    let genuine = chain.checkpoint(1);
    let alter = |change: fn(&mut Checkpoint)| {
        let mut altered = genuine.clone();
        change(&mut altered);
        altered
    };
    let forged = [
        alter(|c| c.head.0[0] ^= 1),
        alter(|c| c.mac.0[31] ^= 1),
        alter(|c| c.kept.push(9)),
        alter(|c| c.detached_before = Some(month(5))),
        alter(|c| c.detached_before = None),
        alter(|c| c.made_at = month(5)),
        Chain::of(&[0, 0, 1, 1]).checkpoint(1),
    ];
    for checkpoint in forged {
        let broken = chain.without_month(1, std::slice::from_ref(&checkpoint));
        assert_eq!(
            broken.broken,
            Some(ChainBreak::Checkpoint(2)),
            "{checkpoint:?}"
        );
    }
    let moved = alter(|c| c.sequence = 3);
    let broken = chain.without_month(1, &[moved]).broken;
    assert_eq!(broken, Some(ChainBreak::Checkpoint(3)));
}

#[test]
fn a_checkpoint_of_the_end_proves_that_nothing_was_cut_off_or_grown_anew() {
    let mut chain = Chain::of(&[0, 0, 1]);
    let (sequence, head) = chain.head();
    let checkpoint = [chain.signed(sequence, head, None, &[])];
    assert_eq!(chain.without_month(0, &checkpoint).broken, None);
    let hole = chain.walk(&checkpoint, None, |r| r.sequence == 2).broken;
    assert_eq!(hole, Some(ChainBreak::Missing(2)), "it tells of no month");
    chain.records.pop();
    let cut = chain.without_month(0, &checkpoint).broken;
    assert_eq!(cut, Some(ChainBreak::Missing(3)));
    chain.append(1);
    let anew = chain.without_month(0, &checkpoint).broken;
    assert_eq!(anew, Some(ChainBreak::Altered(3)));
}

#[test]
fn a_kept_head_still_counts_behind_a_detached_month() {
    let chain = Chain::of(&[0, 0, 1, 1]);
    let checkpoint = [chain.checkpoint(1)];
    let walk = |intact: u64, head| {
        let kept = Some(KeptHead { intact, head });
        chain
            .walk(&checkpoint, kept, |r| r.started_at < month(1))
            .broken
    };
    assert_eq!(walk(2, chain.records[1].mac), None);
    assert_eq!(walk(3, chain.records[2].mac), None);
    assert_eq!(walk(2, ChainMac([1; 32])), Some(ChainBreak::Altered(2)));
    assert_eq!(walk(3, ChainMac([1; 32])), Some(ChainBreak::Altered(3)));
    assert_eq!(walk(5, ChainMac([1; 32])), Some(ChainBreak::Missing(5)));
}
