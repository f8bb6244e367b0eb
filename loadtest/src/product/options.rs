//! What a product on this machine is made of.

use std::{net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};

use super::command;
use crate::stack::{Lifetime, workspace_root};

/// Which processes run, and on what.
#[derive(Clone, Debug)]
pub struct ProductOptions {
    /// The folder under `target/stack`.
    pub name: String,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// The executable `neurality`.
    pub program: PathBuf,
    /// Where the paid services are.
    pub vendors: Vendors,
    /// Gateways; with more than one, calls and webhooks come through a front door.
    pub gateways: usize,
    /// Workers that are started with it.
    pub workers: usize,
    /// Redis as a Cluster of three primaries with a replica each.
    pub redis_cluster: bool,
    /// Clinics, as files that `neurality tenant apply` reads.
    pub tenants: Vec<PathBuf>,
    /// Settings of the product that are not the default, as its configuration file has them.
    pub settings: Value,
}

/// Where the paid services are.
#[derive(Clone, Debug)]
pub enum Vendors {
    /// Simulators as a process of their own.
    Process {
        /// The executable `loadtest`.
        program: PathBuf,
        /// A file of `loadtest/config`.
        config: String,
    },
    /// Simulators that somebody runs already.
    Running {
        /// Deepgram.
        deepgram: SocketAddr,
        /// OpenAI.
        openai: SocketAddr,
    },
}

impl ProductOptions {
    /// One gateway and one worker on a single Redis, with both seeded clinics.
    #[must_use]
    pub fn new(name: &str, lifetime: Lifetime, program: PathBuf, vendors: Vendors) -> Self {
        let tenant = |file: &str| workspace_root().join("loadtest/tenants").join(file);
        Self {
            name: name.to_owned(),
            lifetime,
            program,
            vendors,
            gateways: 1,
            workers: 1,
            redis_cluster: false,
            tenants: vec![
                tenant("maple-dental.yaml"),
                tenant("harbor-family-clinic.yaml"),
            ],
            settings: json!({}),
        }
    }

    /// The same of what stands beside this executable; `simulators` is a file of `loadtest/config`.
    ///
    /// # Errors
    /// The product was not built.
    pub fn of_this_build(name: &str, lifetime: Lifetime, simulators: &str) -> anyhow::Result<Self> {
        let vendors = Vendors::Process {
            program: command::sibling("loadtest")?,
            config: simulators.to_owned(),
        };
        Ok(Self::new(
            name,
            lifetime,
            command::sibling("neurality")?,
            vendors,
        ))
    }
}
