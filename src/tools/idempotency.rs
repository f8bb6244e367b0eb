//! Names of mutations.
//!
//! A mutation is named by tenant, call, tool, what it is about, and how many mutations this call has committed to that slot or booking before. So the same request
//! twice at once is one mutation, and book, cancel, book again are three. The count is read from Postgres: a worker that takes the call over counts the same.

use std::future::Future;

use super::{ToolSet, catalogue::Tool};
use crate::storage::postgres::{Mutation, StorageError};

/// Attempts under one key when transactions collide.
const ATTEMPTS: u32 = 3;

impl ToolSet {
    /// Names a mutation. The parts are normalised arguments: ids, not the model's wording.
    pub(super) fn mutation(&self, tool: Tool, about: &[&[u8]], committed: u64) -> Mutation {
        let call = self.call.as_uuid();
        let committed = committed.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![call.as_bytes(), tool.name().as_bytes(), &committed];
        parts.extend_from_slice(about);
        Mutation {
            key: self.clinic.sealer.idempotency_key(&parts),
            call: self.call,
        }
    }
}

/// Runs a mutation again, under its key, when it lost against a concurrent one.
pub(super) async fn settle<T, F>(mut run: impl FnMut() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    let mut attempt = 1;
    loop {
        match run().await {
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}
