//! Writes offers and answers.

use super::Jsep;
use super::lines::{Content, Line, video_codec};
use crate::RtcError;
use crate::media_stream_track::MediaStreamTrack;
use crate::peer_connection::SignalingState;
use crate::rtp_transceiver::RtpTransceiverDirection;
use crate::sdp::write::{self, Sending, Transport, Writer, numbers};
use crate::sdp::{Direction, IceCredentials, Kind, Section, Setup};
use crate::session_description::{SdpType, SessionDescription};

const AUDIO_EXTENSIONS: [(u8, &str); 2] = [
    (numbers::AUDIO_LEVEL, write::AUDIO_LEVEL),
    (numbers::MID, write::MID),
];
const VIDEO_EXTENSIONS: [(u8, &str); 1] = [(numbers::MID, write::MID)];

impl Jsep {
    /// An offer for everything that is wanted now. Always possible while open: without changes it
    /// repeats what is agreed, in a new version.
    pub(crate) fn create_offer(
        &mut self,
        ice_restart: bool,
    ) -> Result<SessionDescription, RtcError> {
        self.check_open()?;
        self.extend_lines();
        if ice_restart || self.restart_wanted {
            self.begin_restart();
        }
        let credentials = self.offered_credentials().clone();
        // Also in later offers (RFC 8842): the peer keeps the role it has.
        let text = self.write(&credentials, Setup::ActPass, None);
        Ok(parsed(text, SdpType::Offer))
    }

    /// New credentials for the next agreement. Nothing to restart before the first one.
    fn begin_restart(&mut self) {
        self.restart_wanted = false;
        if self.descriptions.current_remote.is_some() {
            self.next_credentials = Some((self.make_credentials)());
        }
    }

    fn offered_credentials(&self) -> &IceCredentials {
        self.next_credentials.as_ref().unwrap_or(&self.credentials)
    }

    /// The answer to the pending remote offer.
    pub(crate) fn create_answer(&mut self) -> Result<SessionDescription, RtcError> {
        self.check_open()?;
        if self.signaling != SignalingState::HaveRemoteOffer {
            return Err(RtcError::state("there is no offer to answer"));
        }
        let Some(offer) = self.descriptions.pending_remote.clone() else {
            return Err(RtcError::state("there is no offer to answer"));
        };
        let setup = match offer.sdp().setup() {
            Some(Setup::Active) => Setup::Passive,
            _ => Setup::Active,
        };
        let credentials = self.offered_credentials().clone();
        let text = self.write(&credentials, setup, Some(&offer.sdp().sections));
        Ok(parsed(text, SdpType::Answer))
    }

    fn write(
        &mut self,
        credentials: &IceCredentials,
        setup: Setup,
        offered: Option<&[Section]>,
    ) -> String {
        self.version += 1;
        let bundled: Vec<&str> = self
            .lines
            .iter()
            .filter(|l| is_live(l))
            .map(|l| &*l.mid)
            .collect();
        let transport = Transport {
            credentials,
            fingerprint: &self.identity.fingerprint,
            setup,
        };
        let mut writer = Writer::new(self.identity.session, self.version, &bundled, transport);
        for (index, line) in self.lines.iter().enumerate() {
            self.write_line(
                &mut writer,
                line,
                offered.and_then(|sections| sections.get(index)),
            );
        }
        writer.finish()
    }

    fn write_line(&self, writer: &mut Writer<'_>, line: &Line, offered: Option<&Section>) {
        match &line.content {
            Content::Data => writer.data(&line.mid),
            Content::Refused(media, protocol, format) => {
                writer.rejected(media, protocol, format, &line.mid);
            }
            Content::Media(core) if core.kind == Kind::Audio => {
                self.write_audio(writer, line, core, offered);
            }
            Content::Media(core) => write_video(writer, line, core, offered),
        }
    }

    fn write_audio(
        &self,
        writer: &mut Writer<'_>,
        line: &Line,
        core: &super::TransceiverCore,
        offered: Option<&Section>,
    ) {
        let state = core.state();
        if state.direction == RtpTransceiverDirection::Stopped {
            let opus = numbers::OPUS.to_string();
            return writer.rejected("audio", "UDP/TLS/RTP/SAVPF", &opus, &line.mid);
        }
        let opus = offered
            .and_then(|s| s.payload_type("opus"))
            .unwrap_or(numbers::OPUS);
        let extensions = agreed(&AUDIO_EXTENSIONS, offered);
        let direction = answered(state.direction.into(), offered);
        let track = state.sender.track.as_ref().map(MediaStreamTrack::id);
        let stream = state.sender.stream_ids.first().map_or("", String::as_str);
        let sending = track
            .as_deref()
            .filter(|_| direction.sends())
            .map(|track| Sending {
                ssrc: state.sender.ssrc,
                cname: &self.identity.cname,
                stream,
                track,
            });
        writer.audio(&line.mid, direction, opus, &extensions, sending.as_ref());
    }
}

fn write_video(
    writer: &mut Writer<'_>,
    line: &Line,
    core: &super::TransceiverCore,
    offered: Option<&Section>,
) {
    let wanted = core.state().direction;
    if wanted == RtpTransceiverDirection::Stopped {
        let vp8 = numbers::VP8.to_string();
        return writer.rejected("video", "UDP/TLS/RTP/SAVPF", &vp8, &line.mid);
    }
    let codec = offered
        .and_then(video_codec)
        .unwrap_or((numbers::VP8, "VP8"));
    let extensions = agreed(&VIDEO_EXTENSIONS, offered);
    writer.video(
        &line.mid,
        answered(wanted.into(), offered),
        codec,
        &extensions,
    );
}

fn is_live(line: &Line) -> bool {
    match &line.content {
        Content::Media(core) => core.state().direction != RtpTransceiverDirection::Stopped,
        Content::Data => true,
        Content::Refused(..) => false,
    }
}

/// What of our wish the peer's offer allows; all of it in an offer of our own.
fn answered(wanted: Direction, offered: Option<&Section>) -> Direction {
    let Some(offered) = offered.map(Section::direction) else {
        return wanted;
    };
    Direction::new(
        wanted.sends() && offered.receives(),
        wanted.receives() && offered.sends(),
    )
}

/// Extensions that the peer gave the same number as this crate has set up; all in an offer of our own.
fn agreed<'a>(own: &[(u8, &'a str)], offered: Option<&Section>) -> Vec<(u8, &'a str)> {
    let same = |(number, uri): &&(u8, &str)| {
        offered.is_none_or(|section| section.extension(uri) == Some(*number))
    };
    own.iter().filter(same).copied().collect()
}

fn parsed(text: String, sdp_type: SdpType) -> SessionDescription {
    SessionDescription::parse(&text, sdp_type).expect("our own descriptions can be parsed")
}
