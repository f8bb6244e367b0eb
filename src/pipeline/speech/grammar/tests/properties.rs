//! For any input of a kind: the digits that are heard are the digits that are written.

use proptest::prelude::*;

use super::{super::spoken, reader::heard};
use crate::pipeline::speech::{Sentence, SentenceSplitter};

fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The text is in words, and what is heard is what was written.
fn assert_heard(written: &str, digits: &str) -> Result<(), TestCaseError> {
    let said = spoken(written);
    prop_assert!(!has_digit(&said), "{written:?} -> {said:?}");
    prop_assert_eq!(heard(&said), digits, "{:?} -> {:?}", written, said);
    Ok(())
}

fn telephone() -> impl Strategy<Value = String> {
    let shapes = [
        "A-B-C",
        "(A) B-C",
        "(A)B-C",
        "A.B.C",
        "A B C",
        "+1 A B C",
        "+1-A-B-C",
        "1-A-B-C",
        "1 (A) B-C",
        "+1AB\u{200B}C",
        "A–B–C",
        "A\u{2011}B\u{2011}C",
        "A - B - C",
        "ABC",
        "A-B-C x77",
        "A-B-C, ext. 402",
        "A B C extension 9",
        "+1 (A) B-C",
    ];
    (0..shapes.len(), 200..1000_u32, 0..1000_u32, 0..10_000_u32).prop_map(
        move |(shape, a, b, c)| {
            let (a, b, c) = (a.to_string(), format!("{b:03}"), format!("{c:04}"));
            let shape: String = shapes[shape].replace('\u{200B}', "");
            shape.replace('A', &a).replace('B', &b).replace('C', &c)
        },
    )
}

/// A chain of pieces of the kinds that meet in replies, with any glue between.
fn jumble() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "1",
        "12",
        "305",
        "2026",
        "45678",
        "0",
        "007",
        ".5",
        "1/2",
        "12/15",
        "$",
        "%",
        "°F",
        "mg",
        "a.m.",
        "pm",
        ":",
        ":30",
        "-",
        "–",
        "/",
        ".",
        ",",
        "(",
        ")",
        " ",
        " ",
        " ",
        "#",
        "*",
        "+",
        "Dec.",
        "Mon",
        "St.",
        "Main",
        "Dr.",
        "No.",
        "code",
        "is",
        "K7PX",
        "KXQP",
        "ext",
        "x",
        "½",
        "'",
        "\"",
        "{",
        "}",
        "<",
        ">",
        "=",
        "@",
        "example.com",
        "on",
        "take",
        "press",
        "to",
        "A",
        "I",
        "million",
        "th",
        "s",
        "é",
        "😀",
        "\u{200B}",
        "\n",
        "…",
        "_",
        "`",
        "~",
        "[",
        "](",
        "|",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_digits_of_a_telephone_number_are_said_one_by_one(number in telephone()) {
        let said = spoken(&format!("Call {number}."));
        prop_assert_eq!(heard(&said), digits_of(&number), "{}", said);
        prop_assert!(!has_digit(&said) && !said.contains("hundred") && !said.contains("teen"), "{}", said);
    }

    #[test]
    fn dollars_and_cents_are_the_ones_that_are_written(dollars in 0..3_000_000_u64, cents in 0..100_u64, commas: bool) {
        let whole = if commas { grouped(dollars) } else { dollars.to_string() };
        let written = format!("It is ${whole}.{cents:02}.");
        let mut digits = String::new();
        if dollars > 0 || cents == 0 {
            digits += &dollars.to_string();
        }
        if cents > 0 {
            digits += &cents.to_string();
        }
        assert_heard(&written, &digits)?;
    }

    #[test]
    fn one_decimal_of_money_is_tens_of_cents(dollars in 1..1000_u64, tenth in 1..10_u64) {
        assert_heard(&format!("It is ${dollars}.{tenth}."), &format!("{dollars}{tenth}0"))?;
    }

    #[test]
    fn a_range_of_money_keeps_both_ends(a in 1..500_u64, b in 1..500_u64, dash in "[-–]", sign in "[$]?") {
        assert_heard(&format!("It costs ${a}{dash}{sign}{b}."), &format!("{a}{b}"))?;
    }

    #[test]
    fn a_time_keeps_hour_and_minute(hour in 1..13_u32, minute in 0..60_u32, half in prop::sample::select(vec!["", " AM", "pm", " p.m.", " am"])) {
        let said = spoken(&format!("At {hour}:{minute:02}{half} we open."));
        let expected = match minute { 0 => hour.to_string(), 1..10 => format!("{hour}0{minute}"), _ => format!("{hour}{minute}") };
        prop_assert_eq!(heard(&said), expected, "{}", said);
    }

    #[test]
    fn a_range_of_times_keeps_both(a in 1..13_u32, b in 1..13_u32, m in prop::sample::select(vec!["", ":30", ":15"]), half in prop::sample::select(vec!["am", " p.m.", " PM"]), dash in "[-–]") {
        assert_heard(&format!("Open {a}{m}{dash}{b}{m}{half} today."), &digits_of(&format!("{a}{m}{b}{m}")))?;
    }

    #[test]
    fn a_date_with_its_year_keeps_all_three(month in 1..13_u32, day in 1..32_u32, year in 1930..2100_u32, shape in 0..5_usize) {
        let written = match shape {
            0 => format!("{month}/{day}/{year}"),
            1 => format!("{month:02}/{day:02}/{year}"),
            2 => format!("{month:02}-{day:02}-{year}"),
            3 => format!("{year}-{month:02}-{day:02}"),
            _ => format!("{month}.{day}.{year}"),
        };
        let said = spoken(&format!("On {written}."));
        let names = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
        prop_assert!(said.contains(names[month as usize - 1]), "{}", said);
        let year = match year { 2000..2010 => year.to_string(), _ => format!("{:02}{:02}", year / 100, year % 100) };
        let hundred = year.ends_with("00") && year != "2000";
        prop_assert_eq!(heard(&said), if hundred { format!("{day}{}", &year) } else { format!("{day}{year}") }, "{}", said);
    }

    #[test]
    fn a_short_year_gets_no_century(month in 1..13_u32, day in 1..32_u32, year in 0..100_u32) {
        assert_heard(&format!("Born {month:02}/{day:02}/{year:02}."), &format!("{day}{}", if year < 10 { format!("0{year}") } else { year.to_string() }))?;
    }

    #[test]
    fn a_code_is_spelled_with_pauses(code in "[A-Z0-9]{4,8}") {
        prop_assume!(!matches!(code.as_str(), "ASAP"));
        let said = spoken(&format!("Your confirmation code is {code}."));
        let said = said.strip_prefix("Your confirmation code is ").expect("prefix").trim_end_matches('.');
        let parts: Vec<&str> = said.split(", ").collect();
        prop_assert_eq!(parts.len(), code.len(), "{}", said);
        for (part, c) in parts.iter().zip(code.chars()) {
            let same = if c.is_ascii_digit() { heard(part) == c.to_string() } else { *part == c.to_string() };
            prop_assert!(same, "{} in {}", part, said);
        }
    }

    #[test]
    fn a_fraction_keeps_both_numbers(whole in 1..20_u32, pair in prop::sample::select(vec![(1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 8), (5, 8)])) {
        let (n, d) = pair;
        assert_heard(&format!("Take {n}/{d} tablet."), &format!("{n}{d}"))?;
        let said = spoken(&format!("Take {whole} {n}/{d} tablets."));
        let expected = if (n, d) == (1, 2) || (n, d) == (1, 4) { format!("{whole}{d}") } else { format!("{whole}{n}{d}") };
        prop_assert_eq!(heard(&said), expected, "{}", said);
    }

    #[test]
    fn an_amount_keeps_its_digits(n in 0..10_000_000_u64, unit in prop::sample::select(vec!["mg", " mL", " hours", "%", " lbs", "°F"])) {
        assert_heard(&format!("It is {}{unit}.", grouped(n)), &n.to_string())?;
    }

    #[test]
    fn decimals_are_said_one_by_one(whole in 0..1000_u32, decimals in "[0-9]{1,4}") {
        assert_heard(&format!("It is {whole}.{decimals} mg."), &format!("{whole}{decimals}"))?;
    }

    #[test]
    fn a_house_number_keeps_its_digits(n in 1..10_000_u32) {
        let said = spoken(&format!("We are at {n} Elm Street."));
        prop_assert_eq!(heard(&said), n.to_string(), "{}", said);
    }

    /// Kinds side by side do not run into each other.
    #[test]
    fn kinds_in_one_sentence_keep_their_numbers(
        number in telephone(), dollars in 1..5000_u64, month in 1..13_u32, day in 1..29_u32,
        hour in 1..13_u32, minute in 10..60_u32, n in 1..1000_u64, dose in 1..900_u64,
    ) {
        let written = format!("Call {number} about ${dollars}, on {month}/{day}/2026 at {hour}:{minute} p.m., for {n} visits of {dose}mg.");
        let digits = format!("{}{dollars}{day}2026{hour}{minute}{n}{dose}", digits_of(&number));
        assert_heard(&written, &digits)?;
    }

    /// A figure that nothing announces is said as it is or left, alone and in any company.
    #[test]
    fn bare_figures_keep_their_digits(figures in prop::collection::vec(0..100_000_u64, 1..5), by in prop::sample::select(vec![" and ", ", ", " or then ", "; "])) {
        let written = figures.iter().map(u64::to_string).collect::<Vec<_>>().join(by);
        let digits: String = figures.iter().map(u64::to_string).collect();
        assert_heard(&format!("We saw {written}."), &digits)?;
    }

    #[test]
    fn a_range_keeps_both_ends(a in 1..1000_u64, b in 1..1000_u64, dash in prop::sample::select(vec!["-", "–", " - ", " – "]), unit in prop::sample::select(vec![" minutes", "mg", "%", " visits", "°F"])) {
        assert_heard(&format!("It is {a}{dash}{b}{unit} then."), &format!("{a}{b}"))?;
    }

    #[test]
    fn a_pressure_keeps_both_numbers(upper in 101..220_u32, lower in 40..100_u32) {
        assert_heard(&format!("It is {upper}/{lower}."), &format!("{upper}{lower}"))?;
    }

    #[test]
    fn a_day_of_a_month_by_name_keeps_its_number(day in 1..32_u32, month in prop::sample::select(vec!["Jan.", "Feb", "March", "Sept.", "December"]), suffix in "(th)?") {
        assert_heard(&format!("On {month} {day}{suffix} we are open."), &day.to_string())?;
    }

    /// Whatever is glued to whatever.
    #[test]
    fn no_text_panics_or_reaches_the_vendor_as_an_order(text in jumble()) {
        if let Some(sentence) = Sentence::new(&text) {
            let said = sentence.spoken.expose();
            let order = said.chars().find(|c| c.is_control() || matches!(c, '{' | '}' | '[' | ']' | '\\' | '`'));
            prop_assert_eq!(order, None, "{:?} -> {:?}", text, said);
        }
    }

    #[test]
    fn any_characters_at_all_can_be_said(text in "\\PC{0,60}") {
        let _ = spoken(&text);
        let _ = Sentence::new(&text);
    }

    /// The pieces of the stream change nothing.
    #[test]
    fn sentences_do_not_depend_on_the_pieces(text in jumble(), size in 1..9_usize) {
        let whole = split(&text, usize::MAX);
        prop_assert_eq!(split(&text, size), whole, "{:?}", text);
    }
}

fn split(text: &str, size: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut splitter = SentenceSplitter::default();
    let mut found = Vec::new();
    for piece in chars.chunks(size.min(chars.len().max(1))) {
        found.extend(splitter.push(&piece.iter().collect::<String>()));
    }
    found.extend(splitter.finish());
    found
        .into_iter()
        .map(|sentence| sentence.written.into_exposed())
        .collect()
}

/// `1250` as `1,250`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let mut out = digits[..head].to_owned();
    for (i, c) in digits[head..].chars().enumerate() {
        if i % 3 == 0 && !out.is_empty() {
            out.push(',');
        }
        out.push(c);
    }
    out
}
