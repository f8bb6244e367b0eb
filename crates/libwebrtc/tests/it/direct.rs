//! Two connections of this crate with each other, without a server.

use std::time::Duration;

use futures_util::StreamExt;
use libwebrtc::audio_frame::AudioFrame;
use libwebrtc::audio_source::AudioSourceOptions;
use libwebrtc::audio_source::native::NativeAudioSource;
use libwebrtc::audio_stream::native::NativeAudioStream;
use libwebrtc::native::create_random_uuid;
use libwebrtc::peer_connection_factory::native::PeerConnectionFactoryExt;
use libwebrtc::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::sound::{RATE, Voice, likeness, seed};

const LIMIT: Duration = Duration::from_secs(30);

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("no {what} within {LIMIT:?}"))
}

/// A listener that passes on what it is told, as long as somebody takes it.
fn into<T: Send + 'static>(to: UnboundedSender<T>) -> Box<dyn FnMut(T) + Send + Sync> {
    Box::new(move |value| {
        let _nobody = to.send(value);
    })
}

struct Side {
    pc: PeerConnection,
    states: UnboundedReceiver<PeerConnectionState>,
    channels: UnboundedReceiver<DataChannel>,
    tracks: UnboundedReceiver<MediaStreamTrack>,
}

/// Two connections that tell each other their addresses.
fn pair() -> (Side, Side) {
    let factory = PeerConnectionFactory::default();
    let [a, b] = [(); 2].map(|()| {
        factory
            .create_peer_connection(RtcConfiguration::default())
            .expect("a runtime is there")
    });
    for (from, to) in [(&a, &b), (&b, &a)] {
        let (tx, mut rx) = unbounded_channel();
        from.on_ice_candidate(Some(into(tx)));
        let to = to.clone();
        tokio::spawn(async move {
            while let Some(candidate) = rx.recv().await {
                // As signalling does: candidates wait for the description.
                while to.add_ice_candidate(candidate.clone()).await.is_err() {
                    if to.connection_state() == PeerConnectionState::Closed {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        });
    }
    (watch(a), watch(b))
}

fn watch(pc: PeerConnection) -> Side {
    let (states_tx, states) = unbounded_channel();
    let (channels_tx, channels) = unbounded_channel();
    let (tracks_tx, tracks) = unbounded_channel();
    pc.on_connection_state_change(Some(into(states_tx)));
    pc.on_data_channel(Some(into(channels_tx)));
    let mut track = into(tracks_tx);
    pc.on_track(Some(Box::new(move |event| track(event.track))));
    Side {
        pc,
        states,
        channels,
        tracks,
    }
}

async fn negotiate(a: &PeerConnection, b: &PeerConnection, options: OfferOptions) {
    negotiate_edited(a, b, options, str::to_owned).await;
}

/// `a` offers and gets to read what `edit` makes of the answer.
async fn negotiate_edited(
    a: &PeerConnection,
    b: &PeerConnection,
    options: OfferOptions,
    edit: impl Fn(&str) -> String,
) {
    let offer = a.create_offer(options).await.expect("offers");
    a.set_local_description(offer.clone())
        .await
        .expect("own offer");
    b.set_remote_description(offer).await.expect("their offer");
    let answer = b
        .create_answer(AnswerOptions::default())
        .await
        .expect("answers");
    b.set_local_description(answer.clone())
        .await
        .expect("own answer");
    let read = edit(&answer.to_string());
    let answer = SessionDescription::parse(&read, SdpType::Answer).expect("still SDP");
    a.set_remote_description(answer)
        .await
        .expect("their answer");
}

async fn open(channel: &DataChannel) {
    let opens = async {
        while channel.state() != DataChannelState::Open {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("open channel", opens).await;
}

impl Side {
    async fn until(&mut self, wanted: PeerConnectionState) {
        let reached = async { while self.states.recv().await != Some(wanted) {} };
        within("such state", reached).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn messages_pass_both_ways_and_every_byte_is_accounted_for() {
    let (mut a, mut b) = pair();
    let ours =
        a.pc.create_data_channel("talk", DataChannelInit::default())
            .expect("open");
    negotiate(&a.pc, &b.pc, OfferOptions::default()).await;
    let theirs = within("channel", b.channels.recv())
        .await
        .expect("the channel arrives");
    assert_eq!(theirs.label(), "talk");
    open(&ours).await;
    let (sent_tx, mut sent) = unbounded_channel();
    ours.on_buffered_amount_change(Some(into(sent_tx)));
    let sizes: Vec<usize> = (0..100).map(|n| 1 + n * n * 50 % 65_536).collect();
    for size in &sizes {
        ours.send(&vec![*size as u8; *size], true)
            .expect("there is room");
    }
    // The listener comes late: nothing may be lost.
    let (got_tx, mut got) = unbounded_channel();
    let mut message = into(got_tx);
    theirs.on_message(Some(Box::new(move |m| message(m.data.to_vec()))));
    for (n, size) in sizes.iter().enumerate() {
        let what = format!("message {n} of {size} bytes");
        let message = within(&what, got.recv()).await.expect("listening");
        assert_eq!(message, vec![*size as u8; *size]);
    }
    let mut total = 0;
    while total < sizes.iter().sum::<usize>() as u64 {
        total += within("account", sent.recv()).await.expect("listening");
    }
    assert_eq!(total, sizes.iter().sum::<usize>() as u64);
    assert_eq!(ours.buffered_amount(), 0);
    theirs.send("grüße".as_bytes(), false).expect("open");
    a.until(PeerConnectionState::Connected).await;
    b.pc.close();
    a.until(PeerConnectionState::Failed).await;
    a.pc.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sound_goes_on_through_an_ice_restart_and_other_changes() {
    let seed = seed();
    let factory = PeerConnectionFactory::default();
    let (mut a, mut b) = pair();
    let source = NativeAudioSource::new(AudioSourceOptions::default(), RATE, 1, 100);
    let track = factory.create_audio_track(&create_random_uuid(), source.clone());
    a.pc.add_track(track.into(), &["stream"])
        .expect("audio can be sent");
    negotiate(&a.pc, &b.pc, OfferOptions::default()).await;
    let Some(MediaStreamTrack::Audio(track)) = within("track", b.tracks.recv()).await else {
        panic!("an audio track was announced");
    };
    a.until(PeerConnectionState::Connected).await;
    let said = Voice::new(seed).samples(RATE as usize * 6);
    let speaking = said.clone();
    let talk = tokio::spawn(async move {
        for block in speaking.chunks(RATE as usize / 50) {
            let frame = AudioFrame {
                data: block.into(),
                sample_rate: RATE,
                num_channels: 1,
                samples_per_channel: block.len() as u32,
            };
            source.capture_frame(&frame).await.expect("fits");
        }
    });
    let mut stream = NativeAudioStream::new(track.clone(), RATE as i32, 1);
    let mut heard = Vec::new();
    let restart = OfferOptions {
        ice_restart: true,
        ..OfferOptions::default()
    };
    let (mut restarted, mut changed) = (false, false);
    while heard.len() < RATE as usize * 5 {
        let frame = within("frame", stream.next())
            .await
            .expect("the track lives");
        heard.extend_from_slice(&frame.data);
        if heard.len() > RATE as usize * 2 && !restarted {
            negotiate(&a.pc, &b.pc, restart.clone()).await;
            restarted = true;
        }
        if heard.len() > RATE as usize * 3 && !changed {
            // As LiveKit does once it knows its subscribers.
            let stereo = |answer: &str| answer.replace("useinbandfec=1", "useinbandfec=1;stereo=1");
            negotiate_edited(&a.pc, &b.pc, OfferOptions::default(), stereo).await;
            changed = true;
        }
    }
    assert_eq!(track.concealment().restarts, 0, "numbering goes on");
    for second in 1..5 {
        let part = &heard[second * RATE as usize..(second + 1) * RATE as usize];
        let like = likeness(&said, part);
        println!("second {second}: {like:.3}");
        assert!(like > 0.7, "second {second}: {like}");
    }
    assert!(
        b.states
            .try_recv()
            .is_ok_and(|s| s == PeerConnectionState::Connecting)
    );
    assert!(
        b.states
            .try_recv()
            .is_ok_and(|s| s == PeerConnectionState::Connected)
    );
    assert!(
        b.states.try_recv().is_err(),
        "the restart is no change of state"
    );
    assert!(a.states.try_recv().is_err(), "on either side");
    talk.abort();
    a.pc.close();
    b.pc.close();
    within("end of stream", async {
        while stream.next().await.is_some() {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_listener_that_panics_fails_its_own_connection_only() {
    let (mut a, mut b) = pair();
    let ours =
        a.pc.create_data_channel("talk", DataChannelInit::default())
            .expect("open");
    negotiate(&a.pc, &b.pc, OfferOptions::default()).await;
    let theirs = within("channel", b.channels.recv()).await.expect("arrives");
    theirs.on_message(Some(Box::new(|_| panic!("a listener panics on purpose"))));
    a.until(PeerConnectionState::Connected).await;
    open(&ours).await;
    ours.send(b"bang", true).expect("open");
    b.until(PeerConnectionState::Failed).await;
    assert_eq!(a.pc.connection_state(), PeerConnectionState::Connected);
    let error = b.pc.get_stats().await.expect_err("its task is gone");
    assert_eq!(error.error_type, RtcErrorType::InvalidState);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_not_supported_says_so() {
    use libwebrtc::video_source::native::NativeVideoSource;
    let factory = PeerConnectionFactory::default();
    let pc = factory
        .create_peer_connection(RtcConfiguration::default())
        .expect("a runtime is there");
    let init = RtpTransceiverInit {
        direction: RtpTransceiverDirection::SendOnly,
        stream_ids: vec![],
        send_encodings: vec![],
    };
    let video = factory.create_video_track("v", NativeVideoSource::default());
    let device = factory.create_device_audio_track("d");
    for track in [
        MediaStreamTrack::from(video),
        MediaStreamTrack::from(device),
    ] {
        let error = pc
            .add_transceiver(track, init.clone())
            .expect_err("cannot be sent");
        assert_eq!(error.error_type, RtcErrorType::Unsupported);
    }
    let mut relay = RtcConfiguration::default();
    relay.ice_transport_type = IceTransportsType::Relay;
    let error = pc.set_configuration(relay).expect_err("no relays yet");
    assert_eq!(error.error_type, RtcErrorType::Unsupported);
    assert_eq!(
        (factory.recording_devices(), factory.playout_devices()),
        (0, 0)
    );
    pc.close();
    let error = pc
        .create_offer(OfferOptions::default())
        .await
        .expect_err("closed");
    assert_eq!(error.error_type, RtcErrorType::InvalidState);
}

#[test]
fn a_connection_needs_a_runtime() {
    let factory = PeerConnectionFactory::default();
    let error = factory
        .create_peer_connection(RtcConfiguration::default())
        .expect_err("no runtime");
    assert_eq!(error.error_type, RtcErrorType::InvalidState);
}
