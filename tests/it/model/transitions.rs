//! Every transition of a call's record in the model, on a real Redis: the same answer, the same record, the same indexes.

use std::collections::{HashMap, VecDeque};

use futures_util::{StreamExt as _, stream};
use pool_model::{
    record::{Answer, Lease, Op, Record},
    rules::Rules,
};

use super::shadow::Shadow;
use crate::redis::{Rig, on_both};

on_both! {
    each_transition_of_a_record_is_the_scripts,
}

/// Records at a time, each with a tenant of its own.
const AT_A_TIME: usize = 8;

async fn each_transition_of_a_record_is_the_scripts(rig: Rig) {
    let records = records();
    let tasks = records
        .iter()
        .map(|(record, way)| transitions_of(&rig, *record, way));
    let transitions: Vec<usize> = stream::iter(tasks)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    let transitions: usize = transitions.iter().sum();
    println!("{} records, {transitions} transitions", records.len());
    assert!(records.len() > 40, "{} records", records.len());
}

/// All operations on one record; those that change nothing first, since after another one the record is built anew.
async fn transitions_of(rig: &Rig, record: Record, way: &[Op]) -> usize {
    let ops = ops(&record);
    let (changing, idle): (Vec<Op>, Vec<Op>) = ops
        .iter()
        .partition(|op| changed(&record, **op).0 != record);
    let shadow = built(rig, way).await;
    for op in idle {
        let (_, answer) = changed(&record, op);
        assert_eq!(run(&shadow, op).await, answer, "{op:?} after {way:?}");
    }
    shadow.compare(&[record], &format!("{way:?}")).await;
    for op in changing {
        let (next, answer) = changed(&record, op);
        let shadow = built(rig, way).await;
        assert_eq!(run(&shadow, op).await, answer, "{op:?} after {way:?}");
        shadow
            .compare(&[next], &format!("{op:?} after {way:?}"))
            .await;
    }
    ops.len()
}

async fn built<'a>(rig: &'a Rig, way: &[Op]) -> Shadow<'a> {
    let shadow = Shadow::new(rig, 1);
    for op in way {
        run(&shadow, *op).await;
    }
    shadow
}

async fn run(shadow: &Shadow<'_>, op: Op) -> Answer {
    let job = match op {
        Op::Claim { claimant, .. } => format!("AJ_{claimant}"),
        _ => String::new(),
    };
    shadow.run(0, op, &job).await
}

fn changed(record: &Record, op: Op) -> (Record, Answer) {
    let mut next = *record;
    let answer = next.run(&Rules::ALL, op);
    (next, answer)
}

/// Everything that anybody might ask of this record: owners, heirs, earlier and later ones.
fn ops(record: &Record) -> Vec<Op> {
    let owner = record.epoch;
    let heir = if record.heir == 0 {
        owner + 1
    } else {
        record.heir
    };
    let mut ops = vec![Op::Admit, Op::Offer, Op::Lend, Op::GiveUp, Op::Release];
    for epoch in [owner.saturating_sub(1), owner, heir] {
        ops.extend([1, 2].map(|claimant| Op::Claim { epoch, claimant }));
        ops.extend([heir, heir + 1].map(|heir| Op::Yield { epoch, heir }));
        ops.extend([
            Op::Raise { epoch },
            Op::Surrender { epoch },
            Op::HandOver { epoch },
            Op::Activate { epoch },
            Op::End { epoch },
            Op::SetNext { epoch },
        ]);
    }
    let seen = record.lease.unwrap_or_default();
    let raised = Lease {
        counter: seen.counter + 1,
        ..seen
    };
    let stale = Lease {
        epoch: seen.epoch.saturating_sub(1),
        ..seen
    };
    ops.extend([seen, raised, stale].map(|seen| Op::Lapse { seen }));
    ops
}

/// All records but for the size of their numbers, and the shortest way to each.
fn records() -> Vec<(Record, Vec<Op>)> {
    let mut known = HashMap::from([(Record::default(), ())]);
    let mut open = VecDeque::from([(Record::default(), Vec::new())]);
    let mut all = Vec::new();
    while let Some((record, way)) = open.pop_front() {
        for op in ops(&record) {
            // What Redis loses comes back by other ways.
            let (next, _) = changed(&record, op);
            if known.insert(shape(next), ()).is_none() {
                let way = [way.clone(), vec![op]].concat();
                open.push_back((next, way));
            }
        }
        all.push((record, way));
    }
    all
}

/// Two records of one shape differ in nothing that a script asks for.
fn shape(mut record: Record) -> Record {
    let rank = |epoch: u8| match epoch {
        0 => 0,
        _ if epoch < record.epoch => 1,
        _ if epoch == record.epoch => 2,
        _ if epoch == record.heir => 3,
        _ => 4,
    };
    record.lease = record.lease.map(|lease| Lease {
        epoch: rank(lease.epoch),
        counter: lease.counter.min(1),
    });
    (record.heir, record.epoch) = (rank(record.heir), rank(record.epoch));
    record.offers = record.offers.min(1);
    record
}
