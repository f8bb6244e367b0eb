//! From sentences to sound in the room: the synthesiser's stream and the playout.
//!
//! The synthesiser's sound carries no marks, so each flush makes one piece of the playout: its text is what was spoken since the last flush.
//! A stream that breaks is opened again and the pieces it did not finish are spoken again.
//!
//! What has to be told waits here until it is taken: orders to the vendor in [`orders::Orders`], one for each stream, and `Clear`s for the room in `clears`. Neither a
//! full channel nor a stream that is opened again loses one.

mod link;
mod orders;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;

use self::{link::Stream, orders::Orders};
use super::speech::Sentence;
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    media::{
        frame::AudioFrame,
        playout::{Heard, Playout, PlayoutEvent, UtteranceId},
    },
    providers::{
        BoxFuture, ProviderError,
        tts::{TextToSpeech, TtsEvent, TtsInput, TtsRequest, TtsStream},
    },
};

/// Said before a sentence that broke off and is spoken again.
const SORRY: &str = "Sorry, let me say that again.";

/// Streams lost in a row, without a sound between, after which the synthesiser is given up.
const LOSS_LIMIT: u32 = 2;

/// Flushes in [`FLUSH_WINDOW`] up to which each sentence gets its own; the vendor allows 20, and the ends of utterances need some.
const EAGER_FLUSHES: usize = 12;
const FLUSH_WINDOW: Duration = Duration::from_secs(60);

/// Sound that may wait to be played (2 MB); beyond it the synthesiser is not read, and waits.
const BUFFER: Duration = Duration::from_secs(60);

/// To the room, in order.
#[expect(
    clippy::large_enum_variant,
    reason = "all but a few are sounds, 50 a second: a box would be an allocation for each"
)]
#[derive(Debug)]
pub enum OutFrame {
    /// 20 ms of the agent, or of silence.
    Sound(AudioFrame),
    /// Drop what was given and has not been sent: the agent is silent as of now.
    Clear,
}

/// What the synthesiser delivered.
#[derive(Debug)]
pub(super) enum VoiceInput {
    Tts(TtsEvent),
    Opened(Result<TtsStream, ProviderError>),
}

/// What the session has to know.
#[derive(Debug)]
pub(super) enum VoiceEvent {
    /// The first sound since text was given.
    Sound,
    /// See [`PlayoutEvent`].
    Playout(PlayoutEvent),
    /// Nothing can be said any more.
    Dead,
}

/// Text that is not wholly synthesised: a piece of the playout that is not complete.
#[derive(Debug)]
struct Group {
    utterance: UtteranceId,
    tag: u32,
    spoken: Vec<Phi<String>>,
    flushed: bool,
}

/// The way to the synthesiser.
enum Link {
    Open(Stream),
    /// The stream is gone, another is opened.
    Opening(BoxFuture<'static, Result<TtsStream, ProviderError>>),
    /// Given up, or the call is over.
    Gone,
}

/// See the module.
pub(super) struct Voice {
    tts: Arc<dyn TextToSpeech>,
    request: TtsRequest,
    link: Link,
    losses: u32,
    playout: Playout,
    /// When the next frame was due at the last look.
    due: CallTime,
    groups: VecDeque<Group>,
    flushes: VecDeque<CallTime>,
    /// Utterances that may still get text.
    open: HashSet<UtteranceId>,
    /// Sound is expected and none came yet.
    waiting: bool,
    is_paused: bool,
    /// Another sound is played to the caller in place of ours.
    is_covered: bool,
    events: VecDeque<VoiceEvent>,
    out: mpsc::Sender<OutFrame>,
    /// `Clear`s that the room has not taken: until then it gets no sound.
    clears: u32,
}

impl Voice {
    pub(super) fn new(
        now: CallTime,
        tts: Arc<dyn TextToSpeech>,
        request: TtsRequest,
        stream: TtsStream,
        out: mpsc::Sender<OutFrame>,
    ) -> Self {
        Self {
            tts,
            request,
            link: Link::Open(Stream::new(stream)),
            losses: 0,
            playout: Playout::new(now),
            due: now,
            groups: VecDeque::new(),
            flushes: VecDeque::new(),
            open: HashSet::new(),
            waiting: false,
            is_paused: false,
            is_covered: false,
            events: VecDeque::new(),
            out,
            clears: 0,
        }
    }

    /// Speaks a sentence of the utterance; `tag` comes back with what was heard of it.
    pub(super) fn say(
        &mut self,
        now: CallTime,
        utterance: UtteranceId,
        tag: u32,
        sentence: Sentence,
    ) {
        let joins = self
            .groups
            .back()
            .is_some_and(|g| !g.flushed && g.utterance == utterance && g.tag == tag);
        if !joins {
            self.flush(now);
            self.playout
                .open_piece(utterance, tag, sentence.written.clone());
            self.groups.push_back(Group {
                utterance,
                tag,
                spoken: Vec::new(),
                flushed: false,
            });
        } else {
            self.playout.extend_piece(utterance, &sentence.written);
        }
        if let Some(group) = self.groups.back_mut() {
            group.spoken.push(sentence.spoken.clone());
        }
        self.open.insert(utterance);
        self.waiting = true;
        self.order(now, |orders| orders.speak(&sentence.spoken));
        if self.recent_flushes(now) < EAGER_FLUSHES {
            self.flush(now);
        }
    }

    /// What was said so far is to be synthesised, whatever comes next.
    pub(super) fn flush(&mut self, now: CallTime) {
        if let Some(group) = self.groups.back_mut().filter(|g| !g.flushed) {
            group.flushed = true;
            self.flushes.push_back(now);
            self.order(now, Orders::flush);
        }
    }

    /// The utterance gets no more text.
    pub(super) fn end(&mut self, now: CallTime, utterance: UtteranceId) {
        self.flush(now);
        self.open.remove(&utterance);
        self.playout.close(utterance);
    }

    /// Ends the utterance if anything of it was spoken and it still waits for more.
    pub(super) fn end_if_open(&mut self, now: CallTime, utterance: UtteranceId) {
        if self.open.contains(&utterance) {
            self.end(now, utterance);
        }
    }

    /// Silent at once; everything is kept.
    pub(super) fn pause(&mut self, now: CallTime) {
        self.is_paused = true;
        self.playout.pause(now);
        self.clear_room();
    }

    pub(super) fn resume(&mut self) {
        self.is_paused = false;
        if !self.is_covered {
            self.playout.resume();
        }
    }

    /// As [`Voice::pause`], whatever else pauses and resumes meanwhile.
    pub(super) fn cover(&mut self, now: CallTime) {
        self.is_covered = true;
        self.playout.pause(now);
        self.clear_room();
    }

    pub(super) fn uncover(&mut self) {
        self.is_covered = false;
        if !self.is_paused {
            self.playout.resume();
        }
    }

    pub(super) fn is_covered(&self) -> bool {
        self.is_covered
    }

    /// Whether all that was to be said so far has been heard.
    pub(super) fn is_idle(&self) -> bool {
        self.groups.is_empty() && self.playout.buffered().is_zero() && !self.is_sounding()
    }

    /// Silent at once; says what was heard and forgets the rest.
    pub(super) fn stop(&mut self, now: CallTime) -> Vec<Heard> {
        let heard = self.playout.stop(now);
        self.is_paused = false;
        if self.is_covered {
            self.playout.pause(now);
        }
        self.clear_room();
        let is_owed = !std::mem::take(&mut self.groups).is_empty();
        self.open.clear();
        self.waiting = false;
        if is_owed {
            self.order(now, Orders::clear);
            // A stream that cannot be told to be silent is left: another has nothing to say.
            if matches!(&self.link, Link::Open(stream) if stream.orders.is_urgent()) {
                self.lost(Ok(()));
            }
        }
        heard
    }

    /// Hands out the frames that are due. Says how late it was called, if it is time for a frame; sound that has just come is ahead of that time.
    pub(super) fn pump(&mut self, now: CallTime) -> Option<Duration> {
        let late = (now >= self.due).then(|| now.since(self.due));
        self.order(now, |_| ());
        self.hand_out_clears();
        while let Some(frame) = self.playout.next_frame(now) {
            self.hand_out(frame);
        }
        while let Some(event) = self.playout.poll_event() {
            self.events.push_back(VoiceEvent::Playout(event));
        }
        self.due = self.playout.deadline();
        late
    }

    /// Whether the caller hears the agent right now.
    pub(super) fn is_sounding(&self) -> bool {
        self.playout.is_sounding()
    }

    /// When to pump again.
    pub(super) fn deadline(&self) -> CallTime {
        self.playout.deadline()
    }

    pub(super) fn poll_event(&mut self) -> Option<VoiceEvent> {
        self.events.pop_front()
    }

    /// The call is over. The stream's task ends when it is told so, or when nobody is there to tell it anything.
    pub(super) fn close(&mut self) {
        if let Link::Open(stream) = std::mem::replace(&mut self.link, Link::Gone)
            && stream.ends.input.try_send(TtsInput::Close).is_err()
        {
            tracing::debug!("the synthesiser was busy or gone at the end");
        }
    }

    /// What comes next. Cancel-safe.
    pub(super) async fn next(&mut self) -> VoiceInput {
        match &mut self.link {
            Link::Open(stream) if self.playout.buffered() < BUFFER => {
                VoiceInput::Tts(stream.next().await)
            }
            Link::Opening(opening) => {
                let stream = opening.await;
                self.link = Link::Gone;
                VoiceInput::Opened(stream)
            }
            Link::Open(_) | Link::Gone => std::future::pending().await,
        }
    }

    pub(super) fn handle(&mut self, now: CallTime, input: VoiceInput) {
        match input {
            VoiceInput::Tts(TtsEvent::Closed(result)) => self.lost(result),
            VoiceInput::Tts(TtsEvent::Cleared) => self.order(now, Orders::cleared),
            VoiceInput::Tts(_) if self.is_clearing() => {}
            VoiceInput::Tts(TtsEvent::Audio(samples)) => self.sound(&samples),
            VoiceInput::Tts(TtsEvent::Flushed) => self.flushed(),
            VoiceInput::Opened(Ok(stream)) => self.opened(now, stream),
            VoiceInput::Opened(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the synthesiser cannot be opened again"
                );
                self.events.push_back(VoiceEvent::Dead);
            }
        }
    }

    /// What comes was ordered before the caller interrupted.
    fn is_clearing(&self) -> bool {
        matches!(&self.link, Link::Open(stream) if stream.orders.is_clearing())
    }

    fn sound(&mut self, samples: &[i16]) {
        self.losses = 0;
        if std::mem::take(&mut self.waiting) {
            self.events.push_back(VoiceEvent::Sound);
        }
        self.playout.push(samples);
    }

    fn flushed(&mut self) {
        if self.groups.front().is_some_and(|g| g.flushed) {
            self.groups.pop_front();
            self.playout.complete_piece();
        }
    }

    fn lost(&mut self, result: Result<(), ProviderError>) {
        self.link = Link::Gone;
        self.losses += 1;
        if let Err(error) = result {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                tts.losses = self.losses,
                "the synthesiser broke"
            );
        }
        if self.losses > LOSS_LIMIT {
            self.events.push_back(VoiceEvent::Dead);
            return;
        }
        let (tts, request) = (Arc::clone(&self.tts), self.request.clone());
        self.link = Link::Opening(Box::pin(async move { tts.open(request).await }));
    }

    /// Speaks again what the lost stream did not finish; with an apology if the caller heard a part of it.
    fn opened(&mut self, now: CallTime, stream: TtsStream) {
        let mut stream = Stream::new(stream);
        if self.playout.rewind_incomplete(SORRY) {
            stream.orders.speak(&Phi::new(SORRY.to_owned()));
        }
        for group in &self.groups {
            for text in &group.spoken {
                stream.orders.speak(text);
            }
            if group.flushed {
                self.flushes.push_back(now);
                stream.orders.flush();
            }
        }
        self.link = Link::Open(stream);
        self.order(now, |_| ());
    }

    /// Orders go nowhere while the stream is gone: they are repeated when another is there.
    fn order(&mut self, now: CallTime, give: impl FnOnce(&mut Orders)) {
        let Link::Open(stream) = &mut self.link else {
            return;
        };
        give(&mut stream.orders);
        if !stream.tell(now) {
            // Dropping it ends its task.
            self.lost(Ok(()));
        }
    }

    fn recent_flushes(&mut self, now: CallTime) -> usize {
        while self
            .flushes
            .front()
            .is_some_and(|t| now.since(*t) > FLUSH_WINDOW)
        {
            self.flushes.pop_front();
        }
        self.flushes.len()
    }

    /// The room drops what it was given and has not sent, before it gets anything else.
    fn clear_room(&mut self) {
        self.clears += 1;
        self.hand_out_clears();
    }

    fn hand_out_clears(&mut self) {
        while self.clears > 0 && self.out.try_send(OutFrame::Clear).is_ok() {
            self.clears -= 1;
        }
    }

    /// The room takes frames at once; one that does not is late, and late sound is worth nothing.
    fn hand_out(&self, frame: AudioFrame) {
        if self.clears > 0 || self.out.try_send(OutFrame::Sound(frame)).is_err() {
            tracing::trace!("the room takes no frame");
        }
    }
}

#[cfg(test)]
mod tests;
