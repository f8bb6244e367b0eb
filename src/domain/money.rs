//! Amounts of money as a person says them: a model that reads cents may say cents.

const UNITS: [&str; 20] = [
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

const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// `twenty-five dollars`, `one dollar and ten cents`, `fifty cents`, `zero dollars`.
#[must_use]
pub fn spoken_dollars(cents: u32) -> String {
    let (dollars, cents) = (cents / 100, cents % 100);
    let of = |count: u32, one: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{} {one}{plural}", number(count))
    };
    match (dollars, cents) {
        (_, 0) => of(dollars, "dollar"),
        (0, _) => of(cents, "cent"),
        _ => format!("{} and {}", of(dollars, "dollar"), of(cents, "cent")),
    }
}

fn number(n: u32) -> String {
    let with_rest = |head: String, rest: u32| match rest {
        0 => head,
        rest => format!("{head} {}", number(rest)),
    };
    match n {
        0..20 => UNITS[n as usize].to_owned(),
        20..100 => match (TENS[(n / 10) as usize], n % 10) {
            (tens, 0) => tens.to_owned(),
            (tens, unit) => format!("{tens}-{}", UNITS[unit as usize]),
        },
        100..1000 => with_rest(format!("{} hundred", number(n / 100)), n % 100),
        1000..1_000_000 => with_rest(format!("{} thousand", number(n / 1000)), n % 1000),
        _ => with_rest(format!("{} million", number(n / 1_000_000)), n % 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::spoken_dollars;

    // C59: the tool handed out `"copay_cents":2500` and nothing else.
    #[test]
    fn an_amount_is_said_in_dollars_and_cents() {
        for (cents, words) in [
            (0, "zero dollars"),
            (1, "one cent"),
            (50, "fifty cents"),
            (100, "one dollar"),
            (101, "one dollar and one cent"),
            (2500, "twenty-five dollars"),
            (2208, "twenty-two dollars and eight cents"),
            (12_500, "one hundred twenty-five dollars"),
            (120_000, "one thousand two hundred dollars"),
            (
                214_748_364,
                "two million one hundred forty-seven thousand four hundred eighty-three dollars and sixty-four cents",
            ),
        ] {
            assert_eq!(spoken_dollars(cents), words);
        }
    }
}
