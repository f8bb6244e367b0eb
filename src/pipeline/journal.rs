//! Write-through of the conversation: what the agent says next may rest on it, so it waits for the write; but not for long.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{call_time::CallTime, phi::Phi},
    providers::BoxFuture,
    telemetry::{labels::SessionWrite, metrics::Metrics},
};

/// Why a save failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// The store is away: the call goes on from memory.
    #[error("the session store is away")]
    Unavailable,
    /// A newer epoch owns the call: this one must fall silent.
    #[error("a newer epoch owns the call")]
    Fenced,
}

/// Seals and stores the encoded session; must have a deadline of its own.
pub type SaveSession =
    Arc<dyn Fn(Phi<Vec<u8>>) -> BoxFuture<'static, Result<(), SaveError>> + Send + Sync>;

/// Writes one snapshot at a time; while one is being written only the newest of the others is kept.
pub(super) struct Journal {
    save: SaveSession,
    budget: Duration,
    writing: Option<Writing>,
    next: Option<Phi<Vec<u8>>>,
    unreplicated: bool,
    metrics: Arc<Metrics>,
}

struct Writing {
    done: BoxFuture<'static, Result<(), SaveError>>,
    /// Until then the agent waits for it.
    due: CallTime,
    late: bool,
}

impl Journal {
    pub(super) fn new(save: SaveSession, budget: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            save,
            budget,
            writing: None,
            next: None,
            unreplicated: false,
            metrics,
        }
    }

    pub(super) fn write(&mut self, now: CallTime, session: Phi<Vec<u8>>) {
        if self.writing.is_some() {
            self.next = Some(session);
        } else {
            self.begin(now, session);
        }
    }

    fn begin(&mut self, now: CallTime, session: Phi<Vec<u8>>) {
        let late = self.unreplicated;
        self.writing = Some(Writing {
            done: (self.save)(session),
            due: now + self.budget,
            late,
        });
    }

    /// Whether the agent may speak: nothing is being written, or it took too long.
    pub(super) fn is_open(&self) -> bool {
        self.writing.as_ref().is_none_or(|w| w.late)
    }

    /// When the wait is over.
    pub(super) fn deadline(&self) -> Option<CallTime> {
        self.writing.as_ref().filter(|w| !w.late).map(|w| w.due)
    }

    /// Gives up the wait if it is over.
    pub(super) fn tick(&mut self, now: CallTime) {
        if let Some(writing) = self.writing.as_mut().filter(|w| !w.late && w.due <= now) {
            writing.late = true;
            self.lost();
        }
    }

    /// The running write's end; never, if there is none. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<(), SaveError> {
        match &mut self.writing {
            Some(writing) => {
                let result = (&mut writing.done).await;
                self.writing = None;
                result
            }
            None => std::future::pending().await,
        }
    }

    /// Books a write's end. Returns whether a newer epoch owns the call.
    pub(super) fn ended(&mut self, now: CallTime, result: Result<(), SaveError>) -> bool {
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.unreplicated) {
                    self.metrics.pool().unreplicated(false);
                }
                self.metrics.session_write(SessionWrite::Replicated);
            }
            Err(SaveError::Unavailable) => self.lost(),
            Err(SaveError::Fenced) => self.metrics.session_write(SessionWrite::Fenced),
        }
        if let Some(next) = self.next.take() {
            self.begin(now, next);
        }
        result == Err(SaveError::Fenced)
    }

    fn lost(&mut self) {
        if !std::mem::replace(&mut self.unreplicated, true) {
            tracing::warn!("the call is not replicated");
            self.metrics.pool().unreplicated(true);
        }
        self.metrics.session_write(SessionWrite::Unreplicated);
    }

    pub(super) fn is_unreplicated(&self) -> bool {
        self.unreplicated
    }

    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_none()
    }
}

impl Drop for Journal {
    /// The gauge counts live calls.
    fn drop(&mut self) {
        if self.unreplicated {
            self.metrics.pool().unreplicated(false);
        }
    }
}
