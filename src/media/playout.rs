//! The playout clock: turns bursts of synthesised sound into frames on time, and knows what of it was heard.
//!
//! Sans-IO. The shell pushes sound as it comes, asks for frames until there is none, and sleeps until [`Playout::deadline`].
//! Between utterances it emits silence, one frame per 20 ms, because the phone leg is hung up when no packets come. Voice runs
//! [`LEAD`] ahead of real time and no more, so that a barge-in has little to take back.

mod heard;

use std::{collections::VecDeque, time::Duration};

pub use self::heard::{Heard, HeardPiece};
use super::{
    frame::{AudioFrame, FRAME_SAMPLES, PTIME},
    loudness::Onset,
};
use crate::domain::{call_time::CallTime, phi::Phi};

/// How far voice runs ahead of real time: covers timer slack and a short stall of the call's task.
pub const LEAD: Duration = Duration::from_millis(60);

/// Lateness after which missed frames are skipped instead of sent in a burst.
const STALL: Duration = Duration::from_millis(40);

/// One contribution of the agent: a reply or a canned line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtteranceId(pub u32);

/// What the playout noticed.
#[derive(Debug)]
pub enum PlayoutEvent {
    /// Voice of this utterance begins, or goes on after [`PlayoutEvent::Dry`]; the time its first sample is due.
    Started(UtteranceId, CallTime),
    /// The voice that began becomes audible: the time of its first sound, behind the synthesiser's leading silence.
    Audible(UtteranceId, CallTime),
    /// All sound so far was played, but the utterance is not closed: more may come.
    Dry(UtteranceId),
    /// The utterance was played to its end.
    Finished(Heard),
}

/// See the module.
#[derive(Debug)]
pub struct Playout {
    utterances: VecDeque<Utterance>,
    /// Frames handed out whose time has not passed; at most `LEAD / PTIME + 1`.
    in_flight: VecDeque<Sent>,
    next_due: CallTime,
    paused: bool,
    voiced: Option<UtteranceId>,
    onset: Onset,
    events: VecDeque<PlayoutEvent>,
}

#[derive(Debug)]
struct Utterance {
    id: UtteranceId,
    pieces: Vec<Piece>,
    closed: bool,
    started: Option<CallTime>,
}

/// Text that is synthesised as one (up to one flush) and its sound.
#[derive(Debug)]
struct Piece {
    tag: u32,
    text: Phi<String>,
    pcm: VecDeque<i16>,
    /// Samples that came so far.
    received: usize,
    /// Samples whose time has passed.
    played: usize,
    /// No more sound comes.
    complete: bool,
}

struct Sent {
    due: CallTime,
    utterance: UtteranceId,
    piece: usize,
    count: usize,
    samples: [i16; FRAME_SAMPLES],
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent")
            .field("due", &self.due)
            .field("utterance", &self.utterance)
            .finish_non_exhaustive()
    }
}

impl Piece {
    fn is_done(&self) -> bool {
        self.complete && self.pcm.is_empty()
    }

    /// A whole frame, or the rest of a complete piece.
    fn has_frame(&self) -> bool {
        self.pcm.len() >= FRAME_SAMPLES || (self.complete && !self.pcm.is_empty())
    }

    fn take_frame(&mut self) -> ([i16; FRAME_SAMPLES], usize) {
        let count = self.pcm.len().min(FRAME_SAMPLES);
        let mut samples = [0; FRAME_SAMPLES];
        for (to, from) in samples.iter_mut().zip(self.pcm.drain(..count)) {
            *to = from;
        }
        (samples, count)
    }
}

impl Playout {
    /// Silence from `now` on.
    #[must_use]
    pub fn new(now: CallTime) -> Self {
        Self {
            utterances: VecDeque::new(),
            in_flight: VecDeque::new(),
            next_due: now,
            paused: false,
            voiced: None,
            onset: Onset::default(),
            events: VecDeque::new(),
        }
    }

    /// Announces text whose sound will be pushed next, after that of earlier pieces. `tag` is the caller's and comes back in [`Heard`].
    pub fn open_piece(&mut self, utterance: UtteranceId, tag: u32, text: Phi<String>) {
        let piece = Piece {
            tag,
            text,
            pcm: VecDeque::new(),
            received: 0,
            played: 0,
            complete: false,
        };
        match self.utterances.iter_mut().find(|u| u.id == utterance) {
            Some(open) => open.pieces.push(piece),
            None => self.utterances.push_back(Utterance {
                id: utterance,
                pieces: vec![piece],
                closed: false,
                started: None,
            }),
        }
    }

    /// Adds text to the newest piece of the utterance: both are synthesised as one.
    pub fn extend_piece(&mut self, utterance: UtteranceId, text: &Phi<String>) {
        let newest = self
            .utterances
            .iter_mut()
            .find(|u| u.id == utterance)
            .and_then(|u| u.pieces.last_mut());
        if let Some(piece) = newest {
            let joined = format!("{} {}", piece.text.expose(), text.expose());
            piece.text = Phi::new(joined);
        }
    }

    /// Sound of the oldest piece that is not complete; dropped if there is none.
    pub fn push(&mut self, samples: &[i16]) {
        if let Some(piece) = self.incomplete_mut().next() {
            piece.pcm.extend(samples);
            piece.received += samples.len();
        }
    }

    /// The oldest incomplete piece has all its sound.
    pub fn complete_piece(&mut self) {
        if let Some(piece) = self.incomplete_mut().next() {
            piece.complete = true;
        }
    }

    /// No more text comes for the utterance: it finishes when its sound was played (at once if it has none left).
    pub fn close(&mut self, utterance: UtteranceId) {
        match self.utterances.iter_mut().find(|u| u.id == utterance) {
            Some(open) => open.closed = true,
            None => self.utterances.push_back(Utterance {
                id: utterance,
                pieces: Vec::new(),
                closed: true,
                started: None,
            }),
        }
    }

    /// Forgets the sound of incomplete pieces, which will be synthesised again. If part of it was handed out, `apology` is put before the
    /// first of them; returns whether that was so.
    pub fn rewind_incomplete(&mut self, apology: &str) -> bool {
        let mut handed_out = false;
        for (nth, piece) in self.incomplete_mut().enumerate() {
            handed_out |= nth == 0 && piece.received > piece.pcm.len();
            piece.pcm.clear();
            piece.received = 0;
            piece.played = 0;
            if nth == 0 && handed_out {
                piece.text = Phi::new(format!("{apology} {}", piece.text.expose()));
            }
        }
        handed_out
    }

    /// Sound that waits to be played.
    #[must_use]
    pub fn buffered(&self) -> Duration {
        let samples: usize = self
            .utterances
            .iter()
            .flat_map(|u| &u.pieces)
            .map(|p| p.pcm.len())
            .sum();
        PTIME * u32::try_from(samples / FRAME_SAMPLES).unwrap_or(u32::MAX)
    }

    /// Whether voice is being handed out.
    #[must_use]
    pub fn is_sounding(&self) -> bool {
        self.voiced.is_some() && !self.paused
    }

    /// The next frame to hand to the room, if one is due. Its `at` is the time it will sound.
    pub fn next_frame(&mut self, now: CallTime) -> Option<AudioFrame> {
        self.settle(now);
        if self.next_due + STALL < now {
            self.next_due = now;
        }
        if !self.paused && self.next_due <= now + LEAD && self.current().is_some() {
            return Some(self.emit_voice(now));
        }
        (self.next_due <= now).then(|| self.emit_silence())
    }

    /// When to ask again.
    #[must_use]
    pub fn deadline(&self) -> CallTime {
        if !self.paused && self.current().is_some() {
            self.next_due - LEAD
        } else {
            self.next_due
        }
    }

    /// What was noticed since the last call.
    pub fn poll_event(&mut self) -> Option<PlayoutEvent> {
        self.events.pop_front()
    }

    /// Goes silent without forgetting anything; the room must drop the frames it still holds.
    pub fn pause(&mut self, now: CallTime) {
        self.take_back(now);
        self.paused = true;
    }

    /// Goes on where [`Playout::pause`] stopped.
    pub fn resume(&mut self) {
        self.paused = false;
    }

    /// Forgets all utterances and says what was heard of each; the room must drop the frames it still holds.
    pub fn stop(&mut self, now: CallTime) -> Vec<Heard> {
        self.take_back(now);
        self.paused = false;
        self.voiced = None;
        self.utterances.drain(..).map(|u| u.heard(now)).collect()
    }

    /// Whether nothing is waiting to be played.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.utterances.is_empty()
    }

    fn incomplete_mut(&mut self) -> impl Iterator<Item = &mut Piece> {
        self.utterances
            .iter_mut()
            .flat_map(|u| &mut u.pieces)
            .filter(|p| !p.complete)
    }

    /// Where the next voice frame comes from. Utterances are played strictly in order.
    fn current(&self) -> Option<(usize, usize)> {
        for (u, utterance) in self.utterances.iter().enumerate() {
            if let Some(p) = utterance.pieces.iter().position(|p| !p.is_done()) {
                return utterance.pieces[p].has_frame().then_some((u, p));
            }
            if !utterance.closed {
                return None;
            }
        }
        None
    }

    fn emit_voice(&mut self, now: CallTime) -> AudioFrame {
        let (u, p) = self
            .current()
            .expect("the caller checked that there is a frame");
        let due = self.next_due.max(now);
        let utterance = &mut self.utterances[u];
        let (samples, count) = utterance.pieces[p].take_frame();
        utterance.started.get_or_insert(due);
        let id = utterance.id;
        if self.voiced != Some(id) {
            self.voiced = Some(id);
            self.onset = Onset::default();
            self.events.push_back(PlayoutEvent::Started(id, due));
        }
        let frame = AudioFrame { at: due, samples };
        if let Some(at) = self.onset.push(&frame) {
            self.events.push_back(PlayoutEvent::Audible(id, at));
        }
        self.in_flight.push_back(Sent {
            due,
            utterance: id,
            piece: p,
            count,
            samples,
        });
        self.next_due = due + PTIME;
        frame
    }

    fn emit_silence(&mut self) -> AudioFrame {
        let due = self.next_due;
        self.next_due = due + PTIME;
        AudioFrame::silence(due)
    }

    /// Books the frames whose time has passed, and reports utterances that ended.
    fn settle(&mut self, now: CallTime) {
        while self
            .in_flight
            .front()
            .is_some_and(|sent| sent.due + PTIME <= now)
        {
            let Some(sent) = self.in_flight.pop_front() else {
                break;
            };
            if let Some(piece) = self.piece_mut(sent.utterance, sent.piece) {
                piece.played += sent.count;
            }
        }
        self.report_ends(now);
    }

    fn report_ends(&mut self, now: CallTime) {
        while let Some(front) = self.utterances.front() {
            let id = front.id;
            let played = front.pieces.iter().all(Piece::is_done)
                && self.in_flight.iter().all(|s| s.utterance != id);
            if !played {
                return;
            }
            if !front.closed {
                if self.voiced.take_if(|v| *v == id).is_some() {
                    self.events.push_back(PlayoutEvent::Dry(id));
                }
                return;
            }
            self.voiced.take_if(|v| *v == id);
            if let Some(done) = self.utterances.pop_front() {
                self.events
                    .push_back(PlayoutEvent::Finished(done.heard(now)));
            }
        }
    }

    /// Puts frames that have not sounded back in front of their pieces.
    fn take_back(&mut self, now: CallTime) {
        self.settle(now);
        while let Some(sent) = self.in_flight.pop_back() {
            if let Some(piece) = self.piece_mut(sent.utterance, sent.piece) {
                for sample in sent.samples[..sent.count].iter().rev() {
                    piece.pcm.push_front(*sample);
                }
            }
        }
        self.next_due = now;
    }

    fn piece_mut(&mut self, utterance: UtteranceId, piece: usize) -> Option<&mut Piece> {
        self.utterances
            .iter_mut()
            .find(|u| u.id == utterance)?
            .pieces
            .get_mut(piece)
    }
}

#[cfg(test)]
mod tests;
