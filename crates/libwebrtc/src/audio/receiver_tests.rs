use proptest::prelude::*;

use super::*;
use crate::audio::sender::{AudioSender, SenderConfig};

const RATE: u32 = 16_000;
const BLOCK_LEN: usize = 160;

fn receiver(repair: Repair) -> AudioReceiver {
    AudioReceiver::new(ReceiverConfig {
        sample_rate: RATE,
        channels: 1,
        repair,
    })
    .expect("the configuration is valid")
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A vowel in syllables of 250 ms, `packets` packets of 20 ms with FEC data.
fn vowel(packets: usize) -> Vec<Vec<u8>> {
    let config = SenderConfig {
        expected_loss: 10,
        ..SenderConfig::speech(RATE, 1)
    };
    let mut sender = AudioSender::new(config).expect("the configuration is valid");
    let mut encoded = Vec::new();
    let mut out = Vec::new();
    for block in 0..2 * packets {
        let pcm: Vec<i16> = (block * BLOCK_LEN..(block + 1) * BLOCK_LEN)
            .map(|n| {
                let t = n as f64 / f64::from(RATE) * std::f64::consts::TAU;
                let loudness = 900.0 + 600.0 * (t * 4.0).cos();
                (1..10)
                    .map(|k| (t * 150.0 * f64::from(k)).sin() * loudness)
                    .sum::<f64>() as i16
            })
            .collect();
        if sender.push_10ms(&pcm, &mut out).expect("encodes").is_some() {
            encoded.push(out.clone());
        }
    }
    encoded
}

fn rms(pcm: &[i16]) -> f64 {
    (pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
}

/// Plays packets that arrive 5 ms after they are sent, without those listed as lost.
fn play(receiver: &mut AudioReceiver, packets: &[Vec<u8>], lost: &[usize]) -> Vec<i16> {
    let mut heard = Vec::new();
    let mut block = [0; BLOCK_LEN];
    for tick in 0..2 * packets.len() as u64 + 10 {
        let n = (tick / 2) as usize;
        if tick % 2 == 0 && n < packets.len() && !lost.contains(&n) {
            receiver.push_rtp(
                ms(tick * 10 + 5),
                1_000 + n as u64,
                77_000 + 960 * n as u64,
                &packets[n],
            );
        }
        receiver.pull_10ms(ms(tick * 10 + 9), &mut block);
        heard.extend_from_slice(&block);
    }
    heard
}

#[test]
fn an_undisturbed_stream_is_played_whole_and_soon() {
    let mut receiver = receiver(Repair::Full);
    let heard = play(&mut receiver, &vowel(100), &[]);
    let first = heard
        .chunks(BLOCK_LEN)
        .position(|b| rms(b) > 500.0)
        .expect("something is heard");
    assert!(first <= 5, "the first sound comes after {first}0 ms");
    let middle = &heard[20 * BLOCK_LEN..180 * BLOCK_LEN];
    assert!(
        middle.chunks(BLOCK_LEN).all(|b| rms(b) > 300.0),
        "a vowel has no holes"
    );
    let stats = receiver.stats();
    assert_eq!(
        (
            stats.packets_received,
            stats.packets_lost,
            stats.packets_late
        ),
        (100, 0, 0)
    );
    assert_eq!(stats.packets_discarded + stats.restarts, 0);
}

#[test]
fn a_single_loss_is_recovered_from_the_next_packet() {
    let mut receiver = receiver(Repair::Full);
    let heard = play(&mut receiver, &vowel(100), &[50]);
    let stats = receiver.stats();
    assert_eq!((stats.packets_lost, stats.packets_recovered_by_fec), (1, 1));
    assert!(stats.concealed <= ms(20), "{:?}", stats.concealed);
    let around = &heard[95 * BLOCK_LEN..115 * BLOCK_LEN];
    assert!(around.chunks(BLOCK_LEN).all(|b| rms(b) > 300.0));
}

#[test]
fn a_burst_is_concealed_except_its_last_frame() {
    let mut receiver = receiver(Repair::Full);
    play(&mut receiver, &vowel(100), &[50, 51, 52]);
    let stats = receiver.stats();
    assert_eq!((stats.packets_lost, stats.packets_recovered_by_fec), (3, 1));
    assert!(
        (ms(40)..=ms(60)).contains(&stats.concealed),
        "{:?}",
        stats.concealed
    );
}

#[test]
fn without_repair_a_loss_is_a_hole() {
    let mut receiver = receiver(Repair::Silence);
    let heard = play(&mut receiver, &vowel(100), &[50]);
    assert_eq!(receiver.stats().packets_recovered_by_fec, 0);
    let holes = heard[20 * BLOCK_LEN..190 * BLOCK_LEN]
        .chunks(BLOCK_LEN)
        .filter(|b| rms(b) == 0.0);
    assert_eq!(holes.count(), 2);
}

#[test]
fn the_end_of_a_stream_fades_and_is_not_counted_as_loss() {
    let mut receiver = receiver(Repair::Full);
    play(&mut receiver, &vowel(50), &[]);
    let mut block = [0; BLOCK_LEN];
    for tick in 0..100 {
        receiver.pull_10ms(ms(1_200 + tick * 10), &mut block);
    }
    assert_eq!(rms(&block), 0.0);
    assert_eq!(receiver.stats().concealed, Duration::ZERO);
}

#[test]
fn a_changed_output_format_is_used_at_once() {
    let mut receiver = receiver(Repair::Full);
    let packets = vowel(20);
    play(&mut receiver, &packets, &[]);
    receiver.set_output(48_000, 2).expect("a valid format");
    let mut block = [1; 960];
    receiver.pull_10ms(ms(500), &mut block);
    assert_eq!(receiver.output(), (48_000, 2));
    assert!(receiver.set_output(44_100, 1).is_err());
    assert_eq!(receiver.output(), (48_000, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever arrives, each pull fills its block; a panic or a hang fails the test.
    #[test]
    fn garbage_never_stops_the_sound(
        packets in proptest::collection::vec(
            (0_u64..400, any::<u64>(), any::<u64>(), proptest::collection::vec(any::<u8>(), 0..80)), 1..60),
        near in any::<bool>(),
    ) {
        let mut receiver = receiver(Repair::Full);
        let mut block = [0; BLOCK_LEN];
        for (n, (wait, seq, ts, payload)) in packets.iter().enumerate() {
            let (seq, ts) = if near { (seq % 64, (seq % 64) * 960 + ts % 200) } else { (*seq, *ts) };
            let now = ms(n as u64 * 20 + wait);
            receiver.push_rtp(now, seq, ts, payload);
            receiver.pull_10ms(now, &mut block);
        }
        let stats = receiver.stats();
        prop_assert_eq!(stats.packets_received, packets.len() as u64);
    }
}
