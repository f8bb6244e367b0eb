//! One conversation, as its vendors know it.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use parking_lot::Mutex;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::Notify;

use super::repertoire::CLAIMS;

/// What the model knows beside what it is sent, and what nobody in the conversation may learn.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// All choices follow from it.
    pub seed: u64,
    /// The caller's name and birth date, as the caller would say them.
    pub patient: (String, String),
    /// Other people whom the model makes up.
    pub strangers: Vec<(String, String)>,
    /// Confirmation codes and ids of bookings that it was told of or guesses; not all belong to the caller.
    pub bookings: Vec<String>,
    /// Slot ids of another clinic and of another call.
    pub foreign_slots: Vec<String>,
    /// Codes of the clinic's procedures.
    pub procedures: Vec<String>,
    /// Whether the caller wants an appointment: then an honest model books one.
    pub wants_booking: bool,
    /// Texts of other patients that must not come up: names, birth dates, numbers, codes, ids.
    pub marks: Vec<String>,
}

/// A text that the synthesiser was given.
#[derive(Clone, Debug)]
pub struct Said {
    /// When it came.
    pub at: SystemTime,
    /// As it was to be spoken.
    pub text: String,
}

/// See the module.
pub struct Line {
    /// Who is in it.
    pub role: Role,
    pub(super) temper: Temper,
    said: Mutex<Vec<Said>>,
    leaked: Mutex<Vec<String>>,
    heard: Mutex<VecDeque<String>>,
    news: Notify,
    requests: AtomicU64,
    claims: AtomicU64,
}

/// How the model of one conversation is.
#[derive(Clone, Debug)]
pub(super) struct Temper {
    /// Share of answers that mean harm.
    pub(super) hostility: f64,
    /// What it likes most: weights by [`super::improvise`]'s order.
    pub(super) taste: [f64; 10],
    /// Share of answers in a strange dialect.
    pub(super) dialect: f64,
    /// Share of requests that fail.
    pub(super) faults: f64,
    /// Whether it refuses a history that OpenAI refuses.
    pub(super) is_strict: bool,
}

impl Temper {
    fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut taste = [0.0; 10];
        for weight in &mut taste {
            *weight = rng.random_range(0.1..1.0_f64).powi(2);
        }
        Self {
            hostility: rng.random_range(0.25..0.9),
            taste,
            dialect: rng.random_range(0.0..0.8),
            faults: if rng.random_bool(0.5) {
                0.0
            } else {
                rng.random_range(0.02..0.25)
            },
            is_strict: rng.random_bool(0.5),
        }
    }
}

impl Line {
    pub(super) fn new(role: Role) -> Self {
        Self {
            temper: Temper::of(role.seed),
            role,
            said: Mutex::default(),
            leaked: Mutex::default(),
            heard: Mutex::default(),
            news: Notify::new(),
            requests: AtomicU64::new(0),
            claims: AtomicU64::new(0),
        }
    }

    /// The caller says it, and the recogniser understands.
    pub fn hear(&self, text: &str) {
        self.heard.lock().push_back(text.to_owned());
        self.news.notify_one();
    }

    /// What the agent has said so far.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        self.said.lock().clone()
    }

    /// Marks that the model was sent.
    #[must_use]
    pub fn leaked(&self) -> Vec<String> {
        self.leaked.lock().clone()
    }

    /// Requests to the model.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers of the model that claimed something, true or not.
    #[must_use]
    pub fn claims(&self) -> u64 {
        self.claims.load(Ordering::Relaxed)
    }

    pub(super) fn wrote(&self, text: &str) {
        if CLAIMS.iter().any(|(claim, _)| text.contains(claim)) {
            self.claims.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for the caller's next words. Cancel-safe.
    pub(super) async fn words(&self) -> String {
        loop {
            if let Some(text) = self.heard.lock().pop_front() {
                return text;
            }
            self.news.notified().await;
        }
    }

    pub(super) fn spoken(&self, text: &str) {
        let said = Said {
            at: SystemTime::now(),
            text: text.to_owned(),
        };
        self.said.lock().push(said);
    }

    /// Looks at what the model is sent, and returns the randomness of its answer.
    pub(super) fn asked(&self, body: &str) -> StdRng {
        let found = self.role.marks.iter().filter(|mark| body.contains(*mark));
        let mut leaked = self.leaked.lock();
        for mark in found {
            if !leaked.contains(mark) {
                leaked.push(mark.clone());
            }
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        StdRng::seed_from_u64(self.role.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number)
    }
}
