//! How long a vendor asks us to wait, read from the headers of a 429 or 503.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

/// Nobody is believed who wants us to wait longer.
const LONGEST: Duration = Duration::from_secs(3600);

/// The wait that the headers ask for: `retry-after-ms`, else `retry-after` (seconds or a date), else the reset of the
/// rate limit that is used up. `None` when they say nothing usable.
#[must_use]
pub fn hint(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("retry-after-ms")
        .and_then(|ms| seconds(ms.trim()).map(|value| value / 1000))
        .or_else(|| text("retry-after").and_then(|value| retry_after(value.trim(), now)))
        .or_else(|| reset(headers))
        .map(|wait| wait.min(LONGEST))
}

fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    seconds(value).or_else(|| {
        let at = DateTime::parse_from_rfc2822(value).ok()?;
        Some((at.to_utc() - now).to_std().unwrap_or(Duration::ZERO))
    })
}

/// The longest reset among the limits that are used up; among all of them if none admits to be.
fn reset(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: String| headers.get(name).and_then(|value| value.to_str().ok());
    let limits = ["requests", "tokens"].map(|unit| {
        let wait = text(format!("x-ratelimit-reset-{unit}")).and_then(duration);
        let used_up = text(format!("x-ratelimit-remaining-{unit}")) == Some("0");
        (wait, used_up)
    });
    let longest = |only_used_up: bool| {
        let chosen = limits
            .iter()
            .filter(|(_, used_up)| *used_up || !only_used_up);
        chosen.filter_map(|(wait, _)| *wait).max()
    };
    longest(true).or_else(|| longest(false))
}

/// A plain number of seconds, with or without a fraction.
fn seconds(value: &str) -> Option<Duration> {
    let number: f64 = value.parse().ok()?;
    Duration::try_from_secs_f64(number).ok()
}

/// A duration as OpenAI writes it: `1s`, `6m0s`, `120ms`, `1h2m3.5s`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        let part = number.parse::<f64>().ok()? * factor;
        total = total.checked_add(Duration::try_from_secs_f64(part).ok()?)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (
                http::HeaderName::from_static(name),
                value.parse().expect("header"),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn wait(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let now = "2026-11-24T08:00:00Z".parse().expect("date");
        hint(&headers(pairs), now)
    }

    #[test]
    fn durations_as_openai_writes_them() {
        assert_eq!(duration("1s"), Some(Duration::from_secs(1)));
        assert_eq!(duration("6m0s"), Some(Duration::from_secs(360)));
        assert_eq!(duration("120ms"), Some(Duration::from_millis(120)));
        assert_eq!(duration("1h2m3.5s"), Some(Duration::from_millis(3_723_500)));
        for bad in ["", "s", "5", "1x", "-1s", "1.2.3s", "1s "] {
            let expected = (bad == "1s ").then(|| Duration::from_secs(1));
            assert_eq!(duration(bad), expected, "{bad:?}");
        }
    }

    #[test]
    fn milliseconds_win_over_seconds_and_those_over_resets() {
        let all = [
            ("retry-after-ms", "250"),
            ("retry-after", "3"),
            ("x-ratelimit-reset-tokens", "9s"),
        ];
        assert_eq!(wait(&all), Some(Duration::from_millis(250)));
        assert_eq!(wait(&all[1..]), Some(Duration::from_secs(3)));
        assert_eq!(wait(&all[2..]), Some(Duration::from_secs(9)));
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn a_date_counts_from_now_and_a_past_one_is_no_wait() {
        let at = |date: &str| wait(&[("retry-after", date)]);
        let later = Some(Duration::from_secs(30));
        assert_eq!(at("Tue, 24 Nov 2026 08:00:30 GMT"), later);
        assert_eq!(at("Tue, 24 Nov 2026 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(at("soon"), None);
    }

    #[test]
    fn the_limit_that_is_used_up_decides() {
        let waits = wait(&[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-remaining-tokens", "900"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]);
        assert_eq!(waits, Some(Duration::from_millis(120)));
    }

    #[test]
    fn nobody_may_ask_for_more_than_an_hour() {
        assert_eq!(wait(&[("retry-after", "99999999")]), Some(LONGEST));
    }

    proptest! {
        #[test]
        fn any_header_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = duration(&text);
            let _ = seconds(&text);
        }
    }
}
