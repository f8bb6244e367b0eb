//! A sound that the network plays to the caller in place of ours: the ring tone, while it connects them with a person. What is said under it is not heard, so nothing is: the agent's words
//! are brought to their end first, and later ones wait.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// What the network wants of the conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing: our sound is heard.
    #[default]
    None,
    /// Silence, after what is being said.
    AfterTheWords,
    /// Silence.
    Now,
}

/// Shared by the conversation and whoever has the network play something. A cheap clone.
#[derive(Clone, Debug, Default)]
pub struct Cover(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wish: watch::Sender<Wish>,
    is_silent: watch::Sender<bool>,
}

/// While it lives, the agent is silent and nothing that it has to say is lost.
#[derive(Debug)]
#[must_use = "dropped, it lets the agent speak"]
pub struct Covered {
    cover: Cover,
    is_for_good: bool,
}

impl Cover {
    /// Waits until the agent's words have been heard to their end, at most so long, and keeps it silent then.
    pub async fn begin(&self, patience: Duration) -> Covered {
        let covered = Covered {
            cover: self.clone(),
            is_for_good: false,
        };
        let mut is_silent = self.0.is_silent.subscribe();
        for (wish, patience) in [(Wish::AfterTheWords, patience), (Wish::Now, AT_ONCE)] {
            self.0.wish.send_replace(wish);
            let began = Instant::now();
            if timeout(patience, is_silent.wait_for(|is| *is))
                .await
                .is_ok()
            {
                break;
            }
            tracing::debug!(?wish, waited = ?began.elapsed(), "the agent still speaks");
        }
        covered
    }

    pub(super) fn wish(&self) -> Wish {
        *self.0.wish.borrow()
    }

    pub(super) fn wishes(&self) -> watch::Receiver<Wish> {
        self.0.wish.subscribe()
    }

    pub(super) fn is_silent(&self, yes: bool) {
        self.0.is_silent.send_replace(yes);
    }
}

/// For a conversation that is told to be silent; one that has ended does not answer.
const AT_ONCE: Duration = Duration::from_millis(200);

impl Covered {
    /// The caller is with somebody else, and will not hear the agent again.
    pub fn for_good(mut self) {
        self.is_for_good = true;
    }
}

impl Drop for Covered {
    fn drop(&mut self) {
        if !self.is_for_good {
            self.cover.0.wish.send_replace(Wish::None);
        }
    }
}
