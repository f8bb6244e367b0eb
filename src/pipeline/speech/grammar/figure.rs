//! A figure as it is written: whole part with or without commas, and decimals.

use super::{
    lexer::View,
    numbers::{amount, cardinal, digits},
};

/// `1,250.50`: `whole` is "1250", `decimals` is "50".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) whole: String,
    pub(super) decimals: Option<String>,
    pub(super) has_commas: bool,
    /// Tokens.
    pub(super) used: usize,
}

impl Figure {
    /// As an amount.
    pub(super) fn words(&self) -> String {
        let whole = amount(&self.whole);
        match &self.decimals {
            Some(decimals) => format!("{whole} point {}", digits(decimals)),
            None => whole,
        }
    }

    /// As [`Self::words`]; but five digits and more without commas are no amount if no unit tells so.
    pub(super) fn bare_words(&self) -> String {
        if self.whole.len() >= 5 && !self.has_commas && self.decimals.is_none() {
            digits(&self.whole)
        } else {
            self.words()
        }
    }

    /// Whether a unit behind it is in the singular.
    pub(super) fn is_one(&self) -> bool {
        self.whole == "1" && self.decimals.is_none()
    }

    pub(super) fn value(&self) -> Option<f64> {
        let decimals = self.decimals.as_deref().unwrap_or("0");
        format!("{}.{decimals}", self.whole).parse().ok()
    }
}

/// Reads a figure at the view; a point may lead it.
pub(super) fn figure(view: View<'_>) -> Option<Figure> {
    if view.tok(0).is('.') {
        let decimals = view.glued(1)?.digits()?;
        return Some(Figure {
            whole: "0".into(),
            decimals: Some(decimals.into()),
            has_commas: false,
            used: 2,
        });
    }
    let head = view.tok(0).digits()?;
    let mut whole = head.to_owned();
    let mut used = 1;
    while head.len() <= 3 && view.glued(used).is_some_and(|t| t.is(',')) {
        let Some(group) = view.glued(used + 1).and_then(|t| t.digits()) else {
            break;
        };
        if group.len() != 3 {
            break;
        }
        whole.push_str(group);
        used += 2;
    }
    let has_commas = used > 1;
    let point = view.glued(used).is_some_and(|t| t.is('.'));
    let decimals = view
        .glued(used + 1)
        .filter(|_| point)
        .and_then(|t| t.digits())
        .map(str::to_owned);
    if decimals.is_some() {
        used += 2;
    }
    Some(Figure {
        whole,
        decimals,
        has_commas,
        used,
    })
}

/// `½` and its kin: numerator and denominator.
pub(super) fn vulgar(symbol: char) -> Option<(u32, u32)> {
    Some(match symbol {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}

/// "three quarters".
pub(super) fn fraction_words(numerator: u32, denominator: u32) -> String {
    let many = numerator != 1;
    let part = match (denominator, many) {
        (2, false) => "half".to_owned(),
        (2, true) => "halves".to_owned(),
        (4, false) => "quarter".to_owned(),
        (4, true) => "quarters".to_owned(),
        (d, false) => super::numbers::ordinal(u64::from(d)),
        (d, true) => format!("{}s", super::numbers::ordinal(u64::from(d))),
    };
    format!("{} {part}", cardinal(u64::from(numerator)))
}

/// "two and a half", "two and three quarters".
pub(super) fn mixed_words(whole: &str, numerator: u32, denominator: u32) -> String {
    let part = match (numerator, denominator) {
        (1, 2) => "a half".to_owned(),
        (1, 4) => "a quarter".to_owned(),
        (n, d) => fraction_words(n, d),
    };
    format!("{} and {part}", amount(whole))
}
