//! Walks through the model's world, at random and on a real Redis: each operation that the model's workers and gateways run is run by the store as well, and the product's
//! [`LeaseWatch`] lets the same leases lapse as the model's gateways.

use std::{collections::HashSet, time::Duration};

use neurality::dispatch::leases::{Asked, LeaseWatch};
use pool_model::{
    moves::Ran,
    record::{GONE, Op, Record},
    rules::{Bounds, GATEWAYS, Rules, WORKERS},
    steps::{Step, steps},
    world::{Role, Watch, World},
};
use rand::{Rng, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{
    ONE_CALL,
    shadow::{Shadow, lease},
};
use crate::redis::{Rig, on_both};

on_both! {
    walks_through_the_world_run_alike_on_redis,
}

const WALKS: u64 = 60;
const STEPS: usize = 120;

/// A tick of the model.
const PERIOD: Duration = Duration::from_secs(2);

const BOUNDS: Bounds = Bounds {
    calls: 2,
    crashes: 3,
    partitions: 3,
    ..ONE_CALL
};

async fn walks_through_the_world_run_alike_on_redis(rig: Rig) {
    let mut ran = 0;
    for seed in 0..WALKS {
        ran += Walk::new(&rig, seed).go().await;
    }
    println!("seeds 0 to {WALKS}: {ran} operations");
    assert!(ran > 1000, "{ran} operations");
}

struct Walk<'a> {
    seed: u64,
    rng: StdRng,
    world: World,
    shadow: Shadow<'a>,
    watches: [LeaseWatch; GATEWAYS],
    ticks: u32,
    /// Jobs that each worker has had, and those that nobody answers for any more.
    jobs: [u32; WORKERS],
    gone: u32,
    way: Vec<Step>,
}

impl<'a> Walk<'a> {
    fn new(rig: &'a Rig, seed: u64) -> Self {
        Self {
            seed,
            rng: StdRng::seed_from_u64(seed),
            world: World::new(&BOUNDS),
            shadow: Shadow::new(rig, usize::from(BOUNDS.calls)),
            watches: std::array::from_fn(|_| LeaseWatch::new(PERIOD)),
            ticks: 0,
            jobs: [0; WORKERS],
            gone: 0,
            way: Vec::new(),
        }
    }

    async fn go(mut self) -> usize {
        let mut ran = 0;
        for call in 0..self.shadow.calls.len() {
            self.shadow.run(call, Op::Admit, "").await;
        }
        let mut possible = Vec::new();
        for _ in 0..STEPS {
            if self.rng.random_bool(0.1) {
                ran += self.look_around().await;
            }
            steps(&self.world, &BOUNDS, &Rules::ALL, &mut possible);
            possible.retain(|step| !self.is_dull(step));
            let Some(step) = possible.choose(&mut self.rng).copied() else {
                break;
            };
            ran += self.step(step).await;
        }
        let what = self.to_string();
        let calls: &[Record] = &self.world.calls;
        self.shadow.compare(calls, &what).await;
        ran
    }

    /// Ends come soon enough.
    fn is_dull(&mut self, step: &Step) -> bool {
        let ends = match step {
            Step::Release(_) | Step::GiveUp(_) => true,
            Step::Send { op, .. } => matches!(op, Op::SetNext { .. } | Op::Surrender { .. }),
            _ => false,
        };
        ends && self.rng.random_bool(0.9)
    }

    /// What the keeper also does, and what changes nothing of who owns a call.
    async fn look_around(&mut self) -> usize {
        let call = self.rng.random_range(0..self.shadow.calls.len());
        for op in [Op::Offer, Op::Lend] {
            let answer = self.world.calls[call].run(&Rules::ALL, op);
            let ran = Ran { call, op, answer };
            self.replay(ran).await;
        }
        2
    }

    async fn step(&mut self, step: Step) -> usize {
        self.way.push(step);
        match step {
            Step::Tick => self.ticks += 1,
            Step::Restart(gateway) => self.watches[gateway] = LeaseWatch::new(PERIOD),
            Step::Look(gateway) => self.look(gateway).await,
            _ => {}
        }
        let ran = self.world.go(&Rules::ALL, step);
        if let Some(ran) = ran {
            self.replay(ran).await;
        }
        for (worker, job) in self.world.workers.iter().zip(&mut self.jobs) {
            *job += u32::from(matches!(worker.role, Role::Free | Role::Dead));
        }
        usize::from(ran.is_some())
    }

    /// The product's watch and the model's agree on which leases may lapse.
    async fn look(&mut self, gateway: usize) {
        let survey = self.shadow.survey().await;
        let now = PERIOD * self.ticks;
        let asked = Asked {
            at: now,
            answered: now,
        };
        let lapsed = self.watches[gateway].observe(asked, self.shadow.tenant, &survey.leases);
        let lapsed: HashSet<_> = lapsed.into_iter().collect();
        let ripe = |call: usize| match self.world.watch[gateway][call] {
            Watch::Seen(seen, true) if self.world.calls[call].lease == Some(seen) => Some(seen),
            _ => None,
        };
        let calls = self.shadow.calls.iter().enumerate();
        let expected = calls.filter_map(|(at, call)| Some((call.call, lease(ripe(at)?))));
        assert_eq!(lapsed, expected.collect(), "{self}");
    }

    async fn replay(&mut self, ran: Ran) {
        let job = match ran.op {
            Op::Claim { claimant: GONE, .. } => {
                self.gone += 1;
                format!("gone {}", self.gone)
            }
            Op::Claim { claimant, .. } => {
                let worker = usize::from(claimant) - 1;
                format!("AJ_{worker}_{}", self.jobs[worker])
            }
            _ => String::new(),
        };
        let answer = self.shadow.run(ran.call, ran.op, &job).await;
        assert_eq!(answer, ran.answer, "{ran:?} {self}");
    }
}

impl std::fmt::Display for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "in the walk of seed {}: {:#?}", self.seed, self.way)
    }
}
