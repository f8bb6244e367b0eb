//! Countries' calling codes and the plan of North America's numbers.

use crate::domain::e164::E164;

/// Where a number without a country belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Calling code 1: ten digits, area code and exchange begin with 2 to 9.
    NorthAmerica,
    /// A country by its calling code.
    Country(&'static str),
}

impl Home {
    /// The country of a number, say the clinic's.
    #[must_use]
    pub fn of(number: &E164) -> Self {
        let digits = &number.as_str()[1..];
        ASSIGNED
            .iter()
            .copied()
            .find(|code| digits.starts_with(code))
            .map_or(Self::NorthAmerica, Self::of_code)
    }

    pub(super) fn of_code(code: &'static str) -> Self {
        match code {
            "1" => Self::NorthAmerica,
            code => Self::Country(code),
        }
    }
}

/// Calling codes in use (ITU-T E.164); none is the beginning of another.
const ASSIGNED: [&str; 213] = [
    "1", "7", "20", "211", "212", "213", "216", "218", "220", "221", "222", "223", "224", "225",
    "226", "227", "228", "229", "230", "231", "232", "233", "234", "235", "236", "237", "238",
    "239", "240", "241", "242", "243", "244", "245", "246", "247", "248", "249", "250", "251",
    "252", "253", "254", "255", "256", "257", "258", "260", "261", "262", "263", "264", "265",
    "266", "267", "268", "269", "27", "290", "291", "297", "298", "299", "30", "31", "32", "33",
    "34", "350", "351", "352", "353", "354", "355", "356", "357", "358", "359", "36", "370", "371",
    "372", "373", "374", "375", "376", "377", "378", "380", "381", "382", "383", "385", "386",
    "387", "389", "39", "40", "41", "420", "421", "423", "43", "44", "45", "46", "47", "48", "49",
    "500", "501", "502", "503", "504", "505", "506", "507", "508", "509", "51", "52", "53", "54",
    "55", "56", "57", "58", "590", "591", "592", "593", "594", "595", "596", "597", "598", "599",
    "60", "61", "62", "63", "64", "65", "66", "670", "672", "673", "674", "675", "676", "677",
    "678", "679", "680", "681", "682", "683", "685", "686", "687", "688", "689", "690", "691",
    "692", "800", "808", "81", "82", "84", "850", "852", "853", "855", "856", "86", "870", "878",
    "880", "881", "882", "883", "886", "90", "91", "92", "93", "94", "95", "960", "961", "962",
    "963", "964", "965", "966", "967", "968", "970", "971", "972", "973", "974", "975", "976",
    "977", "98", "992", "993", "994", "995", "996", "998",
];

/// Whether digits begin with a calling code.
pub(super) fn is_assigned(digits: &str) -> bool {
    ASSIGNED.iter().any(|code| digits.starts_with(code))
}

/// Ten digits as the North American numbering plan has them.
pub(super) fn is_north_american(digits: &str) -> bool {
    let begins =
        |at: usize| matches!(digits.as_bytes()[at], b'2'..=b'9') && &digits[at + 1..at + 3] != "11";
    digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit()) && begins(0) && begins(3)
}

/// Countries that callers name beside a number.
const NAMES: [(&str, &str); 44] = [
    ("us", "1"),
    ("usa", "1"),
    ("united states", "1"),
    ("america", "1"),
    ("american", "1"),
    ("canada", "1"),
    ("canadian", "1"),
    ("uk", "44"),
    ("united kingdom", "44"),
    ("england", "44"),
    ("britain", "44"),
    ("great britain", "44"),
    ("scotland", "44"),
    ("british", "44"),
    ("australia", "61"),
    ("australian", "61"),
    ("new zealand", "64"),
    ("ireland", "353"),
    ("irish", "353"),
    ("germany", "49"),
    ("german", "49"),
    ("france", "33"),
    ("french", "33"),
    ("spain", "34"),
    ("spanish", "34"),
    ("italy", "39"),
    ("italian", "39"),
    ("portugal", "351"),
    ("switzerland", "41"),
    ("austria", "43"),
    ("netherlands", "31"),
    ("belgium", "32"),
    ("poland", "48"),
    ("sweden", "46"),
    ("mexico", "52"),
    ("mexican", "52"),
    ("brazil", "55"),
    ("india", "91"),
    ("indian", "91"),
    ("china", "86"),
    ("japan", "81"),
    ("south korea", "82"),
    ("philippines", "63"),
    ("israel", "972"),
];

/// The calling code of a country by its folded name.
pub(super) fn country_named(name: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, code)| *code)
}
