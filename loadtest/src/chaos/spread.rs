//! A distribution as a report shows it.

use serde::Serialize;

/// Quantiles of some values, by nearest rank; all absent if there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
}

impl Spread {
    /// Of values in any order.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (values.len() as f64 * share).ceil() as usize;
            values
                .get(rank.saturating_sub(1))
                .map(|v| (v * 10.0).round() / 10.0)
        };
        Self {
            count: values.len(),
            p50: rank(0.5),
            p95: rank(0.95),
            max: rank(1.0),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.0}"));
        let (p50, p95, max) = (text(self.p50), text(self.p95), text(self.max));
        write!(f, "{p50} / {p95} / {max} ({})", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let spread = Spread::of((1..=20).rev().map(f64::from));
        assert_eq!(
            (spread.p50, spread.p95, spread.max),
            (Some(10.0), Some(19.0), Some(20.0))
        );
        assert_eq!(Spread::of([]).p95, None);
        assert_eq!(Spread::of([4.0]).p50, Some(4.0));
    }
}
