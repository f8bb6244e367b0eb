//! Times of the day and ranges of them.

use super::{
    Reading,
    lexer::View,
    numbers::{cardinal, clock},
};

/// A time as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    hour: u32,
    minute: Option<u32>,
    half: Option<&'static str>,
    /// The token after it.
    pub(super) end: usize,
    /// Whether its last token is the full stop of `a.m.`.
    stops: bool,
}

impl Clock {
    /// Whether the text itself tells that it is a time.
    pub(super) fn is_certain(self) -> bool {
        self.minute.is_some() || self.half.is_some()
    }

    fn words(self, oclock: bool) -> String {
        let half = self.half.map(|h| format!(" {h}")).unwrap_or_default();
        let whole = self.minute == Some(0) && self.half.is_none() && oclock;
        match (whole, self.hour) {
            (true, 0) => "midnight".to_owned(),
            (true, hour) => format!("{} o'clock", cardinal(u64::from(hour))),
            (false, hour) => format!("{}{half}", clock(hour, self.minute.unwrap_or(0))),
        }
    }

    /// The sentence's stop, if the half of the day took it.
    fn stop(self, view: View<'_>) -> &'static str {
        if self.stops { view.stop(self.end) } else { "" }
    }
}

/// `10:30`, `10 a.m.`, `3-4pm`, `9:00–5:00`, `noon-1pm`.
pub(super) fn time(view: View<'_>) -> Reading {
    if let Some(reading) = range(view) {
        return Some(reading);
    }
    let at = read(view, 0)?;
    let slash = at.half.is_some() && view.glued(at.end).is_some_and(|t| t.is('/'));
    let ratio = ["ratio", "mix", "dilute", "dilution", "odds"];
    let is_ratio = at.half.is_none() && view.after_word(&ratio, 4);
    if is_ratio || !at.is_certain() || !(view.ends_or_hyphen(at.end) || slash) {
        return None;
    }
    let named = view
        .tok(at.end)
        .is_word(&["noon", "midnight", "o'clock", "hours", "hrs"]);
    let last = view.tok(at.end - 1);
    let bare_letter = at.minute.is_none() && last.is_word(&["a", "p"]);
    let told = view.back(1).is('@') || view.back(1).is_word(&["at"]);
    if bare_letter && !told {
        return None;
    }
    Some((at.end, format!("{}{}", at.words(!named), at.stop(view))))
}

fn range(view: View<'_>) -> Reading {
    let (from, from_words) = end_of_range(view, 0)?;
    let dash = from.map_or(1, |c| c.end);
    if !view.is_range_dash(dash) {
        return None;
    }
    let (to, to_words) = end_of_range(view, dash + 1)?;
    let end = to.map_or(dash + 2, |c| c.end);
    let certain = |c: Option<Clock>| c.is_none_or(Clock::is_certain);
    let fits = (certain(from) || certain(to)) && view.ends_or_hyphen(end);
    let stop = to.map_or("", |c| c.stop(view));
    fits.then(|| (end, format!("{from_words} to {to_words}{stop}")))
}

/// A time, an hour alone, noon or midnight.
fn end_of_range(view: View<'_>, k: usize) -> Option<(Option<Clock>, String)> {
    let token = view.tok(k);
    if token.is_word(&["noon", "midnight"]) {
        return Some((None, token.text.to_owned()));
    }
    let at = read(view, k)?;
    (at.hour > 0 || at.minute.is_some()).then(|| (Some(at), at.words(false)))
}

/// A time or a bare hour at token `k`.
pub(super) fn read(view: View<'_>, k: usize) -> Option<Clock> {
    let hour = view.tok(k).short_value(2).filter(|h| *h < 24)?;
    let (minute, mut end) = minute(view, k + 1)?;
    let mut stops = false;
    let mut half = None;
    if let Some((name, after, dotted)) = half_of_day(view, end) {
        (half, end, stops) = (Some(name), after, dotted);
    }
    Some(Clock {
        hour,
        minute,
        half,
        end,
        stops,
    })
}

/// `:30`, `:30:00`; no minute if no colon is there, nothing if it is no time at all.
fn minute(view: View<'_>, k: usize) -> Option<(Option<u32>, usize)> {
    if view.glued(k).is_some_and(|t| t.is('.'))
        && let Some(minute) = view.glued(k + 1).filter(|t| t.text.len() == 2)
        && half_of_day(view, k + 2).is_some()
    {
        return Some((minute.value().filter(|m| *m < 60), k + 2));
    }
    if !view.glued(k).is_some_and(|t| t.is(':')) || view.glued(k + 1).is_none() {
        return Some((None, k));
    }
    let two = |k: usize| {
        let token = view.glued(k)?;
        token.value().filter(|v| token.text.len() == 2 && *v < 60)
    };
    let minute = two(k + 1)?;
    let seconds = view.glued(k + 2).is_some_and(|t| t.is(':')) && two(k + 3).is_some();
    if !seconds {
        return Some((Some(minute), k + 2));
    }
    (two(k + 3) == Some(0)).then_some((Some(minute), k + 4))
}

/// `am`, `A.M.`, `p`: its letters, the token after it, and whether that is behind a full stop.
fn half_of_day(view: View<'_>, k: usize) -> Option<(&'static str, usize, bool)> {
    let token = view.tok(k);
    let name = |letter: &str| match letter {
        "a" | "A" => Some("A M"),
        "p" | "P" => Some("P M"),
        _ => None,
    };
    let text = token.word()?;
    if token.is_word(&["am", "pm"]) {
        return Some((name(&text[..1])?, k + 1, false));
    }
    let half = name(text)?;
    let point = |k: usize| view.glued(k).is_some_and(|t| t.is('.'));
    let m = |k: usize| view.tok(k).is_word(&["m"]);
    if point(k + 1) && m(k + 2) {
        let stops = point(k + 3);
        return Some((half, k + 3 + usize::from(stops), stops));
    }
    if !token.spaced && (view.ends_or_hyphen(k + 1) || view.is_range_dash(k + 1)) {
        return Some((half, k + 1, false));
    }
    None
}

/// `a.m.` away from its time: "in the a.m."
pub(super) fn lone_half(view: View<'_>) -> Reading {
    let is_dotted = view.glued(1).is_some_and(|t| t.is('.')) && view.tok(2).is_word(&["m"]);
    let capitals = matches!(view.tok(0).text, "AM" | "PM") && view.ends(1) && view.is_apart();
    if !is_dotted && !capitals {
        return None;
    }
    let (half, end, stops) = half_of_day(view, 0)?;
    let stop = if stops { view.stop(end) } else { "" };
    Some((end, format!("{half}{stop}")))
}
