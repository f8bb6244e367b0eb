//! What audio costs: CPU time per 20 ms for each step between PCM and RTP payload, as medians over
//! synthetic speech on one thread.
//!
//! `cargo run --release -p libwebrtc --example audio_cost [-- --json]`

#[path = "../tests/quality/speech.rs"]
mod speech;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use libwebrtc::bench_support::{
    AudioReceiver, AudioSender, ReceiverConfig, Repair, Resampler, SenderConfig,
};

const SECONDS: f64 = 20.0;

/// What was measured, and its median in microseconds per 20 ms.
struct Cost {
    what: String,
    micros: f64,
}

fn main() {
    let speech16 = speech::utterance(1, SECONDS);
    let speech48 = resampled(&speech16, 48_000);
    let mut costs = Vec::new();
    for complexity in [0, 1, 2, 3, 4, 5, 7, 9] {
        costs.push(encoding(16_000, &speech16, complexity, 0));
    }
    costs.push(encoding(16_000, &speech16, 0, 5));
    costs.push(encoding(48_000, &speech48, 0, 0));
    costs.push(silence());
    for (rate, lost_every) in [(16_000, 0), (48_000, 0), (16_000, 20)] {
        costs.push(decoding(rate, &speech16, lost_every));
    }
    costs.push(resampling(44_100, 48_000));
    costs.push(resampling(48_000, 16_000));
    print(&costs);
}

fn print(costs: &[Cost]) {
    if std::env::args().any(|argument| argument == "--json") {
        let all: serde_json::Map<_, _> = costs
            .iter()
            .map(|cost| (cost.what.clone(), cost.micros.into()))
            .collect();
        println!("{}", serde_json::Value::Object(all));
        return;
    }
    for Cost { what, micros } in costs {
        println!("{what:<52} {micros:>8.2} µs per 20 ms");
    }
}

fn median(what: String, mut samples: Vec<Duration>) -> Cost {
    samples.sort_unstable();
    let middle = samples.get(samples.len() / 2).copied().unwrap_or_default();
    Cost {
        what,
        micros: middle.as_secs_f64() * 1e6,
    }
}

/// Times `step` over 20 ms at a time.
fn timed(what: String, pcm: &[i16], packet: usize, mut step: impl FnMut(&[i16])) -> Cost {
    let time = |piece: &[i16]| {
        let start = Instant::now();
        step(black_box(piece));
        start.elapsed()
    };
    let samples = pcm.chunks_exact(packet).map(time).collect();
    median(what, samples)
}

fn encoding(rate: u32, pcm: &[i16], complexity: u8, loss: u8) -> Cost {
    let config = SenderConfig {
        complexity,
        expected_loss: loss,
        ..SenderConfig::speech(rate, 1)
    };
    let mut sender = AudioSender::new(config).expect("a valid configuration");
    let block = rate as usize / 100;
    let mut out = Vec::new();
    let fec = if loss > 0 { " with FEC" } else { "" };
    timed(
        format!("encode {rate} Hz, complexity {complexity}{fec}"),
        pcm,
        2 * block,
        |packet| {
            for block in packet.chunks_exact(block) {
                black_box(
                    sender
                        .push_10ms(block, &mut out)
                        .expect("speech can be encoded"),
                );
            }
        },
    )
}

fn silence() -> Cost {
    let mut sender = AudioSender::new(SenderConfig::speech(16_000, 1)).expect("valid");
    let mut out = Vec::new();
    timed(
        "send silence 16000 Hz".to_owned(),
        &[0; 320 * 1_000],
        320,
        |_| {
            for _ in 0..2 {
                black_box(
                    sender
                        .push_silence_10ms(&mut out)
                        .expect("silence can be sent"),
                );
            }
        },
    )
}

/// Jitter buffer, decoder and, with every so many packets lost, FEC and concealment.
fn decoding(rate: u32, speech16: &[i16], lost_every: usize) -> Cost {
    let config = SenderConfig {
        expected_loss: 5,
        ..SenderConfig::speech(16_000, 1)
    };
    let mut sender = AudioSender::new(config).expect("a valid configuration");
    let config = ReceiverConfig {
        sample_rate: rate,
        channels: 1,
        repair: Repair::Full,
    };
    let mut receiver = AudioReceiver::new(config).expect("a valid configuration");
    let mut block = vec![0; rate as usize / 100];
    let mut packet = Vec::new();
    let mut samples = Vec::new();
    for (n, pcm) in speech16.chunks_exact(320).enumerate() {
        for block in pcm.chunks_exact(160) {
            sender
                .push_10ms(block, &mut packet)
                .expect("speech can be encoded");
        }
        let now = Duration::from_millis(20 * n as u64);
        let lost = lost_every > 0 && n % lost_every == 0;
        let start = Instant::now();
        if !lost {
            receiver.push_rtp(now, n as u64, 960 * n as u64, &packet);
        }
        receiver.pull_10ms(now, &mut block);
        receiver.pull_10ms(now + Duration::from_millis(10), &mut block);
        samples.push(start.elapsed());
        black_box(&block);
    }
    let loss = if lost_every > 0 {
        format!(", 1 of {lost_every} lost")
    } else {
        String::new()
    };
    median(format!("buffer and decode to {rate} Hz{loss}"), samples)
}

fn resampling(from: u32, to: u32) -> Cost {
    let mut resampler = Resampler::new(from, to, 1).expect("both have 10 ms blocks");
    let mut out = Vec::new();
    let pcm = vec![1_000; from as usize];
    timed(
        format!("resample {from} to {to} Hz"),
        &pcm,
        from as usize / 50,
        |packet| {
            out.clear();
            for block in packet.chunks_exact(from as usize / 100) {
                resampler.process(block, &mut out);
            }
            black_box(&out);
        },
    )
}

fn resampled(pcm: &[i16], to: u32) -> Vec<i16> {
    let mut resampler = Resampler::new(speech::RATE, to, 1).expect("both have 10 ms blocks");
    let mut out = Vec::new();
    let block = speech::RATE as usize / 100;
    pcm.chunks_exact(block)
        .for_each(|block| resampler.process(block, &mut out));
    out
}
