//! How intelligible speech is after a bad network: synthetic speech, the crate's sender, an emulated
//! network, its receiver, and STOI against the original. Seeds are printed, so a failure repeats.

mod allocations;
mod netem;
mod run;
mod speech;
mod stoi;

use std::time::Duration;

use libwebrtc::bench_support::{
    AudioReceiver, AudioSender, ReceiverConfig, Repair, Resampler, SenderConfig,
};
use netem::{Conditions, Loss};
use rand::{Rng, SeedableRng, rngs::StdRng};
use run::{Outcome, Setup, run};

/// 5 % loss and 40 ms of jitter, as `tc netem delay 60ms 40ms loss 5%`.
fn bad_network(loss: Loss) -> Conditions {
    let (delay, jitter) = (Duration::from_millis(60), Duration::from_millis(40));
    Conditions {
        loss,
        delay,
        jitter,
        duplicates: 0.01,
    }
}

const FIVE_PERCENT: Loss = Loss::Random { share: 0.05 };

fn with_repair(seed: u64, conditions: Conditions) -> Outcome {
    run(Setup {
        seed,
        conditions,
        expected_loss: 5,
        repair: Repair::Full,
    })
}

fn without_repair(seed: u64, conditions: Conditions) -> Outcome {
    run(Setup {
        seed,
        conditions,
        expected_loss: 0,
        repair: Repair::Silence,
    })
}

#[test]
fn fec_and_concealment_raise_intelligibility_under_5_percent_loss_and_40_ms_jitter() {
    for seed in 1..=4 {
        let repaired = with_repair(seed, bad_network(FIVE_PERCENT));
        let bare = without_repair(seed, bad_network(FIVE_PERCENT));
        println!(
            "seed {seed}: STOI {:.3} with repair, {:.3} without; {:?}",
            repaired.stoi, bare.stoi, repaired.stats
        );
        assert!(
            repaired.stoi >= bare.stoi + 0.05,
            "seed {seed}: {:.3} is not 0.05 above {:.3}",
            repaired.stoi,
            bare.stoi
        );
        assert!(repaired.stats.packets_recovered_by_fec > 0, "seed {seed}");
    }
}

#[test]
fn a_good_network_costs_no_intelligibility_and_little_delay() {
    let still = Conditions {
        loss: Loss::Random { share: 0.0 },
        delay: Duration::from_millis(20),
        jitter: Duration::ZERO,
        duplicates: 0.0,
    };
    let outcome = with_repair(7, still);
    println!("STOI {:.3}; {:?}", outcome.stoi, outcome.stats);
    assert!(outcome.stoi > 0.95, "{:.3}", outcome.stoi);
    assert_eq!(outcome.stats.packets_lost, 0);
    assert_eq!(outcome.stats.concealed, Duration::ZERO);
    assert!(
        outcome.stats.delay <= Duration::from_millis(50),
        "{:?}",
        outcome.stats.delay
    );
}

#[test]
fn bursts_are_survived_too() {
    let bursts = bad_network(Loss::Bursts {
        share: 0.05,
        mean_length: 3.0,
    });
    for seed in 11..=12 {
        let (repaired, bare) = (with_repair(seed, bursts), without_repair(seed, bursts));
        println!(
            "seed {seed}: STOI {:.3} with repair, {:.3} without",
            repaired.stoi, bare.stoi
        );
        assert!(repaired.stoi > bare.stoi + 0.02, "seed {seed}");
    }
}

#[test]
fn jitter_alone_loses_hardly_anything_once_the_delay_has_adapted() {
    let jitter = bad_network(Loss::Random { share: 0.0 });
    let outcome = with_repair(21, jitter);
    println!("STOI {:.3}; {:?}", outcome.stoi, outcome.stats);
    let share = outcome.stats.packets_lost as f64 / outcome.stats.packets_received as f64;
    assert!(share < 0.03, "{share:.3}");
    assert!(outcome.stats.target_delay <= Duration::from_millis(110));
}

#[test]
fn a_running_stream_allocates_nothing() {
    let mut sender = AudioSender::new(SenderConfig::speech(16_000, 1)).expect("valid");
    let config = ReceiverConfig {
        sample_rate: 16_000,
        channels: 1,
        repair: Repair::Full,
    };
    let mut receiver = AudioReceiver::new(config).expect("valid");
    let (mut packet, mut block, mut number) = (Vec::new(), [0; 160], 0_u64);
    let mut talk = |pcm: &[i16]| {
        for pcm in pcm.chunks_exact(160) {
            if sender
                .push_10ms(pcm, &mut packet)
                .expect("encodes")
                .is_some()
            {
                let now = Duration::from_millis(20 * number);
                if number % 20 != 7 {
                    receiver.push_rtp(now, number, 960 * number, &packet);
                }
                receiver.pull_10ms(now, &mut block);
                receiver.pull_10ms(now + Duration::from_millis(10), &mut block);
                number += 1;
            }
        }
    };
    let mut speech = speech::utterance(3, 6.0);
    speech.resize(speech.len() + 16_000, 0);
    // The first round lets every buffer grow to the size of its largest packet.
    talk(&speech);
    let made = allocations::allocations(|| (0..5).for_each(|_| talk(&speech)));
    assert!(
        made <= 5,
        "{made} allocations in 35 s; a slot may still meet its largest packet"
    );
}

/// The measure itself, on synthetic speech at 10 kHz with white noise `db` below it.
fn stoi_in_noise(db: f64) -> f64 {
    let mut resampler =
        Resampler::new(speech::RATE, stoi::RATE, 1).expect("both have 10 ms blocks");
    let mut pcm = Vec::new();
    for block in speech::utterance(5, 4.0).chunks_exact(160) {
        resampler.process(block, &mut pcm);
    }
    let clean: Vec<f64> = pcm.iter().map(|s| f64::from(*s)).collect();
    let level = (clean.iter().map(|s| s * s).sum::<f64>() / clean.len() as f64).sqrt();
    let mut rng = StdRng::seed_from_u64(9);
    // Uniform noise of amplitude a has the level a / sqrt(3).
    let amplitude = level * 3.0_f64.sqrt() * 10.0_f64.powf(-db / 20.0);
    let noise = |s: &f64| s + amplitude * rng.random_range(-1.0..1.0);
    let degraded: Vec<f64> = clean.iter().map(noise).collect();
    stoi::stoi(&clean, &degraded)
}

#[test]
fn stoi_is_one_for_the_original_and_falls_with_noise() {
    assert!(stoi_in_noise(200.0) > 0.999_9);
    let levels = [30.0, 20.0, 10.0, 5.0, 0.0, -5.0, -10.0, -20.0].map(stoi_in_noise);
    println!("STOI from 30 to -20 dB: {levels:.3?}");
    assert!(levels.windows(2).all(|w| w[0] > w[1]), "{levels:?}");
    assert!(levels[0] > 0.95 && levels[7] < 0.35, "{levels:?}");
}

#[test]
fn stoi_ignores_loudness() {
    let clean: Vec<f64> = (0..20_000)
        .map(|n| f64::from(n % 700) * f64::from(n % 31))
        .collect();
    let quiet: Vec<f64> = clean.iter().map(|s| s * 0.1).collect();
    assert!((stoi::stoi(&clean, &quiet) - 1.0).abs() < 1e-6);
}
