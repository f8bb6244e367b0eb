use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::time::timeout;

use super::*;
use crate::media::frame::FRAME_SAMPLES;

const UTTERANCE: UtteranceId = UtteranceId(1);

/// A synthesiser that hands out the streams that it was given.
#[derive(Default)]
struct Prepared(Mutex<VecDeque<TtsStream>>);

impl TextToSpeech for Prepared {
    fn open(&self, _: TtsRequest) -> BoxFuture<'_, Result<TtsStream, ProviderError>> {
        let stream = self.0.lock().pop_front().expect("one more stream");
        Box::pin(std::future::ready(Ok(stream)))
    }
}

/// The vendor's ends of a stream.
struct Vendor {
    orders: mpsc::Receiver<TtsInput>,
    sound: mpsc::Sender<TtsEvent>,
}

fn stream() -> (TtsStream, Vendor) {
    let (input, orders) = mpsc::channel(64);
    let (sound, events) = mpsc::channel(64);
    (TtsStream { input, events }, Vendor { orders, sound })
}

impl Vendor {
    fn told(&mut self) -> Vec<String> {
        let orders = std::iter::from_fn(|| self.orders.try_recv().ok());
        let word = |order| match order {
            TtsInput::Speak(text) => text.into_exposed(),
            TtsInput::Flush => "flush".to_owned(),
            TtsInput::Clear => "clear".to_owned(),
            TtsInput::Close => "close".to_owned(),
        };
        orders.map(word).collect()
    }

    /// Answers an utterance: 50 frames of voice.
    async fn speaks(&self) {
        let voice = TtsEvent::Audio(vec![1000; 50 * FRAME_SAMPLES]);
        self.sound.send(voice).await.expect("heard");
        self.sound.send(TtsEvent::Flushed).await.expect("heard");
    }
}

/// A voice with a second stream to fall back on, and the room that it speaks into.
struct Stage {
    voice: Voice,
    first: Option<Vendor>,
    second: Vendor,
    room: mpsc::Receiver<OutFrame>,
}

impl Stage {
    fn new() -> Self {
        let (out, room) = mpsc::channel(16);
        let (open, first) = stream();
        let (next, second) = stream();
        let tts = Arc::new(Prepared(Mutex::new(VecDeque::from([next]))));
        let request = TtsRequest { voice: None };
        Self {
            voice: Voice::new(CallTime::ZERO, tts, request, open, out),
            first: Some(first),
            second,
            room,
        }
    }

    fn says(&mut self, ms: u64, text: &str) {
        let sentence = Sentence {
            written: Phi::new(text.to_owned()),
            spoken: Phi::new(text.to_owned()),
        };
        self.voice.say(at(ms), UTTERANCE, 0, sentence);
    }

    /// Takes what the synthesiser sends until it sends nothing more.
    async fn listens(&mut self, ms: u64) {
        let patience = Duration::from_millis(100);
        while let Ok(input) = timeout(patience, self.voice.next()).await {
            self.voice.handle(at(ms), input);
        }
    }

    /// Lets a time pass, frame by frame; returns how many frames with voice the room got.
    fn plays(&mut self, from: u64, to: u64) -> usize {
        let mut voiced = 0;
        for ms in (from..to).step_by(20) {
            self.voice.pump(at(ms));
            while let Ok(frame) = self.room.try_recv() {
                let sound = matches!(&frame, OutFrame::Sound(frame) if frame.samples[0] != 0);
                voiced += usize::from(sound);
            }
        }
        voiced
    }
}

fn at(ms: u64) -> CallTime {
    CallTime::from_millis(ms)
}

// Case B8: the stream ends, and the caller interrupts before anybody noticed.
#[tokio::test(start_paused = true)]
async fn a_barge_in_on_a_stream_that_has_ended_leaves_a_voice_that_speaks() {
    let mut stage = Stage::new();
    stage.says(0, "We are open from nine to five.");
    drop(stage.first.take());
    stage.voice.stop(at(100));
    stage.says(200, "Yes?");
    stage.listens(300).await;
    assert_eq!(stage.second.told(), ["Yes?", "flush"]);
    stage.second.speaks().await;
    stage.listens(400).await;
    assert_eq!(stage.plays(400, 2000), 50);
}

// Case B8: the stream takes no more orders when the caller interrupts.
#[tokio::test(start_paused = true)]
async fn a_barge_in_on_a_stream_that_is_full_leaves_a_voice_that_speaks() {
    let mut stage = Stage::new();
    for nth in 0..60 {
        stage.says(nth * 10, "One more thing.");
    }
    stage.voice.stop(at(900));
    stage.says(1000, "Yes?");
    stage.voice.end(at(1000), UTTERANCE);
    stage.listens(1000).await;
    assert_eq!(stage.second.told(), ["Yes?", "flush"]);
    stage.second.speaks().await;
    stage.listens(1100).await;
    assert_eq!(stage.plays(1100, 3000), 50);
}

// Case B8, where it was right before: with time to notice.
#[tokio::test(start_paused = true)]
async fn a_stream_that_has_ended_is_replaced_and_says_the_rest_again() {
    let mut stage = Stage::new();
    stage.says(0, "We are open.");
    drop(stage.first.take());
    stage.listens(100).await;
    assert_eq!(stage.second.told(), ["We are open.", "flush"]);
    stage.second.speaks().await;
    stage.listens(200).await;
    assert_eq!(stage.plays(200, 2000), 50);
}

#[tokio::test(start_paused = true)]
async fn old_sound_is_dropped_until_the_vendor_confirms_that_it_is_silent() {
    let mut stage = Stage::new();
    stage.says(0, "We are open from nine to five.");
    stage.voice.stop(at(100));
    stage.says(100, "Yes?");
    let first = stage.first.as_mut().expect("open");
    let told = first.told();
    assert_eq!(
        told,
        [
            "We are open from nine to five.",
            "flush",
            "clear",
            "Yes?",
            "flush"
        ]
    );
    first.speaks().await;
    first.sound.send(TtsEvent::Cleared).await.expect("heard");
    stage.listens(200).await;
    assert_eq!(stage.plays(200, 1000), 0);
    stage.first.as_ref().expect("open").speaks().await;
    stage.listens(1000).await;
    assert_eq!(stage.plays(1000, 3000), 50);
}

#[tokio::test(start_paused = true)]
async fn more_text_than_the_stream_takes_at_once_waits_its_turn() {
    let mut stage = Stage::new();
    for nth in 0..100 {
        stage.says(nth, &nth.to_string());
    }
    stage.voice.end(at(100), UTTERANCE);
    let first = stage.first.as_mut().expect("open");
    let mut told = first.told();
    assert_eq!(told.len(), 64);
    stage.voice.pump(at(120));
    told.extend(stage.first.as_mut().expect("open").told());
    let words: Vec<&str> = told.iter().map(|order| order.trim()).collect();
    let spoken = words.iter().filter(|order| **order != "flush");
    let numbers: Vec<u64> = spoken.map(|text| text.parse().expect("a number")).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<u64>>());
    assert_eq!(words.last(), Some(&"flush"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_nothing_for_three_seconds_is_replaced() {
    let mut stage = Stage::new();
    for nth in 0..100 {
        stage.says(nth, "One more thing.");
    }
    stage.plays(100, 2900);
    assert!(matches!(stage.voice.link, Link::Open(_)));
    stage.plays(2900, 3300);
    stage.listens(3300).await;
    let told = stage.second.told();
    assert_eq!(told.first().map(String::as_str), Some("One more thing."));
}

// Case B-clear.
#[tokio::test(start_paused = true)]
async fn a_room_that_takes_nothing_for_a_while_still_learns_that_the_agent_is_silent() {
    let mut stage = Stage::new();
    stage.says(0, "We are open from nine to five.");
    stage.first.as_ref().expect("open").speaks().await;
    stage.listens(0).await;
    for ms in (0..400).step_by(20) {
        stage.voice.pump(at(ms));
    }
    stage.voice.pause(at(400));
    stage.voice.stop(at(400));
    let waiting = std::iter::from_fn(|| stage.room.try_recv().ok());
    let old = waiting.filter(|frame| matches!(frame, OutFrame::Sound(_)));
    assert_eq!(old.count(), 16, "the room was full");
    stage.voice.pump(at(420));
    let frames: Vec<OutFrame> = std::iter::from_fn(|| stage.room.try_recv().ok()).collect();
    let clears = frames.iter().take_while(|f| matches!(f, OutFrame::Clear));
    assert_eq!(clears.count(), 2, "before any other frame: {frames:?}");
}

// Case C07: past the eager flushes, sentences of an utterance share one.
#[tokio::test(start_paused = true)]
async fn sentences_that_share_a_flush_are_parted_by_a_space() {
    let mut stage = Stage::new();
    for nth in 0..13 {
        stage.says(nth * 4000, "Let me see.");
        stage.voice.end(at(nth * 4000), UTTERANCE);
        stage.first.as_mut().expect("open").told();
    }
    stage.says(52_000, "See you then.");
    stage.says(52_100, "Goodbye.");
    stage.voice.end(at(52_200), UTTERANCE);
    let told = stage.first.as_mut().expect("open").told();
    assert_eq!(told, ["See you then.", " Goodbye.", "flush"]);
}
