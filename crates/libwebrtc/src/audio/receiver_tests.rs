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

/// One second of silence, encoded, as a sender repeats it.
fn silence() -> Vec<u8> {
    let mut sender = AudioSender::new(SenderConfig::speech(RATE, 1)).expect("valid");
    let mut out = Vec::new();
    for _ in 0..100 {
        sender.push_silence_10ms(&mut out).expect("encodes");
    }
    out
}

#[test]
fn clocks_that_drift_apart_are_followed_in_silence() {
    let packet = silence();
    // The sender's clock runs 0.05 % slow, then 0.05 % fast: far more than real ones do.
    for packet_micros in [20_010_u64, 19_990] {
        let mut receiver = receiver(Repair::Full);
        let mut block = [0; BLOCK_LEN];
        let mut sent = 0;
        for tick in 0..30_000_u64 {
            let now = ms(tick * 10);
            while Duration::from_micros(sent * packet_micros) <= now {
                receiver.push_rtp(now, sent, sent * 960, &packet);
                sent += 1;
            }
            receiver.pull_10ms(now, &mut block);
            let stats = receiver.stats();
            assert!(stats.delay <= ms(70), "{:?} after {now:?}", stats.delay);
        }
        let stats = receiver.stats();
        let (lost, concealed) = (stats.packets_lost, stats.concealed);
        assert!(
            lost == 0 && concealed <= ms(20),
            "{packet_micros}: {stats:?}"
        );
        // 300 s at 0.05 % are 150 ms.
        let moved = stats.inserted.max(stats.removed);
        assert!(
            (ms(100)..=ms(200)).contains(&moved),
            "{packet_micros}: {stats:?}"
        );
    }
}

#[test]
fn after_a_stall_everything_is_heard_and_silence_restores_the_delay() {
    let packet = silence();
    let mut receiver = receiver(Repair::Full);
    let mut block = [0; BLOCK_LEN];
    let mut highest = Duration::ZERO;
    for tick in 0..1_000_u64 {
        let now = ms(tick * 10);
        // What is sent from 2 s to 2.4 s arrives at 2.4 s.
        let stalled = (200..240).contains(&tick);
        let due = if stalled {
            0
        } else if tick == 240 {
            21
        } else {
            (tick % 2) ^ 1
        };
        for back in (0..due).rev() {
            let n = tick / 2 - back;
            receiver.push_rtp(now, n, n * 960, &packet);
        }
        receiver.pull_10ms(now, &mut block);
        highest = highest.max(receiver.stats().delay);
    }
    let stats = receiver.stats();
    assert_eq!(
        (
            stats.packets_lost,
            stats.packets_late,
            stats.packets_discarded
        ),
        (0, 0, 0)
    );
    assert!(highest >= ms(350), "the backlog is played: {highest:?}");
    assert!(stats.delay <= stats.target_delay + ms(30), "{stats:?}");
}

#[test]
fn pauses_of_a_sender_with_dtx_are_no_loss() {
    let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip)
        .expect("a valid configuration");
    encoder.set_dtx(true).expect("a valid setting");
    let mut receiver = receiver(Repair::Full);
    let (mut block, mut seq, mut paused, mut loud) = ([0; BLOCK_LEN], 0, false, 0);
    for n in 0..400_u64 {
        // A second of sound, three of silence, in turn.
        let speaking = n % 200 < 50;
        let sample = |k: u64| ((n * 320 + k) as f64 * 0.07).sin() * 6_000.0;
        let pcm: Vec<i16> = (0..320)
            .map(|k| if speaking { sample(k) as i16 } else { 0 })
            .collect();
        let packet = encoder.encode_vec(&pcm, 400).expect("encodes");
        // As libwebrtc does it: the first packet without content is sent, the others are not.
        let empty = packet.len() <= 2;
        if !(empty && paused) {
            receiver.push_rtp(ms(n * 20), seq, n * 960, &packet);
            seq += 1;
        }
        paused = empty;
        for half in 0..2 {
            receiver.pull_10ms(ms(n * 20 + half * 10), &mut block);
            loud += usize::from(rms(&block) > 1_000.0);
        }
    }
    let stats = receiver.stats();
    assert!(seq < 250, "{seq} packets: the encoder did pause");
    assert_eq!(
        (stats.packets_lost, stats.packets_late, stats.restarts),
        (0, 0, 0),
        "{stats:?}"
    );
    assert_eq!(stats.concealed, Duration::ZERO);
    assert!(
        (195..=206).contains(&loud),
        "2 s were sent, {loud}0 ms were heard"
    );
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
