//! Makes a connection and starts its task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{Rng, RngCore};
use str0m::format::{Codec, FormatParams};
use str0m::media::{Frequency, Pt};
use str0m::rtp::{Extension, ExtensionMap};
use str0m::{Candidate, IceCreds, Rtc, RtcConfig};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::candidates::Candidates;
use super::channels::Channels;
use super::link::Link;
use super::media::Media;
use super::stats::{INTERVAL, Measured};
use super::{Engine, run};
use crate::RtcError;
use crate::jsep::{Identity, Jsep};
use crate::native::create_random_uuid;
use crate::net::Net;
use crate::peer::Peer;
use crate::sdp::IceCredentials;
use crate::sdp::write::{MAX_MESSAGE_SIZE, numbers};

/// How often a working path is checked; also the longest pause between checks of a new one.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// The first pause between checks of a new path.
const FIRST_CHECK_RETRY: Duration = Duration::from_millis(100);
/// Unanswered checks until str0m forgets a path: longer than it takes this crate to call it failed, so that a path
/// that comes back is used at once.
const MAX_CHECKS: usize = 30;

/// Bytes that SCTP takes before it pushes back; at least one message of any size must fit.
const SCTP_BUFFER: usize = 4 * crate::data_channel::MAX_MESSAGE_SIZE;

/// Starts a connection on the current runtime.
pub(crate) fn start() -> Result<(Arc<Peer>, JoinHandle<()>), RtcError> {
    let runtime = Handle::try_current()
        .map_err(|_| RtcError::state("a peer connection needs a tokio runtime"))?;
    let now = Instant::now();
    let credentials = make_credentials();
    let mut rtc = build(&credentials, now);
    let identity = Identity {
        // RFC 8829: positive, at most 62 bits.
        session: rand::rng().next_u64() >> 2,
        fingerprint: rtc.direct_api().local_dtls_fingerprint().to_string(),
        cname: create_random_uuid(),
    };
    let session = |stats| Jsep::new(identity, credentials, make_credentials, stats);
    let (peer, commands) = Peer::new(session);
    let engine = Engine {
        peer: peer.clone(),
        commands,
        rtc,
        net: Net::new(),
        link: Link::new(now),
        candidates: Candidates::default(),
        channels: Channels::default(),
        media: Media::new(now),
        measured: Measured::default(),
        rtc_deadline: None,
        rtc_touched: true,
        agreed: None,
    };
    Ok((peer, runtime.spawn(run::supervise(engine))))
}

fn build(credentials: &IceCredentials, now: Instant) -> Rtc {
    let mut config = RtcConfig::new()
        .set_rtp_mode(true)
        .set_local_ice_credentials(creds(credentials))
        .set_extension_map(extensions())
        .clear_codecs()
        .set_stats_interval(Some(INTERVAL))
        .set_sctp_max_buffered_amount(SCTP_BUFFER)
        .set_sctp_max_message_size(MAX_MESSAGE_SIZE as u32);
    config.set_initial_stun_rto(FIRST_CHECK_RETRY);
    config.set_max_stun_rto(CHECK_INTERVAL);
    config.set_max_stun_retransmits(MAX_CHECKS);
    add_codecs(&mut config);
    config.build(now)
}

/// In RTP mode str0m only needs to know that a payload type exists and how fast its clock runs. The peer may have
/// numbered Opus differently in its offer, so every dynamic number is declared, our own first because it is looked up first.
/// Video packets are recognised by their section and dropped.
fn add_codecs(config: &mut RtcConfig) {
    let dynamic = (96..=127)
        .chain(35..=63)
        .filter(|number| *number != numbers::OPUS);
    for number in std::iter::once(numbers::OPUS).chain(dynamic) {
        let format = FormatParams {
            use_inband_fec: Some(true),
            ..FormatParams::default()
        };
        config.codec_config().add_config(
            Pt::from(number),
            None,
            Codec::Opus,
            Frequency::FORTY_EIGHT_KHZ,
            Some(2),
            format,
        );
    }
}

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(numbers::AUDIO_LEVEL, Extension::AudioLevel);
    map.set(numbers::MID, Extension::RtpMid);
    map
}

pub(super) fn creds(credentials: &IceCredentials) -> IceCreds {
    IceCreds {
        ufrag: credentials.ufrag.clone(),
        pass: credentials.password.clone(),
    }
}

/// RFC 8839: at least 24 bits of user name and 128 bits of password, of letters, digits, `+` and `/`.
fn make_credentials() -> IceCredentials {
    IceCredentials {
        ufrag: random_text(8),
        password: random_text(24),
    }
}

fn random_text(length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut rng = rand::rng();
    (0..length)
        .map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
        .collect()
}

/// The text of a candidate for signalling, without the user name that str0m adds: on a restart it would be the old one.
pub(super) fn candidate_text(candidate: &Candidate) -> String {
    let text = candidate.to_sdp_string();
    let end = text.find(" ufrag ").unwrap_or(text.len());
    text[..end].to_owned()
}
