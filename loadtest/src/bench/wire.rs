//! The network's share: SRTP, RTP, ICE and the socket, for a frame that is sent and for one that is received.
//!
//! Two sets of peer connections on loopback, each on a thread of its own. They carry the constant packet of a silence and
//! nobody listens, so nothing is encoded or decoded: what the threads spend is the wire's.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use livekit::webrtc::{
    audio_source::{AudioSourceOptions, native::NativeAudioSource},
    native::create_random_uuid,
    peer_connection_factory::native::PeerConnectionFactoryExt,
    prelude::*,
};
use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use super::{alloc::allocations, codec::Cost, process::ThreadClock};

/// Connections on each side.
const PAIRS: usize = 20;
const CONNECT_DEADLINE: Duration = Duration::from_secs(20);
/// Buffers grow, timers settle.
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURE: Duration = Duration::from_secs(6);
/// Packets per second.
const PACKETS: f64 = 50.0;

/// What one side tells the other.
enum Signal {
    Offer(SessionDescription, oneshot::Sender<SessionDescription>),
    Candidate(IceCandidate),
}

type Link = (
    mpsc::UnboundedSender<Signal>,
    mpsc::UnboundedReceiver<Signal>,
);

/// Cost of a sent and of a received frame.
///
/// # Errors
/// The connections do not come up.
pub(super) fn measure() -> anyhow::Result<(Cost, Cost)> {
    let (mut sending, mut receiving): (Vec<Link>, Vec<Link>) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let ((to_b, from_a), (to_a, from_b)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        sending.push((to_b, from_b));
        receiving.push((to_a, from_a));
    }
    let sender = thread::spawn(move || side(sending, true));
    let receiver = thread::spawn(move || side(receiving, false));
    let join = |side: thread::JoinHandle<anyhow::Result<Cost>>| {
        side.join().map_err(|_| anyhow!("a side panicked"))?
    };
    Ok((join(sender)?, join(receiver)?))
}

fn side(links: Vec<Link>, offers: bool) -> anyhow::Result<Cost> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut peers = Vec::new();
        for link in links {
            peers.push(connect(link, offers)?);
        }
        for peer in &peers {
            timeout(CONNECT_DEADLINE, connected(peer))
                .await
                .context("connect two peers")?;
        }
        sleep(WARM_UP).await;
        let (clock, before, begun) = (ThreadClock::start(), allocations(), Instant::now());
        sleep(MEASURE).await;
        let frames = begun.elapsed().as_secs_f64() * PACKETS * PAIRS as f64;
        let cost = Cost {
            cpu_us: clock.elapsed().as_secs_f64() * 1e6 / frames,
            allocations: (allocations() - before) as f64 / frames,
        };
        // The other side may still measure.
        sleep(WARM_UP).await;
        peers.iter().for_each(PeerConnection::close);
        Ok(cost)
    })
}

async fn connected(peer: &PeerConnection) {
    while peer.connection_state() != PeerConnectionState::Connected {
        sleep(Duration::from_millis(20)).await;
    }
}

fn connect((tell, mut told): Link, offers: bool) -> anyhow::Result<PeerConnection> {
    let factory = PeerConnectionFactory::default();
    let peer = factory.create_peer_connection(RtcConfiguration::default())?;
    let candidates = tell.clone();
    // A side that is gone needs no candidates.
    peer.on_ice_candidate(Some(Box::new(move |candidate| {
        drop(candidates.send(Signal::Candidate(candidate)))
    })));
    if offers {
        let source = NativeAudioSource::new(AudioSourceOptions::default(), 16_000, 1, 100);
        let track = factory.create_audio_track(&create_random_uuid(), source);
        peer.add_track(track.into(), &["stream"])?;
    }
    let own = peer.clone();
    tokio::spawn(async move {
        if let Err(error) = negotiate(&own, &tell, offers, &mut told).await {
            tracing::error!(%error, "two peers do not agree");
        }
    });
    Ok(peer)
}

async fn negotiate(
    peer: &PeerConnection,
    tell: &mpsc::UnboundedSender<Signal>,
    offers: bool,
    told: &mut mpsc::UnboundedReceiver<Signal>,
) -> Result<(), RtcError> {
    let mut early = Vec::new();
    if offers {
        let offer = peer.create_offer(OfferOptions::default()).await?;
        peer.set_local_description(offer.clone()).await?;
        let (reply, answer) = oneshot::channel();
        // A side that is gone shows as a connection that never comes up.
        let _gone = tell.send(Signal::Offer(offer, reply));
        if let Ok(answer) = answer.await {
            peer.set_remote_description(answer).await?;
        }
    }
    while let Some(signal) = told.recv().await {
        match signal {
            Signal::Offer(offer, reply) => {
                peer.set_remote_description(offer).await?;
                let answer = peer.create_answer(AnswerOptions::default()).await?;
                peer.set_local_description(answer.clone()).await?;
                let _gone = reply.send(answer);
                for candidate in early.drain(..) {
                    peer.add_ice_candidate(candidate).await?;
                }
            }
            // As signalling does: candidates wait for the description.
            Signal::Candidate(candidate) if peer.current_remote_description().is_none() => {
                early.push(candidate)
            }
            Signal::Candidate(candidate) => peer.add_ice_candidate(candidate).await?,
        }
    }
    Ok(())
}
