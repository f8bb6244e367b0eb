//! Statements about a run that must hold, and whether they do.

use serde::Serialize;

/// A statement that must hold.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The statement.
    pub what: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was found.
    pub found: String,
}

impl Check {
    /// A statement, whether it holds, and what was found.
    pub fn new(what: impl Into<String>, holds: bool, found: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            holds,
            found: found.into(),
        }
    }

    /// That there is nothing of which there must be nothing; shows the first few otherwise.
    pub fn none<T: std::fmt::Display>(
        what: impl Into<String>,
        found: impl IntoIterator<Item = T>,
    ) -> Self {
        const SHOWN: usize = 5;
        let found: Vec<String> = found.into_iter().map(|item| item.to_string()).collect();
        let text = match found.len() {
            0 => "none".to_owned(),
            count => format!("{count}: {}", found[..count.min(SHOWN)].join("; ")),
        };
        Self::new(what, found.is_empty(), text)
    }
}

/// All of them.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Verdict {
    /// In the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Whether every statement holds.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    /// Prints a line for each.
    pub fn print(&self) {
        println!();
        for check in &self.checks {
            println!(
                "{}  {} ({})",
                if check.holds { "ok    " } else { "FAILED" },
                check.what,
                check.found
            );
        }
    }
}
