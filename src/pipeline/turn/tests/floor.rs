//! Who speaks: barge-in, waits, silence, failures, the end.

use super::*;

const REPLY: UtteranceId = UtteranceId(2);

/// The reply to a first turn is audible from 4000 ms on.
fn answering() -> Driver {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    call.until(3500);
    call.feed(3900, Input::ReplyProgress(REPLY));
    call.feed(4000, Input::PlayoutStarted(REPLY));
    call
}

#[test]
fn a_voice_silences_the_agent_after_the_minimum_and_words_interrupt_it() {
    let mut call = answering();
    assert!(
        call.feed(5060, Input::SpeechStarted { at: at(5000) })
            .is_empty()
    );
    assert!(call.until(5199).is_empty());
    assert_eq!(call.until(5200), ["pause"]);
    assert_eq!(
        call.feed(5400, Input::Transcript(heard("wait", 5300, false))),
        ["stop", "cancel 2"]
    );
}

#[test]
fn a_word_interrupts_before_the_minimum() {
    let mut call = answering();
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    assert_eq!(
        call.feed(5100, Input::Transcript(heard("stop", 5090, false))),
        ["stop", "cancel 2"]
    );
}

#[test]
fn a_long_voice_interrupts_without_words() {
    let mut call = answering();
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    assert_eq!(call.until(6000), ["pause", "stop", "cancel 2"]);
}

#[test]
fn a_backchannel_lets_the_agent_go_on() {
    let mut call = answering();
    let seen = call.speak(5000, 5400, "Mm-hmm.");
    assert_eq!(seen, ["pause", "finalize", "resume"]);
    assert!(call.until(6900).is_empty());
}

#[test]
fn a_cough_lets_the_agent_go_on() {
    let mut call = answering();
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    assert_eq!(call.until(5500), ["pause"]);
    assert_eq!(
        call.feed(5500, Input::SpeechEnded { at: at(5300) }),
        ["finalize"]
    );
    assert_eq!(call.until(6500), ["resume"]);
}

#[test]
fn a_click_does_not_even_silence_it() {
    let mut call = answering();
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    assert_eq!(
        call.feed(5190, Input::SpeechEnded { at: at(5090) }),
        ["finalize"]
    );
    assert!(call.until(6900).is_empty());
}

#[test]
fn after_the_answer_the_caller_has_the_floor() {
    let mut call = answering();
    call.feed(6000, Input::ReplyFinished(REPLY));
    call.feed(7000, Input::PlayoutFinished(REPLY));
    let seen = call.speak(8000, 9000, "Tuesday.");
    assert_eq!(seen, ["finalize", "speculate 3"]);
}

#[test]
fn a_late_answer_is_bridged_by_fillers() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    call.until(3500);
    assert_eq!(call.until(5000), ["filler 2"]);
    call.feed(5200, Input::PlayoutStarted(REPLY));
    call.feed(6000, Input::PlayoutDry(REPLY));
    assert!(call.until(10_400).is_empty());
    assert_eq!(call.until(10_500), ["filler 2"]);
}

#[test]
fn a_reply_cut_in_mid_speech_is_started_again_once() {
    let mut call = answering();
    assert_eq!(
        call.feed(
            5000,
            Input::ReplyFailed {
                utterance: REPLY,
                after: BrokeOff::Spoken
            }
        ),
        ["say SayAgain 3", "reply 4"]
    );
    let again = call.feed(
        6000,
        Input::ReplyFailed {
            utterance: UtteranceId(4),
            after: BrokeOff::Spoken,
        },
    );
    assert_eq!(again, ["say HandOver 5"]);
    for (ms, id) in [(7000, 2), (7500, 3), (8000, 4)] {
        assert!(
            call.feed(ms, Input::PlayoutFinished(UtteranceId(id)))
                .is_empty()
        );
    }
    assert_eq!(
        call.feed(8500, Input::PlayoutFinished(UtteranceId(5))),
        ["end failed"]
    );
}

#[test]
fn a_reply_that_nobody_begins_hands_over() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    call.until(3500);
    assert_eq!(
        call.feed(
            4000,
            Input::ReplyFailed {
                utterance: REPLY,
                after: BrokeOff::Unbegun
            }
        ),
        ["say HandOver 3"]
    );
    call.feed(4100, Input::PlayoutStarted(UtteranceId(3)));
    assert_eq!(
        call.feed(6000, Input::PlayoutFinished(UtteranceId(3))),
        ["end failed"]
    );
}

#[test]
fn a_reply_that_breaks_unheard_is_asked_for_again_once_and_the_wait_goes_on() {
    let unheard = |id| Input::ReplyFailed {
        utterance: UtteranceId(id),
        after: BrokeOff::Unheard,
    };
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    call.until(3500);
    assert_eq!(call.feed(4000, unheard(2)), ["reply 3"]);
    // The caller waits since 3500, not since 4000.
    assert!(call.until(4999).is_empty());
    assert_eq!(call.until(5000), ["filler 3"]);
    assert_eq!(call.feed(5100, unheard(3)), ["say HandOver 4"]);
}

#[test]
fn only_what_the_caller_cuts_off_while_it_sounds_is_a_barge_in() {
    // Words before the answer sounds, and words while the agent is silenced for the caller's voice.
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    call.until(3500);
    let more = call.feed(3600, Input::Transcript(heard("no wait", 3580, false)));
    assert_eq!(more, ["hush", "cancel 2", "finalize"]);
    let mut call = answering();
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    assert_eq!(call.until(5200), ["pause"]);
    let cut = call.feed(5400, Input::Transcript(heard("wait", 5300, false)));
    assert_eq!(cut, ["stop", "cancel 2"]);
    // Between two sentences there is nothing to cut off.
    let mut call = answering();
    call.feed(4500, Input::PlayoutDry(REPLY));
    let words = call.feed(4600, Input::Transcript(heard("and Tuesday", 4590, false)));
    assert_eq!(words, ["hush", "cancel 2", "finalize"]);
}

#[test]
fn a_failed_speculation_is_tried_again_when_it_counts() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    assert!(
        call.feed(
            3400,
            Input::ReplyFailed {
                utterance: REPLY,
                after: BrokeOff::Unheard
            }
        )
        .is_empty()
    );
    assert_eq!(call.until(3500), ["commit \"Book a cleaning.\"", "reply 3"]);
}

#[test]
fn the_goodbye_is_played_wholly() {
    let mut call = answering();
    call.feed(4100, Input::Closing(EndReason::Goodbye));
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    assert!(
        call.feed(5400, Input::Transcript(heard("okay thanks", 5300, false)))
            .is_empty()
    );
    call.feed(5600, Input::SpeechEnded { at: at(5400) });
    call.feed(
        5700,
        Input::Transcript(heard("Okay, thanks, bye.", 5400, true)),
    );
    assert!(call.until(6500).is_empty());
    call.feed(6600, Input::ReplyFinished(REPLY));
    assert_eq!(
        call.feed(7000, Input::PlayoutFinished(REPLY)),
        ["end goodbye"]
    );
    assert!(call.turn.deadline().is_none());
}

#[test]
fn a_silent_caller_is_asked_twice_and_then_let_go() {
    let mut call = Driver::greeted();
    for (nth, id, ms) in [(0, 2, 13_000), (1, 3, 26_000)] {
        assert_eq!(call.until(ms), [format!("say AreYouThere({nth}) {id}")]);
        call.feed(ms + 100, Input::PlayoutStarted(UtteranceId(id)));
        call.feed(ms + 1000, Input::PlayoutFinished(UtteranceId(id)));
    }
    assert_eq!(call.until(39_000), ["say AwayGoodbye 4"]);
    assert_eq!(
        call.feed(41_000, Input::PlayoutFinished(UtteranceId(4))),
        ["end caller_away"]
    );
}

#[test]
fn a_call_that_is_never_answered_or_never_ends_is_ended() {
    let mut call = Driver {
        turn: TurnMachine::new(at(0), config(), Opening::Greeting, 0),
        last: 0,
    };
    assert_eq!(call.until(30_000), ["end never_came"]);
    let mut call = answering();
    let seen = call.until(700_000);
    assert!(
        seen.last().is_some_and(|o| o.starts_with("end")),
        "{seen:?}"
    );
}

#[test]
fn dead_vendors_hand_the_caller_over() {
    let mut call = answering();
    assert_eq!(
        call.feed(5000, Input::SttDead),
        ["hush", "cancel 2", "say HandOver 3"]
    );
    assert_eq!(call.feed(6000, Input::VoiceDead), ["end voice_dead"]);
}

#[test]
fn a_line_waits_until_the_caller_stops_speaking() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    assert_eq!(call.feed(2500, Input::Stop), ["pause", "say HandOver 2"]);
    let resumed = call.feed(3200, Input::SpeechEnded { at: at(3000) });
    assert!(resumed.contains(&"resume".to_owned()), "{resumed:?}");
}
