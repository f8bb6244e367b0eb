//! The field's own inputs, through splitter and grammar a character at a time; `|` parts sentences.

use crate::pipeline::speech::SentenceSplitter;

fn said(text: &str) -> String {
    let mut splitter = SentenceSplitter::default();
    let mut found: Vec<_> = text
        .chars()
        .flat_map(|c| splitter.push(c.encode_utf8(&mut [0; 4])))
        .collect();
    found.extend(splitter.finish());
    let spoken: Vec<String> = found
        .into_iter()
        .map(|sentence| sentence.spoken.into_exposed())
        .collect();
    spoken.join(" | ")
}

fn assert_said(table: &[(&str, &str)]) {
    for (written, spoken) in table {
        assert_eq!(said(written), *spoken, "{written:?}");
    }
}

#[test]
fn c25_figures_are_not_turned_into_others() {
    assert_said(&[
        ("Take .5 mg.", "Take zero point five milligrams."),
        ("Take 1/2 tablet.", "Take one half tablet."),
        ("Take 2 1/2 pills.", "Take two and a half pills."),
        ("Use 3/4 cup.", "Use three quarters cup."),
        ("It is $45.5.", "It is forty-five dollars and fifty cents."),
        (
            "It is $1.2 million.",
            "It is one point two million dollars.",
        ),
        ("Born 05/12/84.", "Born May twelfth, eighty-four."),
        (
            "On 12-15-2026.",
            "On December fifteenth, twenty twenty-six.",
        ),
        (
            "In 2024-2025.",
            "In twenty twenty-four to twenty twenty-five.",
        ),
        ("1428 Elm Street", "fourteen twenty-eight Elm Street"),
        ("It takes ~30 min.", "It takes about thirty minutes."),
        ("9:00-5:00", "nine to five"),
        ("3-4pm", "three to four P M"),
        ("9am-5pm", "nine A M to five P M"),
        ("10:30-11:00", "ten thirty to eleven"),
        ("$20-$40", "twenty to forty dollars"),
        ("24/7", "twenty-four seven"),
        ("120/80", "one hundred twenty over eighty"),
        ("5'4\"", "five feet four inches"),
        ("98.6°F", "ninety-eight point six degrees Fahrenheit"),
        ("-$20", "minus twenty dollars"),
        ("10:00 am", "ten A M"),
        ("30-45", "thirty to forty-five"),
        ("30–45", "thirty to forty-five"),
        ("0.5", "zero point five"),
        ("12.5%", "twelve point five percent"),
    ]);
}

#[test]
fn c03_numbers_of_services_are_dialled_digit_by_digit() {
    assert_said(&[
        ("dial 911", "dial nine one one"),
        ("text 988", "text nine eight eight"),
        ("Dial 0 or 211.", "Dial zero or two one one."),
        (
            "Text HOME to 741741.",
            "Text Home to seven four one seven four one.",
        ),
        (
            "1-800-222-1222",
            "one, eight zero zero, two two two, one two two two",
        ),
    ]);
}

#[test]
fn c05_and_c46_a_code_is_spelled_with_pauses_word_or_not() {
    assert_said(&[
        (
            "Your confirmation code is KXQP.",
            "Your confirmation code is K, X, Q, P.",
        ),
        (
            "Your confirmation code is MEND.",
            "Your confirmation code is M, E, N, D.",
        ),
        ("The code is BDPT.", "The code is B, D, P, T."),
        ("Your code is 2026.", "Your code is two, zero, two, six."),
        (
            "Your code is 4827.",
            "Your code is four, eight, two, seven.",
        ),
        ("Your code is K7PX.", "Your code is K, seven, P, X."),
    ]);
}

#[test]
fn c04_telephone_numbers_are_said_in_every_form() {
    let number = "two one two, five five five, zero one two three";
    for written in [
        "(212) 555-0123",
        "212–555–0123",
        "212-555-0123",
        "212.555.0123",
        "2125550123",
        "212 555 0123",
    ] {
        assert_eq!(said(&format!("Call {written}.")), format!("Call {number}."));
    }
    assert_eq!(said("+1 212 555 0123"), format!("plus one, {number}"));
    let extension = format!("{number}, extension four zero two");
    assert_eq!(said("212 555 0123, extension 402"), extension);
    assert_eq!(said("212-555-0123 x402"), extension);
    assert_eq!(
        said("It ends in 4827"),
        "It ends in four, eight, two, seven"
    );
    assert_eq!(said("555-0123"), "five five five, zero one two three");
}

#[test]
fn c24_addresses_and_signs_keep_their_meaning() {
    assert_said(&[
        (
            "john_smith@example.com",
            "john underscore smith at example dot com",
        ),
        (
            "Press # when done, or * to start again.",
            "Press pound when done, or star to start again.",
        ),
        (
            "Results < 5 are normal",
            "Results less than five are normal",
        ),
        (">= 5", "at least five"),
        ("**Frankie**!", "Frankie!"),
    ]);
}

#[test]
fn c12_capitals_are_said_as_people_say_them() {
    assert_said(&[
        (
            "TRICARE, AETNA and MEDICAID, please.",
            "Tricare, Aetna and Medicaid, please.",
        ),
        ("For COVID-19.", "For COVID nineteen."),
        ("See HIPAA and COBRA.", "See HIPAA and COBRA."),
        ("We take BLUE CROSS.", "We take Blue Cross."),
        ("A CIGNA PPO plan.", "A Cigna PPO plan."),
        ("With DELTA DENTAL.", "With Delta Dental."),
        ("Take vitamin B12.", "Take vitamin B twelve."),
        ("Form W-9.", "Form W nine."),
        ("PLEASE arrive EARLY.", "Please arrive Early."),
        ("An MRI, a CT, RSV.", "An MRI, a CT, RSV."),
        ("Your A1C.", "Your A one C."),
    ]);
}

#[test]
fn c13_short_forms_end_no_sentence_and_sentences_end() {
    assert_said(&[
        (
            "I have Tues., Dec. 3 at 10 a.m. Would you like it?",
            "I have Tuesday, December third at ten A M. | Would you like it?",
        ),
        (
            "12 N. Main St. Ste. 4, near Rt. 9.",
            "twelve North Main Street Suite four, near Route nine.",
        ),
        ("See Ph.D. Jones.", "See P H D Jones."),
        ("**1.** Monday", "Monday"),
        ("No. We are closed.", "No. | We are closed."),
        (
            "I live on Main St. Is that far?",
            "I live on Main Street. | Is that far?",
        ),
        ("On Jan. 8.", "On January eighth."),
        ("It is 2 mi. from here.", "It is two miles from here."),
    ]);
}

#[test]
fn c45_pictures_are_left_out_and_symbols_are_said() {
    assert_said(&[
        ("⏰ ℹ ▶ Now", "Now"),
        ("Acme™ is ½ full", "Acme is one half full"),
        ("Bring: • ID • card", "Bring: ID, card"),
        ("2 × 3", "two times three"),
        ("It is ≥ 5", "It is at least five"),
        ("Press 1\u{FE0F}\u{20E3} now", "Press one now"),
        ("It is 70 °F", "It is seventy degrees Fahrenheit"),
    ]);
}

#[test]
fn c58_braces_carry_no_order() {
    assert_said(&[
        (
            r#"Take {"word": "dupilumab", "pronounce": "duˈpɪljuːmæb"} now."#,
            "Take dupilumab now.",
        ),
        ("Hello {name}.", "Hello name."),
    ]);
}

#[test]
fn c59_sums_are_said_with_their_cents() {
    assert_said(&[
        ("$22.08", "twenty-two dollars and eight cents"),
        ("$1.01", "one dollar and one cent"),
        ("It is $1,200.", "It is one thousand two hundred dollars."),
        ("$0.50", "fifty cents"),
        ("$.50", "fifty cents"),
    ]);
}

#[test]
fn c64_web_and_street_addresses_are_said() {
    assert_said(&[
        (
            "See https://www.example.com/forms.",
            "See W W W dot example dot com slash forms.",
        ),
        (
            "W. 4th St., Apt. 3B",
            "West fourth Street, Apartment three B",
        ),
        (
            "Open 9-12 at 9 W. 4th St.",
            "Open nine to twelve at nine West fourth Street.",
        ),
    ]);
}
