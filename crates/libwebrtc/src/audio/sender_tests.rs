use super::*;
use crate::audio::toc;

const RATE: u32 = 16_000;
const BLOCK: usize = 160;

fn sender(config: SenderConfig) -> AudioSender {
    AudioSender::new(config).expect("the configuration is valid")
}

/// A hum with overtones in syllables of 250 ms, from sample `from` on: libopus takes a steady hum
/// for noise.
fn hum(from: usize, samples: usize, rate: u32) -> Vec<i16> {
    let sample = |n: usize| {
        let t = n as f64 / f64::from(rate) * std::f64::consts::TAU;
        let loudness = 5_000.0 + 3_000.0 * (t * 4.0).cos();
        (1..12)
            .map(|k| (t * 140.0 * f64::from(k)).sin() * loudness / f64::from(k))
            .sum::<f64>() as i16
    };
    (from..from + samples).map(sample).collect()
}

/// Pushes the PCM block by block and returns each packet with its info.
fn encode(sender: &mut AudioSender, pcm: &[i16], block: usize) -> Vec<(EncodedInfo, Vec<u8>)> {
    let mut out = Vec::new();
    let mut packets = Vec::new();
    for block in pcm.chunks_exact(block) {
        if let Some(info) = sender.push_10ms(block, &mut out).expect("encodes") {
            packets.push((info, out.clone()));
        }
    }
    packets
}

fn decode(packets: &[(EncodedInfo, Vec<u8>)], rate: u32) -> Vec<i16> {
    let mut decoder = opus::Decoder::new(rate, opus::Channels::Mono).expect("a valid rate");
    let mut pcm = Vec::new();
    let mut buffer = [0; 960];
    for (_, packet) in packets {
        let samples = decoder
            .decode(packet, &mut buffer, false)
            .expect("a valid packet");
        pcm.extend_from_slice(&buffer[..samples]);
    }
    pcm
}

fn peak(pcm: &[i16]) -> u16 {
    pcm.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0)
}

#[test]
fn every_second_block_completes_a_packet_of_20_ms() {
    let mut sender = sender(SenderConfig::speech(RATE, 1));
    let mut out = Vec::new();
    let pcm = hum(0, 2 * BLOCK, RATE);
    assert_eq!(
        sender.push_10ms(&pcm[..BLOCK], &mut out).expect("encodes"),
        None
    );
    let info = sender.push_10ms(&pcm[BLOCK..], &mut out).expect("encodes");
    assert_eq!(
        info,
        Some(EncodedInfo {
            rtp_samples_48k: 960,
            voice: true
        })
    );
    assert_eq!(opus::packet::get_nb_samples(&out, 48_000).ok(), Some(960));
}

#[test]
fn a_block_of_another_length_is_refused() {
    let mut sender = sender(SenderConfig::speech(RATE, 1));
    let error = sender
        .push_10ms(&[0; 100], &mut Vec::new())
        .expect_err("100 samples");
    assert!(matches!(
        error,
        AudioError::BlockSize {
            expected: 160,
            got: 100
        }
    ));
}

#[test]
fn silence_becomes_one_constant_small_packet() {
    for (rate, channels) in [
        (8_000, 1),
        (16_000, 1),
        (24_000, 1),
        (48_000, 1),
        (48_000, 2),
    ] {
        let mut sender = sender(SenderConfig::speech(rate, channels));
        let block = (rate / 100 * channels) as usize;
        let mut pcm = hum(0, 40 * block, rate);
        pcm.resize(140 * block, 0);
        let packets = encode(&mut sender, &pcm, block);
        let silent: Vec<_> = packets.iter().filter(|(info, _)| !info.voice).collect();
        // The first silent packet still holds the end of the sound.
        assert!(
            silent.len() >= 49 - FLUSH_PACKETS as usize,
            "{rate} Hz: {}",
            silent.len()
        );
        assert!(silent.iter().all(|(_, packet)| *packet == silent[0].1));
        assert!(
            silent[0].1.len() <= 80,
            "{rate} Hz: {} bytes",
            silent[0].1.len()
        );
    }
}

#[test]
fn the_constant_packet_stays_silent_for_ever() {
    for rate in [8_000, 16_000, 24_000, 48_000] {
        let mut sender = sender(SenderConfig {
            expected_loss: 5,
            ..SenderConfig::speech(rate, 1)
        });
        let block = (rate / 100) as usize;
        let mut pcm = hum(0, 40 * block, rate);
        pcm.resize(40 * block + 2_000 * block, 0);
        let decoded = decode(&encode(&mut sender, &pcm, block), rate);
        let after_hand_over = &decoded[60 * block..];
        assert!(
            peak(after_hand_over) <= 4,
            "{rate} Hz: peak {}",
            peak(after_hand_over)
        );
    }
}

#[test]
fn speech_after_silence_sounds_as_if_it_had_been_encoded_throughout() {
    let silence = 300;
    let mut pcm = hum(0, 40 * BLOCK, RATE);
    pcm.resize((40 + silence) * BLOCK, 0);
    pcm.extend(hum(0, 40 * BLOCK, RATE));
    let packets = encode(&mut sender(SenderConfig::speech(RATE, 1)), &pcm, BLOCK);
    assert!(packets.iter().filter(|(info, _)| !info.voice).count() > 140);

    let mut encoder = speech_encoder(RATE, &SenderConfig::speech(RATE, 1)).expect("valid");
    let mut throughout = Vec::new();
    for frame in pcm.chunks_exact(2 * BLOCK) {
        let packet = encoder.encode_vec(frame, 1_275).expect("encodes");
        throughout.push((
            EncodedInfo {
                rtp_samples_48k: 960,
                voice: true,
            },
            packet,
        ));
    }
    let from = (40 + silence) * BLOCK;
    let (ours, theirs) = (decode(&packets, RATE), decode(&throughout, RATE));
    let energy = |pcm: &[i16]| pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
    // The first 40 ms, where a wrong hand-over would be heard.
    let (a, b) = (
        energy(&ours[from..from + 640]),
        energy(&theirs[from..from + 640]),
    );
    assert!((a / b - 1.0).abs() < 0.2, "{a:.0} against {b:.0}");
    let (a, b) = (
        u32::from(peak(&ours[from..])),
        u32::from(peak(&theirs[from..])),
    );
    assert!(a * 4 < b * 5, "peak {a} against {b}");
}

#[test]
fn a_sound_that_breaks_off_runs_out() {
    let mut sender = sender(SenderConfig::speech(RATE, 1));
    let mut out = Vec::new();
    let loud = [20_000_i16; BLOCK];
    sender.push_10ms(&loud, &mut out).expect("encodes");
    sender.push_silence_10ms(&mut out).expect("encodes");
    let step = sender.quiet.windows(2).map(|w| w[0].abs_diff(w[1])).max();
    assert!(sender.quiet[0] > 19_000 && step <= Some(300), "{step:?}");
    sender.push_silence_10ms(&mut out).expect("encodes");
    assert_eq!(peak(&sender.quiet), 0);
}

#[test]
fn fec_data_appears_when_loss_is_expected_and_goes_when_it_is_not() {
    let mut sender = sender(SenderConfig::speech(RATE, 1));
    let fec = |packets: Vec<(EncodedInfo, Vec<u8>)>| {
        let facts = packets
            .iter()
            .filter_map(|(_, packet)| toc::inspect(packet));
        facts.filter(|facts| facts.has_fec).count()
    };
    assert_eq!(
        fec(encode(&mut sender, &hum(0, 40 * BLOCK, RATE), BLOCK)),
        0
    );
    sender.set_expected_loss(5);
    let with_fec = fec(encode(&mut sender, &hum(0, 40 * BLOCK, RATE), BLOCK));
    assert!(with_fec >= 10, "{with_fec} of 20");
    sender.set_expected_loss(0);
    // The first packet still carries the copy of the last one before the change.
    let left = fec(encode(&mut sender, &hum(0, 40 * BLOCK, RATE), BLOCK));
    assert!(left <= 1, "{left} of 20");
}

#[test]
fn other_rates_are_resampled() {
    let mut sender = sender(SenderConfig::speech(44_100, 1));
    let packets = encode(&mut sender, &hum(0, 441 * 40, 44_100), 441);
    assert_eq!(packets.len(), 20);
    assert!(peak(&decode(&packets, 16_000)) > 5_000);
    assert!(matches!(
        AudioSender::new(SenderConfig::speech(22_050, 1)),
        Err(AudioError::SampleRate(22_050))
    ));
}
