//! One run: speech through sender, network and receiver, and its score.

use std::time::Duration;

use libwebrtc::bench_support::{
    AudioReceiver, AudioSender, ReceiverConfig, ReceiverStats, Repair, Resampler, SenderConfig,
};
use realfft::RealFftPlanner;

use crate::{
    netem::{Conditions, Netem},
    speech, stoi,
};

/// One 10 ms block.
const BLOCK: usize = speech::RATE as usize / 100;
const UTTERANCES: u64 = 10;
const SECONDS: f64 = 2.5;
const PAUSE_BLOCKS: usize = 60;
/// Playout is at most this much later than the speech, network included.
const LONGEST_DELAY: usize = speech::RATE as usize / 2;

pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) conditions: Conditions,
    pub(crate) expected_loss: u8,
    pub(crate) repair: Repair,
}

pub(crate) struct Outcome {
    pub(crate) stoi: f64,
    pub(crate) stats: ReceiverStats,
}

/// Talks for about half a minute.
pub(crate) fn run(setup: Setup) -> Outcome {
    let (script, starts) = script(setup.seed);
    let (heard, stats) = transmit(&script, &setup);
    let scores = starts.iter().map(|(start, length)| {
        let clean = &script[*start..start + length];
        let region = &heard[*start..(start + length + LONGEST_DELAY).min(heard.len())];
        // Silence may have been made longer or shorter in between, so each utterance is aligned.
        let lag = lag(clean, region);
        stoi::stoi(&at_10_khz(clean), &at_10_khz(&region[lag..]))
    });
    Outcome {
        stoi: scores.sum::<f64>() / starts.len() as f64,
        stats,
    }
}

/// Utterances with pauses, and where each starts and how long it is.
fn script(seed: u64) -> (Vec<i16>, Vec<(usize, usize)>) {
    let mut pcm = vec![0; PAUSE_BLOCKS * BLOCK];
    let mut starts = Vec::new();
    for nth in 0..UTTERANCES {
        let mut utterance = speech::utterance(seed * 1_000 + nth, SECONDS);
        utterance.truncate(utterance.len() / BLOCK * BLOCK);
        starts.push((pcm.len(), utterance.len()));
        pcm.extend(utterance);
        pcm.extend(std::iter::repeat_n(0, PAUSE_BLOCKS * BLOCK));
    }
    pcm.extend(std::iter::repeat_n(0, LONGEST_DELAY));
    (pcm, starts)
}

fn transmit(pcm: &[i16], setup: &Setup) -> (Vec<i16>, ReceiverStats) {
    let config = SenderConfig {
        expected_loss: setup.expected_loss,
        ..SenderConfig::speech(speech::RATE, 1)
    };
    let mut sender = AudioSender::new(config).expect("a valid configuration");
    let config = ReceiverConfig {
        sample_rate: speech::RATE,
        channels: 1,
        repair: setup.repair,
    };
    let mut receiver = AudioReceiver::new(config).expect("a valid configuration");
    let mut network = Netem::new(setup.conditions, setup.seed);
    let (mut packet, mut number, mut heard) = (Vec::new(), 0, Vec::new());
    let mut block = [0; BLOCK];
    for (tick, pcm) in pcm.chunks_exact(BLOCK).enumerate() {
        let now = Duration::from_millis(10 * tick as u64);
        if sender
            .push_10ms(pcm, &mut packet)
            .expect("speech can be encoded")
            .is_some()
        {
            network.send(now, number, &packet);
            number += 1;
        }
        while let Some((arrival, number, packet)) = network.receive(now) {
            receiver.push_rtp(arrival, 30_000 + number, 1_000_000 + 960 * number, &packet);
        }
        receiver.pull_10ms(now, &mut block);
        heard.extend_from_slice(&block);
    }
    (heard, receiver.stats())
}

/// By how many samples `heard` is behind `clean`: the peak of their correlation.
fn lag(clean: &[i16], heard: &[i16]) -> usize {
    let length = (clean.len() + heard.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (
        planner.plan_fft_forward(length),
        planner.plan_fft_inverse(length),
    );
    let spectrum = |pcm: &[i16]| {
        let mut padded: Vec<f64> = pcm.iter().map(|s| f64::from(*s)).collect();
        padded.resize(length, 0.0);
        let mut spectrum = forward.make_output_vec();
        forward
            .process(&mut padded, &mut spectrum)
            .expect("lengths fit");
        spectrum
    };
    let clean = spectrum(clean);
    let mut product = spectrum(heard);
    product
        .iter_mut()
        .zip(&clean)
        .for_each(|(h, c)| *h *= c.conj());
    let mut correlation = inverse.make_output_vec();
    inverse
        .process(&mut product, &mut correlation)
        .expect("lengths fit");
    let lags = &correlation[..LONGEST_DELAY];
    (0..lags.len())
        .max_by(|a, b| lags[*a].total_cmp(&lags[*b]))
        .unwrap_or(0)
}

fn at_10_khz(pcm: &[i16]) -> Vec<f64> {
    let mut resampler =
        Resampler::new(speech::RATE, stoi::RATE, 1).expect("both have 10 ms blocks");
    let mut out = Vec::new();
    pcm.chunks(BLOCK)
        .for_each(|block| resampler.process(block, &mut out));
    out.into_iter().map(f64::from).collect()
}
