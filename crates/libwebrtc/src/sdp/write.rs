//! Builds description text.

use std::fmt::Write;

use super::{Direction, IceCredentials, Setup};

pub(crate) const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
pub(crate) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

/// The numbers this crate gives to what it offers. They are fixed when str0m is set up, hence constants.
pub(crate) mod numbers {
    pub(crate) const OPUS: u8 = 111;
    pub(crate) const VP8: u8 = 96;
    pub(crate) const AUDIO_LEVEL: u8 = 1;
    pub(crate) const MID: u8 = 4;
}

/// The largest data channel message that this crate receives, in bytes.
pub(crate) const MAX_MESSAGE_SIZE: usize = 256 * 1024;

/// What all sections of a description share.
pub(crate) struct Transport<'a> {
    pub(crate) credentials: &'a IceCredentials,
    pub(crate) fingerprint: &'a str,
    pub(crate) setup: Setup,
}

/// What a section sends.
pub(crate) struct Sending<'a> {
    pub(crate) ssrc: u32,
    pub(crate) cname: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) track: &'a str,
}

/// A description under construction. Lines end in CR LF.
pub(crate) struct Writer<'a> {
    text: String,
    transport: Transport<'a>,
}

/// Appends one line. Writing to a `String` cannot fail.
macro_rules! line {
    ($to:expr, $($format:tt)*) => {{
        let _infallible = write!($to.text, $($format)*);
        $to.text.push_str("\r\n");
    }};
}

impl<'a> Writer<'a> {
    pub(crate) fn new(session: u64, version: u64, mids: &[&str], transport: Transport<'a>) -> Self {
        let mut writer = Self {
            text: String::with_capacity(4096),
            transport,
        };
        line!(writer, "v=0");
        line!(writer, "o=- {session} {version} IN IP4 127.0.0.1");
        line!(writer, "s=-");
        line!(writer, "t=0 0");
        line!(writer, "a=group:BUNDLE {}", mids.join(" "));
        line!(writer, "a=msid-semantic: WMS");
        writer
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn common(&mut self, mid: &str) {
        line!(self, "c=IN IP4 0.0.0.0");
        line!(self, "a=ice-ufrag:{}", self.transport.credentials.ufrag);
        line!(self, "a=ice-pwd:{}", self.transport.credentials.password);
        line!(self, "a=ice-options:trickle");
        line!(self, "a=fingerprint:{}", self.transport.fingerprint);
        line!(self, "a=setup:{}", self.transport.setup.name());
        line!(self, "a=mid:{mid}");
    }

    /// An audio section with Opus.
    pub(crate) fn audio(
        &mut self,
        mid: &str,
        direction: Direction,
        opus: u8,
        extensions: &[(u8, &str)],
        sending: Option<&Sending<'_>>,
    ) {
        line!(self, "m=audio 9 UDP/TLS/RTP/SAVPF {opus}");
        self.common(mid);
        self.media(direction, extensions, sending);
        line!(self, "a=rtpmap:{opus} opus/48000/2");
        line!(self, "a=fmtp:{opus} minptime=10;useinbandfec=1");
        self.sources(sending);
    }

    /// A video section with one codec, to be received and dropped.
    pub(crate) fn video(
        &mut self,
        mid: &str,
        direction: Direction,
        (number, codec): (u8, &str),
        extensions: &[(u8, &str)],
    ) {
        line!(self, "m=video 9 UDP/TLS/RTP/SAVPF {number}");
        self.common(mid);
        self.media(direction, extensions, None);
        line!(self, "a=rtpmap:{number} {codec}/90000");
        line!(self, "a=rtcp-fb:{number} ccm fir");
        line!(self, "a=rtcp-fb:{number} nack pli");
    }

    /// The section of the data channels.
    pub(crate) fn data(&mut self, mid: &str) {
        line!(self, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
        self.common(mid);
        line!(self, "a=sctp-port:5000");
        line!(self, "a=max-message-size:{MAX_MESSAGE_SIZE}");
    }

    /// A section that is refused or that has been given up.
    pub(crate) fn rejected(&mut self, media: &str, protocol: &str, format: &str, mid: &str) {
        line!(self, "m={media} 0 {protocol} {format}");
        line!(self, "c=IN IP4 0.0.0.0");
        line!(self, "a=mid:{mid}");
        line!(self, "a=inactive");
    }

    fn media(&mut self, direction: Direction, exts: &[(u8, &str)], sending: Option<&Sending<'_>>) {
        for (number, uri) in exts {
            line!(self, "a=extmap:{number} {uri}");
        }
        line!(self, "a={}", direction.name());
        if let Some(sending) = sending {
            line!(
                self,
                "a=msid:{} {}",
                stream_or_dash(sending.stream),
                sending.track
            );
        }
        line!(self, "a=rtcp-mux");
        line!(self, "a=rtcp-rsize");
    }

    fn sources(&mut self, sending: Option<&Sending<'_>>) {
        let Some(Sending {
            ssrc,
            cname,
            stream,
            track,
        }) = sending
        else {
            return;
        };
        line!(self, "a=ssrc:{ssrc} cname:{cname}");
        line!(
            self,
            "a=ssrc:{ssrc} msid:{} {track}",
            stream_or_dash(stream)
        );
    }
}

fn stream_or_dash(stream: &str) -> &str {
    if stream.is_empty() { "-" } else { stream }
}
