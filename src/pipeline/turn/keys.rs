//! Keys: a number is typed until a pause or the hash key.

use super::{Phase, TurnMachine};
use crate::domain::call_time::CallTime;

/// Keys in one turn.
pub(super) const MOST_KEYS: usize = 32;

impl TurnMachine {
    pub(super) fn key(&mut self, now: CallTime, key: char) {
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        let (mut keys, last) = self.keys.take().unwrap_or_default();
        if key != '#' && keys.len() >= MOST_KEYS {
            // Nobody types a number as long as that: what comes now neither counts nor holds up the turn.
            self.keys = Some((keys, last));
        } else if key != '#' {
            keys.push(key);
            self.keys = Some((keys, now));
        } else if !keys.is_empty() {
            self.typed(now, &keys);
        }
    }

    pub(super) fn typed(&mut self, now: CallTime, keys: &str) {
        if self.agent.is_busy() {
            self.interrupt(now);
        }
        self.drop_speculation();
        let spaced: Vec<String> = keys.chars().map(String::from).collect();
        self.caller.typed(
            now,
            &format!("I pressed {} on my keypad.", spaced.join(" ")),
        );
    }
}
