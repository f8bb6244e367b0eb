//! Sentences that are the same every time, and small pieces of speech.

use serde_json::Value;

pub(super) const HOW_CAN_I_HELP: &str = "How can I help you today?";
pub(super) const ANYTHING_ELSE: &str = "Is there anything else I can help you with?";
pub(super) const CANNOT: &str =
    "I am sorry, I cannot do that over the phone. Is there anything else I can help you with?";
pub(super) const NOT_CAUGHT: &str = "Sorry, I did not catch that. Could you say it again?";
pub(super) const OUT_OF_SCOPE: &str = "I am sorry, I can only help with insurance coverage and appointments. Which of the two is it about?";
pub(super) const ASK_IDENTITY: &str = "Great. May I have your full name and date of birth, please?";
pub(super) const ASK_NAME: &str = "Thank you. And what is your full name?";
pub(super) const ASK_BIRTH: &str = "Thank you. And what is your date of birth?";
pub(super) const ASK_PHONE: &str = "Thank you. What is the best phone number to reach you?";
pub(super) const ASK_DAY: &str = "Gladly. What day and time of day would suit you best?";
pub(super) const ASK_OTHER_DAY: &str = "All right. What other day or time would suit you?";
pub(super) const ASK_PROCEDURE: &str = "Of course. What is the appointment for?";
pub(super) const ASK_PAYER: &str = "I can check that. Which insurance do you have?";
pub(super) const ASK_PLAN: &str = "I can check that. Which plan is it, for example P P O or H M O?";
pub(super) const ASK_WHICH_SLOT: &str = "Which of those times works best for you?";
pub(super) const ASK_CODE: &str =
    "I can do that. What is the confirmation code of your appointment?";
pub(super) const TAKE_YOUR_TIME: &str = "Of course, take your time.";
pub(super) const NO_PROBLEM: &str = "No problem. What would you like to do instead?";
pub(super) const WELCOME: &str = "You are welcome. Is there anything else I can help you with?";
pub(super) const GOODBYE: &str = "Thank you for calling. Have a nice day, goodbye.";
pub(super) const CONNECTING: &str =
    "Of course. I am connecting you with a person now, one moment please.";
pub(super) const NOBODY_THERE: &str = "I am sorry, nobody is at the front desk right now.";
pub(super) const TROUBLE: &str =
    "I am sorry, our system does not answer right now. Shall I connect you with the front desk?";
pub(super) const NOTHING_FREE: &str =
    "I am sorry, I do not see any openings. Shall I connect you with the front desk?";
pub(super) const AUTOMATED: &str = "I am the clinic's automated assistant. I can check coverage, book appointments, or connect you with a person.";

/// `2500` is "25 dollars".
pub(super) fn money(cents: i64) -> String {
    match (cents / 100, cents % 100) {
        (dollars, 0) => format!("{dollars} dollars"),
        (dollars, cents) => format!("{dollars} dollars and {cents} cents"),
    }
}

/// `K7M2` is "K 7 M 2".
pub(super) fn spelt(code: &str) -> String {
    code.chars()
        .filter(|c| c.is_alphanumeric())
        .map(String::from)
        .collect::<Vec<_>>()
        .join(" ")
}

/// "a, b, or c".
pub(super) fn any_of(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one}, or {two}"),
        [rest @ .., last] => format!("{}, or {last}", rest.join(", ")),
    }
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
