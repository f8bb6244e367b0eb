//! Both directions of a call on one timeline. Pure: times come in, samples lie where they were heard.

use std::time::Duration;

/// Samples per second: what a phone line carries.
pub const RATE: u32 = 8_000;

/// Later than this and the stream had a gap; up to it, the reader was late and the sound was not.
const GAP: usize = samples(Duration::from_millis(100));
/// A stream is late for good, and not just its reader, if all of so many blocks in a row were late.
const WINDOW: usize = 25;
/// Lateness not worth a correction.
const SLACK: usize = samples(Duration::from_millis(2));
/// Longest recording; what comes later is dropped.
const LIMIT: usize = samples(Duration::from_secs(3_600));

/// Samples in a time.
pub(super) const fn samples(time: Duration) -> usize {
    (time.as_micros() * RATE as u128 / 1_000_000) as usize
}

/// A number of samples as time.
pub(super) const fn time(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / RATE as u64)
}

/// A call as both sides' sound, from the moment at which Twilio was told of it.
#[derive(Clone, Default)]
pub struct Recording {
    /// What the caller sent, when it left.
    pub sent: Vec<i16>,
    /// What the caller heard, when it arrived: all that spoke, mixed as the phone mixes it.
    pub heard: Vec<i16>,
    /// The same, each speaker alone; in the order in which they were first heard.
    pub speakers: Vec<Speaker>,
}

/// One participant of the room as the caller heard it.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// Its identity in the room.
    pub identity: String,
    /// Its sound on the recording's timeline.
    pub heard: Vec<i16>,
}

/// A stream's place on the timeline. One per track: sound comes in blocks at a steady pace, its reader wakes late at times.
#[derive(Clone, Debug, Default)]
pub struct Placer {
    /// Where the next block goes; `None` before the first.
    next: Option<usize>,
    late: usize,
    least_late: usize,
}

impl Placer {
    /// Where a block of so many samples begins that was complete at `end`.
    pub fn place(&mut self, end: Duration, length: usize) -> usize {
        let seen = samples(end).saturating_sub(length);
        let start = match self.next {
            // A reader is never early: the blocks before were placed too late.
            Some(next) if seen <= next => self.restart(seen),
            Some(next) if seen > next + GAP => self.restart(seen),
            Some(next) => next + self.lasting_lateness(seen - next),
            None => self.restart(seen),
        };
        self.next = Some(start + length);
        start
    }

    fn restart(&mut self, at: usize) -> usize {
        self.late = 0;
        at
    }

    /// What all blocks of the last [`WINDOW`] had in common.
    fn lasting_lateness(&mut self, late: usize) -> usize {
        self.least_late = if self.late == 0 {
            late
        } else {
            self.least_late.min(late)
        };
        self.late += 1;
        if self.late < WINDOW {
            return 0;
        }
        self.late = 0;
        if self.least_late > SLACK {
            self.least_late
        } else {
            0
        }
    }
}

impl std::fmt::Debug for Recording {
    /// How much there is, not what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Recording({:?} sent, {:?} heard)",
            time(self.sent.len()),
            time(self.heard.len())
        )
    }
}

impl Recording {
    /// Writes what left.
    pub fn sent(&mut self, at: usize, block: &[i16]) {
        write(&mut self.sent, at, block);
    }

    /// Writes what arrived from a participant.
    pub fn heard(&mut self, identity: &str, at: usize, block: &[i16]) {
        let known = self.speakers.iter_mut().find(|s| s.identity == identity);
        match known {
            Some(speaker) => write(&mut speaker.heard, at, block),
            None => {
                let mut heard = Vec::new();
                write(&mut heard, at, block);
                self.speakers.push(Speaker {
                    identity: identity.to_owned(),
                    heard,
                });
            }
        }
        let mixed: Vec<i16> = (at..at + block.len()).map(|at| self.mixed(at)).collect();
        write(&mut self.heard, at, &mixed);
    }

    fn mixed(&self, at: usize) -> i16 {
        let all = self.speakers.iter().filter_map(|s| s.heard.get(at));
        all.fold(0, |sum: i16, sample| sum.saturating_add(*sample))
    }

    /// A RIFF file with two channels: what was sent on the left, what was heard on the right.
    #[must_use]
    pub fn to_wav(&self) -> Vec<u8> {
        let frames = self.sent.len().max(self.heard.len());
        let data = u32::try_from(frames * 4).unwrap_or(u32::MAX - 36);
        let mut out = Vec::with_capacity(44 + frames * 4);
        out.extend_from_slice(b"RIFF");
        out.extend_from_slice(&(36 + data).to_le_bytes());
        out.extend_from_slice(b"WAVEfmt ");
        out.extend_from_slice(&16_u32.to_le_bytes());
        for word in [1_u16, 2] {
            out.extend_from_slice(&word.to_le_bytes()); // PCM, channels
        }
        out.extend_from_slice(&RATE.to_le_bytes());
        out.extend_from_slice(&(RATE * 4).to_le_bytes()); // bytes per second
        for word in [4_u16, 16] {
            out.extend_from_slice(&word.to_le_bytes()); // bytes per frame, bits
        }
        out.extend_from_slice(b"data");
        out.extend_from_slice(&data.to_le_bytes());
        for frame in 0..frames {
            for channel in [&self.sent, &self.heard] {
                out.extend_from_slice(&channel.get(frame).copied().unwrap_or(0).to_le_bytes());
            }
        }
        out
    }
}

/// The latest sound wins where two pieces overlap.
fn write(track: &mut Vec<i16>, at: usize, block: &[i16]) {
    let end = at + block.len();
    if end > LIMIT {
        return;
    }
    if track.len() < end {
        track.resize(end, 0);
    }
    track[at..end].copy_from_slice(block);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 80;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_late_reader_does_not_move_the_sound() {
        let mut placer = Placer::default();
        let lateness = [0, 3, 9, 0, 14, 2];
        let starts: Vec<_> = (0..6)
            .map(|n| placer.place(ms(10 * (n + 1) + lateness[n as usize]), BLOCK))
            .collect();
        assert_eq!(starts, [0, 80, 160, 240, 320, 400]);
    }

    #[test]
    fn a_late_first_reader_is_corrected_by_the_next() {
        let mut placer = Placer::default();
        assert_eq!(placer.place(ms(18), BLOCK), 64);
        assert_eq!(placer.place(ms(20), BLOCK), 80);
        assert_eq!(placer.place(ms(30), BLOCK), 160);
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let mut placer = Placer::default();
        assert_eq!(placer.place(ms(10), BLOCK), 0);
        assert_eq!(placer.place(ms(210), BLOCK), 1_600);
    }

    #[test]
    fn a_block_left_out_moves_what_follows_within_a_quarter_of_a_second() {
        let mut placer = Placer::default();
        placer.place(ms(10), BLOCK);
        let mut last = 0;
        for n in 2..40 {
            last = placer.place(ms(10 * (n + 1)), BLOCK);
        }
        assert_eq!(last, 39 * BLOCK);
    }

    #[test]
    fn speakers_are_kept_apart_and_mixed() {
        let mut recording = Recording::default();
        recording.heard("one", 0, &[5; 4]);
        recording.heard("two", 2, &[i16::MAX; 4]);
        recording.heard("one", 4, &[7; 2]);
        let max = i16::MAX;
        assert_eq!(recording.heard, [5, 5, max, max, max, max]);
        let alone: Vec<_> = recording
            .speakers
            .iter()
            .map(|s| (&*s.identity, s.heard.len()))
            .collect();
        assert_eq!(alone, [("one", 6), ("two", 6)]);
    }

    #[test]
    fn the_file_holds_both_sides() {
        let mut recording = Recording::default();
        recording.sent(0, &[1; BLOCK]);
        recording.heard("agent", BLOCK, &[2; BLOCK]);
        let wav = recording.to_wav();
        assert_eq!(wav.len(), 44 + 2 * BLOCK * 4);
        assert_eq!(&wav[44..48], [1, 0, 0, 0]);
        assert_eq!(&wav[wav.len() - 4..], [0, 0, 2, 0]);
    }
}
