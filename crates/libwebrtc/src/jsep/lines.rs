//! The m-sections of the session, in order. They are only ever added.

use std::sync::Arc;

use super::{Jsep, TransceiverCore};
use crate::rtp_transceiver::{RtpTransceiverDirection, RtpTransceiverInit};
use crate::sdp::{Kind, Section};

/// One m-section.
pub(super) struct Line {
    pub(super) mid: String,
    pub(super) content: Content,
}

pub(super) enum Content {
    Media(Arc<TransceiverCore>),
    Data,
    /// Offered by the peer and refused, with what has to be echoed: media, protocol, format.
    Refused(String, String, String),
}

impl Jsep {
    /// Gives sections to transceivers that have none, and one to data channels if they are wanted.
    pub(super) fn extend_lines(&mut self) {
        let waiting = |core: &&Arc<TransceiverCore>| {
            let state = core.state();
            state.mid.is_none() && state.direction != RtpTransceiverDirection::Stopped
        };
        let waiting: Vec<_> = self.transceivers.iter().filter(waiting).cloned().collect();
        for core in waiting {
            let mid = self.free_mid();
            core.state().mid = Some(mid.clone());
            self.lines.push(Line {
                mid,
                content: Content::Media(core),
            });
        }
        if self.data_wanted && !self.has_data_line() {
            let mid = self.free_mid();
            self.lines.push(Line {
                mid,
                content: Content::Data,
            });
        }
    }

    pub(super) fn has_data_line(&self) -> bool {
        self.lines
            .iter()
            .any(|line| matches!(line.content, Content::Data))
    }

    fn free_mid(&mut self) -> String {
        loop {
            let mid = self.next_mid.to_string();
            self.next_mid += 1;
            if !self.lines.iter().any(|line| line.mid == mid) {
                return mid;
            }
        }
    }

    /// Adds a line for a section that the peer offered beyond those known.
    pub(super) fn adopt(&mut self, section: &Section) {
        let mid = section.mid().map_or_else(|| self.free_mid(), str::to_owned);
        let content = match section.kind {
            Kind::Audio if section.payload_type("opus").is_some() => {
                self.adopt_media(section, &mid)
            }
            Kind::Video if video_codec(section).is_some() => self.adopt_media(section, &mid),
            Kind::Data if !self.has_data_line() => Content::Data,
            _ => Content::Refused(
                section.media.clone(),
                section.protocol.clone(),
                section.formats.first().cloned().unwrap_or_default(),
            ),
        };
        self.lines.push(Line { mid, content });
    }

    fn adopt_media(&mut self, section: &Section, mid: &str) -> Content {
        // A local track that waits for a section takes this one (RFC 8829 section 5.10).
        let free = |core: &&Arc<TransceiverCore>| {
            let state = core.state();
            core.kind == section.kind && state.mid.is_none() && state.sender.track.is_some()
        };
        let found = self.transceivers.iter().find(free).cloned();
        let core = found.unwrap_or_else(|| {
            let init = RtpTransceiverInit {
                direction: RtpTransceiverDirection::RecvOnly,
                stream_ids: Vec::new(),
                send_encodings: Vec::new(),
            };
            self.add_transceiver(section.kind, None, init)
        });
        core.state().mid = Some(mid.to_owned());
        Content::Media(core)
    }
}

/// The number and name of the codec to accept in a video section. Any will do, since nothing is decoded; VP8
/// is what everybody has.
pub(super) fn video_codec(section: &Section) -> Option<(u8, &'static str)> {
    ["VP8", "H264", "VP9", "AV1"]
        .into_iter()
        .find_map(|name| Some((section.payload_type(name)?, name)))
}
