//! The caller's number, if the network tells it.

use crate::domain::{e164::E164, phi::Phi};

/// What Twilio writes as caller when it does not know or may not tell: words on a keypad (ANONYMOUS, RESTRICTED, UNAVAILABLE, BLOCKED, UNKNOWN).
const WITHHELD: [&str; 5] = [
    "+266696687",
    "+7378742833",
    "+86282452253",
    "+2562533",
    "+8656696",
];

/// The number in a `From`; `None` if it is withheld or none.
pub(super) fn number(from: &str) -> Option<Phi<E164>> {
    let is_told = !WITHHELD.contains(&from);
    is_told.then(|| from.parse().ok().map(Phi::new)).flatten()
}
