//! Joins 20 ms frames into messages of 60 ms.
//!
//! Each message costs a system call and a TLS record on both sides; a third of them is a third of that cost. The delay is not on
//! the path of a turn: `Finalize` sends what is there at once, and the caller's start of speech is our own detector's business.

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::Instant;

use crate::media::frame::{AudioFrame, FRAME_SAMPLES, PTIME};

/// Frames in a message.
const FRAMES: u32 = 3;
const MESSAGE_BYTES: usize = FRAMES as usize * FRAME_SAMPLES * size_of::<i16>();

/// Frames that wait for the rest of their message.
pub(super) struct Batch {
    bytes: BytesMut,
    due: Option<Instant>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            bytes: BytesMut::with_capacity(MESSAGE_BYTES),
            due: None,
        }
    }

    /// Takes a frame; the message, when it is full.
    pub(super) fn push(&mut self, frame: &AudioFrame, now: Instant) -> Option<Bytes> {
        // After the socket has written it, the last message's memory is used again.
        self.bytes.reserve(MESSAGE_BYTES - self.bytes.len());
        for sample in frame.samples {
            self.bytes.put_i16_le(sample);
        }
        self.due.get_or_insert(now + PTIME * FRAMES);
        (self.bytes.len() >= MESSAGE_BYTES).then(|| self.take())
    }

    /// What waits; may be empty.
    pub(super) fn take(&mut self) -> Bytes {
        self.due = None;
        self.bytes.split().freeze()
    }

    /// When what waits must go even though no further frame came.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call_time::CallTime;

    #[test]
    fn three_frames_make_a_message_and_a_rest_has_a_deadline() {
        let now = Instant::now();
        let mut batch = Batch::new();
        let mut frame = AudioFrame::silence(CallTime::ZERO);
        frame.samples[0] = 0x0102;
        assert!(batch.push(&frame, now).is_none());
        assert_eq!(batch.due(), Some(now + PTIME * 3));
        assert!(batch.push(&frame, now + PTIME).is_none());
        let message = batch.push(&frame, now + PTIME * 2).expect("full");
        assert_eq!(message.len(), 1920);
        assert_eq!(message[..2], [0x02, 0x01]);
        assert_eq!(batch.due(), None);
        assert!(batch.take().is_empty());
    }
}
