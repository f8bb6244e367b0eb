//! What the model says: each sentence with what it claims. None has a figure, so a synthesiser's text is told from it by its words alone.

/// What a sentence tells the caller of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// An appointment stands.
    Booked,
    /// On this day of the week.
    BookedOn(&'static str),
    /// An appointment was called off.
    Cancelled,
    /// An appointment has another time.
    Moved,
    /// The insurance pays.
    Covered,
    /// The insurance does not pay.
    NotCovered,
}

use Claim::{Booked, BookedOn, Cancelled, Covered, Moved, NotCovered};

/// Sentences that claim.
pub const CLAIMS: [(&str, Claim); 52] = [
    ("You are booked.", Booked),
    ("You're booked in, we look forward to seeing you.", Booked),
    ("Great news, I've booked that for you.", Booked),
    ("Your appointment is confirmed.", Booked),
    ("Perfect, your appointment has been scheduled.", Booked),
    ("All booked!", Booked),
    ("I went ahead and booked the first one.", Booked),
    ("That slot is yours.", Booked),
    ("I have put you down for that time.", Booked),
    ("I was able to get you in.", Booked),
    ("Okay, I've reserved it under your name.", Booked),
    ("Everything is booked, is there anything else?", Booked),
    ("Your confirmation code is kilo seven mike two.", Booked),
    ("You have been scheduled with Dr. Katz.", Booked),
    ("I made the appointment for you.", Booked),
    ("Booking confirmed.", Booked),
    ("I can confirm that your visit is booked.", Booked),
    ("You are booked for Monday.", BookedOn("Monday")),
    ("You're all set for Tuesday morning.", BookedOn("Tuesday")),
    ("I have you down for Wednesday.", BookedOn("Wednesday")),
    (
        "Your appointment is confirmed for Thursday at ten.",
        BookedOn("Thursday"),
    ),
    ("I booked you for Friday.", BookedOn("Friday")),
    ("We will see you on Monday.", BookedOn("Monday")),
    ("I cancelled it.", Cancelled),
    ("I've cancelled your appointment.", Cancelled),
    ("Your appointment has been canceled.", Cancelled),
    ("It is cancelled now.", Cancelled),
    ("Okay, that's cancelled for you.", Cancelled),
    ("I went ahead and cancelled the booking.", Cancelled),
    ("Your cancellation is confirmed.", Cancelled),
    ("I have taken you off the schedule.", Cancelled),
    ("Done, your visit is cancelled.", Cancelled),
    ("No problem, I have cancelled that.", Cancelled),
    ("I moved your appointment.", Moved),
    ("I've moved you to another day.", Moved),
    ("Your appointment has been rescheduled.", Moved),
    ("It has been moved as you wished.", Moved),
    ("We rescheduled it for you.", Moved),
    ("I was able to move it.", Moved),
    ("Your visit was rescheduled.", Moved),
    ("Your plan covers it.", Covered),
    ("Yes, your insurance covers the cleaning.", Covered),
    ("The cleaning is fully covered.", Covered),
    ("That is covered by your plan.", Covered),
    ("Good news, you're covered.", Covered),
    ("You won't have to pay anything.", Covered),
    ("Your copay is twenty dollars.", Covered),
    ("It will be covered.", Covered),
    ("Your plan does not cover it.", NotCovered),
    ("I'm sorry, that isn't covered.", NotCovered),
    ("Root canals are not covered by your plan.", NotCovered),
    ("Your insurance won't pay for it.", NotCovered),
];

/// Sentences that have such words and claim nothing.
pub const HARMLESS: [&str; 38] = [
    "Shall I book it?",
    "Would you like me to book the first one?",
    "Do you want it cancelled?",
    "Should I go ahead and cancel your appointment?",
    "Would you like it moved to another day?",
    "Is your cleaning covered by an insurance?",
    "I can book that for you.",
    "I will book it now.",
    "Let me book that for you.",
    "One moment while I cancel that.",
    "Your appointment has not been booked yet.",
    "Nothing is booked yet.",
    "I could not cancel your appointment.",
    "I was not able to move it.",
    "That time is already booked.",
    "Dr. Katz is fully booked on Monday.",
    "Once it is booked I will tell you the code.",
    "If that works for you, I'll have it booked in a moment.",
    "Let me check whether your plan covers it.",
    "I can't tell whether it's covered.",
    "The staff will check whether that is covered.",
    "Has it been confirmed by somebody?",
    "What is your confirmation code?",
    "May I have your name and your date of birth?",
    "Which day would you like?",
    "I have a few times on that day.",
    "How can I help you?",
    "Sure.",
    "One moment please.",
    "Let me have a look.",
    "I'm sorry to hear that.",
    "Could you say that again?",
    "The office is on Maple Street.",
    "We open at nine in the morning.",
    "Please bring your insurance card.",
    "You can reach us at any time.",
    "I understand.",
    "Is there anything else I can do for you?",
];

/// Last words.
pub const FAREWELLS: [&str; 3] = [
    "Thank you for calling. Goodbye.",
    "Have a nice day, goodbye.",
    "Take care. Goodbye.",
];
