//! What the tasks of one call on this pod know of its place among the call's agents.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::tenure::Tenure;
use crate::{
    domain::ids::{CallId, Epoch},
    pipeline::session::CallEvent,
};

/// Shared by the heartbeat, the voice and the hand-over; a cheap clone. The lock is held for a comparison, never over an await.
#[derive(Clone, Debug)]
pub(super) struct Standing(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    birth: Instant,
    call: CallId,
    epoch: Epoch,
    tenure: Mutex<Tenure>,
    /// The heir that said it is ready.
    ready: watch::Sender<Option<Epoch>>,
    /// The heir that was asked for last.
    heir: Mutex<Option<Epoch>>,
    /// The pod before us said that the call is ours.
    floor: Notify,
    /// Why the call does not go on here, should it be over before anybody answered.
    called_off: watch::Sender<Option<CallEvent>>,
    owes_active: AtomicBool,
}

/// What agents of one call tell each other in its room. Hints only: Redis decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// An heir is warm and listens.
    Ready(Epoch),
    /// The call has passed to this heir.
    Yours(Epoch),
}

impl Word {
    pub(super) fn to_text(self) -> String {
        match self {
            Self::Ready(epoch) => format!("ready {epoch}"),
            Self::Yours(epoch) => format!("yours {epoch}"),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (word, epoch) = text.split_once(' ')?;
        let epoch = Epoch(epoch.parse().ok()?);
        match word {
            "ready" => Some(Self::Ready(epoch)),
            "yours" => Some(Self::Yours(epoch)),
            _ => None,
        }
    }
}

/// The identity an agent joins under: new with each epoch, so that an older agent's exit cannot end the newer one's job.
pub(super) fn agent_identity(call: CallId, epoch: Epoch) -> String {
    format!("agent-{call}-{epoch}")
}

/// The epoch in the identity of one of this call's agents.
fn epoch_of(identity: &str, call: CallId) -> Option<Epoch> {
    let epoch = identity.strip_prefix(&format!("agent-{call}-"))?;
    epoch.parse().ok().map(Epoch)
}

impl Standing {
    pub(super) fn new(call: CallId, epoch: Epoch, mute_after: Duration) -> Self {
        Self(Arc::new(Shared {
            birth: Instant::now(),
            call,
            epoch,
            tenure: Mutex::new(Tenure::new(mute_after)),
            ready: watch::Sender::new(None),
            heir: Mutex::new(None),
            floor: Notify::new(),
            called_off: watch::Sender::new(None),
            owes_active: AtomicBool::new(false),
        }))
    }

    /// Redis does not know yet that the caller is on the line.
    pub(super) fn owe_active(&self, owes: bool) {
        self.0.owes_active.store(owes, Ordering::Relaxed);
    }

    pub(super) fn owes_active(&self) -> bool {
        self.0.owes_active.load(Ordering::Relaxed)
    }

    /// The time that [`Standing::confirm`] takes.
    pub(super) fn now(&self) -> Duration {
        self.0.birth.elapsed()
    }

    pub(super) fn confirm(&self, sent: Duration) {
        self.0.tenure.lock().confirm(sent);
    }

    pub(super) fn may_speak(&self) -> bool {
        self.0.tenure.lock().may_speak(self.now())
    }

    /// Silent from here on.
    pub(super) fn end(&self) {
        self.0.tenure.lock().end();
    }

    /// Whether these identities in the room say that the call is still this pod's.
    pub(super) fn is_vouched_for(&self, identities: &[String]) -> bool {
        let own = agent_identity(self.0.call, self.0.epoch);
        identities.contains(&own) && !identities.iter().any(|other| self.is_successor(other))
    }

    /// A newer agent of this call that is no heir we asked for. One that we no longer wait for may still come, and only listens: whoever takes the call from us
    /// has an epoch above all heirs.
    pub(super) fn is_successor(&self, identity: &str) -> bool {
        let heirs = (*self.0.heir.lock()).unwrap_or(self.0.epoch);
        epoch_of(identity, self.0.call).is_some_and(|epoch| epoch > heirs.max(self.0.epoch))
    }

    /// An older agent of this call.
    pub(super) fn is_predecessor(&self, identity: &str) -> bool {
        epoch_of(identity, self.0.call).is_some_and(|epoch| epoch < self.0.epoch)
    }

    /// Whom we asked for last.
    pub(super) fn expect_heir(&self, heir: Epoch) {
        *self.0.heir.lock() = Some(heir);
    }

    /// Somebody in the room said something to the call's agents.
    pub(super) fn hear(&self, from: &str, word: Word) {
        match word {
            Word::Ready(epoch) if epoch_of(from, self.0.call) == Some(epoch) => {
                self.0.ready.send_replace(Some(epoch));
            }
            Word::Yours(epoch) if epoch == self.0.epoch => self.0.floor.notify_one(),
            _ => {}
        }
    }

    /// Waits until this heir has said that it is ready.
    pub(super) async fn heir_is_ready(&self, heir: Epoch) {
        let mut ready = self.0.ready.subscribe();
        // The sender lives as long as `self`.
        let waited = ready.wait_for(|epoch| *epoch == Some(heir)).await;
        debug_assert!(waited.is_ok());
    }

    /// The call does not go on here, whatever is still being made ready for it. The first reason stays.
    pub(super) fn call_off(&self, why: CallEvent) {
        self.0.called_off.send_if_modified(|known| {
            let is_news = known.is_none();
            known.get_or_insert(why);
            is_news
        });
    }

    /// Waits until the call does not go on here.
    pub(super) async fn called_off(&self) -> CallEvent {
        let mut news = self.0.called_off.subscribe();
        match news.wait_for(Option::is_some).await.map(|why| *why) {
            Ok(Some(why)) => why,
            // The sender lives as long as `self`.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Waits for a word that the call is ours.
    pub(super) async fn floor(&self) {
        self.0.floor.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_their_own_parser_and_others_are_not_heard() {
        for word in [Word::Ready(Epoch(3)), Word::Yours(Epoch(4))] {
            assert_eq!(Word::parse(&word.to_text()), Some(word));
        }
        for text in ["", "ready", "ready x", "mine 3"] {
            assert_eq!(Word::parse(text), None);
        }
    }

    #[tokio::test]
    async fn whoever_gets_a_call_ready_learns_why_it_is_off_also_if_that_was_before() {
        let standing = Standing::new(CallId::generate(), Epoch(1), Duration::from_secs(2));
        let other = standing.clone();
        let (why, ()) = tokio::join!(standing.called_off(), async move {
            other.call_off(CallEvent::CallerLeft);
            other.call_off(CallEvent::RoomLost);
        });
        assert_eq!(why, CallEvent::CallerLeft, "the first reason");
        assert_eq!(standing.called_off().await, CallEvent::CallerLeft);
    }

    #[test]
    fn the_room_vouches_for_the_newest_agent_in_it() {
        let call = CallId::generate();
        let own = Standing::new(call, Epoch(2), Duration::from_secs(2));
        let agent = |epoch| agent_identity(call, Epoch(epoch));
        let stranger = agent_identity(CallId::generate(), Epoch(9));
        assert!(own.is_vouched_for(&["sip_1".into(), agent(2), agent(1), stranger]));
        assert!(
            !own.is_vouched_for(&["sip_1".into(), agent(1)]),
            "we are out of the room"
        );
        assert!(
            !own.is_vouched_for(&[agent(2), agent(3)]),
            "a newer one is there"
        );
        own.expect_heir(Epoch(3));
        assert!(
            own.is_vouched_for(&[agent(2), agent(3)]),
            "our heir only listens"
        );
        own.expect_heir(Epoch(4));
        assert!(
            own.is_vouched_for(&[agent(2), agent(3)]),
            "so does an earlier one that was slow"
        );
        assert!(!own.is_vouched_for(&[agent(2), agent(5)]));
    }
}
