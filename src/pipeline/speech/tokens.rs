//! Rewrites what a synthesiser would misread: money, times, dates, telephone numbers, codes, figures.

use super::numbers::{cardinal, clock, digits, is_month, month_day, ordinal, year};

/// The sentence in words.
pub(super) fn spoken(written: &str) -> String {
    let tokens: Vec<&str> = written.split_whitespace().collect();
    let shouted = !written.chars().any(char::is_lowercase);
    let mut out: Vec<String> = Vec::with_capacity(tokens.len());
    for (i, token) in tokens.iter().enumerate() {
        let previous = i.checked_sub(1).map_or("", |p| bare(tokens[p]));
        let next = tokens.get(i + 1).map_or("", |n| bare(n));
        let last = i + 1 == tokens.len();
        out.push(token_in_words(
            token,
            Around {
                previous,
                next,
                last,
                shouted,
            },
        ));
    }
    out.join(" ")
}

/// What is around a token.
#[derive(Clone, Copy)]
struct Around<'a> {
    previous: &'a str,
    next: &'a str,
    last: bool,
    shouted: bool,
}

fn bare(token: &str) -> &str {
    token.trim_matches(|c: char| matches!(c, ',' | '.' | '?' | '!' | ';' | ':' | '"' | '(' | ')'))
}

fn token_in_words(token: &str, around: Around<'_>) -> String {
    if let Some(half) = half_of_day(token.trim_end_matches([',', '?', '!', ';'])) {
        let stop = if around.last { "." } else { "" };
        return format!("{half}{stop}");
    }
    let core = bare(token);
    let start = token.find(core).unwrap_or(0);
    let tail = &token[start + core.len()..];
    match core_in_words(core, around) {
        Some(words) => format!("{words}{}", tail.trim_matches(['(', ')'])),
        None => token.to_owned(),
    }
}

fn core_in_words(core: &str, around: Around<'_>) -> Option<String> {
    if core == "&" {
        return Some("and".into());
    }
    if !core.bytes().any(|b| b.is_ascii_digit()) {
        let code = core.len() >= 5
            && !around.shouted
            && core.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        return code.then(|| spelled(core));
    }
    money(core)
        .or_else(|| percent(core))
        .or_else(|| time(core, around.next))
        .or_else(|| date(core))
        .or_else(|| ordinal_figure(core))
        .or_else(|| telephone(core))
        .or_else(|| range(core))
        .or_else(|| figure(core, around.previous))
        .or_else(|| code(core))
}

fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// `1,250` or `1250`.
fn grouped(text: &str) -> Option<u32> {
    let mut groups = text.split(',');
    let head = groups
        .next()
        .filter(|h| h.len() <= 3 || !text.contains(','))?;
    let rest: Vec<&str> = groups.collect();
    let even = rest.iter().all(|g| g.len() == 3);
    even.then(|| number(&format!("{head}{}", rest.concat())))
        .flatten()
}

/// `$45.50`
fn money(core: &str) -> Option<String> {
    let amount = core.strip_prefix('$')?;
    let (dollars, cents) = amount.split_once('.').unwrap_or((amount, "0"));
    let (dollars, cents) = (grouped(dollars)?, number(cents)?);
    let mut words = format!(
        "{} {}",
        cardinal(dollars),
        if dollars == 1 { "dollar" } else { "dollars" }
    );
    if cents > 0 {
        words += &format!(
            " and {} {}",
            cardinal(cents),
            if cents == 1 { "cent" } else { "cents" }
        );
    }
    Some(words)
}

fn percent(core: &str) -> Option<String> {
    let figure = core.strip_suffix('%')?;
    Some(format!(
        "{} percent",
        decimal(figure).or_else(|| grouped(figure).map(cardinal))?
    ))
}

fn decimal(core: &str) -> Option<String> {
    let (whole, fraction) = core.split_once('.')?;
    number(fraction)?;
    Some(format!(
        "{} point {}",
        cardinal(grouped(whole)?),
        digits(fraction)
    ))
}

fn half_of_day(token: &str) -> Option<&'static str> {
    match token.to_ascii_lowercase().as_str() {
        "a.m." | "a.m" => Some("A M"),
        "p.m." | "p.m" => Some("P M"),
        _ => (token == "AM")
            .then_some("A M")
            .or_else(|| (token == "PM").then_some("P M")),
    }
}

/// `10:30`, `10am`, `10:30 p.m.`; what follows tells whether `10:00` is "ten" or "ten o'clock".
fn time(core: &str, next: &str) -> Option<String> {
    let lower = core.to_ascii_lowercase();
    let (face, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(face), _) => (face.to_owned(), " A M"),
        (_, Some(face)) => (face.to_owned(), " P M"),
        _ => (lower, ""),
    };
    let (hour, minute) = match face.split_once(':') {
        Some((hour, minute)) => (number(hour)?, number(minute).filter(|_| minute.len() == 2)?),
        None if !half.is_empty() => (number(&face)?, 0),
        None => return None,
    };
    if hour > 24 || minute > 59 {
        return None;
    }
    let bare = half.is_empty() && half_of_day(next).is_none();
    let oclock = if bare && minute == 0 { " o'clock" } else { "" };
    Some(format!("{}{oclock}{half}", clock(hour, minute)))
}

/// `2026-12-01`, with or without a time, `12/01/2026`, `12/1`.
fn date(core: &str) -> Option<String> {
    if let Some((day, at)) = core.split_once('T') {
        return Some(format!("{} at {}", date(day)?, time(at.get(..5)?, "AM")?));
    }
    let by = if core.contains('/') { '/' } else { '-' };
    let parts: Vec<u32> = core.split(by).map(number).collect::<Option<_>>()?;
    match (by, parts.as_slice()) {
        ('-', [y, m, d]) if (1900..2100).contains(y) => {
            Some(format!("{}, {}", month_day(*m, *d)?, year(*y)))
        }
        ('/', [m, d, y]) => Some(format!("{}, {}", month_day(*m, *d)?, year(*y))),
        ('/', [m, d]) => month_day(*m, *d),
        _ => None,
    }
}

fn ordinal_figure(core: &str) -> Option<String> {
    let stem = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|s| core.strip_suffix(s))?;
    number(stem).map(ordinal)
}

/// Seven digits or more with separators, or many digits in a row: digit by digit, with a pause between groups.
fn telephone(core: &str) -> Option<String> {
    let count = core.bytes().filter(u8::is_ascii_digit).count();
    let shape = core
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'(' | b')'));
    if !shape || count < 7 {
        return None;
    }
    let groups = core
        .split(|c: char| !c.is_ascii_digit())
        .filter(|g| !g.is_empty());
    Some(groups.map(digits).collect::<Vec<_>>().join(", "))
}

/// `9-5`
fn range(core: &str) -> Option<String> {
    let (from, to) = core.split_once(['-', '–'])?;
    let short = from.len() <= 3 && to.len() <= 3;
    Some(format!(
        "{} to {}",
        cardinal(number(from).filter(|_| short)?),
        cardinal(number(to)?)
    ))
}

fn figure(core: &str, previous: &str) -> Option<String> {
    if let Some(words) = decimal(core) {
        return Some(words);
    }
    let core = core.strip_prefix('#').unwrap_or(core);
    let n = grouped(core)?;
    let spelled =
        (core.len() > 1 && core.starts_with('0')) || (core.len() >= 5 && !core.contains(','));
    if spelled {
        return Some(digits(core));
    }
    if is_month(previous) && (1..=31).contains(&n) {
        return Some(ordinal(n));
    }
    let after_date =
        is_month(previous) || number(previous).is_some() || ordinal_figure(previous).is_some();
    let names_year = after_date || matches!(previous, "in" | "since" | "of" | "year");
    Some(if names_year && (1900..2100).contains(&n) {
        year(n)
    } else {
        cardinal(n)
    })
}

/// Letters and digits mixed: a procedure or confirmation code.
fn code(core: &str) -> Option<String> {
    let shape = core
        .bytes()
        .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-');
    let letters = core.bytes().any(|b| b.is_ascii_uppercase());
    (shape && letters && core.len() >= 3).then(|| spelled(core))
}

/// Each character by itself, with a pause at each hyphen.
fn spelled(code: &str) -> String {
    let groups = code.split('-').filter(|g| !g.is_empty());
    let groups = groups.map(|group| {
        group
            .chars()
            .map(letter_or_digit)
            .collect::<Vec<_>>()
            .join(" ")
    });
    groups.collect::<Vec<_>>().join(", ")
}

fn letter_or_digit(c: char) -> String {
    c.to_digit(10).map_or_else(|| c.to_string(), cardinal)
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn what_a_synthesiser_would_misread_is_put_in_words() {
        let table = [
            (
                "It is $1,250.50 in total.",
                "It is one thousand two hundred fifty dollars and fifty cents in total.",
            ),
            ("We cover 80% of it.", "We cover eighty percent of it."),
            ("At 10:30 AM or 2pm?", "At ten thirty A M or two P M?"),
            ("Come at 10:00.", "Come at ten o'clock."),
            ("I have 10:00 a.m.", "I have ten A M."),
            (
                "On 2026-12-01 at 9:05.",
                "On December first, twenty twenty-six at nine oh five.",
            ),
            (
                "From 2026-12-01T10:30:00 on",
                "From December first, twenty twenty-six at ten thirty on",
            ),
            ("December 1, 2026", "December first, twenty twenty-six"),
            ("on the 21st", "on the twenty-first"),
            (
                "Call 415-867-5309.",
                "Call four one five, eight six seven, five three zero nine.",
            ),
            ("Your code is K7PX-4Q.", "Your code is K seven P X, four Q."),
            (
                "Procedure D1110, please",
                "Procedure D one one one zero, please",
            ),
            ("Your code is KXQPR.", "Your code is K X Q P R."),
            ("A PPO or HMO plan", "A PPO or HMO plan"),
            (
                "It takes 4.5 hours & 30 minutes",
                "It takes four point five hours and thirty minutes",
            ),
            (
                "Open 9-5 in 10001",
                "Open nine to five in one zero zero zero one",
            ),
            ("Hello, Maria!", "Hello, Maria!"),
        ];
        for (written, words) in table {
            assert_eq!(spoken(written), words);
        }
    }
}
