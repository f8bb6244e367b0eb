//! Bytes into samples: a vendor's message may end in the middle of one.

/// Joins the halves of samples that were cut between messages.
#[derive(Default)]
pub(super) struct PcmJoiner {
    half: Option<u8>,
}

impl PcmJoiner {
    /// Little-endian 16-bit samples of this message, and of the half that the last one left.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<i16> {
        let mut samples = Vec::with_capacity(bytes.len().div_ceil(2));
        let mut rest = bytes;
        if let (Some(low), [high, tail @ ..]) = (self.half, rest) {
            samples.push(i16::from_le_bytes([low, *high]));
            self.half = None;
            rest = tail;
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
        if let [last] = odd {
            self.half = Some(*last);
        }
        samples
    }

    /// A new utterance begins: a half that is left belongs to none.
    pub(super) fn reset(&mut self) {
        self.half = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_cuts_between_messages_do_not_matter(samples: Vec<i16>, cuts in prop::collection::vec(0usize..7, 0..40)) {
            let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
            let mut joiner = PcmJoiner::default();
            let mut out = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                out.extend(joiner.push(head));
                rest = tail;
            }
            out.extend(joiner.push(rest));
            prop_assert_eq!(out, samples);
            prop_assert!(joiner.half.is_none());
        }
    }
}
