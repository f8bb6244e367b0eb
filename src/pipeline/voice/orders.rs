//! What the synthesiser's stream still has to be told. Sans-IO: the voice gives orders at any time, the stream takes them when it has room.
//!
//! One `Orders` belongs to one stream. `Clear` is a state, not a message that can be lost: until the vendor has confirmed it, what comes is old; and a stream that is
//! gone takes the state with it, because a new one has nothing to be silent about.

use std::collections::VecDeque;

use crate::{domain::phi::Phi, providers::tts::TtsInput};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Orders {
    waiting: VecDeque<TtsInput>,
    /// `Clear`s that the vendor has not confirmed, those that wait included.
    clearing: u32,
    /// The stream was told to speak since it was last told to be silent.
    was_told: bool,
    /// Text was given since the last flush: what follows it is the same text to the vendor.
    in_text: bool,
}

impl Orders {
    /// Speaks this, apart from what was given since the last flush.
    pub(super) fn speak(&mut self, text: &Phi<String>) {
        let joins = self.in_text && !text.expose().starts_with(char::is_whitespace);
        self.in_text = !text.expose().ends_with(char::is_whitespace);
        let spaced = match joins {
            true => Phi::new(format!(" {}", text.expose())),
            false => text.clone(),
        };
        self.waiting.push_back(TtsInput::Speak(spaced));
    }

    /// What was given is a whole: synthesise all of it.
    pub(super) fn flush(&mut self) {
        self.in_text = false;
        self.waiting.push_back(TtsInput::Flush);
    }

    /// Nothing of what was given is wanted any more. What the stream was not told yet it never is.
    pub(super) fn clear(&mut self) {
        self.in_text = false;
        self.waiting
            .retain(|order| matches!(order, TtsInput::Clear));
        if std::mem::take(&mut self.was_told) {
            self.waiting.push_back(TtsInput::Clear);
            self.clearing += 1;
        }
    }

    /// The vendor has confirmed a `Clear`.
    pub(super) fn cleared(&mut self) {
        self.clearing = self.clearing.saturating_sub(1);
    }

    /// What the stream delivers is of before a `Clear`.
    pub(super) fn is_clearing(&self) -> bool {
        self.clearing > 0
    }

    /// Something has to be told.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A `Clear` has to be told: the caller speaks, and hears us until it is.
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self.waiting.front(), Some(TtsInput::Clear))
    }

    /// The next order; taken, it is told.
    pub(super) fn pop(&mut self) -> Option<TtsInput> {
        let order = self.waiting.pop_front()?;
        self.was_told |= !matches!(order, TtsInput::Clear);
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Phi<String> {
        Phi::new(text.to_owned())
    }

    fn told(orders: &mut Orders) -> Vec<String> {
        let words = |order| match order {
            TtsInput::Speak(text) => text.into_exposed(),
            TtsInput::Flush => "flush".to_owned(),
            TtsInput::Clear => "clear".to_owned(),
            TtsInput::Close => "close".to_owned(),
        };
        std::iter::from_fn(|| orders.pop()).map(words).collect()
    }

    // Case C07.
    #[test]
    fn texts_between_two_flushes_keep_their_space() {
        let mut orders = Orders::default();
        orders.speak(&text("See you then."));
        orders.speak(&text("Goodbye."));
        orders.flush();
        orders.speak(&text("Hello?"));
        orders.speak(&text(" Are you there?\n"));
        orders.speak(&text("Yes."));
        orders.clear();
        orders.speak(&text("Sorry."));
        assert_eq!(told(&mut orders), ["Sorry."]);
        orders.speak(&text("One."));
        orders.flush();
        assert_eq!(told(&mut orders), [" One.", "flush"]);
        orders.speak(&text("See you then."));
        orders.speak(&text("Goodbye."));
        orders.speak(&text(" Bye.\n"));
        orders.speak(&text("Bye."));
        assert_eq!(
            told(&mut orders).concat(),
            "See you then. Goodbye. Bye.\nBye."
        );
    }

    #[test]
    fn a_clear_takes_back_what_was_not_told_and_confirms_what_was() {
        let mut orders = Orders::default();
        orders.speak(&text("a"));
        orders.clear();
        assert!(!orders.is_clearing(), "the stream knows of nothing");
        assert!(told(&mut orders).is_empty());
        orders.speak(&text("b"));
        assert_eq!(told(&mut orders), ["b"]);
        orders.flush();
        orders.clear();
        assert!(orders.is_clearing() && orders.is_urgent());
        orders.speak(&text("c"));
        assert_eq!(told(&mut orders), ["clear", "c"]);
        orders.cleared();
        assert!(!orders.is_clearing());
    }

    proptest! {
        /// Whatever is ordered and whenever the stream takes something: each `Clear` comes before what was ordered after it, none of what was ordered before it is
        /// told after it, and when all are confirmed, the stream is heard again.
        #[test]
        fn no_clear_is_lost(steps in prop::collection::vec(0_u8..4, 0..60)) {
            let (mut orders, mut given, mut since) = (Orders::default(), 0_u32, 0_u32);
            let (mut owed, mut told_since_clear) = (0_u32, Vec::new());
            for step in steps {
                match step {
                    0 => {
                        given += 1;
                        orders.speak(&text(&given.to_string()));
                    }
                    1 => orders.flush(),
                    2 => {
                        orders.clear();
                        since = given;
                    }
                    _ => match orders.pop() {
                        Some(TtsInput::Clear) => { owed += 1; told_since_clear.clear(); }
                        Some(TtsInput::Speak(text)) => {
                            let number: u32 = text.expose().trim().parse().expect("a number");
                            prop_assert!(number > since, "{number} was cleared at {since}");
                            told_since_clear.push(number);
                        }
                        _ => {}
                    },
                }
                if told_since_clear.iter().any(|number| *number <= since) {
                    prop_assert!(orders.is_clearing(), "old sound would be heard");
                }
            }
            while let Some(order) = orders.pop() {
                owed += u32::from(matches!(order, TtsInput::Clear));
            }
            (0..owed).for_each(|_| orders.cleared());
            prop_assert!(!orders.is_clearing());
        }
    }
}
