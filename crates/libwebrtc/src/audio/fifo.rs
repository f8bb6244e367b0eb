//! Decoded samples on their way to the 10 ms pull.

/// A first-in-first-out buffer of interleaved samples with a fixed size.
#[derive(Debug)]
pub(crate) struct PcmFifo {
    samples: Box<[i16]>,
    start: usize,
    end: usize,
}

impl PcmFifo {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            samples: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Room for `count` samples behind the queued ones; [`commit`](Self::commit) keeps them. Shorter
    /// only if the capacity is exceeded.
    pub(crate) fn tail(&mut self, count: usize) -> &mut [i16] {
        if self.end + count > self.samples.len() {
            self.samples.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let end = (self.end + count).min(self.samples.len());
        &mut self.samples[self.end..end]
    }

    /// Queues the first `count` samples written to [`tail`](Self::tail).
    pub(crate) fn commit(&mut self, count: usize) {
        self.end = (self.end + count).min(self.samples.len());
    }

    /// The queued samples, oldest first.
    pub(crate) fn queued(&mut self) -> &mut [i16] {
        &mut self.samples[self.start..self.end]
    }

    /// Drops the oldest `count` samples.
    pub(crate) fn skip(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Moves the oldest samples to `out`, as many as it holds or as there are.
    pub(crate) fn pop(&mut self, out: &mut [i16]) {
        let count = out.len().min(self.len());
        out[..count].copy_from_slice(&self.samples[self.start..self.start + count]);
        self.skip(count);
    }
}
