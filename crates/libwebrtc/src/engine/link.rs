//! The state of the connection as a whole, from what ICE and DTLS say and from silence.
//!
//! str0m has no `Failed`, and its `Disconnected` comes late. Here silence decides, as in other engines: a peer that sends
//! nothing for 5 s (connectivity checks alone make it speak every 2 s) is `Disconnected`, after 15 s more `Failed`. An ICE
//! restart by itself changes nothing: media goes on over the old path, so the state does not move.

use std::time::{Duration, Instant};

use crate::peer_connection::PeerConnectionState as State;

const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
const FAILED_AFTER: Duration = Duration::from_secs(20);

/// A peer that has closed DTLS cannot come back on it; what it says over signalling gets this long to arrive first.
const FAILED_AFTER_CLOSE: Duration = Duration::from_secs(3);

/// How long a first connection, or one after a failure, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Judges the connection. Time is an input.
#[derive(Debug)]
pub(super) struct Link {
    state: State,
    ice: bool,
    dtls: bool,
    /// When this attempt to connect began.
    since: Instant,
    heard: Instant,
    closed_by_peer: Option<Instant>,
}

impl Link {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: State::New,
            ice: false,
            dtls: false,
            since: now,
            heard: now,
            closed_by_peer: None,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Whether there is, or was until a moment ago, a path.
    pub(super) fn has_path(&self) -> bool {
        self.ice
    }

    /// A negotiation completed. A failed connection gets another chance if the peer has new credentials.
    pub(super) fn negotiated(&mut self, restarted: bool, now: Instant) {
        let again = self.state == State::Failed && restarted;
        if self.state == State::New || again {
            self.state = State::Connecting;
            self.since = now;
        }
    }

    /// ICE has, or has lost, a valid pair.
    pub(super) fn ice(&mut self, connected: bool, now: Instant) {
        self.ice = connected;
        self.update(now);
    }

    pub(super) fn dtls_connected(&mut self, now: Instant) {
        self.dtls = true;
        self.heard = now;
        self.update(now);
    }

    /// Whether media keys exist.
    pub(super) fn can_send(&self) -> bool {
        self.dtls
    }

    /// The peer ended the DTLS connection.
    pub(super) fn peer_closed(&mut self, now: Instant) {
        (self.ice, self.dtls) = (false, false);
        self.closed_by_peer = Some(now);
        if self.state == State::Connected {
            self.state = State::Disconnected;
        }
    }

    /// The peer sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        if self.state != State::Connected {
            self.update(now);
        }
    }

    /// DTLS failed: nothing will come any more.
    pub(super) fn fail(&mut self) {
        if self.state != State::Closed {
            self.state = State::Failed;
        }
    }

    pub(super) fn update(&mut self, now: Instant) {
        let silence = now.saturating_duration_since(self.heard);
        let closed = |at: Instant| now.saturating_duration_since(at) >= FAILED_AFTER_CLOSE;
        let gone = silence >= FAILED_AFTER || self.closed_by_peer.is_some_and(closed);
        let up = self.ice && self.dtls && silence < DISCONNECTED_AFTER;
        self.state = match self.state {
            State::Connecting if up => State::Connected,
            State::Connecting if now.saturating_duration_since(self.since) >= CONNECT_TIMEOUT => {
                State::Failed
            }
            State::Connected if silence >= DISCONNECTED_AFTER => State::Disconnected,
            State::Disconnected if up => State::Connected,
            State::Disconnected if gone => State::Failed,
            unchanged => unchanged,
        };
    }

    /// When to call [`Self::update`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Connecting => Some(self.since + CONNECT_TIMEOUT),
            State::Connected => Some(self.heard + DISCONNECTED_AFTER),
            State::Disconnected => {
                let silent = self.heard + FAILED_AFTER;
                Some(
                    self.closed_by_peer
                        .map_or(silent, |at| silent.min(at + FAILED_AFTER_CLOSE)),
                )
            }
            State::New | State::Failed | State::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected() -> (Link, Instant) {
        let start = Instant::now();
        let mut link = Link::new(start);
        assert_eq!(link.state(), State::New);
        link.negotiated(false, start);
        assert_eq!(link.state(), State::Connecting);
        link.ice(true, start);
        assert_eq!(link.state(), State::Connecting, "DTLS is missing");
        link.dtls_connected(start);
        assert_eq!(link.state(), State::Connected);
        (link, start)
    }

    fn at(start: Instant, seconds: f32) -> Instant {
        start + Duration::from_secs_f32(seconds)
    }

    #[test]
    fn silence_disconnects_after_5_s_and_fails_after_20_s() {
        let (mut link, start) = connected();
        assert_eq!(link.deadline(), Some(at(start, 5.0)));
        link.update(at(start, 4.9));
        assert_eq!(link.state(), State::Connected);
        link.update(at(start, 5.0));
        assert_eq!(link.state(), State::Disconnected);
        assert_eq!(link.deadline(), Some(at(start, 20.0)));
        link.update(at(start, 20.0));
        assert_eq!(link.state(), State::Failed);
        assert_eq!(link.deadline(), None);
    }

    #[test]
    fn a_word_from_the_peer_reconnects() {
        let (mut link, start) = connected();
        link.update(at(start, 6.0));
        link.heard(at(start, 7.0));
        assert_eq!(link.state(), State::Connected);
        link.update(at(start, 11.9));
        assert_eq!(link.state(), State::Connected);
    }

    #[test]
    fn an_ice_restart_does_not_disconnect() {
        let (mut link, start) = connected();
        link.negotiated(true, at(start, 1.0));
        link.ice(false, at(start, 1.0));
        link.heard(at(start, 1.5));
        assert_eq!(link.state(), State::Connected);
        link.ice(true, at(start, 1.6));
        assert_eq!(link.state(), State::Connected);
    }

    #[test]
    fn a_failed_link_connects_again_only_after_a_restart() {
        let (mut link, start) = connected();
        link.update(at(start, 6.0));
        link.update(at(start, 30.0));
        link.heard(at(start, 31.0));
        assert_eq!(link.state(), State::Failed);
        link.negotiated(false, at(start, 32.0));
        assert_eq!(link.state(), State::Failed);
        link.negotiated(true, at(start, 33.0));
        assert_eq!(link.state(), State::Connecting);
        link.heard(at(start, 33.1));
        assert_eq!(link.state(), State::Connected);
    }

    #[test]
    fn a_peer_that_hangs_up_fails_the_link_soon() {
        let (mut link, start) = connected();
        link.peer_closed(at(start, 1.0));
        assert_eq!(link.state(), State::Disconnected);
        assert!(!link.can_send());
        assert_eq!(link.deadline(), Some(at(start, 4.0)));
        link.update(at(start, 4.0));
        assert_eq!(link.state(), State::Failed);
    }

    #[test]
    fn a_peer_that_never_answers_fails() {
        let start = Instant::now();
        let mut link = Link::new(start);
        link.negotiated(false, start);
        link.update(at(start, 29.0));
        assert_eq!(link.state(), State::Connecting);
        link.update(at(start, 30.0));
        assert_eq!(link.state(), State::Failed);
    }
}
