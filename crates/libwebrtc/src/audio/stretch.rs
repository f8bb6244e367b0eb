//! Making silence longer or shorter without a click.

/// Quieter than this (RMS) is silence whatever the background: -58 dBFS.
const ALWAYS_SILENT: f32 = 40.0;
/// The background is never taken to be louder than this: -41 dBFS.
const LOUDEST_FLOOR: f32 = 300.0;
/// Nor quieter than this, so that digital zero does not make every background noise speech.
const QUIETEST_FLOOR: f32 = 25.0;
/// Silence is what is within this factor of the background.
const ABOVE_FLOOR: f32 = 1.6;
/// Rise of the background estimate per 10 ms block, about 60 % per second; it falls at once.
const FLOOR_RISE: f32 = 1.005;

/// Tells background from speech by the level of 10 ms blocks.
#[derive(Debug)]
pub(crate) struct SilenceDetector {
    floor: f32,
}

impl SilenceDetector {
    pub(crate) fn new() -> Self {
        Self {
            floor: LOUDEST_FLOOR,
        }
    }

    /// Takes the next block in playing order.
    pub(crate) fn is_silent(&mut self, block: &[i16]) -> bool {
        let level = rms(block);
        self.floor = level
            .min(self.floor * FLOOR_RISE)
            .clamp(QUIETEST_FLOOR, LOUDEST_FLOOR);
        level < (self.floor * ABOVE_FLOOR).max(ALWAYS_SILENT)
    }
}

fn rms(block: &[i16]) -> f32 {
    let energy: f32 = block.iter().map(|s| f32::from(*s) * f32::from(*s)).sum();
    (energy / block.len().max(1) as f32).sqrt()
}

/// Fades from the first half of `pcm` to its second half and leaves the result in the second: two
/// blocks become one.
pub(crate) fn fold(pcm: &mut [i16]) {
    let (first, second) = pcm.split_at_mut(pcm.len() / 2);
    let count = second.len() as f32;
    for (n, (old, new)) in first.iter().zip(second.iter_mut()).enumerate() {
        *new = mix(*old, *new, n as f32 / count);
    }
}

/// Turns the blocks A, B at the start of `pcm` (three blocks long) into A, X, B, where X fades from B
/// to A, so that each joint continues what was there.
pub(crate) fn unfold(pcm: &mut [i16]) {
    let block = pcm.len() / 3;
    pcm.copy_within(block..2 * block, 2 * block);
    for n in 0..block {
        pcm[block + n] = mix(pcm[2 * block + n], pcm[n], n as f32 / block as f32);
    }
}

fn mix(from: i16, to: i16, share: f32) -> i16 {
    (f32::from(from) * (1.0 - share) + f32::from(to) * share) as i16
}

/// Lets interleaved audio that ended at `last` (one value per channel) run out over the whole of
/// `block` instead of breaking off.
pub(crate) fn ramp_down(last: &[i16], block: &mut [i16]) {
    let count = block.len() as f32;
    for (n, sample) in block.iter_mut().enumerate() {
        *sample = mix(last[n % last.len()], 0, (n + 1) as f32 / count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest step between neighbouring samples.
    fn roughness(pcm: &[i16]) -> u16 {
        pcm.windows(2)
            .map(|w| w[0].abs_diff(w[1]))
            .max()
            .unwrap_or(0)
    }

    fn hum(samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| ((n as f32 * 0.05).sin() * 200.0) as i16)
            .collect()
    }

    #[test]
    fn two_blocks_become_one_without_a_step() {
        let mut pcm = hum(320);
        fold(&mut pcm);
        assert!(roughness(&pcm[160..]) <= 20, "{}", roughness(&pcm[160..]));
        assert_eq!(pcm[160], hum(320)[0], "continues what came before the fold");
    }

    #[test]
    fn two_blocks_become_three_without_a_step() {
        let mut pcm = hum(320);
        pcm.resize(480, 0);
        unfold(&mut pcm);
        assert!(roughness(&pcm) <= 20, "{}", roughness(&pcm));
        assert_eq!(pcm[320..], hum(320)[160..]);
    }

    #[test]
    fn speech_is_not_silence_and_background_is() {
        let mut detector = SilenceDetector::new();
        let loud: Vec<i16> = hum(160).iter().map(|s| s * 30).collect();
        let background: Vec<i16> = hum(160).iter().map(|s| s / 2).collect();
        for _ in 0..200 {
            detector.is_silent(&background);
        }
        assert!(detector.is_silent(&background));
        assert!(!detector.is_silent(&loud));
        for _ in 0..2_000 {
            assert!(
                !detector.is_silent(&loud),
                "a long tone never becomes background"
            );
        }
    }
}
