//! First and last words of a call.

use super::{
    forms::{bare_words, is_backchannel, padded},
    question::has_any,
};

/// Words of somebody who takes leave. A sentence of these alone asks for nothing more.
const LEAVING: &str = "bye goodbye byebye buy good thank thanks thankyou you your so much very a an have great nice \
    wonderful lovely perfect awesome fine one day evening afternoon night weekend week rest okay ok alright all right \
    yes yeah yep yup ya no nope that's thats that is it was will be everything see ya soon then there take care cheers \
    sounds do i i'll appreciate for help helping time the and well now later talk to too same likewise ma'am sir oh ah \
    of course sure i'm we're done set got nothing else we on tuesday monday wednesday thursday friday saturday sunday \
    tomorrow today next morning love honey god bless real really bunch ton me my as again up hanging hang going go let";

/// First words of somebody who finds out whether anyone is there.
const HELLO: &str = "hello hi hey hiya hallo yes yeah there anybody anyone is are you can hear me good morning \
    afternoon evening day sir ma'am alo";

/// One of them makes it a hello.
const CALLS: [&str; 12] = [
    "hello",
    "hi",
    "hey",
    "hiya",
    "hallo",
    "alo",
    "anybody",
    "anyone",
    "hear",
    "morning",
    "afternoon",
    "evening",
];

/// Whether the words take leave and ask for nothing.
pub(in crate::pipeline::turn) fn is_farewell(text: &str) -> bool {
    let asks = text.trim_end().ends_with('?') && bare_words(text).count() > 2;
    let leaving: Vec<&str> = LEAVING.split_whitespace().collect();
    let only = bare_words(text).all(|w| leaving.contains(&w.as_str()) || is_backchannel(&w));
    only && !asks
}

/// Whether the words ask the agent not to hang up, so clearly that they need not be complete.
pub(in crate::pipeline::turn) fn is_plea(text: &str) -> bool {
    let pleas = [
        "wait",
        "hold on",
        "hang on",
        "actually",
        "question",
        "one more",
        "one last",
        "before you",
        "sorry",
        "hello",
        "excuse me",
        "don't hang up",
        "forgot",
        "not yet",
        "another",
    ];
    has_any(&padded(text), &pleas)
}

/// Whether the words only greet, or ask whether somebody is there.
pub(in crate::pipeline::turn) fn is_hello(text: &str) -> bool {
    let known: Vec<&str> = HELLO.split_whitespace().collect();
    let words: Vec<String> = bare_words(text).collect();
    let calls = words.iter().any(|w| CALLS.contains(&w.as_str()));
    // A "yes" alone answers what the greeting asks.
    calls
        && words
            .iter()
            .all(|w| known.contains(&w.as_str()) || is_backchannel(w))
}
