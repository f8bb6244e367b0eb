//! Data channels: the user's objects and str0m's numbers.

use std::sync::Arc;

use str0m::Rtc;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use tokio::sync::Notify;

use crate::data_channel::{Channel, DataChannelInit, DataChannelState};

/// All channels of a connection.
#[derive(Default)]
pub(super) struct Channels {
    /// Made by the user; to be opened once SCTP runs. One that is closed before never existed for the peer.
    waiting: Vec<Arc<Channel>>,
    known: Vec<Known>,
    running: bool,
}

struct Known {
    id: ChannelId,
    channel: Arc<Channel>,
    closing: bool,
}

impl Channels {
    /// Takes over channels that the user made.
    pub(super) fn adopt(&mut self, new: Vec<Arc<Channel>>) {
        self.waiting.extend(new);
    }

    /// SCTP is set up: channels can be opened.
    pub(super) fn start(&mut self) {
        self.running = true;
    }

    pub(super) fn open_waiting(&mut self, rtc: &mut Rtc) {
        if !self.running {
            return;
        }
        for channel in std::mem::take(&mut self.waiting) {
            if channel.state() != DataChannelState::Connecting {
                channel.advance(DataChannelState::Closed);
                continue;
            }
            let negotiated = config(&channel).negotiated;
            let taken = |stream: u16| {
                rtc.direct_api()
                    .channel_id_by_sctp_stream_id(stream)
                    .is_some()
            };
            if negotiated.is_some_and(taken) {
                tracing::warn!(
                    label = channel.label(),
                    "the id of a negotiated channel is in use"
                );
                channel.advance(DataChannelState::Closed);
                continue;
            }
            let id = rtc.direct_api().create_data_channel(config(&channel));
            self.known.push(Known {
                id,
                channel,
                closing: false,
            });
        }
    }

    /// Closes what the user closed.
    pub(super) fn close_requested(&mut self, rtc: &mut Rtc) {
        self.open_waiting(rtc);
        for known in &mut self.known {
            if known.channel.state() == DataChannelState::Closing && !known.closing {
                known.closing = true;
                rtc.direct_api().close_data_channel(known.id);
            }
        }
        self.waiting.retain(|channel| {
            let open = channel.state() == DataChannelState::Connecting;
            if !open {
                channel.advance(DataChannelState::Closed);
            }
            open
        });
    }

    pub(super) fn find(&self, id: ChannelId) -> Option<&Arc<Channel>> {
        self.known
            .iter()
            .find(|known| known.id == id)
            .map(|known| &known.channel)
    }

    pub(super) fn forget(&mut self, id: ChannelId) -> Option<Arc<Channel>> {
        let index = self.known.iter().position(|known| known.id == id)?;
        Some(self.known.swap_remove(index).channel)
    }

    /// The channel that is open now, and whether the peer made it.
    pub(super) fn opened(
        &mut self,
        rtc: &mut Rtc,
        id: ChannelId,
        label: &str,
        wake: Arc<Notify>,
    ) -> (Arc<Channel>, bool) {
        let stream = rtc.direct_api().sctp_stream_id_by_channel_id(id);
        let own = self.find(id).cloned();
        let new = own.is_none();
        let channel = own.unwrap_or_else(|| {
            let config = rtc
                .channel(id)
                .and_then(|channel| channel.config().cloned());
            let channel = Channel::new(label, init(config.unwrap_or_default()), wake);
            self.known.push(Known {
                id,
                channel: channel.clone(),
                closing: false,
            });
            channel
        });
        if let Some(stream) = stream {
            channel.set_id(stream);
        }
        (channel, new)
    }

    /// Moves queued messages into SCTP, as far as it takes them. Returns whether it took any.
    pub(super) fn pump(&mut self, rtc: &mut Rtc) -> bool {
        let mut sent = false;
        for known in &self.known {
            known.channel.drain(|message| {
                let Some(mut channel) = rtc.channel(known.id) else {
                    return false;
                };
                let taken = channel
                    .write(message.binary, &message.data)
                    .unwrap_or_else(|error| {
                        // Not to be kept: it would stop all that come after it.
                        tracing::warn!(%error, label = known.channel.label(), "message dropped");
                        true
                    });
                sent |= taken;
                taken
            });
        }
        sent
    }

    pub(super) fn all(&mut self, state: DataChannelState) {
        let known = self.known.drain(..).map(|known| known.channel);
        known
            .chain(self.waiting.drain(..))
            .for_each(|channel| channel.advance(state));
    }
}

fn config(channel: &Channel) -> ChannelConfig {
    let limit = |value: i32| u16::try_from(value).unwrap_or(u16::MAX);
    let init = &channel.init;
    let reliability = match (init.max_retransmits, init.max_retransmit_time) {
        (Some(retransmits), _) => Reliability::MaxRetransmits {
            retransmits: limit(retransmits),
        },
        (None, Some(lifetime)) => Reliability::MaxPacketLifetime {
            lifetime: limit(lifetime),
        },
        (None, None) => Reliability::Reliable,
    };
    ChannelConfig {
        label: channel.label().to_owned(),
        ordered: init.ordered,
        reliability,
        negotiated: init.negotiated.then(|| limit(init.id)),
        protocol: init.protocol.clone(),
    }
}

fn init(config: ChannelConfig) -> DataChannelInit {
    let (max_retransmits, max_retransmit_time) = match config.reliability {
        Reliability::Reliable => (None, None),
        Reliability::MaxRetransmits { retransmits } => (Some(i32::from(retransmits)), None),
        Reliability::MaxPacketLifetime { lifetime } => (None, Some(i32::from(lifetime))),
    };
    DataChannelInit {
        ordered: config.ordered,
        max_retransmit_time,
        max_retransmits,
        protocol: config.protocol,
        ..DataChannelInit::default()
    }
}
