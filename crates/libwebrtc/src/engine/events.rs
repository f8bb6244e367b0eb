//! What str0m reports, and what is shown of it.

use std::time::Instant;

use str0m::{Event, IceConnectionState as RtcIce};

use super::Engine;
use crate::data_channel::{DataChannelState, Message};
use crate::peer_connection::{IceConnectionState, PeerConnectionState};

impl Engine {
    pub(super) fn on_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected => self.link.dtls_connected(now),
            Event::IceConnectionStateChange(state) => self.on_ice(state, now),
            Event::Closed => self.link.peer_closed(now),
            Event::RtpPacket(packet) => self.media.received(&packet, now),
            Event::ChannelOpen(id, label) => self.on_channel_open(id, &label),
            Event::ChannelData(data) => {
                if let Some(channel) = self.channels.find(data.id) {
                    channel.deliver(Message {
                        data: data.data,
                        binary: data.binary,
                    });
                }
            }
            Event::ChannelClose(id) => {
                if let Some(channel) = self.channels.forget(id) {
                    channel.advance(DataChannelState::Closed);
                }
            }
            Event::PeerStats(stats) => self.measured.note_peer(&stats),
            Event::MediaEgressStats(stats) => self.media.note_loss(&stats),
            _ => {}
        }
    }

    fn on_channel_open(&mut self, id: str0m::channel::ChannelId, label: &str) {
        let (channel, new) =
            self.channels
                .opened(&mut self.rtc, id, label, self.peer.wake_handle());
        if new {
            // First the listener, so that it hears the state change and the first message.
            let handle = crate::data_channel::DataChannel {
                inner: channel.clone(),
            };
            self.peer.callbacks.data_channel.call(|f| f(handle));
        }
        channel.advance(DataChannelState::Open);
    }

    fn on_ice(&mut self, state: RtcIce, now: Instant) {
        let connected = state.is_connected();
        self.link.ice(connected, now);
        if connected {
            self.candidates.dial_at = None;
            self.net.drop_tcp_dials();
        }
        let shown = match state {
            RtcIce::New => IceConnectionState::New,
            RtcIce::Checking => IceConnectionState::Checking,
            RtcIce::Connected => IceConnectionState::Connected,
            RtcIce::Completed => IceConnectionState::Completed,
            // Before there was any path this only means "no pair yet".
            RtcIce::Disconnected if self.link.state() == PeerConnectionState::Connecting => {
                IceConnectionState::Checking
            }
            RtcIce::Disconnected => IceConnectionState::Disconnected,
        };
        self.show_ice(shown);
    }

    fn show_ice(&self, state: IceConnectionState) {
        if self.peer.states.set_ice(state) {
            self.peer.callbacks.ice.call(|f| f(state));
        }
    }

    /// Tells the listeners if the state as a whole has changed, and acts on a lost path.
    pub(super) fn show_state(&mut self, now: Instant) {
        let state = self.link.state();
        if !self.peer.states.set_connection(state) {
            return;
        }
        tracing::debug!(?state, "connection state");
        match state {
            PeerConnectionState::Disconnected => {
                self.show_ice(IceConnectionState::Disconnected);
                self.recheck_candidates();
                self.dial_soon(now);
            }
            PeerConnectionState::Failed => self.show_ice(IceConnectionState::Failed),
            _ => {}
        }
        self.peer.callbacks.connection.call(|f| f(state));
    }
}
