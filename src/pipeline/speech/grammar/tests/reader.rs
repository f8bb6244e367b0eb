//! Reads the digits back from words, by rules of its own.

/// The digits that are heard in the words: "two oh four" is `204`, "twelve hundred" is `1200`.
pub(super) fn heard(words: &str) -> String {
    let mut out = String::new();
    let mut number = Number::default();
    for word in words.split_inclusive(|c: char| !c.is_alphabetic() && c != '-') {
        let pause = word.ends_with([',', ';', '.']);
        let word = word.trim_end_matches(|c: char| !c.is_alphabetic());
        for part in word.split('-').filter(|p| !p.is_empty()) {
            match value(&part.to_lowercase()) {
                Some(value) => number.push(value, &mut out),
                None => number.end(&mut out),
            }
        }
        if pause {
            number.end(&mut out);
        }
    }
    number.end(&mut out);
    out
}

/// A number while it is being said.
#[derive(Default)]
struct Number {
    total: u64,
    part: u64,
    /// The size of what was said last: a smaller size may follow.
    room: u64,
    is_open: bool,
}

impl Number {
    fn push(&mut self, value: u64, out: &mut String) {
        match value {
            100 => {
                self.part *= 100;
                self.room = 100;
            }
            1000 | 1_000_000 | 1_000_000_000 => {
                self.total += self.part * value;
                self.part = 0;
                self.room = value;
            }
            value => {
                let size = if value == 0 {
                    1
                } else if value < 10 {
                    10
                } else {
                    100
                };
                let fits = self.is_open && value > 0 && size <= self.room && self.room > 1;
                if !fits {
                    self.end(out);
                }
                self.part += value;
                self.is_open = true;
                self.room = if value >= 20 && value.is_multiple_of(10) {
                    10
                } else {
                    1
                };
            }
        }
    }

    fn end(&mut self, out: &mut String) {
        if self.is_open {
            out.push_str(&(self.total + self.part).to_string());
        }
        *self = Self::default();
    }
}

fn value(word: &str) -> Option<u64> {
    const WORDS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    const ORDINALS: [(&str, u64); 12] = [
        ("first", 1),
        ("second", 2),
        ("third", 3),
        ("fifth", 5),
        ("eighth", 8),
        ("ninth", 9),
        ("twelfth", 12),
        ("twentieth", 20),
        ("thirtieth", 30),
        ("oh", 0),
        ("half", 2),
        ("quarter", 4),
    ];
    let find = |word: &str| {
        let ten = TENS.iter().position(|t| *t == word).map(|i| (i + 2) * 10);
        let index = WORDS.iter().position(|w| *w == word).or(ten)?;
        u64::try_from(index).ok()
    };
    let size = match word {
        "hundred" => Some(100),
        "thousand" => Some(1000),
        "million" => Some(1_000_000),
        "billion" => Some(1_000_000_000),
        _ => None,
    };
    let named = ORDINALS
        .iter()
        .find(|(w, _)| *w == word || format!("{w}s") == word || (*w == "half" && word == "halves"));
    size.or_else(|| find(word))
        .or_else(|| named.map(|(_, n)| *n))
        .or_else(|| {
            find(
                word.strip_suffix("ths")
                    .or_else(|| word.strip_suffix("th"))?,
            )
        })
}

#[test]
fn numbers_are_heard_as_they_are_said() {
    for (words, digits) in [
        ("two one two, five five five", "212555"),
        (
            "one thousand two hundred fifty dollars and fifty cents",
            "125050",
        ),
        ("fourteen twenty-eight Elm Street", "1428"),
        ("two oh four", "204"),
        ("December twenty-first, twenty twenty-six", "212026"),
        ("twelve hundred", "1200"),
        ("one million five thousand", "1005000"),
        ("five eighths", "58"),
        ("ten oh five", "1005"),
        ("thirty to forty-five", "3045"),
    ] {
        assert_eq!(heard(words), digits, "{words}");
    }
}
