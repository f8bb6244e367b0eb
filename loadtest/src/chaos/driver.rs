//! Does the faults to the processes, one after the other, while calls are in conversation.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{callers::Callers, fault::Fault};
use crate::{
    product::{AnyRedis, Process, Product},
    stack::{Service, Signal},
};

/// Until enough calls are in conversation.
const TALK_DEADLINE: Duration = Duration::from_secs(90);
/// Until every process is ready again.
const READY_DEADLINE: Duration = Duration::from_secs(40);
/// A worker that is told to go may take so long.
const DRAIN_DEADLINE: Duration = Duration::from_secs(240);
/// Between two looks.
const POLL: Duration = Duration::from_millis(100);
/// Every key of the clinic lies on the node of this one.
pub(super) const TENANT: &str = "0193a000-0000-7000-8000-000000000001";

/// A fault that was done.
#[derive(Clone, Debug, Serialize)]
pub struct Struck {
    /// What.
    pub fault: Fault,
    /// To which process.
    pub victim: String,
    /// When it began.
    pub from: DateTime<Utc>,
    /// When whatever was taken away was back.
    pub until: DateTime<Utc>,
    /// When the next fault might begin.
    pub settled: DateTime<Utc>,
    /// Calls in conversation when it began.
    pub talking: Vec<usize>,
    /// Calls on the worker that it happened to.
    pub on_victim: Option<u32>,
    /// How long a worker that was told to go took, s.
    pub exit_s: Option<f64>,
    /// What did not go as it should.
    pub trouble: Option<String>,
}

/// Does faults.
pub struct Driver<'a> {
    product: &'a mut Product,
    callers: &'a Callers,
    random: StdRng,
    /// At least so many calls are in conversation when a fault begins.
    least_talking: usize,
    /// Between the end of a fault and the next.
    settle: Duration,
}

/// What a fault did.
#[derive(Default)]
struct Deed {
    victim: String,
    on_victim: Option<u32>,
    exit_s: Option<f64>,
    trouble: Option<String>,
}

impl<'a> Driver<'a> {
    /// A driver whose choices follow from `seed`.
    pub fn new(
        product: &'a mut Product,
        callers: &'a Callers,
        seed: u64,
        least_talking: usize,
        settle: Duration,
    ) -> Self {
        Self {
            product,
            callers,
            random: StdRng::seed_from_u64(seed),
            least_talking,
            settle,
        }
    }

    /// Does the faults in order.
    ///
    /// # Errors
    /// As [`Self::strike`].
    pub async fn strike_all(&mut self, faults: &[Fault]) -> anyhow::Result<Vec<Struck>> {
        let (begun, mut struck) = (Instant::now(), Vec::new());
        for (number, fault) in (1..).zip(faults) {
            let (at, of) = (begun.elapsed().as_secs(), faults.len());
            eprintln!("{at:4} s  {number} of {of}: {}", fault.as_str());
            let done = self.strike(*fault).await;
            struck.push(done.with_context(|| format!("fault {number}"))?);
        }
        Ok(struck)
    }

    /// Once `calls` are in conversation, tells every worker to go and starts it again, one after the other.
    ///
    /// # Errors
    /// As [`Self::strike`].
    pub async fn restart_all_workers(&mut self, calls: usize) -> anyhow::Result<Vec<Struck>> {
        self.least_talking = calls.saturating_sub(1).max(1);
        self.until_there_is_something_to_break(Fault::DrainWorker)
            .await?;
        let mut struck = Vec::new();
        for victim in 0..self.product.workers.len() {
            eprintln!("restarting {}", self.product.workers[victim].name);
            struck.push(self.strike_at(Fault::DrainWorker, victim).await?);
        }
        Ok(struck)
    }

    /// Waits for calls, does the fault, waits until all is back.
    ///
    /// # Errors
    /// No conversation came up, or a process did not come back.
    pub async fn strike(&mut self, fault: Fault) -> anyhow::Result<Struck> {
        let victim = self.until_there_is_something_to_break(fault).await?;
        self.strike_at(fault, victim).await
    }

    /// Does the fault at once, to this worker if it is one of a worker, and waits until all is back.
    ///
    /// # Errors
    /// A process did not come back.
    pub async fn strike_at(&mut self, fault: Fault, victim: usize) -> anyhow::Result<Struck> {
        let (talking, from) = (self.callers.talking(), Utc::now());
        let deed = match fault {
            Fault::KillWorker => kill(&self.product.workers[victim]),
            Fault::DrainWorker => drain(&self.product.workers[victim]).await,
            Fault::FreezeWorker => freeze_worker(&self.product.workers[victim], fault).await,
            Fault::RestartGateway => self.restart_gateway(),
            Fault::FreezeRedis => freeze_redis(&self.product.redis, fault).await,
            Fault::RestartLivekit => restart(self.product.livekit.server(), "livekit"),
            Fault::LosePrimary => lose_primary(&self.product.redis, fault).await,
        };
        let deed = deed.with_context(|| format!("{fault:?}"))?;
        self.until_all_are_ready().await?;
        let until = Utc::now();
        sleep(self.settle).await;
        Ok(Struck {
            fault,
            victim: deed.victim,
            from,
            until,
            settled: Utc::now(),
            talking,
            on_victim: deed.on_victim,
            exit_s: deed.exit_s,
            trouble: deed.trouble,
        })
    }

    /// The worker with most calls.
    async fn until_there_is_something_to_break(&self, fault: Fault) -> anyhow::Result<usize> {
        let give_up = Instant::now() + TALK_DEADLINE;
        loop {
            let busiest = block_in_place(|| busiest(&self.product.workers));
            let talks = self.callers.talking().len() >= self.least_talking;
            match busiest {
                Some((victim, used)) if talks && (used > 0 || !fault.strikes_a_worker()) => {
                    return Ok(victim);
                }
                _ if Instant::now() >= give_up => {
                    bail!("no {} calls in conversation", self.least_talking)
                }
                _ => sleep(POLL).await,
            }
        }
    }

    async fn until_all_are_ready(&self) -> anyhow::Result<()> {
        let give_up = Instant::now() + READY_DEADLINE;
        let all = || self.product.workers.iter().chain(&self.product.gateways);
        loop {
            let late = block_in_place(|| all().find(|process| !process.is_ready()));
            match late {
                None => return Ok(()),
                Some(process) if Instant::now() >= give_up => {
                    bail!("{} is not ready again", process.name)
                }
                Some(_) => sleep(POLL).await,
            }
        }
    }

    fn restart_gateway(&mut self) -> anyhow::Result<Deed> {
        let number = self.random.random_range(0..self.product.gateways.len());
        let gateway = &self.product.gateways[number];
        if self.random.random_bool(0.5) {
            return restart(&gateway.service, &gateway.name);
        }
        block_in_place(|| {
            gateway.service.stop()?;
            gateway.service.start_again()
        })?;
        Ok(Deed {
            victim: format!("{} (asked to go)", gateway.name),
            ..Deed::default()
        })
    }
}

/// Number and calls of the worker that has most.
fn busiest(workers: &[Process]) -> Option<(usize, u32)> {
    let used = workers.iter().map(Process::calls).enumerate();
    used.filter_map(|(number, used)| Some((number, used?)))
        .max_by_key(|(_, used)| *used)
}

fn kill(worker: &Process) -> anyhow::Result<Deed> {
    block_in_place(|| {
        let on_victim = worker.calls();
        worker.service.kill()?;
        worker.service.start_again()?;
        Ok(Deed {
            victim: worker.name.clone(),
            on_victim,
            ..Deed::default()
        })
    })
}

async fn drain(worker: &Process) -> anyhow::Result<Deed> {
    let on_victim = block_in_place(|| worker.calls());
    let (exit_s, trouble) = send_away(worker).await?;
    block_in_place(|| worker.service.start_again())?;
    Ok(Deed {
        victim: worker.name.clone(),
        on_victim,
        exit_s: Some(exit_s),
        trouble,
    })
}

/// SIGTERM, and how long it took until the process ended by itself; with a word if it did not end well.
pub(super) async fn send_away(worker: &Process) -> anyhow::Result<(f64, Option<String>)> {
    let told = Instant::now();
    worker.service.signal(Signal::Terminate)?;
    let mut ended = None;
    while ended.is_none() && told.elapsed() < DRAIN_DEADLINE {
        sleep(POLL).await;
        ended = block_in_place(|| worker.service.wait(Duration::ZERO))?;
    }
    let took = told.elapsed().as_secs_f64();
    let trouble = match ended {
        Some(status) if status.success() => None,
        Some(status) => Some(format!("{} ended with {status}", worker.name)),
        None => {
            block_in_place(|| worker.service.kill())?;
            Some(format!("{} did not end by itself", worker.name))
        }
    };
    Ok((took, trouble))
}

async fn freeze_worker(worker: &Process, fault: Fault) -> anyhow::Result<Deed> {
    let on_victim = block_in_place(|| worker.calls());
    freeze(&worker.service, fault.length()).await?;
    Ok(Deed {
        victim: worker.name.clone(),
        on_victim,
        ..Deed::default()
    })
}

async fn freeze_redis(redis: &AnyRedis, fault: Fault) -> anyhow::Result<Deed> {
    let server = match redis {
        AnyRedis::Single(redis) => redis.server(),
        AnyRedis::Cluster(cluster) => {
            block_in_place(|| cluster.primary_of(&tenant_key()))?.server()
        }
    };
    freeze(server, fault.length()).await?;
    Ok(Deed {
        victim: "redis".to_owned(),
        ..Deed::default()
    })
}

async fn lose_primary(redis: &AnyRedis, fault: Fault) -> anyhow::Result<Deed> {
    let AnyRedis::Cluster(cluster) = redis else {
        bail!("a single Redis has no primary to lose");
    };
    let primary = block_in_place(|| cluster.primary_of(&tenant_key()))?;
    block_in_place(|| primary.server().kill())?;
    sleep(fault.length()).await;
    let heir = block_in_place(|| cluster.primary_of(&tenant_key()));
    let trouble = heir
        .err()
        .map(|error| format!("no replica took over: {error}"));
    block_in_place(|| primary.server().start_again())?;
    Ok(Deed {
        victim: format!("redis at {}", primary.address()),
        trouble,
        ..Deed::default()
    })
}

/// A key of the clinic that is called.
fn tenant_key() -> String {
    format!("tenant:{{{TENANT}}}:queue")
}

async fn freeze(service: &Service, length: Duration) -> anyhow::Result<()> {
    block_in_place(|| service.freeze())?;
    sleep(length).await;
    Ok(block_in_place(|| service.thaw())?)
}

fn restart(service: &Service, name: &str) -> anyhow::Result<Deed> {
    block_in_place(|| service.restart())?;
    Ok(Deed {
        victim: name.to_owned(),
        ..Deed::default()
    })
}
