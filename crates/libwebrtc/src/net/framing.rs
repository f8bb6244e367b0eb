//! RFC 4571: each packet on a stream is preceded by its length in two bytes.

/// Longer frames mean that the stream is not ours.
const MAX_FRAME: usize = 2048;

/// Cuts a byte stream into packets.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    buffer: Vec<u8>,
    /// What has been given out already.
    start: usize,
}

/// The stream does not carry packets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotFramed;

impl FrameReader {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, NotFramed> {
        let pending = &self.buffer[self.start..];
        let Some((length, rest)) = pending.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > MAX_FRAME {
            return Err(NotFramed);
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        self.start += 2 + length;
        Ok(Some(frame))
    }
}

/// Bytes that wait for a stream to take them. Holds whole frames only: one that does not fit is refused.
#[derive(Debug, Default)]
pub(super) struct FrameWriter {
    buffer: Vec<u8>,
    start: usize,
}

/// About a second of audio, and small enough not to add seconds of delay on a slow path.
const MAX_WAITING: usize = 64 * 1024;

impl FrameWriter {
    /// Queues a packet. `false` if too much is waiting: the packet is dropped, as it would be by a full socket.
    pub(super) fn push(&mut self, packet: &[u8]) -> bool {
        let Ok(length) = u16::try_from(packet.len()) else {
            return false;
        };
        if self.waiting().len() + packet.len() > MAX_WAITING {
            return false;
        }
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(packet);
        true
    }

    pub(super) fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(super) fn written(&mut self, bytes: usize) {
        self.start += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_survive_any_split_of_the_stream() {
        let packets: Vec<Vec<u8>> = (0..40usize).map(|n| vec![n as u8; n * 37 % 1500]).collect();
        let mut writer = FrameWriter::default();
        assert!(packets.iter().all(|packet| writer.push(packet)));
        for step in [1, 2, 3, 7, 1000, 100_000] {
            let mut reader = FrameReader::default();
            let mut got = Vec::new();
            for bytes in writer.waiting().chunks(step) {
                reader.push(bytes);
                while let Some(frame) = reader.next().expect("well framed") {
                    got.push(frame.to_vec());
                }
            }
            assert_eq!(got, packets, "step {step}");
        }
    }

    #[test]
    fn what_is_not_framed_is_refused() {
        let mut reader = FrameReader::default();
        reader.push(b"HTTP/1.1 400 Bad Request\r\n");
        assert_eq!(reader.next(), Err(NotFramed));
    }

    #[test]
    fn a_slow_stream_drops_packets_instead_of_growing() {
        let mut writer = FrameWriter::default();
        let packet = [0; 1000];
        let taken = (0..1000).filter(|_| writer.push(&packet)).count();
        assert!((60..=70).contains(&taken), "{taken}");
        let all = writer.waiting().len();
        writer.written(all);
        assert!(writer.push(&packet));
    }
}
