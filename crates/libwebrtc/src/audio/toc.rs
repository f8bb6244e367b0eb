//! What the first bytes of an Opus packet say (RFC 6716 section 3), without decoding it.

use super::{MS, Ticks};

/// Facts about one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PacketFacts {
    /// Playing time of the packet.
    pub(crate) duration: Ticks,
    /// Playing time of one of its frames, which is also how much its FEC data covers.
    pub(crate) frame: Ticks,
    /// It carries a low-rate copy (LBRR) of the frame before it.
    pub(crate) has_fec: bool,
    /// The sender announces a pause (discontinuous transmission): no speech follows for now.
    pub(crate) is_dtx: bool,
}

/// Longest packet that RFC 6716 allows.
const MAX_DURATION: Ticks = 120 * MS;

/// Reads the header; `None` if the packet cannot be valid.
pub(crate) fn inspect(packet: &[u8]) -> Option<PacketFacts> {
    let toc = *packet.first()?;
    let frame = frame_ticks(toc >> 3);
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => Ticks::from(*packet.get(1)? & 0x3f),
    };
    let duration = frame * frames;
    if duration == 0 || duration > MAX_DURATION {
        return None;
    }
    let has_fec = toc >> 3 < 16 && has_lbrr(packet, toc, frame);
    Some(PacketFacts {
        duration,
        frame,
        has_fec,
        is_dtx: packet.len() <= 2,
    })
}

fn frame_ticks(config: u8) -> Ticks {
    match config {
        0..=11 => [10, 20, 40, 60][usize::from(config & 3)] * MS,
        12..=15 => [10, 20][usize::from(config & 1)] * MS,
        _ => 120 << (config & 3),
    }
}

/// The LBRR flags follow the voice-activity flags (one per 20 ms) of each channel at the start of
/// the SILK data.
fn has_lbrr(packet: &[u8], toc: u8, frame: Ticks) -> bool {
    let Some(first) = first_frame_byte(packet, toc) else {
        return false;
    };
    let units = (frame / (20 * MS)).max(1);
    let mid = first >> (7 - units) & 1 == 1;
    let stereo = toc & 4 != 0;
    mid || (stereo && first >> (6 - 2 * units) & 1 == 1)
}

/// First byte of the first frame's data; `None` if that frame is empty or the header is cut off.
fn first_frame_byte(packet: &[u8], toc: u8) -> Option<u8> {
    let offset = match toc & 3 {
        0 | 1 => 1,
        2 => match frame_length(packet, 1)? {
            (0, _) => return None,
            (_, next) => next,
        },
        _ => code3_offset(packet)?,
    };
    packet.get(offset).copied()
}

/// Start of the first frame in a packet with an explicit frame count.
fn code3_offset(packet: &[u8]) -> Option<usize> {
    let head = *packet.get(1)?;
    let mut at = 2;
    if head & 0x40 != 0 {
        // Padding length: 255 means "254 more, and another length byte follows".
        while *packet.get(at)? == 255 {
            at += 1;
        }
        at += 1;
    }
    if head & 0x80 != 0 {
        for nth in 1..head & 0x3f {
            let (length, next) = frame_length(packet, at)?;
            if nth == 1 && length == 0 {
                return None;
            }
            at = next;
        }
    }
    Some(at)
}

/// A frame length of one or two bytes at `at`, and where the next field starts.
fn frame_length(packet: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = usize::from(*packet.get(at)?);
    if first < 252 {
        return Some((first, at + 1));
    }
    Some((usize::from(*packet.get(at + 1)?) * 4 + first, at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_follow_the_configuration_table() {
        let twenty_ms_silk_wideband = [9 << 3, 0x80];
        let facts = inspect(&twenty_ms_silk_wideband).expect("valid header");
        assert_eq!((facts.duration, facts.has_fec), (20 * MS, false));
        let two_and_a_half_ms_celt = [28 << 3, 1, 2, 3];
        assert_eq!(
            inspect(&two_and_a_half_ms_celt).map(|f| f.duration),
            Some(120)
        );
        let three_frames_of_20_ms = [31 << 3 | 3, 3, 1, 2, 3];
        assert_eq!(
            inspect(&three_frames_of_20_ms).map(|f| f.duration),
            Some(60 * MS)
        );
    }

    #[test]
    fn lbrr_flag_is_the_bit_after_the_voice_flag() {
        assert!(inspect(&[9 << 3, 0b1100_0000, 0]).is_some_and(|f| f.has_fec));
        assert!(!inspect(&[9 << 3, 0b1000_0000, 0]).is_some_and(|f| f.has_fec));
        // The same bits mean nothing in a CELT packet.
        assert!(!inspect(&[31 << 3, 0b1100_0000, 0]).is_some_and(|f| f.has_fec));
    }

    #[test]
    fn empty_and_overlong_packets_are_refused() {
        assert_eq!(inspect(&[]), None);
        assert_eq!(
            inspect(&[11 << 3 | 3, 3]),
            None,
            "180 ms is more than a packet may hold"
        );
        assert_eq!(inspect(&[9 << 3 | 3, 0]), None, "no frames");
    }

    proptest! {
        #[test]
        fn agrees_with_libopus_on_any_bytes(packet in proptest::collection::vec(any::<u8>(), 0..64)) {
            let theirs = opus::packet::get_nb_samples(&packet, 48_000).ok().filter(|n| *n > 0);
            prop_assert_eq!(inspect(&packet).map(|f| f.duration as usize), theirs);
        }
    }
}
