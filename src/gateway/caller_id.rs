//! The caller's number, if the network tells it.

use crate::{
    domain::{caller::CallOrigin, e164::E164, phi::Phi, phone},
    storage::postgres::Clinic,
};

/// What networks write as caller when they do not know or may not tell: words on a keypad (ANONYMOUS, RESTRICTED, UNAVAILABLE, BLOCKED, UNKNOWN, PRIVATE).
/// Some of them would be numbers.
const WITHHELD: [&str; 6] = [
    "266696687",
    "7378742833",
    "86282452253",
    "2562533",
    "8656696",
    "7748283",
];

/// The number in a `From`; `None` if it is withheld, none, or one that nobody has.
pub(super) fn number(from: &str) -> Option<Phi<E164>> {
    let number = phone::from_network(from)?;
    let digits = &number.as_str()[1..];
    let local = digits.strip_prefix('1').unwrap_or(digits);
    let is_told = !WITHHELD.contains(&digits) && !WITHHELD.contains(&local);
    (is_told && !phone::is_impossible(&number)).then(|| Phi::new(number))
}

/// The caller's number, unless it is the clinic's own or of who forwarded the call: many callers come by it, and it is none of theirs.
pub(super) fn identifying(
    caller: Option<Phi<E164>>,
    origin: &CallOrigin,
    clinic: &Clinic,
) -> Option<Phi<E164>> {
    caller.filter(|number| {
        origin.forwarded_from.as_ref() != Some(number) && !clinic.is_own(number.expose())
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_withheld_number_is_none_in_whatever_form_it_comes() {
        for from in [
            "",
            "+266696687",
            "266696687",
            " 266696687",
            "+1266696687",
            "+7378742833",
            "7378742833",
            "+17378742833",
            "+86282452253",
            "86282452253",
            "+2562533",
            "+8656696",
            "anonymous",
            "Anonymous",
            "RESTRICTED",
            "unavailable",
            "Private",
            "Unknown Caller",
            "sip:anonymous@anonymous.invalid",
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1",
            "<sip:+266696687@x>",
            "<sip:266696687@x;user=phone>",
            "+10000000000",
            "+15555555555",
            "0000000000",
        ] {
            assert!(number(from).is_none(), "{from}");
        }
    }

    #[test]
    fn a_number_is_told_in_whatever_form_it_comes() {
        for from in [
            "+14155550137",
            "14155550137",
            "4155550137",
            " 14155550137",
            "<sip:+14155550137@carrier.example>;tag=1",
            "tel:+1-415-555-0137",
        ] {
            let told = number(from);
            assert_eq!(
                told.as_ref().map(|n| n.expose().as_str()),
                Some("+14155550137"),
                "{from}"
            );
        }
    }
}
