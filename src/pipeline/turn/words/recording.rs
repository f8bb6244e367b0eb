//! Voices that do not listen: announcements, mailboxes, the same words again and again.

use super::{
    forms::{is_continuer, norm_words, padded},
    question::has_any,
};

/// What machines say on a telephone.
const MACHINES: [&str; 54] = [
    "your call is important",
    "please hold",
    "please continue to hold",
    "stay on the line",
    "remain on the line",
    "thank you for holding",
    "thanks for holding",
    "for holding",
    "representatives are",
    "agents are",
    "operators are",
    "will be with you shortly",
    "will be answered",
    "answered in the order",
    "next available",
    "leave a message",
    "leave your message",
    "leave your name",
    "after the tone",
    "after the beep",
    "at the tone",
    "at the beep",
    "record your message",
    "voice mail",
    "voicemail",
    "mailbox",
    "not available to take",
    "unavailable to take",
    "cannot take your call",
    "can't take your call",
    "unable to take your call",
    "press one",
    "press 1",
    "press two",
    "press 2",
    "press pound",
    "press star",
    "press zero",
    "press 0",
    "you have dialed",
    "not in service",
    "cannot be completed",
    "in the queue",
    "estimated wait",
    "currently busy",
    "lines are busy",
    "are all busy",
    "are busy",
    "is being recorded",
    "you have reached",
    "hold music",
    "closed at this time",
    "has been forwarded",
    "our menu",
];

/// Whether these are words of a machine.
pub(in crate::pipeline::turn) fn is_recording(text: &str) -> bool {
    has_any(&padded(text), &MACHINES)
}

/// Words in which two questions may differ that are otherwise alike.
const TELLING: &str = "monday tuesday wednesday thursday friday saturday sunday today tomorrow morning afternoon evening noon \
    january february march april may june july august september october november december next";

/// Whether two contributions are the same words, give or take what a recogniser makes of them: `share` of all words in both, in percent. They are not
/// if they differ in a day or a number, and "yeah" is said often.
pub(in crate::pipeline::turn) fn is_repeated(one: &str, other: &str, share: usize) -> bool {
    if is_continuer(one) || is_continuer(other) {
        return false;
    }
    let mut left = norm_words(one);
    let mut right = norm_words(other);
    let total = left.len() + right.len();
    right.retain(|word| {
        let place = left.iter().position(|l| l == word);
        place.map(|p| left.swap_remove(p)).is_none()
    });
    let is_telling = |word: &String| {
        word.bytes().any(|b| b.is_ascii_digit())
            || TELLING.split_whitespace().any(|known| known == word)
    };
    let differing = left.len() + right.len();
    let differs = left.iter().chain(&right).any(is_telling);
    total > 0 && !differs && differing * 100 <= total * (100 - share)
}
