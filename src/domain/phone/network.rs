//! Numbers as carriers, SIP servers and webhooks write them.

use super::country::{is_assigned, is_north_american};
use crate::domain::e164::E164;

/// Schemes before a number, in any case.
const SCHEMES: [&str; 6] = ["sip:", "sips:", "tel:", "callto:", "whatsapp:", "rcs:"];

/// The number in a header, an address or a field of a form; `None` if it holds none. Networks leave out the plus, add a country's own prefixes,
/// and put the number into an address. Ten digits are North American, if they can be.
#[must_use]
pub fn from_network(text: &str) -> Option<E164> {
    // A plus that was not escaped in a form arrives as a space.
    if let Some(number) = text.strip_prefix(' ').and_then(digits)
        && number.starts_with(|c: char| c.is_ascii_digit())
    {
        return e164(&number);
    }
    let address = inside_brackets(text.trim());
    let address = without_scheme(address);
    let (user, parameters) = address
        .split_once([';', '@', '>', '?'])
        .unwrap_or((address, ""));
    let user = user
        .split(':')
        .next()
        .unwrap_or_default()
        .replace("%2B", "+")
        .replace("%2b", "+");
    let digits = digits(&user)?;
    if let Some(full) = digits.strip_prefix('+') {
        return e164(full);
    }
    if let Some(context) = phone_context(parameters) {
        return e164(&format!("{context}{digits}"));
    }
    without_plus(&digits)
}

/// `"Ada" <sip:+15550100@host>;tag=1`.
fn inside_brackets(header: &str) -> &str {
    match header.rsplit_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => header,
    }
    .trim()
}

fn without_scheme(address: &str) -> &str {
    let is_before = |scheme: &&str| {
        address
            .get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    SCHEMES
        .iter()
        .find(|scheme| is_before(scheme))
        .map_or(address, |scheme| address[scheme.len()..].trim_start())
}

/// The digits, with a plus if there is one; `None` if there is anything but digits and what people put between them.
fn digits(user: &str) -> Option<String> {
    let mut digits = String::with_capacity(user.len());
    for c in user.trim().chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push('+'),
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '‐' | '‑' | '‒' | '–' | '—' => {
            }
            _ => return None,
        }
    }
    Some(digits)
}

/// `;phone-context=+1` of a local number (RFC 3966).
fn phone_context(parameters: &str) -> Option<&str> {
    let value = parameters
        .split([';', '@', '>'])
        .find_map(|parameter| parameter.strip_prefix("phone-context=+"))?;
    value
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then_some(value)
        .filter(|value| !value.is_empty())
}

fn without_plus(digits: &str) -> Option<E164> {
    if let Some(rest) = digits
        .strip_prefix("011")
        .or_else(|| digits.strip_prefix("00"))
    {
        return is_assigned(rest).then(|| e164(rest)).flatten();
    }
    match digits.len() {
        10 if is_north_american(digits) => e164(&format!("1{digits}")),
        11 if digits.starts_with('1') => is_north_american(&digits[1..])
            .then(|| e164(digits))
            .flatten(),
        11..=15 if is_assigned(digits) && !digits.starts_with('1') => e164(digits),
        _ => None,
    }
}

fn e164(digits: &str) -> Option<E164> {
    format!("+{digits}").parse().ok()
}
