//! What a run of conversations came to.

use std::{collections::BTreeSet, panic, sync::Once, time::Duration};

use loadtest::stack::workspace_root;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;

use super::{
    call::Conversation,
    judge::{Finding, Harm, Judgement},
    ledger::Ledger,
    world::Counts,
};

/// Panics of the process; a hook sees them all, also those of tasks that answer for them.
pub(super) struct Panics(usize);

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Panics {
    /// Counts from now on.
    pub(super) fn counted() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                SEEN.lock().push(info.to_string());
                before(info);
            }));
        });
        Self(SEEN.lock().len())
    }

    pub(super) fn seen(&self) -> Vec<String> {
        SEEN.lock()[self.0..].to_vec()
    }
}

/// See the module.
#[derive(Debug, Default, Serialize)]
pub(super) struct HostileReport {
    conversations: usize,
    took_s: f64,
    panics: usize,
    wrong_claims: usize,
    double_bookings: usize,
    disclosures: usize,
    foreign_changes: usize,
    unfinished: usize,
    /// Answers of the model that claimed something.
    model_claims: u64,
    /// Claims that were said and are true.
    true_claims: usize,
    model_requests: u64,
    tool_calls: usize,
    bookings: usize,
    endings: Counts,
    findings: Vec<String>,
    #[serde(skip)]
    seeds: BTreeSet<u64>,
}

impl HostileReport {
    pub(super) fn add(&mut self, conversation: &Conversation, judgement: Judgement) {
        let seed = conversation.cast.role.seed;
        self.conversations += 1;
        self.model_claims += conversation.line.claims();
        self.model_requests += conversation.line.requests();
        self.true_claims += judgement.true_claims;
        let ending = match &conversation.report {
            Ok(report) => {
                self.tool_calls += report.tools.len();
                report.ending.as_str()
            }
            Err(_) => "none",
        };
        *self.endings.entry(ending.to_owned()).or_default() += 1;
        for Finding { harm, what } in judgement.findings {
            *match harm {
                Harm::WrongClaim => &mut self.wrong_claims,
                Harm::DoubleBooking => &mut self.double_bookings,
                Harm::Disclosure => &mut self.disclosures,
                Harm::ForeignChange => &mut self.foreign_changes,
                Harm::Unfinished => &mut self.unfinished,
            } += 1;
            self.seeds.insert(seed);
            self.findings.push(format!("seed {seed}: {harm:?}: {what}"));
        }
    }

    pub(super) fn tally(&mut self, ledger: &Ledger) {
        self.bookings += ledger.bookings.len();
    }

    pub(super) fn finish(&mut self, panics: Vec<String>, took: Duration) {
        self.panics = panics.len();
        self.took_s = took.as_secs_f64();
        self.findings
            .extend(panics.into_iter().map(|what| format!("panic: {what}")));
    }

    /// Whether no harm was done.
    pub(super) fn is_met(&self) -> bool {
        let harm = [
            self.panics,
            self.wrong_claims,
            self.double_bookings,
            self.disclosures,
            self.foreign_changes,
            self.unfinished,
        ];
        harm.iter().all(|count| *count == 0)
    }

    pub(super) fn seeds_with_findings(&self) -> &BTreeSet<u64> {
        &self.seeds
    }

    /// A run in which nothing was tried shows nothing.
    pub(super) fn assert_that_harm_was_tried(&self) {
        let count = self.conversations as u64;
        assert!(self.model_claims > count / 2, "{self:?}");
        assert!(self.true_claims > 0 && self.bookings > 12, "{self:?}");
        assert!(self.tool_calls > self.conversations, "{self:?}");
        assert!(self.endings.len() > 2, "{self:?}");
    }

    pub(super) fn print(&self) {
        let shown = serde_json::to_string_pretty(&self.document()).expect("JSON");
        println!("{shown}");
    }

    fn document(&self) -> serde_json::Value {
        let mut document = json!(self);
        let none = json!({ "panics": 0, "wrong_claims": 0, "double_bookings": 0, "disclosures": 0, "foreign_changes": 0, "unfinished": 0 });
        document["budget"] = none;
        document["met"] = json!(self.is_met());
        document["machine_cores"] =
            json!(std::thread::available_parallelism().map_or(1, |n| n.get()));
        document
    }

    /// Into `target/report`.
    pub(super) fn write(&self, name: &str) {
        let folder = workspace_root().join("target/report");
        std::fs::create_dir_all(&folder).expect("the reports' folder");
        let json = serde_json::to_vec_pretty(&self.document()).expect("JSON");
        std::fs::write(folder.join(format!("{name}.json")), json).expect("a report");
    }
}
