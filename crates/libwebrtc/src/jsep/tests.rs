use std::sync::Weak;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::audio_source::AudioSourceOptions;
use crate::audio_source::native::NativeAudioSource;
use crate::audio_track::RtcAudioTrack;
use crate::media_stream_track::RtcTrackState;
use crate::rtp_transceiver::RtpTransceiver;
use crate::session_description::SdpType;

fn credentials() -> IceCredentials {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    IceCredentials {
        ufrag: format!("user{n}"),
        password: format!("password-{n:020}"),
    }
}

fn jsep(name: &str) -> Jsep {
    let identity = Identity {
        session: 7,
        fingerprint: "sha-256 AA:BB".to_owned(),
        cname: name.to_owned(),
    };
    Jsep::new(identity, credentials(), credentials, Weak::new())
}

fn track(id: &str) -> MediaStreamTrack {
    let source = NativeAudioSource::new(AudioSourceOptions::default(), 16_000, 1, 100);
    MediaStreamTrack::Audio(RtcAudioTrack::local(id.to_owned(), source))
}

fn init(direction: RtpTransceiverDirection, stream: &str) -> RtpTransceiverInit {
    let stream_ids = (!stream.is_empty())
        .then(|| stream.to_owned())
        .into_iter()
        .collect();
    RtpTransceiverInit {
        direction,
        stream_ids,
        send_encodings: Vec::new(),
    }
}

fn send(jsep: &mut Jsep, id: &str, stream: &str) -> Arc<TransceiverCore> {
    let init = init(RtpTransceiverDirection::SendOnly, stream);
    jsep.add_transceiver(Kind::Audio, Some(track(id)), init)
}

fn receive(jsep: &mut Jsep, kind: Kind) -> Arc<TransceiverCore> {
    jsep.add_transceiver(kind, None, init(RtpTransceiverDirection::RecvOnly, ""))
}

/// One whole exchange: the plans of both sides and the tracks that the answering side learnt of.
fn negotiate(from: &mut Jsep, to: &mut Jsep) -> (Box<Plan>, Box<Plan>, Vec<String>) {
    let offer = from.create_offer(false).expect("offers");
    exchange(from, to, offer)
}

fn exchange(
    from: &mut Jsep,
    to: &mut Jsep,
    offer: SessionDescription,
) -> (Box<Plan>, Box<Plan>, Vec<String>) {
    from.set_local(offer.clone()).expect("own offer");
    let tracks = to.set_remote(offer).expect("their offer").tracks;
    let answer = to.create_answer().expect("answers");
    let theirs = to
        .set_local(answer.clone())
        .expect("own answer")
        .plan
        .expect("agreed");
    let ours = from
        .set_remote(answer)
        .expect("their answer")
        .plan
        .expect("agreed");
    assert_eq!(from.signaling(), SignalingState::Stable);
    assert_eq!(to.signaling(), SignalingState::Stable);
    (
        ours,
        theirs,
        tracks.iter().map(|event| event.track.id()).collect(),
    )
}

fn edited(description: &SessionDescription, from: &str, to: &str) -> SessionDescription {
    let text = description.text().replace(from, to);
    assert_ne!(text, description.text());
    SessionDescription::parse(&text, description.sdp_type()).expect("parses")
}

#[test]
fn a_sent_track_arrives_with_its_ids_and_source() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    let core = send(&mut a, "TR_voice", "PA_a");
    a.want_data();
    let (ours, theirs, tracks) = negotiate(&mut a, &mut b);
    assert_eq!(tracks, ["TR_voice"]);
    let sent = ours.media[0].send.as_ref().expect("sends");
    assert_eq!(sent.ssrc, core.state().sender.ssrc);
    assert!(sent.audio_level);
    assert!(ours.media[0].receive.is_none());
    let received = theirs.media[0].receive.as_ref().expect("receives");
    assert_eq!(received.ssrc, Some(sent.ssrc));
    assert_eq!(received.track.id(), "TR_voice");
    assert_eq!(b.transceivers()[0].state().receiver.streams[0].id(), "PA_a");
    assert!(ours.data && theirs.data);
    assert!(ours.controlling && !theirs.controlling);
    assert!(theirs.dtls_active && !ours.dtls_active);
    assert_eq!((ours.local, ours.remote), (theirs.remote, theirs.local));
}

#[test]
fn an_offer_without_changes_is_possible_at_any_time() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    a.want_data();
    let (first, ..) = negotiate(&mut a, &mut b);
    for _ in 0..3 {
        let (again, _, tracks) = negotiate(&mut a, &mut b);
        assert!(tracks.is_empty());
        assert_eq!((&again.local, &again.remote), (&first.local, &first.remote));
    }
}

#[test]
fn sections_keep_their_place_and_number() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    a.want_data();
    (0..3).for_each(|_| drop(receive(&mut a, Kind::Audio)));
    receive(&mut a, Kind::Video);
    negotiate(&mut a, &mut b);
    send(&mut a, "late", "");
    let offer = a.create_offer(false).expect("offers");
    let kinds: Vec<_> = offer
        .sdp()
        .sections
        .iter()
        .map(|s| (s.kind, s.mid()))
        .collect();
    let expected = [
        (Kind::Audio, Some("0")),
        (Kind::Audio, Some("1")),
        (Kind::Audio, Some("2")),
        (Kind::Video, Some("3")),
        (Kind::Data, Some("4")),
        (Kind::Audio, Some("5")),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn an_edited_offer_counts_as_it_reads() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    let core = send(&mut a, "gone", "");
    negotiate(&mut a, &mut b);
    a.remove_track(&core).expect("its own");
    let offer = a.create_offer(false).expect("offers");
    assert_eq!(
        offer.sdp().sections[0].direction(),
        crate::sdp::Direction::Inactive
    );
    // What the livekit engine does in its single connection mode: the peer may now send here.
    let offer = edited(&offer, "a=inactive", "a=recvonly");
    b.transceivers()[0].state().direction = RtpTransceiverDirection::SendRecv;
    b.transceivers()[0].state().sender.track = Some(track("TR_back"));
    b.transceivers()[0].state().sender.stream_ids = vec!["PA_b".to_owned()];
    let (ours, theirs, _) = exchange(&mut a, &mut b, offer);
    assert!(ours.media[0].send.is_none());
    assert!(theirs.media[0].send.is_some());
    let received = ours.media[0].receive.as_ref().expect("receives");
    assert_eq!(received.track.id(), "TR_back");
    assert_eq!(
        core.state().current_direction,
        Some(RtpTransceiverDirection::RecvOnly)
    );
}

#[test]
fn a_section_that_is_used_again_gets_a_new_track_and_ends_the_old_one() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    let core = send(&mut a, "TR_1", "PA_1");
    negotiate(&mut a, &mut b);
    let receiver = RtpTransceiver {
        core: b.transceivers()[0].clone(),
    }
    .receiver();
    let first = receiver.track().expect("received");
    core.state().sender.track = Some(track("TR_2"));
    core.state().sender.stream_ids = vec!["PA_2".to_owned()];
    let (_, theirs, tracks) = negotiate(&mut a, &mut b);
    assert_eq!(tracks, ["TR_2"]);
    assert_eq!(receiver.stream_ids(), ["PA_2"]);
    assert_eq!(first.state(), RtcTrackState::Ended);
    assert_eq!(
        theirs.media[0]
            .receive
            .as_ref()
            .map(|r| r.track.id())
            .as_deref(),
        Some("TR_2")
    );
    a.remove_track(&core).expect("its own");
    let (_, theirs, tracks) = negotiate(&mut a, &mut b);
    assert!(tracks.is_empty() && receiver.stream_ids().is_empty());
    assert!(theirs.media[0].receive.is_none());
}

#[test]
fn the_current_answer_again_takes_an_offer_back() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    a.want_data();
    let (first, ..) = negotiate(&mut a, &mut b);
    send(&mut a, "new", "");
    let lost = a.create_offer(false).expect("offers");
    a.set_local(lost).expect("own offer");
    let current = a.current_remote().expect("agreed before");
    assert!(a.set_remote(current).expect("rolls back").plan.is_none());
    assert_eq!(a.signaling(), SignalingState::Stable);
    let offer = a.create_offer(true).expect("offers");
    assert_eq!(
        offer.sdp().sections[1].mid(),
        Some("1"),
        "the section keeps its id"
    );
    let (ours, theirs, tracks) = exchange(&mut a, &mut b, offer);
    assert_eq!(tracks, ["new"]);
    assert_ne!(ours.local, first.local, "new credentials here");
    assert_ne!(theirs.local, first.remote, "and there");
}

#[test]
fn an_ice_restart_waits_for_its_answer() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    a.want_data();
    let (before, ..) = negotiate(&mut a, &mut b);
    let offer = a.create_offer(true).expect("offers");
    let offered = offer.sdp().ice_credentials().expect("has credentials");
    assert_ne!(offered, before.local);
    let again = a.create_offer(false).expect("offers");
    assert_eq!(
        again.sdp().ice_credentials(),
        Some(offered.clone()),
        "still pending"
    );
    let (after, ..) = exchange(&mut a, &mut b, again);
    assert_eq!(after.local, offered);
    assert_ne!(after.remote, before.remote);
}

#[test]
fn video_is_accepted_and_other_media_refused() {
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:0\r\na=ice-ufrag:uuuu\r\na=ice-pwd:pppp\r\n\
        a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=rtpmap:97 VP8/90000\r\na=sendonly\r\n\
        a=msid:PA_v TR_v\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=mid:2\r\na=rtpmap:109 opus/48000/2\r\na=sendonly\r\n\
        a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    let offer = SessionDescription::parse(text, SdpType::Offer).expect("parses");
    let tracks = b.set_remote(offer).expect("taken").tracks;
    assert_eq!(tracks.len(), 2);
    let answer = b.create_answer().expect("answers");
    let sections = &answer.sdp().sections;
    assert_eq!(sections[0].payload_type("VP8"), Some(97));
    assert_eq!(sections[0].direction(), crate::sdp::Direction::RecvOnly);
    assert!(sections[1].is_rejected());
    assert_eq!(
        sections[2].payload_type("opus"),
        Some(109),
        "the peer's number"
    );
    assert_eq!(
        sections[2].extension(crate::sdp::write::MID),
        None,
        "its number is not ours"
    );
    let plan = b
        .set_local(answer)
        .expect("own answer")
        .plan
        .expect("agreed");
    assert_eq!(
        plan.media[1].receive.as_ref().map(|r| r.payload_type),
        Some(109)
    );
    assert!(a.set_remote(a_description_of(&mut b)).is_ok());
}

fn a_description_of(from: &mut Jsep) -> SessionDescription {
    from.create_offer(false).expect("offers")
}

#[test]
fn descriptions_that_do_not_fit_are_refused_and_change_nothing() {
    use crate::RtcErrorType::{InvalidSdp, InvalidState};
    let (mut a, mut b) = (jsep("a"), jsep("b"));
    a.want_data();
    let offer = a.create_offer(false).expect("offers");
    let answer = SessionDescription::parse(offer.text(), SdpType::Answer).expect("parses");
    let kind = |r: Result<Applied, RtcError>| r.err().map(|error| error.error_type);
    assert_eq!(
        kind(a.set_remote(answer.clone())),
        Some(InvalidState),
        "nothing was offered"
    );
    assert_eq!(
        kind(b.set_local(answer)),
        Some(InvalidState),
        "nothing to answer"
    );
    a.set_local(offer.clone()).expect("own offer");
    let empty = SessionDescription::parse("v=0\r\n", SdpType::Answer).expect("parses");
    assert_eq!(
        kind(a.set_remote(empty)),
        Some(InvalidSdp),
        "too few sections"
    );
    let moved = edited(&offer, "a=mid:0", "a=mid:9");
    assert_eq!(
        kind(a.set_local(moved)),
        Some(InvalidSdp),
        "not our sections"
    );
    assert_eq!(a.signaling(), SignalingState::HaveLocalOffer);
    let (_, _, tracks) = exchange(&mut a, &mut b, offer);
    assert!(tracks.is_empty());
}

#[test]
fn a_closed_session_does_nothing_more() {
    let mut a = jsep("a");
    let core = receive(&mut a, Kind::Audio);
    assert!(a.close());
    assert!(!a.close());
    assert!(a.create_offer(false).is_err());
    assert!(a.remove_track(&core).is_err());
    assert_eq!(a.signaling(), SignalingState::Closed);
}
