//! What the calls of a run left behind in Redis, Postgres and LiveKit.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use livekit_api::services::room::RoomClient;
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::driver::TENANT;
use crate::product::Product;

/// After the last call: orphans are given up, artifacts written or adopted, rooms closed.
const SETTLE_DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);
/// By so much a word's times differ here and there: the way to the agent, and the recogniser's idea of a word.
const CLOCKS: Duration = Duration::from_millis(1_000);

/// What is left when all calls are over.
#[derive(Debug)]
pub struct Ledger {
    /// Calls that were ever admitted, as far as Redis remembers.
    pub admitted: BTreeSet<String>,
    /// Calls by the number of their artifacts.
    pub artifacts: BTreeMap<String, usize>,
    /// Calls by the number of their live bookings.
    pub bookings: BTreeMap<String, usize>,
    /// The artifacts' documents, of the calls that were asked for.
    pub documents: BTreeMap<String, Value>,
    /// What Redis still holds of live calls, in words; empty if nothing.
    pub leaks: Vec<String>,
    /// LiveKit's rooms that are still open.
    pub rooms: Vec<String>,
    /// What `audit verify` said.
    pub chain: Result<(), String>,
}

impl Ledger {
    /// Waits until nothing of the calls is in the way of an end, at most two minutes, and reads everything.
    ///
    /// # Errors
    /// A store does not answer.
    pub async fn read(product: &Product) -> anyhow::Result<Self> {
        let give_up = Instant::now() + SETTLE_DEADLINE;
        let (leaks, rooms) = loop {
            let leaks = block_in_place(|| leaks(product))?;
            let rooms = open_rooms(product).await?;
            if (leaks.is_empty() && rooms.is_empty()) || Instant::now() >= give_up {
                break (leaks, rooms);
            }
            sleep(POLL).await;
        };
        block_in_place(|| Self::of_stores(product, leaks, rooms))
    }

    fn of_stores(
        product: &Product,
        leaks: Vec<String>,
        rooms: Vec<String>,
    ) -> anyhow::Result<Self> {
        let artifacts =
            counted(&product.sql("SELECT call_id, count(*) FROM call_artifacts GROUP BY 1")?)?;
        let bookings = counted(
            &product
                .sql("SELECT call_id, count(*) FROM bookings WHERE status = 'booked' GROUP BY 1")?,
        )?;
        let mut documents = BTreeMap::new();
        for call in artifacts.keys() {
            let arguments = ["audit", "export", "--call", call, "--actor", "chaos"];
            let text = product.neurality(&arguments)?;
            let document = serde_json::from_str(&text).context("read an artifact")?;
            documents.insert(call.clone(), document);
        }
        let chain = product.neurality(&["audit", "verify", "--tenant", TENANT]);
        Ok(Self {
            admitted: admitted(product)?,
            artifacts,
            bookings,
            documents,
            leaks,
            rooms,
            chain: chain.map(drop).map_err(|error| format!("{error:#}")),
        })
    }

    /// Whether the call has a live booking.
    #[must_use]
    pub fn is_booked(&self, call: &str) -> bool {
        self.bookings.contains_key(call)
    }

    /// Whether the call's own trace says that it booked.
    #[must_use]
    pub fn traces_a_booking(&self, call: &str) -> bool {
        let tools = self.documents.get(call).map(|document| &document["tools"]);
        let mut tools = tools.and_then(Value::as_array).into_iter().flatten();
        let booked = |tool: &Value| {
            tool["name"] == "book_appointment" && tool["outputs"]["status"] == "booked"
        };
        tools.any(booked)
    }

    /// Whether the agent told the patient that they are booked.
    #[must_use]
    pub fn promises_a_booking(&self, call: &str) -> bool {
        let mut said = self
            .lines_of("agent", call)
            .filter_map(|line| line["text"].as_str());
        said.any(|text| text.contains("You are booked"))
    }

    /// What the caller said at that time, by the transcript.
    #[must_use]
    pub fn heard(&self, call: &str, when: &Range<DateTime<Utc>>) -> String {
        let zero = self
            .documents
            .get(call)
            .map(|document| &document["clock_started_at"]);
        let zero = zero.and_then(|zero| DateTime::<Utc>::deserialize(zero).ok());
        let Some(zero) = zero else {
            return String::new();
        };
        let at = |line: &Value, key: &str| {
            zero + Duration::from_millis(line[key].as_u64().unwrap_or_default())
        };
        let (from, to) = (when.start - CLOCKS, when.end + CLOCKS);
        let lines = self.lines_of("caller", call);
        let then = lines.filter(|line| at(line, "start_ms") < to && from < at(line, "end_ms"));
        let texts: Vec<&str> = then.filter_map(|line| line["text"].as_str()).collect();
        texts.join(" ")
    }

    fn lines_of(&self, speaker: &'static str, call: &str) -> impl Iterator<Item = &Value> {
        let lines = self.documents.get(call);
        let lines = lines.and_then(|document| document["transcript"].as_array());
        lines
            .into_iter()
            .flatten()
            .filter(move |line| line["speaker"] == speaker)
    }
}

/// Sets and hashes of the tenant that are empty when no call is alive and every artifact is in Postgres.
fn leaks(product: &Product) -> anyhow::Result<Vec<String>> {
    let now = chrono::Utc::now().timestamp_millis();
    let key = |name: &str| format!("tenant:{{{TENANT}}}:{name}");
    let asked = [
        (
            "slots held",
            "slots",
            format!("ZCOUNT {} ({now} +inf", key("slots")),
        ),
        ("calls queued", "queue", format!("ZCARD {}", key("queue"))),
        ("orphans", "orphans", format!("ZCARD {}", key("orphans"))),
        ("heirs wanted", "heirs", format!("ZCARD {}", key("heirs"))),
        ("leases", "leases", format!("HLEN {}", key("leases"))),
        (
            "calls without an artifact",
            "unwritten",
            format!("ZCARD {}", key("unwritten")),
        ),
        (
            "artifacts outside Postgres",
            "artifacts",
            format!("HLEN {}", key("artifacts")),
        ),
    ];
    let mut leaks = Vec::new();
    for (what, name, command) in asked {
        let count = product.redis.about(&key(name), &command)?;
        if count.trim() != "0" {
            leaks.push(format!("{} {what}", count.trim()));
        }
    }
    for worker in &product.workers {
        match worker.calls() {
            Some(0) => {}
            used => leaks.push(format!("{}: {used:?} slots used", worker.name)),
        }
    }
    Ok(leaks)
}

pub(super) fn admitted(product: &Product) -> anyhow::Result<BTreeSet<String>> {
    let prefix = format!("tenant:{{{TENANT}}}:call:");
    // A run has some hundred keys on a Redis of its own.
    let keys = product.redis.about(
        &format!("tenant:{{{TENANT}}}:queue"),
        &format!("KEYS {prefix}*"),
    )?;
    let ids = keys
        .lines()
        .filter_map(|key| key.trim().strip_prefix(&prefix));
    Ok(ids.map(str::to_owned).collect())
}

async fn open_rooms(product: &Product) -> anyhow::Result<Vec<String>> {
    let livekit = &product.livekit;
    let client =
        RoomClient::with_api_key(&livekit.http_url(), livekit.api_key(), livekit.api_secret());
    let rooms = client
        .list_rooms(Vec::new())
        .await
        .context("list the rooms")?;
    Ok(rooms.into_iter().map(|room| room.name).collect())
}

/// `key|count` per line.
fn counted(rows: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let row = |line: &str| {
        let (key, count) = line.split_once('|').context("a row of two columns")?;
        Ok((key.to_owned(), count.trim().parse()?))
    };
    rows.lines()
        .filter(|line| !line.is_empty())
        .map(row)
        .collect()
}
