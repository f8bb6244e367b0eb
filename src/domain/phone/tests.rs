use super::*;

const US: Home = Home::NorthAmerica;
const UK: Home = Home::Country("44");

fn read_in(home: Home, text: &str) -> Result<String, PhoneProblem> {
    read(text, home).map(|read| read.number.as_str().to_owned())
}

#[test]
fn a_number_is_read_in_every_written_form() {
    for text in [
        "+12125550123",
        "(212) 555-0123",
        "1 212 555 0123",
        "212.555.0123",
        "212–555–0123",
        "212—555‑0123",
        "2125550123",
        "12125550123",
        "1-(212)-555-0123",
        "tel:+1-212-555-0123",
        "TEL:2125550123",
        "sip:+12125550123@example.com",
        "+1 (212) 555 0123",
        "001 212 555 0123",
        "011 1 212 555 0123",
        "２１２ ５５５ ０１２３",
        "212 555 0123 (cell)",
        "my number is 212-555-0123",
        "[212] 555/0123",
        "212, 555, 0123",
        "US 212 555 0123",
    ] {
        assert_eq!(read_in(US, text).as_deref(), Ok("+12125550123"), "{text}");
    }
}

#[test]
fn a_number_is_read_as_it_is_spoken() {
    for text in [
        "two one two five five five oh one two three",
        "two one two, five five five, zero one two three",
        "two-one-two five-five-five zero-one-two-three",
        "area code two one two, triple five, oh one two three",
        "two one two double five five zero one two three",
        "212 five five five 0123",
        "two twelve five fifty-five oh one twenty-three",
        "plus one two one two five five five oh one two three",
        "It's two one two 555 oh one twenty three.",
    ] {
        assert_eq!(read_in(US, text).as_deref(), Ok("+12125550123"), "{text}");
    }
    assert_eq!(
        read_in(US, "eight hundred five five five oh one double nine").as_deref(),
        Ok("+18005550199")
    );
    assert_eq!(read_in(US, "1 800 555 0199").as_deref(), Ok("+18005550199"));
}

#[test]
fn an_extension_is_split_off_and_told() {
    for (text, extension) in [
        ("212 555 0123 ext 4", "4"),
        ("212-555-0123 x402", "402"),
        ("212-555-0123x402", "402"),
        ("(212) 555-0123, extension 402", "402"),
        ("(212) 555-0123, Ext. 12", "12"),
        ("212.555.0123 #9", "9"),
        ("tel:+1-212-555-0123;ext=77", "77"),
        (
            "two one two five five five oh one two three extension four oh two",
            "402",
        ),
    ] {
        let read = read(text, US).expect(text);
        assert_eq!(
            (read.number.as_str(), read.extension.as_deref()),
            ("+12125550123", Some(extension)),
            "{text}"
        );
    }
}

// C26: each of these was bent into a North American number, or refused in the same words as nonsense.
#[test]
fn a_number_of_another_country_is_taken_only_with_its_country() {
    for text in [
        "0412345678",
        "07700 900123",
        "0412 345 678",
        "44 7700 900123",
        "61412345678",
        "030 901820",
        "12 34",
    ] {
        assert_eq!(read_in(US, text), Err(PhoneProblem::ForeignForm), "{text}");
    }
    for (text, number) in [
        ("0044 7700 900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("011 44 7700 900123", "+447700900123"),
        ("07700 900123 UK", "+447700900123"),
        ("United Kingdom 07700 900123", "+447700900123"),
        ("Australia 0412 345 678", "+61412345678"),
        (
            "plus four four seven seven double oh nine double oh one two three",
            "+447700900123",
        ),
        ("+49 30 901820", "+4930901820"),
        ("+39 06 6982", "+39066982"),
    ] {
        assert_eq!(read_in(US, text).as_deref(), Ok(number), "{text}");
    }
    for (text, number) in [
        ("07700 900123", "+447700900123"),
        ("020 7946 0123", "+442079460123"),
        ("+1 212 555 0123", "+12125550123"),
        ("00 1 212 555 0123", "+12125550123"),
    ] {
        assert_eq!(read_in(UK, text).as_deref(), Ok(number), "{text}");
    }
    assert_eq!(read_in(UK, "212 555 0123"), Err(PhoneProblem::ForeignForm));
}

#[test]
fn a_number_that_nobody_has_is_refused() {
    for text in [
        "1234567890",
        "0000000000",
        "5555555555",
        "9999999999",
        "1111111111",
        "0123456789",
        "9876543210",
        "+10000000000",
        "+1 555 555 5555",
        "555-555-0123",
        "+1 112 555 0123",
        "00000000000",
        "+440000000000",
        "+61 444444444",
    ] {
        assert!(
            matches!(
                read_in(US, text),
                Err(PhoneProblem::Impossible | PhoneProblem::ForeignForm)
            ),
            "{text}: {:?}",
            read_in(US, text)
        );
    }
    for text in [
        "111-555-0123",
        "911 555 0123",
        "212 055 0123",
        "212-155-0123",
        "212 911 0123",
    ] {
        assert!(read_in(US, text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        "call me",
        "+",
        "the same",
        "212@555",
        "anna@example.com",
        "+0123456789",
        "two",
        "+1+2125550123",
        "\u{0}2125550123",
    ] {
        assert!(read_in(US, text).is_err(), "{text}");
    }
    for text in ["555-0123", "five five five oh one two three"] {
        assert_eq!(
            read_in(US, text),
            Err(PhoneProblem::WithoutAreaCode),
            "{text}"
        );
    }
}

// C09, C36, C37: numbers at the edge.
#[test]
fn a_networks_number_is_read_in_every_form() {
    for text in [
        "+12125550100",
        "12125550100",
        " 12125550100",
        "2125550100",
        "2125550100;user=phone",
        "sip:+12125550100@sip.example;transport=tls",
        "SIP:+12125550100@sip.example",
        "Sips:12125550100@sip.example",
        "sip:+1-212-555-0100@sip.example;user=phone",
        "sip:2125550100@sip.example;user=phone",
        "sip:%2B12125550100@clinic.sip.twilio.com",
        "sip:+12125550100:secret@sip.example",
        "tel:+1-212-555-0100",
        "TEL:+1(212)555.0100",
        "tel:2125550100;phone-context=+1",
        "<tel:+12125550100>",
        "\"Maple <Dental>\" <sip:+12125550100@sip.example>;tag=1",
        "\"sip:+1999@x\" <sips:+12125550100@sip.example>",
        "whatsapp:+12125550100",
        "WhatsApp: 12125550100",
        "0012125550100",
        "01112125550100",
        "212–555–0100",
    ] {
        let number = from_network(text);
        assert_eq!(
            number.as_ref().map(E164::as_str),
            Some("+12125550100"),
            "{text}"
        );
    }
    for (text, number) in [
        ("442079460123", "+442079460123"),
        ("+4930901820", "+4930901820"),
        ("sip:0061412345678@x", "+61412345678"),
    ] {
        assert_eq!(
            from_network(text).as_ref().map(E164::as_str),
            Some(number),
            "{text}"
        );
    }
}

#[test]
fn what_a_network_writes_in_place_of_a_number_is_none() {
    for text in [
        "",
        "<>",
        "anonymous",
        "sip:anonymous@anonymous.invalid",
        "sip:reception@sip.example",
        "client:bob",
        "mailto:a@b",
        "<mailto:a@b>",
        "0412345678",
        "1234567890",
        "12345",
        "+",
        "266696687",
        "sip:12.3.4.5",
    ] {
        assert_eq!(from_network(text), None, "{text}");
    }
}

#[test]
fn a_clinics_home_is_its_numbers_country() {
    for (number, home) in [
        ("+12125550100", US),
        ("+442079460123", UK),
        ("+35315550123", Home::Country("353")),
        ("+74951234567", Home::Country("7")),
    ] {
        assert_eq!(Home::of(&number.parse().expect("number")), home);
    }
}
