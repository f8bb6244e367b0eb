//! Who owns a dialled number: Postgres knows, a cache in memory answers while it is away.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::{
    domain::e164::E164,
    storage::postgres::{Clinic, Db, StorageError},
};

/// Clinics by number. An entry is asked for again after [`FRESH`]; if Postgres does not answer, the old one holds.
pub struct Directory {
    db: Db,
    /// Held for a map access, never over an await.
    cache: Mutex<Cache<Clinic>>,
}

/// Age at which an entry is asked for again: a change of a clinic's settings is seen after this.
const FRESH: Duration = Duration::from_secs(60);
/// While one request asks again, and after it failed, others use the old entry for this long.
const RETRY: Duration = Duration::from_secs(5);
/// Numbers kept.
const CAPACITY: usize = 10_000;

impl Directory {
    /// A directory over Postgres, empty.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            cache: Mutex::new(Cache::new(CAPACITY)),
        }
    }

    /// Who owns the number; `None` if nobody. Asks Postgres at most until `patience`.
    ///
    /// # Errors
    /// [`StorageError`] if Postgres does not answer and the number was never seen.
    pub async fn find(
        &self,
        number: &E164,
        patience: Instant,
    ) -> Result<Option<Clinic>, StorageError> {
        let cached = match self.cache.lock().look_up(number, Instant::now()) {
            Cached::Fresh(clinic) => return Ok(Some(clinic)),
            Cached::Stale(clinic) => Some(clinic),
            Cached::Absent => None,
        };
        let found = timeout_at(patience, self.ask(number))
            .await
            .unwrap_or(Err(StorageError::Deadline));
        match found {
            Ok(Some(clinic)) => {
                self.cache
                    .lock()
                    .insert(number.clone(), clinic.clone(), Instant::now());
                Ok(Some(clinic))
            }
            Ok(None) => {
                self.cache.lock().remove(number);
                Ok(None)
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    cached = cached.is_some(),
                    "number not looked up"
                );
                cached.map(Some).ok_or(error)
            }
        }
    }

    /// Whether Postgres answers.
    ///
    /// # Errors
    /// [`StorageError`] if it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.db.ping().await
    }

    async fn ask(&self, number: &E164) -> Result<Option<Clinic>, StorageError> {
        match self.db.resolve_number(number).await? {
            Some(tenant) => self.db.clinic(tenant).await,
            None => Ok(None),
        }
    }
}

/// Entries by number, with time as an input.
struct Cache<T> {
    entries: HashMap<E164, Entry<T>>,
    capacity: usize,
}

struct Entry<T> {
    value: T,
    fresh_until: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Cached<T> {
    Fresh(T),
    /// To be asked for again, by whom this is told.
    Stale(T),
    Absent,
}

impl<T: Clone> Cache<T> {
    fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            capacity,
        }
    }

    fn look_up(&mut self, number: &E164, now: Instant) -> Cached<T> {
        match self.entries.get_mut(number) {
            None => Cached::Absent,
            Some(entry) if now < entry.fresh_until => Cached::Fresh(entry.value.clone()),
            Some(entry) => {
                entry.fresh_until = now + RETRY;
                Cached::Stale(entry.value.clone())
            }
        }
    }

    fn insert(&mut self, number: E164, value: T, now: Instant) {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&number) {
            self.drop_oldest();
        }
        self.entries.insert(
            number,
            Entry {
                value,
                fresh_until: now + FRESH,
            },
        );
    }

    fn remove(&mut self, number: &E164) {
        self.entries.remove(number);
    }

    fn drop_oldest(&mut self) {
        let oldest = self
            .entries
            .iter()
            .min_by_key(|(_, entry)| entry.fresh_until);
        if let Some(number) = oldest.map(|(number, _)| number.clone()) {
            self.entries.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(last: u32) -> E164 {
        format!("+1555010{last:04}").parse().expect("number")
    }

    #[test]
    fn one_request_asks_again_while_the_others_use_the_old_entry() {
        let (mut cache, start) = (Cache::new(10), Instant::now());
        assert_eq!(cache.look_up(&number(1), start), Cached::Absent);
        cache.insert(number(1), "old", start);
        assert_eq!(
            cache.look_up(&number(1), start + FRESH - RETRY),
            Cached::Fresh("old")
        );
        let later = start + FRESH;
        assert_eq!(cache.look_up(&number(1), later), Cached::Stale("old"));
        assert_eq!(cache.look_up(&number(1), later), Cached::Fresh("old"));
        assert_eq!(
            cache.look_up(&number(1), later + RETRY),
            Cached::Stale("old"),
            "the request failed: the next one tries"
        );
        cache.insert(number(1), "new", later + RETRY);
        assert_eq!(
            cache.look_up(&number(1), later + RETRY),
            Cached::Fresh("new")
        );
        cache.remove(&number(1));
        assert_eq!(cache.look_up(&number(1), later), Cached::Absent);
    }

    #[test]
    fn a_full_cache_drops_its_oldest_entry() {
        let (mut cache, start) = (Cache::new(2), Instant::now());
        for (last, age) in [(1, 1), (2, 0), (3, 2)] {
            cache.insert(number(last), last, start + Duration::from_secs(age));
        }
        assert_eq!(cache.look_up(&number(2), start), Cached::Absent);
        assert_eq!(cache.look_up(&number(1), start), Cached::Fresh(1));
        assert_eq!(cache.look_up(&number(3), start), Cached::Fresh(3));
    }
}
