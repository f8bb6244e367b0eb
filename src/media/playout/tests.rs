use std::time::Duration;

use super::*;

const U: UtteranceId = UtteranceId(1);

fn at(ms: u64) -> CallTime {
    CallTime::from_millis(ms)
}

fn samples(ms: usize) -> Vec<i16> {
    vec![1000; ms * 16]
}

fn is_voice(frame: &AudioFrame) -> bool {
    frame.samples.iter().any(|s| *s != 0)
}

/// Takes all frames that are due, every 10 ms from `from` to `to`; returns the due times of voice frames.
fn run(playout: &mut Playout, from: u64, to: u64) -> Vec<u64> {
    let mut voice = Vec::new();
    for ms in (from..=to).step_by(10) {
        while let Some(frame) = playout.next_frame(at(ms)) {
            if is_voice(&frame) {
                voice.push(frame.at.as_millis());
            }
        }
    }
    voice
}

fn say(playout: &mut Playout, text: &str, ms: usize) {
    playout.open_piece(U, 0, Phi::new(text.to_owned()));
    playout.push(&samples(ms));
    playout.complete_piece();
}

fn events(playout: &mut Playout) -> Vec<PlayoutEvent> {
    std::iter::from_fn(|| playout.poll_event()).collect()
}

#[test]
fn silence_is_one_frame_per_ptime() {
    let mut playout = Playout::new(at(0));
    let mut frames = 0;
    for ms in 0..1000 {
        while let Some(frame) = playout.next_frame(at(ms)) {
            assert!(!is_voice(&frame));
            frames += 1;
        }
    }
    assert_eq!(frames, 50);
}

#[test]
fn voice_starts_at_once_and_never_runs_more_than_the_lead_ahead() {
    let mut playout = Playout::new(at(0));
    run(&mut playout, 0, 100);
    say(&mut playout, "hello there", 500);
    let mut frames = 0;
    while let Some(frame) = playout.next_frame(at(105)) {
        assert!(is_voice(&frame));
        assert!(frame.at <= at(105) + LEAD);
        frames += 1;
    }
    assert!((3..=4).contains(&frames), "{frames} frames at once");
}

#[test]
fn an_utterance_is_started_and_finished_once_and_wholly_heard() {
    let mut playout = Playout::new(at(0));
    say(&mut playout, "hello there", 200);
    playout.close(U);
    assert_eq!(run(&mut playout, 0, 400).len(), 10);
    let events = events(&mut playout);
    assert!(matches!(events[0], PlayoutEvent::Started(U, t) if t == at(0)));
    assert!(matches!(events[1], PlayoutEvent::Audible(U, t) if t == at(0)));
    let PlayoutEvent::Finished(heard) = &events[2] else {
        panic!("{events:?}")
    };
    assert!(heard.complete);
    assert_eq!(heard.text().expose(), "hello there");
    assert_eq!(heard.ended, at(200));
    assert_eq!(events.len(), 3);
}

#[test]
fn barge_in_truncates_to_the_words_heard() {
    let mut playout = Playout::new(at(0));
    say(&mut playout, "one two three four", 1000);
    run(&mut playout, 0, 500);
    let heard = playout.stop(at(500));
    assert_eq!(heard[0].text().expose(), "one two");
    assert!(!heard[0].complete);
    assert!(playout.is_empty());
    assert!(run(&mut playout, 510, 700).is_empty());
}

#[test]
fn frames_in_flight_at_a_barge_in_do_not_count_as_heard() {
    let mut playout = Playout::new(at(0));
    say(&mut playout, "hello", 60);
    while playout.next_frame(at(0)).is_some() {}
    let heard = playout.stop(at(5));
    assert!(heard[0].is_empty());
}

#[test]
fn a_pause_loses_no_sound() {
    let mut playout = Playout::new(at(0));
    say(&mut playout, "one two three four", 400);
    playout.close(U);
    let mut frames = run(&mut playout, 0, 100).len();
    playout.pause(at(105));
    assert!(run(&mut playout, 110, 300).is_empty());
    playout.resume();
    frames += run(&mut playout, 310, 900).len();
    assert!(
        (20..=25).contains(&frames),
        "20 frames and what was taken back, got {frames}"
    );
    assert!(
        events(&mut playout)
            .iter()
            .any(|e| matches!(e, PlayoutEvent::Finished(h) if h.complete))
    );
}

#[test]
fn an_open_utterance_runs_dry_and_goes_on() {
    let mut playout = Playout::new(at(0));
    say(&mut playout, "let me check", 100);
    run(&mut playout, 0, 300);
    say(&mut playout, "yes", 100);
    playout.close(U);
    run(&mut playout, 310, 600);
    let kinds: Vec<&str> = events(&mut playout)
        .iter()
        .map(|e| match e {
            PlayoutEvent::Started(..) => "started",
            PlayoutEvent::Audible(..) => "audible",
            PlayoutEvent::Dry(_) => "dry",
            PlayoutEvent::Finished(_) => "finished",
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "started", "audible", "dry", "started", "audible", "finished"
        ]
    );
}

#[test]
fn an_utterance_is_audible_behind_its_leading_silence() {
    let mut playout = Playout::new(at(0));
    playout.open_piece(U, 0, Phi::new("hello there".to_owned()));
    playout.push(&[3; 70 * 16]);
    playout.push(&samples(200));
    run(&mut playout, 0, 100);
    let events = events(&mut playout);
    assert!(
        matches!(events[..], [PlayoutEvent::Started(U, t), PlayoutEvent::Audible(U, a)] if t == at(0) && a == at(70)),
        "{events:?}"
    );
}

#[test]
fn a_short_rest_waits_for_more_sound_or_the_end_of_its_piece() {
    let mut playout = Playout::new(at(0));
    playout.open_piece(U, 0, Phi::new("a".to_owned()));
    playout.push(&samples(10));
    assert!(run(&mut playout, 0, 100).is_empty());
    playout.complete_piece();
    assert_eq!(run(&mut playout, 110, 200).len(), 1);
}

#[test]
fn a_stalled_task_skips_time_instead_of_bursting() {
    let mut playout = Playout::new(at(0));
    run(&mut playout, 0, 100);
    let mut frames = 0;
    while playout.next_frame(at(5000)).is_some() {
        frames += 1;
    }
    assert_eq!(frames, 1);
}

#[test]
fn an_incomplete_piece_is_estimated_by_speaking_rate() {
    let mut playout = Playout::new(at(0));
    playout.open_piece(U, 3, Phi::new("this sentence has thirty chars".to_owned()));
    playout.push(&samples(1000));
    run(&mut playout, 0, 1000);
    let heard = playout.stop(at(1000));
    assert_eq!(heard[0].pieces[0].tag, 3);
    assert_eq!(heard[0].text().expose(), "this sentence");
}

#[test]
fn a_rewound_piece_is_heard_from_its_start_again() {
    let mut playout = Playout::new(at(0));
    playout.open_piece(U, 0, Phi::new("hello there".to_owned()));
    playout.push(&samples(200));
    run(&mut playout, 0, 100);
    assert!(playout.rewind_incomplete("Sorry."));
    playout.push(&samples(400));
    playout.complete_piece();
    playout.close(U);
    run(&mut playout, 110, 800);
    assert!(
        events(&mut playout)
            .iter()
            .any(|e| matches!(e, PlayoutEvent::Finished(_)))
    );
}

#[test]
fn the_deadline_is_the_next_frame() {
    let mut playout = Playout::new(at(0));
    while playout.next_frame(at(0)).is_some() {}
    assert_eq!(playout.deadline(), at(20));
    say(&mut playout, "hi", 500);
    assert!(playout.deadline() <= at(0));
    while playout.next_frame(at(0)).is_some() {}
    assert_eq!(playout.deadline(), at(0) + Duration::from_millis(20));
}
