//! What a transceiver, its sender and its receiver share.

use std::sync::Weak;

use parking_lot::{Mutex, MutexGuard};
use rand::RngCore;

use crate::RtcError;
use crate::media_stream::MediaStream;
use crate::media_stream_track::MediaStreamTrack;
use crate::peer::Peer;
use crate::rtp_parameters::{
    RtcpParameters, RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtensionParameters,
    RtpParameters,
};
use crate::rtp_transceiver::{RtpTransceiverDirection, RtpTransceiverInit};
use crate::sdp::Kind;
use crate::sdp::write::{self, numbers};
use crate::stats::RtcStats;

/// The connection that can be asked for statistics. Weak: a sender does not keep a connection alive.
pub(crate) type StatsSource = Weak<Peer>;

/// One transceiver. The handles in the public API are references to it.
pub(crate) struct TransceiverCore {
    pub(crate) kind: Kind,
    cname: String,
    peer: StatsSource,
    state: Mutex<TransceiverState>,
}

pub(crate) struct TransceiverState {
    pub(crate) mid: Option<String>,
    pub(crate) direction: RtpTransceiverDirection,
    pub(crate) current_direction: Option<RtpTransceiverDirection>,
    pub(crate) sender: SenderState,
    pub(crate) receiver: ReceiverState,
}

pub(crate) struct SenderState {
    pub(crate) track: Option<MediaStreamTrack>,
    pub(crate) stream_ids: Vec<String>,
    pub(crate) ssrc: u32,
    /// Where the numbering of packets stands. It belongs to the source: a peer takes a jump for an error, also after
    /// the sender was stopped and started again.
    pub(crate) numbering: Numbering,
    pub(crate) encodings: Vec<RtpEncodingParameters>,
    /// Must not send, for example because encryption was asked for.
    pub(crate) blocked: bool,
}

/// How packets are numbered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbering {
    /// Extended sequence number of the next packet.
    pub(crate) sequence: u64,
    /// RTP time at the beginning of the connection, in units of 1/48000 s.
    pub(crate) time_base: u32,
}

impl Numbering {
    /// RFC 3550: both start at random; the sequence leaves room before its first wrap.
    fn random() -> Self {
        let sequence = u64::from(rand::random::<u16>() >> 1);
        let time_base = rand::random();
        Self {
            sequence,
            time_base,
        }
    }
}

#[derive(Default)]
pub(crate) struct ReceiverState {
    /// What the peer sends, or sent last.
    pub(crate) track: Option<MediaStreamTrack>,
    pub(crate) streams: Vec<MediaStream>,
    /// Whether the peer sends now.
    pub(crate) live: bool,
}

impl ReceiverState {
    /// Whether this is what is being received already.
    pub(super) fn is(&self, track: &str, stream: &str) -> bool {
        let own = self
            .streams
            .first()
            .map(MediaStream::id)
            .unwrap_or_default();
        self.live && own == stream && self.track.as_ref().is_some_and(|own| own.id() == track)
    }

    /// The peer sends no more: listeners are told, the track object stays for those who hold it.
    pub(super) fn stop(&mut self) {
        match &self.track {
            Some(MediaStreamTrack::Audio(track)) => track.end(),
            Some(MediaStreamTrack::Video(track)) => track.end(),
            None => {}
        }
        self.streams.clear();
        self.live = false;
    }
}

impl TransceiverCore {
    pub(super) fn new(
        kind: Kind,
        track: Option<MediaStreamTrack>,
        init: RtpTransceiverInit,
        cname: String,
        peer: StatsSource,
    ) -> Self {
        let mut encodings = init.send_encodings;
        if encodings.is_empty() {
            encodings.push(RtpEncodingParameters::default());
        }
        // Zero is reserved for probing packets.
        let ssrc = rand::rng().next_u32().max(1);
        let sender = SenderState {
            track,
            stream_ids: init.stream_ids,
            ssrc,
            numbering: Numbering::random(),
            encodings,
            blocked: false,
        };
        let state = TransceiverState {
            mid: None,
            direction: init.direction,
            current_direction: None,
            sender,
            receiver: ReceiverState::default(),
        };
        Self {
            kind,
            cname,
            peer,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, TransceiverState> {
        self.state.lock()
    }

    /// Lets the engine look at the state again.
    pub(crate) fn wake(&self) {
        if let Some(peer) = self.peer.upgrade() {
            peer.wake();
        }
    }

    /// No more media will come.
    pub(super) fn end(&self) {
        self.state().receiver.stop();
    }

    /// Counters of the sending or the receiving half.
    pub(crate) async fn stats(&self, sending: bool) -> Result<Vec<RtcStats>, RtcError> {
        let peer = self.peer.upgrade().ok_or_else(RtcError::closed)?;
        let Some(mid) = self.state().mid.clone() else {
            return Ok(Vec::new());
        };
        let all = peer.stats().await?;
        let own = |stats: &RtcStats| match stats {
            RtcStats::Transport(_) => true,
            RtcStats::InboundAudio(inbound) => !sending && inbound.mid == mid,
            RtcStats::OutboundAudio(outbound) => sending && outbound.mid == mid,
        };
        Ok(all.into_iter().filter(own).collect())
    }

    pub(crate) fn sender_parameters(&self) -> RtpParameters {
        let state = self.state();
        let mut parameters = self.receiver_parameters_of();
        parameters.encodings = state.sender.encodings.clone();
        if let Some(first) = parameters.encodings.first_mut() {
            (first.has_ssrc, first.ssrc) = (true, state.sender.ssrc);
        }
        parameters
    }

    pub(crate) fn receiver_parameters(&self) -> RtpParameters {
        self.receiver_parameters_of()
    }

    fn receiver_parameters_of(&self) -> RtpParameters {
        if self.kind != Kind::Audio {
            return RtpParameters::default();
        }
        let extension = |id: u8, uri: &str| RtpHeaderExtensionParameters {
            uri: uri.to_owned(),
            id: i32::from(id),
            encrypted: false,
        };
        RtpParameters {
            codecs: vec![RtpCodecParameters {
                payload_type: numbers::OPUS,
                mime_type: "audio/opus".to_owned(),
                clock_rate: Some(48_000),
                channels: Some(2),
            }],
            header_extensions: vec![
                extension(numbers::AUDIO_LEVEL, write::AUDIO_LEVEL),
                extension(numbers::MID, write::MID),
            ],
            rtcp: RtcpParameters {
                cname: self.cname.clone(),
                reduced_size: true,
            },
            ..RtpParameters::default()
        }
    }
}
