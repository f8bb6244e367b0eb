//! What a connection costs: CPU time per packet and memory, for many pairs of connections in one process that send each
//! other silence (so that no codec runs): ICE, DTLS, SRTP, sockets, timers and the task itself.
//!
//! `cargo run --release -p libwebrtc --example connection_cost [-- <pairs>] [--json]` (Linux only: reads `/proc`)

use std::time::Duration;

use libwebrtc::audio_source::AudioSourceOptions;
use libwebrtc::audio_source::native::NativeAudioSource;
use libwebrtc::native::create_random_uuid;
use libwebrtc::peer_connection_factory::native::PeerConnectionFactoryExt;
use libwebrtc::prelude::*;
use libwebrtc::stats::RtcStats;

const MEASURED: Duration = Duration::from_secs(5);

/// Of `/proc/self/stat`; fixed by the kernel's interface to user space.
const TICKS_PER_SECOND: f64 = 100.0;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let number = std::env::args().find_map(|argument| argument.parse().ok());
    let pairs: usize = number.unwrap_or(50);
    let empty = memory()?;
    let mut all = Vec::new();
    for _ in 0..pairs {
        all.push(pair().await?);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (cpu, packets) = (cpu()?, packets(&all).await?);
    tokio::time::sleep(MEASURED).await;
    let (cpu, packets) = (cpu_since(cpu)?, packets_since(&all, packets).await?);
    let connections = 2 * pairs;
    report(
        connections,
        cpu.as_secs_f64() * 1e6 / packets as f64,
        cpu.as_secs_f64() / MEASURED.as_secs_f64() / connections as f64 * 100.0,
        (memory()? - empty) / connections as f64,
    );
    for (a, b) in all {
        a.close();
        b.close();
    }
    Ok(())
}

fn report(connections: usize, micros: f64, percent: f64, kib: f64) {
    if std::env::args().any(|argument| argument == "--json") {
        println!(
            r#"{{"connections":{connections},"cpu_us_per_packet":{micros:.2},"core_percent_per_connection":{percent:.4},"kib_per_connection":{kib:.0}}}"#
        );
    } else {
        println!("{connections} connections, each sends and receives 50 packets per second");
        println!("{micros:>8.2} µs of CPU per packet sent and received");
        println!("{percent:>8.3} % of a core per connection");
        println!("{kib:>8.0} KiB per connection");
    }
}

/// Two connections that send each other an audio track.
async fn pair() -> Result<(PeerConnection, PeerConnection), Failure> {
    let factory = PeerConnectionFactory::default();
    let a = factory.create_peer_connection(RtcConfiguration::default())?;
    let b = factory.create_peer_connection(RtcConfiguration::default())?;
    for pc in [&a, &b] {
        let source = NativeAudioSource::new(AudioSourceOptions::default(), 16_000, 1, 100);
        let track = factory.create_audio_track(&create_random_uuid(), source);
        pc.add_track(track.into(), &["stream"])?;
    }
    let (tx, mut candidates) = tokio::sync::mpsc::unbounded_channel();
    b.on_ice_candidate(Some(Box::new(move |candidate| {
        let _nobody = tx.send(candidate);
    })));
    let offer = a.create_offer(OfferOptions::default()).await?;
    a.set_local_description(offer.clone()).await?;
    b.set_remote_description(offer).await?;
    let answer = b.create_answer(AnswerOptions::default()).await?;
    b.set_local_description(answer.clone()).await?;
    a.set_remote_description(answer).await?;
    let candidate = candidates.recv().await.ok_or("no candidate")?;
    a.add_ice_candidate(candidate).await?;
    while a.connection_state() != PeerConnectionState::Connected {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok((a, b))
}

/// Audio packets sent so far; as many are received.
async fn packets(all: &[(PeerConnection, PeerConnection)]) -> Result<u64, Failure> {
    let mut sum = 0;
    for pc in all.iter().flat_map(|(a, b)| [a, b]) {
        for stats in pc.get_stats().await? {
            if let RtcStats::OutboundAudio(outbound) = stats {
                sum += outbound.packets_sent;
            }
        }
    }
    Ok(sum)
}

async fn packets_since(
    all: &[(PeerConnection, PeerConnection)],
    before: u64,
) -> Result<u64, Failure> {
    Ok(packets(all).await? - before)
}

/// CPU time of this process, in user and kernel mode.
fn cpu() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold anything; what follows is fields 3 and up.
    let (_, fields) = stat.rsplit_once(')').ok_or("unexpected /proc/self/stat")?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: f64 = times.filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}

fn cpu_since(before: Duration) -> Result<Duration, Failure> {
    Ok(cpu()? - before)
}

/// Resident memory in KiB.
fn memory() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(words.ok_or("unexpected /proc/self/status")?.parse()?)
}
