//! Voice activity on real speech, noise and silence; many calls in one batch.

use std::{path::Path, sync::Arc, time::Duration};

use loadtest::{
    sim::SimConfig,
    speech::{Flite, Pcm, Voice},
};
use neurality::{
    config::ProvidersConfig,
    domain::call_time::CallTime,
    media::frame::{AudioFrame, FRAME_SAMPLES, PTIME},
    providers::vad::{VadEngine, VadError, VadEvent, VadHandle},
    telemetry::metrics::Metrics,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::timeout;

fn engine() -> VadEngine {
    let config = ProvidersConfig::default();
    let metrics = Arc::new(Metrics::new());
    VadEngine::start(&config.onnxruntime, &config.silero_model, 1, &metrics)
        .expect("target/tools is set up: make setup")
}

/// A sentence by Debian's synthesiser, 16 kHz.
async fn speech(text: &str) -> Vec<i16> {
    sentence(text).await.samples.clone()
}

async fn sentence(text: &str) -> Arc<Pcm> {
    let cache = SimConfig::fast().flite_cache;
    let flite = Flite::new(cache).expect("a cache");
    flite.say(Voice::Rms, text).await.expect("make setup")
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 16]
}

/// Pushes the sound at once, with its own time, and returns what was heard until all of it was scored.
async fn listen(vad: &mut VadHandle, sound: &[i16]) -> Vec<VadEvent> {
    let mut at = CallTime::from_millis(1000);
    for chunk in sound.chunks_exact(FRAME_SAMPLES) {
        let mut frame = AudioFrame::silence(at);
        frame.samples.copy_from_slice(chunk);
        vad.push(&frame);
        at = at + PTIME;
    }
    let mut events = Vec::new();
    while let Ok(event) = timeout(Duration::from_millis(500), vad.recv()).await {
        events.push(event.expect("detection works"));
    }
    events
}

/// First and last sample over a threshold that silence does not reach, on the clock of [`listen`].
fn voiced(sound: &[i16]) -> (CallTime, CallTime) {
    let loud = |s: &i16| s.unsigned_abs() > 600;
    let first = sound.iter().position(loud).expect("speech");
    let last = sound.iter().rposition(loud).expect("speech");
    let at = |n: usize| CallTime::from_millis(1000 + n as u64 / 16);
    (at(first), at(last))
}

fn near(a: CallTime, b: CallTime, tolerance_ms: u64) -> bool {
    a.since(b).max(b.since(a)) <= Duration::from_millis(tolerance_ms)
}

#[tokio::test]
async fn a_sentence_is_heard_from_its_first_to_its_last_sound() {
    let engine = engine();
    let mut sound = silence(640);
    sound.extend(speech("I would like to book an appointment.").await);
    sound.extend(silence(800));
    let events = listen(&mut engine.open(), &sound).await;
    let (first, last) = voiced(&sound);
    let [
        VadEvent::SpeechStarted { at },
        ..,
        VadEvent::SpeechEnded { last_voiced },
    ] = events[..]
    else {
        panic!("{events:?}");
    };
    assert!(near(at, first, 96), "{at:?} for {first:?}");
    assert!(near(last_voiced, last, 160), "{last_voiced:?} for {last:?}");
    assert_eq!(engine.stats().dropped, 0);
}

#[tokio::test]
async fn a_telephone_line_changes_little() {
    let engine = engine();
    let line = sentence("I would like to book an appointment.").await;
    let line = line.telephone().resampled(16_000);
    let sound = [silence(640), line.samples, silence(800)].concat();
    let events = listen(&mut engine.open(), &sound).await;
    let (first, last) = voiced(&sound);
    let [
        VadEvent::SpeechStarted { at },
        ..,
        VadEvent::SpeechEnded { last_voiced },
    ] = events[..]
    else {
        panic!("{events:?}");
    };
    assert!(near(at, first, 96), "{at:?} for {first:?}");
    assert!(near(last_voiced, last, 160), "{last_voiced:?} for {last:?}");
}

#[tokio::test]
async fn two_sentences_with_a_pause_are_two_stretches() {
    let engine = engine();
    let mut sound = silence(320);
    sound.extend(speech("My name is Maria.").await);
    sound.extend(silence(900));
    sound.extend(speech("I was born in May.").await);
    sound.extend(silence(600));
    let events = listen(&mut engine.open(), &sound).await;
    let starts = |e: &&VadEvent| matches!(e, VadEvent::SpeechStarted { .. });
    assert!(events.iter().filter(starts).count() >= 2, "{events:?}");
    assert!(matches!(events.last(), Some(VadEvent::SpeechEnded { .. })));
}

#[tokio::test]
async fn silence_and_noise_are_not_speech() {
    let engine = engine();
    assert_eq!(listen(&mut engine.open(), &silence(3000)).await, []);
    let mut rng = StdRng::seed_from_u64(7);
    let hiss: Vec<i16> = (0..48_000).map(|_| rng.random_range(-300..300)).collect();
    assert_eq!(listen(&mut engine.open(), &hiss).await, []);
    let hum = (0..48_000).map(|n| (f64::sin(f64::from(n) * 0.0196) * 3000.0) as i16);
    let hum: Vec<i16> = hum.collect();
    assert_eq!(listen(&mut engine.open(), &hum).await, []);
}

/// Forty calls at once hear what each would hear alone: batches mix neither sound nor state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_a_crowd_hears_what_it_hears_alone() {
    let engine = engine();
    let sentences = [
        "Good morning.",
        "Can I come on Tuesday?",
        "My knee hurts.",
        "Goodbye.",
    ];
    let mut sounds = Vec::new();
    let mut alone = Vec::new();
    for text in sentences {
        let sound = [silence(320), speech(text).await, silence(500)].concat();
        alone.push(listen(&mut engine.open(), &sound).await);
        sounds.push(sound);
    }
    let before = engine.stats();
    let mut crowd = tokio::task::JoinSet::new();
    for call in 0..40 {
        let mut vad = engine.open();
        let sound = sounds[call % 4].clone();
        crowd.spawn(async move { (call % 4, paced(&mut vad, &sound).await) });
    }
    while let Some(done) = crowd.join_next().await {
        let (sentence, events) = done.expect("no panic");
        assert_eq!(events, alone[sentence], "{}", sentences[sentence]);
    }
    let after = engine.stats();
    assert_eq!(after.dropped, 0);
    let per_batch = (after.windows - before.windows) / (after.batches - before.batches);
    assert!(per_batch >= 4, "{per_batch} windows a batch");
}

/// As [`listen`], but at eight times the speed of a telephone, so that the queue is not the test.
async fn paced(vad: &mut VadHandle, sound: &[i16]) -> Vec<VadEvent> {
    let mut events = Vec::new();
    let mut at = CallTime::from_millis(1000);
    for chunk in sound.chunks_exact(FRAME_SAMPLES) {
        let mut frame = AudioFrame::silence(at);
        frame.samples.copy_from_slice(chunk);
        vad.push(&frame);
        at = at + PTIME;
        tokio::time::sleep(PTIME / 8).await;
    }
    while let Ok(event) = timeout(Duration::from_secs(1), vad.recv()).await {
        events.push(event.expect("detection works"));
    }
    events
}

#[tokio::test]
async fn a_missing_model_is_an_error_at_the_start() {
    let config = ProvidersConfig::default();
    let metrics = Arc::new(Metrics::new());
    let missing = Path::new("target/tools/models/none.onnx");
    let result = VadEngine::start(&config.onnxruntime, missing, 1, &metrics);
    assert!(matches!(result.err(), Some(VadError::Model(_))));
}
